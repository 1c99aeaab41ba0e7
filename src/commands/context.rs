//! What every command works with, built once: settings, the AWS files, the cache, and the
//! conversation of a sign-in. Nothing is opened before a command asks for it.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::broker::{Answer, Broker, Connection, Progress, Want};
use crate::browser;
use crate::cache::Cache;
use crate::config::{Config, Files, Profile, SsoSession};
use crate::credentials::{AccessToken, Credentials, Secret};
use crate::deliver::environment::PROFILE_SETTINGS;
use crate::env;
use crate::error::{Error, Kind};
use crate::keystore::{self, KeystoreError, PassphraseFor};
use crate::resolve::Chain;
use crate::settings::Settings;
use crate::source::sso::DeviceAuthorization;
use crate::source::transport;
use crate::ui::{self, AskError, Ui};

/// What a command works with.
pub(super) struct Context {
    pub(super) ui: Arc<Ui>,
    pub(super) cache: Cache,
    settings: Settings,
    config: OnceCell<Config>,
}

/// How a person signs in.
#[derive(Clone, Debug, Default)]
pub(super) struct SignIn {
    /// Although there is a sign-in already.
    pub(super) force: bool,
    /// Without opening a browser.
    pub(super) no_browser: bool,
    /// With this browser command.
    pub(super) browser: Option<String>,
}

impl Context {
    pub(super) fn new(settings: Settings, ui: Arc<Ui>) -> Self {
        let cache = cache(&settings, &ui);
        Self {
            ui,
            cache,
            settings,
            config: OnceCell::new(),
        }
    }

    /// The clock, read in this one place.
    #[expect(clippy::disallowed_methods, reason = "everybody else is told the time")]
    pub(super) fn now() -> Timestamp {
        Timestamp::now()
    }

    /// Prints data.
    pub(super) fn print(&self, text: &str) -> Result<(), Error> {
        self.ui.data(text).map_err(|error| {
            Error::new(Kind::Failed, "cannot write to stdout").caused_by(error.to_string())
        })
    }

