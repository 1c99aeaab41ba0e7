//! The words of a `credential_process` line, as the AWS CLI finds them: a POSIX shell's on Unix (only
//! its quotes: no variables, no `~`), and what the C runtime makes of a command line on Windows. Pure.

use crate::config::shell_words;

/// The words of `line`: at least one.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let words = if cfg!(windows) {
        windows(line)
    } else {
        shell_words(line)
    };
    match words {
        None => Err("has a quotation or an escape that does not end"),
        Some(words) if words.first().is_none_or(String::is_empty) => Err("names no program"),
        Some(words) => Ok(words),
    }
}

/// Space and tab divide, `"` quotes, and a `\` is one unless a `"` comes after it
/// (<https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments>).
fn windows(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    let mut backslashes = 0;
    for c in line.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        let before = std::mem::take(&mut backslashes);
        match c {
            '"' => {
                let word = word.get_or_insert_default();
                word.push_str(&"\\".repeat(before / 2));
                if before % 2 == 1 {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
            }
            ' ' | '\t' if !quoted => {
                if before > 0 {
                    word.get_or_insert_default().push_str(&"\\".repeat(before));
                }
                words.extend(word.take());
            }
            _ => {
                let word = word.get_or_insert_default();
                word.push_str(&"\\".repeat(before));
                word.push(c);
            }
        }
    }
    if backslashes > 0 {
        word.get_or_insert_default()
            .push_str(&"\\".repeat(backslashes));
    }
    words.extend(word);
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What botocore's `compat_shell_split(line, "win32")` answers.
    #[test]
    fn on_windows_the_words_are_those_of_the_c_runtime() {
        let table: &[(&str, Option<&[&str]>)] = &[
            ("", Some(&[])),
            ("spam  \t x", Some(&["spam", "x"])),
            (r#""spam and eggs" ham"#, Some(&["spam and eggs", "ham"])),
            (r#"sp"am \\"ham"#, Some(&["spam \\ham"])),
            (r#"a\\b d"e f"g h"#, Some(&[r"a\\b", "de fg", "h"])),
            (r#"a\\\"b c d"#, Some(&[r#"a\"b"#, "c", "d"])),
            (r#"a\\\\"b c" d e"#, Some(&[r"a\\b c", "d", "e"])),
            (
                r#"C:\x\y.exe --a 'b c' """#,
                Some(&[r"C:\x\y.exe", "--a", "'b", "c'", ""]),
            ),
            (r"x \\ y\", Some(&["x", r"\\", "y\\"])),
            (r#"x \"y"#, Some(&["x", "\"y"])),
            (r#"x "y"#, None),
        ];
        for (line, words) in table {
            let words = words.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(windows(line), words, "{line}");
        }
    }

    #[test]
    fn a_line_without_a_program_is_a_mistake() {
        assert!(split("''").is_err());
        assert!(split("  ").is_err());
        assert!(split("'x").is_err());
    }
}
