//! Windows: there is Ctrl-C, which the console sends to vault and to its command alike, and `ui` sees to.

use std::io;

use super::End;

/// Looks out for nothing.
pub struct Watch;

impl Watch {
    /// Whether Ctrl-C is among what it sees.
    pub const SEES_INTERRUPTS: bool = false;

    /// Begins.
    ///
    /// # Errors
    ///
    /// None.
    pub const fn begin() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits until Ctrl-C ends vault.
    pub fn end(&mut self) -> End {
        loop {
            std::thread::park();
        }
    }
}
