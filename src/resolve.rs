//! Where a profile's credentials come from: configuration and a name in, a [`Chain`] out. Pure.
//!
//! A chain is a source and the roles to assume from it, one after the other. Which of a profile's
//! settings counts is [`own_source`] and [`assumes`]: the order of the AWS CLI, in one place.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::config::{
    Config, ConfigError, CredentialSource, KeyFile, Place, Profile, Role, Sso, SsoRole, SsoSession,
    closest,
};

/// Where credentials come from, and how they become a profile's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whose credentials these are.
    pub profile: String,
    /// Where it begins.
    pub source: Source,
    /// The profile that has the source: `profile` itself, where there are no roles.
    pub root: String,
    /// In the order in which they are assumed; the last one is `profile`'s.
    pub roles: Vec<AssumeRole>,
    /// The profile's.
    pub region: Option<String>,
}

/// Where a chain begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Role credentials of IAM Identity Center.
    Sso(SsoRole),
    /// A long-lived key in one of the files.
    AccessKey,
    /// A role, for a token in a file.
    WebIdentity,
    /// What a program prints.
    CredentialProcess,
    /// The AWS CLI's own console sign-in.
    LoginSession,
    /// `credential_source`: the environment, the instance or the container.
    Ambient(CredentialSource),
    /// The files name none; the keystore may hold a long-lived key of this profile.
    None,
}

/// A role to assume with the credentials before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// The profile that says so.
    pub profile: String,
    /// Which role.
    pub role_arn: String,
    /// `RoleSessionName`
    pub session_name: Option<String>,
    /// `ExternalId`
    pub external_id: Option<String>,
    /// `DurationSeconds`
    pub duration: Option<u32>,
    /// `SerialNumber`: a code of this device is needed.
    pub mfa_serial: Option<String>,
    /// `SourceIdentity`
    pub source_identity: Option<String>,
    /// `Tags`
    pub tags: Vec<(String, String)>,
    /// `TransitiveTagKeys`
    pub transitive_tags: Vec<String>,
    /// Where to ask STS: the region of the role's profile, else of the chain's.
    pub region: Option<String>,
}

/// What `list` calls a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Role credentials of IAM Identity Center.
    Sso,
    /// The last step is a role, wherever the chain begins.
    AssumeRole,
    /// A long-lived key.
    AccessKey,
    /// A role, for a token in a file.
    WebIdentity,
    /// What a program prints.
    CredentialProcess,
    /// The AWS CLI's own console sign-in.
    LoginSession,
    /// Nothing that the files know.
    None,
}

impl SourceKind {
    /// The word in `list --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sso => "sso",
            Self::AssumeRole => "assume-role",
            Self::AccessKey => "access-key",
            Self::WebIdentity => "web-identity",
            Self::CredentialProcess => "credential-process",
            Self::LoginSession => "login-session",
            Self::None => "none",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Source {
    /// The key in the profile that says so, for messages.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Sso(_) => "sso_account_id",
            Self::AccessKey => "aws_access_key_id",
            Self::WebIdentity => "web_identity_token_file",
            Self::CredentialProcess => "credential_process",
            Self::LoginSession => "login_session",
            Self::Ambient(_) => "credential_source",
            Self::None => "none",
        }
    }
}

impl Chain {
    /// What `list` calls it.
    pub const fn kind(&self) -> SourceKind {
        if !self.roles.is_empty() {
            return SourceKind::AssumeRole;
        }
        match self.source {
            Source::Sso(_) => SourceKind::Sso,
            Source::AccessKey => SourceKind::AccessKey,
            Source::WebIdentity => SourceKind::WebIdentity,
            Source::CredentialProcess => SourceKind::CredentialProcess,
            Source::LoginSession => SourceKind::LoginSession,
            // It goes with a role, which is above.
            Source::Ambient(_) | Source::None => SourceKind::None,
        }
    }

    /// Where a person signs in for it.
    pub const fn session(&self) -> Option<&SsoSession> {
        match &self.source {
            Source::Sso(role) => Some(&role.session),
            _ => None,
        }
    }
}

