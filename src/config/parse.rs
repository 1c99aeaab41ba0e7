//! One pass over an AWS file: which line is what, without copying any of it.
//!
//! The rules are those of Python's `RawConfigParser`, which the AWS CLI reads
//! these files with: full-line comments only (`key = a # b` has the value `a # b`), keys and values
//! parted by the first `=` or `:`, and a line that is indented deeper than its key goes on with its
//! value, whatever it looks like.

use memchr::{memchr2, memchr2_iter};

/// A range of bytes of the text. `u32`, as there is one for every word of a large file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The first byte behind.
    pub end: u32,
}

impl Span {
    /// What it spans.
    pub fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }
}

/// A line of the file, as [`line`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// All of it, with its line end: the spans of all lines, one after the other, are the text.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// All that is kept of a line while nobody asks for it: 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    start: u32,
    sort: Sort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Blank,
    Comment,
    Header,
    Property,
    Continuation,
    Junk,
}

/// A header on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its line, counted from 0.
    pub line: usize,
    /// What stands between the brackets.
    pub span: Span,
    /// Whether a key may be in the section twice: to be looked at.
    pub suspect: bool,
}

/// What [`parse`] found.
#[derive(Debug)]
pub struct Parsed {
    /// One for every line.
    pub lines: Vec<Mark>,
    /// One for every section.
    pub headers: Vec<Header>,
    /// The lines that can't be understood.
    pub faults: Vec<Fault>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// White space alone; between the lines of a value, a part of it.
    Blank,
    /// `# …` or `; …`
    Comment,
    /// `[header]`
    Header {
        /// What stands between the brackets.
        header: Span,
    },
    /// `key = value` or `key: value`
    Property {
        /// As it is written, not lower-cased.
        key: Span,
        /// The part on this line.
        value: Span,
    },
    /// An indented line: the value goes on, or it is a setting under an empty key.
    Continuation {
        /// Without the white space around it.
        value: Span,
    },
    /// None of these: the file has a fault.
    Junk,
}

/// Why the AWS CLI would not read the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// What a line can go on with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// No section yet.
    Nothing,
    /// A section without a key so far.
    Section,
    /// A key with a value on its line.
    Value,
    /// A key without one: settings may follow, indented.
    Nested,
}

struct Reader<'t> {
    text: &'t str,
    found: Parsed,
    open: Open,
    /// Of the last header or key, in characters.
    indent: usize,
    /// The keys of the section so far, each by its [`fingerprint`].
    keys: Vec<[u8; 4]>,
}

/// Beyond this many keys a section is always looked at: comparing all with all would take long.
const MANY_KEYS: usize = 64;

/// Says what every line of `text` is, and what is wrong with it. `text` is shorter than 4 GiB.
pub fn parse(text: &str) -> Parsed {
    let mut reader = Reader {
        text,
        found: Parsed {
            // A line of these files rarely is shorter: the lists grow once, if at all.
            lines: Vec::with_capacity(text.len() / 20 + 8),
            headers: Vec::with_capacity(text.len() / 140 + 8),
            faults: Vec::new(),
        },
        open: Open::Nothing,
        indent: 0,
        keys: Vec::new(),
    };
    let bytes = text.as_bytes();
    let mut start = 0;
    for at in memchr2_iter(b'\n', b'\r', bytes) {
        if at < start {
            continue; // the second half of "\r\n"
        }
        let pair = bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n');
        let end = at + if pair { 2 } else { 1 };
        reader.line(start, end);
        start = end;
    }
    if start < bytes.len() {
        reader.line(start, bytes.len());
    }
    reader.found
}

/// What the line `index` of `text` is, in full.
pub fn line(text: &str, lines: &[Mark], index: usize) -> Line {
    let start = lines[index].start as usize;
    let end = lines
        .get(index + 1)
        .map_or(text.len(), |next| next.start as usize);
    let (at, body) = body(text, start, end);
    let whole = span(at, body.len());
    let kind = match lines[index].sort {
        Sort::Blank => Kind::Blank,
        Sort::Comment => Kind::Comment,
        Sort::Continuation => Kind::Continuation { value: whole },
        Sort::Header => header(body).map_or(Kind::Junk, |header| Kind::Header {
            header: span(at + 1, header.len()),
        }),
        Sort::Property => property(body).map_or(Kind::Junk, |(key, value)| Kind::Property {
            key: span(at, key.len()),
            value: span(at + body.len() - value.len(), value.len()),
        }),
        Sort::Junk => Kind::Junk,
    };
    Line {
        span: span(start, end - start),
        kind,
    }
}

