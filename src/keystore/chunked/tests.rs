//! Values in parts, with a keystore that dies after any number of writes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::*;

const LIMIT: usize = 40;

/// Keeps entries in memory, up to [`LIMIT`]; dies when its writes are used up.
#[derive(Default)]
struct Memory {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    writes_left: Mutex<Option<usize>>,
}

impl Memory {
    fn write(&self) -> Result<(), KeystoreError> {
        match &mut *self.writes_left.lock().unwrap() {
            Some(0) => Err(KeystoreError::failed("killed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Keystore for &Memory {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, KeystoreError> {
        let entries = self.entries.lock().unwrap();
        Ok(entries.get(name).cloned().map(Secret::new))
    }

    fn put(&self, name: &str, value: &Secret<Vec<u8>>) -> Result<(), KeystoreError> {
        assert!(value.expose().len() <= LIMIT);
        self.write()?;
        let value = value.expose().clone();
        self.entries.lock().unwrap().insert(name.to_owned(), value);
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<bool, KeystoreError> {
        self.write()?;
        Ok(self.entries.lock().unwrap().remove(name).is_some())
    }
}

fn value(length: usize, salt: u8) -> Secret<Vec<u8>> {
    let bytes = (0..length).map(|i| u8::try_from(i % 251).unwrap() ^ salt);
    Secret::new(bytes.collect())
}

fn kept(memory: &Memory) -> usize {
    memory.entries.lock().unwrap().len()
}

#[test]
fn every_length_comes_back_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let store = Chunked::new(&memory, LIMIT, directory.path());
    for length in (0..200).chain([0, 39, 40, 41, 500, 3]) {
        let value = value(length, 0);
        store.put("a", &value).unwrap();
        assert_eq!(store.get("a").unwrap().unwrap(), value, "{length}");
        let parts = if length < LIMIT {
            0
        } else {
            length.div_ceil(LIMIT)
        };
        assert_eq!(kept(&memory), 1 + parts, "{length}");
    }
    assert!(store.delete("a").unwrap());
    assert!(!store.delete("a").unwrap());
    assert_eq!(kept(&memory), 0);
}

#[test]
fn who_is_killed_at_any_write_leaves_the_old_value_or_the_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = [10, 90, 200, 410];
    for (old, new) in lengths
        .iter()
        .flat_map(|old| lengths.map(|new| (*old, new)))
    {
        for writes in 0.. {
            let memory = Memory::default();
            let store = Chunked::new(&memory, LIMIT, directory.path());
            let (old, new) = (value(old, 0), value(new, 0xff));
            store.put("a", &old).unwrap();
            *memory.writes_left.lock().unwrap() = Some(writes);
            let done = store.put("a", &new).is_ok();
            *memory.writes_left.lock().unwrap() = None;
            let now = store.get("a").unwrap().unwrap();
            assert!(now == new || (now == old && !done));
            // The next writer clears what the killed one left.
            store.put("a", &value(3, 1)).unwrap();
            assert_eq!(kept(&memory), 1);
            if done {
                break;
            }
        }
    }
}

#[test]
fn who_is_killed_deleting_leaves_nothing_to_read_in_the_end() {
    let directory = tempfile::tempdir().unwrap();
    for writes in 0..8 {
        let memory = Memory::default();
        let store = Chunked::new(&memory, LIMIT, directory.path());
        store.put("a", &value(200, 0)).unwrap();
        *memory.writes_left.lock().unwrap() = Some(writes);
        let _ = store.delete("a");
        *memory.writes_left.lock().unwrap() = None;
        store.get("a").unwrap();
        store.delete("a").unwrap();
        assert_eq!(kept(&memory), 0);
    }
}

#[test]
fn parts_that_do_not_fit_are_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let store = Chunked::new(&memory, LIMIT, directory.path());
    store.put("a", &value(100, 0)).unwrap();
    memory.entries.lock().unwrap().remove("a part 0.1");
    assert!(matches!(store.get("a"), Err(KeystoreError::Damaged { .. })));
    store.put("a", &value(100, 1)).unwrap();
    assert_eq!(store.get("a").unwrap().unwrap(), value(100, 1));
}

#[test]
fn readers_beside_a_writer_see_whole_values() {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let store = Chunked::new(&memory, LIMIT, directory.path());
    store.put("a", &value(300, 0)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for salt in 0..100 {
                store.put("a", &value(300, salt)).unwrap();
            }
        });
        while !writer.is_finished() {
            // A reader may meet too many writers in a row; it must not meet a mixture.
            if let Ok(found) = store.get("a") {
                let found = found.unwrap();
                assert_eq!(found, value(300, found.expose()[0]));
            }
        }
    });
}

#[test]
fn a_value_beyond_all_parts_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let store = Chunked::new(&memory, LIMIT, directory.path());
    let large = value(MOST_PARTS * LIMIT + 1, 0);
    assert!(matches!(
        store.put("a", &large),
        Err(KeystoreError::TooLarge { .. })
    ));
    store.put("a", &value(MOST_PARTS * LIMIT, 0)).unwrap();
}
