//! Opens a URL in a browser: the command that the person named, else the system's. The command may be
//! a template that has a place for the profile, too. It never waits for the browser, hands it nothing
//! of vault's, and leaves no child behind.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

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
    /// It ended at once, and not well.
    #[error("`{0}` ended at once with exit code {1}")]
    Ended(String, i32),
}

/// How long a command is watched for an early end: one that opens a page in a browser which runs already
/// ends well in this time, one that finds none ends with an error, and a browser of its own goes on.
const EARLY: Duration = Duration::from_millis(500);

/// A browser command that somebody chose.
#[derive(Clone, Debug)]
pub struct Chosen {
    command: String,
    /// For vault, and not for every program.
    for_vault: bool,
}

/// What is opened, and on whose account.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The address.
    pub url: &'a str,
    /// The AWS profile, for a browser that keeps one's pages apart from another's.
    pub profile: &'a str,
}

/// The command to open URLs with: the option's, `AWS_VAULT_BROWSER`'s, the setting's, `BROWSER`'s, else
/// none, which means the system's.
///
/// # Errors
///
/// A variable is not text.
pub fn chosen(
    option: Option<String>,
    setting: Option<String>,
) -> Result<Option<Chosen>, env::Unusable> {
    let chosen = |command, for_vault| Chosen { command, for_vault };
    let ours = match option {
        Some(option) => Some(option),
        None => env::var(env::AWS_VAULT_BROWSER)?.or(setting),
    };
    Ok(match ours {
        Some(command) => Some(chosen(command, true)),
        None => env::var(env::BROWSER)?.map(|command| chosen(command, false)),
    })
}

