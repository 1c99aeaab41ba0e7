//! `vault login` by device code: what the person is shown, what the server answers while they
//! decide, and what is kept for the next time.

use std::time::Duration;

use crate::support::fake_aws::{RefreshAnswer, Visit};
use crate::support::home::Home;
use crate::support::run::Output;

/// The code in the URL that was shown.
#[track_caller]
fn user_code(output: &Output) -> String {
    let (_, rest) = output
        .stderr
        .split_once("/device?user_code=")
        .unwrap_or_else(|| panic!("no URL: {output:#?}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn the_address_and_the_code_are_shown_on_stderr_alone() {
    let home = Home::consenting();
    let output = home.login(&["corp"]).output().success();
    let code = user_code(&output);
    let alone = output.stderr.lines().any(|line| line.trim() == code);
    assert!(alone, "the code has no line of its own: {output:#?}");
    let url = format!("{}/device?user_code={code}", home.aws.url());
    let output = output.says(&[&url, "Signed in to corp"]);
    assert_eq!(output.stdout, "");
}

#[test]
fn quiet_keeps_back_all_but_the_address_and_the_code() {
    let home = Home::consenting();
    let output = home.login(&["corp", "--quiet"]).output().success();
    assert!(!user_code(&output).is_empty());
    assert!(!output.stderr.contains("Signed in"), "{output:#?}");
}

#[test]
fn json_says_what_was_signed_in_to_whether_it_is_new_or_not() {
    let home = Home::consenting();
    let read = |output: &Output| -> serde_json::Value {
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"))
    };
    let first = home.login(&["corp", "--json"]).output().success();
    assert!(!user_code(&first).is_empty());
    let first = read(&first);
    assert_eq!(first[0]["sso_session"], "corp");
    assert_eq!(first[0]["start_url"], "https://corp.awsapps.com/start");
    let end = first[0]["expires_at"].as_str().unwrap();
    assert!(
        end.parse::<jiff::Timestamp>().is_ok() && end.ends_with('Z'),
        "{end}"
    );
    let second = home.login(&["corp", "--json"]).output().success();
    assert_eq!(read(&second), first);
}

#[test]
fn login_waits_while_the_person_has_not_decided() {
    let home = Home::new();
    home.aws.approve_all_after(2);
    home.login(&["corp"]).output().success();
    let polls = home.aws.requests("CreateToken");
    let answers: Vec<_> = polls.iter().map(|poll| poll.status).collect();
    assert_eq!(answers, [400, 400, 200]);
}

#[test]
fn slow_down_makes_every_later_poll_five_seconds_rarer() {
    let home = Home::new();
    home.aws.approve_all_after(2);
    home.aws.configure(|behaviour| {
        behaviour.shortest_poll_gap = Duration::from_millis(1500);
        behaviour.slow_down_penalty = Duration::ZERO;
    });
    home.login(&["corp"]).output().success();
    let polls = home.aws.requests("CreateToken");
    let gaps: Vec<_> = polls
        .windows(2)
        .map(|two| two[1].at.duration_since(two[0].at))
        .collect();
    assert_eq!(gaps.len(), 3, "{gaps:?}");
    let slower = Duration::from_secs(6);
    assert!(gaps[1] >= slower && gaps[2] >= slower, "{gaps:?}");
}

#[test]
fn a_code_that_nobody_confirms_in_time_ends_the_sign_in() {
    let home = Home::new();
    let life = Duration::from_secs(2);
    home.aws
        .configure(|behaviour| behaviour.device_code_life = life);
    let output = home.login(&["corp"]).output().expect_code(1);
    output.says(&[
        "error: ",
        "not confirmed in time",
        "hint: run it again for a new code",
    ]);
}

#[test]
fn a_code_that_the_server_calls_expired_ends_the_sign_in() {
    let home = Home::new();
    // Shorter than a poll, and rounded down to no life at all in the answer: vault has to believe
    // the server.
    let life = Duration::from_millis(500);
    home.aws
        .configure(|behaviour| behaviour.device_code_life = life);
    let output = home.login(&["corp"]).output().expect_code(1);
    output.says(&["not confirmed in time", "hint: run it again for a new code"]);
    assert_eq!(home.aws.count("CreateToken"), 1);
}

#[test]
fn a_person_who_refuses_ends_the_sign_in() {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Deny);
    let run = home.vault(&["login", "corp"]).with_browser();
    run.output()
        .expect_code(1)
        .says(&["error: ", "refused in the browser"]);
    home.exec("dev", &["true"]).output().expect_code(125);
}

#[test]
fn one_registration_serves_sign_in_after_sign_in() {
    let home = Home::signed_in();
    home.login(&["corp", "--force"]).output().success();
    assert_eq!(home.aws.count("RegisterClient"), 1);
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 2);
    let registration = home.aws.requests("RegisterClient")[0].json();
    assert_eq!(registration["clientType"], "public");
    assert_eq!(registration["scopes"][0], "sso:account:access");
}

