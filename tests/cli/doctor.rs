//! `vault doctor` as a whole: what it prints for a person and for a program, and its exit code.

use serde_json::Value;

use crate::support::fake_aws::FakeAws;
use crate::support::home::Home;
use crate::support::run::{Output, Run};

impl Home {
    /// `vault doctor`, in the home's environment.
    pub fn doctor(&self) -> Run<'_> {
        self.vault(&["doctor"])
    }
}

impl Output {
    /// Fails, and shows everything, where one of the texts is not in stdout.
    #[track_caller]
    pub fn finds(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stdout.contains(text), "no {text:?}: {self:#?}");
        }
        self
    }

    /// The array that `--json` prints.
    #[track_caller]
    pub fn findings(&self) -> Vec<Value> {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

#[test]
fn a_machine_that_is_well_is_said_to_be() {
    let home = Home::new();
    let output = home.doctor().output().success();
    let output = output.finds(&["configuration", "2 profiles and 1 sso-session in ", "ok "]);
    assert!(!output.stdout.contains("WRONG"), "{output:?}");
    assert_eq!(output.stderr, "");
}

#[test]
fn json_says_the_same_with_file_line_and_key() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[default]\nregion = eu-central-1\n[profile a]\nrole_arn = x\nregoin = y\n",
    );
    let output = home.vault(&["doctor", "--json"]).output().expect_code(1);
    let findings = output.findings();
    let found = findings.iter().find(|finding| finding["key"] == "regoin");
    let found = found.unwrap_or_else(|| panic!("{findings:#?}"));
    assert_eq!(found["check"], "configuration");
    assert_eq!(found["status"], "wrong");
    assert_eq!(found["message"], "nobody knows the key `regoin`");
    assert_eq!(found["hint"], "did you mean `region`?");
    assert_eq!(
        found["file"],
        home.path(".aws/config").display().to_string()
    );
    assert_eq!(found["line"], 5);
    assert!(findings.iter().any(|finding| finding["status"] == "note"));
}

#[test]
fn everything_wrong_has_something_to_do_about_it() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[prod]\nx = 1\n[profile a]\nrole_arn = x\nsource_profile = a\n\
         [profile b]\nsso_session = corp\nsso_account_id = 1\n[profile c]\nregoin = 1\n\
         [profile d]\nduration_seconds = 5\nrole_arn = y\nsource_profile = c\nmistake\n",
    );
    let output = home
        .vault(&["doctor", "--json"])
        .env("AWS_PROFILE", "nobody")
        .output()
        .expect_code(1);
    let mut wrong = 0;
    for finding in output.findings() {
        if finding["status"] == "wrong" {
            wrong += 1;
            assert!(finding["hint"].is_string(), "{finding:#}");
        }
    }
    assert!(wrong >= 7, "{output:#?}");
    output.says(&[&format!("error: {wrong} things are wrong")]);
}

#[test]
fn a_machine_without_a_configuration_is_told_how_to_begin() {
    let home = Home::empty(FakeAws::start());
    let output = home.doctor().output().expect_code(1);
    output.finds(&["there are no profiles in ", "`vault configure` writes one"]);
}

#[test]
fn a_terminal_gets_colours_and_a_pipe_does_not() {
    let home = Home::new();
    let terminal = home.doctor().on_terminal();
    let screen = {
        let mut terminal = terminal;
        terminal.expect("2 profiles");
        let raw = terminal.raw_screen();
        assert_eq!(terminal.wait().code, 0);
        raw
    };
    let green = memchr::memmem::find(&screen, b"\x1b[32mok");
    assert!(green.is_some(), "{}", String::from_utf8_lossy(&screen));
    let piped = home.doctor().output().success();
    assert!(!piped.stdout.contains('\x1b'), "{piped:?}");
}

#[test]
fn names_in_the_files_give_the_terminal_no_orders() {
    let home = Home::new();
    home.add_config("[profile a]\nrole_arn = \u{1b}[2Jx\nsource_profile = dev\n");
    let output = home.doctor().output().expect_code(1);
    let output = output.finds(&["\\u{1b}[2Jx"]);
    assert!(!output.stdout.contains('\u{1b}'), "{output:?}");
}
