//! What `aws login` left, the AWS CLI's own console sign-in: its form, and how it is renewed at AWS
//! Sign-In (<https://docs.aws.amazon.com/sdkref/latest/guide/access-login.html>).
//!
//! The file is the AWS CLI's: whatever it holds that is not known here stays in it.

mod proof;

use aws_sdk_signin::Client;
use aws_sdk_signin::types::CreateOAuth2TokenRequestBody;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::SourceError;
use super::transport::{Retry, Transport, failure, oauth_error, server};
use crate::credentials::{Credentials, Secret};
use proof::Prover;

/// More than any such file.
pub const LONGEST: u64 = 1024 * 1024;

/// The file's name, in the AWS CLI's directory for them.
pub fn file_name(session: &str) -> String {
    let digest = Sha256::digest(session.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.json")
}

/// A session as it stands in its file.
pub struct Session {
    whole: Whole,
    credentials: Credentials,
}

/// All of the file.
#[derive(Clone, PartialEq)]
struct Whole(Map<String, Value>);

impl Drop for Whole {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(values) => values.values_mut().for_each(wipe),
        _ => {}
    }
}

impl Session {
    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without a word of it.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let whole: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|error| format!("line {}: it is not a JSON object", error.line()))?;
        let whole = Whole(whole);
        let credentials = credentials(&whole)?;
        for key in ["clientId", "refreshToken", "dpopKey"] {
            whole.text(key)?;
        }
        Ok(Self { whole, credentials })
    }

    /// The credentials in it, fresh or not.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether the other one is the same, so that nobody has renewed it in between.
    pub fn is(&self, other: &Self) -> bool {
        self.whole == other.whole
    }

    /// The text for the file.
    pub fn to_text(&self) -> Secret<Vec<u8>> {
        // Room for all of it, so that growing leaves no copies of secrets behind.
        let mut text = Zeroizing::new(Vec::with_capacity(64 * 1024));
        serde_json::to_writer(&mut *text, &self.whole.0).expect("it was JSON before");
        Secret::new(std::mem::take(&mut *text))
    }

    /// Renews it: new credentials, and a new refresh token in the place of the old one, which is dead
    /// then.
    ///
    /// # Errors
    ///
    /// [`SourceError::RefreshRejected`] where a person must sign in again, [`SourceError::Forbidden`]
    /// where they lack the right to `signin:CreateOAuth2Token`.
    pub fn renewed(
        &self,
        transport: &Transport,
        region: &str,
        endpoint: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, SourceError> {
        const OPERATION: &str = "CreateOAuth2Token";
        let server = server(endpoint, "AWS Sign-In", region);
        let nonsense = |what: &str| SourceError::Nonsense {
            operation: OPERATION,
            server: server.clone(),
            what: what.to_owned(),
        };
        let text = |key| self.whole.text(key).expect("it was there when it was read");
        let prover = Prover::new(text("dpopKey"), now).map_err(SourceError::Setup)?;
        let config = transport.sdk_config(region, endpoint);
        let config = aws_sdk_signin::config::Builder::from(&config)
            .retry_classifier(Retry)
            .interceptor(prover);
        let input = CreateOAuth2TokenRequestBody::builder()
            .client_id(text("clientId"))
            .grant_type("refresh_token")
            .refresh_token(text("refreshToken"))
            .build()
            .map_err(|error| SourceError::Setup(error.to_string()))?;
        let call = Client::from_conf(config.build())
            .create_o_auth2_token()
            .token_input(input);
        let answer = transport.run(call.send()).map_err(|error| {
            match error.raw_response().and_then(oauth_error).as_deref() {
                Some("TOKEN_EXPIRED" | "USER_CREDENTIALS_CHANGED") => SourceError::RefreshRejected,
                _ => failure(OPERATION, &server, &error),
            }
        })?;
        let given = answer.token_output.ok_or_else(|| nonsense("it is empty"))?;
        let life = SignedDuration::from_secs(given.expires_in.into());
        let keys = given
            .access_token
            .filter(|keys| !keys.access_key_id.is_empty() && !keys.secret_access_key.is_empty())
            .ok_or_else(|| nonsense("it has no accessToken"))?;
        if given.refresh_token.is_empty() || !life.is_positive() {
            return Err(nonsense("it has no refreshToken, or no time to live"));
        }
        let expires_at = Timestamp::from_second((now + life).as_second()).unwrap_or(now);
        Ok(self.with(
            Credentials {
                access_key_id: keys.access_key_id,
                secret_access_key: Secret::new(keys.secret_access_key),
                session_token: Some(Secret::new(keys.session_token)),
                expires_at: Some(expires_at),
            },
            &given.refresh_token,
        ))
    }

    /// With other credentials and another refresh token, as the AWS CLI writes them.
    fn with(&self, credentials: Credentials, refresh_token: &str) -> Self {
        let mut whole = self.whole.clone();
        let account = whole
            .access_token()
            .and_then(|old| old.get("accountId").cloned());
        let token = credentials.session_token.as_ref();
        let end = credentials.expires_at.map(|end| end.to_string());
        let access_token = serde_json::json!({
            "accessKeyId": credentials.access_key_id,
            "secretAccessKey": credentials.secret_access_key.expose(),
            "sessionToken": token.map(Secret::expose),
            "accountId": account,
            "expiresAt": end,
        });
        for (key, value) in [
            ("accessToken", access_token),
            ("refreshToken", Value::from(refresh_token)),
        ] {
            if let Some(mut old) = whole.0.insert(key.to_owned(), value) {
                wipe(&mut old);
            }
        }
        Self { whole, credentials }
    }
}

