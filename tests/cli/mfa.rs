//! MFA: who gives the code, how often it may be wrong, what one code serves, and that many runs at
//! once ask for one.

use std::time::Duration;

use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::scenes::variables;
use crate::support::terminal::{Ended, Terminal};

const SERIAL: &str = "arn:aws:iam::444444444444:mfa/jo";
const QUESTION: &str = "MFA code of arn:aws:iam::444444444444:mfa/jo: ";

/// A home without a sign-in: the user `jo` with a key and a device, and roles that want its code. One
/// of them says so itself, for the other its source does.
fn home() -> Home {
    let home = Home::new();
    let key = home.aws.add_user_key("444444444444", "jo");
    home.write(
        ".aws/credentials",
        &format!(
            "[jo]\naws_access_key_id = {}\naws_secret_access_key = {}\n\
             [plain]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id, key.secret, key.id, key.secret
        ),
    );
    home.add_config(&format!(
        "[profile jo]\nmfa_serial = {SERIAL}\n\
         [profile careful]\nrole_arn = arn:aws:iam::333333333333:role/Careful\n\
         source_profile = jo\n\
         [profile deployer]\nrole_arn = arn:aws:iam::333333333333:role/LongRun\n\
         source_profile = jo\nmfa_serial = {SERIAL}\nduration_seconds = 7200\n\
         [profile of-plain]\nrole_arn = arn:aws:iam::333333333333:role/Careful\n\
         source_profile = plain\nmfa_serial = {SERIAL}\n"
    ));
    shows(&home, "123456");
    home
}

/// The device shows this code now.
fn shows(home: &Home, code: &str) {
    let code = code.to_owned();
    home.aws.configure(|behaviour| {
        behaviour.mfa_codes.insert(SERIAL.to_owned(), code);
    });
}

fn exec<'h>(home: &'h Home, profile: &str) -> Run<'h> {
    home.exec(profile, &["/bin/sh", "-c", "echo as $AWS_VAULT"])
}

fn served_without_asking(home: &Home, profiles: &[&str]) {
    let codes = home.aws.count("GetSessionToken");
    for profile in profiles {
        let output = exec(home, profile).output().success();
        assert_eq!(output.stdout, format!("as {profile}\n"));
    }
    assert_eq!(home.aws.count("GetSessionToken"), codes);
}

#[test]
fn one_code_serves_every_role_behind_the_key_for_the_day() {
    let home = home();
    let mut terminal = exec(&home, "careful").on_terminal();
    terminal.expect(QUESTION);
    terminal.enter("123456");
    terminal.expect("as careful");
    assert_eq!(terminal.wait().code, 0);
    let asked = home.aws.requests("GetSessionToken");
    let parameter = |name| asked[0].parameter(name);
    assert_eq!(parameter("SerialNumber").as_deref(), Some(SERIAL));
    assert_eq!(parameter("DurationSeconds").as_deref(), Some("43200"));
    // No role is asked with a code: the session has had it.
    let role = &home.aws.requests("AssumeRole")[0];
    assert_eq!(role.parameter("TokenCode"), None);
    served_without_asking(&home, &["careful", "deployer", "jo"]);
    // `plain` has the same key, and its role the same device.
    served_without_asking(&home, &["of-plain"]);
    let before = home.aws.total();
    exec(&home, "careful").output().success();
    assert_eq!(home.aws.total(), before);
}

#[test]
fn the_question_goes_to_the_terminal_when_the_streams_are_pipes() {
    let home = home();
    let vault = env!("CARGO_BIN_EXE_vault");
    let script = format!("echo data | '{vault}' exec jo -- cat 2>/dev/null | sed 's/^/got /'");
    let shell = home.program("/bin/sh").args(&["-c", &script]);
    let mut terminal = shell.on_terminal();
    terminal.expect(QUESTION);
    terminal.enter("123456");
    terminal.expect("got data");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn a_wrong_code_asks_again_and_the_third_is_the_last() {
    let home = home();
    let mut terminal = exec(&home, "jo").on_terminal();
    terminal.expect(QUESTION);
    terminal.enter("111111");
    terminal.expect("That code was not accepted.");
    // What is no code is not sent.
    terminal.enter("12345");
    terminal.expect("A code is 6 digits.");
    terminal.enter("123456");
    terminal.expect("as jo");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(home.aws.count("GetSessionToken"), 2);

    let mut terminal = home
        .vault(&["exec", "--fresh", "jo", "--", "true"])
        .on_terminal();
    for code in ["222222", "333333", "444444"] {
        terminal.expect(QUESTION);
        terminal.enter(code);
    }
    let ended = terminal.wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    let said = format!("no code of `{SERIAL}` was accepted");
    assert!(ended.screen.contains(&said), "{}", ended.screen);
    assert!(ended.screen.contains("hint: check `mfa_serial`"));
    // The session of before is still there.
    served_without_asking(&home, &["jo"]);
}

#[test]
fn who_leaves_the_question_is_not_told_off() {
    let home = home();
    let mut terminal = exec(&home, "jo").on_terminal();
    terminal.expect(QUESTION);
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 130, "{}", ended.screen);
    assert!(!ended.screen.contains("error"), "{}", ended.screen);
}

