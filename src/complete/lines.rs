//! Shells that give their words without quotes and quote by themselves what they insert: zsh, fish,
//! elvish. They are answered with a line for each candidate: the word, a tab, what it is. So is
//! PowerShell, whose script takes off and puts on the quotes.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_complete::env::EnvCompleter;

/// One of these shells.
pub struct Lines {
    /// What it is called.
    pub name: &'static str,
    /// What makes it ask.
    pub script: &'static str,
}

impl EnvCompleter for Lines {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is(&self, name: &str) -> bool {
        name == self.name
    }

    fn write_registration(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        out.write_all(self.script.as_bytes())
    }

    /// The first argument is how many words there are. Windows PowerShell loses an empty last one, which
    /// is a word that has not been begun.
    fn write_complete(
        &self,
        command: &mut Command,
        mut words: Vec<OsString>,
        directory: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let count = words.remove(0);
        let count = count.to_str().and_then(|count| count.parse().ok());
        words.resize(
            count.unwrap_or(words.len()).min(words.len() + 1),
            OsString::new(),
        );
        for candidate in super::candidates(command, words, directory) {
            let help = candidate.get_help().map(ToString::to_string);
            let help = help.as_deref().and_then(|help| help.lines().next());
            let word = candidate.get_value().to_string_lossy();
            writeln!(out, "{word}\t{}", help.unwrap_or_default())?;
        }
        Ok(())
    }
}
