//! The pages that a browser comes to: the verification page of a device authorization, and
//! `/authorize` of the authorization-code flow.

use super::encoding::{escape, percent_encode, value};
use super::http::{Answer, Request};
use super::oidc;
use super::state::{Decision, State};

/// The verification page: asks, and takes the answer.
pub fn device(state: &mut State, request: &Request) -> Answer {
    let parameters = request.parameters();
    let Some(user_code) = value(&parameters, "user_code") else {
        return page(
            200,
            "<form>Code: <input name=user_code> <button>Next</button></form>",
        );
    };
    match decision(state, request, &parameters) {
        Decision::Pending => ask("/device", &parameters),
        decided if state.decide(user_code, decided) => done(decided),
        _ => page(400, "<p>There is no such code.</p>"),
    }
}

/// The authorization-code flow's page. What is wrong with the client or with where to send the
/// answer is shown here and never redirected.
pub fn authorize(state: &mut State, request: &Request) -> Answer {
    let parameters = request.parameters();
    let wanted = match Wanted::of(state, &parameters) {
        Ok(wanted) => wanted,
        Err(reason) => return page(400, &format!("<p>{}</p>", escape(reason))),
    };
    let outcome = match decision(state, request, &parameters) {
        Decision::Pending => return ask("/authorize", &parameters),
        Decision::Denied => "error=access_denied".to_owned(),
        Decision::Allowed => {
            let code = oidc::new_code(
                state,
                wanted.client_id,
                wanted.redirect_uri,
                wanted.challenge,
            );
            format!("code={}", percent_encode(&code))
        }
    };
    let state_text = percent_encode(wanted.state);
    Answer::redirect(&format!(
        "{}?{outcome}&state={state_text}",
        wanted.redirect_uri
    ))
}

/// What `/authorize` was asked, once it is known to be in order.
struct Wanted<'a> {
    client_id: &'a str,
    redirect_uri: &'a str,
    challenge: &'a str,
    state: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(state: &State, parameters: &'a [(String, String)]) -> Result<Self, &'static str> {
        let get = |name| value(parameters, name).unwrap_or_default();
        let wanted = Self {
            client_id: get("client_id"),
            redirect_uri: get("redirect_uri"),
            challenge: get("code_challenge"),
            state: get("state"),
        };
        let client = state.registrations.get(wanted.client_id);
        let client = client.ok_or("invalid_client: the client is not known")?;
        let bare = oidc::loopback(wanted.redirect_uri).ok_or("invalid_redirect_uri")?;
        let mut registered = client
            .redirect_uris
            .iter()
            .filter_map(|uri| oidc::loopback(uri));
        if !registered.any(|uri| uri == bare) {
            return Err("invalid_redirect_uri: the redirect URI is not registered");
        }
        // The challenge is a SHA-256 in base64url: 43 characters.
        let sound = get("response_type") == "code"
            && get("code_challenge_method") == "S256"
            && wanted.challenge.len() == 43
            && !wanted.state.is_empty();
        sound.then_some(wanted).ok_or("invalid_request")
    }
}

/// What the buttons, or the visit alone, decided.
fn decision(state: &State, request: &Request, parameters: &[(String, String)]) -> Decision {
    match value(parameters, "decision").filter(|_| request.method == "POST") {
        Some("allow") => Decision::Allowed,
        Some(_) => Decision::Denied,
        None => oidc::decision_of(state.behaviour.visit),
    }
}

/// Two buttons, which say again all that was asked.
fn ask(action: &str, parameters: &[(String, String)]) -> Answer {
    let hidden = |(name, value): &(String, String)| {
        let (name, value) = (escape(name), escape(value));
        format!("<input type=hidden name=\"{name}\" value=\"{value}\">")
    };
    let hidden: String = parameters.iter().map(hidden).collect();
    let code = value(parameters, "user_code")
        .map(escape)
        .unwrap_or_default();
    let form = format!(
        "<p>{code}</p><form method=post action={action}>{hidden}\
         <button name=decision value=allow>Allow</button> \
         <button name=decision value=deny>Deny</button></form>"
    );
    page(200, &form)
}

fn done(decision: Decision) -> Answer {
    let words = match decision {
        Decision::Allowed => "Request approved. You can close this window.",
        _ => "Request denied.",
    };
    page(200, &format!("<p>{words}</p>"))
}

fn page(status: u16, body: &str) -> Answer {
    let title = "<!DOCTYPE html><meta charset=utf-8><title>Fake AWS</title><h1>Fake AWS</h1>";
    Answer::html(status, &format!("{title}{body}\n"))
}
