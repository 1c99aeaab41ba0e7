//! The reader, the merge and the checks, as tables.

use std::fs;

use proptest::prelude::*;

use super::parse::{line, parse};
use super::*;

const SSO: &str = "\
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start/#/
sso_region = eu-west-1

[profile dev]
sso_session = corp
sso_account_id = 012345678901
sso_role_name = Admin
";

fn config(text: &str) -> Config {
    Config::from_texts(text, "").unwrap()
}

fn get(config: &Config, profile: &str, key: &str) -> Option<(String, usize)> {
    let profile = config.profile(profile).unwrap();
    profile.get(key).map(|v| (v.text.clone(), v.at.line))
}

#[test]
fn values_are_what_the_aws_cli_reads() {
    let table = [
        ("[default]\noutput = json", "json", 2),
        ("[profile default]\nOutPut=json\n", "json", 2),
        (
            "[default]\noutput: json # not a comment\n",
            "json # not a comment",
            2,
        ),
        ("[default]\r\n\r\noutput = json\r\n", "json", 3),
        ("[default]\routput = json\r", "json", 2),
        ("\u{feff}[default]\noutput = json", "json", 2),
        ("  [default]\n  output = json", "json", 2),
        ("[default] # c\noutput = a=b:c", "a=b:c", 2),
        ("[default]\noutput = a\n  b\n# c\n\n  d\n\n", "a\nb\n\nd", 2),
        ("[default]\n; c\n  output\t=\tjson \n", "json", 3),
        ("[default]\ncli_pager = x\n  output = y\n", "", 0),
        ("[default]\noutput =\n", "", 0),
        ("[default]\noutput =\n  a = b\n", "", 0),
        (
            "[default]\noutput = a\n[profile default]\noutput = b",
            "b",
            4,
        ),
        ("[DEFAULT]\noutput = a\n[default]\nregion = x", "a", 2),
        ("[default]\noutput = b\n[DEFAULT]\noutput = a\n", "b", 2),
    ];
    for (text, value, at) in table {
        let expected = Some((value.to_owned(), at)).filter(|_| at > 0);
        assert_eq!(
            get(&config(text), "default", "output"),
            expected,
            "{text:?}"
        );
    }
}

#[test]
fn headers_name_profiles_as_a_shell_would_split_them() {
    let text = "[profile a]\n[profile \"b c\"]\n[profile d e]\n[profile]\n[plugins]\n[preview]\n\
        [sso-session s]\n[services t]\n[profile 'a']\n[profiles f]\n[Profile g]\n[default]\n";
    let config = Config::from_texts(text, "[a]\n[profile x]\n[new]\n").unwrap();
    let names: Vec<_> = config.profile_names().collect();
    assert_eq!(names, ["b c", "a", "f", "default", "profile x", "new"]);
    assert_eq!(config.sso_session_names().collect::<Vec<_>>(), ["s"]);
}

#[test]
fn what_the_aws_cli_cannot_read_is_an_error_with_its_line() {
    let table = [
        (
            "region = x\n",
            "config:1: a line before the first [section]",
        ),
        (
            "[a]\n\njunk\n",
            "config:3: neither a [section], nor `key = value`, nor a comment",
        ),
        (
            "[a]\n= x\n",
            "config:2: neither a [section], nor `key = value`, nor a comment",
        ),
        (
            "[a]\nb = 1\n[c]\nB : 2\nb=3",
            "config:5: the key `b` is in this section for the second time",
        ),
        (
            "[a]\nÜ = 1\nü = 2",
            "config:3: the key `ü` is in this section for the second time",
        ),
        (
            "[a]\n[b]\n[a]\n",
            "config:3: the section [a] is here for the second time, the first is on line 1",
        ),
        (
            "[profile a]\n[profile \"a\"]\n[profile a]\n",
            "config:3: the section [profile a] is here for the second time, the first is on line 1",
        ),
        (
            "[a]\ns3 =\n  x = y\n  junk\n",
            "config:4: a line under an empty key is not `key = value`",
        ),
    ];
    for (text, message) in table {
        let error = Config::from_texts(text, "").unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }), "{error:?}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_key_is_found_twice_among_many() {
    use std::fmt::Write;
    let mut text = "[a]\n".to_owned();
    (0..200).for_each(|n| writeln!(text, "k{n} = x").unwrap());
    assert!(Config::from_texts(&text, "").is_ok());
    text.push_str("K117 = y\n");
    let error = Config::from_texts(&text, "").unwrap_err();
    assert!(error.to_string().starts_with("config:202: "), "{error}");
}

#[test]
fn a_missing_file_is_empty_and_others_are_errors() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let files = |config: &str| Files {
        config: path(config),
        credentials: path("none"),
    };
    assert_eq!(
        Config::load(&files("none"))
            .unwrap()
            .profile_names()
            .count(),
        0
    );
    let error = Config::load(&files(".")).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error:?}");
    fs::write(path("latin"), b"[a]\nb = c\nd = \xe9\n").unwrap();
    let error = Config::load(&files("latin")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}:3: not UTF-8", path("latin").display())
    );
}

