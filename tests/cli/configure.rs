//! `vault configure`: one profile, by questions on a terminal and by options without one.

use std::fs;
use std::time::Duration;

use crate::support::fake_aws::{Account, FakeAws, Fault, Visit};
use crate::support::home::{Home, STANDARD_CONFIG};
use crate::support::run::Running;
use crate::support::tools;

const URL: &str = "https://corp.awsapps.com/start";
const WHERE: [&str; 7] = [
    "configure",
    "--sso-session",
    "corp",
    "--start-url",
    URL,
    "--sso-region",
    "eu-central-1",
];

/// A home without AWS files, whose person confirms every code.
fn empty() -> Home {
    let home = Home::empty(FakeAws::start());
    home.aws.approve_all_after(0);
    home
}

fn profile(home: &Home, name: &str) -> Vec<String> {
    let config = home.read(".aws/config");
    let lines = config
        .lines()
        .skip_while(|line| *line != format!("[profile {name}]"));
    let lines = lines.take_while(|line| !line.is_empty());
    lines.skip(1).map(str::to_owned).collect()
}

#[test]
fn questions_lead_from_an_empty_home_to_a_profile_that_works() {
    let home = empty();
    let mut terminal = home.vault(&["configure"]).on_terminal();
    terminal.expect("Start URL");
    terminal.enter("corp.awsapps");
    terminal.expect("not the address of an AWS access portal");
    terminal.enter(".com");
    terminal.expect("Region of IAM Identity Center");
    terminal.types("eu-central-1");
    terminal.types("\r");
    // As the organisation calls itself: that is no question.
    terminal.expect("This place to sign in is called corp");
    terminal.expect("Account");
    terminal.types("prod@example");
    terminal.types("\r");
    terminal.expect("Role");
    terminal.types("Adm");
    terminal.types("\r");
    terminal.expect("Region of the profile");
    terminal.types("\r");
    terminal.expect("Name of the profile");
    terminal.enter("");
    terminal.expect("Next: vault exec prod -- aws s3 ls");
    assert_eq!(terminal.wait().code, 0);
    let written = [
        "sso_session = corp",
        "sso_account_id = 222222222222",
        "sso_role_name = Admin",
        "region = eu-central-1",
    ];
    assert_eq!(profile(&home, "prod"), written);
    assert_eq!(home.environment_as("prod")["AWS_REGION"], "eu-central-1");
}

#[test]
fn ctrl_c_at_any_question_leaves_the_file_untouched() {
    let home = Home::signed_in();
    for (picks, question) in [
        (0, "Sign in through"),
        (1, "Account"),
        (2, "Role"),
        (3, "Region of"),
        (4, "Name of"),
    ] {
        let mut terminal = home.vault(&["configure"]).on_terminal();
        for pick in ["Sign in through", "Account", "Role", "Region of"]
            .iter()
            .take(picks)
        {
            terminal.expect(pick);
            terminal.types("\r");
        }
        terminal.expect(question);
        terminal.interrupt();
        assert_eq!(terminal.wait().code, 130, "{question}");
    }
    assert_eq!(home.read(".aws/config"), STANDARD_CONFIG);
}

#[test]
fn options_alone_ask_nothing_and_need_no_terminal() {
    let home = empty();
    let one = [
        "--account",
        "111111111111",
        "--role",
        "Developer",
        "--profile",
        "dev",
        "--region",
        "eu-west-1",
    ];
    let run = home.vault(&WHERE).args(&one).output().success();
    run.says(&[
        "no one is signed in to corp",
        "not checked",
        "Next: vault exec dev",
    ]);
    home.sign_in();
    assert_eq!(home.environment_as("dev")["AWS_REGION"], "eu-west-1");
    // Again: it is so already, and nothing is written.
    let before = home.read(".aws/config");
    home.vault(&WHERE)
        .args(&one)
        .output()
        .success()
        .says(&["is in", "already"]);
    assert_eq!(home.read(".aws/config"), before);
    // Another role under the name is another profile.
    let other = ["--account", "prod", "--role", "Admin", "--profile", "dev"];
    let refused = home.vault(&WHERE).args(&other).output().expect_code(1);
    refused.says(&["there is a profile `dev` already", "`--force`"]);
    assert_eq!(home.read(".aws/config"), before);
    home.vault(&WHERE)
        .args(&other)
        .args(&["--force"])
        .output()
        .success();
    assert!(profile(&home, "dev").contains(&"sso_account_id = 222222222222".to_owned()));
}

