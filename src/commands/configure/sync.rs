//! A profile for every account and role that the person may use.
//!
//! What sync wrote it knows again by a key in the section, and touches nothing else. In a section of
//! its own it mends the keys that it is answerable for and leaves the others.

use std::collections::BTreeMap;
use std::path::Path;

use similar::TextDiff;

use super::next;
use crate::broker::{Listed, Permitted};
use crate::commands::context::{Context, name};
use crate::config::edit::{EditError, Refusal, Sections};
use crate::config::{Config, Dialect, SYNC_KEY, SectionKind, SsoSession};
use crate::credentials::{Account, AccountId, RoleName};
use crate::error::{Error, Kind};
use crate::plan::{self, Choice, DEFAULT, KEYS, Plan, Present, Regions, Template, what};

/// So many names are said one by one; of more, how many.
const SAID: usize = 20;

/// Write a profile for every account and role that you may use
///
/// Without a name: the one sso-session of the configuration. Names, accounts, roles and regions go by
/// the rules in config.toml, section [configure]; an option takes the place of its rule. Patterns are
/// as in a shell (`prod-*`), whatever the case; accounts go by name, id or e-mail address.
///
/// Sections that sync wrote have a key `vault_sync`; others are never changed. Where you add keys to
/// one of sync's, they stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault configure sync --dry-run\n  \
    vault configure sync corp --account 'prod-*' --exclude-role '*ReadOnly*' --prune")]
pub(super) struct Args {
    /// The sso-session
    #[arg(value_name = "SSO-SESSION")]
    session: Option<String>,
    /// Only accounts like this
    #[arg(long, value_name = "PATTERN")]
    account: Vec<String>,
    /// No accounts like this
    #[arg(long, value_name = "PATTERN")]
    exclude_account: Vec<String>,
    /// Only roles like this
    #[arg(long, value_name = "PATTERN")]
    role: Vec<String>,
    /// No roles like this
    #[arg(long, value_name = "PATTERN")]
    exclude_role: Vec<String>,
    /// The region of profiles for which no rule has one
    #[arg(long, value_name = "REGION", value_parser = super::region)]
    region: Option<String>,
    /// What profiles are called: fields in braces, as {account_name|kebab}-{role_name|lower}
    #[arg(long, value_name = "TEMPLATE")]
    profile_name: Option<String>,
    /// Print the change as a diff, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove what sync wrote and you may no longer use
    #[arg(long)]
    prune: bool,
}