/// Why a name leads to no chain.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The files say nothing usable about the profile itself.
    #[error("profile `{profile}` cannot be used")]
    Profile {
        /// The one that was asked for.
        profile: String,
        /// What they say.
        #[source]
        source: ConfigError,
    },
    /// The same about a profile on the way to the source.
    #[error("profile `{profile}` needs profile `{link}`, which cannot be used")]
    Link {
        /// The one that was asked for.
        profile: String,
        /// The one it needs.
        link: String,
        /// What they say.
        #[source]
        source: ConfigError,
    },
    /// There is no such profile: a variant of its own, as nothing needs adding to it.
    #[error(transparent)]
    NoSuchProfile(ConfigError),
    /// `source_profile` leads back to where it was.
    #[error("{at}: source_profile: it goes round in a loop: {}", links.join(" → "))]
    Loop {
        /// The line that closes it.
        at: Place,
        /// Every profile on the way; the last one is among those before it.
        links: Vec<String>,
    },
    /// Neither an sso-session nor a profile has that name.
    #[error("there is no sso-session or profile `{word}`")]
    NoSuchSession {
        /// What was asked for.
        word: String,
        /// At most three that look like it, the closest first.
        closest: Vec<String>,
    },
    /// The profile's chain does not begin at IAM Identity Center.
    #[error("profile `{profile}` does not sign in through IAM Identity Center")]
    NotSso {
        /// Which.
        profile: String,
        /// Where its credentials come from.
        kind: SourceKind,
    },
    /// The sso-session's section can't be meant.
    #[error("sso-session `{session}` cannot be used")]
    Session {
        /// Which.
        session: String,
        /// What is wrong with it.
        #[source]
        source: ConfigError,
    },
}

/// The chain of the profile of that name.
///
/// # Errors
///
/// There is no such profile, or what the files say can't be meant.
pub fn resolve(config: &Config, name: &str) -> Result<Chain, ResolveError> {
    let top = config.profile(name).map_err(|e| unusable(name, name, e))?;
    let region = top.region.clone();
    let mut links = vec![name.to_owned()];
    let mut roles = Vec::new();
    let mut profile = top;
    let source = loop {
        let Some(role) = assumes(&profile, links.len() > 1) else {
            break own_source(&profile);
        };
        roles.push(assume(role, &profile, region.as_deref()));
        match origin(role, &profile).map_err(|e| unusable(name, &profile.name, e))? {
            Origin::Ambient(source) => break Source::Ambient(source),
            Origin::Profile(next) if next == profile.name => match own_source(&profile) {
                Source::None => return Err(round(role, links, next)),
                own => break own,
            },
            Origin::Profile(next) if links.contains(&next) => {
                return Err(round(role, links, next));
            }
            Origin::Profile(next) => {
                profile = follow(config, name, role, &next)?;
                links.push(next);
            }
        }
    };
    roles.reverse();
    Ok(Chain {
        profile: name.to_owned(),
        source,
        root: profile.name,
        roles,
        region,
    })
}

/// What `vault login WORD` signs in to: the sso-session of that name, else the one that the profile's
/// chain begins with.
///
/// # Errors
///
/// There is neither, or it does not lead to a sign-in.
pub fn resolve_session(config: &Config, word: &str) -> Result<SsoSession, ResolveError> {
    match config.sso_session(word) {
        Ok(session) => return Ok(session),
        Err(ConfigError::NoSuchSession { .. }) => {}
        Err(source) => {
            let session = word.to_owned();
            return Err(ResolveError::Session { session, source });
        }
    }
    let chain = resolve(config, word).map_err(|e| match e {
        ResolveError::NoSuchProfile(_) => ResolveError::NoSuchSession {
            word: word.to_owned(),
            closest: closest(
                word,
                config.sso_session_names().chain(config.profile_names()),
            ),
        },
        other => other,
    })?;
    if let Some(session) = chain.session() {
        return Ok(session.clone());
    }
    // An sso-session without account and role gives tokens, and no credentials.
    match config.profile(word).map(|profile| profile.sso) {
        Ok(Some(sso)) => Ok(sso.session().clone()),
        _ => Err(ResolveError::NotSso {
            profile: word.to_owned(),
            kind: chain.kind(),
        }),
    }
}

