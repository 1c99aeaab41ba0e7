//! The AWS files, read as the AWS CLI reads them: text in, [`Profile`] and [`SsoSession`] out.
//!
//! It knows files, lines and keys; it does not know the network, a keystore, or what a profile's
//! credentials come from (`resolve` decides that).
//!
//! Loading looks at every line once and copies none ([`parse`]); what is not asked for is never
//! turned into strings, so that a file of ten thousand profiles costs milliseconds.

mod document;
pub mod edit;
mod error;
mod keys;
mod known;
mod mistakes;
mod parse;
mod profile;
mod section;
mod services;
mod settings;
mod sso;
mod words;

#[cfg(test)]
mod parity;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::PathBuf;

use self::document::Document;
use self::settings::{Settings, Value};

pub use self::error::{ConfigError, Place, alike, closest};
pub use self::known::Oddity;
pub use self::profile::{CredentialSource, KeyFile, Profile, Role, is_role_arn};
pub use self::section::{Dialect, SectionKind};
pub use self::sso::{Sso, SsoRole, SsoSession, is_web_url};
pub use self::words::{quote as shell_word, split as shell_words};

/// Marks a profile that `configure sync` wrote, and names its sso-session: a key, since other programs
/// that edit the file keep keys and may lose comments. No AWS client looks at it.
pub const SYNC_KEY: &str = "vault_sync";

/// Marks a section of a credentials file that `export --to` wrote, and names the profile whose credentials
/// they are.
pub const EXPORT_KEY: &str = "vault_export";

/// Where the two files are.
#[derive(Clone, Debug)]
pub struct Files {
    /// `AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config: PathBuf,
    /// `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials: PathBuf,
}

/// Both files, ready to be asked.
#[derive(Debug)]
pub struct Config {
    config: Document,
    credentials: Document,
}

impl Config {
    /// Reads both files. One that isn't there is an empty one.
    ///
    /// # Errors
    ///
    /// A file can't be read, or the AWS CLI could not make sense of it, anywhere.
    pub fn load(files: &Files) -> Result<Self, ConfigError> {
        Ok(Self {
            config: Document::load(&files.config, Dialect::Config)?,
            credentials: Document::load(&files.credentials, Dialect::Credentials)?,
        })
    }

    /// Reads both files, however much is wrong with them, and says what: for whoever looks for mistakes
    /// instead of stumbling over one.
    pub fn load_with_mistakes(files: &Files) -> (Self, Vec<ConfigError>) {
        let (config, mut mistakes) = Document::load_with_mistakes(&files.config, Dialect::Config);
        let (credentials, more) =
            Document::load_with_mistakes(&files.credentials, Dialect::Credentials);
        mistakes.extend(more);
        let both = Self {
            config,
            credentials,
        };
        (both, mistakes)
    }

    /// Takes two texts as the files' contents.
    #[cfg(test)]
    pub fn from_texts(config: &str, credentials: &str) -> Result<Self, ConfigError> {
        let document = |path: &str, text: &str, dialect| {
            Document::parse(path.as_ref(), text.to_owned(), dialect)
        };
        Ok(Self {
            config: document("config", config, Dialect::Config)?,
            credentials: document("credentials", credentials, Dialect::Credentials)?,
        })
    }

    /// The profile of that name, and no other. What it does not say itself is said by the profile that
    /// it includes, if any, as aws-vault has it; access keys are nobody's but their own profile's.
    ///
    /// # Errors
    ///
    /// There is none, or what the files say about it can't be meant.
    pub fn profile(&self, name: &str) -> Result<Profile, ConfigError> {
        let (settings, key_file) = self.whole(name)?;
        Profile::new(&self.config, name, settings, key_file)
    }

