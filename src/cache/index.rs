//! The list of what is cached: a small file for each entry, so that parallel runs never wait for
//! one another and a killed one leaves every other entry as it was. It holds no secret.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CacheError, Key, file_name};
use crate::credentials::Flow;
use crate::files;

/// What the list says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// When its value ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// Of credentials that came of a sign-in: the start URL of its portal.
    pub portal: Option<String>,
}

/// What the list says of an entry that is asked for by its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// When its value ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// Of a long-lived key: what names it.
    pub access_key_id: Option<String>,
    /// Of a sign-in that can be renewed without a person: the flow whose registration goes with it.
    pub renewed_by: Option<Flow>,
    /// As in [`Entry`].
    pub portal: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    renewed_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    portal: Option<String>,
}

/// The ending of a file that is not in its place yet.
const NEW: &str = "new";

pub(super) struct Index {
    directory: PathBuf,
}

impl Index {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(super) fn add(&self, key: &Key, listed: Listed) -> Result<(), CacheError> {
        let path = self.path(key);
        let line = Line {
            key: key.as_str().to_owned(),
            expires_at: listed.expires_at,
            access_key_id: listed.access_key_id,
            renewed_by: listed.renewed_by.map(|flow| flow.as_str().to_owned()),
            portal: listed.portal,
        };
        self.write(&path, &line)
            .map_err(|error| CacheError::Io(path, error))
    }

    fn write(&self, path: &Path, line: &Line) -> io::Result<()> {
        files::private_directory(&self.directory)?;
        files::replace(path, &path.with_extension(NEW), &serde_json::to_vec(line)?)
    }

    pub(super) fn remove(&self, key: &Key) -> Result<(), CacheError> {
        let path = self.path(key);
        files::remove(&path).map_err(|error| CacheError::Io(path, error))
    }

    /// What is listed under `key`: one small file is read.
    pub(super) fn get(&self, key: &Key) -> Option<Listed> {
        let text = std::fs::read(self.path(key)).ok()?;
        let line: Line = serde_json::from_slice(&text).ok()?;
        Some(Listed {
            expires_at: line.expires_at,
            access_key_id: line.access_key_id,
            renewed_by: line.renewed_by.as_deref().and_then(Flow::parse),
            portal: line.portal,
        })
    }

    /// When what is kept under `key` ends; `None` where nothing is, or it has no end.
    pub(super) fn expires_at(&self, key: &Key) -> Option<Timestamp> {
        let text = std::fs::read(self.path(key)).ok()?;
        serde_json::from_slice::<Line>(&text).ok()?.expires_at
    }

    pub(super) fn entries(&self) -> Result<Vec<Entry>, CacheError> {
        let read = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|error| CacheError::Io(self.directory.clone(), error))?,
        };
        let mut entries = Vec::new();
        for file in read {
            let file = file.map_err(|error| CacheError::Io(self.directory.clone(), error))?;
            if file
                .path()
                .extension()
                .is_some_and(|extension| extension == NEW)
            {
                continue;
            }
            // Removed meanwhile, or not ours: not in the list.
            let Ok(text) = std::fs::read(file.path()) else {
                continue;
            };
            let Ok(line) = serde_json::from_slice::<Line>(&text) else {
                continue;
            };
            entries.push(Entry {
                key: Key(line.key),
                expires_at: line.expires_at,
                portal: line.portal,
            });
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(file_name(key))
    }
}
