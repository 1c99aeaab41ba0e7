//! What the wizard writes, and what it does not write over.

use super::super::next;
use super::SCOPE;
use crate::commands::context::{Context, name as name_of};
use crate::config::edit::{EditError, Refusal, Sections};
use crate::config::{Config, SYNC_KEY, SectionKind, SsoSession};
use crate::error::{Error, Kind};
use crate::plan::{Wanted, settings};

/// Keys that would lead a profile to other credentials than the account and role that it is to have.
const OTHER_WAYS: [&str; 8] = [
    "sso_start_url",
    "sso_region",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "credential_process",
    "login_session",
];

pub(super) fn is_taken(config: &Config, profile: &str) -> bool {
    config.profile_names().any(|name| name == profile)
}

pub(super) fn taken(profile: &str) -> Error {
    let message = format!("there is a profile `{profile}` already, and it says something else");
    Error::new(Kind::Failed, message).hint("`--force` writes over it")
}

/// Writes what is not there yet. The file may have changed while a person was asked: what somebody
/// else wrote meanwhile is looked at again, and is not written over.
pub(super) fn write(
    context: &Context,
    session: &SsoSession,
    wanted: &Wanted,
    force: bool,
) -> Result<(), Error> {
    let mut edit = context.edit_config()?;
    let config = context.reread_config()?;
    let (sections, profile) = (&mut edit.sections, &wanted.name);
    let is_new = add_session(&config, sections, session)?;
    let is_as_wanted = says(sections, wanted, session);
    if is_taken(&config, profile) && !is_as_wanted && !force {
        return Err(taken(profile));
    }
    if !is_as_wanted {
        add_profile(sections, wanted, session).map_err(EditError::from)?;
    }
    context.save(edit)?;
    let (session, path) = (name_of(session), context.config_path());
    let path = path.display();
    context.ui.note(&match (is_new, is_as_wanted) {
        (true, false) => {
            format!("Wrote the sso-session {session} and the profile {profile} to {path}.")
        }
        (true, true) => format!("Wrote the sso-session {session} to {path}."),
        (false, false) => format!("Wrote the profile {profile} to {path}."),
        (false, true) => format!("The profile {profile} is in {path} already."),
    });
    next(context, profile);
    Ok(())
}

/// Whether it was added; one of that name has to be the same.
fn add_session(
    config: &Config,
    sections: &mut Sections,
    session: &SsoSession,
) -> Result<bool, Error> {
    let name = name_of(session);
    if config.sso_session_names().any(|known| known == name) {
        let there = config.sso_session(name)?;
        if (&there.start_url, &there.region) == (&session.start_url, &session.region) {
            return Ok(false);
        }
        let message = format!(
            "the sso-session `{name}` is another one by now: {}",
            there.start_url
        );
        return Err(Error::new(Kind::Failed, message).hint("run it again"));
    }
    let keys = [
        ("sso_start_url", session.start_url.as_str()),
        ("sso_region", &session.region),
        ("sso_registration_scopes", SCOPE),
    ];
    sections
        .add(SectionKind::SsoSession, name, &keys)
        .map_err(EditError::from)?;
    Ok(true)
}

/// Whether the profile's section says what is wanted, and leads nowhere else.
fn says(sections: &Sections, wanted: &Wanted, session: &SsoSession) -> bool {
    let get = |key: &str| sections.get(SectionKind::Profile, &wanted.name, key);
    let is = |(key, value): &(&str, String)| get(key).is_some_and(|said| said.expose() == value);
    settings(wanted, name_of(session), false).iter().all(is)
        && !OTHER_WAYS.iter().any(|key| get(key).is_some())
}

fn add_profile(
    sections: &mut Sections,
    wanted: &Wanted,
    session: &SsoSession,
) -> Result<(), Refusal> {
    let keys = settings(wanted, name_of(session), false);
    let keys: Vec<_> = keys
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    if !sections.has(SectionKind::Profile, &wanted.name) {
        return sections.add(SectionKind::Profile, &wanted.name, &keys);
    }
    // From now on it is the person's, and no longer sync's.
    for key in OTHER_WAYS.into_iter().chain([SYNC_KEY]) {
        sections.remove(SectionKind::Profile, &wanted.name, key)?;
    }
    for (key, value) in keys {
        sections.set(SectionKind::Profile, &wanted.name, key, value)?;
    }
    Ok(())
}
