//! Files for this user alone: private directories, files replaced whole, locks between processes.
//!
//! It knows the operating system's way to each (chosen here, once), and nothing of what is in them.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

mod lock;
#[cfg_attr(unix, path = "files/unix.rs")]
#[cfg_attr(windows, path = "files/windows.rs")]
mod platform;
mod theirs;

pub use lock::{Lock, LockError};
pub use platform::{others_may, private_directory, tighten};
pub use theirs::{ReplaceError, Theirs};

/// What other users of the machine may do with a file or a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// See what is in it.
    pub read: bool,
    /// Change it.
    pub write: bool,
}

/// Puts `text` in the place of `path`, through the file `new` beside it: whoever reads meanwhile gets
/// the old text or the new one.
///
/// Whoever calls holds the lock for it, so that one name for the new file will do: a killed run
/// leaves one behind, and the next writes over it.
///
/// # Errors
///
/// It could not be written; then the old text is still there.
pub fn replace(path: &Path, new: &Path, text: &[u8]) -> io::Result<()> {
    remove(new)
        .and_then(|()| fill(new, text))
        .and_then(|()| fs::rename(new, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(new);
        })?;
    // The new text is in its place: only a power cut could undo it now.
    if let Some(directory) = path.parent()
        && let Err(error) = platform::sync_directory(directory)
    {
        tracing::debug!(%error, "a directory could not be synced");
    }
    Ok(())
}

/// Makes sure that `new`, the file beside another that [`replace`] goes through, can be written: for
/// whoever must know before there is something to write.
///
/// # Errors
///
/// It can't be written.
pub fn prepare(new: &Path) -> io::Result<()> {
    remove(new)?;
    platform::create_private(new).map(drop)
}

/// Removes a file; whether it was there makes no difference.
///
/// # Errors
///
/// It is there, and stays.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn fill(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = platform::create_private(path)?;
    file.write_all(text)?;
    file.sync_all()
}
