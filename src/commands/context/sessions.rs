//! What `configure` needs: which sso-session is meant, and its sign-in when it is needed.

use std::path::PathBuf;

use super::{Context, SignIn, name};
use crate::broker::{Broker, BrokerError};
use crate::config::{Config, SsoSession};
use crate::env;
use crate::error::{Error, Kind};
use crate::settings::Configure;

impl Context {
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
        let names: Vec<_> = config.sso_session_names().map(str::to_owned).collect();
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
            _ => {
                let picked = self.ui.pick("SSO session", names)?;
                Ok(config.sso_session(&picked)?)
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
                error.hint(format!("run `vault login {}`", name(session)))
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
