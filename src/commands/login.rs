//! `vault login`: sign in once, for every profile that shares the sso-session.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::context::{Context, MfaSession, Place, SignIn, mfa_token, name};
use crate::broker::Code;
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
    vault login corp --device-code    # with a browser on another machine\n  \
    vault login jo                    # the MFA code of jo's key, once a day")]
pub struct Args {
    /// Profiles or sso-sessions
    #[arg(value_name = "PROFILE|SSO-SESSION", conflicts_with = "all")]
    names: Vec<String>,
    /// Every sso-session of the configuration: one that fails does not stop the others
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

/// What the names mean.
#[derive(Default)]
struct Targets {
    sso: Vec<Place>,
    mfa: Vec<MfaSession>,
}

/// What went wrong where there was more to do than that.
struct Failures<'c> {
    context: &'c Context,
    several: bool,
    kinds: Vec<Kind>,
}

impl Failures<'_> {
    /// One of several that fails is said, and does not stop the others.
    fn add(&mut self, error: Error, what: &str) -> Result<(), Error> {
        if !self.several || error.kind() == Kind::Interrupted {
            return Err(error);
        }
        self.say(&error.context(format!("cannot sign in to {what}")));
        Ok(())
    }

    fn say(&mut self, error: &Error) {
        self.kinds.push(error.kind());
        let ui = &self.context.ui;
        ui.error(error.message(), error.causes(), error.hints());
    }

    fn end(self) -> Result<(), Error> {
        match &self.kinds[..] {
            [] => Ok(()),
            [first, rest @ ..] if rest.iter().all(|kind| kind == first) => Err(Error::said(*first)),
            _ => Err(Error::said(Kind::Failed)),
        }
    }
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let mut failures = Failures {
            context,
            several: self.all || self.names.len() > 1,
            kinds: Vec::new(),
        };
        let targets = self.targets(context, &mut failures)?;
        let mut signed_in = Vec::new();
        for place in targets.sso {
            match self.sign_in(context, &place) {
                Ok(token) => signed_in.push(SignedIn {
                    sso_session: place.session.name,
                    start_url: Some(place.session.start_url),
                    profile: None,
                    expires_at: rfc3339(token.expires_at),
                }),
                Err(error) => failures.add(error, name(&place.session))?,
            }
        }
        let code = self.mfa_token.clone();
        let code = code.map(|code| Code::new(Secret::new(code)));
        for session in targets.mfa {
            match self.prime(context, &session, code.as_ref()) {
                Ok(primed) => signed_in.push(primed),
                Err(error) => failures.add(error, session.owner())?,
            }
        }
        if self.json {
            context.print_json(&signed_in)?;
        }
        failures.end()
    }

    fn prime(
        &self,
        context: &Context,
        session: &MfaSession,
        code: Option<&Code>,
    ) -> Result<SignedIn, Error> {
        let (until, already) = context.prime(session, self.force, code)?;
        let owner = session.owner();
        let (ready, until_when) = (if already { "already" } else { "now" }, clock(until));
        context.ui.note(&format!(
            "The MFA session of {owner} is {ready} there: it lasts until {until_when}."
        ));
        Ok(SignedIn {
            sso_session: None,
            start_url: None,
            profile: Some(owner.to_owned()),
            expires_at: rfc3339(until),
        })
    }

    fn targets(&self, context: &Context, failures: &mut Failures<'_>) -> Result<Targets, Error> {
        let mut targets = Targets::default();
        if self.all {
            for place in context.sign_in_places()? {
                match place {
                    Ok(place) => targets.sso.push(place),
                    Err(error) => failures.say(&error),
                }
            }
            return match targets.sso.is_empty() && failures.kinds.is_empty() {
                true => Err(none()),
                false => Ok(targets),
            };
        }
        if self.names.is_empty() {
            targets.sso.push(only(context)?);
        }
        let config = context.config()?;
        for name in &self.names {
            if let Some(session) = context.mfa_session(name)? {
                targets.mfa.push(session);
                continue;
            }
            let session = context.sso_session(name)?;
            if targets.sso.iter().all(|place| place.session != session) {
                // An sso-session's name may be a profile's too, which then has no say in it.
                let is_session = session.name.as_ref() == Some(name);
                let profile = (!is_session).then(|| config.profile(name)).transpose()?;
                targets.sso.push(Place { session, profile });
            }
        }
        Ok(targets)
    }

    fn sign_in(&self, context: &Context, target: &Place) -> Result<AccessToken, Error> {
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
            without_terminal: true,
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

/// The one place that can be meant, or the one that is picked: an sso-session; without any, where profiles
/// in the older form sign in.
fn only(context: &Context) -> Result<Place, Error> {
    let mut places = context.sign_in_places()?;
    let is_older = |place: &Result<Place, Error>| {
        place
            .as_ref()
            .is_ok_and(|place| place.session.name.is_none())
    };
    if !places.iter().all(is_older) {
        places.retain(|place| !is_older(place));
    }
    match places.len() {
        0 => Err(none()),
        1 => places.swap_remove(0),
        _ if !context.ui.can_ask() => Err(several(context, &places)?),
        _ => {
            let mut places = places.into_iter().collect::<Result<Vec<_>, _>>()?;
            let mut sessions = places.iter().map(|place| &place.session);
            let picked = context.pick_place("Sign in to", &mut sessions)?;
            Ok(places.swap_remove(picked))
        }
    }
}

fn several(context: &Context, places: &[Result<Place, Error>]) -> Result<Error, Error> {
    let profiles = places
        .iter()
        .flatten()
        .filter_map(|place| place.profile.as_ref());
    let profiles: Vec<_> = profiles.map(|profile| profile.name.as_str()).collect();
    if !profiles.is_empty() {
        let error = Error::new(Kind::Usage, "the profiles sign in to different places");
        return Ok(error.hint(format!("name a profile: {}", profiles.join(", "))));
    }
    let names: Vec<_> = context.config()?.sso_session_names().collect();
    let message = format!("there are several sso-sessions: {}", names.join(", "));
    Ok(Error::new(Kind::Usage, message).hint("name one, or `--all`"))
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
