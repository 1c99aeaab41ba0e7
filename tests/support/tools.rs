//! The programs that the tests need. A missing one fails the test and names its package: a test
//! that is skipped in silence proves nothing.

use std::path::{Path, PathBuf};

/// Where programs are looked for, in the tests and in what they run.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program of the system, by the Debian package that has it.
pub fn need(program: &str, package: &str) -> PathBuf {
    let mut places = PATH
        .split(':')
        .map(|folder| Path::new(folder).join(program));
    let found = places.find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("no `{program}` here: install Debian's package {package}"))
}

/// A file of the system that is no program, by the Debian package that has it.
pub fn need_file(path: &str, package: &str) -> PathBuf {
    let place = PathBuf::from(path);
    assert!(
        place.is_file(),
        "no {path} here: install Debian's package {package}"
    );
    place
}

/// The real AWS CLI, version 2.
pub fn aws_cli() -> PathBuf {
    of_setup("aws")
}

/// A Python that has boto3.
pub fn python() -> PathBuf {
    of_setup("python/bin/python3")
}

/// Node.js, and the folder to run it in so that `@aws-sdk/client-sts` and
/// `@aws-sdk/credential-providers` are found.
pub fn node() -> (PathBuf, PathBuf) {
    (need("node", "nodejs"), of_setup("node"))
}

fn of_setup(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools");
    let place = place.join(name);
    assert!(place.exists(), "no {} here: run .ci/setup", place.display());
    place
}
