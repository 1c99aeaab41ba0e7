//! `credential_process`: a program of the person's that prints credentials
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>).
//!
//! How its line is split and what it may print is what the AWS CLI says. No error quotes what it
//! printed, nor its arguments: both may hold secrets.

mod quoting;

use std::process::ExitStatus;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::program::{self, ProgramError, Surroundings};
use crate::credentials::{Credentials, Secret};

/// How long it may take. A person may have to find a device and touch it, or to sign in with a second
/// factor; the AWS SDKs give it one minute, the AWS CLI any time.
pub const LIMIT: Duration = Duration::from_mins(2);

/// How such programs are run here.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What they run in.
    pub program: Surroundings,
    /// The profiles whose programs run around this vault, the outermost first.
    pub around: Vec<String>,
    /// The variable in which a program, and a vault that it calls, is told of them.
    pub marker: String,
}

impl Settings {
    /// A vault that the program of `profile` called must not run that program again, nor wait for what
    /// it gives: that would have no end.
    ///
    /// # Errors
    ///
    /// It is running around this vault.
    pub fn check(&self, profile: &str) -> Result<(), ProcessError> {
        let Some(begin) = self.around.iter().position(|around| around == profile) else {
            return Ok(());
        };
        let mut links = self.around[begin..].to_vec();
        links.push(profile.to_owned());
        Err(ProcessError::Loop { links })
    }
}

/// Why it gave no credentials.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It calls vault for what it is to give.
    #[error("it asks vault for what it is to give itself: {}", links.join(" → "))]
    Loop {
        /// The profiles on the way, the first one again at the end.
        links: Vec<String>,
    },
    /// Its line can't be split into words.
    #[error("its line {0}")]
    Quoting(&'static str),
    /// It could not be run to its end.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It says itself that it failed.
    #[error("`{program}` {how}")]
    Failed {
        /// Which program.
        program: String,
        /// How it ended.
        how: String,
    },
    /// What it printed is not what it should.
    #[error("the output of `{program}` cannot be used: {what}")]
    Output {
        /// Which program.
        program: String,
        /// What is wrong with it.
        what: String,
    },
}

/// The program that a `credential_process` line names.
///
/// # Errors
///
/// The line can't be split into words.
pub fn program_of(command: &str) -> Result<String, ProcessError> {
    let words = quoting::split(command).map_err(ProcessError::Quoting)?;
    Ok(words.into_iter().next().expect("there is one at least"))
}

/// Runs `command` for `profile` and reads the credentials that it prints.
///
/// # Errors
///
/// It can't be run, fails, or prints something else.
pub fn fetch(
    profile: &str,
    command: &str,
    settings: &Settings,
    now: Timestamp,
) -> Result<Credentials, ProcessError> {
    settings.check(profile)?;
    let words = quoting::split(command).map_err(ProcessError::Quoting)?;
    let program = words[0].clone();
    let mut surroundings = settings.program.clone();
    let mut around = settings.around.clone();
    around.push(profile.to_owned());
    // A profile's name is on one line.
    let marker = (settings.marker.clone(), around.join("\n"));
    surroundings.added.push(marker);
    let ended = program::run(&words, &surroundings, LIMIT)?;
    if !ended.status.success() {
        let how = how(ended.status);
        return Err(ProcessError::Failed { program, how });
    }
    parse(ended.out.expose(), now).map_err(|what| ProcessError::Output { program, what })
}

/// `ended with exit status 3`, `was ended by signal 9`
pub fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was ended by signal {signal}");
    }
    let code = status.code().unwrap_or_default();
    format!("ended with exit status {code}")
}

/// What it prints. `null` is as good as nothing.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: Option<Value>,
    access_key_id: Option<Text>,
    secret_access_key: Option<Text>,
    session_token: Option<Text>,
    expiration: Option<Text>,
}

/// Text that may be a secret.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Text(Secret<String>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

fn parse(output: &[u8], now: Timestamp) -> Result<Credentials, String> {
    if output.trim_ascii().is_empty() {
        return Err("there is none".to_owned());
    }
    // Of serde's error the place alone: its words may quote a value.
    let printed: Printed = serde_json::from_slice(output).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            serde_json::error::Category::Data => {
                format!("a value is of the wrong type (line {line}, column {column})")
            }
            _ => format!("it is not JSON (line {line}, column {column})"),
        }
    })?;
    match printed.version {
        None => return Err("`Version` is missing".to_owned()),
        Some(Value::Number(version)) if version.as_f64() == Some(1.0) => {}
        Some(Value::Number(version)) => {
            return Err(format!(
                "its `Version` is {version}, and 1 is the one there is"
            ));
        }
        Some(_) => return Err("its `Version` is not the number 1".to_owned()),
    }
    let needed = |text: Option<Text>, key: &str| match text {
        None => Err(format!("`{key}` is missing")),
        Some(Text(text)) if text.expose().is_empty() => Err(format!("`{key}` is empty")),
        Some(Text(text)) => clean(text, key),
    };
    let expires_at = printed
        .expiration
        .map(|Text(text)| match text.expose().parse() {
            Ok(end) if end > now => Ok(end),
            Ok(_) => Err("its `Expiration` is past".to_owned()),
            Err(_) => Err("its `Expiration` is not a time such as 2026-11-23T10:00:00Z".to_owned()),
        });
    let token = printed.session_token.map(|Text(token)| token);
    let token = token.filter(|token| !token.expose().is_empty());
    Ok(Credentials {
        access_key_id: needed(printed.access_key_id, "AccessKeyId")?
            .expose()
            .clone(),
        secret_access_key: needed(printed.secret_access_key, "SecretAccessKey")?,
        session_token: token
            .map(|token| clean(token, "SessionToken"))
            .transpose()?,
        expires_at: expires_at.transpose()?,
    })
}

