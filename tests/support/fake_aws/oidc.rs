//! `sso-oidc`: client registrations, device authorizations and tokens, with the errors that the
//! real service answers.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::behaviour::{RefreshAnswer, Visit};
use super::http::{Answer, Request};
use super::state::{ACCESS_SCOPE, Code, Decision, Device, Registration, State, random_text};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// A client polls a little early when its timer and the network agree to; that is no offence.
const TOLERANCE: Duration = Duration::from_millis(100);
/// With the scope a token lives an hour, without it a working day.
const LIFE_WITH_SCOPE: Duration = Duration::from_secs(3600);
const LIFE_WITHOUT_SCOPE: Duration = Duration::from_secs(8 * 3600);

/// An error of this service: OAuth's code and words in the body, AWS's type in a header.
pub fn error(code: &str, description: &str) -> Answer {
    let (status, kind) = match code {
        "invalid_client" => (401, "InvalidClientException"),
        "authorization_pending" => (400, "AuthorizationPendingException"),
        "slow_down" => (400, "SlowDownException"),
        "expired_token" => (400, "ExpiredTokenException"),
        "access_denied" => (400, "AccessDeniedException"),
        "invalid_grant" => (400, "InvalidGrantException"),
        "unauthorized_client" => (400, "UnauthorizedClientException"),
        "unsupported_grant_type" => (400, "UnsupportedGrantTypeException"),
        "invalid_redirect_uri" => (400, "InvalidRedirectUriException"),
        "invalid_client_metadata" => (400, "InvalidClientMetadataException"),
        _ => (400, "InvalidRequestException"),
    };
    let body = json!({ "error": code, "error_description": description });
    let mut answer = Answer::json(&body);
    answer.status = status;
    answer.headers.push(("x-amzn-errortype", kind.to_owned()));
    answer
}

pub fn register_client(state: &mut State, request: &Request) -> Answer {
    let body = request.json();
    let (name, kind) = (text(&body, "clientName"), text(&body, "clientType"));
    if name.is_empty() || kind != "public" {
        return error(
            "invalid_client_metadata",
            "clientName, and clientType public, are needed",
        );
    }
    let redirect_uris = texts(&body, "redirectUris");
    if !redirect_uris.iter().all(|uri| loopback(uri).is_some()) {
        return error(
            "invalid_redirect_uri",
            "a redirect URI is not a loopback address",
        );
    }
    let grant_types = texts(&body, "grantTypes");
    let known = ["authorization_code", "refresh_token", DEVICE_GRANT];
    if !grant_types
        .iter()
        .all(|grant| known.contains(&grant.as_str()))
    {
        return error("unsupported_grant_type", "a grant type is not known");
    }
    let issuer = text(&body, "issuerUrl");
    if grant_types.iter().any(|g| g == "authorization_code") && !state.knows_start_url(issuer) {
        return error("invalid_request", "issuerUrl is not known");
    }
    let now = Timestamp::now();
    let registration = Registration {
        // The real one is a JWT of this size; it does not fit every keystore's items.
        secret: state.mint("eyJraWQiOiJrZXktMTU2", 2500),
        expires_at: now + state.behaviour.registration_life,
        scopes: texts(&body, "scopes"),
        grant_types,
        redirect_uris,
    };
    let client_id = format!("client-{}", random_text(22));
    let answer = json!({
        "clientId": client_id,
        "clientSecret": registration.secret,
        "clientIdIssuedAt": now.as_second(),
        "clientSecretExpiresAt": registration.expires_at.as_second(),
    });
    state.registrations.insert(client_id, registration);
    Answer::json(&answer)
}

