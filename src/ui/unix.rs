//! Unix: the terminal that questions are asked on, with its keys as they are, and put in stderr's
//! place. Both are undone when dropped.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// Where questions are asked, whatever the streams are.
pub(super) const TERMINAL: &str = "/dev/tty";

/// Nothing reads stdout any more, and nothing that is opened later takes its place.
pub(super) fn close_stdout() {
    if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nowhere);
    }
}

/// How many columns and rows the terminal has that stderr leads to; `None` where it leads elsewhere.
pub(super) fn size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok()?;
    (size.ws_col > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

/// Keys go to the question as they are: nothing of them is shown, and Ctrl-C is one of them.
/// `rpassword` and `inquire` see to that only after the question is on the screen: what is typed or
/// pasted at once would be seen, and a Ctrl-C lost.
pub(super) struct RawKeys(File, Termios);

impl RawKeys {
    /// `None` where the terminal can't be changed: then the question itself will fail.
    pub(super) fn begin() -> Option<Self> {
        let terminal = File::open(TERMINAL).ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut raw = before.clone();
        raw.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &raw).ok()?;
        Some(Self(terminal, before))
    }
}

impl Drop for RawKeys {
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
