//! A file of tests that `main.rs` does not list is never compiled and never fails.

use std::fs;
use std::path::Path;

#[test]
fn every_file_is_listed_in_main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_module = path.extension().is_some_and(|end| end == "rs") && name != "main";
        if is_module {
            let listed = main.lines().any(|line| line == format!("mod {name};"));
            assert!(listed, "tests/cli/main.rs does not list {name}");
        }
    }
}
