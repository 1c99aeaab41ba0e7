//! Bash: it breaks words at `=` and `:`, hands them over with their quotes, and inserts what it is given
//! as it is. So vault is given the line up to the cursor and the end of it that bash will replace; it
//! splits the line itself, and quotes its answer as the word is quoted already.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::EnvCompleter;

/// The shell.
pub struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(include_bytes!("vault.bash"))
    }

    /// The arguments are the line and its end that is replaced.
    fn write_complete(
        &self,
        command: &mut Command,
        arguments: Vec<OsString>,
        directory: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let text = |at: usize| arguments.get(at).map(|text| text.to_string_lossy());
        let (line, replaced) = (text(0).unwrap_or_default(), text(1).unwrap_or_default());
        let Line { words, begun } = Line::split(&line);
        let kept = begun.kept(&replaced);
        let words = words.into_iter().chain([begun.text]);
        let words = words.map(OsString::from).collect();
        for candidate in super::candidates(command, words, directory) {
            let word = candidate.get_value().to_string_lossy();
            if let Some(rest) = word.strip_prefix(&kept) {
                writeln!(out, "{}", begun.quote.put_on(rest))?;
            }
        }
        Ok(())
    }
}

/// A line that is being typed.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// The words that are done, without quotes.
    words: Vec<String>,
    /// The word at the cursor.
    begun: Begun,
}

/// A word that may go on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Begun {
    /// Without quotes.
    text: String,
    /// As it was typed.
    typed: String,
    /// What the cursor stands in.
    quote: Quote,
}

/// What a character stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quote {
    #[default]
    None,
    Single,
    Double,
}

impl Line {
    /// As bash splits it, with the last word as far as it goes. What bash would expand stays as it is.
    fn split(line: &str) -> Self {
        let mut words = Vec::new();
        let mut begun = Begun::default();
        let mut characters = line.chars();
        while let Some(character) = characters.next() {
            begun.typed.push(character);
            match (begun.quote, character) {
                (Quote::None, ' ' | '\t' | '\n') => {
                    // An empty word in quotes is one.
                    let done = std::mem::take(&mut begun);
                    if done.typed.len() > 1 {
                        words.push(done.text);
                    }
                }
                (Quote::None, '\'') => begun.quote = Quote::Single,
                (Quote::None, '"') => begun.quote = Quote::Double,
                (Quote::Single, '\'') | (Quote::Double, '"') => begun.quote = Quote::None,
                (Quote::None | Quote::Double, '\\') => {
                    let Some(escaped) = characters.next() else {
                        break;
                    };
                    begun.typed.push(escaped);
                    if begun.quote == Quote::Double && !IN_DOUBLE_QUOTES.contains(escaped) {
                        begun.text.push('\\');
                    }
                    begun.text.push(escaped);
                }
                (_, other) => begun.text.push(other),
            }
        }
        Self { words, begun }
    }
}

impl Begun {
    /// The part of the word that stays where bash replaces its end.
    fn kept(&self, replaced: &str) -> String {
        let kept = self.typed.strip_suffix(replaced).unwrap_or_default();
        Line::split(kept).begun.text
    }
}

/// What a backslash makes plain between double quotes.
const IN_DOUBLE_QUOTES: &str = "\"\\$`";

impl Quote {
    /// What bash reads as `text` where the quote is open already. Bash closes it.
    fn put_on(self, text: &str) -> String {
        match self {
            Self::Single => text.replace('\'', "'\\''"),
            Self::Double => escaped(text, |c| IN_DOUBLE_QUOTES.contains(c)),
            Self::None => escaped(text, |c| {
                c.is_ascii() && !c.is_ascii_alphanumeric() && !"_-./:=@%+,".contains(c)
            }),
        }
    }
}

fn escaped(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if special(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_bash_splits_it() {
        let table: [(&str, &[&str], &str, Quote); 10] = [
            ("vault ", &["vault"], "", Quote::None),
            ("vault  exec pr", &["vault", "exec"], "pr", Quote::None),
            ("v --region=eu", &["v"], "--region=eu", Quote::None),
            ("v my\\ pro", &["v"], "my pro", Quote::None),
            ("v 'my pro", &["v"], "my pro", Quote::Single),
            ("v \"a \\\"b\\$ \\n", &["v"], "a \"b$ \\n", Quote::Double),
            ("v 'a b' c", &["v", "a b"], "c", Quote::None),
            ("v a\"b c\"d", &["v"], "ab cd", Quote::None),
            ("v '' x", &["v", ""], "x", Quote::None),
            ("v a\\", &["v"], "a", Quote::None),
        ];
        for (line, words, text, quote) in table {
            let split = Line::split(line);
            assert_eq!(split.words, words, "{line}");
            assert_eq!(
                (split.begun.text.as_str(), split.begun.quote),
                (text, quote),
                "{line}"
            );
        }
    }

    #[test]
    fn what_bash_does_not_replace_is_kept() {
        let table = [
            ("v --region=eu", "eu", "--region="),
            ("v --region=", "", "--region="),
            ("v dev:ad", "ad", "dev:"),
            ("v 'my p", "my p", ""),
            ("v my\\ p", "my\\ p", ""),
            // Not an end of the word: all of it is answered for.
            ("v a", "b", ""),
        ];
        for (line, replaced, kept) in table {
            assert_eq!(Line::split(line).begun.kept(replaced), kept, "{line}");
        }
    }

    #[test]
    fn an_answer_is_quoted_as_the_word_is() {
        for (quote, text, answer) in [
            (Quote::None, "plain-1.x:y=z@a", "plain-1.x:y=z@a"),
            (Quote::None, "my 'p' $x ~é", "my\\ \\'p\\'\\ \\$x\\ \\~é"),
            (Quote::Single, "it's $x", "it'\\''s $x"),
            (Quote::Double, "a \"b\" $x 'c'", "a \\\"b\\\" \\$x 'c'"),
        ] {
            assert_eq!(quote.put_on(text), answer);
        }
    }
}
