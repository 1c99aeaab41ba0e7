//! What the cache promises its callers, over a keystore in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::credentials::Flow;
use crate::credentials::LongLivedKey;

/// How many entries the keystore in memory can keep.
const ROOM: usize = 3;

#[derive(Clone, Default)]
struct InMemory(Arc<Mutex<HashMap<String, Vec<u8>>>>);

impl Keystore for InMemory {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        Ok(self.0.lock().unwrap().get(name).cloned().map(Secret::new))
    }

    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        if self.0.lock().unwrap().len() >= ROOM {
            let reason = "no more than three".into();
            return Err(KeystoreError::Full { reason });
        }
        self.0
            .lock()
            .unwrap()
            .insert(name.into(), value.expose().clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        Ok(self.0.lock().unwrap().remove(name).is_some())
    }
}

fn cache(directory: &std::path::Path, keystore: &InMemory) -> Cache {
    let keystore = keystore.clone();
    let open: Opener = Box::new(move || Ok(("memory".into(), Box::new(keystore.clone()))));
    Cache::new(directory.to_owned(), vec!["memory".into()], open)
}

fn now() -> jiff::Timestamp {
    "2026-11-23T09:00:00Z".parse().unwrap()
}

fn credentials() -> Credentials {
    Credentials {
        access_key_id: "ASIA".into(),
        secret_access_key: Secret::new("s3cret".into()),
        session_token: Some(Secret::new("t0ken".into())),
        expires_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
    }
}

#[test]
fn what_was_put_is_got_and_listed_and_gone_once_deleted() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    let key = Key::role_credentials("https://corp/start", "111111111111", "Admin");
    assert_eq!(cache.credentials(&key).unwrap(), None);
    cache
        .put_credentials(&key, &credentials(), None, now())
        .unwrap();
    assert_eq!(cache.credentials(&key).unwrap(), Some(credentials()));
    let entries = cache.entries().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0].key, entries[0].expires_at),
        (&key, credentials().expires_at)
    );
    assert!(cache.delete(&key).unwrap());
    assert!(!cache.delete(&key).unwrap());
    assert!(cache.entries().unwrap().is_empty());
}

#[test]
fn tokens_and_registrations_come_back_as_they_were() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    for flow in [Flow::AuthorizationCode, Flow::DeviceCode] {
        let token = AccessToken {
            access_token: Secret::new("a".into()),
            refresh_token: None,
            expires_at: "2026-11-23T10:00:00.25Z".parse().unwrap(),
            flow,
        };
        let key = Key::sign_in("https://corp/start", Some("corp"));
        cache.put_token(&key, &token).unwrap();
        assert_eq!(cache.token(&key).unwrap(), Some(token));
    }
    let registration = ClientRegistration {
        client_id: "id".into(),
        client_secret: Secret::new("secret".into()),
        expires_at: "2027-02-01T00:00:00Z".parse().unwrap(),
    };
    let of = |flow| Key::client_registration("https://corp/start", None, "eu-west-1", &[], flow);
    let key = of(Flow::AuthorizationCode);
    cache.put_registration(&key, &registration).unwrap();
    assert_eq!(cache.registration(&key).unwrap(), Some(registration));
    assert_eq!(cache.registration(&of(Flow::DeviceCode)).unwrap(), None);
}

/// Those of a vault that knew no other flow.
#[test]
fn a_token_that_does_not_say_its_flow_is_a_device_codes() {
    let home = tempfile::tempdir().unwrap();
    let keystore = InMemory::default();
    let key = Key::sign_in("https://corp/start", Some("corp"));
    let kept = br#"{"access_token":"a","refresh_token":"r","expires_at":"2026-11-23T10:00:00Z"}"#;
    keystore
        .put(key.as_str(), &Secret::new(kept.to_vec()))
        .unwrap();
    let token = cache(home.path(), &keystore).token(&key).unwrap().unwrap();
    assert_eq!(token.flow, Flow::DeviceCode);
    let key = Key::client_registration("https://corp/start", None, "r", &[], Flow::DeviceCode);
    assert_eq!(key.as_str(), "client-registration/https://corp/start||r|");
}

#[test]
fn an_entry_of_an_unknown_form_counts_as_not_cached() {
    let home = tempfile::tempdir().unwrap();
    let keystore = InMemory::default();
    let key = Key::hashed(Kind::AssumeRole, &["x"], None);
    keystore
        .put(key.as_str(), &Secret::new(b"{\"version\":9}".to_vec()))
        .unwrap();
    assert_eq!(
        cache(home.path(), &keystore).credentials(&key).unwrap(),
        None
    );
}

