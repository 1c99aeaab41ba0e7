//! The operations that the fake knows, by AWS's own names, and which request is which.

use super::encoding::value;
use super::http::{Answer, Request};
use super::state::State;
use super::{console, faults, iam, machine, oidc, pages, portal, s3, signin, sts};

/// Everything that the fake does. `Unexpected` is what it does not.
const KNOWN: &[&str] = &[
    "RegisterClient",
    "StartDeviceAuthorization",
    "CreateToken",
    "Authorize",
    "DevicePage",
    "GetRoleCredentials",
    "ListAccounts",
    "ListAccountRoles",
    "Logout",
    "GetSigninToken",
    "ConsoleLogin",
    "CreateOAuth2Token",
    "InstanceToken",
    "InstanceRoles",
    "InstanceCredentials",
    "ContainerCredentials",
    "CaptivePage",
    "Unexpected",
];

/// The operations that answer in XML.
pub const XML: &[&str] = &[
    "GetCallerIdentity",
    "AssumeRole",
    "AssumeRoleWithWebIdentity",
    "GetSessionToken",
    "GetFederationToken",
    "ListAccessKeys",
    "CreateAccessKey",
    "DeleteAccessKey",
    "ListBuckets",
];

/// A misspelt name would count nothing, silently: so it is an error of the test.
pub fn check(operation: &str) {
    let known = KNOWN.contains(&operation) || XML.contains(&operation) || operation == "*";
    assert!(known, "the fake AWS knows no operation {operation}");
}

/// Which operation a request is.
pub fn of(request: &Request) -> &'static str {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/client/register") => "RegisterClient",
        ("POST", "/device_authorization") => "StartDeviceAuthorization",
        ("POST", "/token") => "CreateToken",
        ("GET" | "POST", "/authorize") => "Authorize",
        ("GET" | "POST", "/device") => "DevicePage",
        ("GET", "/federation/credentials") => "GetRoleCredentials",
        ("GET", "/assignment/accounts") => "ListAccounts",
        ("GET", "/assignment/roles") => "ListAccountRoles",
        ("POST", "/logout") => "Logout",
        ("POST", "/v1/token") => "CreateOAuth2Token",
        ("GET" | "POST", "/federation") => of_console(request),
        ("PUT", "/latest/api/token") => "InstanceToken",
        ("GET", machine::ROLES) => "InstanceRoles",
        ("GET", path) if path.starts_with(machine::ROLES) => "InstanceCredentials",
        ("GET", "/container/credentials") => "ContainerCredentials",
        ("GET", "/captive") => "CaptivePage",
        ("GET" | "POST", "/") => of_root(request),
        _ => "Unexpected",
    }
}

fn of_console(request: &Request) -> &'static str {
    match value(&request.parameters(), "Action") {
        Some("getSigninToken") => "GetSigninToken",
        Some("login") => "ConsoleLogin",
        _ => "Unexpected",
    }
}

/// STS names its action in the form (or, presigned, in the query); S3 has none.
fn of_root(request: &Request) -> &'static str {
    let parameters = request.parameters();
    match value(&parameters, "Action") {
        Some(action) => {
            let known = XML.iter().find(|name| **name == action);
            known.copied().unwrap_or("Unexpected")
        }
        None if request.method == "GET" => "ListBuckets",
        None => "Unexpected",
    }
}

/// Does an operation.
pub fn perform(operation: &str, state: &mut State, request: &Request) -> Answer {
    match operation {
        "RegisterClient" => oidc::register_client(state, request),
        "StartDeviceAuthorization" => oidc::start_device_authorization(state, request),
        "CreateToken" => oidc::create_token(state, request),
        "Authorize" => pages::authorize(state, request),
        "DevicePage" => pages::device(state, request),
        "GetRoleCredentials" => portal::get_role_credentials(state, request),
        "ListAccounts" => portal::list_accounts(state, request),
        "ListAccountRoles" => portal::list_account_roles(state, request),
        "Logout" => portal::logout(state, request),
        "GetSigninToken" => console::get_signin_token(state, request),
        "ConsoleLogin" => console::login(state, request),
        "InstanceToken" => machine::instance_token(state, request),
        "InstanceRoles" => machine::instance_roles(state, request),
        "InstanceCredentials" => machine::instance_credentials(state, request),
        "ContainerCredentials" => machine::container_credentials(state, request),
        "CreateOAuth2Token" => signin::create_oauth2_token(state, request),
        "CaptivePage" => Answer::html(200, faults::CAPTIVE_PAGE),
        "ListBuckets" => s3::list_buckets(state, request),
        "Unexpected" => Answer::aws_error(404, "UnknownOperationException", "no such operation"),
        "ListAccessKeys" | "CreateAccessKey" | "DeleteAccessKey" => {
            iam::perform(operation, state, request)
        }
        action => sts::perform(action, state, request),
    }
}
