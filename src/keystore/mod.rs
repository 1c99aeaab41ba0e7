//! Keeps opaque bytes under a name: one trait, a file for each backend, the platform chosen once.
//!
//! It knows neither JSON nor AWS: what a name means and what the bytes say is `cache`'s affair.

use crate::credentials::Secret;

/// A place where secrets can be left between two runs.
pub trait Keystore: Send + Sync {
    /// The value kept under `name`, `None` where there is none.
    ///
    /// # Errors
    ///
    /// The keystore is locked, refuses, does not answer in time, or holds something unreadable:
    /// never `Ok(None)` for one of these.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError>;

    /// Keeps `value` under `name`, in place of what was there, whole or not at all.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get); what was kept before is then still there.
    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError>;

    /// Forgets `name`; whether there was anything to forget.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    fn delete(&self, name: &str) -> Result<bool, KeystoreError>;
}

/// Why a keystore did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {}
