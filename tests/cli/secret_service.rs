//! The operating system's keystore on Linux, a real gnome-keyring: used, locked, gone, hanging. One
//! that does not open is an error, never an empty one: else a person would sign in for nothing.

use crate::support::home::Home;
use crate::support::keyring::Keyring;
use crate::support::run::{Output, Run};
use crate::support::tools;

const EXEC: [&str; 6] = ["exec", "dev", "--", "/bin/sh", "-c", "echo as $AWS_VAULT"];
const BACKEND: &str = "AWS_VAULT_BACKEND";
const FILE: &str = ".local/share/vault/keystore";

/// A home whose person confirms every code.
fn home() -> Home {
    let home = Home::new();
    home.aws.approve_all_after(0);
    home
}

/// vault with the keyring; the `file` keystore could be opened as well.
fn vault<'h>(home: &'h Home, keyring: &Keyring<'_>, backend: &str, arguments: &[&str]) -> Run<'h> {
    home.vault(arguments)
        .env(BACKEND, backend)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
}

fn sign_in(home: &Home, keyring: &Keyring<'_>) {
    vault(home, keyring, "os", &["login"]).output().success();
    works(home, keyring, "os");
}

fn works(home: &Home, keyring: &Keyring<'_>, backend: &str) {
    let output = vault(home, keyring, backend, &EXEC).output().success();
    assert_eq!(output.stdout, "as dev\n", "{output:?}");
}

/// Nothing of vault's works with this backend, and nobody is asked to sign in because of it.
fn fails_without_a_sign_in(home: &Home, keyring: &Keyring<'_>, backend: &str) -> Output {
    let asked = home.aws.total();
    let failed = vault(home, keyring, backend, &EXEC).output();
    let failed = failed.expect_code(125);
    for arguments in [&["login"][..], &["clear", "dev"]] {
        vault(home, keyring, backend, arguments)
            .output()
            .expect_code(1);
    }
    assert_eq!(home.aws.total(), asked);
    assert!(!home.path(FILE).exists(), "it fell back to a file");
    assert!(failed.stderr.contains("hint: "), "{failed:?}");
    failed
}

#[test]
fn the_keyring_keeps_what_a_morning_needs() {
    for backend in ["os", "auto"] {
        let home = home();
        let keyring = Keyring::unlocked(&home);
        let vault = |arguments: &[&str]| {
            let output = vault(&home, &keyring, backend, arguments).output();
            output.success()
        };
        vault(&["login"]);
        vault(&EXEC);
        assert_eq!(vault(&EXEC).stdout, "as dev\n");
        assert_eq!(home.aws.count("GetRoleCredentials"), 1);
        let names = ["list", "--sessions", "--names"];
        assert_eq!(vault(&names).stdout, "dev\n");
        let cleared = vault(&["clear", "dev"]);
        assert!(cleared.stderr.contains("Cleared 1 session"), "{cleared:?}");
        assert_eq!(vault(&names).stdout, "");
        assert_eq!(vault(&EXEC).stdout, "as dev\n");
        assert_eq!(home.aws.count("GetRoleCredentials"), 2);
        assert_eq!(home.aws.count("StartDeviceAuthorization"), 1);
        assert!(!home.path(FILE).exists());
    }
}

#[test]
fn what_os_kept_auto_finds() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    sign_in(&home, &keyring);
    let asked = home.aws.total();
    works(&home, &keyring, "auto");
    assert_eq!(home.aws.total(), asked);
}

#[test]
fn a_person_finds_the_entries_by_their_labels() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    sign_in(&home, &keyring);
    let search = ["search", "--all", "--unlock", "service", "vault"];
    let run = home.program(tools::need("secret-tool", "libsecret-tools"));
    let run = run.args(&search).shows_secrets();
    let found = keyring.used_by(run).output().success();
    for label in [
        "label = vault: sign-in/https://corp.awsapps.com/start|corp",
        "label = vault: role-credentials/https://corp.awsapps.com/start/111111111111/Developer",
        "label = vault: client-registration/https://corp.awsapps.com/start|corp",
    ] {
        assert!(found.stdout.contains(label), "{label}: {}", found.stdout);
    }
}

