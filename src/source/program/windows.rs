//! Ending a program, as Windows does it: the program itself, by whoever holds it. Ctrl-C reaches
//! everything on a console anyway.

use std::process::ExitStatus;

/// `STATUS_CONTROL_C_EXIT`
const INTERRUPTED: i32 = 0xC000_013A_u32.cast_signed();

/// Whether Ctrl-C ended it.
pub(super) fn was_interrupted(status: ExitStatus) -> bool {
    status.code() == Some(INTERRUPTED)
}

/// The console ends it.
pub(super) fn is_there(_id: u32) -> bool {
    false
}

/// Nothing that the process's own handle does not do.
pub(super) fn end_family(_id: u32) {}

/// Nothing has to be done: a console has no groups that are stopped.
pub(super) fn set_apart(_command: &mut std::process::Command) {}

/// Nothing is ever stopped.
pub(super) const fn is_stopped(_id: u32) -> bool {
    false
}
