//! The `sso-oidc` service: registrations and tokens
//! (<https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/Welcome.html>).

use aws_sdk_ssooidc::Client;
use aws_sdk_ssooidc::operation::create_token::{CreateTokenError, CreateTokenOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::{SignedDuration, Timestamp};

use super::callback::REGISTERED_URI;
use crate::config::SsoSession;
use crate::credentials::{AccessToken, ClientRegistration, Flow, Secret};
use crate::source::SourceError;
use crate::source::transport::{Retry, Transport, failure, oauth_error, server};

/// How Identity Center names this program to the person who is asked to allow it.
const CLIENT_NAME: &str = "vault";

/// The service in one region.
pub struct Oidc<'a> {
    pub(super) transport: &'a Transport,
    pub(super) client: Client,
    pub(super) server: String,
    pub(super) endpoint: Option<String>,
}

impl<'a> Oidc<'a> {
    /// A client for the session's region, or for `endpoint`.
    pub fn new(transport: &'a Transport, session: &SsoSession, endpoint: Option<&str>) -> Self {
        let config = transport.sdk_config(&session.region, endpoint);
        let server = server(endpoint, "IAM Identity Center", &session.region);
        Self {
            transport,
            client: Client::from_conf(
                aws_sdk_ssooidc::config::Builder::from(&config)
                    .retry_classifier(Retry)
                    .build(),
            ),
            server,
            endpoint: endpoint.map(str::to_owned),
        }
    }

    /// Registers this program for a flow, as a client that may have refresh tokens. For a device code
    /// that takes name, type and scopes only, as the AWS CLI does it.
    ///
    /// # Errors
    ///
    /// The server's.
    pub fn register(
        &self,
        session: &SsoSession,
        flow: Flow,
    ) -> Result<ClientRegistration, SourceError> {
        const OPERATION: &str = "RegisterClient";
        let mut request = self
            .client
            .register_client()
            .client_name(CLIENT_NAME)
            .client_type("public")
            .set_scopes(Some(session.scopes.clone()));
        if flow == Flow::AuthorizationCode {
            request = request
                .grant_types("authorization_code")
                .grant_types("refresh_token")
                .redirect_uris(REGISTERED_URI)
                .issuer_url(&session.start_url);
        }
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
        flow: Flow,
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
            .map_err(|error| refresh_error(&error, &self.server))?;
        let mut token = self.token(answer, flow, now)?;
        token
            .refresh_token
            .get_or_insert_with(|| refresh_token.clone());
        Ok(token)
    }

    /// The tokens of an answer to `CreateToken`.
    pub(super) fn token(
        &self,
        answer: CreateTokenOutput,
        flow: Flow,
        now: Timestamp,
    ) -> Result<AccessToken, SourceError> {
        const OPERATION: &str = "CreateToken";
        if answer.expires_in < 0 {
            return Err(self.nonsense(OPERATION, "its expiresIn is negative".into()));
        }
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
            flow,
        })
    }

    /// A text that has to be there.
    pub(super) fn field(
        &self,
        operation: &'static str,
        name: &str,
        value: Option<String>,
    ) -> Result<String, SourceError> {
        let value = value.filter(|value| !value.is_empty());
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

/// The refusals of sso-oidc that mean something to a flow (RFC 6749, section 5.2; RFC 8628, section
/// 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The person has not decided yet.
    Pending,
    /// The same, and polls come too often.
    SlowDown,
    /// The person said no.
    Denied,
    /// The code ran out, or was used.
    Expired,
    /// Identity Center forgot this program, or never knew it.
    DeadRegistration,
}

impl Refusal {
    /// By AWS's name for the error, or by OAuth's where that is all there is.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Option<Self>
    where
        E: ProvideErrorMetadata,
    {
        let response = error.raw_response()?;
        match error_name(error).as_deref() {
            Some("AuthorizationPendingException" | "authorization_pending") => Some(Self::Pending),
            Some("SlowDownException" | "slow_down") => Some(Self::SlowDown),
            Some("AccessDeniedException" | "access_denied") => Some(Self::Denied),
            Some("ExpiredTokenException" | "expired_token") => Some(Self::Expired),
            Some("InvalidGrantException" | "invalid_grant") => Some(Self::Expired),
            Some("InvalidClientException" | "invalid_client") => Some(Self::DeadRegistration),
            Some("UnauthorizedClientException" | "unauthorized_client") => {
                Some(Self::DeadRegistration)
            }
            _ if response.status().as_u16() == 401 => Some(Self::DeadRegistration),
            _ => None,
        }
    }
}

/// AWS's name for the error, else OAuth's.
pub(super) fn error_name<E>(error: &SdkError<E, HttpResponse>) -> Option<String>
where
    E: ProvideErrorMetadata,
{
    let name = error.as_service_error().and_then(|e| e.code());
    name.map(str::to_owned)
        .or_else(|| oauth_error(error.raw_response()?))
}

/// A refresh that was refused, for whatever reason, will be refused again: only a person can help.
fn refresh_error(error: &SdkError<CreateTokenError, HttpResponse>, server: &str) -> SourceError {
    if Refusal::of(error) == Some(Refusal::DeadRegistration) {
        return SourceError::RegistrationRejected;
    }
    match failure("CreateToken", server, error) {
        SourceError::Service { .. } | SourceError::Forbidden(_) => SourceError::RefreshRejected,
        SourceError::Nonsense { .. } if is_refused(error) => SourceError::RefreshRejected,
        other => other,
    }
}

fn is_refused(error: &SdkError<CreateTokenError, HttpResponse>) -> bool {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    status.is_some_and(|status| (400..500).contains(&status))
}
