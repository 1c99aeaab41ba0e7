//! Completion, by the shells themselves: real Tab presses on a terminal, and `complete -C` in fish. And the
//! manual pages.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::help::commands;
use crate::support::fake_aws::FakeAws;
use crate::support::home::{Home, STANDARD_CONFIG};
use crate::support::run::Run;
use crate::support::terminal::Terminal;
use crate::support::tools;

/// Names that a shell would take apart.
const ODD_PROFILES: &str = "
[profile 'my prof']
[profile \"it's $x\"]
[profile team:admin]
";

/// A home whose `vault` is on the `PATH`, and in it a file to complete.
fn home() -> Home {
    let home = Home::empty(FakeAws::start());
    home.write(".aws/config", &format!("{STANDARD_CONFIG}{ODD_PROFILES}"));
    home.write("subject-file", "");
    symlink(env!("CARGO_BIN_EXE_vault"), home.path("bin/vault")).unwrap();
    home
}

/// A line as it is typed, Tab presses and all, and the words that the shell has then.
type Typed = (&'static str, &'static [&'static str]);

/// What bash and zsh make of a line alike.
const TYPED: &[Typed] = &[
    ("vault li\t", &["vault", "list"]),
    ("vault exec my\t", &["vault", "exec", "my prof"]),
    ("vault exec my\\ p\t", &["vault", "exec", "my prof"]),
    ("vault exec 'my p\t", &["vault", "exec", "my prof"]),
    ("vault exec \"my p\t", &["vault", "exec", "my prof"]),
    ("vault exec it\t", &["vault", "exec", "it's $x"]),
    ("vault exec te\t", &["vault", "exec", "team:admin"]),
    ("vault exec team:a\t", &["vault", "exec", "team:admin"]),
    (
        "vault clear dev my\t",
        &["vault", "clear", "dev", "my prof"],
    ),
    ("vault login co\t", &["vault", "login", "corp"]),
    ("vault login my\t", &["vault", "login", "my prof"]),
    (
        "vault configure sync co\t",
        &["vault", "configure", "sync", "corp"],
    ),
    (
        "vault exec --region eu-n\t",
        &["vault", "exec", "--region", "eu-north-1"],
    ),
    (
        "vault exec --region=eu-n\t",
        &["vault", "exec", "--region=eu-north-1"],
    ),
    (
        "vault --backend keyu\t",
        &["vault", "--backend", "keyutils"],
    ),
    (
        "vault export --format pow\t",
        &["vault", "export", "--format", "powershell"],
    ),
    (
        "vault console prod -s appc\t",
        &["vault", "console", "prod", "-s", "appconfig"],
    ),
    ("vault exec --no-s\t", &["vault", "exec", "--no-session"]),
    (
        "vault completions el\t",
        &["vault", "completions", "elvish"],
    ),
    (
        "vault completions --man ru\t",
        &["vault", "completions", "--man", "run/"],
    ),
    // Where a command begins, and behind it.
    (
        "vault exec prod \ttrue",
        &["vault", "exec", "prod", "--", "true"],
    ),
    (
        "vault exec prod -- setsi\t",
        &["vault", "exec", "prod", "--", "setsid"],
    ),
    (
        "vault exec -- ls subj\t",
        &["vault", "exec", "--", "ls", "subject-file"],
    ),
];

/// Types each line, and looks at its words by making them `printf`'s.
fn try_all(terminal: &mut Terminal<'_>, typed: &[Typed]) {
    for (line, words) in typed {
        terminal.types(line);
        // To the beginning of the line.
        terminal.enter("\x01printf '<%s>' ");
        let shown: String = words.iter().map(|word| format!("<{word}>")).collect();
        terminal.expect(&shown);
    }
}

fn shell<'h>(home: &'h Home, program: &str, arguments: &[&str]) -> Run<'h> {
    home.program(tools::need(program, program)).args(arguments)
}

#[test]
fn bash_completes_at_tab() {
    let home = home();
    let mut terminal = shell(&home, "bash", &["--norc", "--noprofile"]).on_terminal();
    terminal.enter("source <(vault completions bash)");
    try_all(&mut terminal, TYPED);
}

#[test]
fn bash_completes_a_command_behind_exec_as_its_own_completion_does() {
    let home = home();
    let mut terminal = shell(&home, "bash", &["--norc", "--noprofile"]).on_terminal();
    let file = "/usr/share/bash-completion/bash_completion";
    let file = tools::need_file(file, "bash-completion");
    terminal.enter(&format!("source {}", file.display()));
    terminal.enter("source <(vault completions bash)");
    let nested = "vault exec dev -- vault login co\t";
    let typed: [Typed; 2] = [
        (
            nested,
            &["vault", "exec", "dev", "--", "vault", "login", "corp"],
        ),
        (
            "vault exec dev -- setsi\t",
            &["vault", "exec", "dev", "--", "setsid"],
        ),
    ];
    try_all(&mut terminal, &typed);
    try_all(&mut terminal, TYPED);
}

#[test]
fn bash_lists_what_a_word_can_become() {
    let home = home();
    let mut terminal = shell(&home, "bash", &["--norc", "--noprofile"]).on_terminal();
    terminal.enter("source <(vault completions bash)");
    terminal.types("vault exec \t\t");
    for name in ["dev", "it\\'s\\ \\$x", "my\\ prof", "prod", "team:admin"] {
        terminal.expect(name);
    }
    // Nobody has begun an option.
    assert!(
        !terminal.screen().contains("--region"),
        "{}",
        terminal.screen()
    );
    terminal.types("--\t\t");
    terminal.expect("--region");
}

#[test]
fn zsh_completes_at_tab() {
    let home = home();
    let mut terminal = shell(&home, "zsh", &["-f"]).on_terminal();
    terminal
        .enter("bindkey -e; autoload -U compinit; compinit -D; source <(vault completions zsh)");
    try_all(&mut terminal, TYPED);
    let nested = "vault exec dev -- vault login co\t";
    let words: &[&str] = &["vault", "exec", "dev", "--", "vault", "login", "corp"];
    try_all(&mut terminal, &[(nested, words)]);
}

#[test]
fn zsh_takes_the_script_from_a_file_of_its_own() {
    let home = home();
    let script = home
        .vault(&["completions", "zsh"])
        .output()
        .success()
        .stdout;
    home.write("functions/_vault", &script);
    let mut terminal = shell(&home, "zsh", &["-f"]).on_terminal();
    terminal.enter("bindkey -e; fpath=(~/functions $fpath); autoload -U compinit; compinit -D");
    // At the first press already.
    try_all(&mut terminal, &TYPED[..2]);
    terminal.types("vault li\t");
    terminal.types("\x15vault exec \t");
    terminal.expect("team:admin");
}

/// What fish offers for a line.
fn fish(home: &Home, line: &str) -> Vec<String> {
    let script = "vault completions fish | source; complete --do-complete $argv[1]";
    let run = shell(home, "fish", &["--no-config", "-c", script, line]);
    let output = run.output().success();
    assert_eq!(output.stderr, "", "{output:?}");
    let offered = output.stdout;
    let word = |line: &str| line.split('\t').next().unwrap().to_owned();
    offered.lines().map(word).collect()
}

#[test]
fn fish_completes() {
    let home = home();
    let table: [(&str, &[&str]); 13] = [
        ("vault li", &["list"]),
        (
            "vault exec ",
            &["dev", "prod", "my prof", "it's $x", "team:admin"],
        ),
        ("vault exec my", &["my prof"]),
        ("vault exec my\\ p", &["my prof"]),
        ("vault exec 'my p", &["my prof"]),
        ("vault exec team:", &["team:admin"]),
        ("vault login co", &["corp"]),
        ("vault exec --region=eu-n", &["--region=eu-north-1"]),
        ("vault exec prod --region eu-n", &["eu-north-1"]),
        ("vault completions --man ru", &["run/"]),
        ("vault exec prod -- vault login co", &["corp"]),
        ("vault exec -- ls subj", &["subject-file"]),
        ("vault exec prod -- setsi", &["setsid"]),
    ];
    for (line, offered) in table {
        assert_eq!(fish(&home, line), offered, "{line}");
    }
}

#[test]
fn elvish_completes_at_tab() {
    let home = home();
    let script = home
        .vault(&["completions", "elvish"])
        .output()
        .success()
        .stdout;
    home.write("rc.elv", &script);
    let rc = home.path("rc.elv");
    let mut terminal = shell(&home, "elvish", &["-rc", &rc.to_string_lossy()]).on_terminal();
    for (typed, words) in [
        ("vault li\t", "<vault><list>"),
        // What it puts quotes around it shows first: Enter takes it.
        ("vault exec my\t\r", "<vault><exec><my prof>"),
        ("vault exec it\t\r", "<vault><exec><it's $x>"),
        ("vault exec prod \ttrue", "<vault><exec><prod><--><true>"),
        ("vault login co\t", "<vault><login><corp>"),
        (
            "vault exec --region=eu-n\t\r",
            "<vault><exec><--region=eu-north-1>",
        ),
        (
            "vault exec prod -- ls subj\t",
            "<vault><exec><prod><--><ls><subject-file>",
        ),
        (
            "vault exec dev -- vault login co\t",
            "<vault><exec><dev><--><vault><login><corp>",
        ),
    ] {
        terminal.types(typed);
        // Home; the external program, since elvish's own prints another way.
        terminal.enter("\x1b[1~e:printf '<%s>' ");
        terminal.expect(words);
    }
}

/// What vault answers where a shell asks by the plain protocol.
fn ask<'h>(home: &'h Home, words: &[&str]) -> Run<'h> {
    let count = words.len().to_string();
    let run = home.vault(&["--", &count]).args(words);
    run.env("AWS_VAULT_COMPLETE", "fish")
}

