//! What `vault doctor` says of the keystore (a real gnome-keyring among them: unlocked, locked, gone,
//! hanging) and of what is cached, and what it takes away.

use std::time::Duration;

use crate::support::fake_aws::Behaviour;
use crate::support::home::{Home, PASSPHRASE};
use crate::support::keyring::Keyring;
use crate::support::run::Run;

const INDEX: &str = ".local/share/vault/index/file";

/// A doctor who has the keyring, and could use the `file` keystore as well.
fn doctor<'h>(home: &'h Home, keyring: &Keyring<'_>, backend: &str) -> Run<'h> {
    home.doctor()
        .env("AWS_VAULT_BACKEND", backend)
        .env("DBUS_SESSION_BUS_ADDRESS", keyring.address())
}

/// How many entries are listed.
fn listed(home: &Home) -> usize {
    std::fs::read_dir(home.path(INDEX)).map_or(0, Iterator::count)
}

#[test]
fn an_unlocked_keyring_is_tried_and_left_as_it_was() {
    let home = Home::new();
    let keyring = Keyring::unlocked(&home);
    for backend in ["auto", "os"] {
        let output = doctor(&home, &keyring, backend).output().success();
        output.finds(&["keeps, gives back and forgets a trial entry", "`os`"]);
    }
    let tool = crate::support::tools::need("secret-tool", "libsecret-tools");
    let search = home
        .program(tool)
        .args(&["search", "--all", "service", "vault"]);
    let left = keyring.used_by(search).output();
    assert!(!left.stdout.contains("trial"), "{left:?}");
}

#[test]
fn a_locked_keyring_is_said_to_be_and_nobody_is_asked_to_unlock_it() {
    let home = Home::new();
    let keyring = Keyring::locked(&home);
    for backend in ["auto", "os"] {
        let output = doctor(&home, &keyring, backend).output().expect_code(1);
        assert!(output.took < Duration::from_secs(10), "{output:?}");
        output.finds(&["WRONG", "that is locked", "unlock it", "--backend file"]);
    }
    assert!(!home.path(".local/share/vault/keystore").exists());
}

#[test]
fn without_a_keyring_auto_takes_the_file_and_says_why() {
    let home = Home::new();
    let keyring = Keyring::bus_alone(&home);
    let output = doctor(&home, &keyring, "auto").output().success();
    output.finds(&["`auto` takes `file`: there is no such keystore here"]);
    let output = doctor(&home, &keyring, "os").output().expect_code(1);
    output.finds(&["there is no such keystore here", "hint: use another"]);
}

#[test]
fn a_hanging_keyring_is_said_to_hang_within_seconds() {
    let home = Home::new();
    let keyring = Keyring::unlocked(&home);
    keyring.hang();
    let output = doctor(&home, &keyring, "auto").output().expect_code(1);
    assert!(output.took < Duration::from_secs(15), "{output:?}");
    let output = output.finds(&["did not answer within 5 s", "hint: see whether a prompt"]);
    output.finds(&["clock", "endpoints", "secrets in plain text"]);
    keyring.resume();
}

#[test]
fn a_slow_keystore_is_said_to_be() {
    let home = Home::new();
    let folder = home.path("store");
    std::fs::create_dir_all(&folder).unwrap();
    // A `pass` that encrypts nothing: what is tried is vault's patience.
    let script = "#!/bin/sh\ncd \"$PASSWORD_STORE_DIR\"\ncase \"$1\" in\n\
        insert) mkdir -p \"$(dirname \"$4\")\"; cat >\"$4.gpg\";;\nmv) mv \"$3.gpg\" \"$4.gpg\";;\n\
        show) sleep 1.2; cat \"$2.gpg\";;\nrm) rm -f \"$3.gpg\";;\nesac\n";
    home.write_script("bin/pass", script);
    let doctor = |arguments: &[&str]| {
        let run = home
            .doctor()
            .args(arguments)
            .env("AWS_VAULT_BACKEND", "pass");
        run.env("PASSWORD_STORE_DIR", folder.to_string_lossy())
            .output()
    };
    doctor(&[])
        .expect_code(1)
        .finds(&["it is slow", "hint: every run reads it once"]);
    let quiet = doctor(&["--no-input"]).success();
    quiet.finds(&["not tried: gpg might ask for a passphrase"]);
}

