//! The two streams and the terminal: data on stdout, talk on stderr, questions on the terminal
//! itself. It knows how to say something, not what.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::credentials::Secret;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// Where stderr is a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is nobody to ask.
    #[error("there is no terminal to ask on")]
    NoTerminal,
    /// The person left.
    #[error("interrupted")]
    Interrupted,
    /// The terminal failed.
    #[error("cannot read from the terminal")]
    Io(#[source] io::Error),
}

/// How this run talks.
pub struct Ui {
    quiet: bool,
    color: bool,
    no_input: bool,
    terminal: OnceLock<bool>,
}

/// The terminal that questions are asked on, whatever the streams are.
const TERMINAL: &str = if cfg!(windows) { "CONIN$" } else { "/dev/tty" };

/// Set while Ctrl-C is somebody else's: a question on the screen takes it as its answer, a child
/// that vault waits for decides what becomes of it.
static INTERRUPTS_ELSEWHERE: AtomicBool = AtomicBool::new(false);

impl Ui {
    /// `no_color` is what `NO_COLOR` says; an explicit `--color` is stronger.
    pub fn new(quiet: bool, color: Color, no_color: bool, no_input: bool) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color && io::stderr().is_terminal(),
        };
        Self {
            quiet,
            color,
            no_input,
            terminal: OnceLock::new(),
        }
    }

    /// Whether a person may be asked: there is a terminal, and `--no-input` was not said.
    pub fn can_ask(&self) -> bool {
        !self.no_input && *self.terminal.get_or_init(|| File::open(TERMINAL).is_ok())
    }

    /// Whether `--no-input` was said.
    pub fn no_input(&self) -> bool {
        self.no_input
    }

    /// Prints data. A reader that went away (`vault list | head`) is no error.
    ///
    /// # Errors
    ///
    /// stdout can't be written: a full disk.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Says how it went; `--quiet` keeps it back.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            say(text);
        }
    }

    /// Says what the person has to know or do, `--quiet` or not.
    pub fn tell(&self, text: &str) {
        say(text);
    }

    /// Says what is not as it should be, but does not stop the work.
    pub fn warn(&self, text: &str) {
        say(&format!("{} {text}", self.paint("33;1", "warning:")));
    }

    /// Says what failed, because of what, and what to do.
    pub fn error(&self, message: &str, causes: &[String], hints: &[String]) {
        let mut text = format!("{} {message}", self.paint("31;1", "error:"));
        for cause in causes {
            text.push_str(&format!("\n  caused by: {cause}"));
        }
        for hint in hints {
            text.push_str(&format!("\n  {} {hint}", self.paint("36", "hint:")));
        }
        say(&text);
    }

    /// Text that stands out: a code to compare.
    pub fn strong(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Asks for something that must not be seen.
    ///
    /// # Errors
    ///
    /// There is nobody to ask, or they left.
    pub fn ask_secret(&self, question: &str) -> Result<Secret<String>, AskError> {
        if !self.can_ask() {
            return Err(AskError::NoTerminal);
        }
        let unseen = || {
            let _unseen = Unseen::begin();
            rpassword::prompt_password(format!("{question}: "))
        };
        asking(unseen)
            .map(Secret::new)
            .map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => AskError::Interrupted,
                _ => AskError::Io(error),
            })
    }

    /// Lets the person choose one of `options`; narrows as they type.
    ///
    /// # Errors
    ///
    /// There is nobody to ask, or they left.
    pub fn pick(&self, question: &str, options: Vec<String>) -> Result<String, AskError> {
        if !self.can_ask() {
            return Err(AskError::NoTerminal);
        }
        let picked = asking(|| {
            let _on_terminal = TerminalAsStderr::begin();
            inquire::Select::new(question, options).prompt()
        });
        picked.map_err(|error| match error {
            inquire::InquireError::OperationCanceled
            | inquire::InquireError::OperationInterrupted => AskError::Interrupted,
            inquire::InquireError::IO(error) => AskError::Io(error),
            other => AskError::Io(io::Error::other(other)),
        })
    }
}

/// The terminal shows nothing of what is typed, until this is dropped. `rpassword` sees to that only
/// after it has shown its question: what is typed or pasted at once would be on the screen.
#[cfg(unix)]
struct Unseen(File, rustix::termios::Termios);

#[cfg(unix)]
impl Unseen {
    /// `None` where the terminal can't be changed: then the question itself will fail.
    fn begin() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let terminal = File::open(TERMINAL).ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut unseen = before.clone();
        unseen.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        tcsetattr(&terminal, OptionalActions::Now, &unseen).ok()?;
        Some(Self(terminal, before))
    }
}

