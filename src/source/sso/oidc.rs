//! The `sso-oidc` service: registrations and tokens
//! (<https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html>).

use aws_sdk_ssooidc::Client;
use aws_sdk_ssooidc::operation::create_token::{CreateTokenError, CreateTokenOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::{SignedDuration, Timestamp};

use crate::config::SsoSession;
use crate::credentials::{AccessToken, ClientRegistration, Secret};
use crate::source::SourceError;
use crate::source::transport::{Transport, failure, server};

/// How Identity Center names this program to the person who is asked to allow it.
const CLIENT_NAME: &str = "vault";

/// The service in one region.
pub struct Oidc<'a> {
    pub(super) transport: &'a Transport,
    pub(super) client: Client,
    pub(super) server: String,
}

impl<'a> Oidc<'a> {
    /// A client for the session's region, or for `endpoint`.
    pub fn new(transport: &'a Transport, session: &SsoSession, endpoint: Option<&str>) -> Self {
        let config = transport.sdk_config(&session.region, endpoint);
        let server = server(endpoint, "IAM Identity Center", &session.region);
        Self {
            transport,
            client: Client::new(&config),
            server,
        }
    }

    /// Registers this program, as a device-flow client that may have refresh tokens: name, type and
    /// scopes only, as the AWS CLI does.
    ///
    /// # Errors
    ///
    /// The server's.
    pub fn register(&self, session: &SsoSession) -> Result<ClientRegistration, SourceError> {
        const OPERATION: &str = "RegisterClient";
        let request = self
            .client
            .register_client()
            .client_name(CLIENT_NAME)
            .client_type("public")
            .set_scopes(Some(session.scopes.clone()));
        let answer = self
            .transport
            .run(request.send())
            .map_err(|error| failure(OPERATION, &self.server, &error))?;
        let client_id = self.field(OPERATION, "clientId", answer.client_id)?;
        let client_secret = self.field(OPERATION, "clientSecret", answer.client_secret)?;
        let expires_at = Timestamp::from_second(answer.client_secret_expires_at)
            .map_err(|error| self.nonsense(OPERATION, error.to_string()))?;
        Ok(ClientRegistration {
            client_id,
            client_secret: client_secret.into(),
            expires_at,
        })
    }

    /// Gets the next access token for a refresh token. The answer may leave out a new refresh
    /// token: then the old one goes on.
    ///
    /// # Errors
    ///
    /// [`SourceError::RefreshRejected`] where a person has to sign in again.
    pub fn refresh(
        &self,
        registration: &ClientRegistration,
        refresh_token: &Secret<String>,
        now: Timestamp,
    ) -> Result<AccessToken, SourceError> {
        let request = self
            .client
            .create_token()
            .client_id(&registration.client_id)
            .client_secret(registration.client_secret.expose())
            .grant_type("refresh_token")
            .refresh_token(refresh_token.expose());
        let answer = self
            .transport
            .run(request.send())
            .map_err(|error| self.token_error(&error))?;
        let mut token = self.token(answer, now)?;
        token
            .refresh_token
            .get_or_insert_with(|| refresh_token.clone());
        Ok(token)
    }

    /// The tokens of an answer to `CreateToken`.
    pub(super) fn token(
        &self,
        answer: CreateTokenOutput,
        now: Timestamp,
    ) -> Result<AccessToken, SourceError> {
        const OPERATION: &str = "CreateToken";
        let life = SignedDuration::from_secs(i64::from(answer.expires_in));
        let expires_at = now
            .checked_add(life)
            .map_err(|error| self.nonsense(OPERATION, error.to_string()))?;
        let access_token = self.field(OPERATION, "accessToken", answer.access_token)?;
        Ok(AccessToken {
            access_token: access_token.into(),
            refresh_token: answer
                .refresh_token
                .filter(|t| !t.is_empty())
                .map(Secret::new),
            expires_at,
        })
    }

    /// What a refused `CreateToken` means, whichever flow asked.
    pub(super) fn token_error(
        &self,
        error: &SdkError<CreateTokenError, HttpResponse>,
    ) -> SourceError {
        match error.as_service_error() {
            Some(e) if e.is_invalid_grant_exception() => SourceError::RefreshRejected,
            Some(e) if e.is_expired_token_exception() => SourceError::CodeExpired,
            Some(e) if e.is_access_denied_exception() => SourceError::Refused,
            Some(e) if is_dead_registration(e) => SourceError::RegistrationRejected,
            _ => failure("CreateToken", &self.server, error),
        }
    }

    pub(super) fn field<T>(
        &self,
        operation: &'static str,
        name: &str,
        value: Option<T>,
    ) -> Result<T, SourceError> {
        value.ok_or_else(|| self.nonsense(operation, format!("it has no {name}")))
    }

    pub(super) fn nonsense(&self, operation: &'static str, what: String) -> SourceError {
        SourceError::Nonsense {
            operation,
            server: self.server.clone(),
            what,
        }
    }
}

/// Identity Center forgot this program, or never knew it.
pub(super) fn is_dead_registration(error: &impl ProvideErrorMetadata) -> bool {
    matches!(
        error.code(),
        Some("InvalidClientException" | "UnauthorizedClientException" | "invalid_client")
    )
}
