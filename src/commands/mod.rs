//! A file a command: its options, what it does, its words. This one has the one `match`.
//!
//! They are the only ones who talk to a person, and only through `ui`.

mod add;
mod clear;
mod completions;
mod configure;
mod console;
mod context;
mod doctor;
mod eks_token;
mod exec;
mod export;
mod import;
mod list;
mod login;
mod logout;
mod remove;
mod rotate;
mod serve;
mod status;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use crate::cli::Cli;
use crate::env;
use crate::error::{Error, Kind};
use crate::settings::{Flags, Settings, SettingsError};
use crate::ui::Ui;
use context::Context;

/// What vault can be told to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Exec(exec::Args),
    Login(login::Args),
    Logout(logout::Args),
    Status(status::Args),
    Clear(clear::Args),
    Add(add::Args),
    Remove(remove::Args),
    Rotate(rotate::Args),
    Configure(Box<configure::Args>),
    Console(console::Args),
    Doctor(doctor::Args),
    Import(import::Args),
    Export(export::Args),
    EksToken(eks_token::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Serve(Box<serve::Args>),
    Completions(completions::Args),
}

impl Command {
    /// Whether exit codes belong to a command that vault runs.
    pub fn is_exec(&self) -> bool {
        matches!(self, Self::Exec(_))
    }

    /// Whether it may ask a person, and open a browser, where that can be.
    fn may_ask(&self, settings: &Settings) -> bool {
        match self {
            Self::Export(args) => args.may_ask(settings),
            _ => true,
        }
    }
}

/// Runs a command, says what failed, and gives the exit code.
pub fn run(cli: Cli) -> ExitCode {
    let global = cli.global;
    let flags = Flags {
        backend: global.backend.clone(),
        no_input: global.no_input,
    };
    let settings = Settings::load(flags);
    let no_input = settings.as_ref().map_or(true, |(settings, _)| {
        settings.no_input || !cli.command.may_ask(settings)
    });
    let dumb = env::var_os(env::TERM).is_some_and(|terminal| terminal == "dumb");
    let no_color = dumb || env::var_os(env::NO_COLOR).is_some();
    let ui = Arc::new(Ui::new(global.quiet, global.color, no_color, no_input));
    let exec = cli.command.is_exec();
    let result = settings
        .map_err(Error::from)
        .and_then(|(settings, mistakes)| obey(cli.command, settings, mistakes, &ui));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who pressed Ctrl-C knows.
            if error.kind() != Kind::Interrupted && !error.is_said() {
                ui.error(error.message(), error.causes(), error.hints());
            }
            ExitCode::from(error.kind().exit_code(exec))
        }
    }
}

fn obey(
    command: Command,
    settings: Settings,
    mistakes: Vec<SettingsError>,
    ui: &Arc<Ui>,
) -> Result<(), Error> {
    if let Command::Doctor(args) = command {
        return args.run(settings, &mistakes, ui);
    }
    match mistakes.into_iter().next() {
        Some(mistake) => Err(mistake.into()),
        None => dispatch(command, &Context::new(settings, Arc::clone(ui))?),
    }
}

fn dispatch(command: Command, context: &Context) -> Result<(), Error> {
    match command {
        Command::Doctor(_) => unreachable!("it works without a context"),
        Command::Exec(args) => args.run(context),
        Command::Login(args) => args.run(context),
        Command::Logout(args) => args.run(context),
        Command::Status(args) => args.run(context),
        Command::Clear(args) => args.run(context),
        Command::Add(args) => args.run(context),
        Command::Remove(args) => args.run(context),
        Command::Rotate(args) => args.run(context),
        Command::Configure(args) => args.run(context),
        Command::Console(args) => args.run(context),
        Command::Import(args) => args.run(context),
        Command::Export(args) => args.run(context),
        Command::EksToken(args) => args.run(context),
        Command::List(args) => args.run(context),
        Command::Serve(args) => args.run(context),
        Command::Completions(args) => args.run(context),
    }
}
