//! `vault console`: which page is opened, as whom and for how long, and how the address that signs a
//! browser in gets to it.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;

use crate::support::home::Home;
use crate::support::run::Output;
use crate::support::scenes::until;
use crate::support::tools;

/// The parameters of an address.
fn parameters(url: &str) -> Vec<(String, String)> {
    let (_, query) = url.split_once('?').expect("a query");
    form_urlencoded::parse(query.trim_end().as_bytes())
        .into_owned()
        .collect()
}

fn parameter(url: &str, name: &str) -> String {
    let all = parameters(url);
    let found = all.into_iter().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1
}

/// What `vault console --print` prints, with more arguments.
#[track_caller]
fn printed(home: &Home, arguments: &[&str]) -> Output {
    let run = home.vault(&["console", "--print"]).args(arguments);
    run.shows_secrets().output().success()
}

/// Where it leads.
#[track_caller]
fn destination(home: &Home, arguments: &[&str]) -> String {
    parameter(&printed(home, arguments).stdout, "Destination")
}

/// What the last sign-in to the console was asked for.
fn length(home: &Home) -> Option<String> {
    let asked = home.aws.requests("GetSigninToken");
    asked
        .last()
        .expect("a sign-in")
        .parameter("SessionDuration")
}

/// The page that the home's browser ended on.
#[track_caller]
fn landed(home: &Home) -> String {
    until("the browser has its page", || {
        home.read("browser/last").ends_with('\n')
    });
    home.read("browser/last")
}

/// A home whose profile `user` has a long-lived key in the credentials file.
fn with_key(home: Home, more: &str) -> Home {
    let key = home.aws.add_user_key("444444444444", "jo");
    home.write(
        ".aws/credentials",
        &format!(
            "[user]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id, key.secret
        ),
    );
    home.add_config(&format!("[profile user]\nregion = eu-central-1\n{more}"));
    home
}

#[test]
fn the_browser_is_sent_on_to_the_console_and_its_arguments_hold_no_secret() {
    let home = Home::signed_in();
    let opened = home
        .vault(&["-vvv", "console", "prod"])
        .with_browser()
        .output()
        .success();
    assert_eq!(opened.stdout, "");
    let opened = opened.says(&[
        "Opening the console as prod",
        "The console is open as prod.",
    ]);
    let urls = home.browser_urls();
    assert_eq!(urls.len(), 1);
    assert!(urls[0].starts_with("http://127.0.0.1:"), "{urls:?}");
    assert!(opened.stderr.contains(&urls[0]), "{opened:?}");
    assert!(!urls[0].contains("SigninToken"), "{urls:?}");
    let page =
        "signed in to https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1\n";
    assert_eq!(landed(&home), page);
    // The fake takes a POST without a query alone, and nothing of it is in a URL.
    let asked = home.aws.requests("GetSigninToken");
    assert_eq!(
        (asked.len(), asked[0].method(), asked[0].query()),
        (1, "POST", "")
    );
    assert_eq!(length(&home), None);
}

#[test]
fn print_is_the_address_alone_and_opens_nothing() {
    let home = Home::signed_in();
    home.environment_as("prod");
    let browser = home.browser().to_string_lossy().into_owned();
    let run = home.vault(&["console", "prod", "--print", "--no-input"]);
    let run = run.env("AWS_VAULT_BROWSER", &browser).shows_secrets();
    let printed = run.output().success();
    assert_eq!(printed.stderr, "");
    assert!(home.browser_urls().is_empty());
    let url = printed.stdout.strip_suffix('\n').expect("one line");
    assert!(url.starts_with(&format!("{}/federation?Action=login&", home.aws.url())));
    assert_eq!(parameter(url, "Issuer"), "https://corp.awsapps.com/start");
    let curl = home.program(tools::need("curl", "curl"));
    let page = curl.args(&["-sL", url]).output().success().stdout;
    assert!(
        page.starts_with("signed in to https://eu-west-1.console."),
        "{page}"
    );
    assert_eq!(
        home.aws.count("GetRoleCredentials"),
        1,
        "the cached ones do"
    );
}

#[test]
fn a_service_a_path_and_a_region_choose_the_page() {
    let home = Home::signed_in();
    let at = |region: &str| format!("https://{region}.console.aws.amazon.com");
    let table: [(&[&str], String); 9] = [
        (
            &["-s", "s3"],
            format!("{}/s3/home?region=eu-west-1", at("eu-west-1")),
        ),
        (
            &["--service", "cfn", "--region", "us-east-2"],
            format!("{}/cloudformation/home?region=us-east-2", at("us-east-2")),
        ),
        (
            &["-s", "logs"],
            format!(
                "{}/cloudwatch/home?region=eu-west-1#logsV2:log-groups",
                at("eu-west-1")
            ),
        ),
        // No region at what is global.
        (
            &["-s", "iam"],
            "https://console.aws.amazon.com/iam/home".to_owned(),
        ),
        (
            &["-s", "r53", "--region", "us-east-2"],
            "https://console.aws.amazon.com/route53/v2/home".to_owned(),
        ),
        (
            &["--path", "s3/buckets/my-logs"],
            format!("{}/s3/buckets/my-logs?region=eu-west-1", at("eu-west-1")),
        ),
        (
            &["--path", "/ec2/home?region=eu-north-1#Instances:"],
            format!("{}/ec2/home?region=eu-north-1#Instances:", at("eu-west-1")),
        ),
        (
            &[
                "--path",
                "https://eu-north-1.console.aws.amazon.com/lambda/home",
            ],
            format!("{}/lambda/home", at("eu-north-1")),
        ),
        (
            &["--region", "ap-south-1"],
            format!("{}/console/home?region=ap-south-1", at("ap-south-1")),
        ),
    ];
    for (arguments, expected) in table {
        let arguments = [&["prod"], arguments].concat();
        assert_eq!(destination(&home, &arguments), expected);
    }
}