/// Without white space and control characters, which are in no key of AWS's: one would break the
/// signature of every request, or the environment that it is handed over in.
fn clean(text: Secret<String>, key: &str) -> Result<Secret<String>, String> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    match text.expose().contains(odd) {
        true => Err(format!(
            "`{key}` has white space or a control character in it"
        )),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(output: &str) -> Result<Credentials, String> {
        parse(output.as_bytes(), "2026-11-23T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_is_printed_is_read_as_the_aws_cli_reads_it() {
        let full = r#" {"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T",
            "Expiration": "2026-11-23T12:30:00+02:00", "AccountId": "111111111111", "More": [1]}
        "#;
        let credentials = parsed(full).unwrap();
        assert_eq!(credentials.access_key_id, "A");
        assert_eq!(credentials.secret_access_key.expose(), "S");
        assert_eq!(credentials.session_token.unwrap().expose(), "T");
        let end = "2026-11-23T10:30:00Z".parse().unwrap();
        assert_eq!(credentials.expires_at, Some(end));
        let least = r#"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S",
            "SessionToken": null, "Expiration": null}"#;
        let credentials = parsed(least).unwrap();
        assert_eq!(credentials.session_token, None);
        assert_eq!(credentials.expires_at, None);
    }

    #[test]
    fn what_is_wrong_with_it_is_said_without_a_word_of_it() {
        let with = |more: &str| {
            format!(r#"{{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "hunter2"{more}}}"#)
        };
        let table = [
            (String::new(), "there is none"),
            ("\n \n".to_owned(), "there is none"),
            (
                "AKIA hunter2".to_owned(),
                "it is not JSON (line 1, column 1)",
            ),
            (
                "{\"Version\": 1".to_owned(),
                "it is not JSON (line 1, column 13)",
            ),
            (
                "\"hunter2\"".to_owned(),
                "a value is of the wrong type (line 1, column 9)",
            ),
            (
                with(", \"SessionToken\": 7"),
                "a value is of the wrong type (line 1, column 82)",
            ),
            (r#"{"AccessKeyId": "A"}"#.to_owned(), "`Version` is missing"),
            (
                r#"{"Version": 2}"#.to_owned(),
                "its `Version` is 2, and 1 is the one there is",
            ),
            (
                r#"{"Version": "1"}"#.to_owned(),
                "its `Version` is not the number 1",
            ),
            (r#"{"Version": 1}"#.to_owned(), "`AccessKeyId` is missing"),
            (
                r#"{"Version": 1, "AccessKeyId": ""}"#.to_owned(),
                "`AccessKeyId` is empty",
            ),
            (
                r#"{"Version": 1, "AccessKeyId": "A"}"#.to_owned(),
                "`SecretAccessKey` is missing",
            ),
            (
                with(", \"Expiration\": \"2026-11-23T10:00:00Z\""),
                "its `Expiration` is past",
            ),
            (
                with(", \"Expiration\": \"tomorrow\""),
                "its `Expiration` is not a time such as 2026-11-23T10:00:00Z",
            ),
            (
                with(", \"Expiration\": \"\""),
                "its `Expiration` is not a time such as 2026-11-23T10:00:00Z",
            ),
        ];
        for (output, expected) in table {
            assert_eq!(parsed(&output).unwrap_err(), expected, "{output}");
        }
    }

    #[test]
    fn what_can_be_in_no_key_is_refused() {
        for (key, id, secret, token) in [
            ("AccessKeyId", "A\\u0000", "S", "T"),
            ("SecretAccessKey", "A", "hunter2\\n", "T"),
            ("SessionToken", "A", "S", "a b"),
        ] {
            let output = format!(
                r#"{{"Version": 1, "AccessKeyId": "{id}", "SecretAccessKey": "{secret}",
                    "SessionToken": "{token}"}}"#
            );
            let what = format!("`{key}` has white space or a control character in it");
            assert_eq!(parsed(&output).unwrap_err(), what);
        }
    }
}
