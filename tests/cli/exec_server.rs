//! `vault exec --server`: what the command is told, what the server answers and what it does not, how it
//! renews, and that vault beside its command is a parent that nobody notices.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::{Signal, test_kill_process};

use crate::support::door::Door;
use crate::support::fake_aws::Fault;
use crate::support::home::{Home, PASSPHRASE};
use crate::support::run::{Output, Running, pid};
use crate::support::scenes::{until, variables};
use crate::support::tools;

const VAULT: &str = env!("CARGO_BIN_EXE_vault");

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

/// A command that was started as a profile and goes on until it is told to end.
struct Served<'h> {
    home: &'h Home,
    running: Running<'h>,
    door: Door,
}

impl<'h> Served<'h> {
    #[track_caller]
    fn start(home: &'h Home, profile: &str) -> Self {
        Self::with(home, &["exec", "--server", profile, "--"])
    }

    #[track_caller]
    fn with(home: &'h Home, exec: &[&str]) -> Self {
        // What a command is told is its own.
        home.exempt("told");
        home.write("told/for", "");
        let script = "env -0 >told/new; mv told/new told/environment; \
                      while [ ! -e told/end ]; do sleep 0.02; done; exit 7";
        let run = home.vault(exec).args(&["sh", "-c", script]);
        let running = run.start();
        home.wait_for_file("told/environment");
        let told = home.read("told/environment");
        let pairs = told.split_terminator('\0');
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        let told: BTreeMap<_, _> = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let door = Door::of(&told);
        // No log, message or file of vault's may hold it.
        home.secret(&door.token);
        Self {
            home,
            running,
            door,
        }
    }

    #[track_caller]
    fn end(self) -> Output {
        self.home.write("told/end", "");
        self.running.wait().expect_code(7)
    }
}

#[test]
fn the_command_is_told_where_to_ask_instead_of_a_key() {
    let home = Home::signed_in();
    home.add_config(
        "[profile set]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = Admin\n\
         region = eu-west-1\noutput = text\nmax_attempts = 7\n",
    );
    let with = |server: &[&str]| {
        let run = home
            .vault(&["exec"])
            .args(server)
            .args(&["set", "--", "env", "-0"]);
        let run = run
            .env("AWS_PROFILE", "dev")
            .env("AWS_ACCESS_KEY_ID", "AKIAOLD")
            .env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/old")
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/old")
            .env(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://127.0.0.1:1/old",
            )
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "old");
        variables(run)
    };
    let mut fixed = with(&[]);
    let mut served = with(&["--server"]);
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
    ] {
        assert!(fixed.remove(name).is_some(), "{name}");
    }
    let door = Door::of(&served);
    assert!(door.host.starts_with("127.0.0.1:"), "{door:?}");
    assert_eq!(door.token.len(), 43);
    served.remove("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    served.remove("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    assert_eq!(served, fixed);
    assert_eq!(fixed["AWS_VAULT"], "set");
    assert_eq!(fixed["AWS_MAX_ATTEMPTS"], "7");
}

