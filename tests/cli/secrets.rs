//! Where secrets are not: in what vault says at its most talkative, in the files it leaves, in
//! argument lists, in a browser's environment, in another process's reach.
//!
//! The search itself is the home's, at the end of every test; here are the occasions.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::support::fake_aws::{Fault, Visit};
use crate::support::home::Home;
use crate::support::keyring::Keyring;
use crate::support::run::{Output, Run, pid};
use crate::support::tools;

const EXEC: [&str; 5] = ["-vv", "exec", "dev", "--", "/bin/true"];
const RESTING: &str = "AWS_VAULT_FILE_UNLOCKED_FOR";
const WRONG: &str = "not-the-right-passphrase-0815";

fn home() -> Home {
    let home = Home::new();
    home.secret(WRONG);
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    home
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Everything that a person does in a morning, at the highest verbosity. `run` makes a run of vault
/// of it.
fn morning(home: &Home, run: impl Fn(&[&str]) -> Output) {
    run(&["-vv", "login"]).success();
    let talk = run(&EXEC).success();
    assert!(talk.stderr.contains("fetching"), "nothing is logged");
    run(&EXEC).success();
    run(&["-vv", "exec", "prod", "--", "/bin/true"]).success();
    run(&["-vv", "list", "--json"]).success();
    run(&["-vv", "clear", "dev"]).success();
    home.aws.revoke_access_tokens();
    run(&EXEC).success();
    run(&["-vv", "clear"]).success();
    for fault in troubles() {
        home.aws.fault("GetRoleCredentials", fault.clone(), 1);
        run(&["-vv", "exec", "--fresh", "dev", "--", "/bin/true"]);
        home.aws.fault("CreateToken", fault, 1);
        run(&["-vv", "login", "--force"]);
    }
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Deny);
    run(&["-vv", "login", "--force"]).expect_code(1);
    run(&["-vv", "clear", "--sign-ins"]).success();
    run(&EXEC).expect_code(125);
}

fn troubles() -> [Fault; 6] {
    [
        Fault::Status(400),
        Fault::Close,
        Fault::CutShort,
        Fault::CaptivePage,
        Fault::Garbage,
        Fault::Empty,
    ]
}

#[test]
fn a_morning_with_the_file_keystore_shows_and_leaves_no_secret() {
    let home = home();
    morning(&home, |arguments| {
        home.vault(arguments).with_browser().output()
    });
    let wrong = home.vault(&EXEC).env("AWS_VAULT_FILE_PASSPHRASE", WRONG);
    wrong.output().expect_code(125);
    let wrong = home.vault(&EXEC).env("AWS_VAULT_FILE_PASSPHRASE", WRONG);
    wrong.env(RESTING, "0").output().expect_code(125);
    home.finish();
}

#[test]
fn a_morning_with_the_keyring_shows_and_leaves_no_secret() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    morning(&home, |arguments| {
        let run = home.vault(arguments).with_browser();
        keyring.used_by(run).output()
    });
    drop(keyring);
    home.finish();
}

/// Without this the mornings above would prove nothing.
#[test]
fn a_token_that_a_run_leaves_behind_would_be_found() {
    let found = catch_unwind(AssertUnwindSafe(|| {
        let home = home();
        home.vault(&["login"]).with_browser().output().success();
        let leaking = ["exec", "dev", "--", "/bin/sh", "-c"];
        let leak = "printf %s \"$AWS_SESSION_TOKEN\" >.cache/somewhere";
        let leaking = [&leaking[..], &[leak]].concat();
        home.vault(&leaking).output().success();
        home.finish();
    }));
    let message = *found
        .expect_err("the search must fail")
        .downcast::<String>()
        .expect("a message");
    assert!(
        message.contains(".cache/somewhere holds a secret"),
        "{message}"
    );
}

/// The argument lists of all processes, as `ps` shows them to everybody.
fn argument_lists() -> Vec<u8> {
    let mut all = Vec::new();
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        all.extend(fs::read(process.path().join("cmdline")).unwrap_or_default());
        all.push(b'\n');
    }
    all
}

