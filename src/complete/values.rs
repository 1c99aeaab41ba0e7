//! What can stand where a usage line says `PROFILE` or `REGION`.

use crate::config::{Config, Files};
use crate::deliver::console::SERVICES;
use crate::env;
use crate::keystore::Backend;
use crate::plan::portal::REGIONS;
use crate::settings::Directories;

/// What can stand for a value of that name; `None` where nobody knows.
pub fn of(name: &str) -> Option<fn() -> Vec<String>> {
    Some(match name {
        "PROFILE" => profiles,
        "SSO-SESSION" => sso_sessions,
        "PROFILE|SSO-SESSION" => || [sso_sessions(), profiles()].concat(),
        "REGION" => || REGIONS.map(str::to_owned).to_vec(),
        "SERVICE" => services,
        "KEYSTORE" => || Backend::ALL.map(|backend| backend.to_string()).to_vec(),
        _ => return None,
    })
}

/// The AWS files, where they can be understood.
fn config() -> Option<Config> {
    let directories = Directories::find()?;
    let files = Files {
        config: directories.aws(env::AWS_CONFIG_FILE, "config"),
        credentials: directories.aws(env::AWS_SHARED_CREDENTIALS_FILE, "credentials"),
    };
    Config::load(&files).ok()
}

fn profiles() -> Vec<String> {
    config().map_or_else(Vec::new, |config| {
        config.profile_names().map(str::to_owned).collect()
    })
}

fn sso_sessions() -> Vec<String> {
    config().map_or_else(Vec::new, |config| {
        config.sso_session_names().map(str::to_owned).collect()
    })
}

fn services() -> Vec<String> {
    let names = SERVICES.iter().flat_map(|service| service.names);
    names.map(|name| (*name).to_owned()).collect()
}
