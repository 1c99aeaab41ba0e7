//! Credentials that a process which runs for long has read or got, so that it need not read them again.
//! The list has the last word: what another run has dropped or replaced is not recalled.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::Key;
use crate::credentials::Credentials;

#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<Key, Credentials>>);

impl Memory {
    /// What is remembered, if it is what is `listed`: until when that is.
    pub(super) fn recall(
        &self,
        key: &Key,
        listed: impl FnOnce() -> Option<Timestamp>,
    ) -> Option<Credentials> {
        let remembered = self.lock().get(key).cloned()?;
        (remembered.expires_at.is_some() && remembered.expires_at == listed()).then_some(remembered)
    }

    /// What is kept now.
    pub(super) fn keep(&self, key: &Key, kept: Option<&Credentials>) {
        match kept {
            Some(credentials) => self.lock().insert(key.clone(), credentials.clone()),
            None => self.lock().remove(key),
        };
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Credentials>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
