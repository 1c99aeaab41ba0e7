//! What a name leads to: a source and the roles to assume from it, with all that each step needs.

use std::fmt;

use crate::config::{CredentialSource, KeyFile, SsoRole, SsoSession};

/// Where credentials come from, and how they become a profile's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whose credentials these are.
    pub profile: String,
    /// Where it begins.
    pub source: Source,
    /// The profile that has the source: `profile` itself, where there are no roles.
    pub root: String,
    /// In the order in which they are assumed; the last one is `profile`'s.
    pub roles: Vec<AssumeRole>,
    /// The profile's.
    pub region: Option<String>,
}

/// Where a chain begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Role credentials of IAM Identity Center.
    Sso(SsoRole),
    /// A long-lived key, in the keystore or in one of the files.
    AccessKey(AccessKey),
    /// A role, for a token in a file.
    WebIdentity(WebIdentity),
    /// What a program prints.
    CredentialProcess(Process),
    /// The AWS CLI's own console sign-in.
    LoginSession(LoginSession),
    /// `credential_source`: the environment, the instance or the container.
    Ambient(Ambient),
    /// Neither the files nor the keystore have one.
    None,
}

/// A key of an IAM user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The profile that it is the key of.
    pub profile: String,
    /// What names it, its `aws_access_key_id`.
    pub id: String,
    /// Where it is.
    pub place: KeyPlace,
    /// The device whose codes go with it.
    pub mfa_serial: Option<String>,
    /// The command that prints its codes.
    pub mfa_process: Option<String>,
    /// Where STS is asked with it.
    pub region: Option<String>,
}

/// Where a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the keystore, as `vault add` put it there.
    Keystore,
    /// In a file, in the clear.
    File(KeyFile),
    /// In a file, with a session token: it is a temporary one, and nobody knows until when.
    Temporary(KeyFile),
}

/// A role that is assumed with what stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// The profile that says so.
    pub profile: String,
    /// Which role.
    pub role_arn: String,
    /// Where the token is.
    pub token_file: String,
    /// `RoleSessionName`
    pub session_name: Option<String>,
    /// `DurationSeconds`
    pub duration: Option<u32>,
    /// Where to ask STS.
    pub region: Option<String>,
}

/// A web identity that the environment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenIdentity {
    /// Which role.
    pub role_arn: String,
    /// Where the token is.
    pub token_file: String,
    /// `RoleSessionName`
    pub session_name: Option<String>,
}

/// A program that prints credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The profile that says so.
    pub profile: String,
    /// As it is written.
    pub command: String,
}

/// What `aws login` left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginSession {
    /// The profile that says so.
    pub profile: String,
    /// Who signed in.
    pub arn: String,
    /// Where it is renewed.
    pub region: Option<String>,
}

/// Credentials that are there already, outside of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambient {
    /// Where.
    pub source: CredentialSource,
    /// What tells those that are there now from others, without a secret: roles that are assumed with
    /// them are kept under it.
    pub identity: String,
    /// Whether they are an IAM user's own.
    pub long_lived: bool,
}

/// A role to assume with the credentials before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssumeRole {
    /// The profile that says so.
    pub profile: String,
    /// Which role.
    pub role_arn: String,
    /// `RoleSessionName`
    pub session_name: Option<String>,
    /// `ExternalId`
    pub external_id: Option<String>,
    /// `DurationSeconds`
    pub duration: Option<u32>,
    /// `SerialNumber`: a code of this device is needed.
    pub mfa_serial: Option<String>,
    /// The command that prints its codes.
    pub mfa_process: Option<String>,
    /// `SourceIdentity`
    pub source_identity: Option<String>,
    /// `Tags`
    pub tags: Vec<(String, String)>,
    /// `TransitiveTagKeys`
    pub transitive_tags: Vec<String>,
    /// Where to ask STS: the region of the role's profile, else of the chain's.
    pub region: Option<String>,
}

/// What `list` calls a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// Role credentials of IAM Identity Center.
    Sso,
    /// The last step is a role, wherever the chain begins.
    AssumeRole,
    /// A long-lived key.
    AccessKey,
    /// A role, for a token in a file.
    WebIdentity,
    /// What a program prints.
    CredentialProcess,
    /// The AWS CLI's own console sign-in.
    LoginSession,
    /// Nothing that the files know.
    None,
}

impl SourceKind {
    /// The word in `list --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sso => "sso",
            Self::AssumeRole => "assume-role",
            Self::AccessKey => "access-key",
            Self::WebIdentity => "web-identity",
            Self::CredentialProcess => "credential-process",
            Self::LoginSession => "login-session",
            Self::None => "none",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Source {
    /// The key in the profile that says so, for messages.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Sso(_) => "sso_account_id",
            Self::AccessKey(_) => "aws_access_key_id",
            Self::WebIdentity(_) => "web_identity_token_file",
            Self::CredentialProcess(_) => "credential_process",
            Self::LoginSession(_) => "login_session",
            Self::Ambient(_) => "credential_source",
            Self::None => "none",
        }
    }
}

impl Chain {
    /// What `list` calls it.
    pub const fn kind(&self) -> SourceKind {
        if !self.roles.is_empty() {
            return SourceKind::AssumeRole;
        }
        match self.source {
            Source::Sso(_) => SourceKind::Sso,
            Source::AccessKey(_) => SourceKind::AccessKey,
            Source::WebIdentity(_) => SourceKind::WebIdentity,
            Source::CredentialProcess(_) => SourceKind::CredentialProcess,
            Source::LoginSession(_) => SourceKind::LoginSession,
            // It goes with a role, which is above.
            Source::Ambient(_) | Source::None => SourceKind::None,
        }
    }

    /// Where a person signs in for it.
    pub const fn session(&self) -> Option<&SsoSession> {
        match &self.source {
            Source::Sso(role) => Some(&role.session),
            _ => None,
        }
    }
}