impl Reader<'_> {
    fn line(&mut self, start: usize, end: usize) {
        let (at, body) = body(self.text, start, end);
        let sort = match body.as_bytes().first() {
            None => Sort::Blank,
            Some(b'#' | b';') => Sort::Comment,
            Some(_) => {
                let white = self.text[start..at].trim_start_matches(BOM);
                let indent = white.chars().count();
                let inside = matches!(self.open, Open::Value | Open::Nested);
                if inside && indent > self.indent {
                    self.continuation(body)
                } else {
                    self.indent = indent;
                    self.statement(at, body)
                }
            }
        };
        let start = span(start, 0).start;
        self.found.lines.push(Mark { start, sort });
    }

    fn continuation(&mut self, body: &str) -> Sort {
        if self.open == Open::Nested && !body.contains('=') {
            self.fault("a line under an empty key is not `key = value`");
        }
        Sort::Continuation
    }

    fn statement(&mut self, at: usize, body: &str) -> Sort {
        if let Some(header) = header(body) {
            self.open = Open::Section;
            self.keys.clear();
            self.found.headers.push(Header {
                line: self.found.lines.len(),
                span: span(at + 1, header.len()),
                suspect: false,
            });
            return Sort::Header;
        }
        if self.open == Open::Nothing {
            self.fault("a line before the first [section]");
            return Sort::Junk;
        }
        let Some((key, value)) = property(body) else {
            self.fault("neither a [section], nor `key = value`, nor a comment");
            return Sort::Junk;
        };
        self.note(key);
        self.open = if value.is_empty() {
            Open::Nested
        } else {
            Open::Value
        };
        Sort::Property
    }

    /// Remembers a key of the section, and whether it looks like one that was there before.
    fn note(&mut self, key: &str) {
        let print = fingerprint(key);
        let suspect = self.keys.len() >= MANY_KEYS || self.keys.contains(&print) || !key.is_ascii();
        if !suspect {
            self.keys.push(print);
        } else if let Some(header) = self.found.headers.last_mut() {
            header.suspect = true;
        }
    }

    fn fault(&mut self, what: &str) {
        let line = self.found.lines.len() + 1;
        self.found.faults.push(Fault {
            line,
            what: what.to_owned(),
        });
    }
}

/// Equal for keys that are equal but for their case, if they are ASCII; and for few others.
fn fingerprint(key: &str) -> [u8; 4] {
    let key = key.as_bytes();
    let byte = |at: usize| key[at.min(key.len() - 1)] | 0x20;
    let length = key.len().to_le_bytes()[0];
    [length, byte(0), byte(key.len() / 2), byte(key.len())]
}

/// A file may begin with it. The AWS CLI stumbles over it; it says nothing, so that vault doesn't.
const BOM: char = '\u{feff}';

/// A line without the white space around it, and where that begins.
fn body(text: &str, start: usize, end: usize) -> (usize, &str) {
    let mut raw = &text[start..end];
    if start == 0 {
        raw = raw.strip_prefix(BOM).unwrap_or(raw);
    }
    let left = raw.trim_start_matches(is_space);
    (end - left.len(), left.trim_end_matches(is_space))
}

/// What stands between `[` and the last `]` of a header line; what follows is not looked at.
fn header(body: &str) -> Option<&str> {
    let inner = body.strip_prefix('[')?;
    let end = inner.rfind(']')?;
    (end > 0).then(|| &inner[..end])
}

/// A key and the value behind the first `=` or `:`.
fn property(body: &str) -> Option<(&str, &str)> {
    let at = memchr2(b'=', b':', body.as_bytes())?;
    let key = body[..at].trim_end_matches(is_space);
    let value = body[at + 1..].trim_start_matches(is_space);
    (!key.is_empty()).then_some((key, value))
}

#[expect(clippy::cast_possible_truncation, reason = "see `parse`")]
fn span(start: usize, length: usize) -> Span {
    Span {
        start: start as u32,
        end: (start + length) as u32,
    }
}

/// White space as Python's `str.strip` has it: Unicode's, and the four separators of ASCII.
pub fn is_space(c: char) -> bool {
    match c {
        ' ' | '\t'..='\r' | '\u{1c}'..='\u{1f}' => true,
        c => !c.is_ascii() && c.is_whitespace(),
    }
}