/// The role that a profile assumes, if that is how it gets its credentials. As another's source, a
/// profile with a long-lived key stands for that key, whatever role it assumes otherwise.
fn assumes(profile: &Profile, as_source: bool) -> Option<&Role> {
    let web_identity = profile.get("web_identity_token_file").is_some();
    let keys = as_source && profile.has_static_keys();
    profile.role.as_ref().filter(|_| !web_identity && !keys)
}

/// A profile's own source, when it assumes no role: the first of these that it has. So a profile that
/// says SSO is SSO, with a long-lived key or without.
fn own_source(profile: &Profile) -> Source {
    if profile.get("web_identity_token_file").is_some() {
        Source::WebIdentity
    } else if let Some(Sso::Role(role)) = &profile.sso {
        Source::Sso(role.clone())
    } else if profile.access_key == Some(KeyFile::Credentials) {
        Source::AccessKey
    } else if profile.get("login_session").is_some() {
        Source::LoginSession
    } else if profile.get("credential_process").is_some() {
        Source::CredentialProcess
    } else if profile.access_key == Some(KeyFile::Config) {
        Source::AccessKey
    } else {
        Source::None
    }
}

/// What a role is assumed from.
enum Origin {
    Profile(String),
    Ambient(CredentialSource),
}

fn origin(role: &Role, profile: &Profile) -> Result<Origin, ConfigError> {
    match (&role.source_profile, &role.credential_source) {
        (Some(next), None) => Ok(Origin::Profile(next.text.clone())),
        (None, Some((source, _))) => Ok(Origin::Ambient(*source)),
        (Some(_), Some((_, value))) => Err(ConfigError::mistake(
            &value.at,
            "credential_source",
            format!("profile `{}` has a source_profile too", profile.name),
        )),
        (None, None) => Err(ConfigError::mistake(
            &role.arn.at,
            "role_arn",
            "it needs a source_profile or a credential_source",
        )),
    }
}

fn follow(config: &Config, name: &str, role: &Role, next: &str) -> Result<Profile, ResolveError> {
    config
        .profile(next)
        .map_err(|e| match (e, &role.source_profile) {
            (ConfigError::NoSuchProfile { closest, .. }, Some(value)) => {
                let hint = closest.first().map(|c| format!(", did you mean `{c}`?"));
                let what = format!("there is no profile `{next}`{}", hint.unwrap_or_default());
                let source = ConfigError::mistake(&value.at, "source_profile", what);
                unusable(name, name, source)
            }
            (other, _) => unusable(name, next, other),
        })
}

fn assume(role: &Role, profile: &Profile, region: Option<&str>) -> AssumeRole {
    AssumeRole {
        profile: profile.name.clone(),
        role_arn: role.arn.text.clone(),
        session_name: role.session_name.clone(),
        external_id: role.external_id.clone(),
        duration: role.duration,
        mfa_serial: role.mfa_serial.clone(),
        source_identity: role.source_identity.clone(),
        tags: role.tags.clone(),
        transitive_tags: role.transitive_tags.clone(),
        region: profile.region.clone().or(region.map(str::to_owned)),
    }
}

fn round(role: &Role, mut links: Vec<String>, next: String) -> ResolveError {
    links.push(next);
    let key = role.source_profile.as_ref().unwrap_or(&role.arn);
    let at = key.at.clone();
    ResolveError::Loop { at, links }
}

fn unusable(name: &str, link: &str, source: ConfigError) -> ResolveError {
    let profile = name.to_owned();
    match source {
        e @ ConfigError::NoSuchProfile { .. } => ResolveError::NoSuchProfile(e),
        source if link == name => ResolveError::Profile { profile, source },
        source => ResolveError::Link {
            profile,
            link: link.to_owned(),
            source,
        },
    }
}
