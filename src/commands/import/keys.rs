//! Long-lived keys as aws-vault and Granted keep them: the JSON of the AWS SDKs for Go.

use serde::Deserialize;

use crate::credentials::{LongLivedKey, Secret};
use crate::error::{Error, Kind};

/// `credentials.Value` of the SDK's first version, `aws.Credentials` of its second.
#[derive(Deserialize)]
struct Kept {
    #[serde(rename = "AccessKeyID")]
    id: String,
    #[serde(rename = "SecretAccessKey")]
    secret: String,
    #[serde(rename = "SessionToken", default)]
    token: String,
}

/// The key in what was kept as `name`.
pub(super) fn read_key(name: &str, kept: &Secret<Vec<u8>>) -> Result<LongLivedKey, Error> {
    // The parser's own words might quote a part of the secret.
    let Ok(kept) = serde_json::from_slice::<Kept>(kept.expose()) else {
        let message = format!("what is kept as `{name}` is no access key");
        return Err(Error::new(Kind::Failed, message));
    };
    let (secret, token) = (Secret::new(kept.secret), Secret::new(kept.token));
    if !token.expose().is_empty() {
        let message = format!("what is kept as `{name}` is a temporary key, which ends by itself");
        return Err(Error::new(Kind::Failed, message));
    }
    Ok(LongLivedKey {
        access_key_id: kept.id,
        secret_access_key: secret,
    })
}

/// Whether aws-vault keeps something else than a long-lived key under that name: a session or the token
/// of a sign-in.
pub(super) fn is_passing(name: &str) -> bool {
    let parts: Vec<&str> = name.split(',').collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // `sts.GetSessionToken,<profile>,<MFA device>,<end>`, the middle two in Base64.
    let session = matches!(parts[..], [kind, profile, _, end] if !kind.is_empty() && !profile.is_empty() && is_number(end));
    // What sessions were called in older versions.
    let old = name.starts_with("session:") || (name.ends_with(')') && name.contains(" session ("));
    session || old || name.starts_with("oidc:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<String, String> {
        let key = read_key("jo", &Secret::new(text.as_bytes().to_vec()));
        key.map(|key| format!("{} {}", key.access_key_id, key.secret_access_key.expose()))
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn keys_of_both_sdks_are_read() {
        let first =
            r#"{"AccessKeyID":"AKIA1","SecretAccessKey":"s","SessionToken":"","ProviderName":""}"#;
        let second = r#"{"AccessKeyID":"AKIA1","SecretAccessKey":"s","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z","AccountID":""}"#;
        for text in [first, second] {
            assert_eq!(key(text).as_deref(), Ok("AKIA1 s"));
        }
        let temporary = first.replace(r#""SessionToken":"""#, r#""SessionToken":"t""#);
        assert!(key(&temporary).unwrap_err().contains("temporary"));
        let nothing = key("hunter2").unwrap_err();
        assert_eq!(nothing, "what is kept as `jo` is no access key");
    }

    #[test]
    fn sessions_are_told_from_keys() {
        for name in [
            "sts.GetSessionToken,d29yaw,,1700000000",
            "sts.AssumeRole,d29yaw,YXJuOmF3cw,1700000000",
            "session,d29yaw,,1700000000",
            "session:jo:arn:1700000000",
            "jo session (1700000000)",
            "oidc:https://corp.awsapps.com/start",
        ] {
            assert!(is_passing(name), "{name}");
        }
        for name in ["jo", "a,b", "team/ops", "session", "a,b,c,d", "jo (work)"] {
            assert!(!is_passing(name), "{name}");
        }
    }
}
