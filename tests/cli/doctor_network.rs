//! What `vault doctor` says of the way to AWS: servers that are there, gone, silent or not AWS's,
//! proxies, certificates, and the clock. And of the browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::tools;

const SIGN_IN: &str = "AWS_ENDPOINT_URL_SSO_OIDC";

/// A doctor whose sign-in goes to another server.
fn doctor<'h>(home: &'h Home, url: &str) -> Run<'h> {
    home.doctor().env(SIGN_IN, url)
}

#[test]
fn a_server_that_answers_is_reached_and_its_clock_is_right() {
    let home = Home::new();
    let host = home.aws.url().trim_start_matches("http://");
    let output = home.doctor().output().success();
    output.finds(&[&format!("{host} answers"), "clock\n  ok     it is "]);
}

#[test]
fn a_clock_that_is_wrong_is_found() {
    for (ahead, way) in [(720, "behind"), (-720, "ahead of")] {
        let home = Home::new();
        home.aws
            .configure(|behaviour| behaviour.clock_ahead = ahead);
        let output = home.doctor().output().expect_code(1);
        let text = format!("min {way} that of ");
        output.finds(&[&text, "AWS refuses what is signed", "hint: set it"]);
    }
    let home = Home::new();
    home.aws.configure(|behaviour| behaviour.clock_ahead = 150);
    home.doctor()
        .output()
        .success()
        .finds(&["note", "2 min behind that of "]);
}

#[test]
fn without_an_answer_the_clock_is_not_compared() {
    let home = Home::new();
    let mut run = home.doctor();
    for service in ["SSO", "SSO_OIDC", "STS"] {
        run = run.env(&format!("AWS_ENDPOINT_URL_{service}"), "http://127.0.0.1:9");
    }
    let output = run.output().expect_code(1);
    output.finds(&[
        "not compared",
        "127.0.0.1:9 refuses the connection",
        "hint: check",
    ]);
}

#[test]
fn a_name_that_leads_nowhere_is_said() {
    let home = Home::new();
    let output = doctor(&home, "https://sign-in.invalid")
        .output()
        .expect_code(1);
    output.finds(&["the name sign-in.invalid leads nowhere", "for `dev`"]);
}

#[test]
fn a_silent_server_costs_seconds() {
    let home = Home::new();
    home.aws.fault("*", Fault::Hang, 100);
    let output = home.doctor().output().expect_code(1);
    assert!(output.took < Duration::from_secs(15), "{output:?}");
    output.finds(&["does not answer", "hint: "]);
}

#[test]
fn a_web_page_is_not_taken_for_aws() {
    for fault in [Fault::CaptivePage, Fault::CaptiveRedirect] {
        let home = Home::new();
        home.aws.fault("*", fault, 100);
        let output = home.doctor().output().expect_code(1);
        output.finds(&["answers with a web page", "captive portal", "not compared"]);
    }
}

#[test]
fn tokens_in_the_clear_to_another_machine_are_found() {
    let home = Home::new();
    let output = doctor(&home, "http://192.0.2.1:9").output().expect_code(1);
    output.finds(&[
        "tokens would go to http://192.0.2.1:9 in the clear",
        "https://",
    ]);
}

#[test]
fn a_proxy_that_is_gone_is_named_without_its_password() {
    let home = Home::new();
    home.secret("hunter2hunter2");
    let proxy = "http://jo:hunter2hunter2@127.0.0.1:9";
    let run = doctor(&home, "https://sign-in.invalid").env("HTTPS_PROXY", proxy);
    let output = run.output().expect_code(1);
    output.finds(&["the proxy 127.0.0.1:9 can't be reached", "HTTPS_PROXY"]);
    let run = home
        .doctor()
        .env("HTTP_PROXY", proxy)
        .env("NO_PROXY", "127.0.0.1");
    run.output().success();
}

/// A proxy that gives everybody the same answer.
fn proxy(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_proxy_that_says_no_is_said_to() {
    let home = Home::new();
    for (answer, text) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "wants a name and a password",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            "leads no one to sign-in.invalid",
        ),
    ] {
        let run = doctor(&home, "https://sign-in.invalid").env("HTTPS_PROXY", proxy(answer));
        run.output().expect_code(1).finds(&[text, "hint: "]);
    }
}