/// What goes for this run.
struct Rules {
    template: Template,
    accounts: Choice,
    roles: Choice,
    regions: Regions,
    /// What the options alone say: what they leave out was not looked at.
    looked_at: (Choice, Choice),
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let rules = self.rules(context)?;
        let session = context.one_session(self.session.as_deref())?;
        let permitted = list(context, &session, &rules)?;
        let known = permitted.iter();
        let known = known.filter_map(|(account, roles)| Some((account, roles.as_deref()?)));
        let title = name(&session);
        let wanted = plan::wanted(known, title, &rules.template, &rules.roles, &rules.regions)?;
        if wanted.is_empty() && !self.prune {
            let message = format!("there is no role that you may use through {title}");
            let error = Error::new(Kind::Failed, message);
            return Err(error.hint(
                "see whether the patterns leave any, or ask whoever runs IAM Identity Center",
            ));
        }
        let mut edit = context.edit_config()?;
        // Read again under the lock: another vault may have written while the portal was asked.
        let config = context.reread_config()?;
        let present = present(&config);
        let in_question =
            |account: &AccountId, role: &RoleName| rules.looked_at(&permitted, account, role);
        let plan = plan::plan(wanted, &present, &session, &in_question);
        let before = edit.before();
        apply(&mut edit.sections, &plan, self.prune).map_err(EditError::from)?;
        if self.dry_run {
            let path = context.config_path();
            context.print(&diff(before.expose(), &edit.sections, &path))?;
            self.say(context, &plan, &present);
            return Ok(());
        }
        context.save(edit)?;
        context.broker(None, None)?.forget_listing(&session)?;
        self.say(context, &plan, &present);
        Ok(())
    }

    fn rules(&self, context: &Context) -> Result<Rules, Error> {
        let written = context.configure();
        let choice =
            |option: &'static str, given: [&Vec<String>; 2], written: [&Vec<String>; 2]| {
                let either = |at: usize| {
                    if given[at].is_empty() {
                        written[at]
                    } else {
                        given[at]
                    }
                };
                Choice::new(either(0), either(1)).map_err(|e| not_a_pattern(option, &e))
            };
        let (accounts, roles) = (
            [&self.account, &self.exclude_account],
            [&self.role, &self.exclude_role],
        );
        let none = Vec::new();
        let text = self.profile_name.as_ref().or(written.profile_name.as_ref());
        let text = text.map_or(DEFAULT, String::as_str);
        let template = Template::parse(text).map_err(|error| {
            let message = format!("`profile_name` can't be `{text}`");
            Error::new(Kind::Failed, message).caused_by(error.to_string())
        })?;
        Ok(Rules {
            template,
            accounts: choice(
                "account",
                accounts,
                [&written.account, &written.exclude_account],
            )?,
            roles: choice("role", roles, [&written.role, &written.exclude_role])?,
            regions: self.regions(context)?,
            looked_at: (
                choice("account", accounts, [&none, &none])?,
                choice("role", roles, [&none, &none])?,
            ),
        })
    }

    fn regions(&self, context: &Context) -> Result<Regions, Error> {
        let mut regions = Regions::default();
        for rule in &context.configure().region {
            super::region(&rule.region).map_err(|flaw| {
                let message = format!("`{}` in config.toml is no region", rule.region);
                Error::new(Kind::Failed, message).caused_by(flaw)
            })?;
            let (account, role) = (rule.account.as_deref(), rule.role.as_deref());
            let added = regions.add(account, role, &rule.region);
            added.map_err(|error| not_a_pattern("region", &error))?;
        }
        if let Some(region) = &self.region {
            let added = regions.add(None, None, region);
            added.map_err(|error| not_a_pattern("region", &error))?;
        }
        Ok(regions)
    }

    /// Says what was done, or with `--dry-run` what would be.
    fn say(&self, context: &Context, plan: &Plan, present: &BTreeMap<String, Present>) {
        let path = context.config_path();
        let ui = &context.ui;
        // The first time all are new, and there is nothing to tell them from.
        let synced = present.values().any(|p| p.settings.contains_key(SYNC_KEY));
        if synced {
            let new = plan
                .new
                .iter()
                .map(|(wanted, _)| format!("{}, {}", wanted.name, what(wanted)));
            each(context, "New", new.collect());
        }
        let changed = plan.changed.iter().map(|(wanted, keys)| {
            let keys: Vec<_> = keys
                .iter()
                .map(|(key, value)| format!("{key} = {value}"))
                .collect();
            format!("{}: {}", wanted.name, keys.join(", "))
        });
        each(context, "Changed", changed.collect());
        let word = if self.prune {
            "Removed"
        } else {
            "No longer yours"
        };
        each(context, word, plan.gone.clone());
        for wanted in &plan.taken {
            ui.warn(&format!(
                "`{}` was not written by sync and stays as it is: {} has no profile of that name",
                wanted.name,
                what(wanted)
            ));
        }
        if !self.prune && !plan.gone.is_empty() {
            ui.note("`vault configure sync --prune` removes what is no longer yours.");
        }
        let removed = if self.prune { plan.gone.len() } else { 0 };
        let written = plan.new.len() + plan.changed.len();
        let unchanged = plan.unchanged;
        let would = if self.dry_run { "would be " } else { "" };
        if written + removed == 0 {
            ui.note(&format!(
                "Nothing to change: {} in {} as they are to be.",
                count(unchanged),
                path.display()
            ));
            return;
        }
        ui.note(&format!(
            "{} {would}written to {}, {removed} removed, {unchanged} unchanged.",
            count(written),
            path.display()
        ));
        if let Some((wanted, _)) = plan.new.first().filter(|_| !self.dry_run) {
            next(context, &wanted.name);
        }
    }
}

