//! Opens a URL in a browser: the command that the person named, else the system's. It never waits
//! for the browser, hands it nothing of vault's, and leaves no child behind.

use std::io;
use std::process::{Command, Stdio};

use crate::env;

/// Why no browser was opened.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// There is none here: no display, a session over SSH.
    #[error("there is no browser on this machine")]
    None,
    /// The command is not one.
    #[error("`{0}` is not a command: {1}")]
    Command(String, &'static str),
    /// It would not start.
    #[error("`{0}` does not start")]
    DoesNotStart(String, #[source] io::Error),
}

/// The command to open URLs with: the option's, `AWS_VAULT_BROWSER`'s, the setting's, `BROWSER`'s, else
/// none, which means the system's.
///
/// # Errors
///
/// A variable is not text.
pub fn command(
    option: Option<String>,
    setting: Option<String>,
) -> Result<Option<String>, env::NotText> {
    if option.is_some() {
        return Ok(option);
    }
    let variable = env::var(env::AWS_VAULT_BROWSER)?;
    Ok(match variable.or(setting) {
        Some(command) => Some(command),
        None => env::var(env::BROWSER)?,
    })
}

/// Opens `url` with `command`, else with the system's browser.
///
/// # Errors
///
/// It could not be started.
pub fn open(command: Option<&str>, url: &str) -> Result<(), BrowserError> {
    if let Some(command) = command {
        return start(command, url);
    }
    if !has_display() {
        return Err(BrowserError::None);
    }
    let mut result = Err(BrowserError::None);
    for command in SYSTEM {
        result = start(command, url);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// What opens a URL as the person is used to, the first that is there. Not a library: those hand the
/// browser vault's whole environment.
const SYSTEM: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["rundll32 url.dll,FileProtocolHandler"]
} else {
    &["xdg-open", "wslview", "x-www-browser"]
};

/// Words as a shell has them, with the URL in the place of `{url}` or `%s`, else at the end.
fn words(command: &str, url: &str) -> Result<Vec<String>, BrowserError> {
    let wrong = |what| BrowserError::Command(command.to_owned(), what);
    // Windows's own separator is a shell's escape.
    let escaped = command.replace('\\', r"\\");
    let text = if cfg!(windows) { &escaped } else { command };
    let mut words = shlex::split(text).ok_or_else(|| wrong("a quote is not closed"))?;
    if words.is_empty() {
        return Err(wrong("it is empty"));
    }
    let mut placed = false;
    for word in &mut words {
        for place in ["{url}", "%s"] {
            placed |= word.contains(place);
            *word = word.replace(place, url);
        }
    }
    if !placed {
        words.push(url.to_owned());
    }
    Ok(words)
}

fn start(command: &str, url: &str) -> Result<(), BrowserError> {
    let words = words(command, url)?;
    let failed = |error| BrowserError::DoesNotStart(words[0].clone(), error);
    let mut browser = detached(&words);
    for secret in env::SECRETS {
        browser.env_remove(secret);
    }
    let mut child = browser
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if cfg!(unix) && !child.wait().map_err(failed)?.success() {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    Ok(())
}

/// A shell starts it in the background and ends at once, so that the browser is not vault's child
/// (and not the child of the command that vault becomes), and Ctrl-C in the terminal is not for it.
#[cfg(unix)]
fn detached(words: &[String]) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("/bin/sh");
    let script = "command -v -- \"$1\" >/dev/null || exit; \"$@\" &";
    shell
        .args(["-c", script, "sh"])
        .args(words)
        .process_group(0);
    shell
}

#[cfg(not(unix))]
fn detached(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// Whether the system's browser has a screen to open on. On Linux without one, `xdg-open` would take
/// the terminal for a text browser; over SSH it would open a window that nobody may see.
fn has_display() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let set = |name| env::var_os(name).is_some();
    set(env::DISPLAY) || set(env::WAYLAND_DISPLAY) || set(env::WSL_DISTRO_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_stands_where_the_command_wants_it() {
        let url = "https://x/?a=b c";
        let table: [(&str, &[&str]); 4] = [
            ("firefox", &["firefox", url]),
            ("open -a 'My Browser'", &["open", "-a", "My Browser", url]),
            (
                "firefox --url={url} -x",
                &["firefox", "--url=https://x/?a=b c", "-x"],
            ),
            ("lynx %s", &["lynx", url]),
        ];
        for (command, expected) in table {
            assert_eq!(words(command, url).unwrap(), expected, "{command}");
        }
        assert!(words("open 'x", url).is_err());
        assert!(words("  ", url).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_browser_that_is_not_there_is_an_error() {
        let error = start("no-such-browser-anywhere", "https://x").unwrap_err();
        assert!(
            error.to_string().contains("no-such-browser-anywhere"),
            "{error}"
        );
    }
}
