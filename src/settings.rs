//! Settings: a flag, else its variable, else `config.toml`, else the default; and where vault's own
//! files are. It reads that one file and knows what a setting may say, not what is done with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::env;

/// How long the `file` keystore's data key rests in the kernel's keyring unless told otherwise: a
/// working day, so that the passphrase is asked for when the person signs in, and not between.
const UNLOCKED_FOR: Duration = Duration::from_hours(8);

/// What the global options said.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--backend`.
    pub backend: Option<String>,
    /// `--no-input`.
    pub no_input: bool,
}

/// What holds for this run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The keystore's name, as it was written.
    pub backend: String,
    /// Where in `config.toml` that is, if it is there.
    pub backend_place: Option<String>,
    /// Ask nothing, open nothing.
    pub no_input: bool,
    /// The browser command of `config.toml`.
    pub browser: Option<String>,
    /// How a person signs in.
    pub login_flow: LoginFlow,
    /// `export --format process` may ask, as the other formats may.
    pub export_may_ask: bool,
    /// How long the `file` keystore's data key may rest in the kernel's keyring.
    pub unlocked_for: Duration,
    /// What `configure sync` does.
    pub configure: Configure,
    /// Where files are.
    pub directories: Directories,
}

/// How a person signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoginFlow {
    /// By authorization code where a browser can come back to this machine, else by device code.
    #[default]
    Auto,
    /// By authorization code, always.
    AuthorizationCode,
    /// By device code, always.
    DeviceCode,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("cannot read `{}`", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// The file says something that it can't say.
    #[error("`{}`: line {line}: {}{what}", .path.display(), named(.key.as_deref()))]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// The key of that line, where it has one and `what` does not say it.
        key: Option<String>,
        /// The parser's words.
        what: String,
    },
    /// The operating system does not say where this user's files are.
    #[error("there is no home directory")]
    NoHome,
    /// A value that is no duration.
    #[error("{0}: `{1}` is not a duration: write `90m`, `1h`, or seconds")]
    Duration(String, String),
    /// A value that is no flow.
    #[error("{0}: `{1}` is no way to sign in: write `auto`, `authorization-code` or `device-code`")]
    Flow(&'static str, String),
    /// A variable that can't be used.
    #[error(transparent)]
    Variable(#[from] env::Unusable),
}

/// `config.toml` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    backend: Option<Spanned<String>>,
    no_input: Option<bool>,
    #[serde(default)]
    login: Login,
    #[serde(default)]
    export: Export,
    #[serde(default)]
    file: File,
    #[serde(default)]
    configure: Configure,
}

/// The section `[configure]`: what `configure sync` does where its options don't say. What a template
/// or a pattern means is not known here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configure {
    /// The template for profiles' names.
    pub profile_name: Option<String>,
    /// Patterns for accounts: these only,
    pub account: Vec<String>,
    /// and none of these.
    pub exclude_account: Vec<String>,
    /// Patterns for roles: these only,
    pub role: Vec<String>,
    /// and none of these.
    pub exclude_role: Vec<String>,
    /// Regions by rule, the first that fits.
    pub region: Vec<RegionRule>,
}

/// A rule for a region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionRule {
    /// A pattern for accounts.
    pub account: Option<String>,
    /// A pattern for roles.
    pub role: Option<String>,
    /// The region.
    pub region: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    browser: Option<String>,
    flow: Option<LoginFlow>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    may_ask: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    unlocked_for: Option<Spanned<String>>,
}

impl Settings {
    /// Puts them together, with the default in the place of what is wrong, and says what is.
    ///
    /// # Errors
    ///
    /// There is no home directory.
    pub fn load(flags: Flags) -> Result<(Self, Vec<SettingsError>), SettingsError> {
        let directories = Directories::find().ok_or(SettingsError::NoHome)?;
        let path = directories.settings.join("config.toml");
        let mut mistakes = Vec::new();
        let (written, text) = or_default(read(&path), &mut mistakes);
        let place = |key: &str, value: &Spanned<String>| {
            let line = line_of(&text, value.span().start);
            format!("`{}`: line {line}: {key}", path.display())
        };
        let backend = match flags.backend {
            Some(backend) => Some(backend),
            None => or_default(
                env::var(env::AWS_VAULT_BACKEND).map_err(SettingsError::from),
                &mut mistakes,
            ),
        };
        let login_flow = or_default(login_flow(written.login.flow), &mut mistakes);
        let resting = written.file.unlocked_for;
        let resting = resting.map(|text| (place("unlocked_for", &text), text.into_inner()));
        let unlocked_for = unlocked_for(resting);
        let unlocked_for = or_default(unlocked_for.map(Some), &mut mistakes);
        let (backend, backend_place) = match (backend, written.backend) {
            (Some(backend), _) => (backend, None),
            (None, Some(text)) => (text.get_ref().clone(), Some(place("backend", &text))),
            (None, None) => ("auto".to_owned(), None),
        };
        let settings = Self {
            backend,
            backend_place,
            no_input: flags.no_input
                || env::var_os(env::AWS_VAULT_NO_INPUT)
                    .map_or(written.no_input.unwrap_or(false), |_| {
                        env::switch(env::AWS_VAULT_NO_INPUT)
                    }),
            browser: written.login.browser,
            login_flow,
            export_may_ask: written.export.may_ask.unwrap_or(false),
            unlocked_for: unlocked_for.unwrap_or(UNLOCKED_FOR),
            configure: written.configure,
            directories,
        };
        Ok((settings, mistakes))
    }
}

