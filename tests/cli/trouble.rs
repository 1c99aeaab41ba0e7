//! A network and a service in trouble: what is tried again, what a person is told, and that nothing
//! which was kept is lost by it.

use std::time::Duration;

use crate::support::fake_aws::Fault;
use crate::support::home::Home;

/// More often than anything is tried.
const FOR_EVER: usize = 1000;
const LOGIN: [&str; 3] = ["RegisterClient", "StartDeviceAuthorization", "CreateToken"];

/// Who made `exec dev` fail gets the old state back as soon as the trouble is over.
#[track_caller]
fn sign_in_is_kept(home: &Home) {
    let codes = home.aws.count("StartDeviceAuthorization");
    home.exec("dev", &["true"]).output().success().silent();
    assert_eq!(home.aws.count("StartDeviceAuthorization"), codes);
}

/// Faults that are not worth another try, and what is said of them.
fn lasting() -> [(Fault, &'static str, &'static str); 4] {
    [
        (
            Fault::CaptivePage,
            "with a web page (HTTP 200)",
            "hint: a captive portal",
        ),
        (
            Fault::CaptiveRedirect,
            "with a web page (HTTP 302)",
            "hint: a captive portal",
        ),
        (Fault::Garbage, "makes no sense", ""),
        (Fault::Empty, "makes no sense", ""),
    ]
}

#[test]
fn what_is_not_aws_ends_a_sign_in_and_is_named() {
    for operation in LOGIN {
        for (fault, said, hint) in lasting() {
            let home = Home::consenting();
            let host = home.aws.url().trim_start_matches("http://").to_owned();
            home.aws.fault(operation, fault.clone(), 1);
            let output = home.login(&["corp"]).output();
            assert_eq!(output.code, Some(1), "{operation} {fault:?}: {output:#?}");
            output.says(&["error: ", operation, &host, said, hint]);
            assert_eq!(home.aws.count("CaptivePage"), 0, "a redirect was followed");
            home.exec("dev", &["true"]).output().expect_code(125);
        }
    }
}

#[test]
fn what_is_not_aws_ends_an_exec_and_loses_nothing() {
    for (fault, said, hint) in lasting() {
        let home = Home::signed_in();
        home.aws.fault("GetRoleCredentials", fault, 1);
        let output = home.exec("dev", &["true"]).output().expect_code(125);
        let output = output.says(&["error: no credentials for profile `dev`\n  caused by: "]);
        output.says(&["GetRoleCredentials", said, hint]);
        sign_in_is_kept(&home);
    }
}

#[test]
fn a_sign_in_gets_over_a_fault_that_passes() {
    let passing = [
        Fault::Status(503),
        Fault::Throttle,
        Fault::Close,
        Fault::Slow(Duration::from_millis(1500)),
    ];
    for fault in passing {
        let home = Home::consenting();
        for operation in LOGIN {
            home.aws.fault(operation, fault.clone(), 1);
        }
        let output = home.login(&["corp"]).output();
        assert_eq!(output.code, Some(0), "{fault:?}: {output:#?}");
        assert!(!output.stderr.contains("error"), "{fault:?}: {output:#?}");
    }
}

#[test]
fn an_exec_gets_over_a_fault_that_passes_and_says_nothing() {
    let passing = [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Throttle,
        Fault::Close,
        Fault::Slow(Duration::from_millis(1500)),
    ];
    for fault in passing {
        let home = Home::signed_in();
        home.aws.fault("GetRoleCredentials", fault.clone(), 2);
        let output = home.exec("dev", &["echo", "ran"]).output();
        assert_eq!(
            (output.code, &*output.stdout),
            (Some(0), "ran\n"),
            "{fault:?}: {output:#?}"
        );
        assert_eq!(output.stderr, "", "{fault:?}");
    }
}

