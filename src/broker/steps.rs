//! A chain as steps, each with the key that its result is kept under. Pure.

use std::time::Duration;

use jiff::SignedDuration;

use super::{BrokerError, Want};
use crate::cache::{Key, Kind};
use crate::config::{SsoRole, SsoSession};
use crate::resolve::{
    AccessKey, Ambient, AssumeRole, Chain, KeyPlace, LoginSession, Process, Source, WebIdentity,
};

/// Role chaining: AWS gives temporary credentials that assume a role one hour at most
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>). STS
/// counts those of `GetSessionToken` among them, though its pages speak of roles only.
pub(super) const CHAINED_LIMIT: Duration = Duration::from_hours(1);

/// What a role may allow those who come with a long-lived key.
const ROLE_LIMIT: Duration = Duration::from_hours(12);

/// What STS gives at least, whatever it is asked for.
const SHORTEST: Duration = Duration::from_mins(15);

/// What `GetSessionToken` gives at most.
const SESSION_LIMIT: Duration = Duration::from_hours(36);

/// How long a session lasts that nobody has to be asked for: as long as a role's, so that what gets
/// out is soon worthless.
const SESSION: Duration = Duration::from_hours(1);

/// How long one lasts that a person has given a code for: a working day, AWS's own default.
const MFA_SESSION: Duration = Duration::from_hours(12);

/// One step of a chain.
pub(super) struct Step<'a> {
    pub(super) name: Name,
    pub(super) origin: Origin<'a>,
}

/// What tells a step's result from every other.
pub(super) enum Name {
    /// The key that it is kept under.
    Kept(Key),
    /// It is at hand, and not kept once more.
    AtHand(String),
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Kept(key) => key.as_str(),
            Self::AtHand(name) => name,
        }
    }
}

