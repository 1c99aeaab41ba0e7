//! The list of what is cached: a small file for each entry, so that parallel runs never wait for
//! one another and a killed one leaves every other entry as it was. It holds no secret.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CacheError, Key, file_name, make_private};

/// What the list says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// When its value ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// Whether it can be made to last longer without a person.
    pub renewable: bool,
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    renewable: bool,
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

    pub(super) fn add(&self, entry: &Entry) -> Result<(), CacheError> {
        let path = self.path(&entry.key);
        let line = Line {
            key: entry.key.as_str().to_owned(),
            expires_at: entry.expires_at,
            renewable: entry.renewable,
        };
        self.write(&path, &line)
            .map_err(|error| CacheError::Io(path, error))
    }

    /// Whole or not at all. Whoever puts an entry holds its lock, so one name for the new file will
    /// do, and a killed run leaves nothing that another does not overwrite.
    fn write(&self, path: &Path, line: &Line) -> io::Result<()> {
        make_private(&self.directory)?;
        let new = path.with_extension(NEW);
        std::fs::write(&new, serde_json::to_vec(line)?)?;
        std::fs::rename(new, path)
    }

    pub(super) fn remove(&self, key: &Key) -> Result<(), CacheError> {
        let path = self.path(key);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(CacheError::Io(path, error))
            }
            _ => Ok(()),
        }
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
                renewable: line.renewable,
            });
        }
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.directory.join(file_name(key))
    }
}
