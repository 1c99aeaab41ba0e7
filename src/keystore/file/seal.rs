//! The two ciphers of the `file` keystore: XChaCha20-Poly1305 to seal, Argon2id to make a key of a
//! passphrase. It knows neither files nor lines.
//!
//! Nonces are random: with 24 bytes they never meet.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};

use crate::credentials::Secret;
use crate::keystore::KeystoreError;

/// What seals and opens.
pub type Key = Secret<[u8; 32]>;

/// In front of every sealed text.
pub const NONCE: usize = 24;

/// Behind every sealed text.
pub const TAG: usize = 16;

/// The length of a salt: RFC 9106 recommends 16 bytes.
pub const SALT: usize = 16;

/// What Argon2id is to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes. They are computed one after the other here.
    pub lanes: u32,
}

impl Cost {
    /// RFC 9106's second recommendation (64 MiB, 3 passes), and above OWASP's minimum, with one
    /// lane because more would only help who has more cores than we use: 0.1 s, once a session.
    pub const USUAL: Self = Self {
        memory: 64 * 1024,
        passes: 3,
        lanes: 1,
    };

    /// More than this a file may not ask of us: it could be anybody's, and 256 MiB and a few
    /// seconds are what a small machine can spare.
    pub const HIGHEST: Self = Self {
        memory: 256 * 1024,
        passes: 16,
        lanes: 4,
    };

    /// Whether Argon2 knows it and we are ready to pay it.
    pub const fn is_bearable(self) -> bool {
        self.lanes >= 1
            && self.lanes <= Self::HIGHEST.lanes
            && self.passes >= 1
            && self.passes <= Self::HIGHEST.passes
            // Argon2's own minimum (RFC 9106, section 3.1).
            && self.memory >= 8 * self.lanes
            && self.memory <= Self::HIGHEST.memory
    }
}

/// The key that belongs to a passphrase, `None` where `cost` makes no sense or can't be paid.
pub fn derive(passphrase: &Secret<String>, salt: &[u8; SALT], cost: Cost) -> Option<Key> {
    let params = Params::new(cost.memory, cost.passes, cost.lanes, None).ok()?;
    let mut key = zeroize::Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *key)
        .ok()?;
    Some(Secret::new(*key))
}

/// Seals `plain`, and binds `context` to it: nonce, ciphertext, tag.
pub fn seal(key: &Key, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeystoreError> {
    let nonce = random::<NONCE>()?;
    // Room for all of it from the start, so that no half-written copy of the plaintext stays.
    let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let tag = cipher(key)
        .encrypt_inout_detached(&XNonce::from(nonce), context, (&mut sealed[NONCE..]).into())
        .map_err(|_| KeystoreError::failed("a value too large to encrypt"))?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// Opens what [`seal`] sealed; `None` where anything in it, the key or the context is another.
pub fn open(key: &Key, context: &[u8], sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let (text, tag) = rest.split_last_chunk::<TAG>()?;
    let mut plain = text.to_vec();
    cipher(key)
        .decrypt_inout_detached(
            &XNonce::from(*nonce),
            context,
            plain.as_mut_slice().into(),
            &(*tag).into(),
        )
        .ok()?;
    Some(Secret::new(plain))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N], KeystoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| KeystoreError::failed(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open_it() {
        let (key, other) = (Secret::new([1; 32]), Secret::new([2; 32]));
        let sealed = seal(&key, b"name", b"value").unwrap();
        assert_eq!(open(&key, b"name", &sealed).unwrap().expose(), b"value");
        assert!(open(&other, b"name", &sealed).is_none());
        assert!(open(&key, b"other", &sealed).is_none());
        for length in 0..sealed.len() {
            assert!(open(&key, b"name", &sealed[..length]).is_none());
        }
    }

    #[test]
    fn nothing_is_sealed_twice_in_the_same_way() {
        let key = Secret::new([1; 32]);
        let sealed = || seal(&key, b"", b"value").unwrap();
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn passphrase_salt_and_cost_all_count() {
        let cost = Cost {
            memory: 8,
            passes: 1,
            lanes: 1,
        };
        let passphrase = |text: &str| Secret::new(text.to_owned());
        let first = derive(&passphrase("a"), &[0; SALT], cost).unwrap();
        assert!(first == derive(&passphrase("a"), &[0; SALT], cost).unwrap());
        assert!(first != derive(&passphrase("b"), &[0; SALT], cost).unwrap());
        assert!(first != derive(&passphrase("a"), &[1; SALT], cost).unwrap());
        let dearer = Cost { passes: 2, ..cost };
        assert!(first != derive(&passphrase("a"), &[0; SALT], dearer).unwrap());
        assert!(derive(&passphrase("a"), &[0; SALT], Cost { memory: 0, ..cost }).is_none());
    }

    #[test]
    fn a_hostile_cost_is_not_bearable() {
        assert!(Cost::USUAL.is_bearable());
        for (memory, passes, lanes) in [(u32::MAX, 1, 1), (8, u32::MAX, 1), (8, 1, u32::MAX)] {
            let cost = Cost {
                memory,
                passes,
                lanes,
            };
            assert!(!cost.is_bearable());
        }
    }
}
