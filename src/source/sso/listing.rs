//! What a person may use, as the portal lists it: accounts, and the roles in each, as fast as the
//! portal lets one token ask (<https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html>).
//!
//! A 429 is answered by a slower pace, here and not in the SDK, whose retries of many requests at
//! once would only add to the crowd.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_sso::Client;
use aws_sdk_sso::config::retry::RetryConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::task::JoinSet;

use crate::config::SsoSession;
use crate::credentials::{AccessToken, Account, AccountId, RoleName, Secret};
use crate::source::SourceError;
use crate::source::pace::Pace;
use crate::source::transport::{Transport, failure, server};

/// The longest page that the service gives.
const PAGE: i32 = 100;
/// More pages than any organisation has: a server that goes on is not listing accounts.
const PAGES: usize = 1000;
/// Requests under way at once: at 20 a second, enough for answers that take most of a second.
const AT_ONCE: usize = 16;
/// For how long a server may refuse everything: its limit is counted over a second, so that this is
/// another's load, or no limit at all.
const PATIENCE: Duration = Duration::from_secs(20);
/// A server in trouble is asked so often in all,
const TRIES: u32 = 3;
/// with a pause that doubles from this.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// The roles in an account.
#[derive(Debug)]
pub enum Roles {
    /// These.
    Of(AccountId, Vec<RoleName>),
    /// The portal does not say: an account that was closed, or taken from the person meanwhile.
    Refused(AccountId, SourceError),
}

/// Lists, at one pace for everything that it asks.
pub struct Lister<'a> {
    transport: &'a Transport,
    shared: Arc<Shared>,
}

/// What the requests under way have in common.
struct Shared {
    client: Client,
    server: String,
    pace: Mutex<Pace>,
}

impl<'a> Lister<'a> {
    /// A client for the session's region, or for `endpoint`.
    pub fn new(transport: &'a Transport, session: &SsoSession, endpoint: Option<&str>) -> Self {
        let config = transport.sdk_config(&session.region, endpoint);
        let builder = aws_sdk_sso::config::Builder::from(&config);
        Self {
            transport,
            shared: Arc::new(Shared {
                client: Client::from_conf(builder.retry_config(RetryConfig::disabled()).build()),
                server: server(endpoint, "IAM Identity Center", &session.region),
                pace: Mutex::new(Pace::new(Instant::now())),
            }),
        }
    }

    /// Requests a second, at present.
    pub fn rate(&self) -> f64 {
        self.shared.pace().rate()
    }

    /// The accounts that the person may use, in the portal's order.
    ///
    /// # Errors
    ///
    /// [`SourceError::TokenRejected`] where the token is dead.
    pub fn accounts(&self, token: &AccessToken) -> Result<Vec<Account>, SourceError> {
        self.transport
            .run(self.shared.accounts(&token.access_token))
    }

    /// The roles in `accounts`, each told to `found` as soon as it is known.
    ///
    /// # Errors
    ///
    /// As [`Lister::accounts`]; what was told before it stands.
    pub fn roles(
        &self,
        token: &AccessToken,
        accounts: &[AccountId],
        found: &mut dyn FnMut(Roles),
    ) -> Result<(), SourceError> {
        self.transport.run(async {
            let mut accounts = accounts.iter();
            let mut under_way = JoinSet::new();
            loop {
                while under_way.len() < AT_ONCE
                    && let Some(account) = accounts.next()
                {
                    let shared = Arc::clone(&self.shared);
                    let (token, account) = (token.access_token.clone(), account.clone());
                    under_way.spawn(async move { shared.roles(&token, account).await });
                }
                let Some(answer) = under_way.join_next().await else {
                    return Ok(());
                };
                let roles = answer.map_err(|error| SourceError::Setup(error.to_string()))??;
                found(roles);
            }
        })
    }
}

