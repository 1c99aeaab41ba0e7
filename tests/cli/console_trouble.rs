//! `vault console` where something is wrong: the command line, the browser, who comes to the listener,
//! the federation endpoint.

use std::time::Duration;

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::run::Running;
use crate::support::scenes::until;
use crate::support::tools;

/// More often than anything is tried.
const FOR_EVER: usize = 1000;

/// A console that waits for its browser, and its address.
fn waiting(home: &Home) -> (Running<'_>, String) {
    let browser = home.idle_browser();
    let console = home
        .vault(&["console", "prod", "--browser", &browser])
        .start();
    until("the browser is sent somewhere", || {
        home.read("browser/urls").ends_with('\n')
    });
    (console, home.browser_urls().pop().unwrap())
}

/// The status of an answer, with curl's options; where it was sent on to, the page there is not fetched.
fn status(home: &Home, arguments: &[&str]) -> String {
    let curl = home.program(tools::need("curl", "curl"));
    let curl = curl.args(&["-s", "-o", "/dev/null", "-w", "%{http_code}"]);
    curl.args(arguments).output().success().stdout
}

#[test]
fn the_address_is_good_once_and_whatever_else_comes_changes_nothing() {
    let home = Home::signed_in();
    let (mut console, url) = waiting(&home);
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    for (arguments, expected) in [
        (vec![format!("http://{host}/")], "404"),
        (
            vec![format!("http://{host}/{}", "A".repeat(path.len()))],
            "404",
        ),
        (vec!["-X".to_owned(), "POST".to_owned(), url.clone()], "405"),
        (
            vec![
                "-H".to_owned(),
                "Host: evil.example".to_owned(),
                url.clone(),
            ],
            "403",
        ),
        (
            vec!["-H".to_owned(), "Host: localhost".to_owned(), url.clone()],
            "403",
        ),
        (
            vec!["-H".to_owned(), "Purpose: prefetch".to_owned(), url.clone()],
            "503",
        ),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        assert_eq!(status(&home, &arguments), expected, "{arguments:?}");
    }
    // A client that says nothing holds nobody up.
    let _idle = std::net::TcpStream::connect(host).unwrap();
    assert!(console.is_running());
    let curl = home.program(tools::need("curl", "curl"));
    let answer = curl.args(&["-si", &url]).shows_secrets().output().success();
    let answer = answer.stdout.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 303 "), "{answer}");
    for header in [
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        &format!("location: {}/federation?action=login&", home.aws.url()),
    ] {
        assert!(answer.contains(header), "no {header}: {answer}");
    }
    console
        .wait()
        .success()
        .says(&["The console is open as prod."]);
    let curl = home.program(tools::need("curl", "curl"));
    curl.args(&["-s", &url]).output().expect_code(7);
}

#[test]
fn of_many_who_come_at_once_one_is_sent_on() {
    let home = Home::signed_in();
    let (console, url) = waiting(&home);
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let one = || {
            let curl = home.program(tools::need("curl", "curl"));
            let curl = curl.args(&["-s", "-o", "/dev/null", "-w", "%{http_code}", &url]);
            curl.output().stdout
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let sent_on = statuses.iter().filter(|status| *status == "303").count();
    assert_eq!(sent_on, 1, "{statuses:?}");
    console.wait().success();
}

#[test]
fn a_browser_that_does_not_start_is_a_line_and_the_address_is_there() {
    let home = Home::signed_in();
    let console = home.vault(&["console", "prod"]);
    let console = console.env("AWS_VAULT_BROWSER", "no-such-browser");
    let mut terminal = console.on_terminal();
    terminal.expect("warning: no browser was opened: `no-such-browser` does not start: there is no such command");
    terminal.expect("The console as prod. Open this in a browser on this machine, within 14 min:");
    terminal.expect("http://127.0.0.1:");
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 130, "{ended:?}");
    assert!(!ended.screen.contains("error"), "{ended:?}");
}

