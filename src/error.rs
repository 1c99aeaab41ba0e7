//! The one error that a person sees: what failed, because of what, what to do, and the exit code.
//!
//! Hints are attached here and nowhere else; who prints it is `lib`'s affair.

mod broker;
mod configuration;
mod delivery;

use std::error::Error as StdError;

use crate::browser::BrowserError;
use crate::cache::CacheError;
use crate::config::edit::{EditError, Refusal, ReplaceError};
use crate::config::shell_word;
use crate::env;
use crate::keystore::KeystoreError;
use crate::plan::PlanError;
use crate::settings::SettingsError;
use crate::source::SourceError;
use crate::ui::AskError;

mod elsewhere;

pub use configuration::{advice, setting_advice};

/// What kind of failure it is: this decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It did not work.
    Failed,
    /// The command line is wrong.
    Usage,
    /// A person must sign in, and may not be asked here.
    SignInRequired,
    /// The person left.
    Interrupted,
    /// `exec`: the command cannot be run.
    CannotRun,
    /// `exec`: there is no such command.
    NoCommand,
}

impl Kind {
    /// The exit code. `exec` keeps every code but its own three for the command that it runs.
    pub fn exit_code(self, exec: bool) -> u8 {
        match self {
            Self::Interrupted => 130,
            Self::NoCommand => 127,
            Self::CannotRun => 126,
            _ if exec => 125,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::SignInRequired => 4,
        }
    }
}

/// An error as a person sees it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Error {
    /// A failure with its message: a lower-case fragment.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// One that was told to the person where it happened: what is left of it is the exit code.
    pub fn said(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    /// Whether nothing is left to be told.
    pub fn is_said(&self) -> bool {
        self.message.is_empty()
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With what it came from.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// As the cause of a failure that the person can place.
    #[must_use]
    pub fn context(mut self, message: impl Into<String>) -> Self {
        self.causes
            .insert(0, std::mem::replace(&mut self.message, message.into()));
        self
    }

    /// What failed.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Because of what, the outermost first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// What to do.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `error` and the errors under it; one that only passes another on is not said twice.
    fn from_chain(kind: Kind, error: &(dyn StdError + 'static)) -> Self {
        let mut made = Self::new(kind, error.to_string());
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if made.causes.last().unwrap_or(&made.message) != &text {
                made.causes.push(text);
            }
            next = cause.source();
        }
        made
    }
}

impl Error {
    /// All of it in one line, for a warning.
    pub fn one_line(&self) -> String {
        let mut line = self.message.clone();
        for cause in &self.causes {
            line.push_str(": ");
            line.push_str(cause);
        }
        line
    }
}

impl From<env::Unusable> for Error {
    fn from(error: env::Unusable) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match error {
            env::Unusable::NotUrl(..) => made.hint("write it whole, as in `https://host:port`"),
            env::Unusable::NotText(_) => made,
        }
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match error {
            SettingsError::Mistake { what, .. } => made.hint(setting_advice(&what)),
            SettingsError::Unreadable(..) => made.hint("see what it is, and its owner and mode"),
            SettingsError::NoHome => made.hint("set HOME"),
            _ => made,
        }
    }
}

impl From<AskError> for Error {
    fn from(error: AskError) -> Self {
        let kind = match error {
            AskError::Interrupted => Kind::Interrupted,
            _ => Kind::Failed,
        };
        Self::from_chain(kind, &error)
    }
}

impl From<BrowserError> for Error {
    fn from(error: BrowserError) -> Self {
        Self::from_chain(Kind::Failed, &error)
    }
}

impl From<EditError> for Error {
    fn from(error: EditError) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match &error {
            EditError::Refused(Refusal::Ambiguous { .. }) => {
                made.hint("mend that line first: the file was left as it is")
            }
            EditError::Changed(_) => made.hint("run it again: the file was left as it is"),
            EditError::Entangled(_) => {
                made.hint("take the indentation off its headers: the file was left as it is")
            }
            EditError::Unwritable(_, ReplaceError::ReadOnly) => {
                made.hint("whoever made it so meant it; `chmod u+w` undoes it")
            }
            EditError::Unwritable(_, ReplaceError::Io(error))
                if error.kind() == std::io::ErrorKind::ResourceBusy =>
            {
                made.hint("it can't be replaced where it is mounted by itself: mount its directory")
            }
            EditError::Unwritable(_, ReplaceError::Io(error))
                if error.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                made.hint(
                    "see who owns the file and its directory, and their modes: nothing was changed",
                )
            }
            EditError::Unwritable(..) => {
                made.hint("the file was left as it is: mend that, and run it again")
            }
            EditError::Unreadable(..) => made.hint(configuration::UNREADABLE),
            EditError::NotText(_) => {
                made.hint("save it as UTF-8 first: the file was left as it is")
            }
            EditError::Lock(..) => made.hint(
                "vault's locks are in its data directory (~/.local/share/vault): see who owns it",
            ),
            EditError::Busy(_) => made.hint("see what the other one waits for, or end it"),
            EditError::Refused(Refusal::Unwritable { .. }) => made,
        }
    }
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match error {
            PlanError::Collision(..) => made.hint(
                "tell them apart in `profile_name`, as with `{account_id}`, or leave one out with a pattern",
            ),
            PlanError::Name { .. } => made.hint("see `profile_name`, and its filter `kebab`"),
        }
    }
}

