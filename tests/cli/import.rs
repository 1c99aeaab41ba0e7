//! `vault import`: keys out of other tools' keystores and out of files, and sections that were written
//! for other tools. What there is is shown first; nothing is done or deleted without a yes.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::collection::{Collection, access_key, item};
use crate::support::fake_aws::UserKey;
use crate::support::home::{Home, STANDARD_CONFIG};
use crate::support::keyring::Keyring;
use crate::support::run::Run;
use crate::support::tools;

const ACCOUNT: &str = "444444444444";
const CREDENTIALS: &str = ".aws/credentials";
const CONFIG: &str = ".aws/config";

fn import<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    home.vault(&["import"]).args(arguments)
}

fn key_of(home: &Home, user: &str) -> UserKey {
    let key = home.aws.add_user_key(ACCOUNT, user);
    home.secret(&key.secret);
    key
}

fn kept(key: &UserKey) -> String {
    access_key(&key.id, &key.secret)
}

/// A section of a credentials file.
fn section(name: &str, key: &UserKey) -> String {
    let (id, secret) = (&key.id, &key.secret);
    format!("# of {name}\n[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

/// Whether this very key gets the profile's sessions: the fake checks the signature.
#[track_caller]
fn serves(run: Run<'_>, home: &Home, key: &UserKey) {
    let before = home.aws.count("GetSessionToken");
    run.output().success();
    let asked = home.aws.requests("GetSessionToken");
    assert_eq!(asked.len(), before + 1);
    let signed = asked[before].header("authorization").unwrap_or_default();
    assert!(signed.contains(&key.id), "{signed}");
}

#[track_caller]
fn is_unchanged(home: &Home, config: &str, credentials: &str) {
    assert_eq!(home.read(CONFIG), config);
    assert_eq!(home.read(CREDENTIALS), credentials);
    let list = home.vault(&["list", "--sessions", "--json"]).output();
    assert_eq!(list.success().stdout.trim(), "[]");
}

/// aws-vault's collection in a keyring: a key, and what goes with it.
fn collection(keyring: &Keyring<'_>, key: &UserKey) -> Collection {
    let items = [
        ("jo", kept(key)),
        ("sts.GetSessionToken,am8,,1700000000", "{}".to_owned()),
        ("oidc:https://corp.awsapps.com/start", "{}".to_owned()),
    ];
    Collection::make(keyring, "awsvault", &items)
}

#[test]
fn keys_come_out_of_aws_vaults_collection_and_the_second_run_has_nothing_to_do() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let keyring = Keyring::unlocked(&home);
    let _collection = collection(&keyring, &key);
    let dry = keyring.used_by(import(&home, &["--dry-run"]));
    let dry = dry.output().success();
    assert!(dry.stdout.contains("+[profile jo]\n"), "{dry:?}");
    dry.says(&["Found: aws-vault's key of `jo`, in the collection `awsvault`"]);
    is_unchanged(&home, STANDARD_CONFIG, "");
    let run = keyring.used_by(import(&home, &["aws-vault", "--yes"]));
    let run = run.output().success();
    assert_eq!(run.stdout, "");
    run.says(&[
        &format!("Stored the key {} of jo.", key.id),
        "`aws-vault remove NAME`",
    ]);
    let exec = ["exec", "jo", "--", "true"];
    serves(keyring.used_by(home.vault(&exec)), &home, &key);
    let config = home.read(CONFIG);
    assert!(config.ends_with("\n[profile jo]\n"), "{config}");
    let again = keyring.used_by(import(&home, &["aws-vault", "--yes"]));
    let again = again.output().success().says(&[
        &format!("stays there: vault has {} for it.", key.id),
        "Nothing to import.",
    ]);
    assert!(!again.stderr.contains("has no key"), "{again:?}");
    assert_eq!(home.read(CONFIG), config);
}

#[test]
fn a_locked_collection_is_said_and_does_not_keep_the_rest() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let plain = key_of(&home, "ann");
    let keyring = Keyring::unlocked(&home);
    collection(&keyring, &key).lock();
    home.write(CREDENTIALS, &section("ann", &plain));
    let run = import(&home, &["--yes"]).env("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    run.output().expect_code(1).says(&[
        &format!("Stored the key {} of ann.", plain.id),
        "error: aws-vault's keys in the collection `awsvault` of the Secret Service can't be read",
        "caused by: the keystore is locked",
        "hint: unlock it",
    ]);
    serves(home.vault(&["exec", "ann", "--", "true"]), &home, &plain);
}

