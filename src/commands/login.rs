//! `vault login`: sign in once, for every profile that shares the sso-session.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::context::{Context, MfaSession, SignIn, mfa_token, name};
use crate::broker::Code;
use crate::config::{Profile, SsoSession};
use crate::credentials::{AccessToken, Secret};
use crate::deliver::environment::rfc3339;
use crate::error::{Error, Kind};

/// Sign in, once, for all profiles that share an sso-session
///
/// Without a name: the one sso-session of the configuration, or a list to pick from. A sign-in is
/// renewed by itself for as long as the Identity Center session lasts.
///
/// With a profile whose long-lived key has an MFA device: asks for its code, so that nothing that is
/// run as this profile, or as a role behind it, needs one for the day.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault login\n  \
    vault login corp --device-code    with a browser on another machine\n  \
    vault login jo                    the MFA code of jo's key, once a day")]
pub struct Args {
    /// Profiles or sso-sessions
    #[arg(value_name = "PROFILE|SSO-SESSION", conflicts_with = "all")]
    names: Vec<String>,
    /// Every sso-session of the configuration
    #[arg(long)]
    all: bool,
    /// Sign in again, although there is a sign-in
    #[arg(long)]
    force: bool,
    /// Sign in with a code that any browser can confirm, on this machine or not
    #[arg(long)]
    device_code: bool,
    /// The same, and show the address as a QR code for a telephone
    #[arg(long)]
    qr: bool,
    /// Open no browser: print the address, and the code, only
    #[arg(long, conflicts_with = "browser")]
    no_browser: bool,
    /// Open the address with this command [env: AWS_VAULT_BROWSER, BROWSER]
    #[arg(long, value_name = "COMMAND")]
    browser: Option<String>,
    /// The code that the MFA device shows now, for a profile whose key has one
    #[arg(short = 't', long, value_name = "CODE", value_parser = mfa_token)]
    mfa_token: Option<String>,
    /// Print what was signed in to, and until when, as JSON
    #[arg(long)]
    json: bool,
}

/// What is signed in to, for `--json`.
#[derive(Serialize)]
struct SignedIn {
    sso_session: Option<String>,
    start_url: Option<String>,
    /// Whose key an MFA session is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    expires_at: String,
}

/// A session to sign in to, and the profile that led to it: it may say where the services are.
struct Target {
    session: SsoSession,
    profile: Option<Profile>,
}

