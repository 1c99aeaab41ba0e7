//! Where a profile's credentials come from: configuration and a name in, a [`Chain`] out. Pure.
//!
//! What is not in the files and changes the answer comes in as [`Facts`].
//!
//! A chain is a source and the roles to assume from it, one after the other. Which of a profile's
//! settings counts is [`own_source`] and [`assumes`]: the order of the AWS CLI, in one place.

mod chain;
#[cfg(test)]
mod tests;

use crate::config::{
    Config, ConfigError, CredentialSource, KeyFile, Place, Profile, Role, Sso, SsoSession, closest,
};
pub use chain::{
    AccessKey, Ambient, AssumeRole, Chain, GivenIdentity, KeyPlace, LoginSession, Process, Source,
    SourceKind, WebIdentity,
};

/// What resolving has to know that is not in the files.
pub struct Facts<'a> {
    /// The id of the long-lived key that the keystore has for a profile.
    pub stored_key: &'a dyn Fn(&str) -> Option<String>,
    /// What is at a place outside of the files.
    pub ambient: &'a dyn Fn(CredentialSource) -> Ambient,
    /// The role that the environment names, for the token that it names: for a profile that says of no
    /// source of its own. The AWS CLI looks at it where no profile is named on its command line.
    pub web_identity: &'a dyn Fn() -> Option<GivenIdentity>,
    /// The whole path of a file: one that is relative is so to where vault runs, and names another file
    /// elsewhere.
    pub whole_path: &'a dyn Fn(&str) -> String,
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
        /// The profile at the beginning of its chain.
        root: String,
        /// Where its credentials come from.
        origin: Box<Source>,
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
pub fn resolve(config: &Config, facts: &Facts<'_>, name: &str) -> Result<Chain, ResolveError> {
    let top = config.profile(name).map_err(|e| unusable(name, name, e))?;
    let region = top.region.clone();
    let mut links = vec![name.to_owned()];
    let mut roles = Vec::new();
    let mut profile = top;
    let mut source = loop {
        let stored = (facts.stored_key)(&profile.name);
        let failed = |e| unusable(name, &profile.name, e);
        let own = |stored| own_source(config, &profile, stored, region.as_deref()).map_err(failed);
        let Some(role) = assumes(&profile, links.len() > 1, stored.is_some()) else {
            break or_given(own(stored)?, facts, &profile, region.as_deref());
        };
        roles.push(assume(role, &profile, region.as_deref()));
        match origin(role, &profile, stored.is_some()).map_err(failed)? {
            Origin::Ambient(source) => break Source::Ambient((facts.ambient)(source)),
            Origin::Profile(next) if next == profile.name => match own(stored)? {
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
    if let Source::WebIdentity(web) = &mut source {
        web.token_file = (facts.whole_path)(&web.token_file);
    }
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
pub fn resolve_session(
    config: &Config,
    facts: &Facts<'_>,
    word: &str,
) -> Result<SsoSession, ResolveError> {
    match config.sso_session(word) {
        Ok(session) => return Ok(session),
        Err(ConfigError::NoSuchSession { .. }) => {}
        Err(source) => {
            let session = word.to_owned();
            return Err(ResolveError::Session { session, source });
        }
    }
    let chain = resolve(config, facts, word).map_err(|e| match e {
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
            root: chain.root,
            origin: Box::new(chain.source),
        }),
    }
}

/// The role that a profile assumes, if that is how it gets its credentials. As another's source, a
/// profile with a long-lived key stands for that key, whatever role it assumes otherwise.
fn assumes(profile: &Profile, as_source: bool, stored: bool) -> Option<&Role> {
    let web_identity = profile.get("web_identity_token_file").is_some();
    let keys = as_source && (stored || profile.has_static_keys());
    profile.role.as_ref().filter(|_| !web_identity && !keys)
}

/// A profile's own source, when it assumes no role: the first of these that it has. So a profile that
/// says SSO is SSO, with a long-lived key or without. A key in the keystore counts as one in the
/// credentials file, which is where it would be without vault; it is stronger than that one, which it
/// replaced.
fn own_source(
    config: &Config,
    profile: &Profile,
    stored: Option<String>,
    region: Option<&str>,
) -> Result<Source, ConfigError> {
    let region = || profile.region.clone().or(region.map(str::to_owned));
    let key = |id, place| {
        let text = |key| profile.get(key).map(|value| value.text.clone());
        Source::AccessKey(AccessKey {
            profile: profile.name.clone(),
            id,
            place,
            mfa_serial: text("mfa_serial"),
            mfa_process: text("mfa_process"),
            region: region(),
        })
    };
    let in_file = |file| {
        let found = config.static_credentials(&profile.name, file)?;
        let place = match found.session_token {
            Some(_) => KeyPlace::Temporary(file),
            None => KeyPlace::File(file),
        };
        Ok(key(found.access_key_id, place))
    };
    if let Some(web_identity) = web_identity(profile, region()) {
        Ok(Source::WebIdentity(web_identity))
    } else if let Some(Sso::Role(role)) = &profile.sso {
        Ok(Source::Sso(role.clone()))
    } else if let Some(id) = stored {
        Ok(key(id, KeyPlace::Keystore))
    } else if profile.access_key == Some(KeyFile::Credentials) {
        in_file(KeyFile::Credentials)
    } else if let Some(arn) = profile.get("login_session") {
        Ok(Source::LoginSession(LoginSession {
            profile: profile.name.clone(),
            arn: arn.text.clone(),
            region: region(),
        }))
    } else if let Some(command) = profile.get("credential_process") {
        Ok(Source::CredentialProcess(Process {
            profile: profile.name.clone(),
            command: command.text.clone(),
        }))
    } else if profile.access_key == Some(KeyFile::Config) {
        in_file(KeyFile::Config)
    } else {
        Ok(Source::None)
    }
}

fn web_identity(profile: &Profile, region: Option<String>) -> Option<WebIdentity> {
    let token_file = profile.get("web_identity_token_file")?;
    // Without one the profile is a mistake, which the configuration has said.
    let role = profile.role.as_ref()?;
    Some(WebIdentity {
        profile: profile.name.clone(),
        role_arn: role.arn.text.clone(),
        token_file: token_file.text.clone(),
        session_name: role.session_name.clone(),
        duration: role.duration,
        region,
    })
}

/// A profile without a source is served by the web identity that the environment names, where it does.
fn or_given(own: Source, facts: &Facts<'_>, profile: &Profile, region: Option<&str>) -> Source {
    let given = match own {
        Source::None => (facts.web_identity)(),
        _ => None,
    };
    let Some(given) = given else {
        return own;
    };
    Source::WebIdentity(WebIdentity {
        profile: profile.name.clone(),
        role_arn: given.role_arn,
        token_file: given.token_file,
        session_name: given.session_name,
        duration: None,
        region: profile.region.clone().or(region.map(str::to_owned)),
    })
}

/// What a role is assumed from.
enum Origin {
    Profile(String),
    Ambient(CredentialSource),
}

fn origin(role: &Role, profile: &Profile, stored: bool) -> Result<Origin, ConfigError> {
    match (&role.source_profile, &role.credential_source) {
        (Some(next), None) => Ok(Origin::Profile(next.text.clone())),
        (None, Some((source, _))) => Ok(Origin::Ambient(*source)),
        (Some(_), Some((_, value))) => Err(ConfigError::mistake(
            &value.at,
            "credential_source",
            format!("profile `{}` has a source_profile too", profile.name),
        )),
        // Whose key is in the keystore needs no line that says so.
        (None, None) if stored => Ok(Origin::Profile(profile.name.clone())),
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
        mfa_process: profile.get("mfa_process").map(|value| value.text.clone()),
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
