//! What the fake remembers: registrations, codes, tokens, keys, every request, and every secret
//! that it handed out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::behaviour::Behaviour;
use super::faults::Faults;
use super::http::{Recorded, Request};
use super::signin::Login;

/// The scope without which there is no refresh token.
pub const ACCESS_SCOPE: &str = "sso:account:access";

/// A client that registered.
#[derive(Clone)]
pub struct Registration {
    pub secret: String,
    pub expires_at: Timestamp,
    pub scopes: Vec<String>,
    pub grant_types: Vec<String>,
    pub redirect_uris: Vec<String>,
}

/// What the person said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Pending,
    Allowed,
    Denied,
}

/// A device authorization under way.
pub struct Device {
    pub client_id: String,
    pub user_code: String,
    pub expires_at: Timestamp,
    pub decision: Decision,
    pub polls: u32,
    pub last_poll: Option<Instant>,
    pub shortest_gap: Duration,
}

/// An authorization code that was not yet exchanged.
pub struct Code {
    pub client_id: String,
    pub redirect_uri: String,
    pub challenge: String,
    pub expires_at: Timestamp,
}

/// An access key of any kind.
#[derive(Clone)]
pub struct AccessKey {
    pub secret: String,
    pub session_token: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub principal: Principal,
    pub created_at: Timestamp,
    pub active: bool,
    /// Until then nobody has heard of it.
    pub known_from: Option<Instant>,
}

/// Whose key it is.
#[derive(Clone)]
pub enum Principal {
    /// An IAM user; `session` where the key came from `GetSessionToken`, `mfa` with a device.
    User {
        account: String,
        name: String,
        session: bool,
        mfa: bool,
    },
    /// A role; `chained` where another role assumed it.
    Role {
        account: String,
        name: String,
        session: String,
        chained: bool,
    },
    /// A federated user of `GetFederationToken`.
    Federated { account: String, name: String },
}

impl Principal {
    pub fn account(&self) -> &str {
        match self {
            Self::User { account, .. }
            | Self::Role { account, .. }
            | Self::Federated { account, .. } => account,
        }
    }

    /// The name of the user or role.
    pub fn name(&self) -> &str {
        match self {
            Self::User { name, .. } | Self::Role { name, .. } | Self::Federated { name, .. } => {
                name
            }
        }
    }

    pub fn arn(&self) -> String {
        let account = self.account();
        match self {
            Self::User { name, .. } => format!("arn:aws:iam::{account}:user/{name}"),
            Self::Role { name, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{name}/{session}")
            }
            Self::Federated { name, .. } => {
                format!("arn:aws:sts::{account}:federated-user/{name}")
            }
        }
    }
}

