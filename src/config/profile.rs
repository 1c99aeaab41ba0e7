//! A profile: what the two files say about it, checked and typed.

use super::document::Document;
use super::error::ConfigError;
use super::services::{self, Endpoints};
use super::settings::{Settings, Value};
use super::sso::{self, Sso, is_region, list};

/// What STS accepts as `DurationSeconds` of a role.
const ROLE_SECONDS: std::ops::RangeInclusive<u32> = 900..=43_200;

/// What STS takes of a role's texts: at most how many characters, and which besides those of all three
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const ROLE_TEXTS: [(&str, usize, &str); 3] = [
    ("role_session_name", 64, ""),
    ("source_identity", 64, ""),
    ("external_id", 1224, ":/"),
];

/// A profile of the AWS files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// As in its section's header.
    pub name: String,
    /// Where its calls go.
    pub region: Option<String>,
    /// What it says about IAM Identity Center.
    pub sso: Option<Sso>,
    /// The role that it assumes.
    pub role: Option<Role>,
    /// Which file has its `aws_access_key_id`.
    pub access_key: Option<KeyFile>,
    settings: Settings,
    endpoints: Endpoints,
}

/// Which file a long-lived key stands in. The AWS CLI looks at one early and at the other late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFile {
    /// The credentials file.
    Credentials,
    /// The config file.
    Config,
}

/// `role_arn` and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Which role.
    pub arn: Value,
    /// The profile whose credentials may assume it.
    pub source_profile: Option<Value>,
    /// Or the place outside of the files where they are.
    pub credential_source: Option<(CredentialSource, Value)>,
    /// `ExternalId`
    pub external_id: Option<String>,
    /// `SerialNumber`: a code of this device is needed.
    pub mfa_serial: Option<String>,
    /// `RoleSessionName`
    pub session_name: Option<String>,
    /// `DurationSeconds`
    pub duration: Option<u32>,
    /// `SourceIdentity`
    pub source_identity: Option<String>,
    /// `Tags`
    pub tags: Vec<(String, String)>,
    /// `TransitiveTagKeys`
    pub transitive_tags: Vec<String>,
}

/// Where a role's source credentials are, if not in a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// `AWS_ACCESS_KEY_ID` and its kin.
    Environment,
    /// The EC2 instance's role.
    Ec2InstanceMetadata,
    /// The container's role.
    EcsContainer,
}

impl Profile {
    pub(super) fn new(
        config: &Document,
        name: &str,
        settings: Settings,
        access_key: Option<KeyFile>,
    ) -> Result<Self, ConfigError> {
        for key in ["credential_process", "login_session", "mfa_process"] {
            settings.text(key)?;
        }
        let region = settings.get("region");
        if let Some(wrong) = region.filter(|region| !is_region(&region.text)) {
            return Err(wrong.wrong("region", "not the name of a region"));
        }
        Ok(Self {
            name: name.to_owned(),
            region: region.map(|value| value.text.clone()),
            sso: sso_of(config, &settings, access_key)?,
            role: Role::of(&settings)?,
            access_key,
            endpoints: services::of_profile(config, &settings)?,
            settings,
        })
    }

    /// The value of any key, in lower case, where it is one and not empty. A secret's is never there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.settings.get(key)
    }

    /// Whether either half of a long-lived key is there.
    pub fn has_static_keys(&self) -> bool {
        ["aws_access_key_id", "aws_secret_access_key"]
            .iter()
            .any(|key| self.settings.get_any(key).is_some())
    }

    /// What is said about a role and can be none of what STS takes there.
    pub fn wrong_role_text(&self) -> Option<ConfigError> {
        ROLE_TEXTS.iter().find_map(|(key, longest, more)| {
            let value = self.get(key)?;
            let allowed =
                |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) || more.contains(c);
            let right =
                (2..=*longest).contains(&value.text.len()) && value.text.chars().all(allowed);
            let what = format!("not 2 to {longest} letters, digits and `_+=,.@-{more}`");
            (!right).then(|| value.wrong(key, &what))
        })
    }

    /// Where a service (`sso`, `sso_oidc`, `sts`, `s3`) is, as the profile has it: in its `services`
    /// section, else its `endpoint_url`.
    pub fn endpoint(&self, service: &str) -> Option<&Value> {
        self.service_endpoints()
            .find(|(name, _)| *name == service)
            .map(|(_, url)| url)
            .or(self.endpoints.every.as_ref())
    }

    /// The services that have an endpoint of their own, by name (`sso_oidc`).
    pub fn service_endpoints(&self) -> impl Iterator<Item = (&str, &Value)> {
        let services = self.endpoints.services.iter();
        services.map(|(name, url)| (name.as_str(), url))
    }
}

