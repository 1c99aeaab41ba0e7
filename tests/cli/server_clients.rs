//! vault's servers and real AWS clients: the AWS CLI, boto3 and the AWS SDK for JavaScript.

use std::time::Duration;

use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::tools;

/// Twenty sessions of boto3 at once.
const BOTO3: &str = "import boto3, concurrent.futures as c\n\
    def who(_): return boto3.Session().client('sts').get_caller_identity()['Account']\n\
    with c.ThreadPoolExecutor(20) as pool: print(*pool.map(who, range(20)))\n\
    print(boto3.Session().get_credentials().method, boto3.Session().region_name)";

/// Twenty clients of the SDK for JavaScript at once, each with credentials of its own. Their patience of
/// one second is for a machine that does nothing else.
const JAVASCRIPT: &str = "const { STS } = require('@aws-sdk/client-sts');\n\
    const { fromNodeProviderChain } = require('@aws-sdk/credential-providers');\n\
    const patience = { timeout: 15000, maxRetries: 3 };\n\
    const who = async () => {\n\
      const sts = new STS({ credentials: fromNodeProviderChain(patience), region: 'eu-west-1' });\n\
      return (await sts.getCallerIdentity({})).Account;\n\
    };\n\
    Promise.all(Array.from({ length: 20 }, who)).then((all) => console.log(all.join(' ')));";

const LIMIT: Duration = Duration::from_mins(2);

fn twenty() -> String {
    vec!["222222222222"; 20].join(" ")
}

/// `vault exec --server prod -- PROGRAM ARGUMENTS`
fn behind_server<'h>(home: &'h Home, program: &std::path::Path, arguments: &[&str]) -> Run<'h> {
    let program = program.to_string_lossy().into_owned();
    let exec = ["exec", "--server", "prod", "--", &program];
    home.vault(&exec).args(arguments).time_limit(LIMIT)
}