#[test]
fn what_it_hands_out_is_what_the_sdks_read() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    let answer = served.door.ask();
    assert_eq!(answer.status, 200, "{answer:?}");
    let head = answer.head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    let given = answer.json();
    let export = home.vault(&["export", "prod"]).shows_secrets();
    let exported = export.output().success().stdout;
    let exported: serde_json::Value = serde_json::from_str(&exported).unwrap();
    for (ours, theirs) in [
        ("AccessKeyId", "AccessKeyId"),
        ("SecretAccessKey", "SecretAccessKey"),
        ("Token", "SessionToken"),
        ("Expiration", "Expiration"),
    ] {
        assert!(given[ours].is_string(), "{ours}");
        assert_eq!(given[ours], exported[theirs], "{ours}");
    }
    assert!(given["Expiration"].as_str().unwrap().ends_with('Z'));
    served.end().silent();
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn nothing_else_is_answered_and_nobody_learns_a_secret() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    let door = &served.door;
    let (host, token, path) = (door.host.as_str(), door.token.as_str(), door.path.as_str());
    let port = host.rsplit_once(':').unwrap().1;
    let (localhost, rebound) = (format!("localhost:{port}"), format!("evil.example:{port}"));
    let (longer, query) = (format!("{path}/"), format!("{path}?x=1"));
    let elsewhere = format!("http://evil.example{path}");
    let (wrong, bearer) = (format!("{}x", &token[..42]), format!("Bearer {token}"));
    let table = [
        ("GET", path, host, "", 401),
        ("GET", path, host, &wrong, 401),
        ("GET", path, host, &token[..42], 401),
        ("GET", path, host, &bearer, 401),
        ("GET", &longer, host, token, 401),
        ("GET", &query, host, token, 401),
        ("GET", "/", host, token, 401),
        ("GET", "/latest/meta-data/", host, token, 401),
        ("GET", path, &rebound, token, 403),
        ("GET", path, &localhost, token, 403),
        ("GET", path, "127.0.0.1", token, 403),
        ("GET", &elsewhere, host, token, 403),
        ("POST", path, host, token, 405),
        ("PUT", path, host, token, 405),
        ("HEAD", path, host, token, 405),
        ("OPTIONS", path, host, token, 405),
    ];
    for (method, path, host, token, status) in table {
        let headers = [("Host", host), ("Authorization", token)];
        let answer = door.request(method, path, &headers);
        assert_eq!(answer.status, status, "{method} {path} {headers:?}");
        assert!(!answer.body.contains("AccessKeyId"), "{answer:?}");
        if method != "HEAD" {
            assert_eq!(answer.json()["code"], "Refused");
        }
    }
    let unauthorized = door.request("GET", path, &[("Host", host)]);
    assert_eq!(unauthorized.status, 401);
    let no_host = format!("GET {path} HTTP/1.0\r\nAuthorization: {token}\r\n\r\n");
    assert_eq!(door.send(&no_host).unwrap().status, 403);
    door.key_id();
    served.end().silent();
}

#[test]
fn clients_that_are_slow_endless_or_no_clients_keep_nobody_waiting() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    let door = &served.door;
    let mut silent: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(&door.host).unwrap())
        .collect();
    let mut half = TcpStream::connect(&door.host).unwrap();
    half.write_all(format!("GET {} HTTP/1.1\r\nHost: ", door.path).as_bytes())
        .unwrap();
    let long = "x".repeat(64 * 1024);
    let huge = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nX: {long}\r\n\r\n",
        door.path, door.host, door.token
    );
    let refused = door.send(&huge);
    assert!(refused.is_none_or(|answer| answer.status == 431));
    let garbage = door.send("\x16\x03\x01 no HTTP\r\n\r\n");
    assert!(garbage.is_none_or(|answer| answer.status == 400));
    door.key_id();
    // It was answered while the silent ones were still there, and not once they were let go.
    let first = &mut silent[0];
    first.set_nonblocking(true).unwrap();
    let still_open = first.peek(&mut [0]).unwrap_err();
    assert_eq!(still_open.kind(), std::io::ErrorKind::WouldBlock);
    first.set_nonblocking(false).unwrap();
    // Whoever sends nothing is let go.
    first
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).unwrap();
    served.end().silent();
}

#[test]
fn twenty_clients_at_once_make_one_request() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
    home.vault(&["clear", "prod"]).output().success();
    let door = &served.door;
    let ids: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| door.key_id())).collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
    served.end().silent();
}

#[test]
fn clients_that_ask_at_once_share_a_failure_too() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    home.vault(&["clear", "prod"]).output().success();
    home.aws
        .fault("GetRoleCredentials", Fault::Json(400, "{}".to_owned()), 100);
    let before = home.aws.count("GetRoleCredentials");
    let door = &served.door;
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let answer = door.ask();
                assert_eq!(answer.status, 503, "{answer:?}");
                assert_eq!(answer.json()["code"], "CredentialsUnavailable");
            });
        }
    });
    let made = home.aws.count("GetRoleCredentials") - before;
    assert!(made < 10, "{made} requests for 20 clients");
    let said = served.end().stderr;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("no credentials for profile `prod`: "),
        "{said}"
    );
}

