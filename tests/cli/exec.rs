//! `vault exec`: the environment that a command gets. What is set, what is removed, and what is
//! none of vault's business.

use std::collections::BTreeMap;

use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::scenes::variables;

/// Variables that would lead an AWS client to other credentials, and one secret of vault's.
const REMOVED: &[&str] = &[
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

const SET: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_VAULT",
];

/// With an environment in which every variable of vault's affair has a value already.
fn polluted(mut run: Run<'_>) -> Run<'_> {
    for name in REMOVED.iter().chain(SET) {
        run = run.env(name, "stale");
    }
    run
}

fn get<'v>(variables: &'v BTreeMap<String, String>, name: &str) -> &'v str {
    variables.get(name).map_or("", String::as_str)
}

#[test]
fn the_command_gets_the_profiles_credentials_and_nothing_stale() {
    let home = Home::signed_in();
    let mut run = polluted(home.exec("dev", &["env", "-0"]));
    run = run.env("MINE", "1").env("EMPTY", "");
    let got = variables(run);
    let left: Vec<_> = REMOVED
        .iter()
        .filter(|name| got.contains_key(**name))
        .collect();
    assert!(left.is_empty(), "{left:?} reached the command");
    assert!(got.values().all(|value| value != "stale"), "{got:?}");
    assert!(get(&got, "AWS_ACCESS_KEY_ID").starts_with("ASIA"));
    let secrets = home.aws.secrets();
    let is_secret = |name| secrets.iter().any(|secret| secret == get(&got, name));
    assert!(is_secret("AWS_SECRET_ACCESS_KEY") && is_secret("AWS_SESSION_TOKEN"));
    assert_eq!(get(&got, "AWS_VAULT"), "dev");
    assert_eq!(get(&got, "AWS_REGION"), "eu-central-1");
    assert_eq!(get(&got, "AWS_DEFAULT_REGION"), "eu-central-1");
    let end = get(&got, "AWS_CREDENTIAL_EXPIRATION");
    assert_eq!(
        (end.len(), end.ends_with('Z')),
        ("2026-11-23T10:00:00Z".len(), true),
        "{end}"
    );
    assert!(end.parse::<jiff::Timestamp>().unwrap() > jiff::Timestamp::now());
}

#[test]
fn what_is_not_vaults_affair_passes_through_as_it_was() {
    let home = Home::signed_in();
    let run = home
        .exec("dev", &["env", "-0"])
        .env("MINE", "a\nb = c")
        .env("EMPTY", "");
    let got = variables(
        run.env("AWS_PAGER", "")
            .env("AWS_CONFIG_FILE", ".aws/config"),
    );
    assert_eq!(get(&got, "MINE"), "a\nb = c");
    assert_eq!(got.get("EMPTY").map(String::as_str), Some(""));
    assert_eq!(got.get("AWS_PAGER").map(String::as_str), Some(""));
    assert_eq!(get(&got, "AWS_CONFIG_FILE"), ".aws/config");
    assert_eq!(get(&got, "HOME"), home.path("").to_string_lossy());
    assert_eq!(get(&got, "AWS_ENDPOINT_URL_S3"), home.aws.url());
}

/// The environment is the same but for what the contract names, on the fetching run and on the
/// cached one.
#[test]
fn nothing_else_is_added_or_taken_away() {
    let home = Home::signed_in();
    let mut expected = variables(home.program("/usr/bin/env").args(&["-0"]));
    expected.remove("AWS_VAULT_FILE_PASSPHRASE");
    for state in ["fetched", "cached"] {
        let mut got = home.environment_as("dev");
        for name in SET {
            assert!(got.remove(*name).is_some(), "{state}: no {name}");
        }
        assert_eq!(got, expected, "{state}");
    }
}

#[test]
fn the_passphrase_of_the_keystore_reaches_no_command() {
    let home = Home::signed_in();
    let got = home.environment_as("dev");
    assert!(
        !got.keys().any(|name| name.contains("PASSPHRASE")),
        "{:?}",
        got.keys()
    );
    assert_eq!(get(&got, "AWS_VAULT_BACKEND"), "file", "it is no secret");
}

type Variables<'a> = &'a [(&'a str, &'a str)];

