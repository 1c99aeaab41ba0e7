//! What `configure` makes of what a person may use: profiles by a template and by rules, and what
//! that changes in the configuration. Pure: it reads no file, asks nobody, and writes nothing.

pub mod portal;
mod rules;
mod template;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::config::{SYNC_KEY, SsoSession};
use crate::credentials::{Account, AccountId, RoleName};

pub use rules::{Choice, PatternError, Regions};
pub use template::{DEFAULT, Template, kebab};

/// A profile that there shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is called.
    pub name: String,
    /// The account.
    pub account: Account,
    /// The role in it.
    pub role: RoleName,
    /// What the rules say about its region.
    pub region: Option<String>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Two would have one name.
    #[error("two profiles would be called `{}`: {} and {}", .0.name, what(.0), what(.1))]
    Collision(Box<Wanted>, Box<Wanted>),
    /// A name that no profile can have.
    #[error("a profile can't be called `{}` ({}): {why}", .wanted.name, what(.wanted))]
    Name {
        /// Whose.
        wanted: Box<Wanted>,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A role as a person knows it: `Admin in Prod (222222222222)`.
pub fn what(wanted: &Wanted) -> String {
    let (role, id) = (&wanted.role, &wanted.account.id);
    match &wanted.account.name {
        Some(name) => format!("{role} in {name} ({id})"),
        None => format!("{role} in {id}"),
    }
}

/// What is wrong with a profile's name, if anything: it has to come back out of a section's header.
pub fn flaw(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.trim() != name {
        Some("it is empty, or has white space at its ends")
    } else if name.contains(char::is_control) {
        Some("a control character is in it")
    } else if name.contains(['[', ']']) {
        Some("a `[` or `]` is in it")
    } else if name.contains(['"', '\'', '\\']) {
        Some("a quotation mark or a backslash is in it")
    } else {
        None
    }
}

/// The profiles that there shall be, in the order of their accounts and roles.
///
/// # Errors
///
/// See [`PlanError`]: the first that goes wrong.
pub fn wanted<'p>(
    permitted: impl Iterator<Item = (&'p Account, &'p [RoleName])>,
    session: &str,
    template: &Template,
    roles: &Choice,
    regions: &Regions,
) -> Result<Vec<Wanted>, PlanError> {
    let mut all: Vec<Wanted> = Vec::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    for (account, of_account) in permitted {
        let taken: BTreeSet<_> = of_account.iter().filter(|r| roles.takes_role(r)).collect();
        for role in taken {
            let one = Wanted {
                name: template.name(account, role, session),
                account: account.clone(),
                role: role.clone(),
                region: regions.region(account, role).map(str::to_owned),
            };
            if let Some(why) = flaw(&one.name) {
                let wanted = Box::new(one);
                return Err(PlanError::Name { wanted, why });
            }
            if let Some(other) = names.insert(one.name.clone(), all.len()) {
                let other = Box::new(all.swap_remove(other));
                return Err(PlanError::Collision(other, Box::new(one)));
            }
            all.push(one);
        }
    }
    all.sort_by(|a, b| (&a.account.id, &a.role).cmp(&(&b.account.id, &b.role)));
    Ok(all)
}

/// A profile that is there.
#[derive(Debug, Default)]
pub struct Present {
    /// What its section says, as far as it is `configure`'s affair.
    pub settings: BTreeMap<&'static str, String>,
}

/// The keys that `configure` writes.
pub const KEYS: [&str; 5] = [
    "sso_session",
    "sso_account_id",
    "sso_role_name",
    "region",
    SYNC_KEY,
];

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// Profiles to write, all keys of each.
    pub new: Vec<(Wanted, Settings)>,
    /// Profiles to mend: those of their keys that are no longer right.
    pub changed: Vec<(Wanted, Settings)>,
    /// Those that were written by sync, and that nothing asks for any more.
    pub gone: Vec<String>,
    /// Those that somebody wrote by hand, and that have a name that is wanted.
    pub taken: Vec<Wanted>,
    /// How many are as they shall be.
    pub unchanged: usize,
}

/// Keys and their values.
pub type Settings = Vec<(&'static str, String)>;

/// What a profile's section says.
pub fn settings(wanted: &Wanted, session: &str, synced: bool) -> Settings {
    let mut settings = vec![
        ("sso_session", session.to_owned()),
        ("sso_account_id", wanted.account.id.as_str().to_owned()),
        ("sso_role_name", wanted.role.as_str().to_owned()),
    ];
    settings.extend(wanted.region.clone().map(|region| ("region", region)));
    if synced {
        settings.push((SYNC_KEY, session.to_owned()));
    }
    settings
}

/// Compares what there shall be with what is there. `in_question` says of an account and a role
/// whether this run looked at them: what it did not look at is not gone.
pub fn plan(
    wanted: Vec<Wanted>,
    present: &BTreeMap<String, Present>,
    session: &SsoSession,
    in_question: &dyn Fn(&AccountId, &RoleName) -> bool,
) -> Plan {
    let session = session.name.as_deref().unwrap_or_default();
    let ours = |p: &Present| p.settings.get(SYNC_KEY).is_some_and(|by| by == session);
    let names: BTreeSet<_> = wanted.iter().map(|wanted| wanted.name.clone()).collect();
    let mut plan = Plan::default();
    for one in wanted {
        let settings = settings(&one, session, true);
        match present.get(&one.name) {
            None => plan.new.push((one, settings)),
            Some(present) if !ours(present) => plan.taken.push(one),
            Some(present) => {
                let wrong =
                    |(key, value): &(&str, String)| present.settings.get(key) != Some(value);
                let wrong: Settings = settings.into_iter().filter(wrong).collect();
                if wrong.is_empty() {
                    plan.unchanged += 1;
                } else {
                    plan.changed.push((one, wrong));
                }
            }
        }
    }
    for (name, present) in present {
        let setting = |key| present.settings.get(key).map_or("", String::as_str);
        let account = AccountId::parse(setting("sso_account_id"));
        let role = RoleName::parse(setting("sso_role_name"));
        let looked_at = account.zip(role).is_none_or(|(a, r)| in_question(&a, &r));
        if ours(present) && !names.contains(name) && looked_at {
            plan.gone.push(name.clone());
        }
    }
    plan
}

/// A short name for a profile that is not taken yet: the account's, with the role where it has to be
/// told from another, then a number.
pub fn proposal(account: &Account, role: &RoleName, taken: &dyn Fn(&str) -> bool) -> String {
    let account_name = account.name.as_deref().map(kebab).filter(|n| !n.is_empty());
    let short = account_name.unwrap_or_else(|| account.id.as_str().to_owned());
    let long = format!("{short}-{}", kebab(role.as_str()));
    let numbered = (2..).map(|number| format!("{long}-{number}"));
    let mut names = [short, long.clone()].into_iter().chain(numbered);
    names.find(|name| !taken(name)).unwrap_or(long)
}