#[test]
fn an_answer_cut_short_never_passes_for_a_whole_one() {
    let home = Home::signed_in();
    home.aws.fault("GetRoleCredentials", Fault::CutShort, 1);
    let output = home.exec("dev", &["echo", "ran"]).output();
    let gone_over = output.code == Some(0) && home.aws.count("GetRoleCredentials") == 2;
    let said = output.code == Some(125) && output.stderr.contains("GetRoleCredentials");
    assert!(gone_over || said, "{output:#?}");
    sign_in_is_kept(&home);
}

#[test]
fn polling_goes_on_through_trouble_that_outlasts_the_tries_of_one_poll() {
    let home = Home::consenting();
    home.aws.fault("CreateToken", Fault::Status(503), 6);
    home.login(&["corp"]).output().success();
    assert_eq!(home.aws.count("CreateToken"), 7);
    assert_eq!(
        home.aws.count("StartDeviceAuthorization"),
        1,
        "the code is still the same"
    );
}

#[test]
fn a_service_that_stays_down_is_named_with_its_status() {
    let home = Home::signed_in();
    home.aws
        .fault("GetRoleCredentials", Fault::Status(503), FOR_EVER);
    let output = home.exec("dev", &["true"]).output().expect_code(125);
    output.says(&[
        "cannot answer GetRoleCredentials (HTTP 503)",
        "hint: wait a minute",
    ]);
    assert!(home.aws.count("GetRoleCredentials") > 1);
}

#[test]
fn a_service_that_stays_throttled_is_said_to_be() {
    let home = Home::consenting();
    home.aws.fault("RegisterClient", Fault::Throttle, FOR_EVER);
    let output = home.login(&["corp"]).output().expect_code(1);
    output.says(&["RegisterClient is throttled", "hint: wait a minute"]);
}

#[test]
fn a_server_that_never_answers_is_given_up_within_the_limit() {
    let home = Home::signed_in();
    home.aws.fault("GetRoleCredentials", Fault::Hang, FOR_EVER);
    let run = home.exec("dev", &["true"]);
    let output = run.output().expect_code(125);
    output.says(&[
        "did not answer GetRoleCredentials in time",
        "hint: check the network",
    ]);
}

#[test]
fn a_request_that_is_not_answered_is_made_again() {
    let home = Home::signed_in();
    home.aws.fault("GetRoleCredentials", Fault::Hang, 1);
    home.exec("dev", &["true"]).output().success().silent();
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let home = Home::signed_in();
    let exec = home
        .exec("dev", &["true"])
        .env("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:1");
    exec.output().expect_code(125).says(&[
        "error: no credentials for profile `dev`",
        "cannot reach 127.0.0.1:1 for GetRoleCredentials",
        "efused",
        "hint: check the network",
    ]);
    sign_in_is_kept(&home);
}

#[test]
fn what_is_cached_outlives_a_fetch_that_fails() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    home.aws.fault("GetRoleCredentials", Fault::CaptivePage, 1);
    let fresh = home.vault(&["exec", "--fresh", "dev", "--", "true"]);
    fresh.output().expect_code(125);
    let before = home.aws.total();
    home.exec("dev", &["true"]).output().success().silent();
    assert_eq!(home.aws.total(), before);
}

#[test]
fn a_sign_in_outlives_another_that_fails() {
    for operation in LOGIN {
        let home = Home::signed_in();
        if operation == "RegisterClient" {
            home.aws.forget_registrations();
        }
        home.aws.fault(operation, Fault::CaptivePage, 1);
        home.login(&["corp", "--force"]).output().expect_code(1);
        let before = home.aws.total();
        home.login(&["corp"])
            .output()
            .success()
            .says(&["Already signed in"]);
        assert_eq!(home.aws.total(), before, "{operation}");
        sign_in_is_kept(&home);
    }
}

#[test]
fn a_token_that_the_portal_rejects_is_renewed_once() {
    let home = Home::signed_in();
    home.aws.revoke_access_tokens();
    home.exec("dev", &["true"]).output().success().silent();
    let asked = home.aws.requests("GetRoleCredentials");
    let answers: Vec<_> = asked.iter().map(|request| request.status).collect();
    assert_eq!(answers, [401, 200]);
    home.exec("prod", &["true"]).output().success();
    assert_eq!(
        home.aws.count("CreateToken"),
        2,
        "the renewed token is kept"
    );
}

