//! What is cached: entries that have expired, that can't be read, and that no profile leads to.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Check, Examined, Finding, Found, Setup, names};
use crate::broker::{self, Want};
use crate::cache::{Entry, Kept, Key, Kind};
use crate::config::{SsoSession, shell_word};
use crate::credentials::Flow;
use crate::resolve::Source;

/// What may be taken away.
#[derive(Default)]
pub(super) struct Removable {
    /// What is of no use to anybody.
    pub(super) dead: Vec<Found>,
    /// How many findings are mended when that is gone.
    pub(super) mends: usize,
    /// Sign-ins that work and that no profile uses, by name.
    pub(super) sign_ins: Vec<(String, Found)>,
}

/// Says what was found, and what may be taken away. Expired entries are a note: they are on every
/// morning, and what is fetched next takes their place.
pub(super) fn check(
    setup: &Setup<'_>,
    examined: &Examined,
    now: Timestamp,
) -> (Vec<Finding>, Removable) {
    let Some(entries) = &examined.entries else {
        let listed = setup
            .context
            .cache
            .entries()
            .map_or(0, |entries| entries.len());
        let found = match listed {
            0 => Finding::ok(Check::Cache, "nothing is cached"),
            1 => Finding::note(
                Check::Cache,
                "1 entry, not looked at: the keystore is not open",
            ),
            more => {
                let text = format!("{more} entries, not looked at: the keystore is not open");
                Finding::note(Check::Cache, text)
            }
        };
        return (vec![found], Removable::default());
    };
    let uses = Uses::of(setup);
    let mut sorted = Sorted::default();
    for (entry, kept) in entries {
        sorted.add(entry, *kept, &uses, now);
    }
    sorted.findings(entries.len(), examined.listed)
}

/// Who uses which entry.
struct Uses {
    users: HashMap<String, String>,
    profiles: HashSet<String>,
    /// What no profile seems to lead to may be used all the same: a profile that can't be read leads to
    /// it, or what is in the environment of other runs.
    uncertain: bool,
    ambient: bool,
}

impl Uses {
    fn of(setup: &Setup<'_>) -> Self {
        let mut uses = Self {
            users: HashMap::new(),
            profiles: HashSet::new(),
            uncertain: setup.has_mistakes,
            ambient: false,
        };
        let wants = [false, true].map(|no_session| Want {
            no_session,
            ..Want::default()
        });
        for (name, chain) in &setup.chains {
            uses.profiles.insert(name.clone());
            let Ok(chain) = chain else {
                uses.uncertain = true;
                continue;
            };
            uses.ambient |= matches!(chain.source, Source::Ambient(_) | Source::None);
            for want in wants {
                for key in broker::keys(chain, want).unwrap_or_default() {
                    let key = key.regardless_of_duration().to_owned();
                    uses.users.entry(key).or_insert_with(|| name.clone());
                }
            }
            if let Some(session) = chain.session() {
                uses.sign_in(session);
            }
        }
        for name in setup.config.sso_session_names() {
            match setup.config.sso_session(name) {
                Ok(session) => uses.sign_in(&session),
                Err(_) => uses.uncertain = true,
            }
        }
        uses
    }

    fn sign_in(&mut self, session: &SsoSession) {
        let name = session.name.as_deref().unwrap_or(&session.start_url);
        let flows = [Flow::DeviceCode, Flow::AuthorizationCode];
        let registrations = flows.map(|flow| broker::registration_key(session, flow));
        for key in registrations
            .into_iter()
            .chain([broker::sign_in_key(session)])
        {
            self.users.insert(key.as_str().to_owned(), name.to_owned());
        }
    }

    fn user(&self, key: &Key) -> Option<&str> {
        self.users
            .get(key.regardless_of_duration())
            .map(String::as_str)
    }

    fn is_orphan(&self, key: &Key, kind: Kind) -> bool {
        let of_elsewhere = matches!(kind, Kind::AssumeRole | Kind::WebIdentity);
        if self.uncertain || (self.ambient && of_elsewhere) {
            return false;
        }
        match kind {
            Kind::AccessKey => !self.profiles.contains(bare(key)),
            _ => self.user(key).is_none(),
        }
    }
}

/// A key without what all of its kind begin with.
fn bare(key: &Key) -> &str {
    key.as_str().split_once('/').map_or("", |(_, rest)| rest)
}

/// What an entry is called for a person: by who uses it, else by its key, which may be a hash.
fn called(key: &Key, uses: &Uses) -> String {
    const READABLE: usize = 70;
    match uses.user(key) {
        Some(user) => user.to_owned(),
        None => key.as_str().chars().take(READABLE).collect(),
    }
}

