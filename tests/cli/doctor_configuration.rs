//! What `vault doctor` finds in the AWS files, in `config.toml` and in the environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::home::{Home, STANDARD_CONFIG};

/// Adds to the standard configuration, and finds something wrong.
#[track_caller]
fn finds(sections: &str, texts: &[&str]) {
    let home = Home::new();
    home.add_config(sections);
    let output = home.doctor().output().expect_code(1);
    output.finds(&["WRONG", "hint: "]).finds(texts);
}

/// Adds to the standard configuration, and finds nothing wrong.
#[track_caller]
fn accepts(sections: &str, texts: &[&str]) {
    let home = Home::new();
    home.add_config(sections);
    home.doctor().output().success().finds(texts);
}

#[test]
fn an_unknown_key_is_found_with_the_known_one() {
    for (section, key, close) in [
        ("profile x", "sso_sesion = corp\nrole_arn", "sso_session"),
        ("profile x", "sso_acount_id", "sso_account_id"),
        ("sso-session other", "sso_start_ulr", "sso_start_url"),
        ("default", "source_profle", "source_profile"),
    ] {
        let texts = [&*format!("did you mean `{close}`?"), ".aws/config:"];
        finds(&format!("[{section}]\n{key} = 1\n"), &texts);
    }
}

#[test]
fn a_key_of_another_program_is_no_mistake() {
    let profile = "[profile x]\nsso_session = corp\nsso_account_id = 111111111111\n\
                   sso_role_name = Developer\ngranted_color = blue\nx_principal_arn = y\n";
    accepts(profile, &[]);
    let mut many = String::new();
    for n in 0..3 {
        many.push_str(&profile.replace("profile x", &format!("profile x{n}")));
        many.push_str("zzfrobnicate = 1\n");
    }
    accepts(
        &many,
        &[
            "note",
            "nobody knows the key `zzfrobnicate`, here and in 2 other sections",
        ],
    );
}

#[test]
fn a_header_that_means_nothing_is_found() {
    finds(
        "[staging]\nregion = x\n",
        &["[staging]", "`[profile staging]`"],
    );
    let home = Home::new();
    home.write(".aws/credentials", "[profile dev]\nregion = eu-west-1\n");
    let output = home.doctor().output().expect_code(1);
    output.finds(&["credentials:1: the section [profile dev]", "`[dev]`"]);
}

/// Sections, and what is said of them.
const USELESS: [(&str, &[&str]); 12] = [
    (
        "[profile x]\nrole_arn = arn:aws:iam::333333333333:role/R\nsource_profile = prdo\n",
        &[
            "source_profile: there is no profile `prdo`, did you mean `prod`?",
            "(profile `x`)",
        ],
    ),
    (
        "[profile x]\nrole_arn = arn:aws:iam::333333333333:role/R\nsource_profile = y\n\
             [profile y]\nrole_arn = arn:aws:iam::333333333333:role/R\nsource_profile = x\n",
        &["it goes round: x → y → x", "(profiles `x`, `y`)"],
    ),
    (
        "[profile x]\nrole_arn = arn:aws:iam::333333333333:role/R\n",
        &["role_arn: it needs a source_profile or a credential_source"],
    ),
    (
        "[profile x]\nregion = eu-west-1\n",
        &[
            "`x` does not say where its credentials come from",
            "vault add",
        ],
    ),
    (
        "[profile x]\nsso_session = crop\nsso_account_id = 111111111111\nsso_role_name = R\n",
        &["there is no sso-session `crop`, did you mean `corp`?"],
    ),
    (
        "[profile x]\nsso_session = corp\nsso_account_id = 11\nsso_role_name = R\n",
        &[
            "`11` is not the 12 digits of an account",
            "zeros at its beginning",
        ],
    ),
    (
        "[profile x]\nsso_session = corp\nsso_region = us-east-1\n\
             sso_account_id = 111111111111\nsso_role_name = R\n",
        &[
            "`us-east-1` contradicts `eu-central-1`",
            "keep one `sso_region`",
        ],
    ),
    (
        "[profile x]\nrole_arn = arn:aws:iam::333333333333:role/R\nsource_profile = dev\n\
             duration_seconds = 60\n",
        &["`60` is not a number from 900 to 43200"],
    ),
    (
        "[profile x]\nrole_arn = Admin\nsource_profile = dev\n",
        &[
            "`Admin` is not the ARN of a role",
            "arn:aws:iam::123456789012:role/NAME",
        ],
    ),
    (
        "[profile x]\nrole_arn = arn:aws:iam::333333333333:role/R\n\
             web_identity_token_file = /nonexistent/token\n",
        &[
            "`/nonexistent/token` can't be read",
            "whatever writes it must be running",
        ],
    ),
    (
        "[profile x]\ncredential_process = no-such-helper --secret hunter2\n",
        &["there is no program `no-such-helper` in PATH", "install it"],
    ),
    (
        "[profile x]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = R\n\
             region = eu-central1\n",
        &[
            "region: AWS has no region `eu-central1`",
            "did you mean `eu-central-1`?",
        ],
    ),
];