#[test]
fn what_is_wrong_on_the_command_line_is_said_and_nothing_is_written() {
    let home = empty();
    let table: [(&[&str], i32, &str); 6] = [
        (
            &["--start-url", "https://console.aws.amazon.com/"],
            2,
            "not the address of an AWS access portal",
        ),
        (
            &["--start-url", "http://corp.awsapps.com/start"],
            2,
            "does not begin with `https://`",
        ),
        (
            &["--sso-region", "eu-centrl-1"],
            2,
            "did you mean `eu-central-1`?",
        ),
        (&["--profile", "a]b"], 2, "a `[` or `]` is in it"),
        (&[], 2, "there is nobody to ask for where to sign in"),
        (
            &["--start-url", URL, "--sso-session", "corp"],
            2,
            "`--sso-region`",
        ),
    ];
    for (arguments, code, text) in table {
        let run = home.vault(&["configure"]).args(arguments).output();
        run.expect_code(code).says(&[text]);
    }
    // One look is enough: all that is missing is said, and nothing that is there.
    let nothing = home.vault(&["configure", "--role", "Admin"]).output();
    let nothing = nothing
        .expect_code(2)
        .says(&["give `--start-url`, `--sso-session`, `--sso-region`, `--account`, `--profile`"]);
    assert!(!nothing.stderr.contains("`--role`"), "{nothing:#?}");
    let run = home.vault(&WHERE).args(&["--account", "111111111111"]);
    run.output().expect_code(2).says(&[
        "there is nobody to ask for the profile's name",
        "give `--role`, `--profile`",
    ]);
    // The role may be the only one there, and nobody can sign in to look.
    let run = home.vault(&WHERE).args(&["--profile", "dev"]);
    run.output().expect_code(4).says(&[
        "no one is signed in to corp",
        "`--account` (the 12 digits of its id) and `--role`",
    ]);
    // A name alone can't be written.
    let run = home
        .vault(&WHERE)
        .args(&["--profile", "dev", "--role", "Admin"]);
    let run = run.args(&["--account", "prod"]).output();
    run.expect_code(4).says(&["the 12 digits of its id"]);
    assert!(!home.path(".aws/config").exists());
}

#[test]
fn what_the_portal_does_not_give_is_said() {
    let home = Home::signed_in();
    let ask = |account: &str, role: &str| {
        let words = [
            "configure",
            "--sso-session",
            "corp",
            "--account",
            account,
            "--role",
            role,
            "--profile",
            "new",
        ];
        home.vault(&words).output().expect_code(1)
    };
    ask("prd", "Admin").says(&["there is no account `prd`", "did you mean `prod`?"]);
    ask("zzz", "Admin").says(&["there is no account `zzz`", "leave `--account` out"]);
    ask("prod", "Amdin").says(&["you do not have the role `Amdin`", "`Admin`, `ReadOnly`"]);
    home.aws.fault(
        "ListAccountRoles",
        Fault::Json(403, "{\"message\": \"No access\"}".into()),
        1,
    );
    ask("prod", "Admin").says(&["No access"]);
    home.aws
        .configure(|behaviour| behaviour.accounts = vec![Account::new("111111111111", "dev", &[])]);
    ask("dev", "Admin").says(&["you have no role in account 111111111111"]);
    home.aws.configure(|behaviour| behaviour.accounts.clear());
    let none = home
        .vault(&["configure", "--sso-session", "corp", "--profile", "new"])
        .output();
    none.expect_code(1)
        .says(&["there is no account that you may use through corp"]);
    let other = [
        "configure",
        "--sso-session",
        "corp",
        "--sso-region",
        "us-east-1",
    ];
    home.vault(&other)
        .output()
        .expect_code(2)
        .says(&["--sso-region contradicts"]);
    assert_eq!(home.read(".aws/config"), STANDARD_CONFIG);
}

#[test]
fn what_the_program_can_find_out_is_no_question() {
    let home = Home::empty(FakeAws::start());
    home.aws.configure(|behaviour| {
        behaviour.visit = Visit::Allow;
        behaviour.accounts = vec![Account::new("111111111111", "dev\x1b[2J", &["Admin"])];
    });
    let mut terminal = home.vault(&["configure"]).with_browser().on_terminal();
    terminal.expect("Start URL");
    terminal.enter("corp");
    terminal.expect("Region of IAM Identity Center");
    terminal.enter("eu-central-1");
    // `vault login corp` knows no such sso-session yet.
    terminal.expect("AWS_VAULT_LOGIN_FLOW=device-code before the command works with any");
    // A name that is an order to the terminal is none.
    terminal.expect("The one account that you may use: 111111111111.");
    terminal.expect("The one role there: Admin.");
    terminal.expect("Region of the profile");
    terminal.enter("");
    terminal.expect("Name of the profile");
    terminal.enter("dev");
    terminal.expect("Next: vault exec dev -- aws s3 ls");
    let ended = terminal.wait();
    assert_eq!(ended.code, 0);
    assert!(
        !ended.screen.contains("vault login corp"),
        "{}",
        ended.screen
    );
}