#[test]
fn a_collection_of_another_name_is_found_by_aws_vaults_variable() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let keyring = Keyring::unlocked(&home);
    let _collection = Collection::make(&keyring, "my-keys", &[("jo", kept(&key))]);
    let run = || import(&home, &["--yes"]).env("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    run().output().success().says(&["Nothing to import."]);
    let named = run().env("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME", "my-keys");
    named.output().success();
    serves(home.vault(&["exec", "jo", "--", "true"]), &home, &key);
}

/// What the Go library itself wrote, with a passphrase of its own.
const WRITTEN: &str = include_str!("../fixtures/aws-vault-file-keystore.txt");
const PASSPHRASE: &str = "fake-passphrase-of-the-other-tool";

fn encrypted_files() -> Home {
    let home = Home::new();
    for line in WRITTEN.lines().filter(|line| !line.starts_with('#')) {
        let (name, sealed) = line.split_once(' ').unwrap();
        home.write(&format!(".awsvault/keys/{name}"), sealed);
    }
    for secret in [
        PASSPHRASE,
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYFILEKEYFAKE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYFILEKEY2FAK",
    ] {
        home.secret(secret);
    }
    home
}

/// The id of the key that a profile has in vault.
fn id_of(home: &Home, profile: &str) -> String {
    let run = home.vault(&["exec", "-n", profile, "--", "sh", "-c"]);
    let run = run.args(&["echo $AWS_ACCESS_KEY_ID"]).output().success();
    run.stdout.trim().to_owned()
}

#[test]
fn keys_come_out_of_aws_vaults_encrypted_files_with_their_own_passphrase() {
    let home = encrypted_files();
    let mut terminal = import(&home, &[]).on_terminal();
    terminal.expect("Found: aws-vault's key of `team/ops`, in ");
    terminal.expect("Found: aws-vault's key of `work`, in ");
    terminal.expect("Take over aws-vault's key of `team/ops`?");
    terminal.enter("y");
    // The variable has the passphrase of vault's own keystore.
    terminal.expect("Passphrase of aws-vault's encrypted files");
    terminal.enter("a slip");
    terminal.expect("That is not it. Passphrase of aws-vault's encrypted files");
    terminal.enter(PASSPHRASE);
    terminal.expect("Stored the key AKIAIOSFODNN7EXAMPLG of team/ops.");
    terminal.expect("Take over aws-vault's key of `work`?");
    terminal.enter("y");
    terminal.expect("Stored the key AKIAIOSFODNN7EXAMPLF of work.");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(id_of(&home, "team/ops"), "AKIAIOSFODNN7EXAMPLG");
    assert_eq!(id_of(&home, "work"), "AKIAIOSFODNN7EXAMPLF");
}

#[test]
fn without_the_passphrase_of_the_encrypted_files_nothing_is_taken() {
    let home = encrypted_files();
    let run = import(&home, &["--yes"]).output().expect_code(1);
    run.says(&[
        "aws-vault's key of `work` in ",
        "was not taken over",
        "caused by: the passphrase is wrong",
    ]);
    is_unchanged(&home, STANDARD_CONFIG, "");
}

#[test]
fn keys_come_out_of_the_real_pass() {
    let home = Home::new();
    let (jo, ann) = (key_of(&home, "jo"), key_of(&home, "ann"));
    let gnupg = home.path("g");
    fs::create_dir(&gnupg).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&gnupg, private).unwrap();
    let program = |name: &str, package: &str, arguments: &[&str], input: &str| {
        let mut child = Command::new(tools::need(name, package))
            .args(arguments)
            .env("HOME", home.path(""))
            .env("GNUPGHOME", &gnupg)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{name} {arguments:?}");
    };
    let key = [
        "--batch",
        "--passphrase",
        "",
        "--quick-gen-key",
        "vault-test",
    ];
    program("gpg", "gnupg", &key, "");
    program("pass", "pass", &["init", "vault-test"], "");
    for (entry, content) in [
        ("jo", item("jo", &kept(&jo))),
        ("mail", "a password of the person's".to_owned()),
        ("tools/aws/ann", item("ann", &kept(&ann))),
    ] {
        program("pass", "pass", &["insert", "-m", entry], &content);
    }
    home.add_config("[profile jo]\nregion = eu-central-1\n");
    let run = || import(&home, &["aws-vault", "--yes"]).env("GNUPGHOME", gnupg.to_string_lossy());
    // Without a folder of its own only what is called as a profile can be aws-vault's.
    let first = run().output().success();
    let first = first.says(&[&format!("Stored the key {} of jo.", jo.id)]);
    assert!(!first.stderr.contains("mail"), "{first:?}");
    let second = run().env("AWS_VAULT_PASS_PREFIX", "tools/aws");
    let second = second.output().success();
    second.says(&[
        "aws-vault's key of `ann`, in pass, below tools/aws/",
        &format!("Stored the key {} of ann.", ann.id),
    ]);
    program("gpgconf", "gpgconf", &["--kill", "all"], "");
    serves(home.vault(&["exec", "jo", "--", "true"]), &home, &jo);
    serves(home.vault(&["exec", "ann", "--", "true"]), &home, &ann);
}

