//! Credentials as text that another program reads: the pairs of `environment` in the words of each
//! shell, and the two documents that AWS clients know. Pure.
//!
//! A value that a format cannot carry is an error: a wrong one would be worse than none.

use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::json;

use super::environment::{Handover, rfc3339, variables};
use crate::credentials::Secret;
use crate::env;

/// A form that credentials can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What `credential_process` has to print.
    Process,
    /// `export K=V`, for POSIX shells.
    Env,
    /// `K=V`.
    EnvNoExport,
    /// `set -gx K V`.
    Fish,
    /// `$Env:K="V"`.
    Powershell,
    /// `set K=V`, for cmd.exe.
    WindowsCmd,
    /// A section of a credentials file.
    Ini,
}

impl Format {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("process", Self::Process),
        ("env", Self::Env),
        ("env-no-export", Self::EnvNoExport),
        ("fish", Self::Fish),
        ("powershell", Self::Powershell),
        ("windows-cmd", Self::WindowsCmd),
        ("ini", Self::Ini),
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, format)| *format == self);
        named.map_or("", |(name, _)| name)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, format)| *format)
            .ok_or_else(|| format!("there is no format `{name}`"))
    }
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The format has no way to write a value so that it is read as it is.
    #[error("the format `{}` cannot carry the value of {name}: {why}", .format.as_str())]
    CannotCarry {
        /// Which.
        format: Format,
        /// Whose value.
        name: String,
        /// What is in its way; never the value.
        why: &'static str,
    },
}

/// The text for a program that runs as a profile. `section` is the name of the section of [`Format::Ini`].
///
/// # Errors
///
/// The format cannot carry one of the values.
pub fn text(
    format: Format,
    handover: &Handover<'_>,
    section: &str,
) -> Result<Secret<String>, ExportError> {
    if format == Format::Process {
        return Ok(process(handover));
    }
    // Room for all of it, so that growing leaves no copies of secrets behind.
    let mut text = String::with_capacity(16 * 1024);
    if format == Format::Ini {
        text.push_str(&format!(
            "[{}]\n",
            plain_line(section, "the section", &[']'])?
        ));
        for (key, value) in self::section(handover)? {
            text.push_str(key);
            text.push_str(" = ");
            text.push_str(value.expose());
            text.push('\n');
        }
        return Ok(Secret::new(text));
    }
    for (name, value) in variables(handover) {
        let value = Secret::new(value);
        let line = line(format, &name, value.expose())?;
        let _ = writeln!(text, "{}", line.expose());
    }
    for name in [env::AWS_SESSION_TOKEN, env::AWS_CREDENTIAL_EXPIRATION] {
        if !variables(handover).iter().any(|(set, _)| set == name) {
            text.push_str(&unset(format, name));
        }
    }
    Ok(Secret::new(text))
}

/// The keys of a section of a credentials file, each with a value that can stand there.
///
/// # Errors
///
/// One can't.
pub fn section(
    handover: &Handover<'_>,
) -> Result<Vec<(&'static str, Secret<String>)>, ExportError> {
    let pairs = ini_pairs(handover).into_iter();
    let checked = pairs.map(|(key, value)| {
        plain_line(&value, key, &[])?;
        Ok((key, Secret::new(value)))
    });
    checked.collect()
}

/// The keys of a section of a credentials file, as the SDKs read them; of the end, which they do not, in the
/// key that `saml2aws` began with and that prompts show.
fn ini_pairs(handover: &Handover<'_>) -> Vec<(&'static str, String)> {
    let credentials = handover.credentials;
    let mut pairs = vec![
        ("aws_access_key_id", credentials.access_key_id.clone()),
        (
            "aws_secret_access_key",
            credentials.secret_access_key.expose().clone(),
        ),
    ];
    if let Some(token) = &credentials.session_token {
        pairs.push(("aws_session_token", token.expose().clone()));
    }
    if let Some(end) = credentials.expires_at {
        pairs.push(("x_security_token_expires", rfc3339(end)));
    }
    if let Some(region) = handover.region {
        pairs.push(("region", region.to_owned()));
    }
    pairs
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
fn process(handover: &Handover<'_>) -> Secret<String> {
    let credentials = handover.credentials;
    let mut document = json!({
        "Version": 1,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
    });
    if let Some(token) = &credentials.session_token {
        document["SessionToken"] = token.expose().as_str().into();
    }
    if let Some(end) = credentials.expires_at {
        document["Expiration"] = rfc3339(end).into();
    }
    Secret::new(format!("{document}\n"))
}

/// A statement that sets a variable.
///
/// # Errors
///
/// The format cannot carry the value.
pub fn line(format: Format, name: &str, value: &str) -> Result<Secret<String>, ExportError> {
    Ok(Secret::new(match format {
        Format::Env => format!("export {name}={}", quoted(value, posix)),
        Format::EnvNoExport => format!("{name}={}", quoted(value, posix)),
        Format::Fish => format!("set -gx {name} {}", quoted(value, fish)),
        Format::Powershell => format!("$Env:{name}=\"{}\"", powershell(value)),
        Format::WindowsCmd => windows_cmd(name, value)?,
        Format::Process | Format::Ini => unreachable!("they are documents, not statements"),
    }))
}

/// A statement that takes away what an older set of credentials left: a token that is not theirs would
/// spoil these. A list of values has no way to say that.
fn unset(format: Format, name: &str) -> String {
    match format {
        Format::Env => format!("unset {name}\n"),
        Format::Fish => format!("set -e {name}\n"),
        Format::Powershell => format!("$Env:{name}=\"\"\n"),
        Format::WindowsCmd => format!("set {name}=\n"),
        Format::EnvNoExport | Format::Process | Format::Ini => String::new(),
    }
}

/// As it is where that is safe in every shell, and for programs that read `K=V` without a shell.
fn quoted(value: &str, quote: fn(&str) -> String) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:@,+".contains(c);
    // In zsh, `=name` at the beginning is the path of a command.
    let rest = value.trim_end_matches('=');
    if !rest.is_empty() && rest.chars().all(|c| safe(c) || c == '=') && !rest.starts_with('=') {
        value.to_owned()
    } else {
        quote(value)
    }
}

