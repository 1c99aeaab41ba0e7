//! How the `file` keystore comes to its data key: from memory, from where it rests, from the
//! passphrase. The passphrase is asked for by one process at a time, and who waited for it looks
//! first whether the key rests by now: 50 processes ask once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::disk::Disk;
use super::format::{Header, empty};
use super::seal::{Cost, Key, SALT};
use crate::credentials::Secret;
use crate::keystore::platform::resting;
use crate::keystore::{Ask, KeystoreError, PassphraseFor};

/// How often a person may mistype.
const TRIES: usize = 3;

/// The length of the data key, in front of a resting payload.
const KEY: usize = 32;

/// Knows how to get the key.
pub struct Unlocker {
    passphrase: Option<Secret<String>>,
    ask: Ask,
    unlocked_for: Duration,
    cost: Cost,
    /// The key of the store with this salt. Whoever holds this asks; the threads beside it wait.
    known: Mutex<Option<([u8; SALT], Arc<Key>)>>,
}

impl Unlocker {
    /// `cost` is for a new store: one that exists says itself what its passphrase costs.
    pub const fn new(
        passphrase: Option<Secret<String>>,
        ask: Ask,
        unlocked_for: Duration,
        cost: Cost,
    ) -> Self {
        Self {
            passphrase,
            ask,
            unlocked_for,
            cost,
            known: Mutex::new(None),
        }
    }

    /// The data key of the store with this header.
    pub fn key(&self, header: &Header, disk: &Disk) -> Result<Arc<Key>, KeystoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((salt, key)) = &*known
            && *salt == header.salt
        {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.unlock(header, disk)?);
        *known = Some((header.salt, Arc::clone(&key)));
        Ok(key)
    }

    /// Makes a store without items, unless another process has made one by now.
    pub fn create(&self, disk: &Disk) -> Result<(), KeystoreError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        disk.prepare()?;
        let _turn = disk.unlockers_lock()?;
        if disk.read()?.is_some() {
            return Ok(());
        }
        let passphrase = match &self.passphrase {
            Some(passphrase) => passphrase.clone(),
            None => (self.ask)(PassphraseFor::New)?,
        };
        if passphrase.expose().is_empty() {
            return Err(KeystoreError::failed(
                "an empty passphrase keeps nobody out",
            ));
        }
        let (header, key) = Header::create(&passphrase, self.cost)?;
        let lock = disk.writers_lock()?;
        disk.replace(&empty(&header, &key)?, &lock)?;
        self.rest(&header, &key, &passphrase);
        *known = Some((header.salt, Arc::new(key)));
        Ok(())
    }

    fn unlock(&self, header: &Header, disk: &Disk) -> Result<Key, KeystoreError> {
        if let Some(key) = self.resting(header) {
            return Ok(key);
        }
        let _turn = match disk.unlockers_lock() {
            Ok(lock) => Some(lock),
            // A store that can only be read has nobody to take turns with.
            Err(KeystoreError::Io { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(key) = self.resting(header) {
            return Ok(key);
        }
        let (key, passphrase) = self.derive(header)?;
        self.rest(header, &key, &passphrase);
        Ok(key)
    }

    fn derive(&self, header: &Header) -> Result<(Key, Secret<String>), KeystoreError> {
        if let Some(passphrase) = &self.passphrase {
            let key = header.unlock(passphrase);
            let key = key.ok_or(KeystoreError::WrongPassphrase)?;
            return Ok((key, passphrase.clone()));
        }
        let mut why = PassphraseFor::Existing;
        for _ in 0..TRIES {
            let passphrase = (self.ask)(why)?;
            if let Some(key) = header.unlock(&passphrase) {
                return Ok((key, passphrase));
            }
            why = PassphraseFor::Again;
        }
        Err(KeystoreError::WrongPassphrase)
    }

    /// The key where it rests, unless a passphrase is given that is not the one it rests with.
    fn resting(&self, header: &Header) -> Option<Key> {
        let description = description(header);
        if self.unlocked_for.is_zero() {
            resting::forget(&description);
            return None;
        }
        let payload = resting::find(&description)?;
        let (key, kept) = payload.expose().split_first_chunk::<KEY>()?;
        let key = Secret::new(*key);
        match &self.passphrase {
            Some(passphrase) => {
                let proven = proof(&key, passphrase)?.verify_slice(kept).is_ok();
                proven.then_some(key)
            }
            None => Some(key),
        }
    }

    fn rest(&self, header: &Header, key: &Key, passphrase: &Secret<String>) {
        if self.unlocked_for.is_zero() {
            return;
        }
        let mut payload = Vec::with_capacity(KEY + 32);
        payload.extend_from_slice(key.expose());
        // Only where the passphrase was given in the environment: whoever could read this could read
        // that too. One that a person typed is in no other place, and would be quick to guess by it.
        if self.passphrase.is_some()
            && let Some(proof) = proof(key, passphrase)
        {
            payload.extend_from_slice(&proof.finalize().into_bytes());
        }
        let payload = Secret::new(payload);
        resting::keep(&description(header), &payload, self.unlocked_for);
    }
}

/// Shows whether a passphrase is the one that the key rests with, without deriving anything.
fn proof(key: &Key, passphrase: &Secret<String>) -> Option<Hmac<Sha256>> {
    let mut proof = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
    proof.update(passphrase.expose().as_bytes());
    Some(proof)
}

/// Names what rests by its store's salt: a store that was made anew has another.
fn description(header: &Header) -> String {
    format!("vault:keystore:{}", URL_SAFE_NO_PAD.encode(header.salt))
}
