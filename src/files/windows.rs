//! Files and directories for this user alone, as Windows does it: what is below the user's
//! profile is theirs by inheritance, so there is nothing to set.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use super::Others;

/// Makes the directory where it is missing.
pub fn private_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Not told by a file itself: its directory in the person's profile keeps others out.
pub fn others_may(_metadata: &Metadata) -> Others {
    Others::default()
}

/// Not told without `unsafe`.
pub const fn has_other_names(_metadata: &Metadata) -> bool {
    false
}

/// Nothing to do.
pub const fn tighten(_file: &File) {}

/// Makes a file that must not be there yet.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Nothing to do: a file takes its rights from its directory.
pub const fn make_like(_file: &File, _path: &Path, _other: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Nothing to do.
pub const fn private(_builder: &mut DirBuilder) {}

/// Opens the file of a lock, which holds nothing.
pub fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Nothing to do: Windows opens no directories, and NTFS journals the rename.
pub const fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}
