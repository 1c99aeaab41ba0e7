//! Files and directories for this user alone, as Unix does it: modes.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::Others;

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

/// What the modes let other users do: the group counts, as its members are others too.
pub fn others_may(metadata: &Metadata) -> Others {
    let mode = metadata.mode();
    Others {
        read: mode & 0o044 != 0,
        write: mode & 0o022 != 0,
    }
}

/// Whether the file has more names than the one that it was found by.
pub fn has_other_names(metadata: &Metadata) -> bool {
    metadata.nlink() > 1
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

/// Gives a file of this user's the owner and the mode of the one at `path`, and what else the system
/// keeps with it: without its access list, what the mode says of the group would be wrong.
pub fn make_like(file: &File, path: &Path, other: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
        std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid())).map_err(|error| {
            let what = format!("the new file can't be given the old one's owner: {error}");
            io::Error::new(error.kind(), what)
        })?;
    }
    file.set_permissions(other.permissions())?;
    attributes::copy(path, file)
}

/// Extended attributes, where access lists and labels are.
#[cfg(target_os = "linux")]
mod attributes {
    use std::ffi::CStr;
    use std::fs::File;
    use std::io;
    use std::path::Path;

    use rustix::fs::{
        XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fsetxattr,
    };

    /// Who may do what, beyond the mode.
    const ACCESS_LIST: &CStr = c"system.posix_acl_access";

    pub fn copy(from: &Path, to: &File) -> io::Result<()> {
        let from = File::open(from)?;
        // A file system that has none has none to lose.
        let Ok(length) = flistxattr_query(&from) else {
            return Ok(());
        };
        let mut names = vec![0; length];
        let length = flistxattr(&from, names.as_mut_slice())?;
        names.truncate(length);
        for name in names.split_inclusive(|byte| *byte == 0) {
            let name = CStr::from_bytes_with_nul(name).map_err(io::Error::other)?;
            let mut value = vec![0; fgetxattr_query(&from, name)?];
            let length = fgetxattr(&from, name, value.as_mut_slice())?;
            value.truncate(length);
            match fsetxattr(to, name, &value, XattrFlags::empty()) {
                Err(error) if name == ACCESS_LIST => return Err(error.into()),
                // A label that this process may not give: the system has given its own.
                Err(error) => tracing::debug!(?name, %error, "an attribute was not kept"),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

/// Elsewhere they are no part of who may read a file, or can't be had without `unsafe`.
#[cfg(not(target_os = "linux"))]
mod attributes {
    pub fn copy(_: &std::path::Path, _: &std::fs::File) -> std::io::Result<()> {
        Ok(())
    }
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