/// Looks at a command and at all below it: what its help says it takes is offered. How many there were.
fn look(home: &Home, words: &[String]) -> usize {
    let help = home
        .vault(words)
        .args(&["--help"])
        .output()
        .success()
        .stdout;
    let offers = |more: &[&str], word: &str| {
        let all = ["vault"]
            .into_iter()
            .chain(words.iter().map(String::as_str));
        let all: Vec<_> = all.chain(more.iter().copied()).collect();
        let offered = ask(home, &all).output().success();
        assert!(offered.stdout.contains(&format!("{word}\t")), "{offered:?}");
    };
    let usage = help
        .lines()
        .find(|line| line.starts_with("Usage: "))
        .unwrap();
    for (value, word) in [("PROFILE", "prod"), ("SSO-SESSION", "corp")] {
        if usage.contains(value) {
            offers(&[""], word);
        }
    }
    for (option, begun, word) in [
        ("--region <REGION>", "eu-n", "eu-north-1"),
        ("--backend <KEYSTORE>", "", "keyutils"),
        ("--service <SERVICE>", "appc", "appconfig"),
    ] {
        if help.contains(option) {
            offers(&[option.split(' ').next().unwrap(), begun], word);
        }
    }
    let below = commands(&help).into_iter().map(|name| {
        let words: Vec<_> = words.iter().cloned().chain([name]).collect();
        look(home, &words)
    });
    1 + below.sum::<usize>()
}

