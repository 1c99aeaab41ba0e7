//! `vault rotate`: a new long-lived key in the place of the old one, which is deleted.
//!
//! Each step is written into the keystore before it is taken: whatever stops vault, a key that works is
//! stored, and the next run goes on from there. What is stored for the profile is the old key until
//! AWS knows the new one, and the new one from then on.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::context::{Context, mfa_token};
use crate::broker::{Broker, BrokerError, Code, Want};
use crate::cache::Key;
use crate::config::{Profile, shell_word};
use crate::credentials::{Credentials, LongLivedKey, Rotation, Secret};
use crate::error::{Error, Kind};
use crate::resolve::{AccessKey, Chain, KeyPlace, Source};
use crate::source::iam::UserKey;

/// What IAM lets a user have
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
const KEYS: usize = 2;

/// Have AWS make a new long-lived key, and delete the old one
///
/// The new key is stored before the old one is deleted, and is used once AWS knows it. Where a run was
/// stopped, the next one goes on. Whatever else has the old key stops working.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault rotate jo\n  \
    vault rotate jo --mfa-token 123456    # where IAM wants a code, and nobody can be asked")]
pub struct Args {
    /// The profile whose key it is
    profile: String,
    /// Delete a key that a run before this one had made and could not keep, without asking
    #[arg(long)]
    force: bool,
    /// The code that the MFA device shows now, where the profile has one
    #[arg(short = 't', long, value_name = "CODE", value_parser = mfa_token)]
    mfa_token: Option<String>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let name = self.profile.clone();
        let before = context.stored_key_id(&name)?;
        let profile = context.config()?.profile(&name)?;
        let lock = context.lock_key(&name)?;
        let key = context.cache.access_key(&name)?;
        let key = key.ok_or_else(|| BrokerError::KeyGone(name.clone()))?;
        if lock.waited() && key.access_key_id != before {
            let id = &key.access_key_id;
            context.ui.note(&format!(
                "Another vault has just rotated the key of {name}: it is {id} now."
            ));
            return Ok(());
        }
        let turn = Turn {
            broker: context.broker(Some(&profile), None)?,
            context,
            profile,
            force: self.force,
            code: self.mfa_token.map(|code| Code::new(Secret::new(code))),
            caller: OnceCell::new(),
        };
        turn.run(&key)
    }
}

/// One run.
struct Turn<'c> {
    context: &'c Context,
    broker: Broker<'c>,
    profile: Profile,
    force: bool,
    code: Option<Code>,
    /// What IAM is asked with.
    caller: OnceCell<Credentials>,
}