#[test]
fn the_aws_cli_asks_the_server_of_exec() {
    let home = Home::signed_in();
    let who = ["sts", "get-caller-identity"];
    let said = behind_server(&home, &tools::aws_cli(), &who)
        .output()
        .success();
    assert!(said.stdout.contains("222222222222"), "{said:?}");
    let list = ["configure", "list"];
    let said = behind_server(&home, &tools::aws_cli(), &list)
        .output()
        .success();
    assert!(said.stdout.contains("container-role"), "{said:?}");
    assert!(said.stdout.contains("eu-west-1"), "{said:?}");
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn boto3_asks_the_server_of_exec_twenty_at_once() {
    let home = Home::signed_in();
    let run = behind_server(&home, &tools::python(), &["-c", BOTO3]);
    let said = run.output().success();
    assert_eq!(
        said.stdout,
        format!("{}\ncontainer-role eu-west-1\n", twenty())
    );
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn the_sdk_for_javascript_asks_the_server_of_exec_twenty_at_once() {
    let home = Home::signed_in();
    let (node, folder) = tools::node();
    let run = behind_server(&home, &node, &["-e", JAVASCRIPT]);
    let said = run.in_folder(&folder).output().success();
    assert_eq!(said.stdout, twenty() + "\n");
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

/// Whoever runs the client reads why, and what to do.
#[test]
fn clients_show_that_a_person_must_sign_in() {
    let home = Home::signed_in();
    let (node, folder) = tools::node();
    let cli = tools::aws_cli();
    let script = "const { fromHttp } = require('@aws-sdk/credential-providers');\n\
        fromHttp({ maxRetries: 0 })().catch((error) => { console.log(error); process.exit(9); });";
    let dead = format!(
        "'{vault}' clear --sign-ins 2>/dev/null; '{cli}' s3 ls; echo cli $?; cd '{folder}'; \
         '{node}' -e \"$0\"; echo node $?",
        vault = env!("CARGO_BIN_EXE_vault"),
        cli = cli.display(),
        folder = folder.display(),
        node = node.display(),
    );
    // `clear` has to open the keystore.
    let exec = ["exec", "--server", "prod", "--", "sh", "-c"];
    let dead = format!("AWS_VAULT_FILE_PASSPHRASE=$HIDDEN {dead}");
    let run = home.vault(&exec).args(&[dead.as_str(), script]);
    let run = run.env("HIDDEN", crate::support::home::PASSPHRASE);
    let said = run.time_limit(LIMIT).output().success();
    let hint = "no one is signed in to corp; run `vault login corp`";
    assert!(said.stdout.contains("node 9"), "{said:?}");
    assert!(!said.stdout.contains("cli 0"), "{said:?}");
    assert!(said.stdout.contains(hint), "JavaScript: {said:?}");
    let (own, cli) = said.stderr.split_once('\n').unwrap();
    let line = format!("warning: no credentials for profile `prod`: {hint}");
    assert_eq!(own, line);
    assert!(cli.contains(hint) && !cli.contains("warning"), "{said:?}");
}

/// A client in a shell that has evaluated what `vault serve` printed for `prod`.
fn served<'h>(home: &'h Home, imds: bool, client: &str, script: &str) -> Run<'h> {
    let imds = if imds { "--imds" } else { "" };
    let line = format!(
        "eval \"$($VAULT serve {imds} prod 2>err &)\"\n{client}\n\
         kill $(sed 's/.*process \\([0-9]*\\).*/\\1/' err)"
    );
    let (node, folder) = tools::node();
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let run = home.program("/bin/sh").args(&["-c", &line]);
    run.env("VAULT", env!("CARGO_BIN_EXE_vault"))
        .env("CLI", text(&tools::aws_cli()))
        .env("PYTHON", text(&tools::python()))
        .env("NODE", text(&node))
        .env("FOLDER", text(&folder))
        .env("SCRIPT", script)
        // boto3's patience with an instance is one second, and one try.
        .env("AWS_METADATA_SERVICE_TIMEOUT", "15")
        .env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3")
        .time_limit(LIMIT)
}

#[test]
fn the_aws_cli_asks_vault_serve_and_its_instance() {
    let home = Home::signed_in();
    let client = "$CLI sts get-caller-identity --query Account; $CLI configure list";
    for (imds, kind) in [(false, "container-role"), (true, "iam-role")] {
        let said = served(&home, imds, client, "").output().success();
        assert!(said.stdout.starts_with("\"222222222222\"\n"), "{said:?}");
        assert!(said.stdout.contains(kind), "{said:?}");
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn boto3_asks_vault_serve_and_its_instance_twenty_at_once() {
    let home = Home::signed_in();
    for (imds, kind) in [(false, "container-role"), (true, "iam-role")] {
        let client = "$PYTHON -c \"$SCRIPT\"";
        let said = served(&home, imds, client, BOTO3).output().success();
        assert_eq!(said.stdout, format!("{}\n{kind} eu-west-1\n", twenty()));
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn the_sdk_for_javascript_asks_vault_serve_and_its_instance_twenty_at_once() {
    let home = Home::signed_in();
    for imds in [false, true] {
        let client = "(cd $FOLDER; $NODE -e \"$SCRIPT\")";
        let said = served(&home, imds, client, JAVASCRIPT).output().success();
        assert_eq!(said.stdout, twenty() + "\n", "{said:?}");
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

/// Without a region of its own, a client asks the instance.
#[test]
fn a_client_learns_its_region_of_the_instance() {
    let home = Home::signed_in();
    let script = "import botocore.utils, os\n\
        at = os.environ['AWS_EC2_METADATA_SERVICE_ENDPOINT']\n\
        print(botocore.utils.InstanceMetadataRegionFetcher(base_url=at).retrieve_region())";
    let client = "unset AWS_REGION AWS_DEFAULT_REGION; $PYTHON -c \"$SCRIPT\"";
    let said = served(&home, true, client, script).output().success();
    assert_eq!(said.stdout, "eu-west-1\n");
}
