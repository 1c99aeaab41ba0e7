//! The nouns as they lie in the keystore: JSON. The one place where a secret is written into bytes,
//! and those go into a `Secret` at once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::credentials::{
    AccessToken, ClientRegistration, Credentials, Flow, LongLivedKey, Rotation, Secret,
};

#[derive(Serialize, Deserialize)]
#[serde(remote = "Credentials")]
pub(super) struct StoredCredentials {
    access_key_id: String,
    #[serde(with = "exposed")]
    secret_access_key: Secret<String>,
    #[serde(with = "exposed_option")]
    session_token: Option<Secret<String>>,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LongLivedKey")]
pub(super) struct StoredKey {
    access_key_id: String,
    #[serde(with = "exposed")]
    secret_access_key: Secret<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Rotation")]
pub(super) struct StoredRotation {
    old: String,
    known: Vec<String>,
    #[serde(with = "key_option")]
    new: Option<LongLivedKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AccessToken")]
pub(super) struct StoredToken {
    #[serde(with = "exposed")]
    access_token: Secret<String>,
    #[serde(with = "exposed_option")]
    refresh_token: Option<Secret<String>>,
    expires_at: Timestamp,
    #[serde(with = "flow", default)]
    flow: Flow,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ClientRegistration")]
pub(super) struct StoredRegistration {
    client_id: String,
    #[serde(with = "exposed")]
    client_secret: Secret<String>,
    expires_at: Timestamp,
}

mod flow {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Flow;

    pub(super) fn serialize<S: Serializer>(value: &Flow, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.as_str())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Flow, D::Error> {
        let name = String::deserialize(from)?;
        Flow::parse(&name).ok_or_else(|| serde::de::Error::custom("no flow that is known"))
    }
}

mod key_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{LongLivedKey, StoredKey};

    #[derive(Serialize)]
    struct Written<'a>(#[serde(with = "StoredKey")] &'a LongLivedKey);

    #[derive(Deserialize)]
    struct Read(#[serde(with = "StoredKey")] LongLivedKey);

    pub(super) fn serialize<S: Serializer>(
        value: &Option<LongLivedKey>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Written).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        from: D,
    ) -> Result<Option<LongLivedKey>, D::Error> {
        Ok(Option::<Read>::deserialize(from)?.map(|read| read.0))
    }
}

mod exposed {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Secret;

    pub(super) fn serialize<S: Serializer>(
        value: &Secret<String>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(value.expose())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        from: D,
    ) -> Result<Secret<String>, D::Error> {
        String::deserialize(from).map(Secret::new)
    }
}

mod exposed_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Secret;

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Secret<String>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Secret::expose).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        from: D,
    ) -> Result<Option<Secret<String>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(Secret::new))
    }
}
