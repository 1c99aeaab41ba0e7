//! The search for secrets in what a program said and left behind.

use std::fs;
use std::path::{Path, PathBuf};

/// The ends of a secret are looked for too: a part of one is a leak as well, and the end survives
/// encodings that spoil the middle.
const TAIL: usize = 20;

/// Fails where a text holds one of the secrets.
pub fn assert_none(label: &str, text: &[u8], secrets: &[String]) {
    if let Some(secret) = find(text, secrets) {
        let shown = String::from_utf8_lossy(text);
        panic!("{label} holds a secret, which begins with `{secret}`:\n{shown}");
    }
}

/// Fails where a file under a folder holds one of the secrets, in its name or its content.
/// What `exempt` says is left out.
pub fn assert_none_in_files(
    folder: &Path,
    secrets: &[String],
    exempt: &dyn Fn(&Path, &[u8]) -> bool,
) {
    for path in files(folder) {
        let name = path.to_string_lossy().into_owned();
        assert_none("a file's name", name.as_bytes(), secrets);
        // A file may go while we look; a socket can't be read.
        let Ok(content) = fs::read(&path) else {
            continue;
        };
        if exempt(&path, &content) {
            continue;
        }
        if let Some(secret) = find(&content, secrets) {
            panic!("{name} holds a secret in the clear, which begins with `{secret}`");
        }
    }
}

/// The beginning of a secret that the text holds.
fn find(text: &[u8], secrets: &[String]) -> Option<String> {
    let holds = |part: &str| memchr::memmem::find(text, part.as_bytes()).is_some();
    let leaks = |secret: &&String| {
        let (head, tail) = if secret.len() >= 2 * TAIL {
            (
                &secret[..secret.len() - TAIL],
                &secret[secret.len() - TAIL..],
            )
        } else {
            (secret.as_str(), secret.as_str())
        };
        holds(head) || holds(tail)
    };
    let leaked = secrets.iter().find(leaks)?;
    Some(leaked.chars().take(12).collect())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}
