//! `vault login` by authorization code: the page that a browser is sent to, the listener that it comes
//! back to, and what is shown there. Where no browser can come back, a device code.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::support::fake_aws::{Fault, Visit};
use crate::support::home::Home;
use crate::support::run::{Output, Run, Running};
use crate::support::scenes::until;
use crate::support::tools;

const MISSING: &str = "no-such-browser";

/// A home whose person consents by coming to the page.
fn consent_by_visit() -> Home {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    home
}

/// The page that the browser ended on.
#[track_caller]
fn last_page(home: &Home) -> String {
    until("the browser has its page", || {
        home.read("browser/last").contains("</html>")
    });
    home.read("browser/last")
}

fn by_device_code(home: &Home) -> bool {
    home.aws.count("StartDeviceAuthorization") == 1
}

/// A sign-in that waits for its browser, and the address of its listener.
struct Listening<'h> {
    home: &'h Home,
    login: Running<'h>,
    /// `127.0.0.1:PORT`
    host: String,
    state: String,
}

impl<'h> Listening<'h> {
    #[track_caller]
    fn begin(home: &'h Home) -> Self {
        let browser = home.idle_browser();
        let login = home.vault(&["login", "--browser", &browser]).start();
        until("the browser is sent somewhere", || {
            home.read("browser/urls").ends_with('\n')
        });
        let url = home.browser_urls().pop().unwrap();
        let (_, query) = url.split_once("/authorize?").expect("the page");
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let found = pairs.find(|(key, _)| key == name);
            found.expect("a parameter").1.into_owned()
        };
        let redirect = value("redirect_uri");
        let host = redirect.strip_prefix("http://").unwrap();
        let host = host.strip_suffix("/oauth/callback").unwrap().to_owned();
        Self {
            home,
            login,
            host,
            state: value("state"),
        }
    }

    /// Sends a request, and reads the whole answer.
    #[track_caller]
    fn send(&self, method: &str, target: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).expect("the listener");
        let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[track_caller]
    fn get(&self, target: &str) -> String {
        self.send("GET", target, &self.host)
    }

    fn callback(&self, query: &str) -> String {
        format!("/oauth/callback?{query}")
    }

    /// The person allows it, and their browser comes back.
    fn allow(&self) {
        self.home
            .aws
            .configure(|behaviour| behaviour.visit = Visit::Allow);
        let curl = self.home.program(tools::need("curl", "curl"));
        let page = self.home.path("browser/last");
        let page = page.to_string_lossy().into_owned();
        let url = self.home.browser_urls().pop().unwrap();
        curl.args(&["-sL", "-o", &page, &url]).output().success();
    }
}

#[test]
fn a_browser_on_this_machine_brings_the_code() {
    let home = consent_by_visit();
    let output = home.vault(&["login"]).with_browser().output().success();
    let page = last_page(&home);
    for said in [
        "Signed in to corp",
        "https://corp.awsapps.com/start",
        "You can close this window",
        "prefers-color-scheme:dark",
    ] {
        assert!(page.contains(said), "no {said:?}: {page}");
    }
    let url = home.browser_urls().pop().unwrap();
    let output = output.says(&[
        &url,
        "`vault login corp --device-code`",
        "Signed in to corp",
    ]);
    assert_eq!(output.stdout, "");
    assert!(url.contains("&code_challenge_method=S256&"), "{url}");
    assert!(url.contains("&scopes=sso%3Aaccount%3Aaccess"), "{url}");
    let registration = home.aws.requests("RegisterClient")[0].json();
    assert_eq!(
        registration["grantTypes"],
        serde_json::json!(["authorization_code", "refresh_token"])
    );
    // Without a port, as another one is free each time.
    assert_eq!(
        registration["redirectUris"],
        serde_json::json!(["http://127.0.0.1/oauth/callback"])
    );
    assert_eq!(registration["issuerUrl"], "https://corp.awsapps.com/start");
    let grant = home.aws.requests("CreateToken")[0].json();
    assert_eq!(grant["grantType"], "authorization_code");
    // Neither the code nor the state is on the page.
    for secret in [grant["code"].as_str().unwrap(), &state_in(&url)] {
        assert!(!page.contains(secret), "{page}");
    }
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 0);
    home.exec("dev", &["true"]).output().success();
}

