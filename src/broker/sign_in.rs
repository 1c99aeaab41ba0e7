//! The sign-in of an sso-session: its tokens looked up, refreshed, or got with a person.

use std::time::Duration;

use jiff::Timestamp;

use super::{Broker, BrokerError, FETCH_LOCK_LIMIT, Progress, Shown};
use crate::cache::{CacheError, Key};
use crate::config::SsoSession;
use crate::credentials::{AccessToken, ClientRegistration, Flow};
use crate::files::Lock;
use crate::source::SourceError;
use crate::source::sso::{Ending, Oidc};

/// Whoever holds the lock for a sign-in waits for a person, who has 10 minutes to confirm a code.
pub(super) const INTERACTIVE_LOCK_LIMIT: Duration = Duration::from_mins(12);

/// A person who is signed in at their identity provider allows it in less; no browser comes back from
/// the error page of a registration that the server has forgotten. So it is asked then, and not each
/// time: AWS's audit log would have a failed request for each sign-in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a registration may have been forgotten by the server.
enum Age {
    Kept,
    New,
}

/// Shows a person how a sign-in goes on, and says whether they could be shown it.
type Show<'s, 'f> = &'s mut (dyn FnMut(Progress<'_>) -> Shown + 'f);

impl Broker<'_> {
    /// The session's access token, refreshed where it is near its end or `rejected`; `None` where
    /// only a person can get one. No network while it is fresh.
    ///
    /// # Errors
    ///
    /// The cache's, or that of a server that can't be reached while no token is alive.
    pub fn token(
        &self,
        session: &SsoSession,
        rejected: Option<&AccessToken>,
    ) -> Result<Option<AccessToken>, BrokerError> {
        let key = sign_in_key(session);
        let usable = |token: &AccessToken| {
            token.is_fresh((self.clock)()) && rejected.is_none_or(|dead| !same(dead, token))
        };
        if let Some(token) = self.cache.token(&key)?.filter(usable) {
            return Ok(Some(token));
        }
        (self.before_waiting)();
        let _lock = self.cache.lock(&key, FETCH_LOCK_LIMIT, || {})?;
        let Some(token) = self.cache.token(&key)? else {
            return Ok(None);
        };
        if usable(&token) {
            return Ok(Some(token));
        }
        let still_good =
            token.is_alive((self.clock)()) && rejected.is_none_or(|dead| !same(dead, &token));
        match self.refreshed(session, &token) {
            Ok(Some(refreshed)) => {
                tracing::info!(key = key.as_str(), "the sign-in was refreshed");
                self.cache.put_token(&key, &refreshed)?;
                Ok(Some(refreshed))
            }
            // It could not be refreshed, but it is still good for a while.
            Ok(None) | Err(BrokerError::Source(_)) if still_good => Ok(Some(token)),
            Ok(None) => {
                self.cache.delete(&key)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// `None` where the server, or the lack of a refresh token, says that a person is needed.
    pub(super) fn refreshed(
        &self,
        session: &SsoSession,
        token: &AccessToken,
    ) -> Result<Option<AccessToken>, BrokerError> {
        let Some(refresh_token) = &token.refresh_token else {
            return Ok(None);
        };
        let key = registration_key(session, token.flow);
        let Some(registration) = self.cache.registration(&key)? else {
            return Ok(None);
        };
        match self
            .oidc(session)?
            .refresh(&registration, refresh_token, token.flow, (self.clock)())
        {
            Ok(token) => Ok(Some(token)),
            Err(SourceError::RefreshRejected) => Ok(None),
            Err(SourceError::RegistrationRejected) => {
                // Or the person who has to sign in now would be sent to its error page.
                self.cache.delete(&key)?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Signs in, with a person: `show` is told what they have to see, and whether they could. Of
    /// parallel calls for one session the first signs in, and the others get what it got, or hear that
    /// it came to nothing.
    ///
    /// `force` signs in although there is a token.
    ///
    /// # Errors
    ///
    /// The cache's or the source's. What was kept before stays until there is something better.
    pub fn sign_in(
        &self,
        session: &SsoSession,
        force: bool,
        flow: Flow,
        show: Show<'_, '_>,
    ) -> Result<AccessToken, BrokerError> {
        (self.before_waiting)();
        let asked_at = (self.clock)();
        let key = sign_in_key(session);
        let mut lock = self
            .cache
            .lock(&key.interactive(), INTERACTIVE_LOCK_LIMIT, || {
                let _ = show(Progress::WaitingForAnother);
            })?;
        if !force && let Some(token) = self.token(session, None)? {
            return Ok(token);
        }
        if let Some(why) = failed_since(&mut lock, asked_at) {
            return Err(BrokerError::FailedElsewhere(why));
        }
        // Who was waited for has just done what `force` asks for.
        if force
            && lock.waited()
            && let Some(token) = self.token(session, None)?
        {
            return Ok(token);
        }
        let signed_in = self.sign_in_by(session, flow, show);
        if let Err(BrokerError::Source(error)) = &signed_in {
            // Without the note each of those that wait would open a browser of its own.
            leave_note(&mut lock, (self.clock)(), &error.to_string());
        }
        if signed_in.is_ok() {
            // It may be another person now, who may use other accounts.
            self.cache.forget_listing(&key)?;
        }
        signed_in
    }

    /// By that flow; by device code where the person could not be shown the other one's page.
    fn sign_in_by(
        &self,
        session: &SsoSession,
        flow: Flow,
        show: Show<'_, '_>,
    ) -> Result<AccessToken, BrokerError> {
        match self.with_registration(session, flow, show)? {
            Some(token) => Ok(token),
            None => self
                .with_registration(session, Flow::DeviceCode, show)?
                .ok_or(BrokerError::Source(SourceError::NobodyCame)),
        }
    }

    /// A registration that turns out to be dead is replaced, once.
    fn with_registration(
        &self,
        session: &SsoSession,
        flow: Flow,
        show: Show<'_, '_>,
    ) -> Result<Option<AccessToken>, BrokerError> {
        match self.authorize(session, flow, show) {
            Err(BrokerError::Source(SourceError::RegistrationRejected)) => {
                tracing::info!("the client registration is dead: registering again");
                self.cache.delete(&registration_key(session, flow))?;
                self.authorize(session, flow, show)
            }
            result => result,
        }
    }

    fn authorize(
        &self,
        session: &SsoSession,
        flow: Flow,
        show: Show<'_, '_>,
    ) -> Result<Option<AccessToken>, BrokerError> {
        match flow {
            Flow::DeviceCode => self.by_device_code(session, show),
            Flow::AuthorizationCode => self.by_authorization_code(session, show),
        }
    }

    fn by_device_code(
        &self,
        session: &SsoSession,
        show: Show<'_, '_>,
    ) -> Result<Option<AccessToken>, BrokerError> {
        let oidc = self.oidc(session)?;
        let (registration, _) = self.registration(session, Flow::DeviceCode)?;
        let authorization = oidc.start_device_authorization(session, &registration)?;
        let _ = show(Progress::Code(&authorization));
        let token = oidc.wait_for_person(&registration, &authorization, self.clock)?;
        self.keep(session, &token)?;
        Ok(Some(token))
    }

    /// `None` where nobody could be shown the page.
    fn by_authorization_code(
        &self,
        session: &SsoSession,
        show: Show<'_, '_>,
    ) -> Result<Option<AccessToken>, BrokerError> {
        let oidc = self.oidc(session)?;
        let (registration, age) = self.registration(session, Flow::AuthorizationCode)?;
        let mut authorization = oidc.start_code_authorization(session, &registration)?;
        if show(Progress::Page(&authorization)) == Shown::ToNobody {
            return Ok(None);
        }
        let came = authorization.wait_for_person(PATIENCE);
        let (brought, visit) = match (came, age) {
            (Err(SourceError::NobodyCame), Age::Kept) if oidc.has_forgotten(&registration) => {
                return Err(SourceError::RegistrationRejected.into());
            }
            (Err(SourceError::NobodyCame), _) => {
                authorization.wait_for_person(authorization.expires_in.saturating_sub(PATIENCE))?
            }
            (came, _) => came?,
        };
        let signed_in = brought.map_err(BrokerError::from).and_then(|code| {
            let token = oidc.redeem(&registration, &code, (self.clock)())?;
            self.keep(session, &token)?;
            Ok(token)
        });
        // The browser has waited: what it shows is how it ended.
        visit.show(match &signed_in {
            Ok(_) => Ending::SignedIn,
            Err(BrokerError::Source(SourceError::Refused)) => Ending::Refused,
            Err(error) => Ending::Failed(error.to_string()),
        });
        signed_in.map(Some)
    }

    fn keep(&self, session: &SsoSession, token: &AccessToken) -> Result<(), CacheError> {
        let key = sign_in_key(session);
        let _lock = self.cache.lock(&key, FETCH_LOCK_LIMIT, || {})?;
        self.cache.put_token(&key, token)
    }

    /// The registration to sign in with; kept before anyone is sent to a browser, so that a keystore
    /// that can't keep anything is known by then.
    fn registration(
        &self,
        session: &SsoSession,
        flow: Flow,
    ) -> Result<(ClientRegistration, Age), BrokerError> {
        let key = registration_key(session, flow);
        let kept = self.cache.registration(&key)?;
        if let Some(kept) = kept.filter(|kept| kept.is_fresh((self.clock)())) {
            return Ok((kept, Age::Kept));
        }
        let registration = self.oidc(session)?.register(session, flow)?;
        self.cache.put_registration(&key, &registration)?;
        Ok((registration, Age::New))
    }

    /// Drops a dead token, unless another vault has put a new one in its place.
    pub(super) fn forget(
        &self,
        session: &SsoSession,
        dead: &AccessToken,
    ) -> Result<(), CacheError> {
        let key = sign_in_key(session);
        let _lock = self.cache.lock(&key, FETCH_LOCK_LIMIT, || {})?;
        if self
            .cache
            .token(&key)?
            .is_some_and(|kept| same(&kept, dead))
        {
            self.cache.delete(&key)?;
        }
        Ok(())
    }

    fn oidc(&self, session: &SsoSession) -> Result<Oidc<'_>, SourceError> {
        Ok(Oidc::new(
            self.transport()?,
            session,
            self.connection.sso_oidc.as_deref(),
        ))
    }
}

fn same(one: &AccessToken, other: &AccessToken) -> bool {
    one.access_token == other.access_token
}

/// For [`failed_since`]. A note that can't be left costs those who wait a question.
pub(super) fn leave_note(lock: &mut Lock, now: Timestamp, why: &str) {
    let _ = lock.leave_note(&format!("{} {why}", now.as_millisecond()));
}

/// Whether what a person was asked for failed after `asked_at`, and why, by the note of whoever held
/// the lock.
pub(super) fn failed_since(lock: &mut Lock, asked_at: Timestamp) -> Option<String> {
    if !lock.waited() {
        return None;
    }
    let note = lock.note().ok()?;
    let (at, why) = note.split_once(' ')?;
    (at.parse::<i64>().ok()? >= asked_at.as_millisecond()).then(|| why.to_owned())
}

/// Where the tokens of a session's sign-in are kept.
pub fn sign_in_key(session: &SsoSession) -> Key {
    Key::sign_in(&session.start_url, session.name.as_deref())
}

/// Where the registration that a sign-in is made with is kept.
pub fn registration_key(session: &SsoSession, flow: Flow) -> Key {
    let SsoSession {
        name,
        start_url,
        region,
        scopes,
    } = session;
    Key::client_registration(start_url, name.as_deref(), region, scopes, flow)
}
