//! `vault exec`: a command with a profile's short-lived credentials in its environment.

use std::ffi::OsString;
use std::time::Duration;

use super::context::{Context, variables_of};
use crate::broker::{CHAINED_LIMIT, Want};
use crate::config::Profile;
use crate::credentials::Credentials;
use crate::deliver::child;
use crate::deliver::environment::{Handover, environment};
use crate::env;
use crate::error::{Error, Kind};
use crate::resolve::{self, Chain};
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
        let chain = resolve::resolve(config, &name)?;
        let profile = config.profile(&name)?;
        let want = Want {
            fresh: self.fresh,
            duration: wanted(context, self.duration, &chain)?,
        };
        let credentials = context.credentials(&profile, &chain, want)?;
        let region = region(self.region, &profile)?;
        let environment = surroundings(context, &profile, &credentials, region.as_deref())?;
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

/// How long the credentials are to last; says so where the wish can't be met.
fn wanted(
    context: &Context,
    option: Option<Duration>,
    chain: &Chain,
) -> Result<Option<Duration>, Error> {
    if chain.roles.is_empty() {
        if option.is_some() {
            context
                .ui
                .note("Note: --duration does nothing here: the permission set decides.");
        }
        return Ok(None);
    }
    let wanted = match option {
        Some(duration) => Some(duration),
        None => variable()?,
    };
    if option.is_some_and(|duration| duration > CHAINED_LIMIT) {
        context
            .ui
            .note("Note: AWS ends the session of a chained role after 1 h.");
    }
    Ok(wanted)
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
fn surroundings(
    context: &Context,
    profile: &Profile,
    credentials: &Credentials,
    region: Option<&str>,
) -> Result<Vec<(OsString, OsString)>, Error> {
    let handover = Handover {
        profile: &profile.name,
        credentials,
        region,
        settings: &variables_of(profile),
        outer_settings: &context.outer_settings(Some(profile))?,
    };
    Ok(environment(env::all(), &handover))
}