#[test]
fn no_argument_list_and_no_environment_of_a_browser_holds_a_secret() {
    let home = home();
    home.aws.configure(|behaviour| behaviour.visit = Visit::Ask);
    let script = "#!/bin/sh\nenv >seen.part\necho \"browser $$\" >>seen.part\n\
                  mv seen.part seen\nexec sleep 60\n";
    let browser = home.write_script("bin/waiting-browser", script);
    // Its own, since other tests show the usual one to everybody.
    let passphrase = home.aws.make_secret("pass-", 40);
    let login = home.vault(&["login", "--browser", &browser.to_string_lossy()]);
    let login = login.env("AWS_VAULT_FILE_PASSPHRASE", &passphrase).start();
    until("the browser is open", || home.path("seen").exists());
    let lists = String::from_utf8_lossy(&argument_lists()).into_owned();
    let environment = home.read("seen");
    let (_, browser) = environment.rsplit_once("browser ").expect("its id");
    let browser = browser.trim().parse().expect("a number");
    kill_process(pid(browser), Signal::KILL).expect("end the browser");
    assert!(lists.contains("--browser"), "vault's own is not among them");
    for secret in home.aws.secrets() {
        assert!(!lists.contains(&secret), "{secret} is in an argument list");
    }
    assert!(environment.contains("HOME="), "{environment}");
    assert!(!environment.contains("PASSPHRASE"), "{environment}");
    drop(login);
}

#[test]
fn the_command_gets_no_passphrase() {
    let home = home();
    home.vault(&["login"]).with_browser().output().success();
    let run = home.vault(&["exec", "dev", "--", "/usr/bin/env"]);
    let output = run.shows_secrets().output().success();
    assert!(!output.stdout.contains("PASSPHRASE"), "a passphrase");
    assert!(output.stdout.contains("AWS_SESSION_TOKEN="));
}

/// Who owns what `/proc` says of a process. It is root where the process may not be dumped, and then
/// no other process of the same user may look into it.
fn owner(id: u32) -> u32 {
    let environment = format!("/proc/{id}/environ");
    fs::metadata(environment).expect("a process").uid()
}

/// The user that [`as_a_user`] runs vault as: not root, to whom everything in `/proc` is open.
fn user() -> u32 {
    match rustix::process::getuid().as_raw() {
        0 => 65534,
        user => user,
    }
}

/// A run as a user who is not root, in a home that is theirs.
fn as_a_user<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    if !rustix::process::getuid().is_root() {
        return home.vault(arguments);
    }
    // The one that cargo built may be in a folder that is closed to others.
    let vault = home.path("bin/vault");
    if !vault.exists() {
        fs::copy(env!("CARGO_BIN_EXE_vault"), &vault).expect("a copy of vault");
    }
    let give = home.program(tools::need("chown", "coreutils"));
    let give = give.args(&["-R", &format!("{0}:{0}", user())]);
    let give = give.args(&[home.path("").to_string_lossy()]);
    give.output().success();
    let become_user = format!("--reuid={}", user());
    let become_group = format!("--regid={}", user());
    let setpriv = home.program(tools::need("setpriv", "util-linux"));
    setpriv
        .args(&[&become_user, &become_group, "--clear-groups", "--"])
        .args(&[vault.to_string_lossy()])
        .args(arguments)
}

#[test]
fn nobody_may_look_into_vault_and_its_command_is_as_any_other() {
    let home = home();
    home.aws.configure(|behaviour| behaviour.visit = Visit::Ask);
    let login = as_a_user(&home, &["login", "--no-browser"]).start();
    until("vault waits for a person", || {
        home.aws.count("CreateToken") > 0
    });
    assert_eq!(owner(login.id()), 0);
    home.aws.approve(&home.aws.pending_user_codes()[0]);
    login.wait().success();
    let script = "echo >began; exec sleep 60";
    let command = ["exec", "dev", "--", "/bin/sh", "-c", script];
    let running = as_a_user(&home, &command).start();
    until("the command runs", || home.path("began").exists());
    assert_eq!(owner(running.id()), user());
}
