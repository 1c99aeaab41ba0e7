//! What a person reads where credentials could not be handed over.

use std::io::ErrorKind;

use super::{Error, Kind};
use crate::deliver::child::ChildError;
use crate::deliver::console::ConsoleError;
use crate::deliver::export::ExportError;
use crate::deliver::server::ServerError;

impl From<ChildError> for Error {
    fn from(error: ChildError) -> Self {
        let kind = match error {
            ChildError::NotFound(_) => Kind::NoCommand,
            ChildError::CannotRun(..) => Kind::CannotRun,
        };
        let made = Self::from_chain(kind, &error);
        match error {
            ChildError::NotFound(called) => made.hint(absent(&called.to_string_lossy())),
            ChildError::CannotRun(_, error) if error.kind() == ErrorKind::PermissionDenied => {
                made.hint("see its mode: `chmod +x` lets it be run")
            }
            ChildError::CannotRun(_, error) if error.kind() == ErrorKind::NotFound => {
                made.hint("check the interpreter that its first line names")
            }
            ChildError::CannotRun(..) => made,
        }
    }
}

/// What to do about a command that is not there.
fn absent(called: &str) -> &'static str {
    if called.contains(char::is_whitespace) {
        return "write its arguments outside its quotes, or give all of it to `sh -c`";
    }
    match called.contains(std::path::is_separator) {
        true => "check the path",
        false => "check its spelling, and that its directory is in PATH",
    }
}

impl From<ConsoleError> for Error {
    fn from(error: ConsoleError) -> Self {
        let kind = match &error {
            ConsoleError::LeadsAway(..) | ConsoleError::NoPath => Kind::Usage,
            _ => Kind::Failed,
        };
        let made = Self::from_chain(kind, &error);
        match &error {
            ConsoleError::NoRegion(_) | ConsoleError::Elsewhere { .. } => {
                made.hint("name another with `--region`, or see `region` in the profile")
            }
            ConsoleError::LeadsAway(..) => made.hint(
                "a path is what follows the host: `s3/buckets/NAME`; a whole address is one of this console",
            ),
            ConsoleError::NoPath => made.hint("write a space in it as `%20`"),
            ConsoleError::Unknown(_) => made,
        }
    }
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        Self::from_chain(Kind::Failed, &error).hint("choose another with `--format`")
    }
}

impl From<ServerError> for Error {
    fn from(error: ServerError) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match error {
            ServerError::Listen(1.., _) => {
                made.hint("choose another with `--port`, or leave it out for a free one")
            }
            _ => made,
        }
    }
}