#[derive(Default)]
struct Sorted {
    expired: Vec<String>,
    unreadable: Vec<String>,
    orphaned: Vec<String>,
    keys: Vec<Finding>,
    removable: Removable,
}

impl Sorted {
    fn add(&mut self, entry: &Entry, kept: Kept, uses: &Uses, now: Timestamp) {
        let key = &entry.key;
        // A later vault's is its own affair.
        let Some(kind) = key.kind() else { return };
        let name = called(key, uses);
        let renewable = matches!(kept, Kept::Whole { renewable: true });
        let expired = entry.expires_at.is_some_and(|end| end <= now) && !renewable;
        let readable = matches!(kept, Kept::Whole { .. });
        if kind == Kind::AccessKey {
            return self.long_lived(bare(key), kept, uses.is_orphan(key, kind));
        }
        if kind == Kind::Rotation {
            return self.rotation(bare(key), readable);
        }
        let list = if !readable {
            &mut self.unreadable
        } else if expired {
            &mut self.expired
        } else if !uses.is_orphan(key, kind) {
            return;
        } else if kind == Kind::SignIn {
            let name = bare(key)
                .trim_end_matches('|')
                .replace('|', ", sso-session ");
            self.removable.sign_ins.push((name, (entry.clone(), kept)));
            return;
        } else {
            &mut self.orphaned
        };
        if !list.contains(&name) {
            list.push(name);
        }
        self.removable.dead.push((entry.clone(), kept));
    }

    /// They can't be had again, so they are never taken away here.
    fn long_lived(&mut self, profile: &str, kept: Kept, orphan: bool) {
        let wrong = |text: String| Finding::wrong(Check::Cache, text);
        let word = shell_word(profile);
        if !matches!(kept, Kept::Whole { .. }) {
            let text = format!("the long-lived key of `{profile}` is listed, and can't be read");
            let hint = match kept {
                Kept::Missing => format!("store it again: `vault add {word}`"),
                _ => {
                    format!("use the newer vault that stored it; `vault remove {word}` forgets it")
                }
            };
            self.keys.push(wrong(text).hint(hint));
        } else if orphan {
            let text = format!("there is a long-lived key for `{profile}`, and no such profile");
            let hint = format!("`vault remove {word}` forgets it; or write `[profile {word}]`");
            self.keys.push(wrong(text).hint(hint));
        }
    }

    /// One that was stopped may hold the only copy of the new key, so it is never taken away here either.
    fn rotation(&mut self, profile: &str, readable: bool) {
        let state = if readable {
            "has begun, and not ended"
        } else {
            "is listed, and can't be read"
        };
        let text = format!("a rotation of the long-lived key of `{profile}` {state}");
        let word = shell_word(profile);
        let hint = format!("`vault rotate {word}` goes on, or says what it finds at IAM");
        self.keys
            .push(Finding::wrong(Check::Cache, text).hint(hint));
    }

    fn findings(self, looked_at: usize, listed: usize) -> (Vec<Finding>, Removable) {
        const REMOVES: &str = "`vault doctor --fix` takes them away";
        let mut findings = self.keys;
        let mut removable = self.removable;
        let wrong = [&self.unreadable, &self.orphaned];
        removable.mends = wrong.iter().filter(|list| !list.is_empty()).count();
        let mut add =
            |list: &[String], what: &str, state: fn(Check, String) -> Finding, hint: &str| {
                if !list.is_empty() {
                    let text = format!("{what}: {}", names(list));
                    findings.push(state(Check::Cache, text).hint(format!("{REMOVES}; {hint}")));
                }
            };
        add(
            &self.unreadable,
            "listed, and can't be read",
            Finding::wrong,
            "what is needed is fetched anew",
        );
        add(
            &self.orphaned,
            "no profile leads there",
            Finding::wrong,
            "nobody needs them",
        );
        add(
            &self.expired,
            "expired",
            Finding::note,
            "what is fetched next takes their place in any case",
        );
        for (name, _) in &removable.sign_ins {
            let text = format!("somebody is signed in to {name}, which no profile uses");
            findings.push(Finding::wrong(Check::Cache, text).hint(
                "on a terminal `vault doctor` asks whether to forget it; `vault clear --sign-ins` \
                 forgets all",
            ));
        }
        if looked_at < listed {
            let text =
                format!("{looked_at} of {listed} entries were looked at: the keystore takes long");
            findings.push(Finding::note(Check::Cache, text));
        }
        if findings.is_empty() {
            let text = match listed {
                0 => "nothing is cached".to_owned(),
                1 => "1 entry, which can be read and is in use".to_owned(),
                more => format!("{more} entries, which can be read and are in use"),
            };
            findings.push(Finding::ok(Check::Cache, text));
        }
        (findings, removable)
    }
}
