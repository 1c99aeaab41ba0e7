//! The real `pass` with a real key of its own. It needs the packages `pass` and `gnupg`.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use super::*;

#[test]
fn entry_names_are_safe_and_different() {
    let long = "x".repeat(300);
    let names = [
        "",
        "a/b",
        "a_b",
        "a|b",
        "a:b",
        "../../etc/passwd",
        ".git",
        &long,
    ];
    let entries = names.map(entry);
    for (i, one) in entries.iter().enumerate() {
        assert!(one.starts_with("vault/"));
        let file = &one["vault/".len()..];
        assert!(file.len() < 140, "{one}");
        assert!(!file.contains(['/', '.', '|', ':']), "{one}");
        assert!(entries[..i].iter().all(|other| other != one), "{one}");
    }
}

fn options(store: &Path) -> Options {
    Options {
        directory: store.to_path_buf(),
        passphrase: None,
        ask: Box::new(|_| unreachable!("pass asks by itself")),
        unlocked_for: std::time::Duration::ZERO,
        password_store: store.to_path_buf(),
        hidden_variables: &[],
        waiting: Arc::new(|| ()),
    }
}

#[test]
fn a_store_that_is_not_there_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let error = Pass::open(options(&home.path().join("none")))
        .err()
        .unwrap();
    assert!(matches!(error, KeystoreError::Missing { .. }), "{error}");
}

fn must(command: &mut Command) -> Output {
    let output = command
        .output()
        .expect("this test needs the packages pass and gnupg");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output
}

/// A home in which `pass` works, with a key that has no passphrase.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self {
            directory: tempfile::Builder::new().prefix("p").tempdir().unwrap(),
        };
        std::fs::create_dir(home.gnupg()).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(
            home.gnupg(),
            std::os::unix::fs::PermissionsExt::from_mode(0o700),
        )
        .unwrap();
        let key = [
            "--batch",
            "--passphrase",
            "",
            "--quick-gen-key",
            "vault-test",
        ];
        must(home.command("gpg").args(key));
        must(home.command("pass").args(["init", "vault-test"]));
        home
    }

    fn gnupg(&self) -> PathBuf {
        self.directory.path().join("g")
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("store")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("GNUPGHOME", self.gnupg())
            .env("PASSWORD_STORE_DIR", self.store());
        command
    }

    fn pass(&self) -> Pass {
        let mut pass = Pass::open(options(&self.store())).unwrap();
        pass.gnupg_home = Some(self.gnupg());
        pass
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.command("gpgconf").args(["--kill", "all"]).output();
    }
}

#[test]
fn the_real_program_keeps_replaces_and_forgets() {
    let home = Home::new();
    let store = home.pass();
    let name = "role-credentials/https://x.awsapps.com/start|s/123456789012/Admin: é";
    assert!(store.get(name).unwrap().is_none());
    assert!(!store.delete(name).unwrap());
    for value in [vec![0, 255, b'\n', b'\r'], vec![], vec![7; 60_000]] {
        let value = Secret::new(value);
        store.put(name, &value).unwrap();
        assert!(store.get(name).unwrap().unwrap() == value);
    }
    let files = std::fs::read_dir(home.store().join(FOLDER)).unwrap();
    assert_eq!(files.count(), 1);
    assert!(store.delete(name).unwrap());
    assert!(store.get(name).unwrap().is_none());
}

#[test]
fn an_entry_that_can_not_be_read_is_an_error_with_its_cause() {
    let home = Home::new();
    let store = home.pass();
    store.put("a", &Secret::new(vec![1])).unwrap();
    let file = home.store().join(format!("{}.gpg", entry("a")));
    std::fs::write(&file, b"not a message").unwrap();
    let error = store.get("a").err().unwrap();
    assert!(error.to_string().contains("gpg"), "{error}");
    // What another hand put there is not taken for a value.
    let mut insert = home.command("pass");
    let mut child = insert
        .args(["insert", "-m", "-f", &entry("a")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"my password!").unwrap();
    assert!(child.wait().unwrap().success());
    let error = store.get("a").err().unwrap();
    assert!(matches!(error, KeystoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_store_without_a_key_says_so() {
    let home = tempfile::tempdir().unwrap();
    let store = Pass::open(options(home.path())).unwrap();
    let error = store.put("a", &Secret::new(vec![1])).err().unwrap();
    assert!(error.to_string().contains("pass init"), "{error}");
}
