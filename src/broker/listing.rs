//! What a person may use: accounts and roles, listed with a sign-in that is renewed on the way.

use std::time::Duration;

use super::{Broker, BrokerError, sign_in_key};
use crate::cache::{CacheError, Listing};
use crate::config::SsoSession;
use crate::credentials::{AccessToken, Account, AccountId, RoleName};
use crate::source::SourceError;
use crate::source::sso::{self, Lister, Roles};

/// Who lists a large organisation takes minutes: 10,000 accounts at 20 requests a second.
const LISTING_LOCK_LIMIT: Duration = Duration::from_mins(10);

/// How often a sign-in that is no longer accepted is renewed: a token lasts an hour, and no listing
/// takes three.
const RENEWALS: usize = 3;

/// An account, and the roles in it; `None` where the portal does not say which.
pub type Permitted = (Account, Option<Vec<RoleName>>);

/// How far a listing is.
#[derive(Clone, Copy, Debug)]
pub enum Listed {
    /// Another vault lists the same.
    WaitingForAnother,
    /// The accounts are known; so many of them are asked about.
    Roles {
        /// Known by now.
        done: usize,
        /// In all.
        all: usize,
        /// Requests a second.
        rate: f64,
    },
}

impl Broker<'_> {
    /// The region of the Identity Center behind a start URL, where its portal says it; `None` where the
    /// person has to. Where requests are sent elsewhere, there is nothing to ask the portal.
    pub fn region_of(&self, start_url: &str) -> Option<String> {
        if self.connection.sso_oidc.is_some() {
            return None;
        }
        (self.before_waiting)();
        sso::region(self.transport().ok()?, start_url)
    }

    /// The accounts that the person may use; `None` where they must sign in first.
    ///
    /// # Errors
    ///
    /// The cache's or the portal's.
    pub fn accounts(&self, session: &SsoSession) -> Result<Option<Vec<Account>>, BrokerError> {
        let lister = self.lister(session)?;
        self.with_token(session, |token| lister.accounts(token))
    }

    /// The roles that the person may use in an account; `None` where they must sign in first.
    ///
    /// # Errors
    ///
    /// The cache's or the portal's: [`SourceError::Forbidden`] where there is no access.
    pub fn roles(
        &self,
        session: &SsoSession,
        account: &AccountId,
    ) -> Result<Option<Vec<RoleName>>, BrokerError> {
        let lister = self.lister(session)?;
        self.with_token(session, |token| {
            let mut answer = Ok(Vec::new());
            lister.roles(token, std::slice::from_ref(account), &mut |found| {
                answer = match found {
                    Roles::Of(_, roles) => Ok(roles),
                    Roles::Refused(_, error) => Err(error),
                };
            })?;
            answer
        })
    }

    /// All accounts that `wanted` takes, with their roles, in the portal's order; `None` where the
    /// person must sign in first. What an earlier run listed and nobody used is not asked for again; with
    /// `anew`, only what one that was interrupted did.
    ///
    /// # Errors
    ///
    /// The cache's or the portal's; what was listed by then is kept for the next run.
    pub fn listing(
        &self,
        session: &SsoSession,
        wanted: &dyn Fn(&Account) -> bool,
        anew: bool,
        show: &mut dyn FnMut(Listed),
    ) -> Result<Option<Vec<Permitted>>, BrokerError> {
        (self.before_waiting)();
        let key = sign_in_key(session);
        let _lock = self.cache.lock(&key.listing(), LISTING_LOCK_LIMIT, || {
            show(Listed::WaitingForAnother);
        })?;
        let lister = self.lister(session)?;
        let mut listing = self.cache.listing(&key, (self.clock)());
        let is_whole = |accounts: &[Account]| {
            let mut wanted = accounts.iter().filter(|account| wanted(account));
            wanted.all(|account| listing.roles.contains_key(&account.id))
        };
        let kept = listing.accounts.clone();
        let accounts = match kept.filter(|accounts| !anew || !is_whole(accounts)) {
            Some(accounts) => accounts,
            None => {
                let listed = self.with_token(session, |token| lister.accounts(token))?;
                let Some(accounts) = listed else {
                    return Ok(None);
                };
                listing.begin(&accounts, (self.clock)());
                accounts
            }
        };
        let accounts: Vec<_> = accounts.into_iter().filter(|a| wanted(a)).collect();
        if self
            .list_roles(session, &lister, &accounts, &mut listing, show)?
            .is_none()
        {
            return Ok(None);
        }
        let with_roles = |account: Account| {
            let roles = listing.roles.remove(&account.id);
            (account, roles)
        };
        Ok(Some(accounts.into_iter().map(with_roles).collect()))
    }

    fn list_roles(
        &self,
        session: &SsoSession,
        lister: &Lister<'_>,
        accounts: &[Account],
        listing: &mut Listing,
        show: &mut dyn FnMut(Listed),
    ) -> Result<Option<()>, BrokerError> {
        let all = accounts.len();
        let ids = accounts.iter().map(|account| account.id.clone());
        let mut open: Vec<AccountId> = ids.filter(|id| !listing.roles.contains_key(id)).collect();
        self.with_token(session, |token| {
            // Again with a new token: what the old one got is known.
            let asked = std::mem::take(&mut open);
            let mut done = all - asked.len();
            let mut answered = Vec::new();
            let result = lister.roles(token, &asked, &mut |found| {
                done += 1;
                match found {
                    Roles::Of(account, roles) => {
                        answered.push(account.clone());
                        listing.add(account, roles);
                    }
                    Roles::Refused(account, error) => {
                        tracing::info!(%account, %error, "its roles are not known");
                        answered.push(account);
                    }
                }
                let rate = lister.rate();
                show(Listed::Roles { done, all, rate });
            });
            let answered: std::collections::HashSet<_> = answered.into_iter().collect();
            open = asked;
            open.retain(|account| !answered.contains(account));
            result
        })
    }

    /// What was listed was used: the next run asks anew.
    ///
    /// # Errors
    ///
    /// The file stays.
    pub fn forget_listing(&self, session: &SsoSession) -> Result<(), CacheError> {
        self.cache.forget_listing(&sign_in_key(session))
    }

    /// Asks with the session's token; with a new one where it is not accepted.
    fn with_token<T>(
        &self,
        session: &SsoSession,
        mut ask: impl FnMut(&AccessToken) -> Result<T, SourceError>,
    ) -> Result<Option<T>, BrokerError> {
        (self.before_waiting)();
        let mut rejected = None;
        for _ in 0..=RENEWALS {
            let Some(token) = self.token(session, rejected.as_ref())? else {
                return Ok(None);
            };
            match ask(&token) {
                Err(SourceError::TokenRejected) => rejected = Some(token),
                answer => return Ok(Some(answer?)),
            }
        }
        // What a refresh gave is rejected as well: only a person can help.
        if let Some(dead) = rejected {
            self.forget(session, &dead)?;
        }
        Ok(None)
    }

    fn lister(&self, session: &SsoSession) -> Result<Lister<'_>, SourceError> {
        let endpoint = self.connection.sso.as_deref();
        Ok(Lister::new(self.transport()?, session, endpoint))
    }
}
