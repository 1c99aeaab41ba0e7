//! `vault exec`: a command with a profile's short-lived credentials in its environment.

use std::ffi::OsString;
use std::time::Duration;

use super::context::{Context, is_code, profile_variables};
use crate::broker::{CHAINED_LIMIT, Code, Want};
use crate::config::Profile;
use crate::credentials::{Credentials, Secret};
use crate::deliver::child;
use crate::deliver::environment::{Handover, environment};
use crate::env;
use crate::error::{Error, Kind};
use crate::resolve::Chain;
use crate::settings::parse_duration;
use crate::ui;

/// Run a command with a profile's short-lived credentials
///
/// The command gets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and what goes with
/// them in its environment, and takes vault's place: same process, terminal and signals, and its exit
/// status. vault's own failures are 125 (vault failed), 126 (the command cannot be run) and 127 (there
/// is no such command).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault exec prod -- aws s3 ls\n  \
    vault exec dev --region eu-west-1     a shell as `dev`")]
pub struct Args {
    /// The profile [default: AWS_PROFILE, else a list to pick from]
    profile: Option<String>,
    /// How long the credentials are to last, where that can be chosen: 1h, 90m, 3600 [env: AWS_VAULT_DURATION]
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// The region, instead of the profile's
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Fetch new credentials, whatever is cached
    #[arg(long)]
    fresh: bool,
    /// Use a long-lived key itself, without GetSessionToken: for calls to IAM, and for longer roles
    #[arg(short, long)]
    no_session: bool,
    /// The code that the MFA device shows now, where one is needed
    #[arg(short = 't', long, value_name = "CODE", value_parser = mfa_token)]
    mfa_token: Option<String>,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        // First of all: nobody is sent to a browser for a command that is not there.
        let command = self.find_command()?;
        let name = context.profile_name(self.profile)?;
        let config = context.config()?;
        // The chain first: its errors say which profile they are about.
        let chain = context.chain(&name)?;
        let profile = config.profile(&name)?;
        let code = self.mfa_token.map(|code| Code::new(Secret::new(code)));
        let want = Want {
            fresh: self.fresh,
            duration: wanted(self.duration, &chain)?,
            no_session: self.no_session,
            code: code.as_ref(),
        };
        let region = region(self.region, &profile)?;
        let credentials = context.credentials(&profile, &chain, region.as_deref(), want)?;
        explain(context, self.duration, &chain);
        let environment = environment_for(context, &profile, &credentials, region.as_deref());
        if child::STAYS {
            ui::leave_interrupts_to_the_child();
        }
        Err(command.run(environment).into())
    }

    fn find_command(&self) -> Result<child::Command, Error> {
        Ok(match self.command.split_first() {
            Some((called, arguments)) => child::Command::find(called.clone(), arguments.to_vec())?,
            None => child::Command::shell()?,
        })
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let right = parse_duration(text).filter(|duration| !duration.is_zero());
    right.ok_or_else(|| "write `90m`, `1h`, or seconds".to_owned())
}

/// How long the credentials are to last, where that can be chosen.
fn wanted(option: Option<Duration>, chain: &Chain) -> Result<Option<Duration>, Error> {
    match option {
        _ if chain.roles.is_empty() => Ok(None),
        Some(duration) => Ok(Some(duration)),
        None => variable(),
    }
}

/// Says why the wish of the command line was not met. Not where the credentials were cached: with
/// those `exec` says nothing.
fn explain(context: &Context, wish: Option<Duration>, chain: &Chain) {
    let note = match wish {
        Some(_) if chain.roles.is_empty() => "the permission set decides how long these last",
        Some(wish) if wish > CHAINED_LIMIT => "AWS ends the session of a chained role after 1 h",
        _ => return,
    };
    if context.has_waited() {
        context.ui.note(&format!("Note on --duration: {note}."));
    }
}

fn mfa_token(text: &str) -> Result<String, String> {
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

/// `--region`, the profile, `AWS_REGION`, `AWS_DEFAULT_REGION`.
fn region(option: Option<String>, profile: &Profile) -> Result<Option<String>, Error> {
    if let Some(region) = option.or_else(|| profile.region.clone()) {
        return Ok(Some(region));
    }
    match env::var(env::AWS_REGION)? {
        Some(region) => Ok(Some(region)),
        None => Ok(env::var(env::AWS_DEFAULT_REGION)?),
    }
}

/// The environment of the command.
fn environment_for(
    context: &Context,
    profile: &Profile,
    credentials: &Credentials,
    region: Option<&str>,
) -> Vec<(OsString, OsString)> {
    let handover = Handover {
        profile: &profile.name,
        credentials,
        region,
        settings: &profile_variables(profile),
        outer_settings: &context.outer_settings(),
    };
    environment(env::all(), &handover)
}
