//! A program of the person's, run for what it prints: without a shell, for so long and no longer, and
//! with its whole family ended where it takes too long.
//!
//! It stays in vault's process group, so that it may ask on the terminal, and that Ctrl-C and Ctrl-Z
//! mean it too. Neither its arguments nor its output are ever shown: both may hold secrets.

use std::io::{self, ErrorKind, IsTerminal, Read};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::credentials::Secret;

#[cfg_attr(unix, path = "program/unix.rs")]
#[cfg_attr(windows, path = "program/windows.rs")]
mod platform;

use platform::end_family;

/// The first pause between two looks whether it has ended: many take a few milliseconds.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest: a person does not notice it.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// After it has ended its output should be closed; something that it left running, and that keeps it
/// open, is not waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// More than any set of credentials: AWS's session tokens end at some ten thousand characters. What is
/// longer is something else, and is not kept.
const LONGEST_OUTPUT: usize = 1024 * 1024;

/// What a program needs to put things back after Ctrl-C.
const GRACE: Duration = Duration::from_millis(500);

/// As much as a pipe holds on Linux.
const CHUNK: usize = 64 * 1024;

/// What it runs in.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Variables of vault's environment that it does not get.
    pub hidden: Vec<String>,
    /// Variables that it gets besides.
    pub added: Vec<(String, String)>,
    /// Whether the terminal is somebody else's: it then has no standard input and a process group of its
    /// own, and one that asks on the terminal all the same is ended.
    pub apart: bool,
    /// Told its process id while it runs, for whoever ends vault on Ctrl-C.
    pub running: Option<fn(Option<u32>)>,
}

/// What became of it.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub out: Secret<Vec<u8>>,
}

/// Ends a program whose terminal has sent it the Ctrl-C that vault leaves for, unless it ends by itself:
/// it may have to put the terminal's settings back.
pub fn end_after_interrupt(id: u32) {
    let deadline = Instant::now() + GRACE;
    while platform::is_there(id) {
        if Instant::now() >= deadline {
            return end_family(id);
        }
        thread::sleep(LONGEST_PAUSE);
    }
}

/// Why nothing can be said of its output.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is no such program.
    #[error("there is no program `{0}`")]
    NotFound(String),
    /// It is there, and can't be run.
    #[error("the program `{0}` cannot be run")]
    CannotRun(String, #[source] io::Error),
    /// It took too long, and was ended.
    #[error("`{}` did not end within {} seconds, and was ended", .0, .1.as_secs())]
    TimedOut(String, Duration),
    /// It printed more than anybody asked for.
    #[error("`{}` printed more than {} KiB", .0, LONGEST_OUTPUT / 1024)]
    TooLong(String),
    /// It has nobody to ask.
    #[error("`{0}` wants to ask on the terminal, which is another program's now")]
    WantsTerminal(String),
    /// Ctrl-C, which was meant for vault as well.
    #[error("`{0}` was interrupted")]
    Interrupted(String),
}

/// Runs the program that the first word names. Its standard error is vault's. Its standard input is
/// vault's where that is a terminal; what a pipe holds is meant for somebody else.
///
/// # Errors
///
/// It can't be run, takes longer than `limit`, or prints without end.
pub fn run(
    words: &[String],
    surroundings: &Surroundings,
    limit: Duration,
) -> Result<Ended, ProgramError> {
    let (program, arguments) = words.split_first().expect("a command has a first word");
    let stdin = io::stdin();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(if stdin.is_terminal() && !surroundings.apart {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped());
    for name in &surroundings.hidden {
        command.env_remove(name);
    }
    if surroundings.apart {
        platform::set_apart(&mut command);
    }
    command.envs(surroundings.added.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => ProgramError::NotFound(program.clone()),
        _ => ProgramError::CannotRun(program.clone(), error),
    })?;
    tracing::info!(%program, pid = child.id(), "a program was started");
    let tell = |id| surroundings.running.iter().for_each(|running| running(id));
    tell(Some(child.id()));
    let ended = wait(&mut child, program, limit, surroundings.apart);
    tell(None);
    ended
}