const GRANTED: &str = "\
[profile granted-dev]
granted_sso_start_url      = https://corp.awsapps.com/start
granted_sso_region         = eu-central-1
granted_sso_account_id     = 111111111111
granted_sso_role_name      = Developer
credential_process         = granted credential-process --profile granted-dev
region                     = eu-west-1
";

#[test]
fn granteds_profiles_work_with_the_sign_in_that_there_is() {
    let home = Home::signed_in();
    home.add_config(GRANTED);
    let before = home.read(CONFIG);
    let dry = import(&home, &["granted", "--dry-run"]).output().success();
    assert!(dry.stdout.contains("\n+sso_session = corp\n"), "{dry:?}");
    assert!(dry.stdout.contains("\n-granted_sso_region "), "{dry:?}");
    assert_eq!(home.read(CONFIG), before);
    let mut terminal = import(&home, &["granted"]).on_terminal();
    terminal.expect("Found: `granted-dev` as Granted has it");
    terminal.expect("Write `granted-dev` of Granted anew, for every AWS client?");
    terminal.enter("y");
    terminal.expect("Wrote 1 profile anew in ");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(
        home.environment_as("granted-dev")["AWS_REGION"],
        "eu-west-1"
    );
    assert!(!home.read(CONFIG).contains("granted_sso"));
    import(&home, &[])
        .output()
        .success()
        .says(&["Nothing to import."]);
}

#[test]
fn programs_of_other_tools_become_vault_and_work() {
    let home = Home::signed_in();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vault"), home.path("bin/vault")).unwrap();
    home.add_config(
        "[profile wrapped]\ncredential_process = aws2-wrap --process --profile dev\n\n\
         [profile helped]\n# mine\ncredential_process=aws-vault exec prod --json --prompt=ykman\n\n\
         [profile lost]\ncredential_process = aws-vault exec lost --json\n\
         mfa_process = true\n",
    );
    let run = import(&home, &["--yes"]).output().success();
    run.says(&[
        "aws-vault's `mfa_process` in 1 profile is understood as it is.",
        "`lost` in ",
        "its key is aws-vault's: take that over first",
        "Found: `wrapped` as aws2-wrap has it",
        "`credential_process = vault export dev`",
    ]);
    let config = home.read(CONFIG);
    for line in [
        "[profile wrapped]\ncredential_process = vault export dev\n",
        "[profile helped]\n# mine\ncredential_process=vault export prod\n",
        "credential_process = aws-vault exec lost --json\n",
    ] {
        assert!(config.contains(line), "{config}");
    }
    for profile in ["wrapped", "helped"] {
        home.environment_as(profile);
    }
}

#[test]
fn a_key_that_is_taken_over_first_makes_its_own_line_work() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let keyring = Keyring::unlocked(&home);
    let _collection = collection(&keyring, &key);
    home.add_config("[profile jo]\ncredential_process = aws-vault exec jo --json\n");
    let run = || import(&home, &["aws-vault"]).env("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    // A no to the key keeps the line too.
    let mut terminal = run().on_terminal();
    terminal.expect("Take over aws-vault's key of `jo`?");
    terminal.enter("n");
    terminal.expect("Let vault print the credentials of `jo` in place of aws-vault?");
    terminal.enter("y");
    terminal.expect("`jo` stays as aws-vault has it: its key is aws-vault's");
    terminal.wait();
    assert!(home.read(CONFIG).contains("= aws-vault exec jo --json\n"));
    run().args(&["--yes"]).output().success();
    assert!(home.read(CONFIG).contains("= vault export jo\n"));
    serves(home.vault(&["export", "jo"]).shows_secrets(), &home, &key);
}