impl Whole {
    fn text(&self, key: &str) -> Result<&str, String> {
        let text = self.0.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return Err(format!("`{key}` is missing"));
        }
        Ok(text)
    }

    fn access_token(&self) -> Option<&Map<String, Value>> {
        self.0.get("accessToken")?.as_object()
    }
}

fn credentials(whole: &Whole) -> Result<Credentials, String> {
    let inner = whole.access_token().ok_or("`accessToken` is missing")?;
    let text = |key: &str| {
        let text = inner.get(key).and_then(Value::as_str).unwrap_or_default();
        if text.is_empty() {
            return Err(format!("`accessToken.{key}` is missing"));
        }
        Ok(text)
    };
    let end = text("expiresAt")?.parse();
    let end = end.map_err(|_| "`accessToken.expiresAt` is not a time".to_owned())?;
    Ok(Credentials {
        access_key_id: text("accessKeyId")?.to_owned(),
        secret_access_key: Secret::new(text("secretAccessKey")?.to_owned()),
        session_token: Some(Secret::new(text("sessionToken")?.to_owned())),
        expires_at: Some(end),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"accessToken": {"accessKeyId": "A", "secretAccessKey": "S",
        "sessionToken": "T", "accountId": "111111111111", "expiresAt": "2026-11-23T10:00:00Z"},
        "tokenType": "aws_sigv4", "clientId": "arn:aws:signin:::devtools/same-device",
        "refreshToken": "R", "idToken": "I", "dpopKey": "K", "later": {"more": [1, "x"]}}"#;

    #[test]
    fn its_file_is_named_as_the_aws_cli_names_it() {
        // sha256("arn:aws:iam::123456789012:user/alice")
        assert_eq!(
            file_name("arn:aws:iam::123456789012:user/alice"),
            "b7d71d383b9557a9bad4c3346c50365819226484c6824a0fdef66637be339db0.json"
        );
    }

    #[test]
    fn a_renewed_session_keeps_what_is_not_renewed() {
        let old = Session::parse(FILE.as_bytes()).unwrap();
        let end: Timestamp = "2026-11-23T10:15:00Z".parse().unwrap();
        let new = Credentials {
            access_key_id: "A2".to_owned(),
            secret_access_key: Secret::new("S2".to_owned()),
            session_token: Some(Secret::new("T2".to_owned())),
            expires_at: Some(end),
        };
        let renewed = old.with(new.clone(), "R2");
        assert!(!renewed.is(&old));
        let text = renewed.to_text();
        let expected = FILE
            .replace("\"A\"", "\"A2\"")
            .replace("\"S\"", "\"S2\"")
            .replace("\"T\"", "\"T2\"")
            .replace("\"R\"", "\"R2\"")
            .replace("10:00:00", "10:15:00");
        let value = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
        assert_eq!(value(text.expose()), value(expected.as_bytes()));
        assert_eq!(Session::parse(text.expose()).unwrap().credentials(), &new);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_a_word_of_it() {
        let table = [
            ("", "line 1: it is not a JSON object"),
            ("\"hunter2\"", "line 1: it is not a JSON object"),
            ("{}", "`accessToken` is missing"),
            (
                "{\"accessToken\": {}}",
                "`accessToken.expiresAt` is missing",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(Session::parse(text.as_bytes()).err().unwrap(), expected);
        }
        for (key, expected) in [
            (
                "\"2026-11-23T10:00:00Z\"",
                "`accessToken.expiresAt` is not a time",
            ),
            ("\"S\"", "`accessToken.secretAccessKey` is missing"),
            ("\"R\"", "`refreshToken` is missing"),
            ("\"K\"", "`dpopKey` is missing"),
        ] {
            let by = if key.contains('T') && key.len() > 3 {
                "\"soon\""
            } else {
                "7"
            };
            let text = FILE.replace(key, by);
            assert_eq!(Session::parse(text.as_bytes()).err().unwrap(), expected);
        }
    }
}
