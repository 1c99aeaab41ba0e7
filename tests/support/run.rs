//! One run of a program: in a session of its own, so that `/dev/tty` does not open, with a time
//! limit, and with its output kept for the search for secrets.

use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::home::Home;
use super::terminal::Terminal;
use super::tools;

/// Longer than anything takes that works, on a slow machine with others at work.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How often a child is asked whether it has ended.
const STEP: Duration = Duration::from_millis(5);

/// A run that is being put together.
#[must_use]
pub struct Run<'h> {
    pub(super) home: &'h Home,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: PathBuf,
    pub(super) time_limit: Duration,
    pub(super) shows_secrets: bool,
    input: Vec<u8>,
}

impl<'h> Run<'h> {
    pub(super) fn new(home: &'h Home, program: &Path, environment: Vec<(String, String)>) -> Self {
        Self {
            home,
            program: program.to_path_buf(),
            arguments: Vec::new(),
            environment,
            folder: home.path(""),
            time_limit: TIME_LIMIT,
            shows_secrets: false,
            input: Vec::new(),
        }
    }

    /// More arguments.
    pub fn args<S: AsRef<str>>(mut self, arguments: &[S]) -> Self {
        let texts = arguments
            .iter()
            .map(|argument| argument.as_ref().to_owned());
        self.arguments.extend(texts);
        self
    }

    /// A variable more, or another value of one.
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self = self.without_env(name);
        self.environment
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// A variable less.
    pub fn without_env(mut self, name: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    /// What the program reads on its stdin; without it, nothing.
    pub fn stdin(mut self, text: &str) -> Self {
        self.input = text.as_bytes().to_vec();
        self
    }

    /// The folder that it runs in, instead of the home.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.folder = folder.to_path_buf();
        self
    }

    /// Another time limit than a minute.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Its stdout (on a terminal: its screen) is made to show secrets, as `export`'s is. The rest
    /// is searched all the same.
    pub fn shows_secrets(mut self) -> Self {
        self.shows_secrets = true;
        self
    }

    /// With a browser that consents to everything.
    pub fn with_browser(self) -> Self {
        let browser = self.home.browser();
        let browser = browser.to_string_lossy().into_owned();
        self.env("AWS_VAULT_BROWSER", &browser)
            .env("BROWSER", &browser)
    }

    /// Runs it to its end.
    pub fn output(self) -> Output {
        self.start().wait()
    }

    /// Starts it and lets it run.
    pub fn start(self) -> Running<'h> {
        heed_signals();
        // `setsid` becomes the program: a child that is no group's leader needs no fork. Its
        // process id is then also that of its session and group.
        let mut child = Command::new(tools::need("setsid", "util-linux"))
            .arg(&self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start the program");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = self.input.clone();
        // A program that doesn't read its input closes the pipe, which is its right.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
        Running {
            stdout: Some(collect(child.stdout.take().expect("a pipe"))),
            stderr: Some(collect(child.stderr.take().expect("a pipe"))),
            started: Instant::now(),
            child,
            run: self,
        }
    }

    /// Starts it on a terminal of its own, which is also where its questions go.
    pub fn on_terminal(self) -> Terminal<'h> {
        Terminal::start(self)
    }

    /// The command as one would type it, for messages.
    pub(super) fn line(&self) -> String {
        let name = self.program.file_name().unwrap_or_default();
        format!("{} {}", name.to_string_lossy(), self.arguments.join(" "))
    }
}

/// Tests that are run by `nohup`, or in the background of a script, have signals ignored, and so would
/// every program that they start. One that is handled here is what it is by default for them.
fn heed_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let status = std::fs::read_to_string("/proc/self/status").expect("this process");
        let mut lines = status.lines();
        let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = u64::from_str_radix(mask.expect("a mask").trim(), 16).expect("a mask");
        for signal in [Signal::HUP, Signal::INT, Signal::QUIT] {
            let number = signal.as_raw();
            if mask & (1 << (number - 1)) != 0 {
                let handler = signal_hook::flag::register(number, Arc::default());
                handler.expect("handle a signal");
            }
        }
    });
}

/// A program that runs.
pub struct Running<'h> {
    run: Run<'h>,
    child: Child,
    started: Instant,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

impl Running<'_> {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(pid(self.child.id()), signal);
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// All of its stdout, which it closes while it goes on.
    pub fn printed(&mut self) -> String {
        let deadline = Instant::now() + self.run.time_limit;
        let reader = self.stdout.take().expect("not collected yet");
        while !reader.is_finished() {
            let line = self.run.line();
            assert!(
                Instant::now() < deadline,
                "`{line}` does not close its stdout"
            );
            std::thread::sleep(STEP);
        }
        let bytes = reader.join().unwrap_or_default();
        let printed = String::from_utf8_lossy(&bytes).into_owned();
        self.stdout = Some(std::thread::spawn(move || bytes));
        printed
    }

    /// Waits for its end. What goes over the time limit fails, and so does a child of its own that
    /// outlives it with its output in hand.
    pub fn wait(mut self) -> Output {
        let line = self.run.line();
        let deadline = self.started + self.run.time_limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("ask after the child") {
                break status;
            }
            if Instant::now() > deadline {
                self.end_group();
                let (out, err) = self.collected(Instant::now() + Duration::from_secs(2));
                let (out, err) = (String::from_utf8_lossy(&out), String::from_utf8_lossy(&err));
                panic!("`{line}` did not end in time\nstdout: {out}\nstderr: {err}");
            }
            std::thread::sleep(STEP);
        };
        let took = self.started.elapsed();
        let (stdout, stderr) = self.collected(deadline.max(Instant::now() + TIME_LIMIT / 10));
        if !self.run.shows_secrets {
            self.run.home.keep(format!("stdout of `{line}`"), &stdout);
        }
        self.run.home.keep(format!("stderr of `{line}`"), &stderr);
        Output {
            line,
            code: status.code(),
            signal: status.signal(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            took,
        }
    }

    fn collected(&mut self, deadline: Instant) -> (Vec<u8>, Vec<u8>) {
        let line = self.run.line();
        let take = |reader: Option<JoinHandle<Vec<u8>>>| {
            let reader = reader.expect("collected once");
            while !reader.is_finished() {
                assert!(
                    Instant::now() < deadline,
                    "`{line}` ended, but something that it started holds its output"
                );
                std::thread::sleep(STEP);
            }
            reader.join().unwrap_or_default()
        };
        (take(self.stdout.take()), take(self.stderr.take()))
    }

    fn end_group(&mut self) {
        let _ = kill_process_group(pid(self.child.id()), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.is_running() {
            self.end_group();
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Output {
    /// The command.
    pub line: String,
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it said.
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl Output {
    /// Fails, and shows everything, where the exit code is another one.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Exit code 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.expect_code(0)
    }
}

/// A process id as the system calls want it.
pub fn pid(id: u32) -> Pid {
    let id = i32::try_from(id).expect("a process id");
    Pid::from_raw(id).expect("a process id that is not 0")
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        let _ = pipe.read_to_end(&mut all);
        all
    })
}
