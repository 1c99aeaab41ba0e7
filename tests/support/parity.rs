//! What botocore makes of generated AWS files (`parity.py`), and where vault differs on purpose.
//!
//! Two tests stand on it: one of `src/config` compares every key and value, one of `tests/cli`
//! compares what `vault list` shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The same seed makes the same files.
const SEED: &str = "20261124";
/// Enough that each kind of profile meets each kind of mistake; Python takes some five seconds for it.
const COUNT: &str = "600";

/// A pair of files, and what botocore makes of it.
pub struct Case {
    /// Which of the cases it is.
    pub number: usize,
    /// The configuration file.
    pub config: Vec<u8>,
    /// The credentials file.
    pub credentials: Vec<u8>,
    /// What botocore reads in them.
    pub read: Value,
}

/// Which of the two comparisons met a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// The files' keys and values.
    Values,
    /// Where the credentials come from.
    Sources,
}

/// A difference between vault and botocore.
#[derive(Debug)]
pub struct Met {
    /// The case, and the profile in it where it is about one.
    pub at: String,
    /// The files, for reading.
    pub files: String,
    /// What botocore says.
    pub theirs: String,
    /// What vault says.
    pub ours: String,
}

/// A difference that is meant.
struct Meant {
    /// Which comparisons meet it.
    found_in: &'static [In],
    /// Whether a difference is this one.
    is: fn(&Met) -> bool,
    /// Why vault differs.
    because: &'static str,
}

/// What `str.splitlines` takes for the end of a line and `configparser` does not, as `Met` shows it.
const PYTHONS_LINE_ENDS: [&str; 3] = ["\\u{b}", "\\u{c}", "\\u{2028}"];

/// What botocore says against half a sign-in.
const ABOUT_A_SIGN_IN: [&str; 4] = [
    "configured to use SSO",
    "The specified sso-session does not exist",
    "is inconsistent between profile",
    "InvalidRegionError",
];

/// All of them. The tests fail on a difference that is not here, and on one here that does not occur.
const MEANT: &[Meant] = &[
    Meant {
        found_in: &[In::Values, In::Sources],
        is: |met| met.theirs.contains("ParseError") && met.files.contains("\\u{feff}"),
        because: "a byte order mark is no mistake of the person's: an editor put it there, and the AWS \
            CLI does not say what it stumbles over",
    },
    Meant {
        found_in: &[In::Values, In::Sources],
        is: |met| {
            let ends = PYTHONS_LINE_ENDS.iter();
            met.theirs.contains("ParseError") && ends.into_iter().any(|end| met.files.contains(end))
        },
        because: "under an empty key botocore ends a line at characters that end none in the rest of the \
            file, and that no editor shows as a line's end",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| {
            met.theirs.contains("sso_start_url is inconsistent") && met.ours.starts_with("sso ")
        },
        because: "a start URL with a `/` or `#` at its end is the same place",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| met.theirs.contains("InfiniteLoop") && met.ours.starts_with("assume-role "),
        because: "a role whose profile names itself as its source is assumed with the profile's own \
            credentials, wherever they come from; botocore has that for keys in the files alone",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| {
            let of_it = ABOUT_A_SIGN_IN.iter().any(|what| met.theirs.contains(what));
            of_it && met.ours.starts_with("assume-role ")
        },
        because: "half a sign-in stands in no role's way; botocore trips over it where the role's \
            profile is its own source",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| {
            let keys = ["sso_region: `", "sso_session: "];
            met.theirs.starts_with("none ") && keys.iter().any(|key| is_about(met, key))
        },
        because: "an sso-session without account and role is for tokens: botocore looks at it when a \
            token is asked for, vault when it reads the profile",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| {
            met.theirs.contains("must have credentials") && met.ours.starts_with("assume-role ")
        },
        because: "the credentials of a source that has none in the files may be in vault's keystore",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| is_about(met, "duration_seconds: "),
        because: "botocore takes an hour, without a word, where a duration is no number",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| is_about(met, "is not an http or https URL"),
        because: "what is no URL is said with its line, and not first by the request that fails",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| is_about(met, "is not the 12 digits of an account"),
        because: "what is no account is said with its line, and not first by the portal's refusal",
    },
    Meant {
        found_in: &[In::Sources],
        is: |met| is_about(met, "needs profile `"),
        because: "of a profile that another one's role is assumed from, vault checks all; botocore, the \
            credentials alone",
    },
];

