//! `sso`, the portal: accounts, roles and role credentials for a bearer of an access token.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::behaviour::Account;
use super::encoding::{parse_form, value};
use super::http::{Answer, Request};
use super::state::{Principal, State};

const SECOND: Duration = Duration::from_secs(1);

pub fn get_role_credentials(state: &mut State, request: &Request) -> Answer {
    if let Err(refusal) = admit(state, request) {
        return refusal;
    }
    let parameters = parse_form(&request.query);
    let account = match account(state, &parameters) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let role = value(&parameters, "role_name").unwrap_or_default();
    if !account.roles.iter().any(|assigned| assigned == role) {
        return Answer::aws_error(403, "ForbiddenException", "No access");
    }
    let principal = Principal::Role {
        account: account.id,
        name: format!("AWSReservedSSO_{role}_0123456789abcdef"),
        session: "alice".to_owned(),
        chained: false,
    };
    let life = state.behaviour.role_credentials_life;
    let (id, key) = state.add_key(principal, Some(life));
    let expires_at = key.expires_at.unwrap_or(Timestamp::UNIX_EPOCH);
    Answer::json(&json!({ "roleCredentials": {
        "accessKeyId": id,
        "secretAccessKey": key.secret,
        "sessionToken": key.session_token,
        "expiration": expires_at.as_millisecond(),
    }}))
}

pub fn list_accounts(state: &mut State, request: &Request) -> Answer {
    if let Err(refusal) = admit(state, request) {
        return refusal;
    }
    let of = |account: &Account| {
        let mut item = json!({ "accountId": account.id });
        if let Some(name) = &account.name {
            item["accountName"] = name.as_str().into();
        }
        if let Some(email) = &account.email {
            item["emailAddress"] = email.as_str().into();
        }
        item
    };
    let accounts = state.behaviour.accounts.iter().map(of).collect();
    page(state, request, "accountList", accounts)
}

pub fn list_account_roles(state: &mut State, request: &Request) -> Answer {
    if let Err(refusal) = admit(state, request) {
        return refusal;
    }
    let account = match account(state, &parse_form(&request.query)) {
        Ok(account) => account,
        Err(refusal) => return refusal,
    };
    let of = |role: &String| json!({ "roleName": role, "accountId": account.id });
    let roles = account.roles.iter().map(of).collect();
    page(state, request, "roleList", roles)
}

/// Ends the session that the access token is of: all its tokens are dead, and those of no other session.
pub fn logout(state: &mut State, request: &Request) -> Answer {
    if let Err(refusal) = admit(state, request) {
        return refusal;
    }
    let ended = state.sessions.get(bearer(request)).copied();
    let sessions = &state.sessions;
    let lives_on = |token: &str| sessions.get(token).copied() != ended;
    state.access_tokens.retain(|token, _| lives_on(token));
    state.refresh_tokens.retain(|token, _| lives_on(token));
    Answer::new(200, "application/json", "")
}

fn bearer(request: &Request) -> &str {
    request.header("x-amz-sso_bearer_token").unwrap_or_default()
}

/// Whether the token lives, and has not asked too often.
fn admit(state: &mut State, request: &Request) -> Result<(), Answer> {
    let token = bearer(request);
    let lives = state
        .access_tokens
        .get(token)
        .is_some_and(|end| *end > Timestamp::now());
    if !lives {
        let message = "Session token not found or invalid";
        return Err(Answer::aws_error(401, "UnauthorizedException", message));
    }
    let now = Instant::now();
    let recent = state.portal_requests.entry(token.to_owned()).or_default();
    recent.retain(|then| now.duration_since(*then) < SECOND);
    if recent.len() >= state.behaviour.portal_requests_per_second {
        return Err(Answer::aws_error(
            429,
            "TooManyRequestsException",
            "HTTP 429 Unknown Code",
        ));
    }
    recent.push_back(now);
    Ok(())
}

fn account(state: &State, parameters: &[(String, String)]) -> Result<Account, Answer> {
    let id = value(parameters, "account_id").unwrap_or_default();
    if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "account_id is not an account's id";
        return Err(Answer::aws_error(400, "InvalidRequestException", message));
    }
    let found = state
        .behaviour
        .accounts
        .iter()
        .find(|account| account.id == id);
    let missing = || Answer::aws_error(404, "ResourceNotFoundException", "Account not found");
    found.cloned().ok_or_else(missing)
}

/// One page of a list; the token that leads on is where the next one begins.
fn page(state: &State, request: &Request, list: &str, items: Vec<Value>) -> Answer {
    let parameters = parse_form(&request.query);
    let asked = value(&parameters, "max_result").map_or(Ok(100), str::parse::<usize>);
    let start = value(&parameters, "next_token").map_or(Some(0), page_start);
    let (Ok(asked @ 1..=100), Some(start)) = (asked, start) else {
        let message = "max_result or next_token is wrong";
        return Answer::aws_error(400, "InvalidRequestException", message);
    };
    let size = asked.min(state.behaviour.page_size);
    let end = (start + size).min(items.len());
    let mut answer = json!({ list: items.get(start..end).unwrap_or_default() });
    if end < items.len() {
        answer["nextToken"] = format!("page-{end}").into();
    }
    Answer::json(&answer)
}

fn page_start(token: &str) -> Option<usize> {
    token.strip_prefix("page-")?.parse().ok()
}
