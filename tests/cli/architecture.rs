//! The house's rules that can be read off the source: which room may name which, that every file
//! says what it holds, and that none is too long to be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each room may name of the others. `main.rs` is not among them: it names the library.
///
/// Where the program outgrows this table, change it, and say why in the commit.
const MAY_NAME: &[(&str, &[&str])] = &[
    (
        "lib",
        &["cli", "commands", "complete", "error", "ui", "env"],
    ),
    ("cli", &["commands", "ui"]),
    (
        "commands",
        &[
            "broker",
            "browser",
            "cache",
            "cli",
            "complete",
            "config",
            "credentials",
            "deliver",
            "env",
            "error",
            // `doctor` looks at who else may read a file.
            "files",
            "keystore",
            "loopback",
            "plan",
            "resolve",
            "settings",
            "signals",
            "source",
            "ui",
        ],
    ),
    // What a shell is offered is named where it is the truth: in the AWS files, in a list of regions, among
    // the keystores' names, in the table of the console's pages. Nothing is opened.
    (
        "complete",
        &["config", "deliver", "env", "keystore", "plan", "settings"],
    ),
    (
        "error",
        &[
            "broker", "browser", "cache", "config", "deliver", "env", "keystore", "plan",
            "resolve", "settings", "source", "ui",
        ],
    ),
    // `Secret` is what a question that must not be seen is answered with.
    ("ui", &["credentials"]),
    ("env", &[]),
    ("settings", &["env"]),
    ("credentials", &[]),
    // `files`, for the editor: the AWS files are locked and replaced as vault's own are.
    ("config", &["env", "credentials", "files"]),
    ("resolve", &["config", "credentials"]),
    // What `configure` makes of a listing is as pure as what `resolve` makes of a name.
    ("plan", &["config", "credentials"]),
    (
        "broker",
        &[
            "resolve",
            "config",
            "cache",
            "files",
            "source",
            "credentials",
        ],
    ),
    // One listener on 127.0.0.1, for a sign-in's browser and for the credentials servers.
    ("loopback", &["credentials"]),
    // What a command's parent and a server both have to look out for.
    ("signals", &[]),
    // One way to lock, to replace a file and to keep a directory private, for both that need it.
    ("files", &[]),
    ("cache", &["keystore", "files", "credentials"]),
    ("keystore", &["files", "credentials"]),
    // The environment is a source: `credential_source = Environment`, and what leads to a container's.
    ("source", &["credentials", "config", "env", "loopback"]),
    ("deliver", &["credentials", "env", "loopback", "signals"]),
    ("browser", &["env"]),
];

/// Crates that only some rooms may name.
const CRATES: &[(&str, &[&str])] = &[
    ("aws_sdk_", &["source"]),
    ("aws_config", &["source"]),
    ("aws_smithy_", &["source"]),
    ("aws_sigv4", &["source"]),
    ("tokio", &["source", "deliver", "loopback"]),
    ("hyper", &["source", "deliver", "loopback"]),
    ("signal_hook", &["signals"]),
    ("keyring", &["keystore"]),
    ("linux_keyutils", &["keystore"]),
    ("secret_service", &["keystore"]),
    // clap itself, and what completes and describes its command lines.
    ("clap_complete", &["complete"]),
    ("clap_mangen", &["commands"]),
    ("clap", &["lib", "cli", "commands", "complete", "ui"]),
    ("inquire", &["ui"]),
    ("indicatif", &["ui"]),
    ("glob", &["plan"]),
    ("rpassword", &["ui"]),
];

/// No file is longer: past this a reader loses the thread.
const LINES: usize = 400;

struct Source {
    path: PathBuf,
    room: String,
    text: String,
}

impl Source {
    /// The lines of code, without comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        let lines = self
            .text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default());
        lines.filter(|line| !line.trim().is_empty())
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let first = path.strip_prefix(&root).unwrap().iter().next().unwrap();
                let room = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
                found.push(Source { path, room, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 10, "the source was not found");
    found
}

/// The rooms that a line names by `crate::room`, those in braces included.
fn named(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let word = |text: &str| -> String {
            text.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        };
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group.split(['{', '}', ',']).map(|part| word(part.trim()))),
            None => names.push(word(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn a_room_names_only_the_rooms_that_it_may() {
    let table: BTreeMap<_, _> = MAY_NAME.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.room != "main") {
        let allowed = table.get(source.room.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("`{}` is in no row", source.room));
        for line in source.code() {
            for name in named(line) {
                let room = table.contains_key(name.as_str()) && name != source.room;
                if room && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{}: {name}", source.path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn commands_do_not_name_each_other() {
    let commands: Vec<_> = sources()
        .into_iter()
        .filter(|s| s.room == "commands")
        // The parts of what they share are one thing.
        .filter(|s| !s.path.to_string_lossy().contains("/commands/context/"))
        .collect();
    let names: Vec<String> = commands
        .iter()
        .map(|source| {
            source
                .path
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .filter(|name| !["mod", "context"].contains(&name.as_str()))
        .collect();
    let mut wrong = Vec::new();
    for source in commands
        .iter()
        .filter(|source| !source.path.ends_with("mod.rs"))
    {
        let own = source.path.file_stem().unwrap().to_str().unwrap();
        for other in names.iter().filter(|name| name.as_str() != own) {
            let uses = [format!("super::{other}"), format!("commands::{other}")];
            if source
                .code()
                .any(|line| uses.iter().any(|part| line.contains(part)))
            {
                wrong.push(format!("{own} names {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_crate_is_named_only_where_it_belongs() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (krate, rooms) in CRATES {
            let uses = [format!("use {krate}"), format!("{krate}::")];
            let named = source
                .code()
                .any(|line| uses.iter().any(|part| line.contains(part)));
            if named && !rooms.contains(&source.room.as_str()) {
                wrong.push(format!("{}: {krate}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_opens_by_saying_what_it_holds_and_can_be_read_in_one_go() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if !source.text.starts_with("//!") {
            wrong.push(format!(
                "{}: does not open with `//!`",
                source.path.display()
            ));
        }
        if lines > LINES {
            wrong.push(format!("{}: {lines} lines", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn main_is_one_statement() {
    let main = sources()
        .into_iter()
        .find(|source| source.room == "main")
        .unwrap();
    let body: Vec<_> = main.code().map(str::trim).collect();
    assert_eq!(
        body,
        [
            "fn main() -> std::process::ExitCode {",
            "vault::main()",
            "}"
        ]
    );
}
