//! `credential_source`: credentials that are there already, in the environment, on the EC2 instance, or
//! in the container.
//!
//! Where the container's are is told by variables that anybody may have set, so a key is fetched over
//! plain HTTP from this machine and from AWS's own addresses only, as the AWS CLI has it.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::SourceError;
use super::plain::{Answer, Plain};
use super::transport::{Transport, server};
use crate::config::CredentialSource;
use crate::credentials::{Credentials, Secret};
use crate::env;

/// They are on this machine or beside it: what does not answer at once is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// All of a request: they get the credentials from elsewhere, now and then.
const LIMIT: Duration = Duration::from_secs(5);
/// They are small servers, and throttle: a 5xx is asked again, so many times in all.
const TRIES: usize = 3;

/// Where an instance's metadata service is, by IPv4 and by IPv6.
const INSTANCE: &str = "http://169.254.169.254";
const INSTANCE_IPV6: &str = "http://[fd00:ec2::254]";
/// How long the token for it may be used, in seconds: for these three requests.
const TOKEN_LIFE: &str = "60";

/// Where ECS has the credentials of a container.
const CONTAINER: &str = "http://169.254.170.2";
/// Other hosts than this machine that may be asked without TLS: ECS's, and EKS's by IPv4 and IPv6.
const CONTAINER_HOSTS: [&str; 4] = [
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
    "localhost",
];

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum AmbientError {
    /// A variable that has to be set.
    #[error("{0} is not set")]
    Unset(&'static str),
    /// A variable that can't be used.
    #[error(transparent)]
    Variable(#[from] env::Unusable),
    /// `AWS_CREDENTIAL_EXPIRATION` that is past, or no instant.
    #[error("{name} is {what}", name = env::AWS_CREDENTIAL_EXPIRATION)]
    Expiration {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The person does not want the instance to be asked.
    #[error("{} forbids to ask the instance", env::AWS_EC2_METADATA_DISABLED)]
    Disabled,
    /// No container.
    #[error(
        "neither {} nor {} is set",
        env::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
        env::AWS_CONTAINER_CREDENTIALS_FULL_URI
    )]
    NoContainer,
    /// A place that credentials are not fetched from.
    #[error("`{0}` is neither an https address nor on this machine")]
    Address(String),
    /// The file with the token for the container's endpoint.
    #[error("cannot read `{}`", .0.display())]
    TokenFile(PathBuf, #[source] io::Error),
    /// It answers, and gives none.
    #[error("{server} gives no credentials: {why}")]
    Refused {
        /// Who.
        server: String,
        /// Its words.
        why: String,
    },
    /// It does not answer as it should.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// The credentials that a `credential_source` leads to.
///
/// # Errors
///
/// There are none.
pub fn credentials<'t>(
    source: CredentialSource,
    transport: impl FnOnce() -> Result<&'t Transport, SourceError>,
    now: Timestamp,
) -> Result<Credentials, AmbientError> {
    match source {
        CredentialSource::Environment => environment(now),
        CredentialSource::Ec2InstanceMetadata => instance(transport, now),
        CredentialSource::EcsContainer => container(transport()?, now),
    }
}

/// Whether there can be any, as far as is known without asking anybody.
///
/// # Errors
///
/// There are none.
pub fn check(source: CredentialSource, now: Timestamp) -> Result<(), AmbientError> {
    match source {
        CredentialSource::Environment => environment(now).map(drop),
        CredentialSource::Ec2InstanceMetadata if env::switch(env::AWS_EC2_METADATA_DISABLED) => {
            Err(AmbientError::Disabled)
        }
        CredentialSource::Ec2InstanceMetadata => Ok(()),
        CredentialSource::EcsContainer => container_url().map(drop),
    }
}

fn environment(now: Timestamp) -> Result<Credentials, AmbientError> {
    let needed = |name| env::var(name)?.ok_or(AmbientError::Unset(name));
    let expires_at = match env::var(env::AWS_CREDENTIAL_EXPIRATION)? {
        None => None,
        Some(text) => match text.parse::<Timestamp>() {
            Ok(end) if end > now => Some(end),
            Ok(_) => return Err(AmbientError::Expiration { what: "past" }),
            Err(_) => return Err(AmbientError::Expiration { what: "no instant" }),
        },
    };
    Ok(Credentials {
        access_key_id: needed(env::AWS_ACCESS_KEY_ID)?,
        secret_access_key: Secret::new(needed(env::AWS_SECRET_ACCESS_KEY)?),
        session_token: env::var(env::AWS_SESSION_TOKEN)?.map(Secret::new),
        expires_at,
    })
}

/// Asked by IMDSv2 alone: without its token an instance answers whoever can make it send a request.
fn instance<'t>(
    transport: impl FnOnce() -> Result<&'t Transport, SourceError>,
    now: Timestamp,
) -> Result<Credentials, AmbientError> {
    if env::switch(env::AWS_EC2_METADATA_DISABLED) {
        return Err(AmbientError::Disabled);
    }
    let ipv6 = env::var(env::AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE)?
        .is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
    let base = env::var(env::AWS_EC2_METADATA_SERVICE_ENDPOINT)?
        .unwrap_or_else(|| (if ipv6 { INSTANCE_IPV6 } else { INSTANCE }).to_owned());
    let base = base.trim_end_matches('/');
    let server = server(Some(base), "", "");
    let transport = transport()?;
    let life = Secret::new(TOKEN_LIFE.to_owned());
    let ask = |method, path: &str, header: (&'static str, &Secret<String>)| {
        let request = Plain {
            operation: "the instance's credentials",
            server: &server,
            method,
            url: &format!("{base}/latest/{path}"),
            headers: &[header],
            form: None,
            through_proxy: false,
            connect: CONNECT_LIMIT,
            limit: LIMIT,
        };
        let answer = insisting(&request, transport)?;
        match answer.status {
            200 => Ok(answer.body),
            404 => Err(AmbientError::Refused {
                server: server.clone(),
                why: "the instance has no role".to_owned(),
            }),
            status => Err(AmbientError::Refused {
                server: server.clone(),
                why: format!("HTTP {status}"),
            }),
        }
    };
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", &life);
    let token = line(&ask("PUT", "api/token", ttl)?);
    let token = ("x-aws-ec2-metadata-token", &token);
    let roles = "meta-data/iam/security-credentials/";
    let role = line(&ask("GET", roles, token)?);
    let given = ask("GET", &format!("{roles}{}", role.expose()), token)?;
    parse(&given, &server, now)
}

/// The first line: a token's, or a role's name.
fn line(body: &Secret<Vec<u8>>) -> Secret<String> {
    let text = String::from_utf8_lossy(body.expose());
    Secret::new(text.lines().next().unwrap_or_default().trim().to_owned())
}

fn container_url() -> Result<String, AmbientError> {
    let relative = env::var(env::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)?;
    let url = match relative {
        Some(path) => format!("{CONTAINER}{path}"),
        None => {
            env::var(env::AWS_CONTAINER_CREDENTIALS_FULL_URI)?.ok_or(AmbientError::NoContainer)?
        }
    };
    if may_be_asked(&url) {
        Ok(url)
    } else {
        Err(AmbientError::Address(url))
    }
}

fn container(transport: &Transport, now: Timestamp) -> Result<Credentials, AmbientError> {
    let url = container_url()?;
    let token = container_token()?;
    let server = server(Some(&url), "", "");
    let request = Plain {
        operation: "the container's credentials",
        server: &server,
        method: "GET",
        url: &url,
        headers: &match &token {
            Some(token) => vec![("authorization", token)],
            None => Vec::new(),
        },
        form: None,
        through_proxy: false,
        connect: CONNECT_LIMIT,
        limit: LIMIT,
    };
    let answer = insisting(&request, transport)?;
    if answer.status != 200 {
        let said: Option<Given> = serde_json::from_slice(answer.body.expose()).ok();
        let why = said.and_then(|said| said.message);
        return Err(AmbientError::Refused {
            server,
            why: why.unwrap_or_else(|| format!("HTTP {}", answer.status)),
        });
    }
    parse(&answer.body, request.server, now)
}

/// What the endpoint wants to see: the file's content is read each time, as it is renewed.
fn container_token() -> Result<Option<Secret<String>>, AmbientError> {
    if let Some(path) = env::var_os(env::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) {
        let path = PathBuf::from(path);
        let read = std::fs::read_to_string(&path);
        let token = read.map_err(|error| AmbientError::TokenFile(path, error))?;
        return Ok(Some(Secret::new(token)));
    }
    Ok(env::var(env::AWS_CONTAINER_AUTHORIZATION_TOKEN)?.map(Secret::new))
}

fn insisting(request: &Plain<'_>, transport: &Transport) -> Result<Answer, SourceError> {
    let mut answer = request.send(transport)?;
    for _ in 1..TRIES {
        if answer.status < 500 {
            break;
        }
        answer = request.send(transport)?;
    }
    Ok(answer)
}

/// Over TLS anybody; without, this machine and AWS's own addresses.
fn may_be_asked(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Whatever stands before an `@` is no host.
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.to_ascii_lowercase();
    match scheme.to_ascii_lowercase().as_str() {
        "https" => !host.is_empty(),
        "http" => {
            let loopback = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            loopback || CONTAINER_HOSTS.contains(&host.as_str())
        }
        _ => false,
    }
}

/// What both answer; an instance says 200 to what went wrong, too.
#[derive(Deserialize)]
struct Given {
    #[serde(rename = "AccessKeyId")]
    access_key_id: Option<String>,
    #[serde(rename = "SecretAccessKey")]
    secret_access_key: Option<String>,
    #[serde(rename = "Token")]
    token: Option<String>,
    #[serde(rename = "Expiration")]
    expiration: Option<String>,
    #[serde(alias = "Code")]
    code: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

fn parse(
    body: &Secret<Vec<u8>>,
    server: &str,
    now: Timestamp,
) -> Result<Credentials, AmbientError> {
    let nonsense = |what: &str| SourceError::Nonsense {
        operation: "credentials",
        server: server.to_owned(),
        what: what.to_owned(),
    };
    let given: Given = serde_json::from_slice(body.expose())
        .map_err(|_| nonsense("it is not the JSON it should be"))?;
    let secret = given.secret_access_key.map(Secret::new);
    let token = given.token.map(Secret::new);
    if let (None, Some(code)) = (&secret, given.code) {
        let why = given.message.unwrap_or(code);
        let server = server.to_owned();
        return Err(AmbientError::Refused { server, why });
    }
    let end = given.expiration.and_then(|text| text.parse().ok());
    let end: Timestamp = end.ok_or_else(|| nonsense("it has no Expiration"))?;
    if end <= now {
        return Err(nonsense("its Expiration is no time to come").into());
    }
    let missing = |name| nonsense(&format!("it has no {name}"));
    Ok(Credentials {
        access_key_id: given.access_key_id.ok_or_else(|| missing("AccessKeyId"))?,
        secret_access_key: secret.ok_or_else(|| missing("SecretAccessKey"))?,
        session_token: Some(token.ok_or_else(|| missing("Token"))?),
        expires_at: Some(end),
    })
}

#[cfg(test)]
mod tests {
    use super::may_be_asked;

    #[test]
    fn a_container_is_asked_over_tls_or_on_this_machine() {
        let table = [
            ("http://127.0.0.1:80/x", true),
            ("http://127.9.9.9/x", true),
            ("http://localhost:1234", true),
            ("http://LOCALHOST:1234", true),
            ("http://[::1]:1/x", true),
            ("http://169.254.170.2/v2", true),
            ("http://169.254.170.23/v1", true),
            ("http://[fd00:ec2::23]/v1", true),
            ("https://example.com/x", true),
            ("http://example.com/x", false),
            ("http://127.0.0.1.example.com/x", false),
            ("http://127.0.0.1@example.com/x", false),
            ("http://localhost:80@example.com/x", false),
            ("http://169.254.169.254/x", false),
            ("http://10.0.0.1/x", false),
            ("file:///etc/passwd", false),
            ("https://", false),
            ("localhost/x", false),
            ("", false),
        ];
        for (url, expected) in table {
            assert_eq!(may_be_asked(url), expected, "{url}");
        }
    }
}
