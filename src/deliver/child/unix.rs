//! Unix: vault becomes the command, so that PID, terminal, signals and exit status are its own and
//! nothing of vault stays behind. Where vault has to stay, the command is in its process group: what the
//! terminal sends (Ctrl-C, Ctrl-Z, a hang-up) reaches both, and is not passed on, since two Ctrl-C are an
//! order to give up at once for many a program.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::{Access, access};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, getpgid, getpgrp, getpid, kill_process,
    kill_process_group, waitid,
};

use crate::signals::Watch;

/// vault becomes the child.
pub(super) const STAYS: bool = false;
pub(super) const DEFAULT_SHELL: &str = "/bin/sh";
/// What `execvp` looks through where `PATH` is not set.
pub(super) const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Replaces this process. The standard library gives the child the default `SIGPIPE` and an empty
/// signal mask, as if vault had never been there; every file vault opened closes on the way.
pub(super) fn run(mut command: Command, called: &OsStr) -> io::Error {
    command.arg0(called).exec()
}

/// A command that has stopped may go on at once: the terminal's signals reach vault and its command one
/// after the other.
const SETTLE: Duration = Duration::from_millis(50);

/// Runs the command as a child, and leaves as it does.
#[expect(clippy::disallowed_methods, reason = "the child's end is vault's")]
pub(super) fn attend(mut command: Command, called: &OsStr) -> io::Error {
    match start(command.arg0(called)).and_then(|(child, alive)| wait(child, &alive)) {
        Ok(status) => {
            let signal = status.signal().map(|number| 128 + number);
            std::process::exit(status.code().or(signal).unwrap_or(1))
        }
        Err(error) => error,
    }
}

/// Whether the child's process id is still its own.
type Alive = Arc<Mutex<bool>>;

/// The watch before the child: a signal that comes between the two is passed on, and not lost.
fn start(command: &mut Command) -> io::Result<(Child, Alive)> {
    let mut watch = Watch::begin()?;
    let child = command.spawn()?;
    let (id, alive) = (Pid::from_child(&child), Arc::new(Mutex::new(true)));
    let its = Arc::clone(&alive);
    let pass_on = move || loop {
        let arrived = watch.next();
        let alive = its.lock().unwrap_or_else(PoisonError::into_inner);
        if arrived.by_program && *alive {
            tracing::info!(signal = ?arrived.signal, "passed on");
            let _ = kill_process(id, arrived.signal);
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(pass_on)?;
    Ok((child, alive))
}

/// Waits without asking after the child's status, so that its process id stays its own until nobody sends
/// it signals any more.
fn wait(mut child: Child, alive: &Alive) -> io::Result<ExitStatus> {
    let id = Pid::from_child(&child);
    while is_stopped(id, WaitIdOptions::empty())? {
        stop_along(id)?;
    }
    *alive.lock().unwrap_or_else(PoisonError::into_inner) = false;
    child.wait()
}

/// Waits until it is stopped, or has ended; with `NOHANG`, says whether it is stopped now.
fn is_stopped(id: Pid, besides: WaitIdOptions) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT | besides;
    loop {
        match waitid(WaitId::Pid(id), options) {
            Err(Errno::INTR) => {}
            status => return Ok(status?.as_ref().is_some_and(WaitIdStatus::stopped)),
        }
    }
}

/// A shell has a process group of its own, and can stop that (`suspend`): whoever waits for vault has to
/// see it stop as well, and what continues vault continues the shell. A command in vault's own group is
/// stopped along with vault by the terminal; where a program stops it alone, it may continue it as well.
fn stop_along(id: Pid) -> io::Result<()> {
    thread::sleep(SETTLE);
    let elsewhere = getpgid(Some(id)).ok().filter(|group| *group != getpgrp());
    if let Some(group) = elsewhere
        && is_stopped(id, WaitIdOptions::NOHANG)?
    {
        kill_process(getpid(), Signal::TSTP)?;
        let _ = kill_process_group(group, Signal::CONT);
    }
    Ok(())
}

/// Whether the file can be run by this user.
pub(super) fn check(candidate: &Path) -> io::Result<()> {
    let metadata = candidate.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from_raw_os_error(
            rustix::io::Errno::ISDIR.raw_os_error(),
        ));
    }
    access(candidate, Access::EXEC_OK).map_err(io::Error::from)
}

/// The ways a file may be spelt: one, on Unix.
pub(super) fn spellings(candidate: PathBuf) -> Vec<PathBuf> {
    vec![candidate]
}
