//! The configuration: what can't be read, what nobody knows, and the profiles that can't work.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use super::{Check, Finding, Setup, State, one_line, values};
use crate::config::{Config, ConfigError, Oddity, Place};
use crate::error::setting_advice;
use crate::files;
use crate::resolve::{Chain, ResolveError, Source};
use crate::settings::SettingsError;

/// So many lines of one file are said not to be understood: past this it is another kind of file.
const MISTAKES_SHOWN: usize = 20;

/// So many names stand in one line.
const NAMES_SHOWN: usize = 5;

/// What is wrong with `config.toml`, or with a variable that is set in its place.
pub(super) fn settings(mistakes: &[SettingsError]) -> Vec<Finding> {
    mistakes.iter().map(setting).collect()
}

fn setting(mistake: &SettingsError) -> Finding {
    let wrong = |text: String| Finding::wrong(Check::Configuration, text);
    match mistake {
        SettingsError::Mistake {
            path,
            line,
            key,
            what,
        } => {
            let place = Place {
                file: path.as_path().into(),
                line: *line,
            };
            let key = key.iter().map(|key| format!("{key}: "));
            let what = what.trim_end().replace('\n', " ");
            let advice = setting_advice(&what);
            wrong(key.chain([what]).collect())
                .at(&place)
                .hint(format!("until it is mended no command runs: {advice}"))
        }
        other => wrong(one_line(other)).hint("mend it: until then no command runs"),
    }
}

/// All that is found in the AWS files.
pub(super) fn check(setup: &Setup<'_>, mistakes: &[ConfigError]) -> Vec<Finding> {
    let config = setup.config;
    let mut findings = unreadable(mistakes);
    findings.extend(config.oddities().into_iter().map(odd));
    findings.extend(modes(setup));
    findings.extend(useless(setup));
    // What made a profile useless was said already.
    let more = values::check(setup);
    let new = |finding: &Finding| !findings.iter().any(|known| known.is_of(finding));
    let more: Vec<_> = more.into_iter().filter(new).collect();
    findings.extend(more);
    let profiles = setup.chains.len();
    let sessions = config.sso_session_names().count();
    if profiles == 0 && sessions == 0 {
        let path = setup.files.config.display();
        findings.push(
            Finding::wrong(
                Check::Configuration,
                format!("there are no profiles in {path}"),
            )
            .hint("`vault configure` writes one"),
        );
    }
    if findings.iter().all(|finding| finding.state != State::Wrong) {
        let profiles = counted(profiles, "profile");
        let sessions = counted(sessions, "sso-session");
        let path = setup.files.config.display();
        let all = format!("{profiles} and {sessions} in {path}");
        findings.insert(0, Finding::ok(Check::Configuration, all));
    }
    findings
}

fn unreadable(mistakes: &[ConfigError]) -> Vec<Finding> {
    let more = mistakes.len().saturating_sub(MISTAKES_SHOWN);
    let shown = mistakes.iter().take(MISTAKES_SHOWN);
    let mut findings: Vec<_> = shown
        .map(|mistake| {
            let finding = Finding::mistake(mistake);
            match mistake {
                ConfigError::Unreadable { .. } => {
                    finding.hint("see who owns the file, and its mode")
                }
                _ => finding.hint(crate::error::advice(mistake)),
            }
        })
        .collect();
    if more > 0 {
        let text = format!("{} are like these", counted(more, "more line"));
        findings.push(Finding::note(Check::Configuration, text));
    }
    findings
}

fn odd(oddity: Oddity) -> Finding {
    match oddity {
        Oddity::Key {
            at,
            key,
            times,
            close,
            slip,
        } => {
            let more = match times {
                1 => String::new(),
                more => format!(", here and in {}", counted(more - 1, "other section")),
            };
            let text = format!("nobody knows the key `{key}`{more}");
            match close {
                Some(close) if slip => Finding::wrong(Check::Configuration, text)
                    .hint(format!("did you mean `{close}`?")),
                Some(close) => Finding::note(Check::Configuration, text).hint(format!(
                    "it is passed over; the closest that is known is `{close}`"
                )),
                None => Finding::note(Check::Configuration, text)
                    .hint("it is passed over; no key that is known looks like it"),
            }
            .at(&at)
            .key(&key)
        }
        Oddity::Header { at, header, meant } => {
            let text = format!("the section [{header}] means nothing in this file");
            let found = Finding::wrong(Check::Configuration, text).at(&at);
            match meant {
                Some(meant) => found.hint(format!("did you mean `[{meant}]`?")),
                None => found.hint("it belongs into the config file, and needs a name"),
            }
        }
    }
}

/// Who else can see or change the files.
fn modes(setup: &Setup<'_>) -> Vec<Finding> {
    let (config, credentials) = (&setup.files.config, &setup.files.credentials);
    let keys = |profile: &str| {
        let profile = setup.config.profile(profile).ok();
        profile.is_some_and(|profile| profile.access_key.is_some())
    };
    let mut findings = Vec::new();
    for (path, secret) in [(config, false), (credentials, true)] {
        let Ok(metadata) = std::fs::metadata(path) else {
            continue;
        };
        let others = files::others_may(&metadata);
        let secret = secret && setup.config.profile_names().any(keys);
        let text = match others {
            _ if !metadata.is_file() => continue,
            others if others.write => "other users can change it, and so what runs as you",
            others if others.read && secret => "other users can read the keys in it",
            _ => continue,
        };
        findings.push(mode(path, text));
    }
    findings
}

