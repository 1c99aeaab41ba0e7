//! Every environment variable that vault reads or sets, as a documented constant, and the only
//! reader of the environment. It knows what a variable is called and whether it holds a secret, not
//! what its value leads to.

use std::ffi::OsString;

/// The profile to use where none is named.
pub const AWS_PROFILE: &str = "AWS_PROFILE";
/// What `AWS_PROFILE` was called once; some tools still read it.
pub const AWS_DEFAULT_PROFILE: &str = "AWS_DEFAULT_PROFILE";
/// Where the configuration file is, instead of `~/.aws/config`.
pub const AWS_CONFIG_FILE: &str = "AWS_CONFIG_FILE";
/// Where the credentials file is, instead of `~/.aws/credentials`.
pub const AWS_SHARED_CREDENTIALS_FILE: &str = "AWS_SHARED_CREDENTIALS_FILE";
/// The region, where neither an option nor the profile says one.
pub const AWS_REGION: &str = "AWS_REGION";
/// The region again, as the AWS CLI and older SDKs read it.
pub const AWS_DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
/// A PEM file of certificate authorities to trust instead of the system's.
pub const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// Where every AWS service is.
pub const AWS_ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
/// `true`: endpoints from the environment and the configuration are ignored.
pub const AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// The short-lived access key's id.
pub const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The short-lived access key's secret.
pub const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// The token that goes with a short-lived key.
pub const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// When the credentials end, RFC 3339 with `Z`.
pub const AWS_CREDENTIAL_EXPIRATION: &str = "AWS_CREDENTIAL_EXPIRATION";

/// The file of a web identity token, as Kubernetes and CI systems name it to a program.
pub const AWS_WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
/// The role that goes with that token.
pub const AWS_ROLE_ARN: &str = "AWS_ROLE_ARN";
/// How a session of that role shows in CloudTrail.
pub const AWS_ROLE_SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";

/// Where the AWS CLI keeps the sessions of `aws login`, instead of `~/.aws/login/cache`.
pub const AWS_LOGIN_CACHE_DIRECTORY: &str = "AWS_LOGIN_CACHE_DIRECTORY";

/// Where an EC2 instance's metadata service is.
pub const AWS_EC2_METADATA_SERVICE_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
/// `IPv6`: the instance's metadata service is asked by it.
pub const AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
/// `true`: the instance is not asked.
pub const AWS_EC2_METADATA_DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
/// What a container's credentials endpoint wants to see. A secret, but not vault's own.
pub const AWS_CONTAINER_AUTHORIZATION_TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
/// The file that has it.
pub const AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/// Where a container's credentials are: a path on the host that ECS has for it.
pub const AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// Where a container's credentials are: a URL.
pub const AWS_CONTAINER_CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// What a Kubernetes client says to whoever it asks for credentials, as JSON.
pub const KUBERNETES_EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
/// `true`: AWS's endpoints with FIPS 140.
pub const AWS_USE_FIPS_ENDPOINT: &str = "AWS_USE_FIPS_ENDPOINT";
/// `true`: AWS's endpoints with IPv6.
pub const AWS_USE_DUALSTACK_ENDPOINT: &str = "AWS_USE_DUALSTACK_ENDPOINT";

/// In a child: the profile it runs as. `exec` sets it, prompts show it.
pub const AWS_VAULT: &str = "AWS_VAULT";
/// `--backend`.
pub const AWS_VAULT_BACKEND: &str = "AWS_VAULT_BACKEND";
/// `--no-input`.
pub const AWS_VAULT_NO_INPUT: &str = "AWS_VAULT_NO_INPUT";
/// `exec --duration`.
pub const AWS_VAULT_DURATION: &str = "AWS_VAULT_DURATION";
/// `login --browser`.
pub const AWS_VAULT_BROWSER: &str = "AWS_VAULT_BROWSER";
/// How `login` signs in: `auto`, `authorization-code`, `device-code`.
pub const AWS_VAULT_LOGIN_FLOW: &str = "AWS_VAULT_LOGIN_FLOW";
/// The command that opens a URL, for every program of the system.
pub const BROWSER: &str = "BROWSER";
/// The passphrase of the `file` keystore. A secret: no child gets it.
pub const AWS_VAULT_FILE_PASSPHRASE: &str = "AWS_VAULT_FILE_PASSPHRASE";
/// How long the `file` keystore's data key may rest in the kernel's keyring (`8h`, `0` for never).
pub const AWS_VAULT_FILE_UNLOCKED_FOR: &str = "AWS_VAULT_FILE_UNLOCKED_FOR";

/// aws-vault's collection of the Secret Service, instead of `awsvault`.
pub const AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME: &str =
    "AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME";
