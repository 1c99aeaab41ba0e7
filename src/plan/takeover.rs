//! What `import` makes of sections that were written for another tool: Granted's own keys, and programs
//! of other tools in `credential_process`. Pure: it looks at one file's sections, and edits those.

mod command;

#[cfg(test)]
mod tests;

use crate::config::edit::{Refusal, Sections};
use crate::config::{SectionKind, shell_words};
use crate::credentials::{AccountId, RoleName};

use super::portal::StartUrl;
use super::{flaw, kebab};
use command::Meaning;

/// Another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// aws-vault, of 99designs and of those who went on with it.
    AwsVault,
    /// Granted.
    Granted,
    /// aws2-wrap.
    Aws2Wrap,
}

impl Tool {
    /// What it calls itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwsVault => "aws-vault",
            Self::Granted => "Granted",
            Self::Aws2Wrap => "aws2-wrap",
        }
    }
}

/// A profile's section that could be another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Whose habit it is.
    pub tool: Tool,
    /// The profile.
    pub profile: String,
    /// What it becomes.
    pub becomes: Becomes,
}

/// What a section becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// A profile of an sso-session, with the keys that every AWS client knows.
    Sso {
        /// The sso-session, which may have to be added.
        session: Session,
        /// The account.
        account: AccountId,
        /// The role in it.
        role: RoleName,
        /// Whether the tool's program goes.
        program: bool,
    },
    /// A profile whose program is vault.
    Export {
        /// The new `credential_process`.
        command: String,
        /// The profile whose credentials it prints.
        of: String,
    },
}

/// Where a person signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What its section is called.
    pub name: String,
    url: String,
    region: String,
}

/// A section that stays as it is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Whose habit it is.
    pub tool: Tool,
    /// The profile.
    pub profile: String,
    /// A fragment.
    pub why: String,
}

/// What there is for one tool, or several.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Takeover {
    /// In the order of the file.
    pub rewrites: Vec<Rewrite>,
    /// What no rewrite is known for.
    pub left: Vec<Left>,
    /// Which of aws-vault's own keys are in use, which vault understands as they are, and in how many
    /// profiles.
    pub understood: Vec<(&'static str, usize)>,
}

/// What aws-vault knows and the AWS CLI does not, and vault reads as aws-vault does.
const UNDERSTOOD: [&str; 6] = [
    "include_profile",
    "parent_profile",
    "mfa_process",
    "session_tags",
    "transitive_session_tags",
    "source_identity",
];

/// What aws-vault knows and vault does not.
const UNKNOWN: &str = "web_identity_token_process";

const PROGRAM: &str = "credential_process";
const URL: &str = "granted_sso_start_url";
const REGION: &str = "granted_sso_region";
const ACCOUNT: &str = "granted_sso_account_id";
const ROLE: &str = "granted_sso_role_name";
const GRANTED: [&str; 4] = [URL, REGION, ACCOUNT, ROLE];

/// What makes a profile one that needs no program: as `resolve` has it.
const SOURCES: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "role_arn",
    "web_identity_token_file",
    "login_session",
];

/// Looks through a config file for what `tools` left there. `has_key` is whether there is a long-lived
/// key for the profile of that name, in vault or in a file.
pub fn takeover(sections: &Sections, tools: &[Tool], has_key: &dyn Fn(&str) -> bool) -> Takeover {
    let mut found = Takeover::default();
    let mut sessions = Sessions::of(sections);
    let mut names: Vec<&str> = sections.names(SectionKind::Profile).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    for profile in names {
        let section = Section { sections, profile };
        if tools.contains(&Tool::Granted) && GRANTED.iter().any(|key| section.has(key)) {
            match section.sso(&mut sessions) {
                Ok(becomes) => found.rewrite(Tool::Granted, profile, becomes),
                Err(why) => found.leave(Tool::Granted, profile, why),
            }
            continue;
        }
        section.program(tools, has_key, &mut found);
        if tools.contains(&Tool::AwsVault) && section.has(UNKNOWN) {
            let why =
                format!("vault knows no `{UNKNOWN}`: write the token to a file, and name that");
            found.leave(Tool::AwsVault, profile, why);
        }
    }
    if tools.contains(&Tool::AwsVault) {
        found.understood = understood(sections);
    }
    found
}

/// Writes it.
///
/// # Errors
///
/// The section can't be edited so.
pub fn apply(sections: &mut Sections, rewrite: &Rewrite) -> Result<(), Refusal> {
    let profile = &rewrite.profile;
    let (kind, session_kind) = (SectionKind::Profile, SectionKind::SsoSession);
    match &rewrite.becomes {
        Becomes::Export { command, .. } => sections.set(kind, profile, PROGRAM, command),
        Becomes::Sso {
            session,
            account,
            role,
            program,
        } => {
            if !sections.has(session_kind, &session.name) {
                let keys = [
                    ("sso_start_url", session.url.as_str()),
                    ("sso_region", session.region.as_str()),
                    ("sso_registration_scopes", "sso:account:access"),
                ];
                sections.add(session_kind, &session.name, &keys)?;
            }
            sections.set(kind, profile, "sso_session", &session.name)?;
            sections.set(kind, profile, "sso_account_id", account.as_str())?;
            sections.set(kind, profile, "sso_role_name", role.as_str())?;
            for key in GRANTED.iter().chain(program.then_some(&PROGRAM)) {
                sections.remove(kind, profile, key)?;
            }
            Ok(())
        }
    }
}

