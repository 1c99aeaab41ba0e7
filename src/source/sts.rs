//! The Security Token Service: sessions and roles for credentials that are there already
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>).

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::types::{self, Tag};
use jiff::Timestamp;

use super::SourceError;
use super::transport::{Retry, Transport, failure, key_failure, server};
use crate::credentials::{Credentials, Secret};

/// Everything that `AssumeRole` is asked with.
#[derive(Clone, Debug)]
pub struct RoleRequest<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// How the session shows in CloudTrail.
    pub session_name: &'a str,
    /// What the role's owner asks third parties to say.
    pub external_id: Option<&'a str>,
    /// Who is behind the session, for CloudTrail.
    pub source_identity: Option<&'a str>,
    /// The session's tags.
    pub tags: &'a [(String, String)],
    /// Those that go on to the next role in a chain.
    pub transitive_tags: &'a [String],
    /// How long, in seconds; without it, an hour.
    pub duration_seconds: Option<i32>,
    /// A code, where the role wants one.
    pub mfa: Option<Mfa<'a>>,
}

/// What `AssumeRoleWithWebIdentity` is asked with, besides the token.
#[derive(Clone, Copy, Debug)]
pub struct WebIdentityRequest<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// How the session shows in CloudTrail.
    pub session_name: &'a str,
    /// How long, in seconds; without it, an hour.
    pub duration_seconds: Option<i32>,
}

/// What `GetSessionToken` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct SessionRequest<'a> {
    /// How long, in seconds.
    pub duration_seconds: i32,
    /// A code, where the session is to have one.
    pub mfa: Option<Mfa<'a>>,
}

/// What `GetFederationToken` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct FederationRequest<'a> {
    /// How the session shows in CloudTrail and in the console: 2 to 32 characters.
    pub name: &'a str,
    /// How long, in seconds.
    pub duration_seconds: i32,
}

/// A federated user may do what both this and the key's own user are allowed: without it, nothing
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>).
const ALL_OF_THE_USERS_RIGHTS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The device and the code that it shows now.
#[derive(Clone, Copy, Debug)]
pub struct Mfa<'a> {
    /// The device's serial number or ARN.
    pub serial: &'a str,
    /// Its code.
    pub code: &'a Secret<String>,
}

/// STS in a region.
pub struct Sts<'t> {
    transport: &'t Transport,
    region: &'t str,
    endpoint: Option<&'t str>,
}

impl<'t> Sts<'t> {
    /// `endpoint` is where it is, if not where AWS has it.
    pub const fn new(transport: &'t Transport, region: &'t str, endpoint: Option<&'t str>) -> Self {
        Self {
            transport,
            region,
            endpoint,
        }
    }

    /// Assumes a role with `credentials`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Forbidden`] where the role does not let them, [`SourceError::CodeRejected`]
    /// where the code is not the right one.
    pub fn assume_role(
        &self,
        credentials: &Credentials,
        request: &RoleRequest<'_>,
        now: Timestamp,
    ) -> Result<Credentials, SourceError> {
        const OPERATION: &str = "AssumeRole";
        let call = self
            .client(credentials)
            .assume_role()
            .role_arn(request.role_arn)
            .role_session_name(request.session_name)
            .set_external_id(request.external_id.map(str::to_owned))
            .set_source_identity(request.source_identity.map(str::to_owned))
            .set_tags(tags(request.tags))
            .set_transitive_tag_keys(some(request.transitive_tags.to_vec()))
            .set_duration_seconds(request.duration_seconds)
            .set_serial_number(request.mfa.map(|mfa| mfa.serial.to_owned()))
            .set_token_code(request.mfa.map(|mfa| mfa.code.expose().clone()));
        let server = self.server();
        let answer = self
            .transport
            .run(call.send())
            .map_err(|error| about_code(failure(OPERATION, &server, &error)))?;
        given(OPERATION, &server, answer.credentials, now)
    }

    /// Assumes a role with the token of an identity provider: nobody signs.
    ///
    /// # Errors
    ///
    /// [`SourceError::Forbidden`] where the role does not let it, [`SourceError::Service`] where the
    /// token is no good.
    pub fn assume_role_with_web_identity(
        &self,
        token: &Secret<String>,
        request: &WebIdentityRequest<'_>,
        now: Timestamp,
    ) -> Result<Credentials, SourceError> {
        const OPERATION: &str = "AssumeRoleWithWebIdentity";
        let config = self.transport.sdk_config(self.region, self.endpoint);
        let config = aws_sdk_sts::config::Builder::from(&config).retry_classifier(Retry);
        let call = Client::from_conf(config.build())
            .assume_role_with_web_identity()
            .role_arn(request.role_arn)
            .role_session_name(request.session_name)
            .web_identity_token(token.expose())
            .set_duration_seconds(request.duration_seconds);
        let server = self.server();
        let answer = self
            .transport
            .run(call.send())
            .map_err(|error| failure(OPERATION, &server, &error))?;
        given(OPERATION, &server, answer.credentials, now)
    }

