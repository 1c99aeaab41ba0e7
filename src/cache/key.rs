//! What cache entries are called: keys, and the kinds of entry that they name. Pure.

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
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::SignIn,
        Self::ClientRegistration,
        Self::RoleCredentials,
        Self::AssumeRole,
    ];

    const fn prefix(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in/",
            Self::ClientRegistration => "client-registration/",
            Self::RoleCredentials => "role-credentials/",
            Self::AssumeRole => "assume-role/",
        }
    }

    /// Whether the entry is a set of credentials, which `clear` drops; the others stay.
    pub const fn is_credentials(self) -> bool {
        matches!(self, Self::RoleCredentials | Self::AssumeRole)
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

    /// The registration that the sign-in of an sso-session is made with. The region and the scopes
    /// are what it was made for.
    pub fn client_registration(
        start_url: &str,
        session: Option<&str>,
        region: &str,
        scopes: &[String],
    ) -> Self {
        let session = session.unwrap_or_default();
        let scopes = scopes.join(",");
        Self::new(
            Kind::ClientRegistration,
            &format!("{start_url}|{session}|{region}|{scopes}"),
        )
    }

    /// A permission set in an account.
    pub fn role_credentials(start_url: &str, account: &str, role: &str) -> Self {
        Self::new(
            Kind::RoleCredentials,
            &format!("{start_url}/{account}/{role}"),
        )
    }

    /// An assumed role; `inputs` is everything that changes what STS answers, but for the duration in
    /// seconds that was asked for.
    pub fn assume_role(inputs: &[&str], duration: Option<i32>) -> Self {
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
        Self::new(
            Kind::AssumeRole,
            &format!("{}{duration}", hex(&hash.finalize())),
        )
    }

    /// Whether both are the same role, however long each lasts.
    pub fn is_same_role(&self, other: &Self) -> bool {
        let both = self.kind() == Some(Kind::AssumeRole) && other.kind() == self.kind();
        let hash = |key: &Self| key.0.split('/').nth(1).map(str::to_owned);
        both && hash(self) == hash(other)
    }

    fn new(kind: Kind, rest: &str) -> Self {
        Self(format!("{}{rest}", kind.prefix()))
    }

    /// A lock beside the entry's own, for as long as a person takes: who only wants to look at the
    /// entry, or to refresh it, does not wait for a person.
    pub fn interactive(&self) -> Self {
        Self(format!("{}|interactive", self.0))
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
