//! `vault logout`: what it tells the server, what it forgets here, and that no trouble on the way keeps a
//! sign-in in the keystore.

use std::time::{Duration, Instant};

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::tools;

const ROLE: &str = "
[profile deploy]
role_arn = arn:aws:iam::333333333333:role/Deployer
source_profile = dev
";

const OLDER: &str = "[profile old]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-central-1
sso_account_id = 111111111111
sso_role_name = Developer
";

/// What the list says is cached.
fn cached(home: &Home) -> String {
    let list = home.vault(&["list", "--sessions", "--names"]);
    list.output().success().stdout
}

/// Nobody is signed in for `dev`, and nothing of it is left.
#[track_caller]
fn gone(home: &Home) {
    assert_eq!(cached(home), "");
    home.exec("dev", &["true"])
        .output()
        .expect_code(125)
        .says(&["no one is signed in to corp"]);
}

/// What the server answered to each `Logout`.
fn told(home: &Home) -> Vec<u16> {
    let requests = home.aws.requests("Logout");
    requests.iter().map(|request| request.status).collect()
}

#[test]
fn the_session_is_ended_at_the_server_and_what_came_of_it_is_gone() {
    let home = Home::signed_in();
    home.add_config(ROLE);
    for profile in ["dev", "prod", "deploy"] {
        home.exec(profile, &["true"]).output().success();
    }
    assert_eq!(cached(&home), "dev\nprod\ndeploy\n");
    let output = home.vault(&["logout"]).output().success();
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("", "Signed out of corp.\n")
    );
    assert_eq!(told(&home), [200]);
    gone(&home);
    home.vault(&["exec", "deploy", "--", "true"])
        .output()
        .expect_code(125);
}

/// What a command would still find goes, and so does what only an older configuration led to.
#[test]
fn what_came_of_the_sign_in_is_gone_whatever_the_configuration_says_by_now() {
    let home = Home::signed_in();
    let before = home.read(".aws/config");
    home.add_config(ROLE);
    home.exec("deploy", &["true"]).output().success();
    home.write(".aws/config", &before);
    home.vault(&["logout"]).output().success();
    home.sign_in();
    home.add_config(ROLE);
    assert_eq!(cached(&home), "");
    home.exec("deploy", &["true"]).output().success();
    assert_eq!(home.aws.count("AssumeRole"), 2);
}

/// The next sign-in needs no new registration: that names vault, and no person.
#[test]
fn the_registration_stays() {
    let home = Home::signed_in();
    home.vault(&["logout"]).output().success();
    home.sign_in();
    assert_eq!(home.aws.count("RegisterClient"), 1);
    home.exec("dev", &["true"]).output().success();
}

#[test]
fn of_several_sign_ins_one_that_is_named_ends_and_the_others_stay() {
    let home = Home::with_two_sessions();
    home.login(&["--all"]).output().success();
    home.vault(&["logout", "partner"])
        .output()
        .success()
        .says(&["Signed out of partner.\n"]);
    home.exec("dev", &["true"]).output().success();
    home.login(&["partner"]).output().success();
    let output = home.vault(&["logout"]).output().success();
    let mut lines: Vec<_> = output.stderr.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["Signed out of corp.", "Signed out of partner."]);
    assert_eq!(told(&home), [200, 200, 200]);
    gone(&home);
}

#[test]
fn a_profile_stands_for_where_it_signs_in() {
    let home = Home::consenting();
    home.write(".aws/config", OLDER);
    home.login(&["old"]).output().success();
    home.exec("old", &["true"]).output().success();
    home.vault(&["logout", "old"])
        .output()
        .success()
        .says(&["Signed out of https://corp.awsapps.com/start."]);
    assert_eq!((told(&home), cached(&home)), (vec![200], String::new()));
    home.login(&["old"]).output().success();
    home.vault(&["logout"]).output().success();
    assert_eq!(told(&home), [200, 200]);
}

#[test]
fn credentials_that_came_of_something_else_stay() {
    let home = Home::signed_in();
    let key = home.aws.add_user_key("444444444444", "jo");
    home.write(
        ".aws/credentials",
        &format!(
            "[jo]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id, key.secret
        ),
    );
    home.add_config(
        "[profile behind]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = jo\nregion = eu-west-1\n",
    );
    for profile in ["dev", "behind"] {
        home.exec(profile, &["true"]).output().success();
    }
    home.vault(&["logout"]).output().success();
    assert_eq!(cached(&home), "behind\n");
}

#[test]
fn a_server_that_cannot_be_reached_is_a_warning_and_all_goes_all_the_same() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    let run = home.vault(&["logout"]);
    let output = run.env("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:9");
    output.output().success().says(&[
        "warning: the server was not told that you sign out of corp: cannot reach ",
        "\nSigned out of corp.\n",
    ]);
    gone(&home);
}

