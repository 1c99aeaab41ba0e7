//! Signing in by authorization code with PKCE (RFC 6749, 7636, 8252): a person allows it on a page of
//! Identity Center's, and their browser brings the code to a listener on this machine. The code is
//! worth nothing without the verifier, which never leaves vault but for the server.

use std::time::Duration;

use aws_sdk_ssooidc::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_ssooidc::operation::create_token::CreateTokenOutput;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::callback::{Callback, REGISTERED_URI, Visit};
use super::oidc::{Oidc, Refusal};
use crate::config::SsoSession;
use crate::credentials::{AccessToken, ClientRegistration, Flow, Secret};
use crate::loopback::random_text;
use crate::source::SourceError;
use crate::source::transport::failure;

/// How long the person has: what the AWS CLI gives them.
const LIFE: Duration = Duration::from_mins(10);

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
    /// Waits until a browser brings the person's answer: the code, or why there is none; and the
    /// browser, which waits to show how it ends.
    ///
    /// # Errors
    ///
    /// [`SourceError::NobodyCame`].
    pub fn wait_for_person(
        &mut self,
    ) -> Result<(Result<AllowedCode, SourceError>, Visit<'a>), SourceError> {
        let (brought, visit) = self.callback.wait(self.expires_in)?;
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
        // It is handed to a program that opens whatever it is given: files, too.
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(setup(format!("`{url}` is no web address")));
        }
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// Whether the server still knows a registration that was kept: the page of a dead one is an error
    /// from which no browser comes back. It is asked to exchange a code that nobody gave out; as it looks
    /// at who asks first (RFC 6749, section 5.2), any other refusal means that it knows the registration.
    ///
    /// # Errors
    ///
    /// [`SourceError::RegistrationRejected`] where it does not; or it can't be reached, and neither can
    /// its page.
    pub fn recognise(&self, registration: &ClientRegistration) -> Result<(), SourceError> {
        let nobodys = AllowedCode {
            code: random()?,
            verifier: random()?,
            redirect_uri: REGISTERED_URI.to_owned(),
        };
        match self.exchange(registration, &nobodys) {
            Err(
                error @ (SourceError::RegistrationRejected
                | SourceError::Unreachable { .. }
                | SourceError::TimedOut { .. }
                | SourceError::NotAws { .. }),
            ) => Err(error),
            _ => Ok(()),
        }
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
        let answer = self.exchange(registration, allowed)?;
        self.token(answer, Flow::AuthorizationCode, now)
    }

    fn exchange(
        &self,
        registration: &ClientRegistration,
        allowed: &AllowedCode,
    ) -> Result<CreateTokenOutput, SourceError> {
        const OPERATION: &str = "CreateToken";
        let request = self
            .client
            .create_token()
            .client_id(&registration.client_id)
            .client_secret(registration.client_secret.expose())
            .grant_type("authorization_code")
            .redirect_uri(&allowed.redirect_uri)
            .code(allowed.code.expose())
            .code_verifier(allowed.verifier.expose());
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
            })
    }
}

fn random() -> Result<Secret<String>, SourceError> {
    random_text().map_err(|error| SourceError::Setup(error.to_string()))
}
