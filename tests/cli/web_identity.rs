//! Profiles with a `web_identity_token_file`, and the web identity that the environment names.

use std::time::Duration;

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::tools;

const PROFILES: &str = "
[profile ci]
role_arn = arn:aws:iam::333333333333:role/Deployer
web_identity_token_file = token
region = eu-central-1

[profile named]
role_arn = arn:aws:iam::333333333333:role/LongRun
web_identity_token_file = token
role_session_name = build-7
duration_seconds = 7200
region = eu-central-1

[profile behind]
role_arn = arn:aws:iam::333333333333:role/LongRun
source_profile = ci
duration_seconds = 7200

[profile bare]
region = eu-west-1
";

/// A home with a token in a file, which the fake takes.
fn home() -> Home {
    let home = Home::new();
    home.add_config(PROFILES);
    renew(&home);
    home
}

/// A new token in the file, and no other is taken any more.
fn renew(home: &Home) -> String {
    let token = home.aws.make_secret("eyJhbGciOi", 300);
    home.write("token", &format!("{token}\n"));
    let tokens = vec![token.clone()];
    home.aws
        .configure(|behaviour| behaviour.web_identity_tokens = tokens);
    token
}

#[track_caller]
fn key_of(home: &Home, profile: &str) -> String {
    home.environment_as(profile)["AWS_ACCESS_KEY_ID"].clone()
}

#[test]
fn a_role_is_assumed_with_the_token_unsigned_and_kept() {
    let home = home();
    let first = key_of(&home, "ci");
    assert_eq!(key_of(&home, "ci"), first);
    key_of(&home, "named");
    let asked = home.aws.requests("AssumeRoleWithWebIdentity");
    let [ci, named] = &asked[..] else {
        panic!("{} requests", asked.len());
    };
    assert_eq!(ci.header("authorization"), None);
    let of = |name| (ci.parameter(name), named.parameter(name));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of("RoleSessionName"), (some("vault-ci"), some("build-7")));
    assert_eq!(of("DurationSeconds"), (None, some("7200")));
    assert_eq!(home.aws.total(), 2);
    let listed = home.vault(&["list"]).output().success().stdout;
    let line = listed.lines().find(|line| line.starts_with("ci"));
    assert!(
        line.is_some_and(|line| line.contains("web-identity")),
        "{listed}"
    );
    let cleared = home.vault(&["clear", "ci"]).output().success();
    cleared.says(&["Cleared 1 session for ci."]);
    assert_ne!(key_of(&home, "ci"), first);
}

#[test]
fn the_token_is_read_anew_each_time_that_it_is_needed() {
    let home = home();
    let first = key_of(&home, "ci");
    renew(&home);
    // Nothing is asked as long as what is kept is good.
    assert_eq!(key_of(&home, "ci"), first);
    let fresh = home.vault(&["exec", "--fresh", "ci", "--", "true"]);
    fresh.output().success();
    assert_eq!(home.aws.count("AssumeRoleWithWebIdentity"), 2);
}

#[test]
fn a_profile_edited_to_another_role_file_or_name_gets_credentials_of_its_own() {
    let home = home();
    let mut seen = vec![key_of(&home, "ci")];
    let token = home.read("token");
    home.write("other-token", &token);
    let edits = [
        ("role/Deployer", "role/LongRun"),
        ("= token\nregion", "= other-token\nregion"),
        (
            "region = eu-central-1\n\n[profile named",
            "role_session_name = me\n\n[profile named",
        ),
    ];
    for (from, to) in edits {
        let config = home.read(".aws/config").replacen(from, to, 1);
        home.write(".aws/config", &config);
        let key = key_of(&home, "ci");
        assert!(!seen.contains(&key), "{to}");
        seen.push(key);
    }
}

/// The file `token` of another directory is another file, with another token.
#[test]
fn a_relative_file_is_looked_for_where_vault_runs_and_kept_apart_for_each_place() {
    let home = home();
    let here = key_of(&home, "ci");
    let there = home.path("elsewhere");
    std::fs::create_dir(&there).unwrap();
    let exec = || home.exec("ci", &["true"]).in_folder(&there).output();
    let missing = format!("`{}`", there.join("token").display());
    exec()
        .expect_code(125)
        .says(&["cannot read the web identity token in", &missing]);
    home.write("elsewhere/token", &home.read("token"));
    exec().success();
    assert_eq!(home.aws.count("AssumeRoleWithWebIdentity"), 2);
    assert_eq!(key_of(&home, "ci"), here);
}

#[test]
fn a_wish_that_no_role_grants_is_cut_with_a_line() {
    let home = home();
    let run = home.vault(&["exec", "ci", "-d", "13h", "--", "true"]);
    // The role itself allows less than the most that any may.
    run.output()
        .expect_code(125)
        .says(&["DurationSeconds exceeds"]);
    let longest = Duration::from_secs(12 * 3600);
    home.aws.configure(|behaviour| {
        for role in &mut behaviour.roles {
            role.longest = longest;
        }
    });
    let run = home.vault(&["exec", "ci", "-d", "13h", "--", "true"]);
    run.output()
        .success()
        .says(&["`ci` lasts 12 h, not 13 h: AWS gives no more."]);
}

#[test]
fn it_is_a_source_of_roles_and_they_end_after_an_hour() {
    let home = home();
    home.exec("behind", &["true"]).output().success();
    let asked = home.aws.requests("AssumeRole");
    assert_eq!(
        asked[0].parameter("DurationSeconds").as_deref(),
        Some("3600")
    );
    let before = home.aws.total();
    home.exec("ci", &["true"]).output().success().silent();
    assert_eq!(home.aws.total(), before);
}

