//! Signature Version 4, checked as AWS checks it: the signature is computed anew with the secret
//! of the key that the request names.

use std::time::Instant;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::encoding::{hex, parse_form, percent_encode, value};
use super::http::Request;
use super::state::{AccessKey, State};

/// How far a request's clock may be off, in seconds.
const SKEW: i64 = 15 * 60;

/// Why a caller is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// There is no signature, or not one of this version.
    Unsigned,
    /// Nobody has that key id.
    UnknownKey,
    /// The key is a temporary one and its token is not there or another one's.
    WrongToken,
    /// The key's time is over.
    Expired,
    /// The signature is another one than the secret and the request give.
    WrongSignature,
    /// The request's time is not now.
    Skewed,
}

/// Who signed a request.
pub fn caller(state: &State, request: &Request, service: &str) -> Result<AccessKey, Rejected> {
    let signed = Signed::of_header(request)
        .or_else(|| Signed::of_query(request))
        .ok_or(Rejected::Unsigned)?;
    let scope: Vec<&str> = signed.credential.split('/').collect();
    let [key_id, date, region, named_service, "aws4_request"] = scope[..] else {
        return Err(Rejected::Unsigned);
    };
    let key = state.keys.get(key_id).ok_or(Rejected::UnknownKey)?;
    let known = key.known_from.is_none_or(|from| from <= Instant::now());
    if !known || !key.active {
        return Err(Rejected::UnknownKey);
    }
    if key.session_token != signed.token {
        return Err(Rejected::WrongToken);
    }
    if !signed.time.starts_with(date) || named_service != service {
        return Err(Rejected::WrongSignature);
    }
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let mut signing_key = hmac(format!("AWS4{}", key.secret).as_bytes(), date);
    for part in [region, service, "aws4_request"] {
        signing_key = hmac(&signing_key, part);
    }
    let canonical = signed
        .canonical_request(request)
        .ok_or(Rejected::WrongSignature)?;
    let digest = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{digest}", signed.time);
    if hex(&hmac(&signing_key, &to_sign)) != signed.signature {
        return Err(Rejected::WrongSignature);
    }
    check_time(&signed.time)?;
    match key.expires_at {
        Some(end) if end <= Timestamp::now() => Err(Rejected::Expired),
        _ => Ok(key.clone()),
    }
}

/// A signature's parts, wherever they stood.
struct Signed {
    credential: String,
    headers: Vec<String>,
    signature: String,
    time: String,
    token: Option<String>,
    /// The signature stood in the query, so that the body is none of its business.
    presigned: bool,
}

impl Signed {
    fn of_header(request: &Request) -> Option<Self> {
        let authorization = request.header("authorization")?;
        let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| {
            let mut parts = parts.split(',').map(str::trim);
            parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        Some(Self {
            credential: part("Credential")?.to_owned(),
            headers: part("SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: part("Signature")?.to_owned(),
            time: request.header("x-amz-date")?.to_owned(),
            token: request.header("x-amz-security-token").map(str::to_owned),
            presigned: false,
        })
    }

    fn of_query(request: &Request) -> Option<Self> {
        let query = parse_form(&request.query);
        let part = |name: &str| value(&query, name).map(str::to_owned);
        part("X-Amz-Algorithm").filter(|algorithm| algorithm == "AWS4-HMAC-SHA256")?;
        Some(Self {
            credential: part("X-Amz-Credential")?,
            headers: part("X-Amz-SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: part("X-Amz-Signature")?,
            time: part("X-Amz-Date")?,
            token: part("X-Amz-Security-Token"),
            presigned: true,
        })
    }

    /// The request in the one form that both sides sign; `None` where it breaks a rule.
    fn canonical_request(&self, request: &Request) -> Option<String> {
        let token_is_signed = self.presigned
            || self.token.is_none()
            || self
                .headers
                .iter()
                .any(|name| name == "x-amz-security-token");
        let host_is_signed = self.headers.iter().any(|name| name == "host");
        if !token_is_signed || !host_is_signed {
            return None;
        }
        let mut headers = String::new();
        for name in &self.headers {
            let text = request
                .header(name)?
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            headers.push_str(&format!("{name}:{text}\n"));
        }
        let (method, path) = (&request.method, &request.path);
        let (query, names) = (canonical_query(&request.query), self.headers.join(";"));
        let payload = self.payload_hash(request)?;
        Some(format!(
            "{method}\n{path}\n{query}\n{headers}\n{names}\n{payload}"
        ))
    }

    fn payload_hash(&self, request: &Request) -> Option<String> {
        let actual = hex(&Sha256::digest(&request.body));
        match request.header("x-amz-content-sha256") {
            Some("UNSIGNED-PAYLOAD") => Some("UNSIGNED-PAYLOAD".to_owned()),
            Some(stated) if stated != actual => None,
            _ => Some(actual),
        }
    }
}

fn canonical_query(query: &str) -> String {
    let pairs = parse_form(query);
    let mut pairs: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// `20261123T190738Z` is the one way to write the time.
fn check_time(time: &str) -> Result<(), Rejected> {
    let format = |part: std::ops::Range<usize>| time.get(part).unwrap_or_default();
    let (date, clock) = (
        [format(0..4), format(4..6), format(6..8)].join("-"),
        [format(9..11), format(11..13), format(13..15)].join(":"),
    );
    let time: Timestamp = format!("{date}T{clock}Z")
        .parse()
        .map_err(|_| Rejected::Skewed)?;
    let apart = Timestamp::now().as_second() - time.as_second();
    if apart.abs() > SKEW {
        Err(Rejected::Skewed)
    } else {
        Ok(())
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