#[test]
fn keys_in_the_clear_go_one_by_one_with_a_yes_each() {
    let home = Home::new();
    let (jo, ann) = (key_of(&home, "jo"), key_of(&home, "ann"));
    let before = format!("{}\n{}", section("jo", &jo), section("ann", &ann));
    home.write(CREDENTIALS, &before);
    let mut terminal = import(&home, &[]).on_terminal();
    terminal.expect(&format!(
        "Found: the key {} of `jo` in the clear, in ",
        jo.id
    ));
    terminal.expect(&format!(
        "Found: the key {} of `ann` in the clear, in ",
        ann.id
    ));
    terminal.expect("Move the key of `jo` out of ");
    terminal.enter("y");
    terminal.expect(&format!("Stored the key {} of jo.", jo.id));
    terminal.expect("Took it out of ");
    terminal.expect("Move the key of `ann` out of ");
    // Enter alone is a no.
    terminal.enter("");
    assert_eq!(terminal.wait().code, 0);
    let after = format!("# of jo\n[jo]\n\n{}", section("ann", &ann));
    assert_eq!(home.read(CREDENTIALS), after);
    home.write(CREDENTIALS, &after);
    serves(home.vault(&["exec", "jo", "--", "true"]), &home, &jo);
}

#[test]
fn ctrl_c_in_the_middle_leaves_what_was_done_and_the_next_run_goes_on() {
    let home = Home::new();
    let (jo, ann) = (key_of(&home, "jo"), key_of(&home, "ann"));
    home.write(
        CREDENTIALS,
        &format!("{}{}", section("jo", &jo), section("ann", &ann)),
    );
    let mut terminal = import(&home, &[]).on_terminal();
    terminal.expect("Move the key of `jo` out of ");
    terminal.enter("y");
    terminal.expect("Move the key of `ann` out of ");
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
    let between = home.read(CREDENTIALS);
    assert!(between.contains(&ann.secret) && !between.contains(&jo.secret));
    home.write(CREDENTIALS, &between);
    let run = import(&home, &["--yes"]).output().success();
    let run = run.says(&[&format!("Stored the key {} of ann.", ann.id)]);
    assert!(!run.stderr.contains(&jo.id), "{run:?}");
    assert_eq!(home.read(CREDENTIALS), "# of jo\n[jo]\n# of ann\n[ann]\n");
}

#[test]
fn where_nobody_can_be_asked_it_is_a_dry_run_and_says_so() {
    let home = Home::new();
    let jo = key_of(&home, "jo");
    let before = section("jo", &jo);
    home.write(CREDENTIALS, &before);
    for arguments in [&[][..], &["--no-input"], &["credentials-file"]] {
        let run = import(&home, arguments).output().expect_code(2);
        assert!(
            run.stdout.contains("\n-aws_secret_access_key = "),
            "{run:?}"
        );
        run.says(&["there is nobody to ask: nothing was changed", "`--yes`"]);
        is_unchanged(&home, STANDARD_CONFIG, &before);
    }
    let dry = import(&home, &["--dry-run"]).output().success();
    assert!(
        dry.stdout
            .contains(&format!("\n-aws_access_key_id = {}\n", jo.id))
    );
    is_unchanged(&home, STANDARD_CONFIG, &before);
    // What isn't named isn't looked at.
    let other = import(&home, &["granted", "aws-vault"]).output().success();
    other.says(&["Nothing to import."]);
}

#[test]
fn another_key_that_is_stored_is_replaced_by_force_alone() {
    let home = Home::new();
    let (old, new) = (key_of(&home, "jo"), key_of(&home, "jo"));
    home.write(CREDENTIALS, &section("jo", &old));
    import(&home, &["--yes"]).output().success();
    let before = section("jo", &new);
    home.write(CREDENTIALS, &before);
    import(&home, &["--yes"]).output().success().says(&[
        &format!("The key {} of `jo` in ", new.id),
        &format!("stays there: vault has {} for it.", old.id),
        "Nothing to import.",
    ]);
    assert_eq!(home.read(CREDENTIALS), before);
    let forced = import(&home, &["--yes", "--force"]).output().success();
    forced.says(&[&old.id, &new.id]);
    assert!(!home.read(CREDENTIALS).contains("aws_"));
    serves(home.vault(&["exec", "jo", "--", "true"]), &home, &new);
    // A copy of the key that is stored goes out of the file all the same.
    home.write(CREDENTIALS, &section("jo", &new));
    import(&home, &["--yes"]).output().success();
    assert!(!home.read(CREDENTIALS).contains("aws_"));
}

