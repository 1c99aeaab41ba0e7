//! Profiles with a `login_session`: what `aws login` left is used, renewed with a proof, and written
//! back as the AWS CLI writes it. The AWS CLI renews the same session first, so that the fake is right.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::fake_aws::{Fault, KeyForm};
use crate::support::home::Home;
use crate::support::run::Output;
use crate::support::tools;

const ARN: &str = "arn:aws:iam::111111111111:user/alice";
const FRESH: Duration = Duration::from_secs(600);
const NEAR: Duration = Duration::from_secs(200);
const OVER: Duration = Duration::ZERO;

/// A home in which `aws login` was run for the profile `console`, so long ago that its credentials have
/// `left` to live.
fn home(left: Duration) -> Home {
    with_key(left, KeyForm::Sec1)
}

fn with_key(left: Duration, form: KeyForm) -> Home {
    let home = Home::new();
    home.add_config(&format!(
        "[profile console]\nlogin_session = {ARN}\nregion = eu-central-1\n\
         [profile deployer]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = console\n"
    ));
    // The AWS CLI keeps it in the clear.
    home.exempt(".aws/login");
    home.exempt(".aws/cli");
    home.write(&file(), &home.aws.login_session(ARN, left, form));
    let path = home.path(&file());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    home
}

fn file() -> String {
    let digest = Sha256::digest(ARN);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(".aws/login/cache/{hex}.json")
}

fn session(home: &Home) -> Value {
    serde_json::from_str(&home.read(&file())).expect("the session is JSON")
}

fn key_in(session: &Value) -> &str {
    session["accessToken"]["accessKeyId"].as_str().unwrap()
}

#[track_caller]
fn key_of(home: &Home, profile: &str) -> String {
    home.environment_as(profile)["AWS_ACCESS_KEY_ID"].clone()
}

fn renewals(home: &Home) -> usize {
    home.aws.count("CreateOAuth2Token")
}

/// The AWS CLI alone says who it is.
fn by_the_aws_cli(home: &Home) -> Output {
    let identity = ["sts", "get-caller-identity", "--profile", "console"];
    let run = home.program(tools::aws_cli()).args(&identity);
    run.output()
}

#[test]
fn the_aws_cli_renews_a_session_here_and_vault_uses_what_it_wrote() {
    let home = home(OVER);
    let before = session(&home);
    let who = by_the_aws_cli(&home).success();
    assert!(who.stdout.contains(ARN), "{who:?}");
    assert_eq!(renewals(&home), 1);
    let written = session(&home);
    assert_ne!(key_in(&written), key_in(&before));
    assert_eq!(key_of(&home, "console"), key_in(&written));
    assert_eq!(renewals(&home), 1);
}

#[test]
fn vault_renews_a_session_and_the_aws_cli_uses_what_it_wrote() {
    let home = home(NEAR);
    let mut before = session(&home);
    before["later"] = serde_json::json!({"ünï": [1, null]});
    home.write(&file(), &before.to_string());
    let key = key_of(&home, "console");
    assert_eq!(renewals(&home), 1);
    let mut written = session(&home);
    assert_eq!(key_in(&written), key);
    assert_ne!(written["refreshToken"], before["refreshToken"]);
    let end = written["accessToken"]["expiresAt"].as_str().unwrap();
    assert!(end.ends_with('Z') && !end.contains('.'), "{end}");
    // Everything else is as it was.
    written["refreshToken"] = before["refreshToken"].clone();
    for key in [
        "accessKeyId",
        "secretAccessKey",
        "sessionToken",
        "expiresAt",
    ] {
        written["accessToken"][key] = before["accessToken"][key].clone();
    }
    assert_eq!(written, before);
    let mode = std::fs::metadata(home.path(&file())).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let folder = std::fs::read_dir(home.path(".aws/login/cache")).unwrap();
    assert_eq!(folder.count(), 1, "nothing else is left there");
    let who = by_the_aws_cli(&home).success();
    assert!(who.stdout.contains(ARN), "{who:?}");
    assert_eq!(renewals(&home), 1);
}

#[test]
fn a_fresh_session_is_used_in_silence_and_is_nowhere_else() {
    let home = home(FRESH);
    let key = key_in(&session(&home)).to_owned();
    assert_eq!(key_of(&home, "console"), key);
    home.exec("console", &["true"]).output().success().silent();
    assert_eq!(home.aws.total(), 0);
    let listed = home.vault(&["list"]).output().success().stdout;
    let line = listed.lines().find(|line| line.starts_with("console"));
    assert!(
        line.is_some_and(|line| line.contains("login-session")),
        "{listed}"
    );
    let cleared = home.vault(&["clear", "console"]).output().success();
    cleared.says(&["Nothing was cached for console."]);
    let fresh = home.vault(&["exec", "--fresh", "console", "--", "true"]);
    fresh.output().success();
    assert_eq!(renewals(&home), 1);
}

