//! MFA without a question: `mfa_process`, and `vault login` that makes the session ready beforehand.

use crate::support::home::{Home, PASSPHRASE};
use crate::support::run::Run;

const SERIAL: &str = "arn:aws:iam::444444444444:mfa/jo";

/// A home without a sign-in: the user `jo` with a key and a device, and a role behind. `more` stands in
/// jo's section.
fn home(more: &str) -> Home {
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
        "[profile jo]\nmfa_serial = {SERIAL}\n{more}\n\
         [profile careful]\nrole_arn = arn:aws:iam::333333333333:role/Careful\n\
         source_profile = jo\n"
    ));
    home.aws.configure(|behaviour| {
        let code = "123456".to_owned();
        behaviour.mfa_codes.insert(SERIAL.to_owned(), code);
    });
    home
}

fn exec<'h>(home: &'h Home, profile: &str) -> Run<'h> {
    home.exec(profile, &["true"])
}

#[test]
fn a_program_gives_the_code_and_nobody_is_asked() {
    let home = home("mfa_process = env > seen; echo asked >&2; echo \" 123456\"");
    let run = home.vault(&["--no-input", "exec", "careful", "--", "true"]);
    let output = run.output().success();
    // What it says is for the person.
    assert_eq!(output.stderr, "asked\n");
    let seen = home.read("seen");
    assert!(seen.contains("HOME="), "{seen}");
    assert!(!seen.contains(PASSPHRASE), "{seen}");
    exec(&home, "jo").output().success().silent();
    assert_eq!(home.aws.count("GetSessionToken"), 1);
}

#[test]
fn a_code_on_the_command_line_is_stronger_than_the_program() {
    let home = home("mfa_process = echo 111111");
    let run = home.vault(&["exec", "jo", "-t", "123456", "--", "true"]);
    run.output().success().silent();
}

#[test]
fn a_program_that_gives_no_right_code_is_an_error_and_no_question() {
    let cases = [
        ("exit 3", "it ended with exit status 3"),
        ("no-such-program", "it ended with exit status 127"),
        ("echo junk", "what it printed is no code of 6 digits"),
        ("true", "what it printed is no code of 6 digits"),
        (
            "printf '\\377\\377'",
            "what it printed is no code of 6 digits",
        ),
        ("yes", "printed more than"),
        ("kill -9 $$", "it was ended by signal 9"),
    ];
    for (command, said) in cases {
        let home = home(&format!("mfa_process = {command}"));
        let output = exec(&home, "careful").output().expect_code(125);
        output.says(&[
            "error: no credentials for profile `careful`",
            "`mfa_process` gives no code",
            said,
            "hint: run its command by hand",
        ]);
        assert_eq!(home.aws.total(), 0, "{command}");
    }
    let home = home("mfa_process = echo 000000");
    let ended = exec(&home, "jo").on_terminal().wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    let said = format!("the code of `{SERIAL}` was not accepted");
    assert!(ended.screen.contains(&said), "{}", ended.screen);
}

#[test]
fn login_makes_the_session_ready_for_the_day_and_for_the_roles_behind() {
    let home = home("");
    let mut terminal = home.vault(&["login", "careful"]).on_terminal();
    terminal.expect("MFA code of");
    terminal.enter("123456");
    terminal.expect("The MFA session of jo is now there: it lasts until");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(home.aws.count("AssumeRole"), 0);
    let before = home.aws.total();
    let output = home.login(&["jo", "--json"]).output().success();
    assert!(
        output
            .stderr
            .starts_with("The MFA session of jo is already there: it lasts until"),
        "{output:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(json[0]["profile"], "jo");
    assert_eq!(json[0]["sso_session"], serde_json::Value::Null);
    assert!(json[0]["expires_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(home.aws.total(), before, "no network is touched");
    exec(&home, "careful").output().success().silent();
    exec(&home, "jo").output().success().silent();
    assert_eq!(home.aws.count("GetSessionToken"), 1);
}

#[test]
fn login_takes_a_code_and_force_takes_another() {
    let home = home("");
    home.login(&["jo", "-t", "123456"]).output().success();
    let output = home.login(&["jo", "--force", "-t", "654321"]).output();
    output.expect_code(1).says(&["was not accepted"]);
    // The session of before is still there.
    home.login(&["jo"]).output().success();
    assert_eq!(home.aws.count("GetSessionToken"), 2);
}

#[test]
fn login_where_nobody_can_be_asked_is_exit_code_4() {
    let home = home("");
    let output = home.login(&["jo"]).output().expect_code(4);
    output.says(&[
        "error: no credentials for profile `jo`",
        "a code of the MFA device",
        "hint: give it with `--mfa-token`",
    ]);
    let ended = home
        .vault(&["--no-input", "login", "jo"])
        .on_terminal()
        .wait();
    assert_eq!(ended.code, 4, "{}", ended.screen);
}

#[test]
fn login_with_a_key_that_has_no_device_says_that_there_is_nothing_to_sign_in_to() {
    let home = home("");
    let output = home.login(&["plain"]).output().expect_code(1);
    output.says(&[
        "profile `plain` does not sign in through IAM Identity Center",
        "hint: it needs no sign-in: `vault exec plain` gets its credentials",
    ]);
}
