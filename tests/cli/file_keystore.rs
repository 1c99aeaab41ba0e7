//! The `file` keystore as a person meets it: who may read it, wrong passphrases, damage, questions on
//! the terminal, and the key that rests in the kernel. And the two other keystores that need no
//! desktop: the kernel's keyring and `pass`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::home::{Home, PASSPHRASE};
use crate::support::run::Run;
use crate::support::tools;

const STORE: &str = ".local/share/vault/keystore";
const VARIABLE: &str = "AWS_VAULT_FILE_PASSPHRASE";
const RESTING: &str = "AWS_VAULT_FILE_UNLOCKED_FOR";
const WRONG: &str = "not-the-right-passphrase-0815";
const EXEC: [&str; 6] = ["exec", "dev", "--", "/bin/sh", "-c", "echo as $AWS_VAULT"];

/// A home whose person confirms every code.
fn home() -> Home {
    let home = Home::new();
    home.aws.approve_all_after(0);
    home.secret(WRONG);
    home
}

/// A home with a sign-in and with credentials of `dev`.
fn used_home() -> Home {
    let home = home();
    home.vault(&["login"]).output().success();
    works(home.vault(&EXEC));
    home
}

fn works(exec: Run<'_>) {
    let output = exec.output().success();
    assert_eq!(output.stdout, "as dev\n", "{output:?}");
}

/// vault, and nobody gives it a passphrase.
fn without_passphrase<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    home.vault(arguments).without_env(VARIABLE)
}

fn store(home: &Home) -> Vec<u8> {
    fs::read(home.path(STORE)).expect("a store")
}