fn state_in(url: &str) -> String {
    let (_, rest) = url.split_once("&state=").expect("a state");
    rest.split('&').next().unwrap().to_owned()
}

#[test]
fn each_sign_in_has_a_state_a_challenge_and_a_verifier_of_its_own() {
    let home = consent_by_visit();
    for _ in 0..2 {
        let login = home.vault(&["login", "--force"]).with_browser();
        login.output().success();
    }
    let urls = home.browser_urls();
    assert_ne!(state_in(&urls[0]), state_in(&urls[1]));
    let grants = home.aws.requests("CreateToken");
    let mut verifiers: Vec<_> = grants
        .iter()
        .map(|g| g.json()["codeVerifier"].clone())
        .collect();
    verifiers.dedup();
    assert_eq!(verifiers.len(), 2, "{verifiers:?}");
    assert_eq!(home.aws.count("RegisterClient"), 1, "it is used again");
}

#[test]
fn who_refuses_is_told_so_in_the_browser_and_in_the_terminal() {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Deny);
    let output = home.vault(&["login"]).with_browser().output();
    output.expect_code(1).says(&[
        "error: the request was refused in the browser",
        "hint: run it again",
    ]);
    let page = last_page(&home);
    assert!(page.contains("Not signed in to corp"), "{page}");
    assert!(page.contains("was refused"), "{page}");
    assert_eq!(home.aws.count("CreateToken"), 0);
    home.exec("dev", &["true"]).output().expect_code(125);
}

#[test]
fn a_page_says_that_it_worked_only_where_it_did() {
    let faults = [
        (
            Fault::Json(
                400,
                r#"{"error": "invalid_grant", "error_description": "<b>no</b>"}"#.into(),
            ),
            "the code that the browser brought is not accepted",
            "hint: run it again",
        ),
        (
            Fault::CaptivePage,
            "with a web page",
            "hint: a captive portal",
        ),
        (Fault::Garbage, "makes no sense", ""),
    ];
    for (fault, said, hint) in faults {
        let home = consent_by_visit();
        home.aws.fault("CreateToken", fault, 1);
        let output = home.vault(&["login"]).with_browser().output();
        output.expect_code(1).says(&["error: ", said, hint]);
        let page = last_page(&home);
        assert!(page.contains("Not signed in to corp"), "{page}");
        assert!(page.contains(said) && !page.contains("<b>"), "{page}");
        home.exec("dev", &["true"]).output().expect_code(125);
    }
}

/// Requests that are not the one: method, target, host, and the status that answers them.
fn wrong_hits<'h>(host: &'h str, state: &str) -> Vec<(&'h str, String, &'h str, &'h str)> {
    let callback = |query: &str| format!("/oauth/callback?{query}");
    let right = callback(&format!("code=stolen&state={state}"));
    vec![
        ("GET", "/favicon.ico".to_owned(), host, "404"),
        ("GET", "/".to_owned(), host, "404"),
        (
            "GET",
            format!("/oauth/callback/?state={state}"),
            host,
            "404",
        ),
        ("GET", callback("code=x&state=wrong"), host, "403"),
        (
            "GET",
            callback("error=access_denied&state=wrong"),
            host,
            "403",
        ),
        ("GET", callback("code=x"), host, "400"),
        ("GET", callback(&format!("state={state}")), host, "400"),
        (
            "GET",
            callback(&format!("code=&state={state}")),
            host,
            "400",
        ),
        (
            "GET",
            callback(&format!("code=x&code=y&state={state}")),
            host,
            "400",
        ),
        (
            "GET",
            callback(&format!("code=x&error=y&state={state}")),
            host,
            "400",
        ),
        (
            "GET",
            callback(&format!("code=x&state={state}&state=z")),
            host,
            "400",
        ),
        ("POST", right.clone(), host, "405"),
        ("HEAD", right.clone(), host, "405"),
        ("GET", right.clone(), "evil.example:80", "403"),
        ("GET", right.clone(), "localhost", "403"),
    ]
}