#[test]
fn a_long_lived_key_or_rotation_of_an_unknown_form_is_not_absent() {
    let home = tempfile::tempdir().unwrap();
    let keystore = InMemory::default();
    let newer = Secret::new(b"{\"version\":9}".to_vec());
    let cache = cache(home.path(), &keystore);
    assert_eq!(cache.access_key("jo").unwrap(), None);
    assert_eq!(cache.rotation("jo").unwrap(), None);
    for key in [Key::access_key("jo"), Key::rotation("jo")] {
        keystore.put(key.as_str(), &newer).unwrap();
        assert_eq!(cache.examine(&key).unwrap(), Kept::Unreadable);
    }
    let unknown =
        |error| matches!(error, CacheError::UnknownForm { profile, .. } if profile == "jo");
    assert!(unknown(cache.access_key("jo").unwrap_err()));
    assert!(unknown(cache.rotation("jo").unwrap_err()));
}

#[test]
fn the_list_holds_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    cache
        .put_credentials(
            &Key::hashed(Kind::AssumeRole, &["x"], None),
            &credentials(),
            None,
            now(),
        )
        .unwrap();
    let directory = home.path().join("index/memory");
    for file in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(
            !text.contains("s3cret") && !text.contains("t0ken"),
            "{text}"
        );
    }
}

#[test]
fn inputs_that_only_run_together_alike_have_keys_of_their_own() {
    assert_ne!(
        Key::hashed(Kind::AssumeRole, &["ab", "c"], None),
        Key::hashed(Kind::AssumeRole, &["a", "bc"], None)
    );
    assert_ne!(
        Key::hashed(Kind::AssumeRole, &["a", ""], None),
        Key::hashed(Kind::AssumeRole, &["", "a"], None)
    );
}

#[test]
fn a_lock_that_is_held_is_waited_for_only_so_long() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    let key = Key::hashed(Kind::AssumeRole, &["x"], None);
    let held = cache.lock(&key, Duration::ZERO, || {}).unwrap();
    assert!(!held.waited());
    let error = cache
        .lock(&key, Duration::from_millis(1), || {})
        .unwrap_err();
    assert!(matches!(error, CacheError::Busy(..)));
    drop(held);
    cache.lock(&key, Duration::from_secs(60), || {}).unwrap();
}

#[test]
fn a_role_is_the_same_however_long_it_lasts() {
    let key = |inputs, duration| Key::hashed(Kind::AssumeRole, inputs, duration);
    assert_ne!(key(&["a"], None), key(&["a"], Some(900)));
    assert_eq!(
        key(&["a"], None).regardless_of_duration(),
        key(&["a"], Some(900)).regardless_of_duration()
    );
    assert_ne!(
        key(&["a"], None).regardless_of_duration(),
        key(&["b"], None).regardless_of_duration()
    );
    let other = Key::role_credentials("https://x", "111111111111", "Admin");
    assert_eq!(other.regardless_of_duration(), other.as_str());
}

#[test]
fn a_sign_in_says_where_to() {
    let table = [(Some("corp"), Some("corp")), (None, None)];
    for (name, said) in table {
        let key = Key::sign_in("https://x/start", name);
        assert_eq!(key.signed_in_to(), Some(("https://x/start", said)));
    }
    assert_eq!(Key::access_key("jo").signed_in_to(), None);
}

/// Whether a sign-in can be renewed is known without a look into the keystore.
#[test]
fn the_list_says_by_what_a_sign_in_is_renewed() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    let key = Key::sign_in("https://corp/start", Some("corp"));
    assert_eq!(cache.listed(&key), None);
    let mut token = AccessToken {
        access_token: Secret::new("a".into()),
        refresh_token: Some(Secret::new("r3fresh".into())),
        expires_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        flow: Flow::AuthorizationCode,
    };
    cache.put_token(&key, &token).unwrap();
    let listed = cache.listed(&key).unwrap();
    assert_eq!(listed.expires_at, Some(token.expires_at));
    assert_eq!(listed.renewed_by, Some(Flow::AuthorizationCode));
    let file = std::fs::read_dir(home.path().join("index/memory")).unwrap();
    let file = file.map(|file| file.unwrap().path()).next().unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains("r3fresh"));
    token.refresh_token = None;
    cache.put_token(&key, &token).unwrap();
    assert_eq!(cache.listed(&key).unwrap().renewed_by, None);
    // One of a vault that did not say it.
    let old = format!(r#"{{"key":"{}","expires_at":null}}"#, key.as_str());
    std::fs::write(&file, old).unwrap();
    let listed = cache.listed(&key).unwrap();
    assert_eq!((listed.expires_at, listed.renewed_by), (None, None));
}

