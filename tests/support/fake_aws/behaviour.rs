//! What the fake wants and what it answers, as values that a test sets.

use std::collections::HashMap;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// The knobs. The defaults are AWS's own, but for waits, which are short.
pub struct Behaviour {
    /// The portals that exist. Compared without a trailing `/` or `#`.
    pub start_urls: Vec<String>,
    /// What happens when a browser comes to the verification page or to `/authorize`.
    pub visit: Visit,
    /// A device code is allowed once it was polled this often.
    pub approve_after_polls: Option<u32>,
    /// `interval` as answered, in seconds; `None` leaves it out.
    pub interval: Option<u64>,
    /// Polls that come closer together than this get `slow_down`.
    pub shortest_poll_gap: Duration,
    /// What each `slow_down` adds to that gap for good (RFC 8628, section 3.5).
    pub slow_down_penalty: Duration,
    /// How long a device code lives.
    pub device_code_life: Duration,
    /// How long an access token lives; `None`: 1 h with the scope `sso:account:access`, else 8 h.
    pub access_token_life: Option<Duration>,
    /// What a refresh does to the refresh token.
    pub refresh: RefreshAnswer,
    /// How long a client registration lives.
    pub registration_life: Duration,
    /// Who may be what.
    pub accounts: Vec<Account>,
    /// How long role credentials live.
    pub role_credentials_life: Duration,
    /// No page of the portal is longer than this.
    pub page_size: usize,
    /// The portal answers 429 beyond this many requests a second of one token.
    pub portal_requests_per_second: usize,
    /// The roles that `AssumeRole` knows.
    pub roles: Vec<AssumableRole>,
    /// MFA devices: serial number → the code that is right now. A code is good once.
    pub mfa_codes: HashMap<String, String>,
    /// How long a key that IAM has made is known nowhere.
    pub key_propagation: Duration,
    /// What IAM lets no user do: names of operations.
    pub iam_denies: Vec<&'static str>,
    /// IAM lets users do something only with MFA.
    pub iam_wants_mfa: bool,
    /// The tokens that `AssumeRoleWithWebIdentity` takes.
    pub web_identity_tokens: Vec<String>,
    /// The role of the EC2 instance, if it has one.
    pub instance_role: Option<String>,
    /// What the container's endpoint wants to see in `Authorization`.
    pub container_token: Option<String>,
    /// How many seconds the server's clock is ahead of this machine's, by its header `Date`.
    pub clock_ahead: i64,
}

/// What happens when a browser comes to a page that asks the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// A page with two buttons.
    Ask,
    /// The visit is the consent.
    Allow,
    /// The visit is the refusal.
    Deny,
}

/// What a refresh does to the refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshAnswer {
    /// The answer has a new one and the old one is dead.
    Rotate,
    /// The answer has none and the old one lives on.
    LeaveOut,
}

/// An account and the permission sets that the person has in it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Absent from the answer where `None`.
    pub name: Option<String>,
    /// Absent from the answer where `None`.
    pub email: Option<String>,
    /// The roles assigned.
    pub roles: Vec<String>,
}

impl Account {
    /// An account with a name and an address.
    pub fn new(id: &str, name: &str, roles: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            email: Some(format!("{name}@example.com")),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }

    /// A large organisation: so many accounts, with three roles in each.
    pub fn organisation(accounts: u32) -> Vec<Self> {
        let roles = ["Admin", "Developer", "ReadOnly"];
        let account = |n: u32| {
            Self::new(
                &format!("{:012}", 100_000_000_000 + u64::from(n)),
                &format!("team-{n:04}"),
                &roles,
            )
        };
        (1..=accounts).map(account).collect()
    }
}

/// A role that trusts whoever asks, under conditions.
#[derive(Clone, Debug)]
pub struct AssumableRole {
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    pub arn: String,
    /// Refused without this `ExternalId`.
    pub external_id: Option<String>,
    /// Refused without MFA, given now or in the caller's session.
    pub needs_mfa: bool,
    /// The longest `DurationSeconds`.
    pub longest: Duration,
}

impl AssumableRole {
    /// A role without conditions and with AWS's default limit of 1 h.
    pub fn new(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            external_id: None,
            needs_mfa: false,
            longest: HOUR,
        }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            start_urls: vec!["https://corp.awsapps.com/start".to_owned()],
            visit: Visit::Ask,
            approve_after_polls: None,
            interval: Some(1),
            shortest_poll_gap: Duration::from_secs(1),
            slow_down_penalty: Duration::from_secs(5),
            device_code_life: Duration::from_secs(600),
            access_token_life: None,
            refresh: RefreshAnswer::Rotate,
            registration_life: 90 * 24 * HOUR,
            accounts: vec![
                Account::new("111111111111", "dev", &["Developer", "ReadOnly"]),
                Account::new("222222222222", "prod", &["Admin", "ReadOnly"]),
            ],
            role_credentials_life: HOUR,
            page_size: 100,
            portal_requests_per_second: 20,
            roles: standard_roles(),
            mfa_codes: HashMap::new(),
            key_propagation: Duration::ZERO,
            iam_denies: Vec::new(),
            iam_wants_mfa: false,
            web_identity_tokens: Vec::new(),
            instance_role: Some("Machine".to_owned()),
            container_token: None,
            clock_ahead: 0,
        }
    }
}

/// In 333333333333: `Deployer` without conditions, `Partner` with an external id, `Careful` with
/// MFA, `LongRun` with 12 h.
fn standard_roles() -> Vec<AssumableRole> {
    let role = |name: &str| AssumableRole::new(&format!("arn:aws:iam::333333333333:role/{name}"));
    vec![
        role("Deployer"),
        AssumableRole {
            external_id: Some("partner-7".to_owned()),
            ..role("Partner")
        },
        AssumableRole {
            needs_mfa: true,
            ..role("Careful")
        },
        AssumableRole {
            longest: 12 * HOUR,
            ..role("LongRun")
        },
    ]
}
