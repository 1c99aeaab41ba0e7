//! STS, in its query protocol: forms in, XML out. Every caller but a bearer of a web identity
//! signs, and the signature is checked.

use std::time::Duration;

use jiff::Timestamp;

use super::behaviour::AssumableRole;
use super::encoding::{escape, value};
use super::http::{Answer, Request};
use super::sigv4::{self, Rejected};
use super::state::{AccessKey, Principal, State};

type Parameters = [(String, String)];

/// What a role may last that was assumed with temporary credentials.
const CHAINED_LIMIT: u64 = 3600;

pub fn perform(action: &str, state: &mut State, request: &Request) -> Answer {
    let parameters = request.parameters();
    if action == "AssumeRoleWithWebIdentity" {
        return answered(action, with_web_identity(state, &parameters));
    }
    let caller = match sigv4::caller(state, request, "sts") {
        Ok(caller) => caller.principal,
        Err(rejected) => return rejection(rejected),
    };
    let outcome = match action {
        "GetCallerIdentity" => Ok(identity(&caller)),
        "AssumeRole" => assume_role(state, &parameters, &caller),
        "GetSessionToken" => session_token(state, &parameters, &caller),
        "GetFederationToken" => federation_token(state, &parameters, &caller),
        _ => Err(error(400, "InvalidAction", "Could not find operation")),
    };
    answered(action, outcome)
}

/// An error in STS's manner.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    let message = escape(message);
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
    );
    Answer::new(status, "text/xml", &body)
}

pub fn rejection(rejected: Rejected) -> Answer {
    match rejected {
        Rejected::Unsigned => error(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ),
        Rejected::UnknownKey | Rejected::WrongToken => error(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        ),
        Rejected::Expired => error(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        ),
        Rejected::WrongSignature => error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ),
        Rejected::Skewed => error(403, "SignatureDoesNotMatch", "Signature expired"),
    }
}

fn answered(action: &str, outcome: Result<String, Answer>) -> Answer {
    match outcome {
        Err(refusal) => refusal,
        Ok(result) => Answer::new(
            200,
            "text/xml",
            &format!(
                "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <{action}Result>{result}</{action}Result><ResponseMetadata>\
                 <RequestId>00000000-0000-4000-8000-000000000000</RequestId>\
                 </ResponseMetadata></{action}Response>"
            ),
        ),
    }
}

fn identity(caller: &Principal) -> String {
    let (arn, account) = (escape(&caller.arn()), caller.account());
    format!("<Arn>{arn}</Arn><UserId>AROAFAKE:alice</UserId><Account>{account}</Account>")
}

fn assume_role(
    state: &mut State,
    parameters: &Parameters,
    caller: &Principal,
) -> Result<String, Answer> {
    let role = trusted_role(state, parameters).ok_or_else(|| {
        let arn = value(parameters, "RoleArn").unwrap_or_default();
        denied(&format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            caller.arn()
        ))
    })?;
    let with_mfa = check_mfa(state, parameters)?;
    let session_has_mfa = matches!(caller, Principal::User { mfa: true, .. });
    if role.needs_mfa && !with_mfa && !session_has_mfa {
        return Err(denied(
            "MultiFactorAuthentication is needed to assume the role",
        ));
    }
    let chained = matches!(caller, Principal::Role { .. });
    let seconds = duration(parameters, 3600, role.longest.as_secs())?;
    // Sessions of users count as well, though AWS's pages speak of roles alone.
    let temporary = !matches!(caller, Principal::User { session: false, .. });
    if temporary && seconds > CHAINED_LIMIT {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
             role chaining",
        ));
    }
    let session = session_name(parameters)?;
    Ok(as_role(state, &role, session, chained, seconds))
}

fn with_web_identity(state: &mut State, parameters: &Parameters) -> Result<String, Answer> {
    let token = value(parameters, "WebIdentityToken").unwrap_or_default();
    if !state
        .behaviour
        .web_identity_tokens
        .iter()
        .any(|known| known == token)
    {
        let message = "Couldn't retrieve verification key from your identity provider";
        return Err(error(400, "InvalidIdentityToken", message));
    }
    let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let role = trusted_role(state, parameters).ok_or_else(|| denied(message))?;
    let seconds = duration(parameters, 3600, role.longest.as_secs())?;
    let session = session_name(parameters)?;
    Ok(as_role(state, &role, session, false, seconds))
}

/// The role, where it exists and the external id is the one that it wants.
fn trusted_role(state: &State, parameters: &Parameters) -> Option<AssumableRole> {
    let arn = value(parameters, "RoleArn")?;
    let role = state.behaviour.roles.iter().find(|role| role.arn == arn)?;
    let id = role.external_id.as_deref();
    (id.is_none() || id == value(parameters, "ExternalId")).then(|| role.clone())
}

