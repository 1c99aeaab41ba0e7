//! The conversation of a sign-in: which flow, what a person sees, and the browser that it (or a
//! command) opens. A browser that does not start is a line, and no error.

use std::time::Duration;

use super::{Context, name};
use crate::broker::{Broker, Progress, Shown};
use crate::browser::{self, BrowserError, Chosen, Page};
use crate::config::{SsoSession, shell_word};
use crate::credentials::{AccessToken, Flow};
use crate::error::Error;
use crate::settings::LoginFlow;
use crate::source::sso::{CodeAuthorization, DeviceAuthorization};
use crate::ui::Waiting;

/// How a person signs in.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct SignIn {
    /// Although there is a sign-in already.
    pub(in crate::commands) force: bool,
    /// Without opening a browser.
    pub(in crate::commands) no_browser: bool,
    /// With this browser command.
    pub(in crate::commands) browser: Option<String>,
    /// By device code, whatever the settings say.
    pub(in crate::commands) device_code: bool,
    /// With the address as a code for a telephone.
    pub(in crate::commands) qr: bool,
    /// On account of this profile, which may have a browser of its own.
    pub(in crate::commands) profile: Option<String>,
    /// On the way to something that was asked for by name, and goes on where there is no terminal.
    pub(in crate::commands) without_terminal: bool,
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

/// One sign-in, as it is shown.
struct Conversation<'a> {
    context: &'a Context,
    session: &'a SsoSession,
    how: &'a SignIn,
    browser: Option<Chosen>,
    /// Another flow can take the place of this one.
    replaceable: bool,
    /// It has been said that no browser starts.
    without_browser: bool,
    waiting: Option<Waiting>,
}

impl Context {
    /// Opens a page with the browser of the option, the variables or the settings, else the system's.
    /// Where none starts, that is said; where there is none, nothing is said. Whether one was opened.
    pub(in crate::commands) fn browse(
        &self,
        option: Option<&str>,
        page: Page<'_>,
    ) -> Result<bool, Error> {
        let chosen = self.browser(option)?;
        Ok(self.open(chosen.as_ref(), page))
    }

    /// Whether the person's browser can't reach this machine's 127.0.0.1, as far as can be known.
    pub(in crate::commands) fn browser_is_elsewhere(&self) -> Result<bool, Error> {
        let chosen = self.browser(None)?;
        Ok(browser::elsewhere(chosen.as_ref()).is_some())
    }

    fn browser(&self, option: Option<&str>) -> Result<Option<Chosen>, Error> {
        let setting = self.settings.browser.clone();
        Ok(browser::chosen(option.map(str::to_owned), setting)?)
    }

    fn open(&self, chosen: Option<&Chosen>, page: Page<'_>) -> bool {
        let Err(error) = browser::open(chosen, page) else {
            return true;
        };
        tracing::info!(%error, "no browser was opened");
        if !matches!(error, BrowserError::None) {
            let why = Error::from(error).one_line();
            self.ui.warn(&format!("no browser was opened: {why}"));
        }
        false
    }

    /// Signs in with a person: shows where to, opens the browser, waits.
    pub(in crate::commands) fn sign_in(
        &self,
        broker: &Broker<'_>,
        session: &SsoSession,
        how: &SignIn,
    ) -> Result<AccessToken, Error> {
        let browser = self.browser(how.browser.as_deref())?;
        let flow = self.flow(how, browser.as_ref());
        tracing::info!(flow = flow.as_str(), "signing in");
        let mut conversation = Conversation {
            context: self,
            session,
            how,
            browser,
            replaceable: self.settings.login_flow == LoginFlow::Auto,
            without_browser: how.no_browser || self.ui.no_input(),
            waiting: None,
        };
        let show = &mut |progress: Progress<'_>| conversation.show(&progress);
        Ok(broker.sign_in(session, how.force, flow, show)?)
    }

