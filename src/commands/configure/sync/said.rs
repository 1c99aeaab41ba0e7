//! What sync says of what it did.

use std::collections::{BTreeMap, BTreeSet};

use super::super::next;
use super::Args;
use crate::commands::context::Context;
use crate::config::SectionKind;
use crate::config::edit::Sections;
use crate::plan::{Gone, Plan, Present, Settings, Wanted, Why, what};

/// So many names are said one by one; of more, how many.
const SAID: usize = 20;

/// Keys that name another profile.
const NEEDS: [&str; 3] = ["source_profile", "include_profile", "parent_profile"];

impl Args {
    /// Says what was done, or with `--dry-run` what would be.
    pub(super) fn say(&self, context: &Context, plan: &Plan, present: &BTreeMap<String, Present>) {
        let path = context.config_path();
        let ui = &context.ui;
        // The first time all are new, and there is nothing to tell them from.
        if present.values().any(|p| p.synced_by().is_some()) {
            let new = plan.new.iter();
            each(
                context,
                new.map(|(wanted, _)| format!("New: {}, {}", wanted.name, what(wanted))),
            );
        }
        each(context, plan.changed.iter().map(changed));
        each(context, plan.gone.iter().map(|gone| self.gone(gone)));
        for wanted in &plan.taken {
            let by = present.get(&wanted.name).and_then(Present::synced_by);
            let by = by.map_or("was not written by sync".to_owned(), |session| {
                format!("was written by the sync of `{session}`")
            });
            ui.warn(&format!(
                "`{}` {by} and stays as it is: {} has no profile of that name",
                wanted.name,
                what(wanted)
            ));
        }
        if !self.prune && !plan.gone.is_empty() {
            ui.note("`vault configure sync --prune` removes what sync wrote and nothing asks for.");
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
        let placeless = plan
            .new
            .iter()
            .filter(|(wanted, _)| wanted.region.is_none());
        match placeless.count() {
            0 => {}
            some => ui.note(&format!(
                "{some} of them have no region: `--region`, or a rule in config.toml, gives them one."
            )),
        }
        if let Some((wanted, _)) = plan.new.first().filter(|_| !self.dry_run) {
            next(context, &wanted.name);
        }
    }

    fn gone(&self, gone: &Gone) -> String {
        let Gone { name, why } = gone;
        let removed = match (self.prune, self.dry_run) {
            (true, false) => " (removed)",
            (true, true) => " (would be removed)",
            (false, _) => "",
        };
        match why {
            Why::Renamed(now) => format!("Called {now} now: {name}{removed}"),
            Why::LeftOut => format!("Left out by the rules: {name}{removed}"),
            Why::NotYours => format!("No longer yours: {name}{removed}"),
            Why::Unlisted => {
                format!("No longer yours, or left out by the rules: {name}{removed}")
            }
        }
    }
}

/// What there is to say of the profiles that need one of those that went out of `sections`: sync writes
/// none that does, so they are the person's.
pub(super) fn orphans(sections: &Sections, gone: &[Gone]) -> Vec<String> {
    let gone: BTreeSet<_> = gone.iter().map(|gone| gone.name.as_str()).collect();
    let mut orphans = Vec::new();
    for (name, says) in sections.each(SectionKind::Profile) {
        let needs = says.iter().filter(|(key, value)| {
            NEEDS.contains(&key.as_str()) && gone.contains(value.expose().as_str())
        });
        orphans.extend(needs.map(|(key, value)| {
            format!(
                "`{name}` needs `{}`, which does not stay: name another `{key}`",
                value.expose()
            )
        }));
    }
    orphans
}

fn changed((wanted, keys): &(Wanted, Settings)) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    format!("Changed: {}: {}", wanted.name, keys.join(", "))
}

fn each(context: &Context, lines: impl ExactSizeIterator<Item = String>) {
    let more = lines.len().saturating_sub(SAID);
    for line in lines.take(SAID) {
        context.ui.note(&line);
    }
    if more > 0 {
        context.ui.note(&format!("… and {more} more like this"));
    }
}

fn count(profiles: usize) -> String {
    match profiles {
        1 => "1 profile".to_owned(),
        more => format!("{more} profiles"),
    }
}
