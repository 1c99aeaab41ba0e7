//! `vault logout`: end a sign-in, at the server and here.

use super::context::{Context, Place, WAITING};
use crate::broker;
use crate::cache::{Key, Kind};
use crate::error::{Error, Kind as Failure};

/// Sign out at the server, and forget the sign-in and what came of it
///
/// Without a name: of everything that is signed in to. What was cached of the sign-in's credentials goes
/// with it; those that a command was given stay good until they end. Long-lived keys stay.
///
/// A server that can't be reached is a warning: what is kept here goes all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault logout         # of everything\n  \
    vault logout corp    # of one sso-session")]
pub struct Args {
    /// The sso-sessions, or profiles that sign in to them [default: all that are signed in to]
    #[arg(value_name = "SSO-SESSION")]
    names: Vec<String>,
}

/// A sign-in to be ended.
struct Target {
    key: Key,
    /// What a person calls it.
    name: String,
    start_url: String,
    /// As the configuration has it; `None` where it no longer does.
    place: Option<Place>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let targets = if self.names.is_empty() {
            all(context)?
        } else {
            named(context, &self.names)?
        };
        if targets.is_empty() {
            context.ui.note("No one is signed in.");
        }
        for target in &targets {
            sign_out(context, target)?;
        }
        Ok(())
    }
}

/// What is kept here first: whatever becomes of the server, or of vault while it waits for it, nobody can
/// use the sign-in any more.
fn sign_out(context: &Context, target: &Target) -> Result<(), Error> {
    let Target {
        key, name, place, ..
    } = target;
    let profile = place.as_ref().and_then(|place| place.profile.as_ref());
    let broker = context.broker(profile, None)?;
    let listed = context.cache.listed(key).is_some();
    let token = match listed {
        true => broker.forget_sign_in(key, || context.ui.note(WAITING))?,
        false => None,
    };
    let session = place.as_ref().map(|place| &place.session);
    context.drop_cached(&context.came_of(&target.start_url)?)?;
    let Some(token) = token else {
        context.ui.note(&format!("No one is signed in to {name}."));
        return Ok(());
    };
    let told = match session {
        Some(session) => broker.end_sign_in(session, &token).map_err(Error::from),
        None => {
            let why = "the configuration does not say any more where it is";
            Err(Error::new(Failure::Failed, why))
        }
    };
    if let Err(error) = told {
        let why = error.one_line();
        context.ui.warn(&format!(
            "the server was not told that you sign out of {name}: {why}"
        ));
    }
    context.ui.note(&format!("Signed out of {name}."));
    Ok(())
}

/// All that is signed in to, by what is listed.
fn all(context: &Context) -> Result<Vec<Target>, Error> {
    let keys = context.cache.entries()?.into_iter().map(|entry| entry.key);
    let mut keys: Vec<_> = keys
        .filter(|key| key.kind() == Some(Kind::SignIn))
        .collect();
    // With two keystores in use by turns one is listed twice.
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<_> = context.sign_in_places()?.into_iter().flatten().collect();
    let of = |key: Key| {
        let is_it = |place: &&Place| broker::sign_in_key(&place.session) == key;
        let found = known.iter().find(is_it).cloned();
        target(key, found)
    };
    Ok(keys.into_iter().map(of).collect())
}

fn named(context: &Context, names: &[String]) -> Result<Vec<Target>, Error> {
    let config = context.config()?;
    let mut targets: Vec<Target> = Vec::new();
    for name in names {
        let target = match context.sso_session(name) {
            Ok(session) => {
                let of_profile = session.name.as_ref() != Some(name);
                let profile = of_profile.then(|| config.profile(name)).transpose()?;
                target(
                    broker::sign_in_key(&session),
                    Some(Place { session, profile }),
                )
            }
            // One that the configuration no longer has can be signed in to all the same.
            Err(error) => match signed_in_by_name(context, name)? {
                Some(key) => target(key, None),
                None => return Err(error),
            },
        };
        if targets.iter().all(|known| known.key != target.key) {
            targets.push(target);
        }
    }
    Ok(targets)
}

fn signed_in_by_name(context: &Context, name: &str) -> Result<Option<Key>, Error> {
    let mut keys = context.cache.entries()?.into_iter().map(|entry| entry.key);
    Ok(keys.find(|key| key.signed_in_to().is_some_and(|(_, n)| n == Some(name))))
}

fn target(key: Key, place: Option<Place>) -> Target {
    let (start_url, name) = key.signed_in_to().unwrap_or_default();
    Target {
        name: name.unwrap_or(start_url).to_owned(),
        start_url: start_url.to_owned(),
        place,
        key,
    }
}