    /// What the files say about a profile, with what it includes, and where its access key stands.
    fn whole(&self, name: &str) -> Result<(Settings, Option<KeyFile>), ConfigError> {
        let (mut settings, key_file) = self.settings(name).ok_or_else(|| self.no_profile(name))?;
        let mut seen = vec![name.to_owned()];
        while let Some((key, next)) = include(&mut settings)? {
            let wrong = |what| ConfigError::mistake(&next.at, key, what);
            let known = seen.contains(&next.text);
            seen.push(next.text.clone());
            if known {
                return Err(wrong(format!("a loop: {}", seen.join(" → "))));
            }
            let (other, _) = self.settings(&next.text).ok_or_else(|| {
                let close = closest(&next.text, self.profile_names());
                let hint = close.first().map(|c| format!(", did you mean `{c}`?"));
                let hint = hint.unwrap_or_default();
                wrong(format!("there is no profile `{}`{hint}", next.text))
            })?;
            settings.fill(other);
        }
        Ok((settings, key_file))
    }

    /// The names of all profiles, each once: those of the config file first, as the files have them.
    pub fn profile_names(&self) -> impl Iterator<Item = &str> {
        let new = |name: &&str| self.config.find(SectionKind::Profile, name).is_none();
        let more = self.credentials.names(SectionKind::Profile).filter(new);
        self.config.names(SectionKind::Profile).chain(more)
    }

    /// The sso-session of that name.
    ///
    /// # Errors
    ///
    /// There is none, or what its section says can't be meant.
    pub fn sso_session(&self, name: &str) -> Result<SsoSession, ConfigError> {
        sso::session(&self.config, name)
    }

    /// The names of all sso-sessions, each once, in the file's order.
    pub fn sso_session_names(&self) -> impl Iterator<Item = &str> {
        self.config.names(SectionKind::SsoSession)
    }

    /// What the files say about a profile, the credentials file over the config file, and where its
    /// access key stands.
    fn settings(&self, name: &str) -> Option<(Settings, Option<KeyFile>)> {
        let config = self.config.find(SectionKind::Profile, name);
        let credentials = self.credentials.find(SectionKind::Profile, name);
        config.or(credentials)?;
        let mut settings = Settings::default();
        let mut key_file = None;
        if let Some(section) = config {
            settings.update(&self.config, section);
            key_file = settings
                .get_any("aws_access_key_id")
                .map(|_| KeyFile::Config);
        }
        if let Some(section) = credentials {
            let own = Settings::of(&self.credentials, section);
            if own.get_any("aws_access_key_id").is_some() {
                key_file = Some(KeyFile::Credentials);
            }
            for (key, value) in own {
                settings.insert(key, value);
            }
        }
        Some((settings, key_file))
    }

    /// Where the profile of that name begins, in the config file if it is there.
    pub fn place_of_profile(&self, name: &str) -> Option<Place> {
        [&self.config, &self.credentials]
            .into_iter()
            .find_map(|document| {
                let section = document.find(SectionKind::Profile, name)?;
                Some(document.place(section))
            })
    }

    /// Where the sso-session of that name begins.
    pub fn place_of_session(&self, name: &str) -> Option<Place> {
        let section = self.config.find(SectionKind::SsoSession, name)?;
        Some(self.config.place(section))
    }

    /// The profiles that others include.
    pub fn included(&self) -> HashSet<String> {
        let keys = ["include_profile", "parent_profile"];
        let sections = self.config.sections().iter();
        let properties = sections.flat_map(|section| self.config.properties(section));
        properties
            .filter(|property| keys.contains(&property.key))
            .map(|property| property.value.into_owned())
            .collect()
    }

    fn no_profile(&self, name: &str) -> ConfigError {
        ConfigError::NoSuchProfile {
            name: name.to_owned(),
            closest: closest(name, self.profile_names()),
            any: self.profile_names().next().is_some(),
        }
    }
}

/// Takes out what includes a profile: the key and the value. `parent_profile` is what `include_profile`
/// was called once, and counts where that one is not there.
fn include(settings: &mut Settings) -> Result<Option<(&'static str, Value)>, ConfigError> {
    let mut found = None;
    for key in ["include_profile", "parent_profile"] {
        if let Some(value) = settings.text(key)?.cloned() {
            found = found.or(Some((key, value)));
        }
        settings.remove(key);
    }
    Ok(found)
}