#[test]
fn a_wrong_passphrase_is_said_and_none_at_all_is_too() {
    let home = Home::signed_in();
    let run = home.doctor().env("AWS_VAULT_FILE_PASSPHRASE", "wrong");
    let output = run.env("AWS_VAULT_FILE_UNLOCKED_FOR", "0").output();
    output
        .expect_code(1)
        .finds(&["the passphrase is wrong", "hint: "]);
    let run = home.doctor().without_env("AWS_VAULT_FILE_PASSPHRASE");
    let output = run.env("AWS_VAULT_FILE_UNLOCKED_FOR", "0").output();
    let output = output
        .expect_code(1)
        .finds(&["needs its passphrase", "hint: "]);
    output.finds(&["not looked at"]);
}

#[test]
fn a_terminal_is_asked_for_the_passphrase_of_a_keystore_that_there_is_and_of_no_other() {
    let home = Home::signed_in();
    let mut terminal = {
        let run = home.doctor().without_env("AWS_VAULT_FILE_PASSPHRASE");
        run.env("AWS_VAULT_FILE_UNLOCKED_FOR", "0").on_terminal()
    };
    terminal.expect("Passphrase of the vault keystore");
    terminal.enter(PASSPHRASE);
    terminal.expect("forgets a trial entry");
    assert_eq!(terminal.wait().code, 0);
    let fresh = Home::new();
    let run = fresh.doctor().without_env("AWS_VAULT_FILE_PASSPHRASE");
    let mut terminal = run.on_terminal();
    terminal.expect("the keystore is not made yet");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn what_is_cached_and_in_use_is_well() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let output = home.doctor().output().success();
    output.finds(&["3 entries, which can be read and are in use"]);
}

/// A home where the credentials of `dev` have expired.
fn morning() -> Home {
    let home = Home::signed_in();
    home.aws.configure(|behaviour: &mut Behaviour| {
        behaviour.role_credentials_life = Duration::from_secs(1);
    });
    home.exec("dev", &["true"]).output().success();
    std::thread::sleep(Duration::from_millis(1100));
    home
}

#[test]
fn expired_credentials_are_a_note_and_go_when_that_is_said() {
    let home = morning();
    let before = listed(&home);
    let output = home.doctor().output().success();
    output.finds(&[
        "note",
        "expired: `dev`",
        "`vault doctor --fix` takes them away",
    ]);
    assert_eq!(
        listed(&home),
        before,
        "it took away what it was not told to"
    );
    let run = home.doctor().args(&["--fix"]);
    run.output().success().says(&["Took away 1 cached entry."]);
    assert_eq!(listed(&home), before - 1);
    home.doctor()
        .output()
        .success()
        .finds(&["2 entries, which"]);
    home.exec("dev", &["true"]).output().success();
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 1);
}

#[test]
fn what_no_profile_leads_to_is_wrong_until_it_is_gone() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let config = home
        .read(".aws/config")
        .replace("111111111111", "333333333333");
    home.write(".aws/config", &config);
    let output = home.doctor().output().expect_code(1);
    output.finds(&[
        "no profile leads there: `role-credentials/",
        "111111111111/Developer",
    ]);
    let json = home
        .vault(&["doctor", "--json", "--fix"])
        .output()
        .success();
    assert!(
        json.findings()
            .iter()
            .any(|f| f["check"] == "cache" && f["status"] == "wrong")
    );
    home.doctor().output().success();
    home.exec("prod", &["true"]).output().success();
    assert_eq!(
        home.aws.count("StartDeviceAuthorization"),
        1,
        "the sign-in is gone"
    );
}

