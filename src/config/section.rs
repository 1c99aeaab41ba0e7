//! The sections of an AWS file: what a header stands for.

use super::parse::Span;
use super::words;

/// The two files name their sections differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `[profile NAME]`, `[default]`, `[sso-session NAME]`, `[services NAME]`
    Config,
    /// `[NAME]`
    Credentials,
}

/// What a section describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// A profile.
    Profile,
    /// An sso-session.
    SsoSession,
    /// The endpoints of services.
    Services,
    /// `[DEFAULT]`, in capitals: what every other section of the file says unless it says otherwise.
    Defaults,
    /// What vault has no use for: `[plugins]`, `[preview]`, a name that is not two words.
    Other,
}

/// The header whose keys go for all: Python's `configparser` has it, and so the AWS CLI.
pub const DEFAULTS: &str = "DEFAULT";

/// A section: a header and the lines up to the next.
#[derive(Debug)]
pub struct Section {
    /// What it describes.
    pub kind: SectionKind,
    /// Whose.
    pub name: Name,
    /// What stands between the brackets.
    pub header: Span,
    /// Of its header, counted from 0.
    pub first: u32,
    /// Behind its last.
    pub end: u32,
    /// The section before it with the same key in the index.
    pub earlier: Option<u32>,
}

/// A section's name.
#[derive(Debug)]
pub enum Name {
    /// As it is in the text.
    Written(Span),
    /// Without its quotes and escapes.
    Unquoted(Box<str>),
}

impl Name {
    /// The name itself.
    pub fn of<'t>(&'t self, text: &'t str) -> &'t str {
        match self {
            Self::Written(span) => span.of(text),
            Self::Unquoted(name) => name,
        }
    }
}

/// What a header stands for. In the config file the AWS CLI looks at its beginning and at its second
/// word, so that `[profiles a]` is profile `a` too.
pub fn identify(header: Span, text: &str, dialect: Dialect) -> (SectionKind, Name) {
    const KINDS: [(&str, SectionKind); 3] = [
        ("profile", SectionKind::Profile),
        ("sso-session", SectionKind::SsoSession),
        ("services", SectionKind::Services),
    ];
    let written = header.of(text);
    if written == DEFAULTS {
        return (SectionKind::Defaults, Name::Written(header));
    }
    if dialect == Dialect::Credentials || written == "default" {
        return (SectionKind::Profile, Name::Written(header));
    }
    let kind = KINDS.iter().find(|(word, _)| written.starts_with(word));
    match kind.zip(second_word(header, text)) {
        Some(((_, kind), name)) => (*kind, name),
        None => (SectionKind::Other, Name::Written(header)),
    }
}

/// The second word of a header that has two.
fn second_word(header: Span, text: &str) -> Option<Name> {
    let written = header.of(text);
    if written.contains(['"', '\'', '\\']) {
        let [_, name] = <[String; 2]>::try_from(words::split(written)?).ok()?;
        return Some(Name::Unquoted(name.into()));
    }
    let blank = [' ', '\t'];
    let written = written.trim_end_matches(blank);
    let name = written[written.find(blank)?..].trim_start_matches(blank);
    let end = header.start + number(written.len());
    let start = end - number(name.len());
    (!name.contains(blank)).then_some(Name::Written(Span { start, end }))
}

/// Short names, quickly, eight bytes at a time. Sections whose hashes collide are told apart by name,
/// and nobody but the file's owner could make them.
pub fn hash(kind: SectionKind, name: &str) -> u64 {
    /// Odd, with bits all over: 2^64 over the golden ratio.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(SPREAD).rotate_left(29);
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest
        .iter()
        .fold(1, |word, byte| word << 8 | u64::from(*byte));
    mix(words.fold(kind as u64, mix), rest)
}

/// A count of things that each take a byte or more of a text shorter than 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "see above")]
pub fn number(count: usize) -> u32 {
    count as u32
}
