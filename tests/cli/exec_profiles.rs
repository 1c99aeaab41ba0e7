//! `vault exec` and profiles: which one is meant, whose credentials a command gets, and when they
//! are fetched.

use std::time::Duration;

use crate::support::fake_aws::Fault;
use crate::support::home::{Home, STANDARD_CONFIG};
use crate::support::scenes::variables;

const ROLES: &str = "
[profile partner]
role_arn = arn:aws:iam::333333333333:role/Partner
source_profile = dev
external_id = partner-7
duration_seconds = 1800
role_session_name = alice@example.com
region = us-east-2

[profile deployer]
role_arn = arn:aws:iam::333333333333:role/Deployer
source_profile = dev

[profile \"behind two\"]
role_arn = arn:aws:iam::333333333333:role/LongRun
source_profile = deployer
";

/// A home that is signed in, with roles to assume.
fn with_roles() -> Home {
    let home = Home::signed_in();
    home.add_config(ROLES);
    home
}

/// The key that a command gets; AWS logs it, it is no secret.
#[track_caller]
fn key_of(home: &Home, profile: &str) -> String {
    home.environment_as(profile)["AWS_ACCESS_KEY_ID"].clone()
}

#[test]
fn aws_profile_is_meant_where_none_is_named() {
    let home = Home::signed_in();
    let exec = |arguments: &[&str]| {
        let run = home.vault(&["exec"]).args(arguments);
        let run = run.args(&["--", "sh", "-c", "echo $AWS_VAULT"]);
        run.env("AWS_PROFILE", "prod").output().success().stdout
    };
    assert_eq!(exec(&[]), "prod\n");
    assert_eq!(exec(&["dev"]), "dev\n", "the one named is stronger");
}

#[test]
fn an_unknown_profile_is_an_error_that_names_the_closest_and_never_default() {
    let home = Home::signed_in();
    home.add_config(
        "[default]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Developer\n",
    );
    let before = home.aws.total();
    let output = home.exec("pord", &["true"]).output().expect_code(125);
    output.says(&["error: there is no profile `pord`", "hint: ", "`prod`"]);
    let run = home
        .vault(&["exec", "--", "true"])
        .env("AWS_PROFILE", "nothing-like-it");
    run.output()
        .expect_code(125)
        .says(&["`nothing-like-it`", "vault list"]);
    assert_eq!(home.aws.total(), before);
    assert_eq!(home.environment_as("default")["AWS_VAULT"], "default");
}

#[test]
fn without_a_profile_and_a_terminal_it_is_a_mistake_of_the_command_line() {
    let home = Home::signed_in();
    let output = home
        .vault(&["exec", "--", "true"])
        .output()
        .expect_code(125);
    output.says(&["error: no profile is named", "hint: ", "AWS_PROFILE"]);
    let run = home.vault(&["exec", "--no-input", "--", "true"]);
    let ended = run.on_terminal().wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    // The first one on a new machine.
    home.write(".aws/config", "");
    for command in [&["exec", "--", "true"][..], &["exec", "prod", "--", "true"]] {
        let output = home.vault(command).output().expect_code(125);
        output.says(&["there is no profile at all yet: `vault configure` writes one"]);
    }
}

#[test]
fn without_a_profile_a_person_picks_one_by_typing_a_part_of_it() {
    let home = Home::signed_in();
    let run = home.vault(&["exec", "--", "sh", "-c", "echo as $AWS_VAULT"]);
    let mut terminal = run.on_terminal();
    terminal.expect("Profile");
    terminal.types("pro");
    terminal.enter("");
    terminal.expect("as prod");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn who_leaves_the_picker_is_not_told_off() {
    let home = Home::signed_in();
    let mut terminal = home.vault(&["exec", "--", "echo", "ran"]).on_terminal();
    terminal.expect("Profile");
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 130, "{}", ended.screen);
    assert!(!ended.screen.contains("error"), "{}", ended.screen);
}

#[test]
fn profiles_of_one_sign_in_get_credentials_of_their_own() {
    let home = Home::signed_in();
    let (dev, prod) = (key_of(&home, "dev"), key_of(&home, "prod"));
    assert_ne!(dev, prod);
    assert_eq!((key_of(&home, "dev"), key_of(&home, "prod")), (dev, prod));
    let asked = home.aws.requests("GetRoleCredentials");
    let whose: Vec<_> = asked
        .iter()
        .map(|r| (r.parameter("account_id"), r.parameter("role_name")))
        .collect();
    let pair = |account: &str, role: &str| (Some(account.to_owned()), Some(role.to_owned()));
    assert_eq!(
        whose,
        [
            pair("111111111111", "Developer"),
            pair("222222222222", "Admin")
        ]
    );
}

#[test]
fn fresh_fetches_new_credentials_which_are_then_kept() {
    let home = Home::signed_in();
    let old = key_of(&home, "dev");
    let run = home.vault(&["exec", "--fresh", "dev", "--", "env", "-0"]);
    let new = variables(run)["AWS_ACCESS_KEY_ID"].clone();
    assert_ne!(old, new);
    assert_eq!(key_of(&home, "dev"), new);
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn credentials_near_their_end_are_fetched_anew() {
    let home = Home::signed_in();
    let four_minutes = Duration::from_secs(240);
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = four_minutes);
    assert_ne!(key_of(&home, "dev"), key_of(&home, "dev"));
    let six_minutes = Duration::from_secs(360);
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = six_minutes);
    assert_eq!(key_of(&home, "dev"), key_of(&home, "dev"));
}