#[test]
fn while_a_profile_cannot_be_read_nothing_is_called_orphaned() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let config = home.read(".aws/config").replace("111111111111", "3");
    home.write(".aws/config", &config);
    let output = home.doctor().args(&["--fix"]).output().expect_code(1);
    assert!(
        !output.stdout.contains("no profile leads there"),
        "{output:?}"
    );
    assert!(!output.stderr.contains("Took away"), "{output:?}");
}

#[test]
fn an_entry_without_a_value_is_found_and_taken_away() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let entries = std::fs::read_dir(home.path(INDEX)).unwrap();
    let path = entries.map(|entry| entry.unwrap().path()).next().unwrap();
    let stray = r#"{"key":"role-credentials/https://x/1/Gone","expires_at":null}"#;
    std::fs::write(
        path.with_file_name("00000000000000000000000000000000"),
        stray,
    )
    .unwrap();
    let output = home.doctor().output().expect_code(1);
    output.finds(&["listed, and can't be read: `role-credentials/https://x/1/Gone`"]);
}

#[test]
fn a_terminal_is_asked_before_anything_goes_and_a_working_sign_in_is_named() {
    let home = morning();
    home.write(".aws/config", "[default]\nregion = eu-central-1\n");
    let before = listed(&home);
    let doctor = || home.doctor().on_terminal();
    let mut terminal = doctor();
    terminal.expect("somebody is signed in to https://corp.awsapps.com/start, sso-session corp");
    terminal.expect("Take away the 2 cached entries that are of no use?");
    terminal.enter("");
    terminal.expect("Forget the sign-in to https://corp.awsapps.com/start");
    terminal.enter("n");
    assert_eq!(terminal.wait().code, 1);
    assert_eq!(listed(&home), before);
    let mut terminal = doctor();
    terminal.expect("Take away the 2 cached entries that are of no use?");
    terminal.enter("y");
    terminal.expect("Forget the sign-in to https://corp.awsapps.com/start");
    terminal.enter("y");
    terminal.expect("Took away 3 cached entries.");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(listed(&home), 0);
}

#[test]
fn what_is_renewed_while_the_question_is_open_stays() {
    let home = morning();
    let before = listed(&home);
    let mut terminal = home.doctor().on_terminal();
    terminal.expect("Take away the cached entry that is of no use?");
    home.aws.configure(|behaviour: &mut Behaviour| {
        behaviour.role_credentials_life = Duration::from_secs(3600);
    });
    home.exec("dev", &["true"]).output().success();
    terminal.enter("y");
    terminal.expect("Took away 0 cached entries.");
    terminal.expect("What has changed meanwhile stays: 1.");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(listed(&home), before);
    let asked = home.aws.count("GetRoleCredentials");
    home.exec("dev", &["true"]).output().success();
    assert_eq!(home.aws.count("GetRoleCredentials"), asked);
}

#[test]
fn ctrl_c_at_the_question_leaves_everything() {
    let home = morning();
    let before = listed(&home);
    let mut terminal = home.doctor().on_terminal();
    terminal.expect("Take away the cached entry that is of no use?");
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
    assert_eq!(listed(&home), before);
}

#[test]
fn with_no_input_or_json_a_terminal_is_asked_nothing() {
    for option in ["--no-input", "--json"] {
        let home = morning();
        let terminal = home.doctor().args(&[option]).on_terminal();
        let ended = terminal.wait();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(!ended.screen.contains("Take away"), "{ended:?}");
    }
}

#[test]
fn two_at_once_do_not_read_each_others_trial() {
    let home = Home::signed_in();
    let runs: Vec<_> = (0..4).map(|_| home.doctor().start()).collect();
    for run in runs {
        run.wait().success();
    }
}
