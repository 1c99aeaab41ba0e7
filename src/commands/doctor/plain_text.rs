//! Secrets that lie about in the clear, where AWS's own programs, browsers and people leave them. No
//! secret is kept in memory for longer than it takes to see that it is one, and none is shown.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Check, Finding, Setup, counted, names};
use crate::commands::context::shown_id;
use crate::config::{EXPORT_KEY, KeyFile, Place, shell_word};
use crate::credentials::Secret;
use crate::resolve::Source;

/// What is larger is none of these files.
const LARGEST: u64 = 256 * 1024;

/// So many files of one folder are opened: a cache has as many as its person has profiles.
const MOST_FILES: usize = 5000;

/// What shells read when they start, below the home directory.
const SHELL_FILES: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".config/fish/config.fish",
];

/// Variables that hold a secret of AWS's.
const SECRET_VARIABLES: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

pub(super) fn check(setup: &Setup<'_>, now: Timestamp) -> Vec<Finding> {
    let home = &setup.context.settings().directories.home;
    let mut findings = keys(setup, now);
    findings.extend(sign_ins(&home.join(".aws/sso/cache"), now));
    for folder in [".aws/cli/cache", ".aws/boto/cache"] {
        findings.extend(credentials(&home.join(folder), now));
    }
    findings.extend(logins(setup));
    for folder in setup.context.settings().directories.downloads() {
        findings.extend(downloads(&folder));
    }
    for file in SHELL_FILES {
        findings.extend(shell_file(&home.join(file)));
    }
    if findings.is_empty() {
        let text = "no secret of AWS's lies where such secrets are left";
        findings.push(Finding::ok(Check::PlainText, text));
    }
    findings
}

fn wrong(text: String, hint: impl Into<String>) -> Finding {
    Finding::wrong(Check::PlainText, text).hint(hint)
}

fn note(text: String, hint: impl Into<String>) -> Finding {
    Finding::note(Check::PlainText, text).hint(hint)
}

/// Keys in the AWS files.
fn keys(setup: &Setup<'_>, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, _) in &setup.chains {
        let Ok(profile) = setup.config.profile(name) else {
            continue;
        };
        let Some(file) = profile.access_key else {
            continue;
        };
        // Half a key has been said by now.
        let Ok(key) = setup.config.static_credentials(name, file) else {
            continue;
        };
        let end = profile.get("x_security_token_expires");
        let end = end.and_then(|value| instant(&value.text));
        let (id, word) = (shown_id(&key.access_key_id), shell_word(name));
        let found = match (key.session_token, end) {
            (Some(_), Some(end)) if end <= now => note(
                format!("`{name}` has credentials ({id}) that have expired"),
                "take the section out",
            ),
            (Some(_), _) if profile.get(EXPORT_KEY).is_some() => note(
                format!("`{name}` has credentials ({id}) that `vault export --to` wrote"),
                "take the section out when no program needs it any more",
            ),
            (Some(_), _) => wrong(
                format!("`{name}` has a session ({id}) in the clear"),
                "take the section out: `vault exec` hands credentials over without a file",
            ),
            (None, _) => wrong(
                format!("the long-lived key of `{name}` ({id}) stands in the clear"),
                match file {
                    KeyFile::Credentials => {
                        format!(
                            "`vault add {word} --from-credentials-file` moves it into the keystore"
                        )
                    }
                    KeyFile::Config => {
                        format!("`vault add {word}` takes it; then take it out of the file")
                    }
                },
            ),
        };
        findings.push(match profile.get("aws_access_key_id") {
            Some(value) => found.at(&value.at),
            None => found,
        });
    }
    findings
}

/// RFC 3339; older programs write `UTC` for the `Z`.
fn instant(text: &str) -> Option<Timestamp> {
    text.replace("UTC", "Z").parse().ok()
}

/// What `aws sso login` and its like leave: tokens, and the client's secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInFile {
    start_url: Option<String>,
    expires_at: Option<String>,
    access_token: Option<IgnoredAny>,
    refresh_token: Option<IgnoredAny>,
}