    /// A session for a long-lived key.
    ///
    /// # Errors
    ///
    /// [`SourceError::Forbidden`] where the key is none, [`SourceError::CodeRejected`] where the code
    /// is not the right one.
    pub fn session_token(
        &self,
        credentials: &Credentials,
        request: &SessionRequest<'_>,
        now: Timestamp,
    ) -> Result<Credentials, SourceError> {
        const OPERATION: &str = "GetSessionToken";
        let call = self
            .client(credentials)
            .get_session_token()
            .duration_seconds(request.duration_seconds)
            .set_serial_number(request.mfa.map(|mfa| mfa.serial.to_owned()))
            .set_token_code(request.mfa.map(|mfa| mfa.code.expose().clone()));
        let server = self.server();
        let answer = self
            .transport
            .run(call.send())
            .map_err(|error| about_code(failure(OPERATION, &server, &error)))?;
        given(OPERATION, &server, answer.credentials, now)
    }

    /// A session for a long-lived key that the console takes: of a federated user with all of the key's
    /// user's rights.
    ///
    /// # Errors
    ///
    /// [`SourceError::Forbidden`] where the key is none, or not allowed to.
    pub fn federation_token(
        &self,
        credentials: &Credentials,
        request: &FederationRequest<'_>,
        now: Timestamp,
    ) -> Result<Credentials, SourceError> {
        const OPERATION: &str = "GetFederationToken";
        let call = self
            .client(credentials)
            .get_federation_token()
            .name(request.name)
            .policy(ALL_OF_THE_USERS_RIGHTS)
            .duration_seconds(request.duration_seconds);
        let server = self.server();
        let answer = self
            .transport
            .run(call.send())
            .map_err(|error| failure(OPERATION, &server, &error))?;
        given(OPERATION, &server, answer.credentials, now)
    }

    /// Whether AWS knows a key.
    ///
    /// # Errors
    ///
    /// [`SourceError::KeyRejected`] where it does not.
    pub fn check(&self, credentials: &Credentials) -> Result<(), SourceError> {
        let call = self.client(credentials).get_caller_identity();
        let answer = self.transport.run(call.send());
        answer
            .map(|_| ())
            .map_err(|error| key_failure("GetCallerIdentity", &self.server(), &error))
    }

    fn server(&self) -> String {
        server(self.endpoint, "STS", self.region)
    }

    fn client(&self, credentials: &Credentials) -> Client {
        let config = self
            .transport
            .sdk_config(self.region, self.endpoint)
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(signing(credentials)))
            .build();
        let config = aws_sdk_sts::config::Builder::from(&config).retry_classifier(Retry);
        Client::from_conf(config.build())
    }
}

/// What an answer gives.
fn given(
    operation: &'static str,
    server: &str,
    answer: Option<types::Credentials>,
    now: Timestamp,
) -> Result<Credentials, SourceError> {
    let nonsense = |what: &str| SourceError::Nonsense {
        operation,
        server: server.to_owned(),
        what: what.to_owned(),
    };
    let given = answer.ok_or_else(|| nonsense("it has no Credentials"))?;
    let expires_at = Timestamp::from_second(given.expiration.secs())
        .ok()
        .filter(|end| *end > now)
        .ok_or_else(|| nonsense("its Expiration is no time to come"))?;
    Ok(Credentials {
        access_key_id: given.access_key_id,
        secret_access_key: Secret::new(given.secret_access_key),
        session_token: Some(Secret::new(given.session_token)),
        expires_at: Some(expires_at),
    })
}

/// STS says only in words whether it was the code (`MultiFactorAuthentication failed with invalid MFA one
/// time pass code`) or the device (`MultiFactorAuthentication failed, unable to validate MFA code. Please
/// verify your MFA serial number is valid and associated with this user`) that was wrong.
fn about_code(error: SourceError) -> SourceError {
    match error {
        SourceError::Forbidden(message)
            if message.contains("MultiFactorAuthentication failed")
                && !message.contains("serial number") =>
        {
            SourceError::CodeRejected(message)
        }
        other => other,
    }
}

fn tags(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    // A tag with key and value is complete: building one can't fail.
    let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build().ok();
    some(tags.iter().filter_map(tag).collect())
}

/// An empty list is left out of the request.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Our credentials as the SDK signs with them.
pub(super) fn signing(credentials: &Credentials) -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials
            .session_token
            .as_ref()
            .map(|token| token.expose().clone()),
        None,
        "vault",
    )
}
