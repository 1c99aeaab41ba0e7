//! Chain → cached, or from its source and kept.
//!
//! It answers with credentials, or with what a person has to do first (sign in to an sso-session, give
//! the code of an MFA device): it never talks to one. Every look-up, fetch and keep is under one lock, so that any number of parallel
//! runs make one request; who waited looks again first.

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cache::{Cache, CacheError, Key};
use crate::config::{Config, ConfigError, SsoRole, SsoSession};
use crate::credentials::Credentials;
use crate::resolve::{Chain, Source};
use crate::source::SourceError;
use crate::source::ambient::AmbientError;
use crate::source::process::{self, ProcessError};
use crate::source::sso::{CodeAuthorization, DeviceAuthorization};
use crate::source::transport::{self, Transport};
use crate::source::web_identity::TokenError;

mod code;
mod console;
mod elsewhere;
mod fetch;
mod keys;
mod listing;
mod login;
mod sign_in;
mod sign_out;
mod standing;
mod steps;

pub use code::{Code, MfaDevice};
pub use console::{has_length_of_its_own, is_users_key};
pub use fetch::sts_region;
pub use listing::{Listed, Permitted};
pub use login::LoginError;
pub use sign_in::{registration_key, sign_in_key};
pub use standing::Standing;
use steps::{CHAINED_LIMIT, Name, Step, signed_in_to, steps};
pub use steps::{Cut, cut, keys, mfa_session};

/// Whoever holds a lock for credentials or a token fetches once: a few requests, each bounded by the
/// transport, or a program that has [`process::LIMIT`]. Past this something is wrong with the holder.
pub const FETCH_LOCK_LIMIT: Duration = Duration::from_mins(3);

/// The note in a lock whose holder got something that is not kept: there is nothing to wait for.
const NOT_KEPT: &str = "not kept";

/// What the broker answers.
#[derive(Debug)]
pub enum Answer {
    /// Credentials, fresh.
    Ready(Credentials),
    /// A person must sign in to this session first.
    SignInRequired(SsoSession),
    /// The code that this device shows now is needed first.
    CodeRequired(MfaDevice),
}

/// How credentials are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want<'a> {
    /// Not from the cache.
    pub fresh: bool,
    /// For how long, where the source lets one choose.
    pub duration: Option<Duration>,
    /// With a long-lived key itself, and without `GetSessionToken`.
    pub no_session: bool,
    /// The code of an MFA device, for the first step that needs one.
    pub code: Option<&'a Code>,
    /// By whom, which decides how much of their life must be left.
    pub reader: Reader,
}

/// Who is given credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// A command, which is given them once.
    #[default]
    Command,
    /// A client that asks again when they near their end, as the SDKs do ([`CLIENT_WINDOW`]).
    Client,
}

/// An SDK asks for new credentials when it has less than 15 minutes left, at every request. What it
/// is given must have more, and a minute for clocks and for whole seconds.
pub const CLIENT_WINDOW: SignedDuration = SignedDuration::from_mins(16);

/// Where the services are and what to trust, where that is not AWS's own.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The portal.
    pub sso: Option<String>,
    /// Sign-in.
    pub sso_oidc: Option<String>,
    /// The Security Token Service.
    pub sts: Option<String>,
    /// Identity and Access Management.
    pub iam: Option<String>,
    /// AWS Sign-In.
    pub signin: Option<String>,
    /// Where the AWS CLI keeps the sessions of `aws login`.
    pub login_sessions: PathBuf,
    /// Where STS is asked for a role whose profiles name no region.
    pub region: Option<String>,
    /// Certificate authorities.
    pub transport: transport::Settings,
    /// How a `credential_process` is run.
    pub process: process::Settings,
}

/// What a person sees while a sign-in goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Another vault is signing in to the same session: its sign-in will do.
    WaitingForAnother,
    /// The person has to allow it on this page, with a browser on this machine.
    Page(&'a CodeAuthorization<'a>),
    /// The person has to confirm this code.
    Code(&'a DeviceAuthorization),
}

