//! Completion of vault's command line by a shell. A small script in the shell asks vault at each Tab, and
//! vault answers from clap's own types and from the AWS files as they are now.
//!
//! What stands for a value in a usage line (`PROFILE`, `REGION`) decides what is offered for it, so that a
//! new option has its completion by its name. No keystore is opened and no network is used; where the
//! configuration can't be read, nothing is offered and nothing is said.

mod bash;
mod lines;
mod values;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, ValueHint};
use clap_complete::engine::{self, ArgValueCandidates, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use crate::env;
use bash::Bash;
use lines::Lines;

/// What is completed, and what is run to know how: not a path, so that the script outlives a move.
const PROGRAM: &str = "vault";

/// The shells, each with the script that makes it ask.
const SHELLS: Shells<'static> = Shells(&[
    &Bash,
    &Lines {
        name: "zsh",
        script: include_str!("complete/vault.zsh"),
    },
    &Lines {
        name: "fish",
        script: include_str!("complete/vault.fish"),
    },
    &Lines {
        name: "powershell",
        script: include_str!("complete/vault.ps1"),
    },
    &Lines {
        name: "elvish",
        script: include_str!("complete/vault.elv"),
    },
]);

/// The names of the shells.
pub fn shells() -> impl Iterator<Item = &'static str> {
    SHELLS.names()
}

/// The script for a shell of [`shells`]; empty for any other.
pub fn script(shell: &str) -> String {
    let mut script = Vec::new();
    if let Some(shell) = SHELLS.completer(shell) {
        let variable = env::AWS_VAULT_COMPLETE;
        let written = shell.write_registration(variable, PROGRAM, PROGRAM, PROGRAM, &mut script);
        written.expect("memory takes all");
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// Answers a shell, where one asks: `AWS_VAULT_COMPLETE` names it, and behind `--` are the words. `None`
/// in every other run.
pub fn answer(command: impl Fn() -> Command) -> Option<ExitCode> {
    env::var_os(env::AWS_VAULT_COMPLETE)?;
    let directory = std::env::current_dir().ok();
    let completion = CompleteEnv::with_factory(|| with_values(command()))
        .var(env::AWS_VAULT_COMPLETE)
        .bin(PROGRAM)
        .completer(PROGRAM)
        .shells(SHELLS);
    match completion.try_complete(std::env::args_os(), directory.as_deref()) {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(error) => {
            // Scripts send it where nobody sees it; it is for who writes another.
            let _ = error.print();
            Some(ExitCode::FAILURE)
        }
    }
}

/// Lets every argument of the command, and of those below it, offer what its place in the usage line
/// stands for.
fn with_values(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        if argument.is_last_set() {
            // Asked for what stands before it: behind it the scripts ask for the command's own completion.
            return argument.add(ArgValueCandidates::new(|| {
                vec![CompletionCandidate::new("--")]
            }));
        }
        let names = argument.get_value_names().unwrap_or_default();
        let name = match names {
            [name] => name.to_string(),
            // What clap shows where none is given.
            _ => argument.get_id().as_str().to_uppercase(),
        };
        match values::of(&name) {
            Some(values) => argument.add(ArgValueCandidates::new(move || {
                let values = values();
                values.into_iter().map(CompletionCandidate::new).collect()
            })),
            None => match name.as_str() {
                "FILE" => argument.value_hint(ValueHint::FilePath),
                "DIR" => argument.value_hint(ValueHint::DirPath),
                _ => argument,
            },
        }
    });
    command.mut_subcommands(with_values)
}

/// What the last of the words can become. Options are offered to who begins one, and where there is
/// nothing else.
fn candidates(
    command: &mut Command,
    words: Vec<OsString>,
    directory: Option<&Path>,
) -> Vec<CompletionCandidate> {
    let Some(last) = words.len().checked_sub(1) else {
        return Vec::new();
    };
    let is_option = |text: &OsStr| text != "--" && text.as_encoded_bytes().starts_with(b"-");
    let begun = words[last].as_encoded_bytes().starts_with(b"-");
    let mut found = engine::complete(command, words, last, directory).unwrap_or_default();
    if !begun && found.iter().any(|found| !is_option(found.get_value())) {
        found.retain(|found| !is_option(found.get_value()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_asks_by_the_variable_that_vault_looks_at() {
        let shells: Vec<_> = shells().collect();
        assert_eq!(shells, ["bash", "zsh", "fish", "powershell", "elvish"]);
        for shell in shells {
            assert!(script(shell).contains(env::AWS_VAULT_COMPLETE), "{shell}");
        }
    }
}
