//! `vault doctor`: what is wrong with this machine's set-up, and what to do about it. It changes
//! nothing but what it is told to remove, needs no sign-in, and waits for nothing for long.

use std::sync::Arc;

use super::context::Context;
use crate::config::{Config, Files};
use crate::error::{Error, Kind};
use crate::keystore::{Backend, KeystoreError};
use crate::resolve::{Chain, ResolveError};
use crate::settings::{Settings, SettingsError};
use crate::ui::{self, Ui};
use cached::Removable;
use configuration::{counted, names};
use keystore::{Examination, Examined, Found};
use report::{Check, Finding, State, one_line};

mod browser;
mod cached;
mod configuration;
mod environment;
mod keystore;
mod network;
mod plain_text;
mod report;
mod values;

/// Say what is wrong with this machine's set-up, and how to mend it
///
/// Looks at the configuration, the environment, the keystore, what is cached, the clock, the way to
/// AWS, the browser, and secrets that lie about in the clear. Nobody has to be signed in, and nothing is
/// unlocked but by the passphrase of the `file` keystore.
///
/// Exit code 0 only if nothing is wrong. A note is not: it is worth knowing, and nothing has to be done.
/// Cached credentials that have expired are a note, as they are on every morning.
///
/// On a terminal it offers to take away cached entries that are of no use. Long-lived keys always stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault doctor\n  \
    vault doctor --fix    # take away cached entries that are of no use\n  \
    vault doctor --json | jq -r '.[] | select(.status == \"wrong\") | .message'")]
pub struct Args {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
    /// Take away cached entries that have expired, can't be read, or belong to no profile
    #[arg(long)]
    fix: bool,
}

/// What is looked at.
struct Setup<'a> {
    context: &'a Context,
    config: &'a Config,
    files: Files,
    /// Every profile, and where its credentials come from.
    chains: Vec<(String, Result<Chain, ResolveError>)>,
    /// Whether a file can't be read to its end.
    has_mistakes: bool,
}

impl Args {
    /// Unlike the other commands it goes on where the settings are wrong: that is what it is asked for.
    pub(super) fn run(
        self,
        mut settings: Settings,
        mistakes: &[SettingsError],
        ui: &Arc<Ui>,
    ) -> Result<(), Error> {
        ui::watch_interrupts();
        let mut findings = configuration::settings(mistakes);
        if let Err(error) = settings.backend.parse::<Backend>() {
            findings.push(unknown_backend(&error));
            settings.backend = Backend::Auto.to_string();
        }
        let context = Context::new(settings, Arc::clone(ui))?;
        let (config, mistakes) = context.inspect_config();
        let chain = |name: &str| (name.to_owned(), context.resolve(config, name));
        let setup = Setup {
            context: &context,
            has_mistakes: !mistakes.is_empty(),
            config,
            files: context.aws_files(),
            chains: config.profile_names().map(chain).collect(),
        };
        findings.extend(configuration::check(&setup, &mistakes));
        // What may hang goes on meanwhile.
        let backend = context.settings().backend.parse()?;
        let examination = keystore::begin(&setup, backend);
        let asked = network::ask(&setup);
        findings.extend(environment::check(&setup));
        let now = Context::now();
        let plain_text = plain_text::check(&setup, now);
        let mut examined = examination.result()?;
        findings.append(&mut examined.findings);
        let (cached, removable) = cached::check(&setup, &examined, now);
        findings.extend(cached);
        findings.extend(asked.findings());
        findings.extend(browser::check(&setup));
        findings.extend(plain_text);
        findings.sort_by_key(|finding| finding.check);
        self.print(&context, &findings)?;
        let mended = self.offer(&context, &examination, removable)?;
        let wrong = findings.iter().filter(|f| f.state == State::Wrong).count();
        end(wrong.saturating_sub(mended))
    }

    fn print(&self, context: &Context, findings: &[Finding]) -> Result<(), Error> {
        if self.json {
            context.print_json(&findings)
        } else {
            context.print(&report::text(&context.ui, findings))
        }
    }

    /// Takes away what may be, where that was said or is agreed to; how many findings that mends. A
    /// sign-in that works goes only where a person says so, by its name.
    fn offer(
        &self,
        context: &Context,
        examination: &Examination,
        removable: Removable,
    ) -> Result<usize, Error> {
        let asks = !self.fix && !self.json && context.ui.can_ask();
        let agrees = |question: String| Ok::<_, Error>(asks && context.ui.confirm(&question)?);
        let Removable {
            mut dead,
            mends: mut mended,
            sign_ins,
        } = removable;
        let question = match dead.len() {
            1 => "Take away the cached entry that is of no use?".to_owned(),
            more => format!("Take away the {more} cached entries that are of no use?"),
        };
        if dead.is_empty() || !(self.fix || agrees(question)?) {
            dead.clear();
            mended = 0;
        }
        for (name, found) in sign_ins {
            if agrees(format!("Forget the sign-in to {name}?"))? {
                dead.push(found);
                mended += 1;
            }
        }
        if dead.is_empty() {
            return Ok(0);
        }
        let meant = dead.len();
        let removed = examination.remove(dead)?;
        let what = if removed == 1 { "entry" } else { "entries" };
        context
            .ui
            .note(&format!("Took away {removed} cached {what}."));
        if removed < meant {
            let changed = meant - removed;
            context
                .ui
                .note(&format!("What has changed meanwhile stays: {changed}."));
        }
        Ok(mended)
    }
}

/// How it ends: what was taken away is mended.
fn end(wrong: usize) -> Result<(), Error> {
    match wrong {
        0 => Ok(()),
        1 => Err(Error::new(Kind::Failed, "one thing is wrong")),
        more => Err(Error::new(Kind::Failed, format!("{more} things are wrong"))),
    }
}

fn unknown_backend(error: &KeystoreError) -> Finding {
    Finding::wrong(Check::Keystore, error.to_string())
        .hint("see `--backend`, AWS_VAULT_BACKEND, and `backend` in config.toml")
}
