//! A user's own long-lived keys at AWS: listed, made, waited for, deleted.

use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Broker, BrokerError};
use crate::credentials::{Credentials, LongLivedKey};
use crate::source::SourceError;
use crate::source::iam::{Iam, UserKey};

/// How long AWS may take to know a key that it has made. IAM promises no time; it is seconds as a
/// rule, and what takes longer than this is better looked at than waited for
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>).
const PROPAGATION_LIMIT: SignedDuration = SignedDuration::from_mins(2);

/// Many servers answer, and each learns of a key for itself: so often in a row it must be known.
const CONFIRMATIONS: u32 = 3;

/// The first pause between two tries, and the one between confirmations.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// The longest: a person waits for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Between two looks for a key that the list lacks: it may come from a server that has yet to learn of it.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

impl Broker<'_> {
    /// The keys of the user that `with` are the credentials of.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Keys`].
    pub fn user_keys(
        &self,
        with: &Credentials,
        region: Option<&str>,
    ) -> Result<Vec<UserKey>, BrokerError> {
        let failed = |error| BrokerError::Keys("list the keys of the user", error);
        let iam = self.iam(region).map_err(failed)?;
        iam.access_keys(with).map_err(failed)
    }

    /// That user's key of that name; `None` where several lists in a row lack it, since one may be behind.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Keys`].
    pub fn user_key(
        &self,
        with: &Credentials,
        region: Option<&str>,
        id: &str,
    ) -> Result<Option<UserKey>, BrokerError> {
        for look in 0..CONFIRMATIONS {
            if look > 0 {
                thread::sleep(LOOK_PAUSE);
            }
            let there = self.user_keys(with, region)?;
            if let Some(key) = there.into_iter().find(|key| key.id == id) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Makes a key for that user.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Keys`]; see [`BrokerError::is_refusal`].
    pub fn make_key(
        &self,
        with: &Credentials,
        region: Option<&str>,
    ) -> Result<LongLivedKey, BrokerError> {
        let failed = |error| BrokerError::Keys("make a new key", error);
        let iam = self.iam(region).map_err(failed)?;
        iam.create_access_key(with).map_err(failed)
    }

    /// Deletes a key of that user. `with` may be a key that IAM has yet to hear of.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Keys`].
    pub fn delete_key(
        &self,
        with: &Credentials,
        region: Option<&str>,
        id: &str,
    ) -> Result<(), BrokerError> {
        let failed = |error| BrokerError::Keys("delete the key", error);
        let iam = self.iam(region).map_err(failed)?;
        let delete = || iam.delete_access_key(with, id);
        until(1, delete, &self.clock, &thread::sleep).map_err(failed)
    }

    /// Whether AWS does not accept a key at the moment. What gets no answer is no refusal.
    ///
    /// # Errors
    ///
    /// There is nothing to ask AWS with.
    pub fn refuses(&self, key: &LongLivedKey, region: Option<&str>) -> Result<bool, BrokerError> {
        let sts = self.sts(self.region(region, ""))?;
        let checked = sts.check(&Credentials::from(key.clone()));
        Ok(matches!(checked, Err(SourceError::KeyRejected(_))))
    }

    /// Waits until AWS knows a key that it has just made; `waiting` is called when it does not yet.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Keys`]: it does not know it after [`PROPAGATION_LIMIT`].
    pub fn until_known(
        &self,
        key: &LongLivedKey,
        region: Option<&str>,
        waiting: impl FnOnce(),
    ) -> Result<(), BrokerError> {
        let key = Credentials::from(key.clone());
        let sts = self.sts(self.region(region, ""))?;
        let mut waiting = Some(waiting);
        let check = || {
            sts.check(&key).inspect_err(|_| {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
            })
        };
        until(CONFIRMATIONS, check, &self.clock, &thread::sleep)
            .map_err(|error| BrokerError::Keys("use the new key", error))
    }

    fn iam<'r>(&'r self, region: Option<&'r str>) -> Result<Iam<'r>, SourceError> {
        let endpoint = self.connection.iam.as_deref();
        let region = self.region(region, "");
        Ok(Iam::new(self.transport()?, region, endpoint))
    }
}

impl BrokerError {
    /// Whether AWS has said no, so that nothing was done. Of what got no answer nobody knows.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Keys(
                _,
                SourceError::Forbidden(_)
                    | SourceError::KeyRejected(_)
                    | SourceError::Service { .. }
                    | SourceError::Throttled(_)
                    | SourceError::CaBundle { .. }
                    | SourceError::Setup(_)
            )
        )
    }

    /// Whether IAM makes no more keys for the user.
    pub fn is_key_limit(&self) -> bool {
        matches!(self, Self::Keys(_, SourceError::Service { code, .. }) if code == "LimitExceeded")
    }
}

/// Asks until it is right so often in a row, for as long as the key is not known.
fn until(
    confirmations: u32,
    mut ask: impl FnMut() -> Result<(), SourceError>,
    clock: &dyn Fn() -> Timestamp,
    sleep: &dyn Fn(Duration),
) -> Result<(), SourceError> {
    let deadline = clock() + PROPAGATION_LIMIT;
    let (mut pause, mut in_a_row) = (FIRST_PAUSE, 0);
    loop {
        match ask() {
            Ok(()) => {
                in_a_row += 1;
                pause = FIRST_PAUSE;
                if in_a_row == confirmations {
                    return Ok(());
                }
            }
            Err(SourceError::KeyRejected(_)) if clock() < deadline => {
                in_a_row = 0;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error),
        }
        sleep(pause);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn unknown() -> Result<(), SourceError> {
        Err(SourceError::KeyRejected("not known".into()))
    }

    /// Runs it against answers by turns, and then the last one; how long it took, and what came.
    fn run(
        answers: &[fn() -> Result<(), SourceError>],
    ) -> (SignedDuration, Result<(), SourceError>) {
        let (now, asked) = (Cell::new(Timestamp::UNIX_EPOCH), Cell::new(0));
        let ask = || {
            let at = asked.replace(asked.get() + 1);
            answers[at.min(answers.len() - 1)]()
        };
        let sleep = |pause: Duration| now.set(now.get() + pause);
        let came = until(CONFIRMATIONS, ask, &|| now.get(), &sleep);
        (now.get().duration_since(Timestamp::UNIX_EPOCH), came)
    }

    #[test]
    fn a_key_that_never_becomes_known_is_waited_for_with_a_bound() {
        let (took, came) = run(&[unknown]);
        assert!(matches!(came, Err(SourceError::KeyRejected(_))), "{came:?}");
        let limit = PROPAGATION_LIMIT + SignedDuration::try_from(LONGEST_PAUSE).unwrap();
        assert!(took >= PROPAGATION_LIMIT && took <= limit, "{took:?}");
    }

    #[test]
    fn a_server_that_does_not_know_it_yet_begins_the_count_anew() {
        let yes = || Ok(());
        let (took, came) = run(&[unknown, yes, yes, unknown, yes, yes, yes]);
        assert!(came.is_ok(), "{came:?}");
        // Two refusals, two confirmations that did not count, and two pauses of the three that did.
        assert_eq!(took, SignedDuration::from_millis(2 * 800 + 4 * 400));
    }

    #[test]
    fn what_is_no_matter_of_time_is_not_waited_for() {
        let (took, came) = run(&[|| Err(SourceError::Forbidden("no".into()))]);
        assert!(matches!(came, Err(SourceError::Forbidden(_))), "{came:?}");
        assert!(took.is_zero());
    }
}
