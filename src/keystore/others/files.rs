//! A folder of encrypted files, one an item, all with one passphrase.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::jwe::{self, Closed};
use super::{Other, no_item};
use crate::credentials::Secret;
use crate::keystore::{Ask, KeystoreError, PassphraseFor};

/// How often a person may mistype.
const TRIES: usize = 3;

/// No item is nearly as long: a longer file is something else.
const LONGEST: u64 = 256 * 1024;

/// The folder.
pub struct Files {
    folder: PathBuf,
    ask: Ask,
    /// The one that opened a file, or that is given.
    passphrase: Mutex<Option<Secret<String>>>,
}

impl Files {
    /// Reads nothing yet.
    pub fn new(folder: PathBuf, passphrase: Option<Secret<String>>, ask: Ask) -> Self {
        Self {
            folder,
            ask,
            passphrase: Mutex::new(passphrase),
        }
    }

    fn read(&self, name: &str) -> Result<String, KeystoreError> {
        let path = self.folder.join(escaped(name));
        let file = fs::File::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => no_item(name, &self.place()),
            _ => KeystoreError::io("read", &path)(error),
        })?;
        let mut text = String::new();
        let read = file.take(LONGEST).read_to_string(&mut text);
        read.map_err(KeystoreError::io("read", &path))?;
        Ok(text)
    }
}

impl Other for Files {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn names(&self) -> Result<Vec<String>, KeystoreError> {
        let unreadable = KeystoreError::io("read", &self.folder);
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(unreadable)?,
        };
        let file = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            entry.file_type().ok()?.is_file().then(|| unescaped(&name))
        };
        let mut names: Vec<_> = entries.flatten().filter_map(file).collect();
        names.sort();
        Ok(names)
    }

    /// One that is given may be meant for vault's own keystore: where it is wrong, the person is asked
    /// as if there were none.
    fn item(&self, name: &str) -> Result<Secret<Vec<u8>>, KeystoreError> {
        let sealed = self.read(name)?;
        let mut known = self
            .passphrase
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut candidate = known.clone();
        let given = usize::from(candidate.is_some());
        for nth in 0..given + TRIES {
            let purpose = match nth > given {
                false => PassphraseFor::Existing,
                true => PassphraseFor::Again,
            };
            let passphrase = match candidate.take() {
                Some(passphrase) => passphrase,
                None => match (self.ask)(purpose) {
                    Err(KeystoreError::PassphraseNeeded) if nth > 0 => break,
                    answer => answer?,
                },
            };
            match jwe::open(&sealed, &passphrase) {
                Ok(item) => {
                    *known = Some(passphrase);
                    return Ok(item);
                }
                Err(Closed::WrongPassphrase) => {}
                Err(Closed::Unreadable(what)) => {
                    return Err(KeystoreError::Damaged {
                        place: self.folder.join(escaped(name)).display().to_string(),
                        what: what.to_owned(),
                    });
                }
            }
        }
        Err(KeystoreError::WrongPassphrase)
    }
}

/// A name as a file's: `/` and `%` by their hexadecimal codes.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

/// The name that a file's name stands for.
fn unescaped(file: &str) -> String {
    let bytes = file.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                name.push(code);
                at += 3;
            }
            None => {
                name.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(name).unwrap_or_else(|_| file.to_owned())
}

// The names of the fixture's items are none that a file can have on Windows.
#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const WRITTEN: &str = include_str!("../../../tests/fixtures/aws-vault-file-keystore.txt");
    const RIGHT: &str = "fake-passphrase-of-the-other-tool";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for line in WRITTEN.lines().filter(|line| !line.starts_with('#')) {
            let (name, sealed) = line.split_once(' ').unwrap();
            fs::write(folder.path().join(name), sealed).unwrap();
        }
        folder
    }

    /// With a person who answers `answers` one after the other, and how often they were asked.
    fn files(
        folder: &tempfile::TempDir,
        given: Option<&str>,
        answers: &'static [&'static str],
    ) -> (Files, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let ask: Ask = Box::new(move |_| {
            let answer = answers.get(count.fetch_add(1, Ordering::Relaxed));
            let answer = answer.ok_or(KeystoreError::PassphraseNeeded)?;
            Ok(Secret::new((*answer).to_owned()))
        });
        let given = given.map(|given| Secret::new(given.to_owned()));
        let files = Files::new(folder.path().to_owned(), given, ask);
        (files, asked)
    }

    #[test]
    fn names_are_read_without_a_passphrase() {
        let folder = folder();
        let (files, asked) = files(&folder, None, &[]);
        let names = [
            "oidc:https://corp.awsapps.com/start",
            "sts.GetSessionToken,d29yaw,,1700000000",
            "team/ops",
            "work",
        ];
        assert_eq!(files.names().unwrap(), names);
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        let missing = Files::new(
            folder.path().join("none"),
            None,
            Box::new(|_| unreachable!()),
        );
        assert!(missing.names().unwrap().is_empty());
    }

    #[test]
    fn the_passphrase_is_asked_for_once_and_again_where_it_is_wrong() {
        let table: &[(Option<&str>, &'static [&'static str], usize)] = &[
            (Some(RIGHT), &[], 0),
            (None, &[RIGHT], 1),
            (None, &["slip", RIGHT], 2),
            (Some("of another keystore"), &[RIGHT], 1),
        ];
        for (given, answers, expected) in table {
            let folder = folder();
            let (files, asked) = files(&folder, *given, answers);
            for name in ["work", "team/ops"] {
                let content = files.get(name).unwrap();
                let content = String::from_utf8(content.expose().clone()).unwrap();
                assert!(content.contains("AKIAIOSFODNN7EXAMPL"), "{content}");
            }
            assert_eq!(asked.load(Ordering::Relaxed), *expected, "{answers:?}");
        }
    }

    #[test]
    fn without_the_passphrase_it_says_so() {
        let folder = folder();
        let error = |given, answers| {
            let (files, asked) = files(&folder, given, answers);
            let error = files.get("work").err().unwrap();
            (error.to_string(), asked.load(Ordering::Relaxed))
        };
        let wrong = "the passphrase is wrong".to_owned();
        assert_eq!(error(None, &["a", "b", "c", "d", "e"]), (wrong.clone(), 3));
        assert_eq!(error(Some("z"), &[]), (wrong, 1));
        let needed = "the keystore needs its passphrase".to_owned();
        assert_eq!(error(None, &[]), (needed, 1));
        fs::write(folder.path().join("work"), "hunter2").unwrap();
        let (damaged, _) = error(Some(RIGHT), &[]);
        assert!(damaged.contains("is damaged") && !damaged.contains("hunter2"));
    }
}
