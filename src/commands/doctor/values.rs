//! What profiles say that can be understood and can't work: names of another form, files and programs
//! that are not there, durations that AWS does not give.

use std::collections::HashSet;
use std::ffi::OsString;

use super::{Check, Finding, Setup};
use crate::broker::{self, Want};
use crate::config::{Place, Profile, closest, is_role_arn};
use crate::deliver::child::{ChildError, Command};
use crate::plan::portal::known_region;
use crate::resolve::{Chain, Source};
use crate::source::process;

/// Looks at every profile, whatever else is wrong with it; a value that many have is looked at once.
pub(super) fn check(setup: &Setup<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for (name, chain) in &setup.chains {
        let (Some(profile), _) = setup.config.examine(name) else {
            continue;
        };
        findings.extend(regions(setup, &profile, &mut seen));
        findings.extend(role(&profile));
        findings.extend(source(setup, &profile));
        findings.extend(token_file(&profile));
        let Ok(chain) = chain else {
            continue;
        };
        if let Source::CredentialProcess(source) = &chain.source
            && source.profile == *name
        {
            findings.extend(program(&profile, &source.command, &mut seen));
        }
        findings.extend(lasting(setup, chain));
    }
    findings
}

fn regions(setup: &Setup<'_>, profile: &Profile, seen: &mut HashSet<String>) -> Vec<Finding> {
    // An endpoint of one's own may have regions of its own.
    let own = profile.endpoint("sts").is_some();
    let region = profile.get("region").filter(|_| !own);
    let session = profile.sso.as_ref().map(|sso| sso.session());
    let signs_in = session.map(|session| {
        let named = session.name.as_deref();
        let at = match named.and_then(|name| setup.config.place_of_session(name)) {
            Some(at) => Some(at),
            None => profile.get("sso_region").map(|value| value.at.clone()),
        };
        ("sso_region", session.region.clone(), at)
    });
    let region = region.map(|value| ("region", value.text.clone(), Some(value.at.clone())));
    let mut findings = Vec::new();
    for (key, text, at) in region.into_iter().chain(signs_in) {
        let id = format!("{key} {text} {at:?}");
        let Err(meant) = known_region(&text) else {
            continue;
        };
        if !seen.insert(id) {
            continue;
        }
        let hint = meant.map_or(
            "a region is called as in `eu-central-1`".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        let found = format!("{key}: AWS has no region `{text}`");
        let found = Finding::wrong(Check::Configuration, found)
            .key(key)
            .hint(hint);
        findings.push(match at {
            Some(at) => found.at(&at),
            None => found,
        });
    }
    findings
}

fn role(profile: &Profile) -> Option<Finding> {
    let arn = &profile.role.as_ref()?.arn;
    (!is_role_arn(&arn.text)).then(|| {
        let text = format!("role_arn: `{}` is not the ARN of a role", arn.text);
        Finding::wrong(Check::Configuration, text)
            .at(&arn.at)
            .key("role_arn")
            .hint("write it as in `arn:aws:iam::123456789012:role/NAME`")
    })
}

/// The profile whose credentials may assume the role.
fn source(setup: &Setup<'_>, profile: &Profile) -> Option<Finding> {
    let named = profile.role.as_ref()?.source_profile.as_ref()?;
    if setup.config.profile_names().any(|name| name == named.text) {
        return None;
    }
    let text = format!("source_profile: there is no profile `{}`", named.text);
    let close = closest(&named.text, setup.config.profile_names());
    let hint = match close.first() {
        Some(close) => format!("did you mean `{close}`?"),
        None => "name a profile that there is; `vault list` shows them".to_owned(),
    };
    let found = Finding::wrong(Check::Configuration, text).at(&named.at);
    Some(found.key("source_profile").hint(hint))
}

fn token_file(profile: &Profile) -> Option<Finding> {
    let file = profile.get("web_identity_token_file")?;
    let why = match std::fs::metadata(&file.text) {
        Ok(metadata) if metadata.is_file() => return None,
        Ok(_) => "is not a file".to_owned(),
        Err(error) => format!("can't be read: {error}"),
    };
    let hint = if file.text.starts_with('~') {
        "write the whole path: `~` is a shell's, and none reads it"
    } else {
        "whatever writes it must be running: vault only reads it"
    };
    let text = format!("web_identity_token_file: `{}` {why}", file.text);
    let found = Finding::wrong(Check::Configuration, text).at(&file.at);
    Some(found.key("web_identity_token_file").hint(hint))
}

/// Whether the program is there; its arguments, which may hold secrets, are not shown.
fn program(profile: &Profile, command: &str, seen: &mut HashSet<String>) -> Option<Finding> {
    let at: Option<Place> = profile
        .get("credential_process")
        .map(|value| value.at.clone());
    if !seen.insert(format!("program {command}")) {
        return None;
    }
    let (text, hint) = match process::program_of(command) {
        Err(error) => (error.to_string(), "close what is opened with a quote"),
        Ok(program) => match Command::find(OsString::from(&program), Vec::new()) {
            Ok(_) => return None,
            Err(ChildError::NotFound(_)) if program.starts_with(['~', '$']) => (
                format!("there is no program `{program}`"),
                "write the whole path: no shell reads the line, so `~` and `$HOME` stay as they are",
            ),
            Err(ChildError::NotFound(_)) => (
                format!("there is no program `{program}` in PATH"),
                "install it, or write its whole path",
            ),
            Err(ChildError::CannotRun(..)) => (
                format!("the program `{program}` can't be run"),
                "chmod +x makes a file a program",
            ),
        },
    };
    let found = Finding::wrong(Check::Configuration, format!("credential_process: {text}"));
    let found = found.key("credential_process").hint(hint);
    Some(match at {
        Some(at) => found.at(&at),
        None => found,
    })
}

/// A wish that AWS does not grant.
fn lasting(setup: &Setup<'_>, chain: &Chain) -> Option<Finding> {
    let cut = broker::cut(chain, Want::default())?;
    let text = format!(
        "duration_seconds: `{}` lasts {} s and not {}: AWS gives no more to a role that is assumed \
         with temporary credentials",
        chain.profile,
        cut.limit.as_secs(),
        cut.wish.as_secs(),
    );
    let found = Finding::note(Check::Configuration, text).key("duration_seconds");
    let profile = setup.config.profile(&chain.profile).ok()?;
    let at = profile.get("duration_seconds")?.at.clone();
    Some(found.at(&at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_an_account_and_a_name() {
        for good in [
            "arn:aws:iam::123456789012:role/x",
            "arn:aws-us-gov:iam::123456789012:role/path/x",
        ] {
            assert!(is_role_arn(good), "{good}");
        }
        for bad in [
            "Admin",
            "arn:aws:iam::12345678901:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:sts::123456789012:assumed-role/x/y",
            "arn:aws:iam:eu:123456789012:role/x",
        ] {
            assert!(!is_role_arn(bad), "{bad}");
        }
    }
}
