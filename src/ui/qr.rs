//! An address as a code that a telephone reads off the terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// The lines of the code, with the light margin that it needs; `None` for a text that is too long.
///
/// With colour it is black on white, whatever the terminal's own colours are. Without, it is drawn for
/// a dark terminal: the light parts are what is printed.
pub(super) fn lines(text: &str, color: bool) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let mut picture = code.render::<Dense1x2>();
    if !color {
        picture
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark);
    }
    let picture = picture.build();
    let line = |line: &str| match color {
        // The 256 colours' black and white: a theme may have others for the first 16.
        true => format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m"),
        false => line.to_owned(),
    };
    Some(picture.lines().map(line).collect())
}

/// How many columns they take.
pub(super) fn width(lines: &[String], color: bool) -> usize {
    let width = lines.first().map_or(0, |line| line.chars().count());
    let painted = "\x1b[38;5;16;48;5;231m\x1b[0m".len();
    if color { width - painted } else { width }
}
