//! macOS: the login keychain.

#[path = "no_resting.rs"]
pub mod resting;

use std::path::Path;

use crate::keystore::others::Other;
use crate::keystore::{Backend, Keystore, KeystoreError, Waiting};

/// None is documented.
pub const VALUE_LIMIT: Option<usize> = None;

/// The keychain takes none.
pub const fn modifiers(_name: &str) -> [(&'static str, String); 0] {
    []
}

/// What the keychain's words mean. `access` is whether it was about getting in at all.
pub fn classify(access: bool, text: &str) -> KeystoreError {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["interaction is not allowed", "canceled", "cancelled"]) {
        return KeystoreError::Locked;
    }
    let reason = text.to_owned();
    if says(&["keychain could not be found", "No keychain is available"]) {
        KeystoreError::Missing { reason }
    } else if access || says(&["not correct", "authorization", "permission"]) {
        KeystoreError::Denied { reason }
    } else {
        KeystoreError::Failed { reason }
    }
}

/// It is a part of the system.
pub const fn may_be_there(_address: Option<&str>, _runtime_directory: Option<&Path>) -> bool {
    true
}

/// It can't be told without a prompt.
pub const fn is_locked() -> Option<bool> {
    None
}

/// There is no such thing here.
pub fn keyutils() -> Result<Box<dyn Keystore>, KeystoreError> {
    Err(KeystoreError::elsewhere(Backend::Keyutils))
}

/// The Secret Service is elsewhere, and another program's entries in this one aren't read.
pub fn collection(_name: &str, _waiting: Waiting, _may_unlock: bool) -> Option<Box<dyn Other>> {
    None
}