#[test]
fn a_code_on_the_command_line_is_used_and_a_wrong_one_is_an_error() {
    let home = home();
    let run = |code: &str| home.vault(&["exec", "careful", "-t", code, "--", "true"]);
    let output = run("654321").output().expect_code(125).says(&[
        "error: no credentials for profile `careful`",
        &format!("the code of `{SERIAL}` was not accepted"),
        "hint: a code is good once",
    ]);
    assert!(!output.stderr.contains("654321"), "{output:?}");
    // On a terminal as well: who gives a code is not asked for another.
    let ended = run("654321").on_terminal().wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    run("123456").output().success().silent();
    // It is cached now, and no code is needed.
    run("999999").output().success().silent();
    for wrong in ["12345", "abcdef", "1234567", ""] {
        let output = run(wrong).output().expect_code(125);
        output.says(&["error: ", "6 digits"]);
    }
}

#[test]
fn without_a_terminal_it_is_an_error_that_says_what_to_do() {
    let home = home();
    let needed = format!("a code of the MFA device `{SERIAL}` is needed");
    let hint = "hint: give it with `--mfa-token`, or run `vault login careful` on a terminal";
    let output = exec(&home, "careful").output().expect_code(125);
    output.says(&["no credentials for profile `careful`", &needed, hint]);
    let ended = home
        .vault(&["--no-input", "exec", "careful", "--", "true"])
        .on_terminal()
        .wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    let output = home.vault(&["export", "careful"]).output();
    output.expect_code(4).says(&[&needed, hint]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn where_a_role_alone_wants_the_code_nobody_is_sent_to_login() {
    let home = home();
    home.add_config(&format!(
        "[profile helped]\ncredential_process = /bin/false\n\
         [profile alone]\nrole_arn = arn:aws:iam::333333333333:role/Careful\n\
         source_profile = helped\nmfa_serial = {SERIAL}\n"
    ));
    let hint = "hint: give it with `--mfa-token`, or run it on a terminal, to be asked";
    let run = home.vault(&["exec", "-n", "deployer", "--", "true"]);
    run.output().expect_code(125).says(&[hint]);
    let status = home.vault(&["status", "alone"]).output().expect_code(4);
    let says =
        format!("a code of the MFA device `{SERIAL}` is needed: `vault exec alone` asks for it");
    assert!(status.stdout.contains(&says), "{status:?}");
    let login = home.vault(&["login", "alone"]).output().expect_code(1);
    login.says(&["hint: it needs no sign-in: `vault exec alone` gets its credentials"]);
}

#[test]
fn a_name_with_a_space_is_quoted_where_it_is_to_be_typed() {
    let home = Home::new();
    let key = home.aws.add_user_key("444444444444", "jo");
    home.add_config(&format!("[profile \"our jo\"]\nmfa_serial = {SERIAL}\n"));
    let word = "`vault rotate 'our jo'`";
    let run = home.vault(&["rotate", "our jo"]).output().expect_code(1);
    run.says(&["hint: `vault add 'our jo'` stores one"]);
    home.add_key("our jo", &key).output().success();
    let output = exec(&home, "our jo").output().expect_code(125);
    output.says(&["or run `vault login 'our jo'` on a terminal"]);
    let status = home.vault(&["status", "our jo"]).output().expect_code(4);
    assert!(
        status.stdout.contains("run `vault login 'our jo'`"),
        "{status:?}"
    );
    let other = home.aws.add_user_key("444444444444", "jo");
    home.add_key("our jo", &other)
        .output()
        .expect_code(1)
        .says(&[word]);
}

#[test]
fn a_device_that_is_not_the_users_is_said_and_not_asked_about_again() {
    let home = home();
    let refusal = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
        <Type>Sender</Type><Code>AccessDenied</Code><Message>MultiFactorAuthentication failed, unable \
        to validate MFA code. Please verify your MFA serial number is valid and associated with this \
        user.</Message></Error></ErrorResponse>";
    let fault = crate::support::fake_aws::Fault::Json(403, refusal.to_owned());
    home.aws.fault("GetSessionToken", fault, 1);
    let output = home
        .vault(&["exec", "jo", "-t", "123456", "--", "true"])
        .output();
    output.expect_code(125).says(&[
        "cannot get a session for the key of profile `jo`",
        "Please verify your MFA serial number",
        "hint: ",
    ]);
}

#[test]
fn without_a_session_the_code_goes_to_the_role_itself() {
    let home = home();
    let run = home.vault(&["exec", "-n", "deployer", "-t", "123456", "--", "true"]);
    run.output().success().silent();
    assert_eq!(home.aws.count("GetSessionToken"), 0);
    let role = &home.aws.requests("AssumeRole")[0];
    assert_eq!(role.parameter("SerialNumber").as_deref(), Some(SERIAL));
    assert_eq!(role.parameter("TokenCode").as_deref(), Some("123456"));
    // And it may last as long as the role allows.
    assert_eq!(role.parameter("DurationSeconds").as_deref(), Some("7200"));
    // It is kept, apart from what a session gives.
    let run = home.vault(&["exec", "-n", "deployer", "--", "true"]);
    run.output().success().silent();
    exec(&home, "deployer").output().expect_code(125);
    // The key itself needs no code.
    let key = variables(home.vault(&["exec", "-n", "jo", "--", "env", "-0"]));
    assert!(key["AWS_ACCESS_KEY_ID"].starts_with("AKIA"));
}

#[test]
fn the_hour_of_a_chained_role_is_known_beforehand_and_said() {
    let home = home();
    let run = home.vault(&["exec", "deployer", "-t", "123456", "--", "true"]);
    let output = run.output().success();
    assert_eq!(
        output.stderr,
        "`deployer` lasts 1 h, not 2 h: AWS gives no more to a chained role; with --no-session it \
         may be longer.\n"
    );
    let role = &home.aws.requests("AssumeRole")[0];
    assert_eq!(role.parameter("DurationSeconds").as_deref(), Some("3600"));
    exec(&home, "deployer").output().success().says(&[]);
    assert_eq!(home.aws.count("AssumeRole"), 1);
}

/// Twenty at once, on one terminal.
fn twenty<'h>(home: &'h Home) -> Run<'h> {
    let vault = env!("CARGO_BIN_EXE_vault");
    let script = format!(
        "for n in $(seq 20); do ('{vault}' exec careful -- /bin/true; echo \"<$?>\") & done; wait"
    );
    let shell = home.program("/bin/bash").args(&["-c", &script]);
    shell.time_limit(Duration::from_secs(120))
}