#[test]
fn the_credentials_file_wins_key_by_key() {
    let config = "[profile a]\nregion = r1\noutput = json\naws_access_key_id = AK1\n";
    let credentials = "[a]\n\nregion = r2\naws_secret_access_key = hunter2\n";
    let config = Config::from_texts(config, credentials).unwrap();
    assert_eq!(get(&config, "a", "region"), Some(("r2".into(), 3)));
    assert_eq!(get(&config, "a", "output"), Some(("json".into(), 3)));
    let profile = config.profile("a").unwrap();
    assert_eq!(profile.access_key, Some(KeyFile::Config));
    assert!(profile.has_static_keys());
    assert!(!format!("{profile:?}{config:?}").contains("hunter2"));
}

#[test]
fn a_name_that_is_not_there_is_never_another() {
    let config =
        config("[default]\nregion = x\n[profile prod]\n[profile prod-eu]\n[profile dev]\n");
    let ConfigError::NoSuchProfile { closest, any, .. } = config.profile("prdo").unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(
        (closest, any),
        (vec!["prod".into(), "prod-eu".into()], true)
    );
    let empty = Config::from_texts("", "").unwrap();
    assert!(matches!(
        empty.profile("default"),
        Err(ConfigError::NoSuchProfile { any: false, .. })
    ));
}

#[test]
fn an_sso_session_is_normalised() {
    let config = config(SSO);
    let session = config.sso_session("corp").unwrap();
    assert_eq!(session.name.as_deref(), Some("corp"));
    assert_eq!(session.start_url, "https://corp.awsapps.com/start");
    assert_eq!(session.scopes, ["sso:account:access"]);
    let Some(Sso::Role(role)) = config.profile("dev").unwrap().sso else {
        panic!("no role");
    };
    assert_eq!(role.session, session);
    assert_eq!(role.account.as_str(), "012345678901");
    assert_eq!(role.role.as_str(), "Admin");
    assert!(matches!(
        config.sso_session("crop"),
        Err(ConfigError::NoSuchSession { .. })
    ));
}

/// What stands in `[profile x]` behind [`SSO`], and the mistake in it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "sso_session = corp\nsso_account_id = 1\nsso_role_name = A",
        "11: sso_account_id: `1` is not the 12 digits of an account",
    ),
    (
        "sso_session = corp\nsso_account_id = 012345678901 # x\nsso_role_name = A",
        "11: sso_account_id: `012345678901 # x` is not the 12 digits of an account (a comment needs a line of its own)",
    ),
    (
        "sso_session = corp\nsso_account_id = 012345678901",
        "10: sso_role_name: missing, and sign-in needs it",
    ),
    (
        "sso_session = corp\nsso_role_name = A",
        "10: sso_account_id: missing, and sign-in needs it",
    ),
    (
        "sso_session = corp\nsso_role_name =\nsso_account_id = 012345678901",
        "11: sso_role_name: it has no value",
    ),
    ("sso_session =", "10: sso_session: it has no value"),
    (
        "sso_session = crop",
        "10: sso_session: there is no sso-session `crop`, did you mean `corp`?",
    ),
    (
        "sso_session = corp\nsso_region = us-east-1",
        "11: sso_region: `us-east-1` contradicts `eu-west-1` in sso-session `corp` (config:3)",
    ),
    (
        "sso_session = corp\nsso_start_url = https://x",
        "11: sso_start_url: `https://x` contradicts `https://corp.awsapps.com/start/#/` in sso-session `corp` (config:2)",
    ),
    (
        "sso_start_url = ftp://x\nsso_region = r",
        "10: sso_start_url: `ftp://x` is not an http or https URL",
    ),
    (
        "sso_start_url = https://x\nsso_region = a.b/c",
        "11: sso_region: `a.b/c` is not the name of a region",
    ),
    (
        "sso_start_url = https://x\nsso_role_name = A",
        "11: sso_region: missing, and sign-in needs it",
    ),
    (
        "region = us-east-1 # here",
        "10: region: `us-east-1 # here` is not the name of a region (a comment needs a line of its own)",
    ),
    (
        "region = us-east-1\n  aws_secret_access_key = swallowed",
        "10: region: `us-east-1…` is not the name of a region",
    ),
    (
        "services = s",
        "10: services: there is no section [services s]",
    ),
    (
        "endpoint_url = x",
        "10: endpoint_url: `x` is not an http or https URL",
    ),
    ("role_arn =", "10: role_arn: it has no value"),
    (
        "role_arn = r\nduration_seconds = 1h",
        "11: duration_seconds: `1h` is not a number from 900 to 43200",
    ),
    (
        "role_arn = r\ncredential_source = Env",
        "11: credential_source: `Env` is none of Environment, Ec2InstanceMetadata, EcsContainer",
    ),
    (
        "web_identity_token_file = f",
        "10: role_arn: missing, and `web_identity_token_file` is for assuming a role",
    ),
    (
        "credential_process =\n  a = b",
        "10: credential_process: one value is expected, and not settings of its own",
    ),
    ("include_profile = x", "10: include_profile: a loop: x → x"),
    ("parent_profile = x", "10: parent_profile: a loop: x → x"),
    ("include_profile =", "10: include_profile: it has no value"),
    (
        "include_profile = y",
        "10: include_profile: there is no profile `y`",
    ),
];

