//! Where one can sign in, which of these places is meant, and the sign-in when it is needed on the way.

use std::path::PathBuf;

use super::{Context, SignIn, name};
use crate::broker::{Broker, BrokerError};
use crate::config::{Config, Profile, SsoSession, shell_word};
use crate::env;
use crate::error::{Error, Kind};
use crate::settings::Configure;

/// A place to sign in, and the profile that led to it, where that is no sso-session's own name: it may say
/// where the services are.
#[derive(Clone)]
pub(in crate::commands) struct Place {
    pub(in crate::commands) session: SsoSession,
    pub(in crate::commands) profile: Option<Profile>,
}

impl Context {
    /// Every place that the configuration names, each once: the sso-sessions, and where profiles in the
    /// older form sign in. An sso-session that can't be understood is an error of its own.
    pub(in crate::commands) fn sign_in_places(&self) -> Result<Vec<Result<Place, Error>>, Error> {
        let config = self.config()?;
        let whole = |session| Place {
            session,
            profile: None,
        };
        let sessions = config
            .sso_session_names()
            .map(|name| self.sso_session(name));
        let mut places: Vec<_> = sessions.map(|found| found.map(whole)).collect();
        let mut older: Vec<SsoSession> = Vec::new();
        for name in config.profile_names() {
            let Ok(profile) = config.profile(name) else {
                continue;
            };
            let Some(sso) = &profile.sso else {
                continue;
            };
            let session = sso.session().clone();
            if session.name.is_none() && !older.contains(&session) {
                older.push(session.clone());
                let profile = Some(profile);
                places.push(Ok(Place { session, profile }));
            }
        }
        Ok(places)
    }

    /// The rules of `configure sync`.
    pub(in crate::commands) fn configure(&self) -> &Configure {
        &self.settings.configure
    }

    /// Where the config file is.
    pub(in crate::commands) fn config_path(&self) -> PathBuf {
        self.files().config
    }

    /// Where the credentials file is.
    pub(in crate::commands) fn credentials_path(&self) -> PathBuf {
        self.files().credentials
    }

    /// The AWS files as they are now.
    pub(in crate::commands) fn reread_config(&self) -> Result<Config, Error> {
        Ok(Config::load(&self.files())?)
    }

    /// The region that the environment names.
    pub(in crate::commands) fn region(&self) -> Result<Option<String>, Error> {
        let region = env::var(env::AWS_REGION)?;
        Ok(region.map_or_else(|| env::var(env::AWS_DEFAULT_REGION), |r| Ok(Some(r)))?)
    }

    /// The sso-session that is meant: the one named, else the only one, else the one picked.
    pub(in crate::commands) fn one_session(
        &self,
        named: Option<&str>,
    ) -> Result<SsoSession, Error> {
        let config = self.config()?;
        if let Some(named) = named {
            return Ok(config.sso_session(named)?);
        }
        let names: Vec<_> = config.sso_session_names().collect();
        match &names[..] {
            [] => {
                let message = "there is no sso-session in the configuration";
                let error = Error::new(Kind::Failed, message);
                Err(error.hint("run `vault configure` first: it asks for what it needs"))
            }
            [only] => Ok(config.sso_session(only)?),
            several if !self.ui.can_ask() => {
                let list = several.join(", ");
                let message = format!("there are several sso-sessions: {list}");
                Err(Error::new(Kind::Usage, message).hint("name one"))
            }
            several => {
                let sessions = several.iter().map(|name| config.sso_session(name));
                let mut sessions = sessions.collect::<Result<Vec<_>, _>>()?;
                let picked = self.pick_place("SSO session", &mut sessions.iter())?;
                Ok(sessions.swap_remove(picked))
            }
        }
    }

    /// What `ask` answers; where it answers that a person must sign in first, they do, or the error
    /// says so.
    pub(in crate::commands) fn signed_in<T>(
        &self,
        broker: &Broker<'_>,
        session: &SsoSession,
        mut ask: impl FnMut() -> Result<Option<T>, BrokerError>,
    ) -> Result<T, Error> {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if !self.ui.can_ask() {
            let message = format!("no one is signed in to {}", name(session));
            let error = Error::new(Kind::SignInRequired, message);
            let known = session.name.as_deref().is_some_and(|name| {
                let config = self.config();
                config.is_ok_and(|config| config.sso_session_names().any(|n| n == name))
            });
            return Err(if known {
                error.hint(format!("run `vault login {}`", shell_word(name(session))))
            } else {
                error.hint("run it on a terminal, to sign in on the way")
            });
        }
        self.sign_in(broker, session, &SignIn::default())?;
        ask()?.ok_or_else(|| {
            let message = "IAM Identity Center does not accept the sign-in that it has just given";
            Error::new(Kind::Failed, message)
        })
    }
}