#[test]
fn twenty_at_once_ask_once() {
    let home = home();
    let runs: Vec<_> = (0..20)
        .map(|_| home.exec("ci", &["true"]).start())
        .collect();
    for run in runs {
        run.wait().success().silent();
    }
    assert_eq!(home.aws.count("AssumeRoleWithWebIdentity"), 1);
}

#[test]
fn the_environments_identity_serves_a_profile_without_a_source_and_no_other() {
    let home = home();
    let exec = |profile: &str, arn: &str| {
        let run = home.exec(profile, &["env"]).shows_secrets();
        let token = home.path("token").to_string_lossy().into_owned();
        let run = run.env("AWS_WEB_IDENTITY_TOKEN_FILE", token);
        run.env("AWS_ROLE_ARN", arn)
            .env("AWS_ROLE_SESSION_NAME", "job-3")
            .output()
    };
    let role = "arn:aws:iam::333333333333:role/LongRun";
    let seen = exec("bare", role).success().stdout;
    assert!(seen.contains("AWS_VAULT=bare\n"));
    assert!(!seen.contains("AWS_WEB_IDENTITY_TOKEN_FILE") && !seen.contains("AWS_ROLE_"));
    exec("ci", role).success();
    let asked = home.aws.requests("AssumeRoleWithWebIdentity");
    let names: Vec<_> = asked
        .iter()
        .map(|r| r.parameter("RoleSessionName"))
        .collect();
    assert_eq!(
        names,
        [Some("job-3".to_owned()), Some("vault-ci".to_owned())]
    );
    let half = exec("bare", "").expect_code(125);
    half.says(&[
        "does not say where its credentials come from",
        "hint: AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not",
    ]);
    home.exec("bare", &["true"]).output().expect_code(125);
}

#[test]
fn a_token_that_is_not_there_is_said_with_its_file() {
    let home = home();
    let fails = |says: &[&str]| {
        let output = home.exec("ci", &["true"]).output().expect_code(125);
        output
            .says(&["error: no credentials for profile `ci`", "hint: "])
            .says(says);
    };
    home.write("token", "\n");
    fails(&[
        "there is no web identity token in `",
        "/token`: it is empty",
    ]);
    std::fs::write(home.path("token"), b"\xff\xfe").unwrap();
    fails(&["/token`: it is not text"]);
    home.write("token", &"x".repeat(100_000));
    fails(&["/token`: it is longer than any token"]);
    std::fs::remove_file(home.path("token")).unwrap();
    let path = home.path("token").display().to_string();
    fails(&[
        &format!("cannot read the web identity token in `{path}`"),
        "No such file",
    ]);
    std::fs::create_dir(home.path("token")).unwrap();
    fails(&["/token`: it is not a file"]);
    let config = home.read(".aws/config").replace("= token", "= ~/token");
    home.write(".aws/config", &config);
    fails(&["in `~/token`", "write the whole path"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn what_sts_says_against_a_token_comes_with_what_to_do() {
    let home = home();
    let fails = |says: &[&str]| {
        let output = home.exec("ci", &["true"]).output().expect_code(125);
        output
            .says(&["error: no credentials for profile `ci`"])
            .says(says);
    };
    let role = "cannot assume `arn:aws:iam::333333333333:role/Deployer` with a web identity token";
    home.write("token", "another");
    fails(&[
        role,
        "InvalidIdentityToken",
        "hint: check that the role's account knows who issued",
    ]);
    renew(&home);
    let config = home
        .read(".aws/config")
        .replace("role/Deployer", "role/Nobody");
    home.write(".aws/config", &config);
    fails(&[
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        "the role's trust policy",
    ]);
    let config = config.replace("role/Nobody", "role/Deployer");
    home.write(".aws/config", &config);
    let expired = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
                   <Type>Sender</Type><Code>ExpiredTokenException</Code><Message>Token expired\
                   </Message></Error></ErrorResponse>";
    home.aws.fault(
        "AssumeRoleWithWebIdentity",
        Fault::Json(400, expired.to_owned()),
        1,
    );
    fails(&[
        role,
        "ExpiredTokenException: Token expired",
        "must renew it",
    ]);
    home.aws
        .fault("AssumeRoleWithWebIdentity", Fault::CaptivePage, 1);
    fails(&[role, "a web page"]);
    let nowhere = home
        .exec("ci", &["true"])
        .env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    nowhere
        .output()
        .expect_code(125)
        .says(&[role, "cannot reach 127.0.0.1:1"]);
}

/// The same profile, by the AWS CLI alone and by vault.
#[test]
fn the_aws_cli_assumes_the_same_role_with_the_same_profile() {
    let home = home();
    // It sends the line's end along, which no token has.
    let token = home.read("token").trim().to_owned();
    home.write("token", &token);
    let identity = [
        "sts",
        "get-caller-identity",
        "--query",
        "Arn",
        "--output",
        "text",
    ];
    let alone = home.program(tools::aws_cli()).args(&identity);
    let alone = alone.args(&["--profile", "named"]);
    home.exempt(".aws/cli/cache");
    let alone = alone.output().success().stdout;
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    let by_vault = home
        .exec("named", &[cli.as_str()])
        .args(&identity)
        .output()
        .success();
    assert_eq!(
        alone,
        "arn:aws:sts::333333333333:assumed-role/LongRun/build-7\n"
    );
    assert_eq!(by_vault.stdout, alone);
}
