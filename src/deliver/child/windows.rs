//! Windows: there is no becoming another process, so vault waits for its child. A Ctrl-C goes to
//! both by the console; vault lets it pass, and leaves with the child's exit status.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// vault waits for its child.
pub(super) const STAYS: bool = true;
pub(super) const DEFAULT_SHELL: &str = "cmd.exe";
pub(super) const DEFAULT_PATH: &str = r"C:\Windows\System32;C:\Windows";
/// What makes a file a program, as `cmd.exe` has it where `PATHEXT` is not set.
const EXTENSIONS: [&str; 4] = ["com", "exe", "bat", "cmd"];

/// Runs the command to its end and leaves with its exit status, all 32 bits of it.
#[expect(
    clippy::disallowed_methods,
    reason = "the nearest thing to becoming the command"
)]
pub(super) fn run(mut command: Command, _called: &OsStr) -> io::Error {
    match command.spawn().and_then(|mut child| child.wait()) {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// The same: the console has sent Ctrl-C to the command as well.
pub(super) fn attend(command: Command, called: &OsStr) -> io::Error {
    run(command, called)
}

pub(super) fn check(candidate: &Path) -> io::Result<()> {
    if candidate.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(())
}

/// As it is where it has an extension, then with each one that makes it a program: `python3.11` may
/// be either.
pub(super) fn spellings(candidate: PathBuf) -> Vec<PathBuf> {
    let with = |extension: &str| {
        let mut name = candidate.clone().into_os_string();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    };
    let mut spellings: Vec<_> = EXTENSIONS.iter().map(|extension| with(extension)).collect();
    if candidate.extension().is_some() {
        spellings.insert(0, candidate);
    }
    spellings
}
