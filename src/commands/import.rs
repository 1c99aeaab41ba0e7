//! `vault import`: takes over what other tools and plain-text files hold. What there is is shown first;
//! each thing is done after a yes of its own, and nothing is deleted without one.

mod found;
mod keys;
mod steps;

use super::context::{Context, diff};
use crate::config::Dialect;
use crate::error::{Error, Kind};
use crate::plan::takeover::Tool;
use found::{Found, has_key};
use keys::{is_passing, read_key};
use steps::{InFile, Step};

/// Take over what other tools and plain-text files hold
///
/// Long-lived keys out of aws-vault's and Granted's keystores and out of ~/.aws/credentials, profiles
/// with Granted's own keys, and programs of aws-vault, Granted and aws2-wrap in `credential_process`.
/// What there is is shown first, and each change is asked about. Other tools' keystores are only read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault import --dry-run\n  \
    vault import aws-vault credentials-file")]
pub struct Args {
    /// Where from [default: all of them]
    #[arg(value_name = "SOURCE")]
    sources: Vec<Source>,
    /// Say what would be done, print changes of files as a diff, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do all of it, and ask nothing
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
    /// Put keys in the place of others that are stored
    #[arg(long)]
    force: bool,
}

/// What is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Source {
    /// Its stored keys, and its lines in ~/.aws/config
    AwsVault,
    /// Its stored keys, its profiles, and its lines in ~/.aws/config
    Granted,
    /// Its lines in ~/.aws/config, and temporary keys that it left
    #[value(name = "aws2-wrap")]
    Aws2Wrap,
    /// Keys in the clear, in ~/.aws/credentials and ~/.aws/config
    CredentialsFile,
}

impl Source {
    const ALL: [Self; 4] = [
        Self::AwsVault,
        Self::Granted,
        Self::Aws2Wrap,
        Self::CredentialsFile,
    ];

    const fn tool(self) -> Option<Tool> {
        match self {
            Self::AwsVault => Some(Tool::AwsVault),
            Self::Granted => Some(Tool::Granted),
            Self::Aws2Wrap => Some(Tool::Aws2Wrap),
            Self::CredentialsFile => None,
        }
    }
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let mut found = Found::look(context, &self)?;
        found.say(context);
        let trouble = found.take_trouble(context);
        if found.steps.is_empty() {
            context.ui.note("Nothing to import.");
            return trouble.map_or(Ok(()), Err);
        }
        let asks = context.ui.can_ask();
        if self.dry_run || !(self.yes || asks) {
            print_diffs(context, &found)?;
        }
        if self.dry_run {
            return trouble.map_or(Ok(()), Err);
        }
        if !(self.yes || asks) {
            let message = "there is nobody to ask: nothing was changed";
            return Err(Error::new(Kind::Usage, message).hint("`--yes` does all of it"));
        }
        let failed = self.do_steps(context, &found)?;
        failed.or(trouble).map_or(Ok(()), Err)
    }

    /// Does what is allowed, one after the other. One that fails doesn't keep the others: the last
    /// failure is the run's, those before it are said on the way.
    fn do_steps(&self, context: &Context, found: &Found) -> Result<Option<Error>, Error> {
        let mut failed: Option<Error> = None;
        let mut done = Vec::new();
        for step in &found.steps {
            let yes = if self.yes {
                step.may_go_unasked()
            } else {
                context.ui.confirm(&step.question())?
            };
            if !yes {
                if self.yes {
                    context.ui.note(&step.why_it_stays());
                }
                continue;
            }
            match step.act(context, found, self.force) {
                Ok(()) => done.push(step),
                Err(error) if error.kind() == Kind::Interrupted => return Err(error),
                Err(error) => {
                    if let Some(before) = failed.replace(error) {
                        context.ui.warn(&before.one_line());
                    }
                }
            }
        }
        if done.is_empty() && failed.is_none() {
            context.ui.note("Nothing was changed.");
        }
        found.say_what_stays(context, &done);
        Ok(failed)
    }
}

/// What the files would be, as far as the steps change them.
fn print_diffs(context: &Context, found: &Found) -> Result<(), Error> {
    let mut config = context.edit_config()?;
    let mut credentials = context.edit_credentials()?;
    for step in &found.steps {
        step.preview(&mut config.sections, &mut credentials.sections)?;
    }
    let mut text = diff(&config, &context.config_path(), Dialect::Config);
    text += &diff(
        &credentials,
        &context.credentials_path(),
        Dialect::Credentials,
    );
    context.print(&context.ui.painted_diff(text))
}
