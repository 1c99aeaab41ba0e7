//! The text of the `file` keystore, and nothing of where it is.
//!
//! ```text
//! vault-keystore v1
//! kdf argon2id m=65536 t=3 p=1 salt=<base64>
//! key <base64>                     the data key, sealed with the passphrase's key; bound: the lines above
//! item <base64url of name> <base64>  a value, sealed with the data key; bound: the name
//! seal <base64>                    nothing, sealed with the data key; bound: every byte above
//! ```
//!
//! The seal makes a removed, altered, swapped or missing line as visible as an altered value.
//! What it can't show is that the whole file was put back to an older one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD as BASE64, URL_SAFE_NO_PAD as BASE64_URL};
use memchr::memmem;

use super::seal::{self, Cost, Key, SALT};
use crate::credentials::Secret;
use crate::keystore::KeystoreError;

const VERSION: &str = "vault-keystore v1\n";
const ANY_VERSION: &str = "vault-keystore ";

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw(pub &'static str);

/// What has to be known to get the data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The lines themselves.
    text: String,
    /// How many bytes of them are bound to the sealed data key.
    bound: usize,
    /// Names the store, too: no two have the same.
    pub salt: [u8; SALT],
    /// What the passphrase's key costs.
    cost: Cost,
    wrapped: Vec<u8>,
}

/// A text whose lines are in order. Nothing of it is known to be true before
/// [`verify`](Self::verify).
pub struct Text<'a> {
    /// How to get the key.
    pub header: Header,
    /// The items, each line with its end.
    items: &'a [u8],
    /// Everything in front of the seal.
    sealed: &'a [u8],
    seal: Vec<u8>,
}

impl Header {
    /// For a new store: a new data key and its header.
    pub fn create(passphrase: &Secret<String>, cost: Cost) -> Result<(Self, Key), KeystoreError> {
        let salt = seal::random()?;
        let key = Secret::new(seal::random()?);
        let wrapping = seal::derive(passphrase, &salt, cost)
            .ok_or_else(|| KeystoreError::failed("too little memory to derive a key"))?;
        let mut text = format!(
            "{VERSION}kdf argon2id m={} t={} p={} salt={}\n",
            cost.memory,
            cost.passes,
            cost.lanes,
            BASE64.encode(salt)
        );
        let bound = text.len();
        let wrapped = seal::seal(&wrapping, text.as_bytes(), key.expose())?;
        text.push_str("key ");
        BASE64.encode_string(&wrapped, &mut text);
        text.push('\n');
        let header = Self {
            text,
            bound,
            salt,
            cost,
            wrapped,
        };
        Ok((header, key))
    }

    fn parse(text: &str) -> Result<Self, Flaw> {
        let rest = text.strip_prefix(VERSION).ok_or_else(|| {
            Flaw(if text.starts_with(ANY_VERSION) {
                "its version is unknown: a newer vault may have written it"
            } else {
                "it does not begin like a keystore"
            })
        })?;
        let (kdf, rest) = rest.split_once('\n').ok_or(Flaw("it is cut off"))?;
        let key = rest
            .strip_prefix("key ")
            .and_then(|line| line.strip_suffix('\n'))
            .ok_or(Flaw("it has no key"))?;
        let (cost, salt) = parse_kdf(kdf).ok_or(Flaw("its kdf line is malformed"))?;
        if !cost.is_bearable() {
            return Err(Flaw("its kdf line asks for more than is reasonable"));
        }
        Ok(Self {
            text: text.to_owned(),
            bound: VERSION.len() + kdf.len() + 1,
            salt,
            cost,
            wrapped: decode(key.as_bytes()).ok_or(Flaw("its key is malformed"))?,
        })
    }

    /// The data key, `None` where this is not the passphrase.
    pub fn unlock(&self, passphrase: &Secret<String>) -> Option<Key> {
        let wrapping = seal::derive(passphrase, &self.salt, self.cost)?;
        let bound = &self.text.as_bytes()[..self.bound];
        let key = seal::open(&wrapping, bound, &self.wrapped)?;
        Some(Secret::new(key.expose().as_slice().try_into().ok()?))
    }
}

