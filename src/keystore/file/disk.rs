//! Where the `file` keystore is on disk: read at once, replaced whole or not at all, open to its
//! owner alone. It does not know what is in there.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::keystore::KeystoreError;
use crate::keystore::lock::Lock;
use crate::keystore::platform::files;

/// A writer holds its lock for a few milliseconds, so whoever waits this long has met one that
/// hangs: on a network's disk, or stopped.
const WRITERS_PATIENCE: Duration = Duration::from_secs(30);

/// Who unlocks holds this lock while a person types, with a few tries.
const UNLOCKERS_PATIENCE: Duration = Duration::from_secs(120);

/// Far more than a store of some thousand entries: what is larger is not read into memory.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The files of one store.
pub struct Disk {
    directory: PathBuf,
    /// The store itself.
    pub store: PathBuf,
}

impl Disk {
    /// The store of this directory; nothing is looked at yet.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            store: directory.join("keystore"),
            directory,
        }
    }

    /// The store's text, `None` where there is no store.
    ///
    /// No lock is needed: a store is replaced by a rename, so this is one or the other.
    pub fn read(&self) -> Result<Option<Vec<u8>>, KeystoreError> {
        let doing = "read";
        let file = match File::open(&self.store) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(KeystoreError::io(doing, &self.store)(error)),
        };
        files::tighten(&file);
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let mut text = Vec::with_capacity(usize::try_from(size.min(LARGEST)).unwrap_or(0) + 1);
        file.take(LARGEST + 1)
            .read_to_end(&mut text)
            .map_err(KeystoreError::io(doing, &self.store))?;
        if text.len() as u64 > LARGEST {
            return Err(KeystoreError::Damaged {
                place: self.store.display().to_string(),
                what: format!("it is larger than {LARGEST} bytes"),
            });
        }
        Ok(Some(text))
    }

    /// Makes the directory.
    pub fn prepare(&self) -> Result<(), KeystoreError> {
        files::private_directory(&self.directory)
            .map_err(KeystoreError::io("make", &self.directory))
    }

    /// The right to write.
    pub fn writers_lock(&self) -> Result<Lock, KeystoreError> {
        self.prepare()?;
        Lock::take(&self.directory.join("keystore.lock"), WRITERS_PATIENCE)
    }

    /// The right to ask for the passphrase and to derive a key of it.
    pub fn unlockers_lock(&self) -> Result<Lock, KeystoreError> {
        Lock::take(&self.directory.join("keystore.unlock"), UNLOCKERS_PATIENCE)
    }

    /// Puts `text` in the store's place.
    pub fn replace(&self, text: &[u8], _lock: &Lock) -> Result<(), KeystoreError> {
        // One name for all writers: they have the lock, and one that was killed leaves no more
        // than one file behind.
        let new = self.directory.join("keystore.new");
        self.write(&new, text).inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
    }

    fn write(&self, new: &Path, text: &[u8]) -> Result<(), KeystoreError> {
        match fs::remove_file(new) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(KeystoreError::io("remove", new)(error));
            }
            _ => {}
        }
        fill(new, text).map_err(KeystoreError::io("write", new))?;
        fs::rename(new, &self.store).map_err(KeystoreError::io("replace", &self.store))?;
        // The new store is in place: if this fails, it is only a power cut that could undo it.
        if let Err(error) = files::sync_directory(&self.directory) {
            tracing::debug!(%error, "the directory of the keystore could not be synced");
        }
        Ok(())
    }
}

fn fill(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = files::create_private(path)?;
    file.write_all(text)?;
    file.sync_all()
}
