//! `credential_source`: roles that are assumed with what is in the environment, on the instance, or in
//! the container.

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::scenes::variables;

const CONFIG: &str = "
[profile env]
role_arn = arn:aws:iam::333333333333:role/LongRun
credential_source = Environment
duration_seconds = 7200
[profile instance]
role_arn = arn:aws:iam::333333333333:role/Deployer
credential_source = Ec2InstanceMetadata
[profile container]
role_arn = arn:aws:iam::333333333333:role/Deployer
credential_source = EcsContainer
[profile wrong]
role_arn = arn:aws:iam::333333333333:role/Deployer
credential_source = Environement
[profile behind]
role_arn = arn:aws:iam::333333333333:role/Deployer
source_profile = instance
";

/// A home without a sign-in.
fn home() -> Home {
    let home = Home::new();
    home.add_config(CONFIG);
    home
}

/// Where the machine's endpoints are the fake's.
fn on_aws<'h>(home: &'h Home, profile: &str) -> Run<'h> {
    home.vault(&["exec", profile, "--", "env", "-0"])
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", home.aws.url())
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/container/credentials", home.aws.url()),
        )
}

/// With a user's key in the environment.
fn with_key<'h>(home: &'h Home, user: &str) -> Run<'h> {
    let key = home.aws.add_user_key("444444444444", user);
    home.vault(&["exec", "env", "--", "env", "-0"])
        .env("AWS_ACCESS_KEY_ID", key.id)
        .env("AWS_SECRET_ACCESS_KEY", key.secret)
}

#[test]
fn a_role_is_assumed_with_the_keys_in_the_environment() {
    let home = home();
    let got = variables(with_key(&home, "jo"));
    assert!(got["AWS_ACCESS_KEY_ID"].starts_with("ASIA"));
    // A user's own key chains nothing: the two hours are granted.
    let role = &home.aws.requests("AssumeRole")[0];
    assert_eq!(role.parameter("DurationSeconds").as_deref(), Some("7200"));
    // Another key in the environment never gets what the first one got.
    let other = variables(with_key(&home, "ann"));
    assert_ne!(other["AWS_ACCESS_KEY_ID"], got["AWS_ACCESS_KEY_ID"]);
    assert_eq!(home.aws.count("AssumeRole"), 2);
}

#[test]
fn inside_an_exec_the_environment_is_that_of_the_outer_profile() {
    let home = Home::signed_in();
    home.add_config(CONFIG);
    let vault = env!("CARGO_BIN_EXE_vault");
    let run = home.exec("dev", &[vault, "exec", "env", "--", "env", "-0"]);
    let got = variables(run);
    assert_eq!(got["AWS_VAULT"], "env");
    // Those are temporary, and no more than an hour is asked for.
    let role = &home.aws.requests("AssumeRole")[0];
    assert_eq!(role.parameter("DurationSeconds").as_deref(), Some("3600"));
}

