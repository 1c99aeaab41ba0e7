//! What the fake AWS refuses, asked by boto3: every rule of the sign-in, the portal and the
//! console's endpoint that a test of ours relies on.

use std::time::Duration;

use crate::support::fake_aws::{RefreshAnswer, Visit};
use crate::support::home::Home;
use crate::support::tools;

/// What every script begins with: clients that never try again, and words for errors.
const PRELUDE: &str = r"
import boto3, base64, hashlib, json, os, sys, time, urllib.error, urllib.parse, urllib.request
from botocore.config import Config
from botocore.exceptions import ClientError
once = Config(retries={'total_max_attempts': 1})
oidc, sso = (boto3.client(name, config=once) for name in ('sso-oidc', 'sso'))
base = os.environ['AWS_ENDPOINT_URL_SSO']
start = 'https://corp.awsapps.com/start'
DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
def attempt(call, **wanted):
    try:
        answer = call(**wanted)
        print('ok')
        return answer
    except ClientError as e:
        print(e.response['ResponseMetadata']['HTTPStatusCode'], e.response['Error']['Code'])
def visit(path, form=None):
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *a): return None
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        return 200, urllib.request.build_opener(Stay).open(base + path, data).read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers.get('location', '')
def register(**more):
    r = oidc.register_client(clientName='x', clientType='public', **more)
    return dict(clientId=r['clientId'], clientSecret=r['clientSecret'])
def device(client):
    return oidc.start_device_authorization(startUrl=start, **client)
def redeem(client, d):
    return attempt(oidc.create_token, grantType=DEVICE, deviceCode=d['deviceCode'], **client)
";

