//! Calls that may never come back, made on a thread of their own and waited for only so long.
//!
//! A call that was given up on is left behind, not stopped: nothing can stop it but the end of
//! the process.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::{KeystoreError, Waiting};

/// After this long without an answer the person is told that something waits for them: a
/// keystore that is unlocked answers within milliseconds, one that has to be started within one
/// second.
pub const UNTIL_TOLD: Duration = Duration::from_secs(2);

/// How long a keystore may take. It may be waiting for a person to find a prompt and to type a
/// password, so seconds would be too few; who needs longer finds the prompt still there, and runs the
/// command again.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the calls of one keystore.
pub struct Calls {
    whom: &'static str,
    until_told: Duration,
    patience: Duration,
    waiting: Waiting,
    told: Once,
    hung: AtomicBool,
}

impl Calls {
    /// `whom` is what does not answer, in the words of an error.
    pub const fn new(whom: &'static str, waiting: Waiting) -> Self {
        Self::within(whom, waiting, UNTIL_TOLD, PATIENCE)
    }

    const fn within(
        whom: &'static str,
        waiting: Waiting,
        until_told: Duration,
        patience: Duration,
    ) -> Self {
        Self {
            whom,
            until_told,
            patience,
            waiting,
            told: Once::new(),
            hung: AtomicBool::new(false),
        }
    }

    /// Tells the person, unless that was done before.
    pub fn tell(&self) {
        self.told.call_once(|| (self.waiting)());
    }

    /// The error for a call that took too long.
    pub fn timed_out(&self) -> KeystoreError {
        KeystoreError::TimedOut {
            what: self.whom.to_owned(),
            after: self.patience,
        }
    }

    /// Does `work` elsewhere and waits for it.
    ///
    /// # Errors
    ///
    /// What `work` says; or it took too long. After that every further call fails at once: who
    /// has twenty entries to delete shall not wait twenty minutes.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, KeystoreError> + Send + 'static,
    ) -> Result<T, KeystoreError> {
        if self.hung.load(Ordering::Relaxed) {
            return Err(self.timed_out());
        }
        let (tell, hear) = mpsc::sync_channel(1);
        let answer = move || drop(tell.send(work()));
        thread::Builder::new()
            .name("keystore".to_owned())
            .spawn(answer)
            .map_err(|error| KeystoreError::failed(format!("no thread for it: {error}")))?;
        let mut answer = hear.recv_timeout(self.until_told);
        if let Err(RecvTimeoutError::Timeout) = answer {
            self.tell();
            answer = hear.recv_timeout(self.patience.saturating_sub(self.until_told));
        }
        match answer {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                self.hung.store(true, Ordering::Relaxed);
                Err(self.timed_out())
            }
            Err(RecvTimeoutError::Disconnected) => Err(KeystoreError::failed("its call broke off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    fn calls(told: &Arc<AtomicUsize>, until_told: Duration, patience: Duration) -> Calls {
        let told = Arc::clone(told);
        let waiting = Arc::new(move || {
            told.fetch_add(1, Ordering::Relaxed);
        });
        Calls::within("it", waiting, until_told, patience)
    }

    #[test]
    fn a_quick_answer_tells_nobody() {
        let told = Arc::new(AtomicUsize::new(0));
        assert_eq!(calls(&told, LONG, LONG).run(|| Ok(7)).unwrap(), 7);
        assert_eq!(told.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_slow_answer_tells_once_and_is_still_heard() {
        let told = Arc::new(AtomicUsize::new(0));
        let calls = calls(&told, SHORT, LONG);
        for _ in 0..2 {
            let slow = || {
                thread::sleep(3 * SHORT);
                Ok(7)
            };
            assert_eq!(calls.run(slow).unwrap(), 7);
        }
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn no_answer_is_an_error_and_the_next_call_does_not_wait() {
        let told = Arc::new(AtomicUsize::new(0));
        let calls = calls(&told, SHORT, 2 * SHORT);
        let hang = || {
            thread::sleep(LONG);
            Ok(())
        };
        let late = calls.run(hang);
        assert!(matches!(late, Err(KeystoreError::TimedOut { .. })));
        let called = Arc::new(AtomicBool::new(false));
        let call = Arc::clone(&called);
        let next = calls.run(move || {
            call.store(true, Ordering::Relaxed);
            Ok(())
        });
        assert!(matches!(next, Err(KeystoreError::TimedOut { .. })));
        assert!(!called.load(Ordering::Relaxed));
    }

    #[test]
    fn a_call_that_panics_is_an_error() {
        let told = Arc::new(AtomicUsize::new(0));
        let broken = || -> Result<(), KeystoreError> { panic!("on purpose") };
        let broken = calls(&told, LONG, LONG).run(broken);
        assert!(matches!(broken, Err(KeystoreError::Failed { .. })));
    }
}
