//! AWS Sign-In: the sessions of `aws login`, which are renewed with a proof that whoever asks has the
//! key that the session began with (DPoP). The proof is checked for real.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use p256::SecretKey;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

use super::http::{Answer, Request};
use super::state::{Principal, State};

/// How long credentials live.
const LIFE: Duration = Duration::from_secs(900);
/// How far a proof's time may be from now, in seconds.
const SKEW: i64 = 300;
const CLIENTS: [&str; 2] = [
    "arn:aws:signin:::devtools/same-device",
    "arn:aws:signin:::devtools/cross-device",
];

/// A session that can be renewed.
#[derive(Clone)]
pub struct Login {
    /// Of the key that it is bound to (RFC 7638).
    thumbprint: String,
    principal: Principal,
}

/// How the private key of a session is written.
#[derive(Clone, Copy)]
pub enum KeyForm {
    /// As the AWS CLI does it.
    Sec1,
    /// The other one.
    Pkcs8,
}

/// What `aws login` leaves for the user of `arn`: the text of its file. Its credentials have `left` to
/// live.
pub fn begin(state: &mut State, arn: &str, left: Duration, form: KeyForm) -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("random bytes");
    let key = SecretKey::from_slice(&bytes).expect("a private key");
    let pem = match form {
        KeyForm::Sec1 => key.to_sec1_pem(LineEnding::LF).expect("a PEM"),
        KeyForm::Pkcs8 => key.to_pkcs8_pem(LineEnding::LF).expect("a PEM"),
    };
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    state.keep_secret(&body[..40]);
    let point = key.public_key().to_sec1_bytes();
    let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
    let login = Login {
        thumbprint: thumbprint(&BASE64.encode(&point[1..33]), &BASE64.encode(&point[33..])),
        principal: Principal::User {
            account: account.clone(),
            name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            session: true,
            mfa: false,
        },
    };
    let (id, given) = state.add_key(login.principal.clone(), Some(left));
    let refresh_token = grant(state, login);
    let end = given.expires_at.expect("it is temporary");
    json!({
        "accessToken": {
            "accessKeyId": id,
            "secretAccessKey": given.secret,
            "sessionToken": given.session_token,
            "accountId": account,
            "expiresAt": format!("{end:.0}"),
        },
        "tokenType": "aws_sigv4",
        "clientId": CLIENTS[0],
        "refreshToken": refresh_token,
        "idToken": "eyJhbGciOiJFUzM4NCJ9.e30.c2ln",
        "dpopKey": pem.as_str(),
    })
    .to_string()
}

fn grant(state: &mut State, login: Login) -> String {
    let token = state.mint("refresh-", 200);
    state.logins.insert(token.clone(), login);
    token
}

pub fn create_oauth2_token(state: &mut State, request: &Request) -> Answer {
    let body = request.json();
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let known = CLIENTS.contains(&text("clientId")) && text("grantType") == "refresh_token";
    if !known {
        return refused(
            400,
            "ValidationException",
            "INVALID_REQUEST",
            "unknown client or grant",
        );
    }
    let thumbprint = match proven(state, request) {
        Ok(thumbprint) => thumbprint,
        Err(why) => return refused(400, "ValidationException", "INVALID_REQUEST", why),
    };
    let Some(login) = state.logins.get(text("refreshToken")).cloned() else {
        let message = "the refresh token has expired";
        return refused(401, "AccessDeniedException", "TOKEN_EXPIRED", message);
    };
    if login.thumbprint != thumbprint {
        let message = "the refresh token is bound to another key";
        return refused(400, "ValidationException", "INVALID_REQUEST", message);
    }
    state.logins.remove(text("refreshToken"));
    let (id, key) = state.add_key(login.principal.clone(), Some(LIFE));
    let refresh_token = grant(state, login);
    Answer::json(&json!({
        "accessToken": {
            "accessKeyId": id,
            "secretAccessKey": key.secret,
            "sessionToken": key.session_token,
        },
        "tokenType": "aws_sigv4",
        "expiresIn": LIFE.as_secs(),
        "refreshToken": refresh_token,
    }))
}

fn refused(status: u16, kind: &str, error: &str, message: &str) -> Answer {
    let mut answer = Answer::aws_error(status, kind, message);
    answer.body = json!({ "error": error, "message": message }).to_string();
    answer
}

/// The thumbprint of the key that the request was proven with.
fn proven(state: &mut State, request: &Request) -> Result<String, &'static str> {
    let proof = request.header("dpop").ok_or("there is no DPoP header")?;
    let (signed, signature) = proof.rsplit_once('.').ok_or("the proof is no JWT")?;
    let (header, payload) = signed.split_once('.').ok_or("the proof is no JWT")?;
    let decode = |part: &str| BASE64.decode(part).map_err(|_| "the proof is not Base64");
    let json = |part: &str| -> Result<Value, &'static str> {
        serde_json::from_slice(&decode(part)?).map_err(|_| "the proof is not JSON")
    };
    let (header, payload) = (json(header)?, json(payload)?);
    let jwk = &header["jwk"];
    let is = |value: &Value, text: &str| value.as_str() == Some(text);
    let right = is(&header["typ"], "dpop+jwt")
        && is(&header["alg"], "ES256")
        && is(&jwk["kty"], "EC")
        && is(&jwk["crv"], "P-256")
        && jwk["d"].is_null();
    if !right {
        return Err("the proof's header is another one");
    }
    let (x, y) = (
        jwk["x"].as_str().unwrap_or_default(),
        jwk["y"].as_str().unwrap_or_default(),
    );
    let point = [vec![4], decode(x)?, decode(y)?].concat();
    let key = VerifyingKey::from_sec1_bytes(&point).map_err(|_| "the proof's key is none")?;
    let signature = Signature::from_slice(&decode(signature)?).map_err(|_| "no signature")?;
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_| "the proof's signature is wrong")?;
    let at = payload["iat"].as_i64().unwrap_or_default();
    if (Timestamp::now().as_second() - at).abs() > SKEW {
        return Err("the proof is not of now");
    }
    let url = format!("{}/v1/token", state.base_url);
    if !is(&payload["htm"], "POST") || !is(&payload["htu"], &url) {
        return Err("the proof is for another request");
    }
    let once = payload["jti"].as_str().unwrap_or_default().to_owned();
    if once.len() < 16 || !state.proofs.insert(once) {
        return Err("the proof was used before");
    }
    Ok(thumbprint(x, y))
}

fn thumbprint(x: &str, y: &str) -> String {
    let members = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}");
    BASE64.encode(Sha256::digest(members))
}