#[test]
fn the_region_is_the_options_else_the_profiles_else_the_environments() {
    let home = Home::signed_in();
    home.add_config(
        "[profile nowhere]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Developer\n",
    );
    let both = [
        ("AWS_REGION", "ap-east-1"),
        ("AWS_DEFAULT_REGION", "sa-east-1"),
    ];
    let table: [(&str, &[&str], Variables, Option<&str>); 6] = [
        ("dev", &["--region", "us-west-2"], &both, Some("us-west-2")),
        ("dev", &[], &both, Some("eu-central-1")),
        (
            "nowhere",
            &["--region", "us-west-2"],
            &both,
            Some("us-west-2"),
        ),
        ("nowhere", &[], &both, Some("ap-east-1")),
        ("nowhere", &[], &both[1..], Some("sa-east-1")),
        ("nowhere", &[], &[], None),
    ];
    for (profile, options, environment, region) in table {
        let mut run = home.vault(&["exec", profile]).args(options);
        for (name, value) in environment {
            run = run.env(name, value);
        }
        let got = variables(run.args(&["--", "env", "-0"]));
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            let value = got.get(name).map(String::as_str);
            assert_eq!(
                value, region,
                "{name} of {profile} {options:?} {environment:?}"
            );
        }
    }
}

const SETTINGS: &str = "
[profile set]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Developer
output = yaml
ca_bundle = CA
endpoint_url = http://localhost:4566
retry_mode = adaptive
max_attempts = 7
use_fips_endpoint = true
use_dualstack_endpoint = false
defaults_mode = in-region
sts_regional_endpoints = legacy
services = local

[services local]
s3 =
  endpoint_url = http://localhost:9000
dynamodb =
  endpoint_url = http://localhost:8000
";

/// What [`SETTINGS`] becomes.
const AS_VARIABLES: &[(&str, &str)] = &[
    ("AWS_DEFAULT_OUTPUT", "yaml"),
    ("AWS_ENDPOINT_URL", "http://localhost:4566"),
    ("AWS_RETRY_MODE", "adaptive"),
    ("AWS_MAX_ATTEMPTS", "7"),
    ("AWS_USE_FIPS_ENDPOINT", "true"),
    ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
    ("AWS_DEFAULTS_MODE", "in-region"),
    ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
    ("AWS_ENDPOINT_URL_S3", "http://localhost:9000"),
    ("AWS_ENDPOINT_URL_DYNAMODB", "http://localhost:8000"),
];

/// A certificate authority; nothing in the tests speaks TLS, but vault reads the bundle.
const AUTHORITY: &str = include_str!("../support/authority.pem");

/// A home that is signed in, with the profile `set` of [`SETTINGS`].
fn with_settings() -> Home {
    let home = Home::signed_in();
    let bundle = home.write("ca.pem", AUTHORITY);
    home.add_config(&SETTINGS.replace("CA", &bundle.to_string_lossy()));
    home
}

#[test]
fn what_the_profile_says_goes_along_in_the_variable_of_its_own() {
    let home = with_settings();
    let got = home.environment_as("set");
    for (name, value) in AS_VARIABLES {
        assert_eq!(get(&got, name), *value, "{name}");
    }
    let bundle = home.path("ca.pem");
    assert_eq!(get(&got, "AWS_CA_BUNDLE"), bundle.to_string_lossy());
}

#[test]
fn the_profiles_settings_win_over_those_of_the_environment() {
    let home = with_settings();
    let run = home
        .exec("set", &["env", "-0"])
        .env("AWS_MAX_ATTEMPTS", "1");
    let got = variables(run.env("AWS_RETRY_MODE", "legacy"));
    assert_eq!(get(&got, "AWS_MAX_ATTEMPTS"), "7");
    assert_eq!(get(&got, "AWS_RETRY_MODE"), "adaptive");
    let got = variables(
        home.exec("dev", &["env", "-0"])
            .env("AWS_MAX_ATTEMPTS", "1"),
    );
    assert_eq!(
        get(&got, "AWS_MAX_ATTEMPTS"),
        "1",
        "`dev` says nothing about it"
    );
}

#[test]
fn in_an_exec_within_an_exec_the_inner_profile_wins() {
    let home = with_settings();
    let vault = env!("CARGO_BIN_EXE_vault");
    home.exec("prod", &["true"]).output().success();
    let nested = home.exec("set", &[vault, "exec", "prod", "--", "env", "-0"]);
    // The passphrase reaches no command, so the inner vault has to find the keystore open.
    let got = variables(nested);
    assert_eq!(get(&got, "AWS_VAULT"), "prod");
    assert_eq!(get(&got, "AWS_REGION"), "eu-west-1");
    let alone = home.environment_as("prod");
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        assert_eq!(get(&got, name), get(&alone, name), "{name}");
    }
    for name in [
        "AWS_MAX_ATTEMPTS",
        "AWS_CA_BUNDLE",
        "AWS_ENDPOINT_URL_DYNAMODB",
    ] {
        assert!(
            !got.contains_key(name),
            "{name} is left over from the outer profile"
        );
    }
}
