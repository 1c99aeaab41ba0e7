//! A broker that turns the name of an AWS profile into short-lived credentials and hands them to
//! whoever asked, and to nobody else.
//!
//! Data flows one way, and the modules are that sentence:
//!
//! ```text
//! config  →  resolve  →  broker ─┬→ cache → keystore        →  credentials  →  deliver
//! (files)    (pure)              └→ source (sso, sts)           (the nouns)     (child)
//!                     commands: one file each, the only ones who talk to a person (through ui)
//! ```
//!
//! `tests/cli/architecture.rs` holds what each may name.

mod broker;
mod browser;
mod cache;
mod cli;
mod commands;
mod complete;
mod config;
mod credentials;
mod deliver;
mod env;
mod error;
mod files;
mod keystore;
mod loopback;
mod plan;
mod resolve;
mod settings;
mod signals;
mod source;
mod ui;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::Cli;

/// Runs the program and gives its exit code. With `exec` on Unix it does not come back: the process
/// becomes the command.
pub fn main() -> ExitCode {
    harden();
    if let Some(code) = complete::answer(Cli::command) {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    log(cli.global.verbose, cli.global.color);
    commands::run(cli)
}

/// Keeps secrets out of core dumps, and other processes of this user from reading vault's memory.
/// The command that `exec` runs is not affected: the kernel resets it on `execve`.
fn harden() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // Where it fails there is nothing to be done about it.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Help and version are data; anything else is a mistake on the command line. `exec` keeps 2 for the
/// command that it runs.
fn refuse(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    ExitCode::from(error::Kind::Usage.exit_code(names_exec()))
}

/// Whether the command line that could not be parsed is one of `exec`.
fn names_exec() -> bool {
    let matches = Cli::command().ignore_errors(true).try_get_matches();
    matches.is_ok_and(|matches| matches.subcommand_name() == Some("exec"))
}

/// `-v`: what vault does, and nothing of the libraries under it, whose logs may hold what they send.
fn log(verbose: u8, color: ui::Color) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(color == ui::Color::Always)
        .with_target(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(Targets::new().with_target(env!("CARGO_CRATE_NAME"), level))
        .init();
}