#[test]
fn roles_are_assumed_with_it_and_kept() {
    let home = home(OVER);
    home.exec("deployer", &["true"]).output().success().silent();
    home.exec("deployer", &["true"]).output().success().silent();
    assert_eq!((renewals(&home), home.aws.count("AssumeRole")), (1, 1));
}

#[test]
fn a_key_in_the_other_form_signs_as_well() {
    let home = with_key(OVER, KeyForm::Pkcs8);
    key_of(&home, "console");
    assert_eq!(renewals(&home), 1);
}

#[test]
fn twenty_at_once_renew_it_once() {
    let home = home(OVER);
    let runs: Vec<_> = (0..20)
        .map(|_| home.exec("console", &["true"]).start())
        .collect();
    for run in runs {
        run.wait().success().silent();
    }
    assert_eq!(renewals(&home), 1);
}

/// Refresh tokens are good once, and the AWS CLI takes no lock.
#[test]
fn what_the_aws_cli_renewed_in_the_meantime_is_used() {
    let home = home(OVER);
    let late = Fault::Slow(Duration::from_secs(4));
    home.aws.fault("CreateOAuth2Token", late, 1);
    let other = home.aws.login_session(ARN, FRESH, KeyForm::Sec1);
    home.aws.end_logins();
    let running = home
        .exec("console", &["printenv", "AWS_ACCESS_KEY_ID"])
        .start();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while renewals(&home) == 0 {
        assert!(std::time::Instant::now() < deadline, "it never asks");
        std::thread::sleep(Duration::from_millis(2));
    }
    home.write(&file(), &other);
    let key = running.wait().success().stdout;
    assert_eq!(key.trim(), key_in(&session(&home)));
}

#[test]
fn the_directory_is_the_one_that_the_variable_names() {
    let home = home(FRESH);
    let text = home.read(&file());
    std::fs::remove_file(home.path(&file())).unwrap();
    let name = file().rsplit('/').next().unwrap().to_owned();
    home.exempt("elsewhere");
    home.write(&format!("elsewhere/{name}"), &text);
    for directory in [
        home.path("elsewhere").to_string_lossy().as_ref(),
        "~/elsewhere",
    ] {
        let run = home.exec("console", &["true"]);
        run.env("AWS_LOGIN_CACHE_DIRECTORY", directory)
            .output()
            .success();
    }
}

#[test]
fn who_must_sign_in_again_is_told_how() {
    let home = home(OVER);
    home.aws.end_logins();
    let ended = "caused by: the sign-in of `aws login` has ended";
    let hint = "hint: run `aws login --profile console`";
    let login = home.vault(&["login", "console"]).output().expect_code(1);
    login.says(&["run `aws login --profile console`"]);
    let output = home.exec("console", &["true"]).output().expect_code(125);
    output.says(&["error: no credentials for profile `console`", ended, hint]);
    let output = home.vault(&["export", "console"]).output().expect_code(4);
    output.says(&[ended, hint]);
    let changed = "{\"error\": \"USER_CREDENTIALS_CHANGED\", \"message\": \"m\", \
                   \"__type\": \"AccessDeniedException\"}";
    let fault = Fault::Json(403, changed.to_owned());
    home.aws.fault("CreateOAuth2Token", fault, 1);
    home.vault(&["export", "console"]).output().expect_code(4);
    let before = home.read(&file());
    std::fs::remove_file(home.path(&file())).unwrap();
    let output = home.vault(&["export", "deployer"]).output().expect_code(4);
    let nobody = "nobody has signed in with `aws login`: there is no `";
    output.says(&[nobody, hint]);
    assert!(before.contains("refreshToken"), "it was left as it was");
}

#[test]
fn what_can_not_be_renewed_is_used_while_it_lasts() {
    let home = home(NEAR);
    home.aws.end_logins();
    let key = key_in(&session(&home)).to_owned();
    assert_eq!(key_of(&home, "console"), key);
    home.aws.fault("CreateOAuth2Token", Fault::CaptivePage, 1);
    assert_eq!(key_of(&home, "console"), key);
    assert_eq!(renewals(&home), 2);
}

