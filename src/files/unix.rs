//! Files and directories for this user alone, as Unix does it: modes.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// The bits that let anyone else in.
const OTHERS: u32 = 0o077;

/// Makes the directory where it is missing, and closes it to others where it is open.
pub fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY)
        .create(path)?;
    if fs::metadata(path)?.mode() & OTHERS != 0 {
        fs::set_permissions(path, Permissions::from_mode(DIRECTORY))?;
    }
    Ok(())
}

/// Closes an open file to others. It may belong to someone else: then it stays as it is.
pub fn tighten(file: &File) {
    if let Ok(metadata) = file.metadata()
        && metadata.is_file()
        && metadata.mode() & OTHERS != 0
    {
        let _ = file.set_permissions(Permissions::from_mode(FILE));
    }
}

/// Makes a file that must not be there yet; a symbolic link is not followed.
pub fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE)
        .open(path)
}

/// Gives a file of this user's the owner and the mode of another.
pub fn make_like(file: &File, other: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
        std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid()))?;
    }
    file.set_permissions(other.permissions())
}

/// Keeps others out of a directory that is being made.
pub fn private(builder: &mut DirBuilder) {
    builder.mode(DIRECTORY);
}

/// Opens the file of a lock, which holds nothing.
pub fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE)
        .open(path)
}

/// Makes a rename in this directory outlast a power cut.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