pub fn start_device_authorization(state: &mut State, request: &Request) -> Answer {
    let body = request.json();
    if let Err(refusal) = authenticate(state, &body, DEVICE_GRANT) {
        return refusal;
    }
    if !state.knows_start_url(text(&body, "startUrl")) {
        return error("invalid_request", "startUrl is not known");
    }
    let code = random_text(8).to_uppercase();
    let user_code = format!("{}-{}", &code[..4], &code[4..]);
    let device_code = state.mint("", 86);
    let life = state.behaviour.device_code_life;
    let page = format!("{}/device", state.base_url);
    let mut answer = json!({
        "deviceCode": device_code,
        "userCode": user_code,
        "verificationUri": page,
        "verificationUriComplete": format!("{page}?user_code={user_code}"),
        "expiresIn": life.as_secs(),
    });
    if let Some(interval) = state.behaviour.interval {
        answer["interval"] = interval.into();
    }
    let device = Device {
        client_id: text(&body, "clientId").to_owned(),
        user_code,
        expires_at: Timestamp::now() + life,
        decision: Decision::Pending,
        polls: 0,
        last_poll: None,
        shortest_gap: state.behaviour.shortest_poll_gap,
    };
    state.devices.insert(device_code, device);
    Answer::json(&answer)
}

pub fn create_token(state: &mut State, request: &Request) -> Answer {
    let body = request.json();
    let grant = text(&body, "grantType");
    let registration = match authenticate(state, &body, grant) {
        Ok(registration) => registration,
        Err(refusal) => return refusal,
    };
    let outcome = match grant {
        DEVICE_GRANT => redeem_device_code(state, &body),
        "authorization_code" => redeem_code(state, &body),
        "refresh_token" => return refresh(state, &body, &registration),
        _ => Err(error(
            "unsupported_grant_type",
            "the grant type is not known",
        )),
    };
    if let Err(refusal) = outcome {
        return refusal;
    }
    let session = state.sessions.len() as u64;
    let refresh_token = new_refresh_token(state, &body, &registration);
    tokens(state, &registration, refresh_token, session)
}

/// Who asks, whether its registration lives, and whether it registered for that grant.
fn authenticate(state: &State, body: &Value, grant: &str) -> Result<Registration, Answer> {
    let dead = || error("invalid_client", "Client is invalid or expired");
    let registration = state
        .registrations
        .get(text(body, "clientId"))
        .ok_or_else(dead)?;
    let secret_fits = registration.secret == text(body, "clientSecret");
    if !secret_fits || registration.expires_at <= Timestamp::now() {
        return Err(dead());
    }
    let grants = &registration.grant_types;
    // A client that named no grant types may do all but the authorization code.
    let allowed = match grants.is_empty() {
        true => grant != "authorization_code",
        false => grants.iter().any(|registered| registered == grant),
    };
    if !allowed {
        let reason = format!("the client did not register for {grant}");
        return Err(error("unauthorized_client", &reason));
    }
    Ok(registration.clone())
}

fn redeem_device_code(state: &mut State, body: &Value) -> Result<(), Answer> {
    let device_code = text(body, "deviceCode");
    let behaviour = &state.behaviour;
    let device = state.devices.get_mut(device_code);
    let device = device.filter(|device| device.client_id == text(body, "clientId"));
    let device = device.ok_or_else(|| error("invalid_grant", "Invalid device code provided"))?;
    if device.expires_at <= Timestamp::now() {
        return Err(error("expired_token", "Device code is expired"));
    }
    let now = Instant::now();
    let last = device.last_poll.replace(now);
    if last.is_some_and(|last| now.duration_since(last) + TOLERANCE < device.shortest_gap) {
        device.shortest_gap += behaviour.slow_down_penalty;
        return Err(error("slow_down", "Slow down"));
    }
    device.polls += 1;
    let enough = behaviour
        .approve_after_polls
        .is_some_and(|polls| device.polls > polls);
    match device.decision {
        Decision::Denied => return Err(error("access_denied", "The person refused")),
        Decision::Pending if !enough => {
            return Err(error("authorization_pending", "Authorization is pending"));
        }
        Decision::Pending | Decision::Allowed => {}
    }
    state.devices.remove(device_code);
    Ok(())
}