const WAITING: &str = "Waiting for the MFA code that another vault has asked for.";

fn all_wait(terminal: &mut Terminal<'_>) {
    for _ in 0..19 {
        terminal.expect(WAITING);
    }
}

fn count(ended: &Ended, text: &str) -> usize {
    ended.screen.matches(text).count()
}

#[test]
fn twenty_runs_at_once_ask_for_one_code() {
    let home = home();
    let mut terminal = twenty(&home).on_terminal();
    all_wait(&mut terminal);
    terminal.enter("123456");
    let ended = terminal.wait();
    assert_eq!(count(&ended, "<0>"), 20, "{}", ended.screen);
    assert_eq!(count(&ended, QUESTION), 1, "{}", ended.screen);
    assert_eq!(home.aws.count("GetSessionToken"), 1);
    assert_eq!(home.aws.count("AssumeRole"), 1);
}

#[test]
fn when_no_code_was_right_those_who_waited_do_not_ask_once_more() {
    let home = home();
    let mut terminal = twenty(&home).on_terminal();
    all_wait(&mut terminal);
    for said in ["not accepted", "not accepted", "was accepted"] {
        terminal.enter("000000");
        terminal.expect(said);
    }
    let ended = terminal.wait();
    assert_eq!(count(&ended, "<125>"), 20, "{}", ended.screen);
    assert_eq!(home.aws.count("GetSessionToken"), 3);
    assert_eq!(count(&ended, "another vault has asked for the code"), 19);
}
