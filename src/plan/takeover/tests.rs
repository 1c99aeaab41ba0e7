//! Tables for what other tools left in a config file.

use std::path::Path;

use super::*;
use crate::config::Dialect;

const ALL: [Tool; 3] = [Tool::AwsVault, Tool::Granted, Tool::Aws2Wrap];

fn sections(text: &str) -> Sections {
    Sections::new(Path::new("config"), text, Dialect::Config)
}

fn found(text: &str) -> Takeover {
    takeover(&sections(text), &ALL, &|name| name == "keyed")
}

/// The file after all that is found is written.
fn after(text: &str) -> String {
    let mut edited = sections(text);
    for rewrite in found(text).rewrites {
        apply(&mut edited, &rewrite).unwrap();
    }
    edited.text().expose().clone()
}

const GRANTED_PROFILE: &str = "\
[profile dev]
# mine
granted_sso_start_url      = https://corp.awsapps.com/start/
granted_sso_region         = eu-central-1
granted_sso_account_id     = 111111111111
granted_sso_role_name      = Developer
common_fate_generated_from = aws-sso
credential_process         = granted credential-process --profile dev
region                     = eu-west-1
";

#[test]
fn granteds_keys_become_everybodys() {
    let expected = "\
[profile dev]
# mine
common_fate_generated_from = aws-sso
region                     = eu-west-1
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Developer

[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-central-1
sso_registration_scopes = sso:account:access
";
    assert_eq!(after(GRANTED_PROFILE), expected);
    assert_eq!(found(expected), Takeover::default());
    // Another program than Granted's stays.
    let other = GRANTED_PROFILE.replace("granted credential-process", "/opt/mine");
    assert!(after(&other).contains("credential_process         = /opt/mine --profile dev\n"));
}

#[test]
fn an_sso_session_that_is_there_is_used_and_a_new_name_is_a_free_one() {
    let name = |before: &str| {
        let found = found(&format!("{before}{GRANTED_PROFILE}"));
        match &found.rewrites[0].becomes {
            Becomes::Sso { session, .. } => session.name.clone(),
            other => panic!("{other:?}"),
        }
    };
    let session = |name: &str, url: &str, region: &str| {
        format!("[sso-session {name}]\nsso_start_url = {url}\nsso_region = {region}\n")
    };
    let url = "https://corp.awsapps.com/start#/";
    assert_eq!(name(&session("work", url, "eu-central-1")), "work");
    assert_eq!(name(&session("work", url, "us-east-1")), "corp");
    assert_eq!(
        name(&session("corp", "https://x.awsapps.com/start", "us-east-1")),
        "corp-2"
    );
    // Two profiles of one portal share theirs.
    let second = GRANTED_PROFILE.replace("profile dev]", "profile prod]");
    let both = after(&format!("{GRANTED_PROFILE}{second}"));
    assert_eq!(both.matches("[sso-session ").count(), 1, "{both}");
    assert_eq!(both.matches("sso_session = corp\n").count(), 2, "{both}");
}

#[test]
fn programs_become_vault() {
    let text = "\
[profile sso]
sso_session = corp

[profile wrapped]
credential_process = aws2-wrap --process --profile sso

[profile keyed]
credential_process=/usr/bin/aws-vault exec keyed --json

[profile iam]
credential_process = granted credential-process --profile=keyed
";
    let expected = text
        .replace("aws2-wrap --process --profile sso", "vault export sso")
        .replace("/usr/bin/aws-vault exec keyed --json", "vault export keyed")
        .replace(
            "granted credential-process --profile=keyed",
            "vault export keyed",
        );
    assert_eq!(after(text), expected);
    assert_eq!(found(&expected), Takeover::default());
    let only = takeover(&sections(text), &[Tool::Aws2Wrap], &|_| true);
    assert_eq!(only.rewrites.len(), 1, "{only:?}");
}

#[test]
fn what_would_not_work_is_left_and_said() {
    let granted = |from: &str, to: &str| GRANTED_PROFILE.replace(from, to);
    let table = [
        (
            "[profile home]\ncredential_process = aws-vault exec home --json\n".to_owned(),
            "its key is aws-vault's: take that over first, or give it to `vault add`",
        ),
        (
            "[profile home]\ncredential_process = aws2-wrap --process --profile gone\n".to_owned(),
            "it is for a profile `gone`, which isn't there",
        ),
        (
            "[profile home]\ncredential_process = aws-vault exec home -- env\n".to_owned(),
            "it runs another command",
        ),
        (
            "[profile home]\nweb_identity_token_process = x\n".to_owned(),
            "vault knows no `web_identity_token_process`: write the token to a file, and name that",
        ),
        (
            granted("granted_sso_region         = eu-central-1\n", ""),
            "`granted_sso_region` is missing",
        ),
        (
            granted("= 111111111111", "= 1111"),
            "`granted_sso_account_id` is no account: it has 12 digits",
        ),
        (
            granted("# mine", "sso_session = corp"),
            "it has a `sso_session` beside Granted's keys: take one of the two out",
        ),
    ];
    for (text, why) in table {
        let found = found(&text);
        assert_eq!(found.rewrites, [], "{text}");
        let left: Vec<_> = found.left.iter().map(|left| left.why.as_str()).collect();
        assert_eq!(left, [why], "{text}");
        assert_eq!(after(&text), text);
    }
}

#[test]
fn what_vault_understands_as_it_is_is_counted() {
    let text = "\
[profile a]
include_profile = b
mfa_process = x
[profile b]
mfa_process = y
[profile c]
region = eu-west-1
";
    let found = found(text);
    assert_eq!(
        found.understood,
        [("include_profile", 1), ("mfa_process", 2)]
    );
    assert!(found.rewrites.is_empty() && found.left.is_empty());
    assert!(
        takeover(&sections(text), &[Tool::Granted], &|_| true)
            .understood
            .is_empty()
    );
}
