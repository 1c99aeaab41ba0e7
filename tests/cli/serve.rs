//! `vault serve`: what it prints and for whom, a path and a token for each profile, one that keeps no other
//! waiting, how it ends, and an instance's metadata service.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::{Signal, test_kill_process};

use crate::support::door::{Answer, Door};
use crate::support::home::Home;
use crate::support::run::{Run, Running, pid};
use crate::support::scenes::until;
use crate::support::tools;

const VAULT: &str = env!("CARGO_BIN_EXE_vault");
const HINT: &str = "no one is signed in to corp; run `vault login corp`";

/// A `vault serve` and what it printed.
struct Serving<'h> {
    running: Running<'h>,
    blocks: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'h> Serving<'h> {
    #[track_caller]
    fn start(home: &'h Home, arguments: &[&str]) -> Self {
        let run = home.vault(&["serve", "--json"]).args(arguments);
        Self::of(home, run)
    }

    #[track_caller]
    fn of(home: &'h Home, run: Run<'h>) -> Self {
        let mut running = run.shows_secrets().start();
        // stdout ends while vault goes on.
        let printed = running.printed();
        assert!(running.is_running(), "{printed}");
        let blocks: Vec<serde_json::Value> =
            serde_json::from_str(&printed).unwrap_or_else(|_| panic!("no JSON: {printed}"));
        let blocks = blocks.into_iter().map(|block| {
            let variables = block["variables"].as_object().unwrap().clone();
            let variables = variables.into_iter();
            let variables =
                variables.map(|(name, value)| (name, value.as_str().unwrap().to_owned()));
            (
                block["profile"].as_str().unwrap().to_owned(),
                variables.collect(),
            )
        });
        let blocks: BTreeMap<_, BTreeMap<_, _>> = blocks.collect();
        for block in blocks.values() {
            if let Some(token) = block.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
                home.secret(token);
            }
        }
        Self { running, blocks }
    }

    #[track_caller]
    fn door(&self, profile: &str) -> Door {
        Door::of(&self.blocks[profile])
    }

    /// What it said, when SIGTERM has ended it.
    #[track_caller]
    fn end(self) -> String {
        self.running.signal(Signal::TERM);
        self.running.wait().success().stderr
    }
}

