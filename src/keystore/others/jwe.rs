//! A secret that is sealed with a passphrase as a JSON Web Encryption in its compact form (RFC 7516):
//! the one kind of it that Go's `keyring` writes, PBES2-HS256+A128KW (RFC 7518, section 4.8) around
//! A256GCM (section 5.3).

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use aes_kw::KwAes128;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::credentials::Secret;

/// Key encryption: PBKDF2 with HMAC-SHA-256, and AES-128 key wrap.
const ALGORITHM: &str = "PBES2-HS256+A128KW";
/// Content encryption: AES-256 in Galois/Counter Mode.
const ENCRYPTION: &str = "A256GCM";
/// The library writes 8,192. A file may be anybody's: more than this would be minutes of work.
const MOST_PASSES: u32 = 2_000_000;

/// Why it doesn't open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The passphrase is another.
    WrongPassphrase,
    /// It isn't of this kind, or was cut off or altered.
    Unreadable(&'static str),
}

/// What is said in the clear.
#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    /// The salt.
    p2s: String,
    /// The passes.
    p2c: u32,
}

/// Opens it.
pub fn open(sealed: &str, passphrase: &Secret<String>) -> Result<Secret<Vec<u8>>, Closed> {
    let unreadable = Closed::Unreadable("it is no JSON Web Encryption in compact form");
    let parts: Vec<&str> = sealed.trim_ascii().split('.').collect();
    let [head, key, nonce, text, tag] = parts[..] else {
        return Err(unreadable);
    };
    let decode = |part: &str| BASE64.decode(part).map_err(|_| unreadable);
    let header: Header = serde_json::from_slice(&decode(head)?).map_err(|_| unreadable)?;
    if header.alg != ALGORITHM || header.enc != ENCRYPTION {
        return Err(Closed::Unreadable("it is sealed in a way that isn't known"));
    }
    if header.p2c == 0 || header.p2c > MOST_PASSES {
        return Err(Closed::Unreadable("its number of passes can't be meant"));
    }
    let salt = [ALGORITHM.as_bytes(), &[0], &decode(&header.p2s)?].concat();
    let mut wrapping = Zeroizing::new([0; 16]);
    let passphrase = passphrase.expose().as_bytes();
    pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, &salt, header.p2c, &mut *wrapping);
    let wrapped = decode(key)?;
    let mut content_key = Zeroizing::new([0; 32]);
    if wrapped.len() != content_key.len() + aes_kw::IV_LEN {
        return Err(unreadable);
    }
    KwAes128::new(&(*wrapping).into())
        .unwrap_key(&wrapped, &mut *content_key)
        .map_err(|_| Closed::WrongPassphrase)?;
    let nonce: [u8; 12] = decode(nonce)?.try_into().map_err(|_| unreadable)?;
    let tag: [u8; 16] = decode(tag)?.try_into().map_err(|_| unreadable)?;
    let mut plain = Zeroizing::new(decode(text)?);
    Aes256Gcm::new(&(*content_key).into())
        .decrypt_inout_detached(
            &nonce.into(),
            head.as_bytes(),
            plain.as_mut_slice().into(),
            &tag.into(),
        )
        .map_err(|_| Closed::Unreadable("it was altered"))?;
    Ok(Secret::new(std::mem::take(&mut *plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the Go library itself wrote.
    const WRITTEN: &str = include_str!("../../../tests/fixtures/aws-vault-file-keystore.txt");

    fn written(name: &str) -> &'static str {
        let found = WRITTEN.lines().find_map(|line| line.strip_prefix(name));
        found.expect("a line of that name").trim()
    }

    fn opened(sealed: &str, passphrase: &str) -> Result<String, Closed> {
        let opened = open(sealed, &Secret::new(passphrase.to_owned()))?;
        Ok(String::from_utf8(opened.expose().clone()).unwrap())
    }

    #[test]
    fn what_the_go_library_sealed_is_opened() {
        let opened = opened(written("work "), "fake-passphrase-of-the-other-tool").unwrap();
        assert!(opened.starts_with(r#"{"Key":"work","Data":""#), "{opened}");
    }

    #[test]
    fn another_passphrase_is_known_from_an_altered_file() {
        let sealed = written("work ");
        let wrong = opened(sealed, "another");
        assert_eq!(wrong, Err(Closed::WrongPassphrase));
        let right = "fake-passphrase-of-the-other-tool";
        let parts: Vec<&str> = sealed.split('.').collect();
        for (at, part) in parts.iter().enumerate() {
            for with in ["", "AAAA", "!", &part[4..]] {
                let mut altered = parts.clone();
                altered[at] = with;
                let altered = opened(&altered.join("."), right);
                assert!(
                    matches!(altered, Err(Closed::Unreadable(_))),
                    "{at}: {with}"
                );
            }
        }
        for nothing in ["", "....", "a.b.c", "{}"] {
            let closed = opened(nothing, right);
            assert!(matches!(closed, Err(Closed::Unreadable(_))), "{nothing}");
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_work_is_refused() {
        let sealed = written("work ");
        let rest = &sealed[sealed.find('.').unwrap()..];
        for (passes, alg) in [("4000000000", ALGORITHM), ("0", ALGORITHM), ("8192", "dir")] {
            let head = format!(r#"{{"alg":"{alg}","enc":"A256GCM","p2s":"AAAA","p2c":{passes}}}"#);
            let closed = opened(&format!("{}{rest}", BASE64.encode(head)), "any");
            assert!(matches!(closed, Err(Closed::Unreadable(_))), "{passes}");
        }
    }
}
