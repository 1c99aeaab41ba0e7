//! From a profile's credentials to a sign-in to the console. Nothing of it is kept: each opening of the
//! console is a session of its own.

use std::time::Duration;

use super::steps::{Origin, limit, session_name, steps};
use super::{Broker, BrokerError, CHAINED_LIMIT, Want};
use crate::credentials::{Credentials, Secret};
use crate::resolve::{Chain, KeyPlace, Source};
use crate::source::federation;
use crate::source::sts::FederationRequest;

/// How long a federated user's session lasts where nobody says: as long as a role's.
const FEDERATED: Duration = Duration::from_hours(1);

/// `GetFederationToken` takes no longer name.
const LONGEST_NAME: usize = 32;

/// Whether a profile's credentials are an IAM user's own key, which the console does not take as it is.
pub fn is_users_key(chain: &Chain) -> bool {
    let key = match &chain.source {
        Source::AccessKey(key) => !matches!(key.place, KeyPlace::Temporary(_)),
        _ => false,
    };
    key && chain.roles.is_empty()
}

/// Whether the console's session may be given a length of its own, as far as that is known without asking
/// AWS: not for a role that temporary credentials assumed, nor for what no role is behind.
pub fn has_length_of_its_own(chain: &Chain, want: Want<'_>) -> bool {
    if is_users_key(chain) {
        return true;
    }
    let Ok(steps) = steps(chain, want) else {
        return false;
    };
    match steps.as_slice() {
        [.., before, last] if matches!(last.origin, Origin::Role { .. }) => {
            limit(before) != CHAINED_LIMIT
        }
        [only] => matches!(
            only.origin,
            Origin::Sso(_) | Origin::WebIdentity(_) | Origin::Process(_)
        ),
        _ => false,
    }
}

impl Broker<'_> {
    /// Credentials that the console takes, for an IAM user's own key.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Federation`].
    pub fn federate(
        &self,
        profile: &str,
        key: &Credentials,
        region: Option<&str>,
        length: Option<Duration>,
    ) -> Result<Credentials, BrokerError> {
        (self.before_waiting)();
        let name: String = session_name(None, profile)
            .chars()
            .take(LONGEST_NAME)
            .collect();
        let seconds = length.unwrap_or(FEDERATED).as_secs();
        let request = FederationRequest {
            name: &name,
            duration_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
        };
        let given =
            self.sts(self.region(region, ""))?
                .federation_token(key, &request, (self.clock)());
        given.map_err(|error| BrokerError::Federation(profile.to_owned(), error))
    }

    /// A token to sign in to the console with, good for 15 minutes: from the endpoint at `base_url`, for a
    /// session of `length`, where that can be chosen.
    ///
    /// # Errors
    ///
    /// [`BrokerError::Console`].
    pub fn signin_token(
        &self,
        credentials: &Credentials,
        base_url: &str,
        length: Option<Duration>,
    ) -> Result<Secret<String>, BrokerError> {
        (self.before_waiting)();
        let chosen = length.is_some();
        federation::signin_token(self.transport()?, base_url, credentials, length)
            .map_err(|error| BrokerError::Console { chosen, error })
    }
}
