//! A line at the bottom of the screen while a person is waited for, with the time that they have left.
//! What is said meanwhile goes above it, and nothing of it stays on the screen.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::screen;

/// Often enough to show life, and the seconds.
const TICK: Duration = Duration::from_millis(250);

/// The one line that there is. Here, and not in the `Ui`: Ctrl-C, and whatever else writes to the
/// terminal, has to find it.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// The line; it goes when this is dropped.
#[must_use]
pub struct Waiting(());

impl Drop for Waiting {
    fn drop(&mut self) {
        clear();
    }
}

/// Shows what is waited for, and counts `limit` down.
pub(super) fn begin(what: &str, limit: Duration) -> Waiting {
    let left = move |state: &ProgressState, to: &mut dyn std::fmt::Write| {
        let left = limit.saturating_sub(state.elapsed()).as_secs();
        let _ = write!(to, "{}:{:02}", left / 60, left % 60);
    };
    let style = ProgressStyle::with_template("{spinner} {msg} ({left} left)");
    let style = style.expect("a template").with_key("left", left);
    let line = ProgressBar::with_draw_target(None, screen::target())
        .with_style(style.tick_chars("|/-\\ "))
        .with_message(what.to_owned());
    line.enable_steady_tick(TICK);
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(line);
    Waiting(())
}

/// Writes something above the line.
pub(super) fn above(write: impl FnOnce()) {
    match &*SHOWN.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(line) => line.suspend(write),
        None => write(),
    }
}

/// Takes the line off the screen. Where somebody is writing above it, Ctrl-C does not wait for them.
pub(super) fn clear() {
    if let Ok(mut shown) = SHOWN.try_lock()
        && let Some(line) = shown.take()
    {
        line.finish_and_clear();
    }
}
