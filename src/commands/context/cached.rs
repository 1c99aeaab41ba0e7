//! What is kept of the credentials that came of something, and how it is dropped: one entry after the
//! other, each under its own lock.
//!
//! For a profile, what is looked for is what the configuration as it is now leads to: a command would find
//! no other. What came of a sign-in is listed as that.

use std::collections::HashSet;

use super::Context;
use crate::broker::{self, FETCH_LOCK_LIMIT, Want};
use crate::cache::Key;
use crate::error::Error;
use crate::resolve::{Chain, KeyPlace, Source};
use crate::ui;

/// What is said where a lock is waited for.
pub(in crate::commands) const WAITING: &str =
    "Waiting for another vault, which is fetching what is to be dropped.";

/// Keys of entries, but for how long each lasts.
type Stems = HashSet<String>;

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

    /// What is or may be kept along a chain: its own keys, in the list or not, as a run that fetches just
    /// now is waited for and a keystore that does not answer is no empty one; and what is listed for
    /// whatever other duration a run asked.
    pub(in crate::commands) fn kept_along(&self, chain: &Chain) -> Result<Vec<Key>, Error> {
        let mut stems = Stems::new();
        add(&mut stems, chain);
        let mut keys = self.kept(|key| stems.contains(key.regardless_of_duration()))?;
        keys.extend(broker::keys(chain, Want::default()).unwrap_or_default());
        keys.sort();
        keys.dedup();
        Ok(keys)
    }

    /// What is kept of the credentials that came of a sign-in to this portal, whatever the configuration has
    /// come to say since.
    pub(in crate::commands) fn came_of(&self, start_url: &str) -> Result<Vec<Key>, Error> {
        let entries = self.cache.entries()?.into_iter();
        let came = entries.filter(|entry| entry.portal.as_deref() == Some(start_url));
        Ok(came.map(|entry| entry.key).collect())
    }

    /// What is kept of the credentials that came of the long-lived key `id`, which is or was stored
    /// for a profile, along every chain that begins with it.
    pub(in crate::commands) fn came_of_key(
        &self,
        profile: &str,
        id: &str,
    ) -> Result<Vec<Key>, Error> {
        let mut stems = Stems::new();
        for mut chain in self.chains()? {
            if let Source::AccessKey(key) = &mut chain.source
                && key.place == KeyPlace::Keystore
                && key.profile == profile
            {
                id.clone_into(&mut key.id);
                add(&mut stems, &chain);
            }
        }
        self.kept(|key| stems.contains(key.regardless_of_duration()))
    }

    /// Whether another key is stored by now than the one that a chain begins with.
    pub(super) fn has_new_key(&self, chain: &Chain) -> bool {
        let Source::AccessKey(key) = &chain.source else {
            return false;
        };
        let stored = self.cache.access_key_id(&key.profile);
        key.place == KeyPlace::Keystore && stored.is_some_and(|id| id != key.id)
    }

    /// Those of all profiles. One that can't be understood got nothing.
    fn chains(&self) -> Result<impl Iterator<Item = Chain>, Error> {
        let names = self.config()?.profile_names();
        Ok(names.filter_map(|name| self.chain(name).ok()))
    }

    fn kept(&self, wanted: impl Fn(&Key) -> bool) -> Result<Vec<Key>, Error> {
        let kept = self.cache.entries()?.into_iter().map(|entry| entry.key);
        Ok(kept.filter(wanted).collect())
    }
}

fn add(stems: &mut Stems, chain: &Chain) {
    // Nothing is cached for what vault does not serve.
    let keys = broker::keys(chain, Want::default()).unwrap_or_default();
    let bare = keys.iter().map(Key::regardless_of_duration);
    stems.extend(bare.map(str::to_owned));
}