#[test]
fn each_profile_has_a_path_and_a_token_that_opens_no_other() {
    let home = Home::signed_in();
    let serving = Serving::start(&home, &["prod", "dev", "prod"]);
    assert_eq!(serving.blocks.len(), 2);
    let (dev, prod) = (serving.door("dev"), serving.door("prod"));
    assert_eq!(dev.host, prod.host);
    assert_ne!(dev.path, prod.path);
    assert_ne!(dev.key_id(), prod.key_id());
    let swapped = Door {
        token: dev.token.clone(),
        ..prod.clone()
    };
    assert_eq!(swapped.ask().status, 401);
    assert_eq!(serving.blocks["prod"]["AWS_REGION"], "eu-west-1");
    assert_eq!(serving.blocks["dev"]["AWS_DEFAULT_REGION"], "eu-central-1");
    let said = serving.end();
    assert!(
        said.starts_with("Serving prod, dev on 127.0.0.1:"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn its_lines_are_evaluated_by_real_shells_and_outdo_what_was_set() {
    let home = Home::signed_in();
    home.add_config(
        "[profile spaced]\nregion = eu-west-1\noutput = it's $HOME\n\
        sso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Admin\n",
    );
    for shell in ["sh", "bash", "zsh"] {
        let script = "eval \"$($VAULT serve spaced 2>err &)\"; echo \"end $AWS_DEFAULT_OUTPUT\"; \
            echo \"profile ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none} $AWS_REGION\"; \
            $AWS sts get-caller-identity --output json --query Account; \
            kill $(sed 's/.*process \\([0-9]*\\).*/\\1/' err)";
        let run = home
            .program(tools::need(shell, shell))
            .args(&["-c", script]);
        let run = run
            .env("VAULT", VAULT)
            .env("AWS", tools::aws_cli().to_string_lossy())
            .env("AWS_PROFILE", "dev")
            .env("AWS_ACCESS_KEY_ID", "AKIAOLD")
            .env("AWS_SECRET_ACCESS_KEY", "old");
        let said = run.time_limit(Duration::from_mins(1)).output().success();
        let expected = "end it's $HOME\nprofile none none eu-west-1\n\"222222222222\"\n";
        assert_eq!(said.stdout, expected, "{shell}: {said:?}");
        let process = home.read("err");
        let (_, process) = process.split_once("process ").unwrap();
        let process: u32 = process.split_once(')').unwrap().0.parse().unwrap();
        until("it has ended", || test_kill_process(pid(process)).is_err());
    }
}

#[test]
fn an_env_file_has_lines_as_docker_reads_them() {
    let home = Home::signed_in();
    let mut running = home
        .vault(&["serve", "--env-file", "prod", "dev"])
        .shows_secrets()
        .start();
    let printed = running.printed();
    let lines: Vec<_> = printed.lines().collect();
    let names: Vec<_> = lines
        .iter()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    let of_one = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ];
    let expected = [&["# prod"], &of_one[..], &["# dev"], &of_one[..]].concat();
    assert_eq!(names, expected);
    assert_eq!(lines[3], "AWS_REGION=eu-west-1");
    running.signal(Signal::TERM);
    running.wait().success();
}

/// A program that takes long, behind another profile.
#[test]
fn a_slow_profile_keeps_no_other_waiting_and_goes_on_when_its_client_leaves() {
    let home = Home::signed_in();
    let token = home.aws.make_secret("IQoJb3JpZ2luX2VjE", 300);
    home.write_script(
        "bin/slow",
        &format!(
            "#!/bin/sh\necho run >>runs\nwhile [ -e slowly ]; do sleep 0.1; done\n\
             end=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)\n\
             echo \"{{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"ASIA1\\\", \\\"Expiration\\\": \
             \\\"$end\\\", \\\"SecretAccessKey\\\": \\\"{token}\\\", \\\"SessionToken\\\": \
             \\\"{token}\\\"}}\"\n"
        ),
    );
    home.add_config("[profile slow]\ncredential_process = slow\n");
    let serving = Serving::start(&home, &["slow", "prod"]);
    home.write("slowly", "");
    home.vault(&["clear", "slow"]).output().success();
    let (slow, prod) = (serving.door("slow"), serving.door("prod"));
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\n\r\n",
        slow.path, slow.host, slow.token
    );
    let client = slow.knock(&head);
    until("it is asked", || home.read("runs").lines().count() == 2);
    // One that is gone before its request was looked at may be forgotten; this one was heard.
    drop(client);
    // The slow one goes on until it is told to end.
    prod.key_id();
    std::fs::remove_file(home.path("slowly")).unwrap();
    assert_eq!(slow.key_id(), "ASIA1");
    assert_eq!(home.read("runs").lines().count(), 2);
    serving.end();
}

#[test]
fn it_starts_though_nobody_is_signed_in_and_serves_the_reason() {
    let home = Home::consenting();
    let serving = Serving::start(&home, &["prod", "dev"]);
    for profile in ["prod", "dev"] {
        let answer = serving.door(profile).ask();
        assert_eq!(answer.status, 403);
        let message = format!("no credentials for profile `{profile}`: {HINT}");
        assert_eq!(answer.json()["message"], message);
    }
    home.sign_in();
    serving.door("prod").key_id();
    serving.door("dev").key_id();
    let said = serving.end();
    let warned = said.lines().filter(|line| line.contains("warning: "));
    // Each one at the start; then one for both.
    assert_eq!(warned.count(), 3, "{said}");
}

#[test]
fn on_a_terminal_the_person_signs_in_first_and_ctrl_c_leaves_130() {
    let home = Home::consenting();
    let run = home.vault(&["serve", "prod"]).shows_secrets();
    let mut terminal = run.with_browser().on_terminal();
    terminal.expect("Signing in to corp");
    terminal.expect("export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:");
    terminal.expect("Serving prod on");
    terminal.interrupt();
    assert_eq!(terminal.wait().code, 130);
}

#[test]
fn each_way_to_end_it_leaves_its_code() {
    let home = Home::signed_in();
    for (signal, code) in [(Signal::TERM, 0), (Signal::HUP, 0), (Signal::QUIT, 0)] {
        let serving = Serving::start(&home, &["prod"]);
        let door = serving.door("prod");
        serving.running.signal(Signal::USR1);
        door.key_id();
        serving.running.signal(signal);
        serving.running.wait().expect_code(code);
        assert!(door.send("GET / HTTP/1.1\r\n\r\n").is_none());
    }
}

#[test]
fn what_is_wrong_at_the_start_is_an_error() {
    let home = Home::signed_in();
    let serve = |arguments: &[&str]| home.vault(&["serve"]).args(arguments).output();
    serve(&["prod", "prdo"])
        .expect_code(1)
        .says(&["there is no profile `prdo`", "did you mean `prod`?"]);
    serve(&[])
        .expect_code(2)
        .says(&["no profile is named", "set AWS_PROFILE"]);
    serve(&["--imds", "prod", "dev"])
        .expect_code(2)
        .says(&["an instance has one role"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    serve(&["--port", &port, "prod"]).expect_code(1).says(&[
        &format!("error: cannot listen on 127.0.0.1:{port}"),
        "caused by: Address already in use",
        "hint: choose another with `--port`, or leave it out for a free one",
    ]);
    drop(taken);
    let serving = Serving::start(&home, &["--port", &port, "prod"]);
    assert!(serving.door("prod").host.ends_with(&port));
    serving.end();
    let wrong = home
        .vault(&["serve", "prod"])
        .env("AWS_VAULT_FILE_UNLOCKED_FOR", "0");
    let wrong = wrong.env("AWS_VAULT_FILE_PASSPHRASE", "wrong").output();
    wrong.expect_code(1).says(&["passphrase"]);
}

#[test]
fn aws_profile_is_served_where_none_is_named() {
    let home = Home::signed_in();
    let run = home.vault(&["serve", "--json"]).env("AWS_PROFILE", "dev");
    let serving = Serving::of(&home, run);
    assert_eq!(serving.blocks.keys().collect::<Vec<_>>(), ["dev"]);
    serving.end();
}

/// An instance's service, asked by hand.
struct Machine<'h> {
    serving: Serving<'h>,
    host: String,
}

impl<'h> Machine<'h> {
    #[track_caller]
    fn start(home: &'h Home, profile: &str) -> Self {
        let serving = Serving::start(home, &["--imds", profile]);
        let endpoint = &serving.blocks[profile]["AWS_EC2_METADATA_SERVICE_ENDPOINT"];
        let host = endpoint.strip_prefix("http://").unwrap();
        let host = host.trim_end_matches('/').to_owned();
        Self { serving, host }
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let door = Door {
            host: self.host.clone(),
            path: String::new(),
            token: String::new(),
        };
        let own = [("Host", self.host.as_str())];
        let host = headers.iter().any(|(name, _)| *name == "Host");
        let own = if host { &[][..] } else { &own[..] };
        door.request(method, path, &[own, headers].concat())
    }

    #[track_caller]
    fn token(&self, seconds: &str) -> String {
        let ttl = [("X-aws-ec2-metadata-token-ttl-seconds", seconds)];
        let answer = self.ask("PUT", "/latest/api/token", &ttl);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

#[test]
fn an_instances_service_answers_what_a_client_of_version_2_asks() {
    let home = Home::signed_in();
    let machine = Machine::start(&home, "prod");
    let token = machine.token("21600");
    let get = |path: &str| machine.ask("GET", path, &[("X-aws-ec2-metadata-token", &token)]);
    assert_eq!(get(ROLES).body, "prod");
    assert_eq!(get(ROLES.trim_end_matches('/')).body, "prod");
    let given = get(&format!("{ROLES}prod")).json();
    for (key, value) in [("Code", "Success"), ("Type", "AWS-HMAC")] {
        assert_eq!(given[key], value);
    }
    for key in ["AccessKeyId", "SecretAccessKey", "Token"] {
        assert!(
            given[key].as_str().is_some_and(|value| !value.is_empty()),
            "{key}"
        );
    }
    for key in ["LastUpdated", "Expiration"] {
        assert!(
            given[key]
                .as_str()
                .is_some_and(|value| value.ends_with('Z')),
            "{key}"
        );
    }
    assert_eq!(get("/latest/meta-data/placement/region").body, "eu-west-1");
    assert_eq!(
        get("/latest/meta-data/placement/availability-zone").body,
        "eu-west-1a"
    );
    let identity = get("/latest/dynamic/instance-identity/document").json();
    assert_eq!(identity["region"], "eu-west-1");
    for nothing in [
        "/",
        "/latest/meta-data/",
        "/latest/user-data",
        &format!("{ROLES}dev"),
    ] {
        assert_eq!(get(nothing).status, 404, "{nothing}");
    }
    home.vault(&["clear", "--sign-ins"]).output().success();
    let refused = get(&format!("{ROLES}prod"));
    assert_eq!(refused.status, 200, "as AWS does it");
    assert_eq!(refused.json()["Code"], "SignInRequired");
    assert!(refused.json()["Message"].as_str().unwrap().contains(HINT));
    machine.serving.end();
}

#[test]
fn an_instances_service_refuses_version_1_proxies_and_other_hosts() {
    let home = Home::signed_in();
    let machine = Machine::start(&home, "prod");
    let token = machine.token("21600");
    let short = machine.token("1");
    let path = format!("{ROLES}prod");
    let shown = ("X-aws-ec2-metadata-token", token.as_str());
    let other = if &token[30..31] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &token[..30], &token[31..]);
    let ttl = |seconds| ("X-aws-ec2-metadata-token-ttl-seconds", seconds);
    let api = "/latest/api/token";
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let table: &[(&str, &str, Headers<'_>, u16)] = &[
        ("GET", &path, &[], 401),
        ("GET", &path, &[("X-aws-ec2-metadata-token", "")], 401),
        ("GET", &path, &[("X-aws-ec2-metadata-token", &changed)], 401),
        ("GET", &path, &[shown, ("X-Forwarded-For", "1.2.3.4")], 403),
        ("GET", &path, &[shown, ("Host", "evil.example")], 403),
        ("POST", &path, &[shown], 405),
        ("GET", api, &[shown], 405),
        ("PUT", api, &[], 400),
        ("PUT", api, &[ttl("0")], 400),
        ("PUT", api, &[ttl("21601")], 400),
        ("PUT", api, &[ttl("x")], 400),
        (
            "PUT",
            api,
            &[ttl("60"), ("X-Forwarded-For", "1.2.3.4")],
            403,
        ),
        ("PUT", api, &[ttl("60"), ("Host", "evil.example")], 403),
    ];
    for (method, path, headers, status) in table {
        let answer = machine.ask(method, path, headers);
        assert_eq!(answer.status, *status, "{method} {path} {headers:?}");
        assert!(!answer.body.contains("AccessKeyId"));
    }
    until("a token ends", || {
        let shown = [("X-aws-ec2-metadata-token", short.as_str())];
        machine.ask("GET", &path, &shown).status == 401
    });
    machine.serving.end();
}
