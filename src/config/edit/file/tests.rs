//! Real files: their mode, their links, their one copy, and two editors at once.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::super::LEFT_OUT;
use super::*;
use crate::config::SectionKind::Profile;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self, name: &str) -> Result<Edit, EditError> {
        Edit::open(
            &self.path(name),
            Dialect::Credentials,
            &self.path("data"),
            || {},
        )
    }

    fn set(&self, name: &str) -> Result<Saved, EditError> {
        let mut edit = self.open(name)?;
        edit.sections.set(Profile, "a", "region", "r")?;
        edit.save()
    }

    fn names(&self) -> Vec<String> {
        let all = fs::read_dir(self.0.path()).expect("the folder");
        let names = all.map(|entry| entry.expect("an entry").file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let mut names: Vec<_> = names.filter(|name| name != "data").collect();
        names.sort();
        names
    }
}

#[test]
fn a_file_keeps_its_mode_and_its_links_and_is_copied_once_without_its_secrets() {
    let folder = Folder::new();
    let text = "[a]\naws_access_key_id = AKIA\naws_secret_access_key = s3\n  cr3t\nk = v\n";
    fs::write(folder.path("real"), text).unwrap();
    fs::set_permissions(folder.path("real"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", folder.path("link")).unwrap();
    symlink("link", folder.path("file")).unwrap();
    let saved = folder.set("file").unwrap();
    assert_eq!(saved.backup, Some(folder.path("file.vault-backup")));
    let new = fs::read_to_string(folder.path("real")).unwrap();
    assert_eq!(new, format!("{text}region = r\n"));
    for name in ["real", "file.vault-backup"] {
        assert_eq!(
            fs::metadata(folder.path(name)).unwrap().mode() & 0o777,
            0o640,
            "{name}"
        );
    }
    assert!(
        fs::symlink_metadata(folder.path("file"))
            .unwrap()
            .is_symlink()
    );
    let copy = fs::read_to_string(folder.path("file.vault-backup")).unwrap();
    let expected = text.replace("s3\n  cr3t", LEFT_OUT);
    assert_eq!(copy, expected);
    // Nothing to change, nothing written; and one copy is enough.
    assert_eq!(
        folder.set("file").unwrap(),
        Saved {
            changed: false,
            backup: None
        }
    );
    let mut edit = folder.open("file").unwrap();
    edit.sections.remove(Profile, "a", "region").unwrap();
    assert_eq!(edit.save().unwrap().backup, None);
    assert_eq!(
        fs::read_to_string(folder.path("file.vault-backup")).unwrap(),
        expected
    );
    assert_eq!(
        folder.names(),
        ["file", "file.vault-backup", "link", "real"]
    );
}

#[test]
fn a_new_file_is_the_users_alone_and_so_is_its_directory() {
    let folder = Folder::new();
    let saved = folder.set("aws/config").unwrap();
    assert_eq!(
        saved,
        Saved {
            changed: true,
            backup: None
        }
    );
    assert_eq!(
        fs::metadata(folder.path("aws")).unwrap().mode() & 0o777,
        0o700
    );
    assert_eq!(
        fs::metadata(folder.path("aws/config")).unwrap().mode() & 0o777,
        0o600
    );
    // A link that leads to nothing yet is written through as well.
    symlink("aws/other", folder.path("dangling")).unwrap();
    folder.set("dangling").unwrap();
    assert_eq!(
        fs::read_to_string(folder.path("aws/other")).unwrap(),
        "[a]\nregion = r\n"
    );
}

#[test]
fn what_must_not_be_written_is_left_alone() {
    let folder = Folder::new();
    fs::write(folder.path("binary"), b"[a]\nregion = \xff\n").unwrap();
    assert!(matches!(folder.set("binary"), Err(EditError::NotText(_))));
    fs::write(folder.path("fixed"), "[a]\n").unwrap();
    fs::set_permissions(folder.path("fixed"), fs::Permissions::from_mode(0o400)).unwrap();
    assert!(matches!(
        folder.set("fixed"),
        Err(EditError::Unwritable(_, ReplaceError::ReadOnly))
    ));
    fs::create_dir(folder.path("folder")).unwrap();
    assert!(matches!(
        folder.set("folder"),
        Err(EditError::Unreadable(..))
    ));
    symlink("circle", folder.path("circle")).unwrap();
    assert!(matches!(
        folder.set("circle"),
        Err(EditError::Unreadable(..))
    ));
    fs::write(folder.path("busy"), "[a]\n").unwrap();
    let mut edit = folder.open("busy").unwrap();
    edit.sections.set(Profile, "a", "k", "v").unwrap();
    fs::write(folder.path("busy"), "[a]\nother = program\n").unwrap();
    assert!(matches!(edit.save(), Err(EditError::Changed(_))));
    assert_eq!(
        fs::read_to_string(folder.path("busy")).unwrap(),
        "[a]\nother = program\n"
    );
    assert_eq!(
        fs::read(folder.path("binary")).unwrap(),
        b"[a]\nregion = \xff\n"
    );
    assert!(
        folder.names().iter().all(|name| !name.ends_with("new")),
        "{:?}",
        folder.names()
    );
}

#[test]
fn edits_at_once_wait_for_each_other() {
    let folder = Folder::new();
    fs::create_dir(folder.path("aws")).unwrap();
    symlink("aws", folder.path("same")).unwrap();
    std::thread::scope(|scope| {
        for nth in 0..20 {
            let folder = &folder;
            scope.spawn(move || {
                let name = if nth % 2 == 0 {
                    "aws/config"
                } else {
                    "same/config"
                };
                let mut edit = folder.open(name).unwrap();
                edit.sections
                    .set(Profile, &format!("p{nth}"), "k", "v")
                    .unwrap();
                edit.save().unwrap();
            });
        }
    });
    let text = fs::read_to_string(folder.path("aws/config")).unwrap();
    assert_eq!(
        Sections::new(&folder.path("aws/config"), &text, Dialect::Credentials)
            .names(Profile)
            .count(),
        20
    );
}
