//! The command lines of other tools that stand in `credential_process`: whose credentials each prints.

use super::Tool;

/// Options of aws-vault's that have a value behind them, where it isn't tied to them by a `=`.
const AWS_VAULT_VALUES: [&str; 19] = [
    "-d",
    "-t",
    "--backend",
    "--biometrics-prompt",
    "--duration",
    "--file-dir",
    "--format",
    "--keychain",
    "--mfa-token",
    "--op-connect-host",
    "--op-item-tag",
    "--op-item-title-prefix",
    "--op-timeout",
    "--op-vault-id",
    "--pass-cmd",
    "--pass-dir",
    "--pass-prefix",
    "--prompt",
    "--region",
];

/// What a command line means.
#[derive(Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Whose program it is.
    pub tool: Tool,
    /// Whose credentials it prints, and what goes along for vault; or why that can't be told.
    of: Result<(String, Vec<String>), String>,
}

impl Meaning {
    /// What these words mean, where their program is another tool's.
    pub fn of(words: &[String]) -> Option<Self> {
        let (program, rest) = words.split_first()?;
        let name = program.rsplit(['/', '\\']).next()?;
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let words: Vec<&str> = rest.iter().map(String::as_str).collect();
        let (tool, of) = match (name, words.as_slice()) {
            ("aws-vault", words) => (Tool::AwsVault, aws_vault(words)),
            ("granted" | "dgranted", ["credential-process", words @ ..]) => {
                (Tool::Granted, by_option(words))
            }
            ("aws2-wrap" | "aws2-wrap.py", words) if words.contains(&"--process") => {
                (Tool::Aws2Wrap, by_option(words))
            }
            (python, ["-m", "aws2wrap", words @ ..])
                if python.starts_with("python") && words.contains(&"--process") =>
            {
                (Tool::Aws2Wrap, by_option(words))
            }
            _ => return None,
        };
        Some(Self { tool, of })
    }

    /// The profile, and the line that does the same with vault.
    pub fn export(self) -> Result<(String, String), String> {
        let (of, options) = self.of?;
        let unwritable = || format!("the name {of:?} can't be written into a command line");
        let word = shlex::try_quote(&of).map_err(|_| unwritable())?;
        let mut command = format!("vault export {word}");
        for option in options {
            command.push(' ');
            command.push_str(&option);
        }
        Ok((of, command))
    }
}

/// `--profile NAME` or `--profile=NAME`.
fn by_option(words: &[&str]) -> Result<(String, Vec<String>), String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = match *word {
            "--profile" => words.next().copied(),
            other => other.strip_prefix("--profile="),
        };
        if let Some(value) = value {
            return Ok((value.to_owned(), Vec::new()));
        }
    }
    Err("it names no profile".to_owned())
}

/// `exec --json NAME` or `export --format=json NAME`.
fn aws_vault(words: &[&str]) -> Result<(String, Vec<String>), String> {
    let mut plain = Vec::new();
    let mut options: Vec<(&str, Option<&str>)> = Vec::new();
    let mut rest = words.iter();
    while let Some(&word) = rest.next() {
        if word == "--" {
            return Err("it runs another command".to_owned());
        }
        if !word.starts_with('-') {
            plain.push(word);
        } else if let Some((option, value)) = word.split_once('=') {
            options.push((option, Some(value)));
        } else if AWS_VAULT_VALUES.contains(&word) {
            options.push((word, rest.next().copied()));
        } else {
            options.push((word, None));
        }
    }
    let given = |names: &[&str]| options.iter().find(|(option, _)| names.contains(option));
    let json = match plain.first() {
        Some(&"exec") => given(&["--json", "-j"]).is_some(),
        Some(&"export") => given(&["--format"]).is_some_and(|(_, value)| *value == Some("json")),
        _ => false,
    };
    let [_, profile] = plain[..] else {
        return Err("it isn't for one profile".to_owned());
    };
    if !json {
        return Err("it doesn't print what `credential_process` is to print".to_owned());
    }
    let mut along = Vec::new();
    if given(&["--no-session", "-n"]).is_some() {
        along.push("--no-session".to_owned());
    }
    if let Some((_, Some(duration))) = given(&["--duration", "-d"]) {
        if !is_duration(duration) {
            return Err(format!(
                "its duration {duration:?} isn't written as vault reads it"
            ));
        }
        along.push(format!("--duration {duration}"));
    }
    if let Some((_, Some(region))) = given(&["--region"]) {
        along.push(format!(
            "--region {}",
            shlex::try_quote(region).map_err(|e| e.to_string())?
        ));
    }
    Ok((profile.to_owned(), along))
}

/// A duration that vault reads as aws-vault does: `1h`, `90m`.
fn is_duration(text: &str) -> bool {
    let number = text.strip_suffix(['h', 'm']);
    number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_other_tools_become_vaults() {
        let table = [
            ("aws-vault exec home --json", "vault export home"),
            ("aws-vault exec -j home", "vault export home"),
            (
                "/usr/local/bin/aws-vault --prompt=ykman exec --json home",
                "vault export home",
            ),
            (
                "aws-vault exec work --json --prompt osascript",
                "vault export work",
            ),
            ("aws-vault export --format=json home", "vault export home"),
            ("aws-vault export --format json home", "vault export home"),
            (
                "aws-vault exec -n -d 12h --json home",
                "vault export home --no-session --duration 12h",
            ),
            (
                "aws-vault exec --region eu-west-1 --json home",
                "vault export home --region eu-west-1",
            ),
            ("aws2-wrap --process --profile sso", "vault export sso"),
            (
                "python3 -m aws2wrap --process --profile=sso",
                "vault export sso",
            ),
            (
                "granted credential-process --profile dev",
                "vault export dev",
            ),
            (
                "dgranted credential-process --auto-login --profile=a/b",
                "vault export a/b",
            ),
            (
                "granted credential-process --profile 'a b'",
                "vault export 'a b'",
            ),
        ];
        for (line, expected) in table {
            let words = shlex::split(line).unwrap();
            let (_, command) = Meaning::of(&words).expect(line).export().expect(line);
            assert_eq!(command, expected, "{line}");
        }
    }

    #[test]
    fn what_can_not_be_told_is_said_and_what_is_nobodys_left_alone() {
        let table = [
            (
                "aws-vault exec home -- aws configure export-credentials",
                "it runs another command",
            ),
            (
                "aws-vault exec home",
                "it doesn't print what `credential_process` is to print",
            ),
            (
                "aws-vault export home",
                "it doesn't print what `credential_process` is to print",
            ),
            ("aws-vault exec --json", "it isn't for one profile"),
            (
                "aws-vault exec --json -d 1h30m x",
                "its duration \"1h30m\" isn't written as vault reads it",
            ),
            ("aws2-wrap --process", "it names no profile"),
            ("granted credential-process", "it names no profile"),
        ];
        for (line, why) in table {
            let words = shlex::split(line).unwrap();
            let told = Meaning::of(&words).expect(line).export();
            assert_eq!(told, Err(why.to_owned()), "{line}");
        }
        for line in [
            "vault export home",
            "aws configure export-credentials --profile x",
            "granted sso login",
            "aws2-wrap --profile x terraform",
            "my-aws-vault exec x --json",
            "",
        ] {
            assert_eq!(Meaning::of(&shlex::split(line).unwrap()), None, "{line}");
        }
    }
}