/// Between single quotes everything is itself, but for the quote.
fn posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Between single quotes fish takes a backslash before a quote or a backslash as an escape.
fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// What goes between double quotes. PowerShell takes the typographic ones for quotes too. A line end is
/// written as an escape, so that a statement is one line, which is what a pipeline passes on.
fn powershell(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => escaped.push_str("`n"),
            '\r' => escaped.push_str("`r"),
            '`' | '$' | '"' | '\u{201c}'..='\u{201e}' => escaped.extend(['`', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// cmd.exe reads a line by other rules in a batch file than in `for /f` or at its prompt: what they
/// disagree about can't be written.
fn windows_cmd(name: &str, value: &str) -> Result<String, ExportError> {
    if value.contains(['%', '!', '"', '\n', '\r']) {
        return Err(ExportError::CannotCarry {
            format: Format::WindowsCmd,
            name: name.to_owned(),
            why: "cmd.exe would change one of its characters",
        });
    }
    let plain = |c: char| !c.is_whitespace() && !"&|<>^()".contains(c);
    Ok(if value.chars().all(plain) {
        format!("set {name}={value}")
    } else {
        format!("set \"{name}={value}\"")
    })
}

/// A value in a file of sections stands in one line, without space around it, and ends where a comment
/// begins.
fn plain_line<'v>(value: &'v str, name: &str, forbidden: &[char]) -> Result<&'v str, ExportError> {
    let comment = [" #", " ;", "\t#", "\t;"];
    let why = if value.contains(['\n', '\r']) {
        "it has several lines"
    } else if value.trim() != value || value.is_empty() {
        "it is empty, or has space around it"
    } else if comment.iter().any(|mark| value.contains(mark)) {
        "a part of it would be read as a comment"
    } else if value.contains(forbidden) {
        "it would end too early"
    } else {
        return Ok(value);
    };
    Err(ExportError::CannotCarry {
        format: Format::Ini,
        name: name.to_owned(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_where_a_shell_would_change_it() {
        let table = [
            ("ASIA123", "ASIA123", "ASIA123"),
            ("a/b+c==", "a/b+c==", "a/b+c=="),
            ("=ls", "'=ls'", "'=ls'"),
            ("~", "'~'", "'~'"),
            ("", "''", "''"),
            ("it's", r"'it'\''s'", r"'it\'s'"),
            (r"a\b", r"'a\b'", r"'a\\b'"),
            ("$HOME `x` !1", "'$HOME `x` !1'", "'$HOME `x` !1'"),
            ("a\nb", "'a\nb'", "'a\nb'"),
        ];
        for (value, in_posix, in_fish) in table {
            assert_eq!(quoted(value, posix), in_posix);
            assert_eq!(quoted(value, fish), in_fish);
        }
    }

    /// By the tokenizer of PowerShell (`CharTraits.IsDoubleQuote`, the escapes of
    /// `about_Special_Characters`).
    #[test]
    fn powershell_gets_every_quote_dollar_and_backtick_escaped() {
        let table = [
            ("a/b+c==", "a/b+c=="),
            ("$x `y \"z\"", "`$x ``y `\"z`\""),
            ("\u{201c}a\u{201d}\u{201e}", "`\u{201c}a`\u{201d}`\u{201e}"),
            ("a\r\nb", "a`r`nb"),
            ("it's %PATH% !", "it's %PATH% !"),
        ];
        for (value, escaped) in table {
            assert_eq!(powershell(value), escaped);
        }
    }

    #[test]
    fn cmd_gets_what_it_reads_alike_everywhere_and_nothing_else() {
        let table = [
            ("a/b+c==", Some("set K=a/b+c==")),
            ("a & b", Some("set \"K=a & b\"")),
            ("(^)", Some("set \"K=(^)\"")),
            ("%PATH%", None),
            ("a!b", None),
            ("say \"x\"", None),
            ("a\nb", None),
        ];
        for (value, line) in table {
            assert_eq!(windows_cmd("K", value).ok().as_deref(), line, "{value}");
        }
    }

    #[test]
    fn a_value_of_a_section_is_one_that_every_reader_reads_alike() {
        for right in ["a/b+c==", "a b", "a#b;c", "ü'\"$`"] {
            assert_eq!(plain_line(right, "k", &[']']).unwrap(), right);
        }
        for wrong in ["", "a\nb", "a\rb", " a", "a ", "a #b", "a\t;b", "a]b"] {
            assert!(plain_line(wrong, "k", &[']']).is_err(), "{wrong:?}");
        }
    }
}
