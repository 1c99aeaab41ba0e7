//! Which profiles were used last, for a picker to begin with: their names, and no secret.
//!
//! It is written where something was fetched or picked, and never on the way of a command whose credentials
//! are cached. Nobody depends on it: what can't be read or written is as if nothing had been used.

use std::path::PathBuf;
use std::time::Duration;

use super::Cache;
use crate::files::{self, Lock};

/// More than anybody looks through.
const KEPT: usize = 50;
/// Others write for a millisecond.
const PATIENCE: Duration = Duration::from_secs(1);

impl Cache {
    /// Profiles that were used, the last one first.
    pub fn recent(&self) -> Vec<String> {
        let text = std::fs::read(self.recent_path());
        let names = text
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        names.unwrap_or_default()
    }

    /// Takes note that a profile was used.
    pub fn used(&self, profile: &str) {
        if let Err(error) = self.put_first(profile) {
            tracing::debug!(%error, "which profile was used is not noted");
        }
    }

    fn put_first(&self, profile: &str) -> Result<(), files::LockError> {
        let path = self.recent_path();
        files::private_directory(&self.directory)?;
        let _lock = Lock::take(&path.with_extension("lock"), PATIENCE, || {})?;
        let mut names = self.recent();
        if names.first().is_some_and(|first| first == profile) {
            return Ok(());
        }
        names.retain(|name| name != profile);
        names.insert(0, profile.to_owned());
        names.truncate(KEPT);
        let text = serde_json::to_vec(&names).map_err(std::io::Error::from)?;
        Ok(files::replace(&path, &path.with_extension("new"), &text)?)
    }

    fn recent_path(&self) -> PathBuf {
        self.directory.join("recent")
    }
}