#[test]
fn without_keys_in_the_environment_the_variable_is_named() {
    let home = home();
    let exec = || home.exec("env", &["true"]);
    let output = exec().output().expect_code(125);
    output.says(&[
        "error: no credentials for profile `env`",
        "`credential_source` gives no credentials",
        "AWS_ACCESS_KEY_ID is not set",
        "hint: ",
        "own environment",
    ]);
    let output = exec().env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").output();
    output
        .expect_code(125)
        .says(&["AWS_SECRET_ACCESS_KEY is not set"]);
    let ended = exec()
        .env("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "made-up")
        .env("AWS_SESSION_TOKEN", "made-up")
        .env("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    let output = ended.output().expect_code(125);
    output.says(&["AWS_CREDENTIAL_EXPIRATION is past"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_role_is_assumed_with_the_instances_credentials_by_imdsv2() {
    let home = home();
    let got = variables(on_aws(&home, "instance"));
    assert_eq!(home.aws.count("InstanceToken"), 1);
    assert_eq!(home.aws.count("InstanceCredentials"), 1);
    // What the role gave is kept: the instance is not asked again.
    let before = home.aws.total();
    let again = variables(on_aws(&home, "instance"));
    assert_eq!(again["AWS_ACCESS_KEY_ID"], got["AWS_ACCESS_KEY_ID"]);
    assert_eq!(home.aws.total(), before);
    variables(on_aws(&home, "behind"));
    assert_eq!(home.aws.count("InstanceToken"), 1);
}

#[test]
fn an_instance_that_gives_nothing_is_said_to() {
    let home = home();
    let disabled = on_aws(&home, "instance").env("AWS_EC2_METADATA_DISABLED", "true");
    let output = disabled.output().expect_code(125);
    output.says(&["AWS_EC2_METADATA_DISABLED forbids to ask the instance"]);
    let nobody =
        on_aws(&home, "instance").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    let output = nobody.output().expect_code(125);
    output.says(&["cannot reach 127.0.0.1:1", "hint: ", "on AWS"]);
    home.aws
        .configure(|behaviour| behaviour.instance_role = None);
    let output = on_aws(&home, "instance").output().expect_code(125);
    output.says(&["gives no credentials: the instance has no role"]);
}

#[test]
fn an_instance_in_trouble_is_asked_again_and_rubbish_is_said_to_be_some() {
    let home = home();
    home.aws.fault("InstanceToken", Fault::Status(503), 2);
    variables(on_aws(&home, "instance"));
    let run = || {
        home.vault(&["exec", "--fresh", "instance", "--", "true"])
            .env("AWS_EC2_METADATA_DISABLED", "false")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", home.aws.url())
    };
    let body =
        "{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"EC2 cannot assume it\"}";
    let cases = [
        (Fault::Garbage, "is not the JSON it should be"),
        (Fault::CaptivePage, "is not the JSON it should be"),
        (Fault::Hang, "in time"),
        (Fault::Json(200, body.to_owned()), "EC2 cannot assume it"),
        (Fault::Json(200, "{}".to_owned()), "it has no Expiration"),
        (Fault::Status(403), "HTTP 403"),
    ];
    for (fault, said) in cases {
        home.aws.fault("InstanceCredentials", fault, 1);
        run().output().expect_code(125).says(&[said]);
    }
}

#[test]
fn a_role_is_assumed_with_the_containers_credentials() {
    let home = home();
    let token = home.aws.make_secret("token-", 30);
    home.aws
        .configure(|behaviour| behaviour.container_token = Some(token.clone()));
    let output = on_aws(&home, "container").output().expect_code(125);
    output.says(&["gives no credentials: the token is not the right one"]);
    let file = home.write("token", &token);
    let file = file.to_string_lossy().into_owned();
    let run = on_aws(&home, "container").env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file);
    let got = variables(run.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "older"));
    assert_eq!(got["AWS_VAULT"], "container");
    assert!(!got.contains_key("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    let run = home.vault(&["exec", "--fresh", "container", "--", "true"]);
    let uri = format!("{}/container/credentials", home.aws.url());
    run.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", &token)
        .output()
        .success();
}

#[test]
fn a_container_that_is_none_or_elsewhere_is_said_to_be() {
    let home = home();
    let exec = || home.exec("container", &["true"]);
    let output = exec().output().expect_code(125);
    output.says(&[
        "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
        "hint: ",
    ]);
    for url in ["http://example.com/x", "ftp://localhost/x", "nonsense"] {
        let run = exec().env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        let output = run.output().expect_code(125);
        output.says(&[&format!(
            "`{url}` is neither an https address nor on this machine"
        )]);
    }
    let run = on_aws(&home, "container").env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/none");
    let output = run.output().expect_code(125);
    output.says(&["cannot read `/none`"]);
    let run = on_aws(&home, "container").env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "two\nlines");
    let output = run.output().expect_code(125);
    output.says(&["authorization cannot be sent in a header"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn an_unknown_source_names_file_line_and_key() {
    let home = home();
    let output = home.exec("wrong", &["true"]).output().expect_code(125);
    output.says(&[
        "profile `wrong` cannot be used",
        "credential_source: `Environement` is none of Environment, Ec2InstanceMetadata, EcsContainer",
        ".aws/config:",
    ]);
}
