//! The session of `aws login`: read from the AWS CLI's own file, renewed near its end, written back.
//!
//! It is not kept in the keystore: the AWS CLI owns it, in the clear, and `aws logout` must end it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{Broker, BrokerError, FETCH_LOCK_LIMIT};
use crate::cache::{Key, Kind};
use crate::credentials::Credentials;
use crate::files;
use crate::resolve::LoginSession;
use crate::source::SourceError;
use crate::source::login::{LONGEST, Session, file_name};

/// Why the session of `aws login` gave no credentials.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody has signed in, or signed out since.
    #[error("nobody has signed in with `aws login`: there is no `{}`", .0.display())]
    NoSession(PathBuf),
    /// It can't be renewed any more: a person must sign in.
    #[error("the sign-in of `aws login` has ended")]
    Ended,
    /// Its file can't be read or written.
    #[error("cannot {what} `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was to be done with it.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What the file holds is no session.
    #[error("`{}` holds no session of `aws login`: {what}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// AWS Sign-In's answer.
    #[error("cannot renew the sign-in of `aws login`")]
    Renewal(#[source] SourceError),
}

impl Broker<'_> {
    /// The credentials of the session, renewed where they are near their end, or wanted `fresh`. The
    /// AWS CLI takes no lock: what it has renewed meanwhile is found before and after.
    pub(super) fn login_session(
        &self,
        login: &LoginSession,
        fresh: bool,
    ) -> Result<Credentials, BrokerError> {
        let failed = |error| BrokerError::Login(login.profile.clone(), error);
        let path = self.login_file(login);
        let seen = read(&path).map_err(failed)?;
        if !fresh && self.is_fresh(&seen) {
            return Ok(seen.credentials().clone());
        }
        (self.before_waiting)();
        let name = path.to_string_lossy();
        let key = Key::hashed(Kind::LoginSession, &[&name], None);
        let _lock = self.cache.lock(&key, FETCH_LOCK_LIMIT, || {})?;
        let session = read(&path).map_err(failed)?;
        let renewed_meanwhile = |other: &Session| !other.is(&seen) && self.is_fresh(other);
        if renewed_meanwhile(&session) {
            return Ok(session.credentials().clone());
        }
        let error = match self.renew_login(login, &session, &path) {
            Ok(renewed) => return Ok(renewed.credentials().clone()),
            Err(error) => error,
        };
        if let Some(other) = read(&path).ok().filter(renewed_meanwhile) {
            return Ok(other.credentials().clone());
        }
        let left = session.credentials();
        if !fresh && left.expires_at.is_some_and(|end| end > (self.clock)()) {
            tracing::warn!(%error, "not renewed, but still good for a while");
            return Ok(left.clone());
        }
        Err(failed(error))
    }

    /// Until when its credentials last, fresh or not, as they stand in the file.
    pub(super) fn login_expires_at(
        &self,
        login: &LoginSession,
    ) -> Result<Option<Timestamp>, BrokerError> {
        let read = read(&self.login_file(login));
        let read = read.map_err(|error| BrokerError::Login(login.profile.clone(), error))?;
        Ok(read.credentials().expires_at)
    }

    fn login_file(&self, login: &LoginSession) -> PathBuf {
        self.connection.login_sessions.join(file_name(&login.arn))
    }

    fn is_fresh(&self, session: &Session) -> bool {
        session.credentials().is_fresh((self.clock)())
    }

    fn renew_login(
        &self,
        login: &LoginSession,
        session: &Session,
        path: &Path,
    ) -> Result<Session, LoginError> {
        let new = path.with_extension("vault-new");
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |source| LoginError::Io { path, what, source }
        };
        // First of all: what is renewed and can't be written is lost, and so is the sign-in.
        files::prepare(&new).map_err(io("write", &new))?;
        let region = self.region(login.region.as_deref(), &login.arn);
        let endpoint = self.connection.signin.as_deref();
        let renewed = self
            .transport()
            .and_then(|transport| session.renewed(transport, region, endpoint, (self.clock)()));
        match renewed {
            Ok(renewed) => {
                tracing::info!(
                    profile = login.profile,
                    "the sign-in of `aws login` was renewed"
                );
                files::replace(path, &new, renewed.to_text().expose())
                    .map_err(io("write", path))?;
                Ok(renewed)
            }
            Err(error) => {
                let _ = files::remove(&new);
                Err(match error {
                    SourceError::RefreshRejected => LoginError::Ended,
                    other => LoginError::Renewal(other),
                })
            }
        }
    }
}

fn read(path: &Path) -> Result<Session, LoginError> {
    let unreadable = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => LoginError::NoSession(path.to_owned()),
        _ => LoginError::Io {
            path: path.to_owned(),
            what: "read",
            source,
        },
    };
    let damaged = |what| LoginError::Damaged {
        path: path.to_owned(),
        what,
    };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > LONGEST {
        return Err(damaged("it is longer than any".to_owned()));
    }
    // Room for all of it, so that growing leaves no copies of secrets behind.
    let room = usize::try_from(length).unwrap_or_default() + 1;
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    file.take(LONGEST)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    Session::parse(&text).map_err(damaged)
}