#[test]
fn a_hit_that_is_not_the_one_changes_nothing() {
    let home = Home::new();
    let listening = Listening::begin(&home);
    let (host, state) = (listening.host.clone(), listening.state.clone());
    for (method, target, host, status) in wrong_hits(&host, &state) {
        let answer = listening.send(method, &target, host);
        let begins = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&begins), "{method} {target}: {answer}");
        assert!(!answer.contains(&state), "{answer}");
    }
    // A browser that only looks ahead comes again.
    let ahead = format!("{host}\r\nSec-Purpose: prefetch;prerender");
    let right = listening.callback(&format!("code=x&state={state}"));
    let answer = listening.send("GET", &right, &ahead);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let mut garbage = TcpStream::connect(&host).unwrap();
    garbage.write_all(b"\x16\x03\x01 no HTTP\r\n\r\n").unwrap();
    garbage.shutdown(Shutdown::Write).unwrap();
    // Some that never end their request don't stand in the way of the one who does.
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let mut slow = TcpStream::connect(&host).unwrap();
            slow.write_all(b"GET /oauth/callback?code=").unwrap();
            slow
        })
        .collect();
    assert_eq!(home.aws.count("CreateToken"), 0);
    listening.allow();
    drop(slow);
    let page = last_page(&home);
    assert!(page.contains("Signed in to corp"), "{page}");
    listening.login.wait().success();
}

#[test]
fn a_crowd_at_the_listener_does_not_shut_the_browser_out() {
    let home = Home::new();
    let listening = Listening::begin(&home);
    // More than are served at a time; none of them says what it wants.
    let crowd: Vec<_> = (0..80)
        .map(|_| TcpStream::connect(&listening.host).unwrap())
        .collect();
    listening.allow();
    drop(crowd);
    let page = last_page(&home);
    assert!(page.contains("Signed in to corp"), "{page}");
    listening.login.wait().success();
}

#[test]
fn a_registration_that_the_server_forgot_is_replaced_where_no_browser_comes_back() {
    let home = consent_by_visit();
    home.vault(&["login"]).with_browser().output().success();
    home.aws.forget_registrations();
    let again = home.vault(&["login", "--force"]).with_browser();
    again.output().success().says(&["Signed in to corp"]);
    assert_eq!(home.aws.count("RegisterClient"), 2);
    assert_eq!(home.browser_urls().len(), 3);
    assert!(last_page(&home).contains("Signed in to corp"));
}

#[test]
fn nobody_is_sent_to_the_page_of_a_registration_that_a_renewal_found_forgotten() {
    let home = consent_by_visit();
    home.tokens_live(120);
    home.vault(&["login"]).with_browser().output().success();
    home.aws.forget_registrations();
    // The token is still good, and its renewal is refused.
    home.vault(&["login"]).output().success();
    let again = home.vault(&["login", "--force"]).with_browser();
    again.output().success();
    assert_eq!(home.aws.count("RegisterClient"), 2);
    assert_eq!(home.browser_urls().len(), 2);
}

/// After a while without a browser the server is asked whether it knows the registration. Only its no
/// counts.
#[test]
fn a_sign_in_goes_on_whatever_else_is_said_of_its_registration() {
    let faults = [
        Fault::Status(500),
        Fault::Hang,
        Fault::CaptivePage,
        Fault::Json(400, r#"{"error": "unauthorized_client"}"#.into()),
        Fault::Json(401, "{}".into()),
    ];
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let home = consent_by_visit();
                home.vault(&["login"]).with_browser().output().success();
                home.vault(&["logout"]).output().success();
                fs::remove_file(home.path("browser/urls")).unwrap();
                home.aws.fault("CreateToken", fault, 1);
                let listening = Listening::begin(&home);
                until("the server is asked", || home.aws.count("CreateToken") == 2);
                listening.allow();
                listening.login.wait().success();
                assert_eq!(home.aws.count("RegisterClient"), 1);
                assert_eq!(home.aws.count("CreateToken"), 3);
                assert_eq!(home.browser_urls().len(), 1);
            });
        }
    });
}

