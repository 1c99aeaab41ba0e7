//! Signing in by device authorization (RFC 8628): a code that a person confirms in any browser.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::oidc::{Oidc, Refusal};
use crate::config::SsoSession;
use crate::credentials::{AccessToken, ClientRegistration, Flow, Secret};
use crate::source::SourceError;
use crate::source::transport::failure;

/// Seconds between two polls where the server does not say (RFC 8628, section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// What `slow_down` adds, for good (RFC 8628, section 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// How long a code lives where the server does not say: what Identity Center gives.
const LIFE: Duration = Duration::from_mins(10);

/// A code that waits for a person.
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// What the person compares.
    pub user_code: String,
    /// Where the person finds it typed in already.
    pub verification_uri: String,
    /// How long the person has.
    pub expires_in: Duration,
    device_code: Secret<String>,
    interval: Duration,
}

impl Oidc<'_> {
    /// Asks for a code.
    ///
    /// # Errors
    ///
    /// [`SourceError::RegistrationRejected`] where another registration is needed.
    pub fn start_device_authorization(
        &self,
        session: &SsoSession,
        registration: &ClientRegistration,
    ) -> Result<DeviceAuthorization, SourceError> {
        const OPERATION: &str = "StartDeviceAuthorization";
        let request = self
            .client
            .start_device_authorization()
            .client_id(&registration.client_id)
            .client_secret(registration.client_secret.expose())
            .start_url(&session.start_url);
        let answer =
            self.transport
                .run(request.send())
                .map_err(|error| match Refusal::of(&error) {
                    Some(Refusal::DeadRegistration) => SourceError::RegistrationRejected,
                    _ => failure(OPERATION, &self.server, &error),
                })?;
        let complete = answer.verification_uri_complete.or(answer.verification_uri);
        let verification_uri = self.field(OPERATION, "verificationUri", complete)?;
        // It is handed to a program that opens whatever it is given: files, too.
        if !verification_uri.starts_with("https://") && !verification_uri.starts_with("http://") {
            return Err(self.nonsense(OPERATION, "its verificationUri is no web address".into()));
        }
        Ok(DeviceAuthorization {
            user_code: self.field(OPERATION, "userCode", answer.user_code)?,
            verification_uri,
            expires_in: seconds(answer.expires_in).unwrap_or(LIFE),
            device_code: self
                .field(OPERATION, "deviceCode", answer.device_code)?
                .into(),
            interval: seconds(answer.interval).unwrap_or(INTERVAL),
        })
    }

    /// Waits until the person has confirmed the code, refused it, or let it run out. A line that
    /// breaks meanwhile ends nothing: the person may be on it again before the code runs out.
    ///
    /// # Errors
    ///
    /// [`SourceError::Refused`], [`SourceError::CodeExpired`], or the server's.
    pub fn wait_for_person(
        &self,
        registration: &ClientRegistration,
        authorization: &DeviceAuthorization,
        clock: fn() -> Timestamp,
    ) -> Result<AccessToken, SourceError> {
        self.transport.run(async {
            let wait = self.poll(registration, authorization, clock);
            tokio::time::timeout(authorization.expires_in, wait)
                .await
                .unwrap_or(Err(SourceError::CodeExpired))
        })
    }

    async fn poll(
        &self,
        registration: &ClientRegistration,
        authorization: &DeviceAuthorization,
        clock: fn() -> Timestamp,
    ) -> Result<AccessToken, SourceError> {
        let mut interval = authorization.interval;
        loop {
            tokio::time::sleep(interval).await;
            let request = self
                .client
                .create_token()
                .client_id(&registration.client_id)
                .client_secret(registration.client_secret.expose())
                .grant_type("urn:ietf:params:oauth:grant-type:device_code")
                .device_code(authorization.device_code.expose());
            let error = match request.send().await {
                Ok(answer) => return self.token(answer, Flow::DeviceCode, clock()),
                Err(error) => error,
            };
            match Refusal::of(&error) {
                Some(Refusal::Pending) => {}
                Some(Refusal::SlowDown) => interval += SLOW_DOWN,
                Some(Refusal::Denied) => return Err(SourceError::Refused),
                Some(Refusal::Expired) => return Err(SourceError::CodeExpired),
                Some(Refusal::DeadRegistration) => return Err(SourceError::RegistrationRejected),
                None => match failure("CreateToken", &self.server, &error) {
                    passing if passing.is_passing() => tracing::debug!(%passing, "polling goes on"),
                    lasting => return Err(lasting),
                },
            }
        }
    }
}

/// A positive number of seconds; the wire's zero is an absent value.
fn seconds(number: i32) -> Option<Duration> {
    let duration = SignedDuration::from_secs(i64::from(number));
    duration.is_positive().then(|| duration.unsigned_abs())
}
