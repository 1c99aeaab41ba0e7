//! Typed entries over a keystore: key, expiry, lock; and the list of what is cached, without secrets.
//!
//! The values are in the keystore. Beside it, in files that hold no secret, is the list: a keystore
//! cannot be asked for its entries without being unlocked, and not on every platform. It knows no
//! network and no configuration.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::credentials::{AccessToken, ClientRegistration, Credentials, Secret};
pub use crate::files::Lock;
use crate::files::{LockError, private_directory};
use crate::keystore::{Keystore, KeystoreError};

mod examine;
mod index;
mod key;
mod listing;
mod long_lived;
mod memory;
mod recent;
mod stored;

pub use examine::Kept;
pub use index::{Entry, Listed};
use key::hex;
pub use key::{Key, Kind};
pub use listing::Listing;
use memory::Memory;
use stored::{StoredCredentials, StoredRegistration, StoredToken};

/// Why the cache could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The keystore's own error.
    #[error("the keystore failed")]
    Keystore(#[from] KeystoreError),
    /// Another vault holds the lock, and does not let go.
    #[error("another vault has held `{}` for {} seconds", .0.display(), .1.as_secs())]
    Busy(PathBuf, Duration),
    /// An entry that can't be fetched again, whose form is none that this vault knows: `what`, of whom.
    #[error("{what} of `{profile}` is stored in a form that this vault does not know")]
    UnknownForm {
        /// Which entry.
        what: &'static str,
        /// Whose.
        profile: String,
    },
    /// A file of the list or a lock.
    #[error("cannot use `{}`", .0.display())]
    Io(PathBuf, #[source] io::Error),
}

impl CacheError {
    /// Whether the keystore has no room left.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Keystore(KeystoreError::Full { .. }))
    }
}

type Parse<T> = for<'a> fn(
    &mut serde_json::Deserializer<serde_json::de::SliceRead<'a>>,
) -> serde_json::Result<T>;
type ToBytes<'a> = serde_json::Serializer<&'a mut Vec<u8>>;
type Written = serde_json::Result<()>;
type Opened = (String, Box<dyn Keystore>);
type Opener = Box<dyn Fn() -> Result<Opened, KeystoreError> + Send + Sync>;

/// The cache of one keystore.
pub struct Cache {
    directory: PathBuf,
    lists: Vec<String>,
    open: Opener,
    opened: OnceLock<Opened>,
    /// Held while it is opened: a person is asked for a passphrase once.
    opening: Mutex<()>,
    memory: OnceLock<Memory>,
}

impl Cache {
    /// A cache whose lists and locks are below `directory`. `lists` are the backends that it may turn
    /// out to be over; `open` says which, and gives the keystore, when it is first needed.
    pub fn new(directory: PathBuf, lists: Vec<String>, open: Opener) -> Self {
        Self {
            directory,
            lists,
            open,
            opened: OnceLock::new(),
            opening: Mutex::default(),
            memory: OnceLock::new(),
        }
    }

