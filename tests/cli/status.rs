//! `vault status`: whether a profile can be used right now without a person, for every kind of source, with
//! nothing unlocked and no one asked.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::home::Home;
use crate::support::run::Run;

const SERIAL: &str = "arn:aws:iam::444444444444:mfa/jo";

/// Without the passphrase, and with nothing listening where AWS is: what it needs of either, it can't have.
fn status<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    let run = home.vault(&["status"]).args(arguments);
    let run = run.without_env("AWS_VAULT_FILE_PASSPHRASE");
    run.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .without_env("AWS_ENDPOINT_URL_SSO")
        .without_env("AWS_ENDPOINT_URL_SSO_OIDC")
        .without_env("AWS_ENDPOINT_URL_STS")
}

#[track_caller]
fn says(home: &Home, profile: &str, code: i32, line: &str) {
    let output = status(home, &[profile]).output().expect_code(code);
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        (&*format!("{profile}: {line}\n"), "")
    );
}

/// A home in which nothing of the `file` keystore rests unlocked.
fn locked() -> Home {
    let home = Home::consenting();
    home.write(
        ".config/vault/config.toml",
        "[file]\nunlocked_for = \"0\"\n",
    );
    home
}

#[test]
fn cached_credentials_are_ready_for_as_long_as_they_last() {
    let home = locked();
    let life = Duration::from_secs(41 * 60 + 30);
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = life);
    says(
        &home,
        "prod",
        4,
        "no one is signed in: run `vault login corp`",
    );
    home.sign_in();
    says(&home, "prod", 0, "ready, not fetched yet");
    home.exec("prod", &["true"]).output().success();
    let before = home.aws.total();
    says(&home, "prod", 0, "ready, 41m left");
    assert_eq!(home.aws.total(), before);
}

/// Those are not handed out any more: a command that is given them could not make its calls.
#[test]
fn credentials_near_their_end_count_as_ended() {
    let home = locked();
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = Duration::from_secs(240));
    home.sign_in();
    home.exec("dev", &["true"]).output().success();
    says(&home, "dev", 0, "ready, not fetched yet");
    home.vault(&["logout"]).output().success();
    says(
        &home,
        "dev",
        4,
        "no one is signed in: run `vault login corp`",
    );
}

#[test]
fn a_sign_in_that_can_be_renewed_is_usable_and_one_that_cannot_is_so_while_it_lives() {
    let home = locked();
    home.tokens_live(0);
    home.sign_in();
    says(&home, "dev", 0, "ready, not fetched yet");
    // Without the scope there is no refresh token.
    let config = home.read(".aws/config");
    let config = config.replace("sso:account:access", "codewhisperer:completions");
    home.write(".aws/config", &config);
    home.login(&["corp", "--force"]).output().success();
    says(
        &home,
        "dev",
        4,
        "no one is signed in: run `vault login corp`",
    );
    home.tokens_live(60);
    home.login(&["corp", "--force"]).output().success();
    says(&home, "dev", 0, "ready, not fetched yet");
}

/// A refresh token is good with the registration that it was given to.
#[test]
fn a_sign_in_whose_registration_has_ended_cannot_be_renewed() {
    let home = locked();
    home.tokens_live(0);
    home.sign_in();
    says(&home, "dev", 0, "ready, not fetched yet");
    let list = home.path(".local/share/vault/index/file");
    let mut files = std::fs::read_dir(list).unwrap().map(|file| file.unwrap());
    let read = |file: &std::fs::DirEntry| std::fs::read_to_string(file.path()).unwrap();
    let registration = files
        .find(|file| read(file).contains("client-registration/"))
        .expect("a registration is listed");
    let mut line: Value = serde_json::from_str(&read(&registration)).unwrap();
    line["expires_at"] = "2026-01-01T00:00:00Z".into();
    std::fs::write(registration.path(), line.to_string()).unwrap();
    says(
        &home,
        "dev",
        4,
        "no one is signed in: run `vault login corp`",
    );
}

#[test]
fn a_sign_in_that_the_server_has_ended_is_known_once_it_was_tried() {
    let home = locked();
    home.tokens_live(0);
    home.sign_in();
    home.aws.revoke_refresh_tokens();
    home.exec("dev", &["true"]).output().expect_code(125);
    says(
        &home,
        "dev",
        4,
        "no one is signed in: run `vault login corp`",
    );
}

#[test]
fn a_role_stands_as_what_it_is_assumed_from_until_it_is_cached() {
    let home = locked();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = dev\n\
         [profile twice]\nrole_arn = arn:aws:iam::333333333333:role/LongRun\n\
         source_profile = deploy\n",
    );
    says(
        &home,
        "twice",
        4,
        "no one is signed in: run `vault login corp`",
    );
    home.sign_in();
    says(&home, "twice", 0, "ready, not fetched yet");
    home.exec("twice", &["true"]).output().success();
    let line = status(&home, &["twice"]).output().success().stdout;
    assert!(line.starts_with("twice: ready, 59m left"), "{line}");
}