/// What a step's credentials come from.
pub(super) enum Origin<'a> {
    Sso(&'a SsoRole),
    /// A long-lived key, itself.
    Key(&'a AccessKey),
    /// `GetSessionToken`, with the key before it.
    Session {
        key: &'a AccessKey,
        duration: i32,
        mfa: Option<Device<'a>>,
    },
    Role {
        role: &'a AssumeRole,
        duration: Option<i32>,
        mfa: Option<Device<'a>>,
    },
    WebIdentity(Web<'a>),
    Process(&'a Process),
    LoginSession(&'a LoginSession),
    Ambient(&'a Ambient),
}

/// A role that is assumed with a token, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Web<'a> {
    pub(super) role: &'a WebIdentity,
    pub(super) duration: Option<i32>,
}

/// A device that shows codes.
#[derive(Clone, Copy)]
pub(super) struct Device<'a> {
    pub(super) serial: &'a str,
    pub(super) process: Option<&'a str>,
}

/// Where the results of a chain's steps are kept, the source's first.
///
/// # Errors
///
/// The chain's source is not served.
pub fn keys(chain: &Chain, want: Want<'_>) -> Result<Vec<Key>, BrokerError> {
    let names = steps(chain, want)?.into_iter().map(|step| step.name);
    let kept = names.filter_map(|name| match name {
        Name::Kept(key) => Some(key),
        Name::AtHand(_) => None,
    });
    Ok(kept.collect())
}

/// Where a person signs in for what comes of the steps, if anywhere.
pub(super) fn signed_in_to<'s>(steps: &'s [Step<'_>]) -> Option<&'s SsoSession> {
    match &steps.first()?.origin {
        Origin::Sso(sso) => Some(&sso.session),
        _ => None,
    }
}

/// A wish for how long credentials are to last that AWS does not grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// What was wished for.
    pub wish: Duration,
    /// What they last instead.
    pub limit: Duration,
    /// Whether that is because temporary credentials assume a role.
    pub chained: bool,
    /// Whether they might last longer with the long-lived key itself.
    pub longer_with_key: bool,
}

/// Whether the credentials at the end of a chain last shorter than was wished for, as far as that is
/// known without asking AWS.
pub fn cut(chain: &Chain, want: Want<'_>) -> Option<Cut> {
    let steps = steps(chain, want).ok()?;
    let (wish, limit) = match &steps.last()?.origin {
        Origin::Role { role, .. } => (
            lasting(role, want.duration)?,
            limit(&steps[steps.len() - 2]),
        ),
        Origin::Session { .. } => (want.duration?, SESSION_LIMIT),
        Origin::WebIdentity(_) => (want.duration?, ROLE_LIMIT),
        _ => return None,
    };
    let longer_with_key = chain.roles.len() == 1 && steps.iter().any(Step::is_session);
    (wish > limit).then_some(Cut {
        wish,
        limit,
        chained: limit == CHAINED_LIMIT,
        longer_with_key,
    })
}

pub(super) fn steps<'a>(chain: &'a Chain, want: Want<'_>) -> Result<Vec<Step<'a>>, BrokerError> {
    let mut steps = begin(chain, want)?;
    // A session's code has served every role behind it.
    let in_session = matches!(steps.last(), Some(step) if step.is_session());
    let last = chain.roles.len().saturating_sub(1);
    for (position, role) in chain.roles.iter().enumerate() {
        let wanted = want.duration.filter(|_| position == last);
        let before = &steps[steps.len() - 1];
        let limit = limit(before);
        let duration = lasting(role, wanted).map(|wish| seconds(wish.min(limit)));
        let mfa = device(role).filter(|_| !in_session);
        let key = role_key(before.name.as_str(), role, duration, mfa);
        steps.push(Step {
            name: Name::Kept(key),
            origin: Origin::Role {
                role,
                duration,
                mfa,
            },
        });
    }
    let chosen = match steps.last().map(|step| &step.origin) {
        Some(Origin::Role { .. } | Origin::Session { .. } | Origin::WebIdentity(_)) => {
            want.duration
        }
        _ => None,
    };
    match chosen.filter(|wish| *wish < SHORTEST) {
        Some(wish) => Err(BrokerError::TooShort(wish)),
        None => Ok(steps),
    }
}

impl Step<'_> {
    /// How long what it gives lasts, where that is asked for.
    pub(super) fn life(&self) -> Option<SignedDuration> {
        let seconds = match self.origin {
            Origin::Session { duration, .. } => duration,
            Origin::Role { duration, .. } => duration?,
            Origin::WebIdentity(web) => web.duration?,
            _ => return None,
        };
        Some(SignedDuration::from_secs(seconds.into()))
    }

    fn is_session(&self) -> bool {
        matches!(self.origin, Origin::Session { .. })
    }
}

/// The steps of a chain's source.
fn begin<'a>(chain: &'a Chain, want: Want<'_>) -> Result<Vec<Step<'a>>, BrokerError> {
    let (name, origin) = match &chain.source {
        Source::Sso(sso) => {
            let url = &sso.session.start_url;
            let key = Key::role_credentials(url, sso.account.as_str(), sso.role.as_str());
            (Name::Kept(key), Origin::Sso(sso))
        }
        Source::AccessKey(key) => return Ok(of_key(chain, key, want)),
        Source::WebIdentity(web) => {
            // Not the token: it is renewed every few minutes, and the role stays the same.
            let session_name = session_name(web.session_name.as_deref(), &web.profile);
            let inputs = [web.role_arn.as_str(), &web.token_file, &session_name];
            let own = web
                .duration
                .map(|seconds| Duration::from_secs(seconds.into()));
            let wanted = want.duration.filter(|_| chain.roles.is_empty());
            let duration = wanted.or(own).map(|wish| seconds(wish.min(ROLE_LIMIT)));
            let key = Key::hashed(Kind::WebIdentity, &inputs, duration);
            let role = web;
            (Name::Kept(key), Origin::WebIdentity(Web { role, duration }))
        }
        Source::CredentialProcess(process) => {
            let key = Key::hashed(Kind::CredentialProcess, &[&process.command], None);
            (Name::Kept(key), Origin::Process(process))
        }
        Source::LoginSession(login) => {
            let name = Name::AtHand(format!("login-session/{}", login.arn));
            (name, Origin::LoginSession(login))
        }
        Source::Ambient(ambient) => (
            Name::AtHand(ambient.identity.clone()),
            Origin::Ambient(ambient),
        ),
        Source::None => return Err(BrokerError::NoSource(chain.root.clone())),
    };
    Ok(vec![Step { name, origin }])
}

/// The key itself, and the session that stands for it. Roles need none but for a code, which it has
/// been given once for all of them: without a device they are assumed with the key.
fn of_key<'a>(chain: &'a Chain, key: &'a AccessKey, want: Want<'_>) -> Vec<Step<'a>> {
    let itself = Step {
        name: Name::AtHand(key.id.clone()),
        origin: Origin::Key(key),
    };
    if want.no_session || matches!(key.place, KeyPlace::Temporary(_)) {
        return vec![itself];
    }
    let mfa = session_device(chain, key);
    if mfa.is_none() && !chain.roles.is_empty() {
        return vec![itself];
    }
    let usual = if mfa.is_some() { MFA_SESSION } else { SESSION };
    let wanted = want.duration.filter(|_| chain.roles.is_empty());
    let duration = seconds(wanted.unwrap_or(usual).min(SESSION_LIMIT));
    let serial = mfa.map_or("", |device| device.serial);
    let name = Key::hashed(Kind::SessionToken, &[&key.id, serial], Some(duration));
    let session = Step {
        name: Name::Kept(name),
        origin: Origin::Session { key, duration, mfa },
    };
    vec![itself, session]
}

