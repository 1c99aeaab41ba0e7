//! What is wrong with the AWS files, `config.toml` or the command line is said with its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::home::{Home, STANDARD_CONFIG};

/// What `[sso-session corp]` says ahead of each mistake: lines 1 to 3.
const SESSION: &str = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\n\
                       sso_region = eu-central-1\n";

/// What stands in `[profile x]`, which is line 4, and the message behind `config:`.
const MISTAKES: &[(&str, &str)] = &[
    (
        "sso_session = corp\nsso_account_id = 111111111111\nsso_role_name = A\nsso_region = us-east-1",
        "8: sso_region: `us-east-1` contradicts `eu-central-1`",
    ),
    (
        "sso_session = corp\nsso_start_url = https://other.awsapps.com/start\nsso_account_id = 111111111111\nsso_role_name = A",
        "6: sso_start_url: `https://other.awsapps.com/start` contradicts",
    ),
    (
        "sso_session = crop\nsso_account_id = 111111111111\nsso_role_name = A",
        "5: sso_session: there is no sso-session `crop`, did you mean `corp`?",
    ),
    (
        "sso_session = corp\nsso_account_id = 1111\nsso_role_name = A",
        "6: sso_account_id: `1111` is not the 12 digits of an account",
    ),
    (
        "sso_session = corp\nsso_account_id = 111111111111",
        "5: sso_role_name: missing",
    ),
    (
        "sso_session = corp\nsso_role_name = A",
        "5: sso_account_id: missing",
    ),
    (
        "sso_start_url = https://x\nsso_account_id = 111111111111\nsso_role_name = A",
        ": sso_region: missing",
    ),
    (
        "role_arn = arn:aws:iam::333333333333:role/Deployer",
        "5: role_arn: it needs a source_profile",
    ),
    (
        "role_arn = arn:aws:iam::333333333333:role/Deployer\nsource_profile = y",
        "6: source_profile: there is no profile `y`",
    ),
    (
        "role_arn = arn:aws:iam::333333333333:role/Deployer\nsource_profile = x\nduration_seconds = 1h",
        "7: duration_seconds: `1h` is not a number",
    ),
    (
        "services = none",
        "5: services: there is no section [services none]",
    ),
    (
        "services = empty\n[services empty]",
        "5: services: the section [services empty] is empty",
    ),
    ("include_profile = x", "5: include_profile: a loop"),
];