fn mode(path: &Path, text: &str) -> Finding {
    Finding::wrong(Check::Configuration, text)
        .of_file(path)
        .hint(format!("chmod 600 {}", path.display()))
}

/// The sso-sessions and profiles that can't be used, each cause once.
fn useless(setup: &Setup<'_>) -> Vec<Finding> {
    let mut causes = Causes::default();
    for name in setup.config.sso_session_names() {
        if let Err(error) = setup.config.sso_session(name) {
            causes.add(&error, None);
        }
    }
    let included = setup.config.included();
    for (name, chain) in &setup.chains {
        match chain {
            Err(error) => {
                causes.add_resolve(error, name);
                let (_, mistakes) = setup.config.examine(name);
                for mistake in &mistakes {
                    causes.add(mistake, Some(name));
                }
            }
            Ok(chain) if matches!(chain.source, Source::None) => {
                causes.found.extend(
                    without_source(setup.config, chain, included.contains(name))
                        .map(|finding| (finding, Vec::new())),
                );
            }
            Ok(_) => {}
        }
    }
    causes.findings()
}

/// A profile that says nothing about credentials; a part of others, or a home for settings, is none.
fn without_source(config: &Config, chain: &Chain, included: bool) -> Option<Finding> {
    let name = &chain.profile;
    let at = config.place_of_profile(name);
    let (text, hint) = if !chain.roles.is_empty() {
        let text = format!(
            "`{name}` gets its role by `{}`, which does not say where its credentials come from",
            chain.root
        );
        (
            text,
            format!("give `{}` a source, or name another", chain.root),
        )
    } else if included
        || config
            .profile(name)
            .is_ok_and(|profile| profile.sso.is_some())
    {
        return None;
    } else {
        let text = format!("`{name}` does not say where its credentials come from");
        let hint = "add `sso_session`, `sso_account_id` and `sso_role_name`, or `vault add` a key";
        (text, hint.to_owned())
    };
    let found = match name.as_str() {
        "default" if chain.roles.is_empty() => Finding::note(Check::Configuration, text),
        _ => Finding::wrong(Check::Configuration, text),
    };
    let found = found.hint(hint);
    Some(match at {
        Some(at) => found.at(&at),
        None => found,
    })
}

/// What makes profiles useless, and which.
#[derive(Default)]
struct Causes {
    found: Vec<(Finding, Vec<String>)>,
    known: HashMap<String, usize>,
}

impl Causes {
    fn add_resolve(&mut self, error: &ResolveError, profile: &str) {
        match error {
            ResolveError::Profile { source, .. } | ResolveError::Link { source, .. } => {
                self.add(source, Some(profile));
            }
            ResolveError::Loop { at, links } => {
                // Whoever looks at it from another side sees the same loop.
                let mut round = links.clone();
                round.sort();
                round.dedup();
                let text = format!("source_profile: it goes round: {}", links.join(" → "));
                let found = Finding::wrong(Check::Configuration, text)
                    .at(at)
                    .key("source_profile")
                    .hint("let one of them have credentials of its own");
                self.push(round.join("\n"), || found, Some(profile));
            }
            other => {
                let text = one_line(other);
                let found = Finding::wrong(Check::Configuration, text.clone());
                self.push(
                    text,
                    || found.hint("`vault list` shows them"),
                    Some(profile),
                );
            }
        }
    }

    fn add(&mut self, error: &ConfigError, profile: Option<&str>) {
        let cause = error.to_string();
        let hint = crate::error::advice(error);
        self.push(cause, || Finding::mistake(error).hint(hint), profile);
    }

    fn push(&mut self, cause: String, found: impl FnOnce() -> Finding, profile: Option<&str>) {
        let at = match self.known.entry(cause) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.found.push((found(), Vec::new()));
                *new.insert(self.found.len() - 1)
            }
        };
        let profiles = &mut self.found[at].1;
        let new = profile.filter(|new| profiles.last().is_none_or(|last| last != new));
        profiles.extend(new.map(str::to_owned));
    }

    fn findings(self) -> Vec<Finding> {
        let with = |(found, profiles): (Finding, Vec<String>)| match profiles.len() {
            0 => found,
            1 => found.and(&format!(" (profile {})", names(&profiles))),
            _ => found.and(&format!(" (profiles {})", names(&profiles))),
        };
        self.found.into_iter().map(with).collect()
    }
}

/// `1 profile`, `3 profiles`
pub(super) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    }
}

/// The first of some names.
pub(super) fn names(all: &[String]) -> String {
    let shown: Vec<_> = all
        .iter()
        .take(NAMES_SHOWN)
        .map(|n| format!("`{n}`"))
        .collect();
    match all.len().saturating_sub(NAMES_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
