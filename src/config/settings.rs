//! The keys of a section, or of a profile's two sections, each with where it was read.

use std::collections::{BTreeMap, btree_map};

use super::document::Document;
use super::error::{ConfigError, Place};
use super::section::Section;

/// Keys whose value is not read into [`Settings`]: that there is one is all it holds.
pub(super) const SECRETS: [&str; 3] = [
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
];

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// As it is written, without the white space around it. Empty where it would be a secret.
    pub text: String,
    /// The line of its key.
    pub at: Place,
}

impl Value {
    /// The mistake in this value.
    pub fn wrong(&self, key: &str, what: &str) -> ConfigError {
        let comment = [" #", " ;", "\t#", "\t;"];
        let hint = if comment.iter().any(|mark| self.text.contains(mark)) {
            " (a comment needs a line of its own)"
        } else {
            ""
        };
        // Its first line alone: what is indented under a key belongs to its value, and may be a secret
        // that was not meant to.
        let (shown, more) = match self.text.split_once('\n') {
            Some((first, _)) => (first, "\u{2026}"),
            None => (self.text.as_str(), ""),
        };
        let what = format!("`{shown}{more}` is {what}{hint}");
        ConfigError::mistake(&self.at, key, what)
    }

    /// Whether it is not one value but settings of its own, each on an indented line.
    fn is_nested(&self) -> bool {
        self.text.starts_with('\n')
    }
}

/// Values by key, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, Value>);

impl Settings {
    /// The keys of a section.
    pub fn of(document: &Document, section: &Section) -> Self {
        let mut settings = Self::default();
        settings.update(document, section);
        settings
    }

    /// Puts the keys of a section over those that are there; under its own, what the file says for all
    /// sections.
    pub fn update(&mut self, document: &Document, section: &Section) {
        for section in document.defaults() {
            self.read(document, section);
        }
        self.read(document, section);
    }

    fn read(&mut self, document: &Document, section: &Section) {
        for property in document.properties(section) {
            let key = property.key.to_lowercase();
            let secret = SECRETS.contains(&key.as_str());
            let at = document.place_of(&property);
            let text = if secret {
                String::new()
            } else {
                property.value.into_owned()
            };
            self.0.insert(key, Value { text, at });
        }
    }

    /// Puts `other`'s keys under those that are there, but for its access key.
    pub fn fill(&mut self, other: Self) {
        for (key, value) in other {
            if key != "aws_access_key_id" && !SECRETS.contains(&key.as_str()) {
                self.0.entry(key).or_insert(value);
            }
        }
    }

    /// Sets one key.
    pub fn insert(&mut self, key: String, value: Value) {
        self.0.insert(key, value);
    }

    /// Forgets one key.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// The value of `key`, whatever it is.
    pub fn get_any(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The value of `key`, where it has one that is not empty: for keys that do without.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.get_any(key)
            .filter(|value| !value.text.is_empty() && !value.is_nested())
    }

    /// The value of `key`, for keys that mean nothing when they are empty.
    ///
    /// # Errors
    ///
    /// The key is there, and has no value or settings under it.
    pub fn text(&self, key: &str) -> Result<Option<&Value>, ConfigError> {
        match self.get_any(key) {
            Some(value) if value.text.is_empty() => {
                Err(ConfigError::mistake(&value.at, key, "it has no value"))
            }
            Some(value) if value.is_nested() => {
                let what = "one value is expected, and not settings of its own";
                Err(ConfigError::mistake(&value.at, key, what))
            }
            value => Ok(value),
        }
    }

    /// [`Settings::text`] as a string of its own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn string(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text(key)?.map(|value| value.text.clone()))
    }
}

impl IntoIterator for Settings {
    type Item = (String, Value);
    type IntoIter = btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