#[test]
fn a_registration_near_its_end_is_replaced_before_the_sign_in() {
    let home = Home::consenting();
    let life = Duration::from_secs(600);
    home.aws
        .configure(|behaviour| behaviour.registration_life = life);
    home.sign_in();
    home.login(&["corp", "--force"]).output().success();
    assert_eq!(home.aws.count("RegisterClient"), 2);
}

#[test]
fn a_dead_registration_is_replaced_within_the_same_sign_in() {
    let home = Home::signed_in();
    home.aws.forget_registrations();
    home.login(&["corp", "--force"]).output().success();
    assert_eq!(home.aws.count("RegisterClient"), 2);
}

#[test]
fn a_server_that_takes_no_registration_is_asked_for_two_and_no_more() {
    let home = Home::consenting();
    home.aws
        .configure(|behaviour| behaviour.registration_life = Duration::ZERO);
    let output = home.login(&["corp"]).output().expect_code(1);
    output.says(&["error: ", "registration is no longer accepted"]);
    assert_eq!(home.aws.count("RegisterClient"), 2);
    assert_eq!(home.aws.count("CreateToken"), 0);
}

#[test]
fn who_is_signed_in_is_told_until_when_and_nothing_is_sent() {
    let home = Home::signed_in();
    let before = home.aws.total();
    let output = home.login(&[]).output().success();
    assert_eq!(
        output.says(&["Already signed in to corp", "until "]).stdout,
        ""
    );
    home.vault(&["login", "prod", "--no-input"])
        .output()
        .success();
    assert_eq!(home.aws.total(), before);
}

/// Three times in a row a token near its end is renewed, each time with the refresh token that is
/// good by then.
fn renewed_again_and_again(answer: RefreshAnswer) {
    let home = Home::consenting();
    home.tokens_live(120);
    home.aws.configure(|behaviour| behaviour.refresh = answer);
    home.sign_in();
    for _ in 0..3 {
        home.login(&["corp"])
            .output()
            .success()
            .says(&["Already signed in to corp"]);
    }
    let grants = home.aws.requests("CreateToken");
    let answered: Vec<_> = grants.iter().map(|grant| grant.status).collect();
    assert_eq!(answered, [200; 4]);
    assert_eq!(grants[3].json()["grantType"], "refresh_token");
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 1);
}

#[test]
fn a_token_near_its_end_is_renewed_without_a_person_and_refresh_tokens_rotate() {
    renewed_again_and_again(RefreshAnswer::Rotate);
}

#[test]
fn a_refresh_token_that_the_answer_leaves_out_is_kept() {
    renewed_again_and_again(RefreshAnswer::LeaveOut);
}

#[test]
fn a_renewed_token_is_kept() {
    let home = Home::consenting();
    home.tokens_live(120);
    home.sign_in();
    home.tokens_live(3600);
    home.login(&["corp"]).output().success();
    let before = home.aws.total();
    home.login(&["corp"]).output().success();
    assert_eq!(home.aws.total(), before);
}

#[test]
fn where_the_refresh_token_is_dead_a_person_must_sign_in() {
    let home = Home::consenting();
    home.tokens_live(0);
    home.sign_in();
    home.aws.revoke_refresh_tokens();
    let login = home.vault(&["login", "corp", "--no-input"]).output();
    login
        .expect_code(4)
        .says(&["no one is signed in to corp", "hint: "]);
    let exec = home.exec("dev", &["true"]).output().expect_code(125);
    exec.says(&[
        "error: no credentials for profile `dev`\n",
        "  caused by: ",
        "  hint: run `vault login corp`\n",
    ]);
    home.tokens_live(3600);
    home.sign_in();
    home.exec("dev", &["true"]).output().success();
}

#[test]
fn a_token_that_cannot_be_renewed_is_used_while_it_lives() {
    let home = Home::consenting();
    home.tokens_live(120);
    home.sign_in();
    home.aws.revoke_refresh_tokens();
    home.exec("dev", &["true"]).output().success();
    let nobody = "http://127.0.0.1:1";
    let offline = home
        .exec("prod", &["true"])
        .env("AWS_ENDPOINT_URL_SSO_OIDC", nobody);
    offline.output().success();
}