#[test]
fn under_wsl_the_browser_is_windowss() {
    let home = consent_by_visit();
    let browser = home.browser();
    let opener = format!("#!/bin/sh\nexec '{}' \"$1\"\n", browser.display());
    let wsl = |home: &Home| {
        let run = home.vault(&["login", "--force"]);
        run.env("WSL_DISTRO_NAME", "Debian").output().success()
    };
    // Neither Windows's programs nor a screen: a code. The text browsers of Linux are no browser.
    let blind = Home::consenting();
    let output = wsl(&blind).says(&["/device?user_code="]);
    assert!(!output.stderr.contains("warning"), "{output:#?}");
    home.write_script("bin/xdg-open", "#!/bin/sh\nexit 1\n");
    let rundll = "#!/bin/sh\n[ \"$1\" = url.dll,FileProtocolHandler ] && exec wslview \"$2\"\n";
    home.write_script("bin/rundll32.exe", rundll);
    home.write_script("bin/wslview", &opener);
    // Where the tests run in a container, a browser of the system's is taken to be its host's.
    let marks = ["/.dockerenv", "/run/.containerenv"];
    let contained = marks.iter().any(|mark| Path::new(mark).exists());
    let page = ["/authorize?", "/device?user_code="][usize::from(contained)];
    wsl(&home).says(&[page]);
    assert_eq!(home.browser_urls().len(), 1);
    fs::rename(home.path("bin/wslview"), home.path("bin/other")).unwrap();
    home.write_script("bin/rundll32.exe", &rundll.replace("wslview", "other"));
    wsl(&home).says(&[page]);
    assert_eq!(home.browser_urls().len(), 2);
}

#[test]
fn the_second_to_bring_an_answer_is_told_that_there_is_one() {
    let home = Home::new();
    let listening = Listening::begin(&home);
    home.aws
        .fault("CreateToken", Fault::Slow(Duration::from_secs(3)), 1);
    std::thread::scope(|scope| {
        scope.spawn(|| listening.allow());
        until("the code is exchanged", || {
            home.aws.count("CreateToken") == 1
        });
        let state = &listening.state;
        let again = listening.get(&listening.callback(&format!("code=other&state={state}")));
        assert!(again.starts_with("HTTP/1.1 409 "), "{again}");
    });
    listening.login.wait().success();
    assert_eq!(home.aws.count("CreateToken"), 1);
}

#[test]
fn a_servers_reason_is_shown_and_is_never_markup() {
    let home = Home::new();
    let listening = Listening::begin(&home);
    let words = "%3Cscript%3Ealert(1)%3C/script%3E%1B%5B2J";
    let state = &listening.state;
    let query = format!("error=server_error&error_description={words}&state={state}");
    let answer = listening.get(&listening.callback(&query));
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    let head = head.to_ascii_lowercase();
    for header in [
        "content-security-policy: default-src 'none'",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(head.contains(header), "no {header}: {head}");
    }
    let output = listening.login.wait().expect_code(1);
    assert!(!output.stderr.contains('\x1b'), "{output:#?}");
    output.says(&["Authorize failed: server_error: <script>alert(1)</script>"]);
    assert_eq!(home.aws.count("CreateToken"), 0);
}