fn sign_ins(folder: &Path, now: Timestamp) -> Vec<Finding> {
    let (mut live, mut dead) = (Vec::new(), 0);
    for file in json_files(folder) {
        let Some(file) = parse::<SignInFile>(&file) else {
            continue;
        };
        if file.access_token.is_none() && file.refresh_token.is_none() {
            continue;
        }
        let end = file.expires_at.as_deref().and_then(instant);
        if file.refresh_token.is_some() || end.is_none_or(|end| end > now) {
            let url = file
                .start_url
                .unwrap_or_else(|| "an unnamed portal".to_owned());
            if !live.contains(&url) {
                live.push(url);
            }
        } else {
            dead += 1;
        }
    }
    let place = folder.display();
    let live = (!live.is_empty()).then(|| {
        wrong(
            format!("{place} has sign-ins in the clear, to {}", names(&live)),
            "`aws sso logout` ends them; vault has its own, in the keystore",
        )
    });
    let dead = (dead > 0).then(|| {
        note(
            format!("{place} has what is left of {}", counted(dead, "sign-in")),
            format!("rm {place}/*.json takes them away"),
        )
    });
    live.into_iter().chain(dead).collect()
}

/// What the AWS CLI keeps of role credentials.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CredentialsFile {
    credentials: Inner,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inner {
    expiration: Option<String>,
    #[serde(rename = "SecretAccessKey")]
    _secret: IgnoredAny,
}

fn credentials(folder: &Path, now: Timestamp) -> Option<Finding> {
    let (mut live, mut dead) = (0, 0);
    for file in json_files(folder) {
        let Some(file) = parse::<CredentialsFile>(&file) else {
            continue;
        };
        let end = file.credentials.expiration.as_deref().and_then(instant);
        match end {
            Some(end) if end <= now => dead += 1,
            _ => live += 1,
        }
    }
    let place = folder.display();
    let hint =
        format!("rm {place}/*.json takes them away; commands that `vault exec` runs leave none");
    if live > 0 {
        let text = format!(
            "{place} has {} of credentials in the clear",
            counted(live, "set")
        );
        Some(wrong(text, hint))
    } else if dead > 0 {
        let text = format!(
            "{place} has {} of credentials that have expired",
            counted(dead, "set")
        );
        Some(note(text, hint))
    } else {
        None
    }
}

/// The sessions of `aws login` are the AWS CLI's, and vault uses them where a profile says so.
fn logins(setup: &Setup<'_>) -> Option<Finding> {
    let folder = setup.context.login_sessions();
    let count = json_files(&folder).len();
    if count == 0 {
        return None;
    }
    let used = setup.chains.iter().any(
        |(_, chain)| matches!(chain, Ok(chain) if matches!(chain.source, Source::LoginSession(_))),
    );
    let what = counted(count, "session");
    let text = format!(
        "{} has {what} of `aws login` in the clear",
        folder.display()
    );
    Some(if used {
        note(
            text,
            "profiles with `login_session` need them; `aws logout` ends them",
        )
    } else {
        wrong(text, "no profile needs them: `aws logout --all` ends them")
    })
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    files(folder, |name| name.ends_with(".json"))
}

fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let entries = entries.filter_map(Result::ok);
    let wanted = entries.filter(|entry| entry.file_name().to_str().is_some_and(&wanted));
    let mut files: Vec<_> = wanted.take(MOST_FILES).map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// The text of a regular file of a size that can be expected.
fn read(path: &Path) -> Option<Secret<String>> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut text = String::with_capacity(usize::try_from(metadata.len()).ok()? + 1);
    let file = fs::File::open(path).ok()?;
    let read = file.take(LARGEST).read_to_string(&mut text);
    let text = Secret::new(text);
    read.ok().map(|_| text)
}

