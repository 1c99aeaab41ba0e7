//! Large values in a keystore that keeps only small ones: in parts.
//!
//! A value that fits is one entry. One that does not is a *head* and parts, in one of two
//! generations: a new value's parts go into the generation that is not in use, then the head is
//! changed to point there, then the old parts go. Who is killed in between leaves a head that
//! is whole, and parts that the next writer clears: parts are written in rising order and
//! removed in falling order, so what is left of a generation always begins at its first part.
//!
//! Writers take a lock. Readers take none: a head carries its value's digest, and a reader that
//! finds parts which do not fit looks at the head again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Keystore, KeystoreError};
use crate::credentials::Secret;
use crate::files::{Lock, private_directory};

/// The first byte of an entry that holds its value itself.
const WHOLE: u8 = 0;

/// The first byte of a head: generation, number of parts (2 bytes), SHA-256 of the value.
const HEAD: u8 = 1;

/// More parts than any value has that is worth keeping: 200 × 2.5 KB.
const MOST_PARTS: usize = 200;

/// How often a reader looks again. Each time a writer must have finished in between; whoever
/// meets three of them in a row has met something else.
const LOOKS: usize = 3;

/// A writer is done within milliseconds; one in front of a prompt takes as long as its person.
const PATIENCE: Duration = Duration::from_secs(60);

/// A keystore without a limit, made of one with a limit.
pub struct Chunked<S> {
    inner: S,
    limit: usize,
    directory: PathBuf,
}

struct Head {
    generation: u8,
    parts: usize,
    digest: [u8; 32],
}

enum Entry {
    Whole(Secret<Vec<u8>>),
    Parts(Head),
}

impl<S: Keystore> Chunked<S> {
    /// `limit` is what `inner` can keep under one name; in `directory` is the writers' lock.
    pub fn new(inner: S, limit: usize, directory: &Path) -> Self {
        Self {
            inner,
            limit,
            directory: directory.to_path_buf(),
        }
    }

    fn lock(&self) -> Result<Lock, KeystoreError> {
        private_directory(&self.directory).map_err(KeystoreError::io("make", &self.directory))?;
        let path = self.directory.join("parts.lock");
        Lock::take(&path, PATIENCE, || {}).map_err(KeystoreError::lock(&path, PATIENCE))
    }

    fn entry(&self, name: &str) -> Result<Option<Entry>, KeystoreError> {
        let Some(bytes) = self.inner.get(name)? else {
            return Ok(None);
        };
        let entry = match bytes.expose().as_slice() {
            [WHOLE, value @ ..] => Entry::Whole(Secret::new(value.to_vec())),
            [HEAD, generation, high, low, digest @ ..] if *generation < 2 => Entry::Parts(Head {
                generation: *generation,
                parts: usize::from(u16::from_be_bytes([*high, *low])),
                digest: digest
                    .try_into()
                    .map_err(|_| damaged(name, "its head is cut off"))?,
            }),
            _ => return Err(damaged(name, "it was not written by vault")),
        };
        Ok(Some(entry))
    }

    /// The value in the parts, `None` where they do not fit the head.
    fn join(&self, name: &str, head: &Head) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        let parts = head.parts.min(MOST_PARTS);
        let mut value = zeroize::Zeroizing::new(Vec::with_capacity(parts * self.limit));
        for number in 0..parts {
            let Some(part) = self.inner.get(&part_name(name, head.generation, number))? else {
                return Ok(None);
            };
            value.extend_from_slice(part.expose());
        }
        let digest: [u8; 32] = Sha256::digest(&value).into();
        Ok((digest == head.digest).then(|| Secret::new(std::mem::take(&mut *value))))
    }

    fn split(
        &self,
        name: &str,
        value: &[u8],
        generation: u8,
    ) -> Result<Secret<Vec<u8>>, KeystoreError> {
        let mut head = vec![HEAD, generation];
        let parts = value.chunks(self.limit);
        let number = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        head.extend_from_slice(&number.to_be_bytes());
        head.extend_from_slice(&Sha256::digest(value));
        for (number, part) in parts.enumerate() {
            let part = Secret::new(part.to_vec());
            self.inner
                .put(&part_name(name, generation, number), &part)?;
        }
        Ok(Secret::new(head))
    }

    /// Removes the parts of a generation from number `from` on, the last one first.
    fn sweep(&self, name: &str, generation: u8, from: usize) -> Result<(), KeystoreError> {
        let mut end = from;
        while end < MOST_PARTS && self.inner.get(&part_name(name, generation, end))?.is_some() {
            end += 1;
        }
        for number in (from..end).rev() {
            self.inner.delete(&part_name(name, generation, number))?;
        }
        Ok(())
    }
}

impl<S: Keystore> Keystore for Chunked<S> {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        for _ in 0..LOOKS {
            match self.entry(name)? {
                None => return Ok(None),
                Some(Entry::Whole(value)) => return Ok(Some(value)),
                Some(Entry::Parts(head)) => {
                    if let Some(value) = self.join(name, &head)? {
                        return Ok(Some(value));
                    }
                }
            }
        }
        Err(damaged(name, "its parts do not fit together"))
    }

    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        let value = value.expose();
        let limit = MOST_PARTS * self.limit;
        if value.len() > limit {
            let size = value.len();
            return Err(KeystoreError::TooLarge { size, limit });
        }
        let _lock = self.lock()?;
        let old = match self.entry(name) {
            Ok(Some(Entry::Parts(head))) => head.generation,
            // What can't be read may be replaced: nobody can use it.
            Ok(_) | Err(KeystoreError::Damaged { .. }) => 1,
            Err(error) => return Err(error),
        };
        let new = 1 - old;
        let whole = value.len() < self.limit;
        let entry = if whole {
            let mut entry = Vec::with_capacity(value.len() + 1);
            entry.push(WHOLE);
            entry.extend_from_slice(value);
            Secret::new(entry)
        } else {
            self.split(name, value, new)?
        };
        self.inner.put(name, &entry)?;
        let used = if whole {
            0
        } else {
            value.len().div_ceil(self.limit)
        };
        // The value is kept, whatever comes now; what stays is the next writer's to clear.
        let swept = self.sweep(name, old, 0);
        if let Err(error) = swept.and_then(|()| self.sweep(name, new, used)) {
            tracing::debug!(%error, "old parts of an entry stay for now");
        }
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        let _lock = self.lock()?;
        let deleted = self.inner.delete(name)?;
        for generation in 0..2 {
            self.sweep(name, generation, 0)?;
        }
        Ok(deleted)
    }
}

fn part_name(name: &str, generation: u8, number: usize) -> String {
    format!("{name} part {generation}.{number}")
}

fn damaged(name: &str, what: &str) -> KeystoreError {
    KeystoreError::Damaged {
        place: format!("the keystore's entry {name}"),
        what: what.to_owned(),
    }
}

#[cfg(test)]
mod tests;
