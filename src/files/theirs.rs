//! Files that are the person's and not vault's: replaced whole, through symbolic links, with the owner
//! and the mode that they had.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{platform, remove};

/// What the file's new text is called until it takes its place; a killed run leaves one behind, and
/// the next writes over it.
const NEW: &str = "vault-new";

/// How many links may lead from one to the next: what Linux allows.
const LINKS: usize = 40;

/// A file as it was read.
#[derive(Debug)]
pub struct Theirs {
    /// Behind every link.
    target: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    /// `None` where there is no file yet.
    metadata: Option<Metadata>,
    /// Whether it is to be for its owner alone, whatever it was.
    private: bool,
}

/// Why a file has not been replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// It is not what it was when it was read.
    #[error("another program has changed it meanwhile")]
    Changed,
    /// It is read-only: whoever made it so meant it.
    #[error("it is read-only")]
    ReadOnly,
    /// It could not be written, or its owner or mode not be kept.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Theirs {
    /// Reads a file; one that isn't there is an empty one.
    ///
    /// # Errors
    ///
    /// It can't be read, or is no regular file: reading a pipe could be for ever.
    pub fn read(path: &Path) -> io::Result<Self> {
        let target = behind_links(path)?;
        let (bytes, metadata) = match fs::metadata(&target) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok(metadata) => {
                let mut bytes = Zeroizing::new(Vec::new());
                File::open(&target)?.read_to_end(&mut bytes)?;
                (bytes, Some(metadata))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => (Zeroizing::default(), None),
            Err(error) => return Err(error),
        };
        Ok(Self {
            target,
            bytes,
            metadata,
            private: false,
        })
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether there was a file.
    pub fn exists(&self) -> bool {
        self.metadata.is_some()
    }

    /// Whether it has hard links: they keep the old text, as a whole new file takes the place of one name.
    pub fn has_other_names(&self) -> bool {
        let metadata = self.metadata.as_ref();
        metadata.is_some_and(platform::has_other_names)
    }

    /// The file itself, behind every link.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// What replaces it is for its owner alone.
    pub fn make_private(&mut self) {
        self.private = true;
    }

    /// Closes it to others where it stays as it is, and is to be private.
    pub fn tighten(&self) {
        if self.private
            && let Ok(file) = File::open(&self.target)
        {
            platform::tighten(&file);
        }
    }

    /// Puts `bytes` in its place: whoever reads meanwhile, or after a kill, gets the old or the new.
    /// Whoever calls holds the lock for it.
    ///
    /// # Errors
    ///
    /// The old file is still there: see [`ReplaceError`].
    pub fn replace(&self, bytes: &[u8]) -> Result<(), ReplaceError> {
        if let Some(metadata) = &self.metadata
            && metadata.permissions().readonly()
        {
            return Err(ReplaceError::ReadOnly);
        }
        if let Some(directory) = directory(&self.target) {
            make_missing(directory)?;
        }
        let new = beside(&self.target, NEW);
        let write = || -> Result<(), ReplaceError> {
            self.fill(&new, bytes)?;
            if Self::read(&self.target)?.bytes != self.bytes {
                return Err(ReplaceError::Changed);
            }
            Ok(fs::rename(&new, &self.target)?)
        };
        write().inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })?;
        self.sync();
        Ok(())
    }

    /// Keeps `bytes` beside `path` under its name and `ending`, with the mode of this file; unless
    /// there is something of that name already.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn back_up(&self, path: &Path, ending: &str, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
        let backup = beside(path, ending);
        if fs::symlink_metadata(&backup).is_ok() {
            return Ok(None);
        }
        let new = beside(&backup, NEW);
        self.fill(&new, bytes)
            .and_then(|()| fs::rename(&new, &backup))
            .inspect_err(|_| {
                let _ = fs::remove_file(&new);
            })?;
        Ok(Some(backup))
    }

    /// A new file with the owner and the mode of this one.
    fn fill(&self, new: &Path, bytes: &[u8]) -> io::Result<()> {
        remove(new)?;
        let mut file = platform::create_private(new)?;
        // Before there is anything in it: what is to be private is at no moment open.
        if let Some(metadata) = &self.metadata {
            platform::make_like(&file, &self.target, metadata)?;
        }
        if self.private {
            platform::tighten(&file);
        }
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn sync(&self) {
        // The new text is in its place: only a power cut could undo it now.
        if let Some(directory) = directory(&self.target)
            && let Err(error) = platform::sync_directory(directory)
        {
            tracing::debug!(%error, "a directory could not be synced");
        }
    }
}

/// `path`, or what the link leads to, which need not be there.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = directory(&path).map_or_else(|| to.clone(), |from| from.join(&to)),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its symbolic links lead in a circle"))
}

fn directory(path: &Path) -> Option<&Path> {
    let directory = path.parent()?;
    Some(if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    })
}

/// Makes a directory for this user alone. One that is there stays as it is: it is the person's.
fn make_missing(directory: &Path) -> io::Result<()> {
    if directory.exists() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    platform::private(&mut builder);
    builder.create(directory)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}