#[test]
fn mistakes_name_file_line_and_key() {
    for (text, message) in MISTAKES {
        let config = config(&format!("{SSO}[profile x]\n{text}\n"));
        let error = config.profile("x").expect_err(text);
        assert!(matches!(error, ConfigError::Mistake { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("config:{message}"));
    }
}

#[test]
fn what_both_places_say_alike_is_no_contradiction() {
    let text = format!(
        "{SSO}[profile x]\nsso_session = corp\nsso_region = eu-west-1\n\
        sso_start_url = https://corp.awsapps.com/start\n"
    );
    let sso = config(&text).profile("x").unwrap().sso;
    assert!(matches!(sso, Some(Sso::Session(_))), "{sso:?}");
    let older = config(
        "[profile x]\nsso_start_url = https://o/start/\nsso_region = r\n\
        sso_account_id = 012345678901\nsso_role_name = A\n",
    );
    let sso = older.profile("x").unwrap().sso.unwrap();
    assert_eq!(sso.session().name, None);
    assert_eq!(sso.session().start_url, "https://o/start");
    assert_eq!(
        config("[profile x]\nsso_region = r")
            .profile("x")
            .unwrap()
            .sso,
        None
    );
}

#[test]
fn endpoints_come_from_services_then_from_endpoint_url() {
    let text = "[profile a]\nservices = s\nendpoint_url = http://every\n[services s]\nSSO_OIDC =\n\
        \x20 region = r\n\n  endpoint_url = http://oidc\nsts =\n[profile b]\nservices = s\n\
        ignore_configured_endpoint_urls = True\n";
    let config = config(text);
    let profile = config.profile("a").unwrap();
    let endpoint = |service| {
        profile
            .endpoint(service)
            .map(|v| (v.text.as_str(), v.at.line))
    };
    assert_eq!(endpoint("sso_oidc"), Some(("http://oidc", 8)));
    assert_eq!(endpoint("sts"), Some(("http://every", 3)));
    let own: Vec<_> = profile.service_endpoints().map(|(name, _)| name).collect();
    assert_eq!(own, ["sso_oidc"]);
    assert_eq!(config.profile("b").unwrap().endpoint("sso_oidc"), None);
}

#[test]
fn an_included_profile_lends_what_is_not_there_but_its_key() {
    let config = config(
        "[profile a]\ninclude_profile = b\nregion = r1\n[profile b]\nregion = r2\n\
        output = json\naws_access_key_id = AK\ninclude_profile = c\n[profile c]\nmfa_serial = m\n",
    );
    assert_eq!(get(&config, "a", "region"), Some(("r1".into(), 3)));
    assert_eq!(get(&config, "a", "output"), Some(("json".into(), 6)));
    assert_eq!(get(&config, "a", "mfa_serial"), Some(("m".into(), 10)));
    assert!(!config.profile("a").unwrap().has_static_keys());
}

proptest! {
    #[test]
    fn any_text_is_its_lines_and_nothing_panics(text in "(\\PC|[\\[\\]=:#;'\"\\\\ \t\r\n\u{feff}a]){0,200}") {
        let marks = parse(&text).lines;
        let whole: String = (0..marks.len())
            .map(|at| line(&text, &marks, at).span.of(&text))
            .collect();
        prop_assert_eq!(&whole, &text);
        if let Ok(config) = Config::from_texts(&text, &text) {
            for name in config.profile_names() {
                let _ = config.profile(name);
            }
        }
    }

    #[test]
    fn files_of_the_usual_pieces_do_not_panic(pieces in prop::collection::vec(prop::sample::select(vec![
        "[profile a]", "[default]", "[sso-session s]", "[services v]", "\n", "\r\n", " ", "sso_session = s",
        "services = v", "s3 =", "\n  endpoint_url = http://x", "region: r", "# c", "role_arn = x", "include_profile = a",
        "source_profile = a", "\u{2028}", "ü = é", "sso_start_url = https://x",
    ]), 0..40)) {
        if let Ok(config) = Config::from_texts(&pieces.concat(), "") {
            for name in config.profile_names() {
                let gone = matches!(config.profile(name), Err(ConfigError::NoSuchProfile { .. }));
                prop_assert!(!gone);
            }
        }
    }
}
