//! What every command works with, built once: settings, the AWS files, the cache, and the
//! conversation of a sign-in. Nothing is opened before a command asks for it.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::broker::{self, Answer, Broker, BrokerError, Connection, Cut, Want};
use crate::cache::Cache;
use crate::config::edit::Edit;
use crate::config::{Config, Dialect, Files, Profile, SsoSession, shell_word};
use crate::credentials::Credentials;
use crate::env;
use crate::error::{Error, Kind};
use crate::resolve::{self, Chain, Facts, KeyPlace, ResolveError, Source};
use crate::settings::Settings;
use crate::source::transport;
use crate::source::{process, program};
use crate::ui::{self, Ui};
pub(in crate::commands) use cached::WAITING;
pub(in crate::commands) use console::SignedIn;
pub(in crate::commands) use diff::diff;
pub(in crate::commands) use inspection::{Bench, Opening, Reach};
use keystore::cache;
pub(in crate::commands) use long_lived::{Moved, Stored, id_flaw, shown_id};
pub(in crate::commands) use mfa::MfaSession;
pub(in crate::commands) use request::{Obtained, Request, mfa_token, wanted};
pub(in crate::commands) use sessions::Place;
pub(in crate::commands) use sign_in::SignIn;
use surroundings::Surroundings;
pub(in crate::commands) use surroundings::profile_variables;
pub(in crate::commands) use words::{left, whose};

mod cached;
mod console;
mod diff;
mod inspection;
mod keystore;
mod long_lived;
mod mfa;
mod others;
mod pick;
mod request;
mod serving;
mod sessions;
mod sign_in;
mod surroundings;
mod words;

/// What a command works with.
pub(super) struct Context {
    pub(super) ui: Arc<Ui>,
    pub(super) cache: Arc<Cache>,
    settings: Settings,
    config: OnceCell<Config>,
    /// Whether anything took longer than a look into the cache.
    waited: Cell<bool>,
    /// Whether it answers a server's request, behind the back of a command that has the terminal.
    serving: bool,
    /// Why credentials are not new that should be.
    not_renewed: RefCell<Option<Error>>,
}

impl Context {
    pub(super) fn new(settings: Settings, ui: Arc<Ui>) -> Result<Self, Error> {
        let cache = Arc::new(cache(&settings, &ui)?);
        Ok(Self::over(settings, ui, cache))
    }

    fn over(settings: Settings, ui: Arc<Ui>, cache: Arc<Cache>) -> Self {
        Self {
            ui,
            cache,
            settings,
            config: OnceCell::new(),
            waited: Cell::new(false),
            serving: false,
            not_renewed: RefCell::default(),
        }
    }

