//! The two streams and the terminal: data on stdout, talk on stderr, questions on the terminal
//! itself. It knows how to say something, not what.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::credentials::Secret;

mod ask;
mod painted;
mod pick;
mod progress;

pub use ask::Question;
pub use painted::Tone;
pub use pick::Choice;

#[cfg_attr(unix, path = "ui/unix.rs")]
#[cfg_attr(windows, path = "ui/windows.rs")]
mod platform;
mod qr;
mod screen;
mod waiting;

pub use waiting::Waiting;

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
    /// The same of data.
    color_of_data: bool,
    no_input: bool,
    /// Set while nothing may be asked, although somebody could be.
    unasked: AtomicBool,
    terminal: OnceLock<bool>,
}

/// Set while Ctrl-C is somebody else's: a question on the screen takes it as its answer, a child
/// that vault waits for decides what becomes of it.
static INTERRUPTS_ELSEWHERE: AtomicBool = AtomicBool::new(false);

impl Ui {
    /// `no_color` is what `NO_COLOR` says; an explicit `--color` is stronger.
    pub fn new(quiet: bool, color: Color, no_color: bool, no_input: bool) -> Self {
        let on = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !no_color && is_terminal,
        };
        Self {
            quiet,
            color: on(io::stderr().is_terminal()),
            color_of_data: on(io::stdout().is_terminal()),
            no_input,
            unasked: AtomicBool::new(false),
            terminal: OnceLock::new(),
        }
    }

    /// A run that has nobody to talk to: it asks and notes nothing.
    pub fn silent() -> Self {
        Self::new(true, Color::Never, true, true)
    }

    /// Whether a person may be asked: there is a terminal, and `--no-input` was not said.
    pub fn can_ask(&self) -> bool {
        !self.no_input
            && !self.unasked.load(Ordering::Relaxed)
            && *self
                .terminal
                .get_or_init(|| File::open(platform::TERMINAL).is_ok())
    }

    /// Does something that is not worth a question: meanwhile there is nobody to ask.
    pub fn asking_nothing<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.unasked.swap(true, Ordering::Relaxed);
        let done = work();
        self.unasked.store(before, Ordering::Relaxed);
        done
    }

    /// Whether `--no-input` was said.
    pub fn no_input(&self) -> bool {
        self.no_input
    }

    /// Whether what is said is seen by a person, and stays nowhere.
    pub fn is_seen(&self) -> bool {
        io::stderr().is_terminal()
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

    /// Prints no more data: whoever reads it learns that it is complete, though vault goes on.
    pub fn end_data(&self) {
        platform::close_stdout();
    }

    /// Says how it went; `--quiet` keeps it back.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            say(&visible(text));
        }
    }

    /// Says what the person has to know, `--quiet` or not.
    pub fn tell(&self, text: &str) {
        say(&visible(text));
    }

    /// Shows a code to compare and the address to do it at, `--quiet` or not.
    pub fn show_code(&self, introduction: &str, code: &str, url: &str) {
        let code = self.paint("1", &visible(code));
        say(&format!(
            "{}\n\n  {code}\n\n  {}\n",
            visible(introduction),
            visible(url)
        ));
    }

    /// Shows the address to go to, `--quiet` or not.
    pub fn show_url(&self, introduction: &str, url: &str) {
        say(&format!(
            "{}\n\n  {}\n",
            visible(introduction),
            visible(url)
        ));
    }

    /// Shows an address as a code for a telephone, `--quiet` or not, on a terminal or not: it was asked
    /// for.
    pub fn show_qr(&self, url: &str) {
        let Some(lines) = qr::lines(url, self.color) else {
            return self.warn("the address is too long for a QR code");
        };
        let width = qr::width(&lines, self.color);
        match platform::size() {
            Some((columns, _)) if columns < width => self.warn(&format!(
                "a QR code of this address takes {width} columns, and the terminal has {columns}"
            )),
            _ => say(&format!("{}\n", lines.join("\n"))),
        }
    }

    /// Shows that somebody is waited for, and how long they have, where that can be painted. What is
    /// waited for has been said before.
    pub fn wait_for(&self, what: &str, limit: Duration) -> Option<Waiting> {
        self.paints().then(|| waiting::begin(what, limit))
    }

    /// Whether something that moves can be painted: on a terminal, with colour, and without a log around
    /// it.
    fn paints(&self) -> bool {
        let logged = tracing::enabled!(tracing::Level::INFO);
        self.color && !self.quiet && !logged && io::stderr().is_terminal()
    }

    /// Says what is not as it should be, but does not stop the work.
    pub fn warn(&self, text: &str) {
        say(&format!(
            "{} {}",
            self.paint("33;1", "warning:"),
            visible(text)
        ));
    }

    /// Says what failed, because of what, and what to do.
    pub fn error(&self, message: &str, causes: &[String], hints: &[String]) {
        let mut text = format!("{} {}", self.paint("31;1", "error:"), visible(message));
        for cause in causes {
            text.push_str(&format!("\n  caused by: {}", visible(cause)));
        }
        for hint in hints {
            text.push_str(&format!(
                "\n  {} {}",
                self.paint("36", "hint:"),
                visible(hint)
            ));
        }
        say(&text);
    }

    fn paint(&self, style: &str, text: &str) -> String {
        painted::paint(self.color, style, text)
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
        asking(|| rpassword::prompt_password(format!("{question}: ")))
            .map(Secret::new)
            .map_err(|error| match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => AskError::Interrupted,
                _ => AskError::Io(error),
            })
    }
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

