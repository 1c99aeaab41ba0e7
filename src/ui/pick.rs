//! Choosing one of many: a list that narrows as the person types, in columns that fit the terminal.

use std::cmp::Reverse;
use std::fmt;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use inquire::Select;
use inquire::ui::RenderConfig;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::ask::no_answer;
use super::{AskError, Ui, asking, platform, visible};

/// Fits a terminal of 40 columns.
const HELP: &str = "type to narrow, ↑↓, Enter; Esc leaves";

/// As many rows as can be taken in at a glance,
const ROWS: usize = 12;
/// and on a small terminal so many fewer than it has: for the question, the help, and the cursor's line.
const OTHER_ROWS: usize = 3;

/// What stands before each row, and a column that stays free, so that no terminal wraps the row.
const MARGIN: usize = 3;

/// A column is no wider than this, nor than half of the terminal: one long name shall not push what is
/// beside the others off it.
const COLUMN: usize = 32;

/// A terminal that does not say how wide it is gets rows as they are.
const UNKNOWN: usize = 1000;

/// What a name that fits is worth above any other cell, and a name that was typed whole above all: no
/// score of the matcher for a word of a few letters is as high.
const NAME: i64 = 1000;
const WHOLE_NAME: i64 = 1_000_000;

/// One of the things to choose from.
pub struct Choice {
    /// What it is called.
    pub name: String,
    /// What is shown beside it, a cell each, and can be typed as well.
    pub beside: Vec<String>,
}

impl Choice {
    /// One with nothing beside it.
    pub fn plain(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            beside: Vec::new(),
        }
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.beside)
            .map(String::as_str)
    }
}

/// A choice as it is listed.
struct Row {
    choice: Choice,
    text: String,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ui {
    /// Lets the person choose: the number of what they chose. What fits equally well stays in the order
    /// in which it came.
    ///
    /// # Errors
    ///
    /// There is nobody to ask, or they left.
    pub fn pick(&self, question: &str, choices: Vec<Choice>) -> Result<usize, AskError> {
        if !self.can_ask() {
            return Err(AskError::NoTerminal);
        }
        let matcher = SkimMatcherV2::default().ignore_case();
        let render = match self.color {
            true => RenderConfig::default_colored(),
            false => RenderConfig::empty(),
        };
        let pick = || {
            let _stderr = platform::TerminalAsStderr::begin();
            let (columns, rows) = platform::size().unwrap_or((UNKNOWN, UNKNOWN));
            let scorer =
                |typed: &str, row: &Row, _: &str, _: usize| score(&matcher, typed, &row.choice);
            Select::new(question, listed(choices, columns))
                .with_scorer(&scorer)
                .with_sorter(&|found| found.sort_by_key(|(_, score)| Reverse(*score)))
                .with_formatter(&|row| visible(&row.value.choice.name))
                .with_render_config(render)
                .with_help_message(HELP)
                .with_page_size(ROWS.min(rows.saturating_sub(OTHER_ROWS).max(1)))
                .raw_prompt()
        };
        Ok(asking(pick).map_err(no_answer)?.index)
    }
}

/// How well a choice fits what was typed; `None` where a word of it fits no cell.
fn score(matcher: &SkimMatcherV2, typed: &str, choice: &Choice) -> Option<i64> {
    let of_word = |word: &str| {
        let name = matcher.fuzzy_match(&choice.name, word);
        let name = name.map(|score| match choice.name.eq_ignore_ascii_case(word) {
            true => score + WHOLE_NAME,
            false => score + NAME,
        });
        let beside = choice.beside.iter();
        let beside = beside.filter_map(|cell| matcher.fuzzy_match(cell, word));
        name.max(beside.max())
    };
    typed.split_whitespace().map(of_word).sum()
}

/// The rows, in columns, cut where the terminal ends.
fn listed(choices: Vec<Choice>, columns: usize) -> Vec<Row> {
    let room = columns.saturating_sub(MARGIN);
    let column = COLUMN.min(room / 2);
    let mut widths: Vec<usize> = Vec::new();
    for choice in &choices {
        for (number, cell) in choice.cells().enumerate() {
            let width = visible(cell).width().min(column);
            match widths.get_mut(number) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let row = |choice: Choice| {
        let text = cut(&aligned(choice.cells(), &widths), room);
        Row { choice, text }
    };
    choices.into_iter().map(row).collect()
}

fn aligned<'c>(cells: impl Iterator<Item = &'c str>, widths: &[usize]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.zip(widths) {
        let cell = visible(cell);
        let missing = width.saturating_sub(cell.width());
        text.push_str(&cell);
        text.extend(std::iter::repeat_n(' ', missing + 2));
    }
    text.trim_end().to_owned()
}

fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        kept.push(c);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str, beside: &[&str]) -> Choice {
        Choice {
            name: name.to_owned(),
            beside: beside.iter().map(|cell| (*cell).to_owned()).collect(),
        }
    }

    /// The names that fit, the best first.
    fn found(typed: &str, choices: &[Choice]) -> Vec<String> {
        let matcher = SkimMatcherV2::default().ignore_case();
        let scored = choices.iter().filter_map(|choice| {
            let score = score(&matcher, typed, choice)?;
            Some((Reverse(score), choice.name.clone()))
        });
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by_key(|(score, _)| *score);
        scored.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn what_is_typed_fits_names_first_and_then_what_is_beside_them() {
        let choices = [
            choice("shop-prod-eu", &["111111111111", "Admin"]),
            choice("prod", &["222222222222", "ReadOnly"]),
            choice("blog-dev", &["333333333333", "Producer"]),
            choice("data", &["444444444444", "Admin"]),
        ];
        let table: [(&str, &[&str]); 9] = [
            ("", &["shop-prod-eu", "prod", "blog-dev", "data"]),
            ("prod", &["prod", "shop-prod-eu", "blog-dev"]),
            ("PROD", &["prod", "shop-prod-eu", "blog-dev"]),
            ("speu", &["shop-prod-eu"]),
            ("adm", &["shop-prod-eu", "data"]),
            ("adm prod", &["shop-prod-eu"]),
            ("prod adm", &["shop-prod-eu"]),
            ("4444", &["data"]),
            ("nothing", &[]),
        ];
        for (typed, expected) in table {
            assert_eq!(found(typed, &choices), expected, "{typed}");
        }
    }

    #[test]
    fn rows_stand_in_columns_and_end_where_the_terminal_ends() {
        let choices = || {
            vec![
                choice("a", &["111111111111", "Admin"]),
                choice("日本", &["-", "x\u{1b}[2J"]),
            ]
        };
        let texts = |columns| -> Vec<String> {
            let rows = listed(choices(), columns);
            rows.into_iter().map(|row| row.text).collect()
        };
        assert_eq!(
            texts(UNKNOWN),
            [
                "a     111111111111  Admin",
                "日本  -             x\\u{1b}[2J"
            ]
        );
        assert_eq!(
            texts(18),
            ["a     11111111…", "日本  -…"].map(str::to_owned)
        );
        assert_eq!(texts(6), ["a…", "日…"].map(str::to_owned));
        assert!(texts(0).iter().all(|text| text == "…"));
    }
}
