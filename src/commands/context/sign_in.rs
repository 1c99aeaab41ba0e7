//! The conversation of a sign-in, and the browser that it (or a command) opens. A browser that does not
//! start is a line, and no error: the address has been said.

use super::{Context, name};
use crate::broker::{Broker, Progress};
use crate::browser::{self, BrowserError, Page};
use crate::config::SsoSession;
use crate::credentials::AccessToken;
use crate::error::Error;
use crate::source::sso::DeviceAuthorization;

/// How a person signs in.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct SignIn {
    /// Although there is a sign-in already.
    pub(in crate::commands) force: bool,
    /// Without opening a browser.
    pub(in crate::commands) no_browser: bool,
    /// With this browser command.
    pub(in crate::commands) browser: Option<String>,
    /// On account of this profile, which may have a browser of its own.
    pub(in crate::commands) profile: Option<String>,
}

impl SignIn {
    /// As the way to a profile's credentials.
    pub(in crate::commands) fn for_profile(profile: &str) -> Self {
        Self {
            profile: Some(profile.to_owned()),
            ..Self::default()
        }
    }
}

impl Context {
    /// Opens a page with the browser of the option, the variables or the settings, else the system's.
    /// Where none starts, that is said; where there is none, nothing is said. Whether one was opened.
    #[expect(dead_code, reason = "for `vault console`")]
    pub(in crate::commands) fn browse(
        &self,
        option: Option<&str>,
        page: Page<'_>,
    ) -> Result<bool, Error> {
        let command = self.browser(option)?;
        Ok(self.open(command.as_deref(), page))
    }

    fn browser(&self, option: Option<&str>) -> Result<Option<String>, Error> {
        let setting = self.settings.browser.clone();
        Ok(browser::command(option.map(str::to_owned), setting)?)
    }

    fn open(&self, command: Option<&str>, page: Page<'_>) -> bool {
        let Err(error) = browser::open(command, page) else {
            return true;
        };
        tracing::info!(%error, "no browser was opened");
        if !matches!(error, BrowserError::None) {
            let why = Error::from(error).one_line();
            self.ui.warn(&format!("no browser was opened: {why}"));
        }
        false
    }

    /// Signs in with a person: shows URL and code, opens the browser, waits.
    pub(in crate::commands) fn sign_in(
        &self,
        broker: &Broker<'_>,
        session: &SsoSession,
        how: &SignIn,
    ) -> Result<AccessToken, Error> {
        let command = self.browser(how.browser.as_deref())?;
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
        let introduction = format!(
            "Signing in to {}. Confirm this code in a browser, within {minutes} min:",
            name(session)
        );
        self.ui
            .show_code(&introduction, &authorization.user_code, url);
        if how.no_browser || self.ui.no_input() {
            return;
        }
        let profile = how.profile.as_deref().unwrap_or_else(|| name(session));
        self.open(browser, Page { url, profile });
    }
}
