//! The codes of MFA devices: what needs one, and that of parallel runs one asks for it.

use std::cell::Cell;

use jiff::Timestamp;

use super::sign_in::{INTERACTIVE_LOCK_LIMIT, failed_since, leave_note};
use super::{Broker, BrokerError};
use crate::cache::{Key, Kind};
use crate::credentials::Secret;
use crate::files::Lock;

/// A device that shows codes, and what its code is needed for.
#[derive(Clone, Debug)]
pub struct MfaDevice {
    /// Its serial number or ARN.
    pub serial: String,
    /// The command that prints its codes.
    pub process: Option<String>,
    /// What is kept once it was given.
    pub(super) key: Key,
}

impl MfaDevice {
    /// Whether its code makes a session ready, which serves all that is behind a key.
    pub fn is_for_session(&self) -> bool {
        self.key.kind() == Some(Kind::SessionToken)
    }
}

/// A code of an MFA device, good for one request.
#[derive(Debug)]
pub struct Code {
    code: Secret<String>,
    used: Cell<bool>,
}

impl Code {
    /// Takes charge of `code`.
    pub const fn new(code: Secret<String>) -> Self {
        Self {
            code,
            used: Cell::new(false),
        }
    }

    /// The code, once.
    pub(super) fn take(&self) -> Option<&Secret<String>> {
        (!self.used.replace(true)).then_some(&self.code)
    }
}

/// Held while a person is asked for a code.
#[derive(Debug)]
pub struct Asking {
    lock: Lock,
    clock: fn() -> Timestamp,
}

impl Asking {
    /// Tells the runs that wait that it came to nothing, so that they don't ask the same again.
    pub fn failed(mut self, why: &str) {
        leave_note(&mut self.lock, (self.clock)(), why);
    }
}

impl Broker<'_> {
    /// Holds what `device`'s code is needed for, until the code is there or was not right. `waiting`
    /// is called where another run is asking; what that one got is in the cache.
    ///
    /// # Errors
    ///
    /// The other one held it for too long, or it came to nothing.
    pub fn ask_for_code(
        &self,
        device: &MfaDevice,
        waiting: impl FnOnce(),
    ) -> Result<Asking, BrokerError> {
        (self.before_waiting)();
        let asked_at = (self.clock)();
        let key = device.key.interactive();
        let mut lock = self.cache.lock(&key, INTERACTIVE_LOCK_LIMIT, waiting)?;
        match failed_since(&mut lock, asked_at) {
            Some(why) => Err(BrokerError::CodeFailedElsewhere(why)),
            None => Ok(Asking {
                lock,
                clock: self.clock,
            }),
        }
    }
}