#[test]
fn who_wants_new_ones_is_not_given_the_old_ones_in_silence() {
    let home = home(FRESH);
    home.aws.end_logins();
    let run = home.vault(&["exec", "--fresh", "console", "--", "true"]);
    run.output().expect_code(125).says(&[
        "the sign-in of `aws login` has ended",
        "hint: run `aws login --profile console`",
    ]);
    let key = key_in(&session(&home)).to_owned();
    assert_eq!(key_of(&home, "console"), key);
}

#[test]
fn trouble_with_the_server_is_said() {
    let home = home(OVER);
    let fails = |says: &[&str]| {
        let output = home.vault(&["export", "console"]).output().expect_code(1);
        output
            .says(&["cannot renew the sign-in of `aws login`", "hint: "])
            .says(says);
    };
    home.aws.fault("CreateOAuth2Token", Fault::CaptivePage, 1);
    fails(&["a web page"]);
    home.aws.fault("CreateOAuth2Token", Fault::Garbage, 1);
    fails(&["makes no sense"]);
    let missing = "{\"error\": \"INSUFFICIENT_PERMISSIONS\", \"message\": \"not allowed\", \
                   \"__type\": \"AccessDeniedException\"}";
    let fault = Fault::Json(403, missing.to_owned());
    home.aws.fault("CreateOAuth2Token", fault, 1);
    fails(&["not allowed", "signin:CreateOAuth2Token"]);
    let nowhere = home
        .vault(&["export", "console"])
        .env("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:1");
    let output = nowhere.output().expect_code(1);
    output.says(&[
        "cannot reach 127.0.0.1:1 for CreateOAuth2Token",
        "hint: check the network",
    ]);
    // Nothing of it was lost.
    key_of(&home, "console");
}

/// What is renewed and can't be written would be lost: so nothing is asked before.
#[test]
fn a_file_that_can_not_be_written_is_said_before_anything_is_asked() {
    let home = home(OVER);
    let new = file().replace(".json", ".vault-new");
    std::fs::create_dir_all(home.path(&new).join("in the way")).unwrap();
    let output = home.vault(&["export", "console"]).output().expect_code(1);
    output.says(&["caused by: cannot write `", ".vault-new`"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_file_that_is_no_session_is_said_without_a_word_of_it() {
    let home = home(OVER);
    let whole = home.read(&file());
    home.secret("hunter2-of-a-session");
    let fails = |text: &str, says: &[&str]| {
        home.write(&file(), text);
        let output = home.vault(&["export", "console"]).output().expect_code(1);
        output.says(&["caused by: "]).says(says);
    };
    let again = "hint: run `aws login --profile console`, which writes it anew";
    fails(
        "hunter2-of-a-session",
        &["line 1: it is not a JSON object", again],
    );
    fails("{}", &["`accessToken` is missing", again]);
    fails(
        &whole.replace("refreshToken", "other"),
        &["`refreshToken` is missing", again],
    );
    fails(&"x".repeat(1_100_000), &["it is longer than any", again]);
    let mut session: Value = serde_json::from_str(&whole).unwrap();
    session["dpopKey"] = "hunter2-of-a-session".into();
    fails(
        &session.to_string(),
        &["`dpopKey` is not a private key of P-256"],
    );
    session["accessToken"]["expiresAt"] = "hunter2-of-a-session".into();
    fails(
        &session.to_string(),
        &["`accessToken.expiresAt` is not a time"],
    );
    std::fs::remove_file(home.path(&file())).unwrap();
    std::fs::create_dir(home.path(&file())).unwrap();
    let output = home.vault(&["export", "console"]).output().expect_code(1);
    output.says(&["cannot read `"]);
}

/// What the fake demands of a proof: without that, the tests above would show nothing.
#[test]
fn the_fake_takes_a_proof_once_and_for_its_own_request() {
    let home = home(OVER);
    by_the_aws_cli(&home).success();
    let asked = home.aws.requests("CreateOAuth2Token");
    let proof = asked[0].header("dpop").unwrap().to_owned();
    let body = String::from_utf8_lossy(asked[0].body()).into_owned();
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let url = format!("{}/v1/token", home.aws.url());
    let curl = tools::need("curl", "curl");
    let table = [
        (String::new(), "there is no DPoP header"),
        (proof.clone(), "the proof was used before"),
        (
            format!("{header}.e30.{signature}"),
            "the proof's signature is wrong",
        ),
        (
            format!("e30.e30.{signature}"),
            "the proof's header is another one",
        ),
    ];
    for (proof, refused) in table {
        let (proof, json) = (format!("DPoP: {proof}"), "Content-Type: application/json");
        let request = ["-s", "-H", &proof, "-H", json, "-d", &body, &url];
        let answer = home.program(&curl).args(&request).output().success();
        assert!(answer.stdout.contains(refused), "{answer:?}");
    }
}
