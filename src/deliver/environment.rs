//! What a program's environment becomes when it runs as a profile: one list, for a child and for
//! every text form of it. Pure: it reads no environment and starts nothing.

use std::ffi::{OsStr, OsString};

use jiff::Timestamp;

use crate::credentials::{Credentials, Secret};
use crate::env;

/// The keys of a profile that have a variable of their own, and that variable
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>).
pub const PROFILE_SETTINGS: &[(&str, &str)] = &[
    ("output", "AWS_DEFAULT_OUTPUT"),
    ("ca_bundle", env::AWS_CA_BUNDLE),
    ("endpoint_url", env::AWS_ENDPOINT_URL),
    (
        "ignore_configured_endpoint_urls",
        env::AWS_IGNORE_CONFIGURED_ENDPOINT_URLS,
    ),
    ("retry_mode", "AWS_RETRY_MODE"),
    ("max_attempts", "AWS_MAX_ATTEMPTS"),
    ("use_fips_endpoint", env::AWS_USE_FIPS_ENDPOINT),
    ("use_dualstack_endpoint", env::AWS_USE_DUALSTACK_ENDPOINT),
    ("defaults_mode", "AWS_DEFAULTS_MODE"),
    ("sts_regional_endpoints", "AWS_STS_REGIONAL_ENDPOINTS"),
];

/// What must not reach the child from outside, whatever it was: each would lead an AWS client to
/// other credentials than the ones handed over.
pub const REMOVED: &[&str] = &[
    env::AWS_PROFILE,
    env::AWS_DEFAULT_PROFILE,
    env::AWS_ACCESS_KEY_ID,
    env::AWS_SECRET_ACCESS_KEY,
    env::AWS_SESSION_TOKEN,
    env::AWS_CREDENTIAL_EXPIRATION,
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    env::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
    env::AWS_CONTAINER_CREDENTIALS_FULL_URI,
    env::AWS_CONTAINER_AUTHORIZATION_TOKEN,
    env::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
];

/// What a program that runs as a profile is given.
pub struct Handover<'a> {
    /// The profile's name.
    pub profile: &'a str,
    /// Its credentials.
    pub credentials: &'a Credentials,
    /// Its region, where one is known.
    pub region: Option<&'a str>,
    /// Variables that its section in the configuration asks for ([`PROFILE_SETTINGS`]).
    pub settings: &'a [(String, String)],
    /// Variables that an `exec` around this one set for its own profile.
    pub outer_settings: &'a [(String, String)],
}

/// Where a client asks for a profile's credentials, and what it shows there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL.
    pub uri: String,
    /// What it sends as `Authorization`.
    pub token: Secret<String>,
}

impl Endpoint {
    /// As an SDK is told of it
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>).
    pub fn variables(&self) -> [(String, String); 2] {
        let (uri, token) = (self.uri.clone(), self.token.expose().clone());
        [
            (env::AWS_CONTAINER_CREDENTIALS_FULL_URI.to_owned(), uri),
            (env::AWS_CONTAINER_AUTHORIZATION_TOKEN.to_owned(), token),
        ]
    }
}

/// The environment for a program that runs as a profile, made from the one vault was given.
pub fn environment(
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
    handover: &Handover<'_>,
) -> Vec<(OsString, OsString)> {
    replaced(inherited, handover, &variables(handover))
}

/// The same for a program that asks a server for its credentials.
pub fn served_environment(
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
    handover: &Handover<'_>,
    endpoint: &Endpoint,
) -> Vec<(OsString, OsString)> {
    let set = endpoint.variables().into_iter();
    let set: Vec<_> = set.chain(besides_credentials(handover)).collect();
    replaced(inherited, handover, &set)
}

fn replaced(
    inherited: impl IntoIterator<Item = (OsString, OsString)>,
    handover: &Handover<'_>,
    set: &[(String, String)],
) -> Vec<(OsString, OsString)> {
    inherited
        .into_iter()
        .filter(|(name, _)| !is_removed(name))
        .filter(|(name, value)| !is_left_over(name, value, handover.outer_settings))
        .filter(|(name, _)| !set.iter().any(|(ours, _)| same_name(name, ours)))
        .chain(
            set.iter()
                .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        )
        .collect()
}

/// The variables that a profile's credentials and settings become.
pub fn variables(handover: &Handover<'_>) -> Vec<(String, String)> {
    let credentials = handover.credentials;
    let mut set = vec![
        (
            env::AWS_ACCESS_KEY_ID.to_owned(),
            credentials.access_key_id.clone(),
        ),
        (
            env::AWS_SECRET_ACCESS_KEY.to_owned(),
            credentials.secret_access_key.expose().clone(),
        ),
    ];
    if let Some(token) = &credentials.session_token {
        set.push((env::AWS_SESSION_TOKEN.to_owned(), token.expose().clone()));
    }
    if let Some(end) = credentials.expires_at {
        set.push((env::AWS_CREDENTIAL_EXPIRATION.to_owned(), rfc3339(end)));
    }
    set.extend(besides_credentials(handover));
    set
}

/// Those that say which profile it is, and what its section in the configuration says.
fn besides_credentials(handover: &Handover<'_>) -> Vec<(String, String)> {
    let mut set = vec![(env::AWS_VAULT.to_owned(), handover.profile.to_owned())];
    if let Some(region) = handover.region {
        set.push((env::AWS_REGION.to_owned(), region.to_owned()));
        set.push((env::AWS_DEFAULT_REGION.to_owned(), region.to_owned()));
    }
    set.extend(handover.settings.iter().cloned());
    set
}

/// `2026-11-23T09:41:00Z`: whole seconds, since not every reader of the variable knows fractions.
pub fn rfc3339(instant: Timestamp) -> String {
    let whole = Timestamp::from_second(instant.as_second()).unwrap_or(instant);
    whole.to_string()
}

