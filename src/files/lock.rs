//! A lock between processes: a file that one of them holds at a time. The operating system frees
//! the lock of a process that died, so there is nothing to clean up and no age to guess.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::platform;

/// The first pause between two tries: most holders are done in a few milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause between two tries: a person does not notice it, and 50 waiting processes do
/// not keep a core busy.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// A held lock. Dropping it lets go, and so does the end of the process.
#[derive(Debug)]
pub struct Lock {
    file: File,
    waited: bool,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process held it for all of the time that was given.
    #[error("another process does not let go of it")]
    Busy,
    /// The file can't be made, or can't be locked.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lock {
    /// Takes the lock `path`, made where it is missing. Where another process has it, `waiting` is
    /// called, and `limit` is how long that process is waited for.
    ///
    /// # Errors
    ///
    /// See [`LockError`].
    pub fn take(path: &Path, limit: Duration, waiting: impl FnOnce()) -> Result<Self, LockError> {
        let file = platform::open_lock(path)?;
        if try_lock(&file)? {
            return Ok(Self {
                file,
                waited: false,
            });
        }
        tracing::debug!(path = %path.display(), "waiting for another process");
        waiting();
        // Polled: the system's own call knows no time limit.
        let deadline = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        while Instant::now() < deadline {
            thread::sleep(pause);
            if try_lock(&file)? {
                return Ok(Self { file, waited: true });
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(LockError::Busy)
    }

    /// Whether another process had the lock when it was asked for.
    pub fn waited(&self) -> bool {
        self.waited
    }

    /// Leaves a note for whoever waits for this lock.
    ///
    /// # Errors
    ///
    /// The lock's file can't be written.
    pub fn leave_note(&mut self, note: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(note.as_bytes())
    }

    /// The note of the last holder that left one.
    ///
    /// # Errors
    ///
    /// The lock's file can't be read.
    pub fn note(&mut self) -> io::Result<String> {
        let mut note = String::new();
        self.file.rewind()?;
        self.file.read_to_string(&mut note)?;
        Ok(note)
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Closing the file would not do: a program that another thread is just starting begins as a copy of this
/// process, open files and all, and would hold the lock until it runs.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &Path, limit: Duration) -> Result<Lock, LockError> {
        Lock::take(path, limit, || {})
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for_only_so_long() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let held = take(&path, Duration::ZERO).unwrap();
        assert!(!held.waited());
        let mut told = false;
        let error = Lock::take(&path, Duration::from_millis(5), || told = true);
        assert!(matches!(error, Err(LockError::Busy)));
        assert!(told);
        drop(held);
        assert!(take(&path, Duration::ZERO).is_ok());
    }

    /// As a program that is being started has it.
    #[test]
    fn a_copy_of_the_file_in_another_process_does_not_hold_it_on() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        let held = take(&path, Duration::ZERO).unwrap();
        let copy = held.file.try_clone().unwrap();
        drop(held);
        assert!(take(&path, Duration::ZERO).is_ok());
        drop(copy);
    }

    #[test]
    fn a_note_outlasts_its_writer_and_the_next_one_replaces_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lock");
        take(&path, Duration::ZERO)
            .unwrap()
            .leave_note("a long note")
            .unwrap();
        let mut next = take(&path, Duration::ZERO).unwrap();
        assert_eq!(next.note().unwrap(), "a long note");
        next.leave_note("ok").unwrap();
        assert_eq!(next.note().unwrap(), "ok");
    }

    #[test]
    fn a_lock_that_can_not_be_made_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("missing").join("lock");
        assert!(matches!(take(&path, Duration::ZERO), Err(LockError::Io(_))));
    }
}
