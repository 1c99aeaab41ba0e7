//! What other programs keep in keystores of their own: read, and never written.
//!
//! aws-vault and Granted have a library in common, Go's `keyring` of 99designs, and so its places: a
//! collection of the Secret Service, a folder of encrypted files, a folder of `pass`. In each an item is
//! the same JSON around the bytes that were kept; what those mean isn't known here.

mod files;
mod jwe;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;

use super::pass::Theirs;
use super::{Ask, KeystoreError, Waiting, platform};
use crate::credentials::Secret;

/// Where another program keeps its secrets.
pub struct Places {
    /// What its collection of the Secret Service is called.
    pub collection: String,
    /// Its folder of encrypted files.
    pub files: PathBuf,
    /// Where `pass` has its entries.
    pub password_store: PathBuf,
    /// Its folder in there; empty where it has none of its own.
    pub pass_folder: String,
}

/// How the person is reached.
pub struct Manners {
    /// The passphrase of the encrypted files, where one is given: it may be meant for another keystore.
    pub passphrase: Option<Secret<String>>,
    /// Asks for it.
    pub ask: Ask,
    /// Called when a keystore has not answered for a while.
    pub waiting: Waiting,
    /// Whether a keystore may be asked to unlock itself: it then asks the person.
    pub may_unlock: bool,
    /// The variables that no child process gets to see.
    pub hidden_variables: &'static [&'static str],
}

/// Another program's secrets, in one of its places.
pub trait Other {
    /// Where that is, as a person would say it.
    fn place(&self) -> String;

    /// Whether the person's other secrets are there too, so that not every item is the program's.
    fn is_shared(&self) -> bool {
        false
    }

    /// What its items are called; none where the place isn't there.
    ///
    /// # Errors
    ///
    /// It is there, and is locked, refuses, or does not answer in time.
    fn names(&self) -> Result<Vec<String>, KeystoreError>;

    /// An item as the library has written it.
    ///
    /// # Errors
    ///
    /// As for [`names`](Self::names), and where there is no such item.
    fn item(&self, name: &str) -> Result<Secret<Vec<u8>>, KeystoreError>;

    /// The bytes that were kept under `name`.
    ///
    /// # Errors
    ///
    /// As for [`item`](Self::item).
    fn get(&self, name: &str) -> Result<Secret<Vec<u8>>, KeystoreError> {
        content(&self.item(name)?).ok_or_else(|| KeystoreError::Damaged {
            place: format!("`{name}` in {}", self.place()),
            what: "it is no item of the library that wrote the others".to_owned(),
        })
    }
}

/// The places that this platform can read.
pub fn others(places: Places, manners: Manners) -> Vec<Box<dyn Other>> {
    let mut all: Vec<Box<dyn Other>> = Vec::new();
    let waiting = Arc::clone(&manners.waiting);
    all.extend(platform::collection(
        &places.collection,
        waiting,
        manners.may_unlock,
    ));
    let theirs = Theirs::new(
        places.password_store,
        places.pass_folder,
        manners.waiting,
        manners.hidden_variables,
    );
    all.push(Box::new(theirs));
    all.push(Box::new(files::Files::new(
        places.files,
        manners.passphrase,
        manners.ask,
    )));
    all
}

/// An item, as the library's `Item` is written by Go's `encoding/json`: bytes are Base64 there.
#[derive(Deserialize)]
struct Item<'i> {
    #[serde(rename = "Data", borrow)]
    data: &'i str,
}

fn content(item: &Secret<Vec<u8>>) -> Option<Secret<Vec<u8>>> {
    let item: Item<'_> = serde_json::from_slice(item.expose()).ok()?;
    Some(Secret::new(BASE64.decode(item.data).ok()?))
}

/// No such item: it went between two looks.
pub(super) fn no_item(name: &str, place: &str) -> KeystoreError {
    KeystoreError::failed(format!("there is no `{name}` any more in {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_the_bytes_in_it() {
        let read = |text: &str| {
            let content = content(&Secret::new(text.as_bytes().to_vec()))?;
            Some(String::from_utf8(content.expose().clone()).unwrap())
        };
        let item = r#"{"Key":"jo","Data":"eyJhIjoxfQ==","Label":"aws-vault (jo)","Description":"","KeychainNotTrustApplication":true}"#;
        assert_eq!(read(item).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(read(r#"{"Key":"jo","Data":""}"#).as_deref(), Some(""));
        for no_item in [
            "",
            "hunter2",
            "{}",
            r#"{"Data":1}"#,
            r#"{"Data":"no base64"}"#,
        ] {
            assert_eq!(read(no_item), None, "{no_item}");
        }
    }
}