    /// What was asked for; else by where the person's browser is.
    fn flow(&self, how: &SignIn, browser: Option<&Chosen>) -> Flow {
        match self.settings.login_flow {
            _ if how.device_code || how.qr => Flow::DeviceCode,
            LoginFlow::DeviceCode => Flow::DeviceCode,
            LoginFlow::AuthorizationCode => Flow::AuthorizationCode,
            LoginFlow::Auto if how.no_browser || self.ui.no_input() => Flow::DeviceCode,
            LoginFlow::Auto => match browser::elsewhere(browser) {
                Some(elsewhere) => {
                    tracing::info!(?elsewhere, "no browser here can come back to a listener");
                    Flow::DeviceCode
                }
                None => Flow::AuthorizationCode,
            },
        }
    }
}

impl Conversation<'_> {
    fn show(&mut self, progress: &Progress<'_>) -> Shown {
        match progress {
            Progress::WaitingForAnother => {
                let waiting = "Waiting for the sign-in that another vault has begun.";
                self.context.ui.note(waiting);
            }
            Progress::Page(authorization) => return self.show_page(authorization),
            Progress::Code(authorization) => self.show_code(authorization),
        }
        Shown::ToThePerson
    }

    /// The browser first: where there is none, the page is of no use to anybody.
    fn show_page(&mut self, authorization: &CodeAuthorization<'_>) -> Shown {
        let (name, url) = (name(self.session), &authorization.url);
        let opened = self.open(url);
        let ui = &self.context.ui;
        if !opened && self.replaceable {
            return Shown::ToNobody;
        }
        let minutes = minutes(authorization.expires_in);
        ui.show_url(
            &match opened {
                true => format!(
                    "Signing in to {name}. Allow it in the browser, within {minutes} min. If none \
                     has opened:"
                ),
                false => format!(
                    "Signing in to {name}. Open this in a browser on this machine, within \
                     {minutes} min:"
                ),
            },
            url,
        );
        ui.note(&format!(
            "Is your browser on another machine? {} works with any.",
            self.by_device_code()
        ));
        self.wait("Waiting for the browser", authorization.expires_in);
        Shown::ToThePerson
    }

    fn show_code(&mut self, authorization: &DeviceAuthorization) {
        let (name, url) = (name(self.session), &authorization.verification_uri);
        let minutes = minutes(authorization.expires_in);
        let introduction =
            format!("Signing in to {name}. Confirm this code in a browser, within {minutes} min:");
        let ui = &self.context.ui;
        ui.show_code(&introduction, &authorization.user_code, url);
        if self.how.qr {
            ui.show_qr(url);
        }
        self.open(url);
        self.wait(
            "Waiting for the code to be confirmed",
            authorization.expires_in,
        );
    }

    /// On account of the profile, else of the session itself. One that does not start is tried once.
    fn open(&mut self, url: &str) -> bool {
        let profile = self.how.profile.as_deref();
        let profile = profile.unwrap_or_else(|| name(self.session));
        let page = Page { url, profile };
        let opened = !self.without_browser && self.context.open(self.browser.as_ref(), page);
        self.without_browser = !opened;
        opened
    }

    /// How the person gets a code instead: by the session's name, where the configuration knows it by now.
    fn by_device_code(&self) -> String {
        let known = |name: &&str| {
            let config = self.context.config();
            config.is_ok_and(|config| config.sso_session_names().any(|known| known == *name))
        };
        let profile = self.how.profile.as_deref();
        match self
            .session
            .name
            .as_deref()
            .map_or(profile, |name| Some(name).filter(known))
        {
            Some(word) => format!("`vault login {} --device-code`", shell_word(word)),
            None => "AWS_VAULT_LOGIN_FLOW=device-code before the command".to_owned(),
        }
    }

    fn wait(&mut self, what: &str, limit: Duration) {
        self.waiting = self.context.ui.wait_for(what, limit);
    }
}

fn minutes(limit: Duration) -> u64 {
    limit.as_secs().div_ceil(60)
}