/// Opens a page with the chosen command, else with the system's browser.
///
/// # Errors
///
/// It could not be started. The error does not say the address, which may hold a secret.
pub fn open(chosen: Option<&Chosen>, page: Page<'_>) -> Result<(), BrowserError> {
    if let Some(chosen) = chosen {
        return start(&chosen.command, page);
    }
    let mut why = BrowserError::None;
    for command in system() {
        match start(command, page) {
            Ok(()) => return Ok(()),
            // It says more than that others are not there.
            Err(_) if matches!(why, BrowserError::Ended(..)) => {}
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// The programs that would open a page, the first that is there: the chosen command's, else the
/// system's; none where there is no screen for one.
///
/// # Errors
///
/// The chosen command is not one.
pub fn programs(chosen: Option<&Chosen>) -> Result<Vec<String>, BrowserError> {
    let first = |command: &str| Ok(template(command)?.swap_remove(0));
    match chosen {
        Some(chosen) => Ok(vec![first(&chosen.command)?]),
        None => system().into_iter().map(first).collect(),
    }
}

/// What opens a URL as the person is used to, the first that is there; none where there is no screen to
/// open it on. Not a library: those hand the browser vault's whole environment.
fn system() -> Vec<&'static str> {
    if cfg!(target_os = "macos") {
        return vec!["open"];
    }
    if cfg!(windows) {
        return vec!["rundll32 url.dll,FileProtocolHandler"];
    }
    let set = |name| env::var_os(name).is_some();
    let mut commands = Vec::new();
    // The browser that a person has under WSL is Windows's, whatever else is installed.
    if set(env::WSL_DISTRO_NAME) {
        commands.extend(WINDOWS.into_iter().filter(|command| is_on_path(command)));
    }
    // On Linux without a screen, `xdg-open` would take the terminal for a text browser; over SSH it would
    // open a window that nobody may see.
    if !cfg!(target_os = "linux") || set(env::DISPLAY) || set(env::WAYLAND_DISPLAY) {
        commands.extend(["xdg-open", "x-www-browser"]);
    }
    commands
}

/// How a page is opened in Windows from WSL, with `wslu` and without. It finds its way back: Windows
/// leads its own 127.0.0.1 on to WSL's.
const WINDOWS: [&str; 2] = ["wslview", "rundll32.exe url.dll,FileProtocolHandler"];

fn is_on_path(command: &str) -> bool {
    let program = command.split(' ').next().unwrap_or(command);
    let path = env::var_os(env::PATH).unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A command of many words, each with a place for the address, the profile, or neither.
fn template(command: &str) -> Result<Vec<String>, BrowserError> {
    let wrong = |what| BrowserError::Command(command.to_owned(), what);
    // Windows's own separator is a shell's escape.
    let escaped = command.replace('\\', r"\\");
    let text = if cfg!(windows) { &escaped } else { command };
    let words = shlex::split(text).ok_or_else(|| wrong("a quote is not closed"))?;
    if words.is_empty() {
        return Err(wrong("it is empty"));
    }
    Ok(words)
}

/// The words with the URL in the place of `{url}` or `%s`, else at the end, and the profile in the
/// place of `{profile}`.
fn filled(template: &[String], page: Page<'_>) -> Vec<String> {
    let has_place = |word: &String| URL_PLACES.iter().any(|place| word.contains(place));
    let mut words: Vec<_> = template.iter().map(|word| fill(word, page)).collect();
    if !template.iter().any(has_place) {
        words.push(page.url.to_owned());
    }
    words
}

const URL_PLACES: [&str; 2] = ["{url}", "%s"];

/// One pass over the word: what was put in is not looked through for places.
fn fill(word: &str, page: Page<'_>) -> String {
    let encode = |value: &str| match is_address(word) {
        true => percent_encode(value),
        false => value.to_owned(),
    };
    let places = [
        (URL_PLACES[0], page.url),
        (URL_PLACES[1], page.url),
        ("{profile}", page.profile),
    ];
    let mut filled = String::new();
    let mut rest = word;
    while let Some(next) = rest.chars().next() {
        match places.iter().find(|(place, _)| rest.starts_with(place)) {
            Some((place, value)) => {
                filled.push_str(&encode(value));
                rest = &rest[place.len()..];
            }
            None => {
                filled.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    filled
}

/// Whether a word is an address itself, with places for parts of it
/// (`ext+container:name={profile}&url={url}`): what is put there must not end them. A scheme of one
/// letter is a drive of Windows's.
fn is_address(word: &str) -> bool {
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    word.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(of_scheme)
    })
}

fn percent_encode(value: &str) -> String {
    let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    // A form's space; a plus sign itself is encoded by now.
    form.replace('+', "%20")
}

fn start(command: &str, page: Page<'_>) -> Result<(), BrowserError> {
    let template = template(command)?;
    let words = filled(&template, page);
    let failed = |error| BrowserError::DoesNotStart(template[0].clone(), error);
    let mut browser = detached(&words);
    for secret in env::SECRETS {
        browser.env_remove(secret);
    }
    let mut child = browser
        .stdin(Stdio::null())
        .stdout(if cfg!(unix) {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if cfg!(unix) && !child.wait().map_err(failed)?.success() {
        let missing = "there is no such command";
        return Err(failed(io::Error::new(io::ErrorKind::NotFound, missing)));
    }
    match child.stdout.take().and_then(early_end) {
        Some(code) if code != 0 => Err(BrowserError::Ended(template[0].clone(), code)),
        _ => Ok(()),
    }
}

/// The exit code that [`detached`]'s shell writes, where it comes soon.
fn early_end(mut written: impl io::Read + Send + 'static) -> Option<i32> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = written.read_to_string(&mut text);
        let _ = send.send(text);
    });
    let text = receive.recv_timeout(EARLY).ok()?;
    text.trim().parse().ok()
}

/// A shell starts it in the background and ends at once, so that the browser is not vault's child
/// (and not the child of the command that vault becomes), and Ctrl-C in the terminal is not for it.
/// Another one stays with it and writes how it ended.
#[cfg(unix)]
fn detached(words: &[String]) -> Command {
    use std::os::unix::process::CommandExt;
    let mut shell = Command::new("/bin/sh");
    let script = "command -v -- \"$1\" >/dev/null || exit; { \"$@\" >/dev/null; echo $?; } &";
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

/// Why a person's browser is not where a listener on this machine's 127.0.0.1 can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// They sit at another machine.
    Ssh,
    /// This is a container; the browser is on its host.
    Container,
    /// There is no screen for one here.
    NoScreen,
}

/// Why the browser that will be opened, if any, can't come back to this machine; `None` where it can.
pub fn elsewhere(chosen: Option<&Chosen>) -> Option<Elsewhere> {
    let set = |names: &[&str]| names.iter().any(|name| env::var_os(name).is_some());
    if set(env::SSH) {
        return Some(Elsewhere::Ssh);
    }
    // `BROWSER` is how the tools around a container have pages opened on its host; a command chosen for
    // vault is one that runs here. The variables are the word of whoever runs the container.
    let named_here = chosen.is_some_and(|chosen| chosen.for_vault);
    let marked = CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists());
    if set(env::CONTAINER) || (marked && !named_here) {
        return Some(Elsewhere::Container);
    }
    (chosen.is_none() && system().is_empty()).then_some(Elsewhere::NoScreen)
}

/// What Docker and Podman put into their containers.
const CONTAINER_MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str, url: &str) -> Vec<String> {
        let profile = "a b&c";
        filled(&template(command).unwrap(), Page { url, profile })
    }

    #[test]
    fn the_url_and_the_profile_stand_where_the_command_wants_them() {
        let url = "https://x/?a=b c&d={profile}";
        let table: [(&str, &[&str]); 7] = [
            ("firefox", &["firefox", url]),
            ("open -a 'My Browser'", &["open", "-a", "My Browser", url]),
            (
                "firefox --url={url} -x",
                &["firefox", "--url=https://x/?a=b c&d={profile}", "-x"],
            ),
            ("lynx %s", &["lynx", url]),
            (
                "chromium --profile-directory={profile}",
                &["chromium", "--profile-directory=a b&c", url],
            ),
            (
                "firefox 'ext+container:name={profile}&url={url}'",
                &[
                    "firefox",
                    "ext+container:name=a%20b%26c&url=https%3A%2F%2Fx%2F%3Fa%3Db%20c%26d%3D%7Bprofile%7D",
                ],
            ),
            ("b C:{profile} {url}", &["b", "C:a b&c", url]),
        ];
        for (command, expected) in table {
            assert_eq!(words(command, url), expected, "{command}");
        }
        assert!(template("open 'x").is_err());
        assert!(template("  ").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_browser_that_ends_at_once_with_an_error_is_one_and_one_that_goes_on_is_not() {
        let page = Page {
            url: "https://x/?SigninToken=secret",
            profile: "prod",
        };
        let error = start("sh -c 'exit 3'", page).unwrap_err().to_string();
        assert_eq!(error, "`sh` ended at once with exit code 3");
        start("sh -c 'exit 0'", page).unwrap();
        let begun = std::time::Instant::now();
        start("sh -c 'sleep 5; exit 3'", page).unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "it was waited for"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_browser_that_is_not_there_is_an_error_that_does_not_say_the_address() {
        for command in ["no-such-browser-anywhere", "{url}/no-such-browser-anywhere"] {
            let page = Page {
                url: "https://x/?SigninToken=secret",
                profile: "prod",
            };
            let error = start(command, page).unwrap_err().to_string();
            assert!(error.contains("no-such-browser-anywhere"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
