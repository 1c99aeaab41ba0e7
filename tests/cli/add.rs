//! `vault add`: a long-lived key into the keystore from wherever a person has it, the files that had
//! it in the clear, and what is refused.

use std::fs;

use crate::support::fake_aws::UserKey;
use crate::support::home::Home;
use crate::support::run::{Output, Run};

const ACCOUNT: &str = "444444444444";
const DEVICE: &str = "arn:aws:iam::444444444444:mfa/jo";

fn home() -> (Home, UserKey) {
    let home = Home::new();
    let key = home.aws.add_user_key(ACCOUNT, "jo");
    (home, key)
}

fn add<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    home.vault(&["add", "jo"]).args(arguments)
}

fn with_env<'h>(run: Run<'h>, key: &UserKey) -> Run<'h> {
    run.env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret)
}

fn csv(key: &UserKey) -> String {
    let (id, secret) = (&key.id, &key.secret);
    format!("\u{feff}Access key ID,Secret access key\r\n{id},{secret}\r\n")
}

/// Whether a session of this very key is what a command gets.
#[track_caller]
fn serves(home: &Home, key: &UserKey) {
    let before = home.aws.count("GetSessionToken");
    let got = home.environment_as("jo");
    assert!(got["AWS_ACCESS_KEY_ID"].starts_with("ASIA"), "{got:?}");
    let asked = home.aws.requests("GetSessionToken");
    assert_eq!(asked.len(), before + 1);
    let signed = asked[before].header("authorization").unwrap_or_default();
    assert!(signed.contains(&key.id), "{signed}");
}

#[track_caller]
fn nothing_is_stored(home: &Home) {
    let list = home.vault(&["list", "--json"]).output().success().stdout;
    assert!(!list.contains("access-key"), "{list}");
}

fn refused(run: Run<'_>, code: i32, says: &[&str]) -> Output {
    run.output().expect_code(code).says(says)
}

#[test]
fn the_terminal_asks_for_the_key_and_does_not_show_the_secret() {
    let (home, key) = home();
    let mut terminal = add(&home, &["--mfa-serial", DEVICE]).on_terminal();
    terminal.expect("Access key ID of jo:");
    terminal.enter("AKIA");
    terminal.expect("no access key ID");
    terminal.types("\x7f\x7f\x7f\x7f");
    terminal.enter(&format!("ASIA{}", &key.id[4..]));
    terminal.expect("temporary");
    terminal.types(&"\x7f".repeat(20));
    terminal.enter(&key.id);
    terminal.expect("Secret access key");
    terminal.enter("");
    terminal.expect("Nothing was typed");
    terminal.enter(&key.secret);
    terminal.expect(&format!("Stored the key {} of jo.", key.id));
    terminal.expect("Added the profile jo to");
    terminal.expect("Next: vault exec jo -- aws sts get-caller-identity");
    assert_eq!(terminal.wait().code, 0);
    let config = home.read(".aws/config");
    let section = format!("\n[profile jo]\nmfa_serial = {DEVICE}\n");
    assert!(config.ends_with(&section), "{config}");
    // Another key is refused before anybody types it.
    let mut terminal = add(&home, &[]).on_terminal();
    terminal.expect("there is a key of `jo` already");
    assert_eq!(terminal.wait().code, 1);
}

#[test]
fn ctrl_c_at_either_question_leaves_nothing() {
    let (home, key) = home();
    let config = home.read(".aws/config");
    let mut terminal = add(&home, &[]).on_terminal();
    terminal.expect("Access key ID of jo:");
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
    let mut terminal = add(&home, &[]).on_terminal();
    terminal.expect("Access key ID of jo:");
    terminal.enter(&key.id);
    terminal.expect("Secret access key");
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
    assert_eq!(home.read(".aws/config"), config);
    nothing_is_stored(&home);
}

#[test]
fn a_downloaded_file_is_taken_and_goes_only_with_a_yes() {
    let (home, key) = home();
    let file = home.write("jo_accessKeys.csv", &csv(&key));
    let name = file.to_string_lossy().into_owned();
    // Nobody to ask: it stays, and that is said.
    add(&home, &["--csv", &name]).output().success().says(&[
        "Stored the key",
        "warning: ",
        "holds the key in the clear",
    ]);
    assert!(file.exists());
    serves(&home, &key);
    // The same key once more is no mistake. Enter alone is a no.
    let mut terminal = add(&home, &["--csv", &name]).on_terminal();
    terminal.expect("is stored already");
    terminal.expect("Remove ");
    terminal.enter("");
    terminal.expect("is still there");
    assert_eq!(terminal.wait().code, 0);
    assert!(file.exists());
    let mut terminal = add(&home, &["--csv", &name]).on_terminal();
    terminal.expect("Remove ");
    terminal.enter("y");
    terminal.expect("Removed ");
    assert_eq!(terminal.wait().code, 0);
    assert!(!file.exists());
}