impl Turn<'_> {
    fn run(&self, stored: &LongLivedKey) -> Result<(), Error> {
        let (name, id) = (self.name(), &stored.access_key_id);
        match self.context.cache.rotation(name)? {
            None => self.begin(stored),
            Some(Rotation {
                new: None, known, ..
            }) => {
                self.say("The last run was stopped when it had IAM make a key");
                self.look_for_lost(stored, &known)?;
                self.begin(stored)
            }
            Some(Rotation {
                new: Some(new),
                old,
                ..
            }) if *id == new.access_key_id => {
                self.say(&format!(
                    "The last run was stopped before {old} was deleted: going on"
                ));
                // It may have been stopped before the list had the new one.
                self.context.keep_key(name, &new)?;
                self.end(&old, &new)
            }
            Some(Rotation {
                new: Some(new),
                old,
                ..
            }) if *id == old => {
                let new_id = &new.access_key_id;
                self.say(&format!(
                    "The last run was stopped when IAM had made {new_id}: going on"
                ));
                if self.is_gone(&old, &new)? {
                    self.say(&format!(
                        "IAM does not list {new_id} any more: beginning anew"
                    ));
                    self.context.cache.delete(&Key::rotation(name))?;
                    return self.begin(stored);
                }
                self.switch(&old, &new)
            }
            Some(Rotation { old, .. }) => {
                let message =
                    format!("the rotation that has begun is of {old}, and {id} is stored");
                Err(Error::new(Kind::Failed, message).hint(format!(
                    "`vault remove {}` forgets both; then add the right one",
                    self.word()
                )))
            }
        }
    }

    /// Has IAM make a key. That it was asked is kept first, and what it had before.
    fn begin(&self, stored: &LongLivedKey) -> Result<(), Error> {
        let (name, old) = (self.name(), &stored.access_key_id);
        let caller = self.caller(old)?;
        let there = self.broker.user_keys(caller, self.region())?;
        if there.len() >= KEYS {
            return Err(self.too_many(&there, old));
        }
        let known = there.into_iter().map(|key| key.id).collect();
        let begun = Rotation {
            old: old.clone(),
            known,
            new: None,
        };
        self.context.cache.put_rotation(name, &begun)?;
        let new = match self.broker.make_key(caller, self.region()) {
            Ok(new) => new,
            Err(error) => return Err(self.not_made(error, old)),
        };
        let made = Rotation {
            new: Some(new.clone()),
            ..begun
        };
        if let Err(error) = self.context.cache.put_rotation(name, &made) {
            return Err(self.not_kept(&new, error.into()));
        }
        self.say(&format!(
            "IAM has made the key {} for {name}",
            new.access_key_id
        ));
        self.switch(old, &new)
    }

    /// Whether somebody has deleted the new key meanwhile: AWS refuses it, and IAM does not list it. One
    /// that AWS accepts needs nobody's word, and no request of the old key, which may be gone itself. One
    /// that is inactive there is not waited for: no time makes it active.
    fn is_gone(&self, old: &str, new: &LongLivedKey) -> Result<bool, Error> {
        if !self.broker.refuses(new, self.region())? {
            return Ok(false);
        }
        let caller = self.caller(old)?;
        let id = &new.access_key_id;
        match self.broker.user_key(caller, self.region(), id)? {
            None => Ok(true),
            Some(key) if key.active => Ok(false),
            Some(_) => {
                let message = format!("the new key {id} is inactive at IAM, and is not used yet");
                Err(Error::new(Kind::Failed, message).hint(format!(
                    "make it active there, or delete it; `vault rotate {}` goes on then, and {old} works \
                     as before",
                    self.word()
                )))
            }
        }
    }

    /// Puts the new key in the place of the old one, once AWS knows it.
    fn switch(&self, old: &str, new: &LongLivedKey) -> Result<(), Error> {
        let (name, id) = (self.name(), &new.access_key_id);
        let waiting = || self.say("Waiting until AWS knows it, which takes seconds as a rule");
        self.broker
            .until_known(new, self.region(), waiting)
            .map_err(|error| {
                let made = Error::from(error).context(format!("the new key {id} is not used yet"));
                made.hint(format!(
                    "{old} works as before; `vault rotate {}` goes on from here",
                    self.word()
                ))
            })?;
        self.context.keep_key(name, new)?;
        self.end(old, new)
    }

    /// Deletes the old key, and forgets what was got with it.
    fn end(&self, old: &str, new: &LongLivedKey) -> Result<(), Error> {
        let (name, id) = (self.name(), &new.access_key_id);
        // The new key deletes the old one, and so is known to work with IAM too; where IAM wants MFA,
        // the session that is there already does it, without another code.
        let itself = Credentials::from(new.clone());
        let caller = match self.has_device() {
            true => self.caller(id)?,
            false => &itself,
        };
        self.broker
            .delete_key(caller, self.region(), old)
            .map_err(|error| {
                let made = Error::from(error);
                let made = made.context(format!("{id} is used now, and {old} is still there"));
                made.hint(format!(
                    "`vault rotate {}` tries again to delete it",
                    self.word()
                ))
            })?;
        let got = self.context.came_of_key(name, old)?;
        self.context.drop_cached(&got)?;
        self.context.cache.delete(&Key::rotation(name))?;
        self.say(&format!(
            "The key of {name} is {id} now, and {old} is deleted"
        ));
        Ok(())
    }

    /// A key that IAM made and whose secret nobody was told is of no use to anybody.
    fn look_for_lost(&self, stored: &LongLivedKey, known: &[String]) -> Result<(), Error> {
        let caller = self.caller(&stored.access_key_id)?;
        let there = self.broker.user_keys(caller, self.region())?;
        for lost in there.iter().filter(|key| !known.contains(&key.id)) {
            let (id, described) = (&lost.id, described(lost));
            if !self.force && !self.may_delete(&described)? {
                let message = format!("{id} stays, and with it IAM makes no other key");
                return Err(Error::new(Kind::Failed, message).hint("delete it, then run it again"));
            }
            self.broker.delete_key(caller, self.region(), id)?;
            self.say(&format!("Deleted {id}, whose secret never came"));
        }
        self.context.cache.delete(&Key::rotation(self.name()))?;
        Ok(())
    }

    fn may_delete(&self, described: &str) -> Result<bool, Error> {
        let ui = &self.context.ui;
        if !ui.can_ask() {
            let message = format!(
                "there is a key that was not there before, and whose secret never came: {described}"
            );
            return Err(Error::new(Kind::Failed, message).hint(format!(
                "`vault rotate {} --force` deletes it; on a terminal, vault asks",
                self.word()
            )));
        }
        let question = format!("Its secret never came, so nobody can use it: delete {described}?");
        Ok(ui.confirm(&question)?)
    }

    /// What IAM refused was not done; what got no answer may have been.
    fn not_made(&self, error: BrokerError, old: &str) -> Error {
        let name = self.name();
        if !error.is_refusal() {
            let made = Error::from(error).context("whether IAM has made a key is not known");
            return made.hint(format!(
                "`vault rotate {}` looks, and goes on; {old} works as before",
                self.word()
            ));
        }
        let forgotten = self.context.cache.delete(&Key::rotation(name));
        if let Err(error) = forgotten {
            tracing::warn!(%error, "the rotation that did not begin is still listed");
        }
        if error.is_key_limit()
            && let Ok(caller) = self.caller(old)
            && let Ok(there) = self.broker.user_keys(caller, self.region())
        {
            return self.too_many(&there, old);
        }
        error.into()
    }

    /// Only this run has its secret: without a place for it, the key goes again.
    fn not_kept(&self, new: &LongLivedKey, error: Error) -> Error {
        let id = &new.access_key_id;
        let deleted = self
            .caller(id)
            .and_then(|caller| Ok(self.broker.delete_key(caller, self.region(), id)?));
        match deleted {
            Ok(()) => error.context(format!(
                "the new key {id} can't be stored, and was deleted again"
            )),
            Err(second) => error
                .context(format!("the new key {id} can't be stored"))
                .hint(format!("delete it in IAM: {}", second.one_line())),
        }
    }

    fn too_many(&self, there: &[UserKey], stored: &str) -> Error {
        let name = self.word();
        let list = there.iter().map(|key| match key.id == stored {
            true => format!("{}, which is stored here", key.id),
            false => described(key),
        });
        let list: Vec<_> = list.collect();
        let message = format!(
            "the user has {} keys, and IAM allows no more: {}",
            there.len(),
            list.join("; ")
        );
        let error = Error::new(Kind::Failed, message);
        let Some(other) = there.iter().find(|key| key.id != stored) else {
            return error;
        };
        let itself = if self.has_device() { "" } else { "-n " };
        error.hint(format!(
            "if nobody uses it: vault exec {itself}{name} -- aws iam delete-access-key --access-key-id {}",
            other.id
        ))
    }

    /// What IAM is asked with: the key itself, or a session with MFA where the profile has a device.
    /// IAM answers to no session without it
    /// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
    fn caller(&self, id: &str) -> Result<&Credentials, Error> {
        if self.caller.get().is_none() {
            let text = |key| self.profile.get(key).map(|value| value.text.clone());
            let chain = Chain {
                profile: self.name().to_owned(),
                root: self.name().to_owned(),
                roles: Vec::new(),
                region: self.profile.region.clone(),
                source: Source::AccessKey(AccessKey {
                    profile: self.name().to_owned(),
                    id: id.to_owned(),
                    place: KeyPlace::Keystore,
                    mfa_serial: text("mfa_serial"),
                    mfa_process: text("mfa_process"),
                    region: self.profile.region.clone(),
                }),
            };
            let want = Want {
                no_session: !self.has_device(),
                code: self.code.as_ref(),
                ..Want::default()
            };
            let got = self
                .context
                .credentials(&self.profile, &chain, None, want)?;
            let _ = self.caller.set(got);
        }
        Ok(self.caller.get().expect("it was set above"))
    }

    fn has_device(&self) -> bool {
        self.profile.get("mfa_serial").is_some()
    }

    fn name(&self) -> &str {
        &self.profile.name
    }

    /// The name as it is typed.
    fn word(&self) -> Cow<'_, str> {
        shell_word(self.name())
    }

    fn region(&self) -> Option<&str> {
        self.profile.region.as_deref()
    }

    fn say(&self, what: &str) {
        self.context.ui.note(&format!("{what}."));
    }
}

/// `AKIA… (active, made on 2026-01-02)`
fn described(key: &UserKey) -> String {
    let state = if key.active { "active" } else { "inactive" };
    let made = key
        .created_at
        .map(|at| format!(", made on {}", at.strftime("%Y-%m-%d")));
    format!("{} ({state}{})", key.id, made.unwrap_or_default())
}
