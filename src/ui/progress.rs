//! How far something long is: a bar with rate and time left where it can be painted, now and then a
//! plain line elsewhere, and nothing with `--quiet`.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Ui, say, screen, visible};

/// Between two plain lines: a log stays short, and whoever watches knows that it goes on.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// What is shown of something long. Dropping it removes the bar.
pub struct Progress {
    what: String,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines(Instant),
    Nothing,
}

impl Ui {
    /// Begins to show how far `what` is: `Listing the roles`.
    pub fn progress(&self, what: &str) -> Progress {
        let shown = if self.quiet {
            Shown::Nothing
        } else if self.paints() {
            Shown::Bar(bar())
        } else {
            Shown::Lines(Instant::now())
        };
        Progress {
            what: visible(what),
            shown,
        }
    }
}

impl Progress {
    /// So many of them are done, at a rate of so many a second.
    pub fn set(&mut self, done: usize, all: usize, rate: f64) {
        let text = format!("{} a second, {} left", number(rate), left(done, all, rate));
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_length(all as u64);
                bar.set_prefix(self.what.clone());
                bar.set_message(text);
                bar.set_position(done as u64);
            }
            Shown::Lines(last) if last.elapsed() >= BETWEEN_LINES && done < all => {
                *last = Instant::now();
                say(&format!("{}: {done} of {all}, {text}", self.what));
            }
            Shown::Lines(_) | Shown::Nothing => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:24} {pos} of {len}, {msg}");
    let style = style.expect("a template that is right");
    ProgressBar::with_draw_target(None, screen::target()).with_style(style.progress_chars("=> "))
}

fn number(rate: f64) -> String {
    if rate < 9.95 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

/// `40 s`, `3 min`: what is left at that rate.
fn left(done: usize, all: usize, rate: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a count of accounts")]
    let seconds = all.saturating_sub(done) as f64 / rate.max(0.01);
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_said_in_few_words() {
        let table = [
            ((0, 1000, 20.0), "50 s"),
            ((990, 1000, 20.0), "0 s"),
            ((0, 10_000, 20.0), "8 min"),
            ((5, 5, 20.0), "0 s"),
        ];
        for ((done, all, rate), expected) in table {
            assert_eq!(left(done, all, rate), expected);
        }
        assert_eq!((number(0.5), number(19.96)), ("0.5".into(), "20".into()));
    }
}
