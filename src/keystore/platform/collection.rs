//! Another program's collection of the Secret Service: read, and never made or written.

use std::collections::HashMap;

use secret_service::blocking::{Collection as Opened, SecretService};
use secret_service::{EncryptionType, Error};

use super::secret_service::classify;
use crate::credentials::Secret;
use crate::keystore::limit::Calls;
use crate::keystore::others::{Other, no_item};
use crate::keystore::{KeystoreError, Waiting, words};

/// Under this path the service has its collections.
const COLLECTIONS: &str = "/org/freedesktop/secrets/collection/";

/// The attribute that Go's `keyring` finds its items by; their labels are the same.
const NAME: &str = "profile";

/// A collection.
pub struct Collection {
    name: String,
    may_unlock: bool,
    calls: Calls,
}

/// The collection of that name, whether it is there or not.
pub fn collection(name: &str, waiting: Waiting, may_unlock: bool) -> Option<Box<dyn Other>> {
    Some(Box::new(Collection {
        name: name.to_owned(),
        may_unlock,
        calls: Calls::new("the Secret Service", waiting),
    }))
}

impl Collection {
    /// Does `work` with the collection, unlocked; `None` where there is no such collection.
    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Opened<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, KeystoreError> {
        let (name, may_unlock) = (self.name.clone(), self.may_unlock);
        let call = move || {
            let service = SecretService::connect(EncryptionType::Dh).map_err(translate)?;
            let collections = service.get_all_collections().map_err(translate)?;
            let Some(found) = collections.iter().find(|c| is_called(c, &name)) else {
                return Ok(None);
            };
            if found.is_locked().map_err(translate)? {
                if !may_unlock {
                    return Err(KeystoreError::Locked);
                }
                found.unlock().map_err(translate)?;
            }
            work(found).map(Some).map_err(translate)
        };
        match self.calls.run(call) {
            // Nobody keeps secrets on this bus, or there is no bus.
            Err(KeystoreError::Missing { .. }) => Ok(None),
            result => result,
        }
    }
}

impl Other for Collection {
    fn place(&self) -> String {
        format!("the collection `{}` of the Secret Service", self.name)
    }

    fn names(&self) -> Result<Vec<String>, KeystoreError> {
        let names = self.with(|collection| {
            let items = collection.get_all_items()?;
            items.iter().map(|item| item.get_label()).collect()
        });
        let mut names: Vec<String> = names?.unwrap_or_default();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn item(&self, name: &str) -> Result<Secret<Vec<u8>>, KeystoreError> {
        let wanted = name.to_owned();
        let item = self.with(move |collection| {
            let items = collection.search_items(HashMap::from([(NAME, wanted.as_str())]))?;
            items.first().map(|item| item.get_secret()).transpose()
        });
        let item = item?.flatten().map(Secret::new);
        item.ok_or_else(|| no_item(name, &self.place()))
    }
}

/// Whether a collection is the one of that name. Its path has the name that it was made with, its label
/// may have been changed since.
fn is_called(collection: &Opened<'_>, name: &str) -> bool {
    let path = collection.collection_path.as_str();
    path.strip_prefix(COLLECTIONS)
        .is_some_and(|path| unescaped(path).as_deref() == Some(name))
}

/// A part of an object's path, in which gnome-keyring and KWallet write `_2d` for what no path may hold.
fn unescaped(path: &str) -> Option<String> {
    let mut parts = path.split('_');
    let mut name = parts.next()?.as_bytes().to_vec();
    for part in parts {
        name.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        name.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(name).ok()
}

fn translate(error: Error) -> KeystoreError {
    classify(false, &words(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_in_paths_are_read() {
        let table = [
            ("awsvault", Some("awsvault")),
            (
                "granted_2daws_2diam_2dcredentials",
                Some("granted-aws-iam-credentials"),
            ),
            ("a_5fb", Some("a_b")),
            ("a_", None),
            ("a_zz", None),
        ];
        for (path, name) in table {
            assert_eq!(unescaped(path).as_deref(), name, "{path}");
        }
    }
}
