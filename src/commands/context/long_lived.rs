//! Long-lived keys: into the keystore, and out of the files where they stand in the clear.
//!
//! A key is stored and read back before anything else that holds it is touched: whatever stops vault
//! on the way, it is in one place at least.

use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use crate::cache::{Key, Lock};
use crate::config::edit::{Edit, EditError};
use crate::config::{KeyFile, SectionKind, shell_word};
use crate::credentials::{LongLivedKey, SECRET_LENGTH, may_be_key_id};
use crate::error::{Error, Kind};
use crate::ui;

/// Who stores or removes a key holds its lock for milliseconds. Who rotates it waits for AWS, for two
/// minutes at most, and makes a few requests besides.
const KEY_LOCK_LIMIT: Duration = Duration::from_mins(4);

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// How a key was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Stored {
    /// There was none.
    New,
    /// There was another, with this id.
    InPlaceOf(String),
    /// It was there already.
    Already,
}

/// A key that was moved.
#[derive(Debug)]
pub(in crate::commands) struct Moved {
    /// What names it.
    pub(in crate::commands) id: String,
    /// How it was stored.
    pub(in crate::commands) stored: Stored,
    /// Where it was taken out.
    pub(in crate::commands) from: PathBuf,
}

/// What is wrong with the id of a long-lived key. The text itself is in no message: it may be the
/// secret, in the wrong place.
pub(in crate::commands) fn id_flaw(text: &str) -> Option<&'static str> {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    let is = |prefix: &str| text.starts_with(prefix);
    let formed = (16..=128).contains(&text.len()) && may_be_key_id(text);
    if !formed {
        Some("that is no access key ID: one has 20 letters and digits, and begins with AKIA")
    } else if is("ASIA") {
        Some("that is the ID of a temporary key, which ends by itself")
    } else if is("AIDA") || is("AROA") || is("AGPA") || is("ANPA") || is("AIPA") {
        Some("that is the ID of a user, a role or the like, and not of a key")
    } else {
        None
    }
}

/// The id of a key as it may be shown. What stands in a file, a variable or a table where an id should be
/// may be the secret: the two are easily swapped.
pub(in crate::commands) fn shown_id(text: &str) -> &str {
    if may_be_key_id(text) {
        text
    } else {
        "without an ID"
    }
}

impl Context {
    /// Stores the long-lived key of a profile, and reads it back. `force`: in the place of another.
    pub(in crate::commands) fn store_key(
        &self,
        profile: &str,
        key: &LongLivedKey,
        force: bool,
    ) -> Result<Stored, Error> {
        self.check_key(key)?;
        let _lock = self.lock_key(profile)?;
        if self.cache.rotation(profile)?.is_some() {
            let message = format!("a rotation of the key of `{profile}` has begun, and not ended");
            let word = shell_word(profile);
            return Err(Error::new(Kind::Failed, message).hint(format!(
                "`vault rotate {word}` ends it; `vault remove {word}` drops both keys"
            )));
        }
        let stored = match self.cache.access_key(profile)? {
            None => Stored::New,
            Some(before) if before == *key => Stored::Already,
            Some(before) if !force => return Err(taken(profile, &before.access_key_id)),
            Some(before) => Stored::InPlaceOf(before.access_key_id),
        };
        let old = match &stored {
            Stored::InPlaceOf(old) => self.came_of_key(profile, old)?,
            _ => Vec::new(),
        };
        self.keep_key(profile, key)?;
        self.drop_cached(&old)?;
        Ok(stored)
    }

    /// Puts a key into the keystore, and reads it back. Whoever calls holds the key's lock.
    pub(in crate::commands) fn keep_key(
        &self,
        profile: &str,
        key: &LongLivedKey,
    ) -> Result<(), Error> {
        self.cache.put_access_key(profile, key)?;
        if self.cache.access_key(profile)?.as_ref() == Some(key) {
            return Ok(());
        }
        let message = "the keystore does not give back what was put into it";
        Err(Error::new(Kind::Failed, message)
            .hint("use another with `--backend file`; the key is still where it was"))
    }

    /// What names the key that is stored for a profile.
    pub(in crate::commands) fn stored_key_id(&self, profile: &str) -> Result<String, Error> {
        if let Some(id) = self.cache.access_key_id(profile) {
            return Ok(id);
        }
        let config = self.config()?;
        let in_file = config.profile(profile)?.access_key.is_some();
        let error = Error::new(Kind::Failed, format!("no key is stored for `{profile}`"));
        let word = shell_word(profile);
        Err(if in_file {
            error.hint(format!(
                "its key is in the AWS files: `vault add {word} --from-credentials-file` moves it"
            ))
        } else {
            error.hint(format!("`vault add {word}` stores one"))
        })
    }

