//! `vault list` and `vault clear`: what there is, what is cached, and how it goes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::home::Home;

const EVERY_SOURCE: &str = "
[profile role]
role_arn = arn:aws:iam::333333333333:role/path/Deployer
source_profile = dev
[profile keys-of-config]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = made-up
[profile web]
role_arn = arn:aws:iam::333333333333:role/Deployer
web_identity_token_file = /no/such/file
[profile process]
credential_process = /no/such/program
[profile console]
login_session = arn:aws:sts::111111111111:assumed-role/Admin/alice
[profile empty]
region = us-east-1
[default]
region = us-east-2
";

fn json(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let output = home
        .vault(&["list", "--json"])
        .args(arguments)
        .output()
        .success();
    let value: Value = serde_json::from_str(&output.stdout).unwrap();
    value.as_array().expect("an array").clone()
}

#[track_caller]
fn row<'r>(rows: &'r [Value], profile: &str) -> &'r Value {
    let found = rows.iter().find(|row| row["profile"] == profile);
    found.unwrap_or_else(|| panic!("`{profile}` is not in {rows:#?}"))
}

/// The table as cells, without its header.
fn table(home: &Home, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = home.vault(&["list"]).args(arguments).output().success();
    let mut lines = output.stdout.lines();
    let header: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        header,
        ["PROFILE", "ACCOUNT", "ROLE", "SOURCE", "CREDENTIALS"]
    );
    let cells = |line: &str| {
        line.split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    lines.map(cells).collect()
}

#[test]
fn the_table_says_whose_credentials_a_profile_has_and_how_long() {
    let home = Home::signed_in();
    let life = Duration::from_secs(41 * 60 + 30);
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = life);
    home.exec("dev", &["true"]).output().success();
    let rows = table(&home, &[]);
    assert_eq!(
        rows[0],
        ["dev", "111111111111", "Developer", "sso", "41m left"]
    );
    assert_eq!(rows[1], ["prod", "222222222222", "Admin", "sso", "-"]);
    let (list, ls) = (home.vault(&["list"]).output(), home.vault(&["ls"]).output());
    assert_eq!(list.success().stdout, ls.success().stdout);
}

#[test]
fn the_json_has_every_field_and_null_where_nothing_is_known() {
    let home = Home::consenting();
    let fields = [
        "profile",
        "account_id",
        "role_name",
        "source",
        "sso_session",
        "region",
        "expires_at",
        "signed_in_until",
    ];
    let before = json(&home, &[]);
    let expected = json!({
        "profile": "dev", "account_id": "111111111111", "role_name": "Developer", "source": "sso",
        "sso_session": "corp", "region": "eu-central-1", "expires_at": null, "signed_in_until": null,
    });
    assert_eq!(*row(&before, "dev"), expected);
    home.sign_in();
    home.exec("dev", &["true"]).output().success();
    let rows = json(&home, &[]);
    for name in ["expires_at", "signed_in_until"] {
        let end = row(&rows, "dev")[name].as_str().unwrap();
        assert!(
            end.ends_with('Z') && end.parse::<jiff::Timestamp>().is_ok(),
            "{name}: {end}"
        );
    }
    assert_eq!(row(&rows, "prod")["expires_at"], Value::Null);
    assert_eq!(
        row(&rows, "prod")["signed_in_until"],
        row(&rows, "dev")["signed_in_until"]
    );
    for row in &rows {
        let names: Vec<_> = row.as_object().unwrap().keys().collect();
        assert!(
            fields.iter().all(|field| row.get(field).is_some()),
            "{names:?}"
        );
        assert_eq!(names.len(), fields.len(), "{names:?}");
    }
}

#[test]
fn every_source_has_its_word() {
    let home = Home::new();
    home.add_config(EVERY_SOURCE);
    home.write(
        ".aws/credentials",
        "[keys]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = made-up\n",
    );
    let rows = json(&home, &[]);
    let words = [
        ("dev", "sso"),
        ("role", "assume-role"),
        ("keys", "access-key"),
        ("keys-of-config", "access-key"),
        ("web", "web-identity"),
        ("process", "credential-process"),
        ("console", "login-session"),
        ("empty", "none"),
        ("default", "none"),
    ];
    for (profile, word) in words {
        assert_eq!(row(&rows, profile)["source"], word, "{profile}");
    }
    assert_eq!(row(&rows, "role")["sso_session"], "corp");
    assert_eq!(row(&rows, "default")["region"], "us-east-2");
}

