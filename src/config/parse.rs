//! One pass over an AWS file: which line is what, without copying any of it.
//!
//! The rules are those of Python's `RawConfigParser(default_section=None)`, which the AWS CLI reads
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

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// All of it, with its line end: the spans of all lines, one after the other, are the text.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
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
    lines: Vec<Line>,
    open: Open,
    /// Of the last header or key, in characters.
    indent: usize,
    fault: Option<Fault>,
}

/// Says what every line of `text` is, and the first fault. `text` is shorter than 4 GiB.
pub fn parse(text: &str) -> (Vec<Line>, Option<Fault>) {
    let mut reader = Reader {
        text,
        // A line of these files rarely is shorter: the list grows once, if at all.
        lines: Vec::with_capacity(text.len() / 20 + 8),
        open: Open::Nothing,
        indent: 0,
        fault: None,
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
    (reader.lines, reader.fault)
}

impl Reader<'_> {
    fn line(&mut self, start: usize, end: usize) {
        let mut raw = &self.text[start..end];
        if start == 0 {
            raw = raw.strip_prefix('\u{feff}').unwrap_or(raw);
        }
        let left = raw.trim_start_matches(is_space);
        let body = left.trim_end_matches(is_space);
        let at = end - left.len();
        let kind = match body.as_bytes().first() {
            None => Kind::Blank,
            Some(b'#' | b';') => Kind::Comment,
            Some(_) => {
                let indent = raw[..raw.len() - left.len()].chars().count();
                let inside = matches!(self.open, Open::Value | Open::Nested);
                if inside && indent > self.indent {
                    self.continuation(at, body)
                } else {
                    self.indent = indent;
                    self.statement(at, body)
                }
            }
        };
        let span = span(start, end - start);
        self.lines.push(Line { span, kind });
    }

    fn continuation(&mut self, at: usize, body: &str) -> Kind {
        if self.open == Open::Nested && !body.contains('=') {
            self.fault("a line under an empty key is not `key = value`");
        }
        Kind::Continuation {
            value: span(at, body.len()),
        }
    }

    fn statement(&mut self, at: usize, body: &str) -> Kind {
        if let Some(header) = header(body) {
            self.open = Open::Section;
            return Kind::Header {
                header: span(at + 1, header.len()),
            };
        }
        if self.open == Open::Nothing {
            self.fault("a line before the first [section]");
            return Kind::Junk;
        }
        let found = memchr2(b'=', b':', body.as_bytes());
        let Some((key, rest)) = found.map(|i| (&body[..i], &body[i + 1..])) else {
            self.fault("neither a [section], nor `key = value`, nor a comment");
            return Kind::Junk;
        };
        let key = key.trim_end_matches(is_space);
        if key.is_empty() {
            self.fault("a value without a key");
            return Kind::Junk;
        }
        let value = rest.trim_start_matches(is_space);
        self.open = if value.is_empty() {
            Open::Nested
        } else {
            Open::Value
        };
        Kind::Property {
            key: span(at, key.len()),
            value: span(at + body.len() - value.len(), value.len()),
        }
    }

    fn fault(&mut self, what: &str) {
        let line = self.lines.len() + 1;
        self.fault.get_or_insert_with(|| Fault {
            line,
            what: what.to_owned(),
        });
    }
}

/// What stands between `[` and the last `]` of a header line; what follows is not looked at.
fn header(body: &str) -> Option<&str> {
    let inner = body.strip_prefix('[')?;
    let end = inner.rfind(']')?;
    (end > 0).then(|| &inner[..end])
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
    c == ' ' || c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}