/// Runs a script and gives what it printed, line by line.
fn script(home: &Home, body: &str) -> Vec<String> {
    let code = format!("{PRELUDE}{body}");
    let run = home.program(tools::python()).args(&["-c", &code]);
    let output = run
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_DEFAULT_REGION", "eu-central-1");
    let output = output.output().success();
    output.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn the_device_flow_has_its_errors() {
    let home = Home::new();
    home.aws.configure(|behaviour| {
        behaviour.shortest_poll_gap = Duration::from_millis(300);
        behaviour.slow_down_penalty = Duration::from_millis(300);
        behaviour.device_code_life = Duration::from_secs(4);
    });
    let lines = script(
        &home,
        r"
c = register(scopes=['sso:account:access'])
attempt(oidc.start_device_authorization, startUrl=start, clientId='x', clientSecret='y')
attempt(oidc.start_device_authorization, startUrl='https://other', **c)
d = device(c)
redeem(c, d); redeem(c, d); time.sleep(.4); redeem(c, d); time.sleep(1.1); redeem(c, d)
print(visit('/device', dict(user_code=d['userCode'], decision='allow'))[0])
time.sleep(1.1); t = redeem(c, d); print('refreshToken' in t, t['expiresIn'])
redeem(c, d)
d = device(c); visit('/device', dict(user_code=d['userCode'], decision='deny')); redeem(c, d)
d = device(c); time.sleep(4.1); redeem(c, d)
c = register(); d = device(c)
visit('/device', dict(user_code=d['userCode'], decision='allow'))
t = redeem(c, d); print('refreshToken' in t, t['expiresIn'])
",
    );
    let expected = [
        "401 InvalidClientException",
        "400 InvalidRequestException",
        "400 AuthorizationPendingException",
        "400 SlowDownException",
        "400 SlowDownException",
        "400 AuthorizationPendingException",
        "200",
        "ok",
        "True 3600",
        "400 InvalidGrantException",
        "400 AccessDeniedException",
        "400 ExpiredTokenException",
        "ok",
        "False 28800",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_authorization_code_flow_has_its_errors() {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    let lines = script(
        &home,
        r"
grants = dict(grantTypes=['authorization_code', 'refresh_token'], issuerUrl=start,
    scopes=['sso:account:access'])
attempt(register, redirectUris=['https://evil.example/cb'], **grants)
c = register(redirectUris=['http://127.0.0.1/oauth/callback'], **grants)
verifier = 'v' * 64
challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()[:43]
here = 'http://127.0.0.1:4711/oauth/callback'
def authorize(**other):
    query = dict(response_type='code', client_id=c['clientId'], redirect_uri=here, state='s1',
        code_challenge_method='S256', code_challenge=challenge, scopes='sso:account:access')
    status, location = visit('/authorize?' + urllib.parse.urlencode({**query, **other}))
    q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query))
    print(status, q.get('state'), q.get('error'), 'code' in q)
    return q.get('code')
authorize(client_id='nobody')
authorize(redirect_uri='https://evil.example/cb')
authorize(redirect_uri='http://127.0.0.1:4711/other')
authorize(code_challenge_method='plain')
def exchange(code, **other):
    wanted = dict(grantType='authorization_code', code=code, redirectUri=here,
        codeVerifier=verifier, **c)
    return attempt(oidc.create_token, **{**wanted, **other})
exchange(authorize(), codeVerifier='w' * 64)
exchange(authorize(), redirectUri='http://127.0.0.1:4712/oauth/callback')
code = authorize(); t = exchange(code); exchange(code)
def refresh(t):
    return attempt(oidc.create_token, grantType='refresh_token', refreshToken=t['refreshToken'],
        **c)
new = refresh(t); refresh(t); refresh(new)
attempt(oidc.start_device_authorization, startUrl=start, **c)
",
    );
    let refused = "400 InvalidGrantException";
    let expected = [
        "400 InvalidRedirectUriException",
        "400 None None False",
        "400 None None False",
        "400 None None False",
        "400 None None False",
        "302 s1 None True",
        refused,
        "302 s1 None True",
        refused,
        "302 s1 None True",
        "ok",
        refused,
        "ok",
        refused,
        "ok",
        "400 UnauthorizedClientException",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_portal_has_pages_limits_and_an_end() {
    let home = Home::new();
    home.aws.approve_all_after(0);
    home.aws.configure(|behaviour| {
        behaviour.refresh = RefreshAnswer::LeaveOut;
        behaviour.portal_requests_per_second = 6;
    });
    let lines = script(
        &home,
        r"
c = register(scopes=['sso:account:access']); t = redeem(c, device(c))
a = dict(accessToken=t['accessToken'])
first = sso.list_accounts(maxResults=1, **a)
second = sso.list_accounts(maxResults=1, nextToken=first['nextToken'], **a)
print(first['accountList'][0]['accountId'], second['accountList'][0]['accountId'],
    'nextToken' in second)
roles = sso.list_account_roles(accountId='222222222222', **a)['roleList']
print([r['roleName'] for r in roles])
get = sso.get_role_credentials
attempt(get, accountId='111111111111', roleName='Admin', **a)
attempt(get, accountId='999999999999', roleName='Admin', **a)
attempt(get, accountId='111111111111', roleName='Developer', **a)
attempt(get, accountId='111111111111', roleName='Developer', **a)
time.sleep(1.1)
r = oidc.create_token(grantType='refresh_token', refreshToken=t['refreshToken'], **c)
print('refreshToken' in r)
attempt(sso.logout, **a); attempt(sso.list_accounts, **a)
attempt(oidc.create_token, grantType='refresh_token', refreshToken=t['refreshToken'], **c)
",
    );
    let expected = [
        "ok",
        "111111111111 222222222222 False",
        "['Admin', 'ReadOnly']",
        "403 ForbiddenException",
        "404 ResourceNotFoundException",
        "ok",
        "429 TooManyRequestsException",
        "False",
        "ok",
        "401 UnauthorizedException",
        "400 InvalidGrantException",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_console_takes_a_posted_session_only() {
    let home = Home::new();
    home.aws.approve_all_after(0);
    let lines = script(
        &home,
        r"
c = register(); t = redeem(c, device(c))
r = sso.get_role_credentials(accountId='111111111111', roleName='Developer',
    accessToken=t['accessToken'])['roleCredentials']
session = dict(sessionId=r['accessKeyId'], sessionKey=r['secretAccessKey'],
    sessionToken=r['sessionToken'])
def form(duration='3600', **other):
    return dict(Action='getSigninToken', SessionDuration=duration,
        Session=json.dumps({**session, **other}))
print(visit('/federation?' + urllib.parse.urlencode(form()))[0])
print(visit('/federation', form(duration='43201'))[0])
print(visit('/federation', form(sessionKey='x'))[0])
status, body = visit('/federation', form())
login = dict(Action='login', Destination='https://console.aws.amazon.com/',
    SigninToken=json.loads(body)['SigninToken'])
print(status, visit('/federation?' + urllib.parse.urlencode(login))[0])
print(visit('/federation?' + urllib.parse.urlencode({**login, 'SigninToken': 'x'}))[0])
",
    );
    assert_eq!(lines, ["ok", "405", "400", "400", "200 200", "400"]);
}

#[test]
fn a_presigned_request_is_checked_like_any_other() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "alice");
    let body = format!(
        r"
s = boto3.client('sts', aws_access_key_id='{}', aws_secret_access_key=sys.stdin.readline().strip())
url = s.generate_presigned_url('get_caller_identity', HttpMethod='GET')[len(base):]
print(visit(url)[0], visit(url.replace('Version=2011-06-15', 'Version=2011-06-16'))[0])
",
        key.id
    );
    let code = format!("{PRELUDE}{body}");
    let run = home
        .program(tools::python())
        .args(&["-c", &code])
        .stdin(&format!("{}\n", key.secret));
    let run = run
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_DEFAULT_REGION", "eu-central-1");
    assert_eq!(run.output().success().stdout, "200 403\n");
}

#[test]
fn iam_makes_two_keys_and_answers_to_no_session_without_mfa() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "alice");
    home.aws.configure(|behaviour| {
        behaviour.key_propagation = Duration::from_millis(500);
        behaviour.iam_denies = vec!["DeleteAccessKey"];
        let code = ("arn:aws:iam::111111111111:mfa/alice", "123456");
        behaviour
            .mfa_codes
            .insert(code.0.to_owned(), code.1.to_owned());
    });
    let lines = script(
        &home,
        &format!(
            r"
os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY'] = '{}', '{}'
def client(name, key=None):
    keys = dict(aws_access_key_id=key['AccessKeyId'], aws_secret_access_key=key['SecretAccessKey'],
        aws_session_token=key.get('SessionToken')) if key else {{}}
    return boto3.client(name, config=once, **keys)
iam, sts = client('iam'), client('sts')
def listed(c=iam):
    return [(k['Status'], k['UserName']) for k in c.list_access_keys()['AccessKeyMetadata']]
print(listed())
new = attempt(iam.create_access_key)['AccessKey']
print(listed())
attempt(iam.create_access_key)
attempt(client('sts', new).get_caller_identity); attempt(client('iam', new).list_access_keys)
time.sleep(.6)
attempt(client('sts', new).get_caller_identity); attempt(client('iam', new).list_access_keys)
wrong = dict(new, SecretAccessKey='x' * 40)
attempt(client('iam', wrong).list_access_keys)
attempt(client('iam', sts.get_session_token()['Credentials']).list_access_keys)
mfa = sts.get_session_token(SerialNumber='arn:aws:iam::111111111111:mfa/alice', TokenCode='123456')
print(listed(client('iam', mfa['Credentials'])))
attempt(iam.delete_access_key, AccessKeyId=new['AccessKeyId'])
",
            key.id, key.secret
        ),
    );
    let invalid = "403 InvalidClientTokenId";
    let expected = [
        "[('Active', 'alice')]",
        "ok",
        "[('Active', 'alice'), ('Active', 'alice')]",
        "409 LimitExceeded",
        invalid,
        invalid,
        "ok",
        "ok",
        "403 SignatureDoesNotMatch",
        invalid,
        "[('Active', 'alice'), ('Active', 'alice')]",
        "403 AccessDenied",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn iam_deletes_a_key_once() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "alice");
    home.aws.add_user_key("111111111111", "alice");
    let lines = script(
        &home,
        &format!(
            r"
os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY'] = '{}', '{}'
iam = boto3.client('iam', config=once)
attempt(iam.delete_access_key, AccessKeyId='AKIANOBODYSKEYATALL0')
[other] = [k['AccessKeyId'] for k in iam.list_access_keys()['AccessKeyMetadata']
    if k['AccessKeyId'] != '{}']
attempt(iam.delete_access_key, AccessKeyId=other); attempt(iam.delete_access_key, AccessKeyId=other)
",
            key.id, key.secret, key.id
        ),
    );
    assert_eq!(lines, ["404 NoSuchEntity", "ok", "404 NoSuchEntity"]);
}
