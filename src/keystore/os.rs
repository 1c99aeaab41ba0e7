//! The operating system's keystore, whichever that is, through `keyring`.
//!
//! A keyring error is never shown with `{:?}`: two of its variants would print the secret.

use std::collections::HashMap;

use keyring::{Entry, Error};

use super::limit::Calls;
use super::{Keystore, KeystoreError, Waiting, platform, words};
use crate::credentials::Secret;

/// Under this name our entries are found among those of other programs.
const SERVICE: &str = "vault";

/// Entries in the operating system's keystore.
pub struct Os {
    calls: Calls,
}

impl Os {
    /// Connects to it, once for the whole process.
    pub fn open(waiting: Waiting) -> Result<Self, KeystoreError> {
        let calls = Calls::new("the operating system's keystore", waiting);
        // The wrapper's own errors only say that there is no store: why not is said here.
        calls.run(|| Entry::store_status().as_ref().copied().map_err(translate))?;
        Ok(Self { calls })
    }

    fn call<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&keyring_core::Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, KeystoreError> {
        let name = name.to_owned();
        self.calls
            .run(move || match entry(&name).and_then(|entry| work(&entry)) {
                Ok(value) => Ok(Some(value)),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(translate(&error)),
            })
    }
}

impl Keystore for Os {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        self.call(name, |entry| entry.get_secret().map(Secret::new))
    }

    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        let value = value.clone();
        self.call(name, move |entry| entry.set_secret(value.expose()))?
            .ok_or_else(|| KeystoreError::failed("it kept nothing"))
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        let deleted = self.call(name, keyring_core::Entry::delete_credential)?;
        Ok(deleted.is_some())
    }
}

fn entry(name: &str) -> Result<keyring_core::Entry, Error> {
    let modifiers = platform::modifiers(name);
    let modifiers: HashMap<&str, &str> = modifiers
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    keyring_core::Entry::new_with_modifiers(SERVICE, name, &modifiers)
}

/// Only what the platform said is passed on: the sentences around it say nothing more.
fn translate(error: &Error) -> KeystoreError {
    match error {
        Error::NoStorageAccess(cause) => platform::classify(true, &words(cause.as_ref())),
        Error::PlatformFailure(cause) => platform::classify(false, &words(cause.as_ref())),
        Error::BadEncoding(_) | Error::BadDataFormat(..) => KeystoreError::Damaged {
            place: "an entry of the operating system's keystore".to_owned(),
            what: "it can't be decoded".to_owned(),
        },
        Error::BadStoreFormat(what) => KeystoreError::Damaged {
            place: "the operating system's keystore".to_owned(),
            what: what.clone(),
        },
        Error::TooLong(what, limit) => {
            KeystoreError::failed(format!("its limit for a {what} is {limit} bytes"))
        }
        Error::Ambiguous(entries) => KeystoreError::failed(format!(
            "it has {} entries for one name: delete all but one",
            entries.len()
        )),
        Error::Invalid(what, why) => KeystoreError::failed(format!("{what} is invalid: {why}")),
        Error::NotSupportedByStore(why) => KeystoreError::failed(why.clone()),
        _ => KeystoreError::failed("it did not say why"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_shows_a_secret() {
        let secret = || b"hunter2".to_vec();
        for error in [
            Error::BadEncoding(secret()),
            Error::BadDataFormat(secret(), "not base64".into()),
        ] {
            let error = translate(&error);
            let debug = format!("{error:?}");
            let bytes = format!("{:?}", secret());
            assert!(!debug.contains(bytes.trim_matches(['[', ']'])), "{debug}");
            assert!(matches!(error, KeystoreError::Damaged { .. }));
        }
    }

    #[test]
    fn causes_are_said_once() {
        let inner = std::io::Error::other("no socket");
        assert_eq!(words(&inner), "no socket");
        let outer = KeystoreError::io("open", std::path::Path::new("x"))(inner);
        assert_eq!(words(&outer), "could not open x: no socket");
    }
}