/// aws-vault's encrypted files, instead of `~/.awsvault/keys`.
pub const AWS_VAULT_FILE_DIR: &str = "AWS_VAULT_FILE_DIR";
/// aws-vault's folder in `pass`.
pub const AWS_VAULT_PASS_PREFIX: &str = "AWS_VAULT_PASS_PREFIX";
/// Where aws-vault's `pass` keeps its entries, instead of where everybody's does.
pub const AWS_VAULT_PASS_PASSWORD_STORE_DIR: &str = "AWS_VAULT_PASS_PASSWORD_STORE_DIR";
/// Where the bus of the person's session is, over which the Secret Service is reached.
pub const DBUS_SESSION_BUS_ADDRESS: &str = "DBUS_SESSION_BUS_ADDRESS";
/// Where that bus is too, where nothing else is said.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Where programs have their configuration, instead of `~/.config`: Granted's.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// A shell's name: vault completes the command line behind `--`, and does nothing else. Completion scripts set
/// it for the one run in which they ask.
pub const AWS_VAULT_COMPLETE: &str = "AWS_VAULT_COMPLETE";

/// In a `credential_process`: the profiles whose programs run, one inside the other, a line each, so that
/// a vault that is called there does not start them again.
pub const AWS_VAULT_CREDENTIAL_PROCESS: &str = "AWS_VAULT_CREDENTIAL_PROCESS";

/// Where `pass` keeps its entries, instead of `~/.password-store`.
pub const PASSWORD_STORE_DIR: &str = "PASSWORD_STORE_DIR";

/// Set and not empty: no colour (<https://no-color.org>).
pub const NO_COLOR: &str = "NO_COLOR";
/// The user's shell.
pub const SHELL: &str = if cfg!(windows) { "COMSPEC" } else { "SHELL" };
/// An X server to open windows on.
pub const DISPLAY: &str = "DISPLAY";
/// A Wayland compositor to open windows on.
pub const WAYLAND_DISPLAY: &str = "WAYLAND_DISPLAY";
/// Set in Windows's Linux: its browser is Windows's.
pub const WSL_DISTRO_NAME: &str = "WSL_DISTRO_NAME";
/// Set in a session over SSH, by its server.
pub const SSH: &[&str] = &["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];
/// Set in a container, by who runs it: Podman, LXC, systemd-nspawn; Kubernetes; GitHub's Codespaces and
/// editors that work in containers.
pub const CONTAINER: &[&str] = &[
    "container",
    "KUBERNETES_SERVICE_HOST",
    "CODESPACES",
    "REMOTE_CONTAINERS",
];
/// `dumb`: what is written stays, and nothing can be painted.
pub const TERM: &str = "TERM";
/// Where commands are looked for.
pub const PATH: &str = "PATH";

/// The variables whose names begin as vault's own do, and that mean something to it.
pub const OWN: &[&str] = &[
    AWS_VAULT,
    AWS_VAULT_BACKEND,
    AWS_VAULT_NO_INPUT,
    AWS_VAULT_DURATION,
    AWS_VAULT_BROWSER,
    AWS_VAULT_LOGIN_FLOW,
    AWS_VAULT_FILE_PASSPHRASE,
    AWS_VAULT_FILE_UNLOCKED_FOR,
    AWS_VAULT_COMPLETE,
    AWS_VAULT_CREDENTIAL_PROCESS,
    AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME,
    AWS_VAULT_FILE_DIR,
    AWS_VAULT_PASS_PREFIX,
    AWS_VAULT_PASS_PASSWORD_STORE_DIR,
];

/// The variables of vault's own that hold a secret: removed from every child's environment.
pub const SECRETS: &[&str] = &[AWS_VAULT_FILE_PASSPHRASE];

/// A variable's value; an empty one counts as unset, as it does for the AWS CLI.
#[expect(clippy::disallowed_methods, reason = "this is the one reader")]
pub fn var_os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable's value as text.
///
/// # Errors
///
/// The variable is set to something that is not UTF-8.
pub fn var(name: impl Into<String>) -> Result<Option<String>, Unusable> {
    let name = name.into();
    match var_os(&name).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(Unusable::NotText(name)),
    }
}

/// Where one AWS service is: `AWS_ENDPOINT_URL_` and its id (`sso_oidc`) in capitals.
pub fn endpoint_of(service: &str) -> String {
    format!("{AWS_ENDPOINT_URL}_{}", service.to_ascii_uppercase())
}

/// Whether a switch is on: set, not empty, and none of `0`, `false`, `no`, `off`.
pub fn switch(name: &str) -> bool {
    var_os(name).is_some_and(|value| {
        let off = ["0", "false", "no", "off"];
        !off.iter().any(|word| value.eq_ignore_ascii_case(word))
    })
}

/// The whole environment, as a child would inherit it.
#[expect(clippy::disallowed_methods, reason = "this is the one reader")]
pub fn all() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// A variable whose value can't be what it should be.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It should be text.
    #[error("{0} is not valid UTF-8")]
    NotText(String),
    /// It should be an address.
    #[error("{0}: `{1}` is not an http or https URL")]
    NotUrl(String, String),
}

#[cfg(test)]
mod tests {
    use super::OWN;

    #[test]
    fn the_list_of_vaults_own_variables_misses_none() {
        let lines = include_str!("env.rs").lines();
        let constants = lines.filter_map(|line| line.strip_prefix("pub const AWS_VAULT"));
        let names = constants.filter_map(|rest| rest.split('"').nth(1));
        let names: Vec<_> = names.collect();
        assert!(names.len() > 8, "{names:?}");
        for name in names {
            assert!(OWN.contains(&name), "{name} is not in OWN");
        }
    }
}
