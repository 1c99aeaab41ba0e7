//! `vault exec --server` on a terminal: Ctrl-C, Ctrl-Z, a shell with its jobs, and what may not be asked
//! behind a command that has the terminal.

use crate::support::home::Home;
use crate::support::run::Run;

/// A command line of a shell, with vault in it as `$vault`.
fn shell<'h>(home: &'h Home, script: &str) -> Run<'h> {
    let shell = home.program("/bin/sh").args(&["-c", script]);
    shell.env("vault", env!("CARGO_BIN_EXE_vault"))
}

/// Two would be an order to give up at once for many a program.
#[test]
fn ctrl_c_reaches_the_command_once_and_vault_waits_for_it() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let script = "trap 'echo caught-$((n=n+1))' INT; echo ready; i=0; \
                  while [ $i -lt 50 ]; do sleep 0.02; i=$((i+1)); done; echo caught $n; exit 5";
    let exec = ["exec", "--server", "dev", "--", "sh", "-c", script];
    let mut terminal = home.vault(&exec).on_terminal();
    terminal.expect("ready");
    terminal.interrupt();
    terminal.expect("caught-1");
    terminal.expect("caught 1\n");
    assert_eq!(terminal.wait().code, 5);
}

#[test]
fn a_command_that_ctrl_c_ends_leaves_130() {
    let home = Home::signed_in();
    // It reads and starts nothing: while sh starts a program, a Ctrl-C is lost on it, without vault too.
    let script = "$vault exec --server dev -- sh -c 'echo ready; read x'; echo left $?";
    let mut terminal = shell(&home, &format!("trap : INT; {script}")).on_terminal();
    terminal.expect("ready");
    terminal.interrupt();
    terminal.expect("left 130");
    terminal.wait();
}

#[test]
fn ctrl_z_stops_both_and_fg_continues_both() {
    let home = Home::signed_in();
    let bash = home.program("/bin/bash").args(&["--norc", "-i"]);
    let bash = bash.env("vault", env!("CARGO_BIN_EXE_vault"));
    let mut terminal = bash.env("PS1", "outer> ").on_terminal();
    terminal.expect("outer> ");
    let script = "echo begun-$((40+2)); while read x; do echo got-$x-; done; exit 3";
    terminal.enter(&format!("$vault exec --server dev -- sh -c '{script}'"));
    terminal.expect("begun-42");
    for line in ["first", "second", "third"] {
        terminal.types("\x1a");
        terminal.expect("Stopped");
        terminal.expect("outer> ");
        terminal.enter("fg");
        terminal.expect("while read");
        // A Ctrl-Z while the shell still hands over the terminal is lost, without vault too: it answers
        // first.
        terminal.enter(line);
        terminal.expect(&format!("got-{line}-"));
    }
    terminal.types("\x04");
    terminal.expect("outer> ");
    terminal.enter("echo left $?");
    terminal.expect("left 3");
    terminal.enter("exit");
    terminal.wait();
}

#[test]
fn a_shell_as_the_command_has_jobs_and_can_be_suspended() {
    let home = Home::signed_in();
    let bash = home.program("/bin/bash").args(&["--norc", "-i"]);
    let bash = bash.env("vault", env!("CARGO_BIN_EXE_vault"));
    let mut terminal = bash.env("PS1", "shell> ").on_terminal();
    terminal.expect("shell> ");
    terminal.enter("$vault exec --server dev -- env PS1='inner> ' bash --norc -i");
    terminal.expect("inner> ");
    terminal.enter("sh -c 'echo job-$((40+2)); read x; echo got-$x-'");
    terminal.expect("job-42");
    terminal.types("\x1a");
    terminal.expect("Stopped");
    terminal.expect("inner> ");
    // Not `kill %1`: bash may hold a job that it has killed for a stopped one, without vault too.
    terminal.enter("fg");
    terminal.expect("read x");
    terminal.enter("this");
    terminal.expect("got-this-");
    terminal.expect("inner> ");
    terminal.enter("echo as $AWS_VAULT");
    terminal.expect("as dev");
    terminal.expect("inner> ");
    for _ in 0..2 {
        terminal.enter("suspend");
        terminal.expect("Stopped");
        terminal.expect("shell> ");
        terminal.enter("fg");
        terminal.expect("bash --norc -i");
        terminal.enter("echo back-$((40+2))");
        terminal.expect("back-42");
        terminal.expect("inner> ");
    }
    terminal.enter("exit 6");
    terminal.expect("shell> ");
    terminal.enter("echo left $?");
    terminal.expect("left 6");
    terminal.enter("exit");
    terminal.wait();
}

/// It would stop vault, and with it the server, where the terminal is a shell's.
#[test]
fn a_credential_process_that_asks_on_the_terminal_is_ended_behind_a_command() {
    let home = Home::new();
    let token = home.aws.make_secret("IQoJb3JpZ2luX2VjE", 300);
    let script = format!(
        "#!/bin/sh\nif [ -e asked ]; then read x </dev/tty; fi\n>asked\n\
         end=$(date -u -d '+6 minutes' +%Y-%m-%dT%H:%M:%SZ)\n\
         echo \"{{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"ASIA1\\\", \\\"Expiration\\\": \\\"$end\\\", \
         \\\"SecretAccessKey\\\": \\\"{token}\\\", \\\"SessionToken\\\": \\\"{token}\\\"}}\"\n"
    );
    home.write_script("bin/helper", &script);
    home.add_config("[profile helped]\ncredential_process = helper\n");
    let exec = "exec --server helped -- env PS1='inner> ' bash --norc -i";
    let ask = "curl -s -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" \
               $AWS_CONTAINER_CREDENTIALS_FULL_URI | grep -c ASIA1";
    let mut terminal = shell(&home, &format!("$vault {exec}; echo left $?")).on_terminal();
    terminal.expect("inner> ");
    terminal.enter(ask);
    terminal.expect("\n1\n");
    terminal.expect("`helper` wants to ask on the terminal");
    terminal.enter(ask);
    terminal.expect("\n1\n");
    terminal.enter("exit 4");
    terminal.expect("left 4");
    terminal.wait();
}

#[test]
fn a_person_signs_in_before_the_command_starts() {
    let home = Home::consenting();
    let exec = [
        "exec",
        "--server",
        "dev",
        "--",
        "sh",
        "-c",
        "echo as $AWS_VAULT",
    ];
    let mut terminal = home.vault(&exec).with_browser().on_terminal();
    terminal.expect("Signing in to corp");
    terminal.expect("as dev");
    assert_eq!(terminal.wait().code, 0);
}
