//! Help that teaches: examples at every command, and the closest name for one that is wrong.

use crate::support::fake_aws::FakeAws;
use crate::support::home::Home;

fn home() -> Home {
    Home::empty(FakeAws::start())
}

/// The commands that a help page lists.
pub fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// Looks at the help of a command and of all below it; how many there were.
fn look(home: &Home, words: &[String]) -> usize {
    let run = home.vault(words).args(&["--help"]);
    let help = run.output().success().stdout;
    if !words.is_empty() {
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1);
        let of_it = format!("vault {}", words.join(" "));
        let count = examples.filter(|line| line.contains(&of_it)).count();
        assert!(count >= 2, "{words:?} has not two examples:\n{help}");
        // Whoever pastes a line runs it: what is said of it is a comment to the shell.
        let after = help.split("\nExamples:\n").nth(1).unwrap_or_default();
        for example in after.lines() {
            let said = example.trim_start().split_once("   ");
            let comment = said.is_none_or(|(_, said)| said.trim_start().starts_with("# "));
            assert!(comment, "{words:?}: {example}");
        }
    }
    let below = commands(&help).into_iter().map(|name| {
        let words: Vec<_> = words.iter().cloned().chain([name]).collect();
        look(home, &words)
    });
    1 + below.sum::<usize>()
}

#[test]
fn every_command_has_two_examples() {
    let looked_at = look(&home(), &[]);
    assert!(looked_at >= 7, "only {looked_at} were found");
}

#[test]
fn vault_alone_shows_the_four_commands_of_a_day() {
    let output = home().vault::<&str>(&[]).output().expect_code(2);
    for command in [
        "vault login ",
        "vault exec prod",
        "vault list ",
        "vault clear prod",
    ] {
        assert!(output.stderr.contains(command), "{output:?}");
    }
}

#[test]
fn an_unknown_command_names_the_closest() {
    let home = home();
    for (wrong, code, close) in [
        ("lst", 2, "'list'"),
        ("excec", 2, "'exec'"),
        ("confgure", 2, "'configure'"),
    ] {
        home.vault(&[wrong])
            .output()
            .expect_code(code)
            .says(&[close]);
    }
}

#[test]
fn without_a_configuration_every_way_in_leads_to_configure() {
    let home = home();
    let table: [(&[&str], i32); 4] = [
        (&["exec", "dev", "--", "true"], 125),
        (&["login"], 1),
        (&["login", "corp"], 1),
        (&["configure", "sync"], 1),
    ];
    for (arguments, code) in table {
        let output = home.vault(arguments).output().expect_code(code);
        output.says(&["hint: ", "vault configure"]);
    }
    home.vault(&["list"])
        .output()
        .success()
        .says(&["vault configure"]);
}
