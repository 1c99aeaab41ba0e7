//! One lock for each key, as a file: the operating system frees the lock of a process that died.
//! A holder can leave word for those that wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::{CacheError, Key, file_name, make_private};

/// A held lock. Dropping it lets go, and so does the end of the process.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Whether another vault held it first.
    waited: bool,
}

impl Lock {
    pub(super) fn take(
        directory: &Path,
        key: &Key,
        limit: Duration,
        waiting: impl FnOnce(),
    ) -> Result<Self, CacheError> {
        let path = directory.join(file_name(key));
        let broken = |error| CacheError::Io(path.clone(), error);
        make_private(directory).map_err(broken)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(broken)?;
        match file.try_lock() {
            Ok(()) => {
                return Ok(Self {
                    file,
                    waited: false,
                });
            }
            Err(std::fs::TryLockError::WouldBlock) => {}
            Err(std::fs::TryLockError::Error(error)) => return Err(broken(error)),
        }
        tracing::debug!(key = key.as_str(), "waiting for another vault");
        waiting();
        match wait(file, limit) {
            Some(locked) => Ok(Self {
                file: locked.map_err(broken)?,
                waited: true,
            }),
            None => Err(CacheError::Busy(path, limit)),
        }
    }

    /// Whether another vault held the lock when it was asked for.
    pub fn waited(&self) -> bool {
        self.waited
    }

    /// Leaves word for whoever waits for this lock.
    ///
    /// # Errors
    ///
    /// The lock's file can't be written.
    pub fn leave_word(&mut self, word: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(word.as_bytes())
    }

    /// What the last holder that left word said.
    ///
    /// # Errors
    ///
    /// The lock's file can't be read.
    pub fn word(&mut self) -> io::Result<String> {
        let mut word = String::new();
        self.file.rewind()?;
        self.file.read_to_string(&mut word)?;
        Ok(word)
    }
}

/// The system's lock call knows no time limit, so it blocks a thread of its own; a wait that is
/// given up leaves the thread behind, to end with the process.
fn wait(file: File, limit: Duration) -> Option<io::Result<File>> {
    let (done, locked) = mpsc::channel();
    std::thread::spawn(move || {
        let result = file.lock().map(|()| file);
        let _ = done.send(result);
    });
    locked.recv_timeout(limit).ok()
}
