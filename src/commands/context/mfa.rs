//! The conversation of an MFA code: who gives it, how often it may be wrong, and that of many runs at
//! once one asks.

use std::time::Duration;

use jiff::Timestamp;

use super::Context;
use super::request::wanted;
use crate::broker::{self, Answer, Broker, Code, MfaDevice, Want};
use crate::config::{Profile, shell_word};
use crate::credentials::Secret;
use crate::error::{Error, Kind};
use crate::resolve::Chain;
use crate::source::process;
use crate::source::program::{self, ProgramError};

/// A slip of the finger or two, and no more: a device whose codes are never right is another one.
const TRIES: usize = 3;

/// How long `mfa_process` may take: a person may have to find a key and touch it. A code is good for
/// half of this.
const PROCESS_LIMIT: Duration = Duration::from_mins(1);

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
        if device.process.is_none() && !self.ui.can_ask() {
            return Err(code_required(device, &chain.profile));
        }
        let asking = broker.ask_for_code(device, || {
            let waiting = "Waiting for the MFA code that another vault has asked for.";
            self.ui.note(waiting);
        })?;
        let want = Want { code: None, ..want };
        // Who waited may find what it needs.
        match broker.credentials(chain, want)? {
            Answer::CodeRequired(still) if still.serial == device.serial => {}
            other => return Ok(other),
        }
        let answer = match &device.process {
            Some(command) => self.printed_code(command).and_then(|code| {
                let code = Some(&code);
                Ok(broker.credentials(chain, Want { code, ..want })?)
            }),
            None => self.asked_code(broker, chain, want, device),
        };
        if let Err(error) = &answer
            && error.kind() != Kind::Interrupted
        {
            asking.failed(&error.one_line());
        }
        answer
    }

    fn asked_code(
        &self,
        broker: &Broker<'_>,
        chain: &Chain,
        want: Want<'_>,
        device: &MfaDevice,
    ) -> Result<Answer, Error> {
        let serial = &device.serial;
        let mut question = format!("MFA code of {serial}");
        for _ in 0..TRIES {
            let code = Code::new(self.ask_code(&question)?);
            let code = Some(&code);
            match broker.credentials(chain, Want { code, ..want }) {
                Err(error) if error.is_wrong_code() => {}
                answer => return Ok(answer?),
            }
            question = format!("That code was not accepted. The next MFA code of {serial}");
        }
        let error = Error::new(Kind::Failed, format!("no code of `{serial}` was accepted"));
        Err(error.hint("check `mfa_serial`, and the clock of the device"))
    }

    /// What `mfa_process` prints; a shell reads its line, as aws-vault has it.
    fn printed_code(&self, command: &str) -> Result<Code, Error> {
        let failed = |why: String| {
            let error = Error::new(Kind::Failed, "`mfa_process` gives no code").caused_by(why);
            error.hint("run its command by hand: it is to print the 6 digits and nothing else")
        };
        let shell = if cfg!(windows) {
            ["cmd.exe", "/C", command]
        } else {
            ["/bin/sh", "-c", command]
        };
        let surroundings = self.programs()?;
        let ended = program::run(&shell.map(str::to_owned), &surroundings, PROCESS_LIMIT).map_err(
            |error| match error {
                ProgramError::Interrupted(_) => Error::new(Kind::Interrupted, "interrupted"),
                ProgramError::TimedOut(_, limit) => failed(format!(
                    "it did not end within {} seconds, and was ended",
                    limit.as_secs()
                )),
                other => failed(other.to_string()),
            },
        )?;
        if !ended.status.success() {
            return Err(failed(format!("it {}", process::how(ended.status))));
        }
        let printed = String::from_utf8_lossy(ended.out.expose());
        if !is_code(printed.trim()) {
            return Err(failed("what it printed is no code of 6 digits".to_owned()));
        }
        Ok(Code::new(Secret::new(printed.trim().to_owned())))
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

    /// The session that `vault login WORD` makes ready, where a word means a profile whose key has an
    /// MFA device.
    pub(in crate::commands) fn mfa_session(&self, word: &str) -> Result<Option<MfaSession>, Error> {
        let config = self.config()?;
        let is_profile = config.profile_names().any(|name| name == word);
        let is_session = config.sso_session_names().any(|name| name == word);
        if !is_profile || is_session {
            return Ok(None);
        }
        let chain = self.chain(word)?;
        let Some(session) = broker::mfa_session(&chain) else {
            return Ok(None);
        };
        // The wish of the environment is for what a command gets, and here that is the role.
        let behind_a_role = !chain.roles.is_empty();
        let duration = (!behind_a_role).then(|| wanted(None, &chain)).transpose()?;
        Ok(Some(MfaSession {
            profile: config.profile(word)?,
            chain: session,
            duration: duration.flatten(),
        }))
    }

    /// Makes it ready: until when it lasts, and whether it was there already.
    pub(in crate::commands) fn prime(
        &self,
        session: &MfaSession,
        force: bool,
        code: Option<&Code>,
    ) -> Result<(Timestamp, bool), Error> {
        let want = Want {
            fresh: force,
            duration: session.duration,
            code,
            ..Want::default()
        };
        let waited_before = self.waited.replace(false);
        let given = self.credentials(&session.profile, &session.chain, None, want)?;
        let at_once = !self.waited.replace(waited_before);
        let until = given.expires_at.ok_or_else(|| {
            Error::new(Kind::Failed, "STS does not say how long the session lasts")
        })?;
        Ok((until, at_once))
    }
}

/// A session that the code of an MFA device is needed for.
pub(in crate::commands) struct MfaSession {
    profile: Profile,
    chain: Chain,
    duration: Option<Duration>,
}

impl MfaSession {
    /// Whose key it is of.
    pub(in crate::commands) fn owner(&self) -> &str {
        &self.chain.root
    }
}

/// Whether it has the form of a code.
pub(super) fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn code_required(device: &MfaDevice, profile: &str) -> Error {
    let message = format!("a code of the MFA device `{}` is needed", device.serial);
    let error = Error::new(Kind::SignInRequired, message);
    // A code that a role asks for itself is of no use to a session.
    let otherwise = match device.is_for_session() {
        true => format!("run `vault login {}` on a terminal", shell_word(profile)),
        false => "run it on a terminal, to be asked".to_owned(),
    };
    error.hint(format!("give it with `--mfa-token`, or {otherwise}"))
}