impl From<KeystoreError> for Error {
    fn from(error: KeystoreError) -> Self {
        let kind = match &error {
            KeystoreError::Interrupted => Kind::Interrupted,
            KeystoreError::UnknownBackend(_) => Kind::Usage,
            _ => Kind::Failed,
        };
        let made = Self::from_chain(kind, &error);
        match &error {
            KeystoreError::Locked => made.hint("unlock it, or use another with `--backend file`"),
            KeystoreError::Full { .. } => made.hint("`vault clear` makes room"),
            KeystoreError::Missing { .. } => made.hint("use another with `--backend file`"),
            KeystoreError::TimedOut { .. } => {
                made.hint("see whether it waits for you to unlock it, or use `--backend file`")
            }
            KeystoreError::WrongPassphrase => made.hint(format!(
                "give the one that the keystore was made with, on the terminal or in {}",
                env::AWS_VAULT_FILE_PASSPHRASE
            )),
            KeystoreError::PassphraseNeeded => made.hint(format!(
                "set {}, or run it on a terminal",
                env::AWS_VAULT_FILE_PASSPHRASE
            )),
            KeystoreError::Damaged { .. } => made.hint(
                "it was left as it is: restore it from a backup, or move it away and sign in again",
            ),
            _ => made,
        }
    }
}

impl From<CacheError> for Error {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Keystore(error) => error.into(),
            CacheError::Busy(..) => Self::from_chain(Kind::Failed, &error)
                .hint("see what the other one waits for, or end it"),
            CacheError::UnknownForm { ref profile, .. } => {
                let word = shell_word(profile);
                let hint = format!(
                    "a newer vault stored it: use that one; `vault remove {word}` forgets it"
                );
                Self::from_chain(Kind::Failed, &error).hint(hint)
            }
            CacheError::Io(..) => Self::from_chain(Kind::Failed, &error)
                .hint("vault keeps its lists and locks there: see whose it is, and its mode"),
        }
    }
}

impl From<SourceError> for Error {
    fn from(error: SourceError) -> Self {
        let made = Self::from_chain(Kind::Failed, &error);
        match &error {
            SourceError::Unreachable { cause, .. } if cause.contains("certificate") => made.hint(
                "where a proxy looks into TLS, name its authority's PEM file in AWS_CA_BUNDLE",
            ),
            SourceError::Unreachable { .. } | SourceError::TimedOut { .. } => {
                made.hint("check the network, a VPN, the proxy, and the region")
            }
            SourceError::NotAws { .. } => {
                made.hint("a captive portal or a proxy is in the way: open any page in a browser")
            }
            SourceError::Throttled(_) | SourceError::Unavailable { .. } => {
                made.hint("wait a minute, and try again")
            }
            SourceError::CodeExpired => made.hint("run it again for a new code"),
            SourceError::Refused => made.hint("run it again, and allow it in the browser"),
            SourceError::NobodyCame => made.hint(
                "run it again; where the browser is on another machine, as `vault login --device-code`",
            ),
            SourceError::Listener(_) => {
                made.hint("`vault login --device-code` works without a listener")
            }
            // Its other inputs are vault's own.
            SourceError::Service {
                operation: "StartDeviceAuthorization",
                ..
            } => made.hint("check `sso_start_url` and `sso_region`"),
            SourceError::Service {
                operation: "GetRoleCredentials",
                ..
            } => made.hint("check `sso_account_id` and `sso_role_name`"),
            SourceError::Service {
                operation: "Authorize",
                ..
            } => made.hint("run it again"),
            SourceError::Service {
                operation: "CreateToken",
                code,
                ..
            } if code == "invalid_grant" => {
                made.hint("run it again: what a browser brings is good once, and for minutes")
            }
            SourceError::CaBundle { .. } => {
                made.hint("see AWS_CA_BUNDLE and the profile's `ca_bundle`")
            }
            _ => made,
        }
    }
}
