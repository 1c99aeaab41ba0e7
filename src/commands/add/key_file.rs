//! The file of a key that the AWS console lets one download, once: CSV whose first line names its
//! columns, and has done so in several ways over the years.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::commands::context::shown_id;
use crate::credentials::{LongLivedKey, Secret};
use crate::error::{Error, Kind};

/// One with a key for each user of a large company has a tenth of this.
const LONGEST: u64 = 1024 * 1024;

/// What the two columns are called, in small letters.
const ID: &str = "access key id";
const SECRET: &str = "secret access key";

/// Why a file gives no key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Flaw {
    #[error("its first line names no `Access key ID` and no `Secret access key`")]
    NoKeyFile,
    #[error("line {0} has no key")]
    NoKey(u64),
    #[error("it names its columns, and has no key")]
    Empty,
    #[error("it has several keys: {}", .0.join(", "))]
    Several(Vec<String>),
}

/// The one key in a file.
pub(super) fn read(path: &Path) -> Result<LongLivedKey, Error> {
    let place = path.display();
    let failed =
        |why: String| Error::new(Kind::Failed, format!("{place} gives no key")).caused_by(why);
    let text = bytes(path).map_err(|error| failed(error.to_string()))?;
    parse(text.expose()).map_err(|flaw| {
        let made = failed(flaw.to_string());
        match flaw {
            Flaw::Several(_) => {
                made.hint("leave the one line in it that is meant, below the first")
            }
            _ => made.hint("it is to be the file that IAM lets one download when it makes a key"),
        }
    })
}

fn bytes(path: &Path) -> io::Result<Secret<Vec<u8>>> {
    let file = File::open(path)?;
    // Room for all of it, so that growing leaves no copies of secrets behind.
    let length = file.metadata()?.len().min(LONGEST);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    let read = file.take(LONGEST + 1).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    if u64::try_from(read?).is_ok_and(|read| read > LONGEST) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

fn parse(text: &[u8]) -> Result<LongLivedKey, Flaw> {
    // Excel marks its files so, and the console does it too.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text);
    let headers = reader.headers().map_err(|_| Flaw::NoKeyFile)?;
    let column = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
    let (Some(id), Some(secret)) = (column(ID), column(SECRET)) else {
        return Err(Flaw::NoKeyFile);
    };
    let mut keys: Vec<LongLivedKey> = Vec::new();
    for record in reader.records() {
        let record =
            record.map_err(|error| Flaw::NoKey(error.position().map_or(0, csv::Position::line)))?;
        let cell = |at: usize| record.get(at).filter(|cell| !cell.is_empty());
        let (Some(id), Some(secret)) = (cell(id), cell(secret)) else {
            return Err(Flaw::NoKey(
                record.position().map_or(0, csv::Position::line),
            ));
        };
        keys.push(LongLivedKey {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret.to_owned()),
        });
    }
    if keys.len() > 1 {
        return Err(Flaw::Several(
            keys.iter()
                .map(|key| shown_id(&key.access_key_id).to_owned())
                .collect(),
        ));
    }
    keys.pop().ok_or(Flaw::Empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    fn id(text: &str) -> Result<String, Flaw> {
        parse(text.as_bytes()).map(|key| {
            assert_eq!(key.secret_access_key.expose(), "wJalr/X+Utn");
            key.access_key_id
        })
    }

    #[test]
    fn every_form_that_the_console_has_had_is_read() {
        for text in [
            "Access key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE,wJalr/X+Utn\r\n",
            "\u{feff}Access key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE,wJalr/X+Utn",
            "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE, wJalr/X+Utn\n\n",
            "User Name,Access Key Id,Secret Access Key\n\"jo\",AKIAIOSFODNN7EXAMPLE,wJalr/X+Utn\n",
            "User name,Password,Access key ID,Secret access key,Console login link\r\n\
             jo,,AKIAIOSFODNN7EXAMPLE,wJalr/X+Utn,https://123456789012.signin.aws.amazon.com/console",
        ] {
            assert_eq!(id(text).as_deref(), Ok(KEY), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_key_file_says_why() {
        let table = [
            ("", Flaw::NoKeyFile),
            ("AKIAIOSFODNN7EXAMPLE,wJalr/X+Utn\n", Flaw::NoKeyFile),
            ("Date,Amount\n1,2\n", Flaw::NoKeyFile),
            ("Access key ID,Secret access key\n", Flaw::Empty),
            (
                "Access key ID,Secret access key\nAKIAIOSFODNN7EXAMPLE\n",
                Flaw::NoKey(2),
            ),
            (
                "Access key ID,Secret access key\n,wJalr/X+Utn\n",
                Flaw::NoKey(2),
            ),
            (
                "Access key ID,Secret access key\nAKIA1,a\nAKIA2,b\n",
                Flaw::Several(vec!["AKIA1".into(), "AKIA2".into()]),
            ),
        ];
        for (text, flaw) in table {
            assert_eq!(parse(text.as_bytes()), Err(flaw), "{text:?}");
        }
        assert_eq!(parse(b"\xff\xfe\x00"), Err(Flaw::NoKeyFile));
    }
}
