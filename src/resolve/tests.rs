//! Chains as tables: the files in, the chain in a line out.

use super::*;

/// The profiles that begin with `stored` have a key in the keystore.
fn facts() -> Facts<'static> {
    Facts {
        stored_key: &|profile| profile.starts_with("stored").then(|| "AKSTORED".to_owned()),
        ambient: &|source| Ambient {
            source,
            identity: "x".to_owned(),
            long_lived: false,
        },
        web_identity: &|| None,
        whole_path: &str::to_owned,
    }
}

/// `root:source → role@region …`, or the error with its causes.
fn shown(config: &Config, name: &str) -> String {
    let chain = match resolve(config, &facts(), name) {
        Ok(chain) => chain,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|e| format!(": {e}"));
            return format!("{error}{}", cause.unwrap_or_default());
        }
    };
    let source = match &chain.source {
        Source::Sso(role) => format!("sso {} {}", role.account, role.role),
        Source::AccessKey(key) => format!("{:?} {} of {}", key.place, key.id, key.profile),
        Source::WebIdentity(web) => format!("web {} {}", web.token_file, web.role_arn),
        Source::CredentialProcess(process) => format!("process {}", process.command),
        Source::LoginSession(login) => format!("login {}", login.arn),
        Source::Ambient(ambient) => format!("{:?}", ambient.source),
        Source::None => "none".to_owned(),
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

const KEYS: &str = "aws_access_key_id = AK\naws_secret_access_key = SK\n";

/// What a profile can say, by the words of [`ORDER`].
fn piece(word: &str) -> &str {
    match word {
        "sso" => SSO,
        "keys" => KEYS,
        "token" => "aws_session_token = t\n",
        "web" => "role_arn = r\nweb_identity_token_file = f\n",
        "login" => "login_session = arn\n",
        "process" => "credential_process = p\n",
        "role" => "role_arn = r\ncredential_source = Environment\n",
        "arn" => "role_arn = r\n",
        "region" => "region = r\n",
        other => panic!("{other}"),
    }
}

/// The profile (one whose name begins with `stored` has a key in the keystore), what it says in the
/// config file, whether the credentials file has a key of it: what counts.
const ORDER: &str = "
    x | sso keys login process role | + | Environment → x r@- | assume-role
    x | sso keys login process web | + | web f r | web-identity
    x | sso keys login process | + | sso 012345678901 Admin | sso
    x | keys login process | + | File(Credentials) AK of x | access-key
    x | keys login process | - | login arn | login-session
    x | keys process | - | process p | credential-process
    x | keys | - | File(Config) AK of x | access-key
    x | keys token | - | Temporary(Config) AK of x | access-key
    x | region | - | none | none
    stored | sso keys login process role | + | Environment → stored r@- | assume-role
    stored | sso keys login process web | + | web f r | web-identity
    stored | sso keys login process | + | sso 012345678901 Admin | sso
    stored | keys login process | + | Keystore AKSTORED of stored | access-key
    stored | keys login process | - | Keystore AKSTORED of stored | access-key
    stored | region | - | Keystore AKSTORED of stored | access-key
    stored | arn | - | Keystore AKSTORED of stored → stored r@- | assume-role
";

#[test]
fn the_order_is_that_of_the_aws_cli_and_a_stored_key_counts_as_one_in_the_credentials_file() {
    for row in ORDER.lines().filter(|row| !row.trim().is_empty()) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [name, words, in_credentials, expected, kind] = cells[..] else {
            panic!("{row}");
        };
        let section: String = words.split(' ').map(piece).collect();
        let credentials = match in_credentials {
            "+" => format!("[{name}]\n{KEYS}"),
            _ => String::new(),
        };
        let config = format!("[profile {name}]\n{section}");
        let config = Config::from_texts(&config, &credentials).unwrap();
        assert_eq!(shown(&config, name), format!("{name}: {expected}"), "{row}");
        let chain = resolve(&config, &facts(), name).unwrap();
        assert_eq!(chain.kind().as_str(), kind, "{row}");
    }
}

