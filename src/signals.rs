//! The signals that others send to vault while it stays for a command or serves: which there are, and
//! whose. What vault was started with as ignored stays ignored, for its command as well.

#[cfg_attr(unix, path = "signals/unix.rs")]
#[cfg_attr(windows, path = "signals/windows.rs")]
mod platform;

pub use platform::*;

/// What ends a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    windows,
    expect(dead_code, reason = "there the console ends it, and nothing is seen")
)]
pub enum End {
    /// Ctrl-C.
    Interrupted,
    /// Whoever started it, or the end of the session.
    Terminated,
}