#[test]
fn a_key_is_ready_and_one_with_a_device_once_its_code_was_given() {
    let home = locked();
    let key = home.aws.add_user_key("444444444444", "jo");
    let keys = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    home.write(
        ".aws/credentials",
        &format!(
            "[plain]\n{keys}[jo]\n{keys}[machine]\n{keys}[temporary]\n{keys}aws_session_token = t\n"
        ),
    );
    home.add_config(&format!(
        "[profile jo]\nmfa_serial = {SERIAL}\n\
         [profile machine]\nmfa_serial = {SERIAL}\nmfa_process = echo 123456\n\
         [profile careful]\nrole_arn = arn:aws:iam::333333333333:role/Careful\n\
         source_profile = jo\n"
    ));
    says(&home, "plain", 0, "ready, not fetched yet");
    says(&home, "temporary", 0, "ready");
    says(&home, "machine", 0, "ready, not fetched yet");
    for profile in ["jo", "careful"] {
        let line =
            format!("a code of the MFA device `{SERIAL}` is needed: run `vault login {profile}`");
        says(&home, profile, 4, &line);
    }
    home.aws.configure(|behaviour| {
        behaviour
            .mfa_codes
            .insert(SERIAL.to_owned(), "123456".into());
    });
    home.vault(&["login", "careful", "-t", "123456"])
        .output()
        .success();
    says(&home, "careful", 0, "ready, not fetched yet");
    let line = status(&home, &["jo"]).output().success().stdout;
    assert!(line.starts_with("jo: ready, 11h 59m left"), "{line}");
}

#[test]
fn every_other_source_has_its_answer() {
    let home = locked();
    home.write("token", "eyJ.x.y");
    let token = home.path("token").display().to_string();
    let missing = home.path("missing").display().to_string();
    home.add_config(&format!(
        "[profile web]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         web_identity_token_file = {token}\n\
         [profile no-web]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         web_identity_token_file = {missing}\n\
         [profile process]\ncredential_process = /no/matter/what\n\
         [profile console]\nlogin_session = arn:aws:iam::111111111111:user/alice\n\
         [profile ambient]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         credential_source = Environment\n\
         [profile container]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         credential_source = EcsContainer\n\
         [profile empty]\nregion = us-east-1\n"
    ));
    says(&home, "web", 0, "ready, not fetched yet");
    says(&home, "process", 0, "ready, not fetched yet");
    let not: [(&str, i32, &[&str]); 5] = [
        (
            "no-web",
            1,
            &[
                "cannot read the web identity token in",
                "whatever writes it",
            ],
        ),
        (
            "console",
            4,
            &[
                "nobody has signed in with `aws login`",
                "run `aws login --profile console`",
            ],
        ),
        ("ambient", 1, &["AWS_ACCESS_KEY_ID is not set"]),
        ("container", 1, &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]),
        (
            "empty",
            1,
            &["does not say where its credentials come from"],
        ),
    ];
    for (profile, code, texts) in not {
        let output = status(&home, &[profile]).output().expect_code(code);
        assert!(
            output.stdout.starts_with(&format!("{profile}: ")),
            "{output:?}"
        );
        for text in texts {
            assert!(output.stdout.contains(text), "no {text:?}: {output:?}");
        }
        assert_eq!((output.stdout.lines().count(), &*output.stderr), (1, ""));
    }
    let run = status(&home, &["ambient"]).env("AWS_ACCESS_KEY_ID", "AKIAX");
    run.env("AWS_SECRET_ACCESS_KEY", "made-up")
        .output()
        .success();
}

#[test]
fn the_json_says_what_a_prompt_may_show() {
    let home = locked();
    let json = |profile: &str, code: i32| -> Value {
        let output = status(&home, &["--json", profile]).output();
        serde_json::from_str(&output.expect_code(code).stdout).unwrap()
    };
    let expected = json!({
        "profile": "prod", "status": "sign-in-required", "account_id": "222222222222",
        "role_name": "Admin", "source": "sso", "sso_session": "corp", "region": "eu-west-1",
        "expires_at": null, "signed_in_until": null, "reason": "no one is signed in",
        "hint": "run `vault login corp`",
    });
    assert_eq!(json("prod", 4), expected);
    home.sign_in();
    home.exec("prod", &["true"]).output().success();
    let ready = json("prod", 0);
    for name in ["expires_at", "signed_in_until"] {
        let end = ready[name].as_str().unwrap();
        assert!(end.parse::<jiff::Timestamp>().is_ok(), "{name}: {end}");
    }
    assert_eq!(
        (&ready["status"], &ready["hint"]),
        (&json!("ready"), &json!(null))
    );
    assert_eq!(
        ready.as_object().unwrap().len(),
        expected.as_object().unwrap().len()
    );
    home.add_config("[profile empty]\nregion = us-east-1\n");
    assert_eq!(json("empty", 1)["status"], "unusable");
}

/// Prompts ask it: on a terminal too it asks nothing back.
#[test]
fn the_profile_is_named_or_in_the_environment_and_is_never_asked_for() {
    let home = locked();
    home.sign_in();
    let output = status(&home, &[]).output().expect_code(2);
    output.says(&["error: no profile is named", "AWS_PROFILE"]);
    let ended = status(&home, &[]).on_terminal().wait();
    assert_eq!(ended.code, 2, "{ended:?}");
    let run = status(&home, &[]).env("AWS_PROFILE", "dev");
    assert_eq!(
        run.output().success().stdout,
        "dev: ready, not fetched yet\n"
    );
    status(&home, &["pord"])
        .output()
        .expect_code(1)
        .says(&["there is no profile `pord`", "`prod`"]);
}
