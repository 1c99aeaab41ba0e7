//! The keys and the headers that somebody knows, to tell a slip of the finger from what another
//! program wrote there. No value is looked at.

use std::collections::HashMap;

use super::document::Document;
use super::error::{Place, alike, closest};
use super::section::{Dialect, Section, SectionKind};
use super::{Config, EXPORT_KEY, SYNC_KEY};

/// What is in the files and means nothing to any program that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A key.
    Key {
        /// Where it is first.
        at: Place,
        /// As it is written there.
        key: String,
        /// In how many sections of that kind and file.
        times: usize,
        /// The known key that looks most like it, where one does.
        close: Option<String>,
        /// Whether it is so like that one that it can hardly be another program's.
        slip: bool,
    },
    /// A header.
    Header {
        /// Where.
        at: Place,
        /// What stands between its brackets.
        header: String,
        /// What was meant, without brackets.
        meant: Option<String>,
    },
}

/// The keys of a profile that AWS's own programs know
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>,
/// <https://docs.aws.amazon.com/cli/latest/topic/config-vars.html>, botocore's `configprovider.py`).
const OF_AWS: &[&str] = &[
    "account_id_endpoint_mode",
    "api_versions",
    "auth_scheme_preference",
    "aws_access_key_id",
    "aws_account_id",
    "aws_secret_access_key",
    "aws_security_token",
    "aws_session_token",
    "ca_bundle",
    "cli_auto_prompt",
    "cli_binary_format",
    "cli_error_format",
    "cli_follow_urlparam",
    "cli_help_output",
    "cli_history",
    "cli_pager",
    "cli_timestamp_format",
    "credential_process",
    "credential_source",
    "csm_client_id",
    "csm_enabled",
    "csm_host",
    "csm_port",
    "data_path",
    "defaults_mode",
    "disable_host_prefix_injection",
    "disable_request_compression",
    "duration_seconds",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "endpoint_discovery_enabled",
    "endpoint_url",
    "external_id",
    "ignore_configured_endpoint_urls",
    "imds_use_ipv6",
    "login_session",
    "max_attempts",
    "metadata_service_num_attempts",
    "metadata_service_timeout",
    "mfa_serial",
    "output",
    "parameter_validation",
    "proxy_ca_bundle",
    "proxy_client_cert",
    "proxy_use_forwarding_for_https",
    "region",
    "request_checksum_calculation",
    "request_min_compression_size_bytes",
    "response_checksum_validation",
    "retry_mode",
    "role_arn",
    "role_session_name",
    "s3",
    "s3_disable_express_session_auth",
    "s3_disable_multiregion_access_points",
    "s3_us_east_1_regional_endpoint",
    "s3_use_arn_region",
    "sdk_ua_app_id",
    "services",
    "sigv4a_signing_region_set",
    "source_profile",
    "sso_account_id",
    "sso_region",
    "sso_registration_scopes",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "sts_regional_endpoints",
    "tcp_keepalive",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "user_agent_appid",
    "web_identity_token_file",
];

/// Keys of aws-vault's and of vault's own.
const OF_VAULT: &[&str] = &[
    "include_profile",
    "mfa_process",
    "parent_profile",
    "session_tags",
    "source_identity",
    "transitive_session_tags",
    SYNC_KEY,
    EXPORT_KEY,
    "web_identity_token_process",
];

/// Keys that other programs leave, and that look like some of the above.
const OF_OTHERS: &[&str] = &[
    "assumed_role",
    "assumed_role_arn",
    "aws_expiration",
    "color",
    "expiration",
    "image",
    "role_name",
    "sso_account_name",
    "sso_auto_populated",
    "sso_interactive_auth",
    "target_region",
    "target_role_name",
];

/// The beginnings of keys that are other programs' own: saml2aws, Granted, Okta's and Azure's helpers.
const PREFIXES: &[&str] = &[
    "x_",
    "granted_",
    "common_fate_",
    "okta_",
    "azure_",
    "saml_",
    "saml2aws_",
    "google_config.",
];

/// The keys of an sso-session.
const OF_SESSION: &[&str] = &["sso_region", "sso_registration_scopes", "sso_start_url"];

/// Sections of the config file that are neither a profile nor anything that one names.
const OTHER_SECTIONS: &[&str] = &["plugins", "preview", "toplevel"];

impl Config {
    /// The keys and headers that nobody knows, in the files' order.
    pub fn oddities(&self) -> Vec<Oddity> {
        let mut odd = of(&self.config, Dialect::Config);
        odd.extend(of(&self.credentials, Dialect::Credentials));
        odd
    }
}

