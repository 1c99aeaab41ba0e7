//! A command run with an environment of its own: found first, then started in vault's place.
//!
//! What a process is differs by platform, so each has a file; this one chooses between them once.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use crate::env;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

/// Whether vault stays as the command's parent, and has to leave signals to it.
pub const STAYS: bool = platform::STAYS;

/// A command line whose program was found: what to run, and how it was called.
#[derive(Debug)]
pub struct Command {
    program: PathBuf,
    called: OsString,
    arguments: Vec<OsString>,
}

/// Why a command can't be run.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no such command.
    #[error("there is no command `{}`", .0.display())]
    NotFound(OsString),
    /// There is a file, but it can't be run.
    #[error("`{}` cannot be run", .0.display())]
    CannotRun(OsString, #[source] io::Error),
}

impl Command {
    /// Finds `called` as a shell would: by its path, or in `PATH`.
    ///
    /// It is done before anything is fetched: nobody is sent to a browser for a mistyped command.
    ///
    /// # Errors
    ///
    /// There is no such command, or it can't be run.
    pub fn find(called: OsString, arguments: Vec<OsString>) -> Result<Self, ChildError> {
        let program = find(&called)?;
        Ok(Self {
            program,
            called,
            arguments,
        })
    }

    /// The person's shell, for `exec` without a command.
    ///
    /// # Errors
    ///
    /// What `SHELL` names is not there.
    pub fn shell() -> Result<Self, ChildError> {
        let shell = env::var_os(env::SHELL).unwrap_or_else(|| platform::DEFAULT_SHELL.into());
        Self::find(shell, Vec::new())
    }

    /// Becomes the command (Unix), or runs it to its end and leaves with its exit status: what is
    /// returned is why that could not be.
    pub fn run(self, environment: Vec<(OsString, OsString)>) -> ChildError {
        self.with(environment, platform::run)
    }

    /// Runs it as vault's child, for the sake of what vault serves meanwhile, and leaves with its exit
    /// status, 128 and N after signal N: what is returned is why that could not be. Signals that a
    /// program sends to vault are passed on.
    pub fn attend(self, environment: Vec<(OsString, OsString)>) -> ChildError {
        self.with(environment, platform::attend)
    }

    fn with(
        self,
        environment: Vec<(OsString, OsString)>,
        run: fn(std::process::Command, &OsStr) -> io::Error,
    ) -> ChildError {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(environment);
        // It was found: if it is said not to be there now, it is its interpreter that is missing.
        let error = run(command, &self.called);
        ChildError::CannotRun(self.called, error)
    }
}

fn find(called: &OsStr) -> Result<PathBuf, ChildError> {
    let mut refused = None;
    for candidate in candidates(called) {
        match platform::check(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(match refused {
        Some(error) => ChildError::CannotRun(called.to_owned(), error),
        None => ChildError::NotFound(called.to_owned()),
    })
}

/// Where `called` may be: itself if it holds a separator, else in each directory of `PATH`.
fn candidates(called: &OsStr) -> Vec<PathBuf> {
    let bytes = called.as_encoded_bytes();
    if bytes.is_empty() {
        return Vec::new();
    }
    if bytes
        .iter()
        .any(|byte| std::path::is_separator(char::from(*byte)))
    {
        return platform::spellings(PathBuf::from(called));
    }
    let path = env::var_os(env::PATH).unwrap_or_else(|| platform::DEFAULT_PATH.into());
    std::env::split_paths(&path)
        // An empty entry is the current directory; without a separator it would be looked up again.
        .map(|entry| {
            if entry.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                entry
            }
        })
        .flat_map(|directory| platform::spellings(directory.join(called)))
        // As a shell does: what is no file in a directory of `PATH` is passed over.
        .filter(|candidate| candidate.is_file())
        .collect()
}
