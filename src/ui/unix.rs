//! Unix: the terminal that questions are asked on, kept from showing what is typed, and put in
//! stderr's place. Both are undone when dropped.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Where questions are asked, whatever the streams are.
pub(super) const TERMINAL: &str = "/dev/tty";

/// The terminal shows nothing of what is typed. `rpassword` sees to that only after it has shown its
/// question: what is typed or pasted at once would be on the screen.
pub(super) struct Unseen(File, Termios);

impl Unseen {
    /// `None` where the terminal can't be changed: then the question itself will fail.
    pub(super) fn begin() -> Option<Self> {
        let terminal = File::open(TERMINAL).ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut unseen = before.clone();
        unseen.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
        tcsetattr(&terminal, OptionalActions::Now, &unseen).ok()?;
        Some(Self(terminal, before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.0, OptionalActions::Now, &self.1);
    }
}

/// Where stderr leads elsewhere, the terminal is in its place: `inquire` draws on stderr and on
/// nothing else.
pub(super) struct TerminalAsStderr(OwnedFd);

impl TerminalAsStderr {
    /// `None` where stderr is a terminal already.
    pub(super) fn begin() -> Option<Self> {
        if io::stderr().is_terminal() {
            return None;
        }
        let terminal = File::options().write(true).open(TERMINAL).ok()?;
        let before = rustix::io::fcntl_dupfd_cloexec(io::stderr(), 0).ok()?;
        rustix::stdio::dup2_stderr(&terminal).ok()?;
        Some(Self(before))
    }
}

impl Drop for TerminalAsStderr {
    fn drop(&mut self) {
        let _ = rustix::stdio::dup2_stderr(&self.0);
    }
}
