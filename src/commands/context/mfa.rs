//! The conversation of an MFA code: who gives it, how often it may be wrong, and that of many runs at
//! once one asks.

use super::Context;
use crate::broker::{Answer, Broker, Code, MfaDevice, Want};
use crate::credentials::Secret;
use crate::error::{Error, Kind};
use crate::resolve::Chain;

/// A slip of the finger or two, and no more: a device whose codes are never right is another one.
const TRIES: usize = 3;

impl Context {
    /// Gets the credentials for which `device`'s code is needed. Of parallel runs one asks, and the
    /// others use what it got.
    pub(super) fn with_code(
        &self,
        broker: &Broker<'_>,
        chain: &Chain,
        want: Want<'_>,
        device: &MfaDevice,
    ) -> Result<Answer, Error> {
        if !self.ui.can_ask() {
            return Err(code_required(device, &chain.profile));
        }
        let asking = broker.ask_for_code(device, || {
            let waiting = "Waiting for the MFA code that another vault has asked for.";
            self.ui.note(waiting);
        })?;
        let want = Want { code: None, ..want };
        let mut question = format!("MFA code of {}", device.serial);
        for _ in 0..TRIES {
            // Who waited may find what it needs.
            match broker.credentials(chain, want)? {
                Answer::CodeRequired(still) if still.serial == device.serial => {}
                other => return Ok(other),
            }
            let code = Code::new(self.ask_code(&question)?);
            let with = Want {
                code: Some(&code),
                ..want
            };
            match broker.credentials(chain, with) {
                Err(error) if error.is_wrong_code() => {}
                answer => return Ok(answer?),
            }
            question = format!(
                "That code was not accepted. The next MFA code of {}",
                device.serial
            );
        }
        let message = format!("no code of `{}` was accepted", device.serial);
        asking.failed(&message);
        let error = Error::new(Kind::Failed, message);
        Err(error.hint("check `mfa_serial`, and the clock of the device"))
    }

    /// Six digits: others are not sent anywhere.
    fn ask_code(&self, question: &str) -> Result<Secret<String>, Error> {
        let mut given = self.ui.ask_secret(question)?;
        while !is_code(given.expose().trim()) {
            given = self
                .ui
                .ask_secret("A code is 6 digits. The code that the device shows now")?;
        }
        Ok(Secret::new(given.expose().trim().to_owned()))
    }
}

/// Whether it has the form of a code.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn code_required(device: &MfaDevice, profile: &str) -> Error {
    let message = format!("a code of the MFA device `{}` is needed", device.serial);
    let error = Error::new(Kind::SignInRequired, message);
    error.hint(format!(
        "give it with `--mfa-token`, or run `vault login {profile}` on a terminal"
    ))
}
