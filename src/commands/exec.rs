//! `vault exec`: a command with a profile's short-lived credentials in its environment, or with a server
//! beside it that renews them.

use std::ffi::OsString;

use super::context::{Context, Request};
use crate::broker::Reader;
use crate::deliver::child;
use crate::deliver::environment::{environment, served_environment};
use crate::deliver::server::Server;
use crate::env;
use crate::error::Error;
use crate::ui;

/// Run a command with a profile's short-lived credentials
///
/// The command gets AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and what goes with
/// them in its environment, and takes vault's place: same process, terminal and signals, and its exit
/// status. With --server vault stays as its parent, and the command asks it for credentials, which are
/// renewed as long as it runs: for what takes longer than credentials last. vault's own failures are 125 (vault failed), 126 (the command cannot be run) and 127 (there
/// is no such command).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault exec prod -- aws s3 ls\n  \
    vault exec --server prod -- terraform apply\n  \
    vault exec dev --region eu-west-1     # a shell as `dev`")]
pub struct Args {
    /// The profile [default: AWS_PROFILE, else a list to pick from]
    profile: Option<String>,
    #[command(flatten)]
    request: Request,
    /// Serve credentials to the command, and renew them, instead of handing over fixed ones
    #[arg(short, long)]
    server: bool,
    /// The command and its arguments [default: your shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        // First of all: nobody is sent to a browser for a command that is not there.
        let command = self.find_command()?;
        let name = context.profile_name(self.profile)?;
        if self.server {
            return beside_a_server(context, &self.request, command, name);
        }
        let obtained = self.request.obtain(context, &name, Reader::Command)?;
        let environment = environment(env::all(), &obtained.handover());
        if child::STAYS {
            ui::leave_interrupts();
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

/// The credentials first: a sign-in is no affair of the command's.
fn beside_a_server(
    context: &Context,
    request: &Request,
    command: child::Command,
    name: String,
) -> Result<(), Error> {
    let obtained = request.clone().obtain(context, &name, Reader::Client)?;
    obtained.check_served()?;
    context.warn_of_stronger_credentials()?;
    let fetch = context.serving(request, std::slice::from_ref(&name));
    let server = Server::start(0, &[name], fetch)?;
    let endpoint = &server.endpoints()[0];
    let environment = served_environment(env::all(), &obtained.handover(), endpoint);
    ui::leave_interrupts();
    Err(command.attend(environment).into())
}
