//! Where services are: a profile's `[services]` section, then its `endpoint_url`.

use super::document::Document;
use super::error::{ConfigError, closest};
use super::section::SectionKind;
use super::settings::{Settings, Value};
use super::sso::is_web_url;

/// The endpoints that a profile sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// By service (`sso_oidc`), in the file's order.
    pub services: Vec<(String, Value)>,
    /// Of every other service.
    pub every: Option<Value>,
}

/// What `profile` says about endpoints. Nothing, where it says that they be ignored.
pub fn of_profile(config: &Document, profile: &Settings) -> Result<Endpoints, ConfigError> {
    let ignored = profile
        .get("ignore_configured_endpoint_urls")
        .is_some_and(|value| value.text.eq_ignore_ascii_case("true"));
    if ignored {
        return Ok(Endpoints::default());
    }
    let every = profile.get("endpoint_url").cloned();
    if let Some(url) = &every {
        check(url)?;
    }
    let services = match profile.text("services")? {
        Some(name) => section(config, name)?,
        None => Vec::new(),
    };
    Ok(Endpoints { services, every })
}

fn section(config: &Document, name: &Value) -> Result<Vec<(String, Value)>, ConfigError> {
    let Some(section) = config.find(SectionKind::Services, &name.text) else {
        let close = closest(&name.text, config.names(SectionKind::Services));
        let hint = close.first().map(|c| format!(", did you mean `{c}`?"));
        let hint = hint.unwrap_or_default();
        let what = format!("there is no section [services {}]{hint}", name.text);
        return Err(ConfigError::mistake(&name.at, "services", what));
    };
    // One that says nothing is none to the AWS CLI.
    if config.properties(section).next().is_none() {
        let what = format!("the section [services {}] is empty", name.text);
        return Err(ConfigError::mistake(&name.at, "services", what));
    }
    let mut services = Vec::new();
    for property in config.properties(section) {
        if !property.value.is_empty() && !property.value.starts_with('\n') {
            let at = config.place_of(&property);
            let what = "an `endpoint_url` is expected on an indented line under it";
            return Err(ConfigError::mistake(&at, property.key, what));
        }
        let url = config
            .nested(&property)
            .filter(|(key, _, _)| *key == "endpoint_url")
            .last();
        if let Some((_, text, at)) = url.filter(|(_, text, _)| !text.is_empty()) {
            let text = text.to_owned();
            let url = Value { text, at };
            check(&url)?;
            services.push((property.key.to_lowercase(), url));
        }
    }
    Ok(services)
}

fn check(url: &Value) -> Result<(), ConfigError> {
    if is_web_url(&url.text) {
        Ok(())
    } else {
        Err(url.wrong("endpoint_url", "not an http or https URL"))
    }
}