impl Shared {
    async fn accounts(&self, token: &Secret<String>) -> Result<Vec<Account>, SourceError> {
        const OPERATION: &str = "ListAccounts";
        let mut accounts = Vec::new();
        let mut next = None;
        for _ in 0..PAGES {
            let request = self.client.list_accounts().max_results(PAGE);
            let request = request.access_token(token.expose());
            let page = || request.clone().set_next_token(next.clone()).send();
            let answer = self.patiently(OPERATION, page).await?;
            // A name that would be orders to the terminal is none; its id is left.
            let plain = |text: &String| !text.is_empty() && !text.contains(char::is_control);
            for account in answer.account_list.unwrap_or_default() {
                let id = account.account_id.as_deref().and_then(AccountId::parse);
                accounts.push(Account {
                    id: id.ok_or_else(|| self.nonsense(OPERATION, "an account without its id"))?,
                    name: account.account_name.filter(plain),
                    email: account.email_address.filter(plain),
                });
            }
            match answer.next_token.filter(|token| !token.is_empty()) {
                Some(token) if Some(&token) != next.as_ref() => next = Some(token),
                Some(_) => break,
                None => return Ok(accounts),
            }
        }
        Err(self.nonsense(OPERATION, "its pages have no end"))
    }

    async fn roles(
        &self,
        token: &Secret<String>,
        account: AccountId,
    ) -> Result<Roles, SourceError> {
        match self.pages_of_roles(token, &account).await {
            Ok(roles) => Ok(Roles::Of(account, roles)),
            Err(error @ SourceError::Forbidden(_)) => Ok(Roles::Refused(account, error)),
            Err(error) if is_missing(&error) => Ok(Roles::Refused(account, error)),
            Err(error) => Err(error),
        }
    }

    async fn pages_of_roles(
        &self,
        token: &Secret<String>,
        account: &AccountId,
    ) -> Result<Vec<RoleName>, SourceError> {
        const OPERATION: &str = "ListAccountRoles";
        let mut roles = Vec::new();
        let mut next = None;
        for _ in 0..PAGES {
            let request = self.client.list_account_roles().max_results(PAGE);
            let request = request
                .access_token(token.expose())
                .account_id(account.as_str());
            let page = || request.clone().set_next_token(next.clone()).send();
            let answer = self.patiently(OPERATION, page).await?;
            for role in answer.role_list.unwrap_or_default() {
                let name = role.role_name.as_deref().and_then(RoleName::parse);
                let name = name.filter(|name| !name.as_str().contains(char::is_control));
                roles
                    .push(name.ok_or_else(|| self.nonsense(OPERATION, "a role without its name"))?);
            }
            match answer.next_token.filter(|token| !token.is_empty()) {
                Some(token) if Some(&token) != next.as_ref() => next = Some(token),
                Some(_) => break,
                None => return Ok(roles),
            }
        }
        Err(self.nonsense(OPERATION, "its pages have no end"))
    }

    /// Asks when it is this request's turn, and again where the answer may be another one then.
    async fn patiently<T, E, F>(
        &self,
        operation: &'static str,
        ask: impl Fn() -> F,
    ) -> Result<T, SourceError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut tries = 0;
        loop {
            let sent = self.turn().await;
            let error = match ask().await {
                Ok(answer) => {
                    self.pace().accepted(Instant::now());
                    return Ok(answer);
                }
                Err(error) => error,
            };
            let status = error.raw_response().map(|raw| raw.status().as_u16());
            match failure(operation, &self.server, &error) {
                _ if status == Some(401) => return Err(SourceError::TokenRejected),
                throttled @ SourceError::Throttled(_) => {
                    let now = Instant::now();
                    let mut pace = self.pace();
                    pace.refused(sent, now);
                    tracing::debug!(rate = pace.rate(), "throttled: going on more slowly");
                    if pace.silence(now) > PATIENCE {
                        return Err(throttled);
                    }
                }
                error if error.is_passing() && tries + 1 < TRIES => {
                    tracing::debug!(%error, "asking again");
                    tokio::time::sleep(FIRST_PAUSE * 2u32.pow(tries)).await;
                    tries += 1;
                }
                error => return Err(error),
            }
        }
    }

    /// Waits until the pace lets one more request go, and says when that was.
    async fn turn(&self) -> Instant {
        loop {
            let now = Instant::now();
            let next = {
                let mut pace = self.pace();
                if pace.next() <= now {
                    pace.sent(now);
                    return now;
                }
                pace.next()
            };
            tokio::time::sleep_until(next.into()).await;
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nonsense(&self, operation: &'static str, what: &str) -> SourceError {
        SourceError::Nonsense {
            operation,
            server: self.server.clone(),
            what: what.to_owned(),
        }
    }
}

/// Whether the portal knows no such account (any more).
fn is_missing(error: &SourceError) -> bool {
    matches!(error, SourceError::Service { code, .. } if code == "ResourceNotFoundException")
}