    /// Whether more than the cache was asked, so that something may be said.
    pub(super) fn has_waited(&self) -> bool {
        self.waited.get()
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

    /// The configuration file, to be edited. What [`Context::config`] has read stays as it was.
    pub(super) fn edit_config(&self) -> Result<Edit, Error> {
        self.edit(&self.files().config, Dialect::Config)
    }

    /// The credentials file, to be edited.
    pub(super) fn edit_credentials(&self) -> Result<Edit, Error> {
        self.edit(&self.files().credentials, Dialect::Credentials)
    }

    /// Another file of that kind, to be edited.
    pub(super) fn edit_credentials_at(&self, path: &Path) -> Result<Edit, Error> {
        self.edit(path, Dialect::Credentials)
    }

    fn edit(&self, path: &Path, dialect: Dialect) -> Result<Edit, Error> {
        ui::watch_interrupts();
        let waiting = || {
            let path = path.display();
            self.ui
                .note(&format!("Waiting for another vault that edits {path}."));
        };
        let data = &self.settings.directories.data;
        Ok(Edit::open(path, dialect, data, waiting)?)
    }

    /// Writes an edited file, and says where the first copy of the old one is.
    pub(super) fn save(&self, edit: Edit) -> Result<(), Error> {
        let others = edit.has_other_names();
        let saved = edit.save()?;
        if others && saved.changed {
            self.ui.warn(
                "the file that was edited has other names (hard links): under those it is as it was",
            );
        }
        if let Some(backup) = saved.backup {
            self.ui.note(&format!(
                "The file as it was, without secrets, is kept as {}.",
                backup.display()
            ));
        }
        Ok(())
    }

    fn files(&self) -> Files {
        Files {
            config: self.aws_path(env::AWS_CONFIG_FILE, "config"),
            credentials: self.aws_path(env::AWS_SHARED_CREDENTIALS_FILE, "credentials"),
        }
    }

    /// What a variable names, else `name` in `~/.aws`.
    fn aws_path(&self, variable: &str, name: &str) -> PathBuf {
        self.settings.directories.aws(variable, name)
    }

    /// Where the credentials of the profile of that name come from.
    pub(super) fn chain(&self, name: &str) -> Result<Chain, Error> {
        self.chain_in(self.config()?, name)
    }

    /// The same, by another reading of the AWS files.
    pub(super) fn chain_in(&self, config: &Config, name: &str) -> Result<Chain, Error> {
        let chain = self.with_facts(|facts| resolve::resolve(config, facts, name))?;
        let used =
            matches!(&chain.source, Source::AccessKey(key) if key.place == KeyPlace::Keystore);
        if !used && self.cache.access_key_id(&chain.root).is_some() {
            tracing::info!(
                profile = chain.root,
                source = chain.source.key(),
                "its configuration is stronger than the long-lived key that is stored for it"
            );
        }
        Ok(chain)
    }

    /// What `vault login WORD` signs in to.
    pub(super) fn sso_session(&self, word: &str) -> Result<SsoSession, Error> {
        let config = self.config()?;
        Ok(self.with_facts(|facts| resolve::resolve_session(config, facts, word))?)
    }

    fn with_facts<T>(
        &self,
        resolve: impl FnOnce(&Facts<'_>) -> Result<T, ResolveError>,
    ) -> Result<T, ResolveError> {
        resolve(&Facts {
            stored_key: &|profile| self.cache.access_key_id(profile),
            ambient: &surroundings::ambient,
            web_identity: &surroundings::web_identity,
            whole_path: &surroundings::whole_path,
        })
    }

    /// A broker that reaches AWS the way `profile` says, where one is meant, and in `region` where
    /// its roles name none.
    pub(super) fn broker(
        &self,
        profile: Option<&Profile>,
        region: Option<&str>,
    ) -> Result<Broker<'_>, Error> {
        let surroundings = Surroundings {
            profile,
            outer: &self.outer_settings(),
        };
        let connection = Connection {
            sso: surroundings.endpoint("sso")?,
            sso_oidc: surroundings.endpoint("sso_oidc")?,
            sts: surroundings.endpoint("sts")?,
            iam: surroundings.endpoint("iam")?,
            signin: surroundings.endpoint("signin")?,
            login_sessions: self.aws_path(env::AWS_LOGIN_CACHE_DIRECTORY, "login/cache"),
            region: region.map(str::to_owned),
            transport: transport::Settings {
                ca_bundle: surroundings.ca_bundle()?,
            },
            process: self.placed(surroundings.process()?),
        };
        let before_waiting = Box::new(|| {
            self.waited.set(true);
            ui::watch_interrupts();
        });
        Ok(Broker::new(
            &self.cache,
            self.config()?,
            Self::now,
            before_waiting,
            connection,
        ))
    }

    /// What programs of the person's are run in.
    fn programs(&self) -> Result<program::Surroundings, Error> {
        let surroundings = Surroundings {
            profile: None,
            outer: &self.outer_settings(),
        };
        Ok(self.placed(surroundings.process()?).program)
    }

    /// Away from the terminal where that is somebody else's.
    fn placed(&self, mut process: process::Settings) -> process::Settings {
        if self.serving {
            process.program.apart = true;
            process.program.running = None;
        }
        process
    }

    /// The variables that an `exec` around this run set for its own profile's settings: they are not
    /// the person's, and not this profile's.
    pub(super) fn outer_settings(&self) -> Vec<(String, String)> {
        let outer = env::var(env::AWS_VAULT).ok().flatten();
        let outer = outer.and_then(|name| self.config().ok()?.profile(&name).ok());
        outer.as_ref().map(profile_variables).unwrap_or_default()
    }

    /// Credentials for a chain; where a person must sign in first, and may be asked, they are.
    pub(super) fn credentials(
        &self,
        profile: &Profile,
        chain: &Chain,
        region: Option<&str>,
        want: Want<'_>,
    ) -> Result<Credentials, Error> {
        let how = SignIn::for_profile(&profile.name);
        self.credentials_by(profile, chain, region, want, &how)
    }

    /// The same, with a sign-in on the way of one's choice.
    fn credentials_by(
        &self,
        profile: &Profile,
        chain: &Chain,
        region: Option<&str>,
        want: Want<'_>,
        how: &SignIn,
    ) -> Result<Credentials, Error> {
        self.converse(profile, chain, region, want, how)
            .map_err(|error| {
                let error = match (&chain.source, surroundings::half_identity()) {
                    (Source::None, Some(half)) => error.hint(half),
                    _ => error,
                };
                error.context(format!("no credentials for profile `{}`", profile.name))
            })
    }

    /// Asks the broker, and a person for what it needs, until it has credentials.
    fn converse(
        &self,
        profile: &Profile,
        chain: &Chain,
        region: Option<&str>,
        want: Want<'_>,
        how: &SignIn,
    ) -> Result<Credentials, Error> {
        let broker = self.broker(Some(profile), region)?;
        let mut signed_in = false;
        let mut answer = broker.credentials(chain, want)?;
        loop {
            answer = match answer {
                Answer::Ready(credentials) => {
                    if self.has_waited() {
                        self.cache.used(&profile.name);
                    }
                    if let Some(cut) = broker::cut(chain, want).filter(|_| self.has_waited()) {
                        self.ui.note(&shorter(&profile.name, cut));
                    }
                    let not_renewed = broker.not_renewed();
                    let why = not_renewed.map(|instead| why_not(instead, &profile.name));
                    self.not_renewed.replace(why);
                    return Ok(credentials);
                }
                Answer::SignInRequired(_) if signed_in => {
                    let message =
                        "IAM Identity Center does not accept the sign-in that it has just given";
                    return Err(Error::new(Kind::Failed, message));
                }
                Answer::SignInRequired(session) => {
                    let by_name = how.without_terminal && !self.ui.no_input();
                    if !self.ui.can_ask() && !by_name {
                        return Err(sign_in_required(&session, &profile.name));
                    }
                    self.sign_in(&broker, &session, how)?;
                    signed_in = true;
                    broker.credentials(chain, want)?
                }
                Answer::CodeRequired(device) => self.with_code(&broker, chain, want, &device)?,
            };
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
    Error::new(Kind::SignInRequired, cause).hint(format!("run `vault login {}`", shell_word(word)))
}

/// What came instead of new credentials, as the error that it would be if there were no old ones.
fn why_not(instead: Result<Answer, BrokerError>, profile: &str) -> Error {
    match instead {
        Ok(Answer::SignInRequired(session)) => sign_in_required(&session, profile),
        Ok(Answer::CodeRequired(device)) => mfa::code_required(&device, profile),
        Ok(Answer::Ready(_)) => Error::new(Kind::Failed, "there are no newer ones"),
        Err(error) => error.into(),
    }
}

/// Why credentials last shorter than was wished for.
fn shorter(profile: &str, cut: Cut) -> String {
    let hours = |duration: Duration| {
        let minutes = duration.as_secs().div_ceil(60);
        match (minutes / 60, minutes % 60) {
            (hours, 0) => format!("{hours} h"),
            (0, minutes) => format!("{minutes} min"),
            (hours, minutes) => format!("{hours} h {minutes:02} min"),
        }
    };
    let (limit, wish) = (hours(cut.limit), hours(cut.wish));
    let to = if cut.chained {
        " to a chained role"
    } else {
        ""
    };
    let way = if cut.longer_with_key {
        "; with --no-session it may be longer"
    } else {
        ""
    };
    format!("`{profile}` lasts {limit}, not {wish}: AWS gives no more{to}{way}.")
}
