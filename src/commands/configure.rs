//! `vault configure`: profiles, one by questions or options, or all that a person may use.

mod sync;
mod wizard;

use super::context::Context;
use crate::config::shell_word;
use crate::error::{Error, Kind};
use crate::plan::{flaw, portal};

/// Write a profile, by questions or by options
///
/// Asks for what the options don't say, signs in, and lets you pick account and role. Nothing is
/// written before the last question is answered. `vault configure sync` writes a profile for every
/// account and role that you may use.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    vault configure\n  \
    vault configure --sso-session corp --account prod --role Admin --profile prod"
)]
pub struct Args {
    #[command(subcommand)]
    sync: Option<Sync>,
    #[command(flatten)]
    one: wizard::Options,
}

#[derive(Debug, clap::Subcommand)]
enum Sync {
    Sync(sync::Args),
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        match self.sync {
            Some(Sync::Sync(args)) => args.run(context),
            None => self.one.run(context),
        }
    }
}

/// A region's name, as an option.
fn region(text: &str) -> Result<String, String> {
    portal::region_flaw(text).map_or_else(|| Ok(text.to_owned()), Err)
}

/// A name for a section, as an option.
fn section(text: &str) -> Result<String, String> {
    flaw(text).map_or_else(|| Ok(text.to_owned()), |flaw| Err(flaw.to_owned()))
}

/// The command to type next.
fn next(context: &Context, profile: &str) {
    let word = shell_word(profile);
    context
        .ui
        .note(&format!("Next: vault exec {word} -- aws s3 ls"));
}

/// An option that has to be given where nobody can be asked.
fn missing(what: &str, options: &[&str]) -> Error {
    let list = options.join("`, `");
    let error = Error::new(Kind::Usage, format!("there is nobody to ask for {what}"));
    error.hint(format!("give `{list}`"))
}
