//! The Secret Service: what its errors mean, and how a person recognises our entries in it.
//!
//! The errors' types are three crates deep and not ours to name, so their words are read; the
//! tests hold the words that were seen.

use std::path::{Path, PathBuf};

use ::secret_service::EncryptionType;
use ::secret_service::blocking::SecretService;

use crate::keystore::KeystoreError;

/// None was found.
pub const VALUE_LIMIT: Option<usize> = None;

/// Whether it may be there, as far as that is seen without a call: the bus that it is reached over has a
/// socket, whose address is said, or which is where a login puts it
/// (<https://dbus.freedesktop.org/doc/dbus-specification.html#addresses>).
pub fn may_be_there(address: Option<&str>, runtime_directory: Option<&Path>) -> bool {
    let Some(address) = address else {
        let user = rustix::process::geteuid().as_raw();
        let directory = PathBuf::from(format!("/run/user/{user}"));
        return runtime_directory.unwrap_or(&directory).join("bus").exists();
    };
    address.split(';').any(|one| {
        let path = one.strip_prefix("unix:path=");
        let path = path.and_then(|path| path.split(',').next());
        // Elsewhere than at a path it can't be seen.
        path.is_none_or(|path| Path::new(path).exists())
    })
}

/// Whether the collection that entries go to is locked: `keyring` would have it unlocked, by a prompt.
pub fn is_locked() -> Option<bool> {
    // No secret is asked for: nothing has to be hidden on the bus.
    let service = SecretService::connect(EncryptionType::Plain).ok()?;
    let collection = service.get_default_collection().ok()?;
    collection.is_locked().ok()
}

/// What the entry is called in Seahorse or KWallet.
pub fn modifiers(name: &str) -> [(&'static str, String); 1] {
    [("label", format!("vault: {name}"))]
}

/// No bus, or nobody on it who would be a keystore.
const ABSENT: &[&str] = &[
    "no secret service provider or dbus session found",
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
    "address error",
    "Connection refused",
    "No such file or directory",
];

/// It wants to be unlocked, and that did not happen.
const LOCKED: &[&str] = &[
    "prompt dismissed",
    "object locked",
    "connection closed before prompt completed",
    "org.freedesktop.Secret.Error.IsLocked",
];

/// It, or the bus, says no.
const REFUSED: &[&str] = &[
    "AccessDenied",
    "AuthFailed",
    "handshake",
    "Permission denied",
];

/// What the Secret Service's words mean. `access` is whether it was about getting in at all.
pub fn classify(access: bool, text: &str) -> KeystoreError {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let reason = text.trim_start_matches("zbus error: ").to_owned();
    if says(LOCKED) {
        KeystoreError::Locked
    } else if text.contains("result not returned") {
        KeystoreError::Missing {
            reason: "the Secret Service has no default collection yet".to_owned(),
        }
    } else if says(REFUSED) {
        KeystoreError::Denied { reason }
    } else if says(ABSENT) {
        KeystoreError::Missing { reason }
    } else if access {
        KeystoreError::Denied { reason }
    } else {
        KeystoreError::Failed { reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_seen_mean_what_they_mean() {
        let kind = |text| match classify(false, text) {
            KeystoreError::Locked => "locked",
            KeystoreError::Missing { .. } => "missing",
            KeystoreError::Denied { .. } => "denied",
            KeystoreError::Failed { .. } => "failed",
            _ => "other",
        };
        for (text, expected) in [
            ("SS error: prompt dismissed", "locked"),
            ("SS Error: object locked", "locked"),
            (
                "no secret service provider or dbus session found",
                "missing",
            ),
            (
                "zbus error: org.freedesktop.DBus.Error.ServiceUnknown: The name \
                 org.freedesktop.secrets was not provided by any .service files",
                "missing",
            ),
            ("SS error: result not returned from SS API", "missing"),
            (
                "zbus error: org.freedesktop.DBus.Error.AccessDenied: no",
                "denied",
            ),
            ("zbus error: excess data", "failed"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