#[test]
fn with_delete_the_file_goes_once_the_key_is_stored_and_not_before() {
    let (home, key) = home();
    let file = home.write("keys.csv", &csv(&key));
    let name = file.to_string_lossy().into_owned();
    let arguments = ["--csv", &name, "--delete"];
    // A keystore that does not open.
    refused(
        add(&home, &arguments).without_env("AWS_VAULT_FILE_PASSPHRASE"),
        1,
        &["error: ", "AWS_VAULT_FILE_PASSPHRASE"],
    );
    assert!(file.exists());
    add(&home, &arguments)
        .output()
        .success()
        .says(&["Removed "]);
    assert!(!file.exists());
    serves(&home, &key);
}

#[test]
fn with_delete_the_file_behind_a_link_goes_and_not_the_link_alone() {
    let (home, key) = home();
    let file = home.write("downloads/keys.csv", &csv(&key));
    let link = home.path("link.csv");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let name = link.to_string_lossy().into_owned();
    add(&home, &["--csv", &name, "--delete"])
        .output()
        .success()
        .says(&["Removed ", "downloads/keys.csv"]);
    assert!(!file.exists(), "the key is still there in the clear");
    serves(&home, &key);
}

#[test]
fn a_key_that_comes_through_a_pipe_leaves_no_file_to_be_removed() {
    let (home, key) = home();
    let run = add(&home, &["--csv", "/dev/stdin", "--delete"]);
    let output = run.stdin(&csv(&key)).output().success();
    assert!(!output.stderr.contains("/dev/stdin"), "{}", output.stderr);
    serves(&home, &key);
}

#[test]
fn a_file_that_is_no_key_file_says_why() {
    let (home, key) = home();
    let other = home.aws.add_user_key(ACCOUNT, "jo");
    let both = format!("{}{},{}\r\n", csv(&key), other.id, other.secret);
    let temporary = csv(&key).replace(&key.id, &format!("ASIA{}", &key.id[4..]));
    let swapped = format!(
        "Access key ID,Secret access key\n{},{}\n",
        key.secret, key.id
    );
    let both_swapped = format!("{swapped}{},{}\n", other.secret, other.id);
    // One without the letters that tell most secrets from an id.
    let plain = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB0dE3gH6jK9m";
    home.secret(plain);
    let plain = swapped.replace(&key.secret, plain);
    for (text, says) in [
        (
            both.as_str(),
            &[key.id.as_str(), &other.id, "several keys"][..],
        ),
        (&both_swapped, &["several keys: without an ID"]),
        (&plain, &["that is no access key ID"]),
        (&key.secret, &["names no `Access key ID`", "hint: "]),
        ("Access key ID,Secret access key\r\n", &["has no key"]),
        (&temporary, &["temporary key", "hint: "]),
        // What stands where an id should be may be the secret.
        (&swapped, &["that is no access key ID"]),
    ] {
        let file = home.write("keys.csv", text);
        let name = file.to_string_lossy().into_owned();
        refused(add(&home, &["--csv", &name, "--delete"]), 1, says);
        assert!(file.exists());
    }
    refused(
        add(&home, &["--csv", "nowhere.csv"]),
        1,
        &["nowhere.csv", "No such file"],
    );
    nothing_is_stored(&home);
}

#[test]
fn the_environment_gives_a_key_that_is_none_of_a_session() {
    let (home, key) = home();
    let run = with_env(add(&home, &["--env"]), &key);
    refused(
        run.env("AWS_SESSION_TOKEN", "x"),
        1,
        &["AWS_SESSION_TOKEN", "temporary", "hint: "],
    );
    let run = add(&home, &["--env"]).env("AWS_ACCESS_KEY_ID", &key.id);
    refused(run, 1, &["AWS_SECRET_ACCESS_KEY is not set", "hint: "]);
    nothing_is_stored(&home);
    with_env(add(&home, &["--env"]), &key)
        .output()
        .success()
        .says(&["Stored the key", "The shell still has it"]);
    serves(&home, &key);
    let list = home.vault(&["list"]).output().success().stdout;
    let line = list.lines().find(|line| line.starts_with("jo ")).unwrap();
    assert!(line.contains("access-key"), "{line}");
}