    fn opened(&self) -> Result<&Opened, CacheError> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if self.opened.get().is_none() {
            let _ = self.opened.set((self.open)()?);
        }
        Ok(self.opened.get().expect("it was set above"))
    }

    /// From here on credentials are remembered as well, as long as the list has them: whoever serves them
    /// for a day does not depend on a keystore that is locked meanwhile, or that asks each time.
    pub fn remember(&self) {
        self.memory.get_or_init(Memory::default);
    }

    /// Whether the keystore can be read.
    ///
    /// # Errors
    ///
    /// The keystore's.
    pub fn check(&self) -> Result<(), CacheError> {
        // No entry has that name: a key has a slash.
        self.keystore()?.get("check")?;
        Ok(())
    }

    fn keystore(&self) -> Result<&dyn Keystore, CacheError> {
        Ok(self.opened()?.1.as_ref())
    }

    /// Each backend has a list of its own: an entry is only there where it was put.
    fn list(&self) -> Result<index::Index, CacheError> {
        Ok(self.list_of(&self.opened()?.0))
    }

    fn list_of(&self, backend: &str) -> index::Index {
        index::Index::new(self.directory.join("index").join(backend))
    }

    /// Cached credentials, fresh or not.
    ///
    /// # Errors
    ///
    /// The keystore's.
    pub fn credentials(&self, key: &Key) -> Result<Option<Credentials>, CacheError> {
        let Some(memory) = self.memory.get() else {
            return self.get(key, |from| StoredCredentials::deserialize(from));
        };
        // Without the keystore, which may not answer.
        let listed = || self.list().ok()?.expires_at(key);
        if let Some(remembered) = memory.recall(key, listed) {
            return Ok(Some(remembered));
        }
        let found = self.get(key, |from| StoredCredentials::deserialize(from))?;
        memory.keep(key, found.as_ref());
        Ok(found)
    }

    /// Keeps credentials, which may have come of a sign-in at `portal`; in a keystore that is full, in the
    /// place of some that ended before `now`.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn put_credentials(
        &self,
        key: &Key,
        value: &Credentials,
        portal: Option<&str>,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        let listed = || Listed {
            expires_at: value.expires_at,
            portal: portal.map(str::to_owned),
            ..Listed::default()
        };
        let put = || self.put(key, listed(), |to| StoredCredentials::serialize(value, to));
        match put() {
            Err(error) if error.is_full() => {
                self.remove_ended(now)?;
                put()
            }
            result => result,
        }
    }

    /// What is listed under `key`, without touching a secret. Where two keystores are in use by turns,
    /// what lasts longer is what may be found.
    pub fn listed(&self, key: &Key) -> Option<Listed> {
        let lists = self.lists.iter();
        let listed = lists.filter_map(|list| self.list_of(list).get(key));
        listed.max_by_key(|listed| (listed.renewed_by.is_some(), listed.expires_at))
    }

    /// The tokens of a sign-in, alive or not.
    ///
    /// # Errors
    ///
    /// The keystore's.
    pub fn token(&self, key: &Key) -> Result<Option<AccessToken>, CacheError> {
        self.get(key, |from| StoredToken::deserialize(from))
    }

    /// Keeps the tokens of a sign-in.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn put_token(&self, key: &Key, value: &AccessToken) -> Result<(), CacheError> {
        let listed = Listed {
            expires_at: Some(value.expires_at),
            renewed_by: value.refresh_token.as_ref().map(|_| value.flow),
            ..Listed::default()
        };
        self.put(key, listed, |to| StoredToken::serialize(value, to))
    }

    /// The registration for a sign-in.
    ///
    /// # Errors
    ///
    /// The keystore's.
    pub fn registration(&self, key: &Key) -> Result<Option<ClientRegistration>, CacheError> {
        self.get(key, |from| StoredRegistration::deserialize(from))
    }

    /// Keeps the registration for a sign-in.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn put_registration(
        &self,
        key: &Key,
        value: &ClientRegistration,
    ) -> Result<(), CacheError> {
        let listed = Listed {
            expires_at: Some(value.expires_at),
            ..Listed::default()
        };
        self.put(key, listed, |to| StoredRegistration::serialize(value, to))
    }

    fn get<T>(&self, key: &Key, parse: Parse<T>) -> Result<Option<T>, CacheError> {
        let read = self.read(key, parse)?;
        if let Some(Err(_)) = read {
            // Another version's, then: what is fetched anew takes its place.
            tracing::warn!(
                key = key.as_str(),
                "a cached entry has a form that is not known"
            );
        }
        Ok(read.and_then(Result::ok))
    }

    /// An entry, if there is one; inside, whether its form is known.
    fn read<T>(
        &self,
        key: &Key,
        parse: Parse<T>,
    ) -> Result<Option<serde_json::Result<T>>, CacheError> {
        let value = self.keystore()?.get(key.as_str())?;
        Ok(value.map(|value| parse(&mut serde_json::Deserializer::from_slice(value.expose()))))
    }

    /// The list first: a process killed between the two leaves an entry in the list that has no
    /// value, which costs nothing; a value that is in no list would outlive `clear`.
    fn put(
        &self,
        key: &Key,
        listed: Listed,
        write: impl FnOnce(&mut ToBytes<'_>) -> Written,
    ) -> Result<(), CacheError> {
        let bytes = written(write);
        self.list()?.add(key, listed)?;
        Ok(self.keystore()?.put(key.as_str(), &bytes)?)
    }

    /// What another run has the lock of is passed over: it is being replaced, and waiting for it
    /// while holding a lock could be for ever.
    fn remove_ended(&self, now: Timestamp) -> Result<(), CacheError> {
        let ended = |end: Option<Timestamp>| end.is_some_and(|end| end < now);
        for entry in self.list()?.entries()? {
            let credentials = entry.key.kind().is_some_and(Kind::is_credentials);
            if !credentials || !ended(entry.expires_at) {
                continue;
            }
            let Ok(_lock) = self.lock(&entry.key, Duration::ZERO, || {}) else {
                continue;
            };
            // The list was read without the lock: what counts is what is there now.
            if self
                .credentials(&entry.key)?
                .is_none_or(|kept| ended(kept.expires_at))
            {
                self.delete(&entry.key)?;
            }
        }
        Ok(())
    }

    /// Forgets an entry; whether there was one. Whoever calls holds its lock: a run that is just
    /// putting it would leave a value that is in no list.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn delete(&self, key: &Key) -> Result<bool, CacheError> {
        let there = self.keystore()?.delete(key.as_str())?;
        self.list()?.remove(key)?;
        Ok(there)
    }

    /// What is cached, without touching a secret: nothing is unlocked, nobody is asked.
    ///
    /// # Errors
    ///
    /// The list can't be read.
    pub fn entries(&self) -> Result<Vec<Entry>, CacheError> {
        let mut entries = Vec::new();
        for list in &self.lists {
            entries.extend(self.list_of(list).entries()?);
        }
        Ok(entries)
    }

    /// Holds `key` against every other vault until the lock is dropped or the process dies.
    /// `waiting` is called where another vault has to be waited for.
    ///
    /// # Errors
    ///
    /// Another vault held it for all of `limit`.
    pub fn lock(
        &self,
        key: &Key,
        limit: Duration,
        waiting: impl FnOnce(),
    ) -> Result<Lock, CacheError> {
        let directory = self.directory.join("locks");
        let path = directory.join(file_name(key));
        let take = || -> Result<Lock, LockError> {
            private_directory(&directory)?;
            Lock::take(&path, limit, waiting)
        };
        take().map_err(|error| match error {
            LockError::Busy => CacheError::Busy(path.clone(), limit),
            LockError::Io(error) => CacheError::Io(path.clone(), error),
        })
    }
}

/// A value as it goes into the keystore.
fn written(write: impl FnOnce(&mut ToBytes<'_>) -> Written) -> Secret<Vec<u8>> {
    // Room for all of it, so that growing leaves no copies of secrets behind.
    let mut bytes = Vec::with_capacity(16 * 1024);
    write(&mut serde_json::Serializer::new(&mut bytes)).expect("text and numbers only");
    Secret::new(bytes)
}

/// The name of a file for `key`: a key holds URLs and slashes, and may be longer than a file's name.
fn file_name(key: &Key) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(key.as_str().as_bytes())[..16])
}

#[cfg(test)]
mod tests;