fn redeem_code(state: &mut State, body: &Value) -> Result<(), Answer> {
    let invalid = |reason: &str| Err(error("invalid_grant", reason));
    // Taken out at once: a code is good for one try, right or wrong.
    let Some(code) = state.codes.remove(text(body, "code")) else {
        return invalid("Invalid authorization code provided");
    };
    if code.expires_at <= Timestamp::now() {
        return invalid("Authorization code is expired");
    }
    if code.client_id != text(body, "clientId") || code.redirect_uri != text(body, "redirectUri") {
        return invalid("the code was given to another client or redirect URI");
    }
    let digest = Sha256::digest(text(body, "codeVerifier").as_bytes());
    if BASE64_URL_SAFE_NO_PAD.encode(digest) != code.challenge {
        return invalid("the code verifier does not fit the challenge");
    }
    Ok(())
}

fn refresh(state: &mut State, body: &Value, registration: &Registration) -> Answer {
    let old = text(body, "refreshToken");
    let owner = state.refresh_tokens.get(old);
    if owner.is_none_or(|client| client != text(body, "clientId")) {
        return error("invalid_grant", "Invalid refresh token provided");
    }
    let session = state.sessions.get(old).copied().unwrap_or_default();
    match state.behaviour.refresh {
        RefreshAnswer::LeaveOut => tokens(state, registration, None, session),
        RefreshAnswer::Rotate => {
            state.refresh_tokens.remove(old);
            let new = new_refresh_token(state, body, registration);
            tokens(state, registration, new, session)
        }
    }
}

/// Only a client that registered for the scope gets one.
fn new_refresh_token(state: &mut State, body: &Value, client: &Registration) -> Option<String> {
    if !client.scopes.iter().any(|scope| scope == ACCESS_SCOPE) {
        return None;
    }
    let token = state.mint("aorAAAAAG", 700);
    let client_id = text(body, "clientId").to_owned();
    state.refresh_tokens.insert(token.clone(), client_id);
    Some(token)
}

fn tokens(
    state: &mut State,
    client: &Registration,
    refresh_token: Option<String>,
    session: u64,
) -> Answer {
    let with_scope = client.scopes.iter().any(|scope| scope == ACCESS_SCOPE);
    let usual = if with_scope {
        LIFE_WITH_SCOPE
    } else {
        LIFE_WITHOUT_SCOPE
    };
    let life = state.behaviour.access_token_life.unwrap_or(usual);
    let access_token = state.mint("aoaAAAAAG", 600);
    let expires_at = Timestamp::now() + life;
    state.access_tokens.insert(access_token.clone(), expires_at);
    for token in [Some(&access_token), refresh_token.as_ref()] {
        let token = token.cloned();
        state.sessions.extend(token.map(|token| (token, session)));
    }
    let mut answer = json!({
        "accessToken": access_token,
        "tokenType": "Bearer",
        "expiresIn": life.as_secs(),
    });
    if let Some(token) = refresh_token {
        answer["refreshToken"] = token.into();
    }
    Answer::json(&answer)
}

/// Gives out an authorization code for what `/authorize` was asked.
pub fn new_code(state: &mut State, client_id: &str, redirect_uri: &str, challenge: &str) -> String {
    let code = state.mint("eyJhbGciOiJLTVMi", 300);
    let given = Code {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        challenge: challenge.to_owned(),
        expires_at: Timestamp::now() + Duration::from_secs(600),
    };
    state.codes.insert(code.clone(), given);
    code
}

/// A loopback redirect URI without its port, which a client may choose (RFC 8252, section 7.3).
pub fn loopback(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("http://127.0.0.1")?;
    let (port, path) = rest
        .find('/')
        .map_or((rest, "/"), |slash| rest.split_at(slash));
    let digits = port.strip_prefix(':').unwrap_or("0");
    let is_port = port.is_empty() || digits.parse::<u16>().is_ok();
    is_port.then(|| format!("http://127.0.0.1{path}"))
}

/// What a visit alone decides.
pub fn decision_of(visit: Visit) -> Decision {
    match visit {
        Visit::Ask => Decision::Pending,
        Visit::Allow => Decision::Allowed,
        Visit::Deny => Decision::Denied,
    }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

fn texts(body: &Value, name: &str) -> Vec<String> {
    let values = body[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = values.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}