/// From here on Ctrl-C is somebody else's: a child's, or a server's that has answers to end.
pub fn leave_interrupts() {
    watch_interrupts();
    INTERRUPTS_ELSEWHERE.store(true, Ordering::SeqCst);
}

/// What is to be done before Ctrl-C ends vault.
pub type Leaving = Box<dyn FnOnce() + Send>;

static ON_LEAVING: Mutex<Option<Leaving>> = Mutex::new(None);
/// Set once vault is on its way out.
static IS_LEAVING: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C does this first; `None` for nothing more. Where vault is on its way out already,
/// it does not come back: what the work came to is nobody's concern any more.
pub fn on_leaving(action: Option<Leaving>) {
    while action.is_none() && IS_LEAVING.load(Ordering::SeqCst) {
        std::thread::park();
    }
    *ON_LEAVING.lock().unwrap_or_else(PoisonError::into_inner) = action;
}

/// Nothing of vault's has to be put back: whatever it keeps is whole at every moment.
#[expect(clippy::disallowed_methods, reason = "the one way out besides `main`")]
fn leave_interrupted() -> ! {
    IS_LEAVING.store(true, Ordering::SeqCst);
    let action = ON_LEAVING.lock().map(|mut action| action.take());
    if let Ok(Some(action)) = action {
        action();
    }
    waiting::clear();
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
    waiting::clear();
    let answer = {
        // The keys first: until then Ctrl-C is a signal, and vault's.
        let _keys = platform::RawKeys::begin();
        INTERRUPTS_ELSEWHERE.store(true, Ordering::SeqCst);
        ask()
    };
    INTERRUPTS_ELSEWHERE.store(false, Ordering::SeqCst);
    answer
}

/// One write for the whole text, so that the lines of parallel runs stay whole. A stderr that can't
/// be written leaves nowhere to say so.
fn say(text: &str) {
    waiting::above(|| {
        let _ = io::stderr()
            .lock()
            .write_all(format!("{text}\n").as_bytes());
    });
}

/// Text as it may go to a terminal. A server's message or a name in a file may hold control
/// characters, which would be orders to the terminal, or lines that look like vault's own, or marks
/// that turn the text's direction: they are shown, not sent.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_to_the_terminal_are_shown_and_not_sent() {
        let table = [
            ("plain, ünï", "plain, ünï"),
            ("\x1b[8mhidden", "\\u{1b}[8mhidden"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("a\rb\u{9b}c", "a\\rb\\u{9b}c"),
            ("no\n  hint: run evil", "no\\n  hint: run evil"),
            ("a line end after it\n", "a line end after it"),
            ("\u{202e}backwards", "\\u{202e}backwards"),
        ];
        for (text, expected) in table {
            assert_eq!(visible(text), expected);
        }
    }
}
