//! Signing out: the sign-in is forgotten here, and ended at the server.
//!
//! A run that is fetching role credentials meanwhile keeps them after whoever signs out has looked what
//! there is. So each of the two does its part first and looks then: the one forgets the sign-in and lists
//! what came of it, the other keeps its credentials and looks whether the sign-in is still there. However
//! they meet, one of them sees the other.

use super::steps::{Step, signed_in_to};
use super::{Broker, BrokerError, FETCH_LOCK_LIMIT, sign_in_key};
use crate::cache::{CacheError, Key};
use crate::config::SsoSession;
use crate::credentials::AccessToken;
use crate::source::SourceError;
use crate::source::sso::Portal;

impl Broker<'_> {
    /// Forgets a sign-in, and gives what it was; `None` where there was none. `waiting` is called where
    /// another vault, which may be renewing it, has to be waited for.
    ///
    /// # Errors
    ///
    /// The cache's: then it is still there.
    pub fn forget_sign_in(
        &self,
        key: &Key,
        waiting: impl FnOnce(),
    ) -> Result<Option<AccessToken>, CacheError> {
        (self.before_waiting)();
        let _lock = self.cache.lock(key, FETCH_LOCK_LIMIT, waiting)?;
        let token = self.cache.token(key)?;
        let there = self.cache.delete(key)?;
        // It may be another person who signs in next, who may use other accounts.
        self.cache.forget_listing(key)?;
        Ok(token.filter(|_| there))
    }

    /// Tells the server that a sign-in which was forgotten is over. With an access token that has ended
    /// nobody can; as long as it can be renewed the session lives on all the same, so it is renewed once
    /// more for this.
    ///
    /// # Errors
    ///
    /// The server's. A session that is over by itself is none.
    pub fn end_sign_in(
        &self,
        session: &SsoSession,
        token: &AccessToken,
    ) -> Result<(), BrokerError> {
        (self.before_waiting)();
        if token.is_alive((self.clock)()) {
            let portal = Portal::new(self.transport()?, session, self.connection.sso.as_deref());
            match portal.logout(token) {
                // Another may have taken its place, at a vault of another machine or keystore.
                Err(SourceError::TokenRejected) => {}
                result => return Ok(result?),
            }
        }
        let Some(renewed) = self.refreshed(session, token)? else {
            tracing::info!("the session was over at the server already");
            return Ok(());
        };
        let portal = Portal::new(self.transport()?, session, self.connection.sso.as_deref());
        match portal.logout(&renewed) {
            Ok(()) | Err(SourceError::TokenRejected) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Drops what was just kept under `key` where somebody has signed out since it was asked for. Whoever
    /// calls holds its lock.
    pub(super) fn drop_if_signed_out(
        &self,
        key: &Key,
        steps: &[Step<'_>],
    ) -> Result<(), CacheError> {
        let Some(session) = signed_in_to(steps) else {
            return Ok(());
        };
        let sign_in = sign_in_key(session);
        // The list answers at once; it is no proof, as a person may have removed it.
        if self.cache.listed(&sign_in).is_some() || self.cache.token(&sign_in)?.is_some() {
            return Ok(());
        }
        tracing::info!(key = key.as_str(), "signed out meanwhile: not kept");
        self.cache.delete(key).map(drop)
    }
}
