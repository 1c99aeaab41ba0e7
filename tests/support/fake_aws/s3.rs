//! S3, as far as listing buckets: the proof that credentials work, and whose they are.

use super::encoding::escape;
use super::http::{Answer, Request};
use super::sigv4::{self, Rejected};
use super::state::State;

/// The caller's two buckets, named after its account and role.
pub fn list_buckets(state: &State, request: &Request) -> Answer {
    let caller = match sigv4::caller(state, request, "s3") {
        Ok(caller) => caller.principal,
        Err(rejected) => return rejection(rejected),
    };
    let name = caller.name();
    // The role that Identity Center makes for a permission set is named after it.
    let role = name.strip_prefix("AWSReservedSSO_").map_or(name, |rest| {
        rest.rsplit_once('_').map_or(rest, |(role, _)| role)
    });
    let prefix = format!("{}-{}", caller.account(), role.to_lowercase());
    let bucket = |kind: &str| {
        let name = escape(&format!("{prefix}-{kind}"));
        format!(
            "<Bucket><Name>{name}</Name><CreationDate>2026-01-02T03:04:05.000Z</CreationDate></Bucket>"
        )
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Owner><ID>owner</ID></Owner><Buckets>{}{}</Buckets></ListAllMyBucketsResult>",
        bucket("data"),
        bucket("logs")
    );
    Answer::new(200, "application/xml", &body)
}

/// An error in S3's manner.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    let message = escape(message);
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer::new(status, "application/xml", &body)
}

fn rejection(rejected: Rejected) -> Answer {
    match rejected {
        Rejected::Unsigned => error(403, "AccessDenied", "Access Denied"),
        Rejected::UnknownKey => error(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        Rejected::WrongToken => error(400, "InvalidToken", "The provided token is malformed."),
        Rejected::Expired => error(400, "ExpiredToken", "The provided token has expired."),
        Rejected::WrongSignature => error(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        ),
        Rejected::Skewed => error(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the server's time is too large.",
        ),
    }
}
