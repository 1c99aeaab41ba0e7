//! Where AWS is, by the environment around vault and by the profile that is meant.

use std::path::PathBuf;

use crate::config::{CredentialSource, Profile, is_web_url};
use crate::deliver::environment::{PROFILE_SETTINGS, REMOVED};
use crate::env;
use crate::resolve::{Ambient, GivenIdentity};
use crate::source::eks;
use crate::source::{process, program};
use crate::ui;

/// What decides where a request goes.
pub(super) struct Surroundings<'a> {
    /// The profile that is meant, where one is.
    pub(super) profile: Option<&'a Profile>,
    /// What an `exec` around this run set for its own profile: it counts as not set.
    pub(super) outer: &'a [(String, String)],
}

impl Surroundings<'_> {
    /// Where a service is: its own variable, the variable for all, the profile's `services`, the
    /// profile's `endpoint_url`; nowhere special where these are to be ignored
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>). It is always the
    /// address of a web server: browsers are sent there, and they open files too.
    pub(super) fn endpoint(&self, service: &str) -> Result<Option<String>, env::Unusable> {
        let ignored = self
            .profile
            .and_then(|profile| profile.get("ignore_configured_endpoint_urls"));
        let ignored = match env::var(env::AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)? {
            Some(variable) => Some(variable),
            None => ignored.map(|value| value.text.clone()),
        };
        if ignored.is_some_and(|ignored| ignored.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        for name in [env::endpoint_of(service), env::AWS_ENDPOINT_URL.to_owned()] {
            match self.variable(&name)? {
                Some(url) if is_web_url(&url) => return Ok(Some(url)),
                Some(other) => return Err(env::Unusable::NotUrl(name, other)),
                None => {}
            }
        }
        let configured = self.profile.and_then(|profile| profile.endpoint(service));
        Ok(configured.map(|url| url.text.clone()))
    }

    /// Where STS is, for a client in `region`.
    pub(super) fn sts(&self, region: &str) -> Result<eks::Place, env::Unusable> {
        Ok(eks::Place {
            region: region.to_owned(),
            endpoint: self.endpoint("sts")?,
            fips: self.is_on("use_fips_endpoint", env::AWS_USE_FIPS_ENDPOINT)?,
            dual_stack: self.is_on("use_dualstack_endpoint", env::AWS_USE_DUALSTACK_ENDPOINT)?,
        })
    }

    /// A switch of the variable, or of the profile.
    fn is_on(&self, key: &str, variable: &str) -> Result<bool, env::Unusable> {
        let configured = self.profile.and_then(|profile| profile.get(key));
        let configured = configured.map(|value| value.text.clone());
        let value = self.variable(variable)?.or(configured);
        Ok(value.is_some_and(|value| value.eq_ignore_ascii_case("true")))
    }

    /// The certificate authorities to trust: the variable, then the profile.
    pub(super) fn ca_bundle(&self) -> Result<Option<PathBuf>, env::Unusable> {
        if let Some(path) = self.variable(env::AWS_CA_BUNDLE)? {
            return Ok(Some(path.into()));
        }
        let configured = self.profile.and_then(|profile| profile.get("ca_bundle"));
        Ok(configured.map(|value| PathBuf::from(&value.text)))
    }

    /// How a `credential_process` is run: in vault's own environment, but for vault's secrets and for
    /// what an `exec` around this run handed over. Those are another profile's credentials: with them
    /// the program could answer for that one, and its answer would be kept as this one's.
    pub(super) fn process(&self) -> Result<process::Settings, env::Unusable> {
        let around = env::var(env::AWS_VAULT_CREDENTIAL_PROCESS)?.unwrap_or_default();
        let mut hidden: Vec<_> = env::SECRETS.iter().map(ToString::to_string).collect();
        if env::var_os(env::AWS_VAULT).is_some() {
            let chosen = [env::AWS_PROFILE, env::AWS_DEFAULT_PROFILE];
            let handed = REMOVED.iter().filter(|name| !chosen.contains(name));
            hidden.extend(handed.map(ToString::to_string));
            let set = |(name, value): &&(String, String)| {
                env::var(name.as_str()).is_ok_and(|v| v.as_ref() == Some(value))
            };
            hidden.extend(self.outer.iter().filter(set).map(|(name, _)| name.clone()));
            hidden.push(env::AWS_VAULT.to_owned());
        }
        Ok(process::Settings {
            program: program::Surroundings {
                hidden,
                added: Vec::new(),
                apart: false,
                running: Some(|id| {
                    ui::on_leaving(id.map(|id| -> ui::Leaving {
                        Box::new(move || program::end_after_interrupt(id))
                    }));
                }),
            },
            around: around.lines().map(str::to_owned).collect(),
            marker: env::AWS_VAULT_CREDENTIAL_PROCESS.to_owned(),
        })
    }

    fn variable(&self, name: &str) -> Result<Option<String>, env::Unusable> {
        let value = env::var(name)?;
        let is_outer = |value: &String| self.outer.iter().any(|(n, v)| n == name && v == value);
        Ok(value.filter(|value| !is_outer(value)))
    }
}

