//! Linux: the Secret Service, and the kernel's keyring.

#[path = "collection.rs"]
mod collection;
mod keyutils;
pub mod resting;
#[path = "secret_service.rs"]
mod secret_service;

use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};

use crate::keystore::{Keystore, KeystoreError};

pub use collection::collection;
pub use secret_service::{VALUE_LIMIT, classify, is_locked, may_be_there, modifiers};

/// The kernel's keyring as a keystore.
///
/// # Errors
///
/// The kernel has no keyrings, or this process may not use them.
pub fn keyutils() -> Result<Box<dyn Keystore>, KeystoreError> {
    Ok(Box::new(keyutils::Keyutils::open()?))
}

/// The user's keyring, which all their processes share.
///
/// A key in it can be read only by who *possesses* it: whose session keyring leads to it. After
/// `su`, in a cron job or in a container it often does not, and then a key could be added and
/// never read again. A link from the process's own keyring makes up for that.
fn user_ring() -> Result<KeyRing, KeyError> {
    let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
    process_ring()?.link_keyring(user)?;
    Ok(user)
}

/// The keyring of this process, which ends with it.
fn process_ring() -> Result<KeyRing, KeyError> {
    KeyRing::from_special_id(KeyRingIdentifier::Process, true)
}

/// Whether this says that there is no such key, or none any more.
const fn is_absent(error: KeyError) -> bool {
    matches!(
        error,
        KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked
    )
}
