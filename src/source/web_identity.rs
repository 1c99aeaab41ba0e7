//! The token of an identity provider, in a file that others write and renew (a Kubernetes cluster, a CI
//! system): what a role is assumed with that trusts the provider.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::credentials::Secret;

/// More than any token: STS takes 20,000 characters.
const LONGEST: u64 = 64 * 1024;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file is not there, or can't be read.
    #[error("cannot read the web identity token in `{}`", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// What is there is no token.
    #[error("there is no web identity token in `{}`: {}", .0.display(), .1)]
    NoToken(PathBuf, &'static str),
}

/// Reads the token, without the white space around it. It is read each time that it is needed: tokens
/// live for minutes.
///
/// # Errors
///
/// See [`TokenError`].
pub fn token(path: &Path) -> Result<Secret<String>, TokenError> {
    let unreadable = |error| TokenError::Unreadable(path.to_owned(), error);
    let no_token = |what| TokenError::NoToken(path.to_owned(), what);
    // A pipe would be waited for, for as long as nobody writes to it.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(no_token("it is not a file"));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(no_token("it is longer than any token"));
    }
    match std::str::from_utf8(&bytes).map(str::trim) {
        Err(_) => Err(no_token("it is not text")),
        Ok("") => Err(no_token("it is empty")),
        Ok(token) => Ok(Secret::new(token.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_stands_in_the_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("token");
        let long = "x".repeat(70_000);
        let table: [(&[u8], Result<&str, &str>); 5] = [
            (b"eyJ.x.y", Ok("eyJ.x.y")),
            (b" eyJ.x.y \n", Ok("eyJ.x.y")),
            (b"\n", Err("it is empty")),
            (b"\xff\xfe", Err("it is not text")),
            (long.as_bytes(), Err("it is longer than any token")),
        ];
        for (content, expected) in table {
            std::fs::write(&path, content).unwrap();
            match (token(&path), expected) {
                (Ok(token), Ok(expected)) => assert_eq!(token.expose(), expected),
                (Err(TokenError::NoToken(_, what)), Err(expected)) => assert_eq!(what, expected),
                (other, _) => panic!("{other:?}"),
            }
        }
        let directory = token(home.path());
        assert!(matches!(
            directory,
            Err(TokenError::NoToken(_, "it is not a file"))
        ));
        let missing = token(&home.path().join("missing"));
        assert!(matches!(missing, Err(TokenError::Unreadable(..))));
    }
}