#[test]
fn temporary_keys_go_where_they_have_ended_or_a_person_says_so() {
    let home = Home::new();
    let temporary = |name: &str, more: &str| {
        format!(
            "[{name}]\naws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = s\n\
             aws_session_token = t\n{more}"
        )
    };
    let whole = [
        temporary("generated", ""),
        temporary("ended", "x_security_token_expires = 2020-01-01T00:00:00Z\n"),
        temporary("good", "x_security_token_expires = 2099-01-01T00:00:00Z\n"),
        temporary("exported", "vault_export = dev\n"),
    ];
    home.write(CREDENTIALS, &whole.concat());
    let run = import(&home, &["aws2-wrap", "--yes"]).output().success();
    run.says(&[
        "of `good` in ",
        "is good until 2099-01-01T00:00:00Z: it stays.",
        "Found: the temporary key ASIAIOSFODNN7EXAMPLE of `ended`, which has ended, in ",
        "The temporary key of `generated` stays in ",
        "Removed the temporary key ASIAIOSFODNN7EXAMPLE of `ended` from ",
    ]);
    let ended = "[ended]\nx_security_token_expires = 2020-01-01T00:00:00Z\n";
    let after = [&whole[0], ended, &whole[2], &whole[3]].concat();
    assert_eq!(home.read(CREDENTIALS), after);
    let mut terminal = import(&home, &["aws2-wrap"]).on_terminal();
    terminal.expect("Remove the temporary key of `generated` from ");
    terminal.enter("y");
    terminal.expect("Removed the temporary key ");
    assert_eq!(terminal.wait().code, 0);
    let after = after.replace(&whole[0], "[generated]\n");
    assert_eq!(home.read(CREDENTIALS), after);
}

#[test]
fn keys_of_granteds_own_come_out_of_its_collection() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let keyring = Keyring::unlocked(&home);
    let items = [("jo", kept(&key))];
    let _collection = Collection::make(&keyring, "granted-aws-iam-credentials", &items);
    home.add_config("[profile jo]\ncredential_process = granted credential-process --profile=jo\n");
    let run = import(&home, &["granted", "--yes"]);
    let run = run.env("DBUS_SESSION_BUS_ADDRESS", keyring.address());
    run.output().success().says(&[
        "Found: Granted's key of `jo`, in the collection `granted-aws-iam-credentials`",
        "`granted credentials remove NAME`",
    ]);
    assert!(
        home.read(CONFIG)
            .contains("credential_process = vault export jo\n")
    );
    serves(home.vault(&["exec", "jo", "--", "true"]), &home, &key);
}

#[test]
fn where_aws_vaults_keys_are_elsewhere_the_way_is_said() {
    let home = Home::new();
    let way = "`aws-vault exec --no-session NAME -- vault add NAME --env`";
    let named = import(&home, &["aws-vault"]).output().success();
    named.says(&[way, "Nothing to import."]);
    let unnamed = import(&home, &[]).output().success();
    assert!(!unnamed.stderr.contains(way), "{unnamed:?}");
    home.write("Library/Keychains/aws-vault.keychain-db", "");
    import(&home, &[]).output().success().says(&[way]);
    import(&home, &["lastpass"]).output().expect_code(2);
}

#[test]
fn a_file_that_can_not_be_edited_loses_no_key() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let twice = format!("{}[jo]\nregion = eu-central-1\n", section("jo", &key));
    home.write(CREDENTIALS, &twice);
    let run = import(&home, &["--yes"]).output();
    assert_ne!(run.code, Some(0), "{run:?}");
    assert_eq!(home.read(CREDENTIALS), twice);
    // Half a key is no key, and is said.
    home.write(
        CREDENTIALS,
        "[jo]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
    );
    let half = import(&home, &["--yes"]).output().expect_code(1);
    half.says(&["aws_secret_access_key", "missing"]);
}

#[test]
fn a_key_that_is_none_is_named_with_its_file() {
    let home = Home::new();
    let key = key_of(&home, "jo");
    let swapped = format!(
        "[swapped]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.secret, key.id
    );
    home.write(CREDENTIALS, &swapped);
    let run = import(&home, &["--yes"]).output().expect_code(1);
    run.says(&[
        "error: the key of `swapped` in ",
        ".aws/credentials was not moved",
        "caused by: that is no access key ID",
    ]);
    assert_eq!(home.read(CREDENTIALS), swapped);
}