#[test]
fn every_command_offers_what_its_help_says_that_it_takes() {
    let looked_at = look(&home(), &[]);
    assert!(looked_at >= 9, "only {looked_at} were found");
}

#[test]
fn names_come_from_the_file_that_the_variable_names() {
    let home = home();
    home.write("elsewhere", "[profile far]\n[sso-session away]\n");
    let run = ask(&home, &["vault", "login", ""]);
    let run = run.env("AWS_CONFIG_FILE", home.path("elsewhere").to_string_lossy());
    assert_eq!(run.output().success().stdout, "away\t\nfar\t\n");
}

#[test]
fn a_configuration_that_cannot_be_read_offers_nothing_and_says_nothing() {
    let home = home();
    for broken in ["[profile dev\n", "junk"] {
        home.write(".aws/config", broken);
        let output = ask(&home, &["vault", "exec", "d"]).output();
        output.success().silent();
    }
    home.write(".aws/config", STANDARD_CONFIG);
    // vault's own settings are not needed to know names.
    home.write(".config/vault/config.toml", "bakend = 1");
    let output = ask(&home, &["vault", "exec", "d"]).output().success();
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("dev\t\n", "")
    );
}

#[test]
fn nothing_is_opened_to_complete() {
    let home = home();
    ask(&home, &["vault", "exec", ""]).output().success();
    assert!(!home.path(".local/share/vault").exists());
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn an_empty_word_that_windows_powershell_loses_is_one() {
    let home = home();
    let run = home.vault(&["--", "3", "vault", "exec"]);
    let run = run.env("AWS_VAULT_COMPLETE", "powershell");
    let offered = run.output().success().stdout;
    assert!(offered.starts_with("dev\t\nprod\t\n"), "{offered}");
}

#[test]
fn a_shell_that_nobody_knows_is_said_with_those_that_there_are() {
    let home = home();
    let output = home.vault(&["completions", "tcsh"]).output().expect_code(2);
    output.says(&["tcsh", "bash, zsh, fish, powershell, elvish"]);
    home.vault(&["completions"])
        .output()
        .expect_code(2)
        .says(&["<SHELL>"]);
    let run = home.vault(&["exec"]).env("AWS_VAULT_COMPLETE", "tcsh");
    run.output().expect_code(1).says(&["unknown shell `tcsh`"]);
    // As it can be switched off.
    let run = home
        .vault(&["list", "--names"])
        .env("AWS_VAULT_COMPLETE", "0");
    assert!(run.output().success().stdout.starts_with("dev\n"));
}

#[test]
fn what_a_release_packs_has_every_shell_and_a_page_for_every_command() {
    let home = home();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/pack-extras");
    let folder = home.path("packed");
    let arguments = [env!("CARGO_BIN_EXE_vault"), &folder.to_string_lossy()];
    home.program(script)
        .args(&arguments)
        .output()
        .success()
        .silent();
    for file in [
        "vault.bash",
        "_vault",
        "vault.fish",
        "vault.elv",
        "vault.ps1",
    ] {
        assert!(
            home.read(&format!("packed/completions/{file}"))
                .contains("AWS_VAULT_COMPLETE")
        );
    }
    for page in [
        "vault.1",
        "vault-exec.1",
        "vault-configure-sync.1",
        "vault-completions.1",
    ] {
        let place = folder.join("man").join(page);
        assert!(place.is_file(), "{page}");
        let lint = home.program(tools::need("mandoc", "mandoc"));
        let lint = lint.args(&["-T", "lint", "-W", "error", &place.to_string_lossy()]);
        lint.output().success().silent();
    }
    let shown = home.program(tools::need("mandoc", "mandoc"));
    let page = folder.join("man/vault-exec.1");
    let shown = shown
        .args(&["-T", "utf8", &page.to_string_lossy()])
        .output()
        .success();
    // Bold letters are printed twice, one on the other.
    let mut letters: Vec<char> = Vec::new();
    for letter in shown.stdout.chars() {
        match letter {
            '\u{8}' => drop(letters.pop()),
            letter => letters.push(letter),
        }
    }
    let shown: String = letters.into_iter().collect();
    for text in [
        "NAME\n",
        "vault exec prod -- aws s3 ls",
        "--region <REGION>",
    ] {
        assert!(shown.contains(text), "{shown}");
    }
}

#[test]
fn pages_that_cannot_be_written_are_an_error() {
    let home = home();
    home.write("file", "");
    let output = home.vault(&["completions", "--man", "file/man"]).output();
    output.expect_code(1).says(&[
        "error: cannot write manual pages to `file/man`",
        "caused by: ",
    ]);
}