/// A server with a certificate that an authority of its own has signed.
struct Tls {
    server: Child,
    url: String,
    authority: PathBuf,
}

impl Tls {
    /// Makes an authority's certificate, and a server's with its key, in that order.
    fn certificates(home: &Home) -> [String; 3] {
        let openssl = tools::need("openssl", "openssl");
        home.exempt("tls");
        std::fs::create_dir_all(home.path("tls")).unwrap();
        let path = |name: &str| home.path("tls").join(name).to_string_lossy().into_owned();
        let make = |arguments: &[&str]| {
            let status = Command::new(&openssl)
                .args([
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                ])
                .args(arguments)
                .stderr(Stdio::null())
                .status();
            assert!(status.unwrap().success(), "{arguments:?}");
        };
        let (ca, ca_key) = (path("ca.pem"), path("ca.key"));
        let (leaf, leaf_key) = (path("leaf.pem"), path("leaf.key"));
        make(&["-subj", "/CN=Corp", "-keyout", &ca_key, "-out", &ca]);
        make(&[
            "-subj",
            "/CN=127.0.0.1",
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-keyout",
            &leaf_key,
            "-out",
            &leaf,
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        [ca, leaf, leaf_key]
    }

    fn start(home: &Home) -> Self {
        let openssl = tools::need("openssl", "openssl");
        let [ca, leaf, leaf_key] = Self::certificates(home);
        let mut server = Command::new(&openssl)
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-www",
                "-cert",
                &leaf,
                "-key",
                &leaf_key,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let accept = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("ACCEPT"));
        let port = accept
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .trim()
            .to_owned();
        Self {
            server,
            url: format!("https://127.0.0.1:{port}"),
            authority: ca.into(),
        }
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_said_and_a_bundle_makes_it_so() {
    let home = Home::new();
    let tls = Tls::start(&home);
    // It answers a GET alone.
    let portal = || home.doctor().env("AWS_ENDPOINT_URL_SSO", &tls.url);
    let output = portal().output().expect_code(1);
    output.finds(&[
        "the certificate of 127.0.0.1",
        "is not trusted",
        "AWS_CA_BUNDLE",
    ]);
    let run = portal().env("AWS_CA_BUNDLE", tls.authority.to_string_lossy());
    let output = run.output().expect_code(1);
    // What answers there is no AWS, but it is whom it says.
    let output = output.finds(&["answers with a web page"]);
    assert!(!output.stdout.contains("not trusted"), "{output:?}");
}

#[test]
fn a_bundle_that_cannot_be_used_is_said() {
    let home = Home::new();
    let bundle = home.write("ca.pem", "no certificate");
    let run = home.doctor().env("AWS_CA_BUNDLE", bundle.to_string_lossy());
    let output = run.output().expect_code(1);
    output.finds(&[
        "ca.pem` holds no usable certificates",
        "hint: see AWS_CA_BUNDLE",
    ]);
}

#[test]
fn the_browser_that_would_open_is_named_or_why_there_is_none() {
    let home = Home::new();
    let run = home
        .doctor()
        .env("AWS_VAULT_BROWSER", "no-such-browser {url}");
    let output = run.output().expect_code(1);
    output.finds(&["there is no browser command `no-such-browser`", "hint: "]);
    let run = home.doctor().env("AWS_VAULT_BROWSER", "open 'x");
    run.output()
        .expect_code(1)
        .finds(&["a quote is not closed", "hint: "]);
    home.write_script("bin/xdg-open", "#!/bin/sh\n");
    let output = home.doctor().env("DISPLAY", ":0").output().success();
    output.finds(&["`xdg-open` opens pages"]);
    let output = home
        .doctor()
        .env("SSH_TTY", "/dev/pts/1")
        .output()
        .success();
    output.finds(&["a sign-in shows a code", "you came over SSH"]);
    let run = home.doctor().env("SSH_TTY", "/dev/pts/1");
    let output = run
        .env("AWS_VAULT_LOGIN_FLOW", "authorization-code")
        .output();
    output
        .success()
        .finds(&["note", "`flow = \"auto\"` shows a code"]);
}
