//! The nouns: credentials, keys, tokens, registrations, account ids, role names, and when each is fresh.
//!
//! Nothing here reads or writes anything, and nothing here knows how a value is stored or sent:
//! a [`Secret`] has no serde form on purpose, so that whoever lets one out has to spell it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroize;

/// Role credentials are used until this long before they end.
///
/// Long enough for a command that starts now to make its calls, and shorter than the 10 minutes
/// at which the AWS SDKs insist on new ones, so that vault is never the first to let go.
pub const CREDENTIALS_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// An access token is refreshed when it has less than this left, as the AWS CLI does.
pub const TOKEN_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// A client registration is used again while it has more than this left: a sign-in that begins
/// with it (a person has 10 minutes) must be able to end with it.
pub const REGISTRATION_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// A value that must not be seen: wiped when dropped, hidden from `Debug`, without `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes charge of `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The one way to the value: every use of it can be found by this name.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

/// What a program needs to sign requests to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Names the key; not secret, AWS logs it.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: Secret<String>,
    /// Present for every short-lived set.
    pub session_token: Option<Secret<String>>,
    /// When AWS stops accepting them; `None` for long-lived keys.
    pub expires_at: Option<Timestamp>,
}

impl Credentials {
    /// Whether they may still be handed out: more than [`CREDENTIALS_WINDOW`] remains.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.last(CREDENTIALS_WINDOW, now)
    }

    /// Whether more than `window` remains.
    pub fn last(&self, window: SignedDuration, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| remains(end, now, window))
    }
}

/// An IAM user's access key: it works until somebody deletes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongLivedKey {
    /// Names the key; not secret, AWS logs it.
    pub access_key_id: String,
    /// Signs requests.
    pub secret_access_key: Secret<String>,
}

/// How long the secrets are that IAM makes; it promises no length.
pub const SECRET_LENGTH: usize = 40;

/// Whether a text can be the id of a key, and so may be shown: ids have other letters or another length
/// than secrets, and the two are easily swapped.
pub fn may_be_key_id(text: &str) -> bool {
    let of_id = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() != SECRET_LENGTH && text.bytes().all(of_id)
}

/// A rotation that has begun: what has to be known to go on with it, whatever stopped it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// What names the key that is to go.
    pub old: String,
    /// The keys that its user had: one more is what IAM made for this rotation.
    pub known: Vec<String>,
    /// The key that is to come, once IAM has made it and said so.
    pub new: Option<LongLivedKey>,
}

impl From<LongLivedKey> for Credentials {
    fn from(key: LongLivedKey) -> Self {
        Self {
            access_key_id: key.access_key_id,
            secret_access_key: key.secret_access_key,
            session_token: None,
            expires_at: None,
        }
    }
}

/// What a sign-in to IAM Identity Center left: the bearer token of the portal's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Sent in the header `x-amz-sso_bearer_token`.
    pub access_token: Secret<String>,
    /// Gets the next access token without a person, while the Identity Center session lasts.
    pub refresh_token: Option<Secret<String>>,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// How the person signed in.
    pub flow: Flow,
}

/// How a person signs in. Each flow has a client registration of its own, and a refresh token is good
/// with the one that it was given to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// A code that any browser can confirm. Tokens that don't say their flow are from the time when
    /// there was no other.
    #[default]
    DeviceCode,
    /// A browser on this machine brings the code.
    AuthorizationCode,
}

impl Flow {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeviceCode => "device-code",
            Self::AuthorizationCode => "authorization-code",
        }
    }

    /// The flow of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let known = [Self::DeviceCode, Self::AuthorizationCode];
        known.into_iter().find(|flow| flow.as_str() == name)
    }
}

impl AccessToken {
    /// Whether it needs no refreshing: more than [`TOKEN_WINDOW`] remains.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        remains(self.expires_at, now, TOKEN_WINDOW)
    }

    /// Whether the portal would still accept it.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

/// This program as IAM Identity Center knows it: the answer to `RegisterClient`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRegistration {
    /// Names the registration.
    pub client_id: String,
    /// Proves it.
    pub client_secret: Secret<String>,
    /// About 90 days after it was made.
    pub expires_at: Timestamp,
}

impl ClientRegistration {
    /// Whether a sign-in may begin with it: more than [`REGISTRATION_WINDOW`] remains.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        remains(self.expires_at, now, REGISTRATION_WINDOW)
    }
}

/// Whether more than `window` is left until `end`.
pub fn remains(end: Timestamp, now: Timestamp, window: SignedDuration) -> bool {
    end.duration_since(now) > window
}

/// The twelve digits of an AWS account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// Checks the form: exactly twelve ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        let right = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        right.then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account that a person may use, as the portal calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its digits.
    pub id: AccountId,
    /// What the organisation calls it.
    pub name: Option<String>,
    /// Its root user's address.
    pub email: Option<String>,
}

/// A permission set's name, `role_name` on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleName(String);

impl RoleName {
    /// Any text but the empty one: Identity Center decides whether there is such a role.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn credentials_are_fresh_until_five_minutes_before_their_end() {
        let credentials = Credentials {
            access_key_id: "AKIA".into(),
            secret_access_key: Secret::new("s".into()),
            session_token: None,
            expires_at: Some(at(1000)),
        };
        assert!(credentials.is_fresh(at(699)));
        assert!(!credentials.is_fresh(at(700)));
        assert!(!credentials.is_fresh(at(2000)));
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let token = AccessToken {
            access_token: Secret::new("hunter2".into()),
            refresh_token: Some(Secret::new("hunter3".into())),
            expires_at: at(0),
            flow: Flow::DeviceCode,
        };
        assert!(!format!("{token:?}").contains("hunter"));
    }

    #[test]
    fn an_account_id_is_twelve_digits() {
        assert!(AccountId::parse("012345678901").is_some());
        for wrong in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901a",
            "１２３４５６７８９０１２",
        ] {
            assert!(AccountId::parse(wrong).is_none(), "{wrong}");
        }
    }
}