fn parse<T: for<'d> Deserialize<'d>>(path: &Path) -> Option<T> {
    serde_json::from_str(read(path)?.expose()).ok()
}

/// A key that a browser saved: `rootkey.csv`, `jo_accessKeys.csv`, `new_user_credentials.csv`, and what
/// browsers make of a second one.
fn downloads(folder: &Path) -> Vec<Finding> {
    let wanted = |name: &str| {
        let name = name.to_ascii_lowercase();
        let told = ["accesskey", "rootkey", "credentials"];
        name.ends_with(".csv") && told.iter().any(|word| name.contains(word))
    };
    let found = files(folder, wanted).into_iter().filter_map(|path| {
        let text = read(&path)?;
        let lower = Secret::new(text.expose().to_ascii_lowercase());
        let told = ["access key id", "awsaccesskeyid", "secret access key"];
        if !told.iter().any(|word| lower.expose().contains(word)) {
            return None;
        }
        let id = key_id(text.expose()).map_or_else(String::new, |id| format!(" ({id})"));
        let hint = format!(
            "`vault add PROFILE --csv {}` takes it into the keystore; then delete the file, from the \
             trash too",
            shell_word(&path.to_string_lossy())
        );
        Some(wrong(format!("a downloaded key{id}"), hint).of_file(&path))
    });
    found.collect()
}

/// The id of a key in a text: no secret.
fn key_id(text: &str) -> Option<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let id =
        |word: &&str| word.len() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA"));
    words.into_iter().find(id)
}

/// A secret in what a shell reads: it is in every program's environment, and in the file.
fn shell_file(path: &Path) -> Vec<Finding> {
    let Some(text) = read(path) else {
        return Vec::new();
    };
    let lines = text.expose().lines().enumerate();
    let found = lines.filter_map(|(index, line)| {
        let variable = SECRET_VARIABLES.iter().find(|name| is_set(line, name))?;
        let place = Place {
            file: path.into(),
            line: index + 1,
        };
        let text = format!("{variable} is set in the clear");
        let hint = "`vault add PROFILE` takes the key; then take the line out, and rotate the key";
        Some(wrong(text, hint).at(&place))
    });
    found.collect()
}

/// Whether a line of a shell sets a variable to a text, and not to what a command or another variable
/// says.
fn is_set(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let Some((before, after)) = line.split_once(name) else {
        return false;
    };
    let own_word = before.is_empty() || before.ends_with([' ', '\t', ';']);
    let Some(value) = after.strip_prefix(['=', ' ', '\t']) else {
        return false;
    };
    // fish parts a name from its value by a space, and `export NAME` has none.
    let value = value.trim().trim_start_matches(['"', '\'']);
    let fish = !after.starts_with('=');
    let sets = !fish || before.trim_start().starts_with("set ");
    own_word
        && sets
        && !line.starts_with('#')
        && !value.is_empty()
        && !value.starts_with(['$', '`', ';', '#', '&', '|', '(', '"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_sets_a_secret_is_told_from_one_that_mentions_it() {
        let name = SECRET_VARIABLES[0];
        for (line, expected) in [
            ("export NAME=abc", true),
            ("  NAME='abc'", true),
            ("set -gx NAME abc", true),
            ("x=1; export NAME=abc", true),
            ("# export NAME=abc", false),
            ("export NAME=$(pass show x)", false),
            ("export NAME=\"$OTHER\"", false),
            ("export NAME=`pass`", false),
            ("unset NAME", false),
            ("unset NAME OTHER", false),
            ("export NAME=", false),
            ("export NAME=''", false),
            ("echo $NAME", false),
        ] {
            let line = line.replace("NAME", name);
            assert_eq!(is_set(&line, name), expected, "{line}");
        }
    }

    #[test]
    fn the_id_of_a_key_is_found_among_other_words() {
        let text = "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE,x/y+z\n";
        assert_eq!(key_id(text), Some("AKIAIOSFODNN7EXAMPLE"));
        assert_eq!(key_id("nothing"), None);
    }
}
