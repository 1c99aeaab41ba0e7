//! vault on a real terminal: questions and pickers, Ctrl-C at every wait, and a child that owns the
//! terminal as if vault had never been there.

use std::time::{Duration, Instant};

use crate::support::fake_aws::Fault;
use crate::support::home::{Home, PASSPHRASE};
use crate::support::run::Run;

const EXEC: [&str; 6] = ["exec", "dev", "--", "/bin/sh", "-c", "echo as $AWS_VAULT"];
const WAITING: &str = "Waiting for the sign-in that another vault has begun.";
const ESCAPE: &str = "\x1b";

/// A home whose person confirms every code.
fn home() -> Home {
    let home = Home::new();
    home.aws.approve_all_after(0);
    home
}

/// A home in which `dev` and `prod` are cached.
fn used_home() -> Home {
    let home = home();
    home.vault(&["login"]).output().success();
    for profile in ["dev", "prod"] {
        let exec = ["exec", profile, "--", "/bin/true"];
        home.vault(&exec).output().success();
    }
    home
}

/// A command line of a shell, with vault in it as `$vault`.
fn shell<'h>(home: &'h Home, script: &str) -> Run<'h> {
    let shell = home.program("/bin/sh").args(&["-c", script]);
    shell.env("vault", env!("CARGO_BIN_EXE_vault"))
}

