//! What a person reads where a program, an identity provider's token or the AWS CLI's own sign-in gave no
//! credentials.

use super::{Error, Kind};
use crate::broker::BrokerError;
use crate::source::process::ProcessError;
use crate::source::program::ProgramError;

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
            "it has to get them elsewhere; `vault add {profile}` stores a long-lived key, and then it is not needed"
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
