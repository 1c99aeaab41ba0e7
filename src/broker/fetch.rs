//! How each step of a chain is fetched: the one place that knows.

use super::steps::{CHAINED_LIMIT, Device, Name, Origin, Step, session_name};
use super::{Answer, Broker, BrokerError, Code, MfaDevice, Want};
use crate::config::{SsoRole, is_role_arn};
use crate::credentials::Credentials;
use crate::resolve::{AccessKey, AssumeRole, KeyPlace};
use crate::source::sso::Portal;
use crate::source::sts::{Mfa, RoleRequest, SessionRequest, Sts};
use crate::source::{SourceError, ambient};

impl Broker<'_> {
    /// What a step gives, without a look into the cache. `before` are the steps that it builds on.
    pub(super) fn fetch(
        &self,
        step: &Step<'_>,
        before: &[Step<'_>],
        want: Want<'_>,
    ) -> Result<Answer, BrokerError> {
        let credentials = match &step.origin {
            Origin::Sso(sso) => match self.role_credentials(sso)? {
                Some(credentials) => credentials,
                None => return Ok(Answer::SignInRequired(sso.session.clone())),
            },
            Origin::Key(key) => self.key_itself(key)?,
            Origin::Session { key, duration, mfa } => {
                let with = match self.obtain(before, want)? {
                    Answer::Ready(credentials) => credentials,
                    required => return Ok(required),
                };
                let mfa = match code(&step.name, *mfa, want) {
                    Ok(mfa) => mfa,
                    Err(device) => return Ok(Answer::CodeRequired(device)),
                };
                self.session(key, *duration, mfa, &with)?
            }
            Origin::Role {
                role,
                duration,
                mfa,
            } => {
                self.check_role(&role.profile, &role.role_arn)?;
                let with = match self.obtain(before, want)? {
                    Answer::Ready(credentials) => credentials,
                    required => return Ok(required),
                };
                let mfa = match code(&step.name, *mfa, want) {
                    Ok(mfa) => mfa,
                    Err(device) => return Ok(Answer::CodeRequired(device)),
                };
                self.assume(role, limited(*duration, &with), mfa, &with)?
            }
            Origin::WebIdentity(web) => {
                self.check_role(&web.role.profile, &web.role.role_arn)?;
                self.web_identity(*web)?
            }
            Origin::Process(process) => self.process(process)?,
            Origin::LoginSession(login) => self.login_session(login, want.fresh)?,
            Origin::Ambient(ambient) => {
                (self.before_waiting)();
                ambient::credentials(ambient.source, || self.transport(), (self.clock)())?
            }
        };
        Ok(Answer::Ready(credentials))
    }

    /// What STS can't take is said with its line, before anybody signs in or gives a code for it. What
    /// the environment names is STS's to judge.
    fn check_role(&self, profile: &str, arn: &str) -> Result<(), BrokerError> {
        let said = self.config.profile(profile)?;
        let Some(role) = said.role.as_ref().filter(|role| role.arn.text == arn) else {
            return Ok(());
        };
        if !is_role_arn(arn) {
            return Err(role.arn.wrong("role_arn", "not the ARN of a role").into());
        }
        match said.wrong_role_text() {
            Some(mistake) => Err(mistake.into()),
            None => Ok(()),
        }
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
            match portal.role_credentials(&token, &sso.account, &sso.role, (self.clock)()) {
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

    /// A long-lived key, from where it lies.
    fn key_itself(&self, key: &AccessKey) -> Result<Credentials, BrokerError> {
        match key.place {
            KeyPlace::Keystore => match self.cache.access_key(&key.profile)? {
                Some(found) => Ok(found.into()),
                None => Err(BrokerError::KeyGone(key.profile.clone())),
            },
            KeyPlace::File(file) | KeyPlace::Temporary(file) => {
                Ok(self.config.static_credentials(&key.profile, file)?)
            }
        }
    }

    fn session(
        &self,
        key: &AccessKey,
        duration_seconds: i32,
        mfa: Option<Mfa<'_>>,
        with: &Credentials,
    ) -> Result<Credentials, BrokerError> {
        let request = SessionRequest {
            duration_seconds,
            mfa,
        };
        let region = self.region(key.region.as_deref(), "");
        self.sts(region)?
            .session_token(with, &request, (self.clock)())
            .map_err(|error| refused(mfa, error))
            .map_err(|error| match error {
                BrokerError::Source(error) => BrokerError::Session(key.profile.clone(), error),
                other => other,
            })
    }

    fn assume(
        &self,
        role: &AssumeRole,
        duration_seconds: Option<i32>,
        mfa: Option<Mfa<'_>>,
        with: &Credentials,
    ) -> Result<Credentials, BrokerError> {
        let session_name = session_name(role.session_name.as_deref(), &role.profile);
        let request = RoleRequest {
            role_arn: &role.role_arn,
            session_name: &session_name,
            external_id: role.external_id.as_deref(),
            source_identity: role.source_identity.as_deref(),
            tags: &role.tags,
            transitive_tags: &role.transitive_tags,
            duration_seconds,
            mfa,
        };
        let region = self.region(role.region.as_deref(), &role.role_arn);
        self.sts(region)?
            .assume_role(with, &request, (self.clock)())
            .map_err(|error| refused(mfa, error))
            .map_err(|error| match error {
                BrokerError::Source(error) => BrokerError::Role(role.role_arn.clone(), error),
                other => other,
            })
    }

    /// Where STS is asked: where the profile says, else this run, else where the role's partition
    /// began.
    pub(super) fn region<'r>(&'r self, own: Option<&'r str>, role_arn: &str) -> &'r str {
        own.or(self.connection.region.as_deref())
            .unwrap_or_else(|| sts_region(role_arn))
    }

    pub(super) fn sts<'r>(&'r self, region: &'r str) -> Result<Sts<'r>, BrokerError> {
        let endpoint = self.connection.sts.as_deref();
        Ok(Sts::new(self.transport()?, region, endpoint))
    }
}

/// The code for a step that needs one; the device, where there is none.
fn code<'w>(
    name: &Name,
    device: Option<Device<'w>>,
    want: Want<'w>,
) -> Result<Option<Mfa<'w>>, MfaDevice> {
    let Some(device) = device else {
        return Ok(None);
    };
    match want.code.and_then(Code::take) {
        Some(code) => Ok(Some(Mfa {
            serial: device.serial,
            code,
        })),
        None => Err(MfaDevice {
            serial: device.serial.to_owned(),
            process: device.process.map(str::to_owned),
            key: match name {
                Name::Kept(key) => key.clone(),
                Name::AtHand(_) => unreachable!("what needs a code is kept"),
            },
        }),
    }
}

/// Of what a program printed it is known only now that it is temporary.
fn limited(duration: Option<i32>, with: &Credentials) -> Option<i32> {
    let limit = i32::try_from(CHAINED_LIMIT.as_secs()).unwrap_or(i32::MAX);
    let chained = with.session_token.is_some() && duration.is_some_and(|wish| wish > limit);
    if chained {
        tracing::warn!("AWS ends the session of a chained role after 1 h");
        return Some(limit);
    }
    duration
}

fn refused(mfa: Option<Mfa<'_>>, error: SourceError) -> BrokerError {
    match (mfa, error) {
        (Some(mfa), error @ SourceError::CodeRejected(_)) => {
            BrokerError::CodeRejected(mfa.serial.to_owned(), error)
        }
        (_, error) => error.into(),
    }
}

/// Where STS is asked if nothing names a region: where the role's partition began.
pub fn sts_region(role_arn: &str) -> &'static str {
    match role_arn.split(':').nth(1) {
        Some("aws-cn") => "cn-north-1",
        Some("aws-us-gov") => "us-gov-west-1",
        Some("aws-eusc") => "eusc-de-east-1",
        _ => "us-east-1",
    }
}
