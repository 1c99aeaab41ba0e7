//! The README's lines for prompts, as they stand there, in the shells that they are for.

use crate::support::home::Home;
use crate::support::tools;

/// The block of code behind a line of the README that begins so.
fn block(introduction: &str) -> String {
    let readme = include_str!("../../README.md");
    let mut lines = readme
        .lines()
        .skip_while(|line| !line.starts_with(introduction));
    let found = lines.next();
    assert!(found.is_some(), "the README has no line {introduction:?}");
    let code = lines.skip_while(|line| !line.starts_with("    "));
    let code = code.take_while(|line| line.starts_with("    "));
    code.map(|line| format!("{}\n", &line[4..])).collect()
}

/// A home in which `prod` is cached, and vault is among the commands.
fn home() -> Home {
    let home = Home::signed_in();
    home.exec("prod", &["true"]).output().success();
    let vault = env!("CARGO_BIN_EXE_vault");
    std::os::unix::fs::symlink(vault, home.path("bin/vault")).unwrap();
    home
}

/// What a prompt is with each state of the variables.
const STATES: [(&[(&str, &str)], &str); 5] = [
    (&[], "> "),
    (&[("AWS_PROFILE", "prod")], "(prod: ready, 59m left) > "),
    (
        &[("AWS_PROFILE", "prod"), ("AWS_VAULT", "dev")],
        "(dev: ready, not fetched yet) > ",
    ),
    (&[("AWS_VAULT", "none")], "() > "),
    (
        &[("AWS_VAULT", "other")],
        "(other: no one is signed in: run `vault login other`) > ",
    ),
];

#[track_caller]
fn shows(shell: &[&str], script: &str) {
    let home = home();
    home.add_config(
        "[profile other]\nsso_start_url = https://other.awsapps.com/start\n\
         sso_region = eu-central-1\nsso_account_id = 111111111111\nsso_role_name = Developer\n",
    );
    for (variables, prompt) in STATES {
        let mut run = home.program(tools::need(shell[0], shell[0]));
        run = run.args(&shell[1..]).args(&[script]);
        for (name, value) in variables {
            run = run.env(name, value);
        }
        let output = run.output().success();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            (prompt, ""),
            "{variables:?}"
        );
    }
}

#[test]
fn bash_shows_how_the_profile_stands() {
    let lines = block("For bash");
    let script = format!("PS1='> '\n{lines}printf %s \"${{PS1@P}}\"");
    shows(&["bash", "--norc", "-c"], &script);
}

#[test]
fn zsh_shows_how_the_profile_stands() {
    let (function, _) = block("For bash")
        .split_once("PS1=")
        .map(|(f, p)| (f.to_owned(), p.to_owned()))
        .unwrap();
    let lines = block("For zsh");
    let script = format!("PROMPT='> '\n{function}{lines}print -Pn -- \"$PROMPT\"");
    shows(&["zsh", "-f", "-c"], &script);
}
