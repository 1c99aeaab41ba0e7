//! Data that is made for a person's eyes: in colour where stdout shows colours, and without orders to
//! the terminal.

use super::{Ui, visible};

/// What a word means, for those who see colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Head,
    /// As it should be.
    Good,
    /// Worth knowing.
    Mild,
    /// To be mended.
    Bad,
    /// What to do.
    Hint,
    /// Nothing.
    Plain,
}

impl Ui {
    /// A text as a part of data, to be printed with [`Ui::data`].
    pub fn painted(&self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Head => "1",
            Tone::Good => "32",
            Tone::Mild => "33",
            Tone::Bad => "31;1",
            Tone::Hint => "36",
            Tone::Plain => return visible(text),
        };
        paint(self.color_of_data, style, &visible(text))
    }
}

impl Ui {
    /// A diff as data: its lines in colours where stdout shows them, else byte for byte, for `patch`.
    pub fn painted_diff(&self, diff: String) -> String {
        if !self.color_of_data {
            return diff;
        }
        let paint = |line: &str| {
            let tone = match line.as_bytes().first() {
                _ if line.starts_with("+++") || line.starts_with("---") => Tone::Head,
                Some(b'+') => Tone::Good,
                Some(b'-') => Tone::Bad,
                Some(b'@') => Tone::Hint,
                _ => Tone::Plain,
            };
            self.painted(tone, line) + "\n"
        };
        diff.lines().map(paint).collect()
    }
}

pub(super) fn paint(color: bool, style: &str, text: &str) -> String {
    if color {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
