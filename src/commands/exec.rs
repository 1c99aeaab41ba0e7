//! `vault exec`: a command with a profile's short-lived credentials in its environment.

use std::ffi::OsString;

use super::context::{Context, Request};
use crate::broker::Reader;
use crate::deliver::child;
use crate::deliver::environment::environment;
use crate::env;
use crate::error::Error;
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
    #[command(flatten)]
    request: Request,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        // First of all: nobody is sent to a browser for a command that is not there.
        let command = self.find_command()?;
        let name = context.profile_name(self.profile)?;
        let obtained = self.request.obtain(context, &name, Reader::Command)?;
        let environment = environment(env::all(), &obtained.handover());
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