#[test]
fn credentials_are_renewed_before_they_end_and_nobody_waits_for_it() {
    let home = Home::signed_in();
    home.aws
        .configure(|b| b.role_credentials_life = minutes(10));
    let served = Served::start(&home, "prod");
    home.aws
        .configure(|b| b.role_credentials_life = minutes(60));
    let old = served.door.key_id();
    until("they are new", || served.door.key_id() != old);
    let new = served.door.key_id();
    for _ in 0..5 {
        assert_eq!(served.door.key_id(), new);
    }
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
    served.end().silent();
}

#[test]
fn a_sign_in_that_is_needed_is_said_once_before_the_end_and_in_an_sdks_form_after_it() {
    let home = Home::signed_in();
    home.aws
        .configure(|b| b.role_credentials_life = minutes(10));
    let served = Served::start(&home, "prod");
    home.vault(&["clear", "--sign-ins"]).output().success();
    // They are gone with the sign-in: what the server has is dropped as well.
    for _ in 0..3 {
        let answer = served.door.ask();
        assert_eq!(answer.status, 403, "{answer:?}");
        let message = "no credentials for profile `prod`: no one is signed in to corp; \
                       run `vault login corp`";
        let expected = serde_json::json!({
            "code": "SignInRequired", "message": message,
            "Code": "SignInRequired", "Message": message,
        });
        assert_eq!(answer.json(), expected);
    }
    home.aws
        .configure(|b| b.role_credentials_life = minutes(60));
    home.sign_in();
    served.door.key_id();
    home.vault(&["clear", "--sign-ins"]).output().success();
    assert_eq!(served.door.ask().status, 403);
    let said = served.end().stderr;
    let line = "warning: no credentials for profile `prod`: no one is signed in to corp; \
                run `vault login corp`\n";
    assert_eq!(said, format!("{line}{line}"), "once for each time");
}

#[test]
fn a_renewal_that_needs_a_person_is_said_while_there_is_time() {
    let home = Home::signed_in();
    home.aws
        .configure(|b| b.role_credentials_life = minutes(10));
    let served = Served::start(&home, "prod");
    home.aws.revoke_access_tokens();
    home.aws.revoke_refresh_tokens();
    let old = served.door.key_id();
    until("it was tried", || home.aws.count("GetRoleCredentials") >= 2);
    for _ in 0..3 {
        assert_eq!(served.door.key_id(), old, "they are good for a while");
    }
    // The line is written by the time that the next renewal may begin.
    std::thread::sleep(Duration::from_millis(300));
    let said = served.end().stderr;
    assert_eq!(
        said,
        "warning: the credentials of profile `prod` end in 9 min and cannot be renewed: no one is \
         signed in to corp; run `vault login corp`\n"
    );
}

#[test]
fn an_edited_profile_counts_at_the_next_request() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    let before = served.door.key_id();
    let config = home.read(".aws/config");
    home.write(".aws/config", &config.replace("Admin", "ReadOnly"));
    assert_ne!(served.door.key_id(), before);
    home.write(".aws/config", "[profile prod\n");
    let broken = served.door.ask();
    assert_eq!(broken.status, 503);
    let message = broken.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(".aws/config"), "{message}");
    home.write(".aws/config", &config);
    assert_eq!(served.door.key_id(), before);
    served.end().says(&["no credentials for profile `prod`"]);
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn a_keystore_that_is_locked_meanwhile_does_not_matter() {
    let home = Home::signed_in();
    let served = Served::start(&home, "prod");
    let before = served.door.key_id();
    let store = home.path(".local/share/vault");
    let stores: Vec<_> = std::fs::read_dir(&store)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().path()).filter(|path| path.is_file()))
        .collect();
    assert!(!stores.is_empty());
    for path in stores {
        std::fs::write(path, "damaged").unwrap();
    }
    assert_eq!(served.door.key_id(), before);
    served.end().silent();
}

