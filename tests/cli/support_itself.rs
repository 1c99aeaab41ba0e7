//! The support, tried with small programs: a helper that is wrong would let every test pass.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::support::fake_aws::Fault;
use crate::support::home::{Home, PASSPHRASE};
use crate::support::keyring::Keyring;
use crate::support::run::Run;
use crate::support::tools;

fn sh<'h>(home: &'h Home, script: &str) -> Run<'h> {
    home.program("/bin/sh").args(&["-c", script])
}

/// The message that a failing check gives.
fn failure(check: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(check)).expect_err("the check must fail");
    *payload.downcast::<String>().expect("a message")
}

#[test]
fn a_run_has_the_homes_environment_and_no_terminal() {
    let home = Home::new();
    let output = home
        .program("/usr/bin/env")
        .env("MORE", "x")
        .shows_secrets()
        .output()
        .success();
    assert!(
        output
            .stdout
            .contains(&format!("HOME={}", home.path("").display()))
    );
    assert!(
        output
            .stdout
            .contains(&format!("AWS_ENDPOINT_URL_SSO={}", home.aws.url()))
    );
    assert!(output.stdout.contains("MORE=x"));
    assert!(!output.stdout.contains("CARGO"), "{output:?}");
    let output = sh(&home, "cat; (: </dev/tty) 2>/dev/null || exit 7")
        .stdin("typed")
        .output();
    assert_eq!(output.expect_code(7).stdout, "typed");
    assert_eq!(sh(&home, "kill -TERM $$").output().signal, Some(15));
}

#[test]
fn a_run_that_hangs_is_ended_and_fails() {
    let home = Home::new();
    let started = Instant::now();
    let limit = Duration::from_millis(200);
    let message = failure(|| {
        drop(
            sh(&home, "echo so far; sleep 60")
                .time_limit(limit)
                .output(),
        )
    });
    assert!(
        message.contains("did not end in time") && message.contains("so far"),
        "{message}"
    );
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_secret_that_is_said_or_left_behind_fails_the_test() {
    let said = failure(|| {
        let home = Home::new();
        sh(&home, &format!("echo {PASSPHRASE} >&2"))
            .output()
            .success();
        home.finish();
    });
    assert!(said.contains("stderr of `sh"), "{said}");
    let left = failure(|| {
        let home = Home::new();
        let key = home.aws.add_user_key("111111111111", "alice");
        let end = &key.secret[key.secret.len() - 20..];
        sh(&home, &format!("echo '{end}' >.cache/log"))
            .output()
            .success();
        home.finish();
    });
    assert!(left.contains(".cache/log holds a secret"), "{left}");
    let on_screen = failure(|| {
        let home = Home::new();
        sh(&home, &format!("echo {PASSPHRASE}"))
            .on_terminal()
            .wait();
        home.finish();
    });
    assert!(on_screen.contains("screen of `sh"), "{on_screen}");
}

#[test]
fn a_terminal_is_read_typed_on_and_interrupted() {
    let home = Home::new();
    // dash takes a Ctrl-C that comes just before it starts a command as the command's, and goes on;
    // in a loop it can't be lost.
    let script = "stty size </dev/tty; printf '\\033[32mname\\033[0m? ' >/dev/tty; read name; \
                  trap 'exit 130' INT; echo \"hello $name\"; while :; do sleep 0.02; done";
    let mut terminal = sh(&home, script).on_terminal();
    terminal.expect("40 120");
    terminal.expect("name? ");
    terminal.enter("alice");
    terminal.expect("hello alice");
    terminal.interrupt();
    let ended = terminal.wait();
    assert!(ended.signal.is_some() || ended.code == 130, "{ended:?}");
}

#[test]
fn what_does_not_appear_on_a_terminal_shows_the_screen() {
    let home = Home::new();
    let message = failure(|| {
        let limit = Duration::from_millis(300);
        let mut terminal = sh(&home, "echo here; sleep 60")
            .time_limit(limit)
            .on_terminal();
        terminal.expect("there it is");
    });
    assert!(
        message.contains("here") && message.contains("there it is"),
        "{message}"
    );
}

/// Keeps a secret and looks it up with libsecret's own tool.
fn store_and_look_up(home: &Home, keyring: &Keyring<'_>) {
    let tool = tools::need("secret-tool", "libsecret-tools");
    let store = ["store", "--label=x", "service", "tests"];
    let run = home
        .program(&tool)
        .args(&store)
        .stdin("kept-in-the-keyring");
    keyring.used_by(run).output().success();
    let run = home.program(&tool).args(&["lookup", "service", "tests"]);
    let output = keyring.used_by(run).output().success();
    assert_eq!(output.stdout, "kept-in-the-keyring");
}

/// The exit code of a look-up, or `None` where it hangs.
fn look_up(home: &Home, keyring: &Keyring<'_>) -> Option<i32> {
    let tool = tools::need("secret-tool", "libsecret-tools");
    let run = home.program(&tool).args(&["lookup", "service", "tests"]);
    let mut running = keyring.used_by(run).start();
    let deadline = Instant::now() + Duration::from_secs(2);
    while running.is_running() {
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    running.wait().code
}

#[test]
fn a_keyring_is_unlocked_locked_hangs_and_goes() {
    let home = Home::new();
    let mut keyring = Keyring::unlocked(&home);
    store_and_look_up(&home, &keyring);
    keyring.hang();
    assert_eq!(look_up(&home, &keyring), None);
    keyring.resume();
    assert_eq!(look_up(&home, &keyring), Some(0));
    keyring.lock();
    assert_eq!(look_up(&home, &keyring), Some(1));
    keyring.unlock();
    assert_eq!(look_up(&home, &keyring), Some(0));
    keyring.stop_provider();
    assert_eq!(look_up(&home, &keyring), Some(1));
}

#[test]
fn faults_happen_as_often_as_planned() {
    let home = Home::new();
    let curl = |limit: &str| {
        let url = format!("{}/assignment/accounts", home.aws.url());
        let write = ["-sS", "-m", limit, "-w", "%{http_code}", url.as_str()];
        home.program(tools::need("curl", "curl"))
            .args(&write)
            .output()
    };
    let plan = |fault| home.aws.fault("ListAccounts", fault, 1);
    plan(Fault::Throttle);
    assert!(curl("5").stdout.contains("TooManyRequestsException"));
    plan(Fault::Status(500));
    assert!(curl("5").stdout.ends_with("500"));
    plan(Fault::Close);
    assert_eq!(curl("5").code, Some(52));
    plan(Fault::CutShort);
    assert_eq!(curl("5").code, Some(18));
    plan(Fault::Hang);
    assert_eq!(curl("1").code, Some(28));
    plan(Fault::Slow(Duration::from_millis(300)));
    assert!(curl("5").took >= Duration::from_millis(300));
    plan(Fault::CaptiveRedirect);
    assert!(curl("5").stdout.ends_with("302"));
    plan(Fault::CaptivePage);
    assert!(curl("5").stdout.contains("Free WiFi"));
    plan(Fault::Garbage);
    assert!(curl("5").stdout.starts_with("{\"accessToken"));
    plan(Fault::Empty);
    assert_eq!(curl("5").stdout, "200");
    assert!(curl("5").stdout.contains("UnauthorizedException"));
    assert_eq!(home.aws.count("ListAccounts"), 11);
}
