//! The fake AWS, proved by clients that are not ours: the AWS CLI and boto3 sign in to it and list
//! buckets. What AWS rejects, it rejects.

use std::time::Duration;

use crate::support::fake_aws::{Fault, Visit};
use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::tools;

/// A home in which the AWS CLI runs; that one keeps its tokens in the clear.
fn home() -> Home {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    home.exempt(".aws/sso/cache");
    home.exempt(".aws/cli/cache");
    home
}

fn aws<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    home.program(tools::aws_cli())
        .args(arguments)
        .with_browser()
}

fn sign_in(home: &Home) {
    aws(home, &["sso", "login", "--sso-session", "corp"])
        .output()
        .success();
}

#[test]
fn the_aws_cli_signs_in_by_authorization_code_and_lists_buckets() {
    let home = home();
    sign_in(&home);
    assert_eq!(home.aws.count("Authorize"), 1);
    let listed = aws(&home, &["s3", "ls", "--profile", "dev"])
        .output()
        .success();
    assert!(
        listed.stdout.contains("111111111111-developer-data"),
        "{listed:?}"
    );
    let listed = aws(&home, &["s3", "ls", "--profile", "prod"])
        .output()
        .success();
    assert!(
        listed.stdout.contains("222222222222-admin-logs"),
        "{listed:?}"
    );
    let registration = home.aws.requests("RegisterClient")[0].json();
    assert_eq!(registration["clientType"], "public");
    assert_eq!(
        registration["redirectUris"][0],
        "http://127.0.0.1/oauth/callback"
    );
    assert_eq!(home.aws.count("Unexpected"), 0);
}

#[test]
fn the_aws_cli_signs_in_by_device_code() {
    let home = home();
    home.aws.configure(|behaviour| behaviour.visit = Visit::Ask);
    home.aws.approve_all_after(1);
    let login = [
        "sso",
        "login",
        "--sso-session",
        "corp",
        "--use-device-code",
        "--no-browser",
    ];
    aws(&home, &login).output().success();
    // Its first two polls come without a wait between them; it then takes `slow_down` as RFC 8628
    // says: 5 s more than the interval of 1 s.
    let polls = home.aws.requests("CreateToken");
    let [first, second, third] = &polls[..] else {
        panic!("{} polls", polls.len());
    };
    assert_eq!((first.status, second.status, third.status), (400, 400, 200));
    assert!(third.at.duration_since(second.at) >= Duration::from_secs(6));
    let who = ["sts", "get-caller-identity", "--profile", "prod"];
    let who = aws(&home, &who).output().success();
    assert!(who.stdout.contains("AWSReservedSSO_Admin_"), "{who:?}");
    assert_eq!(home.aws.count("Unexpected"), 0);
}

#[test]
fn the_aws_cli_refreshes_a_token_that_is_near_its_end() {
    let home = home();
    let short = Duration::from_secs(120);
    home.aws
        .configure(|behaviour| behaviour.access_token_life = Some(short));
    sign_in(&home);
    aws(&home, &["s3", "ls", "--profile", "dev"])
        .output()
        .success();
    let grants = home.aws.requests("CreateToken");
    assert_eq!(grants.last().unwrap().json()["grantType"], "refresh_token");
}

#[test]
fn the_aws_cli_is_refused_what_aws_refuses() {
    let home = home();
    home.add_config(
        "[profile outside]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Admin\nregion = eu-central-1\n",
    );
    sign_in(&home);
    let refused = aws(&home, &["s3", "ls", "--profile", "outside"]).output();
    assert!(
        refused.stderr.contains("(ForbiddenException)"),
        "{refused:?}"
    );
    home.aws.revoke_access_tokens();
    let refused = aws(&home, &["s3", "ls", "--profile", "dev"]).output();
    assert!(
        refused.stderr.contains("expired or is otherwise invalid"),
        "{refused:?}"
    );
    let asked = home.aws.requests("GetRoleCredentials");
    assert_eq!(asked.last().unwrap().status, 401);
}

#[test]
fn the_aws_cli_meets_a_fault_and_tries_again() {
    let home = home();
    sign_in(&home);
    home.aws.fault("ListBuckets", Fault::Status(503), 1);
    aws(&home, &["s3", "ls", "--profile", "dev"])
        .output()
        .success();
    assert_eq!(home.aws.count("ListBuckets"), 2);
}

/// Runs Python with boto3 imported.
fn boto3<'h>(home: &'h Home, script: &str) -> Run<'h> {
    let code = format!("import boto3\nfrom botocore.exceptions import ClientError\n{script}");
    home.program(tools::python())
        .args(&["-c", &code])
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_DEFAULT_REGION", "eu-central-1")
}

