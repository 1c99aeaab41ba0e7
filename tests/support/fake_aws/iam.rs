//! IAM, in its query protocol, for a user's own access keys: two at most, known everywhere only after
//! a while, and nobody's business who comes with a session without MFA.

use std::time::Instant;

use jiff::Timestamp;

use super::encoding::{escape, value};
use super::http::{Answer, Request};
use super::sigv4;
use super::state::{Principal, State};
use super::sts::{error, rejection};

/// `AccessKeysPerUser`
const QUOTA: usize = 2;

pub fn perform(action: &str, state: &mut State, request: &Request) -> Answer {
    let caller = match sigv4::caller(state, request, "iam") {
        Ok(caller) => caller.principal,
        Err(rejected) => return rejection(rejected),
    };
    let user = match own_user(state, action, &caller) {
        Ok(user) => user,
        Err(refusal) => return refusal,
    };
    let parameters = request.parameters();
    let result = match action {
        "ListAccessKeys" => Ok(list(state, &user)),
        "CreateAccessKey" => create(state, &user),
        "DeleteAccessKey" => {
            let id = value(&parameters, "AccessKeyId").unwrap_or_default();
            delete(state, &user, id)
        }
        _ => Err(error(400, "InvalidAction", "Could not find operation")),
    };
    result.unwrap_or_else(|refusal| refusal)
}

type User = (String, String);

/// Whose keys are meant where no name is given: those of the user who signs.
fn own_user(state: &State, action: &str, caller: &Principal) -> Result<User, Answer> {
    let Principal::User {
        account,
        name,
        session,
        mfa,
    } = caller
    else {
        let message = "Must specify userName when calling with non-User credentials";
        return Err(error(400, "ValidationError", message));
    };
    if *session && !*mfa {
        let message = "The security token included in the request is invalid";
        return Err(error(403, "InvalidClientTokenId", message));
    }
    let denied = state.behaviour.iam_denies.contains(&action);
    if denied || (state.behaviour.iam_wants_mfa && !*mfa) {
        let arn = caller.arn();
        let message = format!(
            "User: {arn} is not authorized to perform: iam:{action} on resource: user {name} \
             because no identity-based policy allows the iam:{action} action"
        );
        return Err(error(403, "AccessDenied", &message));
    }
    Ok((account.clone(), name.clone()))
}

fn answered(action: &str, result: &str) -> Answer {
    let body = format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{result}\
         <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId>\
         </ResponseMetadata></{action}Response>"
    );
    Answer::new(200, "text/xml", &body)
}

fn list(state: &State, (account, name): &User) -> Answer {
    let members = state.keys_of(account, name).into_iter().map(|id| {
        let key = &state.keys[&id];
        let status = if key.active { "Active" } else { "Inactive" };
        format!(
            "<member><UserName>{}</UserName><AccessKeyId>{id}</AccessKeyId>\
             <Status>{status}</Status><CreateDate>{:.0}</CreateDate></member>",
            escape(name),
            key.created_at
        )
    });
    let members: String = members.collect();
    answered(
        "ListAccessKeys",
        &format!(
            "<ListAccessKeysResult><AccessKeyMetadata>{members}</AccessKeyMetadata>\
             <IsTruncated>false</IsTruncated></ListAccessKeysResult>"
        ),
    )
}

fn create(state: &mut State, (account, name): &User) -> Result<Answer, Answer> {
    if state.keys_of(account, name).len() >= QUOTA {
        let message = format!("Cannot exceed quota for AccessKeysPerUser: {QUOTA}");
        return Err(error(409, "LimitExceeded", &message));
    }
    let made = state.add_user_key(account, name);
    let known_from = Instant::now() + state.behaviour.key_propagation;
    if let Some(key) = state.keys.get_mut(&made.id) {
        key.known_from = Some(known_from);
    }
    Ok(answered(
        "CreateAccessKey",
        &format!(
            "<CreateAccessKeyResult><AccessKey><UserName>{}</UserName>\
             <AccessKeyId>{}</AccessKeyId><Status>Active</Status>\
             <SecretAccessKey>{}</SecretAccessKey><CreateDate>{:.0}</CreateDate></AccessKey>\
             </CreateAccessKeyResult>",
            escape(name),
            made.id,
            escape(&made.secret),
            Timestamp::now()
        ),
    ))
}

fn delete(state: &mut State, (account, name): &User, id: &str) -> Result<Answer, Answer> {
    if !state.keys_of(account, name).iter().any(|own| own == id) {
        let message = format!("The Access Key with id {id} cannot be found.");
        return Err(error(404, "NoSuchEntity", &message));
    }
    // Sessions that were got with it go on: AWS revokes none.
    state.keys.remove(id);
    Ok(answered("DeleteAccessKey", ""))
}