#[test]
fn no_input_opens_nothing_and_says_how_to_get_the_address() {
    let home = Home::signed_in();
    let before = home.aws.total();
    let run = home
        .vault(&["console", "prod", "--no-input"])
        .with_browser();
    run.output().expect_code(1).says(&[
        "error: the console opens in a browser, and --no-input opens nothing",
        "hint: `vault console --print` prints its address instead",
    ]);
    assert!(home.browser_urls().is_empty());
    assert_eq!(home.aws.total(), before);
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_before_anything_is_fetched() {
    let home = Home::new();
    let table: [(&[&str], i32, &[&str]); 8] = [
        (
            &["prod", "-s", "cloudfromation"],
            2,
            &["did you mean `cloudformation`", "`--path`"],
        ),
        (&["prod", "-s", "qqqqqq"], 2, &["`--path` opens any page"]),
        (
            &["prod", "-s", "s3", "--path", "x"],
            2,
            &["cannot be used with"],
        ),
        (
            &["prod", "--print", "--browser", "x"],
            2,
            &["cannot be used with"],
        ),
        (
            &["prod", "--path", "https://evil.example/"],
            2,
            &[
                "error: `https://evil.example/` is not in the console at console.aws.amazon.com",
                "hint: a path is what follows the host",
            ],
        ),
        (
            &["prod", "--path", "a b"],
            2,
            &["error: a path has no white space", "hint: write a space"],
        ),
        (
            &["prdo"],
            1,
            &[
                "error: there is no profile `prdo`",
                "hint: did you mean `prod`?",
            ],
        ),
        (&[], 2, &["error: no profile is named"]),
    ];
    for (arguments, code, said) in table {
        let run = home.vault(&["console"]).args(arguments);
        run.output().expect_code(code).says(said);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn credentials_that_the_console_does_not_take_are_told_from_a_length_that_it_does_not() {
    let home = Home::signed_in();
    // A session of an IAM user, which nobody can see from outside.
    let user = home.aws.add_user_key("444444444444", "jo");
    home.write(
        ".aws/credentials",
        &format!(
            "[user]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            user.id, user.secret
        ),
    );
    home.add_config("[profile user]\nregion = eu-central-1\n");
    let vault = env!("CARGO_BIN_EXE_vault");
    home.add_config(&format!(
        "[profile session]\ncredential_process = {vault} export user\nregion = eu-central-1\n"
    ));
    home.vault(&["console", "session", "--print"])
        .output()
        .expect_code(1)
        .says(&[
            "error: the console gives no sign-in for these credentials\n  caused by: \
             getSigninToken failed: HTTP 400",
            "hint: try with `--fresh`; only a role's credentials and an IAM user's key open",
        ]);
    home.add_config(
        "[profile short]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = user\nregion = eu-central-1\n",
    );
    home.vault(&["console", "short", "--print", "-d", "2h"])
        .output()
        .expect_code(1)
        .says(&[
            "HTTP 400",
            "hint: try without `--duration`: the role may not allow",
        ]);
}

#[test]
fn a_key_that_may_not_be_federated_is_said_to_be_that() {
    let home = Home::new();
    home.write(
        ".aws/credentials",
        "[user]\naws_access_key_id = AKIANOBODY\naws_secret_access_key = own-secret\n",
    );
    home.add_config("[profile user]\nregion = eu-central-1\n");
    home.vault(&["console", "user", "--print"])
        .output()
        .expect_code(1)
        .says(&[
            "error: cannot get a session for the console with the key of profile `user`",
            "caused by: the server refuses access (The security token included",
            "hint: check that the key is active, and that its user may call `sts:GetFederationToken`",
        ]);
}

#[test]
fn a_federation_endpoint_in_trouble_is_named_and_nothing_is_opened() {
    let table: [(Fault, &[&str]); 7] = [
        (
            Fault::CaptivePage,
            &["with a web page (HTTP 200)", "hint: a captive portal"],
        ),
        (
            Fault::CaptiveRedirect,
            &["with a web page (HTTP 302)", "hint: a captive portal"],
        ),
        (Fault::Garbage, &["makes no sense: it has no SigninToken"]),
        (Fault::Empty, &["makes no sense: it has no SigninToken"]),
        (
            Fault::Json(200, "{\"SigninToken\": \"\"}".to_owned()),
            &["it has no SigninToken"],
        ),
        (
            Fault::Status(503),
            &[
                "cannot answer getSigninToken (HTTP 503)",
                "hint: wait a minute",
            ],
        ),
        (
            Fault::Close,
            &["cannot reach 127.0.0.1:", "hint: check the network"],
        ),
    ];
    for (fault, said) in table {
        let home = Home::signed_in();
        home.aws.fault("GetSigninToken", fault, FOR_EVER);
        let run = home.vault(&["console", "prod"]).with_browser();
        let failed = run.output().expect_code(1);
        let failed = failed.says(&["error: the console gives no sign-in for these credentials"]);
        failed.says(said);
        assert!(home.browser_urls().is_empty());
        assert_eq!(home.aws.count("CaptivePage"), 0, "a redirect was followed");
    }
}

#[test]
fn a_token_is_taken_for_one_whatever_the_endpoint_calls_it() {
    let home = Home::signed_in();
    let body = "\r\n{\"SigninToken\": \"a+token/\"}\n".to_owned();
    home.aws
        .fault("GetSigninToken", Fault::JsonAsPage(200, body), 1);
    let run = home.vault(&["console", "prod", "--print"]);
    let url = run.output().success().stdout;
    assert!(url.ends_with("&SigninToken=a%2Btoken%2F\n"), "{url}");
}

#[test]
fn trouble_that_passes_is_not_seen() {
    for fault in [Fault::Status(503), Fault::Status(429)] {
        let home = Home::signed_in();
        home.aws.fault("GetSigninToken", fault, 2);
        let run = home.vault(&["console", "prod", "--print"]).shows_secrets();
        assert_eq!(run.output().success().stderr, "");
        assert_eq!(home.aws.count("GetSigninToken"), 3);
    }
}

#[test]
fn an_endpoint_that_is_not_there_or_never_answers_is_named() {
    let home = Home::signed_in();
    let run = home.vault(&["console", "prod", "--print"]);
    let run = run.env("AWS_ENDPOINT_URL_SIGNIN", "http://127.0.0.1:9");
    run.output().expect_code(1).says(&[
        "caused by: cannot reach 127.0.0.1:9 for getSigninToken: ",
        "hint: check the network",
    ]);
    let run = home.vault(&["console", "prod", "--print"]);
    let run = run.env("AWS_ENDPOINT_URL_SIGNIN", "file:///etc/passwd");
    run.output()
        .expect_code(1)
        .says(&["AWS_ENDPOINT_URL_SIGNIN: `file:///etc/passwd` is not an http or https URL"]);
    home.aws.fault("GetSigninToken", Fault::Hang, 1);
    let hung = home.vault(&["console", "prod", "--print"]).output();
    assert!(hung.took < Duration::from_secs(20), "{hung:?}");
    hung.expect_code(1)
        .says(&["did not answer getSigninToken in time"]);
}
