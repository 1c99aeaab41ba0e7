//! Proof that whoever renews a session is who began it: a statement about the one request, signed with
//! the session's key (DPoP, <https://www.rfc-editor.org/rfc/rfc9449>).

use std::fmt;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::json;

/// Puts a proof on every attempt of a request. The key in it is wiped when it is dropped.
pub(super) struct Prover {
    key: SigningKey,
    now: Timestamp,
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover")
    }
}

impl Prover {
    /// `key` is PEM: SEC1, as the AWS CLI writes it, or PKCS#8.
    pub(super) fn new(key: &str, now: Timestamp) -> Result<Self, String> {
        match SecretKey::from_pem(key) {
            Ok(key) => Ok(Self {
                key: SigningKey::from(key),
                now,
            }),
            Err(_) => Err("the session's `dpopKey` is not a private key of P-256".to_owned()),
        }
    }

    /// A proof for a request to `url`, for once.
    fn proof(&self, method: &str, url: &str) -> Result<String, BoxError> {
        let mut once = [0; 16];
        getrandom::fill(&mut once).map_err(|error| error.to_string())?;
        let point = self.key.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: Option<&[u8]>| bytes.map(|bytes| BASE64.encode(bytes));
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": {
                "kty": "EC",
                "crv": "P-256",
                "x": coordinate(point.x().map(|x| x.as_slice())),
                "y": coordinate(point.y().map(|y| y.as_slice())),
            },
        });
        let payload = json!({
            "htm": method,
            "htu": url,
            "iat": self.now.as_second(),
            "jti": uuid(once),
        });
        let part = |part: &serde_json::Value| BASE64.encode(part.to_string());
        let signed = format!("{}.{}", part(&header), part(&payload));
        let signature: Signature = self.key.sign(signed.as_bytes());
        Ok(format!("{signed}.{}", BASE64.encode(signature.to_bytes())))
    }
}

impl Intercept for Prover {
    fn name(&self) -> &'static str {
        "DPoP"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let proof = self.proof(request.method(), request.uri())?;
        request.headers_mut().insert("DPoP", proof);
        Ok(())
    }
}

/// Random bytes in the form of a UUID of version 4, which is what AWS's own clients send.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = |part: &[u8]| -> String { part.iter().map(|b| format!("{b:02x}")).collect() };
    let parts = [0..4, 4..6, 6..8, 8..10, 10..16].map(|range| hex(&bytes[range]));
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::VerifyingKey;
    use p256::ecdsa::signature::Verifier;
    use serde_json::Value;

    use super::*;

    /// Of `aws-config`'s own tests: SEC1 as the AWS CLI writes it.
    const SEC1: &str = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFDZHUzOG1Pzq+6F0mjMlOSp1syN9LRPBuHMoCFXTcXhoAoGCCqGSM49\nAwEHoUQDQgAE9qhj+KtcdHj1kVgwxWWWw++tqoh7H7UHs7oXh8jBbgF47rrYGC+t\ndjiIaHK3dBvvdE7MGj5HsepzLm3Kj91bqA==\n-----END EC PRIVATE KEY-----\n";

    #[test]
    fn a_proof_is_signed_with_the_key_that_it_shows() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let prover = Prover::new(SEC1, now).unwrap();
        let url = "https://us-east-1.signin.aws.amazon.com/v1/token";
        let proof = prover.proof("POST", url).unwrap();
        let parts: Vec<_> = proof.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            panic!("{proof}");
        };
        let decode = |part: &str| BASE64.decode(part).unwrap();
        let json = |part: &str| serde_json::from_slice::<Value>(&decode(part)).unwrap();
        let jwk = &json(header)["jwk"];
        let coordinate = |key: &str| decode(jwk[key].as_str().unwrap());
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let key = VerifyingKey::from_sec1_bytes(&point).unwrap();
        let signature = Signature::from_slice(&decode(signature)).unwrap();
        key.verify(format!("{header}.{payload}").as_bytes(), &signature)
            .unwrap();
        let claims = json(payload);
        assert_eq!(
            (
                claims["htm"].as_str(),
                claims["htu"].as_str(),
                claims["iat"].as_i64()
            ),
            (Some("POST"), Some(url), Some(1_795_428_000))
        );
        assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
        assert_ne!(
            proof,
            prover.proof("POST", url).unwrap(),
            "each is for once"
        );
    }

    #[test]
    fn what_is_no_key_is_said_without_a_word_of_it() {
        let now = Timestamp::UNIX_EPOCH;
        for wrong in [
            "",
            "hunter2",
            "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        ] {
            let error = Prover::new(wrong, now).unwrap_err();
            assert!(error.contains("dpopKey") && !error.contains("hunter2"));
        }
    }

    #[test]
    fn a_uuid_has_its_form() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
