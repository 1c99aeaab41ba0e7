//! One AWS file as it stands on disk: its text, its lines, and its sections by name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, Place};
use super::parse::{Fault, Kind, Line, Span, is_space, parse};
use super::section::{Dialect, Section, SectionKind, hash, identify, number};
use crate::credentials::Secret;

/// A key of a section, with all of its value.
#[derive(Debug)]
pub struct Property<'d> {
    /// As it is written.
    pub key: &'d str,
    /// With `\n` between its lines. Begins with `\n` where settings stand under an empty key.
    pub value: Cow<'d, str>,
    /// Counted from 0.
    index: usize,
}

/// An AWS file.
pub struct Document {
    path: Arc<Path>,
    /// The credentials file is made of secrets: hidden from `Debug`, and wiped.
    text: Secret<String>,
    lines: Vec<Line>,
    sections: Vec<Section>,
    /// By the hash of kind and name; sections that share one are linked by `earlier`.
    index: HashMap<u64, u32>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({})", self.path.display())
    }
}

impl Document {
    /// Reads the file. One that isn't there is an empty one.
    ///
    /// # Errors
    ///
    /// It can't be read, or not understood.
    pub fn load(path: &Path, dialect: Dialect) -> Result<Self, ConfigError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(unreadable(path, source)),
        };
        if u32::try_from(bytes.len()).is_err() {
            return Err(unreadable(path, io::ErrorKind::FileTooLarge.into()));
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
            let line = memchr::memchr_iter(b'\n', good).count() + 1;
            let what = "not UTF-8".to_owned();
            syntax(path, Fault { line, what })
        })?;
        Self::read(path, text, dialect).map_err(|fault| syntax(path, fault))
    }

    /// Takes `text` as the content of `path`.
    pub(super) fn read(path: &Path, text: String, dialect: Dialect) -> Result<Self, Fault> {
        let (lines, fault) = parse(&text);
        let mut document = Self {
            path: path.into(),
            text: Secret::new(text),
            sections: Vec::new(),
            index: HashMap::new(),
            lines,
        };
        let faults = [fault, document.divide(dialect)];
        match faults.into_iter().flatten().min_by_key(|f| f.line) {
            Some(fault) => Err(fault),
            None => Ok(document),
        }
    }

    /// Finds the sections, and the first that is there twice or has a key twice.
    fn divide(&mut self, dialect: Dialect) -> Option<Fault> {
        let headers = self.lines.iter().enumerate().filter_map(|(at, line)| {
            let Kind::Header { header } = line.kind else {
                return None;
            };
            Some((at, header))
        });
        let headers: Vec<(usize, Span)> = headers.collect();
        self.sections.reserve(headers.len());
        self.index.reserve(headers.len());
        let mut fault = None;
        for (nth, &(first, header)) in headers.iter().enumerate() {
            let end = headers.get(nth + 1).map_or(self.lines.len(), |next| next.0);
            let twice = self.section(first, end, header, dialect);
            fault = fault.or(twice).or_else(|| self.twice(first, end));
        }
        fault
    }

    fn section(
        &mut self,
        first: usize,
        end: usize,
        header: Span,
        dialect: Dialect,
    ) -> Option<Fault> {
        let text = self.text.expose();
        let (kind, name) = identify(header, text, dialect);
        let key = hash(kind, name.of(text));
        let earlier = self.index.insert(key, number(self.sections.len()));
        self.sections.push(Section {
            kind,
            name,
            header,
            first: number(first),
            end: number(end),
            earlier,
        });
        let other = self
            .linked(earlier)
            .find(|other| other.header.of(text) == header.of(text))?;
        let what = format!(
            "the section [{}] is here for the second time, the first is on line {}",
            header.of(text),
            other.first + 1
        );
        let line = first + 1;
        Some(Fault { line, what })
    }

    /// The first key that is there twice between two lines.
    fn twice(&self, first: usize, end: usize) -> Option<Fault> {
        /// Up to this many keys, comparing each with each is quicker than sorting them.
        const FEW: usize = 16;
        let text = self.text.expose();
        let keys = (first..end).filter_map(|at| match self.lines[at].kind {
            Kind::Property { key, .. } => Some((at, key.of(text))),
            _ => None,
        });
        let found = if keys.clone().nth(FEW).is_none() {
            let mut seen = [""; FEW];
            keys.enumerate().find_map(|(nth, (at, key))| {
                seen[nth] = key;
                let twice = seen[..nth].iter().any(|other| same_key(other, key));
                twice.then_some((at, key))
            })
        } else {
            let mut keys: Vec<_> = keys
                .map(|(at, key)| (key.to_lowercase(), at, key))
                .collect();
            keys.sort();
            let pairs = keys.windows(2).filter(|pair| pair[0].0 == pair[1].0);
            pairs.map(|pair| (pair[1].1, pair[1].2)).min()
        };
        let (at, key) = found?;
        let what = format!("the key `{key}` is in this section for the second time");
        let line = at + 1;
        Some(Fault { line, what })
    }

    fn linked(&self, from: Option<u32>) -> impl Iterator<Item = &Section> {
        let get = |at: u32| self.sections.get(at as usize);
        std::iter::successors(from.and_then(get), move |s| s.earlier.and_then(get))
    }

    /// The section of that kind and name; of two that are written differently, the last.
    pub fn find(&self, kind: SectionKind, name: &str) -> Option<&Section> {
        self.linked(self.index.get(&hash(kind, name)).copied())
            .find(|section| section.kind == kind && self.name(section) == name)
    }

    /// The names of all sections of a kind, each once, in the file's order.
    pub fn names(&self, kind: SectionKind) -> impl Iterator<Item = &str> {
        let live = move |section: &&Section| {
            section.kind == kind
                && self
                    .find(kind, self.name(section))
                    .is_some_and(|last| std::ptr::eq(last, *section))
        };
        self.sections
            .iter()
            .filter(live)
            .map(|section| self.name(section))
    }

    fn name<'d>(&'d self, section: &'d Section) -> &'d str {
        section.name.of(self.text.expose())
    }

    /// Where the section's header is.
    pub fn place(&self, section: &Section) -> Place {
        self.place_of_line(section.first as usize)
    }

    /// Where the key is.
    pub fn place_of(&self, property: &Property<'_>) -> Place {
        self.place_of_line(property.index)
    }

    fn place_of_line(&self, index: usize) -> Place {
        Place {
            file: Arc::clone(&self.path),
            line: index + 1,
        }
    }

    /// The keys of a section, in order.
    pub fn properties(&self, section: &Section) -> impl Iterator<Item = Property<'_>> {
        (section.first as usize..section.end as usize).filter_map(|index| {
            let Kind::Property { key, value } = self.lines[index].kind else {
                return None;
            };
            Some(Property {
                key: key.of(self.text.expose()),
                value: self.value(index, value),
                index,
            })
        })
    }

    fn value(&self, index: usize, first: Span) -> Cow<'_, str> {
        let text = self.text.expose();
        let mut value = Cow::Borrowed(first.of(text));
        let mut blank = 0;
        for line in self.more(index) {
            match line.kind {
                Kind::Blank => blank += 1,
                Kind::Continuation { value: more } => {
                    let value = value.to_mut();
                    value.extend(std::iter::repeat_n('\n', blank + 1));
                    value.push_str(more.of(text));
                    blank = 0;
                }
                _ => {}
            }
        }
        value
    }

    /// The settings under an empty key, and where each is.
    pub fn nested(&self, property: &Property<'_>) -> impl Iterator<Item = (&str, &str, Place)> {
        let text = self.text.expose();
        let first = property.index + 1;
        let more = self.more(property.index).enumerate();
        more.filter_map(move |(nth, line)| {
            let Kind::Continuation { value } = line.kind else {
                return None;
            };
            let (key, value) = value.of(text).split_once('=')?;
            let at = self.place_of_line(first + nth);
            Some((key.trim_matches(is_space), value.trim_matches(is_space), at))
        })
    }

    /// The lines that may belong to the value of the key at `index`.
    fn more(&self, index: usize) -> impl Iterator<Item = &Line> {
        self.lines[index + 1..].iter().take_while(|line| {
            matches!(
                line.kind,
                Kind::Blank | Kind::Comment | Kind::Continuation { .. }
            )
        })
    }
}

fn same_key(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        one.eq_ignore_ascii_case(other)
    } else {
        one.to_lowercase() == other.to_lowercase()
    }
}

fn unreadable(path: &Path, source: io::Error) -> ConfigError {
    let path = path.to_owned();
    ConfigError::Unreadable { path, source }
}

fn syntax(path: &Path, fault: Fault) -> ConfigError {
    let file = path.into();
    let line = fault.line;
    ConfigError::Syntax {
        at: Place { file, line },
        what: fault.what,
    }
}