/// What was read; else the default, and the mistake among the others.
fn or_default<T: Default>(read: Result<T, SettingsError>, mistakes: &mut Vec<SettingsError>) -> T {
    read.unwrap_or_else(|mistake| {
        mistakes.push(mistake);
        T::default()
    })
}

/// What is written, and the text that it was read from.
fn read(path: &Path) -> Result<(Written, String), SettingsError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(SettingsError::Unreadable(path.to_owned(), error)),
    };
    match toml::from_str(&text) {
        Ok(written) => Ok((written, text)),
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            let what = error.message().to_owned();
            let key = text.lines().nth(line - 1).and_then(|l| l.split_once('='));
            let key = key.map(|(key, _)| key.trim().to_owned());
            Err(SettingsError::Mistake {
                path: path.to_owned(),
                line,
                key: key.filter(|key| !what.contains(&format!("`{key}`"))),
                what,
            })
        }
    }
}

/// The line, counted from 1, in which the byte of that index is.
fn line_of(text: &str, index: usize) -> usize {
    text[..index].matches('\n').count() + 1
}

fn named(key: Option<&str>) -> String {
    key.map_or_else(String::new, |key| format!("{key}: "))
}

fn login_flow(written: Option<LoginFlow>) -> Result<LoginFlow, SettingsError> {
    let Some(text) = env::var(env::AWS_VAULT_LOGIN_FLOW)? else {
        return Ok(written.unwrap_or_default());
    };
    match text.as_str() {
        "auto" => Ok(LoginFlow::Auto),
        "authorization-code" => Ok(LoginFlow::AuthorizationCode),
        "device-code" => Ok(LoginFlow::DeviceCode),
        _ => Err(SettingsError::Flow(env::AWS_VAULT_LOGIN_FLOW, text)),
    }
}

/// By the variable, else by what is written, with its place.
fn unlocked_for(written: Option<(String, String)>) -> Result<Duration, SettingsError> {
    let (origin, text) = match (env::var(env::AWS_VAULT_FILE_UNLOCKED_FOR)?, written) {
        (Some(text), _) => (env::AWS_VAULT_FILE_UNLOCKED_FOR.to_owned(), text),
        (None, Some(written)) => written,
        (None, None) => return Ok(UNLOCKED_FOR),
    };
    parse_duration(&text).ok_or(SettingsError::Duration(origin, text))
}

/// `1h`, `90m`, `1h30m`, `45s`, or a bare number of seconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = match rest.as_bytes().get(end)? {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

/// Where vault's own files are.
#[derive(Clone, Debug)]
pub struct Directories {
    /// Where `config.toml` is (`dirs::config_dir()`).
    pub settings: PathBuf,
    /// The `file` keystore, the list of what is cached, and the locks (`dirs::data_local_dir()`: a
    /// roaming profile on Windows would carry them to machines that can't read them).
    pub data: PathBuf,
    /// Where the AWS files' directory, `~/.aws`, is.
    pub home: PathBuf,
}

impl Directories {
    /// Asks the operating system; `None` where there is no home directory.
    pub fn find() -> Option<Self> {
        Some(Self {
            settings: dirs::config_dir()?.join("vault"),
            data: dirs::data_local_dir()?.join("vault"),
            home: dirs::home_dir()?,
        })
    }

    /// Where a file of the AWS CLI's is: what the variable names, else `name` in `~/.aws`.
    pub fn aws(&self, variable: &str, name: &str) -> PathBuf {
        match env::var_os(variable).map(PathBuf::from) {
            // As the AWS CLI does: a shell does not look into quotes.
            Some(path) => match path.strip_prefix("~") {
                Ok(rest) => self.home.join(rest),
                Err(_) => path,
            },
            None => self.home.join(".aws").join(name),
        }
    }

    /// Where a browser leaves what it was given, and where a person may have put it.
    pub fn downloads(&self) -> Vec<PathBuf> {
        let named = [dirs::download_dir(), dirs::desktop_dir()];
        let usual = ["Downloads", "Desktop"].map(|name| self.home.join(name));
        let mut downloads: Vec<_> = named.into_iter().flatten().chain(usual).collect();
        downloads.push(self.home.clone());
        downloads.sort();
        downloads.dedup();
        downloads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_seconds_or_hours_minutes_and_seconds() {
        let table = [
            ("3600", Some(3600)),
            ("1h", Some(3600)),
            ("90m", Some(5400)),
            ("1h30m", Some(5400)),
            ("1h30m5s", Some(5405)),
            ("0", Some(0)),
            ("", None),
            ("h", None),
            ("1d", None),
            ("1h30", None),
            ("-1", None),
            ("99999999999999999999h", None),
        ];
        for (text, seconds) in table {
            assert_eq!(parse_duration(text).map(|d| d.as_secs()), seconds, "{text}");
        }
    }

    fn written(text: &str) -> Result<Written, SettingsError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).map(|(written, _)| written)
    }

    #[test]
    fn a_mistake_in_config_toml_names_file_line_and_key() {
        let error = written("backend = \"file\"\nbakend = 1\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("config.toml`: line 2: unknown field `bakend`"),
            "{error}"
        );
        let error = written("\n\nno_input = 3\n").unwrap_err().to_string();
        assert!(
            error.contains("line 3: no_input: ") && error.contains("boolean"),
            "{error}"
        );
    }

    #[test]
    fn a_config_toml_that_is_not_there_says_nothing() {
        assert!(
            read(Path::new("/nonexistent/config.toml"))
                .unwrap()
                .0
                .backend
                .is_none()
        );
    }
}
