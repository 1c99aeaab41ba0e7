//! The console's federation endpoint, which gives a token to sign in with for credentials
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>).

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::SourceError;
use super::plain::{Answer, Plain};
use super::transport::{Transport, server};
use crate::credentials::{Credentials, Secret};

/// AWS's word for what is asked.
pub const OPERATION: &str = "getSigninToken";

/// A server that is there answers the handshake in this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);
/// It answers within a second; ten leave room for a bad line.
const LIMIT: Duration = Duration::from_secs(10);
/// 429 and 5xx: so many attempts in all,
const ATTEMPTS: u32 = 3;
/// with a pause that doubles from this.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// What the endpoint answers.
#[derive(Deserialize)]
struct Given {
    #[serde(rename = "SigninToken")]
    token: String,
}

/// Gets a token for `credentials`, which are temporary ones; it is good for 15 minutes. `base_url` is where the
/// endpoint is, `length` how long the console's session is to be, where that can be chosen.
///
/// # Errors
///
/// [`SourceError::Service`] where the endpoint does not take the credentials or the length.
pub fn signin_token(
    transport: &Transport,
    base_url: &str,
    credentials: &Credentials,
    length: Option<Duration>,
) -> Result<Secret<String>, SourceError> {
    let server = server(Some(base_url), "", "");
    let form = form(credentials, length);
    let request = Plain {
        operation: OPERATION,
        server: &server,
        // A GET would have the secrets in its URL, which servers and proxies log.
        method: "POST",
        url: &format!("{base_url}/federation"),
        headers: &[],
        form: Some(&form),
        through_proxy: true,
        connect: CONNECT_LIMIT,
        limit: LIMIT,
    };
    let answer = insisting(&request, transport)?;
    match answer.status {
        200 if !answer.is_page => {
            // Not a word of the error: it may quote the token.
            let given: Result<Given, _> = serde_json::from_slice(answer.body.expose());
            let token = given.map(|given| Secret::new(given.token));
            let token = token.ok().filter(|token| !token.expose().is_empty());
            token.ok_or_else(|| request.nonsense("it has no SigninToken"))
        }
        429 => Err(SourceError::Throttled(OPERATION)),
        status @ 500.. => Err(SourceError::Unavailable {
            operation: OPERATION,
            server,
            status,
        }),
        // What it refuses it refuses with a page.
        status @ 400.. => Err(SourceError::Service {
            operation: OPERATION,
            code: format!("HTTP {status}"),
            message: String::new(),
        }),
        status => Err(SourceError::NotAws {
            operation: OPERATION,
            server,
            status,
        }),
    }
}

fn form(credentials: &Credentials, length: Option<Duration>) -> Secret<String> {
    let session = Secret::new(
        json!({
            "sessionId": credentials.access_key_id,
            "sessionKey": credentials.secret_access_key.expose(),
            "sessionToken": credentials.session_token.as_ref().map(Secret::expose),
        })
        .to_string(),
    );
    // Room for all of it, so that growing leaves no copies of secrets behind: a character takes three.
    let room = 3 * session.expose().len() + 128;
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
    form.append_pair("Action", OPERATION);
    if let Some(length) = length {
        form.append_pair("SessionDuration", &length.as_secs().to_string());
    }
    form.append_pair("Session", session.expose());
    Secret::new(form.finish())
}

fn insisting(request: &Plain<'_>, transport: &Transport) -> Result<Answer, SourceError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        let answer = request.send(transport)?;
        if answer.status != 429 && answer.status < 500 {
            return Ok(answer);
        }
        transport.run(async { tokio::time::sleep(pause).await });
        pause *= 2;
    }
    request.send(transport)
}
