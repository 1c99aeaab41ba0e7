//! Unix: those that mean an end or that programs give a meaning of their own.

use std::io;

use super::End;
use rustix::process::Signal;
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::Cause;

/// What is looked out for. `SIGTSTP` and `SIGCONT` are not: by the terminal they stop and continue vault
/// along with its command.
const SIGNALS: [Signal; 6] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
];

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Which.
    pub signal: Signal,
    /// Whether a program has sent it, and not the terminal, which sends it to vault's command too.
    pub by_program: bool,
}

/// Looks out for signals: from its begin on none of them ends vault.
pub struct Watch(SignalsInfo<WithOrigin>);

impl Watch {
    /// Whether Ctrl-C is among what it sees.
    pub const SEES_INTERRUPTS: bool = true;

    /// Begins.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn begin() -> io::Result<Self> {
        let ignored = ignored();
        let heeded = SIGNALS
            .iter()
            .map(|signal| signal.as_raw())
            .filter(|number| ignored & bit(*number) == 0);
        Ok(Self(SignalsInfo::new(heeded)?))
    }

    /// Waits for one that means the end.
    pub fn end(&mut self) -> End {
        loop {
            match self.next().signal {
                Signal::INT => return End::Interrupted,
                Signal::USR1 | Signal::USR2 => {}
                _ => return End::Terminated,
            }
        }
    }

    /// Waits for the next one.
    pub fn next(&mut self) -> Arrived {
        loop {
            let origin = self.0.forever().next();
            let origin = origin.expect("nobody closes it");
            let known = SIGNALS.iter().find(|known| known.as_raw() == origin.signal);
            if let Some(signal) = known {
                return Arrived {
                    signal: *signal,
                    by_program: matches!(origin.cause, Cause::Sent(_)),
                };
            }
        }
    }
}

/// What vault was started with as ignored (by `nohup`, by a script that runs it in the background), as the
/// kernel's mask. Only Linux tells; elsewhere nothing counts as ignored.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

fn bit(number: i32) -> u64 {
    1 << (number - 1)
}
