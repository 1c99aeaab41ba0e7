//! The metadata service of an EC2 instance, version 2, as far as a client needs it for credentials and a
//! region: for programs that know nothing else
//! (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>).
//!
//! A client of it brings no secret that it was given beforehand: the token is whoever's asks. So what can
//! be refused is what comes from elsewhere (another host's name, a proxy, version 1) and, where the system
//! says whose a connection is, what comes from another user.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use sha2::Sha256;

use super::{Fetch, Refused, document, fetch_apart, refuse};
use crate::credentials::{Credentials, Secret};
use crate::deliver::environment::rfc3339;
use crate::loopback::{Answer, Loopback, OWNERS_ARE_KNOWN, Owner, owner};

const TOKEN: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/iam/security-credentials";
const REGION: &str = "/latest/meta-data/placement/region";
const ZONE: &str = "/latest/meta-data/placement/availability-zone";
const IDENTITY: &str = "/latest/dynamic/instance-identity/document";

const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
/// What a proxy adds. AWS's service refuses it as well.
const FORWARDED: &str = "x-forwarded-for";

/// Six hours, AWS's own limit.
const LONGEST_TTL: i64 = 21_600;

/// One profile, as an instance's role.
pub(super) struct Imds {
    pub(super) address: SocketAddr,
    pub(super) profile: String,
    pub(super) region: Option<String>,
    pub(super) fetch: Fetch,
    pub(super) clock: fn() -> Timestamp,
    /// What the tokens are made with, so that none has to be kept.
    pub(super) key: Secret<String>,
}

impl Imds {
    pub(super) async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Answer {
        let path = request.uri().path().to_owned();
        let answer = match self.admit(&request) {
            Err((status, why)) => refuse(status, "Refused", why),
            Ok(()) if path == TOKEN => self.token(&request, client).await,
            Ok(()) => self.metadata(&path).await,
        };
        let status = answer.status().as_u16();
        tracing::info!(path, status, "asked for metadata");
        answer
    }

    /// Whether it is answered at all.
    fn admit<B>(&self, request: &Request<B>) -> Result<(), (StatusCode, &'static str)> {
        if !Loopback::is_meant(self.address, request) {
            return Err((
                StatusCode::FORBIDDEN,
                "the request is meant for another host",
            ));
        }
        if request.headers().contains_key(FORWARDED) {
            return Err((StatusCode::FORBIDDEN, "the request comes through a proxy"));
        }
        let method = if request.uri().path() == TOKEN {
            Method::PUT
        } else {
            Method::GET
        };
        if request.method() != method {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "the method is not allowed here",
            ));
        }
        if method == Method::GET && !self.shows_token(request) {
            return Err((
                StatusCode::UNAUTHORIZED,
                "the token is missing, wrong, or has ended",
            ));
        }
        Ok(())
    }

    /// Given to the user's own programs alone; who shows it need not be looked up again, which takes the
    /// kernel some milliseconds.
    async fn token(&self, request: &Request<Incoming>, client: SocketAddr) -> Answer {
        let wished = request.headers().get(TTL_HEADER);
        let wished = wished.and_then(|ttl| ttl.to_str().ok()?.parse().ok());
        let Some(ttl @ 1..=LONGEST_TTL) = wished else {
            let why = "the token's time is to be 1 to 21600 seconds";
            return refuse(StatusCode::BAD_REQUEST, "Refused", why);
        };
        let server = self.address;
        let own = tokio::task::spawn_blocking(move || is_own(client, server)).await;
        if !own.unwrap_or(false) {
            let why = "the request is another user's";
            return refuse(StatusCode::FORBIDDEN, "Refused", why);
        }
        let end = (self.clock)().as_second() + ttl;
        let mut token = end.to_be_bytes().to_vec();
        token.extend(self.proof(end).finalize().into_bytes());
        let mut answer = text(BASE64_URL_SAFE_NO_PAD.encode(token));
        answer.headers_mut().insert(TTL_HEADER, ttl.into());
        answer
    }

    fn shows_token<B>(&self, request: &Request<B>) -> bool {
        let shown = request.headers().get(TOKEN_HEADER);
        let shown = shown.and_then(|token| BASE64_URL_SAFE_NO_PAD.decode(token.as_bytes()).ok());
        let Some((end, proof)) = shown.as_deref().and_then(<[u8]>::split_first_chunk) else {
            return false;
        };
        let end = i64::from_be_bytes(*end);
        // The library compares in constant time.
        self.proof(end).verify_slice(proof).is_ok() && end > (self.clock)().as_second()
    }

    fn proof(&self, end: i64) -> Hmac<Sha256> {
        let key = self.key.expose().as_bytes();
        let mut proof = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
        proof.update(&end.to_be_bytes());
        proof
    }

    async fn metadata(&self, path: &str) -> Answer {
        // Some clients ask for a leaf as if it were a folder, and are answered all the same.
        let path = path.strip_suffix('/').unwrap_or(path);
        let role = self.role();
        if path == ROLES {
            return text(role);
        }
        let asked = path.strip_prefix(ROLES);
        if asked.and_then(|asked| asked.strip_prefix('/')) == Some(role.as_str()) {
            return self.credentials().await;
        }
        match (path, &self.region) {
            (REGION, Some(region)) => text(region.clone()),
            // Older clients take the region from the zone's name.
            (ZONE, Some(region)) => text(format!("{region}a")),
            (IDENTITY, Some(region)) => document(StatusCode::OK, &json!({ "region": region })),
            _ => nothing(),
        }
    }

    /// The profile's name, in the letters that a path has.
    fn role(&self) -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let letters = self.profile.chars();
        letters.map(|c| if allowed(c) { c } else { '-' }).collect()
    }

    /// The service says in the document, and not by the status, that a role gives no credentials.
    async fn credentials(&self) -> Answer {
        let fetched = fetch_apart(&self.fetch, self.profile.clone()).await;
        let now = rfc3339((self.clock)());
        let value = match fetched {
            Ok(credentials) => instance_document(&credentials, &now),
            Err(Refused { by_person, message }) => json!({
                "Code": super::code(by_person),
                "Message": message,
                "LastUpdated": now,
            }),
        };
        document(StatusCode::OK, &value)
    }
}

/// Whether the user who runs vault holds the client's end; where no system says it, it counts as theirs.
fn is_own(client: SocketAddr, server: SocketAddr) -> bool {
    match owner(client, server) {
        Owner::Own => true,
        Owner::Unknown => !OWNERS_ARE_KNOWN,
        Owner::Root | Owner::Another => false,
    }
}

fn instance_document(credentials: &Credentials, now: &str) -> serde_json::Value {
    let token = credentials.session_token.as_ref();
    json!({
        "Code": "Success",
        "LastUpdated": now,
        "Type": "AWS-HMAC",
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "Token": token.map(|token| token.expose().as_str()),
        "Expiration": credentials.expires_at.map(rfc3339),
    })
}

fn nothing() -> Answer {
    refuse(
        StatusCode::NOT_FOUND,
        "Refused",
        "there is nothing of that name",
    )
}

fn text(text: String) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let plain = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