#[test]
fn the_account_and_the_role_are_those_that_the_files_name() {
    let home = Home::new();
    home.add_config(EVERY_SOURCE);
    home.add_config("[profile user]\nlogin_session = arn:aws:iam::111111111111:user/team/jo\n");
    let rows = json(&home, &[]);
    let whose = [
        ("role", json!("333333333333"), json!("Deployer")),
        ("web", json!("333333333333"), json!("Deployer")),
        ("console", json!("111111111111"), json!("Admin")),
        ("user", json!("111111111111"), Value::Null),
        ("process", Value::Null, Value::Null),
    ];
    for (profile, account, role) in whose {
        let row = row(&rows, profile);
        assert_eq!(
            (&row["account_id"], &row["role_name"]),
            (&account, &role),
            "{profile}"
        );
    }
}

#[test]
fn names_are_printed_alone_for_scripts() {
    let home = Home::new();
    home.add_config("[profile my team]\nregion = x\n[profile \"with spaces\"]\nregion = x\n");
    let output = home.vault(&["list", "--names"]).output().success();
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("dev\nprod\nwith spaces\n", "")
    );
}

#[test]
fn sessions_are_what_is_cached_only() {
    let home = Home::signed_in();
    let nothing = home.vault(&["list", "--sessions"]).output().success();
    assert_eq!(nothing.stdout, "");
    assert_eq!(json(&home, &["--sessions"]), Vec::<Value>::new());
    home.exec("prod", &["true"]).output().success();
    let rows = table(&home, &["--sessions"]);
    assert_eq!((rows.len(), rows[0][0].as_str()), (1, "prod"));
    let names = home
        .vault(&["list", "--sessions", "--names"])
        .output()
        .success();
    assert_eq!(names.stdout, "prod\n");
}

#[test]
fn credentials_whose_end_has_come_are_expired() {
    let home = Home::signed_in();
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = Duration::ZERO);
    home.exec("dev", &["true"]).output().success();
    assert_eq!(table(&home, &[])[0][4], "expired");
    assert!(row(&json(&home, &[]), "dev")["expires_at"].is_string());
}

#[test]
fn a_broken_profile_is_a_warning_and_the_others_are_listed() {
    let home = Home::new();
    home.add_config("[profile broken]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = A\n[profile behind]\nregion = us-east-1\n");
    let output = home.vault(&["list"]).output().success();
    let warnings: Vec<_> = output.stderr.lines().collect();
    let [warning] = &warnings[..] else {
        panic!("one line, not {warnings:#?}");
    };
    let place = format!(
        "{}:20: sso_account_id: ",
        home.path(".aws/config").display()
    );
    assert!(
        warning.starts_with("warning: ") && warning.contains("`broken`"),
        "{warning}"
    );
    assert!(warning.contains(&place), "{warning}");
    assert_eq!(warning.matches("profile `broken`").count(), 1, "{warning}");
    assert_eq!(output.stdout.lines().count(), 1 + 4);
    assert_eq!(row(&json(&home, &[]), "broken")["source"], "none");
}

/// The passphrase rests nowhere, and nobody gives it.
#[test]
fn list_reads_no_secret_and_so_asks_for_nothing() {
    let home = Home::consenting();
    let never = "AWS_VAULT_FILE_UNLOCKED_FOR";
    home.login(&["corp"]).env(never, "0").output().success();
    home.exec("dev", &["true"])
        .env(never, "0")
        .output()
        .success();
    let locked = |arguments: &[&str]| {
        let run = home.vault(arguments).env(never, "0");
        run.without_env("AWS_VAULT_FILE_PASSPHRASE")
    };
    locked(&["exec", "dev", "--", "true"])
        .output()
        .expect_code(125)
        .says(&["AWS_VAULT_FILE_PASSPHRASE"]);
    let before = home.aws.total();
    let output = locked(&["list"]).output().success();
    assert!(output.stdout.contains("m left"), "{output:#?}");
    assert_eq!(output.stderr, "");
    let ended = locked(&["list", "--json"]).on_terminal().wait();
    assert_eq!(ended.code, 0);
    assert!(!ended.screen.contains("assphrase"), "{}", ended.screen);
    assert_eq!(home.aws.total(), before);
}

