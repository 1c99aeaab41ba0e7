//! Chain → cached, or from its source and kept.
//!
//! It answers with credentials, or with the sso-session that a person has to sign in to: it never
//! talks to one. Every look-up, fetch and keep is under one lock, so that any number of parallel
//! runs make one request; who waited looks again first.

use std::cell::OnceCell;
use std::time::Duration;

use jiff::Timestamp;

use crate::cache::{Cache, CacheError, Key};
use crate::config::{SsoRole, SsoSession};
use crate::credentials::Credentials;
use crate::resolve::{AssumeRole, Chain};
use crate::source::SourceError;
use crate::source::sso::{DeviceAuthorization, Portal};
use crate::source::sts::{self, RoleRequest};
use crate::source::transport::{self, Transport};

mod sign_in;
mod steps;

pub use sign_in::sign_in_key;
pub use steps::{CHAINED_LIMIT, keys};
use steps::{From, Step, steps};

/// Whoever holds a lock for credentials or a token fetches once, each request bounded by the
/// transport: this is several of them, and then something is wrong with the holder.
pub const FETCH_LOCK_LIMIT: Duration = Duration::from_mins(2);
/// What the broker answers.
#[derive(Debug)]
pub enum Answer {
    /// Credentials, fresh.
    Ready(Credentials),
    /// A person must sign in to this session first.
    SignInRequired(SsoSession),
}

/// How credentials are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want {
    /// Not from the cache.
    pub fresh: bool,
    /// For how long, where the source lets one choose.
    pub duration: Option<Duration>,
}

/// Where the services are and what to trust, where that is not AWS's own.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The portal.
    pub sso: Option<String>,
    /// Sign-in.
    pub sso_oidc: Option<String>,
    /// The Security Token Service.
    pub sts: Option<String>,
    /// Certificate authorities.
    pub transport: transport::Settings,
}

/// What a person sees while a sign-in goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Another vault is signing in to the same session: its sign-in will do.
    WaitingForAnother,
    /// The person has to confirm this code.
    Code(&'a DeviceAuthorization),
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
    /// The sign-in that this run waited for was another's, and came to nothing.
    #[error("the sign-in in another vault came to nothing: {0}")]
    FailedElsewhere(String),
    /// A way to get credentials that vault knows and does not serve.
    #[error("its credentials come from `{0}`, which vault does not serve")]
    NotServed(&'static str),
    /// The configuration names no way to get credentials.
    #[error("the configuration does not say where its credentials come from")]
    NoSource,
}

/// The broker for one run.
pub struct Broker<'a> {
    cache: &'a Cache,
    clock: fn() -> Timestamp,
    before_waiting: fn(),
    connection: Connection,
    transport: OnceCell<Transport>,
}

impl<'a> Broker<'a> {
    /// A broker over `cache`; nothing is connected before something has to be fetched.
    /// `before_waiting` is called when the answer will take longer than a look into the cache.
    pub fn new(
        cache: &'a Cache,
        clock: fn() -> Timestamp,
        before_waiting: fn(),
        connection: Connection,
    ) -> Self {
        Self {
            cache,
            clock,
            before_waiting,
            connection,
            transport: OnceCell::new(),
        }
    }

    /// The credentials at the end of a chain.
    ///
    /// # Errors
    ///
    /// The cache's or the source's; nothing that was kept is lost by one.
    pub fn credentials(&self, chain: &Chain, want: Want) -> Result<Answer, BrokerError> {
        self.obtain(&steps(chain, want)?, want.fresh)
    }

    fn obtain(&self, steps: &[Step<'_>], fresh: bool) -> Result<Answer, BrokerError> {
        let (last, before) = steps.split_last().expect("a chain begins with its source");
        if !fresh && let Some(cached) = self.cached(&last.key)? {
            return Ok(Answer::Ready(cached));
        }
        tracing::info!(
            key = last.key.as_str(),
            "not cached, or not for long: fetching"
        );
        (self.before_waiting)();
        let _lock = self.cache.lock(&last.key, FETCH_LOCK_LIMIT, || {})?;
        if !fresh && let Some(cached) = self.cached(&last.key)? {
            return Ok(Answer::Ready(cached));
        }
        let fetched = match &last.from {
            From::Sso(sso) => match self.role_credentials(sso)? {
                Some(credentials) => credentials,
                None => return Ok(Answer::SignInRequired(sso.session.clone())),
            },
            From::Role { role, duration } => match self.obtain(before, fresh)? {
                Answer::Ready(credentials) => self.assume(role, *duration, &credentials)?,
                required => return Ok(required),
            },
        };
        self.cache.put_credentials(&last.key, &fetched)?;
        Ok(Answer::Ready(fetched))
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

    /// From the portal; `None` where a person must sign in. A token that the portal rejects is
    /// renewed once.
    fn role_credentials(&self, sso: &SsoRole) -> Result<Option<Credentials>, BrokerError> {
        let mut rejected = None;
        for _ in 0..2 {
            let Some(token) = self.token(&sso.session, rejected.as_ref())? else {
                return Ok(None);
            };
            let portal = Portal::new(
                self.transport()?,
                &sso.session,
                self.connection.sso.as_deref(),
            );
            match portal.role_credentials(&token, &sso.account, &sso.role) {
                Ok(credentials) => return Ok(Some(credentials)),
                Err(SourceError::TokenRejected) => rejected = Some(token),
                Err(error @ SourceError::Forbidden(_)) => {
                    return Err(BrokerError::NoAccess(Box::new(sso.clone()), error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // What a refresh gave is rejected as well: only a person can help.
        if let Some(dead) = rejected {
            self.forget(&sso.session, &dead)?;
        }
        Ok(None)
    }

    fn assume(
        &self,
        role: &AssumeRole,
        duration: Option<i32>,
        credentials: &Credentials,
    ) -> Result<Credentials, BrokerError> {
        let session_name = steps::session_name(role);
        let request = RoleRequest {
            role_arn: &role.role_arn,
            session_name: &session_name,
            external_id: role.external_id.as_deref(),
            source_identity: role.source_identity.as_deref(),
            tags: &role.tags,
            transitive_tags: &role.transitive_tags,
            duration_seconds: duration,
        };
        let region = role.region.as_deref().unwrap_or(STS_REGION);
        let endpoint = self.connection.sts.as_deref();
        sts::assume_role(self.transport()?, region, endpoint, credentials, &request)
            .map_err(|error| BrokerError::Role(role.role_arn.clone(), error))
    }
}

/// Where STS is asked if a profile names no region.
const STS_REGION: &str = "us-east-1";
