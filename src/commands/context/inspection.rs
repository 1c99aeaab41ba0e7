//! What `doctor` looks at: the same things that every command works with, mistakes and all, and the
//! keystore from another thread, since it may hang.

use std::path::PathBuf;
use std::sync::Arc;

use super::Context;
use super::keystore::{ask_passphrase_of, options};
use super::surroundings::Surroundings;
use crate::cache::Cache;
use crate::config::{Config, ConfigError, Files};
use crate::env;
use crate::keystore::{self, Backend, KeystoreError, Opened, PassphraseFor};
use crate::resolve::{self, Chain, ResolveError};
use crate::settings::Settings;
use crate::ui::Ui;

/// Where AWS is for a profile, where that is not AWS's own place.
pub(in crate::commands) struct Reach {
    /// The portal.
    pub(in crate::commands) sso: Option<String>,
    /// Sign-in.
    pub(in crate::commands) sso_oidc: Option<String>,
    /// The Security Token Service.
    pub(in crate::commands) sts: Option<String>,
    /// Certificate authorities.
    pub(in crate::commands) ca_bundle: Option<PathBuf>,
}

/// What happens on the way to an open keystore.
#[derive(Debug)]
pub(in crate::commands) enum Opening {
    /// A person is asked for the passphrase, or has answered.
    Asking(bool),
    /// There is no `file` keystore yet, and nobody has said what its passphrase shall be.
    NoneYet,
    /// Which one it is, and why `auto` did not take the operating system's.
    Done(Backend, Option<KeystoreError>),
}

/// What opens this run's keystore on another thread.
pub(in crate::commands) struct Bench {
    settings: Settings,
    ui: Arc<Ui>,
}

impl Bench {
    /// A cache over the keystore; nothing is opened before it is needed, and then it is told how that
    /// goes. No new keystore is made with a passphrase that would have to be asked for.
    pub(in crate::commands) fn cache(
        self,
        backend: Backend,
        tell: impl Fn(Opening) + Clone + Send + Sync + 'static,
    ) -> Cache {
        let Self { settings, ui } = self;
        let directory = settings.directories.data.clone();
        let open = move || {
            let mut options = options(&settings, &ui)?;
            let (asking, telling) = (Arc::clone(&ui), tell.clone());
            options.waiting = Arc::new(|| {});
            options.ask = Box::new(move |purpose| {
                if purpose == PassphraseFor::New {
                    telling(Opening::NoneYet);
                    return Err(KeystoreError::PassphraseNeeded);
                }
                telling(Opening::Asking(true));
                let answer = ask_passphrase_of(&asking, "the vault keystore", purpose);
                telling(Opening::Asking(false));
                answer
            });
            let Opened {
                backend,
                store,
                instead_of,
            } = keystore::open(backend, options)?;
            tell(Opening::Done(backend, instead_of));
            Ok((backend.to_string(), store))
        };
        Cache::new(directory, super::keystore::lists(backend), Box::new(open))
    }
}

impl Context {
    /// Reads the AWS files however much is wrong with them, and says what: from here on they are what
    /// could be read of them.
    pub(in crate::commands) fn inspect_config(&self) -> (&Config, Vec<ConfigError>) {
        let (config, mistakes) = Config::load_with_mistakes(&self.files());
        (self.config.get_or_init(|| config), mistakes)
    }

    /// Where the AWS files are.
    pub(in crate::commands) fn aws_files(&self) -> Files {
        self.files()
    }

    /// Where the AWS CLI keeps the sessions of `aws login`.
    pub(in crate::commands) fn login_sessions(&self) -> PathBuf {
        self.aws_path(env::AWS_LOGIN_CACHE_DIRECTORY, "login/cache")
    }

    /// The settings of this run.
    pub(in crate::commands) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the credentials of a profile come from.
    pub(in crate::commands) fn resolve(
        &self,
        config: &Config,
        name: &str,
    ) -> Result<Chain, ResolveError> {
        self.with_facts(|facts| resolve::resolve(config, facts, name))
    }

    /// Where AWS is, for the profile of that name or for none.
    pub(in crate::commands) fn reach(&self, profile: Option<&str>) -> Result<Reach, env::Unusable> {
        let config = self.config().ok();
        let profile = profile.and_then(|name| config?.profile(name).ok());
        let surroundings = Surroundings {
            profile: profile.as_ref(),
            outer: &self.outer_settings(),
        };
        Ok(Reach {
            sso: surroundings.endpoint("sso")?,
            sso_oidc: surroundings.endpoint("sso_oidc")?,
            sts: surroundings.endpoint("sts")?,
            ca_bundle: surroundings.ca_bundle()?,
        })
    }

    /// What opens the keystore on another thread.
    pub(in crate::commands) fn bench(&self) -> Bench {
        Bench {
            settings: self.settings.clone(),
            ui: Arc::clone(&self.ui),
        }
    }
}
