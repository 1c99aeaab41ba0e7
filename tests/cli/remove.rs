//! `vault remove`: the key goes with what was got with it, after a yes; what stays is said.

use std::fs;

use crate::support::home::Home;
use crate::support::run::Run;

#[test]
fn a_key_goes_with_its_sessions_after_a_yes() {
    let (home, key) = Home::with_stored_key();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\nsource_profile = jo\n",
    );
    home.exec("jo", &["true"]).output().success();
    home.vault(&["exec", "-d", "2h", "jo", "--", "true"])
        .output()
        .success();
    home.exec("deploy", &["true"]).output().success();
    let config = home.read(".aws/config");
    // Enter alone is a no.
    let mut terminal = home.vault(&["remove", "jo"]).on_terminal();
    terminal.expect(&format!(
        "Remove the key {} of jo from the keystore?",
        key.id
    ));
    terminal.enter("");
    terminal.expect("stays");
    assert_eq!(terminal.wait().code, 0);
    home.exec("jo", &["true"]).output().success().silent();

    let mut terminal = home.vault(&["remove", "jo"]).on_terminal();
    terminal.expect("Remove the key");
    terminal.enter("y");
    terminal.expect(&format!(
        "Removed the key {} of jo, and 3 sessions of it.",
        key.id
    ));
    terminal.expect(&format!(
        "aws iam delete-access-key --access-key-id {}",
        key.id
    ));
    terminal.expect("The profile stays in the configuration.");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(home.read(".aws/config"), config);
    assert_eq!(
        home.listed("session-token/") + home.listed("assume-role/"),
        0
    );
    home.exec("jo", &["true"]).output().expect_code(125);
    // AWS was told nothing.
    assert_eq!(home.aws.user_keys("444444444444", "jo"), [key.id]);
}

#[test]
fn where_nobody_can_be_asked_only_force_removes_it() {
    let (home, key) = Home::with_stored_key();
    let output = home.vault(&["remove", "jo"]).output().expect_code(2);
    output.says(&["there is nobody to ask", &key.id, "hint: `--force`"]);
    home.exec("jo", &["true"]).output().success();
    let output = home.vault(&["remove", "jo", "--force"]).output().success();
    output.says(&["Removed the key", "and 1 session of it"]);
    let output = home
        .vault(&["remove", "jo", "--force"])
        .output()
        .expect_code(1);
    output.says(&["no key is stored for `jo`", "hint: `vault add jo`"]);
}

#[test]
fn a_name_without_a_stored_key_is_told_apart() {
    let (home, _) = Home::with_stored_key();
    for (name, says) in [
        (
            "joe",
            &["there is no profile `joe`", "did you mean `jo`"][..],
        ),
        ("dev", &["no key is stored for `dev`", "hint: "]),
    ] {
        for command in ["remove", "rotate"] {
            home.vault(&[command, name])
                .output()
                .expect_code(1)
                .says(says);
        }
    }
    home.write(
        ".aws/credentials",
        "[kim]\naws_access_key_id = AKIAEXAMPLEEXAMPLE12\naws_secret_access_key = x\n",
    );
    home.vault(&["remove", "kim"])
        .output()
        .expect_code(1)
        .says(&["no key is stored for `kim`", "--from-credentials-file"]);
    home.vault(&["remove"])
        .output()
        .expect_code(2)
        .says(&["<PROFILE>"]);
}

#[test]
fn a_key_whose_value_is_gone_can_be_removed_too() {
    let (home, key) = Home::with_stored_key();
    fs::remove_file(home.path(".local/share/vault/keystore")).unwrap();
    home.vault(&["remove", "jo", "--force"])
        .output()
        .success()
        .says(&[&key.id]);
    assert_eq!(home.listed("access-key/"), 0);
}

#[test]
fn a_key_that_was_replaced_and_not_listed_can_be_removed_at_the_second_try() {
    let (home, old) = Home::with_stored_key();
    let new = home.aws.add_user_key("444444444444", "jo");
    let entries = fs::read_dir(home.path(".local/share/vault/index/file")).unwrap();
    let mut entries = entries.map(|entry| entry.unwrap().path());
    let is_old = |path: &std::path::PathBuf| fs::read_to_string(path).unwrap().contains(&old.id);
    let entry = entries.find(is_old).unwrap();
    let before = fs::read(&entry).unwrap();
    home.vault(&["add", "jo", "--env", "--force"])
        .env("AWS_ACCESS_KEY_ID", &new.id)
        .env("AWS_SECRET_ACCESS_KEY", &new.secret)
        .output()
        .success();
    // As a run leaves it that is killed between the two.
    fs::write(&entry, before).unwrap();
    let remove = || home.vault(&["remove", "jo", "--force"]).output();
    let changed = format!("has changed meanwhile: it is {}", new.id);
    remove().expect_code(1).says(&[&changed, "run it again"]);
    remove()
        .success()
        .says(&[&format!("Removed the key {} of jo", new.id)]);
}

/// A `pass` that encrypts nothing: what a newer vault would have stored can be put there.
#[test]
fn a_key_that_a_newer_vault_stored_is_overwritten_by_nothing_and_can_be_removed() {
    let home = Home::new();
    let store = home.path("store/vault");
    fs::create_dir_all(&store).unwrap();
    let script = "#!/bin/sh\ncd \"$PASSWORD_STORE_DIR\"\ncase \"$1\" in\n\
        insert) mkdir -p \"$(dirname \"$4\")\"; cat >\"$4.gpg\";;\nmv) mv \"$3.gpg\" \"$4.gpg\";;\n\
        show) cat \"$2.gpg\";;\nrm) rm -f \"$3.gpg\";;\nesac\n";
    home.write_script("bin/pass", script);
    let with_pass = |run: Run<'_>| {
        let run = run.env("AWS_VAULT_BACKEND", "pass");
        run.env("PASSWORD_STORE_DIR", home.path("store").to_string_lossy())
            .output()
    };
    let key = home.aws.add_user_key("444444444444", "jo");
    with_pass(home.add_key("jo", &key)).success();
    let files = fs::read_dir(&store).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    let [file] = &files[..] else {
        panic!("not one entry: {files:?}");
    };
    // {"version":9}
    fs::write(file, "eyJ2ZXJzaW9uIjo5fQ==\n").unwrap();
    let newer = fs::read(file).unwrap();
    let says = [
        "the long-lived key of `jo` is stored in a form that this vault does not know",
        "hint: a newer vault stored it",
        "`vault remove jo` forgets it",
    ];
    let other = home.aws.add_user_key("444444444444", "jo");
    with_pass(home.add_key("jo", &other))
        .expect_code(1)
        .says(&says);
    with_pass(home.exec("jo", &["true"]))
        .expect_code(125)
        .says(&says);
    assert_eq!(fs::read(file).unwrap(), newer);
    with_pass(home.vault(&["remove", "jo", "--force"])).success();
    assert!(!file.exists());
    with_pass(home.add_key("jo", &other)).success();
    // It lies there in the clear, which is this test's doing.
    fs::remove_dir_all(&store).unwrap();
}
