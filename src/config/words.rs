//! Words as a POSIX shell and Python's `shlex.split` find them, with no meaning but their quotes: of a
//! section's header (`profile "my team"` is two), and of a command in a profile. And the other way: a
//! name as one word of a command that a person is to type.

use std::borrow::Cow;
use std::mem;

/// Where the next character belongs.
enum State {
    Between,
    Word,
    Quoted(char),
}

/// The words of `text`, or `None` where a quotation or an escape has no end.
pub fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut state = State::Between;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        state = match (state, c) {
            (State::Quoted(mark), c) if c == mark => State::Word,
            (State::Quoted('"'), '\\') => {
                let next = characters.next()?;
                if !matches!(next, '"' | '\\') {
                    word.push('\\');
                }
                word.push(next);
                State::Quoted('"')
            }
            (State::Quoted(mark), c) => {
                word.push(c);
                State::Quoted(mark)
            }
            (State::Between, ' ' | '\t' | '\r' | '\n') => State::Between,
            (State::Word, ' ' | '\t' | '\r' | '\n') => {
                words.push(mem::take(&mut word));
                State::Between
            }
            (_, '"' | '\'') => State::Quoted(c),
            (_, '\\') => {
                word.push(characters.next()?);
                State::Word
            }
            (_, c) => {
                word.push(c);
                State::Word
            }
        };
    }
    match state {
        State::Quoted(_) => return None,
        State::Word => words.push(word),
        State::Between => {}
    }
    Some(words)
}

/// `text` as one word of a command line, in quotes where it needs them.
pub fn quote(text: &str) -> Cow<'_, str> {
    // What no shell can be given is shown as it is.
    shlex::try_quote(text).unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::{quote, split};

    #[test]
    fn a_quoted_name_is_one_word_again() {
        for name in [
            "dev", "my team", "o'brien", "a\"b", "$HOME", "x.y/z", "ünï", "",
        ] {
            assert_eq!(split(&quote(name)).unwrap(), [name], "{}", quote(name));
        }
        assert_eq!(quote("dev"), "dev");
        assert_eq!(quote("my team"), "'my team'");
    }

    #[test]
    fn words_are_what_a_posix_shell_makes_of_them() {
        let table: &[(&str, Option<&[&str]>)] = &[
            ("profile a", Some(&["profile", "a"])),
            ("profile\t  a  ", Some(&["profile", "a"])),
            ("profile a b", Some(&["profile", "a", "b"])),
            (r#"profile "a b""#, Some(&["profile", "a b"])),
            (r#"profile 'a"b'"#, Some(&["profile", "a\"b"])),
            (r#"profile a"b c"d"#, Some(&["profile", "ab cd"])),
            (r#"profile "a\"b\c""#, Some(&["profile", "a\"b\\c"])),
            (r"profile 'a\'", Some(&["profile", "a\\"])),
            (r"profile a\ b", Some(&["profile", "a b"])),
            (r#"profile """#, Some(&["profile", ""])),
            (r#"profile "a"#, None),
            (r"profile a\", None),
            ("profile o'brien", None),
        ];
        for (text, words) in table {
            let words = words.map(|w| w.iter().map(ToString::to_string).collect());
            assert_eq!(split(text), words, "{text}");
        }
    }
}
