//! What is kept, dropped: one entry after the other, each under its own lock.

use std::collections::HashSet;

use super::Context;
use crate::broker::{self, FETCH_LOCK_LIMIT, Want};
use crate::cache::Key;
use crate::config::SsoSession;
use crate::error::Error;
use crate::ui;

/// What is said where a lock is waited for.
pub(in crate::commands) const WAITING: &str =
    "Waiting for another vault, which is fetching what is to be dropped.";

impl Context {
    /// Drops what is kept under these keys, and says how many there were.
    pub(in crate::commands) fn drop_cached(&self, keys: &[Key]) -> Result<usize, Error> {
        ui::watch_interrupts();
        let mut dropped = 0;
        for key in keys {
            let _lock = self
                .cache
                .lock(key, FETCH_LOCK_LIMIT, || self.ui.note(WAITING))?;
            if self.cache.delete(key)? {
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// What is kept of the credentials that a sign-in led to: those of its portal, and those along the
    /// chains that begin with it, for whatever duration a run asked.
    pub(in crate::commands) fn came_of(
        &self,
        start_url: &str,
        session: Option<&SsoSession>,
    ) -> Result<Vec<Key>, Error> {
        let mut stems = HashSet::new();
        if let Some(session) = session {
            for profile in self.config()?.profile_names() {
                // One that can't be understood got nothing.
                let Ok(chain) = self.chain(profile) else {
                    continue;
                };
                if chain.session() == Some(session) {
                    let keys = broker::keys(&chain, Want::default()).unwrap_or_default();
                    stems.extend(
                        keys.iter()
                            .map(|key| key.regardless_of_duration().to_owned()),
                    );
                }
            }
        }
        let kept = self.cache.entries()?.into_iter().map(|entry| entry.key);
        Ok(kept
            .filter(|key| {
                key.is_of_portal(start_url) || stems.contains(key.regardless_of_duration())
            })
            .collect())
    }
}