/// A role comes before a sign-in, and the AWS CLI then does not look at what is said about one: a
/// mistake there is none that stands in the way. No more does it where neither account nor role is named
/// and the credentials come from elsewhere.
fn sso_of(
    config: &Document,
    settings: &Settings,
    access_key: Option<KeyFile>,
) -> Result<Option<Sso>, ConfigError> {
    let has = |keys: [&str; 2]| keys.iter().any(|key| settings.get_any(key).is_some());
    let role = ["role_arn", "web_identity_token_file"];
    let elsewhere = access_key.is_some() || has(["login_session", "credential_process"]);
    let for_tokens = !has(["sso_account_id", "sso_role_name"]);
    match sso::of_profile(config, settings) {
        Err(_) if role.iter().any(|key| settings.get(key).is_some()) => Ok(None),
        Err(_) if elsewhere && for_tokens => Ok(None),
        sso => sso,
    }
}

impl Role {
    fn of(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let Some(arn) = settings.text("role_arn")? else {
            return match settings.get("web_identity_token_file") {
                Some(file) => Err(ConfigError::mistake(
                    &file.at,
                    "role_arn",
                    "missing, and `web_identity_token_file` is for assuming a role",
                )),
                None => Ok(None),
            };
        };
        // A token needs nobody's credentials, and the AWS CLI does not look where they would be.
        let web_identity = settings.get("web_identity_token_file").is_some();
        let origin = |key| match web_identity {
            true => Ok(None),
            false => settings.text(key),
        };
        let tags = settings.get("session_tags").map(tags).transpose()?;
        let transitive = settings.get("transitive_session_tags");
        Ok(Some(Self {
            arn: arn.clone(),
            source_profile: origin("source_profile")?.cloned(),
            credential_source: origin("credential_source")?
                .map(credential_source)
                .transpose()?,
            external_id: settings.string("external_id")?,
            mfa_serial: settings.string("mfa_serial")?,
            session_name: settings.string("role_session_name")?,
            duration: settings
                .text("duration_seconds")?
                .map(seconds)
                .transpose()?,
            source_identity: settings.string("source_identity")?,
            tags: tags.unwrap_or_default(),
            transitive_tags: transitive.map_or_else(Vec::new, |value| {
                list(&value.text).map(str::to_owned).collect()
            }),
        }))
    }
}

/// Whether it has the form of a role's ARN, `arn:aws:iam::123456789012:role/path/name`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns>).
pub fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    let role = resource.strip_prefix("role/");
    scheme == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && role.is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
}

fn credential_source(value: &Value) -> Result<(CredentialSource, Value), ConfigError> {
    let source = match value.text.as_str() {
        "Environment" => CredentialSource::Environment,
        "Ec2InstanceMetadata" => CredentialSource::Ec2InstanceMetadata,
        "EcsContainer" => CredentialSource::EcsContainer,
        _ => {
            let what = "none of Environment, Ec2InstanceMetadata, EcsContainer";
            return Err(value.wrong("credential_source", what));
        }
    };
    Ok((source, value.clone()))
}

fn seconds(value: &Value) -> Result<u32, ConfigError> {
    let seconds = value.text.parse().ok();
    seconds
        .filter(|seconds| ROLE_SECONDS.contains(seconds))
        .ok_or_else(|| value.wrong("duration_seconds", "not a number from 900 to 43200"))
}

/// `key=value,key=value`
fn tags(value: &Value) -> Result<Vec<(String, String)>, ConfigError> {
    let pair = |tag: &str| {
        let (key, text) = tag.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), text.trim().to_owned()))
    };
    let tags: Option<Vec<_>> = list(&value.text).map(pair).collect();
    let tags = tags.ok_or_else(|| value.wrong("session_tags", "not a list of `key=value,…`"))?;
    // AWS tells keys apart whatever their case, and takes none twice
    // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_know>).
    let twice = tags.iter().enumerate().find(|(position, (key, _))| {
        let same = |(other, _): &(String, String)| other.to_lowercase() == key.to_lowercase();
        tags[..*position].iter().any(same)
    });
    match twice {
        Some((_, (key, _))) => Err(ConfigError::mistake(
            &value.at,
            "session_tags",
            format!("the tag `{key}` is there twice"),
        )),
        None => Ok(tags),
    }
}
