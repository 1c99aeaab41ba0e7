//! Long-lived keys: what a command gets for one, and for how long it is kept.

use crate::support::home::Home;
use crate::support::scenes::variables;

/// A home without a sign-in, whose profile `user` has a key in the credentials file; the key's id.
fn with_key(more: &str) -> (Home, String) {
    let home = Home::new();
    let key = home.aws.add_user_key("444444444444", "jo");
    home.secret(&key.secret);
    home.write(
        ".aws/credentials",
        &format!(
            "[user]\naws_access_key_id = {}\naws_secret_access_key = {}\n{more}",
            key.id, key.secret
        ),
    );
    home.add_config("[profile user]\nregion = eu-central-1\n");
    (home, key.id)
}

#[test]
fn a_command_gets_a_session_and_never_the_key_itself() {
    let (home, key) = with_key("");
    let got = home.environment_as("user");
    assert!(got["AWS_ACCESS_KEY_ID"].starts_with("ASIA"), "{got:?}");
    assert!(got.contains_key("AWS_SESSION_TOKEN"));
    assert!(got.contains_key("AWS_CREDENTIAL_EXPIRATION"));
    assert!(got.values().all(|value| !value.contains(&key)), "{got:?}");
    let asked = home.aws.requests("GetSessionToken");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].parameter("DurationSeconds").as_deref(),
        Some("3600")
    );
    let before = home.aws.total();
    let again = home.exec("user", &["sh", "-c", "echo $AWS_ACCESS_KEY_ID"]);
    let again = again.output().success();
    assert_eq!(again.stdout.trim(), got["AWS_ACCESS_KEY_ID"]);
    assert_eq!(again.stderr, "");
    assert_eq!(home.aws.total(), before);
}

#[test]
fn without_a_session_a_command_gets_the_key_itself_and_no_network_is_touched() {
    let (home, key) = with_key("");
    let run = home.vault(&["exec", "-n", "user", "--", "env", "-0"]);
    let got = variables(run);
    assert_eq!(got["AWS_ACCESS_KEY_ID"], key);
    assert!(!got.contains_key("AWS_SESSION_TOKEN"));
    assert!(!got.contains_key("AWS_CREDENTIAL_EXPIRATION"));
    assert_eq!(home.aws.total(), 0);
}
