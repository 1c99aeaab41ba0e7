//! The `sso` portal: role credentials for an access token, and the end of what the token stands for
//! (<https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/Welcome.html>).

use aws_sdk_sso::Client;
use jiff::Timestamp;

use crate::config::SsoSession;
use crate::credentials::{AccessToken, AccountId, Credentials, RoleName, Secret};
use crate::source::SourceError;
use crate::source::transport::{Retry, Transport, failure, server};

/// The service in one region.
pub struct Portal<'a> {
    transport: &'a Transport,
    client: Client,
    server: String,
}

impl<'a> Portal<'a> {
    /// A client for the session's region, or for `endpoint`.
    pub fn new(transport: &'a Transport, session: &SsoSession, endpoint: Option<&str>) -> Self {
        let config = transport.sdk_config(&session.region, endpoint);
        let server = server(endpoint, "IAM Identity Center", &session.region);
        Self {
            transport,
            client: Client::from_conf(
                aws_sdk_sso::config::Builder::from(&config)
                    .retry_classifier(Retry)
                    .build(),
            ),
            server,
        }
    }

    /// What `role` in `account` gives to the person who signed in.
    ///
    /// # Errors
    ///
    /// [`SourceError::TokenRejected`] where the token is dead, [`SourceError::Forbidden`] where the
    /// person has no such role.
    pub fn role_credentials(
        &self,
        token: &AccessToken,
        account: &AccountId,
        role: &RoleName,
        now: Timestamp,
    ) -> Result<Credentials, SourceError> {
        const OPERATION: &str = "GetRoleCredentials";
        let request = self
            .client
            .get_role_credentials()
            .access_token(token.access_token.expose())
            .account_id(account.as_str())
            .role_name(role.as_str());
        let answer = self.transport.run(request.send()).map_err(|error| {
            match error
                .raw_response()
                .map(|response| response.status().as_u16())
            {
                Some(401) => SourceError::TokenRejected,
                _ => failure(OPERATION, &self.server, &error),
            }
        })?;
        let nonsense = |what: &str| SourceError::Nonsense {
            operation: OPERATION,
            server: self.server.clone(),
            what: what.to_owned(),
        };
        let given = answer
            .role_credentials
            .ok_or_else(|| nonsense("it has no roleCredentials"))?;
        let text = |value: Option<String>, name| {
            value
                .filter(|v| !v.is_empty())
                .ok_or_else(|| nonsense(&format!("it has no {name}")))
        };
        // Milliseconds here, and only here: every other time of these services is in seconds.
        let expires_at = Timestamp::from_millisecond(given.expiration)
            .ok()
            .filter(|end| *end > now)
            .ok_or_else(|| nonsense("its expiration is no time to come"))?;
        Ok(Credentials {
            access_key_id: text(given.access_key_id, "accessKeyId")?,
            secret_access_key: text(given.secret_access_key, "secretAccessKey")?.into(),
            session_token: Some(Secret::new(text(given.session_token, "sessionToken")?)),
            expires_at: Some(expires_at),
        })
    }

    /// Ends the session that `token` is of, with all its tokens. Role credentials that were handed out
    /// stay good until they end.
    ///
    /// # Errors
    ///
    /// [`SourceError::TokenRejected`] where the token is dead.
    pub fn logout(&self, token: &AccessToken) -> Result<(), SourceError> {
        let request = self.client.logout();
        let request = request.access_token(token.access_token.expose());
        match self.transport.run(request.send()) {
            Ok(_) => Ok(()),
            Err(error) => {
                let status = error.raw_response().map(|raw| raw.status().as_u16());
                Err(match status {
                    Some(401) => SourceError::TokenRejected,
                    _ => failure("Logout", &self.server, &error),
                })
            }
        }
    }
}
