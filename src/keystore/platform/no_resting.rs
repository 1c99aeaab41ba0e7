//! Where the `file` keystore's data key may rest while it is unlocked: nowhere. Only Linux has a
//! place for it that no disk ever sees and that forgets by itself; elsewhere the operating
//! system's keystore is the one to use.

use std::time::Duration;

use crate::credentials::Secret;

/// Nothing rests.
pub const fn find(_description: &str) -> Option<Secret<Vec<u8>>> {
    None
}

/// Nothing is kept.
pub const fn keep(_description: &str, _payload: &Secret<Vec<u8>>, _time: Duration) {}

/// Nothing to forget.
pub const fn forget(_description: &str) {}
