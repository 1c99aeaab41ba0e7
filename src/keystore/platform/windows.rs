//! Windows: the Credential Manager.

#[path = "no_resting.rs"]
pub mod resting;

use std::path::Path;

use crate::keystore::others::Other;
use crate::keystore::{Backend, Keystore, KeystoreError, Waiting};

/// `CRED_MAX_CREDENTIAL_BLOB_SIZE`: less than one set of role credentials in JSON.
pub const VALUE_LIMIT: Option<usize> = Some(2560);

/// Entries stay on this machine: the default would let them roam with the user's profile.
pub fn modifiers(_name: &str) -> [(&'static str, String); 1] {
    [("persistence", "Local".to_owned())]
}

/// What the Credential Manager's words mean. `access` is whether it was about getting in at all.
pub fn classify(access: bool, text: &str) -> KeystoreError {
    let reason = text.to_owned();
    // A network logon, as by SSH with a key, has no credential set.
    if text.contains("NO_SUCH_LOGON_SESSION") || text.contains("logon session") {
        KeystoreError::Missing { reason }
    } else if access {
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
