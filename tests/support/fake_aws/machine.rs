//! What a machine on AWS has for its programs: an instance's metadata service, by IMDSv2 alone, and a
//! container's credentials endpoint.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::http::{Answer, Request};
use super::state::{Principal, State};

/// Where the roles are.
pub const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
/// In 555555555555, as the instance and the container are.
const ACCOUNT: &str = "555555555555";
const LIFE: Duration = Duration::from_secs(6 * 3600);

pub fn instance_token(state: &mut State, request: &Request) -> Answer {
    let seconds = request.header("x-aws-ec2-metadata-token-ttl-seconds");
    let seconds = seconds.and_then(|text| text.parse::<u64>().ok());
    match seconds {
        Some(seconds @ 1..=21_600) => {
            let token = state.mint("AQAEA", 50);
            let end = Timestamp::now() + Duration::from_secs(seconds);
            state.instance_tokens.insert(token.clone(), end);
            Answer::new(200, "text/plain", &token)
        }
        _ => Answer::new(400, "text/html", "Bad Request"),
    }
}

pub fn instance_roles(state: &State, request: &Request) -> Answer {
    if let Some(refusal) = without_token(state, request) {
        return refusal;
    }
    match &state.behaviour.instance_role {
        Some(role) => Answer::new(200, "text/plain", role),
        None => Answer::new(404, "text/html", "Not Found"),
    }
}

pub fn instance_credentials(state: &mut State, request: &Request) -> Answer {
    if let Some(refusal) = without_token(state, request) {
        return refusal;
    }
    let asked = request.path.strip_prefix(ROLES).unwrap_or_default();
    match state.behaviour.instance_role.clone() {
        Some(role) if role == asked => credentials(state, &role, "i-0123456789abcdef0"),
        _ => Answer::new(404, "text/html", "Not Found"),
    }
}

fn without_token(state: &State, request: &Request) -> Option<Answer> {
    let token = request
        .header("x-aws-ec2-metadata-token")
        .unwrap_or_default();
    let end = state.instance_tokens.get(token);
    end.is_none_or(|end| *end <= Timestamp::now())
        .then(|| Answer::new(401, "text/html", "Unauthorized"))
}

pub fn container_credentials(state: &mut State, request: &Request) -> Answer {
    let wanted = state.behaviour.container_token.clone();
    if wanted.as_deref() != request.header("authorization") {
        let body = json!({ "code": "AccessDenied", "message": "the token is not the right one" });
        return Answer::new(401, "application/json", &body.to_string());
    }
    credentials(state, "Task", "container")
}

fn credentials(state: &mut State, role: &str, session: &str) -> Answer {
    let principal = Principal::Role {
        account: ACCOUNT.to_owned(),
        name: role.to_owned(),
        session: session.to_owned(),
        chained: false,
    };
    let (id, key) = state.add_key(principal, Some(LIFE));
    let end = key.expires_at.unwrap_or(Timestamp::UNIX_EPOCH);
    Answer::json(&json!({
        "Code": "Success",
        "Type": "AWS-HMAC",
        "AccessKeyId": id,
        "SecretAccessKey": key.secret,
        "Token": key.session_token,
        "Expiration": format!("{end:.0}"),
    }))
}
