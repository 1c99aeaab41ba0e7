//! Where the `file` keystore's data key may rest while it is unlocked: the user's keyring in the
//! kernel, with a time-out. Whatever goes wrong here is no error, for the key can be derived
//! again: a kernel without keyrings or a filter of system calls only makes things slower.

use std::time::Duration;

use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, Permission};
use zeroize::Zeroizing;

use super::{process_ring, user_ring};
use crate::credentials::Secret;

/// More than any payload: what is larger is not ours.
const LARGEST: usize = 256;

/// What rests under `description`.
pub fn find(description: &str) -> Option<Secret<Vec<u8>>> {
    let key = user_ring().ok()?.search(description).ok()?;
    let mut buffer = Zeroizing::new([0; LARGEST]);
    let length = key.read(&mut *buffer).ok()?;
    // The kernel answers with the payload's length, which may be more than it copied.
    Some(Secret::new(buffer.get(..length)?.to_vec()))
}

/// Lets `payload` rest for `time`, at least a second.
pub fn keep(description: &str, payload: &Secret<Vec<u8>>, time: Duration) {
    let kept = try_keep(description, payload, time);
    if let Err(error) = kept {
        tracing::debug!(%error, "the kernel's keyring did not take the data key");
    }
}

/// Made where nobody else looks, and shown only when it is as it should be: a process that is
/// killed in between leaves no key without an end.
fn try_keep(description: &str, payload: &Secret<Vec<u8>>, time: Duration) -> Result<(), KeyError> {
    let user = user_ring()?;
    let own = process_ring()?;
    let key = own.add_key(description, payload.expose())?;
    let finished = finish(key, time).and_then(|()| user.link_key(key));
    let _ = own.unlink_key(key);
    finished
}

fn finish(key: Key, time: Duration) -> Result<(), KeyError> {
    let own = Permission::ALL;
    key.set_perms(KeyPermissionsBuilder::builder().posessor(own).build())?;
    // Zero would mean for ever.
    let seconds = usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    key.set_timeout(seconds.clamp(1, u32::MAX as usize))
}

/// Ends the rest of what rests under `description`, in every keyring it is in.
pub fn forget(description: &str) {
    if let Ok(user) = user_ring()
        && let Ok(key) = user.search(description)
    {
        let _ = key.revoke();
        let _ = user.unlink_key(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(test: &str) -> String {
        format!("vault:test:{}:{test}", std::process::id())
    }

    #[test]
    fn what_rests_is_found_replaced_and_forgotten() {
        let description = description("replaced");
        assert!(find(&description).is_none());
        let hour = Duration::from_secs(3600);
        for payload in [vec![7; 64], vec![8; 64]] {
            let payload = Secret::new(payload);
            keep(&description, &payload, hour);
            assert_eq!(find(&description).unwrap(), payload);
        }
        forget(&description);
        assert!(find(&description).is_none());
    }

    #[test]
    fn rest_ends_by_itself() {
        let description = description("ends");
        keep(&description, &Secret::new(vec![7; 64]), Duration::ZERO);
        assert!(find(&description).is_some());
        std::thread::sleep(Duration::from_millis(2200));
        assert!(find(&description).is_none());
    }

    #[test]
    fn it_is_possessed_in_another_thread_and_open_to_nobody_else() {
        let description = description("thread");
        let payload = Secret::new(vec![7; 64]);
        keep(&description, &payload, Duration::from_secs(60));
        let other = description.clone();
        let found = std::thread::spawn(move || find(&other)).join().unwrap();
        assert_eq!(found.unwrap(), payload);
        let key = user_ring().unwrap().search(&description).unwrap();
        assert_eq!(key.metadata().unwrap().get_perms().bits(), 0x3f00_0000);
        forget(&description);
    }

    #[test]
    fn a_payload_that_is_not_ours_is_not_taken() {
        let description = description("large");
        let ring = user_ring().unwrap();
        let key = ring.add_key(&description, &[1; LARGEST + 1]).unwrap();
        assert!(find(&description).is_none());
        ring.unlink_key(key).unwrap();
    }
}
