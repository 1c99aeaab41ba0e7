//! What can be wrong with the AWS files, by what the caller can do about it.
//!
//! No variant quotes a whole line: it may hold a key.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where something stands in the AWS files. Displayed as `~/.aws/config:12`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file, as its path was given.
    pub file: Arc<Path>,
    /// Counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why the AWS files gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No section of either file has that name.
    #[error("there is no profile `{name}`")]
    NoSuchProfile {
        /// What was asked for.
        name: String,
        /// At most three that look like it, the closest first.
        closest: Vec<String>,
        /// Whether there is any profile at all.
        any: bool,
    },
    /// No `[sso-session]` section has that name.
    #[error("there is no sso-session `{name}`")]
    NoSuchSession {
        /// What was asked for.
        name: String,
        /// At most three that look like it, the closest first.
        closest: Vec<String>,
        /// Whether there is any sso-session at all.
        any: bool,
    },
    /// The file can be read, and what it says can't be meant.
    #[error("{at}: {key}: {what}")]
    Mistake {
        /// The line to mend.
        at: Place,
        /// The key that is wrong or missing.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// The file is not one that the AWS CLI could read.
    #[error("{at}: {what}")]
    Syntax {
        /// The first such line.
        at: Place,
        /// What is wrong with it.
        what: String,
    },
    /// The file is there, and can't be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ConfigError {
    /// A [`ConfigError::Mistake`] in `key`.
    pub fn mistake(at: &Place, key: &str, what: impl Into<String>) -> Self {
        Self::Mistake {
            at: at.clone(),
            key: key.to_owned(),
            what: what.into(),
        }
    }

    /// Whether a profile and its sso-session both say something, and not the same.
    pub fn is_contradiction(&self) -> bool {
        matches!(self, Self::Mistake { what, .. } if what.contains("contradicts"))
    }
}

/// How alike two names must be (Jaro-Winkler) for one to be offered for the other.
const ALIKE: f64 = 0.8;

/// How alike the best must be where none is alike: below this it would be a guess.
const FAINTLY: f64 = 0.6;

/// How many names are offered.
const OFFERED: usize = 3;

/// How alike `other` is to `name`, which is in lower case: at least [`ALIKE`] where it holds it.
fn likeness(name: &str, other: &str) -> f64 {
    let other = other.to_lowercase();
    let alike = strsim::jaro_winkler(name, &other);
    let holds = !name.is_empty() && other.contains(name);
    if holds { alike.max(ALIKE) } else { alike }
}

/// The name that looks most like `name`, where one does.
pub fn alike<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    let scored = names.map(|other| (likeness(&name, other), other));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score >= ALIKE)
        .map(|(_, other)| other)
}

/// The names that look most like `name`, the closest first: those that are alike or hold it, else
/// the best of the others.
pub fn closest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let name = name.to_lowercase();
    let mut alike: Vec<(f64, &str)> = names
        .map(|other| (likeness(&name, other), other))
        .filter(|(score, _)| *score >= FAINTLY)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.dedup_by_key(|(_, other)| *other);
    let close = alike.iter().filter(|(score, _)| *score >= ALIKE).count();
    alike.truncate(close.clamp(1, OFFERED));
    alike.into_iter().map(|(_, name)| name.to_owned()).collect()
}
