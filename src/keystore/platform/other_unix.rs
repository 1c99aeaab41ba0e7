//! The BSDs: the Secret Service, and no keyring in the kernel.

#[path = "collection.rs"]
mod collection;
#[path = "no_resting.rs"]
pub mod resting;
#[path = "secret_service.rs"]
mod secret_service;

use crate::keystore::{Backend, Keystore, KeystoreError};

pub use collection::collection;
pub use secret_service::{VALUE_LIMIT, classify, is_locked, may_be_there, modifiers};

/// There is no such thing here.
pub fn keyutils() -> Result<Box<dyn Keystore>, KeystoreError> {
    Err(KeystoreError::elsewhere(Backend::Keyutils))
}
