//! The programs that vault is for, as its children: the real AWS CLI and boto3. One configuration
//! serves them with vault and without.

use crate::support::fake_aws::Visit;
use crate::support::home::Home;
use crate::support::run::Output;
use crate::support::tools;

/// A home in which vault is signed in.
fn home() -> Home {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    home.vault(&["login"]).with_browser().output().success();
    home
}

/// What a program says when vault runs it.
fn exec(home: &Home, profile: &str, command: &[&str]) -> Output {
    let mut arguments = vec!["exec", profile, "--"];
    arguments.extend(command);
    home.vault(&arguments).output().success()
}

fn aws(home: &Home, profile: &str, arguments: &[&str]) -> Output {
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    let mut command = vec![cli.as_str()];
    command.extend(arguments);
    exec(home, profile, &command)
}

#[test]
fn the_aws_cli_lists_buckets_and_knows_who_it_is() {
    let home = home();
    let listed = aws(&home, "dev", &["s3", "ls"]);
    assert!(
        listed.stdout.contains("111111111111-developer-data"),
        "{listed:?}"
    );
    let who = aws(&home, "prod", &["sts", "get-caller-identity"]);
    assert!(who.stdout.contains("222222222222"), "{who:?}");
    assert!(who.stdout.contains("AWSReservedSSO_Admin_"), "{who:?}");
    let region = aws(&home, "prod", &["configure", "list"]);
    assert!(region.stdout.contains("eu-west-1"), "{region:?}");
    // The CLI asked nobody for credentials: it was given them.
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
    assert_eq!(home.aws.count("Unexpected"), 0);
}

#[test]
fn the_aws_cli_runs_as_an_assumed_role() {
    let home = home();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = dev\nrole_session_name = tests\nregion = eu-central-1\n",
    );
    let who = aws(&home, "deploy", &["sts", "get-caller-identity"]);
    let arn = "arn:aws:sts::333333333333:assumed-role/Deployer/tests";
    assert!(who.stdout.contains(arn), "{who:?}");
    aws(&home, "deploy", &["s3", "ls"]);
    // vault assumed it once, for both.
    assert_eq!(home.aws.count("AssumeRole"), 1);
}

#[test]
fn boto3_finds_credentials_and_region_in_its_environment() {
    let home = home();
    let script = "import boto3\ns = boto3.Session()\nprint(s.region_name)\n\
                  print(s.client('sts').get_caller_identity()['Account'])\n\
                  print(s.get_credentials().method)";
    let python = tools::python().to_string_lossy().into_owned();
    let said = exec(&home, "prod", &[&python, "-c", script]);
    assert_eq!(said.stdout, "eu-west-1\n222222222222\nenv\n");
}

#[test]
fn an_outer_profile_does_not_lead_the_aws_cli_astray() {
    let home = home();
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    let arguments = ["exec", "prod", "--", &cli, "sts", "get-caller-identity"];
    let who = home
        .vault(&arguments)
        .env("AWS_PROFILE", "dev")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAOLD")
        .env("AWS_SECRET_ACCESS_KEY", "old")
        .output()
        .success();
    assert!(who.stdout.contains("222222222222"), "{who:?}");
}

#[test]
fn one_configuration_serves_vault_and_the_aws_cli_alone() {
    let home = home();
    let alone = |arguments: &[&str]| {
        let run = home.program(tools::aws_cli()).args(arguments);
        run.with_browser().output().success()
    };
    home.exempt(".aws/sso/cache");
    home.exempt(".aws/cli/cache");
    alone(&["sso", "login", "--sso-session", "corp"]);
    let identity = ["sts", "get-caller-identity", "--query", "Account"];
    for (profile, account) in [("dev", "111111111111"), ("prod", "222222222222")] {
        let with_profile = [&identity[..], &["--profile", profile]].concat();
        let by_itself = alone(&with_profile).stdout;
        let by_vault = aws(&home, profile, &identity).stdout;
        assert_eq!(by_itself, format!("\"{account}\"\n"));
        assert_eq!(by_vault, by_itself);
    }
}

#[test]
fn the_exit_code_of_the_aws_cli_is_vaults() {
    let home = home();
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    let wrong = ["exec", "dev", "--", &cli, "s3", "no-such-operation"];
    let output = home.vault(&wrong).output();
    let alone = home.program(tools::aws_cli()).args(&wrong[4..]).output();
    assert_ne!(alone.code, Some(0));
    assert_eq!(output.code, alone.code);
}