#[test]
fn a_locked_keyring_is_an_error_that_says_so_and_nobody_signs_in_again() {
    let home = home();
    let mut keyring = Keyring::unlocked(&home);
    sign_in(&home, &keyring);
    keyring.lock();
    for backend in ["os", "auto"] {
        let failed = fails_without_a_sign_in(&home, &keyring, backend);
        assert!(failed.stderr.contains("locked"), "{failed:?}");
        assert!(failed.stderr.contains("unlock it"), "{failed:?}");
    }
    keyring.unlock();
    let asked = home.aws.total();
    works(&home, &keyring, "os");
    assert_eq!(home.aws.total(), asked);
}

#[test]
fn list_needs_nothing_unlocked() {
    let home = home();
    let mut keyring = Keyring::unlocked(&home);
    sign_in(&home, &keyring);
    keyring.lock();
    for backend in ["os", "auto"] {
        let listed = vault(&home, &keyring, backend, &["list"]).output();
        let listed = listed.success();
        assert!(listed.stdout.contains("m left"), "{listed:?}");
        assert_eq!(listed.stderr, "");
    }
}

#[test]
fn without_a_keyring_os_is_an_error_and_auto_takes_the_file() {
    let home = home();
    let keyring = Keyring::bus_alone(&home);
    let failed = fails_without_a_sign_in(&home, &keyring, "os");
    assert!(failed.stderr.contains("no such keystore"), "{failed:?}");
    vault(&home, &keyring, "auto", &["login"])
        .output()
        .success();
    works(&home, &keyring, "auto");
    assert!(home.path(FILE).exists());
}

#[test]
fn without_a_bus_os_is_an_error_and_auto_takes_the_file() {
    for address in [None, Some("unix:path=/nonexistent/bus")] {
        let home = home();
        let vault = |backend: &str, arguments: &[&str]| {
            let run = home.vault(arguments).env(BACKEND, backend);
            match address {
                Some(address) => run.env("DBUS_SESSION_BUS_ADDRESS", address).output(),
                None => run.output(),
            }
        };
        let failed = vault("os", &EXEC).expect_code(125);
        assert!(failed.stderr.contains("no such keystore"), "{failed:?}");
        assert_eq!(home.aws.total(), 0);
        vault("auto", &["login"]).success();
        assert_eq!(vault("auto", &EXEC).success().stdout, "as dev\n");
        assert!(home.path(FILE).exists());
    }
}

/// Over SSH, or in a terminal that outlived its session: `exec` finds none of it there.
#[test]
fn what_a_keyring_out_of_reach_holds_is_not_said_to_be_usable() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    sign_in(&home, &keyring);
    let status = vault(&home, &keyring, "auto", &["status", "dev"]);
    status.output().success();
    for address in [None, Some("unix:path=/nonexistent/bus,guid=1")] {
        let auto = |arguments: &[&str]| {
            let run = home.vault(arguments).env(BACKEND, "auto");
            match address {
                Some(address) => run.env("DBUS_SESSION_BUS_ADDRESS", address).output(),
                None => run.output(),
            }
        };
        auto(&["status", "dev"]).expect_code(4);
        let list = auto(&["list", "--sessions"]).success();
        assert!(!list.stdout.contains("dev"), "{list:?}");
    }
}

/// Takes all of the 30 s that a keystore has: it may be waiting for a person.
#[test]
fn a_keyring_that_hangs_is_an_error_in_time_and_never_another_keystore() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    sign_in(&home, &keyring);
    keyring.hang();
    let asked = home.aws.total();
    let limit = std::time::Duration::from_secs(90);
    let start = |backend| {
        let run = vault(&home, &keyring, backend, &EXEC);
        run.time_limit(limit).start()
    };
    for running in ["os", "auto"].map(start) {
        let failed = running.wait().expect_code(125);
        assert!(failed.stderr.contains("did not answer"), "{failed:?}");
        assert!(failed.stderr.contains("hint: "), "{failed:?}");
    }
    assert_eq!(home.aws.total(), asked);
    assert!(!home.path(FILE).exists(), "it fell back to a file");
    keyring.resume();
    works(&home, &keyring, "auto");
    assert_eq!(home.aws.total(), asked);
}

#[test]
fn a_session_token_of_60_kilobytes_is_kept_and_handed_over() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    vault(&home, &keyring, "os", &["login"]).output().success();
    let length_of_token = home.meets_a_large_session_token();
    for _ in 0..2 {
        let length = [
            "exec",
            "dev",
            "--",
            "/bin/sh",
            "-c",
            "echo ${#AWS_SESSION_TOKEN}",
        ];
        let output = vault(&home, &keyring, "os", &length).output().success();
        assert_eq!(output.stdout, format!("{length_of_token}\n"));
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}