impl Takeover {
    fn rewrite(&mut self, tool: Tool, profile: &str, becomes: Becomes) {
        let profile = profile.to_owned();
        self.rewrites.push(Rewrite {
            tool,
            profile,
            becomes,
        });
    }

    fn leave(&mut self, tool: Tool, profile: &str, why: String) {
        let profile = profile.to_owned();
        self.left.push(Left { tool, profile, why });
    }
}

/// A profile's section.
#[derive(Clone, Copy)]
struct Section<'s> {
    sections: &'s Sections,
    profile: &'s str,
}

impl Section<'_> {
    fn get(&self, key: &str) -> Option<String> {
        let value = self.sections.get(SectionKind::Profile, self.profile, key)?;
        Some(value.expose().clone())
    }

    fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// What Granted's keys say, as everybody's.
    fn sso(&self, sessions: &mut Sessions) -> Result<Becomes, String> {
        let value = |key: &str| match self.get(key) {
            Some(value) if !value.is_empty() => Ok(value),
            Some(_) => Err(format!("`{key}` has no value")),
            None => Err(format!("`{key}` is missing")),
        };
        let [url, region, account, role] =
            [value(URL)?, value(REGION)?, value(ACCOUNT)?, value(ROLE)?];
        let own = [
            "sso_session",
            "sso_start_url",
            "sso_account_id",
            "sso_role_name",
        ];
        if let Some(key) = own.into_iter().find(|key| self.has(key)) {
            return Err(format!(
                "it has a `{key}` beside Granted's keys: take one of the two out"
            ));
        }
        let account = AccountId::parse(&account)
            .ok_or_else(|| format!("`{ACCOUNT}` is no account: it has 12 digits"))?;
        let role = RoleName::parse(&role).ok_or_else(|| format!("`{ROLE}` is no role's name"))?;
        let program = self.get(PROGRAM);
        let program = program.and_then(|line| Meaning::of(&shell_words(&line)?));
        Ok(Becomes::Sso {
            session: sessions.at(&url, &region),
            account,
            role,
            program: program.is_some_and(|meaning| meaning.tool == Tool::Granted),
        })
    }

    /// What its program becomes, where that is one of `tools`.
    fn program(&self, tools: &[Tool], has_key: &dyn Fn(&str) -> bool, found: &mut Takeover) {
        let Some(meaning) = self
            .get(PROGRAM)
            .and_then(|line| Meaning::of(&shell_words(&line)?))
        else {
            return;
        };
        let tool = meaning.tool;
        if !tools.contains(&tool) {
            return;
        }
        let exists = |name: &str| self.sections.has(SectionKind::Profile, name) || has_key(name);
        let becomes = meaning.export().and_then(|(of, command)| {
            if !exists(&of) {
                return Err(format!("it is for a profile `{of}`, which isn't there"));
            }
            let here = SOURCES.iter().any(|key| self.has(key)) || has_key(&of);
            if of == self.profile && !here {
                let tool = tool.name();
                return Err(format!(
                    "its key is {tool}'s: take that over first, or give it to `vault add`"
                ));
            }
            Ok(Becomes::Export { command, of })
        });
        match becomes {
            Ok(becomes) => found.rewrite(tool, self.profile, becomes),
            Err(why) => found.leave(tool, self.profile, why),
        }
    }
}

/// The sso-sessions that there are, and those that there will be.
struct Sessions(Vec<Session>);

impl Sessions {
    fn of(sections: &Sections) -> Self {
        let kind = SectionKind::SsoSession;
        let value = |name: &str, key: &str| {
            let value = sections.get(kind, name, key);
            value
                .map(|value| value.expose().clone())
                .unwrap_or_default()
        };
        let session = |name: &str| Session {
            name: name.to_owned(),
            url: value(name, "sso_start_url"),
            region: value(name, "sso_region"),
        };
        Self(sections.names(kind).map(session).collect())
    }

    /// The one at that address, or a new one.
    fn at(&mut self, url: &str, region: &str) -> Session {
        let there = |one: &&Session| normal(&one.url) == normal(url) && one.region == region;
        if let Some(session) = self.0.iter().find(there) {
            return session.clone();
        }
        let parsed = StartUrl::parse(url).ok();
        let own = parsed.as_ref().and_then(|parsed| parsed.name.as_deref());
        let stem = own.map(kebab).filter(|name| flaw(name).is_none());
        let stem = stem.unwrap_or_else(|| "sso".to_owned());
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let free = |name: &String| self.0.iter().all(|one| one.name != *name);
        let name = std::iter::once(stem.clone()).chain(numbered).find(free);
        let session = Session {
            name: name.expect("numbers don't end"),
            url: parsed.map_or_else(|| url.to_owned(), |parsed| parsed.url),
            region: region.to_owned(),
        };
        self.0.push(session.clone());
        session
    }
}

/// An address as two ways to write it are the same.
fn normal(url: &str) -> String {
    StartUrl::parse(url).map_or_else(
        |_| url.trim_end_matches(['/', '#']).to_owned(),
        |url| url.url,
    )
}

fn understood(sections: &Sections) -> Vec<(&'static str, usize)> {
    let count = |key: &str| {
        let names = sections.names(SectionKind::Profile);
        let with = names.filter(|profile| Section { sections, profile }.has(key));
        with.count()
    };
    let counted = UNDERSTOOD.map(|key| (key, count(key)));
    counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}
