//! `vault configure sync`: a profile for every account and role, at the portal's pace.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::fake_aws::{Account, Fault};
use crate::support::home::{Home, STANDARD_CONFIG};
use crate::support::run::{Output, Run};

fn sync<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    home.vault(&["configure", "sync"]).args(arguments)
}

fn names(home: &Home) -> Vec<String> {
    let list = home.vault(&["list", "--names"]).output().success();
    list.stdout.lines().map(str::to_owned).collect()
}

fn rules(home: &Home, rules: &str) {
    home.write(".config/vault/config.toml", rules);
}

fn refused(run: Run<'_>, code: i32, texts: &[&str]) -> Output {
    let home_before = run.output().expect_code(code);
    home_before.says(texts)
}

#[test]
fn every_account_and_role_gets_a_profile_and_the_second_run_writes_nothing() {
    let home = Home::signed_in();
    let dry = sync(&home, &["--dry-run"]).output().success();
    assert!(dry.stdout.contains("+[profile prod-admin]\n"), "{dry:?}");
    assert_eq!(home.read(".aws/config"), STANDARD_CONFIG);
    // What the dry run listed is what is written.
    let asked = home.aws.total();
    sync(&home, &[])
        .output()
        .success()
        .says(&["4 profiles written"]);
    assert_eq!(home.aws.total(), asked);
    let all = [
        "dev",
        "prod",
        "dev-developer",
        "dev-read-only",
        "prod-admin",
        "prod-read-only",
    ];
    assert_eq!(names(&home), all);
    assert!(home.read(".aws/config").starts_with(STANDARD_CONFIG));
    home.environment_as("prod-admin");
    let written = fs::metadata(home.path(".aws/config"))
        .unwrap()
        .modified()
        .unwrap();
    sync(&home, &[])
        .output()
        .success()
        .says(&["Nothing to change"]);
    let now = fs::metadata(home.path(".aws/config"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(now, written);
}

#[test]
fn what_appeared_and_what_went_is_said_and_only_syncs_own_is_removed() {
    let home = Home::signed_in();
    home.add_config("[profile prod-read-only]\noutput = json\n");
    let first = sync(&home, &[]).output().success();
    first.says(&["`prod-read-only` was not written by sync"]);
    let config = home.read(".aws/config");
    home.write(
        ".aws/config",
        &config.replace(
            "[profile prod-admin]\n",
            "[profile prod-admin]\noutput = table\n",
        ),
    );
    home.aws.configure(|behaviour| {
        behaviour.accounts[0].roles = vec!["Operator".to_owned()];
    });
    let run = sync(&home, &[]).output().success();
    run.says(&[
        "New: dev-operator, Operator in dev",
        "No longer yours: dev-developer",
        "--prune",
    ]);
    assert!(names(&home).contains(&"dev-developer".to_owned()));
    // A run that looks at another account says nothing about this one.
    sync(&home, &["--prune", "--account", "prod"])
        .output()
        .success();
    assert!(names(&home).contains(&"dev-developer".to_owned()));
    sync(&home, &["--prune"])
        .output()
        .success()
        .says(&["No longer yours: dev-developer (removed)"]);
    assert_eq!(
        names(&home),
        [
            "dev",
            "prod",
            "prod-read-only",
            "prod-admin",
            "dev-operator"
        ]
    );
    let config = home.read(".aws/config");
    assert!(
        config.contains("[profile prod-read-only]\noutput = json\n"),
        "{config}"
    );
    assert!(
        config.contains("[profile prod-admin]\noutput = table\n"),
        "{config}"
    );
}

#[test]
fn names_accounts_roles_and_regions_go_by_the_rules() {
    let home = Home::signed_in();
    rules(
        &home,
        "[configure]\nprofile_name = \"{role_name|lower}@{account_name}\"\n\
                  exclude_role = [\"readonly\"]\n[[configure.region]]\naccount = \"p*\"\nregion = \"eu-west-2\"\n",
    );
    sync(&home, &["--region", "us-east-1"]).output().success();
    assert_eq!(names(&home), ["dev", "prod", "developer@dev", "admin@prod"]);
    assert_eq!(home.environment_as("admin@prod")["AWS_REGION"], "eu-west-2");
    assert_eq!(
        home.environment_as("developer@dev")["AWS_REGION"],
        "us-east-1"
    );
    // The rules changed: a key that sync is answerable for follows them.
    rules(
        &home,
        "[configure]\nprofile_name = \"{role_name|lower}@{account_name}\"\n\
                  exclude_role = [\"readonly\"]\n[[configure.region]]\nregion = \"eu-west-3\"\n",
    );
    sync(&home, &[])
        .output()
        .success()
        .says(&["Changed: admin@prod: region = eu-west-3"]);
}

#[test]
fn what_can_not_be_meant_is_an_error_and_changes_nothing() {
    let home = Home::signed_in();
    refused(
        sync(&home, &["--profile-name", "{role_name}"]),
        1,
        &[
            "two profiles would be called `ReadOnly`: ReadOnly in dev (111111111111) and ReadOnly in prod (222222222222)",
            "hint: ",
        ],
    );
    refused(
        sync(&home, &["--profile-name", "{role}"]),
        1,
        &["there is no field `{role}`"],
    );
    refused(
        sync(&home, &["--profile-name", "{role_name|up}"]),
        1,
        &["there is no filter `up`"],
    );
    refused(
        sync(&home, &["--profile-name", "{account_name|trim_prefix:dev}"]),
        1,
        &["it is empty"],
    );
    refused(
        sync(&home, &["--account", "[a"]),
        1,
        &["`[a` is not a pattern"],
    );
    refused(
        sync(&home, &["--account", "nobody"]),
        1,
        &["no role that you may use through corp"],
    );
    refused(
        sync(&home, &["--region", "nowhere"]),
        2,
        &["there is no such region"],
    );
    refused(sync(&home, &["crop"]), 1, &["did you mean `corp`?"]);
    rules(&home, "[configure]\nprofil_name = \"x\"\n");
    refused(
        sync(&home, &[]),
        1,
        &["config.toml`: line 2: unknown field `profil_name`"],
    );
    rules(&home, "[[configure.region]]\nregion = \"eu-wst-1\"\n");
    refused(
        sync(&home, &[]),
        1,
        &["`eu-wst-1` in config.toml is no region", "`eu-west-1`"],
    );
    rules(&home, "");
    assert_eq!(home.read(".aws/config"), STANDARD_CONFIG);
    let broken = format!("{STANDARD_CONFIG}\nno key here\n");
    home.write(".aws/config", &broken);
    refused(sync(&home, &[]), 1, &[".aws/config:"]);
    assert_eq!(home.read(".aws/config"), broken);
}

#[test]
fn nobody_signed_in_is_exit_4_and_a_dead_token_is_renewed_on_the_way() {
    let home = Home::consenting();
    refused(
        sync(&home, &[]),
        4,
        &["no one is signed in to corp", "vault login corp"],
    );
    home.sign_in();
    let rejected = "{\"message\": \"Session token not found or invalid\"}".to_owned();
    home.aws
        .fault("ListAccountRoles", Fault::Json(401, rejected), 1);
    sync(&home, &[])
        .output()
        .success()
        .says(&["4 profiles written"]);
    home.aws.revoke_access_tokens();
    home.aws.revoke_refresh_tokens();
    refused(sync(&home, &[]), 4, &["no one is signed in to corp"]);
}

#[test]
fn trouble_is_said_and_an_account_that_is_refused_keeps_its_profiles() {
    let home = Home::signed_in();
    sync(&home, &[]).output().success();
    let before = home.read(".aws/config");
    let forbidden = Fault::Json(403, "{\"message\": \"No access\"}".into());
    home.aws.fault("ListAccountRoles", forbidden, 2);
    let run = sync(&home, &["--prune"]).output().success();
    run.says(&[
        "does not say which roles you have in 111111111111, 222222222222",
        "stay as they are",
    ]);
    assert_eq!(home.read(".aws/config"), before);
    home.aws.fault("ListAccounts", Fault::CaptivePage, 1);
    refused(sync(&home, &[]), 1, &["with a web page"]);
    home.aws.fault("ListAccounts", Fault::Status(500), 2);
    sync(&home, &[]).output().success();
    home.aws.fault("ListAccounts", Fault::Status(500), 3);
    refused(
        sync(&home, &[]),
        1,
        &["cannot answer ListAccounts (HTTP 500)"],
    );
    home.aws.fault("ListAccounts", Fault::Throttle, usize::MAX);
    let patient = sync(&home, &[]).time_limit(Duration::from_secs(90));
    refused(
        patient,
        1,
        &["ListAccounts is throttled by the server", "wait a minute"],
    );
    assert_eq!(home.read(".aws/config"), before);
}

#[test]
fn a_large_organisation_is_listed_at_the_portals_pace_and_none_is_lost() {
    let home = Home::signed_in();
    home.aws.configure(|behaviour| {
        behaviour.accounts = Account::organisation(60);
        behaviour.portal_requests_per_second = 10;
    });
    let run = sync(&home, &[]).time_limit(Duration::from_secs(120));
    run.output().success().says(&["180 profiles written"]);
    let asked = home.aws.requests("ListAccountRoles");
    let answered = asked.iter().filter(|request| request.status == 200).count();
    assert_eq!(answered, 60);
    // It began at twice what is allowed, and slowed down: not each refusal cost another.
    let refused = asked.len() - answered;
    assert!((1..=40).contains(&refused), "{refused} refusals");
}

#[test]
fn ctrl_c_leaves_the_configuration_and_what_was_listed_is_not_asked_again() {
    let home = Home::signed_in();
    home.aws
        .configure(|behaviour| behaviour.accounts = Account::organisation(60));
    let mut terminal = sync(&home, &[]).on_terminal();
    terminal.expect("a second, ");
    let deadline = Instant::now() + Duration::from_secs(30);
    while home.aws.count("ListAccountRoles") < 25 {
        assert!(Instant::now() < deadline, "it does not go on");
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
    assert_eq!(home.read(".aws/config"), STANDARD_CONFIG);
    let answered = |home: &Home| {
        let asked = home.aws.requests("ListAccountRoles");
        asked.iter().filter(|request| request.status == 200).count()
    };
    let before = answered(&home);
    sync(&home, &[])
        .output()
        .success()
        .says(&["180 profiles written"]);
    assert_eq!(home.aws.count("ListAccounts"), 1);
    // Those that were under way when it was interrupted are asked for again.
    let again = answered(&home) - (60 - before);
    assert!(again <= before + 17, "{again}, {before}");
    assert!(answered(&home) <= 60 + 17, "{}", answered(&home));
}

#[test]
fn a_profile_that_includes_one_of_syncs_is_the_persons_own() {
    let home = Home::signed_in();
    sync(&home, &[]).output().success();
    let mine = "[profile mine]\ninclude_profile = dev-developer\noutput = json\n";
    home.add_config(mine);
    sync(&home, &["--prune"]).output().success();
    assert!(home.read(".aws/config").ends_with(mine));
}

#[test]
fn prune_takes_everything_away_only_where_that_was_said() {
    let home = Home::signed_in();
    sync(&home, &[]).output().success();
    let before = home.read(".aws/config");
    let rules_that_fit_nothing: &[&str] = &["--prune", "--role", "*", "--exclude-role", "*"];
    let texts = [
        "`--prune` would remove all 4 profiles that sync wrote for corp",
        "`--force`",
    ];
    rules(&home, "[configure]\nexclude_role = [\"*\"]\n");
    refused(sync(&home, &["--prune"]), 1, &texts);
    rules(&home, "");
    home.aws.configure(|behaviour| behaviour.accounts.clear());
    refused(sync(&home, &["--prune"]), 1, &texts);
    refused(
        sync(&home, &[]),
        1,
        &["no role that you may use through corp"],
    );
    assert_eq!(home.read(".aws/config"), before);
    let dry = sync(&home, &["--prune", "--dry-run"]).output().success();
    assert!(dry.stdout.contains("-[profile prod-admin]\n"), "{dry:?}");
    dry.says(&["prod-admin (would be removed)"]);
    // Options that fit nothing look at nothing, and what was not looked at stays.
    let nothing = sync(&home, rules_that_fit_nothing);
    refused(nothing, 1, &["no role that you may use through corp"]);
    assert_eq!(home.read(".aws/config"), before);
    sync(&home, &["--prune", "--force"])
        .output()
        .success()
        .says(&["4 removed"]);
    // But for the empty line between the two.
    assert_eq!(home.read(".aws/config"), format!("{STANDARD_CONFIG}\n"));
}

#[test]
fn what_happens_to_each_profile_is_said_as_it_is() {
    let home = Home::signed_in();
    home.add_config(
        "[profile prod-admin]\nsso_session = corp\nsso_account_id = 222222222222\n\
         sso_role_name = Admin\n\n[profile dev-developer]\nvault_sync = other\n",
    );
    let first = sync(&home, &[]).output().success();
    let first = first.says(&[
        "`dev-developer` was written by the sync of `other`",
        "2 profiles written",
        "2 of them have no region: `--region`, or a rule in config.toml",
    ]);
    // Somebody wrote by hand what sync would have written.
    assert!(!first.stderr.contains("`prod-admin`"), "{first:#?}");
    rules(
        &home,
        "[configure]\nprofile_name = \"{account_name}_{role_name|kebab}\"\nexclude_account = [\"dev\"]\n",
    );
    sync(&home, &[]).output().success().says(&[
        "No longer yours, or left out by the rules: dev-read-only",
        "Called prod_read-only now: prod-read-only",
    ]);
    rules(&home, "[configure]\nexclude_role = [\"ReadOnly\"]\n");
    sync(&home, &[])
        .output()
        .success()
        .says(&["Left out by the rules: prod-read-only"]);
}

#[test]
fn a_name_that_a_command_line_would_take_for_an_option_is_refused() {
    let home = Home::signed_in();
    let template = "{account_name|trim_prefix:prod}-{role_name}";
    let run = sync(&home, &["--profile-name", template]);
    refused(run, 1, &["`-Admin`", "it begins with a hyphen"]);
    assert_eq!(home.read(".aws/config"), STANDARD_CONFIG);
}

#[test]
fn syncs_at_once_write_each_profile_once() {
    let home = Home::signed_in();
    home.aws.configure(|behaviour| {
        behaviour.accounts = Account::organisation(10);
        behaviour.portal_requests_per_second = 100;
    });
    let running: Vec<_> = (0..3).map(|_| sync(&home, &[]).start()).collect();
    for run in running {
        run.wait().success();
    }
    let names = names(&home);
    assert_eq!(names.len(), 32);
    let config = home.read(".aws/config");
    for name in names {
        let header = format!("[profile {name}]\n");
        assert_eq!(config.matches(&header).count(), 1, "{name}");
    }
}

#[test]
fn another_vault_that_writes_meanwhile_loses_nothing() {
    let home = Home::signed_in();
    home.aws
        .configure(|behaviour| behaviour.accounts = Account::organisation(30));
    let run = sync(&home, &[]).start();
    let deadline = Instant::now() + Duration::from_secs(30);
    while home.aws.count("ListAccountRoles") < 3 {
        assert!(Instant::now() < deadline, "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let words = [
        "configure",
        "--sso-session",
        "corp",
        "--account",
        "100000000001",
        "--role",
        "Admin",
        "--profile",
        "team-0002-admin",
    ];
    home.vault(&words).output().success();
    let said = run.wait().success();
    said.says(&[
        "`team-0002-admin` was not written by sync",
        "89 profiles written",
    ]);
    assert_eq!(names(&home).len(), 92);
    // One is there by hand, under the name of another.
    assert!(home.read(".aws/config").contains(
        "[profile team-0002-admin]\nsso_session = corp\nsso_account_id = 100000000001\n"
    ));
}

#[test]
fn a_portal_that_hangs_costs_one_attempt_and_none_is_lost() {
    let home = Home::signed_in();
    home.aws.fault("ListAccountRoles", Fault::Hang, 1);
    let run = sync(&home, &[]).output().success();
    run.says(&["4 profiles written"]);
}

#[test]
fn a_file_that_can_not_be_written_costs_no_second_listing() {
    let home = Home::signed_in();
    let path = home.path(".aws/config");
    let mode = |mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(&path, mode).unwrap();
    };
    mode(0o400);
    let run = sync(&home, &[]);
    refused(run, 1, &["cannot write", ".aws/config", "it is read-only"]);
    let asked = home.aws.total();
    mode(0o600);
    sync(&home, &[])
        .output()
        .success()
        .says(&["4 profiles written"]);
    assert_eq!(home.aws.total(), asked);
}

/// A bar on a terminal, with rate and time left; elsewhere a line now and then; and nothing with `-q`.
#[test]
fn how_far_it_is_is_shown_as_the_place_allows() {
    let home = Home::signed_in();
    let listed = |run: Run<'_>| {
        home.aws.configure(|behaviour| {
            behaviour.accounts = Account::organisation(70);
            behaviour.portal_requests_per_second = 12;
        });
        let dry = run.args(&["--dry-run"]).time_limit(Duration::from_secs(90));
        let run = dry.env("TERM", "xterm-256color");
        let ended = run.on_terminal().wait();
        assert_eq!(ended.code, 0, "{}", ended.screen);
        ended.screen
    };
    let bar = listed(sync(&home, &[]));
    assert!(
        bar.contains(" of 70, ") && bar.contains(" a second, "),
        "{bar}"
    );
    assert!(bar.contains("=>"), "{bar}");
    let plain = listed(sync(&home, &["--color", "never"]));
    assert!(!plain.contains("=>"), "{plain}");
    let line = "Roles in corp's accounts: ";
    assert!(plain.contains(line) && plain.contains(" left"), "{plain}");
    let quiet = listed(sync(&home, &["-q"]));
    assert!(!quiet.contains(" of 70"), "{quiet}");
}

#[test]
fn the_diff_is_one_that_patch_takes_and_has_colours_on_a_terminal_alone() {
    let home = Home::signed_in();
    home.write(
        ".aws/config",
        &STANDARD_CONFIG.trim_end().replace('\n', "\r\n"),
    );
    let dry = ["--region", "eu-west-1", "--dry-run"];
    let diff = sync(&home, &dry).output().success().stdout;
    assert!(diff.contains("\\ No newline at end of file"), "{diff:?}");
    home.write("diff", &diff);
    let path = |name: &str| home.path(name).display().to_string();
    let (patched, config) = (path("patched"), path(".aws/config"));
    let mut patch = std::process::Command::new("patch");
    let patch = patch.args(["--binary", "-o", &patched, &config, &path("diff")]);
    assert!(patch.status().expect("the package patch").success());
    let mut terminal = sync(&home, &dry)
        .env("TERM", "xterm-256color")
        .on_terminal();
    terminal.expect("would be written");
    let screen = String::from_utf8(terminal.raw_screen()).unwrap();
    assert_eq!(terminal.wait().code, 0);
    for line in ["\x1b[32m+[profile prod-admin]", "\x1b[36m@@ "] {
        assert!(screen.contains(line), "{screen:?}");
    }
    sync(&home, &dry[..2]).output().success();
    assert_eq!(home.read(".aws/config"), home.read("patched"));
}

#[test]
fn a_role_that_is_assigned_after_a_dry_run_is_in_the_next_one() {
    let home = Home::signed_in();
    let dry = sync(&home, &["--dry-run"]).output().success();
    assert!(!dry.stdout.contains("[profile new-admin]"), "{dry:#?}");
    let new = Account::new("333333333333", "new", &["Admin"]);
    home.aws.configure(|behaviour| behaviour.accounts.push(new));
    let dry = sync(&home, &["--dry-run"]).output().success();
    assert!(dry.stdout.contains("+[profile new-admin]"), "{dry:#?}");
    sync(&home, &[]).output().success();
    assert!(names(&home).contains(&"new-admin".to_owned()));
}

#[test]
fn who_needs_a_profile_that_prune_takes_away_is_named() {
    let home = Home::signed_in();
    sync(&home, &[]).output().success();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/R\n\
         source_profile = dev-developer\n[profile copy]\ninclude_profile = dev-developer\n",
    );
    home.aws.configure(|behaviour| {
        behaviour
            .accounts
            .retain(|account| account.name.as_deref() != Some("dev"));
    });
    for arguments in [&["--prune", "--dry-run"][..], &["--prune"]] {
        sync(&home, arguments).output().success().says(&[
            "`deploy` needs `dev-developer`, which does not stay: name another `source_profile`",
            "`copy` needs `dev-developer`",
        ]);
    }
    // Now it is `doctor`'s to say.
    let after = sync(&home, &["--prune"]).output().success();
    assert!(!after.stderr.contains("deploy"), "{after:#?}");
}