#[test]
fn without_profiles_the_list_is_empty_and_no_error() {
    let home = Home::new();
    home.write(".aws/config", "");
    assert_eq!(home.vault(&["list"]).output().success().stdout, "");
    assert_eq!(json(&home, &[]), Vec::<Value>::new());
}

#[test]
fn clearing_a_profile_drops_its_credentials_and_leaves_the_sign_in() {
    let home = Home::signed_in();
    for profile in ["dev", "prod"] {
        home.exec(profile, &["true"]).output().success();
    }
    let output = home.vault(&["clear", "prod"]).output().success();
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("", "Cleared 1 session for prod.\n")
    );
    let before = home.aws.total();
    home.exec("dev", &["true"]).output().success();
    assert_eq!(home.aws.total(), before, "`dev` is still cached");
    home.exec("prod", &["true"]).output().success().silent();
    assert_eq!(home.aws.count("GetRoleCredentials"), 3);
    assert_eq!(home.aws.count("CreateToken"), 1, "the sign-in stayed");
}

const ROLE: &str = "
[profile role]
role_arn = arn:aws:iam::333333333333:role/Deployer
source_profile = dev
";

#[test]
fn clearing_a_role_drops_what_lies_along_its_chain_for_every_duration() {
    let home = Home::signed_in();
    home.add_config(ROLE);
    for duration in ["15m", "20m"] {
        let run = home.vault(&["exec", "role", "-d", duration, "--", "true"]);
        run.output().success();
    }
    home.exec("prod", &["true"]).output().success();
    home.vault(&["clear", "role"])
        .output()
        .success()
        .says(&["Cleared 3 sessions for role."]);
    assert_eq!(
        home.vault(&["list", "--sessions", "--names"])
            .output()
            .success()
            .stdout,
        "prod\n"
    );
    let run = home.vault(&["exec", "role", "-d", "20m", "--", "true"]);
    run.output().success();
    assert_eq!(home.aws.count("AssumeRole"), 3);
}

#[test]
fn clear_alone_drops_all_credentials_and_says_what_stays() {
    let home = Home::signed_in();
    for profile in ["dev", "prod"] {
        home.exec(profile, &["true"]).output().success();
    }
    let output = home.vault(&["clear"]).output().success();
    output.says(&["Cleared 2 sessions", "ign-ins and long-lived keys stay"]);
    assert_eq!(json(&home, &["--sessions"]), Vec::<Value>::new());
    home.exec("dev", &["true"]).output().success();
    assert_eq!(home.aws.count("CreateToken"), 1);
}

#[test]
fn clear_sign_ins_drops_those_too() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let output = home.vault(&["clear", "--sign-ins"]).output().success();
    output.says(&["Cleared 1 session and 1 sign-in"]);
    assert_eq!(
        row(&json(&home, &[]), "dev")["signed_in_until"],
        Value::Null
    );
    home.exec("dev", &["true"])
        .output()
        .expect_code(125)
        .says(&["hint: run `vault login corp`"]);
}

#[test]
fn nothing_to_clear_is_no_error() {
    let home = Home::new();
    for arguments in [
        &["clear"][..],
        &["clear", "dev"],
        &["clear", "--sign-ins"],
        &["clear", "dev", "--sign-ins"],
    ] {
        home.vault(arguments)
            .output()
            .success()
            .says(&["Nothing was cached"]);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_profile_that_vault_keeps_nothing_for_has_nothing_to_clear() {
    let home = Home::new();
    home.add_config(EVERY_SOURCE);
    for profile in ["keys-of-config", "web", "process", "console", "empty"] {
        let said = format!("Nothing was cached for {profile}.");
        home.vault(&["clear", profile])
            .output()
            .success()
            .says(&[&said]);
    }
}

#[test]
fn clearing_an_unknown_profile_is_an_error_and_clears_nothing() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let output = home
        .vault(&["clear", "dev", "pord"])
        .output()
        .expect_code(1);
    output.says(&["error: there is no profile `pord`", "`prod`"]);
    assert_eq!(json(&home, &["--sessions"]).len(), 1);
}
