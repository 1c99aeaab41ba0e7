//! Editing an AWS file's text: one thing changes, and every other byte stays as it was.
//!
//! The text is cut at its headers; an edit reads and rewrites one section, and [`Sections::text`] puts
//! them together again. A mistake elsewhere in the file is nobody's hindrance; an edit that could be
//! meant in two ways, or that the file could not hold, is refused. Files and locks are [`file`]'s.

use std::borrow::Cow;

use super::error::Place;
use super::parse::{Kind, Line, Mark, is_space, line, parse};
use super::section::{Dialect, SectionKind, identify};
use super::settings::SECRETS;
use crate::credentials::{Secret, may_be_key_id};

mod file;
mod write;

#[cfg(test)]
mod tests;

pub use file::{Edit, EditError, ReplaceError};

/// What stands for a secret in a backup: the file's own copy of it is not to outlive it there.
const LEFT_OUT: &str = "(left out of this copy)";

/// Why a text can't be edited so.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// It could be meant in two ways.
    #[error("{at}: {what}")]
    Ambiguous {
        /// The line that makes it so.
        at: Place,
        /// What is there.
        what: String,
    },
    /// The files' form has no way to write it.
    #[error("{what} can't be written into an AWS file: {why}")]
    Unwritable {
        /// The name or the key, never a value.
        what: String,
        /// What the form doesn't allow.
        why: &'static str,
    },
}

/// An AWS file's text, by sections.
pub struct Sections {
    path: std::sync::Arc<std::path::Path>,
    dialect: Dialect,
    parts: Vec<Part>,
    /// How the file's lines end.
    end: &'static str,
}

/// A header and the lines up to the next; the first part has none where the file begins without.
struct Part {
    section: Option<(SectionKind, String)>,
    /// What stands between the brackets.
    header: String,
    /// The credentials file is made of secrets.
    text: Secret<String>,
}

/// A key in a part.
struct Found {
    /// Of its line, counted from 0 in the part.
    at: usize,
    /// Behind the last line of its value.
    end: usize,
}

impl Part {
    fn marks(&self) -> Vec<Mark> {
        parse(self.text.expose()).lines
    }

    fn lines(&self) -> Vec<Line> {
        let marks = self.marks();
        let text = self.text.expose();
        (0..marks.len()).map(|at| line(text, &marks, at)).collect()
    }

    /// The keys and their values, with `\n` between a value's lines.
    fn properties(&self) -> Vec<(String, Secret<String>)> {
        let lines = self.lines();
        let text = self.text.expose();
        let found = found(&lines).into_iter();
        found
            .map(|found| {
                let Kind::Property { key, value } = lines[found.at].kind else {
                    unreachable!("`found` finds keys");
                };
                let mut whole = value.of(text).to_owned();
                for line in &lines[found.at + 1..found.end] {
                    match line.kind {
                        Kind::Continuation { value } => {
                            whole.push('\n');
                            whole.push_str(value.of(text));
                        }
                        Kind::Blank => whole.push('\n'),
                        _ => {}
                    }
                }
                (key.of(text).to_lowercase(), Secret::new(whole))
            })
            .collect()
    }
}

/// The keys among some lines.
fn found(lines: &[Line]) -> Vec<Found> {
    let mut keys: Vec<Found> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        match (line.kind, keys.last_mut()) {
            (Kind::Property { .. }, _) => keys.push(Found { at, end: at + 1 }),
            (Kind::Continuation { .. }, Some(last)) => last.end = at + 1,
            _ => {}
        }
    }
    keys
}

impl Sections {
    /// Takes `text` as the content of `path`. What the AWS CLI would not read is no error here.
    pub fn new(path: &std::path::Path, text: &str, dialect: Dialect) -> Self {
        let parsed = parse(text);
        let mut parts = Vec::with_capacity(parsed.headers.len() + 1);
        let start = |at: usize| line(text, &parsed.lines, at).span.start as usize;
        let first = parsed.headers.first().map_or(text.len(), |h| start(h.line));
        parts.push(Part {
            section: None,
            header: String::new(),
            text: Secret::new(text[..first].to_owned()),
        });
        for (nth, header) in parsed.headers.iter().enumerate() {
            let next = parsed.headers.get(nth + 1);
            let end = next.map_or(text.len(), |next| start(next.line));
            let (kind, name) = identify(header.span, text, dialect);
            parts.push(Part {
                section: Some((kind, name.of(text).to_owned())),
                header: header.span.of(text).to_owned(),
                text: Secret::new(text[start(header.line)..end].to_owned()),
            });
        }
        Self {
            path: path.into(),
            dialect,
            parts,
            end: line_end(text),
        }
    }

