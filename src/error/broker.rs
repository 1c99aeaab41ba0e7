//! What to do about an error of the broker's.

use super::{Error, Kind, elsewhere};
use crate::broker::BrokerError;
use crate::config::shell_word;
use crate::source::SourceError;
use crate::source::ambient::AmbientError;

/// Whether it is not the role that STS refuses, but who asks for it: `The security token included in the
/// request is invalid`, or `is expired`; `The request signature we calculated does not match`.
fn is_about_key(message: &str) -> bool {
    ["security token included", "signature we calculated"]
        .iter()
        .any(|words| message.contains(words))
}

impl From<BrokerError> for Error {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Cache(error) => error.into(),
            BrokerError::Source(error) => error.into(),
            BrokerError::NoAccess(..) => Self::from_chain(Kind::Failed, &error)
                .hint("check `sso_account_id` and `sso_role_name`, or ask for the permission set"),
            BrokerError::Role(arn, cause) => role(&arn, cause),
            BrokerError::Session(profile, cause) => session(&profile, cause),
            BrokerError::Federation(profile, cause) => federation(&profile, cause),
            BrokerError::Console {
                chosen,
                error: cause,
            } => console(chosen, cause),
            BrokerError::Keys(what, cause) => keys(what, cause),
            BrokerError::CodeFailedElsewhere(_) => {
                Self::from_chain(Kind::Failed, &error).hint("run it again to be asked")
            }
            BrokerError::TooShort(_) => {
                Self::from_chain(Kind::Usage, &error).hint("AWS gives 15 minutes at least")
            }
            BrokerError::CodeRejected(..) => Self::from_chain(Kind::Failed, &error)
                .hint("a code is good once; wait for the next one, and check the device's clock"),
            BrokerError::Ambient(ref cause) => {
                let made = Self::from_chain(Kind::Failed, &error);
                ambient(made, cause)
            }
            BrokerError::KeyGone(ref profile) => {
                let again = format!("store it again with `vault add {}`", shell_word(profile));
                Self::from_chain(Kind::Failed, &error).hint(format!(
                    "name the keystore that has it with `--backend`, or {again}"
                ))
            }
            BrokerError::Config(error) => error.into(),
            BrokerError::Token(ref cause) => {
                elsewhere::token(Self::from_chain(Kind::Failed, &error), cause)
            }
            BrokerError::WebIdentity(role, cause) => elsewhere::web_identity(&role, cause),
            BrokerError::Login(ref profile, ref cause) => {
                elsewhere::login_session(&error, profile, cause)
            }
            BrokerError::Process(ref profile, ref cause) => {
                elsewhere::process(&error, profile, cause)
            }
            BrokerError::FailedElsewhere(_) => {
                Self::from_chain(Kind::Failed, &error).hint("run it again for a new code")
            }
            BrokerError::NoSource(ref profile) => {
                Self::from_chain(Kind::Failed, &error).hint(elsewhere::no_source(profile))
            }
        }
    }
}

/// `GetSessionToken` for the key of a profile.
fn session(profile: &str, cause: SourceError) -> Error {
    let message = format!("cannot get a session for the key of profile `{profile}`");
    let word = shell_word(profile);
    let hint = format!("check that the key is active; `vault add {word} --force` takes another");
    with_key(cause, message, hint)
}

/// `GetFederationToken` for the key of a profile.
fn federation(profile: &str, cause: SourceError) -> Error {
    let message =
        format!("cannot get a session for the console with the key of profile `{profile}`");
    let hint = "check that the key is active, and that its user may call `sts:GetFederationToken`";
    with_key(cause, message, hint.to_owned())
}

/// The hint is about the key where it was refused, and about what was in the way where something was.
fn with_key(cause: SourceError, message: String, hint: String) -> Error {
    let refused = matches!(
        cause,
        SourceError::Forbidden(_) | SourceError::Service { .. }
    );
    let made = Error::from(cause).context(message);
    if refused { made.hint(hint) } else { made }
}

/// The console's sign-in, which says of a refusal no more than that it is one.
fn console(chosen: bool, cause: SourceError) -> Error {
    let hint = match &cause {
        SourceError::Service { .. } if chosen => Some(
            "try without `--duration`: the role may not allow so long a session, or any choice",
        ),
        SourceError::Service { .. } => Some(
            "try with `--fresh`; only a role's credentials and an IAM user's key open the console",
        ),
        _ => None,
    };
    let made = Error::from(cause).context("the console gives no sign-in for these credentials");
    hint.into_iter().fold(made, Error::hint)
}

/// A role that could not be assumed, by what STS does not like.
fn role(arn: &str, cause: SourceError) -> Error {
    let hint = match &cause {
        SourceError::Service { message, .. } if message.contains("DurationSeconds") => {
            Some("wish for less with `--duration` or `duration_seconds`: the role has a maximum")
        }
        SourceError::Service { code, .. } if code == "ValidationError" => {
            Some("check what the profile says of the role: its cause names what STS does not take")
        }
        SourceError::Forbidden(message) if is_about_key(message) => {
            Some("it is the credentials that the role is assumed with: check `source_profile`")
        }
        SourceError::Forbidden(_) => {
            Some("check `role_arn`, and that the role trusts the profile it is assumed from")
        }
        _ => None,
    };
    hinted(cause, format!("cannot assume `{arn}`"), hint)
}

/// A user's own keys.
fn keys(what: &str, cause: SourceError) -> Error {
    let hint = match &cause {
        SourceError::Forbidden(_) => Some(
            "the user needs the rights to iam:ListAccessKeys, iam:CreateAccessKey and iam:DeleteAccessKey on itself; \
             where IAM wants MFA for that, the profile has to say `mfa_serial`",
        ),
        SourceError::KeyRejected(_) => Some(
            "see in IAM whether the key is there and active; `vault add --force` stores another",
        ),
        _ => None,
    };
    hinted(cause, format!("cannot {what}"), hint)
}

/// A source's error as the cause of what was wanted, and what to do about it.
fn hinted(cause: SourceError, wanted: String, hint: Option<&str>) -> Error {
    let made = Error::from(cause).context(wanted);
    match hint {
        Some(hint) => made.hint(hint),
        None => made,
    }
}

fn ambient(made: Error, cause: &AmbientError) -> Error {
    match cause {
        AmbientError::Unset(_) => {
            made.hint("`credential_source = Environment` uses the keys in vault's own environment")
        }
        AmbientError::NoContainer => {
            made.hint("`credential_source = EcsContainer` works in a container of ECS or EKS")
        }
        AmbientError::Source(SourceError::Unreachable { .. } | SourceError::TimedOut { .. }) => {
            made.hint("`credential_source` works where vault runs on AWS")
        }
        AmbientError::Refused { .. } => made
            .hint("what vault runs on has to have a role: the instance, the container or the task"),
        _ => made,
    }
}
