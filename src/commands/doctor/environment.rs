//! The environment: variables that lead elsewhere than one expects, and those that mean nothing.

use super::{Check, Finding, Setup};
use crate::commands::context::shown_id;
use crate::config::{alike, closest, shell_word};
use crate::env;

/// aws-vault's variables that have no counterpart here
/// (<https://github.com/99designs/aws-vault/blob/master/USAGE.md#environment-variables>).
const OF_AWS_VAULT: &[&str] = &[
    "AWS_VAULT_KEYCHAIN_NAME",
    "AWS_VAULT_PASS_CMD",
    "AWS_VAULT_PROMPT",
];

/// Begins the names of vault's own variables.
const PREFIX: &str = "AWS_VAULT_";

pub(super) fn check(setup: &Setup<'_>) -> Vec<Finding> {
    let mut findings = profiles(setup);
    findings.extend(files());
    findings.extend(keys());
    let mut names: Vec<_> = env::all()
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !env::OWN.contains(&name.as_str()))
        .collect();
    names.sort();
    findings.extend(names.iter().map(|name| unknown(name)));
    if findings.is_empty() {
        let text = "no variable leads elsewhere than the configuration says";
        findings.push(Finding::ok(Check::Environment, text));
    }
    findings
}

fn unknown(name: &str) -> Finding {
    if OF_AWS_VAULT.contains(&name) {
        return Finding::note(
            Check::Environment,
            format!("{name} is aws-vault's: vault has no use for it"),
        );
    }
    // What all of them begin with says nothing about which is meant.
    let own = env::OWN.iter().filter_map(|own| own.strip_prefix(PREFIX));
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    let text = format!("{name} means nothing to vault");
    match alike(rest, own) {
        Some(close) => {
            Finding::wrong(Check::Environment, text).hint(format!("did you mean {PREFIX}{close}?"))
        }
        None => Finding::note(Check::Environment, text),
    }
}

/// Profiles that are named and are not there.
fn profiles(setup: &Setup<'_>) -> Vec<Finding> {
    let named = [env::AWS_PROFILE, env::AWS_DEFAULT_PROFILE];
    let mut findings = Vec::new();
    for variable in named {
        let Ok(Some(name)) = env::var(variable) else {
            continue;
        };
        if setup.config.profile_names().any(|known| known == name) {
            continue;
        }
        let text = format!("{variable} names `{name}`, and there is no such profile");
        let close = closest(&name, setup.config.profile_names());
        let hint = match close.first() {
            Some(close) => format!("did you mean `{close}`? Else: unset {variable}"),
            None => format!("unset {variable}, or write the profile"),
        };
        findings.push(Finding::wrong(Check::Environment, text).hint(hint));
    }
    findings
}

/// Files that are named and are not there.
fn files() -> Vec<Finding> {
    let named = [env::AWS_CONFIG_FILE, env::AWS_SHARED_CREDENTIALS_FILE];
    let missing = named.into_iter().filter_map(|variable| {
        let path = env::var_os(variable)?;
        let tilde = path.as_encoded_bytes().starts_with(b"~");
        let missing = !tilde && !std::path::Path::new(&path).exists();
        missing.then(|| {
            let text = format!("{variable} names {}, which is not there", path.display());
            let hint = format!("unset {variable}, or make the file");
            Finding::wrong(Check::Environment, text).hint(hint)
        })
    });
    missing.collect()
}

/// Credentials in the environment are stronger than `AWS_PROFILE` for every program but vault's.
fn keys() -> Option<Finding> {
    let id = env::var_os(env::AWS_ACCESS_KEY_ID)?;
    let id = id.to_string_lossy().into_owned();
    let note = |text| Finding::note(Check::Environment, text);
    if let Ok(Some(outer)) = env::var(env::AWS_VAULT) {
        return Some(note(format!(
            "this runs inside `vault exec {}`",
            shell_word(&outer)
        )));
    }
    let hint = "programs that vault does not run use them, whatever AWS_PROFILE says: unset them \
                where that is not meant";
    let text = format!("credentials are in the environment ({})", shown_id(&id));
    Some(note(text).hint(hint))
}