    /// Fails where another key is stored for the profile than could be put there.
    pub(in crate::commands) fn no_key_stored(&self, profile: &str) -> Result<(), Error> {
        match self.cache.access_key(profile)? {
            None => Ok(()),
            Some(there) => Err(taken(profile, &there.access_key_id)),
        }
    }

    /// Moves the long-lived key of a profile out of one of the files into the keystore: it is stored
    /// first, and the two lines are taken out then. No other byte of the file changes.
    pub(in crate::commands) fn move_key(
        &self,
        profile: &str,
        file: KeyFile,
        force: bool,
    ) -> Result<Moved, Error> {
        let found = self.config()?.static_credentials(profile, file)?;
        let from = match file {
            KeyFile::Credentials => self.files().credentials,
            KeyFile::Config => self.files().config,
        };
        if found.session_token.is_some() {
            let place = from.display();
            let message = format!("the key of `{profile}` in {place} is a temporary one");
            return Err(Error::new(Kind::Failed, message)
                .hint("it has a session token, and ends by itself: take it out of the file"));
        }
        let key = LongLivedKey {
            access_key_id: found.access_key_id.clone(),
            secret_access_key: found.secret_access_key.clone(),
        };
        // What can't be taken out is not stored either.
        drop(self.without_key(profile, file, &key)?);
        let stored = self.store_key(profile, &key, force)?;
        let taken_out = self
            .without_key(profile, file, &key)
            .and_then(|edit| self.save(edit));
        taken_out.map_err(|error| {
            let place = from.display();
            error.context(format!(
                "the key of `{profile}` is stored, and is still in {place} too"
            ))
        })?;
        Ok(Moved {
            id: key.access_key_id.clone(),
            stored,
            from,
        })
    }

    /// The file without the key, where it still has this one.
    fn without_key(&self, profile: &str, file: KeyFile, key: &LongLivedKey) -> Result<Edit, Error> {
        let mut edit = match file {
            KeyFile::Credentials => self.edit_credentials()?,
            KeyFile::Config => self.edit_config()?,
        };
        let kind = SectionKind::Profile;
        let says = |name, value: &String| {
            let said = edit.sections.get(kind, profile, name);
            said.is_some_and(|said| said.expose() == value)
        };
        if !says(ID, &key.access_key_id) || !says(SECRET, key.secret_access_key.expose()) {
            let message = format!("the key of `{profile}` does not stand in one place of its file");
            return Err(Error::new(Kind::Failed, message)
                .hint("see whether its section is there twice; the file was left as it is"));
        }
        for name in [ID, SECRET] {
            edit.sections
                .remove(kind, profile, name)
                .map_err(EditError::from)?;
        }
        Ok(edit)
    }

    fn check_key(&self, key: &LongLivedKey) -> Result<(), Error> {
        if let Some(flaw) = id_flaw(&key.access_key_id) {
            let error = Error::new(Kind::Failed, flaw);
            return Err(if key.access_key_id.starts_with("ASIA") {
                error.hint("vault gets such keys itself: what it stores is a long-lived one")
            } else {
                error
            });
        }
        let secret = key.secret_access_key.expose();
        if secret.is_empty() || secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let message = "the secret access key is empty, or has white space in it";
            return Err(Error::new(Kind::Failed, message).hint("take it over once more"));
        }
        let length = secret.chars().count();
        if length != SECRET_LENGTH {
            self.ui.warn(&format!(
                "the secret access key has {length} characters, and those of AWS have {SECRET_LENGTH}"
            ));
        }
        Ok(())
    }

    /// Holds a profile's key against every other vault that would change it.
    pub(in crate::commands) fn lock_key(&self, profile: &str) -> Result<Lock, Error> {
        ui::watch_interrupts();
        let waiting = || {
            let waiting = "Waiting for another vault, which is changing the key of this profile.";
            self.ui.note(waiting);
        };
        let key = Key::access_key(profile);
        Ok(self.cache.lock(&key, KEY_LOCK_LIMIT, waiting)?)
    }
}

fn taken(profile: &str, id: &str) -> Error {
    let message = format!("there is a key of `{profile}` already: {id}");
    let word = shell_word(profile);
    Error::new(Kind::Failed, message).hint(format!(
        "`--force` puts this one in its place; `vault rotate {word}` has AWS make a new one"
    ))
}