fn of(document: &Document, dialect: Dialect) -> Vec<Oddity> {
    let mut odd = Vec::new();
    // What one program writes into a thousand sections is said once.
    let mut seen = HashMap::new();
    for section in document.sections() {
        odd.extend(header(document, section, dialect));
        let known = match section.kind {
            SectionKind::Profile | SectionKind::Defaults => profile_knows,
            SectionKind::SsoSession => session_knows,
            SectionKind::Services | SectionKind::Other => continue,
        };
        for property in document.properties(section) {
            if known(property.key) || known(&property.key.to_lowercase()) {
                continue;
            }
            let kind = section.kind as usize;
            let at = *seen
                .entry((kind, property.key.to_lowercase()))
                .or_insert_with(|| {
                    let close = close(property.key, section.kind);
                    odd.push(Oddity::Key {
                        at: document.place_of(&property),
                        key: property.key.to_owned(),
                        times: 0,
                        slip: close.is_some_and(|close| is_slip(property.key, close)),
                        close: close.map(str::to_owned),
                    });
                    odd.len() - 1
                });
            if let Oddity::Key { times, .. } = &mut odd[at] {
                *times += 1;
            }
        }
    }
    odd
}

fn profile_knows(key: &str) -> bool {
    OF_AWS.binary_search(&key).is_ok()
        || OF_VAULT.contains(&key)
        || OF_OTHERS.contains(&key)
        || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn session_knows(key: &str) -> bool {
    OF_SESSION.contains(&key)
}

fn close(key: &str, kind: SectionKind) -> Option<&'static str> {
    let ours = OF_AWS.iter().chain(OF_VAULT).copied();
    match kind {
        SectionKind::SsoSession => alike(key, OF_SESSION.iter().copied()),
        _ => alike(key, ours),
    }
}

/// A letter in four, and three at most, that are missing, too many, wrong, or in each other's places.
fn is_slip(key: &str, close: &str) -> bool {
    let most = key.len().div_ceil(4).min(3);
    strsim::osa_distance(&key.to_lowercase(), close) <= most
}

/// A header that stands for nothing.
fn header(document: &Document, section: &Section, dialect: Dialect) -> Option<Oddity> {
    let header = document.header(section);
    let meant = match (dialect, section.kind) {
        (Dialect::Config, SectionKind::Other) if !OTHER_SECTIONS.contains(&header) => meant(header),
        (Dialect::Credentials, SectionKind::Profile) => {
            let mut words = header.split_whitespace();
            match (words.next(), words.next()) {
                (Some("profile"), Some(_)) => Some(header["profile".len()..].trim().to_owned()),
                (Some("sso-session" | "services"), Some(_)) => None,
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Oddity::Header {
        at: document.place(section),
        header: header.to_owned(),
        meant,
    })
}

/// What the config file calls that: `profile prod` for `prod`, `sso-session corp` for `sso_session corp`.
fn meant(header: &str) -> Option<String> {
    const KINDS: [&str; 3] = ["profile", "sso-session", "services"];
    let quoted = |kind: &str, name: &str| {
        let name = name.trim().trim_matches(['"', '\'']);
        if name.contains(char::is_whitespace) {
            format!("{kind} \"{name}\"")
        } else {
            format!("{kind} {name}")
        }
    };
    match header.trim().split_once(char::is_whitespace) {
        None if KINDS.contains(&header.trim()) => None,
        None => Some(quoted("profile", header)),
        Some((kind, name)) => {
            let close = closest(kind, KINDS.into_iter()).into_iter().next();
            Some(match close {
                Some(kind) => quoted(&kind, name),
                None => quoted("profile", header),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched_by_halves() {
        assert!(OF_AWS.is_sorted());
    }

    #[test]
    fn a_header_that_means_nothing_has_one_that_was_meant() {
        for (header, expected) in [
            ("prod", Some("profile prod")),
            ("my team", Some("profile \"my team\"")),
            ("profile my team", Some("profile \"my team\"")),
            ("profil prod", Some("profile prod")),
            ("Profile prod", Some("profile prod")),
            ("sso_session corp", Some("sso-session corp")),
            ("profile", None),
        ] {
            assert_eq!(meant(header).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn what_nobody_knows_is_said_once_with_what_looks_like_it() {
        let config = "[profile a]\nregoin = x\nfrobnicate = 1\nx_own = 1\nsso_account_name = n\n\
                      [profile b]\nRegoin = y\n[sso-session c]\nsso_regon = z\nregion = q\n[prod]\n";
        let config = Config::from_texts(config, "[profile d]\nregion = x\n").unwrap();
        let said: Vec<_> = config
            .oddities()
            .into_iter()
            .map(|oddity| match oddity {
                Oddity::Key {
                    at,
                    key,
                    times,
                    close,
                    slip,
                } => format!("{at} {key} {times} {} {slip}", close.unwrap_or_default()),
                Oddity::Header { at, header, meant } => {
                    format!("{at} [{header}] {}", meant.unwrap_or_default())
                }
            })
            .collect();
        assert_eq!(
            said,
            [
                "config:2 regoin 2 region true",
                "config:3 frobnicate 1  false",
                "config:9 sso_regon 1 sso_region true",
                "config:10 region 1 sso_region false",
                "config:11 [prod] profile prod",
                "credentials:1 [profile d] d",
            ]
        );
    }
}