impl Rules {
    /// Whether this run knows if the person may use a role.
    fn looked_at(&self, permitted: &[Permitted], account: &AccountId, role: &RoleName) -> bool {
        let found = permitted.iter().find(|(known, _)| known.id == *account);
        if found.is_some_and(|(_, roles)| roles.is_none()) {
            return false;
        }
        // One that is gone has no name any more that a pattern could fit.
        let account = found.map_or_else(
            || Account {
                id: account.clone(),
                name: None,
                email: None,
            },
            |(known, _)| known.clone(),
        );
        self.looked_at.0.takes_account(&account) && self.looked_at.1.takes_role(role)
    }
}

/// All that the person may use, as far as the rules want to know.
fn list(context: &Context, session: &SsoSession, rules: &Rules) -> Result<Vec<Permitted>, Error> {
    let broker = context.broker(None, None)?;
    let title = name(session);
    let permitted = context.signed_in(&broker, session, || {
        let mut progress = context.ui.progress(&format!("Roles in {title}'s accounts"));
        broker.listing(
            session,
            &|account| rules.accounts.takes_account(account),
            &mut |listed| match listed {
                Listed::WaitingForAnother => {
                    context
                        .ui
                        .note("Waiting for another vault that lists the same.");
                }
                Listed::Roles { done, all, rate } => progress.set(done, all, rate),
            },
        )
    })?;
    let refused = permitted.iter().filter(|(_, roles)| roles.is_none());
    let refused: Vec<_> = refused.map(|(account, _)| account.id.as_str()).collect();
    if !refused.is_empty() {
        context.ui.warn(&format!(
            "{title} does not say which roles you have in {}: their profiles stay as they are",
            refused.join(", ")
        ));
    }
    Ok(permitted)
}

/// What the configuration has, by name. What can't be understood was not written by sync.
fn present(config: &Config) -> BTreeMap<String, Present> {
    let one = |name: &str| {
        let profile = config.profile(name).ok();
        let setting = |key: &&'static str| {
            let value = profile.as_ref()?.get(key)?;
            Some((*key, value.text.clone()))
        };
        let settings = KEYS.iter().filter_map(setting).collect();
        (name.to_owned(), Present { settings })
    };
    config.profile_names().map(one).collect()
}

fn apply(sections: &mut Sections, plan: &Plan, prune: bool) -> Result<(), Refusal> {
    for (wanted, keys) in &plan.changed {
        for (key, value) in keys {
            sections.set(SectionKind::Profile, &wanted.name, key, value)?;
        }
    }
    if prune {
        for name in &plan.gone {
            sections.remove_section(SectionKind::Profile, name);
        }
    }
    for (wanted, keys) in &plan.new {
        let keys: Vec<_> = keys
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        sections.add(SectionKind::Profile, &wanted.name, &keys)?;
    }
    Ok(())
}

fn each(context: &Context, word: &str, names: Vec<String>) {
    let more = names.len().saturating_sub(SAID);
    for name in names.iter().take(SAID) {
        context.ui.note(&format!("{word}: {name}"));
    }
    if more > 0 {
        context.ui.note(&format!("{word}: {more} more"));
    }
}

fn count(profiles: usize) -> String {
    match profiles {
        1 => "1 profile".to_owned(),
        more => format!("{more} profiles"),
    }
}

fn not_a_pattern(what: &str, error: &plan::PatternError) -> Error {
    let message = format!("the rule for `{what}` can't be used");
    Error::new(Kind::Failed, message).caused_by(error.to_string())
}

/// The change as `diff -u` shows it. A secret that stands near it in the file is no part of it.
fn diff(before: &str, after: &Sections, path: &Path) -> String {
    let before = Sections::new(path, before, Dialect::Config).without_secrets();
    let after = after.without_secrets();
    let path = path.display().to_string();
    let diff = TextDiff::from_lines(before.expose().as_str(), after.expose().as_str());
    diff.unified_diff().header(&path, &path).to_string()
}