#[test]
fn where_no_browser_can_come_back_a_code_is_shown() {
    let arguments: [&[&str]; 3] = [&["--device-code"], &["--no-browser"], &["--qr"]];
    for more in arguments {
        let home = Home::consenting();
        let mut run = home.vault(&["login"]).args(more);
        if more != ["--no-browser"] {
            run = run.with_browser();
        }
        run.output().success().says(&["/device?user_code="]);
        assert!(by_device_code(&home), "{more:?}");
    }
    let circumstances = [
        ("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22"),
        ("SSH_TTY", "/dev/pts/3"),
        ("container", "podman"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("AWS_VAULT_LOGIN_FLOW", "device-code"),
    ];
    for (name, value) in circumstances {
        let home = Home::consenting();
        let run = home.vault(&["login"]).with_browser().env(name, value);
        run.output().success().says(&["/device?user_code="]);
        assert!(by_device_code(&home), "{name}");
        // The address was opened all the same: there may be a browser here.
        assert_eq!(home.browser_urls().len(), 1, "{name}");
    }
    // No browser, and no screen for one.
    let home = Home::consenting();
    home.vault(&["login"]).output().success();
    assert!(by_device_code(&home));
}

#[test]
fn the_flow_is_the_flags_else_the_variables_else_the_settings() {
    let setting = "[login]\nflow = \"device-code\"\n";
    let home = consent_by_visit();
    home.write(".config/vault/config.toml", setting);
    let login = |home: &Home, more: &[&str], variable: Option<&str>| {
        let run = home.vault(&["login", "--force"]).args(more).with_browser();
        let run = match variable {
            Some(flow) => run.env("AWS_VAULT_LOGIN_FLOW", flow),
            None => run,
        };
        run.output().success();
        (
            home.aws.count("StartDeviceAuthorization"),
            home.aws.count("Authorize"),
        )
    };
    assert_eq!(login(&home, &[], None), (1, 0));
    assert_eq!(login(&home, &[], Some("authorization-code")), (1, 1));
    assert_eq!(login(&home, &[], Some("auto")), (1, 2));
    let flag = &["--device-code"];
    assert_eq!(login(&home, flag, Some("authorization-code")), (2, 2));
}

#[test]
fn the_authorization_code_is_taken_over_ssh_where_it_was_asked_for() {
    let home = consent_by_visit();
    let run = home.vault(&["login"]).with_browser();
    let run = run.env("AWS_VAULT_LOGIN_FLOW", "authorization-code");
    run.env("SSH_CONNECTION", "x").output().success();
    assert_eq!(home.aws.count("Authorize"), 1);
}

#[test]
fn a_flow_that_there_is_not_is_an_error_that_names_those_there_are() {
    let home = Home::consenting();
    let run = home.vault(&["login"]).env("AWS_VAULT_LOGIN_FLOW", "magic");
    run.output().expect_code(1).says(&[
        "error: AWS_VAULT_LOGIN_FLOW: `magic` is no way to sign in",
        "`auto`, `authorization-code` or `device-code`",
    ]);
    let setting = "[login]\nflow = \"magic\"\n";
    home.write(".config/vault/config.toml", setting);
    let output = home.vault(&["login"]).output().expect_code(1);
    output.says(&["config.toml`: line 2: ", "magic", "`authorization-code`"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_browser_that_does_not_start_leaves_the_device_code() {
    let home = Home::consenting();
    let output = home.vault(&["login", "--browser", MISSING]).output();
    output.success().says(&[
        "warning: no browser was opened: `no-such-browser` does not start: there is no such command",
        "/device?user_code=",
    ]);
    assert!(by_device_code(&home));
}

#[test]
fn who_insists_on_the_authorization_code_may_open_the_page_by_hand() {
    let home = Home::new();
    for arguments in [&["--browser", MISSING][..], &["--no-browser"]] {
        let run = home.vault(&["login", "--force"]).args(arguments);
        let mut terminal = run
            .env("AWS_VAULT_LOGIN_FLOW", "authorization-code")
            .on_terminal();
        terminal.expect("Open this in a browser on this machine");
        terminal.expect("`vault login corp --device-code`");
        let screen = terminal.screen();
        let url = screen
            .split_whitespace()
            .find(|w| w.contains("/authorize?"));
        home.aws
            .configure(|behaviour| behaviour.visit = Visit::Allow);
        let curl = home.program(tools::need("curl", "curl"));
        let shown = curl.args(&["-sL", url.unwrap()]).output().success();
        assert!(shown.stdout.contains("Signed in to corp"), "{shown:?}");
        assert_eq!(terminal.wait().code, 0);
    }
}

#[test]
fn both_flows_tokens_are_renewed_each_with_its_own_registration() {
    let home = consent_by_visit();
    home.aws
        .configure(|behaviour| behaviour.access_token_life = Some(Duration::from_secs(120)));
    for (arguments, registrations) in [
        (&["login", "--force"][..], 1),
        (&["login", "--force", "--device-code"], 2),
        (&["login", "--force"], 2),
    ] {
        home.vault(arguments).with_browser().output().success();
        assert_eq!(home.aws.count("RegisterClient"), registrations);
        home.vault(&["login", "--no-input"])
            .output()
            .success()
            .says(&["Already signed in to corp"]);
        let renewed = home.aws.requests("CreateToken").pop().unwrap();
        assert_eq!(renewed.json()["grantType"], "refresh_token");
        assert_eq!(renewed.status, 200);
    }
}

#[test]
fn ctrl_c_leaves_at_once_closes_the_listener_and_leaves_nothing_half_done() {
    let home = Home::new();
    let browser = home.idle_browser();
    for arguments in [&["login"][..], &["exec", "dev", "--", "true"]] {
        let run = home.vault(arguments).env("AWS_VAULT_BROWSER", &browser);
        let mut terminal = run.on_terminal();
        terminal.expect("/authorize?");
        // The time that is left, at the bottom of the screen.
        terminal.expect("Waiting for the browser (9:");
        terminal.interrupt();
        let ended = terminal.wait();
        assert_eq!(ended.code, 130, "{ended:?}");
        assert!(!ended.screen.contains("error"), "{}", ended.screen);
        let url = home.browser_urls().pop().unwrap();
        let (_, port) = url.split_once("127.0.0.1%3A").unwrap();
        let port = port.split('%').next().unwrap().parse::<u16>().unwrap();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    }
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    let run = home.exec("dev", &["echo", "it ran"]).with_browser();
    let mut terminal = run.on_terminal();
    terminal.expect("it ran");
    assert_eq!(terminal.wait().code, 0);
}

/// The terminal shows it where the cursor is. Had the line its whole width, that would be on the next one.
#[test]
fn the_line_leaves_room_for_the_terminal_to_show_ctrl_c() {
    let home = Home::new();
    let run = home.vault(&["login"]).env("AWS_VAULT_BROWSER", "true");
    let mut terminal = run.on_terminal();
    for _ in 0..2 {
        terminal.expect("Waiting for the browser (9:");
    }
    let screen = String::from_utf8(terminal.raw_screen()).unwrap();
    let mut painted = screen.split("\r\x1b[2K").map(|text| text.lines().last());
    let line = painted.find_map(|line| line.filter(|line| line.contains("(9:")));
    let columns = line.unwrap().chars().count();
    assert!(columns + "^C".len() < 120, "{line:?}");
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
}

/// The line is painted for a person on a terminal, and for nobody else.
#[test]
fn nothing_is_painted_where_it_would_stay() {
    let home = consent_by_visit();
    let painted = |run: Run<'_>| {
        let ended = run.with_browser().on_terminal().wait();
        assert_eq!(ended.code, 0, "{}", ended.screen);
        assert!(ended.screen.contains("/authorize?"), "{}", ended.screen);
        ended.screen.contains(" left)")
    };
    let login = || home.vault(&["login", "--force"]);
    home.aws
        .fault("CreateToken", Fault::Slow(Duration::from_secs(1)), 1);
    assert!(painted(login()));
    assert!(!painted(login().args(&["-q"])));
    assert!(!painted(login().args(&["-v"])));
    assert!(!painted(login().env("NO_COLOR", "1")));
    assert!(!painted(login().env("TERM", "dumb")));
    let output: Output = login().with_browser().output().success();
    assert!(!output.stderr.contains(" left)"), "{output:#?}");
}

#[test]
fn a_qr_code_of_the_address_is_drawn_on_request() {
    let home = Home::consenting();
    let output = home.vault(&["login", "--qr"]).output().success();
    let drawn: Vec<_> = output
        .stderr
        .lines()
        .filter(|line| line.contains(['█', '▀']))
        .map(|line| line.chars().collect::<Vec<_>>())
        .collect();
    // Two rows of modules a line, as wide as high, and a light margin of four around it.
    let width = drawn[0].len();
    assert!(drawn.iter().all(|line| line.len() == width), "{output:#?}");
    assert_eq!(drawn.len(), width.div_ceil(2), "{output:#?}");
    assert!(drawn[0].iter().all(|&module| module == '█'), "{output:#?}");
    // The finder's upper edge, dark on light: seven modules of the upper left corner.
    let edge: String = drawn[2][3..12].iter().collect();
    assert_eq!(edge, "█ ▄▄▄▄▄ █", "{output:#?}");
    let plain = home.vault(&["login", "--force"]).output().success();
    assert!(!plain.stderr.contains('█'));
}

/// What a telephone makes of a code in a terminal.
fn scanned(lines: &[Vec<char>]) -> String {
    // Pixels of each module, so that the decoder sees an image and not a drawing of one.
    const SCALE: usize = 4;
    let light = |x: usize, y: usize| {
        let both = lines[y / 2][x];
        both == '█' || both == if y.is_multiple_of(2) { '▀' } else { '▄' }
    };
    let (width, height) = (lines[0].len(), lines.len() * 2);
    let pixel = |x: usize, y: usize| if light(x / SCALE, y / SCALE) { 255 } else { 0 };
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, pixel);
    let found = image.detect_grids();
    assert_eq!(found.len(), 1, "one code");
    found[0].decode().expect("a code that can be read").1
}

#[test]
fn a_qr_code_is_read_as_the_address() {
    let home = Home::consenting();
    let output = home.vault(&["login", "--qr"]).output().success();
    let lines = output.stderr.lines();
    let address = lines.clone().map(str::trim);
    let mut address = address.filter(|line| line.contains("/device?user_code="));
    let drawn = lines.filter(|line| line.contains(['█', '▀']));
    let drawn: Vec<Vec<char>> = drawn.map(|line| line.chars().collect()).collect();
    assert_eq!(Some(scanned(&drawn).as_str()), address.next());
}

#[test]
fn a_terminal_that_is_too_narrow_for_a_qr_code_is_told() {
    let home = Home::consenting();
    let script = "stty cols 30 && exec \"$vault\" login --qr";
    let shell = home.program("/bin/sh").args(&["-c", script]);
    let run = shell.env("vault", env!("CARGO_BIN_EXE_vault"));
    let ended = run.on_terminal().wait();
    assert_eq!(ended.code, 0, "{}", ended.screen);
    assert!(
        ended.screen.contains("the terminal has 30"),
        "{}",
        ended.screen
    );
}

/// Chromium, without a window, goes all the way: to the page of the sign-in, and to vault's.
#[test]
fn a_real_browser_ends_on_a_page_that_says_how_it_ended() {
    let chromium = tools::need("chromium", "chromium");
    let table = [
        (Visit::Allow, 0, "<h1>Signed in to corp</h1>"),
        (Visit::Deny, 1, "<h1>Not signed in to corp</h1>"),
    ];
    for (visit, code, said) in table {
        let home = Home::new();
        home.aws.configure(|behaviour| behaviour.visit = visit);
        // Its history and its cache hold what it was shown.
        home.exempt("browser");
        let folder = home.path("browser");
        let script = format!(
            "#!/bin/sh\nmkdir -p '{folder}'\nexec '{chromium}' --headless --no-sandbox --disable-gpu \
             --user-data-dir='{folder}/profile' --dump-dom \"$1\" >'{folder}/last' 2>/dev/null\n",
            folder = folder.display(),
            chromium = chromium.display()
        );
        let browser = home.write_script("bin/chromium-browser", &script);
        let browser = browser.to_string_lossy().into_owned();
        let run = home.vault(&["login", "--browser", &browser]);
        let run = run.time_limit(Duration::from_secs(90));
        run.output().expect_code(code);
        let page = last_page(&home);
        assert!(page.contains(said), "{page}");
        assert!(page.contains("You can close this window"), "{page}");
    }
}
