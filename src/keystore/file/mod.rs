//! One encrypted file: for machines without a keystore of their own.
//!
//! A random data key seals the entries, and the passphrase only seals the data key; so the
//! passphrase is needed once, and the key may rest in the kernel until the next time.

mod disk;
mod format;
mod seal;
mod unlock;

use super::{Keystore, KeystoreError, Options};
use crate::credentials::Secret;
use disk::Disk;
use format::{Flaw, Text};
use seal::{Cost, Key};
use unlock::Unlocker;

/// How often a store may be made anew under our hands before we give up.
const TRIES: usize = 4;

/// Entries in one encrypted file.
pub struct FileStore {
    disk: Disk,
    unlocker: Unlocker,
}

impl FileStore {
    /// The store of this directory; nothing is read, asked or derived yet.
    pub fn new(options: Options) -> Self {
        Self::with_cost(options, Cost::USUAL)
    }

    fn with_cost(options: Options, cost: Cost) -> Self {
        Self {
            disk: Disk::new(options.directory),
            unlocker: Unlocker::new(options.passphrase, options.ask, options.unlocked_for, cost),
        }
    }

    /// Replaces the store by what `change` makes of it; whether there was anything to change.
    fn change(
        &self,
        change: impl Fn(&Text<'_>, &Key) -> Result<Option<Vec<u8>>, KeystoreError>,
        make: bool,
    ) -> Result<bool, KeystoreError> {
        for _ in 0..TRIES {
            let Some(bytes) = self.disk.read()? else {
                if !make {
                    return Ok(false);
                }
                self.unlocker.create(&self.disk)?;
                continue;
            };
            // The key first: while a person types, others may write.
            let header = self.parse(&bytes)?.header;
            let key = self.unlocker.key(&header, &self.disk)?;
            let lock = self.disk.writers_lock()?;
            let Some(bytes) = self.disk.read()? else {
                continue;
            };
            let text = self.parse(&bytes)?;
            if text.header.salt != header.salt {
                continue;
            }
            text.verify(&key).map_err(|flaw| self.damaged(flaw))?;
            let Some(new) = change(&text, &key)? else {
                return Ok(false);
            };
            self.disk.replace(&new, &lock)?;
            return Ok(true);
        }
        Err(KeystoreError::failed(format!(
            "{} is being replaced again and again",
            self.disk.store.display()
        )))
    }

    fn parse<'a>(&self, bytes: &'a [u8]) -> Result<Text<'a>, KeystoreError> {
        Text::parse(bytes).map_err(|flaw| self.damaged(flaw))
    }

    fn damaged(&self, Flaw(what): Flaw) -> KeystoreError {
        KeystoreError::Damaged {
            place: self.disk.store.display().to_string(),
            what: what.to_owned(),
        }
    }
}

impl Keystore for FileStore {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        let Some(bytes) = self.disk.read()? else {
            return Ok(None);
        };
        let text = self.parse(&bytes)?;
        let key = self.unlocker.key(&text.header, &self.disk)?;
        text.verify(&key)
            .and_then(|()| text.get(&key, name))
            .map_err(|flaw| self.damaged(flaw))
    }

    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        self.change(|text, key| text.with(key, name, value).map(Some), true)?;
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        self.change(|text, key| text.without(key, name), false)
    }
}

#[cfg(test)]
mod tests;
