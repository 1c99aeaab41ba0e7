//! Typed entries over a keystore: key, expiry, lock; and the list of what is cached, without secrets.
//!
//! The values are in the keystore. Beside it, in files that hold no secret, is the list: a keystore
//! cannot be asked for its entries without being unlocked, and not on every platform. It knows no
//! network and no configuration.

use std::cell::OnceCell;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::credentials::{AccessToken, ClientRegistration, Credentials, Secret};
use crate::files::{Lock, LockError, private_directory};
use crate::keystore::{Keystore, KeystoreError};

mod index;
mod stored;

pub use index::Entry;
use stored::{StoredCredentials, StoredRegistration, StoredToken};

/// What an entry is called in the keystore, in the list, and in its lock.
///
/// Whatever changes the value is in the key: an edited profile never gets the old account's
/// credentials. What is only a fact about the value, such as when it ends, is in the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// What kinds of entry there are: the first part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sign-in to IAM Identity Center: its tokens.
    SignIn,
    /// This program's registration with IAM Identity Center.
    ClientRegistration,
    /// What a permission set gave.
    RoleCredentials,
    /// What an assumed role gave.
    AssumeRole,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::SignIn,
        Self::ClientRegistration,
        Self::RoleCredentials,
        Self::AssumeRole,
    ];

    const fn prefix(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in/",
            Self::ClientRegistration => "client-registration/",
            Self::RoleCredentials => "role-credentials/",
            Self::AssumeRole => "assume-role/",
        }
    }

    /// Whether the entry is a set of credentials, which `clear` drops; the others stay.
    pub const fn is_credentials(self) -> bool {
        matches!(self, Self::RoleCredentials | Self::AssumeRole)
    }
}

impl Key {
    /// The sign-in that all profiles of an sso-session share.
    pub fn sign_in(start_url: &str, session: Option<&str>) -> Self {
        Self::new(
            Kind::SignIn,
            &format!("{start_url}|{}", session.unwrap_or_default()),
        )
    }

    /// The registration that the sign-in of an sso-session is made with. The region and the scopes
    /// are what it was made for.
    pub fn client_registration(
        start_url: &str,
        session: Option<&str>,
        region: &str,
        scopes: &[String],
    ) -> Self {
        let session = session.unwrap_or_default();
        let scopes = scopes.join(",");
        Self::new(
            Kind::ClientRegistration,
            &format!("{start_url}|{session}|{region}|{scopes}"),
        )
    }

    /// A permission set in an account.
    pub fn role_credentials(start_url: &str, account: &str, role: &str) -> Self {
        Self::new(
            Kind::RoleCredentials,
            &format!("{start_url}/{account}/{role}"),
        )
    }

    /// An assumed role; `inputs` is everything that changes what STS answers, but for the duration in
    /// seconds that was asked for.
    pub fn assume_role(inputs: &[&str], duration: Option<i32>) -> Self {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for input in inputs {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((input.len() as u64).to_be_bytes());
            hash.update(input.as_bytes());
        }
        let duration = duration
            .map(|seconds| format!("/{seconds}"))
            .unwrap_or_default();
        Self::new(
            Kind::AssumeRole,
            &format!("{}{duration}", hex(&hash.finalize())),
        )
    }

    /// Whether both are the same role, however long each lasts.
    pub fn is_same_role(&self, other: &Self) -> bool {
        let both = self.kind() == Some(Kind::AssumeRole) && other.kind() == self.kind();
        let hash = |key: &Self| key.0.split('/').nth(1).map(str::to_owned);
        both && hash(self) == hash(other)
    }

    fn new(kind: Kind, rest: &str) -> Self {
        Self(format!("{}{rest}", kind.prefix()))
    }

