//! What a person reads where a program, an identity provider's token or the AWS CLI's own sign-in gave no
//! credentials.

use super::{Error, Kind};
use crate::broker::{BrokerError, LoginError};
use crate::config::shell_word;
use crate::resolve::Source;
use crate::source::SourceError;
use crate::source::process::ProcessError;
use crate::source::program::ProgramError;
use crate::source::web_identity::TokenError;

/// The file of a token.
pub(super) fn token(made: Error, cause: &TokenError) -> Error {
    let (TokenError::Unreadable(path, _) | TokenError::NoToken(path, _)) = cause;
    if path.starts_with("~") {
        return made.hint("write the whole path: `~` is a shell's, and none reads it");
    }
    made.hint("whatever writes it must be running: vault only reads it")
}

/// A role that could not be assumed with a token.
pub(super) fn web_identity(role: &str, cause: SourceError) -> Error {
    let hint = match &cause {
        SourceError::Forbidden(_) => Some(
            "check the role's trust policy: its provider, and what it wants of the token's `sub` and `aud`",
        ),
        SourceError::Service { code, .. } if code.starts_with("ExpiredToken") => {
            Some("the token's time is over: whatever writes its file must renew it")
        }
        SourceError::Service { code, .. } if code == "InvalidIdentityToken" => {
            Some("check that the role's account knows who issued the token, and for which audience")
        }
        _ => None,
    };
    let made =
        Error::from(cause).context(format!("cannot assume `{role}` with a web identity token"));
    match hint {
        Some(hint) => made.hint(hint),
        None => made,
    }
}

/// Who would sign in for a profile where nobody does, or elsewhere.
pub(super) fn not_sso(made: Error, profile: &str, root: &str, source: &Source) -> Error {
    match source {
        Source::LoginSession(_) => made.hint(format!(
            "the AWS CLI signs in for it: run `aws login --profile {}`",
            shell_word(root)
        )),
        Source::None => made.hint(no_source(root)),
        _ => made.hint(format!(
            "it needs no sign-in: `vault exec {}` gets its credentials",
            shell_word(profile)
        )),
    }
}

/// What a profile lacks that does not say where its credentials come from.
pub(super) fn no_source(profile: &str) -> String {
    format!(
        "add `sso_session`, `sso_account_id` and `sso_role_name` to `{profile}`, or store its \
         key with `vault add`"
    )
}

/// The session of `aws login`.
pub(super) fn login_session(error: &BrokerError, profile: &str, cause: &LoginError) -> Error {
    let login = format!("run `aws login --profile {}`", shell_word(profile));
    let kind = match cause {
        LoginError::NoSession(_) | LoginError::Ended => Kind::SignInRequired,
        _ => Kind::Failed,
    };
    let made = Error::from_chain(kind, error);
    match cause {
        LoginError::NoSession(_) | LoginError::Ended => made.hint(login),
        LoginError::Damaged { .. } => made.hint(format!("{login}, which writes it anew")),
        LoginError::Renewal(SourceError::Forbidden(_)) => {
            made.hint("the right to `signin:CreateOAuth2Token` may be missing")
        }
        LoginError::Renewal(SourceError::Unreachable { .. } | SourceError::TimedOut { .. }) => {
            made.hint("check the network, a VPN, the proxy, and the profile's `region`")
        }
        LoginError::Renewal(SourceError::NotAws { .. }) => {
            made.hint("a captive portal or a proxy is in the way: open any page in a browser")
        }
        LoginError::Renewal(_) => made.hint(format!("if it goes on, {login}")),
        LoginError::Io { .. } => made,
    }
}

/// A `credential_process`.
pub(super) fn process(error: &BrokerError, profile: &str, cause: &ProcessError) -> Error {
    let interrupted = matches!(cause, ProcessError::Program(ProgramError::Interrupted(_)));
    let kind = if interrupted {
        Kind::Interrupted
    } else {
        Kind::Failed
    };
    let made = Error::from_chain(kind, error);
    match cause {
        ProcessError::Loop { .. } => made.hint(format!(
            "it has to get them elsewhere; `vault add {}` stores a long-lived key, and then it is not needed",
            shell_word(profile)
        )),
        ProcessError::Program(ProgramError::NotFound(_)) => made.hint(
            "see `credential_process` in the profile: no shell runs it, so `~` and `$HOME` stay as they are",
        ),
        ProcessError::Program(ProgramError::Interrupted(_)) | ProcessError::Quoting(_) => made,
        ProcessError::Program(ProgramError::TimedOut(..)) => {
            made.hint("run it by hand, to see what it waits for")
        }
        _ => made.hint("run it by hand, to see what it says and prints"),
    }
}
