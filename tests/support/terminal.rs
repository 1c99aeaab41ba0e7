//! A real terminal: a program runs on a pty as its controlling terminal, and the test reads its
//! screen and types.

use std::io::{Read as _, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::run::Run;

/// What a program asks to know where the cursor is, and an answer that will do.
const CURSOR_QUESTION: &[u8] = b"\x1b[6n";
const CURSOR_ANSWER: &[u8] = b"\x1b[1;1R";

/// A program on a terminal.
pub struct Terminal<'h> {
    run: Run<'h>,
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    screen: Arc<Screen>,
    /// How far [`Terminal::expect`] has read.
    seen: usize,
    started: Instant,
}

/// Everything that the program wrote so far.
#[derive(Default)]
struct Screen {
    written: Mutex<Written>,
    grew: Condvar,
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'h> Terminal<'h> {
    pub(super) fn start(run: Run<'h>) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
            ..PtySize::default()
        };
        let pty = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(&run.program);
        command.args(&run.arguments);
        command.cwd(&run.folder);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in &run.environment {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).expect("start on the pty");
        let keyboard = pty.master.take_writer().expect("the pty's keyboard");
        let keyboard = Arc::new(Mutex::new(keyboard));
        let screen = Arc::new(Screen::default());
        let reader = pty.master.try_clone_reader().expect("the pty's screen");
        let (written, answers) = (Arc::clone(&screen), Arc::clone(&keyboard));
        std::thread::spawn(move || read_screen(reader, &written, &answers));
        Self {
            run,
            child,
            master: Some(pty.master),
            keyboard,
            screen,
            seen: 0,
            started: Instant::now(),
        }
    }

    /// Reads on until the text appears; fails, and shows the screen, where it does not in time.
    /// The next `expect` goes on behind it. Colours and cursor movements are not part of the text.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + self.run.time_limit;
        let screen = Arc::clone(&self.screen);
        let mut written = screen.lock();
        loop {
            let shown = plain(&written.bytes);
            if let Some(at) = shown.get(self.seen..).and_then(|rest| rest.find(text)) {
                self.seen += at + text.len();
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if written.ended || left.is_zero() {
                let line = self.run.line();
                drop(written);
                panic!("`{line}`: no {text:?} behind what was seen; the screen so far:\n{shown}");
            }
            let waited = screen.grew.wait_timeout(written, left);
            written = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types.
    #[allow(clippy::should_implement_trait, reason = "a terminal's word")]
    pub fn types(&self, keys: &str) {
        let keyboard = self.keyboard.lock();
        let mut keyboard = keyboard.unwrap_or_else(PoisonError::into_inner);
        keyboard.write_all(keys.as_bytes()).expect("type");
        keyboard.flush().expect("type");
    }

    /// Types, and presses Enter.
    pub fn enter(&self, line: &str) {
        self.types(&format!("{line}\r"));
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        self.types("\x03");
    }

    /// Changes the window's size.
    pub fn resize(&self, rows: u16, cols: u16) {
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        let master = self.master.as_ref().expect("a running terminal");
        master.resize(size).expect("resize the window");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.process_id().expect("a running program")
    }

    /// All that was written so far, without colours and cursor movements.
    pub fn screen(&self) -> String {
        plain(&self.screen.lock().bytes)
    }

    /// All that was written so far, as it was written.
    pub fn raw_screen(&self) -> Vec<u8> {
        self.screen.lock().bytes.clone()
    }

    /// Waits for the end; the exit code (128+N after signal N is 1 here, see `signal`).
    pub fn wait(mut self) -> Ended {
        let deadline = self.started.max(Instant::now()) + self.run.time_limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("ask after the program") {
                break status;
            }
            if Instant::now() > deadline {
                let (line, screen) = (self.run.line(), self.screen());
                panic!("`{line}` did not end in time; its screen:\n{screen}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // What was written last may still be on its way through the pty.
        let written = self.screen.lock();
        let two_seconds = Duration::from_secs(2);
        let until = self
            .screen
            .grew
            .wait_timeout_while(written, two_seconds, |w| !w.ended);
        drop(until);
        Ended {
            code: status.exit_code(),
            signal: status.signal().map(str::to_owned),
            screen: self.screen(),
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        drop(self.master.take());
        if !self.run.shows_secrets {
            let label = format!("screen of `{}`", self.run.line());
            let raw = self.raw_screen();
            self.run.home.keep(label.clone(), &raw);
            self.run.home.keep(label, plain(&raw).as_bytes());
        }
    }
}

/// How a program on a terminal ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; 1 after a signal.
    pub code: u32,
    /// The name of the signal that ended it.
    pub signal: Option<String>,
    /// The whole screen.
    pub screen: String,
}

fn read_screen(
    mut reader: Box<dyn std::io::Read + Send>,
    screen: &Screen,
    keyboard: &Mutex<Box<dyn Write + Send>>,
) {
    let mut chunk = [0; 4096];
    let mut answered = 0;
    // Linux ends a pty whose other side is closed with an error.
    while let Ok(length @ 1..) = reader.read(&mut chunk) {
        let mut written = screen.lock();
        written.bytes.extend_from_slice(&chunk[..length]);
        let questions = memchr::memmem::find_iter(&written.bytes, CURSOR_QUESTION).count();
        screen.grew.notify_all();
        drop(written);
        let mut keyboard = keyboard.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in answered..questions {
            let _ = keyboard.write_all(CURSOR_ANSWER);
        }
        answered = questions;
    }
    screen.lock().ended = true;
    screen.grew.notify_all();
}

/// The text without escape sequences and carriage returns. A sequence that is not whole yet is
/// left out, so that the text only ever grows at its end.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => skip_sequence(&mut characters),
            '\r' => {}
            other => plain.push(other),
        }
    }
    plain
}

fn skip_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.next() {
        // A control sequence ends with a letter or the like.
        Some('[') => {
            let _ = characters.find(|character| ('@'..='~').contains(character));
        }
        // An operating system command (a title, a link) ends with a bell or with `ESC \`.
        Some(']') => {
            let end = characters.find(|character| matches!(character, '\x07' | '\x1b'));
            if end == Some('\x1b') {
                let _ = characters.next();
            }
        }
        // A character set's choice has one more character.
        Some('(' | ')') => {
            let _ = characters.next();
        }
        _ => {}
    }
}