#[test]
fn a_mistake_in_a_profile_is_said_with_file_line_and_key() {
    let home = Home::new();
    for (text, message) in MISTAKES {
        let path = home.write(".aws/config", &format!("{SESSION}[profile x]\n{text}\n"));
        let place = format!("{}:", path.display());
        let output = home.exec("x", &["true"]).output().expect_code(125);
        assert_eq!(output.stdout, "");
        output.says(&["error: ", "`x`", &place, message]);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_mistake_in_one_profile_does_not_hinder_another() {
    let home = Home::signed_in();
    home.add_config(
        "[profile x]\nsso_session = nowhere\n[sso-session half]\nsso_region = us-east-1\n",
    );
    home.exec("dev", &["true"]).output().success().silent();
    home.login(&["corp"]).output().success();
}

#[test]
fn a_mistake_in_an_sso_session_is_said_where_it_is() {
    let home = Home::new();
    let table = [
        ("sso_region = eu-central-1", "sso_start_url: missing"),
        (
            "sso_start_url = https://corp.awsapps.com/start",
            "sso_region: missing",
        ),
        (
            "sso_start_url = corp\nsso_region = eu-central-1",
            ":2: sso_start_url: `corp` is not an http or https URL",
        ),
    ];
    for (text, message) in table {
        let path = home.write(".aws/config", &format!("[sso-session corp]\n{text}\n"));
        let place = format!("{}:", path.display());
        home.login(&["corp"])
            .output()
            .expect_code(1)
            .says(&["error: ", "`corp`", &place, message]);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_loop_of_source_profiles_is_shown_whole() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[profile a]\nrole_arn = arn:aws:iam::333333333333:role/A\nsource_profile = b\n\
         [profile b]\nrole_arn = arn:aws:iam::333333333333:role/B\nsource_profile = a\n",
    );
    let output = home.exec("a", &["true"]).output().expect_code(125);
    output.says(&["config:6: source_profile: it goes round in a loop: a → b → a"]);
}

#[test]
fn what_is_not_a_configuration_is_said_with_its_line() {
    let home = Home::new();
    let table = [
        ("region = x\n", "1: a line before the first [section]"),
        (
            "[profile x]\n\nnonsense\n",
            "3: neither a [section], nor `key = value`",
        ),
        (
            "[profile x]\nregion = a\nregion = b\n",
            "3: the key `region` is in this section for the second time",
        ),
        (
            "[profile x]\n[profile y]\n[profile x]\n",
            "3: the section [profile x] is here for the second time",
        ),
    ];
    for (text, message) in table {
        let path = home.write(".aws/config", text);
        let message = format!("error: {}:{message}", path.display());
        home.exec("x", &["true"])
            .output()
            .expect_code(125)
            .says(&[&message]);
        home.vault(&["list"])
            .output()
            .expect_code(1)
            .says(&[&message]);
    }
}

/// A wrong line may hold a key: it is never quoted. The home's search for secrets reads what was
/// said.
#[test]
fn a_line_that_cannot_be_read_is_not_shown() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "alice");
    let text = format!(
        "[x]\naws_access_key_id = {}\naws_secret_access_key {}\n",
        key.id, key.secret
    );
    home.write(".aws/credentials", &text);
    let output = home.vault(&["list", "-vv"]).output().expect_code(1);
    output.says(&[".aws/credentials:3: "]);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_one_that_is_not_there_is_none() {
    let home = Home::signed_in();
    // A directory can't be read by anyone, root included.
    let run = home
        .exec("dev", &["true"])
        .env("AWS_CONFIG_FILE", home.path("tmp").to_string_lossy());
    let path = home.path("tmp").display().to_string();
    run.output().expect_code(125).says(&[
        "error: cannot read",
        &path,
        "caused by: ",
        "hint: see who owns it",
    ]);
    let run = home
        .vault(&["list"])
        .env("AWS_CONFIG_FILE", "/no/such/file");
    run.output().success();
    fs::write(home.path("latin"), b"[profile x]\nregion = \xe9\n").unwrap();
    let run = home
        .vault(&["list"])
        .env("AWS_CONFIG_FILE", home.path("latin").to_string_lossy());
    run.output().expect_code(1).says(&["latin:2: ", "UTF-8"]);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named_with_what_to_look_at() {
    let home = Home::consenting();
    // In its own place, so that it stops root too.
    let path = home.write(".local/share/vault/locks", "");
    let path = path.display().to_string();
    home.login(&[]).output().expect_code(1).says(&[
        "error: cannot use ",
        &path,
        "caused by: ",
        "hint: vault keeps its lists and locks there",
    ]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn the_aws_files_are_where_their_variables_say() {
    let home = Home::signed_in();
    let config = home.read(".aws/config");
    home.write(
        "moved/config",
        &config.replace("[profile dev]", "[profile moved]"),
    );
    home.write("moved/credentials", "[extra]\nregion = us-east-1\n");
    home.write(".aws/credentials", "[usual]\nregion = us-east-1\n");
    let text = |relative: &str| home.path(relative).to_string_lossy().into_owned();
    let names = |config: &str, credentials: &str| {
        let run = home
            .vault(&["list", "--names"])
            .env("AWS_CONFIG_FILE", config);
        let run = run.env("AWS_SHARED_CREDENTIALS_FILE", credentials);
        run.output().success().stdout
    };
    assert_eq!(
        names("", ""),
        "dev\nprod\nusual\n",
        "an empty variable is none"
    );
    assert_eq!(names(&text("moved/config"), ""), "moved\nprod\nusual\n");
    assert_eq!(names("", &text("moved/credentials")), "dev\nprod\nextra\n");
    let run = home
        .exec("moved", &["true"])
        .env("AWS_CONFIG_FILE", text("moved/config"));
    run.output().success();
    home.exec("moved", &["true"])
        .output()
        .expect_code(125)
        .says(&["no profile `moved`"]);
}

#[test]
fn a_mistake_in_config_toml_is_said_with_file_line_and_key() {
    let home = Home::new();
    let table = [
        (
            "no_input = true\nbackends = \"file\"\n",
            "line 2",
            "`backends`",
            "hint: did you mean `backend`?",
        ),
        (
            "[login]\nbrowser = 7\n",
            "line 2: browser: ",
            "string",
            "hint: ",
        ),
        ("backend = \"file\n", "line 1: backend: ", "", "hint: "),
        (
            "[file]\nunlocked_for = \"soon\"\n",
            "line 2: unlocked_for: ",
            "`soon` is not a duration",
            "write `90m`",
        ),
        (
            "\nbackend = \"wallet\"\n",
            "line 2: backend: ",
            "unknown keystore `wallet`",
            "it is one of auto, os",
        ),
    ];
    for (text, place, what, advice) in table {
        let path = home.write(".config/vault/config.toml", text);
        let file = path.display().to_string();
        let run = home.vault(&["list"]).without_env("AWS_VAULT_BACKEND");
        let said = run.output().expect_code(1);
        said.says(&["error: ", &file, place, what, advice]);
        let run = home.exec("dev", &["true"]).without_env("AWS_VAULT_BACKEND");
        let said = run.output().expect_code(125);
        said.says(&[&file, place, what, advice]);
    }
}

#[test]
fn a_variable_that_is_no_address_is_named_and_nothing_is_sent() {
    let home = Home::signed_in();
    let sent = home.aws.total();
    for (variable, value) in [
        ("AWS_ENDPOINT_URL_SSO", "localhost:4566"),
        ("AWS_ENDPOINT_URL_SSO_OIDC", "ftp://localhost"),
    ] {
        let said = home.exec("dev", &["true"]).env(variable, value).output();
        let mistake = format!("{variable}: `{value}` is not an http or https URL");
        let said = said.expect_code(125);
        said.says(&[&mistake, "hint: write it whole"]);
    }
    assert_eq!(home.aws.total(), sent);
}

#[test]
fn config_toml_counts_where_neither_option_nor_variable_does() {
    let home = Home::signed_in();
    home.write(
        ".config/vault/config.toml",
        "backend = \"nowhere\"\nno_input = true\n",
    );
    home.exec("dev", &["true"]).output().success();
    let run = home.exec("dev", &["true"]).without_env("AWS_VAULT_BACKEND");
    run.output().expect_code(125).says(&["nowhere"]);
    home.login(&["corp", "--force"]).output().expect_code(4);
    let run = home
        .login(&["corp", "--force"])
        .env("AWS_VAULT_NO_INPUT", "0");
    run.output().success();
}

#[test]
fn a_config_toml_that_cannot_be_read_is_an_error() {
    let home = Home::new();
    let path = home.write(".config/vault/config.toml/inside", "");
    let folder = path.parent().unwrap().display().to_string();
    home.vault(&["list"])
        .output()
        .expect_code(1)
        .says(&["error: cannot read", &folder]);
}

#[test]
fn a_backend_that_does_not_exist_is_a_mistake_of_the_command_line() {
    let home = Home::new();
    let backends = ["auto", "os", "keyutils", "pass", "file"];
    let output = home
        .vault(&["--backend", "wallet", "list"])
        .output()
        .expect_code(2);
    output.says(&["error: ", "wallet"]).says(&backends);
    let run = home
        .vault(&["login", "corp"])
        .env("AWS_VAULT_BACKEND", "wallet");
    run.output().expect_code(2).says(&["wallet"]);
    let output = home
        .vault(&["exec", "--backend", "wallet", "dev", "--", "true"])
        .output();
    output.expect_code(125).says(&["wallet"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_ca_bundle_that_cannot_be_used_is_said_with_its_file() {
    let home = Home::signed_in();
    let block = |inside: &str| {
        format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n")
    };
    let good = include_str!("../support/authority.pem").to_owned();
    let table = [
        (String::new(), "no certificate"),
        ("no PEM at all\n".to_owned(), "no certificate"),
        (block("*"), ""),
        (block("AAAA"), "certificate 1: "),
        (good.clone() + &block("AAAA"), "certificate 2: "),
    ];
    let exec = |bundle: &str| {
        home.exec("dev", &["true"])
            .env("AWS_CA_BUNDLE", bundle)
            .output()
    };
    for (content, what) in table {
        let path = home.write("bundle.pem", &content).display().to_string();
        let output = exec(&path).expect_code(125);
        output.says(&[
            "error: ",
            &path,
            "no usable certificates",
            what,
            "hint: see AWS_CA_BUNDLE",
        ]);
    }
    exec("/no/such/bundle")
        .expect_code(125)
        .says(&["/no/such/bundle"]);
    let path = home.write("bundle.pem", &good).display().to_string();
    exec(&path).success();
}

#[test]
fn a_wrong_passphrase_is_an_error_and_changes_nothing() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let wrong = |arguments: &[&str]| {
        let run = home.vault(arguments);
        run.env("AWS_VAULT_FILE_PASSPHRASE", "not-it").output()
    };
    let before = home.aws.total();
    wrong(&["exec", "dev", "--", "true"])
        .expect_code(125)
        .says(&["error: ", "hint: ", "AWS_VAULT_FILE_PASSPHRASE"]);
    wrong(&["login", "corp", "--force"]).expect_code(1);
    wrong(&["clear", "dev"]).expect_code(1);
    home.exec("dev", &["true"]).output().success().silent();
    assert_eq!(
        home.aws.total(),
        before,
        "what was kept is still there, and nobody was asked"
    );
}

#[test]
fn the_folders_of_vaults_files_are_closed_to_others() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let mut folders = vec![home.path(".local/share/vault")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = folder.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", folder.display());
        let entries = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        folders.extend(entries.filter(|path| path.is_dir()));
        seen += 1;
    }
    assert!(seen > 1);
}

/// A role of which it is said that no one can assume it.
const ROLE: &str = "role_arn = arn:aws:iam::333333333333:role/R\n";

#[test]
fn a_mistake_comes_with_what_to_do() {
    let home = Home::new();
    let table = [
        (
            format!("{ROLE}source_profile = y\n[profile y]\n{ROLE}source_profile = x"),
            "9: source_profile: it goes round in a loop: x → y → x",
            "let one of them have credentials of its own",
        ),
        (
            "include_profile = y\n[profile y]\ninclude_profile = x".to_owned(),
            "7: include_profile: a loop: x → y → x",
            "let one of them include none of the others",
        ),
        (
            format!("{ROLE}source_profile = y\ncredential_source = Environment\n[profile y]"),
            "7: credential_source: profile `x` has a source_profile too",
            "keep `source_profile` or `credential_source`, not both",
        ),
        (
            format!("{ROLE}credential_source = environment"),
            "6: credential_source: `environment` is none of Environment, Ec2InstanceMetadata, EcsContainer",
            "capitals included",
        ),
        (
            format!("{ROLE}credential_source = Environment\nduration_seconds = 899"),
            "7: duration_seconds: `899` is not a number from 900 to 43200",
            "write a number of seconds from 900 to 43200",
        ),
        (
            format!("{ROLE}credential_source = Environment\nduration_seconds = 43201"),
            "7: duration_seconds: `43201` is not a number from 900 to 43200",
            "write a number of seconds from 900 to 43200",
        ),
        (
            format!("{ROLE}credential_source = Environment\nsession_tags = team"),
            "7: session_tags: `team` is not a list of `key=value,…`",
            "write `key=value,key=value`",
        ),
        (
            format!("{ROLE}credential_source = Environment\nsession_tags = Team=a, x=1,team=b"),
            "7: session_tags: the tag `team` is there twice",
            "write `key=value,key=value`",
        ),
        (
            ROLE.to_owned(),
            "5: role_arn: it needs a source_profile or a credential_source",
            "say in `source_profile` whose credentials may assume the role",
        ),
        (
            "web_identity_token_file = /t".to_owned(),
            "5: role_arn: missing",
            "name the role that the token is for",
        ),
    ];
    for (text, message, hint) in table {
        let path = home.write(".aws/config", &format!("{SESSION}[profile x]\n{text}\n"));
        let message = format!("{}:{message}", path.display());
        let output = home.exec("x", &["true"]).output().expect_code(125);
        output.says(&["error: ", &message, "hint: ", hint]);
    }
    assert_eq!(home.aws.total(), 0);
}

/// Nobody is signed in: what can be no role is said before anyone is sent to a browser.
#[test]
fn what_is_no_roles_arn_is_said_with_its_line_and_nobody_is_asked() {
    let home = Home::new();
    home.write("token", "t");
    for arn in [
        "Admin",
        "arn:aws:iam::33333333333:role/R",
        "arn:aws:iam::333333333333:user/R",
        "arn:aws:iam::333333333333:role/",
        "arn:aws:iam:eu-west-1:333333333333:role/R",
        "arn:aws:sts::333333333333:assumed-role/R/me",
    ] {
        for with in ["source_profile = dev", "web_identity_token_file = token"] {
            let text = format!("[profile x]\nrole_arn = {arn}\n{with}\n");
            let path = home.write(".aws/config", &format!("{text}{STANDARD_CONFIG}"));
            let message = format!(
                "{}:2: role_arn: `{arn}` is not the ARN of a role",
                path.display()
            );
            let output = home.exec("x", &["true"]).output().expect_code(125);
            output.says(&[
                "error: no credentials for profile `x`",
                &message,
                "hint: write it as in `arn:aws:iam::123456789012:role/NAME`",
            ]);
        }
    }
    assert_eq!(home.aws.total(), 0);
}
