//! What `configure` makes of what a person may use: profiles by a template and by rules, and what
//! that changes in the configuration; and what `import` makes of other tools' sections. Pure: it reads
//! no file, asks nobody, and writes nothing.

pub mod portal;
mod rules;
pub mod takeover;
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
    } else if name.starts_with('-') {
        Some("it begins with a hyphen, as an option does")
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
    /// What its own section in the config file says, as far as it is `configure`'s affair: what it
    /// includes from another profile is that one's.
    pub settings: BTreeMap<&'static str, String>,
}

impl Present {
    fn says(&self, key: &str) -> &str {
        self.settings.get(key).map_or("", String::as_str)
    }

    /// The sso-session whose sync wrote it.
    pub fn synced_by(&self) -> Option<&str> {
        self.settings.get(SYNC_KEY).map(String::as_str)
    }
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
    pub gone: Vec<Gone>,
    /// Those that are not this sync's, and that have a name that is wanted for something else.
    pub taken: Vec<Wanted>,
    /// How many are as they shall be, whoever wrote them.
    pub unchanged: usize,
}

/// A profile that sync wrote, and that nothing asks for any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone {
    /// What it is called.
    pub name: String,
    /// Why it is not asked for.
    pub why: Why,
}

/// Why a profile that sync wrote is not asked for any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The template gives its role this name now.
    Renamed(String),
    /// The rules don't take it.
    LeftOut,
    /// The person may not use it.
    NotYours,
    /// One of the two: the account was not asked about.
    Unlisted,
}

/// What a run knows of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It did not look.
    Unknown,
    /// The person may use it.
    Yours,
    /// They may not.
    NotYours,
    /// Its account is not among those that were asked about.
    Unlisted,
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

/// Compares what there shall be with what is there. `standing` says of an account and a role what this
/// run knows: what it did not look at is not gone.
pub fn plan(
    wanted: Vec<Wanted>,
    present: &BTreeMap<String, Present>,
    session: &SsoSession,
    standing: &dyn Fn(&AccountId, &RoleName) -> Standing,
) -> Plan {
    let session = session.name.as_deref().unwrap_or_default();
    let ours = |p: &Present| p.synced_by() == Some(session);
    let role = |wanted: &Wanted| (wanted.account.id.clone(), wanted.role.clone());
    let names: HashMap<_, _> = wanted.iter().map(|w| (role(w), w.name.clone())).collect();
    let mut plan = Plan::default();
    let mut as_wanted = BTreeSet::new();
    for one in wanted {
        as_wanted.insert(one.name.clone());
        let settings = settings(&one, session, true);
        let Some(there) = present.get(&one.name) else {
            plan.new.push((one, settings));
            continue;
        };
        let wrong = |(key, value): &(&str, String)| there.says(key) != value;
        if !ours(there) {
            // By hand, and yet what sync would have written: it may have a region of its own.
            let same = !settings[..ROLE_KEYS].iter().any(wrong);
            match same {
                true => plan.unchanged += 1,
                false => plan.taken.push(one),
            }
            continue;
        }
        let wrong: Settings = settings.into_iter().filter(wrong).collect();
        match wrong.is_empty() {
            true => plan.unchanged += 1,
            false => plan.changed.push((one, wrong)),
        }
    }
    for (name, there) in present {
        if !ours(there) || as_wanted.contains(name) {
            continue;
        }
        let account = AccountId::parse(there.says("sso_account_id"));
        let role = RoleName::parse(there.says("sso_role_name"));
        let role = account.zip(role);
        let now = role.as_ref().and_then(|role| names.get(role)).cloned();
        let standing = role.map_or(Standing::NotYours, |(a, r)| standing(&a, &r));
        let why = match (now, standing) {
            (_, Standing::Unknown) => continue,
            (Some(now), _) => Why::Renamed(now),
            (None, Standing::Yours) => Why::LeftOut,
            (None, Standing::NotYours) => Why::NotYours,
            (None, Standing::Unlisted) => Why::Unlisted,
        };
        let name = name.clone();
        plan.gone.push(Gone { name, why });
    }
    plan
}

/// The first of a profile's settings: those that say which role it is.
const ROLE_KEYS: usize = 3;

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