fn parse_kdf(line: &str) -> Option<(Cost, [u8; SALT])> {
    let mut words = line.strip_prefix("kdf argon2id ")?.split(' ');
    let mut number = |name: &str| words.next()?.strip_prefix(name)?.parse().ok();
    let cost = Cost {
        memory: number("m=")?,
        passes: number("t=")?,
        lanes: number("p=")?,
    };
    let salt = words.next()?.strip_prefix("salt=")?;
    let salt = decode(salt.as_bytes())?.try_into().ok()?;
    words.next().is_none().then_some((cost, salt))
}

impl<'a> Text<'a> {
    /// Finds the lines. No item is looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        // The first three lines; all three are short.
        let third = memchr::memchr_iter(b'\n', bytes).nth(2);
        let header = &bytes[..third.map_or(bytes.len(), |end| end + 1)];
        let header =
            Header::parse(std::str::from_utf8(header).map_err(|_| Flaw("it is not text"))?)?;
        let rest = &bytes[header.text.len()..];
        let lines = rest.strip_suffix(b"\n").ok_or(Flaw("it is cut off"))?;
        let last = memchr::memrchr(b'\n', lines).map_or(0, |end| end + 1);
        let seal = lines[last..]
            .strip_prefix(b"seal ")
            .and_then(decode)
            .ok_or(Flaw("it is cut off: it has no seal"))?;
        Ok(Self {
            items: &rest[..last],
            sealed: &bytes[..header.text.len() + last],
            seal,
            header,
        })
    }

    /// Whether every byte is as it was written.
    pub fn verify(&self, key: &Key) -> Result<(), Flaw> {
        match seal::open(key, self.sealed, &self.seal) {
            Some(nothing) if nothing.expose().is_empty() => Ok(()),
            _ => Err(Flaw("it was altered or cut off: its seal does not fit")),
        }
    }

    /// The value kept under `name`.
    pub fn get(&self, key: &Key, name: &str) -> Result<Option<Secret<Vec<u8>>>, Flaw> {
        let Some((start, end)) = self.find(name) else {
            return Ok(None);
        };
        let line = &self.items[start..end];
        let value = memchr::memrchr(b' ', line)
            .and_then(|space| decode(line[space + 1..].trim_ascii_end()))
            .and_then(|sealed| seal::open(key, &context(name), &sealed));
        value.map(Some).ok_or(Flaw("an item can't be opened"))
    }

    /// The text with `value` under `name`.
    pub fn with(
        &self,
        key: &Key,
        name: &str,
        value: &Secret<Vec<u8>>,
    ) -> Result<Vec<u8>, KeystoreError> {
        let mut item = start(name);
        let sealed = seal::seal(key, &context(name), value.expose())?;
        BASE64.encode_string(sealed, &mut item);
        item.push('\n');
        self.rewritten(key, name, &item)
    }

    /// The text without `name`, `None` where it was not in there.
    pub fn without(&self, key: &Key, name: &str) -> Result<Option<Vec<u8>>, KeystoreError> {
        self.find(name)
            .map(|_| self.rewritten(key, name, ""))
            .transpose()
    }

    fn rewritten(&self, key: &Key, name: &str, item: &str) -> Result<Vec<u8>, KeystoreError> {
        let (start, end) = self
            .find(name)
            .unwrap_or((self.items.len(), self.items.len()));
        let before = &self.items[..start];
        let parts = [before, &self.items[end..], item.as_bytes()];
        finish(&self.header, &parts, key)
    }

    /// Where the line of `name` begins and where the next one does.
    fn find(&self, name: &str) -> Option<(usize, usize)> {
        // A space is in no base64, so this can only be found where a line begins.
        let needle = start(name);
        let start = memmem::find(self.items, needle.as_bytes())?;
        let end = memchr::memchr(b'\n', &self.items[start..])?;
        Some((start, start + end + 1))
    }
}

/// A store without items.
pub fn empty(header: &Header, key: &Key) -> Result<Vec<u8>, KeystoreError> {
    finish(header, &[], key)
}