#[cfg(unix)]
impl Drop for Unseen {
    fn drop(&mut self) {
        let now = rustix::termios::OptionalActions::Now;
        let _ = rustix::termios::tcsetattr(&self.0, now, &self.1);
    }
}

#[cfg(not(unix))]
struct Unseen;

#[cfg(not(unix))]
impl Unseen {
    fn begin() {}
}

/// Where stderr leads elsewhere, the terminal is in its place until this is dropped: `inquire` draws
/// on stderr and on nothing else.
#[cfg(unix)]
struct TerminalAsStderr(std::os::fd::OwnedFd);

#[cfg(unix)]
impl TerminalAsStderr {
    /// `None` where stderr is a terminal already.
    fn begin() -> Option<Self> {
        if io::stderr().is_terminal() {
            return None;
        }
        let terminal = File::options().write(true).open(TERMINAL).ok()?;
        let before = rustix::io::fcntl_dupfd_cloexec(io::stderr(), 0).ok()?;
        rustix::stdio::dup2_stderr(&terminal).ok()?;
        Some(Self(before))
    }
}

#[cfg(unix)]
impl Drop for TerminalAsStderr {
    fn drop(&mut self) {
        let _ = rustix::stdio::dup2_stderr(&self.0);
    }
}

#[cfg(not(unix))]
struct TerminalAsStderr;

#[cfg(not(unix))]
impl TerminalAsStderr {
    fn begin() {}
}

/// From here on Ctrl-C leaves at once with 130. Called before anything that may take long, and not
/// on the warm path. Where Ctrl-C is ignored (a job in the background of a script) it stays so.
pub fn watch_interrupts() {
    // An error means that it is being watched already, or ignored by whoever started vault.
    let _ = ctrlc::try_set_handler(|| {
        if !INTERRUPTS_ELSEWHERE.load(Ordering::SeqCst) {
            leave_interrupted();
        }
    });
}

/// From here on Ctrl-C is the child's.
pub fn leave_interrupts_to_the_child() {
    watch_interrupts();
    INTERRUPTS_ELSEWHERE.store(true, Ordering::SeqCst);
}

/// Nothing has to be put back: whatever vault keeps is whole at every moment.
#[expect(clippy::disallowed_methods, reason = "the one way out besides `main`")]
fn leave_interrupted() -> ! {
    if io::stderr().is_terminal() {
        // The terminal has shown `^C`: the shell's prompt shall not stand behind it.
        let _ = io::stderr().write_all(b"\n");
    }
    std::process::exit(130)
}

/// Asks with Ctrl-C watched, so that it ends the question (whose terminal settings are put back)
/// and not the process under it.
fn asking<T>(ask: impl FnOnce() -> T) -> T {
    watch_interrupts();
    INTERRUPTS_ELSEWHERE.store(true, Ordering::SeqCst);
    let answer = ask();
    INTERRUPTS_ELSEWHERE.store(false, Ordering::SeqCst);
    answer
}

/// One write for the whole text, so that the lines of parallel runs stay whole. A stderr that can't
/// be written leaves nowhere to say so.
fn say(text: &str) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("{}\n", visible(text)).as_bytes());
}

/// Text as it may go to a terminal. A server's message or a name in a file may hold control
/// characters, which would be orders to the terminal: those are shown, not sent. Line ends and the
/// colours of [`Ui::paint`] stay.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = style_length(rest);
        if style > 0 {
            shown.push_str(&rest[..style]);
            rest = &rest[style..];
            continue;
        }
        if c.is_control() && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    shown
}

/// The length of an order for colour or weight (`ESC [ digits m`) at the start of `text`, or 0.
fn style_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';');
    match end.map(|end| (end, parameters.as_bytes()[end])) {
        Some((end, b'm')) => "\x1b[".len() + end + "m".len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_to_the_terminal_are_shown_and_not_sent() {
        let table = [
            ("plain\ntwo lines", "plain\ntwo lines"),
            ("\x1b[31;1merror:\x1b[0m x", "\x1b[31;1merror:\x1b[0m x"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("\x1b[2Jgone", "\\u{1b}[2Jgone"),
            ("a\rb\u{9b}c", "a\\rb\\u{9b}c"),
            ("\x1b[", "\\u{1b}["),
        ];
        for (text, expected) in table {
            assert_eq!(visible(text), expected);
        }
    }
}
