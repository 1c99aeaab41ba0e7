//! Keys that stand in the files in the clear. They are read when they are used, and not before: what
//! is known of a profile otherwise holds no secret.

use super::Config;
use super::error::ConfigError;
use super::profile::KeyFile;
use super::section::SectionKind;
use crate::credentials::{Credentials, Secret};

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
/// The second is what the first was called once.
const TOKENS: [&str; 2] = ["aws_session_token", "aws_security_token"];

impl Config {
    /// The key of a profile in one of the files: both halves from the same one, as the AWS CLI has it.
    /// With a session token it is a temporary one, which ends nobody knows when.
    ///
    /// # Errors
    ///
    /// A half is missing or empty.
    pub fn static_credentials(
        &self,
        name: &str,
        file: KeyFile,
    ) -> Result<Credentials, ConfigError> {
        let document = match file {
            KeyFile::Credentials => &self.credentials,
            KeyFile::Config => &self.config,
        };
        let section = document
            .find(SectionKind::Profile, name)
            .ok_or_else(|| self.no_profile(name))?;
        let value = |key: &str| {
            let property = document
                .properties(section)
                .filter(|property| property.key.eq_ignore_ascii_case(key))
                .last()?;
            let at = document.place_of(&property);
            let text = Secret::new(property.value.into_owned());
            Some((text, at))
        };
        let place = value(ID).map_or_else(|| document.place(section), |(_, at)| at);
        let half = |key: &str| match value(key) {
            Some((text, _)) if !text.expose().is_empty() => Ok(text),
            Some((_, at)) => Err(ConfigError::mistake(&at, key, "it has no value")),
            None => Err(ConfigError::mistake(&place, key, "missing")),
        };
        let token = TOKENS.iter().find_map(|key| value(key));
        Ok(Credentials {
            access_key_id: half(ID)?.expose().clone(),
            secret_access_key: half(SECRET)?,
            session_token: token
                .map(|(text, _)| text)
                .filter(|text| !text.expose().is_empty()),
            expires_at: None,
        })
    }
}