/// What a profile's section says and has a variable of its own.
pub(in crate::commands) fn profile_variables(profile: &Profile) -> Vec<(String, String)> {
    let plain = PROFILE_SETTINGS.iter().filter_map(|(key, variable)| {
        let value = profile.get(key)?;
        Some(((*variable).to_owned(), value.text.clone()))
    });
    let services = profile
        .service_endpoints()
        .map(|(service, url)| (env::endpoint_of(service), url.text.clone()));
    plain.chain(services).collect()
}

/// What `credential_source` finds: what tells it from other credentials, and no secret.
pub(super) fn ambient(source: CredentialSource) -> Ambient {
    let first = |names: &[&str]| {
        let values = names.iter().filter_map(|name| env::var_os(name));
        let value = values
            .map(|value| value.to_string_lossy().into_owned())
            .next();
        value.unwrap_or_default()
    };
    let (place, what) = match source {
        CredentialSource::Environment => ("environment", first(&[env::AWS_ACCESS_KEY_ID])),
        CredentialSource::Ec2InstanceMetadata => {
            ("instance", first(&[env::AWS_EC2_METADATA_SERVICE_ENDPOINT]))
        }
        CredentialSource::EcsContainer => (
            "container",
            first(&[
                env::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
                env::AWS_CONTAINER_CREDENTIALS_FULL_URI,
            ]),
        ),
    };
    let temporary = first(&[env::AWS_SESSION_TOKEN]);
    Ambient {
        source,
        identity: format!("{place}/{what}"),
        long_lived: source == CredentialSource::Environment && temporary.is_empty(),
    }
}

/// The web identity that the environment names, all of it.
pub(super) fn web_identity() -> Option<GivenIdentity> {
    Some(GivenIdentity {
        token_file: text(env::AWS_WEB_IDENTITY_TOKEN_FILE)?,
        role_arn: text(env::AWS_ROLE_ARN)?,
        session_name: text(env::AWS_ROLE_SESSION_NAME),
    })
}

/// What is missing where the environment names half of one.
pub(super) fn half_identity() -> Option<String> {
    let [file, arn] = [env::AWS_WEB_IDENTITY_TOKEN_FILE, env::AWS_ROLE_ARN];
    let half = text(file).is_some() && text(arn).is_none();
    half.then(|| {
        format!("{file} is set, and {arn} is not: it names the role that the token is for")
    })
}

fn text(name: &str) -> Option<String> {
    env::var(name).ok().flatten()
}

/// The whole path of a file, from where vault runs. What a shell would have made another of stays as it
/// is, so that it is seen in the message.
pub(super) fn whole_path(path: &str) -> String {
    let whole = Some(path).filter(|path| !path.starts_with('~'));
    let whole = whole.and_then(|path| std::path::absolute(path).ok());
    let text = whole.and_then(|whole| whole.into_os_string().into_string().ok());
    text.unwrap_or_else(|| path.to_owned())
}