/// The chain of the session alone that a code is needed for, where a chain begins with one: what it
/// gives serves all that `chain` is behind.
pub fn mfa_session(chain: &Chain) -> Option<Chain> {
    let Source::AccessKey(key) = &chain.source else {
        return None;
    };
    let device = session_device(chain, key)?;
    (!matches!(key.place, KeyPlace::Temporary(_))).then(|| Chain {
        source: Source::AccessKey(AccessKey {
            mfa_serial: Some(device.serial.to_owned()),
            mfa_process: device.process.map(str::to_owned),
            ..key.clone()
        }),
        roles: Vec::new(),
        ..chain.clone()
    })
}

/// One code serves a chain that begins with a key: of the device that the key's profile names, else
/// of the first that a role names.
fn session_device<'a>(chain: &'a Chain, key: &'a AccessKey) -> Option<Device<'a>> {
    let own = key.mfa_serial.as_deref().map(|serial| Device {
        serial,
        process: key.mfa_process.as_deref(),
    });
    let device = own.or_else(|| chain.roles.iter().find_map(device))?;
    // Whoever has the command need not be the one who has the device's name.
    let mut processes = chain.roles.iter().map(|role| role.mfa_process.as_deref());
    let process = device.process.or(key.mfa_process.as_deref());
    Some(Device {
        process: process.or_else(|| processes.find_map(|process| process)),
        ..device
    })
}

fn device(role: &AssumeRole) -> Option<Device<'_>> {
    Some(Device {
        serial: role.mfa_serial.as_deref()?,
        process: role.mfa_process.as_deref(),
    })
}

fn role_key(
    before: &str,
    role: &AssumeRole,
    duration: Option<i32>,
    mfa: Option<Device<'_>>,
) -> Key {
    let session_name = session_name(role.session_name.as_deref(), &role.profile);
    let mut inputs = vec![
        before,
        &role.role_arn,
        &session_name,
        role.external_id.as_deref().unwrap_or_default(),
        role.source_identity.as_deref().unwrap_or_default(),
    ];
    // How many of each there are comes first, so that nothing can pass for a part of the next.
    let counts = [role.tags.len(), role.transitive_tags.len()].map(|count| count.to_string());
    inputs.extend(counts.iter().map(String::as_str));
    for (key, value) in &role.tags {
        inputs.extend([key.as_str(), value]);
    }
    inputs.extend(role.transitive_tags.iter().map(String::as_str));
    if let Some(device) = mfa {
        inputs.extend(["mfa", device.serial]);
    }
    Key::hashed(Kind::AssumeRole, &inputs, duration)
}

/// How long a role is wished to last, if anybody says so.
fn lasting(role: &AssumeRole, wanted: Option<Duration>) -> Option<Duration> {
    let configured = role
        .duration
        .map(|seconds| Duration::from_secs(seconds.into()));
    wanted.or(configured)
}

/// How long a role may last that is assumed with what `before` gives, as far as can be known.
pub(super) fn limit(before: &Step<'_>) -> Duration {
    let long_lived = match &before.origin {
        Origin::Key(key) => !matches!(key.place, KeyPlace::Temporary(_)),
        Origin::Ambient(ambient) => ambient.long_lived,
        // What a program prints may be one; STS knows.
        Origin::Process(_) => true,
        _ => false,
    };
    if long_lived {
        ROLE_LIMIT
    } else {
        CHAINED_LIMIT
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// How the session shows in CloudTrail: what the profile says, else the profile's name in the
/// letters that STS allows, the same each time, since it is part of the key.
pub(super) fn session_name(own: Option<&str>, profile: &str) -> String {
    if let Some(name) = own {
        return name.to_owned();
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String = profile
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(58)
        .collect();
    format!("vault-{name}")
}

#[cfg(test)]
mod tests;