fn works_on_terminal(home: &Home) {
    let mut terminal = home.vault(&EXEC).on_terminal();
    terminal.expect("as dev");
    assert_eq!(terminal.wait().code, 0);
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn exec_without_a_profile_lets_one_pick_and_narrows() {
    let home = used_home();
    let exec = ["exec", "--", "/bin/sh", "-c", "echo as $AWS_VAULT"];
    let mut terminal = home.vault(&exec).on_terminal();
    terminal.expect("Profile");
    terminal.expect("prod");
    terminal.expect("dev");
    terminal.types("pro");
    terminal.types("\r");
    terminal.expect("as prod");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn esc_and_ctrl_c_leave_a_picker_with_130_and_nothing_said() {
    let home = used_home();
    for key in [ESCAPE, "\x03"] {
        let mut terminal = home.vault(&["exec", "--", "/bin/true"]).on_terminal();
        terminal.expect("prod");
        terminal.types(key);
        let ended = terminal.wait();
        assert_eq!(ended.code, 130, "{ended:?}");
        assert!(!ended.screen.contains("error"), "{ended:?}");
    }
}

#[test]
fn the_terminal_echoes_again_after_a_picker_was_left() {
    let home = used_home();
    let script = "trap : INT; $vault exec -- /bin/true; echo \"left $?\"; stty -a </dev/tty";
    let mut terminal = shell(&home, script).on_terminal();
    terminal.expect("prod");
    terminal.interrupt();
    terminal.expect("left 130");
    terminal.expect("isig icanon ");
    terminal.expect(" echo ");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn login_lets_one_pick_of_several_sso_sessions() {
    let home = home();
    let url = "https://other.awsapps.com/start";
    home.add_config(&format!(
        "[sso-session other]\nsso_start_url = {url}\nsso_region = eu-central-1\n"
    ));
    home.aws
        .configure(|behaviour| behaviour.start_urls.push(url.to_owned()));
    let mut terminal = home.vault(&["login"]).on_terminal();
    terminal.expect("Sign in to");
    terminal.expect("corp");
    terminal.types("oth");
    terminal.types("\r");
    terminal.expect("Signed in to other");
    assert_eq!(terminal.wait().code, 0);
    let asked = &home.aws.requests("StartDeviceAuthorization")[0];
    assert_eq!(asked.json()["startUrl"], url);
}

#[test]
fn ctrl_c_while_a_person_is_waited_for_leaves_and_the_next_login_works() {
    let home = Home::new();
    for arguments in [&["login"][..], &EXEC] {
        let mut terminal = home.vault(arguments).on_terminal();
        terminal.expect("Confirm this code");
        terminal.expect("/device?user_code=");
        terminal.interrupt();
        let ended = terminal.wait();
        assert_eq!(ended.code, 130, "{ended:?}");
        assert!(!ended.screen.contains("error"), "{ended:?}");
    }
    home.aws.approve_all_after(0);
    works_on_terminal(&home);
}

#[test]
fn ctrl_c_while_a_request_hangs_leaves_with_130() {
    let operations = [
        "RegisterClient",
        "StartDeviceAuthorization",
        "CreateToken",
        "GetRoleCredentials",
    ];
    for operation in operations {
        let home = home();
        home.aws.fault(operation, Fault::Hang, 1);
        let terminal = home.vault(&EXEC).on_terminal();
        until(operation, || home.aws.count(operation) == 1);
        terminal.interrupt();
        let ended = terminal.wait();
        assert_eq!(ended.code, 130, "{operation}: {ended:?}");
        works_on_terminal(&home);
    }
}

#[test]
fn ctrl_c_while_another_vault_signs_in_leaves_with_130_and_the_other_goes_on() {
    let home = Home::new();
    let mut first = home.vault(&EXEC).on_terminal();
    first.expect("/device?user_code=");
    let mut second = home.vault(&EXEC).on_terminal();
    second.expect(WAITING);
    second.interrupt();
    assert_eq!(second.wait().code, 130);
    home.aws.approve(&home.aws.pending_user_codes()[0]);
    first.expect("as dev");
    assert_eq!(first.wait().code, 0);
}

#[test]
fn ctrl_z_fg_and_ctrl_c_do_with_the_child_what_they_do_without_vault() {
    let home = used_home();
    let bash = home
        .program("/bin/bash")
        .args(&["--norc", "--noprofile", "-i"])
        .env("PS1", "ready> ")
        .env("vault", env!("CARGO_BIN_EXE_vault"));
    let mut terminal = bash.on_terminal();
    terminal.expect("ready> ");
    // It says when it goes on: only then is the terminal its own again. Its words are put together,
    // so that the command line on the screen is not taken for them.
    let child = "trap \"printf go%s ing\" CONT; printf be%s gun; while :; do read -r line; done";
    terminal.enter(&format!("$vault exec dev -- /bin/bash -c '{child}'"));
    terminal.expect("begun");
    terminal.types("\x1a");
    terminal.expect("Stopped");
    terminal.expect("ready> ");
    terminal.enter("fg");
    terminal.expect("going");
    terminal.interrupt();
    terminal.expect("ready> ");
    terminal.enter("echo code $?; exit 0");
    terminal.expect("code 130");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn the_child_owns_the_terminal_and_hears_of_its_size() {
    let home = used_home();
    let script = "trap 'stty size; exit 0' WINCH; tty; echo \"pid $$\"; \
                  while :; do read -r -t 1 line; done";
    let exec = ["exec", "dev", "--", "/bin/bash", "-c", script];
    let mut terminal = home.vault(&exec).on_terminal();
    terminal.expect("/dev/pts/");
    // It is the process that vault was.
    terminal.expect(&format!("pid {}", terminal.id()));
    terminal.resize(20, 70);
    terminal.expect("20 70");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn exec_without_a_command_is_the_persons_shell() {
    let home = used_home();
    let run = home.vault(&["exec", "dev"]).env("SHELL", "/bin/sh");
    let mut terminal = run.env("PS1", "ready> ").on_terminal();
    terminal.expect("ready> ");
    terminal.enter("echo as $AWS_VAULT");
    terminal.expect("as dev");
    terminal.enter("exit 7");
    assert_eq!(terminal.wait().code, 7);
}

#[test]
fn a_passphrase_is_asked_for_on_the_terminal_wherever_the_streams_go() {
    let home = used_home();
    let script = "$vault exec dev -- /bin/echo data </dev/null >out 2>err; echo \"<$?>\"";
    let run = shell(&home, script).without_env("AWS_VAULT_FILE_PASSPHRASE");
    let mut terminal = run.env("AWS_VAULT_FILE_UNLOCKED_FOR", "0").on_terminal();
    terminal.expect("Passphrase of the vault keystore: ");
    terminal.enter(PASSPHRASE);
    terminal.expect("<0>");
    terminal.wait();
    assert_eq!(home.read("out"), "data\n");
    assert_eq!(home.read("err"), "");
}

#[test]
fn a_profile_is_picked_on_the_terminal_wherever_the_streams_go() {
    let home = used_home();
    let script =
        "$vault exec -- /bin/sh -c 'echo as $AWS_VAULT' </dev/null >out 2>err; echo \"<$?>\"";
    let mut terminal = shell(&home, script).on_terminal();
    terminal.expect("Profile");
    terminal.expect("prod");
    terminal.types("pro");
    terminal.types("\r");
    terminal.expect("<0>");
    terminal.wait();
    assert_eq!(home.read("out"), "as prod\n");
    assert_eq!(home.read("err"), "");
}

/// What vault says about a profile that is not there.
fn said(home: &Home, arguments: &[&str], no_color: &str) -> String {
    let mut all = vec!["exec", "nobody"];
    all.extend(arguments);
    let run = home.vault(&all).env("NO_COLOR", no_color);
    let run = run.env("SHELL", "/bin/sh");
    let terminal = run.on_terminal();
    until("it is said", || terminal.screen().contains("nobody"));
    let raw = String::from_utf8_lossy(&terminal.raw_screen()).into_owned();
    assert_eq!(terminal.wait().code, 125);
    raw
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let home = home();
    let table = [
        ("", &[][..], true),
        ("1", &[], false),
        ("", &["--color", "never"], false),
        ("", &["--color", "auto"], true),
        ("1", &["--color", "always"], true),
    ];
    for (no_color, arguments, colour) in table {
        let raw = said(&home, arguments, no_color);
        assert_eq!(raw.contains(ESCAPE), colour, "{arguments:?}: {raw}");
    }
    for (when, colour) in [("auto", false), ("always", true)] {
        let run = home.vault(&["--color", when, "exec", "nobody", "--", "true"]);
        let output = run.output().expect_code(125);
        assert_eq!(output.stderr.contains(ESCAPE), colour, "{output:?}");
    }
}

#[test]
fn quiet_keeps_back_all_but_what_a_person_must_know() {
    let home = home();
    let login = home.vault(&["-q", "login"]).output().success();
    assert!(login.stderr.contains("/device?user_code="), "{login:?}");
    assert!(!login.stderr.contains("Signed in to"), "{login:?}");
    for arguments in [&["-q", "login"][..], &["-q", "clear"]] {
        let output = home.vault(arguments).output().success();
        assert_eq!((&*output.stdout, &*output.stderr), ("", ""));
    }
    let wrong = home.vault(&["-q", "exec", "nobody", "--", "true"]).output();
    assert!(wrong.stderr.contains("error: "), "{wrong:?}");
}

#[test]
fn with_credentials_cached_exec_says_nothing_on_a_terminal() {
    let home = used_home();
    let asked = home.aws.total();
    let exec = ["exec", "dev", "--", "/bin/echo", "data"];
    let terminal = home.vault(&exec).on_terminal();
    let ended = terminal.wait();
    assert_eq!(ended.screen, "data\n");
    assert_eq!(home.aws.total(), asked);
}

#[test]
fn a_servers_control_characters_do_not_reach_the_terminal() {
    let home = home();
    let page = format!("{}/device", home.aws.url());
    let code = "\\u001b]0;owned\\u0007\\u001b[2JABCD-EFGH\\u009b";
    home.aws.fault(
        "StartDeviceAuthorization",
        Fault::Json(
            200,
            format!(
                "{{\"deviceCode\": \"x\", \"userCode\": \"{code}\", \"verificationUri\": \
                 \"{page}\", \"verificationUriComplete\": \"{page}?{code}\", \"expiresIn\": 600}}"
            ),
        ),
        1,
    );
    let mut terminal = home.vault(&["login"]).on_terminal();
    terminal.expect("ABCD-EFGH");
    terminal.expect("/device?");
    terminal.interrupt();
    let raw = String::from_utf8_lossy(&terminal.raw_screen()).into_owned();
    terminal.wait();
    for order in ["\x1b]0;", "\x07", "\x1b[2J", "\u{9b}"] {
        assert!(!raw.contains(order), "{order:?} in {raw:?}");
    }
}

#[test]
fn an_errors_control_characters_do_not_reach_the_terminal() {
    let home = home();
    let message = "\\u001b]0;owned\\u0007\\u001b[2Jno\\rnever";
    let body = format!("{{\"__type\": \"InvalidRequestException\", \"message\": \"{message}\"}}");
    home.vault(&["login"]).output().success();
    home.aws
        .fault("GetRoleCredentials", Fault::Json(400, body), 5);
    let ended = home.vault(&EXEC).output().expect_code(125);
    assert!(ended.stderr.contains("never"), "{ended:?}");
    for order in ["\x1b", "\x07", "\r"] {
        assert!(!ended.stderr.contains(order), "{order:?} in {ended:?}");
    }
}
