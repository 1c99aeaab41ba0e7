//! Whether a chain's credentials can be had without a person, by what is listed and lies on this machine:
//! no secret of the keystore is touched for it, nothing is unlocked, nobody is asked.
//!
//! It goes the way that [`Broker::credentials`] would go, up to where that would ask somebody. What only a
//! server knows (that it has ended a session early) is not known here.

use std::path::Path;

use jiff::Timestamp;

use super::sign_in::registration_key;
use super::steps::{Device, Name, Origin, Step, steps};
use super::{Broker, BrokerError, Want, sign_in_key};
use crate::config::SsoSession;
use crate::credentials::{CREDENTIALS_WINDOW, remains};
use crate::resolve::Chain;
use crate::source::{ambient, web_identity};

/// How a chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its credentials are there until then.
    Kept(Timestamp),
    /// They are there, and nobody knows until when, or it is for ever.
    AtHand,
    /// They can be fetched without a person.
    ToFetch,
    /// A person must sign in to this session first.
    SignInRequired(SsoSession),
    /// The code of a device is needed first.
    CodeRequired {
        /// Its serial number.
        serial: String,
        /// Whether a session needs it, and so no role behind it.
        for_session: bool,
    },
}

impl Standing {
    const fn needs_a_person(&self) -> bool {
        matches!(self, Self::SignInRequired(_) | Self::CodeRequired { .. })
    }
}

impl Broker<'_> {
    /// How a chain stands now.
    ///
    /// # Errors
    ///
    /// Its credentials can't be had, whoever is asked; or, as [`BrokerError::Login`], a person must sign
    /// in elsewhere first.
    pub fn standing(&self, chain: &Chain, want: Want<'_>) -> Result<Standing, BrokerError> {
        self.stands(&steps(chain, want)?)
    }

    fn stands(&self, steps: &[Step<'_>]) -> Result<Standing, BrokerError> {
        let (last, before) = steps.split_last().expect("a chain begins with its source");
        let now = (self.clock)();
        if let Name::Kept(key) = &last.name
            && let Some(end) = self.cache.listed(key).and_then(|listed| listed.expires_at)
            && remains(end, now, CREDENTIALS_WINDOW)
        {
            return Ok(Standing::Kept(end));
        }
        match &last.origin {
            Origin::Sso(sso) => Ok(match self.can_have_token(&sso.session) {
                true => Standing::ToFetch,
                false => Standing::SignInRequired(sso.session.clone()),
            }),
            // Without it the chain would have another source.
            Origin::Key(_) => Ok(Standing::AtHand),
            Origin::Session { mfa, .. } | Origin::Role { mfa, .. } => {
                let standing = self.stands(before)?;
                Ok(match code_needed(*mfa) {
                    _ if standing.needs_a_person() => standing,
                    Some(serial) => Standing::CodeRequired {
                        serial: serial.to_owned(),
                        for_session: matches!(last.origin, Origin::Session { .. }),
                    },
                    None => Standing::ToFetch,
                })
            }
            Origin::WebIdentity(web) => {
                web_identity::token(Path::new(&web.role.token_file))?;
                Ok(Standing::ToFetch)
            }
            Origin::Process(_) => Ok(Standing::ToFetch),
            Origin::LoginSession(login) => Ok(match self.login_expires_at(login)? {
                Some(end) if remains(end, now, CREDENTIALS_WINDOW) => Standing::Kept(end),
                _ => Standing::ToFetch,
            }),
            Origin::Ambient(ambient) => {
                ambient::check(ambient.source, now)?;
                Ok(Standing::AtHand)
            }
        }
    }

    /// Whether [`Broker::token`] would have one: it is alive, or can be renewed.
    fn can_have_token(&self, session: &SsoSession) -> bool {
        let now = (self.clock)();
        let alive = |end: Option<Timestamp>| end.is_some_and(|end| now < end);
        let Some(sign_in) = self.cache.listed(&sign_in_key(session)) else {
            return false;
        };
        let registered = |flow| {
            let registration = self.cache.listed(&registration_key(session, flow));
            registration.is_some_and(|listed| alive(listed.expires_at))
        };
        alive(sign_in.expires_at) || sign_in.renewed_by.is_some_and(registered)
    }
}

/// The device whose code a person would be asked for.
fn code_needed(mfa: Option<Device<'_>>) -> Option<&str> {
    let device = mfa?;
    device.process.is_none().then_some(device.serial)
}
