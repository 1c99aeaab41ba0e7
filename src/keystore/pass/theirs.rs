//! Another program's entries in the person's password store: one an item, in JSON.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::limit::Calls;
use super::super::others::{Other, no_item};
use super::super::{KeystoreError, Waiting};
use super::{FOLDER, Pass};
use crate::credentials::Secret;

/// So deep do folders of entries lie in each other: what goes deeper is a mistake.
const DEEPEST: usize = 16;

/// The entries below a folder.
pub struct Theirs {
    pass: Pass,
    /// Empty for the whole store.
    folder: String,
}

impl Theirs {
    /// Reads nothing yet.
    pub fn new(
        store: PathBuf,
        folder: String,
        waiting: Waiting,
        hidden_variables: &'static [&'static str],
    ) -> Self {
        Self {
            pass: Pass {
                calls: Calls::new("the program pass", waiting),
                store,
                hidden_variables,
                #[cfg(test)]
                gnupg_home: None,
            },
            folder: folder.trim_matches('/').to_owned(),
        }
    }

    fn entry(&self, name: &str) -> String {
        match self.folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    /// Adds the entries of a folder, which is called `prefix` in their names.
    fn collect(
        &self,
        folder: &Path,
        prefix: &str,
        depth: usize,
        names: &mut Vec<String>,
    ) -> Result<(), KeystoreError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(KeystoreError::io("read", folder))?,
        };
        for entry in entries.flatten() {
            let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else {
                continue;
            };
            let own = self.folder.is_empty() && depth == 0 && name == FOLDER;
            if name.starts_with('.') || own {
                continue;
            }
            if kind.is_dir() && depth < DEEPEST {
                self.collect(&entry.path(), &format!("{prefix}{name}/"), depth + 1, names)?;
            } else if let Some(name) = name.strip_suffix(".gpg") {
                names.push(format!("{prefix}{name}"));
            }
        }
        Ok(())
    }
}

impl Other for Theirs {
    fn place(&self) -> String {
        match self.folder.as_str() {
            "" => "pass".to_owned(),
            folder => format!("pass, below {folder}/"),
        }
    }

    fn is_shared(&self) -> bool {
        self.folder.is_empty()
    }

    fn names(&self) -> Result<Vec<String>, KeystoreError> {
        let mut names = Vec::new();
        let folder = self.pass.store.join(&self.folder);
        self.collect(&folder, "", 0, &mut names)?;
        names.sort();
        Ok(names)
    }

    fn item(&self, name: &str) -> Result<Secret<Vec<u8>>, KeystoreError> {
        let entry = self.entry(name);
        if !self.pass.exists(&entry)? {
            return Err(no_item(name, &self.place()));
        }
        self.pass.run(&["show", &entry], b"")
    }
}