/// A long-lived key, as the test gets it.
#[derive(Clone)]
pub struct UserKey {
    /// `AKIA…`.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// Everything.
pub struct State {
    pub base_url: String,
    pub behaviour: Behaviour,
    pub faults: Faults,
    pub recorded: Vec<Recorded>,
    pub registrations: HashMap<String, Registration>,
    pub devices: HashMap<String, Device>,
    pub codes: HashMap<String, Code>,
    pub access_tokens: HashMap<String, Timestamp>,
    /// Refresh token → the client it was given to.
    pub refresh_tokens: HashMap<String, String>,
    /// Access or refresh token → the person's session that it is of.
    pub sessions: HashMap<String, u64>,
    pub keys: HashMap<String, AccessKey>,
    pub signin_tokens: HashMap<String, Timestamp>,
    /// Refresh token → the session of `aws login` that it renews.
    pub logins: HashMap<String, Login>,
    /// The `jti` of every proof that was used.
    pub proofs: HashSet<String>,
    /// Of the instance's metadata service.
    pub instance_tokens: HashMap<String, Timestamp>,
    /// When each token asked the portal, within the last second.
    pub portal_requests: HashMap<String, VecDeque<Instant>>,
    secrets: Vec<String>,
}

impl State {
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            behaviour: Behaviour::default(),
            faults: Faults::default(),
            recorded: Vec::new(),
            registrations: HashMap::new(),
            devices: HashMap::new(),
            codes: HashMap::new(),
            access_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            sessions: HashMap::new(),
            keys: HashMap::new(),
            signin_tokens: HashMap::new(),
            logins: HashMap::new(),
            proofs: HashSet::new(),
            instance_tokens: HashMap::new(),
            portal_requests: HashMap::new(),
            secrets: Vec::new(),
        }
    }

    /// Keeps a request; the answer's status is filled in at the index later.
    pub fn record(&mut self, operation: &'static str, request: Request) -> usize {
        self.recorded.push(Recorded::new(operation, request));
        self.recorded.len() - 1
    }

    /// A new secret of a length like the real ones'. It ends in letters and digits, so that its
    /// end is found in every encoding.
    pub fn mint(&mut self, prefix: &str, length: usize) -> String {
        let secret = format!("{prefix}{}", random_text(length));
        self.secrets.push(secret.clone());
        secret
    }

    /// One more secret, which came about elsewhere.
    pub fn keep_secret(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// A new access key; temporary where it has a life.
    pub fn add_key(&mut self, principal: Principal, life: Option<Duration>) -> (String, AccessKey) {
        let kind = if life.is_some() { "ASIA" } else { "AKIA" };
        let id = format!("{kind}{}", random_text(16).to_uppercase());
        // A real one has these characters, which quoting and URLs trip over.
        let secret = self.mint("w/J+", 36);
        let session_token = life.map(|_| self.mint("IQoJb3JpZ2luX2VjE/+=", 1000));
        let key = AccessKey {
            secret,
            session_token,
            expires_at: life.map(|life| Timestamp::now() + life),
            principal,
            created_at: Timestamp::now(),
            active: true,
            known_from: None,
        };
        self.keys.insert(id.clone(), key.clone());
        (id, key)
    }

    pub fn add_user_key(&mut self, account: &str, name: &str) -> UserKey {
        let user = Principal::User {
            account: account.to_owned(),
            name: name.to_owned(),
            session: false,
            mfa: false,
        };
        let (id, key) = self.add_key(user, None);
        UserKey {
            id,
            secret: key.secret,
        }
    }

    /// The ids of a user's long-lived keys, in order.
    pub fn keys_of(&self, account: &str, name: &str) -> Vec<String> {
        let own = |key: &AccessKey| {
            matches!(&key.principal, Principal::User { account: a, name: n, session: false, .. }
                if a == account && n == name)
        };
        let keys = self.keys.iter().filter(|(_, key)| own(key));
        let mut ids: Vec<_> = keys.map(|(id, _)| id.clone()).collect();
        ids.sort();
        ids
    }

    pub fn decide(&mut self, user_code: &str, decision: Decision) -> bool {
        let device = self
            .devices
            .values_mut()
            .find(|device| device.user_code == user_code);
        device.map(|device| device.decision = decision).is_some()
    }

    pub fn pending_user_codes(&self) -> Vec<String> {
        let devices = self.devices.values();
        let pending = devices.filter(|device| device.decision == Decision::Pending);
        pending.map(|device| device.user_code.clone()).collect()
    }

    /// Whether a portal of that URL exists.
    pub fn knows_start_url(&self, start_url: &str) -> bool {
        let bare = |url: &str| url.trim_end_matches(['/', '#']).to_owned();
        let mut known = self.behaviour.start_urls.iter();
        known.any(|url| bare(url) == bare(start_url))
    }
}

/// Letters and digits that nobody can guess.
pub fn random_text(length: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = vec![0_u8; length];
    getrandom::fill(&mut bytes).expect("random bytes");
    let letter = |byte: &u8| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    bytes.iter().map(letter).collect()
}
