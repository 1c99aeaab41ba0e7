//! Why a keystore did not do what it was asked: variants by what the caller can do about it.
//!
//! Nothing here holds a value that was to be kept: only names of places, reasons and sizes.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Backend;
use crate::files::LockError;

/// Why a keystore did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// It is locked, and nobody unlocked it: its prompt was dismissed, or none could be shown.
    #[error("the keystore is locked")]
    Locked,
    /// It is there and says no.
    #[error("the keystore refused: {reason}")]
    Denied {
        /// What it said.
        reason: String,
    },
    /// There is no such keystore on this machine or in this session: another backend may do.
    #[error("there is no such keystore here: {reason}")]
    Missing {
        /// What is not there.
        reason: String,
    },
    /// It did not answer.
    #[error("{what} did not answer within {} s", after.as_secs())]
    TimedOut {
        /// Who did not answer.
        what: String,
        /// How long was waited.
        after: Duration,
    },
    /// The passphrase of the `file` keystore is not this one.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A passphrase is needed, none is given, and there is nobody to ask.
    #[error("the keystore needs its passphrase")]
    PassphraseNeeded,
    /// The person who was asked for the passphrase does not want to go on.
    #[error("interrupted")]
    Interrupted,
    /// What is kept cannot be trusted: cut off, altered, or of an unknown version.
    #[error("{place} is damaged: {what}")]
    Damaged {
        /// The file or the entry.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The value is larger than this keystore can keep.
    #[error("a value of {size} bytes is too large for the keystore, which keeps at most {limit}")]
    TooLarge {
        /// The value's size in bytes.
        size: usize,
        /// The largest possible.
        limit: usize,
    },
    /// The keystore has no room left.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only the kernel's keyring says so")
    )]
    #[error("the keystore is full: {reason}")]
    Full {
        /// Whose limit it is.
        reason: String,
    },
    /// The file system said no.
    #[error("could not {doing} {}", path.display())]
    Io {
        /// A verb: what was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that the keystore said.
    #[error("the keystore failed: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
    /// There is no backend of this name.
    #[error("unknown keystore `{0}`: it is one of {names}", names = Backend::names())]
    UnknownBackend(String),
}

impl KeystoreError {
    /// Why a lock was not had: `path` is what it locks, and it was waited for `after`.
    pub(super) fn lock(path: &Path, after: Duration) -> impl FnOnce(LockError) -> Self {
        let path = path.to_path_buf();
        move |error| match error {
            LockError::Busy => Self::TimedOut {
                what: format!("another process, which holds {},", path.display()),
                after,
            },
            LockError::Io(source) => Self::Io {
                doing: "lock",
                path,
                source,
            },
        }
    }

    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// A backend that other operating systems have.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn elsewhere(backend: Backend) -> Self {
        let reason = format!("`{backend}` does not exist on this operating system");
        Self::Missing { reason }
    }

    /// Anything else.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self::Failed {
            reason: reason.into(),
        }
    }
}
