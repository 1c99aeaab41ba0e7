//! The program `pass`: an encrypted file an entry, below `vault/` in the person's own store.
//!
//! Values go through pipes, in Base64 because `pass` is made for text; none is ever an argument.
//! Whether an entry exists is seen by its file, for the program's answers can't tell a missing
//! entry from a failure.

mod child;
mod theirs;

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use super::limit::Calls;
use super::{Keystore, KeystoreError, Options};
use crate::credentials::Secret;
use child::Output;
pub use theirs::Theirs;

/// The folder of our entries.
const FOLDER: &str = "vault";

/// How much of a name a person gets to read in a listing: file names end at 255 bytes, and
/// some encrypting file systems at 143.
const READABLE: usize = 80;

/// Entries of `pass`.
pub struct Pass {
    calls: Calls,
    store: PathBuf,
    hidden_variables: &'static [&'static str],
    #[cfg(test)]
    gnupg_home: Option<PathBuf>,
}

impl Pass {
    /// Looks whether there is a password store.
    pub fn open(options: Options) -> Result<Self, KeystoreError> {
        let store = options.password_store;
        match fs::metadata(&store) {
            Ok(metadata) if metadata.is_dir() => Ok(Self {
                calls: Calls::new("the program pass", options.waiting),
                store,
                hidden_variables: options.hidden_variables,
                #[cfg(test)]
                gnupg_home: None,
            }),
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(KeystoreError::io("read", &store)(error))
            }
            _ => Err(KeystoreError::Missing {
                reason: format!(
                    "there is no password store at {} (pass init makes one)",
                    store.display()
                ),
            }),
        }
    }

    fn exists(&self, entry: &str) -> Result<bool, KeystoreError> {
        let file = self.store.join(format!("{entry}.gpg"));
        match fs::metadata(&file) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(KeystoreError::io("read", &file)(error)),
        }
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Secret<Vec<u8>>, KeystoreError> {
        let mut command = std::process::Command::new("pass");
        command
            .args(arguments)
            .env("PASSWORD_STORE_DIR", &self.store);
        for variable in self.hidden_variables {
            command.env_remove(variable);
        }
        #[cfg(test)]
        command.envs(self.gnupg_home.iter().map(|home| ("GNUPGHOME", home)));
        let Output { success, out, said } = child::run(command, input, &self.calls)?;
        if success {
            return Ok(out);
        }
        if said.to_lowercase().contains("cancel") {
            return Err(KeystoreError::Locked);
        }
        let said = if said.is_empty() { "nothing" } else { &said };
        Err(KeystoreError::failed(format!("pass said: {said}")))
    }
}

impl Keystore for Pass {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        let entry = entry(name);
        if !self.exists(&entry)? {
            return Ok(None);
        }
        let text = match self.run(&["show", &entry], b"") {
            Ok(text) => text,
            // Deleted since we looked.
            Err(_) if !self.exists(&entry)? => return Ok(None),
            Err(error) => return Err(error),
        };
        match BASE64.decode(text.expose().trim_ascii()) {
            Ok(value) => Ok(Some(Secret::new(value))),
            Err(_) => Err(KeystoreError::Damaged {
                place: format!("the entry {entry} of pass"),
                what: "it was not written by vault".to_owned(),
            }),
        }
    }

    /// Under another name first: `pass` writes over what is there, and who is killed then has
    /// neither the old value nor the new one.
    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        let entry = entry(name);
        let new = format!("{entry}.new");
        let text = Secret::new(BASE64.encode(value.expose()));
        self.run(&["insert", "-m", "-f", &new], text.expose().as_bytes())?;
        self.run(&["mv", "-f", &new, &entry], b"")?;
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        let entry = entry(name);
        if !self.exists(&entry)? {
            return Ok(false);
        }
        self.run(&["rm", "-f", &entry], b"")?;
        Ok(true)
    }
}

/// What an entry is called: readable, safe in any file system, and different for every name.
fn entry(name: &str) -> String {
    let readable = name.bytes().take(READABLE).map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte),
        _ => '_',
    });
    let digest = Sha256::digest(name);
    let digest = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    let (readable, digest): (String, String) = (readable.collect(), digest.collect());
    format!("{FOLDER}/{readable}-{digest}")
}

#[cfg(test)]
mod tests;
