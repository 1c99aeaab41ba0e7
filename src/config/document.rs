//! One AWS file as it stands on disk: its text, its lines, and its sections by name.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, Place};
use super::parse::{Fault, Header, Kind, Line, Mark, Span, is_space, line, parse};
use super::section::{DEFAULTS, Dialect, Section, SectionKind, hash, identify, number};
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
    lines: Vec<Mark>,
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
        Self::parse(path, read(path)?, dialect)
    }

    /// Reads the file, however much is wrong with it, and says what. Of one that can't be read at all
    /// nothing is there.
    pub fn load_with_mistakes(path: &Path, dialect: Dialect) -> (Self, Vec<ConfigError>) {
        let (text, unreadable) = match read(path) {
            Ok(text) => (text, None),
            Err(error) => (String::new(), Some(error)),
        };
        let (document, faults) = Self::divided(path, text, dialect);
        let faults = faults.into_iter().map(|fault| syntax(path, fault));
        (document, unreadable.into_iter().chain(faults).collect())
    }

    /// Takes `text` as the content of `path`.
    ///
    /// # Errors
    ///
    /// It can't be understood.
    pub fn parse(path: &Path, text: String, dialect: Dialect) -> Result<Self, ConfigError> {
        let (document, faults) = Self::divided(path, text, dialect);
        match faults.into_iter().next() {
            Some(fault) => Err(syntax(path, fault)),
            None => Ok(document),
        }
    }

    /// `text` as sections, and all that is wrong with it, by line.
    fn divided(path: &Path, text: String, dialect: Dialect) -> (Self, Vec<Fault>) {
        let parsed = parse(&text);
        let mut document = Self {
            path: path.into(),
            text: Secret::new(text),
            sections: Vec::with_capacity(parsed.headers.len()),
            index: HashMap::with_capacity(parsed.headers.len()),
            lines: parsed.lines,
        };
        let mut faults = parsed.faults;
        document.divide(&parsed.headers, dialect, &mut faults);
        faults.sort_by_key(|fault| fault.line);
        (document, faults)
    }

    /// Makes the sections, and finds those that are there twice or have a key twice.
    fn divide(&mut self, headers: &[Header], dialect: Dialect, faults: &mut Vec<Fault>) {
        for (nth, header) in headers.iter().enumerate() {
            let end = headers
                .get(nth + 1)
                .map_or(self.lines.len(), |next| next.line);
            faults.extend(self.section(header.line, end, header.span, dialect));
            if header.suspect {
                self.twice(header.line, end, faults);
            }
        }
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
        let other = self.linked(earlier).find(|other| {
            other.header.of(text) == header.of(text) && kind != SectionKind::Defaults
        })?;
        let what = format!(
            "the section [{}] is here for the second time, the first is on line {}",
            header.of(text),
            other.first + 1
        );
        let line = first + 1;
        Some(Fault { line, what })
    }

    /// The keys that are there twice between two lines.
    fn twice(&self, first: usize, end: usize, faults: &mut Vec<Fault>) {
        let text = self.text.expose();
        let mut seen = HashSet::new();
        for at in first..end {
            if let Kind::Property { key, .. } = self.line(at).kind
                && !seen.insert(key.of(text).to_lowercase())
            {
                let key = key.of(text);
                let what = format!("the key `{key}` is in this section for the second time");
                let line = at + 1;
                faults.push(Fault { line, what });
            }
        }
    }

    /// A line, counted from 0.
    fn line(&self, index: usize) -> Line {
        line(self.text.expose(), &self.lines, index)
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

    /// All sections, in the file's order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// What stands between a section's brackets.
    pub fn header(&self, section: &Section) -> &str {
        section.header.of(self.text.expose())
    }

    /// The sections whose keys go for every section of the file.
    pub fn defaults(&self) -> impl Iterator<Item = &Section> {
        let first = self.index.get(&hash(SectionKind::Defaults, DEFAULTS));
        let kind = |section: &&Section| section.kind == SectionKind::Defaults;
        self.linked(first.copied()).filter(kind)
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
            let Kind::Property { key, value } = self.line(index).kind else {
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
    fn more(&self, index: usize) -> impl Iterator<Item = Line> {
        let rest = index + 1..self.lines.len();
        rest.map(|at| self.line(at)).take_while(|line| {
            matches!(
                line.kind,
                Kind::Blank | Kind::Comment | Kind::Continuation { .. }
            )
        })
    }
}

/// The text of a file, empty where there is none.
fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(unreadable(path, source)),
    };
    if u32::try_from(bytes.len()).is_err() {
        return Err(unreadable(path, io::ErrorKind::FileTooLarge.into()));
    }
    String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', good).count() + 1;
        let what = "not UTF-8".to_owned();
        syntax(path, Fault { line, what })
    })
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
