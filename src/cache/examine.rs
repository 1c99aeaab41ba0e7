//! Whether the keystore does what it should, and what became of the entries that are listed: for
//! whoever looks for trouble. Everything else takes an entry that can't be read for one that is not
//! there, unless it can't be fetched again.

use std::time::{Duration, Instant};

use super::{Cache, CacheError, Entry, Key, Kind};
use crate::credentials::Secret;
use crate::keystore::KeystoreError;

/// What the trial's entry is called: the same each time, so that the next one takes away what a killed
/// one left. It holds nothing but noise.
const TRIAL: &str = "doctor/trial";

/// As large as what a keystore has to keep: role credentials with a session token of the usual size.
const TRIAL_SIZE: usize = 2048;

/// Two trials at once would read each other's noise; one takes milliseconds.
const TRIAL_LOCK_LIMIT: Duration = Duration::from_secs(3);

/// What became of an entry that is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It has no value.
    Missing,
    /// Its value is none that this vault understands.
    Unreadable,
    /// It is as it was put.
    Whole {
        /// It can be renewed without a person, whenever it ended.
        renewable: bool,
    },
}

impl Cache {
    /// Keeps an entry, reads it, and forgets it. How long the reading took, which is what every run
    /// has to wait for.
    ///
    /// # Errors
    ///
    /// The keystore's; or it did not do what it said.
    pub fn try_out(&self) -> Result<Duration, CacheError> {
        let keystore = self.keystore()?;
        let _lock = self.lock(&Key(TRIAL.to_owned()), TRIAL_LOCK_LIMIT, || {})?;
        let mut noise = vec![0; TRIAL_SIZE];
        getrandom::fill(&mut noise).map_err(|error| KeystoreError::failed(error.to_string()))?;
        let noise = Secret::new(noise);
        keystore.put(TRIAL, &noise)?;
        let begun = Instant::now();
        let read = keystore.get(TRIAL);
        let took = begun.elapsed();
        let forgotten = keystore.delete(TRIAL)?;
        if read? != Some(noise) {
            return Err(KeystoreError::failed("what it gave back is not what was kept").into());
        }
        if !forgotten || keystore.get(TRIAL)?.is_some() {
            return Err(KeystoreError::failed("it does not forget what is deleted").into());
        }
        Ok(took)
    }

    /// What is listed for the keystore that is in use, and for no other.
    ///
    /// # Errors
    ///
    /// The keystore can't be opened, or the list can't be read.
    pub fn entries_here(&self) -> Result<Vec<Entry>, CacheError> {
        self.list()?.entries()
    }

    /// What became of an entry.
    ///
    /// # Errors
    ///
    /// The keystore's.
    pub fn examine(&self, key: &Key) -> Result<Kept, CacheError> {
        let seen = self.look(key)?;
        if seen != Kept::Missing {
            return Ok(seen);
        }
        // The list is written first: another run may be about to put the value. Where it holds the lock,
        // it is; where it doesn't, what counts is what is there now.
        match self.lock(key, Duration::ZERO, || {}) {
            Ok(_lock) => self.look(key),
            Err(_) => Ok(Kept::Whole { renewable: false }),
        }
    }

    /// Forgets an entry if it is still as it was found, and not renewed since; whether it was.
    ///
    /// # Errors
    ///
    /// The keystore's or the list's; or another vault held the entry for all of `limit`.
    pub fn delete_as_found(
        &self,
        entry: &Entry,
        found: Kept,
        limit: Duration,
    ) -> Result<bool, CacheError> {
        let key = &entry.key;
        let _lock = self.lock(key, limit, || {})?;
        let listed = self.list()?.get(key);
        let same = listed.is_some_and(|listed| listed.expires_at == entry.expires_at);
        if !same || self.look(key)? != found {
            return Ok(false);
        }
        self.delete(key)?;
        Ok(true)
    }

    fn look(&self, key: &Key) -> Result<Kept, CacheError> {
        let whole = |read: bool| match read {
            true => Kept::Whole { renewable: false },
            false => Kept::Unreadable,
        };
        let keystore = self.keystore()?;
        if keystore.get(key.as_str())?.is_none() {
            return Ok(Kept::Missing);
        }
        Ok(match key.kind() {
            // A later vault's: it knows what that is.
            None => whole(true),
            Some(Kind::SignIn) => match self.token(key)? {
                Some(token) => Kept::Whole {
                    renewable: token.refresh_token.is_some(),
                },
                None => Kept::Unreadable,
            },
            Some(Kind::ClientRegistration) => whole(self.registration(key)?.is_some()),
            Some(kind @ (Kind::AccessKey | Kind::Rotation)) => {
                let profile = key.as_str().strip_prefix(kind.prefix());
                let profile = profile.unwrap_or_default();
                let read = match kind {
                    Kind::AccessKey => self.access_key(profile).map(|key| key.is_some()),
                    _ => self.rotation(profile).map(|rotation| rotation.is_some()),
                };
                match read {
                    Err(CacheError::UnknownForm { .. }) => Kept::Unreadable,
                    read => whole(read?),
                }
            }
            Some(_) => whole(self.credentials(key)?.is_some()),
        })
    }
}