    /// Prints data as JSON, laid out for a person to read as well.
    pub(super) fn print_json(&self, value: &impl serde::Serialize) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(value).expect("text and numbers only");
        self.print(&format!("{text}\n"))
    }

    /// The AWS files.
    pub(super) fn config(&self) -> Result<&Config, Error> {
        if self.config.get().is_none() {
            let _ = self.config.set(Config::load(&self.files())?);
        }
        Ok(self.config.get().expect("it was set above"))
    }

    fn files(&self) -> Files {
        let aws = self.settings.directories.home.join(".aws");
        let path =
            |variable, name| env::var_os(variable).map_or_else(|| aws.join(name), PathBuf::from);
        Files {
            config: path(env::AWS_CONFIG_FILE, "config"),
            credentials: path(env::AWS_SHARED_CREDENTIALS_FILE, "credentials"),
        }
    }

    /// The profile that is meant: the one named, else `AWS_PROFILE`'s, else the one picked.
    pub(super) fn profile_name(&self, named: Option<String>) -> Result<String, Error> {
        if let Some(name) = named {
            return Ok(name);
        }
        if let Some(name) = env::var(env::AWS_PROFILE)? {
            return Ok(name);
        }
        if !self.ui.can_ask() {
            let error = Error::new(Kind::Usage, "no profile is named");
            return Err(error.hint("name one, or set AWS_PROFILE; `vault list` shows them"));
        }
        let names: Vec<_> = self.config()?.profile_names().map(str::to_owned).collect();
        if names.is_empty() {
            return Err(Error::new(
                Kind::Failed,
                "there are no profiles in the configuration",
            ));
        }
        Ok(self.ui.pick("Profile", names)?)
    }

    /// A broker that reaches AWS the way `profile` says, where one is meant.
    pub(super) fn broker(&self, profile: Option<&Profile>) -> Result<Broker<'_>, Error> {
        let outer = self.outer_settings(profile)?;
        let left_over = |name: &str, value: &OsStr| {
            let mut set = outer.iter();
            set.any(|(ours, to)| ours == name && value == to.as_str())
        };
        let bundle = env::var_os(env::AWS_CA_BUNDLE)
            .filter(|bundle| !left_over(env::AWS_CA_BUNDLE, bundle))
            .map(PathBuf::from)
            .or_else(|| {
                profile
                    .and_then(|profile| profile.get("ca_bundle"))
                    .map(|value| PathBuf::from(&value.text))
            });
        let endpoint = |service| endpoint(service, profile, &left_over);
        let connection = Connection {
            sso: endpoint("sso")?,
            sso_oidc: endpoint("sso_oidc")?,
            sts: endpoint("sts")?,
            transport: transport::Settings { ca_bundle: bundle },
        };
        Ok(Broker::new(
            &self.cache,
            Self::now,
            ui::watch_interrupts,
            connection,
        ))
    }

    /// What an `exec` around this run set for its own profile, where that is another one than
    /// `profile`: it is not meant for this run.
    pub(super) fn outer_settings(
        &self,
        profile: Option<&Profile>,
    ) -> Result<Vec<(String, String)>, Error> {
        let Ok(Some(outer)) = env::var(env::AWS_VAULT) else {
            return Ok(Vec::new());
        };
        if profile.is_some_and(|profile| profile.name == outer) {
            return Ok(Vec::new());
        }
        // A profile that is gone by now, or broken, has nothing that could be told from the rest.
        let outer = self.config()?.profile(&outer);
        Ok(outer.map_or_else(|_| Vec::new(), |outer| variables_of(&outer)))
    }

    /// Credentials for a chain; where a person must sign in first, and may be asked, they are.
    pub(super) fn credentials(
        &self,
        profile: &Profile,
        chain: &Chain,
        want: Want,
    ) -> Result<Credentials, Error> {
        let broker = self.broker(Some(profile))?;
        let failed =
            |error: Error| error.context(format!("no credentials for profile `{}`", profile.name));
        let session = match broker
            .credentials(chain, want)
            .map_err(Error::from)
            .map_err(failed)?
        {
            Answer::Ready(credentials) => return Ok(credentials),
            Answer::SignInRequired(session) => session,
        };
        if !self.ui.can_ask() {
            return Err(failed(sign_in_required(&session, &profile.name)));
        }
        self.sign_in(&broker, &session, &SignIn::default())
            .map_err(failed)?;
        match broker
            .credentials(chain, want)
            .map_err(Error::from)
            .map_err(failed)?
        {
            Answer::Ready(credentials) => Ok(credentials),
            Answer::SignInRequired(_) => Err(failed(Error::new(
                Kind::Failed,
                "IAM Identity Center does not accept the sign-in that it has just given",
            ))),
        }
    }

    /// Signs in with a person: shows URL and code, opens the browser, waits.
    pub(super) fn sign_in(
        &self,
        broker: &Broker<'_>,
        session: &SsoSession,
        how: &SignIn,
    ) -> Result<AccessToken, Error> {
        let setting = self.settings.browser.clone();
        let command = browser::command(how.browser.clone(), setting)?;
        let token = broker.sign_in(session, how.force, &mut |progress| match progress {
            Progress::WaitingForAnother => {
                self.ui
                    .note("Waiting for the sign-in that another vault has begun.");
            }
            Progress::Code(authorization) => {
                self.show(session, authorization, how, command.as_deref());
            }
        })?;
        Ok(token)
    }

    fn show(
        &self,
        session: &SsoSession,
        authorization: &DeviceAuthorization,
        how: &SignIn,
        browser: Option<&str>,
    ) {
        let url = &authorization.verification_uri;
        let minutes = authorization.expires_in.as_secs().div_ceil(60);
        self.ui.tell(&format!(
            "Signing in to {}. Confirm this code in a browser, within {minutes} min:\n\n  {}\n\n  {url}\n",
            name(session),
            self.ui.strong(&authorization.user_code),
        ));
        if how.no_browser || self.ui.no_input() {
            return;
        }
        if let Err(error) = browser::open(browser, url) {
            tracing::info!(%error, "no browser was opened");
            if !matches!(error, browser::BrowserError::None) {
                self.ui.warn(&format!(
                    "no browser was opened: {}",
                    Error::from(error).one_line()
                ));
            }
        }
    }
}

