//! `vault clear`: drop cached credentials, so that the next `exec` fetches new ones.

use super::context::Context;
use crate::broker;
use crate::cache::{Key, Kind};
use crate::error::Error;

/// Drop cached credentials, so that the next `exec` fetches new ones
///
/// With profiles: the credentials along their chains. Without: those of all profiles. Sign-ins stay,
/// so that no browser is needed, and so do long-lived keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault clear prod          # after an UnrecognizedClientException\n  \
    vault clear --sign-ins    # of all profiles, and the sign-ins too")]
pub struct Args {
    /// Profiles [default: all]
    #[arg(value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Drop the sign-ins to sso-sessions too
    #[arg(long)]
    sign_ins: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        if self.profiles.is_empty() {
            return all(context, self.sign_ins);
        }
        // Every name is looked at before anything is dropped.
        let mut plans = Vec::new();
        for profile in &self.profiles {
            plans.push((profile, keys(context, profile, self.sign_ins)?));
        }
        for (profile, keys) in plans {
            let cleared = context.drop_cached(&keys)?;
            context
                .ui
                .note(&format!("{} for {profile}.", said(cleared)));
        }
        Ok(())
    }
}

/// What is kept along a profile's chain.
fn keys(context: &Context, profile: &str, sign_ins: bool) -> Result<Vec<Key>, Error> {
    let chain = context.chain(profile)?;
    let mut keys = context.kept_along(&chain)?;
    if sign_ins && let Some(session) = chain.session() {
        keys.push(broker::sign_in_key(session));
    }
    Ok(keys)
}

fn all(context: &Context, sign_ins: bool) -> Result<(), Error> {
    let entries = context.cache.entries()?;
    let of = |wanted: fn(Kind) -> bool| -> Vec<Key> {
        let keys = entries.iter().map(|entry| entry.key.clone());
        keys.filter(|key| key.kind().is_some_and(wanted)).collect()
    };
    let cleared = context.drop_cached(&of(Kind::is_credentials))?;
    if !sign_ins {
        context.ui.note(&format!(
            "{}. Sign-ins and long-lived keys stay.",
            said(cleared)
        ));
        return Ok(());
    }
    let signed_out = context.drop_cached(&of(|kind| kind == Kind::SignIn))?;
    let sign_ins = match signed_out {
        0 => String::new(),
        1 => " and 1 sign-in".to_owned(),
        more => format!(" and {more} sign-ins"),
    };
    let said = if cleared == 0 && signed_out > 0 {
        format!("Cleared{}", &sign_ins[" and".len()..])
    } else {
        format!("{}{sign_ins}", said(cleared))
    };
    context.ui.note(&format!("{said}. Long-lived keys stay."));
    Ok(())
}

fn said(cleared: usize) -> String {
    match cleared {
        0 => "Nothing was cached".to_owned(),
        1 => "Cleared 1 session".to_owned(),
        more => format!("Cleared {more} sessions"),
    }
}
