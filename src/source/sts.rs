//! The Security Token Service: roles assumed with credentials that are there already
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::Client;
use aws_sdk_sts::types::Tag;
use jiff::Timestamp;

use super::SourceError;
use super::transport::{Retry, Transport, failure, server};
use crate::credentials::{Credentials, Secret};

/// Everything that `AssumeRole` is asked with.
#[derive(Clone, Debug)]
pub struct RoleRequest<'a> {
    /// The role.
    pub role_arn: &'a str,
    /// How the session shows in CloudTrail.
    pub session_name: &'a str,
    /// What the role's owner asks third parties to say.
    pub external_id: Option<&'a str>,
    /// Who is behind the session, for CloudTrail.
    pub source_identity: Option<&'a str>,
    /// The session's tags.
    pub tags: &'a [(String, String)],
    /// Those that go on to the next role in a chain.
    pub transitive_tags: &'a [String],
    /// How long, in seconds; without it, an hour.
    pub duration_seconds: Option<i32>,
}

/// Assumes a role with `credentials`.
///
/// # Errors
///
/// [`SourceError::Forbidden`] where the role does not let them.
pub fn assume_role(
    transport: &Transport,
    region: &str,
    endpoint: Option<&str>,
    credentials: &Credentials,
    request: &RoleRequest<'_>,
    now: Timestamp,
) -> Result<Credentials, SourceError> {
    const OPERATION: &str = "AssumeRole";
    let server = server(endpoint, "STS", region);
    let config = transport
        .sdk_config(region, endpoint)
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(signing(credentials)))
        .build();
    let config = aws_sdk_sts::config::Builder::from(&config).retry_classifier(Retry);
    let call = Client::from_conf(config.build())
        .assume_role()
        .role_arn(request.role_arn)
        .role_session_name(request.session_name)
        .set_external_id(request.external_id.map(str::to_owned))
        .set_source_identity(request.source_identity.map(str::to_owned))
        .set_tags(tags(request.tags))
        .set_transitive_tag_keys(some(request.transitive_tags.to_vec()))
        .set_duration_seconds(request.duration_seconds);
    let answer = transport
        .run(call.send())
        .map_err(|error| failure(OPERATION, &server, &error))?;
    let nonsense = |what: &str| SourceError::Nonsense {
        operation: OPERATION,
        server: server.clone(),
        what: what.to_owned(),
    };
    let given = answer
        .credentials
        .ok_or_else(|| nonsense("it has no Credentials"))?;
    let expires_at = Timestamp::from_second(given.expiration.secs())
        .ok()
        .filter(|end| *end > now)
        .ok_or_else(|| nonsense("its Expiration is no time to come"))?;
    Ok(Credentials {
        access_key_id: given.access_key_id,
        secret_access_key: Secret::new(given.secret_access_key),
        session_token: Some(Secret::new(given.session_token)),
        expires_at: Some(expires_at),
    })
}

fn tags(tags: &[(String, String)]) -> Option<Vec<Tag>> {
    // A tag with key and value is complete: building one can't fail.
    let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build().ok();
    some(tags.iter().filter_map(tag).collect())
}

/// An empty list is left out of the request.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Our credentials as the SDK signs with them.
fn signing(credentials: &Credentials) -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.expose(),
        credentials
            .session_token
            .as_ref()
            .map(|token| token.expose().clone()),
        None,
        "vault",
    )
}
