//! The store on disk: wrong passphrases, damage, parallel writers, modes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::keystore::PassphraseFor;

const CHEAP: Cost = Cost {
    memory: 8,
    passes: 1,
    lanes: 1,
};

const HOUR: Duration = Duration::from_secs(3600);

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn value(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

fn options(directory: &Path, passphrase: Option<&str>) -> Options {
    Options {
        directory: directory.to_path_buf(),
        passphrase: passphrase.map(secret),
        ask: Box::new(|_| Err(KeystoreError::PassphraseNeeded)),
        unlocked_for: Duration::ZERO,
        password_store: directory.to_path_buf(),
        hidden_variables: &[],
        waiting: Arc::new(|| ()),
    }
}

fn given(directory: &Path, passphrase: &str) -> FileStore {
    FileStore::with_cost(options(directory, Some(passphrase)), CHEAP)
}

/// Answers with these passphrases one after the other, and counts.
fn asking(
    directory: &Path,
    answers: &'static [&'static str],
    unlocked_for: Duration,
) -> (FileStore, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut options = options(directory, None);
    options.unlocked_for = unlocked_for;
    options.ask = Box::new(move |why| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        if number > 0 {
            assert_eq!(why, PassphraseFor::Again);
        }
        answers
            .get(number)
            .map(|text| secret(text))
            .ok_or(KeystoreError::Interrupted)
    });
    (FileStore::with_cost(options, CHEAP), asked)
}

#[test]
fn what_is_put_is_there_for_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    given(directory.path(), "p")
        .put("a|b", &value("1"))
        .unwrap();
    given(directory.path(), "p").put("c", &value("")).unwrap();
    let store = given(directory.path(), "p");
    assert_eq!(store.get("a|b").unwrap().unwrap(), value("1"));
    assert_eq!(store.get("c").unwrap().unwrap(), value(""));
    assert!(store.get("a").unwrap().is_none());
    assert!(store.delete("c").unwrap());
    assert!(!store.delete("c").unwrap());
    assert!(given(directory.path(), "p").get("c").unwrap().is_none());
}

#[test]
fn nothing_is_asked_or_made_where_there_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("not").join("there");
    let store = FileStore::with_cost(options(&below, None), CHEAP);
    assert!(store.get("a").unwrap().is_none());
    assert!(!store.delete("a").unwrap());
    assert!(!directory.path().join("not").exists());
    assert!(matches!(
        store.put("a", &value("1")),
        Err(KeystoreError::PassphraseNeeded)
    ));
    assert!(!below.join("keystore").exists());
    let empty = given(&below, "").put("a", &value("1"));
    assert!(matches!(empty, Err(KeystoreError::Failed { .. })));
}

#[test]
fn a_wrong_passphrase_is_an_error_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    given(directory.path(), "p").put("a", &value("1")).unwrap();
    let before = fs::read(directory.path().join("keystore")).unwrap();
    let wrong = |result: Result<(), KeystoreError>| {
        assert!(matches!(result, Err(KeystoreError::WrongPassphrase)));
    };
    let store = given(directory.path(), "q");
    wrong(store.get("a").map(drop));
    wrong(store.put("a", &value("2")));
    wrong(store.delete("a").map(drop));
    let (store, asked) = asking(directory.path(), &["x", "y", "z", "p"], Duration::ZERO);
    wrong(store.get("a").map(drop));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let after = fs::read(directory.path().join("keystore")).unwrap();
    assert!(before == after);
}

#[test]
fn a_person_may_mistype_and_is_asked_once_for_many_calls() {
    let directory = tempfile::tempdir().unwrap();
    given(directory.path(), "p").put("a", &value("1")).unwrap();
    let (store, asked) = asking(directory.path(), &["x", "p"], Duration::ZERO);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(store.get("a").unwrap().unwrap(), value("1")));
        }
    });
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let (store, _) = asking(directory.path(), &[], Duration::ZERO);
    let interrupted = store.get("a").map(drop);
    assert!(matches!(interrupted, Err(KeystoreError::Interrupted)));
}

/// Every byte flipped and every length cut must be an error, and stay on disk as it is.
fn survives_damage(directory: &Path, open: impl Fn() -> FileStore) {
    let path = directory.join("keystore");
    let good = fs::read(&path).unwrap();
    let check = |bad: &[u8]| {
        fs::write(&path, bad).unwrap();
        let store = open();
        for result in [
            store.get("a").map(drop),
            store.put("a", &value("2")),
            store.delete("a").map(drop),
        ] {
            assert!(
                matches!(
                    result,
                    Err(KeystoreError::Damaged { .. } | KeystoreError::WrongPassphrase)
                ),
                "{result:?} for {}",
                String::from_utf8_lossy(bad)
            );
        }
        assert!(fs::read(&path).unwrap() == bad);
    };
    for position in 0..good.len() {
        check(&good[..position]);
        for bit in [0x01, 0x20, 0x80] {
            let mut bad = good.clone();
            bad[position] ^= bit;
            check(&bad);
        }
    }
    for more in ["\n", "x", "seal "] {
        check(&[&good, more.as_bytes()].concat());
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(open().get("a").unwrap().unwrap(), value("1"));
}

#[test]
fn any_damage_is_an_error_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    given(directory.path(), "p").put("a", &value("1")).unwrap();
    survives_damage(directory.path(), || given(directory.path(), "p"));
}

