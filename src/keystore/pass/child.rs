//! Runs a helper program with a time limit: something in, something out, and its last words.

use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::credentials::Secret;
use crate::keystore::KeystoreError;
use crate::keystore::limit::{Calls, PATIENCE, UNTIL_TOLD};

/// Between two looks whether it has ended: the program itself takes some 30 ms.
const PAUSE: Duration = Duration::from_millis(2);

/// After the program has ended its pipes should be closed; a helper of its own that keeps them
/// open is not waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Room for any value of ours, so that no half-read copy is left behind by growing.
const ROOM: usize = 256 * 1024;

/// More of its words would not help anybody.
const WORDS: usize = 300;

/// What became of it.
pub struct Output {
    /// Whether it says that it did what it should.
    pub success: bool,
    /// Its standard output.
    pub out: Secret<Vec<u8>>,
    /// The end of its standard error.
    pub said: String,
}

/// Runs `command` with `input` as its standard input.
///
/// # Errors
///
/// It is not there, can't be started, or takes too long: then it is killed.
pub fn run(mut command: Command, input: &[u8], calls: &Calls) -> Result<Output, KeystoreError> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => KeystoreError::Missing {
            reason: format!("the program {program} is not installed"),
        },
        _ => KeystoreError::failed(format!("{program} could not be started: {error}")),
    })?;
    let input = Secret::new(input.to_vec());
    if let Some(mut pipe) = child.stdin.take() {
        // A program that reads nothing must not stop us; it will say itself why it did not.
        thread::spawn(move || drop(pipe.write_all(input.expose())));
    }
    let out = collect(child.stdout.take());
    let said = collect(child.stderr.take());
    let status = wait(&mut child, calls)?;
    let heard = |pipe: Receiver<Secret<Vec<u8>>>| pipe.recv_timeout(LAST_WORDS);
    Ok(Output {
        success: status.success(),
        said: heard(said).map_or_else(|_| String::new(), |said| last_words(said.expose())),
        out: heard(out).map_err(|_| calls.timed_out())?,
    })
}

fn wait(child: &mut Child, calls: &Calls) -> Result<ExitStatus, KeystoreError> {
    let start = Instant::now();
    loop {
        let status = child
            .try_wait()
            .map_err(|error| KeystoreError::failed(error.to_string()))?;
        if let Some(status) = status {
            return Ok(status);
        }
        let elapsed = start.elapsed();
        if elapsed > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return Err(calls.timed_out());
        }
        if elapsed > UNTIL_TOLD {
            calls.tell();
        }
        thread::sleep(PAUSE);
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> Receiver<Secret<Vec<u8>>> {
    let (tell, hear) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(ROOM));
        let read = pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes));
        if read.is_ok() {
            let _ = tell.send(Secret::new(std::mem::take(&mut *bytes)));
        }
    });
    hear
}

/// The last lines, as one line without control characters.
fn last_words(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    let words = last.chars().filter(|c| !c.is_control());
    words.take(WORDS).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_one_line_of_bearable_length() {
        assert_eq!(last_words(b"a\n\nb\x1b[31m\nc \nd\n"), "b[31m; c; d");
        assert_eq!(last_words(b""), "");
        assert_eq!(
            last_words("é".repeat(1000).as_bytes()).chars().count(),
            WORDS
        );
    }
}
