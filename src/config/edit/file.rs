//! An AWS file that is being edited: read under a lock that every vault respects, and replaced whole.
//!
//! The lock is in vault's own directory: one beside the file would be litter in `~/.aws`. The AWS CLI
//! takes none, so a file that has changed since it was read is noticed and left alone. Nobody is asked
//! anything while it is held.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Refusal, Sections};
use crate::config::section::Dialect;
use crate::credentials::Secret;
pub use crate::files::ReplaceError;
use crate::files::{Lock, LockError, Theirs, private_directory};

#[cfg(all(test, unix))]
mod tests;

/// An edit takes milliseconds: who holds the lock for so long is stopped, or its disk is.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// What a copy of the file as it was before vault's first edit is called: `config.vault-backup`.
const BACKUP: &str = "vault-backup";

/// Why a file was not edited. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The edit itself.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not text.
    #[error("{} is not UTF-8", .0.display())]
    NotText(PathBuf),
    /// It can't be read.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It can't be written.
    #[error("cannot write {}", .0.display())]
    Unwritable(PathBuf, #[source] ReplaceError),
    /// Another program wrote it while vault did.
    #[error("{} was changed by another program meanwhile", .0.display())]
    Changed(PathBuf),
    /// The edit would have changed what other lines mean.
    #[error("{} has lines that the edit would give another meaning", .0.display())]
    Entangled(PathBuf),
    /// Another vault holds the lock, and does not let go.
    #[error("another vault has been editing {} for {} seconds", .0.display(), LOCK_LIMIT.as_secs())]
    Busy(PathBuf),
    /// The lock can't be made.
    #[error("cannot lock {}", .0.display())]
    Lock(PathBuf, #[source] io::Error),
}

/// An AWS file that is being edited. Dropping it without [`Edit::save`] changes nothing.
pub struct Edit {
    /// What is to be in the file.
    pub sections: Sections,
    path: PathBuf,
    file: Theirs,
    _lock: Lock,
}

/// What an edit left.
#[derive(Debug, PartialEq, Eq)]
pub struct Saved {
    /// Whether anything was written.
    pub changed: bool,
    /// The copy of the file as it was, where this was vault's first edit of it.
    pub backup: Option<PathBuf>,
}

impl Edit {
    /// Locks and reads a file; one that isn't there is an empty one. The lock is below `data`; `waiting`
    /// is called where another vault has it.
    ///
    /// # Errors
    ///
    /// See [`EditError`].
    pub fn open(
        path: &Path,
        dialect: Dialect,
        data: &Path,
        waiting: impl FnOnce(),
    ) -> Result<Self, EditError> {
        let unreadable = |error| EditError::Unreadable(path.to_owned(), error);
        // Two names of one file have one lock.
        let target = Theirs::read(path).map_err(unreadable)?.target().to_owned();
        let lock = lock(&target, data, waiting).map_err(|error| match error {
            LockError::Busy => EditError::Busy(path.to_owned()),
            LockError::Io(error) => EditError::Lock(path.to_owned(), error),
        })?;
        let file = Theirs::read(path).map_err(unreadable)?;
        if u32::try_from(file.bytes().len()).is_err() {
            return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
        }
        let text =
            std::str::from_utf8(file.bytes()).map_err(|_| EditError::NotText(path.to_owned()))?;
        Ok(Self {
            sections: Sections::new(path, text, dialect),
            path: path.to_owned(),
            file,
            _lock: lock,
        })
    }

    /// What the file holds now.
    pub fn before(&self) -> Secret<String> {
        Secret::new(String::from_utf8_lossy(self.file.bytes()).into_owned())
    }

    /// Whether the file has other names, which will keep the old text.
    pub fn has_other_names(&self) -> bool {
        self.file.has_other_names()
    }

    /// From the next [`Edit::save`] on the file is for its owner alone, changed or not.
    pub fn make_private(&mut self) {
        self.file.make_private();
    }

    /// Writes what was edited, if anything was. Before the first time, the file as it was is copied,
    /// but for the secrets in it: a copy of those would outlive their removal.
    ///
    /// # Errors
    ///
    /// See [`EditError`]; the file is as it was.
    pub fn save(self) -> Result<Saved, EditError> {
        let text = self.sections.text();
        if text.expose().as_bytes() == self.file.bytes() {
            self.file.tighten();
            return Ok(Saved {
                changed: false,
                backup: None,
            });
        }
        if !self.sections.is_whole() {
            return Err(EditError::Entangled(self.path));
        }
        let unwritable = |error| match error {
            ReplaceError::Changed => EditError::Changed(self.path.clone()),
            error => EditError::Unwritable(self.path.clone(), error),
        };
        let backup = if self.file.exists() {
            let before = self.before();
            let before = Sections::new(&self.path, before.expose(), self.sections.dialect);
            let copy = before.without_secrets();
            self.file
                .back_up(&self.path, BACKUP, copy.expose().as_bytes())
                .map_err(|error| unwritable(error.into()))?
        } else {
            None
        };
        if let Err(error) = self.file.replace(text.expose().as_bytes()) {
            // It would be taken for the file as it was before an edit that comes later.
            if let Some(backup) = &backup {
                let _ = std::fs::remove_file(backup);
            }
            return Err(unwritable(error));
        }
        Ok(Saved {
            changed: true,
            backup,
        })
    }
}

fn lock(target: &Path, data: &Path, waiting: impl FnOnce()) -> Result<Lock, LockError> {
    // The file may not be there yet; the directory may be called by a link to it.
    let directory = target
        .parent()
        .and_then(|parent| parent.canonicalize().ok());
    let whole = match (directory, target.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => std::path::absolute(target)?,
    };
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let name: String = hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let directory = data.join("locks");
    private_directory(&directory)?;
    Lock::take(&directory.join(format!("edit-{name}")), LOCK_LIMIT, waiting)
}