#[test]
fn a_renewed_token_that_the_portal_rejects_too_needs_a_person() {
    let home = Home::signed_in();
    home.aws.revoke_access_tokens();
    home.aws
        .configure(|behaviour| behaviour.access_token_life = Some(Duration::ZERO));
    let output = home.exec("dev", &["true"]).output().expect_code(125);
    output.says(&[
        "error: no credentials for profile `dev`",
        "hint: run `vault login corp`",
    ]);
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
    home.login(&["corp", "--no-input"]).output().expect_code(4);
}

#[test]
fn a_rejected_token_that_cannot_be_renewed_needs_a_person() {
    let home = Home::signed_in();
    home.aws.revoke_access_tokens();
    home.aws.revoke_refresh_tokens();
    let output = home.exec("dev", &["true"]).output().expect_code(125);
    output.says(&[
        "no one is signed in to corp",
        "hint: run `vault login corp`",
    ]);
    home.sign_in();
    home.exec("dev", &["true"]).output().success();
}

/// Whether the portal rejects a token, or a network in trouble answers instead of the sign-in's
/// server: the second is no reason to forget the sign-in.
#[test]
fn a_sign_in_is_not_lost_where_its_renewal_meets_trouble() {
    let home = Home::signed_in();
    home.aws.revoke_access_tokens();
    home.aws.fault("CreateToken", Fault::CaptivePage, 1);
    let output = home.exec("dev", &["true"]).output().expect_code(125);
    output.says(&["CreateToken", "web page", "hint: a captive portal"]);
    sign_in_is_kept(&home);
}

#[test]
fn a_role_that_the_person_does_not_have_is_named_with_its_account() {
    let home = Home::signed_in();
    home.add_config(
        "[profile outside]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Admin\n",
    );
    let output = home.exec("outside", &["true"]).output().expect_code(125);
    output.says(&[
        "error: no credentials for profile `outside`",
        "`Admin` may not be used in account 111111111111",
        "No access",
        "hint: check `sso_account_id` and `sso_role_name`",
    ]);
    assert_eq!(
        home.aws.count("GetRoleCredentials"),
        1,
        "no use in asking again"
    );
    sign_in_is_kept(&home);
}

#[test]
fn an_account_that_does_not_exist_is_said_in_the_servers_words() {
    let home = Home::signed_in();
    home.add_config(
        "[profile lost]\nsso_session = corp\nsso_account_id = 999999999999\nsso_role_name = Admin\n",
    );
    let output = home.exec("lost", &["true"]).output().expect_code(125);
    output.says(&[
        "GetRoleCredentials failed: ResourceNotFoundException",
        "Account not found",
        "hint: check `sso_account_id` and `sso_role_name`",
    ]);
    sign_in_is_kept(&home);
}

#[test]
fn a_start_url_that_does_not_exist_is_said_in_the_servers_words() {
    let home = Home::consenting();
    home.aws.configure(|behaviour| behaviour.start_urls.clear());
    let output = home.login(&["corp"]).output().expect_code(1);
    output.says(&[
        "StartDeviceAuthorization failed: InvalidRequestException",
        "startUrl is not known",
        "hint: check `sso_start_url` and `sso_region`",
    ]);
}

#[test]
fn a_role_is_assumed_through_trouble_that_passes() {
    let home = Home::signed_in();
    home.add_config(
        "[profile deployer]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\nsource_profile = dev\n",
    );
    for fault in [Fault::Throttle, Fault::Status(503), Fault::Close] {
        home.aws.fault("AssumeRole", fault, 1);
    }
    home.exec("deployer", &["true"]).output().success().silent();
    home.vault(&["clear", "deployer"]).output().success();
    home.aws.fault("AssumeRole", Fault::CaptivePage, 1);
    let output = home.exec("deployer", &["true"]).output().expect_code(125);
    output.says(&[
        "cannot assume `arn:aws:iam::333333333333:role/Deployer`",
        "web page",
        "hint: ",
    ]);
}