/// A proxy that hears where a client wants to go, and lets nobody through.
fn proxy() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let first = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });
    (address, first)
}

#[test]
fn each_partition_is_asked_at_its_own_host_over_tls() {
    let table = [
        ("eu-west-1", "eu-west-1.signin.aws.amazon.com"),
        ("us-east-1", "signin.aws.amazon.com"),
        ("cn-north-1", "signin.amazonaws.cn"),
        ("us-gov-west-1", "signin.amazonaws-us-gov.com"),
        ("us-gov-east-1", "us-gov-east-1.signin.amazonaws-us-gov.com"),
        ("eusc-de-east-1", "eusc-de-east-1.signin.amazonaws-eusc.eu"),
    ];
    for (region, host) in table {
        let home = Home::consenting();
        let config = home.read(".aws/config");
        // Identity Center is in the partition of its accounts.
        let config = config.replace(
            "sso_region = eu-central-1",
            &format!("sso_region = {region}"),
        );
        home.write(
            ".aws/config",
            &config.replace("region = eu-west-1", &format!("region = {region}")),
        );
        home.sign_in();
        let (proxy, asked) = proxy();
        let run = home.vault(&["console", "prod", "--print"]);
        let run = run.without_env("AWS_ENDPOINT_URL_SIGNIN");
        let run = run.env("HTTPS_PROXY", proxy).output().expect_code(1);
        run.says(&[
            "error: the console gives no sign-in for these credentials",
            host,
        ]);
        let line = asked.join().unwrap();
        assert!(
            line.starts_with(&format!("CONNECT {host}:443 ")),
            "{region}: {line}"
        );
    }
}

#[test]
fn a_region_of_another_partition_is_refused_before_anybody_is_asked() {
    let home = Home::consenting();
    let run = home.vault(&["console", "prod", "--print", "--region", "us-gov-west-1"]);
    run.output().expect_code(1).says(&[
        "error: region `us-gov-west-1` is in aws-us-gov, and the credentials are for aws",
        "hint: name another with `--region`",
    ]);
    for region in ["evil.com/", "euwest1"] {
        let run = home.vault(&["console", "prod", "--print", "--region", region]);
        let said = format!("error: `{region}` is no region");
        run.output().expect_code(1).says(&[&said, "hint: "]);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn an_iam_users_key_is_federated_with_its_users_rights() {
    let home = with_key(Home::new(), "");
    let url = printed(&home, &["user"]).stdout;
    assert_eq!(parameter(&url, "Issuer"), "vault");
    let asked = home.aws.requests("GetFederationToken");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].parameter("Name").as_deref(), Some("vault-user"));
    assert_eq!(
        asked[0].parameter("DurationSeconds").as_deref(),
        Some("3600")
    );
    let policy: serde_json::Value =
        serde_json::from_str(&asked[0].parameter("Policy").expect("a policy")).unwrap();
    let statement = serde_json::json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    assert_eq!(policy["Statement"], statement);
    assert_eq!(length(&home), None, "federated users have no other length");
    // The key itself: a session of it would be refused.
    assert_eq!(home.aws.count("GetSessionToken"), 0);
    printed(&home, &["user", "-d", "8h"]);
    let asked = home.aws.requests("GetFederationToken");
    assert_eq!(
        asked[1].parameter("DurationSeconds").as_deref(),
        Some("28800")
    );
    assert_eq!(length(&home), None);
}

#[test]
fn a_name_is_made_fit_for_sts_and_a_session_without_mfa_is_called_one() {
    let home = with_key(
        Home::new(),
        "mfa_serial = arn:aws:iam::444444444444:mfa/jo\n",
    );
    let config = home.read(".aws/config");
    let long = "a profile/with a name of more than 32 letters";
    home.write(
        ".aws/config",
        &config.replace("profile user", &format!("profile \"{long}\"")),
    );
    let keys = home.read(".aws/credentials");
    home.write(
        ".aws/credentials",
        &keys.replace("[user]", &format!("[{long}]")),
    );
    let said = printed(&home, &[long]).says(&["This session of the console is without MFA"]);
    assert_eq!(said.stdout.lines().count(), 1);
    let asked = home.aws.requests("GetFederationToken");
    let name = asked[0].parameter("Name").unwrap();
    assert_eq!(name, "vault-a-profile-with-a-name-of-m");
}

