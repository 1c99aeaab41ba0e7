//! Keeps opaque bytes under a name: one trait, a file for each backend, the platform chosen once.
//!
//! It knows neither JSON nor AWS: what a name means and what the bytes say is `cache`'s affair.
//! It reads no environment and talks to nobody: who opens a keystore says where things are and
//! lends the two functions by which a person is asked or told something. What other programs keep in
//! keystores of theirs is read in [`others`].

mod chunked;
mod error;
mod file;
mod limit;
mod os;
mod others;
mod pass;
mod platform;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::Secret;

pub use error::KeystoreError;
pub use others::{Manners, Other, Places, others};

/// A place where secrets can be left between two runs.
///
/// Every call may block, for half a minute at worst: never call one inside an asynchronous runtime.
pub trait Keystore: Send + Sync {
    /// The value kept under `name`, `None` where there is none.
    ///
    /// # Errors
    ///
    /// The keystore is locked, refuses, does not answer in time, or holds something unreadable:
    /// never `Ok(None)` for one of these.
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError>;

    /// Keeps `value` under `name`, in place of what was there, whole or not at all.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get); what was kept before is then still there.
    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError>;

    /// Forgets `name`; whether there was anything to forget.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    fn delete(&self, name: &str) -> Result<bool, KeystoreError>;
}

/// The kinds of keystore that a person can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The operating system's where it answers, else `file`.
    Auto,
    /// macOS Keychain, Windows Credential Manager, Secret Service.
    Os,
    /// The Linux kernel's keyring: nothing survives a reboot, and there is little room.
    Keyutils,
    /// The program `pass`.
    Pass,
    /// One encrypted file.
    File,
}

impl Backend {
    /// All of them, `auto` first.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Os, Self::Keyutils, Self::Pass, Self::File];

    /// The word for it on the command line and in `config.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Os => "os",
            Self::Keyutils => "keyutils",
            Self::Pass => "pass",
            Self::File => "file",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Backend {
    type Err = KeystoreError;

    /// aws-vault's words are understood too: who comes from there has them in `AWS_VAULT_BACKEND`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keychain" | "secret-service" | "kwallet" | "wincred" => return Ok(Self::Os),
            "keyctl" => return Ok(Self::Keyutils),
            _ => {}
        }
        Self::ALL
            .into_iter()
            .find(|backend| backend.as_str() == text)
            .ok_or_else(|| KeystoreError::UnknownBackend(text.to_owned()))
    }
}

/// Why a passphrase is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassphraseFor {
    /// To open the store that there is.
    Existing,
    /// The same once more: the last one was wrong.
    Again,
    /// To make a store: worth asking for twice, and worth refusing when it is empty.
    New,
}

/// Asks a person for the passphrase of the `file` keystore.
pub type Ask = Box<dyn Fn(PassphraseFor) -> Result<Secret<String>, KeystoreError> + Send + Sync>;

/// Tells a person that a keystore waits for them; called at most once.
pub type Waiting = Arc<dyn Fn() + Send + Sync>;

/// What a keystore needs to know of the world around it.
pub struct Options {
    /// Where the `file` keystore and the locks are. Made, for this user alone, when it is needed.
    pub directory: PathBuf,
    /// The passphrase of the `file` keystore, where it is given. It is then never asked for.
    pub passphrase: Option<Secret<String>>,
    /// Asks for that passphrase where it is not given.
    pub ask: Ask,
    /// How long the `file` keystore may stay unlocked in the kernel's keyring; zero for never.
    pub unlocked_for: Duration,
    /// Where `pass` has its entries: `PASSWORD_STORE_DIR`, or `~/.password-store`.
    pub password_store: PathBuf,
    /// The variables that no child process gets to see.
    pub hidden_variables: &'static [&'static str],
    /// Called when a keystore has not answered for a while: a prompt may be open somewhere.
    pub waiting: Waiting,
}

/// A keystore that was opened.
pub struct Opened {
    /// Which one it is: never [`Backend::Auto`].
    pub backend: Backend,
    /// The keystore.
    pub store: Box<dyn Keystore>,
    /// Why `auto` did not take the operating system's.
    pub instead_of: Option<KeystoreError>,
}

/// Whether the operating system's keystore would have to be unlocked first, asked without a prompt;
/// `None` where it can't be told. It may hang.
pub fn is_locked() -> Option<bool> {
    platform::is_locked()
}

/// Whether the operating system's keystore may be there, as far as that is seen without a call. Where it
/// may not, `auto` goes on to `file`. `bus` and `runtime_directory` are what the session says of its bus.
pub fn may_be_there(bus: Option<&str>, runtime_directory: Option<&Path>) -> bool {
    platform::may_be_there(bus, runtime_directory)
}

/// Opens a keystore.
///
/// For `file` and `keyutils` nothing is read, asked or derived yet; the operating system's is
/// connected to, because only so can `auto` know whether it is there.
///
/// # Errors
///
/// There is no such keystore here, or it does not answer. `auto` goes on to `file` only where
/// the operating system's is not there at all: one that is locked or hangs is an error.
pub fn open(backend: Backend, options: Options) -> Result<Opened, KeystoreError> {
    let store: Box<dyn Keystore> = match backend {
        Backend::Auto => match open_os(&options) {
            Ok(store) => return Ok(Opened::new(Backend::Os, store)),
            Err(why @ KeystoreError::Missing { .. }) => {
                let file = open(Backend::File, options)?;
                return Ok(Opened {
                    instead_of: Some(why),
                    ..file
                });
            }
            Err(error) => return Err(error),
        },
        Backend::Os => open_os(&options)?,
        Backend::Keyutils => platform::keyutils()?,
        Backend::Pass => Box::new(pass::Pass::open(options)?),
        Backend::File => Box::new(file::FileStore::new(options)),
    };
    Ok(Opened::new(backend, store))
}

impl Opened {
    fn new(backend: Backend, store: Box<dyn Keystore>) -> Self {
        Self {
            backend,
            store,
            instead_of: None,
        }
    }
}

fn open_os(options: &Options) -> Result<Box<dyn Keystore>, KeystoreError> {
    let store = os::Os::open(Arc::clone(&options.waiting))?;
    Ok(match platform::VALUE_LIMIT {
        Some(limit) => Box::new(chunked::Chunked::new(store, limit, &options.directory)),
        None => Box::new(store),
    })
}

/// What an error says, and those below it where they add something.
fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let more = error.to_string();
        if !words.contains(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        below = error.source();
    }
    words
}

#[cfg(test)]
mod tests;