/// What a person calls an sso-session: the older form has none but its URL.
pub(super) fn name(session: &SsoSession) -> &str {
    session.name.as_deref().unwrap_or(&session.start_url)
}

fn sign_in_required(session: &SsoSession, profile: &str) -> Error {
    let word = session.name.as_deref().unwrap_or(profile);
    let cause = format!("no one is signed in to {}", name(session));
    Error::new(Kind::SignInRequired, cause).hint(format!("run `vault login {word}`"))
}

fn cache(settings: &Settings, ui: &Arc<Ui>) -> Cache {
    let (settings, ui) = (settings.clone(), Arc::clone(ui));
    let directory = settings.directories.data.clone();
    let open = move || {
        let (backend, keystore) =
            keystore::open(settings.backend.parse()?, options(&settings, &ui)?)?;
        tracing::info!(%backend, "keystore");
        Ok((backend.to_string(), keystore))
    };
    Cache::new(directory, Box::new(open))
}

/// How a keystore asks for its passphrase, and says that it waits for a person.
fn options(settings: &Settings, ui: &Arc<Ui>) -> Result<keystore::Options, KeystoreError> {
    let home = &settings.directories.home;
    let password_store = env::var_os(env::PASSWORD_STORE_DIR);
    let (asking, telling) = (Arc::clone(ui), Arc::clone(ui));
    Ok(keystore::Options {
        directory: settings.directories.data.clone(),
        passphrase: passphrase()?,
        ask: Box::new(move |purpose| ask_passphrase(&asking, purpose)),
        unlocked_for: settings.unlocked_for,
        password_store: password_store.map_or_else(|| home.join(".password-store"), PathBuf::from),
        hidden_variables: env::SECRETS,
        waiting: Arc::new(move || {
            ui::watch_interrupts();
            telling.tell("Waiting for the keystore: it may be asking to be unlocked.");
        }),
    })
}

fn passphrase() -> Result<Option<Secret<String>>, KeystoreError> {
    let given = env::var(env::AWS_VAULT_FILE_PASSPHRASE);
    let given = given.map_err(|error| KeystoreError::Failed {
        reason: error.to_string(),
    })?;
    Ok(given.map(Secret::new))
}

/// Asks for the `file` keystore's passphrase; for a new one twice, since a slip of the finger in it
/// would lock the person out.
fn ask_passphrase(ui: &Ui, purpose: PassphraseFor) -> Result<Secret<String>, keystore::AskError> {
    let ask = |question| {
        ui.ask_secret(question).map_err(|error| match error {
            AskError::NoTerminal => keystore::AskError::NoTerminal,
            _ => keystore::AskError::Interrupted,
        })
    };
    match purpose {
        PassphraseFor::Existing => ask("Passphrase of the vault keystore"),
        PassphraseFor::Again => ask("That is not it. Passphrase of the vault keystore"),
        PassphraseFor::New => loop {
            let first = ask("New passphrase for the vault keystore")?;
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

/// Where a service is: its own variable, the variable for all, the profile's `services`, the
/// profile's `endpoint_url` (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
fn endpoint(
    service: &str,
    profile: Option<&Profile>,
    left_over: &dyn Fn(&str, &OsStr) -> bool,
) -> Result<Option<String>, Error> {
    if env::switch(env::AWS_IGNORE_CONFIGURED_ENDPOINT_URLS) {
        return Ok(None);
    }
    for variable in [env::endpoint_of(service), env::AWS_ENDPOINT_URL.to_owned()] {
        let url = env::var(variable.as_str())?;
        if let Some(url) = url.filter(|url| !left_over(&variable, url.as_ref())) {
            return Ok(Some(url));
        }
    }
    Ok(profile
        .and_then(|profile| profile.endpoint(service))
        .map(|url| url.text.clone()))
}

/// What the profile's section says and has a variable of its own.
pub(super) fn variables_of(profile: &Profile) -> Vec<(String, String)> {
    let plain = PROFILE_SETTINGS.iter().filter_map(|(key, variable)| {
        profile
            .get(key)
            .map(|value| ((*variable).to_owned(), value.text.clone()))
    });
    let services = profile
        .service_endpoints()
        .map(|(service, url)| (env::endpoint_of(service), url.text.clone()));
    plain.chain(services).collect()
}
