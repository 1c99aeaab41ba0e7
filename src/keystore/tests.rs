//! Names of backends, and what an error says.

use std::error::Error as _;
use std::path::Path;

use super::*;

#[test]
fn a_backend_is_its_name() {
    for backend in Backend::ALL {
        assert_eq!(backend.to_string().parse::<Backend>().unwrap(), backend);
    }
    let error = "keychains".parse::<Backend>().unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown keystore `keychains`: it is one of auto, os, keyutils, pass, file"
    );
    assert!("".parse::<Backend>().is_err());
    assert!("File".parse::<Backend>().is_err());
}

#[test]
fn what_aws_vault_calls_a_backend_is_understood() {
    let table = [
        ("keychain", Backend::Os),
        ("secret-service", Backend::Os),
        ("kwallet", Backend::Os),
        ("wincred", Backend::Os),
        ("keyctl", Backend::Keyutils),
        ("pass", Backend::Pass),
        ("file", Backend::File),
    ];
    for (name, backend) in table {
        assert_eq!(name.parse::<Backend>().unwrap(), backend, "{name}");
    }
}

#[test]
fn errors_are_fragments_that_do_not_repeat_their_source() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = KeystoreError::io("write", Path::new("/x/keystore.new"))(full);
    assert_eq!(error.to_string(), "could not write /x/keystore.new");
    assert!(error.source().is_some());
    let error = KeystoreError::TimedOut {
        what: "the program pass".to_owned(),
        after: Duration::from_secs(60),
    };
    assert_eq!(
        error.to_string(),
        "the program pass did not answer within 60 s"
    );
}

#[test]
fn opening_the_file_keystore_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        directory: directory.path().join("vault"),
        passphrase: None,
        ask: Box::new(|_| panic!("nobody is asked")),
        unlocked_for: Duration::ZERO,
        password_store: directory.path().to_path_buf(),
        hidden_variables: &[],
        waiting: Arc::new(|| ()),
    };
    let opened = open(Backend::File, options).unwrap();
    assert_eq!(opened.backend, Backend::File);
    assert!(opened.store.get("a").unwrap().is_none());
    assert!(!directory.path().join("vault").exists());
}
