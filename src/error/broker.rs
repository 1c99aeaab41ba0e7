//! What to do about an error of the broker's.

use super::{Error, Kind, elsewhere};
use crate::broker::BrokerError;
use crate::source::SourceError;
use crate::source::ambient::AmbientError;

impl From<BrokerError> for Error {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Cache(error) => error.into(),
            BrokerError::Source(error) => error.into(),
            BrokerError::NoAccess(..) => Self::from_chain(Kind::Failed, &error)
                .hint("check `sso_account_id` and `sso_role_name`, or ask for the permission set"),
            BrokerError::Role(_, SourceError::Service { ref message, .. })
                if message.contains("DurationSeconds") =>
            {
                Self::from_chain(Kind::Failed, &error).hint(
                    "wish for less with `--duration` or `duration_seconds`: the role has a maximum",
                )
            }
            BrokerError::Role(_, SourceError::Forbidden(_) | SourceError::Service { .. }) => {
                Self::from_chain(Kind::Failed, &error).hint(
                    "check `role_arn`, and that the role trusts the profile it is assumed from",
                )
            }
            BrokerError::Role(role, cause) => {
                Self::from(cause).context(format!("cannot assume `{role}`"))
            }
            BrokerError::Session(profile, cause) => session(&profile, cause),
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
                let again = format!("store it again with `vault add {profile}`");
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
            BrokerError::NoSource => Self::from_chain(Kind::Failed, &error)
                .hint("add `sso_session`, `sso_account_id` and `sso_role_name` to the profile"),
        }
    }
}

/// `GetSessionToken` for the key of a profile.
fn session(profile: &str, cause: SourceError) -> Error {
    let refused = matches!(
        cause,
        SourceError::Forbidden(_) | SourceError::Service { .. }
    );
    let message = format!("cannot get a session for the key of profile `{profile}`");
    let made = Error::from(cause).context(message);
    if !refused {
        return made;
    }
    made.hint(format!(
        "check that the key is active; `vault add {profile} --force` takes another"
    ))
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
        _ => made,
    }
}