/// Whether botocore says nothing and vault says this.
fn is_about(met: &Met, what: &str) -> bool {
    !met.theirs.starts_with("error: ") && met.ours.starts_with("error: ") && met.ours.contains(what)
}

/// Makes the cases.
pub fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/tools/python/bin/python3");
    assert!(python.exists(), "no {}: run .ci/setup", python.display());
    let output = Command::new(python)
        .args(["-X", "utf8"])
        .arg(root.join("tests/support/parity.py"))
        .args([SEED, COUNT])
        .output()
        .expect("run Python");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).expect("JSON");
    let cases: Vec<_> = lines.lines().enumerate().map(case).collect();
    assert_eq!(cases.len().to_string(), COUNT, "{errors}");
    cases
}

fn case((number, line): (usize, &str)) -> Case {
    let read: Value = serde_json::from_str(line).expect("a line of JSON");
    let bytes = |key: &str| {
        let hex = read[key].as_str().expect("a file").as_bytes();
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).expect("two digits")
        };
        hex.chunks(2).map(byte).collect::<Vec<_>>()
    };
    Case {
        number,
        config: bytes("config"),
        credentials: bytes("credentials"),
        read,
    }
}

impl Case {
    /// Writes the pair into a folder.
    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("config"), &self.config).expect("a file");
        fs::write(folder.join("credentials"), &self.credentials).expect("a file");
    }

    /// What botocore says of the files as a whole, where it can't read them.
    pub fn error(&self) -> Option<&str> {
        self.read["error"].as_str()
    }

    /// A difference, with what is needed to understand it.
    pub fn met(&self, profile: &str, theirs: impl ToString, ours: impl ToString) -> Met {
        let text = |bytes| String::from_utf8_lossy(bytes).escape_debug().to_string();
        let text = |bytes| text(bytes).replace("\\n", "\n    ");
        Met {
            at: format!("case {} {profile}", self.number),
            files: format!(
                "config:\n    {}\n  credentials:\n    {}",
                text(&self.config),
                text(&self.credentials)
            ),
            theirs: theirs.to_string(),
            ours: ours.to_string(),
        }
    }
}

/// Fails where a difference is not meant, and where one that is meant does not occur.
pub fn judge(comparison: In, differences: &[Met]) {
    let mut occurred: BTreeMap<&str, usize> = BTreeMap::new();
    let mut not_meant = Vec::new();
    for met in differences {
        let mut meant = MEANT
            .iter()
            .filter(|meant| meant.found_in.contains(&comparison));
        match meant.find(|meant| (meant.is)(met)) {
            Some(meant) => *occurred.entry(meant.because).or_default() += 1,
            None => not_meant.push(met),
        }
    }
    let shown = not_meant.iter().take(3).map(|met| {
        let Met {
            at,
            files,
            theirs,
            ours,
        } = met;
        format!("{at}\n  botocore: {theirs}\n  vault:    {ours}\n  {files}\n")
    });
    let shown: String = shown.collect();
    let count = not_meant.len();
    assert_eq!(count, 0, "{count} differences that are not meant:\n{shown}");
    for meant in MEANT
        .iter()
        .filter(|meant| meant.found_in.contains(&comparison))
    {
        let because = meant.because;
        assert!(
            occurred.contains_key(because),
            "no longer a difference: {because}"
        );
    }
}
