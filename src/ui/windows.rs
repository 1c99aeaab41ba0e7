//! Windows: the console that questions are asked on. `rpassword` and `inquire` do the rest there.

/// Where questions are asked, whatever the streams are.
pub(super) const TERMINAL: &str = "CONIN$";

/// Not done: a pipe stays open until vault ends.
pub(super) const fn close_stdout() {}

/// Not asked: a code that is too wide is drawn all the same, and a row is wrapped.
pub(super) const fn size() -> Option<(usize, usize)> {
    None
}

/// Nothing has to be done: the console's modes are set before the question shows.
pub(super) struct RawKeys;

impl RawKeys {
    pub(super) const fn begin() -> Self {
        Self
    }
}

/// Not done: there is one console, and a picker whose stderr leads elsewhere is drawn there.
pub(super) struct TerminalAsStderr;

impl TerminalAsStderr {
    pub(super) const fn begin() -> Self {
        Self
    }
}