#[test]
fn of_several_sessions_one_has_to_be_named() {
    let home = Home::with_two_sessions();
    let output = home.login(&[]).output().expect_code(2);
    output.says(&["corp", "partner", "hint: ", "--all"]);
    assert_eq!(home.aws.total(), 0);
    home.login(&["partner"]).output().success();
    let asked = home.aws.requests("StartDeviceAuthorization")[0].json();
    assert_eq!(asked["startUrl"], "https://partner.awsapps.com/start");
}

#[test]
fn all_sessions_are_signed_in_to_one_after_the_other() {
    let home = Home::with_two_sessions();
    let output = home.login(&["--all", "--json"]).output().success();
    let signed_in: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let names = [&signed_in[0]["sso_session"], &signed_in[1]["sso_session"]];
    assert_eq!(names, ["corp", "partner"]);
    let before = home.aws.total();
    home.login(&["corp", "partner", "dev"]).output().success();
    assert_eq!(home.aws.total(), before);
}

/// The second is refused; the first and the third are signed in to.
#[test]
fn one_session_of_all_that_fails_does_not_stop_the_others() {
    let home = Home::with_two_sessions();
    home.add_config(
        "[sso-session broken]\nsso_region = eu-central-1\n\
         [sso-session third]\nsso_start_url = https://corp.awsapps.com/start\n\
         sso_region = eu-central-1\n\
         [profile old]\nsso_start_url = https://corp.awsapps.com/start\n\
         sso_region = eu-central-1\nsso_account_id = 111111111111\nsso_role_name = Developer\n",
    );
    let known = |behaviour: &mut crate::support::fake_aws::Behaviour| {
        behaviour.start_urls.retain(|url| !url.contains("partner"));
    };
    home.aws.configure(known);
    let output = home.login(&["--all", "--json"]).output().expect_code(1);
    let signed_in: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let names = signed_in.as_array().unwrap().iter();
    let names: Vec<_> = names.map(|one| one["sso_session"].as_str()).collect();
    assert_eq!(names, [Some("corp"), Some("third"), None]);
    assert_eq!(output.stderr.matches("error: ").count(), 2, "{output:#?}");
    output.says(&[
        "error: sso-session `broken` cannot be used",
        "error: cannot sign in to partner\n  caused by: ",
        "Signed in to third",
    ]);
    let named = home.login(&["corp", "partner"]).output().expect_code(1);
    named.says(&[
        "Already signed in to corp",
        "error: cannot sign in to partner",
    ]);
}

#[test]
fn where_a_person_is_needed_for_all_and_may_not_be_asked_the_exit_code_says_so() {
    let home = Home::with_two_sessions();
    let run = home.vault(&["login", "--all", "--no-input"]);
    let output = run.output().expect_code(4);
    output.says(&["cannot sign in to corp", "cannot sign in to partner"]);
}

#[test]
fn a_profile_stands_for_its_session() {
    let home = Home::consenting();
    home.login(&["dev", "prod", "corp"]).output().success();
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 1);
}

#[test]
fn an_unknown_name_is_an_error_that_names_the_closest() {
    let home = Home::consenting();
    let output = home.login(&["crop"]).output().expect_code(1);
    output.says(&[
        "error: there is no sso-session or profile `crop`",
        "did you mean `corp`",
    ]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn nothing_to_sign_in_to_is_an_error_that_says_what_to_add() {
    let home = Home::new();
    home.write(".aws/config", "[profile plain]\nregion = eu-west-1\n");
    home.login(&[])
        .output()
        .expect_code(1)
        .says(&["error: ", "`vault configure`"]);
    home.login(&["--all"])
        .output()
        .expect_code(1)
        .says(&["error: ", "`vault configure`"]);
    home.login(&["plain"])
        .output()
        .expect_code(1)
        .says(&["`plain` does not sign in"]);
}

/// What is said at the highest verbosity goes through the home's search for secrets.
#[test]
fn the_most_talkative_run_shows_no_secret() {
    let home = Home::consenting();
    home.tokens_live(120);
    let verbose = |arguments: &[&str]| {
        let output = home.vault(arguments).args(&["-vv"]).output();
        assert!(output.stderr.contains("INFO"), "{output:#?}");
        output.success()
    };
    verbose(&["login", "corp", "--no-browser"]);
    verbose(&["login", "corp"]);
    let run = home.vault(&["exec", "-vv", "dev", "--", "true"]);
    assert!(run.output().success().stderr.contains("fetching"));
    home.aws.revoke_access_tokens();
    home.aws.revoke_refresh_tokens();
    let run = home.vault(&["exec", "-vv", "prod", "--", "true"]);
    run.output().expect_code(125);
}
