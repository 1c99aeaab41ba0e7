//! `vault remove`: a long-lived key out of the keystore, with all that was got with it.

use super::context::Context;
use crate::cache::{CacheError, Key};
use crate::error::{Error, Kind};

/// Remove an IAM user's long-lived key from the keystore
///
/// Its cached sessions go too. The key itself stays at AWS, where it is deleted or made inactive; the
/// profile stays in the configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault remove jo\n  \
    vault remove jo --force    # without asking")]
pub struct Args {
    /// The profile whose key it is
    profile: String,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let profile = &self.profile;
        let id = context.stored_key_id(profile)?;
        if !self.force && !self.is_meant(context, &id)? {
            context
                .ui
                .note(&format!("The key {id} of {profile} stays."));
            return Ok(());
        }
        let _lock = context.lock_key(profile)?;
        let key = readable(context.cache.access_key(profile))?;
        if let Some(key) = key.filter(|key| key.access_key_id != id) {
            // By another run; or by one that was killed before the list had it.
            context.keep_key(profile, &key)?;
            let now = key.access_key_id;
            let message = format!("the key of `{profile}` has changed meanwhile: it is {now}");
            return Err(Error::new(Kind::Failed, message).hint("run it again"));
        }
        let got = context.came_of_key(profile, &id)?;
        let rotation = readable(context.cache.rotation(profile))?;
        let there = context.cache.delete(&Key::access_key(profile))?;
        context.cache.delete(&Key::rotation(profile))?;
        if !there && context.cache.access_key_id(profile).is_some() {
            let message = format!("the key of `{profile}` is in another keystore");
            return Err(Error::new(Kind::Failed, message).hint("name it with `--backend`"));
        }
        let sessions = match context.drop_cached(&got)? {
            0 => String::new(),
            1 => ", and 1 session of it".to_owned(),
            more => format!(", and {more} sessions of it"),
        };
        context
            .ui
            .note(&format!("Removed the key {id} of {profile}{sessions}."));
        // Those that AWS still accepts: of a rotation that has not ended, two.
        let new = rotation.and_then(|rotation| rotation.new);
        let ids = [Some(id), new.map(|key| key.access_key_id.clone())];
        let mut ids: Vec<_> = ids.into_iter().flatten().collect();
        ids.dedup();
        for id in ids {
            context.ui.note(&format!(
                "AWS accepts it as before. To end that: aws iam delete-access-key --access-key-id {id}"
            ));
        }
        context.ui.note("The profile stays in the configuration.");
        Ok(())
    }

    fn is_meant(&self, context: &Context, id: &str) -> Result<bool, Error> {
        let profile = &self.profile;
        if !context.ui.can_ask() {
            let message = format!("there is nobody to ask whether the key {id} is to go");
            return Err(
                Error::new(Kind::Usage, message).hint("`--force` removes it without asking")
            );
        }
        let question = format!(
            "Remove the key {id} of {profile} from the keystore? Its secret can't be had again."
        );
        Ok(context.ui.confirm(&question)?)
    }
}

/// What this vault does not understand can be forgotten all the same.
fn readable<T>(read: Result<Option<T>, CacheError>) -> Result<Option<T>, CacheError> {
    match read {
        Err(CacheError::UnknownForm { .. }) => Ok(None),
        read => read,
    }
}
