//! What an edit changes in an AWS file, as `diff -u` shows it.

use std::path::Path;

use similar::TextDiff;

use crate::config::Dialect;
use crate::config::edit::{Edit, Sections};

/// The change. A secret that stands near it in the file is no part of it.
pub(in crate::commands) fn diff(edit: &Edit, path: &Path, dialect: Dialect) -> String {
    let before = edit.before();
    let before = Sections::new(path, before.expose(), dialect).without_secrets();
    let after = edit.sections.without_secrets();
    let path = path.display().to_string();
    let diff = TextDiff::from_lines(before.expose().as_str(), after.expose().as_str());
    diff.unified_diff().header(&path, &path).to_string()
}
