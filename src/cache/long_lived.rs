//! Long-lived keys: the entries that cannot be fetched again.

use super::stored::{StoredKey, StoredRotation};
use super::{Cache, CacheError, Key, Listed, Parse, ToBytes, written};
use crate::credentials::{LongLivedKey, Rotation};

impl Cache {
    /// The long-lived key of a profile.
    ///
    /// # Errors
    ///
    /// The keystore's, or [`CacheError::UnknownForm`].
    pub fn access_key(&self, profile: &str) -> Result<Option<LongLivedKey>, CacheError> {
        let key = Key::access_key(profile);
        self.get_known("the long-lived key", profile, &key, |from| {
            StoredKey::deserialize(from)
        })
    }

    /// Keeps the long-lived key of a profile. Whoever calls holds its lock.
    ///
    /// In the place of another it is kept first and listed then: a run between the two, or one that
    /// was killed there, takes it for the old one, whose sessions nobody uses any more. The other way
    /// round a session of the old key would pass for one of the new.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn put_access_key(&self, profile: &str, value: &LongLivedKey) -> Result<(), CacheError> {
        let key = Key::access_key(profile);
        let listed = Listed {
            access_key_id: Some(value.access_key_id.clone()),
            ..Listed::default()
        };
        let list = self.list()?;
        if list.get(&key).is_none() {
            return self.put(&key, listed, |to| StoredKey::serialize(value, to));
        }
        let bytes = written(|to| StoredKey::serialize(value, to));
        self.keystore()?.put(key.as_str(), &bytes)?;
        list.add(&key, listed)
    }

    /// The rotation of a profile's key that has begun, if one has.
    ///
    /// # Errors
    ///
    /// The keystore's, or [`CacheError::UnknownForm`].
    pub fn rotation(&self, profile: &str) -> Result<Option<Rotation>, CacheError> {
        let key = Key::rotation(profile);
        self.get_known("the rotation of the key", profile, &key, |from| {
            StoredRotation::deserialize(from)
        })
    }

    /// What a newer vault stored is there all the same: nothing may take its place unasked.
    fn get_known<T>(
        &self,
        what: &'static str,
        profile: &str,
        key: &Key,
        parse: Parse<T>,
    ) -> Result<Option<T>, CacheError> {
        let unknown = |_| CacheError::UnknownForm {
            what,
            profile: profile.to_owned(),
        };
        self.read(key, parse)?.transpose().map_err(unknown)
    }

    /// Keeps how far the rotation of a profile's key has come. Whoever calls holds the key's lock.
    ///
    /// # Errors
    ///
    /// The keystore's, or the list's.
    pub fn put_rotation(&self, profile: &str, value: &Rotation) -> Result<(), CacheError> {
        let key = Key::rotation(profile);
        let write = |to: &mut ToBytes<'_>| StoredRotation::serialize(value, to);
        self.put(&key, Listed::default(), write)
    }

    /// What names the long-lived key of a profile, without touching a secret; `None` where there is
    /// none.
    pub fn access_key_id(&self, profile: &str) -> Option<String> {
        let key = Key::access_key(profile);
        let lists = self.lists.iter();
        lists
            .filter_map(|list| self.list_of(list).get(&key))
            .find_map(|listed| listed.access_key_id)
    }
}