#[test]
fn credentials_without_an_end_are_not_served() {
    let home = Home::new();
    let key = home.aws.add_user_key("111111111111", "jo");
    let (id, secret) = (&key.id, &key.secret);
    home.exempt(".aws/credentials");
    home.write(
        ".aws/credentials",
        &format!("[jo]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
    let exec = ["exec", "--server", "--no-session", "jo", "--", "true"];
    home.vault(&exec).output().expect_code(125).says(&[
        "error: the credentials of profile `jo` cannot be served",
        "caused by: they have no session token",
        "hint: use `vault exec` without `--server`",
    ]);
    let served = Served::start(&home, "jo");
    assert!(served.door.key_id().starts_with("ASIA"));
    served.end().silent();
    assert_eq!(home.aws.count("GetSessionToken"), 1);
}

#[test]
fn credentials_that_aws_clients_prefer_are_warned_of() {
    let home = Home::signed_in();
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    let who = |exec: &[&str]| {
        let command = [cli.as_str(), "sts", "get-caller-identity"];
        home.vault(exec).args(&command).output()
    };
    let key = home.aws.add_user_key("111111111111", "jo");
    let (id, secret) = (&key.id, &key.secret);
    home.exempt(".aws/credentials");
    home.write(
        ".aws/credentials",
        &format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"),
    );
    let led_astray = who(&["exec", "--server", "prod", "--"]).success();
    assert!(led_astray.stdout.contains("user/jo"), "{led_astray:?}");
    led_astray.says(&["warning: the configuration's profile `default` has credentials"]);
    home.write(".aws/credentials", "[default]\nregion = eu-west-1\n");
    let right = who(&["exec", "--server", "prod", "--"]).success();
    assert!(right.stdout.contains("222222222222"), "{right:?}");
    assert_eq!(right.stderr, "");
}

#[test]
fn what_fails_before_the_command_is_125_126_or_127_and_nobody_is_asked_for_a_mistyped_one() {
    let home = Home::signed_in();
    home.write("plain", "no program");
    let exec = |profile: &str, command: &str| {
        let exec = ["exec", "-s", profile, "--", command];
        home.vault(&exec).output()
    };
    exec("prdo", "true")
        .expect_code(125)
        .says(&["there is no profile `prdo`"]);
    exec("prod", "no-such-command")
        .expect_code(127)
        .says(&["there is no command `no-such-command`"]);
    exec("prod", "./plain")
        .expect_code(126)
        .says(&["`./plain` cannot be run"]);
    assert_eq!(home.aws.count("GetRoleCredentials"), 0);
    home.write_script("interpreted", "#!/no/such/interpreter\n");
    exec("prod", "./interpreted").expect_code(126);
    home.vault(&["clear", "--sign-ins"]).output().success();
    exec("prod", "true").expect_code(125).says(&[
        "no one is signed in to corp",
        "hint: run `vault login corp`",
    ]);
}

#[test]
fn the_commands_end_is_vaults() {
    let home = Home::signed_in();
    let sh = |script: &str| {
        let exec = ["exec", "--server", "dev", "--", "sh", "-c", script];
        home.vault(&exec).output()
    };
    for code in [0, 1, 4, 125, 130, 255] {
        sh(&format!("exit {code}")).expect_code(code).silent();
    }
    for signal in [9, 10, 13, 15] {
        sh(&format!("kill -{signal} $$")).expect_code(128 + signal);
    }
    // What it leaves running is not waited for, and the server is gone.
    home.exempt("told");
    home.write("told/for", "");
    let script = "env -0 >told/environment; sleep 30 >/dev/null 2>&1 & exit 3";
    let ended = sh(script).expect_code(3);
    assert!(ended.took < Duration::from_secs(20), "{ended:?}");
    let told = home.read("told/environment");
    let uri = told
        .split('\0')
        .find_map(|pair| pair.strip_prefix("AWS_CONTAINER_CREDENTIALS_FULL_URI=http://"));
    let host = uri.unwrap().split('/').next().unwrap();
    assert!(TcpStream::connect(host).is_err());
}

/// What a program sends to vault reaches the command, once.
#[test]
fn signals_are_passed_on_once() {
    let home = Home::signed_in();
    for (signal, name) in [
        (Signal::TERM, "TERM"),
        (Signal::HUP, "HUP"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::QUIT, "QUIT"),
    ] {
        let ready = format!("ready-{name}");
        let script = format!(
            "trap 'echo caught' {name}; echo >{ready}; n=0; \
             while [ $n -lt 40 ]; do sleep 0.02; n=$((n+1)); done; exit 9"
        );
        let exec = ["exec", "--server", "dev", "--", "sh", "-c", &script];
        let running = home.vault(&exec).start();
        home.wait_for_file(&ready);
        running.signal(signal);
        let ended = running.wait().expect_code(9);
        assert_eq!(ended.stdout, "caught\n", "{name}");
    }
    let exec = [
        "exec",
        "--server",
        "dev",
        "--",
        "sh",
        "-c",
        "echo >there; exec sleep 30",
    ];
    let running = home.vault(&exec).start();
    home.wait_for_file("there");
    running.signal(Signal::TERM);
    running.wait().expect_code(128 + 15);
}

/// Whatever moment it comes at: before the command there is only vault, and after that both end.
#[test]
fn a_signal_in_the_moment_of_the_start_leaves_nothing_running() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success();
    for delay in (0..60).step_by(3) {
        let script = "echo $$ >id; exec sleep 31";
        let exec = ["exec", "--server", "dev", "--", "sh", "-c", script];
        let _ = std::fs::remove_file(home.path("id"));
        let running = home.vault(&exec).start();
        std::thread::sleep(Duration::from_millis(delay));
        running.signal(Signal::TERM);
        let ended = running.wait();
        assert!(
            ended.code == Some(143) || ended.signal == Some(15),
            "{ended:?}"
        );
        if let Ok(id) = home.read("id").trim().parse::<u32>() {
            until("the command is gone", || {
                test_kill_process(pid(id)).is_err()
            });
        }
    }
}

/// A script in the background, `nohup`: what vault was started with as ignored stays so.
#[test]
fn signals_that_were_ignored_are_so_for_the_command() {
    let home = Home::signed_in();
    let script = format!(
        "trap '' HUP INT USR1; exec '{VAULT}' exec --server dev -- \
         grep -E 'SigIgn|SigCgt' /proc/self/status"
    );
    let with = home.program("/bin/sh").args(&["-c", &script]);
    let with = with.output().success().stdout;
    let script = "trap '' HUP INT USR1; exec grep -E 'SigIgn|SigCgt' /proc/self/status";
    let without = home.program("/bin/sh").args(&["-c", script]);
    assert_eq!(with, without.output().success().stdout);
}

#[test]
fn exec_inside_exec_works_with_and_without_a_server() {
    let home = Home::signed_in();
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    for (outer, inner) in [("--server", ""), ("", "--server"), ("--server", "--server")] {
        let script = format!(
            "AWS_VAULT_FILE_PASSPHRASE=$HIDDEN '{VAULT}' exec {inner} prod -- \
             '{cli}' sts get-caller-identity --query Account"
        );
        let mut exec = vec!["exec"];
        exec.extend((!outer.is_empty()).then_some(outer));
        exec.extend(["dev", "--", "sh", "-c", &script]);
        // The passphrase is no child's.
        let run = home.vault(&exec).env("HIDDEN", PASSPHRASE);
        let ended = run.output().success();
        assert_eq!(ended.stdout, "\"222222222222\"\n", "{outer} {inner}");
    }
}
