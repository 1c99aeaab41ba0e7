//! A chain as steps, each with the key that its result is kept under. Pure.

use std::time::Duration;

use super::{BrokerError, Want};
use crate::cache::Key;
use crate::config::SsoRole;
use crate::resolve::{AssumeRole, Chain, Source};

/// Role chaining: AWS gives temporary credentials that assume a role one hour at most
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>).
pub const CHAINED_LIMIT: Duration = Duration::from_hours(1);

/// One step of a chain, and where its result is kept.
pub(super) struct Step<'a> {
    pub(super) key: Key,
    pub(super) origin: Origin<'a>,
}

/// What a step's credentials come from.
pub(super) enum Origin<'a> {
    Sso(&'a SsoRole),
    Role {
        role: &'a AssumeRole,
        duration: Option<i32>,
    },
}

/// Where the results of a chain's steps are kept, the source's first.
///
/// # Errors
///
/// The chain's source is not served.
pub fn keys(chain: &Chain, want: Want) -> Result<Vec<Key>, BrokerError> {
    Ok(steps(chain, want)?
        .into_iter()
        .map(|step| step.key)
        .collect())
}

pub(super) fn steps(chain: &Chain, want: Want) -> Result<Vec<Step<'_>>, BrokerError> {
    let sso = match &chain.source {
        Source::Sso(sso) => sso,
        Source::None => return Err(BrokerError::NoSource),
        other => return Err(BrokerError::NotServed(other.key())),
    };
    let session = &sso.session;
    let key = Key::role_credentials(&session.start_url, sso.account.as_str(), sso.role.as_str());
    let mut steps = vec![Step {
        key,
        origin: Origin::Sso(sso),
    }];
    let last = chain.roles.len().saturating_sub(1);
    for (position, role) in chain.roles.iter().enumerate() {
        let wanted = want.duration.filter(|_| position == last);
        let duration = duration(role, wanted);
        let key = role_key(&steps[steps.len() - 1].key, role, duration);
        steps.push(Step {
            key,
            origin: Origin::Role { role, duration },
        });
    }
    Ok(steps)
}

fn role_key(before: &Key, role: &AssumeRole, duration: Option<i32>) -> Key {
    let session_name = session_name(role);
    let mut inputs = vec![
        before.as_str(),
        &role.role_arn,
        &session_name,
        role.external_id.as_deref().unwrap_or_default(),
        role.source_identity.as_deref().unwrap_or_default(),
    ];
    inputs.extend(
        role.tags
            .iter()
            .flat_map(|(key, value)| [key.as_str(), value]),
    );
    // Between the two lists, so that neither can pass for the other.
    inputs.push("transitive");
    inputs.extend(role.transitive_tags.iter().map(String::as_str));
    Key::assume_role(&inputs, duration)
}

/// Seconds to ask for: every role here is assumed with temporary credentials, so never more than
/// [`CHAINED_LIMIT`].
fn duration(role: &AssumeRole, wanted: Option<Duration>) -> Option<i32> {
    let configured = role
        .duration
        .map(|seconds| Duration::from_secs(seconds.into()));
    let duration = wanted.or(configured)?.min(CHAINED_LIMIT);
    i32::try_from(duration.as_secs()).ok()
}

/// How the session shows in CloudTrail: what the profile says, else the profile's name in the
/// letters that STS allows, the same each time, since it is part of the key.
pub(super) fn session_name(role: &AssumeRole) -> String {
    if let Some(name) = &role.session_name {
        return name.clone();
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String = role
        .profile
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(58)
        .collect();
    format!("vault-{name}")
}
