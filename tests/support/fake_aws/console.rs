//! The console's federation endpoint: credentials for a sign-in token, and the sign-in itself.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::encoding::value;
use super::http::{Answer, Request};
use super::state::{Principal, State};

/// How long a sign-in token is good.
const TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

/// Refuses what AWS would take and we would not want: a secret in a URL.
pub fn get_signin_token(state: &mut State, request: &Request) -> Answer {
    if request.method != "POST" || !request.query.is_empty() {
        return Answer::html(405, "a session in a URL ends up in logs: POST it\n");
    }
    let parameters = request.parameters();
    let session = value(&parameters, "Session").unwrap_or_default();
    let session: Value = serde_json::from_str(session).unwrap_or(Value::Null);
    let part = |name: &str| session[name].as_str();
    let key = part("sessionId").and_then(|id| state.keys.get(id));
    let Some(key) = key.filter(|key| {
        part("sessionKey") == Some(&key.secret)
            && key.session_token.is_some()
            && part("sessionToken") == key.session_token.as_deref()
    }) else {
        return Answer::html(400, "the session is not valid\n");
    };
    if key.expires_at.is_some_and(|end| end <= Timestamp::now()) {
        return Answer::html(400, "the session has expired\n");
    }
    if matches!(key.principal, Principal::User { .. }) {
        return Answer::html(400, "a user's session cannot be federated\n");
    }
    if let Some(wish) = value(&parameters, "SessionDuration") {
        let longest = match &key.principal {
            // Federated users have the length that they were made with.
            Principal::Federated { .. } | Principal::User { .. } => None,
            Principal::Role { chained: true, .. } => None,
            Principal::Role { name, .. } => Some(longest(state, name)),
        };
        let wish = wish.parse::<u64>().unwrap_or_default();
        if !longest.is_some_and(|longest| (900..=longest.as_secs()).contains(&wish)) {
            return Answer::html(400, "SessionDuration is wrong\n");
        }
    }
    let token = state.mint("VCQgs5qZZt3Q", 400);
    let end = Timestamp::now() + TOKEN_LIFE;
    state.signin_tokens.insert(token.clone(), end);
    Answer::json(&json!({ "SigninToken": token }))
}

/// A role's own limit; that of a permission set is 12 h here.
fn longest(state: &State, role: &str) -> Duration {
    let mut roles = state.behaviour.roles.iter();
    let known = roles.find(|known| known.arn.rsplit('/').next() == Some(role));
    known.map_or(Duration::from_hours(12), |known| known.longest)
}

/// Where the browser goes with the token: on to its destination.
pub fn login(state: &mut State, request: &Request) -> Answer {
    let parameters = request.parameters();
    let token = value(&parameters, "SigninToken").unwrap_or_default();
    let end = state.signin_tokens.get(token);
    if end.is_none_or(|end| *end <= Timestamp::now()) {
        return Answer::html(400, "the sign-in token is not valid\n");
    }
    match value(&parameters, "Destination") {
        // The console itself is not here, so the way ends with its address.
        Some(destination) => Answer::html(200, &format!("signed in to {destination}\n")),
        None => Answer::html(400, "Destination is missing\n"),
    }
}
