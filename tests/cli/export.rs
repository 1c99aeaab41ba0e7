//! `vault export`: what each format says, by the program that it is for. The shells are real ones.

use serde_json::Value;

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::scenes::variables;
use crate::support::tools;

/// What a quoting that is wrong anywhere would change.
const ODD: &str = "it's \"5\" $HOME `id` $(id) \\ \\n !! !x %PATH% ~ * [a] {b,c} a=b; #c & | <d> é";

/// The next role credentials hold [`ODD`] and a line end, in key and token.
fn meets_odd_credentials(home: &Home) -> (String, String) {
    let key = format!("{ODD}\nsecond line'");
    let token = format!("'{ODD}\r\n\ttoken\\");
    for secret in ["second line'", "token\\"] {
        home.secret(secret);
    }
    let body = serde_json::json!({"roleCredentials": {
        "accessKeyId": "ASIAODD", "secretAccessKey": key, "sessionToken": token,
        "expiration": 4_102_444_800_000_u64,
    }});
    let fault = Fault::Json(200, body.to_string());
    home.aws.fault("GetRoleCredentials", fault, 1);
    (key, token)
}

fn export<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    let run = home.vault(&["export"]).args(arguments);
    run.shows_secrets()
}

/// The document for `credential_process`.
fn process(home: &Home, profile: &str) -> Value {
    let printed = export(home, &[profile]).output().success();
    assert_eq!(printed.stderr, "", "{printed:?}");
    serde_json::from_str(&printed.stdout).expect("one JSON document")
}

fn end_of(document: &Value) -> jiff::Timestamp {
    let end = document["Expiration"].as_str().expect("an end");
    end.parse().expect("RFC 3339")
}

