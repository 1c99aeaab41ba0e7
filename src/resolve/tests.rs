//! Chains as tables: the files in, the chain in a line out.

use super::*;

/// `root:source → role@region …`, or the error with its causes.
fn shown(config: &Config, name: &str) -> String {
    let chain = match resolve(config, name) {
        Ok(chain) => chain,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|e| format!(": {e}"));
            return format!("{error}{}", cause.unwrap_or_default());
        }
    };
    let source = match &chain.source {
        Source::Sso(role) => format!("sso {} {}", role.account, role.role),
        other => format!("{other:?}"),
    };
    let roles = chain.roles.iter().map(|role| {
        let region = role.region.as_deref().unwrap_or("-");
        format!(" → {} {}@{region}", role.profile, role.role_arn)
    });
    format!("{}: {source}{}", chain.root, roles.collect::<String>())
}

fn check(files: (&str, &str), table: &[(&str, &str)]) {
    let config = Config::from_texts(files.0, files.1).unwrap();
    for (name, expected) in table {
        assert_eq!(shown(&config, name), *expected, "{name}");
    }
}

const SSO: &str = "sso_start_url = https://x\nsso_region = r\nsso_account_id = 012345678901\n\
    sso_role_name = Admin\n";

#[test]
fn the_order_is_that_of_the_aws_cli() {
    let web = "role_arn = r\nweb_identity_token_file = f\n";
    let keys = "aws_access_key_id = AK\naws_secret_access_key = SK\n";
    let login = "login_session = arn\n";
    let process = "credential_process = p\n";
    let role = "role_arn = r\ncredential_source = Environment\n";
    let all = format!("{SSO}{keys}{login}{process}");
    let table: &[(String, bool, &str, SourceKind)] = &[
        (
            format!("{all}{role}"),
            true,
            "Ambient(Environment) → x r@-",
            SourceKind::AssumeRole,
        ),
        (
            format!("{all}{web}"),
            true,
            "WebIdentity",
            SourceKind::WebIdentity,
        ),
        (all.clone(), true, "sso 012345678901 Admin", SourceKind::Sso),
        (
            format!("{keys}{login}{process}"),
            true,
            "AccessKey",
            SourceKind::AccessKey,
        ),
        (
            format!("{keys}{login}{process}"),
            false,
            "LoginSession",
            SourceKind::LoginSession,
        ),
        (
            format!("{keys}{process}"),
            false,
            "CredentialProcess",
            SourceKind::CredentialProcess,
        ),
        (keys.to_owned(), false, "AccessKey", SourceKind::AccessKey),
        ("region = r\n".to_owned(), false, "None", SourceKind::None),
    ];
    for (section, in_credentials, expected, kind) in table {
        let credentials = if *in_credentials {
            format!("[x]\n{keys}")
        } else {
            String::new()
        };
        let config = Config::from_texts(&format!("[profile x]\n{section}"), &credentials).unwrap();
        assert_eq!(shown(&config, "x"), format!("x: {expected}"), "{section}");
        assert_eq!(resolve(&config, "x").unwrap().kind(), *kind);
    }
}

#[test]
fn roles_are_assumed_from_the_source_outwards() {
    let text = format!(
        "[profile sso]\n{SSO}\
        [profile a]\nrole_arn = ra\nsource_profile = sso\nregion = r1\n\
        [profile b]\nrole_arn = rb\nsource_profile = a\nregion = r2\n\
        [profile c]\nrole_arn = rc\nsource_profile = b\n\
        [profile keyed]\nrole_arn = rk\nsource_profile = sso\naws_access_key_id = AK\n\
        [profile over-keyed]\nrole_arn = ro\nsource_profile = keyed\n\
        [profile self]\nrole_arn = rs\nsource_profile = self\naws_access_key_id = AK\n\
        [profile stored]\nregion = r\n\
        [profile over-stored]\nrole_arn = r\nsource_profile = stored\n"
    );
    check(
        (&text, ""),
        &[
            ("a", "sso: sso 012345678901 Admin → a ra@r1"),
            ("b", "sso: sso 012345678901 Admin → a ra@r1 → b rb@r2"),
            (
                "c",
                "sso: sso 012345678901 Admin → a ra@r1 → b rb@r2 → c rc@-",
            ),
            ("keyed", "sso: sso 012345678901 Admin → keyed rk@-"),
            ("over-keyed", "keyed: AccessKey → over-keyed ro@-"),
            ("self", "self: AccessKey → self rs@-"),
            ("over-stored", "stored: None → over-stored r@-"),
        ],
    );
}

#[test]
fn what_leads_nowhere_says_where_it_goes_wrong() {
    let text = "[profile a]\nrole_arn = r\nsource_profile = b\n\
        [profile b]\nrole_arn = r\nsource_profile = a\n\
        [profile into]\nrole_arn = r\nsource_profile = a\n\
        [profile self]\nrole_arn = r\nsource_profile = self\n\
        [profile gone]\nrole_arn = r\nsource_profile = selv\n\
        [profile bare]\nrole_arn = r\n\
        [profile both]\nrole_arn = r\nsource_profile = a\ncredential_source = Environment\n\
        [profile wrong]\nsso_account_id = 1\n\
        [profile over]\nrole_arn = r\nsource_profile = wrong\n";
    check(
        (text, ""),
        &[
            (
                "a",
                "config:6: source_profile: it goes round in a loop: a → b → a",
            ),
            (
                "into",
                "config:6: source_profile: it goes round in a loop: into → a → b → a",
            ),
            (
                "self",
                "config:12: source_profile: it goes round in a loop: self → self",
            ),
            (
                "gone",
                "profile `gone` cannot be used: config:15: source_profile: there is no profile `selv`, \
                 did you mean `self`?",
            ),
            (
                "bare",
                "profile `bare` cannot be used: config:17: role_arn: it needs a source_profile or a \
                 credential_source",
            ),
            (
                "both",
                "profile `both` cannot be used: config:21: credential_source: profile `both` has a \
                 source_profile too",
            ),
            (
                "over",
                "profile `over` needs profile `wrong`, which cannot be used: config:23: sso_start_url: \
                 missing, and sign-in needs it",
            ),
            ("nobody", "there is no profile `nobody`"),
        ],
    );
}

#[test]
fn a_word_for_login_is_a_session_or_a_profile_that_leads_to_one() {
    let text = format!(
        "[sso-session corp]\nsso_start_url = https://corp\nsso_region = r\n\
        [sso-session broken]\nsso_region = r\n\
        [profile corp]\n{SSO}\
        [profile role]\nrole_arn = r\nsource_profile = corp\n\
        [profile token]\nsso_session = corp\n\
        [profile keys]\naws_access_key_id = AK\n"
    );
    let config = Config::from_texts(&text, "").unwrap();
    let table = [
        ("corp", Ok("https://corp")),
        ("role", Ok("https://x")),
        ("token", Ok("https://corp")),
        (
            "keys",
            Err("profile `keys` does not sign in through IAM Identity Center"),
        ),
        ("broken", Err("sso-session `broken` cannot be used")),
        ("crop", Err("there is no sso-session or profile `crop`")),
    ];
    for (word, expected) in table {
        let session = resolve_session(&config, word).map(|session| session.start_url);
        let session = session.map_err(|e| e.to_string());
        assert_eq!(
            session,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{word}"
        );
    }
}