#[test]
fn roles_are_assumed_from_the_source_outwards() {
    let text = format!(
        "[profile sso]\n{SSO}\
        [profile a]\nrole_arn = ra\nsource_profile = sso\nregion = r1\n\
        [profile b]\nrole_arn = rb\nsource_profile = a\nregion = r2\n\
        [profile c]\nrole_arn = rc\nsource_profile = b\n\
        [profile keyed]\nrole_arn = rk\nsource_profile = sso\n{KEYS}\
        [profile over-keyed]\nrole_arn = ro\nsource_profile = keyed\n\
        [profile self]\nrole_arn = rs\nsource_profile = self\n{KEYS}\
        [profile bare]\nregion = r\n\
        [profile over-bare]\nrole_arn = r\nsource_profile = bare\n\
        [profile stored]\nrole_arn = rs\nsource_profile = sso\n\
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
            (
                "over-keyed",
                "keyed: File(Config) AK of keyed → over-keyed ro@-",
            ),
            ("self", "self: File(Config) AK of self → self rs@-"),
            ("over-bare", "bare: none → over-bare r@-"),
            ("stored", "sso: sso 012345678901 Admin → stored rs@-"),
            (
                "over-stored",
                "stored: Keystore AKSTORED of stored → over-stored r@-",
            ),
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
        [profile half]\naws_access_key_id = AK\n\
        [profile empty]\naws_access_key_id = AK\naws_secret_access_key =\n\
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
                "profile `over` needs profile `wrong`, which cannot be used: config:28: sso_start_url: \
                 missing, and sign-in needs it",
            ),
            (
                "half",
                "profile `half` cannot be used: config:23: aws_secret_access_key: missing",
            ),
            (
                "empty",
                "profile `empty` cannot be used: config:26: aws_secret_access_key: it has no value",
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
        [profile keys]\n{KEYS}"
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
        let session = resolve_session(&config, &facts(), word).map(|session| session.start_url);
        let session = session.map_err(|e| e.to_string());
        assert_eq!(
            session,
            expected.map(str::to_owned).map_err(str::to_owned),
            "{word}"
        );
    }
}

/// In the environment of a pod: it serves who has nothing else, a role's source included.
#[test]
fn the_environments_web_identity_is_for_profiles_without_a_source() {
    let facts = Facts {
        web_identity: &|| {
            Some(GivenIdentity {
                role_arn: "given".to_owned(),
                token_file: "token".to_owned(),
                session_name: None,
            })
        },
        ..facts()
    };
    let text = format!(
        "[profile pod]\nregion = r\n[profile sso]\n{SSO}[profile stored]\nregion = r\n\
        [profile over]\nrole_arn = ra\nsource_profile = pod\n\
        [profile self]\nrole_arn = rs\nsource_profile = self\n"
    );
    let config = Config::from_texts(&text, "").unwrap();
    let source = |name| resolve(&config, &facts, name).map(|chain| chain.source.key());
    assert_eq!(source("pod").unwrap(), "web_identity_token_file");
    assert_eq!(source("over").unwrap(), "web_identity_token_file");
    assert_eq!(source("sso").unwrap(), "sso_account_id");
    assert_eq!(source("stored").unwrap(), "aws_access_key_id");
    assert!(matches!(source("self"), Err(ResolveError::Loop { .. })));
}

/// A mistake stands in the way of whoever needs what it is about, and of nobody else.
#[test]
fn what_the_aws_cli_does_not_look_at_is_no_mistake_here() {
    let config = format!(
        "[profile keyed]\n{KEYS}sso_session = gone\n\
         [profile helped]\ncredential_process = p\nsso_session = gone\n\
         [profile web]\nrole_arn = r\nweb_identity_token_file = f\ncredential_source = nowhere\n\
         [profile account]\n{KEYS}sso_session = gone\nsso_account_id = 012345678901\n\
         [profile bare]\nsso_session = gone\n"
    );
    let gone = |name: &str, line: usize| {
        format!(
            "profile `{name}` cannot be used: config:{line}: sso_session: there is no sso-session `gone`"
        )
    };
    check(
        (&config, ""),
        &[
            ("keyed", "keyed: File(Config) AK of keyed"),
            ("helped", "helped: process p"),
            ("web", "web: web f r"),
            ("account", &gone("account", 15)),
            ("bare", &gone("bare", 18)),
        ],
    );
}