#[test]
fn a_profile_edited_to_another_account_or_role_never_gets_the_old_ones_credentials() {
    let home = Home::signed_in();
    let old = key_of(&home, "dev");
    let edits = [
        ("= 111111111111", "= 222222222222"),
        ("= Developer", "= ReadOnly"),
    ];
    let mut seen = vec![old.clone()];
    let mut config = STANDARD_CONFIG.to_owned();
    config = config.replace("= Developer", "= ReadOnly");
    for (from, to) in edits {
        config = config.replace(from, to);
        home.write(".aws/config", &config);
        let key = key_of(&home, "dev");
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    assert_eq!(seen.len(), 2, "an edited profile got credentials of before");
    let asked = home.aws.requests("GetRoleCredentials");
    assert_eq!(
        asked.last().unwrap().parameter("account_id").as_deref(),
        Some("222222222222")
    );
    home.write(".aws/config", STANDARD_CONFIG);
    assert_eq!(key_of(&home, "dev"), old, "and they are still there");
}

#[test]
fn a_role_is_assumed_the_way_the_profile_says_and_kept() {
    let home = with_roles();
    let got = home.environment_as("partner");
    let asked = home.aws.requests("AssumeRole");
    let [asked] = &asked[..] else {
        panic!("{} requests", asked.len());
    };
    let parameter = |name| asked.parameter(name).unwrap_or_default();
    assert_eq!(
        parameter("RoleArn"),
        "arn:aws:iam::333333333333:role/Partner"
    );
    assert_eq!(parameter("ExternalId"), "partner-7");
    assert_eq!(parameter("DurationSeconds"), "1800");
    assert_eq!(parameter("RoleSessionName"), "alice@example.com");
    assert_eq!(got["AWS_VAULT"], "partner");
    assert_eq!(got["AWS_REGION"], "us-east-2");
    let before = home.aws.total();
    assert_eq!(key_of(&home, "partner"), got["AWS_ACCESS_KEY_ID"]);
    assert_eq!(home.aws.total(), before);
}

#[test]
fn roles_are_assumed_one_from_the_other() {
    let home = with_roles();
    home.exec("behind two", &["true"]).output().success();
    let asked = home.aws.requests("AssumeRole");
    let roles: Vec<_> = asked
        .iter()
        .filter_map(|r| r.parameter("RoleArn"))
        .collect();
    let arn = |name: &str| format!("arn:aws:iam::333333333333:role/{name}");
    assert_eq!(roles, [arn("Deployer"), arn("LongRun")]);
    let session = asked[1].parameter("RoleSessionName").unwrap();
    assert!(session.contains("behind-two"), "{session}");
    // What lies on the way is kept too.
    let before = home.aws.total();
    home.exec("deployer", &["true"]).output().success();
    home.exec("dev", &["true"]).output().success();
    assert_eq!(home.aws.total(), before);
}

#[test]
fn a_role_that_does_not_trust_the_profile_is_named() {
    let home = with_roles();
    home.add_config(
        "[profile stranger]\nrole_arn = arn:aws:iam::333333333333:role/Partner\nsource_profile = dev\n",
    );
    let output = home.exec("stranger", &["true"]).output().expect_code(125);
    output.says(&[
        "error: no credentials for profile `stranger`",
        "cannot assume `arn:aws:iam::333333333333:role/Partner`",
        "is not authorized to perform: sts:AssumeRole",
        "hint: ",
    ]);
}

#[test]
fn what_sts_does_not_take_is_not_laid_on_the_trust_policy() {
    let home = with_roles();
    let key = home.aws.add_user_key("444444444444", "jo");
    let id = &key.id;
    home.write(
        ".aws/credentials",
        &format!("[wrong]\naws_access_key_id = {id}\naws_secret_access_key = not-it\n"),
    );
    let role = "role_arn = arn:aws:iam::333333333333:role/Deployer";
    home.add_config(&format!(
        "[profile tagged]\n{role}\nsource_profile = dev\ntransitive_session_tags = a\n\
         [profile keyed]\n{role}\nsource_profile = wrong\n"
    ));
    let refusal = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
        <Type>Sender</Type><Code>ValidationError</Code><Message>The transitive tag keys are not among \
        the tags</Message></Error></ErrorResponse>";
    home.aws
        .fault("AssumeRole", Fault::Json(400, refusal.to_owned()), 1);
    for (profile, says) in [
        (
            "tagged",
            [
                "The transitive tag keys",
                "hint: check what the profile says of the role",
            ],
        ),
        (
            "keyed",
            [
                "signature",
                "hint: it is the credentials that the role is assumed with",
            ],
        ),
    ] {
        let output = home.exec(profile, &["true"]).output().expect_code(125);
        assert!(!output.stderr.contains("trusts"), "{output:?}");
        output
            .says(&["cannot assume `arn:aws:iam::333333333333:role/Deployer`"])
            .says(&says);
    }
}

#[test]
fn a_role_over_a_source_that_says_nothing_names_that_source() {
    let home = with_roles();
    home.add_config(
        "[profile bare]\nregion = eu-west-1\n[profile x]\n\
         role_arn = arn:aws:iam::333333333333:role/R\nsource_profile = bare\n",
    );
    let output = home.exec("x", &["true"]).output().expect_code(125);
    output.says(&[
        "error: no credentials for profile `x`",
        "profile `bare` does not say where its credentials come from",
        "to `bare`",
    ]);
}

#[test]
fn the_duration_is_the_options_else_the_variables_else_the_profiles() {
    let home = with_roles();
    let exec = |options: &[&str], variable: &str| {
        let run = home
            .vault(&["exec", "partner"])
            .args(options)
            .args(&["--", "true"]);
        run.env("AWS_VAULT_DURATION", variable).output().success();
        let asked = home.aws.requests("AssumeRole");
        asked.last().unwrap().parameter("DurationSeconds").unwrap()
    };
    assert_eq!(exec(&["-d", "20m"], "1000"), "1200");
    assert_eq!(exec(&[], "1000"), "1000");
    assert_eq!(exec(&["--duration=15m30s"], ""), "930");
    assert_eq!(exec(&[], ""), "1800");
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn a_wish_that_cannot_be_met_is_said_and_the_command_runs() {
    let home = with_roles();
    let run = home.vault(&["exec", "dev", "-d", "2h", "--", "true"]);
    run.output()
        .success()
        .says(&["--duration", "permission set"]);
    let run = home.vault(&["exec", "deployer", "-d", "2h", "--", "true"]);
    run.output().success().says(&["1 h"]);
    let asked = home.aws.requests("AssumeRole");
    assert_eq!(
        asked[0].parameter("DurationSeconds").as_deref(),
        Some("3600")
    );
    // A variable that holds for every profile is no wish of this run.
    let run = home.exec("dev", &["true"]).env("AWS_VAULT_DURATION", "2h");
    run.output().success().silent();
}

#[test]
fn what_is_no_duration_is_a_mistake_of_the_command_line() {
    let home = with_roles();
    for wrong in ["soon", "0", "1x", "-5", ""] {
        let option = format!("--duration={wrong}");
        let output = home
            .vault(&["exec", "deployer", &option, "--", "true"])
            .output();
        output.expect_code(125).says(&["error: ", "--duration"]);
    }
    // Whether what it is meant for lets one choose or not, and is cached or not.
    home.exec("dev", &["true"]).output().success();
    for profile in ["deployer", "dev"] {
        let run = home
            .exec(profile, &["true"])
            .env("AWS_VAULT_DURATION", "soon");
        run.output()
            .expect_code(125)
            .says(&["AWS_VAULT_DURATION", "`soon`"]);
    }
}

#[test]
fn what_sts_can_not_take_of_a_role_is_said_with_its_line_before_anybody_is_asked() {
    let home = Home::new();
    let long = "x".repeat(65);
    for (line, what) in [
        (
            "role_session_name = two words",
            "role_session_name: `two words` is not 2 to 64 letters, digits and `_+=,.@-`",
        ),
        (
            &format!("source_identity = {long}"),
            "source_identity: `xxx",
        ),
        (
            "external_id = a",
            "external_id: `a` is not 2 to 1224 letters, digits and `_+=,.@-:/`",
        ),
    ] {
        home.write(
            ".aws/config",
            &format!(
                "{}[profile r]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
                 source_profile = dev\n{line}\n",
                STANDARD_CONFIG
            ),
        );
        let output = home.exec("r", &["true"]).output().expect_code(125);
        output.says(&["/.aws/config:", what, "hint: mend `"]);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_mistake_on_execs_command_line_is_125_and_not_2() {
    let home = Home::new();
    home.vault(&["exec", "dev", "--no-such-option"])
        .output()
        .expect_code(125);
    home.vault(&["exec", "dev", "prod", "--", "true"])
        .output()
        .expect_code(125);
    home.vault(&["--backend", "nowhere", "exec", "dev", "--", "true"])
        .output()
        .expect_code(125)
        .says(&["nowhere"]);
}

/// A profile that says where the services are says it for itself: what an `exec` around this one
/// set for its own profile is not meant for the inner one's requests.
#[test]
fn inside_an_exec_the_inner_profiles_services_are_asked() {
    let home = Home::signed_in();
    let vault = env!("CARGO_BIN_EXE_vault");
    let here = home.aws.url();
    home.add_config(&format!(
        "[profile outer]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Developer\nservices = elsewhere\n\
         [services elsewhere]\nsso =\n  endpoint_url = http://127.0.0.1:1\n\
         [profile inner]\nsso_session = corp\nsso_account_id = 222222222222\n\
         sso_role_name = Admin\nservices = here\n\
         [services here]\nsso =\n  endpoint_url = {here}\n"
    ));
    let nested = home.exec("outer", &[vault, "exec", "inner", "--", "true"]);
    nested.output().success().silent();
}