fn wait(
    child: &mut Child,
    program: &str,
    limit: Duration,
    apart: bool,
) -> Result<Ended, ProgramError> {
    let output = Output::collect(child.stdout.take());
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    let status = loop {
        let status = child.try_wait();
        let status = status.map_err(|error| ProgramError::CannotRun(program.to_owned(), error))?;
        if let Some(status) = status {
            break status;
        }
        if apart && platform::is_stopped(child.id()) {
            end(child);
            return Err(ProgramError::WantsTerminal(program.to_owned()));
        }
        if output.is_too_long() {
            end(child);
            return Err(ProgramError::TooLong(program.to_owned()));
        }
        if Instant::now() >= deadline {
            end(child);
            return Err(ProgramError::TimedOut(program.to_owned(), limit));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    if platform::was_interrupted(status) {
        return Err(ProgramError::Interrupted(program.to_owned()));
    }
    let out = output.take();
    if out.expose().len() > LONGEST_OUTPUT {
        return Err(ProgramError::TooLong(program.to_owned()));
    }
    Ok(Ended { status, out })
}

/// Ends it and all that it started.
fn end(child: &mut Child) {
    end_family(child.id());
    let _ = child.kill();
    let _ = child.wait();
}

/// What it has printed so far, read on a thread of its own, so that a full pipe never stops it.
struct Output {
    read: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    closed: Receiver<()>,
}

impl Output {
    fn collect(pipe: Option<ChildStdout>) -> Self {
        // Room for all of it at once: growing would leave copies of secrets behind.
        let room = Zeroizing::new(Vec::with_capacity(LONGEST_OUTPUT + CHUNK));
        let read = Arc::new(Mutex::new(room));
        let (tell, closed) = mpsc::sync_channel(1);
        let kept = Arc::clone(&read);
        thread::spawn(move || {
            let mut pipe = pipe.expect("it was asked for");
            let mut chunk = Zeroizing::new([0; CHUNK]);
            while let Ok(count @ 1..) = pipe.read(&mut *chunk) {
                let mut kept = lock(&kept);
                kept.extend_from_slice(&chunk[..count]);
                if kept.len() > LONGEST_OUTPUT {
                    break;
                }
            }
            let _ = tell.send(());
        });
        Self { read, closed }
    }

    fn is_too_long(&self) -> bool {
        lock(&self.read).len() > LONGEST_OUTPUT
    }

    /// All of it, once the program has ended; where something that it started keeps the pipe open, what
    /// is there by then.
    fn take(self) -> Secret<Vec<u8>> {
        let _ = self.closed.recv_timeout(LAST_WORDS);
        Secret::new(std::mem::take(&mut **lock(&self.read)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn sh(script: &str, limit: Duration) -> Result<Ended, ProgramError> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&words, &Surroundings::default(), limit)
    }

    #[test]
    fn what_it_prints_comes_back_however_much_it_is() {
        let ended = sh("head -c 300000 /dev/zero", LONG).unwrap();
        assert!(ended.status.success());
        assert_eq!(ended.out.expose().len(), 300_000);
    }

    #[test]
    fn what_prints_without_end_is_ended() {
        for endless in ["exec yes", "trap '' PIPE; yes 2>/dev/null; sleep 100"] {
            let error = sh(endless, LONG).unwrap_err();
            assert!(matches!(error, ProgramError::TooLong(_)), "{error}");
        }
    }

    /// A file that only the program's own children hold open tells whether they are gone.
    #[test]
    fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let home = tempfile::tempdir().unwrap();
        let (pids, held) = (home.path().join("pids"), home.path().join("held"));
        let script = format!(
            "exec 3>'{held}'; sh -c 'sleep 100 & echo $! >>{pids}; wait' & sleep 100",
            held = held.display(),
            pids = pids.display()
        );
        let error = sh(&script, Duration::from_millis(500)).unwrap_err();
        assert!(matches!(error, ProgramError::TimedOut(..)), "{error}");
        let pid = std::fs::read_to_string(&pids).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        let gone = || {
            // A zombie is gone but for its entry, which whoever adopts it removes.
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            !stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        let deadline = Instant::now() + LONG;
        while !gone() {
            assert!(Instant::now() < deadline, "the grandchild lives on");
            thread::sleep(LONGEST_PAUSE);
        }
    }

    #[test]
    fn what_it_leaves_running_is_not_waited_for() {
        let ended = sh("echo there; sleep 3 & exit 3", LONG).unwrap();
        assert_eq!(ended.out.expose(), b"there\n");
        assert_eq!(ended.status.code(), Some(3));
    }

    #[test]
    fn what_is_not_there_and_what_can_not_be_run_are_said() {
        let run = |program: &str| run(&[program.to_owned()], &Surroundings::default(), LONG);
        assert!(matches!(
            run("no-such-program"),
            Err(ProgramError::NotFound(_))
        ));
        assert!(matches!(
            run("/etc/passwd"),
            Err(ProgramError::CannotRun(..))
        ));
        // Not by the signal: tests that run in the background of a script inherit it ignored.
        let interrupted = sh("exit 130", LONG);
        assert!(matches!(interrupted, Err(ProgramError::Interrupted(_))));
    }
}