fn finish(header: &Header, items: &[&[u8]], key: &Key) -> Result<Vec<u8>, KeystoreError> {
    let mut text = header.text.clone().into_bytes();
    for item in items {
        text.extend_from_slice(item);
    }
    let seal = seal::seal(key, &text, b"")?;
    let seal = format!("seal {}\n", BASE64.encode(seal));
    text.extend_from_slice(seal.as_bytes());
    Ok(text)
}

fn start(name: &str) -> String {
    format!("item {} ", BASE64_URL.encode(name))
}

/// Differs from what the seal binds in its first word.
fn context(name: &str) -> Vec<u8> {
    format!("item {name}").into_bytes()
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory: 8,
        passes: 1,
        lanes: 1,
    };

    fn passphrase() -> Secret<String> {
        Secret::new("correct horse".to_owned())
    }

    fn with(text: &[u8], key: &Key, name: &str, value: &str) -> Vec<u8> {
        let value = Secret::new(value.as_bytes().to_vec());
        Text::parse(text).unwrap().with(key, name, &value).unwrap()
    }

    fn filled() -> (Vec<u8>, Key) {
        let (header, key) = Header::create(&passphrase(), CHEAP).unwrap();
        let text = empty(&header, &key).unwrap();
        let text = with(&text, &key, "a", "1");
        let text = with(&text, &key, "role-credentials/https://x/é|b", "2");
        (with(&text, &key, "", "3"), key)
    }

    fn get(text: &[u8], key: &Key, name: &str) -> Option<Vec<u8>> {
        let text = Text::parse(text).unwrap();
        text.verify(key).unwrap();
        text.get(key, name).unwrap().map(|v| v.expose().clone())
    }

    #[test]
    fn what_is_put_is_found_replaced_and_removed() {
        let (text, key) = filled();
        assert_eq!(get(&text, &key, "a").unwrap(), b"1");
        assert_eq!(get(&text, &key, "").unwrap(), b"3");
        assert_eq!(get(&text, &key, "b"), None);
        let text = with(&text, &key, "a", "4");
        assert_eq!(get(&text, &key, "a").unwrap(), b"4");
        let parsed = Text::parse(&text).unwrap();
        assert!(parsed.without(&key, "b").unwrap().is_none());
        let text = parsed.without(&key, "a").unwrap().unwrap();
        assert_eq!(get(&text, &key, "a"), None);
        assert_eq!(
            get(&text, &key, "role-credentials/https://x/é|b").unwrap(),
            b"2"
        );
    }

    #[test]
    fn the_passphrase_opens_it_and_no_other() {
        let (text, key) = filled();
        let header = Text::parse(&text).unwrap().header;
        assert!(header.unlock(&passphrase()).unwrap() == key);
        assert!(header.unlock(&Secret::new("wrong".to_owned())).is_none());
    }

    #[test]
    fn lines_that_are_swapped_or_removed_are_noticed() {
        let (text, key) = filled();
        let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let damaged = |lines: &[&[u8]]| {
            let text = lines.concat();
            match Text::parse(&text) {
                Ok(text) => text.verify(&key).is_err(),
                Err(_) => true,
            }
        };
        assert!(!damaged(&lines));
        for one in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(one);
            assert!(damaged(&fewer));
            for other in 0..one {
                let mut swapped = lines.clone();
                swapped.swap(one, other);
                assert!(damaged(&swapped));
            }
        }
    }

    #[test]
    fn a_kdf_line_that_asks_too_much_is_refused_before_anything_is_derived() {
        let (text, _) = filled();
        let text = String::from_utf8(text).unwrap();
        for (from, to) in [
            ("m=8", "m=99999999"),
            ("t=1", "t=4000000000"),
            ("p=1", "p=9"),
        ] {
            let text = text.replacen(from, to, 1);
            let flaw = Text::parse(text.as_bytes()).err().unwrap();
            assert!(flaw.0.contains("more than is reasonable"), "{flaw:?}");
        }
    }

    #[test]
    fn a_newer_version_is_called_one() {
        let (text, _) = filled();
        let text = String::from_utf8(text).unwrap().replacen("v1", "v2", 1);
        let flaw = Text::parse(text.as_bytes()).err().unwrap();
        assert!(flaw.0.contains("newer"), "{flaw:?}");
    }
}