fn is_removed(name: &OsStr) -> bool {
    REMOVED
        .iter()
        .chain(env::SECRETS)
        .any(|removed| same_name(name, removed))
}

/// An `exec` around this one set it for its own profile: under the inner profile it would be a lie.
fn is_left_over(name: &OsStr, value: &OsStr, outer: &[(String, String)]) -> bool {
    outer
        .iter()
        .any(|(set, to)| same_name(name, set) && value == to.as_str())
}

/// Windows compares the names of variables without regard to case.
fn same_name(name: &OsStr, other: &str) -> bool {
    if cfg!(windows) {
        name.eq_ignore_ascii_case(other)
    } else {
        name == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: Secret::new("secret".into()),
            session_token: Some(Secret::new("token".into())),
            expires_at: Some("2026-11-23T10:00:00.5Z".parse().unwrap()),
        }
    }

    fn handed<'a>(credentials: &'a Credentials) -> Handover<'a> {
        Handover {
            profile: "prod",
            credentials,
            region: Some("eu-west-1"),
            settings: &[],
            outer_settings: &[],
        }
    }

    fn given(pairs: &[(&str, &str)], handover: &Handover<'_>) -> Vec<(String, String)> {
        let inherited = pairs
            .iter()
            .map(|(n, v)| (OsString::from(n), OsString::from(v)));
        let text = |s: OsString| s.into_string().unwrap();
        environment(inherited, handover)
            .into_iter()
            .map(|(n, v)| (text(n), text(v)))
            .collect()
    }

    fn value<'a>(all: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        all.iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
            .collect()
    }

    #[test]
    fn the_credentials_take_the_place_of_those_inherited() {
        let credentials = credentials();
        let inherited = [
            ("AWS_ACCESS_KEY_ID", "old"),
            ("AWS_SESSION_TOKEN", "old"),
            ("AWS_CREDENTIAL_EXPIRATION", "old"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_VAULT", "outer"),
            ("HOME", "/home/me"),
        ];
        let all = given(&inherited, &handed(&credentials));
        assert_eq!(value(&all, "AWS_ACCESS_KEY_ID"), ["ASIAEXAMPLE"]);
        assert_eq!(value(&all, "AWS_SECRET_ACCESS_KEY"), ["secret"]);
        assert_eq!(value(&all, "AWS_SESSION_TOKEN"), ["token"]);
        assert_eq!(
            value(&all, "AWS_CREDENTIAL_EXPIRATION"),
            ["2026-11-23T10:00:00Z"]
        );
        assert_eq!(value(&all, "AWS_REGION"), ["eu-west-1"]);
        assert_eq!(value(&all, "AWS_DEFAULT_REGION"), ["eu-west-1"]);
        assert_eq!(value(&all, "AWS_VAULT"), ["prod"]);
        assert_eq!(value(&all, "HOME"), ["/home/me"]);
    }

    #[test]
    fn nothing_that_leads_to_other_credentials_or_holds_a_secret_of_vaults_stays() {
        let credentials = credentials();
        let mut inherited: Vec<_> = REMOVED.iter().map(|name| (*name, "x")).collect();
        inherited.push(("AWS_VAULT_FILE_PASSPHRASE", "x"));
        let all = given(&inherited, &handed(&credentials));
        assert!(all.iter().all(|(_, value)| value != "x"), "{all:?}");
    }

    #[test]
    fn a_program_that_is_served_gets_no_key_and_finds_no_other_server() {
        let credentials = credentials();
        let endpoint = Endpoint {
            uri: "http://127.0.0.1:1/prod".to_owned(),
            token: Secret::new("shown".to_owned()),
        };
        let inherited = REMOVED
            .iter()
            .map(|name| (OsString::from(name), OsString::from("x")));
        let all = served_environment(inherited, &handed(&credentials), &endpoint);
        let mut all: Vec<_> = all
            .iter()
            .map(|(n, v)| (n.to_str().unwrap(), v.to_str().unwrap()))
            .collect();
        all.sort_unstable();
        let expected = [
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "shown"),
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://127.0.0.1:1/prod",
            ),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_VAULT", "prod"),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn an_old_token_and_expiry_go_even_if_nothing_replaces_them() {
        let mut credentials = credentials();
        credentials.session_token = None;
        credentials.expires_at = None;
        let inherited = [
            ("AWS_SESSION_TOKEN", "old"),
            ("AWS_CREDENTIAL_EXPIRATION", "old"),
        ];
        let all = given(&inherited, &handed(&credentials));
        assert!(value(&all, "AWS_SESSION_TOKEN").is_empty());
        assert!(value(&all, "AWS_CREDENTIAL_EXPIRATION").is_empty());
    }

    #[test]
    fn an_inner_profile_does_not_inherit_the_settings_of_the_outer_one() {
        let credentials = credentials();
        let outer = [("AWS_ENDPOINT_URL".to_owned(), "http://outer".to_owned())];
        let mut handover = handed(&credentials);
        handover.outer_settings = &outer;
        let inherited = [
            ("AWS_ENDPOINT_URL", "http://outer"),
            ("AWS_MAX_ATTEMPTS", "7"),
        ];
        let all = given(&inherited, &handover);
        assert!(value(&all, "AWS_ENDPOINT_URL").is_empty());
        assert_eq!(
            value(&all, "AWS_MAX_ATTEMPTS"),
            ["7"],
            "what the person set stays"
        );
        let all = given(&[("AWS_ENDPOINT_URL", "http://mine")], &handover);
        assert_eq!(value(&all, "AWS_ENDPOINT_URL"), ["http://mine"]);
    }
}