#[test]
fn every_profile_that_cannot_work_is_found_with_its_line() {
    let lines = STANDARD_CONFIG.lines().count() + 1;
    for (sections, texts) in USELESS {
        let home = Home::new();
        home.secret("hunter2");
        home.add_config(sections);
        let output = home.doctor().output().expect_code(1);
        let output = output.finds(texts).finds(&["WRONG", "hint: "]);
        let place = format!("{}:", home.path(".aws/config").display());
        let line = output.stdout.lines().find(|line| line.contains("WRONG"));
        let (_, rest) = line.unwrap().split_once(&place).expect("file and line");
        let at: usize = rest.split(':').next().unwrap().parse().unwrap();
        assert!(at > lines, "{at}: {output:#?}");
    }
}

#[test]
fn one_cause_is_said_once_with_those_who_suffer() {
    let home = Home::new();
    let mut sections =
        "[sso-session broken]\nsso_start_url = https://x.awsapps.com/start\n".to_owned();
    for n in 0..9 {
        sections.push_str(&format!(
            "[profile p{n}]\nsso_session = broken\nsso_account_id = 111111111111\nsso_role_name = R\n"
        ));
    }
    home.add_config(&sections);
    let output = home.doctor().output().expect_code(1);
    assert!(output.stdout.matches("WRONG").count() <= 10, "{output:#?}");
    output.finds(&["sso_region: missing"]);
}

#[test]
fn every_line_that_cannot_be_read_is_said_and_the_rest_is_looked_at() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[profile a]\nregoin = x\nnonsense\n[profile b]\nmore nonsense\n[profile a]\nregion = x\n",
    );
    home.write(".aws/credentials", "before\n[c]\n");
    let output = home.doctor().output().expect_code(1);
    output.finds(&[
        "config:3: neither a [section]",
        "config:5: neither a [section]",
        "config:6: the section [profile a] is here for the second time",
        "credentials:1: a line before the first [section]",
        "config:2: nobody knows the key `regoin`",
        "hint: mend it",
    ]);
}

#[test]
fn files_that_others_can_read_or_change_are_found() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "jo");
    let section = format!(
        "[jo]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    let path = home.write(".aws/credentials", &section);
    let hint = format!("hint: chmod 600 {}", path.display());
    for (mode, text) in [(0o644, "read the keys"), (0o602, "change it")] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let output = home.doctor().output().expect_code(1);
        output.finds(&[text, &hint]);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let output = home.doctor().output();
    assert!(!output.stdout.contains("chmod"), "{output:?}");
}