/// What the names mean.
#[derive(Default)]
struct Targets {
    sso: Vec<Target>,
    mfa: Vec<MfaSession>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let targets = self.targets(context)?;
        let mut signed_in = Vec::new();
        for target in targets.sso {
            let token = self.sign_in(context, &target)?;
            signed_in.push(SignedIn {
                sso_session: target.session.name,
                start_url: Some(target.session.start_url),
                profile: None,
                expires_at: rfc3339(token.expires_at),
            });
        }
        let code = self.mfa_token.clone();
        let code = code.map(|code| Code::new(Secret::new(code)));
        for session in targets.mfa {
            let (until, already) = context.prime(&session, self.force, code.as_ref())?;
            let owner = session.owner();
            let (ready, until_when) = (if already { "already" } else { "now" }, clock(until));
            context.ui.note(&format!(
                "The MFA session of {owner} is {ready} there: it lasts until {until_when}."
            ));
            signed_in.push(SignedIn {
                sso_session: None,
                start_url: None,
                profile: Some(owner.to_owned()),
                expires_at: rfc3339(until),
            });
        }
        if self.json {
            context.print_json(&signed_in)?;
        }
        Ok(())
    }

    fn targets(&self, context: &Context) -> Result<Targets, Error> {
        let config = context.config()?;
        let names = match (self.all, self.names.is_empty()) {
            (true, _) => config.sso_session_names().map(str::to_owned).collect(),
            (false, false) => self.names.clone(),
            (false, true) => vec![only(context)?],
        };
        let mut targets = Targets::default();
        for name in names {
            if let Some(session) = context.mfa_session(&name)? {
                targets.mfa.push(session);
                continue;
            }
            let session = context.sso_session(&name)?;
            if targets.sso.iter().all(|target| target.session != session) {
                // An sso-session's name may be a profile's too, which then has no say in it.
                let is_session = session.name.as_ref() == Some(&name);
                let profile = (!is_session).then(|| config.profile(&name)).transpose()?;
                targets.sso.push(Target { session, profile });
            }
        }
        if targets.sso.is_empty() && targets.mfa.is_empty() {
            return Err(none());
        }
        Ok(targets)
    }

    fn sign_in(&self, context: &Context, target: &Target) -> Result<AccessToken, Error> {
        let session = &target.session;
        let broker = context.broker(target.profile.as_ref(), None)?;
        if !self.force
            && let Some(token) = broker.token(session, None)?
        {
            context.ui.note(&format!(
                "Already signed in to {}: it lasts {}.",
                name(session),
                until(&token)
            ));
            return Ok(token);
        }
        if context.ui.no_input() {
            let message = format!("no one is signed in to {}", name(session));
            let error = Error::new(Kind::SignInRequired, message);
            return Err(error.hint("run `vault login` without --no-input"));
        }
        let how = SignIn {
            force: self.force,
            no_browser: self.no_browser,
            browser: self.browser.clone(),
            device_code: self.device_code,
            qr: self.qr,
            profile: target.profile.as_ref().map(|profile| profile.name.clone()),
        };
        let token = context.sign_in(&broker, session, &how)?;
        context.ui.note(&format!(
            "Signed in to {}: it lasts {}.",
            name(session),
            until(&token)
        ));
        Ok(token)
    }
}

/// The one sso-session that can be meant, or the one that is picked.
fn only(context: &Context) -> Result<String, Error> {
    let config = context.config()?;
    let names: Vec<_> = config.sso_session_names().map(str::to_owned).collect();
    match &names[..] {
        [] => older(context),
        [only] => Ok(only.clone()),
        several if !context.ui.can_ask() => {
            let list = several.join(", ");
            let error = Error::new(
                Kind::Usage,
                format!("there are several sso-sessions: {list}"),
            );
            Err(error.hint("name one, or `--all`"))
        }
        _ => Ok(context.ui.pick("Sign in to", names)?),
    }
}

/// Without an sso-session: the one portal that profiles in the older form agree on.
fn older(context: &Context) -> Result<String, Error> {
    let config = context.config()?;
    let mut found: Vec<(SsoSession, String)> = Vec::new();
    for profile in config.profile_names() {
        if let Ok(session) = context.sso_session(profile)
            && found.iter().all(|(known, _)| *known != session)
        {
            found.push((session, profile.to_owned()));
        }
    }
    let names: Vec<_> = found.into_iter().map(|(_, profile)| profile).collect();
    match &names[..] {
        [] => Err(none()),
        [only] => Ok(only.clone()),
        _ if !context.ui.can_ask() => {
            let error = Error::new(Kind::Usage, "the profiles sign in to different places");
            Err(error.hint(format!("name a profile: {}", names.join(", "))))
        }
        _ => Ok(context.ui.pick("Sign in as for", names)?),
    }
}

fn none() -> Error {
    let error = Error::new(
        Kind::Failed,
        "there is nothing to sign in to in the configuration",
    );
    error.hint("`vault configure` asks where to sign in, and writes a profile")
}

/// `until 17:30`, by the clock on the person's wall, and whether it ends there.
fn until(token: &AccessToken) -> String {
    // One near its end would have been renewed by now, if it could be.
    let renewable = token.refresh_token.is_some() && token.is_fresh(Context::now());
    let renewed = if renewable {
        ", and is renewed by itself"
    } else {
        ""
    };
    format!("until {}{renewed}", clock(token.expires_at))
}

/// By the clock on the person's wall.
fn clock(instant: Timestamp) -> String {
    let local = instant.to_zoned_datetime(TimeZone::system());
    local.strftime("%a %H:%M").to_string()
}
