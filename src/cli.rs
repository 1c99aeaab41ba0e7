//! The command line of the whole program, as clap types.

use clap::Parser;
use clap::builder::styling::{AnsiColor, Styles};

use crate::commands::Command;
use crate::ui::Color;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Sign in to AWS once, then run everything as some profile
#[derive(Debug, Parser)]
#[command(
    name = "vault",
    version,
    styles = STYLES,
    propagate_version = true,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "A day with vault:\n  \
        vault login                     # sign in, once, in the browser\n  \
        vault exec prod -- aws s3 ls    # run a command as the profile `prod`\n  \
        vault list                      # see profiles and what is cached\n  \
        vault clear prod                # drop cached credentials, to fetch new ones"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What goes for every command.
    #[command(flatten)]
    pub global: Global,
}

/// Options that every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Where secrets are kept: auto, os, keyutils, pass, file [env: AWS_VAULT_BACKEND]
    #[arg(long, value_name = "KEYSTORE", global = true)]
    pub backend: Option<String>,
    /// Ask nothing and open nothing [env: AWS_VAULT_NO_INPUT]
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Say nothing but errors and what must be known
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more, on stderr; twice for all (never a secret)
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// When to use colour [env: NO_COLOR]
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub color: Color,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