#[test]
fn only_its_owner_may_read_the_store() {
    let home = used_home();
    let mode = |path: &str| {
        let metadata = fs::metadata(home.path(path)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(STORE), 0o600);
    assert_eq!(mode(".local/share/vault"), 0o700);
    // Another program made it readable for all: vault takes that back.
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(home.path(STORE), open).expect("a mode");
    works(home.vault(&EXEC));
    assert_eq!(mode(STORE), 0o600);
}

#[test]
fn a_wrong_passphrase_is_an_error_and_changes_nothing() {
    let home = used_home();
    let (before, asked) = (store(&home), home.aws.total());
    let resting_off = |run: Run<'_>| run.env(RESTING, "0").env(VARIABLE, WRONG).output();
    // First while the key rests: what is given is wrong all the same.
    let output = home.vault(&EXEC).env(VARIABLE, WRONG).output();
    let output = output.expect_code(125);
    assert!(
        output.stderr.contains("the passphrase is wrong"),
        "{output:?}"
    );
    assert!(output.stderr.contains(VARIABLE), "{output:?}");
    resting_off(home.vault(&EXEC)).expect_code(125);
    resting_off(home.vault(&["login"])).expect_code(1);
    resting_off(home.vault(&["login", "--force"])).expect_code(1);
    resting_off(home.vault(&["clear", "dev"])).expect_code(1);
    resting_off(home.vault(&["clear", "--sign-ins"])).expect_code(1);
    assert_eq!(store(&home), before);
    assert_eq!(home.aws.total(), asked);
    // Nor did it make anybody forget what is there.
    let listed = resting_off(home.vault(&["list", "--sessions"])).success();
    assert!(listed.stdout.contains("dev"), "{listed:?}");
    works(home.vault(&EXEC));
}

#[test]
fn a_damaged_store_is_an_error_and_is_left_as_it_is() {
    let home = used_home();
    let (whole, asked) = (store(&home), home.aws.total());
    let mut damages = vec![Vec::new(), b"not a keystore\n".to_vec()];
    damages.extend([1, 3, 5, 7].map(|eighths| whole[..whole.len() * eighths / 8].to_vec()));
    damages.push(whole[..whole.len() - 1].to_vec());
    damages.extend((0..16).map(|part| {
        let mut flipped = whole.clone();
        flipped[whole.len() * part / 16 + 5] ^= 1;
        flipped
    }));
    for damaged in damages {
        fs::write(home.path(STORE), &damaged).expect("a damaged store");
        let output = home.vault(&EXEC).output().expect_code(125);
        assert!(output.stderr.contains("hint: "), "{output:?}");
        home.vault(&["clear", "dev"]).output().expect_code(1);
        assert_eq!(store(&home), damaged);
    }
    assert_eq!(home.aws.total(), asked);
    fs::write(home.path(STORE), whole).expect("the store");
    works(home.vault(&EXEC));
}

#[test]
fn without_a_terminal_the_error_names_the_variable_for_the_passphrase() {
    let new = home();
    let output = without_passphrase(&new, &["login"]).output().expect_code(1);
    assert!(output.stderr.contains(VARIABLE), "{output:?}");
    // Nobody was sent to a browser for a token that could not have been kept.
    assert_eq!(new.aws.count("StartDeviceAuthorization"), 0);
    let used = used_home();
    let run = without_passphrase(&used, &EXEC).env(RESTING, "0");
    let output = run.output().expect_code(125);
    assert!(output.stderr.contains(VARIABLE), "{output:?}");
    assert!(output.stderr.contains("hint: set"), "{output:?}");
}

#[test]
fn no_input_asks_for_no_passphrase_although_there_is_a_terminal() {
    let home = used_home();
    let run = without_passphrase(&home, &["--no-input", "exec", "dev", "--", "true"]);
    let ended = run.env(RESTING, "0").on_terminal().wait();
    assert_eq!(ended.code, 125, "{ended:?}");
    assert!(ended.screen.contains(VARIABLE), "{ended:?}");
}

#[test]
fn a_new_passphrase_is_asked_for_twice_until_both_are_the_same() {
    let home = home();
    let mut terminal = without_passphrase(&home, &["login"]).on_terminal();
    terminal.expect("New passphrase");
    terminal.enter("");
    terminal.expect("protect nothing");
    terminal.expect("New passphrase");
    terminal.enter(PASSPHRASE);
    terminal.expect("once more");
    terminal.enter(WRONG);
    terminal.expect("not the same");
    terminal.expect("New passphrase");
    terminal.enter(PASSPHRASE);
    terminal.expect("once more");
    terminal.enter(PASSPHRASE);
    terminal.expect("Signed in to corp");
    assert_eq!(terminal.wait().code, 0);
    works(home.vault(&EXEC).env(RESTING, "0"));
}

#[test]
fn a_mistyped_passphrase_is_asked_for_again_three_times_at_most() {
    let home = used_home();
    let ask = || {
        let run = without_passphrase(&home, &EXEC).env(RESTING, "0");
        let mut terminal = run.on_terminal();
        terminal.expect("Passphrase of the vault keystore: ");
        terminal.enter(WRONG);
        terminal.expect("That is not it");
        terminal
    };
    let mut terminal = ask();
    terminal.enter(PASSPHRASE);
    terminal.expect("as dev");
    assert_eq!(terminal.wait().code, 0);
    let mut terminal = ask();
    terminal.enter(WRONG);
    terminal.expect("That is not it");
    terminal.enter(WRONG);
    let ended = terminal.wait();
    assert_eq!(ended.code, 125, "{ended:?}");
    assert!(ended.screen.contains("passphrase is wrong"), "{ended:?}");
}

#[test]
fn ctrl_c_at_the_passphrase_leaves_and_the_terminal_echoes_again() {
    let home = used_home();
    let vault = env!("CARGO_BIN_EXE_vault");
    let script =
        format!("trap : INT; '{vault}' exec dev -- true; echo \"left $?\"; stty -a </dev/tty");
    let shell = home.program("/bin/sh").args(&["-c", &script]);
    let shell = shell.without_env(VARIABLE).env(RESTING, "0");
    let mut terminal = shell.on_terminal();
    terminal.expect("Passphrase of the vault keystore: ");
    terminal.interrupt();
    terminal.expect("left 130");
    terminal.expect(" echo ");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn while_the_key_rests_no_passphrase_is_needed() {
    let home = used_home();
    works(without_passphrase(&home, &EXEC));
    without_passphrase(&home, &["clear", "dev"])
        .output()
        .success();
    works(without_passphrase(&home, &EXEC));
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn resting_is_turned_off_by_variable_and_by_config_toml() {
    let home = used_home();
    without_passphrase(&home, &EXEC)
        .env(RESTING, "0")
        .output()
        .expect_code(125);
    // What rested has been forgotten by that run.
    without_passphrase(&home, &EXEC).output().expect_code(125);
    works(home.vault(&EXEC));
    works(without_passphrase(&home, &EXEC));
    home.write(
        ".config/vault/config.toml",
        "[file]\nunlocked_for = \"0\"\n",
    );
    without_passphrase(&home, &EXEC).output().expect_code(125);
    works(home.vault(&EXEC));
    without_passphrase(&home, &EXEC).output().expect_code(125);
    // The variable is stronger than the file.
    works(home.vault(&EXEC).env(RESTING, "1h"));
    works(without_passphrase(&home, &EXEC).env(RESTING, "1h"));
}

/// A morning in another keystore.
fn login_exec_list_and_clear(home: &Home, backend: &str) {
    let vault = |arguments: &[&str]| {
        let run = without_passphrase(home, arguments);
        run.env("AWS_VAULT_BACKEND", backend).output().success()
    };
    vault(&["login"]);
    assert_eq!(vault(&EXEC).stdout, "as dev\n");
    assert_eq!(vault(&EXEC).stdout, "as dev\n");
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
    let listed = vault(&["list", "--sessions", "--names"]);
    assert_eq!(listed.stdout, "dev\n");
    let cleared = vault(&["clear"]);
    assert!(cleared.stderr.contains("Cleared 1 session"), "{cleared:?}");
    assert_eq!(vault(&["list", "--sessions", "--names"]).stdout, "");
    assert_eq!(vault(&EXEC).stdout, "as dev\n");
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 1);
    vault(&["clear", "--sign-ins"]);
    assert!(!home.path(STORE).exists());
}

/// The kernel's keyring is one for all homes of a user, so this one has a portal of its own.
#[test]
fn the_kernels_keyring_keeps_what_a_morning_needs() {
    let home = home();
    let url = format!("https://tests-{}.awsapps.com/start", std::process::id());
    let config = home.read(".aws/config");
    let own = config.replace("https://corp.awsapps.com/start", &url);
    home.write(".aws/config", &own);
    home.aws
        .configure(|behaviour| behaviour.start_urls = vec![url.clone()]);
    login_exec_list_and_clear(&home, "keyutils");
    let keyctl = home.program(tools::need("keyctl", "keyutils"));
    let left = keyctl.args(&["list", "@u"]).output();
    let mut left = left.stdout.lines().filter(|line| line.contains(&url));
    // The registration stays, which is nobody's credentials; nothing else does.
    for line in left.by_ref() {
        assert!(line.contains("client-registration/"), "{line}");
        let id = line.split(':').next().unwrap_or_default().trim();
        let keyctl = home.program(tools::need("keyctl", "keyutils"));
        keyctl.args(&["unlink", id, "@u"]).output().success();
    }
}

#[test]
fn pass_keeps_what_a_morning_needs() {
    let home = home();
    let gpg = tools::need("gpg", "gnupg");
    let gnupg = home.path(".gnupg");
    fs::create_dir_all(&gnupg).expect("gpg's home");
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(&gnupg, private).expect("a private folder");
    let key = [
        "--batch",
        "--pinentry-mode=loopback",
        "--passphrase=",
        "--quick-generate-key",
        "tests@example.com",
        "default",
        "default",
    ];
    home.program(&gpg).args(&key).output().success();
    let pass = tools::need("pass", "pass");
    let init = ["init", "tests@example.com"];
    home.program(pass).args(&init).output().success();
    login_exec_list_and_clear(&home, "pass");
    let end = ["--homedir", &gnupg.to_string_lossy(), "--kill", "all"];
    home.program(tools::need("gpgconf", "gpgconf"))
        .args(&end)
        .output()
        .success();
}

#[test]
fn pass_without_a_password_store_is_an_error_with_a_hint() {
    let home = home();
    let run = home.vault(&["login"]).env("AWS_VAULT_BACKEND", "pass");
    let output = run.output().expect_code(1);
    assert!(
        output.stderr.contains("there is no password store"),
        "{output:?}"
    );
    assert!(output.stderr.contains("hint: "), "{output:?}");
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 0);
}

#[test]
fn a_session_token_of_60_kilobytes_is_kept_and_handed_over() {
    let home = home();
    home.vault(&["login"]).output().success();
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
        let output = home.vault(&length).output().success();
        assert_eq!(output.stdout, format!("{length_of_token}\n"));
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}
