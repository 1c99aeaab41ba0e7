//! Identity and Access Management, for a user's own access keys
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>): without a user's
//! name it is asked about the keys of whoever signs.

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::types::StatusType;
use jiff::Timestamp;

use super::SourceError;
use super::sts::signing;
use super::transport::{Retry, Transport, key_failure, server};
use crate::credentials::{Credentials, LongLivedKey, Secret};

/// A key of a user, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserKey {
    /// What names it.
    pub id: String,
    /// Whether AWS accepts it.
    pub active: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// IAM in a region's partition: each has one IAM, and the SDK knows where.
pub struct Iam<'t> {
    transport: &'t Transport,
    region: &'t str,
    endpoint: Option<&'t str>,
}

impl<'t> Iam<'t> {
    /// `endpoint` is where it is, if not where AWS has it.
    pub const fn new(transport: &'t Transport, region: &'t str, endpoint: Option<&'t str>) -> Self {
        Self {
            transport,
            region,
            endpoint,
        }
    }

    /// The keys of the user who signs: two at most.
    ///
    /// # Errors
    ///
    /// [`SourceError::KeyRejected`] where AWS does not know the key that signs.
    pub fn access_keys(&self, credentials: &Credentials) -> Result<Vec<UserKey>, SourceError> {
        let call = self.client(credentials, None).list_access_keys();
        let answer = self
            .transport
            .run(call.send())
            .map_err(|error| key_failure("ListAccessKeys", &self.server(), &error))?;
        let keys = answer.access_key_metadata.into_iter();
        let key = |key: aws_sdk_iam::types::AccessKeyMetadata| {
            let created_at = key.create_date;
            Some(UserKey {
                id: key.access_key_id?,
                active: key.status == Some(StatusType::Active),
                created_at: created_at.and_then(|at| Timestamp::from_second(at.secs()).ok()),
            })
        };
        Ok(keys.filter_map(key).collect())
    }

    /// Makes a key. It is asked for once: what is not answered may have been done.
    ///
    /// # Errors
    ///
    /// [`SourceError::Service`] with `LimitExceeded` where the user has two.
    pub fn create_access_key(
        &self,
        credentials: &Credentials,
    ) -> Result<LongLivedKey, SourceError> {
        const OPERATION: &str = "CreateAccessKey";
        let once = RetryConfig::disabled();
        let call = self.client(credentials, Some(once)).create_access_key();
        let server = self.server();
        let answer = self
            .transport
            .run(call.send())
            .map_err(|error| key_failure(OPERATION, &server, &error))?;
        let key = answer.access_key.ok_or(SourceError::Nonsense {
            operation: OPERATION,
            server,
            what: "it has no AccessKey".to_owned(),
        })?;
        Ok(LongLivedKey {
            access_key_id: key.access_key_id,
            secret_access_key: Secret::new(key.secret_access_key),
        })
    }

    /// Deletes a key of the user who signs. One that is not there is deleted already.
    ///
    /// # Errors
    ///
    /// [`SourceError::Forbidden`] where the user may not.
    pub fn delete_access_key(
        &self,
        credentials: &Credentials,
        id: &str,
    ) -> Result<(), SourceError> {
        let call = self.client(credentials, None).delete_access_key();
        let answer = self.transport.run(call.access_key_id(id).send());
        match answer.map_err(|error| key_failure("DeleteAccessKey", &self.server(), &error)) {
            Err(SourceError::Service { code, .. }) if code == "NoSuchEntity" => Ok(()),
            other => other.map(|_| ()),
        }
    }

    fn server(&self) -> String {
        server(self.endpoint, "IAM", self.region)
    }

    fn client(&self, credentials: &Credentials, retry: Option<RetryConfig>) -> Client {
        let mut config = self
            .transport
            .sdk_config(self.region, self.endpoint)
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(signing(credentials)));
        if let Some(retry) = retry {
            config.set_retry_config(Some(retry));
        }
        let config = aws_sdk_iam::config::Builder::from(&config.build()).retry_classifier(Retry);
        Client::from_conf(config.build())
    }
}