    /// The whole text.
    pub fn text(&self) -> Secret<String> {
        // Room for all of it, so that growing leaves no copies of secrets behind.
        let length = self.parts.iter().map(|part| part.text.expose().len()).sum();
        let mut text = String::with_capacity(length);
        for part in &self.parts {
            text.push_str(part.text.expose());
        }
        Secret::new(text)
    }

    /// The text with every secret in it left out.
    pub fn without_secrets(&self) -> Secret<String> {
        let mut text = String::new();
        for part in &self.parts {
            let lines = part.lines();
            let whole = part.text.expose();
            let keys = found(&lines);
            for (at, line) in lines.iter().enumerate() {
                let key = keys.iter().find(|key| (key.at..key.end).contains(&at));
                let secret = key.is_some_and(|key| is_secret(&lines[key.at], whole));
                match line.kind {
                    Kind::Property { value, .. } if secret => {
                        text.push_str(&whole[line.span.start as usize..value.start as usize]);
                        text.push_str(LEFT_OUT);
                        text.push_str(&whole[value.end as usize..line.span.end as usize]);
                    }
                    Kind::Continuation { .. } if secret => {}
                    _ => text.push_str(line.span.of(whole)),
                }
            }
        }
        Secret::new(text)
    }

    /// The names of all sections of a kind, in order.
    pub fn names(&self, kind: SectionKind) -> impl Iterator<Item = &str> {
        let sections = self.parts.iter().filter_map(|part| part.section.as_ref());
        sections
            .filter(move |section| section.0 == kind)
            .map(|section| section.1.as_str())
    }

    /// All sections of a kind, in order, with what each says: keys in lower case, and their values.
    pub fn each(
        &self,
        kind: SectionKind,
    ) -> impl Iterator<Item = (&str, Vec<(String, Secret<String>)>)> {
        self.parts.iter().filter_map(move |part| {
            let (own, name) = part.section.as_ref()?;
            (*own == kind).then(|| (name.as_str(), part.properties()))
        })
    }

    /// Whether there is such a section.
    pub fn has(&self, kind: SectionKind, name: &str) -> bool {
        self.find(kind, name).is_some()
    }

    /// A key's value, whatever its case; of a section that is written twice, the last one's.
    pub fn get(&self, kind: SectionKind, name: &str, key: &str) -> Option<Secret<String>> {
        let properties = self.parts[self.find(kind, name)?].properties();
        let mut properties = properties.into_iter();
        properties.find_map(|(found, value)| found.eq_ignore_ascii_case(key).then_some(value))
    }

    /// The section's part; of two that are written differently, the one that the AWS CLI reads.
    fn find(&self, kind: SectionKind, name: &str) -> Option<usize> {
        self.parts.iter().rposition(|part| part.is(kind, name))
    }

    /// The section's part, where it is the only one of its header.
    fn only(&self, kind: SectionKind, name: &str) -> Result<Option<usize>, Refusal> {
        let Some(at) = self.find(kind, name) else {
            return Ok(None);
        };
        let header = &self.parts[at].header;
        let same = |part: &Part| part.is(kind, name) && part.header == *header;
        let first = self.parts.iter().position(same);
        if first == Some(at) {
            return Ok(Some(at));
        }
        let what = format!("the section [{header}] is here for the second time");
        Err(self.ambiguous(at, 0, what))
    }

    fn ambiguous(&self, part: usize, line: usize, what: String) -> Refusal {
        let before = &self.parts[..part];
        let lines: usize = before.iter().map(|part| part.marks().len()).sum();
        let file = std::sync::Arc::clone(&self.path);
        let line = lines + line + 1;
        Refusal::Ambiguous {
            at: Place { file, line },
            what,
        }
    }
}

impl Part {
    fn is(&self, kind: SectionKind, name: &str) -> bool {
        let section = self.section.as_ref();
        section.is_some_and(|(k, n)| *k == kind && n == name)
    }
}

fn is_secret(line: &Line, text: &str) -> bool {
    let Kind::Property { key, value } = line.kind else {
        return false;
    };
    let key = key.of(text).to_lowercase();
    let swapped = key == "aws_access_key_id" && !may_be_key_id(value.of(text));
    SECRETS.contains(&key.as_str()) || swapped
}

/// How the first line ends that does: the others of a file end alike.
fn line_end(text: &str) -> &'static str {
    match text.find(['\n', '\r']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// White space at a line's beginning.
fn indent(line: &str) -> Cow<'_, str> {
    line[..line.len() - line.trim_start_matches(is_space).len()].into()
}
