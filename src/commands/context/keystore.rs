//! How a command comes to its cache: which keystore, and how that asks for its passphrase and says
//! that it waits for a person. Other tools' keystores ask in the same way.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cache::Cache;
use crate::credentials::Secret;
use crate::env;
use crate::error::{Error, Kind};
use crate::keystore::{self, Backend, KeystoreError, PassphraseFor, Waiting};
use crate::settings::Settings;
use crate::ui::{self, AskError, Ui};

/// The cache over the keystore that the settings name.
pub(super) fn cache(settings: &Settings, ui: &Arc<Ui>) -> Result<Cache, Error> {
    let backend = backend(settings)?;
    let (settings, ui) = (settings.clone(), Arc::clone(ui));
    let directory = settings.directories.data.clone();
    let open = move || {
        let opened = keystore::open(backend, options(&settings, &ui)?)?;
        tracing::info!(backend = %opened.backend, "keystore");
        Ok((opened.backend.to_string(), opened.store))
    };
    Ok(Cache::new(directory, lists(backend), Box::new(open)))
}

/// The keystore that the settings name. Where it is `config.toml` that names one that there is not, it is
/// no mistake of the command line's.
fn backend(settings: &Settings) -> Result<Backend, Error> {
    let parsed = settings.backend.parse();
    parsed.map_err(|error: KeystoreError| match &settings.backend_place {
        Some(place) => Error::new(Kind::Failed, format!("{place}: {error}")),
        None => error.into(),
    })
}

/// The keystores that it may turn out to be: each has a list of its own.
pub(super) fn lists(backend: Backend) -> Vec<String> {
    match backend {
        Backend::Auto if !os_may_be_there() => vec![Backend::File.to_string()],
        Backend::Auto => vec![Backend::Os.to_string(), Backend::File.to_string()],
        named => vec![named.to_string()],
    }
}

fn os_may_be_there() -> bool {
    let bus = env::var(env::DBUS_SESSION_BUS_ADDRESS).ok().flatten();
    let directory = env::var_os(env::XDG_RUNTIME_DIR).map(PathBuf::from);
    keystore::may_be_there(bus.as_deref(), directory.as_deref())
}

/// How a keystore asks for its passphrase, and says that it waits for a person.
pub(super) fn options(
    settings: &Settings,
    ui: &Arc<Ui>,
) -> Result<keystore::Options, KeystoreError> {
    let home = &settings.directories.home;
    let password_store = env::var_os(env::PASSWORD_STORE_DIR);
    let asking = Arc::clone(ui);
    Ok(keystore::Options {
        directory: settings.directories.data.clone(),
        passphrase: passphrase()?,
        ask: Box::new(move |purpose| ask_passphrase_of(&asking, "the vault keystore", purpose)),
        unlocked_for: settings.unlocked_for,
        password_store: password_store.map_or_else(|| home.join(".password-store"), PathBuf::from),
        hidden_variables: env::SECRETS,
        waiting: waiting(ui),
    })
}

pub(super) fn waiting(ui: &Arc<Ui>) -> Waiting {
    let ui = Arc::clone(ui);
    Arc::new(move || {
        ui::watch_interrupts();
        ui.tell("Waiting for the keystore: it may be asking to be unlocked.");
    })
}

pub(super) fn passphrase() -> Result<Option<Secret<String>>, KeystoreError> {
    let given = env::var(env::AWS_VAULT_FILE_PASSPHRASE);
    let given = given.map_err(|error| KeystoreError::Failed {
        reason: error.to_string(),
    })?;
    Ok(given.map(Secret::new))
}

/// Asks for a keystore's passphrase; for a new one twice, since a slip of the finger in it would lock
/// the person out.
pub(super) fn ask_passphrase_of(
    ui: &Ui,
    whose: &str,
    purpose: PassphraseFor,
) -> Result<Secret<String>, KeystoreError> {
    let ask = |question: &str| {
        ui.ask_secret(question).map_err(|error| match error {
            AskError::NoTerminal => KeystoreError::PassphraseNeeded,
            AskError::Interrupted => KeystoreError::Interrupted,
            AskError::Io(error) => {
                KeystoreError::failed(format!("the terminal does not answer: {error}"))
            }
        })
    };
    match purpose {
        PassphraseFor::Existing => ask(&format!("Passphrase of {whose}")),
        PassphraseFor::Again => ask(&format!("That is not it. Passphrase of {whose}")),
        PassphraseFor::New => loop {
            let first = ask(&format!("New passphrase for {whose}"))?;
            if first.expose().is_empty() {
                ui.tell("An empty passphrase would protect nothing.");
            } else if first == ask("The same once more")? {
                return Ok(first);
            } else {
                ui.tell("The two were not the same.");
            }
        },
    }
}
