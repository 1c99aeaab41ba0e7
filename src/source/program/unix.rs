//! Ending a program and what it started, as Unix does it.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, test_kill_process, waitid,
};

/// How a program that caught Ctrl-C says so, by the convention of shells.
const INTERRUPTED: i32 = 130;

/// Whether Ctrl-C ended it.
pub(super) fn was_interrupted(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::INT.as_raw()) || status.code() == Some(INTERRUPTED)
}

/// In a process group of its own: where the terminal is another's, reading from it stops this group.
pub(super) fn set_apart(command: &mut Command) {
    command.process_group(0);
}

/// Whether a child is stopped.
pub(super) fn is_stopped(id: u32) -> bool {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    let status = id.and_then(|id| waitid(WaitId::Pid(id), options).ok().flatten());
    status.is_some_and(|status| status.stopped())
}

/// Whether there is a process of that id, one that nobody has asked after yet included.
pub(super) fn is_there(id: u32) -> bool {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw);
    id.is_some_and(|id| test_kill_process(id).is_ok())
}

/// Ends a process and everything below it. They are in vault's own process group, which can't be
/// signalled as a whole. What has left its family (a daemon) is not found, and where there is no
/// `/proc`, only the process itself is.
pub(super) fn end_family(id: u32) {
    let Ok(id) = i32::try_from(id) else {
        return;
    };
    // Whoever is stopped starts nobody else: so they are looked for until no one new is there, and once
    // more, for who was just starting somebody.
    let mut family = vec![id];
    signal(&family, Signal::STOP);
    let mut calm = 0;
    while calm < 2 {
        let parents = parents();
        let new =
            |(child, parent): &&(i32, i32)| family.contains(parent) && !family.contains(child);
        let new: Vec<i32> = parents
            .iter()
            .filter(new)
            .map(|(child, _)| *child)
            .collect();
        signal(&new, Signal::STOP);
        calm = if new.is_empty() { calm + 1 } else { 0 };
        family.extend(new);
    }
    signal(&family, Signal::KILL);
}

fn signal(processes: &[i32], signal: Signal) {
    for process in processes.iter().copied().filter_map(Pid::from_raw) {
        let _ = kill_process(process, signal);
    }
}

/// Every process of the system with its parent.
fn parents() -> Vec<(i32, i32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let parent = |entry: std::fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // `12 (its name, with any character) S 1 …`
        let (_, rest) = stat.rsplit_once(") ")?;
        let parent = rest.split(' ').nth(1)?.parse().ok()?;
        Some((id, parent))
    };
    entries.filter_map(parent).collect()
}