#[test]
fn process_is_the_document_that_the_sdks_read() {
    let home = Home::signed_in();
    let document = process(&home, "dev");
    let as_exec = home.environment_as("dev");
    assert_eq!(document["Version"], 1);
    for (key, variable) in [
        ("AccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("SecretAccessKey", "AWS_SECRET_ACCESS_KEY"),
        ("SessionToken", "AWS_SESSION_TOKEN"),
        ("Expiration", "AWS_CREDENTIAL_EXPIRATION"),
    ] {
        assert_eq!(document[key], as_exec[variable], "{key}");
    }
    assert_eq!(document.as_object().unwrap().len(), 5);
    assert_eq!(
        home.aws.count("GetRoleCredentials"),
        1,
        "one cache for both"
    );
}

#[test]
fn a_long_lived_key_has_no_end_and_no_token_and_an_old_token_goes() {
    let home = Home::new();
    home.add_config(
        "[profile key]\naws_access_key_id = AKIAOWN\naws_secret_access_key = own-secret\n",
    );
    let printed = export(&home, &["key", "-n"]).output().success();
    let document: Value = serde_json::from_str(&printed.stdout).unwrap();
    let expected = serde_json::json!({
        "Version": 1, "AccessKeyId": "AKIAOWN", "SecretAccessKey": "own-secret",
    });
    assert_eq!(document, expected);
    let script = "export AWS_SESSION_TOKEN=old AWS_CREDENTIAL_EXPIRATION=old; \
                  eval \"$(\"$vault\" export key -n --format env)\"; env -0";
    let run = home.program("/bin/sh").args(&["-c", script]);
    let got = variables(run.env("vault", env!("CARGO_BIN_EXE_vault")));
    assert_eq!(got["AWS_ACCESS_KEY_ID"], "AKIAOWN");
    assert!(
        !got.contains_key("AWS_SESSION_TOKEN") && !got.contains_key("AWS_CREDENTIAL_EXPIRATION")
    );
}

/// A shell, its Debian package, and how it is told to take over what vault prints.
const SHELLS: &[(&str, &str, &str)] = &[
    (
        "sh",
        "dash",
        "eval \"$(\"$vault\" export odd --format env)\"",
    ),
    (
        "bash",
        "bash",
        "eval \"$(\"$vault\" export odd --format env)\"",
    ),
    (
        "bash",
        "bash",
        "set -a; eval \"$(\"$vault\" export odd --format env-no-export)\"",
    ),
    (
        "bash",
        "bash",
        "set -H; source <(\"$vault\" export odd --format env)",
    ),
    (
        "zsh",
        "zsh",
        "eval \"$(\"$vault\" export odd --format env)\"",
    ),
    (
        "zsh",
        "zsh",
        "set -o magicequalsubst -o globassign; eval \"$(\"$vault\" export odd --format env)\"",
    ),
    ("fish", "fish", "$vault export odd --format fish | source"),
];

#[test]
fn every_shell_reads_every_value_as_it_is() {
    let home = Home::signed_in();
    home.add_config(&format!(
        "[profile odd]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Developer\nregion = eu-central-1\noutput = {ODD}\n"
    ));
    let (key, token) = meets_odd_credentials(&home);
    for (shell, package, script) in SHELLS {
        let script = format!("{script}; env -0");
        let run = home
            .program(tools::need(shell, package))
            .args(&["-c", &script]);
        let got = variables(run.env("vault", env!("CARGO_BIN_EXE_vault")));
        assert_eq!(got["AWS_ACCESS_KEY_ID"], "ASIAODD", "{shell}");
        assert_eq!(got["AWS_SECRET_ACCESS_KEY"], key, "{shell}: {script}");
        assert_eq!(got["AWS_SESSION_TOKEN"], token, "{shell}: {script}");
        assert_eq!(got["AWS_DEFAULT_OUTPUT"], ODD, "{shell}: {script}");
        assert_eq!(got["AWS_REGION"], "eu-central-1", "{shell}");
        assert_eq!(got["AWS_VAULT"], "odd", "{shell}");
        assert_eq!(got["AWS_CREDENTIAL_EXPIRATION"], "2100-01-01T00:00:00Z");
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn values_that_need_no_quotes_have_none() {
    let home = Home::signed_in();
    let as_exec = home.environment_as("dev");
    let lines = |format| {
        export(&home, &["dev", "--format", format])
            .output()
            .success()
            .stdout
    };
    let value = |name: &str| as_exec[name].clone();
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
    ] {
        let value = value(name);
        for (format, line) in [
            ("env", format!("export {name}={value}\n")),
            ("env-no-export", format!("\n{name}={value}\n")),
            ("fish", format!("set -gx {name} {value}\n")),
            ("powershell", format!("$Env:{name}=\"{value}\"\n")),
            ("windows-cmd", format!("set {name}={value}\n")),
        ] {
            assert!(lines(format).contains(&line), "{format}: {name}");
        }
    }
}

#[test]
fn what_a_format_cannot_carry_is_an_error_and_never_a_wrong_value() {
    let home = Home::signed_in();
    meets_odd_credentials(&home);
    for (format, variable) in [
        ("windows-cmd", "AWS_SECRET_ACCESS_KEY"),
        ("ini", "aws_secret_access_key"),
    ] {
        let refused = home.vault(&["export", "dev", "--format", format]).output();
        let message =
            format!("error: the format `{format}` cannot carry the value of {variable}: ");
        let refused = refused
            .expect_code(1)
            .says(&[&message, "hint: choose another with `--format`"]);
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn ini_is_a_section_that_the_aws_cli_reads() {
    let home = Home::signed_in();
    let section = export(&home, &["dev", "--format", "ini"])
        .output()
        .success()
        .stdout;
    assert!(
        section.starts_with("[dev]\naws_access_key_id = ASIA"),
        "{section}"
    );
    assert!(section.contains("\nregion = eu-central-1\n"), "{section}");
    assert!(
        section.contains("\nx_security_token_expires = 20"),
        "{section}"
    );
    home.exempt("elsewhere");
    let file = home.write("elsewhere/credentials", &section);
    let run = home
        .program(tools::aws_cli())
        .env("AWS_CONFIG_FILE", "/no/such/file");
    let run = run.env("AWS_SHARED_CREDENTIALS_FILE", file.to_string_lossy());
    let who = run
        .args(&["--profile", "dev", "sts", "get-caller-identity"])
        .output();
    assert!(who.success().stdout.contains("111111111111"));
}

#[test]
fn process_asks_nobody_even_on_a_terminal() {
    let home = Home::consenting();
    let mut terminal = home.vault(&["export", "dev"]).with_browser().on_terminal();
    terminal.expect("error: no credentials for profile `dev`");
    terminal.expect("caused by: no one is signed in to corp");
    terminal.expect("hint: run `vault login corp`");
    assert_eq!(terminal.wait().code, 4);
    assert!(home.browser_urls().is_empty());
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 0);
    let unnamed = home.vault(&["export"]).on_terminal().wait();
    assert_eq!(unnamed.code, 2, "{unnamed:?}");
}

/// The keystore is an encrypted file that nobody has unlocked.
#[test]
fn process_does_not_ask_for_a_passphrase() {
    let home = Home::signed_in();
    let run = home
        .vault(&["export", "dev"])
        .without_env("AWS_VAULT_FILE_PASSPHRASE");
    let run = run.env("AWS_VAULT_FILE_UNLOCKED_FOR", "0");
    let ended = run.on_terminal().wait();
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.screen.contains("AWS_VAULT_FILE_PASSPHRASE"),
        "{ended:?}"
    );
    assert!(!ended.screen.contains("Passphrase of"), "{ended:?}");
}

#[test]
fn process_may_ask_where_the_option_or_config_toml_allows_it() {
    for allowed_by_file in [false, true] {
        let home = Home::consenting();
        if allowed_by_file {
            home.write(".config/vault/config.toml", "[export]\nmay_ask = true\n");
        }
        let arguments: &[&str] = if allowed_by_file {
            &["export", "dev"]
        } else {
            &["export", "dev", "--may-ask"]
        };
        let script = format!("\"$vault\" {} >out", arguments.join(" "));
        home.exempt("out");
        let run = home.program("/bin/sh").args(&["-c", &script]);
        let run = run.env("vault", env!("CARGO_BIN_EXE_vault")).with_browser();
        let ended = run.on_terminal().wait();
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(home.read("out").contains("\"Version\":1"));
        // Where there is no terminal, nobody is there to be asked.
        home.vault(&["clear", "--sign-ins"]).output().success();
        let refused = home.vault(arguments).output().expect_code(4);
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn the_other_formats_may_ask_on_the_terminal() {
    let home = Home::consenting();
    home.exempt("out");
    let script = "\"$vault\" export --format env >out 2>err; echo \"<$?>\"";
    let run = home.program("/bin/sh").args(&["-c", script]).with_browser();
    let mut terminal = run.env("vault", env!("CARGO_BIN_EXE_vault")).on_terminal();
    terminal.expect("Profile");
    terminal.types("pro");
    terminal.types("\r");
    terminal.expect("<0>");
    terminal.wait();
    assert!(home.read("out").contains("export AWS_VAULT=prod\n"));
    home.vault(&["clear", "--sign-ins"]).output().success();
    let refused = home.vault(&["export", "dev", "--format", "env"]).output();
    assert_eq!(refused.expect_code(4).stdout, "");
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_with_2() {
    let home = Home::new();
    home.vault(&["export", "dev", "--format", "yaml"])
        .output()
        .expect_code(2)
        .says(&["process", "windows-cmd"]);
    home.vault(&["export"]).output().expect_code(2).says(&[
        "error: no profile is named",
        "hint: name one, or set AWS_PROFILE",
    ]);
    let unknown = home.vault(&["export", "prdo"]).output().expect_code(1);
    unknown.says(&[
        "error: there is no profile `prdo`",
        "hint: did you mean `prod`?",
    ]);
}

/// SDKs ask again when less than 15 minutes are left, and at every request as long as it is so.
#[test]
fn process_hands_out_nothing_that_the_sdks_would_bring_back_at_once() {
    let home = Home::signed_in();
    home.aws
        .configure(|b| b.role_credentials_life = std::time::Duration::from_mins(12));
    let short = end_of(&process(&home, "dev"));
    home.aws
        .configure(|b| b.role_credentials_life = std::time::Duration::from_hours(1));
    // A command that is given them once may have the old ones.
    assert_eq!(
        home.environment_as("dev")["AWS_CREDENTIAL_EXPIRATION"],
        short.to_string()
    );
    let renewed = end_of(&process(&home, "dev"));
    assert!(renewed > short, "{renewed} {short}");
    assert_eq!(end_of(&process(&home, "dev")), renewed);
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn what_cannot_be_renewed_is_handed_out_while_it_is_good() {
    let home = Home::signed_in();
    home.aws
        .configure(|b| b.role_credentials_life = std::time::Duration::from_mins(12));
    let short = end_of(&process(&home, "dev"));
    home.aws
        .fault("GetRoleCredentials", Fault::Status(500), 100);
    assert_eq!(end_of(&process(&home, "dev")), short);
    // But what has ended for everybody is not.
    let fresh = home
        .vault(&["export", "dev", "--fresh"])
        .output()
        .expect_code(1);
    fresh.says(&["error: no credentials for profile `dev`"]);
}

#[test]
fn a_role_of_a_quarter_of_an_hour_is_not_assumed_at_every_request() {
    let home = Home::signed_in();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = dev\nduration_seconds = 900\n",
    );
    let first = process(&home, "deploy");
    assert_eq!(process(&home, "deploy"), first);
    assert_eq!(home.aws.count("AssumeRole"), 1);
}

#[test]
fn inside_exec_it_works_as_anywhere_else() {
    let home = Home::signed_in();
    let vault = env!("CARGO_BIN_EXE_vault");
    let inner = home.exec("prod", &[vault, "export", "dev"]).shows_secrets();
    let printed = inner.output().success();
    let document: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(document, process(&home, "dev"));
}
