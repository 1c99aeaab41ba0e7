//! Locks between processes: a file that one process at a time holds. The operating system frees
//! the lock of a process that died, so there is nothing to clean up and no age to guess.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{KeystoreError, platform};

/// The first pause between two tries: a writer holds the lock for a few milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest pause between two tries: a person does not notice it, and 50 waiting processes do
/// not keep a core busy.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// A lock that is held until this is dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock `path`, made where it is missing, when the one who has it lets go.
    ///
    /// # Errors
    ///
    /// The file can't be made or locked, or another process does not let go within `patience`.
    pub fn take(path: &Path, patience: Duration) -> Result<Self, KeystoreError> {
        let file = platform::files::open_lock(path).map_err(KeystoreError::io("open", path))?;
        // Polled, because a blocking lock has no time limit and can't be given up.
        let deadline = Instant::now() + patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => {
                    return Err(KeystoreError::io("lock", path)(error));
                }
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(KeystoreError::TimedOut {
                        what: format!("another process, which holds {},", path.display()),
                        after: patience,
                    });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(pause),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_waits_only_so_long_and_gets_it_when_it_is_free() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let short = Duration::from_millis(30);
        let held = Lock::take(&path, short).unwrap();
        assert!(matches!(
            Lock::take(&path, short),
            Err(KeystoreError::TimedOut { .. })
        ));
        drop(held);
        Lock::take(&path, short).unwrap();
    }

    #[test]
    fn a_lock_that_can_not_be_made_names_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("missing").join("lock");
        let error = Lock::take(&path, Duration::ZERO).err().unwrap();
        assert!(error.to_string().contains("missing"), "{error}");
    }
}
