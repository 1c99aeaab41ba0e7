//! IAM Identity Center in the AWS files: where to sign in, and which account and role to use.

use super::document::Document;
use super::error::{ConfigError, Place, closest};
use super::section::SectionKind;
use super::settings::{Settings, Value};
use crate::credentials::{AccountId, RoleName};

/// What a sign-in asks for where `sso_registration_scopes` does not say.
const DEFAULT_SCOPE: &str = "sso:account:access";

/// Where a person signs in, once for all profiles that share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SsoSession {
    /// Of the `[sso-session]`; `None` where the older keys stand in the profile itself.
    pub name: Option<String>,
    /// Without the `/` and `#` that may follow it: two ways to write one URL are one.
    pub start_url: String,
    /// Of the Identity Center, not of what is done with the credentials.
    pub region: String,
    /// What the sign-in asks for.
    pub scopes: Vec<String>,
}

/// A permission set in an account: what role credentials are fetched for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SsoRole {
    /// Where to sign in.
    pub session: SsoSession,
    /// Whose resources.
    pub account: AccountId,
    /// What may be done with them.
    pub role: RoleName,
}

/// What a profile says about Identity Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sso {
    /// Its credentials come from there.
    Role(SsoRole),
    /// It has an sso-session, but neither account nor role: for services that take the token itself.
    Session(SsoSession),
}

impl Sso {
    /// Where to sign in.
    pub const fn session(&self) -> &SsoSession {
        match self {
            Self::Role(role) => &role.session,
            Self::Session(session) => session,
        }
    }
}

/// The sso-session of that name.
pub fn session(config: &Document, name: &str) -> Result<SsoSession, ConfigError> {
    let Some(section) = config.find(SectionKind::SsoSession, name) else {
        let names = || config.names(SectionKind::SsoSession);
        return Err(ConfigError::NoSuchSession {
            name: name.to_owned(),
            closest: closest(name, names()),
            any: names().next().is_some(),
        });
    };
    let settings = Settings::of(config, section);
    from_settings(Some(name), &settings, &config.place(section))
}

/// What `profile` says about Identity Center, if anything. `needs` is where to say what is missing.
pub fn of_profile(config: &Document, profile: &Settings) -> Result<Option<Sso>, ConfigError> {
    let named = profile.text("sso_session")?;
    let role = profile
        .get_any("sso_account_id")
        .or_else(|| profile.get_any("sso_role_name"));
    let older = profile.get_any("sso_start_url");
    let Some(needs) = role.or(named).or(older).map(|value| &value.at) else {
        return Ok(None);
    };
    let whole = older.is_some() && profile.get_any("sso_region").is_some();
    if role.is_none() && named.is_none() && !whole {
        return Ok(None); // keys that nobody looks at
    }
    let settings = match named {
        Some(name) => agreed(config, profile, name)?,
        None => profile.clone(),
    };
    let name = named.map(|value| value.text.as_str());
    let needs = named.map_or(needs, |value| &value.at);
    let session = from_settings(name, &settings, needs)?;
    if role.is_none() {
        return Ok(Some(Sso::Session(session)));
    }
    let account = required(&settings, "sso_account_id", needs)?;
    let role = required(&settings, "sso_role_name", needs)?;
    Ok(Some(Sso::Role(SsoRole {
        session,
        account: AccountId::parse(&account.text)
            .ok_or_else(|| account.wrong("sso_account_id", "not the 12 digits of an account"))?,
        role: RoleName::parse(&role.text).ok_or_else(|| role.wrong("sso_role_name", "empty"))?,
    })))
}

/// The profile's settings with those of its sso-session, which must not contradict them.
fn agreed(config: &Document, profile: &Settings, name: &Value) -> Result<Settings, ConfigError> {
    let section = config
        .find(SectionKind::SsoSession, &name.text)
        .ok_or_else(|| {
            let close = closest(&name.text, config.names(SectionKind::SsoSession));
            let hint = close.first().map(|c| format!(", did you mean `{c}`?"));
            let hint = hint.unwrap_or_default();
            let what = format!("there is no sso-session `{}`{hint}", name.text);
            ConfigError::mistake(&name.at, "sso_session", what)
        })?;
    let mut both = profile.clone();
    for (key, value) in Settings::of(config, section) {
        if let Some(own) = profile.get_any(&key) {
            let same = match key.as_str() {
                "sso_start_url" => normal(&own.text) == normal(&value.text),
                _ => own.text == value.text,
            };
            if !same {
                let what = format!(
                    "`{}` contradicts `{}` in sso-session `{}` ({})",
                    own.text, value.text, name.text, value.at
                );
                return Err(ConfigError::mistake(&own.at, &key, what));
            }
        }
        both.insert(key, value);
    }
    Ok(both)
}

fn from_settings(
    name: Option<&str>,
    settings: &Settings,
    needs: &Place,
) -> Result<SsoSession, ConfigError> {
    let start_url = required(settings, "sso_start_url", needs)?;
    let region = required(settings, "sso_region", needs)?;
    if !is_web_url(&start_url.text) {
        return Err(start_url.wrong("sso_start_url", "not an http or https URL"));
    }
    if !is_region(&region.text) {
        return Err(region.wrong("sso_region", "not the name of a region"));
    }
    let scopes = settings.get("sso_registration_scopes");
    Ok(SsoSession {
        name: name.map(str::to_owned),
        start_url: normal(&start_url.text).to_owned(),
        region: region.text.clone(),
        scopes: scopes.map_or_else(
            || vec![DEFAULT_SCOPE.to_owned()],
            |value| list(&value.text).map(str::to_owned).collect(),
        ),
    })
}

fn required<'s>(
    settings: &'s Settings,
    key: &str,
    needs: &Place,
) -> Result<&'s Value, ConfigError> {
    settings
        .text(key)?
        .ok_or_else(|| ConfigError::mistake(needs, key, "missing, and sign-in needs it"))
}

fn normal(url: &str) -> &str {
    url.trim_end_matches(['/', '#'])
}

/// The entries of a comma-separated list.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// Whether it begins with `http://` or `https://` and a host, and has no white space in it.
pub fn is_web_url(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '#', '?']))
        && !text.contains(char::is_whitespace)
}

/// Whether it can be a part of a host's name, as the AWS CLI demands of a region.
pub fn is_region(text: &str) -> bool {
    let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(label)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.contains(|c: char| !c.is_ascii_digit())
}
