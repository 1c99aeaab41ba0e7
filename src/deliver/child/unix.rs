//! Unix: vault becomes the command, so that PID, terminal, signals and exit status are its own and
//! nothing of vault stays behind.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Access, access};

/// vault becomes the child.
pub(super) const STAYS: bool = false;
pub(super) const DEFAULT_SHELL: &str = "/bin/sh";
/// What `execvp` looks through where `PATH` is not set.
pub(super) const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Replaces this process. The standard library gives the child the default `SIGPIPE` and an empty
/// signal mask, as if vault had never been there; every file vault opened closes on the way.
pub(super) fn run(mut command: Command, called: &OsStr) -> io::Error {
    command.arg0(called).exec()
}

/// Whether the file can be run by this user.
pub(super) fn check(candidate: &Path) -> io::Result<()> {
    let metadata = candidate.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from_raw_os_error(
            rustix::io::Errno::ISDIR.raw_os_error(),
        ));
    }
    access(candidate, Access::EXEC_OK).map_err(io::Error::from)
}

/// The ways a file may be spelt: one, on Unix.
pub(super) fn spellings(candidate: PathBuf) -> Vec<PathBuf> {
    vec![candidate]
}
