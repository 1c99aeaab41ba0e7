//! Every key and value of generated files, next to what botocore reads in them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::settings::Settings;
use super::{Config, Files, SectionKind};

#[path = "../../tests/support/parity.rs"]
mod botocore;

use botocore::{Case, In, Met};

/// What vault keeps no value of.
const KEPT_BACK: [&str; 2] = ["aws_secret_access_key", "aws_session_token"];

#[test]
fn every_value_is_what_botocore_reads() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files {
        config: folder.path().join("config"),
        credentials: folder.path().join("credentials"),
    };
    let mut met = Vec::new();
    for case in botocore::cases() {
        case.write(folder.path());
        compare(&case, &files, &mut met);
    }
    botocore::judge(In::Values, &met);
}

fn compare(case: &Case, files: &Files, met: &mut Vec<Met>) {
    match (case.error(), Config::load(files)) {
        (Some(_), Err(_)) => {}
        (Some(theirs), Ok(_)) => met.push(case.met("", theirs, "no error")),
        (None, Err(ours)) => met.push(case.met("", "no error", ours)),
        (None, Ok(config)) => {
            for (kind, theirs) in [
                (SectionKind::Profile, "profiles"),
                (SectionKind::SsoSession, "sso_sessions"),
                (SectionKind::Services, "services"),
            ] {
                let theirs = without_secrets(&case.read[theirs]);
                let ours = sections(&config, kind);
                let names = ours.keys().chain(theirs.keys());
                let names: std::collections::BTreeSet<_> = names.cloned().collect();
                for name in names {
                    let side = |side: &Map<String, Value>| side.get(&name).cloned();
                    let (theirs, ours) = (side(&theirs), side(&ours));
                    if theirs != ours {
                        let shown =
                            |side: Option<Value>| side.map_or("nothing".into(), |v| v.to_string());
                        met.push(case.met(&format!("{kind:?} {name}"), shown(theirs), shown(ours)));
                    }
                }
            }
        }
    }
}

fn without_secrets(sections: &Value) -> Map<String, Value> {
    let mut sections = sections.as_object().unwrap().clone();
    for section in sections.values_mut() {
        for key in KEPT_BACK {
            if let Some(value) = section.get_mut(key) {
                *value = json!("");
            }
        }
    }
    sections
}

fn sections(config: &Config, kind: SectionKind) -> Map<String, Value> {
    let names: Vec<&str> = match kind {
        SectionKind::Profile => config.profile_names().collect(),
        kind => config.config.names(kind).collect(),
    };
    let section = |name: &str| match kind {
        SectionKind::Profile => config.settings(name).map(|(settings, _)| settings),
        kind => config
            .config
            .find(kind, name)
            .map(|section| Settings::of(&config.config, section)),
    };
    let value = |name: &str| values(section(name).expect("a section that is listed"));
    names
        .into_iter()
        .map(|name| (name.to_owned(), value(name)))
        .collect()
}

/// Settings as botocore has them: those under an empty key are a map of their own.
fn values(settings: Settings) -> Value {
    let value = |text: String| match text.strip_prefix('\n') {
        None => Value::String(text),
        Some(nested) => nested
            .split('\n')
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), Value::from(value.trim())))
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect(),
    };
    settings
        .into_iter()
        .map(|(key, found)| (key, value(found.text)))
        .collect()
}
