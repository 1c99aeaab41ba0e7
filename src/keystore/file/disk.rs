//! Where the `file` keystore is on disk: read at once, replaced whole or not at all, open to its
//! owner alone. It does not know what is in there.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::time::Duration;

use crate::files::{self, Lock};
use crate::keystore::KeystoreError;

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
        self.lock("keystore.lock", WRITERS_PATIENCE)
    }

    /// The right to ask for the passphrase and to derive a key of it.
    pub fn unlockers_lock(&self) -> Result<Lock, KeystoreError> {
        self.lock("keystore.unlock", UNLOCKERS_PATIENCE)
    }

    fn lock(&self, name: &str, patience: Duration) -> Result<Lock, KeystoreError> {
        let path = self.directory.join(name);
        Lock::take(&path, patience, || {}).map_err(KeystoreError::lock(&path, patience))
    }

    /// Puts `text` in the store's place.
    pub fn replace(&self, text: &[u8], _lock: &Lock) -> Result<(), KeystoreError> {
        files::replace(&self.store, &self.directory.join("keystore.new"), text)
            .map_err(KeystoreError::io("replace", &self.store))
    }
}
