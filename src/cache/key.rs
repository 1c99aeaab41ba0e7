//! What cache entries are called: keys, and the kinds of entry that they name. Pure.

use crate::credentials::Flow;

/// What an entry is called in the keystore, in the list, and in its lock.
///
/// Whatever changes the value is in the key: an edited profile never gets the old account's
/// credentials. What is only a fact about the value, such as when it ends, is in the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(super) String);

/// What kinds of entry there are: the first part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sign-in to IAM Identity Center: its tokens.
    SignIn,
    /// This program's registration with IAM Identity Center.
    ClientRegistration,
    /// What a permission set gave.
    RoleCredentials,
    /// What an assumed role gave.
    AssumeRole,
    /// An IAM user's long-lived key: no credentials that can be had again, so `clear` leaves it.
    AccessKey,
    /// A rotation of a long-lived key that has begun, and the new key in it.
    Rotation,
    /// What `GetSessionToken` gave for a long-lived key.
    SessionToken,
    /// What a role gave for a token in a file.
    WebIdentity,
    /// What a program printed.
    CredentialProcess,
    /// What `aws login`'s session gave.
    LoginSession,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::SignIn,
        Self::ClientRegistration,
        Self::RoleCredentials,
        Self::AssumeRole,
        Self::AccessKey,
        Self::Rotation,
        Self::SessionToken,
        Self::WebIdentity,
        Self::CredentialProcess,
        Self::LoginSession,
    ];

    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in/",
            Self::ClientRegistration => "client-registration/",
            Self::RoleCredentials => "role-credentials/",
            Self::AssumeRole => "assume-role/",
            Self::AccessKey => "access-key/",
            Self::Rotation => "rotation/",
            Self::SessionToken => "session-token/",
            Self::WebIdentity => "web-identity/",
            Self::CredentialProcess => "process/",
            Self::LoginSession => "login-session/",
        }
    }

    /// Whether the entry is a set of credentials, which `clear` drops; the others stay.
    pub const fn is_credentials(self) -> bool {
        match self {
            Self::SignIn | Self::ClientRegistration | Self::AccessKey | Self::Rotation => false,
            Self::RoleCredentials
            | Self::AssumeRole
            | Self::SessionToken
            | Self::WebIdentity
            | Self::CredentialProcess
            | Self::LoginSession => true,
        }
    }
}

impl Key {
    /// The sign-in that all profiles of an sso-session share.
    pub fn sign_in(start_url: &str, session: Option<&str>) -> Self {
        Self::new(
            Kind::SignIn,
            &format!("{start_url}|{}", session.unwrap_or_default()),
        )
    }

    /// The registration that the sign-in of an sso-session is made with. The region, the scopes and
    /// the flow are what it was made for; one for device codes has no word for that, as when there was
    /// no other.
    pub fn client_registration(
        start_url: &str,
        session: Option<&str>,
        region: &str,
        scopes: &[String],
        flow: Flow,
    ) -> Self {
        let session = session.unwrap_or_default();
        let scopes = scopes.join(",");
        let flow = match flow {
            Flow::DeviceCode => String::new(),
            other => format!("|{}", other.as_str()),
        };
        Self::new(
            Kind::ClientRegistration,
            &format!("{start_url}|{session}|{region}|{scopes}{flow}"),
        )
    }

    /// A permission set in an account.
    pub fn role_credentials(start_url: &str, account: &str, role: &str) -> Self {
        Self::new(
            Kind::RoleCredentials,
            &format!("{start_url}/{account}/{role}"),
        )
    }

    /// The long-lived key of a profile.
    pub fn access_key(profile: &str) -> Self {
        Self::new(Kind::AccessKey, profile)
    }

    /// The rotation of the long-lived key of a profile.
    pub fn rotation(profile: &str) -> Self {
        Self::new(Kind::Rotation, profile)
    }

    /// Credentials of a kind whose answer depends on many things: `inputs` is everything that changes
    /// it, but for the duration in seconds that was asked for.
    pub fn hashed(kind: Kind, inputs: &[&str], duration: Option<i32>) -> Self {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for input in inputs {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hash.update((input.len() as u64).to_be_bytes());
            hash.update(input.as_bytes());
        }
        let duration = duration
            .map(|seconds| format!("/{seconds}"))
            .unwrap_or_default();
        Self::new(kind, &format!("{}{duration}", hex(&hash.finalize())))
    }

    /// What it says but for the duration, where one may stand in it.
    pub fn regardless_of_duration(&self) -> &str {
        let end = self.0.match_indices('/').nth(1);
        match end.filter(|_| self.has_duration()) {
            Some((end, _)) => &self.0[..end],
            None => &self.0,
        }
    }

    /// Whether it is of a kind whose duration can be chosen.
    fn has_duration(&self) -> bool {
        matches!(
            self.kind(),
            Some(Kind::AssumeRole | Kind::SessionToken | Kind::WebIdentity)
        )
    }

    /// The start URL and the name of the sso-session that a sign-in is to; the older form has no name.
    pub fn signed_in_to(&self) -> Option<(&str, Option<&str>)> {
        let rest = self.0.strip_prefix(Kind::SignIn.prefix())?;
        let (start_url, name) = rest.split_once('|')?;
        Some((start_url, Some(name).filter(|name| !name.is_empty())))
    }

    fn new(kind: Kind, rest: &str) -> Self {
        Self(format!("{}{rest}", kind.prefix()))
    }

    /// A lock beside the entry's own, for as long as a person takes: who only wants to look at the
    /// entry, or to refresh it, does not wait for a person.
    pub fn interactive(&self) -> Self {
        Self(format!("{}|interactive", self.0))
    }

    /// A lock beside the entry's own, for as long as a large organisation takes to list.
    pub fn listing(&self) -> Self {
        Self(format!("{}|listing", self.0))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of entry it names; `None` for one that a later vault made.
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| self.0.starts_with(kind.prefix()))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
