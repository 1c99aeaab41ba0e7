//! The kernel's keyring as a keystore: nothing on disk, nothing after a reboot, and room for
//! 20,000 bytes in all for a user who is not root.
//!
//! It sets no time-out and lists nothing: an entry goes when it is deleted or with the keyring.

use linux_keyutils::{KeyError, KeyRing};

use super::{is_absent, user_ring};
use crate::credentials::Secret;
use crate::keystore::{Keystore, KeystoreError};

/// The kernel's limit for one key, less the mark.
const LARGEST: usize = 32_767 - 1;

/// In front of every value: the kernel takes no empty one, and what does not begin so is not ours.
const MARK: u8 = 1;

/// Entries in the user's keyring.
pub struct Keyutils;

impl Keyutils {
    /// Looks whether there are keyrings.
    pub fn open() -> Result<Self, KeystoreError> {
        user_ring().map_err(|error| match error {
            // ENOSYS, and what filters of system calls answer.
            KeyError::Unknown(_) | KeyError::OperationNotSupported | KeyError::PermissionDenied => {
                KeystoreError::Missing {
                    reason: "the kernel's keyring is not available to this process".to_owned(),
                }
            }
            error => failed(error),
        })?;
        Ok(Self)
    }
}

impl Keystore for Keyutils {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        let key = match ring()?.search(&description(name)) {
            Ok(key) => key,
            Err(error) if is_absent(error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let payload = match key.read_to_vec() {
            Ok(payload) => Secret::new(payload),
            // Deleted since the search.
            Err(error) if is_absent(error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        match payload.expose().split_first() {
            Some((&MARK, value)) => Ok(Some(Secret::new(value.to_vec()))),
            _ => Err(KeystoreError::Damaged {
                place: format!("the entry {name} of the kernel's keyring"),
                what: "it was not written by vault".to_owned(),
            }),
        }
    }

    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        let size = value.expose().len();
        if size > LARGEST {
            return Err(KeystoreError::TooLarge {
                size,
                limit: LARGEST,
            });
        }
        let mut payload = Vec::with_capacity(size + 1);
        payload.push(MARK);
        payload.extend_from_slice(value.expose());
        let payload = Secret::new(payload);
        // A key that is there already is changed in place, at once or not at all. A new one is
        // by default open to its possessor alone, so nothing is to be set and nothing can be
        // left half done.
        ring()?
            .add_key(&description(name), payload.expose())
            .map_err(failed)?;
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        let ring = ring()?;
        let found = ring.search(&description(name)).and_then(|key| {
            ring.unlink_key(key)?;
            // Other keyrings may hold it too; it may be gone by now.
            let _ = key.revoke();
            Ok(())
        });
        match found {
            Ok(()) => Ok(true),
            Err(error) if is_absent(error) || error == KeyError::MissingFileOrDirectory => {
                Ok(false)
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn ring() -> Result<KeyRing, KeystoreError> {
    user_ring().map_err(failed)
}

/// The kernel calls a key's name its description, and keeps all users' apart by themselves.
fn description(name: &str) -> String {
    format!("vault:item:{name}")
}

fn failed(error: KeyError) -> KeystoreError {
    match error {
        KeyError::QuotaExceeded => KeystoreError::Full {
            reason: "the kernel's quota of keys is used up (see /proc/key-users)".to_owned(),
        },
        KeyError::AccessDenied | KeyError::PermissionDenied => KeystoreError::Denied {
            reason: "this process may not use the user's keyring".to_owned(),
        },
        error => KeystoreError::failed(format!("the kernel's keyring said {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(test: &str) -> String {
        format!("test/{}|{test}: é", std::process::id())
    }

    #[test]
    fn an_entry_is_kept_changed_and_forgotten() {
        let store = Keyutils::open().unwrap();
        let name = name("kept");
        assert!(store.get(&name).unwrap().is_none());
        assert!(!store.delete(&name).unwrap());
        // No larger, or the quota of a user who is not root would not hold it.
        for value in [vec![], vec![0, 255, 7], vec![9; 4000]] {
            let value = Secret::new(value);
            store.put(&name, &value).unwrap();
            assert_eq!(store.get(&name).unwrap().unwrap(), value);
        }
        assert!(store.delete(&name).unwrap());
        assert!(store.get(&name).unwrap().is_none());
        assert!(!store.delete(&name).unwrap());
    }

    #[test]
    fn a_value_that_is_too_large_leaves_the_one_before() {
        let store = Keyutils::open().unwrap();
        let name = name("large");
        let small = Secret::new(vec![1]);
        store.put(&name, &small).unwrap();
        let large = Secret::new(vec![2; LARGEST + 1]);
        assert!(matches!(
            store.put(&name, &large),
            Err(KeystoreError::TooLarge { .. })
        ));
        assert_eq!(store.get(&name).unwrap().unwrap(), small);
        store.delete(&name).unwrap();
    }
}