#[test]
fn ctrl_c_at_any_question_leaves_an_empty_home_empty() {
    // The directory's address says no name.
    let home = empty();
    home.aws.configure(|behaviour| {
        behaviour.start_urls = vec!["https://d-906705a1b2.awsapps.com/start".to_owned()];
    });
    let answers = [
        ("Start URL", "d-906705a1b2"),
        ("Region of IAM Identity Center", "eu-central-1"),
        ("A name for this place to sign in", ""),
        ("Account", "dev"),
        ("Role", ""),
        ("Region of the profile", ""),
        ("Name of the profile", ""),
    ];
    for left_at in 0..answers.len() {
        let run = home.vault(&["configure"]);
        let mut terminal = run.on_terminal();
        for (question, answer) in &answers[..left_at] {
            terminal.expect(question);
            terminal.enter(answer);
        }
        terminal.expect(answers[left_at].0);
        terminal.interrupt();
        assert_eq!(terminal.wait().code, 130, "{left_at}");
        assert!(!home.path(".aws").exists(), "{left_at}");
    }
    assert_eq!(home.aws.count("RegisterClient"), 1);
}

#[test]
fn a_narrow_terminal_shows_all_of_it() {
    let home = Home::signed_in();
    let script = "stty cols 30 rows 12 && exec \"$vault\" configure --sso-session corp";
    let shell = home.program("/bin/sh").args(&["-c", script]);
    let run = shell.env("vault", env!("CARGO_BIN_EXE_vault"));
    let mut terminal = run.on_terminal();
    for question in [
        "Account",
        "Role",
        "Region of the profile",
        "Name of the profile",
    ] {
        terminal.expect(question);
        terminal.enter("");
    }
    terminal.expect("Next: vault exec");
    assert_eq!(terminal.wait().code, 0);
}

/// An access portal at its own address, behind a proxy that leads there: with a certificate of its own.
fn portal_page<'h>(home: &'h Home, html: &str) -> (Running<'h>, String) {
    let make = "set -e; cd \"$HOME/tmp\"; key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'\n\
        openssl req -x509 $key -keyout ca.key -out ca.pem -subj /CN=authority\n\
        openssl req -x509 $key -keyout portal.key -out portal.pem -subj /CN=portal -CA ca.pem -CAkey ca.key \\\n\
          -addext subjectAltName=DNS:corp.awsapps.com -addext basicConstraints=critical,CA:FALSE\n";
    tools::need("openssl", "openssl");
    let shell = home.program("/bin/sh").args(&["-c", make]);
    shell.output().success();
    home.write("tmp/page", html);
    let serve = "import os, socket, ssl\n\
        os.chdir(os.environ['HOME'] + '/tmp')\n\
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n\
        tls.load_cert_chain('portal.pem', 'portal.key')\n\
        listener = socket.create_server(('127.0.0.1', 0))\n\
        open('port.new', 'w').write(str(listener.getsockname()[1])); os.rename('port.new', 'port')\n\
        def head(stream):\n\
        \x20 text = b''\n\
        \x20 while b'\\r\\n\\r\\n' not in text: text += stream.recv(1)\n\
        \x20 return text.decode().split('\\r\\n')[0]\n\
        while True:\n\
        \x20 stream = listener.accept()[0]\n\
        \x20 asked = head(stream)\n\
        \x20 open('asked', 'a').write(asked + '\\n')\n\
        \x20 if 'corp.awsapps.com:443' not in asked: stream.close(); continue\n\
        \x20 stream.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n')\n\
        \x20 stream = tls.wrap_socket(stream, server_side=True)\n\
        \x20 open('asked', 'a').write(head(stream) + '\\n')\n\
        \x20 page = open('page', 'rb').read()\n\
        \x20 stream.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(page) + page)\n\
        \x20 stream.close()\n";
    let python = home.program(tools::need("python3", "python3"));
    let running = python
        .args(&["-c", serve])
        .time_limit(Duration::from_secs(120))
        .start();
    home.wait_for_file("tmp/port");
    let proxy = format!("http://127.0.0.1:{}", home.read("tmp/port"));
    (running, proxy)
}