#[test]
fn a_secret_of_another_length_is_stored_with_a_warning_and_one_with_spaces_is_not() {
    let (home, key) = home();
    let odd = |secret: &str| {
        home.secret(secret);
        UserKey {
            id: key.id.clone(),
            secret: secret.to_owned(),
        }
    };
    let spaced = odd("half-a-secret and-the-other-half-of-it-12");
    refused(
        with_env(add(&home, &["--env"]), &spaced),
        1,
        &["white space", "hint: "],
    );
    nothing_is_stored(&home);
    let long = odd("a-secret-that-is-longer-than-those-of-aws-themselves");
    with_env(add(&home, &["--env"]), &long)
        .output()
        .success()
        .says(&["warning: ", "52 characters", "Stored the key"]);
}

/// Comments, another's key, an odd indentation, no end to the last line: as people have it.
fn credentials(key: &UserKey, other: &UserKey) -> (String, String) {
    let own = format!(
        "  aws_access_key_id={}\r\n\taws_secret_access_key =  {}\r\n",
        key.id, key.secret
    );
    let around = |own: &str| {
        format!(
            "# mine\r\n[other]\r\naws_access_key_id = {}\r\naws_secret_access_key = {}\r\n\r\n\
             [jo] ; the old one\r\n{own}  ; a comment in it\r\nregion = eu-west-1\r\n\r\n# the end",
            other.id, other.secret
        )
    };
    (around(&own), around(""))
}

#[test]
fn a_key_moves_out_of_the_credentials_file_and_no_other_byte_does() {
    let (home, key) = home();
    let other = home.aws.add_user_key(ACCOUNT, "other");
    let (before, after) = credentials(&key, &other);
    let target = home.write("dotfiles/credentials", &before);
    fs::create_dir_all(home.path(".aws")).unwrap();
    let link = home.path(".aws/credentials");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    add(&home, &["--from-credentials-file"])
        .output()
        .success()
        .says(&[
            "Stored the key",
            "Took it out of ",
            "Added the profile jo to ",
        ]);
    assert_eq!(fs::read_to_string(&target).unwrap(), after);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    // The other's key is the person's own affair, as before.
    home.write("dotfiles/credentials", &after);
    serves(&home, &key);
    refused(
        add(&home, &["--from-credentials-file"]),
        1,
        &["the files have no key of `jo`"],
    );
}

#[test]
fn a_key_moves_out_of_the_config_file_too() {
    let (home, key) = home();
    let (id, secret) = (&key.id, &key.secret);
    let section = format!(
        "[profile jo]\nregion = eu-central-1\naws_access_key_id = {id}\naws_secret_access_key = {secret}\noutput = json\n"
    );
    home.add_config(&section);
    let before = home.read(".aws/config");
    add(&home, &["--from-credentials-file"])
        .output()
        .success()
        .says(&["Took it out of ", ".aws/config."]);
    let lines = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    assert_eq!(home.read(".aws/config"), before.replace(&lines, ""));
    serves(&home, &key);
}

#[test]
fn what_can_not_be_moved_stays_where_it_is() {
    let (home, key) = home();
    let (id, secret) = (&key.id, &key.secret);
    let both = format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    for (text, says) in [
        (
            format!("[jo]\n{both}aws_session_token = abc\n"),
            &["is a temporary one", "hint: "][..],
        ),
        (
            format!("[jo]\naws_access_key_id = {id}\n"),
            &["aws_secret_access_key", "missing"],
        ),
        // Which of the two is meant is nobody's to guess.
        (
            format!("[jo]\n{both}\n[jo]\n{both}"),
            &["for the second time", "credentials:5"],
        ),
        (
            format!("[joe]\n{both}"),
            &["there is no profile `jo`", "did you mean `joe`?"],
        ),
        (
            "[jo]\nregion = eu-west-1\n".to_owned(),
            &["have no key of `jo`", "hint: "],
        ),
    ] {
        home.write(".aws/credentials", &text);
        refused(add(&home, &["--from-credentials-file"]), 1, says);
        assert_eq!(home.read(".aws/credentials"), text);
        home.write(".aws/credentials", "");
        nothing_is_stored(&home);
    }
}

#[test]
fn another_key_is_replaced_by_force_alone() {
    let (home, old) = home();
    let new = home.aws.add_user_key(ACCOUNT, "jo");
    with_env(add(&home, &["--env"]), &old).output().success();
    serves(&home, &old);
    let already = format!("there is a key of `jo` already: {}", old.id);
    refused(
        with_env(add(&home, &["--env"]), &new),
        1,
        &[&already, "--force", "vault rotate jo"],
    );
    let in_place = format!("in the place of {}", old.id);
    with_env(add(&home, &["--env", "--force"]), &new)
        .output()
        .success()
        .says(&[&in_place]);
    // Nothing of the old one is handed out any more.
    serves(&home, &new);
}

#[test]
fn where_nobody_can_be_asked_the_ways_are_named() {
    let (home, _) = home();
    for run in [add(&home, &[]), add(&home, &["--no-input"])] {
        refused(
            run,
            2,
            &[
                "there is nobody to ask",
                "--csv",
                "--env",
                "--from-credentials-file",
            ],
        );
    }
    nothing_is_stored(&home);
}