    /// A lock beside the entry's own, for as long as a person takes: who only wants to look at the
    /// entry, or to refresh it, does not wait for a person.
    pub fn interactive(&self) -> Self {
        Self(format!("{}|interactive", self.0))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of entry it names; `None` for one that a later vault made.
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| self.0.starts_with(kind.prefix()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why the cache could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The keystore's own error.
    #[error("the keystore failed")]
    Keystore(#[from] KeystoreError),
    /// Another vault holds the lock, and does not let go.
    #[error("another vault has held `{}` for {} seconds", .0.display(), .1.as_secs())]
    Busy(PathBuf, std::time::Duration),
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
type Opener = Box<dyn Fn() -> Result<(String, Box<dyn Keystore>), KeystoreError>>;

/// The cache of one keystore.
pub struct Cache {
    directory: PathBuf,
    lists: Vec<String>,
    open: Opener,
    opened: OnceCell<(String, Box<dyn Keystore>)>,
}

impl Cache {
    /// A cache whose lists and locks are below `directory`. `lists` are the backends that it may turn
    /// out to be over; `open` says which, and gives the keystore, when it is first needed.
    pub fn new(directory: PathBuf, lists: Vec<String>, open: Opener) -> Self {
        Self {
            directory,
            lists,
            open,
            opened: OnceCell::new(),
        }
    }

    fn opened(&self) -> Result<&(String, Box<dyn Keystore>), CacheError> {
        if self.opened.get().is_none() {
            let _ = self.opened.set((self.open)()?);
        }
        Ok(self.opened.get().expect("it was set above"))
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
        self.get(key, |from| StoredCredentials::deserialize(from))
    }

    /// Keeps credentials; in a keystore that is full, in the place of some that ended before `now`.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn put_credentials(
        &self,
        key: &Key,
        value: &Credentials,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        let entry = Entry {
            key: key.clone(),
            expires_at: value.expires_at,
        };
        let put = || self.put(&entry, |to| StoredCredentials::serialize(value, to));
        match put() {
            Err(error) if error.is_full() => {
                self.remove_ended(now)?;
                put()
            }
            result => result,
        }
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
        let entry = Entry {
            key: key.clone(),
            expires_at: Some(value.expires_at),
        };
        self.put(&entry, |to| StoredToken::serialize(value, to))
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
        let entry = Entry {
            key: key.clone(),
            expires_at: Some(value.expires_at),
        };
        self.put(&entry, |to| StoredRegistration::serialize(value, to))
    }

    fn get<T>(&self, key: &Key, parse: Parse<T>) -> Result<Option<T>, CacheError> {
        let Some(value) = self.keystore()?.get(key.as_str())? else {
            return Ok(None);
        };
        let parsed = parse(&mut serde_json::Deserializer::from_slice(value.expose()));
        if parsed.is_err() {
            // Another version's, then: what is fetched anew takes its place.
            tracing::warn!(
                key = key.as_str(),
                "a cached entry has a form that is not known"
            );
        }
        Ok(parsed.ok())
    }

    /// The list first: a process killed between the two leaves an entry in the list that has no
    /// value, which costs nothing; a value that is in no list would outlive `clear`.
    fn put(
        &self,
        entry: &Entry,
        write: impl FnOnce(&mut ToBytes<'_>) -> Written,
    ) -> Result<(), CacheError> {
        // Room for all of it, so that growing leaves no copies of secrets behind.
        let mut bytes = Vec::with_capacity(16 * 1024);
        write(&mut serde_json::Serializer::new(&mut bytes)).expect("text and numbers only");
        let bytes = Secret::new(bytes);
        self.list()?.add(entry)?;
        Ok(self.keystore()?.put(entry.key.as_str(), &bytes)?)
    }

    fn remove_ended(&self, now: Timestamp) -> Result<(), CacheError> {
        for entry in self.list()?.entries()? {
            let credentials = entry.key.kind().is_some_and(Kind::is_credentials);
            if credentials && entry.expires_at.is_some_and(|end| end < now) {
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
        limit: std::time::Duration,
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

/// The name of a file for `key`: a key holds URLs and slashes, and may be longer than a file's name.
fn file_name(key: &Key) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(key.as_str().as_bytes())[..16])
}

#[cfg(test)]
mod tests;
