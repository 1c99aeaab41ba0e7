//! The terminal that lines in motion are painted on, a little narrower than it is. Whoever paints fills a
//! line to its end, and there `^C`, which the terminal itself shows, would begin another line: that one
//! would be taken away when vault leaves, and the painted one would stay.

use std::io;

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// Room for `^C`, and for the cursor behind it.
const ROOM: u16 = 3;

/// As often as a terminal is painted at most, a second: as often as indicatif does by itself.
const RATE: u8 = 20;

#[derive(Debug)]
struct Narrower(Term);

/// stderr's.
pub(super) fn target() -> ProgressDrawTarget {
    let screen = Narrower(Term::buffered_stderr());
    ProgressDrawTarget::term_like_with_hz(Box::new(screen), RATE)
}

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        TermLike::width(&self.0).saturating_sub(ROOM)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.0)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