#[test]
fn the_region_is_not_asked_for_where_the_portal_says_it() {
    let home = empty();
    let html =
        "<!DOCTYPE html><html><head><meta name=\"region\" content=\"eu-west-3\"/></head></html>";
    let (_serving, proxy) = portal_page(&home, html);
    let words = [
        "configure",
        "--start-url",
        "corp",
        "--account",
        "111111111111",
    ];
    let configure = || {
        let run = home
            .vault(&words)
            .args(&["--role", "Admin", "--profile", "p"]);
        let ca = home.path("tmp/ca.pem").to_string_lossy().into_owned();
        run.without_env("AWS_ENDPOINT_URL_SSO_OIDC")
            .env("HTTPS_PROXY", &proxy)
            .env("AWS_CA_BUNDLE", &ca)
    };
    let said = configure().output().success();
    said.says(&["The portal says that its IAM Identity Center is in eu-west-3."]);
    assert!(
        home.read(".aws/config")
            .contains("sso_region = eu-west-3\n")
    );
    let asked = "CONNECT corp.awsapps.com:443 HTTP/1.1\nGET /start/ HTTP/1.1\n";
    assert_eq!(home.read("tmp/asked"), asked);
    fs::remove_file(home.path(".aws/config")).unwrap();
    // A page that does not say it, or none at all: then it is asked for.
    home.write("tmp/page", "<html>No region here</html>");
    let lacking = ["the region of IAM Identity Center", "`--sso-region`"];
    configure().output().expect_code(2).says(&lacking);
    let nowhere = configure().env("HTTPS_PROXY", "http://127.0.0.1:9");
    nowhere.output().expect_code(2).says(&lacking);
    let told = configure().args(&["--sso-region", "eu-west-1"]);
    told.output().success();
}

/// Somebody else writes the file while the wizard asks.
#[test]
fn a_file_that_changes_while_the_wizard_asks_is_not_written_over() {
    let profile = "\n[profile prod-admin]\nsso_session = corp\nsso_account_id = 111111111111\n\
                   sso_role_name = Developer\n";
    let elsewhere = STANDARD_CONFIG.replace("corp.awsapps.com", "other.awsapps.com");
    let table = [
        (
            format!("{STANDARD_CONFIG}{profile}"),
            "there is a profile `prod-admin` already",
        ),
        (elsewhere, "the sso-session `corp` is another one by now"),
    ];
    for (meanwhile, said) in table {
        let home = Home::signed_in();
        let mut terminal = home
            .vault(&["configure", "--sso-session", "corp"])
            .on_terminal();
        terminal.expect("Account");
        terminal.types("prod\r");
        terminal.expect("Role");
        terminal.types("Admin\r");
        terminal.expect("Region of the profile");
        terminal.types("\r");
        terminal.expect("Name of the profile");
        home.write(".aws/config", &meanwhile);
        terminal.enter("");
        terminal.expect(said);
        assert_eq!(terminal.wait().code, 1);
        assert_eq!(home.read(".aws/config"), meanwhile);
    }
}

/// `vault configure` by options for `prod`'s Admin, called `admin`.
const ADMIN: [&str; 9] = [
    "configure",
    "--sso-session",
    "corp",
    "--account",
    "prod",
    "--role",
    "Admin",
    "--profile",
    "admin",
];

#[test]
fn an_account_by_name_is_the_same_as_by_id() {
    let home = Home::signed_in();
    home.vault(&ADMIN).output().success();
    let before = home.read(".aws/config");
    let again = home.vault(&ADMIN).output().success();
    again.says(&["The profile admin is in", "already"]);
    assert_eq!(home.read(".aws/config"), before);
}

#[test]
fn options_alone_ask_nothing_on_a_terminal_either() {
    let home = Home::new();
    let words = ADMIN.map(|word| if word == "prod" { "222222222222" } else { word });
    for _ in 0..2 {
        // Nobody answers: neither a sign-in nor the keystore's passphrase is asked for.
        let run = home.vault(&words).without_env("AWS_VAULT_FILE_PASSPHRASE");
        let ended = run.on_terminal().wait();
        assert_eq!(ended.code, 0, "{}", ended.screen);
        assert!(ended.screen.contains("not checked"), "{}", ended.screen);
        let next = "Next: vault exec admin -- aws s3 ls";
        assert!(ended.screen.contains(next), "{}", ended.screen);
    }
    assert_eq!(home.aws.total(), 0);
    assert_eq!(profile(&home, "admin").len(), 3);
}

#[test]
fn a_profile_of_syncs_that_is_forced_is_the_persons_from_then_on() {
    let home = Home::signed_in();
    home.vault(&["configure", "sync"]).output().success();
    let words = ADMIN.map(|word| {
        if word == "admin" {
            "dev-developer"
        } else {
            word
        }
    });
    home.vault(&words).output().expect_code(1);
    home.vault(&words).args(&["--force"]).output().success();
    let written = profile(&home, "dev-developer");
    assert_eq!(written[1], "sso_account_id = 222222222222");
    home.vault(&["configure", "sync", "--prune"])
        .output()
        .success();
    assert_eq!(profile(&home, "dev-developer"), written);
}

#[test]
fn names_that_could_not_be_typed_are_refused() {
    let home = Home::signed_in();
    let run = home.vault(&["configure", "--profile=-prod"]).output();
    run.expect_code(2).says(&["it begins with a hyphen"]);
    let run = home.vault(&["configure", "--sso-session=-corp"]).output();
    run.expect_code(2).says(&["it begins with a hyphen"]);
}
