//! A profile for every account and role that the person may use.
//!
//! What sync wrote it knows again by a key in the section, and touches nothing else. In a section of
//! its own it mends the keys that it is answerable for and leaves the others.

mod said;

use std::collections::BTreeMap;

use crate::broker::{Listed, Permitted};
use crate::commands::context::{Context, diff, name};
use crate::config::edit::{EditError, Refusal, Sections};
use crate::config::{Config, Dialect, SectionKind, SsoSession};
use crate::credentials::{Account, AccountId, RoleName};
use crate::error::{Error, Kind};
use crate::plan::{self, Choice, DEFAULT, KEYS, Plan, Present, Regions, Standing, Template};

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
    /// Remove what sync wrote and you may no longer use, or the rules no longer take
    #[arg(long)]
    prune: bool,
    /// Let --prune remove all that sync wrote, where nothing is left
    #[arg(long, requires = "prune")]
    force: bool,
}

/// What goes for this run.
struct Rules {
    template: Template,
    accounts: Choice,
    roles: Choice,
    regions: Regions,
    /// What the options alone say: what they leave out was not looked at.
    looked_at: (Choice, Choice),
    /// Whether there are rules for accounts: one that they leave out is not asked about.
    some_accounts: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let rules = self.rules(context)?;
        let session = context.one_session(self.session.as_deref())?;
        let permitted = list(context, &session, &rules, self.dry_run)?;
        let known = permitted.iter();
        let known = known.filter_map(|(account, roles)| Some((account, roles.as_deref()?)));
        let title = name(&session);
        let wanted = plan::wanted(known, title, &rules.template, &rules.roles, &rules.regions)?;
        let none = wanted.is_empty();
        let mut edit = context.edit_config()?;
        // Read again under the lock: another vault may have written while the portal was asked.
        let present = present(&context.reread_config()?, &edit.sections);
        let standing =
            |account: &AccountId, role: &RoleName| rules.standing(&permitted, account, role);
        let plan = plan::plan(wanted, &present, &session, &standing);
        if none && permitted.iter().all(|(_, roles)| roles.is_some()) {
            // The next run shall not be told the same out of what this one listed.
            context.broker(None, None)?.forget_listing(&session)?;
            self.may_empty(&plan, title)?;
        }
        apply(&mut edit.sections, &plan, self.prune).map_err(EditError::from)?;
        let orphans = match self.prune {
            true => said::orphans(&edit.sections, &plan.gone),
            false => Vec::new(),
        };
        if self.dry_run {
            let path = context.config_path();
            let diff = diff(&edit, &path, Dialect::Config);
            context.print(&context.ui.painted_diff(diff))?;
        } else {
            context.save(edit)?;
            context.broker(None, None)?.forget_listing(&session)?;
        }
        self.say(context, &plan, &present);
        for orphan in orphans {
            context.ui.warn(&orphan);
        }
        Ok(())
    }

    /// Where nothing is left to write: a slip in a rule, or a portal that lists nothing for a while,
    /// shall not take all profiles away.
    fn may_empty(&self, plan: &Plan, title: &str) -> Result<(), Error> {
        let count = plan.gone.len();
        if !self.prune || count == 0 {
            let message = format!("there is no role that you may use through {title}");
            let error = Error::new(Kind::Failed, message);
            return Err(error.hint(
                "see whether the patterns leave any, or ask whoever runs IAM Identity Center",
            ));
        }
        if self.force || self.dry_run {
            return Ok(());
        }
        let what = match count {
            1 => "the one profile".to_owned(),
            more => format!("all {more} profiles"),
        };
        let message = format!("`--prune` would remove {what} that sync wrote for {title}");
        Err(Error::new(Kind::Failed, message)
            .caused_by("there is no role left that you may use and the rules take")
            .hint("if that is right, say `--force`; `--dry-run` shows it"))
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
            Error::new(Kind::Failed, message)
                .caused_by(error.to_string())
                .hint("write it as in `{account_name|kebab}-{role_name|lower}`")
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
            some_accounts: !written.account.is_empty() || !written.exclude_account.is_empty(),
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
}

impl Rules {
    /// What this run knows of a role.
    fn standing(&self, permitted: &[Permitted], account: &AccountId, role: &RoleName) -> Standing {
        let found = permitted.iter().find(|(known, _)| known.id == *account);
        // One that is gone has no name any more that a pattern could fit.
        let nameless = Account {
            id: account.clone(),
            name: None,
            email: None,
        };
        let account = found.map_or(&nameless, |(known, _)| known);
        if !self.looked_at.0.takes_account(account) || !self.looked_at.1.takes_role(role) {
            return Standing::Unknown;
        }
        match found {
            Some((_, Some(roles))) if roles.contains(role) => Standing::Yours,
            Some((_, Some(_))) => Standing::NotYours,
            Some((_, None)) => Standing::Unknown,
            None if self.some_accounts => Standing::Unlisted,
            None => Standing::NotYours,
        }
    }
}

/// All that the person may use, as far as the rules want to know. What a dry run listed is what the next
/// run writes; another dry run is to see what has changed since.
fn list(
    context: &Context,
    session: &SsoSession,
    rules: &Rules,
    dry_run: bool,
) -> Result<Vec<Permitted>, Error> {
    let broker = context.broker(None, None)?;
    let title = name(session);
    let permitted = context.signed_in(&broker, session, || {
        let mut progress = context.ui.progress(&format!("Roles in {title}'s accounts"));
        broker.listing(
            session,
            &|account| rules.accounts.takes_account(account),
            dry_run,
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

/// What is there, by name; of the file that is edited, what each section says itself.
fn present(config: &Config, sections: &Sections) -> BTreeMap<String, Present> {
    let names = config.profile_names();
    let mut present: BTreeMap<_, _> = names
        .map(|name| (name.to_owned(), Present::default()))
        .collect();
    for (name, says) in sections.each(SectionKind::Profile) {
        let known = |key: &str| KEYS.into_iter().find(|known| *known == key);
        let settings = says.iter();
        let settings =
            settings.filter_map(|(key, value)| Some((known(key)?, value.expose().clone())));
        let settings = settings.collect();
        present.insert(name.to_owned(), Present { settings });
    }
    present
}

fn apply(sections: &mut Sections, plan: &Plan, prune: bool) -> Result<(), Refusal> {
    for (wanted, keys) in &plan.changed {
        for (key, value) in keys {
            sections.set(SectionKind::Profile, &wanted.name, key, value)?;
        }
    }
    if prune {
        for gone in &plan.gone {
            sections.remove_section(SectionKind::Profile, &gone.name);
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

fn not_a_pattern(what: &str, error: &plan::PatternError) -> Error {
    let message = format!("the rule for `{what}` can't be used");
    Error::new(Kind::Failed, message)
        .caused_by(error.to_string())
        .hint("`*` stands for anything, `?` for one character, `[ab]` for one of these; `[*]` for a `*`")
}
