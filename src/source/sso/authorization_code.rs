//! Signing in by authorization code with PKCE (RFC 6749, 7636, 8252): a person allows it on a page of
//! Identity Center's, and their browser brings the code to a listener on this machine. The code is
//! worth nothing without the verifier, which never leaves vault but for the server.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_ssooidc::config;
use aws_sdk_ssooidc::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_ssooidc::operation::create_token::builders::CreateTokenFluentBuilder;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::callback::{Callback, REGISTERED_URI, Visit};
use super::oidc::{Oidc, Refusal, error_name};
use crate::config::SsoSession;
use crate::credentials::{AccessToken, ClientRegistration, Flow, Secret};
use crate::loopback::random_text;
use crate::source::SourceError;
use crate::source::transport::failure;

/// How long the person has: what the AWS CLI gives them.
const LIFE: Duration = Duration::from_mins(10);
/// A question whose answer may make a sign-in shorter is not worth more of its time.
const QUESTION_LIMIT: Duration = Duration::from_secs(3);

/// A page that waits for a person, and the listener that waits for their browser.
pub struct CodeAuthorization<'a> {
    /// Where the person allows it.
    pub url: String,
    /// How long they have.
    pub expires_in: Duration,
    verifier: Secret<String>,
    callback: Callback<'a>,
}

impl std::fmt::Debug for CodeAuthorization<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeAuthorization").finish_non_exhaustive()
    }
}

/// What a browser brought, and what the server wants with it.
pub struct AllowedCode {
    code: Secret<String>,
    verifier: Secret<String>,
    redirect_uri: String,
}

impl<'a> CodeAuthorization<'a> {
    /// Waits `limit` for a browser that brings the person's answer: the code, or why there is none; and
    /// the browser, which waits to show how it ends.
    ///
    /// # Errors
    ///
    /// [`SourceError::NobodyCame`]; it can be waited for again.
    pub fn wait_for_person(
        &mut self,
        limit: Duration,
    ) -> Result<(Result<AllowedCode, SourceError>, Visit<'a>), SourceError> {
        let (brought, visit) = self.callback.wait(limit)?;
        let allowed = brought.map(|code| AllowedCode {
            code,
            verifier: self.verifier.clone(),
            redirect_uri: self.callback.uri().to_owned(),
        });
        Ok((allowed, visit))
    }
}

impl<'a> Oidc<'a> {
    /// Listens on this machine, and says which page leads there.
    ///
    /// # Errors
    ///
    /// There is nothing to listen on.
    pub fn start_code_authorization(
        &self,
        session: &SsoSession,
        registration: &ClientRegistration,
    ) -> Result<CodeAuthorization<'a>, SourceError> {
        let (verifier, state) = (random()?, random()?);
        let callback = Callback::listen(self.transport, &state, session)?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()));
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("client_id", &registration.client_id)
            .append_pair("redirect_uri", callback.uri())
            .append_pair("state", state.expose())
            .append_pair("code_challenge_method", "S256")
            .append_pair("code_challenge", &challenge)
            .append_pair("scopes", &session.scopes.join(" "))
            .finish()
            // A form's space; a plus sign itself is encoded.
            .replace('+', "%20");
        Ok(CodeAuthorization {
            url: format!("{}/authorize?{query}", self.base_url(session)?),
            expires_in: LIFE,
            verifier,
            callback,
        })
    }

    /// Where the pages are: where the requests go to.
    fn base_url(&self, session: &SsoSession) -> Result<String, SourceError> {
        let setup = |error: String| SourceError::Setup(error);
        let url = match &self.endpoint {
            Some(url) => url.clone(),
            None => {
                let region = Params::builder().region(&session.region);
                let region = region.build().map_err(|error| setup(error.to_string()))?;
                let resolver = DefaultResolver::new();
                let resolved = self.transport.run(resolver.resolve_endpoint(&region));
                let endpoint = resolved.map_err(|error| setup(error.to_string()))?;
                endpoint.url().to_owned()
            }
        };
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// Whether the server says that it does not know the registration. It is asked to exchange a code that
    /// nobody gave out; as it looks at who asks first (RFC 6749, section 5.2), it says `invalid_client`
    /// then. Whatever else it says or does not say means nothing, and is not waited for long.
    pub fn has_forgotten(&self, registration: &ClientRegistration) -> bool {
        let Ok(request) = random().and_then(|code| {
            let nobodys = AllowedCode {
                code,
                verifier: random()?,
                redirect_uri: REGISTERED_URI.to_owned(),
            };
            Ok(self.exchange(registration, &nobodys))
        }) else {
            return false;
        };
        let once = config::Builder::new().retry_config(RetryConfig::disabled());
        let answer = request.customize().config_override(once).send();
        let answer = self
            .transport
            .run(async { tokio::time::timeout(QUESTION_LIMIT, answer).await });
        let Ok(Err(error)) = answer else {
            return false;
        };
        let name = error_name(&error);
        matches!(
            name.as_deref(),
            Some("InvalidClientException" | "invalid_client")
        )
    }

    /// Gets the tokens for the code that a browser brought.
    ///
    /// # Errors
    ///
    /// The server's.
    pub fn redeem(
        &self,
        registration: &ClientRegistration,
        allowed: &AllowedCode,
        now: Timestamp,
    ) -> Result<AccessToken, SourceError> {
        const OPERATION: &str = "CreateToken";
        let request = self.exchange(registration, allowed);
        let answer =
            self.transport
                .run(request.send())
                .map_err(|error| match Refusal::of(&error) {
                    Some(Refusal::DeadRegistration) => SourceError::RegistrationRejected,
                    Some(Refusal::Denied) => SourceError::Refused,
                    Some(Refusal::Expired) => SourceError::Service {
                        operation: OPERATION,
                        code: "invalid_grant".to_owned(),
                        message: "the code that the browser brought is not accepted".to_owned(),
                    },
                    _ => failure(OPERATION, &self.server, &error),
                })?;
        self.token(answer, Flow::AuthorizationCode, now)
    }

    fn exchange(
        &self,
        registration: &ClientRegistration,
        allowed: &AllowedCode,
    ) -> CreateTokenFluentBuilder {
        self.client
            .create_token()
            .client_id(&registration.client_id)
            .client_secret(registration.client_secret.expose())
            .grant_type("authorization_code")
            .redirect_uri(&allowed.redirect_uri)
            .code(allowed.code.expose())
            .code_verifier(allowed.verifier.expose())
    }
}

fn random() -> Result<Secret<String>, SourceError> {
    random_text().map_err(|error| SourceError::Setup(error.to_string()))
}