#[test]
fn a_settings_file_with_mistakes_does_not_stop_it() {
    for (text, found, hint) in [
        (
            "bakend = \"file\"\n",
            "config.toml:1: unknown field `bakend`",
            "`backend`",
        ),
        ("\nno_input = 3\n", "config.toml:2: no_input: ", "README"),
        (
            "[login]\nflow = \"x\"\n",
            "config.toml:2: flow: unknown variant `x`",
            "hint: ",
        ),
        (
            "[file]\nunlocked_for = \"x\"\n",
            "`x` is not a duration",
            "no command runs",
        ),
        ("not toml", "config.toml:1: ", "README"),
    ] {
        let home = Home::new();
        home.write(".config/vault/config.toml", text);
        let output = home.doctor().output().expect_code(1);
        output.finds(&["2 profiles", found, hint]);
        home.exec("dev", &["true"]).output().expect_code(125);
    }
    let home = Home::new();
    let run = home.doctor().env("AWS_VAULT_LOGIN_FLOW", "x");
    run.output()
        .expect_code(1)
        .finds(&["`x` is no way to sign in"]);
}

#[test]
fn a_keystore_that_nobody_knows_is_found() {
    let home = Home::new();
    let run = home.doctor().env("AWS_VAULT_BACKEND", "keyring");
    let output = run.output().expect_code(1);
    output.finds(&["unknown keystore `keyring`", "hint: see `--backend`"]);
}

#[test]
fn variables_that_lead_elsewhere_are_found() {
    let home = Home::new();
    let wrong = |name, value, texts: &[&str]| {
        let run = home.doctor().env(name, value);
        run.output().expect_code(1).finds(texts).finds(&["hint: "]);
    };
    wrong(
        "AWS_PROFILE",
        "prdo",
        &["AWS_PROFILE names `prdo`", "`prod`"],
    );
    wrong("AWS_CONFIG_FILE", "/no/such/file", &["which is not there"]);
    wrong(
        "AWS_VAULT_BACKENT",
        "os",
        &["did you mean AWS_VAULT_BACKEND?"],
    );
    let noted = |name, value, texts: &[&str]| {
        let run = home.doctor().env(name, value);
        run.output().success().finds(texts).finds(&["note"]);
    };
    noted("AWS_VAULT_PASS_CMD", "x", &["is aws-vault's"]);
    noted(
        "AWS_ACCESS_KEY_ID",
        "AKIAX",
        &["credentials are in the environment (AKIAX)"],
    );
    let output = home.doctor().env("AWS_PROFILE", "prod").output();
    output.success();
}

#[test]
fn ten_thousand_profiles_are_looked_at() {
    let home = Home::new();
    let mut sections = String::new();
    for n in 0..10_000 {
        sections.push_str(&format!(
            "[profile p{n}]\nsso_session = corp\nsso_account_id = 111111111111\n\
             sso_role_name = R{n}\nregion = eu-west-1\n"
        ));
    }
    home.add_config(&sections);
    let output = home.doctor().output().success();
    output.finds(&["10002 profiles"]);
}

#[test]
fn all_that_is_wrong_in_one_profile_is_said_at_once() {
    let home = Home::new();
    home.add_config(
        "[profile many]\nsso_session = crop\nsso_account_id = 12\nsso_role_name =\n\
         region = eu-wset-1\n\
         [profile role]\nrole_arn = Admin\nsource_profile = nothing-like-it\n\
         duration_seconds = long\nexternal_id =\n\
         [profile both]\nsso_session = corp\nsso_start_url = https://other.awsapps.com/start\n\
         sso_region = us-east-1\nsso_account_id = 111111111111\nsso_role_name = R\n",
    );
    let output = home.doctor().output().expect_code(1);
    let output = output.finds(&[
        "sso_session: there is no sso-session `crop`",
        "sso_account_id: `12` is not the 12 digits",
        "sso_role_name: it has no value",
        "region: AWS has no region `eu-wset-1`",
        "did you mean `eu-west-1`?",
        "role_arn: `Admin` is not the ARN of a role",
        "source_profile: there is no profile `nothing-like-it`",
        "duration_seconds: `long` is not a number",
        "external_id: it has no value",
        "sso_start_url: `https://other.awsapps.com/start` contradicts",
        "sso_region: `us-east-1` contradicts",
    ]);
    // Each once, and nothing that only follows from another.
    let wrong = output.stdout.matches("WRONG").count();
    assert_eq!(wrong, 10, "{}", output.stdout);
}