/// Whether what goes on was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It was.
    ToThePerson,
    /// No browser here can show it: another flow has to do.
    ToNobody,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The cache.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// 403 for a permission set.
    #[error("`{}` may not be used in account {}", .0.role, .0.account)]
    NoAccess(Box<SsoRole>, #[source] SourceError),
    /// A role that could not be assumed.
    #[error("cannot assume `{0}`")]
    Role(String, #[source] SourceError),
    /// `GetSessionToken` that failed.
    #[error("cannot get a session for the key of profile `{0}`")]
    Session(String, #[source] SourceError),
    /// `GetFederationToken` that failed.
    #[error("cannot get a session for the console with the key of profile `{0}`")]
    Federation(String, #[source] SourceError),
    /// The console's sign-in, which gave no token.
    #[error("the console gives no sign-in for these credentials")]
    Console {
        /// Whether a length was wished for.
        chosen: bool,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// The code of an MFA device was not accepted.
    #[error("the code of `{0}` was not accepted")]
    CodeRejected(String, #[source] SourceError),
    /// Another run asked for the code that this one waited for, and it came to nothing.
    #[error("another vault has asked for the code, and it came to nothing: {0}")]
    CodeFailedElsewhere(String),
    /// A duration that AWS gives to nobody.
    #[error("{} seconds are too short", .0.as_secs())]
    TooShort(Duration),
    /// What IAM was asked about a user's keys.
    #[error("cannot {0}")]
    Keys(&'static str, #[source] SourceError),
    /// A long-lived key is listed, and is not in the keystore.
    #[error("the long-lived key of profile `{0}` is not in this keystore")]
    KeyGone(String),
    /// `credential_source` that leads to nothing.
    #[error("`credential_source` gives no credentials")]
    Ambient(#[from] AmbientError),
    /// A key in a file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file of a web identity token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A role that could not be assumed with a web identity token.
    #[error("cannot assume `{0}` with a web identity token")]
    WebIdentity(String, #[source] SourceError),
    /// The session of `aws login`.
    #[error("profile `{0}` gets its credentials from `aws login`")]
    Login(String, #[source] LoginError),
    /// A `credential_process`.
    #[error("the credential_process of profile `{0}` gave no credentials")]
    Process(String, #[source] ProcessError),
    /// The sign-in that this run waited for was another's, and came to nothing.
    #[error("the sign-in in another vault came to nothing: {0}")]
    FailedElsewhere(String),
    /// The profile, or the one that its roles begin with, names no way to get credentials.
    #[error("profile `{0}` does not say where its credentials come from")]
    NoSource(String),
}

impl BrokerError {
    /// Whether the code of an MFA device was not the right one.
    pub const fn is_wrong_code(&self) -> bool {
        matches!(self, Self::CodeRejected(..))
    }
}

/// The broker for one run.
pub struct Broker<'a> {
    cache: &'a Cache,
    config: &'a Config,
    clock: fn() -> Timestamp,
    before_waiting: Box<dyn Fn() + 'a>,
    connection: Connection,
    transport: OnceCell<Transport>,
    /// What this run has fetched.
    fetched: RefCell<Vec<Key>>,
    not_renewed: RefCell<Option<Result<Answer, BrokerError>>>,
}

impl<'a> Broker<'a> {
    /// A broker over `cache`; nothing is connected before something has to be fetched.
    /// `before_waiting` is called when the answer will take longer than a look into the cache.
    pub fn new(
        cache: &'a Cache,
        config: &'a Config,
        clock: fn() -> Timestamp,
        before_waiting: Box<dyn Fn() + 'a>,
        connection: Connection,
    ) -> Self {
        Self {
            cache,
            config,
            clock,
            before_waiting,
            connection,
            transport: OnceCell::new(),
            fetched: RefCell::default(),
            not_renewed: RefCell::default(),
        }
    }

    /// The credentials at the end of a chain.
    ///
    /// # Errors
    ///
    /// The cache's or the source's; nothing that was kept is lost by one.
    pub fn credentials(&self, chain: &Chain, want: Want<'_>) -> Result<Answer, BrokerError> {
        tracing::info!(
            profile = chain.profile,
            from = chain.root,
            source = chain.source.key(),
            roles = chain.roles.len(),
            "where they come from"
        );
        // Before any lock: a vault around this one may hold it until this one has an answer.
        if let Source::CredentialProcess(process) = &chain.source {
            let free = self.connection.process.check(&process.profile);
            free.map_err(|error| BrokerError::Process(process.profile.clone(), error))?;
        }
        self.obtain(&steps(chain, want)?, want)
    }

    /// What came instead of new credentials where those that were given are good for a while, but not for
    /// as long as their reader wants.
    pub fn not_renewed(&self) -> Option<Result<Answer, BrokerError>> {
        self.not_renewed.take()
    }

    fn obtain(&self, steps: &[Step<'_>], want: Want<'_>) -> Result<Answer, BrokerError> {
        let (last, before) = steps.split_last().expect("a chain begins with its source");
        let Name::Kept(key) = &last.name else {
            return self.fetch(last, before, want);
        };
        let cached = match self.usable(key, want)? {
            Some(cached) if self.lasts(&cached, last, want.reader) => {
                return Ok(Answer::Ready(cached));
            }
            cached => cached,
        };
        tracing::info!(key = key.as_str(), "not cached, or not for long: fetching");
        (self.before_waiting)();
        match (self.renew(key, steps, want, cached.as_ref()), cached) {
            // They could not be renewed, but they are still good for a while.
            (
                instead @ (Ok(Answer::SignInRequired(_) | Answer::CodeRequired(_))
                | Err(
                    BrokerError::Source(_)
                    | BrokerError::Role(..)
                    | BrokerError::Session(..)
                    | BrokerError::Process(..)
                    | BrokerError::Token(..)
                    | BrokerError::WebIdentity(..),
                )),
                Some(cached),
            ) => {
                self.not_renewed.replace(Some(instead));
                Ok(Answer::Ready(cached))
            }
            (renewed, _) => renewed,
        }
    }

    /// What is not cached, or does not last for its reader: `seen` is what was found.
    fn renew(
        &self,
        key: &Key,
        steps: &[Step<'_>],
        want: Want<'_>,
        seen: Option<&Credentials>,
    ) -> Result<Answer, BrokerError> {
        let (last, before) = steps.split_last().expect("a chain begins with its source");
        let mut lock = self.cache.lock(key, FETCH_LOCK_LIMIT, || {})?;
        if let Some(cached) = self.usable(key, want)? {
            // What another run has just fetched can't be had with more of its life left.
            if seen != Some(&cached) || self.lasts(&cached, last, want.reader) {
                return Ok(Answer::Ready(cached));
            }
        }
        // What a step builds on is used once, and at once.
        let reader = Reader::Command;
        let want = Want { reader, ..want };
        if lock.waited() && lock.note().is_ok_and(|note| note == NOT_KEPT) {
            drop(lock);
            return self.fetch(last, before, want);
        }
        let fetched = match self.fetch(last, before, want)? {
            Answer::Ready(credentials) => credentials,
            required => return Ok(required),
        };
        // Nobody knows how long those are good that don't say when they end.
        let kept = fetched.expires_at.is_some();
        if lock.note().is_ok_and(|note| (note == NOT_KEPT) == kept) {
            let _ = lock.leave_note(if kept { "" } else { NOT_KEPT });
        }
        if !kept {
            return Ok(Answer::Ready(fetched));
        }
        let portal = signed_in_to(steps).map(|session| session.start_url.as_str());
        match self
            .cache
            .put_credentials(key, &fetched, portal, (self.clock)())
        {
            // What was fetched is good, though the next run has to fetch it again.
            Err(error) if error.is_full() => tracing::warn!(%error, "not cached"),
            result => result?,
        }
        self.drop_if_signed_out(key, steps)?;
        self.fetched.borrow_mut().push(key.clone());
        Ok(Answer::Ready(fetched))
    }

    /// Whether cached credentials, which are fresh, are so for their reader too.
    fn lasts(&self, cached: &Credentials, step: &Step<'_>, reader: Reader) -> bool {
        let window = match step.life() {
            // Of a short session new ones would soon be where these are.
            Some(life) => CLIENT_WINDOW.min(life / 2),
            None => CLIENT_WINDOW,
        };
        reader == Reader::Command || cached.last(window, (self.clock)())
    }

    /// What is cached and may be handed out: what was asked to be new is so if this run fetched it.
    fn usable(&self, key: &Key, want: Want<'_>) -> Result<Option<Credentials>, CacheError> {
        if want.fresh && !self.fetched.borrow().contains(key) {
            return Ok(None);
        }
        self.cached(key)
    }

    fn cached(&self, key: &Key) -> Result<Option<Credentials>, CacheError> {
        let cached = self.cache.credentials(key)?;
        Ok(cached.filter(|credentials| credentials.is_fresh((self.clock)())))
    }

    fn transport(&self) -> Result<&Transport, SourceError> {
        if self.transport.get().is_none() {
            let _ = self
                .transport
                .set(Transport::new(&self.connection.transport)?);
        }
        Ok(self.transport.get().expect("it was set above"))
    }
}