fn as_role(
    state: &mut State,
    role: &AssumableRole,
    session: &str,
    chained: bool,
    seconds: u64,
) -> String {
    let account = role.arn.split(':').nth(4).unwrap_or_default();
    let name = role.arn.rsplit('/').next().unwrap_or_default();
    let principal = Principal::Role {
        account: account.to_owned(),
        name: name.to_owned(),
        session: session.to_owned(),
        chained,
    };
    let arn = escape(&principal.arn());
    let (id, key) = state.add_key(principal, Some(Duration::from_secs(seconds)));
    format!(
        "{}<AssumedRoleUser><AssumedRoleId>AROAFAKE:{session}</AssumedRoleId><Arn>{arn}</Arn>\
         </AssumedRoleUser>",
        credentials(&id, &key)
    )
}

fn session_token(
    state: &mut State,
    parameters: &Parameters,
    caller: &Principal,
) -> Result<String, Answer> {
    let (account, name) = long_lived_user(caller, "GetSessionToken")?;
    let mfa = check_mfa(state, parameters)?;
    let seconds = duration(parameters, 12 * 3600, 36 * 3600)?;
    let session = Principal::User {
        account,
        name,
        session: true,
        mfa,
    };
    let (id, key) = state.add_key(session, Some(Duration::from_secs(seconds)));
    Ok(credentials(&id, &key))
}

fn federation_token(
    state: &mut State,
    parameters: &Parameters,
    caller: &Principal,
) -> Result<String, Answer> {
    let (account, _) = long_lived_user(caller, "GetFederationToken")?;
    let name = value(parameters, "Name").unwrap_or_default();
    if !(2..=32).contains(&name.len()) || !name.chars().all(is_name_character) {
        return Err(invalid("Value at 'name' failed to satisfy constraint"));
    }
    let seconds = duration(parameters, 12 * 3600, 36 * 3600)?;
    let principal = Principal::Federated {
        account,
        name: name.to_owned(),
    };
    let arn = escape(&principal.arn());
    let (id, key) = state.add_key(principal, Some(Duration::from_secs(seconds)));
    Ok(format!(
        "{}<FederatedUser><FederatedUserId>333333333333:{name}</FederatedUserId><Arn>{arn}</Arn>\
         </FederatedUser>",
        credentials(&id, &key)
    ))
}

/// Account and name of a user whose key is not a session's.
fn long_lived_user(caller: &Principal, action: &str) -> Result<(String, String), Answer> {
    match caller {
        Principal::User {
            account,
            name,
            session: false,
            ..
        } => Ok((account.clone(), name.clone())),
        _ => Err(denied(&format!(
            "Cannot call {action} with session credentials"
        ))),
    }
}

/// Whether an MFA code was given; an error where it is a wrong one. A code is good once.
fn check_mfa(state: &mut State, parameters: &Parameters) -> Result<bool, Answer> {
    let serial = value(parameters, "SerialNumber");
    let code = value(parameters, "TokenCode");
    let (Some(serial), Some(code)) = (serial, code) else {
        return match (serial, code) {
            (None, None) => Ok(false),
            _ => Err(invalid("SerialNumber and TokenCode go together")),
        };
    };
    let right = state
        .behaviour
        .mfa_codes
        .get(serial)
        .is_some_and(|known| known == code);
    if !right {
        let message = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
        return Err(denied(message));
    }
    state.behaviour.mfa_codes.remove(serial);
    Ok(true)
}

fn session_name(parameters: &Parameters) -> Result<&str, Answer> {
    let name = value(parameters, "RoleSessionName").unwrap_or_default();
    if (2..=64).contains(&name.len()) && name.chars().all(is_name_character) {
        return Ok(name);
    }
    Err(invalid(
        "Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [\\w+=,.@-]*",
    ))
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

fn duration(parameters: &Parameters, usual: u64, longest: u64) -> Result<u64, Answer> {
    let Some(text) = value(parameters, "DurationSeconds") else {
        return Ok(usual);
    };
    let seconds = text.parse::<u64>().unwrap_or_default();
    if seconds < 900 {
        return Err(invalid(
            "DurationSeconds must have value greater than or equal to 900",
        ));
    }
    if seconds > longest {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

fn credentials(id: &str, key: &AccessKey) -> String {
    let end = key.expires_at.unwrap_or(Timestamp::UNIX_EPOCH);
    format!(
        "<Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{end:.0}</Expiration></Credentials>",
        escape(&key.secret),
        escape(key.session_token.as_deref().unwrap_or_default())
    )
}

fn denied(message: &str) -> Answer {
    error(403, "AccessDenied", message)
}

fn invalid(message: &str) -> Answer {
    error(400, "ValidationError", message)
}
