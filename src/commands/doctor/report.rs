//! What a check finds, and how it is shown.

use std::path::Path;

use serde::Serialize;

use crate::config::{ConfigError, Place};
use crate::error::Error;
use crate::ui::{Tone, Ui};

/// What is looked at, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    /// The AWS files and `config.toml`.
    Configuration,
    /// Variables.
    Environment,
    /// Where secrets are kept.
    Keystore,
    /// What is in there.
    Cache,
    /// The machine's, against a server's.
    Clock,
    /// The way to AWS.
    Endpoints,
    /// What opens a page.
    Browser,
    /// Secrets in the clear.
    PlainText,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Note,
    /// To be mended.
    Wrong,
}

/// What was found, and what to do about it.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: Check,
    #[serde(rename = "status")]
    pub(super) state: State,
    message: String,
    hint: Option<String>,
    file: Option<String>,
    line: Option<usize>,
    key: Option<String>,
}

impl Finding {
    fn new(check: Check, state: State, message: impl Into<String>) -> Self {
        Self {
            check,
            state,
            message: message.into(),
            hint: None,
            file: None,
            line: None,
            key: None,
        }
    }

    pub(super) fn ok(check: Check, message: impl Into<String>) -> Self {
        Self::new(check, State::Ok, message)
    }

    pub(super) fn note(check: Check, message: impl Into<String>) -> Self {
        Self::new(check, State::Note, message)
    }

    pub(super) fn wrong(check: Check, message: impl Into<String>) -> Self {
        Self::new(check, State::Wrong, message)
    }

    /// With what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Where it stands.
    pub(super) fn at(mut self, place: &Place) -> Self {
        self.file = Some(place.file.display().to_string());
        self.line = Some(place.line);
        self
    }

    /// Which key it is about.
    pub(super) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// A file that it is about as a whole.
    pub(super) fn of_file(mut self, path: &Path) -> Self {
        self.file = Some(path.display().to_string());
        self
    }

    /// What an error says, with what it says to do.
    pub(super) fn failed(check: Check, error: impl Into<Error>) -> Self {
        let error = error.into();
        let found = Self::wrong(check, error.one_line());
        match error.hints() {
            [] => found,
            hints => found.hint(hints.join("; ")),
        }
    }

    /// Whether it says what to do.
    pub(super) const fn has_hint(&self) -> bool {
        self.hint.is_some()
    }

    /// A mistake in the AWS files, with its place apart from its words.
    pub(super) fn mistake(error: &ConfigError) -> Self {
        let wrong = |message| Self::wrong(Check::Configuration, message);
        match error {
            ConfigError::Mistake { at, key, what } => {
                wrong(format!("{key}: {what}")).at(at).key(key)
            }
            ConfigError::Syntax { at, what } => wrong(what.clone()).at(at),
            other => wrong(one_line(other)),
        }
    }

    /// Whether it is about the same key in the same place.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let place = |finding: &Self| (finding.file.clone(), finding.line, finding.key.clone());
        self.key.is_some() && place(self) == place(other)
    }

    /// With more words.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.message.push_str(more);
        self
    }
}

/// What an error says, and its causes.
pub(super) fn one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    line
}

impl State {
    const fn word(self) -> (&'static str, Tone) {
        match self {
            Self::Ok => ("ok", Tone::Good),
            Self::Note => ("note", Tone::Mild),
            Self::Wrong => ("WRONG", Tone::Bad),
        }
    }
}

impl Check {
    const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Environment => "environment",
            Self::Keystore => "keystore",
            Self::Cache => "cached entries",
            Self::Clock => "clock",
            Self::Endpoints => "endpoints",
            Self::Browser => "browser",
            Self::PlainText => "secrets in plain text",
        }
    }
}

/// A heading for each check, a line for each finding, another for what to do.
pub(super) fn text(ui: &Ui, findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut last = None;
    for finding in findings {
        if last != Some(finding.check) {
            text.push_str(&ui.painted(Tone::Head, finding.check.title()));
            text.push('\n');
            last = Some(finding.check);
        }
        let (word, tone) = finding.state.word();
        let line = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {}", finding.message),
            (Some(file), None) => format!("{file}: {}", finding.message),
            (None, _) => finding.message.clone(),
        };
        text.push_str(&format!(
            "  {}{:width$}  {}\n",
            ui.painted(tone, word),
            "",
            ui.painted(Tone::Plain, &line),
            width = "WRONG".len() - word.len(),
        ));
        if let Some(hint) = &finding.hint {
            let word = ui.painted(Tone::Hint, "hint:");
            text.push_str(&format!(
                "         {word} {}\n",
                ui.painted(Tone::Plain, hint)
            ));
        }
    }
    text
}