#[test]
fn what_a_program_prints_is_federated_where_it_is_a_users_key() {
    let home = Home::new();
    let key = home.aws.add_user_key("444444444444", "jo");
    let document = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}",
        key.id, key.secret
    );
    home.exempt("key.json");
    let file = home.write("key.json", &document);
    home.add_config(&format!(
        "[profile printed]\ncredential_process = /bin/cat {}\nregion = eu-central-1\n",
        file.display()
    ));
    printed(&home, &["printed", "-d", "2h"]);
    let asked = home.aws.requests("GetFederationToken");
    assert_eq!(
        asked[0].parameter("DurationSeconds").as_deref(),
        Some("7200")
    );
}

#[test]
fn a_length_is_asked_for_where_it_may_be_chosen_and_said_to_be_none_where_not() {
    let home = with_key(
        Home::signed_in(),
        "[profile by-key]\nrole_arn = arn:aws:iam::333333333333:role/LongRun\n\
         source_profile = user\nregion = eu-central-1\n\
         [profile chained]\nrole_arn = arn:aws:iam::333333333333:role/LongRun\n\
         source_profile = dev\nregion = eu-central-1\nduration_seconds = 900\n",
    );
    for (profile, wish, asked) in [
        ("dev", "8h", Some("28800")),
        ("dev", "15m", Some("900")),
        ("by-key", "12h", Some("43200")),
        ("chained", "8h", None),
    ] {
        let said = printed(&home, &[profile, "-d", wish]);
        assert_eq!(length(&home).as_deref(), asked, "{profile}");
        let note = "`chained`'s session of the console lasts as long as its credentials, 1";
        let chosen = asked.is_some();
        assert_eq!(!said.stderr.contains(note), chosen, "{profile}: {said:?}");
        assert_eq!(said.stderr.is_empty(), chosen, "{profile}: {said:?}");
    }
    for wish in ["14m", "13h"] {
        let run = home.vault(&["console", "dev", "--print", "-d", wish]);
        run.output().expect_code(2).says(&[
            "error: a session of the console can't last ",
            "hint: AWS gives 15 minutes to 12 hours",
        ]);
    }
}

/// What is near its end would end the session with it.
#[test]
fn credentials_that_soon_end_are_renewed_first() {
    let home = Home::signed_in();
    let life = |minutes| std::time::Duration::from_mins(minutes);
    home.aws.configure(|b| b.role_credentials_life = life(12));
    home.environment_as("dev");
    home.aws.configure(|b| b.role_credentials_life = life(60));
    printed(&home, &["dev"]);
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn without_a_terminal_it_signs_in_on_the_way_as_it_was_asked_for_by_name() {
    let home = Home::consenting();
    let opened = home.vault(&["console", "dev"]).with_browser().output();
    opened
        .success()
        .says(&["Signing in to corp", "The console is open as dev."]);
    let urls = home.browser_urls();
    assert_eq!(urls.len(), 2);
    assert!(urls[0].contains("/authorize?"), "{urls:?}");
    // But what is printed is for a script, and --no-input is no.
    for arguments in [
        &["console", "dev", "--print"][..],
        &["console", "dev", "--print", "--no-input"],
    ] {
        home.vault(&["clear", "--sign-ins"]).output().success();
        let refused = home.vault(arguments).with_browser().output().expect_code(4);
        assert_eq!(refused.stdout, "");
        refused.says(&["hint: run `vault login corp`"]);
    }
    assert_eq!(home.browser_urls().len(), 2);
}

#[test]
fn the_option_and_the_template_choose_the_browser_for_the_profile() {
    let home = Home::signed_in();
    let browser = home.browser();
    home.exempt("bin/args");
    let script = format!(
        "#!/bin/sh\necho \"$1\" >'{}'\nexec '{}' \"$2\"\n",
        home.path("bin/args").display(),
        browser.display()
    );
    let named = home.write_script("bin/named", &script);
    let template = format!("{} --profile={{profile}} {{url}}", named.display());
    let run = home.vault(&["console", "prod", "--browser", &template]);
    run.env("BROWSER", "no-such-browser").output().success();
    assert_eq!(home.read("bin/args"), "--profile=prod\n");
    assert!(landed(&home).starts_with("signed in to "));
}

#[test]
fn over_ssh_the_terminal_shows_the_address_for_the_browser_that_is_elsewhere() {
    let home = Home::signed_in();
    let browser = home.browser().to_string_lossy().into_owned();
    let over_ssh = || {
        let run = home.vault(&["console", "prod"]).shows_secrets();
        run.env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    };
    let ended = over_ssh()
        .env("AWS_VAULT_BROWSER", &browser)
        .on_terminal()
        .wait();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.screen.contains("Open this in your own browser"),
        "{ended:?}"
    );
    let shown = ended.screen.replace(['\r', '\n'], "");
    assert!(shown.contains(&format!("{}/federation?Action=login&", home.aws.url())));
    assert!(home.browser_urls().is_empty(), "none was opened");
    // Who names a browser for this run has one here.
    let run = over_ssh().args(&["--browser", &browser]);
    let ended = run.on_terminal().wait();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(home.browser_urls().len(), 1);
}