#[test]
fn a_wrong_command_line_is_one() {
    let (home, _) = home();
    for (arguments, says) in [
        (&["add"][..], "PROFILE"),
        (&["add", "jo", "--csv", "x", "--env"], "cannot be used with"),
        (&["add", "jo", "--delete"], "--csv"),
        (&["add", "a]b"], "`[` or `]`"),
        (&["add", ""], "empty"),
        (
            &[
                "add",
                "jo",
                "--mfa-serial",
                "arn:aws:iam::444444444444:user/jo",
            ],
            ":mfa/",
        ),
        (&["add", "jo", "--mfa-serial", "x"], "serial number"),
    ] {
        refused(home.vault(arguments), 2, &[says]);
    }
}

#[test]
fn a_section_that_is_there_gets_its_device_and_nothing_else() {
    let (home, key) = home();
    home.add_config(
        "# jo's own\n[profile jo]\nregion = eu-west-1   \nmfa_serial = old-device\n\n# end\n",
    );
    let before = home.read(".aws/config");
    let run = with_env(add(&home, &["--env", "--mfa-serial", DEVICE]), &key);
    run.output().success().says(&["Wrote its mfa_serial to "]);
    let after = before.replace("mfa_serial = old-device", &format!("mfa_serial = {DEVICE}"));
    assert_eq!(home.read(".aws/config"), after);
    // The key works with the device's code from now on.
    home.aws.configure(|behaviour| {
        behaviour
            .mfa_codes
            .insert(DEVICE.to_owned(), "123456".to_owned());
    });
    let run = home.vault(&["exec", "-t", "123456", "jo", "--", "true"]);
    run.output().success();
}

#[test]
fn a_profile_that_says_something_stronger_is_told_of() {
    let (home, key) = home();
    home.add_config("[profile jo]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Developer\n");
    with_env(add(&home, &["--env"]), &key)
        .output()
        .success()
        .says(&["warning: `sso_account_id`", "jo does not use the key"]);
    // So it is said where the profile is used, to who wants to know.
    let run = |arguments: &[&str]| {
        home.vault(arguments)
            .args(&["exec", "jo", "--", "true"])
            .output()
    };
    let stronger = "its configuration is stronger than the long-lived key";
    run(&["-v"])
        .expect_code(125)
        .says(&[stronger, "no one is signed in to corp"]);
    let quiet = run(&[]).expect_code(125);
    assert!(!quiet.stderr.contains(stronger), "{quiet:?}");
    // In the clear besides, where it is not read any more.
    let other = home.aws.add_user_key(ACCOUNT, "kim");
    let (id, secret) = (&other.id, &other.secret);
    home.write(
        ".aws/credentials",
        &format!("[kim]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
    with_env(home.vault(&["add", "kim", "--env"]), &other)
        .output()
        .success()
        .says(&["warning: the credentials file has a key of `kim` in the clear"]);
}

#[test]
fn of_two_at_once_one_stores_its_key_and_the_other_is_told() {
    let (home, first) = home();
    let second = home.aws.add_user_key(ACCOUNT, "jo");
    // The keystore is there: making it is not what is tried here.
    let third = home.aws.add_user_key(ACCOUNT, "kim");
    with_env(home.vault(&["add", "kim", "--env"]), &third)
        .output()
        .success();
    let runs = [&first, &second].map(|key| with_env(add(&home, &["--env"]), key).start());
    let outputs = runs.map(crate::support::run::Running::wait);
    let codes = [outputs[0].code, outputs[1].code];
    let winner = match codes {
        [Some(0), Some(1)] => &first,
        [Some(1), Some(0)] => &second,
        other => panic!("{other:?}: {outputs:#?}"),
    };
    let already = format!("there is a key of `jo` already: {}", winner.id);
    assert!(
        outputs
            .iter()
            .any(|output| output.stderr.contains(&already))
    );
    serves(&home, winner);
    assert_eq!(home.read(".aws/config").matches("[profile jo]").count(), 1);
}

#[test]
fn a_key_that_was_listed_and_not_kept_can_be_added_again() {
    let (home, key) = home();
    with_env(add(&home, &["--env"]), &key).output().success();
    // As a run leaves it that is killed between the two: listed, and not in the keystore.
    fs::remove_file(home.path(".local/share/vault/keystore")).unwrap();
    let run = home.exec("jo", &["true"]);
    run.output()
        .expect_code(125)
        .says(&["vault add jo", "hint: "]);
    with_env(add(&home, &["--env"]), &key).output().success();
    serves(&home, &key);
}
