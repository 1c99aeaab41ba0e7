//! What a profile's credentials are asked for with: the options of every command that hands
//! credentials out, and the way from a name and these options to credentials.

use std::time::Duration;

use super::mfa::is_code;
use super::surroundings::Surroundings;
use super::{Context, SignIn, profile_variables};
use crate::broker::{Code, Reader, Want};
use crate::config::Profile;
use crate::credentials::{Credentials, Secret};
use crate::deliver::environment::Handover;
use crate::env;
use crate::error::{Error, Kind};
use crate::resolve::{Chain, SourceKind};
use crate::settings::parse_duration;
use crate::source::eks;

/// The options.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::commands) struct Request {
    /// How long the credentials are to last, where that can be chosen: 1h, 90m, 3600 [env: AWS_VAULT_DURATION]
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,
    /// The region, instead of the profile's
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// Fetch new credentials, whatever is cached
    #[arg(long)]
    fresh: bool,
    /// Use a long-lived key itself, without GetSessionToken: for calls to IAM, and for longer roles
    #[arg(short, long)]
    pub(super) no_session: bool,
    /// The code that the MFA device shows now, where one is needed
    #[arg(short = 't', long, value_name = "CODE", value_parser = mfa_token)]
    mfa_token: Option<String>,
}

/// A profile, with credentials to be it.
pub(in crate::commands) struct Obtained {
    pub(in crate::commands) profile: Profile,
    pub(in crate::commands) credentials: Credentials,
    pub(in crate::commands) region: Option<String>,
    settings: Vec<(String, String)>,
    outer_settings: Vec<(String, String)>,
}

impl Obtained {
    /// Where AWS Sign-In is, if not where AWS has it.
    pub(super) fn signin(&self) -> Result<Option<String>, Error> {
        let surroundings = Surroundings {
            profile: Some(&self.profile),
            outer: &self.outer_settings,
        };
        Ok(surroundings.endpoint("signin")?)
    }

    /// Where STS is, as the profile says.
    pub(in crate::commands) fn sts(&self, region: &str) -> Result<eks::Place, Error> {
        let surroundings = Surroundings {
            profile: Some(&self.profile),
            outer: &self.outer_settings,
        };
        Ok(surroundings.sts(region)?)
    }

    /// As a program that runs as the profile is given it.
    pub(in crate::commands) fn handover(&self) -> Handover<'_> {
        Handover {
            profile: &self.profile.name,
            credentials: &self.credentials,
            region: self.region.as_deref(),
            settings: &self.settings,
            outer_settings: &self.outer_settings,
        }
    }
}

impl Request {
    /// The same once more, later: a code is good once, and what was new then is so for a while.
    pub(super) fn again(&self) -> Self {
        Self {
            fresh: false,
            mfa_token: None,
            ..self.clone()
        }
    }

    /// Gets them for the profile of that name; where a person must sign in first, and may be asked,
    /// they are.
    pub(in crate::commands) fn obtain(
        self,
        context: &Context,
        name: &str,
        reader: Reader,
    ) -> Result<Obtained, Error> {
        self.obtain_by(context, name, reader, &SignIn::for_profile(name))
    }

    /// The same, with a sign-in on the way of one's choice.
    pub(super) fn obtain_by(
        self,
        context: &Context,
        name: &str,
        reader: Reader,
        how: &SignIn,
    ) -> Result<Obtained, Error> {
        let config = context.config()?;
        // The chain first: its errors say which profile they are about.
        let mut chain = context.chain(name)?;
        let profile = config.profile(name)?;
        let code = self.mfa_token.map(|code| Code::new(Secret::new(code)));
        let want = Want {
            fresh: self.fresh,
            duration: wanted(self.duration, &chain)?,
            no_session: self.no_session,
            code: code.as_ref(),
            reader,
        };
        let region = region(self.region, &profile)?;
        let obtain =
            |chain: &Chain| context.credentials_by(&profile, chain, region.as_deref(), want, how);
        let credentials = match obtain(&chain) {
            // `vault rotate` has put another key in its place meanwhile, and the old one is gone.
            Err(_) if context.has_new_key(&chain) => {
                chain = context.chain(name)?;
                obtain(&chain)?
            }
            result => result?,
        };
        explain(context, self.duration, &chain);
        Ok(Obtained {
            settings: profile_variables(&profile),
            outer_settings: context.outer_settings(),
            profile,
            credentials,
            region,
        })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let right = parse_duration(text).filter(|duration| !duration.is_zero());
    right.ok_or_else(|| "write `90m`, `1h`, or seconds".to_owned())
}

/// How long the credentials are to last, where that can be chosen.
pub(in crate::commands) fn wanted(
    option: Option<Duration>,
    chain: &Chain,
) -> Result<Option<Duration>, Error> {
    // A variable that is no duration is a mistake whatever it is asked for, as the option is.
    let wish = match option {
        Some(duration) => Some(duration),
        None => variable()?,
    };
    Ok(wish.filter(|_| chain.kind() != SourceKind::Sso))
}

/// Says why the wish of the command line was not met. Not where the credentials were cached: with
/// those nothing is said.
fn explain(context: &Context, wish: Option<Duration>, chain: &Chain) {
    let who = match chain.kind() {
        SourceKind::Sso => "the permission set",
        SourceKind::CredentialProcess => "the profile's credential_process",
        SourceKind::LoginSession => "AWS Sign-In",
        _ => return,
    };
    if wish.is_some() && context.has_waited() {
        context.ui.note(&format!(
            "Note on --duration: {who} decides how long these last."
        ));
    }
}

pub(in crate::commands) fn mfa_token(text: &str) -> Result<String, String> {
    let right = is_code(text.trim()).then(|| text.trim().to_owned());
    right.ok_or_else(|| "a code is 6 digits".to_owned())
}

fn variable() -> Result<Option<Duration>, Error> {
    let Some(text) = env::var(env::AWS_VAULT_DURATION)? else {
        return Ok(None);
    };
    duration(&text).map(Some).map_err(|what| {
        let message = format!("{}: `{text}` is not a duration", env::AWS_VAULT_DURATION);
        Error::new(Kind::Usage, message).hint(what)
    })
}

impl Request {
    /// The region for a profile, where one is known.
    pub(in crate::commands) fn region(&self, profile: &Profile) -> Result<Option<String>, Error> {
        region(self.region.clone(), profile)
    }
}

/// `--region`, the profile, `AWS_REGION`, `AWS_DEFAULT_REGION`.
pub(super) fn region(option: Option<String>, profile: &Profile) -> Result<Option<String>, Error> {
    if let Some(region) = option.or_else(|| profile.region.clone()) {
        return Ok(Some(region));
    }
    match env::var(env::AWS_REGION)? {
        Some(region) => Ok(Some(region)),
        None => Ok(env::var(env::AWS_DEFAULT_REGION)?),
    }
}