#[test]
fn a_full_keystore_makes_room_by_what_has_ended() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    let key = |name| Key::hashed(Kind::AssumeRole, &[name], None);
    let later = "2026-11-23T12:00:00Z".parse().unwrap();
    let mut lasting = credentials();
    lasting.expires_at = Some("2026-11-23T13:00:00Z".parse().unwrap());
    cache
        .put_credentials(&key("a"), &credentials(), None, now())
        .unwrap();
    cache
        .put_credentials(&key("b"), &lasting, None, now())
        .unwrap();
    cache
        .put_credentials(&key("c"), &lasting, None, now())
        .unwrap();
    cache
        .put_credentials(&key("d"), &lasting, None, later)
        .unwrap();
    assert_eq!(cache.credentials(&key("a")).unwrap(), None);
    assert_eq!(cache.credentials(&key("b")).unwrap(), Some(lasting.clone()));
    let full = cache
        .put_credentials(&key("e"), &lasting, None, later)
        .unwrap_err();
    assert!(full.is_full());
}

#[test]
fn a_full_keystore_makes_no_room_by_what_another_run_is_replacing() {
    let home = tempfile::tempdir().unwrap();
    let cache = cache(home.path(), &InMemory::default());
    let key = |name| Key::hashed(Kind::AssumeRole, &[name], None);
    let later = "2026-11-23T12:00:00Z".parse().unwrap();
    for name in ["a", "b", "c"] {
        cache
            .put_credentials(&key(name), &credentials(), None, now())
            .unwrap();
    }
    let locks = ["a", "b", "c"].map(|name| cache.lock(&key(name), Duration::ZERO, || {}).unwrap());
    let full = cache.put_credentials(&key("d"), &credentials(), None, later);
    assert!(full.unwrap_err().is_full());
    assert_eq!(cache.credentials(&key("a")).unwrap(), Some(credentials()));
    drop(locks);
    cache
        .put_credentials(&key("d"), &credentials(), None, later)
        .unwrap();
}

#[test]
fn a_long_lived_key_is_named_in_the_list_and_no_credentials_to_be_cleared() {
    let home = tempfile::tempdir().unwrap();
    let keystore = InMemory::default();
    let cache = cache(home.path(), &keystore);
    assert_eq!(cache.access_key_id("prod/eu"), None);
    let key = LongLivedKey {
        access_key_id: "AKIAEXAMPLE".into(),
        secret_access_key: Secret::new("s3cret".into()),
    };
    cache.put_access_key("prod/eu", &key).unwrap();
    assert_eq!(cache.access_key("prod/eu").unwrap(), Some(key));
    assert_eq!(
        cache.access_key_id("prod/eu").as_deref(),
        Some("AKIAEXAMPLE")
    );
    assert_eq!(cache.access_key("prod").unwrap(), None);
    let entries = cache.entries().unwrap();
    assert!(!entries[0].key.kind().unwrap().is_credentials());
    cache.delete(&Key::access_key("prod/eu")).unwrap();
    assert_eq!(cache.access_key_id("prod/eu"), None);
}

#[test]
fn what_was_used_last_comes_first_and_nothing_depends_on_it() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("vault");
    let cache = cache(&place, &InMemory::default());
    assert!(cache.recent().is_empty());
    for name in ["dev", "prod", "a \"b\"\\", "dev", "dev"] {
        cache.used(name);
    }
    assert_eq!(cache.recent(), ["dev", "a \"b\"\\", "prod"]);
    for number in 0..100 {
        cache.used(&number.to_string());
    }
    assert_eq!(cache.recent().len(), 50);
    std::fs::write(place.join("recent"), "[\"ha").unwrap();
    assert!(cache.recent().is_empty());
    cache.used("prod");
    assert_eq!(cache.recent(), ["prod"]);
    // A directory in its place: it can't be written, and that is all.
    std::fs::remove_file(place.join("recent")).unwrap();
    std::fs::create_dir(place.join("recent")).unwrap();
    cache.used("dev");
    assert!(cache.recent().is_empty());
}