#[test]
fn boto3_reads_role_credentials_of_the_aws_clis_sign_in() {
    let home = home();
    sign_in(&home);
    let script = "s = boto3.Session(profile_name='dev')\n\
                  print([b['Name'] for b in s.client('s3').list_buckets()['Buckets']])";
    let listed = boto3(&home, script).output().success();
    assert_eq!(
        listed.stdout,
        "['111111111111-developer-data', '111111111111-developer-logs']\n"
    );
}

#[test]
fn boto3_assumes_roles_within_their_limits() {
    let home = home();
    let key = home.aws.add_user_key("111111111111", "alice");
    let script = r"
def attempt(sts, **wanted):
    try:
        wanted = dict(RoleSessionName='alice', **wanted)
        return sts.assume_role(**wanted)['Credentials']
    except ClientError as e:
        print(e.response['Error']['Code'])
arn = 'arn:aws:iam::333333333333:role/'
sts = boto3.client('sts')
attempt(sts, RoleArn=arn + 'Nobody')
attempt(sts, RoleArn=arn + 'Partner')
attempt(sts, RoleArn=arn + 'Partner', ExternalId='partner-7')
attempt(sts, RoleArn=arn + 'Deployer', DurationSeconds=3601)
c = attempt(sts, RoleArn=arn + 'LongRun', DurationSeconds=43200)
chained = boto3.client('sts', aws_access_key_id=c['AccessKeyId'],
    aws_secret_access_key=c['SecretAccessKey'], aws_session_token=c['SessionToken'])
print(chained.get_caller_identity()['Arn'])
attempt(chained, RoleArn=arn + 'LongRun', DurationSeconds=3601)
try:
    chained.get_session_token()
except ClientError as e:
    print(e.response['Error']['Code'])
";
    let output = boto3(&home, script)
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret)
        .output()
        .success();
    let expected = "AccessDenied\nAccessDenied\nValidationError\n\
                    arn:aws:sts::333333333333:assumed-role/LongRun/alice\n\
                    ValidationError\nAccessDenied\n";
    assert_eq!(output.stdout, expected);
}

#[test]
fn wrong_signatures_unknown_keys_and_expired_ones_are_refused() {
    let home = home();
    let life = Duration::from_secs(1);
    home.aws
        .configure(|behaviour| behaviour.role_credentials_life = life);
    sign_in(&home);
    let key = home.aws.add_user_key("111111111111", "alice");
    let script = r"
import os, time
def attempt(**keys):
    for service, call in ('sts', 'get_caller_identity'), ('s3', 'list_buckets'):
        try:
            getattr(boto3.client(service, **keys), call)()
            print('in')
        except ClientError as e:
            print(e.response['Error']['Code'])
key, secret = os.environ['KEY'], os.environ['SECRET']
attempt(aws_access_key_id=key, aws_secret_access_key=secret)
attempt(aws_access_key_id=key, aws_secret_access_key=secret[:-1] + '-')
attempt(aws_access_key_id='AKIANOBODY', aws_secret_access_key=secret)
attempt(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token='x')
role = boto3.client('sso').get_role_credentials(roleName='Developer', accountId='111111111111',
    accessToken=os.environ['TOKEN'])['roleCredentials']
time.sleep(1.2)
attempt(aws_access_key_id=role['accessKeyId'], aws_secret_access_key=role['secretAccessKey'],
    aws_session_token=role['sessionToken'])
";
    let tokens = home.aws.secrets();
    let token = tokens.iter().find(|secret| secret.starts_with("aoaAAAAAG"));
    let output = boto3(&home, script)
        .env("KEY", &key.id)
        .env("SECRET", &key.secret)
        .env("TOKEN", token.unwrap())
        .output()
        .success();
    let expected = "in\nin\nSignatureDoesNotMatch\nSignatureDoesNotMatch\n\
                    InvalidClientTokenId\nInvalidAccessKeyId\n\
                    InvalidClientTokenId\nInvalidToken\nExpiredToken\nExpiredToken\n";
    assert_eq!(output.stdout, expected);
}

/// An instance and a container, as boto3 reads their credentials.
#[test]
fn boto3_is_a_machine_on_aws() {
    let home = home();
    let token = home.aws.make_secret("token-", 30);
    home.aws
        .configure(|behaviour| behaviour.container_token = Some(token.clone()));
    let who = "print(boto3.client('sts').get_caller_identity()['Arn'])";
    let instance = boto3(&home, who)
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", home.aws.url());
    let said = instance.output().success().stdout;
    let arn = "arn:aws:sts::555555555555:assumed-role/Machine/i-0123456789abcdef0";
    assert_eq!(said.trim(), arn);
    let uri = format!("{}/container/credentials", home.aws.url());
    let container = |token: &str| {
        boto3(&home, who)
            .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri)
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", token)
            .output()
    };
    let said = container(&token).success().stdout;
    let arn = "arn:aws:sts::555555555555:assumed-role/Task/container";
    assert_eq!(said.trim(), arn);
    assert!(
        container("another")
            .stderr
            .contains("the token is not the right one")
    );
}
