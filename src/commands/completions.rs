//! `vault completions`: what makes a shell complete vault's command line, and the manual pages.

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;

use super::context::Context;
use crate::cli::Cli;
use crate::complete;
use crate::error::{Error, Kind};

/// Print a completion script for a shell, or write the manual pages
///
/// The script asks vault at each Tab, so that it knows the profiles and sso-sessions of your
/// configuration as it is. It completes the command behind `vault exec PROFILE --` too.
///
/// bash: a line in ~/.bashrc: source <(vault completions bash)
///
/// zsh: in ~/.zshrc, behind compinit: source <(vault completions zsh)
///
/// fish: vault completions fish >~/.config/fish/completions/vault.fish
///
/// PowerShell: in $PROFILE: vault completions powershell | Out-String | Invoke-Expression
///
/// elvish: in rc.elv: eval (vault completions elvish | slurp)
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    source <(vault completions bash)\n  \
    vault completions --man ~/.local/share/man/man1")]
pub struct Args {
    /// The shell
    #[arg(required_unless_present = "man", value_parser = PossibleValuesParser::new(complete::shells()))]
    shell: Option<String>,
    /// Write the manual pages, one for each command, into this directory
    #[arg(long, value_name = "DIR", conflicts_with = "shell")]
    man: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        match (self.man, self.shell) {
            (Some(directory), _) => write_pages(&directory),
            (None, shell) => context.print(&complete::script(&shell.unwrap_or_default())),
        }
    }
}

fn write_pages(directory: &Path) -> Result<(), Error> {
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| {
        let message = format!("cannot write manual pages to `{}`", directory.display());
        Error::new(Kind::Failed, message).caused_by(error.to_string())
    })
}
