//! `vault doctor`: what is wrong with this machine's set-up, and what to do about it. It changes
//! nothing but what it is told to remove, needs no sign-in, and waits for nothing for long.

use std::sync::Arc;

use super::context::Context;
use crate::config::{Config, Files};
use crate::error::{Error, Kind};
use crate::keystore::{Backend, KeystoreError};
use crate::resolve::{Chain, ResolveError};
use crate::settings::{Settings, SettingsError};
use crate::ui::Ui;
use report::{Check, Finding, State, one_line};

mod configuration;
mod environment;
mod report;
mod values;

/// Say what is wrong with this machine's set-up, and how to mend it
///
/// Looks at the configuration and the environment. Nobody has to be signed in. Exit code 0 only if
/// nothing is wrong; a note is not: it is worth knowing, and nothing has to be done.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault doctor\n  \
    vault doctor --json | jq -r '.[] | select(.status == \"wrong\") | .message'")]
pub struct Args {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// What is looked at.
struct Setup<'a> {
    config: &'a Config,
    files: Files,
    /// Every profile, and where its credentials come from.
    chains: Vec<(String, Result<Chain, ResolveError>)>,
}

impl Args {
    /// Unlike the other commands it goes on where the settings are wrong: that is what it is asked for.
    pub(super) fn run(
        self,
        mut settings: Settings,
        mistakes: &[SettingsError],
        ui: &Arc<Ui>,
    ) -> Result<(), Error> {
        let mut findings = configuration::settings(mistakes);
        if let Err(error) = settings.backend.parse::<Backend>() {
            findings.push(unknown_backend(&error, &settings.backend));
            settings.backend = Backend::Auto.to_string();
        }
        let context = Context::new(settings, Arc::clone(ui))?;
        let (config, mistakes) = context.inspect_config();
        let chain = |name: &str| (name.to_owned(), context.resolve(config, name));
        let setup = Setup {
            config,
            files: context.aws_files(),
            chains: config.profile_names().map(chain).collect(),
        };
        findings.extend(configuration::check(&setup, &mistakes));
        findings.extend(environment::check(&setup));
        self.report(&context, &findings)
    }

    fn report(&self, context: &Context, findings: &[Finding]) -> Result<(), Error> {
        if self.json {
            context.print_json(&findings)?;
        } else {
            context.print(&report::text(&context.ui, findings))?;
        }
        let wrong = findings.iter().filter(|f| f.state == State::Wrong).count();
        match wrong {
            0 => Ok(()),
            1 => Err(Error::new(Kind::Failed, "one thing is wrong")),
            more => Err(Error::new(Kind::Failed, format!("{more} things are wrong"))),
        }
    }
}

fn unknown_backend(error: &KeystoreError, name: &str) -> Finding {
    let hint = match name {
        "keychain" | "wincred" | "secret-service" | "kwallet" => "vault calls it `os`",
        _ => "see `--backend`, AWS_VAULT_BACKEND, and `backend` in config.toml",
    };
    Finding::wrong(Check::Keystore, error.to_string()).hint(hint)
}
