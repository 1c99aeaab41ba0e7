//! `vault export` as `credential_process`, in a configuration that real AWS clients read: the AWS CLI,
//! boto3 and the AWS SDK for JavaScript.

use std::time::Duration;

use crate::support::home::Home;
use crate::support::tools;

/// A home that is signed in, whose profile `via` gets its credentials from vault.
fn home() -> Home {
    let home = Home::signed_in();
    let vault = env!("CARGO_BIN_EXE_vault");
    home.add_config(&format!(
        "[profile via]\nregion = eu-west-1\ncredential_process = \"{vault}\" export prod\n"
    ));
    home
}

#[test]
fn the_aws_cli_gets_its_credentials_through_it() {
    let home = home();
    let run = home.program(tools::aws_cli());
    let who = run.args(&["--profile", "via", "sts", "get-caller-identity"]);
    let who = who.output().success();
    assert!(who.stdout.contains("222222222222"), "{who:?}");
}

#[test]
fn the_aws_cli_shows_what_vault_says_when_a_person_must_sign_in() {
    let home = home();
    home.vault(&["clear", "--sign-ins"]).output().success();
    let run = home.program(tools::aws_cli());
    let refused = run.args(&["--profile", "via", "s3", "ls"]).output();
    assert_ne!(refused.code, Some(0));
    refused.says(&["no one is signed in to corp", "run `vault login corp`"]);
}

/// Twenty sessions of boto3 at once are twenty runs of vault, and one request.
#[test]
fn boto3_gets_them_twenty_at_once() {
    let home = home();
    let script = "import boto3, concurrent.futures as c\n\
        def who(_): return boto3.Session(profile_name='via').client('sts').get_caller_identity()['Account']\n\
        with c.ThreadPoolExecutor(20) as pool: print(*pool.map(who, range(20)))\n\
        s = boto3.Session(profile_name='via')\n\
        print(s.get_credentials().method)";
    let run = home.program(tools::python()).args(&["-c", script]);
    let run = run.time_limit(Duration::from_mins(2));
    let said = run.output().success();
    let twenty = vec!["222222222222"; 20].join(" ");
    assert_eq!(said.stdout, format!("{twenty}\ncustom-process\n"));
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn the_sdk_for_javascript_gets_them_twenty_at_once() {
    let home = home();
    let (node, folder) = tools::node();
    let script = "const { STS } = require('@aws-sdk/client-sts');\n\
        const { fromIni } = require('@aws-sdk/credential-providers');\n\
        const who = async () => {\n\
          const sts = new STS({ credentials: fromIni({ profile: 'via' }), region: 'eu-west-1' });\n\
          return (await sts.getCallerIdentity({})).Account;\n\
        };\n\
        Promise.all(Array.from({ length: 20 }, who)).then((all) => console.log(all.join(' ')));";
    let run = home.program(node).in_folder(&folder).args(&["-e", script]);
    let run = run.time_limit(Duration::from_mins(2));
    let said = run.output().success();
    assert_eq!(said.stdout, vec!["222222222222"; 20].join(" ") + "\n");
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}
