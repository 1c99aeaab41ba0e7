//! What to do about the AWS files, where a name is not in them or a key can't be meant.

use super::{Error, Kind, elsewhere};
use crate::config::{ConfigError, closest};
use crate::resolve::ResolveError;

/// What to do about a file that is there.
pub(super) const UNREADABLE: &str = "see who owns it, its mode, and AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE, which may name it";

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match &error {
            ConfigError::NoSuchProfile { closest, any, .. } => {
                meant(made, closest, *any, "profile")
            }
            ConfigError::NoSuchSession { closest, any, .. } => {
                meant(made, closest, *any, "sso-session")
            }
            ConfigError::Mistake { .. } | ConfigError::Syntax { .. } => made.hint(advice(&error)),
            ConfigError::Unreadable { .. } => made.hint(UNREADABLE),
        }
    }
}

impl From<ResolveError> for Error {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::NoSuchProfile(error) => error.into(),
            ResolveError::NoSuchSession { ref closest, .. } => {
                let made = Self::from_chain(Kind::Failed, &error);
                meant(made, closest, true, "sso-session")
            }
            ResolveError::NotSso {
                ref profile,
                ref root,
                ref origin,
            } => {
                let made = Self::from_chain(Kind::Failed, &error);
                elsewhere::not_sso(made, profile, root, origin)
            }
            ResolveError::Loop { .. } => Self::from_chain(Kind::Failed, &error)
                .hint("let one of them have credentials of its own"),
            ResolveError::Profile { ref source, .. }
            | ResolveError::Link { ref source, .. }
            | ResolveError::Session { ref source, .. } => {
                let made = Self::from_chain(Kind::Failed, &error);
                match source {
                    ConfigError::Mistake { .. } => made.hint(advice(source)),
                    _ => made,
                }
            }
        }
    }
}

fn meant(error: Error, closest: &[String], any: bool, what: &str) -> Error {
    let names: Vec<_> = closest.iter().map(|name| format!("`{name}`")).collect();
    match (names.is_empty(), any) {
        (false, _) => error.hint(format!("did you mean {}?", names.join(" or "))),
        (true, true) if what == "profile" => {
            error.hint("`vault list` shows the profiles that there are")
        }
        (true, true) => error.hint("`vault configure` adds a place to sign in, and a profile"),
        (true, false) => error.hint(format!(
            "there is no {what} at all yet: `vault configure` writes one"
        )),
    }
}

/// What to do about a mistake, by its key: for `doctor`, and for who runs into it.
pub fn advice(error: &ConfigError) -> String {
    let ConfigError::Mistake { key, what, .. } = error else {
        return "mend it: the AWS CLI and vault stop at such a line".to_owned();
    };
    if error.is_contradiction() {
        return format!("keep one `{key}`, or make both the same");
    }
    match key.as_str() {
        "sso_account_id" => "an account is 12 digits, zeros at its beginning among them",
        "sso_start_url" => {
            "it is the address of your AWS access portal, https://….awsapps.com/start"
        }
        "sso_region" | "region" => "a region is called as in `eu-central-1`",
        "sso_role_name" => {
            "it is the name of a permission set; `vault configure` lets you pick one"
        }
        "sso_session" => "name one that there is; `vault configure` writes one",
        "include_profile" | "parent_profile" if what.starts_with("a loop") => {
            "let one of them include none of the others"
        }
        "source_profile" | "include_profile" | "parent_profile" => {
            "name a profile that there is; `vault list` shows them"
        }
        "credential_source" if what.contains("source_profile") => {
            "keep `source_profile` or `credential_source`, not both"
        }
        "credential_source" => "write one of these as it stands here, capitals included",
        "role_arn" if what.contains("not the ARN") => {
            "write it as in `arn:aws:iam::123456789012:role/NAME`"
        }
        "role_arn" if what.contains("source_profile") => {
            "say in `source_profile` whose credentials may assume the role"
        }
        "role_arn" => "name the role that the token is for",
        "duration_seconds" => "write a number of seconds from 900 to 43200",
        "session_tags" => "write `key=value,key=value`",
        "services" => "name a section [services NAME] of the config file",
        "endpoint_url" => "write it whole, as in `https://host:port`",
        "aws_access_key_id" | "aws_secret_access_key" => {
            "both halves of a key stand in one section of one file"
        }
        _ => return format!("mend `{key}` in that line, or take it out"),
    }
    .to_owned()
}

/// What to do about a mistake in `config.toml`, in the words of its parser: there the names are between
/// backticks, the wrong one, then the right ones.
pub fn setting_advice(what: &str) -> String {
    let mut names = what.split('`').skip(1).step_by(2);
    let wrong = names.next().filter(|_| what.starts_with("unknown"));
    match wrong.and_then(|wrong| closest(wrong, names).into_iter().next()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "the README lists the settings".to_owned(),
    }
}