#[test]
fn parallel_writers_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = given(directory.path(), "p");
            scope.spawn(move || {
                for number in 0..12 {
                    let name = format!("{writer}/{number}");
                    store.put(&name, &value(&name)).unwrap();
                }
            });
        }
    });
    let store = given(directory.path(), "p");
    for name in (0..8).flat_map(|w| (0..12).map(move |n| format!("{w}/{n}"))) {
        assert_eq!(store.get(&name).unwrap().unwrap(), value(&name));
    }
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "the store and two locks: {left:?}");
}

#[test]
fn what_a_killed_writer_left_is_no_hindrance() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("keystore.new"), "half of a st").unwrap();
    let store = given(directory.path(), "p");
    store.put("a", &value("1")).unwrap();
    assert_eq!(store.get("a").unwrap().unwrap(), value("1"));
    assert!(!directory.path().join("keystore.new").exists());
}

#[test]
fn a_store_made_anew_under_an_open_one_is_opened_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = given(directory.path(), "p");
    store.put("a", &value("1")).unwrap();
    fs::remove_file(directory.path().join("keystore")).unwrap();
    given(directory.path(), "p").put("b", &value("2")).unwrap();
    assert!(store.get("a").unwrap().is_none());
    store.put("a", &value("3")).unwrap();
    assert_eq!(store.get("b").unwrap().unwrap(), value("2"));
}

#[test]
fn errors_name_the_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keystore");
    fs::create_dir(&path).unwrap();
    let store = given(directory.path(), "p");
    for error in [
        store.get("a").map(drop).unwrap_err(),
        store.put("a", &value("1")).unwrap_err(),
    ] {
        let shown = path.display().to_string();
        assert!(error.to_string().contains(&shown), "{error}");
        assert!(matches!(error, KeystoreError::Io { .. }));
    }
    // A file where the directory should be.
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = given(&file, "p").put("a", &value("1")).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_look_even_where_it_was_open() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let below = directory.path().join("vault");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let open = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    given(&below, "p").put("a", &value("1")).unwrap();
    let file = below.join("keystore");
    assert_eq!((mode(&below), mode(&file)), (0o700, 0o600));
    open(&below, 0o755);
    open(&file, 0o644);
    given(&below, "p").get("a").unwrap();
    assert_eq!(mode(&file), 0o600);
    given(&below, "p").put("a", &value("2")).unwrap();
    assert_eq!((mode(&below), mode(&file)), (0o700, 0o600));
}

#[cfg(target_os = "linux")]
mod resting {
    use super::*;

    fn rested(directory: &Path, passphrase: Option<&str>, time: Duration) -> FileStore {
        let mut options = options(directory, passphrase);
        options.unlocked_for = time;
        FileStore::with_cost(options, CHEAP)
    }

    #[test]
    fn the_key_rests_and_nobody_is_asked_until_rest_is_turned_off() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        rested(path, Some("p"), HOUR).put("a", &value("1")).unwrap();
        let got = rested(path, None, HOUR).get("a").unwrap();
        assert_eq!(got.unwrap(), value("1"));
        let off = rested(path, None, Duration::ZERO).get("a").map(drop);
        assert!(matches!(off, Err(KeystoreError::PassphraseNeeded)));
        let on = rested(path, None, HOUR).get("a").map(drop);
        assert!(matches!(on, Err(KeystoreError::PassphraseNeeded)));
    }

    #[test]
    fn a_wrong_passphrase_is_noticed_though_the_key_rests() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        rested(path, Some("p"), HOUR).put("a", &value("1")).unwrap();
        let wrong = rested(path, Some("q"), HOUR).get("a").map(drop);
        assert!(matches!(wrong, Err(KeystoreError::WrongPassphrase)));
        assert!(rested(path, Some("p"), HOUR).get("a").unwrap().is_some());
        rested(path, Some("p"), Duration::ZERO).get("a").unwrap();
    }

    #[test]
    fn damage_is_noticed_while_the_key_rests() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        rested(path, Some("p"), HOUR).put("a", &value("1")).unwrap();
        survives_damage(path, || rested(path, Some("p"), HOUR));
        rested(path, Some("p"), Duration::ZERO).get("a").unwrap();
    }

    #[test]
    fn many_stores_at_once_ask_one_person_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        given(path, "p").put("a", &value("1")).unwrap();
        let stores: Vec<_> = (0..20).map(|_| asking(path, &["p"], HOUR)).collect();
        std::thread::scope(|scope| {
            for (store, _) in &stores {
                scope.spawn(|| assert_eq!(store.get("a").unwrap().unwrap(), value("1")));
            }
        });
        let asked: usize = stores.iter().map(|(_, n)| n.load(Ordering::SeqCst)).sum();
        assert_eq!(asked, 1);
        rested(path, Some("p"), Duration::ZERO).get("a").unwrap();
    }
}