#[test]
fn a_server_in_trouble_is_a_warning() {
    let home = Home::signed_in();
    home.aws.fault("Logout", Fault::Status(500), 20);
    home.vault(&["logout"])
        .output()
        .success()
        .says(&["warning: the server was not told", "Signed out of corp."]);
    gone(&home);
}

/// An access token lives an hour, the session all day: it must not live on because of that.
#[test]
fn a_session_whose_access_token_has_ended_is_renewed_once_to_end_it() {
    let home = Home::consenting();
    home.tokens_live(0);
    home.sign_in();
    home.tokens_live(3600);
    let output = home.vault(&["logout"]).output().success();
    assert_eq!(output.stderr, "Signed out of corp.\n");
    assert_eq!((home.aws.count("CreateToken"), told(&home)), (2, vec![200]));
    gone(&home);
}

#[test]
fn an_access_token_that_the_server_refuses_is_renewed_once_to_end_the_session() {
    let home = Home::signed_in();
    home.aws.revoke_access_tokens();
    let output = home.vault(&["logout"]).output().success();
    assert_eq!(output.stderr, "Signed out of corp.\n");
    assert_eq!(told(&home), [401, 200]);
}

#[test]
fn a_session_that_is_over_at_the_server_is_forgotten_without_a_word() {
    let home = Home::signed_in();
    home.aws.revoke_access_tokens();
    home.aws.revoke_refresh_tokens();
    let output = home.vault(&["logout"]).output().success();
    assert_eq!(output.stderr, "Signed out of corp.\n");
    gone(&home);
}

/// Nothing is opened for it: the passphrase rests nowhere, and nobody gives it.
#[test]
fn where_no_one_is_signed_in_that_is_said_and_is_no_error() {
    let home = Home::new();
    for arguments in [&["logout"][..], &["logout", "corp"], &["logout", "dev"]] {
        let run = home.vault(arguments);
        let run = run.without_env("AWS_VAULT_FILE_PASSPHRASE");
        let output = run.output().success();
        assert!(
            output.stderr.starts_with("No one is signed in"),
            "{output:?}"
        );
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn an_unknown_name_is_an_error_that_names_the_closest_and_ends_nothing() {
    let home = Home::signed_in();
    home.vault(&["logout", "corp", "crop"])
        .output()
        .expect_code(1)
        .says(&[
            "error: there is no sso-session or profile `crop`",
            "did you mean `corp`",
        ]);
    assert_eq!(home.aws.count("Logout"), 0);
    home.exec("dev", &["true"]).output().success();
}

/// Its section was removed since.
#[test]
fn a_sign_in_that_the_configuration_no_longer_knows_is_forgotten_with_a_warning() {
    for arguments in [&["logout"][..], &["logout", "corp"]] {
        let home = Home::signed_in();
        home.exec("dev", &["true"]).output().success();
        let config = home.read(".aws/config");
        home.write(".aws/config", "[profile plain]\nregion = x\n");
        home.vault(arguments).output().success().says(&[
            "warning: the server was not told that you sign out of corp: the configuration",
            "Signed out of corp.",
        ]);
        home.write(".aws/config", &config);
        gone(&home);
    }
}

/// It asked before, and is answered after.
#[test]
fn credentials_that_are_under_way_meanwhile_are_not_kept() {
    let home = Home::signed_in();
    let late = Fault::Late(Duration::from_secs(3));
    home.aws.fault("GetRoleCredentials", late, 1);
    let mut exec = home.exec("dev", &["true"]).start();
    let deadline = Instant::now() + Duration::from_secs(20);
    while home.aws.count("GetRoleCredentials") == 0 {
        assert!(Instant::now() < deadline, "it never asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    home.vault(&["logout"]).output().success();
    assert!(
        exec.is_running(),
        "the answer came too soon to prove anything"
    );
    exec.wait().success();
    gone(&home);
}

#[test]
fn ctrl_c_while_the_server_hangs_leaves_with_130_and_the_local_copies_are_gone() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    home.aws.fault("Logout", Fault::Hang, 1);
    let terminal = home.vault(&["logout"]).on_terminal();
    let deadline = Instant::now() + Duration::from_secs(20);
    while home.aws.count("Logout") == 0 {
        assert!(Instant::now() < deadline, "it never told the server");
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 130, "{ended:?}");
    gone(&home);
}

/// What `vault logout` is taken for.
#[test]
fn the_aws_cli_signs_out_of_the_same_server() {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = crate::support::fake_aws::Visit::Allow);
    home.exempt(".aws/sso/cache");
    home.exempt(".aws/cli/cache");
    let aws = |arguments: &[&str]| {
        let run = home.program(tools::aws_cli()).args(arguments);
        run.with_browser().output().success()
    };
    aws(&["sso", "login", "--sso-session", "corp"]);
    aws(&["sso", "logout"]);
    assert_eq!(told(&home), [200]);
    let s3 = ["s3", "ls", "--profile", "dev"];
    let refused = home.program(tools::aws_cli()).args(&s3).output();
    assert_ne!(refused.code, Some(0), "{refused:?}");
}
