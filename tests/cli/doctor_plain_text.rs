//! Secrets that `vault doctor` finds in the clear: where they are, what to do, and never what they are.

use crate::support::fake_aws::KeyForm;
use crate::support::home::Home;

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2100-01-01T00:00:00Z";

/// A secret that is written by a test and shown by nobody.
fn secret(home: &Home) -> String {
    home.aws.make_secret("wJalrXUtnFEMI", 40)
}

#[test]
fn a_long_lived_key_in_a_file_is_found_by_its_id() {
    for (file, header, hint) in [
        (
            ".aws/credentials",
            "[jo]",
            "`vault add jo --from-credentials-file`",
        ),
        (".aws/config", "[profile jo]", "take it out of the file"),
    ] {
        let home = Home::new();
        let key = home.aws.add_user_key("111111111111", "jo");
        let (id, secret) = (&key.id, &key.secret);
        let before = home.read(file);
        let section = format!(
            "{before}\n{header}\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"
        );
        home.write(file, &section);
        let output = home.doctor().output().expect_code(1);
        let text = format!("the long-lived key of `jo` ({id}) stands in the clear");
        output.finds(&[&text, hint, file]);
    }
}

#[test]
fn a_secret_that_was_swapped_with_its_id_is_not_shown() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "jo");
    let (id, secret) = (&key.secret, &key.id);
    let section = format!("[jo]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    home.write(".aws/credentials", &section);
    let run = home.doctor().env("AWS_ACCESS_KEY_ID", id);
    let output = run.env("AWS_SECRET_ACCESS_KEY", secret).output();
    output.expect_code(1).finds(&[
        "the long-lived key of `jo` (without an ID) stands in the clear",
        "credentials are in the environment (without an ID)",
    ]);
}

#[test]
fn sessions_in_the_credentials_file_are_told_apart() {
    let section = |home: &Home, more: &str| {
        let (secret, token) = (secret(home), secret(home));
        let text = format!(
            "[tmp]\naws_access_key_id = ASIAX\naws_secret_access_key = {secret}\n\
             aws_session_token = {token}\n{more}"
        );
        let path = home.write(".aws/credentials", &text);
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, private).unwrap();
    };
    let home = Home::new();
    section(&home, "");
    let output = home.doctor().output().expect_code(1);
    output.finds(&["`tmp` has a session (ASIAX) in the clear", "hint: "]);
    section(&home, &format!("x_security_token_expires = {PAST}\n"));
    let output = home.doctor().output().success();
    output.finds(&["note", "that have expired"]);
    section(
        &home,
        &format!("x_security_token_expires = {FUTURE}\nvault_export = dev\n"),
    );
    let output = home.doctor().output().success();
    output.finds(&["note", "`vault export --to` wrote"]);
}

#[test]
fn what_aws_sso_login_leaves_is_found() {
    let home = Home::new();
    let (token, refresh) = (secret(&home), secret(&home));
    let write = |end: &str, more: &str| {
        let text = format!(
            "{{\"startUrl\": \"https://corp.awsapps.com/start\", \"accessToken\": \"{token}\", \
             \"expiresAt\": \"{end}\"{more}}}"
        );
        home.write(".aws/sso/cache/abc.json", &text);
    };
    write(FUTURE, "");
    let output = home.doctor().output().expect_code(1);
    let texts = [
        "in the clear, to `https://corp.awsapps.com/start`",
        "aws sso logout",
    ];
    output.finds(&texts);
    write(PAST, &format!(", \"refreshToken\": \"{refresh}\""));
    home.doctor().output().expect_code(1).finds(&texts);
    write("2020-01-01T00:00:00UTC", "");
    home.doctor()
        .output()
        .success()
        .finds(&["note", "what is left of 1 sign-in"]);
}

#[test]
fn what_the_aws_cli_keeps_of_roles_is_found() {
    let home = Home::new();
    let (secret, token) = (secret(&home), secret(&home));
    for (end, code, text) in [
        (FUTURE, 1, "1 set of credentials in the clear"),
        (PAST, 0, "1 set of credentials that have expired"),
    ] {
        let text_of_file = format!(
            "{{\"ProviderType\": \"sso\", \"Credentials\": {{\"AccessKeyId\": \"ASIAX\", \
             \"SecretAccessKey\": \"{secret}\", \"SessionToken\": \"{token}\", \"Expiration\": \"{end}\"}}}}"
        );
        home.write(".aws/cli/cache/x.json", &text_of_file);
        let output = home.doctor().output().expect_code(code);
        output.finds(&[text, "hint: rm "]);
    }
}

#[test]
fn the_sessions_of_aws_login_are_wrong_where_nobody_needs_them() {
    let home = Home::new();
    let arn = "arn:aws:iam::111111111111:user/jo";
    let left = std::time::Duration::from_secs(600);
    let session = home.aws.login_session(arn, left, KeyForm::Sec1);
    home.write(".aws/login/cache/x.json", &session);
    let output = home.doctor().output().expect_code(1);
    output.finds(&["1 session of `aws login` in the clear", "aws logout"]);
    home.add_config(&format!(
        "[profile jo]\nlogin_session = {arn}\nregion = eu-west-1\n"
    ));
    let output = home.doctor().output().success();
    output.finds(&["note", "profiles with `login_session` need them"]);
}

#[test]
fn a_downloaded_key_is_found_and_another_table_is_not() {
    for name in [
        "Downloads/jo_accessKeys.csv",
        "Downloads/jo_accessKeys (1).csv",
        "Desktop/rootkey.csv",
        "new_user_credentials.csv",
    ] {
        let home = Home::new();
        let key = home.aws.add_user_key("111111111111", "jo");
        let csv = format!(
            "Access key ID,Secret access key\n{},{}\n",
            key.id, key.secret
        );
        home.write(name, &csv);
        let output = home.doctor().output().expect_code(1);
        output.finds(&[name, "a downloaded key", &key.id, "vault add PROFILE --csv"]);
    }
    let home = Home::new();
    home.write("Downloads/credentials.csv", "name,town\njo,Ulm\n");
    home.doctor().output().success();
}

#[test]
fn a_secret_in_what_a_shell_reads_is_found_with_its_line() {
    let home = Home::new();
    let secret = secret(&home);
    home.write(
        ".bashrc",
        &format!("# hello\nexport AWS_SECRET_ACCESS_KEY={secret}\n"),
    );
    let output = home.doctor().output().expect_code(1);
    output.finds(&[
        ".bashrc:2: AWS_SECRET_ACCESS_KEY is set in the clear",
        "hint: ",
    ]);
    home.write(".bashrc", "export AWS_SECRET_ACCESS_KEY=$(pass show aws)\n");
    home.doctor().output().success();
}
