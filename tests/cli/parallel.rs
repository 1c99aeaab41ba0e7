//! Many runs at once, and runs that are killed: one sign-in, one fetch, and a keystore that is whole
//! at every moment.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use crate::support::fake_aws::{Account, Fault, Visit};
use crate::support::home::Home;
use crate::support::keyring::Keyring;
use crate::support::run::{Run, pid};
use crate::support::terminal::{Ended, Terminal};

const WAITING: &str = "Waiting for the sign-in that another vault has begun.";
const EXEC: [&str; 6] = ["exec", "dev", "--", "/bin/sh", "-c", "echo as $AWS_VAULT"];

/// A home whose browser consents to everything.
fn home() -> Home {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    home
}

/// A shell that starts an `exec` for each profile at once and says how each ended.
fn at_once<'h>(home: &'h Home, profiles: &[String]) -> Run<'h> {
    let vault = env!("CARGO_BIN_EXE_vault");
    let script = format!(
        "for p in {}; do ('{vault}' exec $p -- /bin/true; echo \"<$p $?>\") & done; wait",
        profiles.join(" ")
    );
    let shell = home.program("/bin/sh").args(&["-c", &script]);
    shell.time_limit(Duration::from_secs(120))
}

fn fifty<'h>(home: &'h Home) -> Run<'h> {
    at_once(home, &vec!["dev".to_owned(); 50])
}

fn count(ended: &Ended, text: &str) -> usize {
    ended.screen.matches(text).count()
}

fn works(home: &Home) {
    let output = home.vault(&EXEC).output().success();
    assert_eq!(output.stdout, "as dev\n", "{output:?}");
}

fn sign_in(home: &Home) {
    home.vault(&["login"]).with_browser().output().success();
}

/// How often anybody was sent to a page, of either flow.
fn sign_ins(home: &Home) -> usize {
    home.aws.count("Authorize") + home.aws.count("StartDeviceAuthorization")
}

/// Looks again until it is so.
fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One sign-in and one fetch, and everybody is served.
fn assert_one_of_each(home: &Home, ended: &Ended) {
    assert_eq!(count(ended, "<dev 0>"), 50, "{}", ended.screen);
    assert_eq!(home.aws.count("RegisterClient"), 1);
    assert_eq!(sign_ins(home), 1);
    assert_eq!(home.browser_urls().len(), 1);
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn fifty_runs_with_nothing_cached_open_one_browser() {
    let home = home();
    let ended = fifty(&home).with_browser().on_terminal().wait();
    assert_one_of_each(&home, &ended);
}

#[test]
fn fifty_runs_with_a_keyring_open_one_browser() {
    let home = home();
    let keyring = Keyring::unlocked(&home);
    let run = keyring.used_by(fifty(&home).with_browser());
    let ended = run.on_terminal().wait();
    assert_one_of_each(&home, &ended);
}

#[test]
fn fifty_runs_near_the_end_of_a_sign_in_refresh_it_once() {
    let home = home();
    let near = Duration::from_secs(120);
    home.aws
        .configure(|behaviour| behaviour.access_token_life = Some(near));
    sign_in(&home);
    home.aws
        .configure(|behaviour| behaviour.access_token_life = None);
    let ended = fifty(&home).with_browser().on_terminal().wait();
    assert_one_of_each(&home, &ended);
    let grants = home.aws.requests("CreateToken");
    let refreshes = grants.iter().filter(|request| {
        let json = request.json();
        json["grantType"] == "refresh_token"
    });
    assert_eq!(refreshes.count(), 1);
}

#[test]
fn twenty_profiles_at_once_share_one_sign_in() {
    let home = home();
    let mut profiles = Vec::new();
    for number in 10..30 {
        let account = format!("{number}0000000000");
        home.aws.configure(|behaviour| {
            behaviour.portal_requests_per_second = 100;
            let account = Account::new(&account, "many", &["Developer"]);
            behaviour.accounts.push(account);
        });
        home.add_config(&format!(
            "[profile p{number}]\nsso_session = corp\nsso_account_id = {account}\n\
             sso_role_name = Developer\n"
        ));
        profiles.push(format!("p{number}"));
    }
    let run = at_once(&home, &profiles).with_browser();
    let ended = run.on_terminal().wait();
    for profile in profiles {
        assert_eq!(count(&ended, &format!("<{profile} 0>")), 1, "{ended:?}");
    }
    assert_eq!(sign_ins(&home), 1);
    assert_eq!(home.browser_urls().len(), 1);
    assert_eq!(home.aws.count("GetRoleCredentials"), 20);
}

#[test]
fn who_waited_for_a_sign_in_that_is_refused_opens_no_second_browser() {
    let home = home();
    home.aws.configure(|behaviour| behaviour.visit = Visit::Ask);
    let runs = at_once(&home, &vec!["dev".to_owned(); 10]).with_browser();
    let runs = runs.env("AWS_VAULT_LOGIN_FLOW", "device-code");
    let mut terminal = runs.on_terminal();
    for _ in 0..9 {
        terminal.expect(WAITING);
    }
    until("the browser is open", || home.aws.count("DevicePage") == 1);
    home.aws.deny(&home.aws.pending_user_codes()[0]);
    let ended = terminal.wait();
    assert_eq!(count(&ended, "<dev 125>"), 10, "{}", ended.screen);
    assert_eq!(sign_ins(&home), 1);
    assert_eq!(home.browser_urls().len(), 1);
    assert_eq!(count(&ended, "hint: run it again"), 10);
    // The refusal is not remembered.
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    let run = home.vault(&EXEC).with_browser();
    assert_eq!(run.on_terminal().wait().code, 0);
}

#[test]
fn who_waited_for_a_run_that_is_killed_signs_in_instead() {
    let home = home();
    home.aws.configure(|behaviour| behaviour.visit = Visit::Ask);
    let first = home.vault(&EXEC).with_browser().on_terminal();
    until("the first shows its page", || {
        home.aws.count("Authorize") == 1
    });
    let mut second = home.vault(&EXEC).with_browser().on_terminal();
    second.expect(WAITING);
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    kill(&first);
    second.expect("as dev");
    assert_eq!(second.wait().code, 0);
    assert_eq!(sign_ins(&home), 2);
}

fn kill(terminal: &Terminal<'_>) {
    kill_process(pid(terminal.id()), Signal::KILL).expect("kill it");
}

#[test]
fn a_run_killed_while_a_request_is_on_its_way_leaves_nothing_half_done() {
    let requests = [
        ("authorization-code", "RegisterClient"),
        ("authorization-code", "CreateToken"),
        ("device-code", "StartDeviceAuthorization"),
        ("device-code", "CreateToken"),
        ("device-code", "GetRoleCredentials"),
    ];
    for (flow, operation) in requests {
        let home = home();
        home.aws.fault(operation, Fault::Hang, 1);
        let run = home.vault(&EXEC).with_browser();
        let terminal = run.env("AWS_VAULT_LOGIN_FLOW", flow).on_terminal();
        until(operation, || home.aws.count(operation) == 1);
        kill(&terminal);
        assert!(terminal.wait().signal.is_some());
        home.vault(&["list"]).output().success();
        let mut next = home.vault(&EXEC).with_browser().on_terminal();
        next.expect("as dev");
        assert_eq!(next.wait().code, 0, "{operation}");
        works(&home);
    }
}

/// The moments are spread over all that a run does, so that each run of the tests meets others.
#[test]
fn a_run_killed_at_any_moment_leaves_a_keystore_that_works() {
    let home = home();
    sign_in(&home);
    works(&home);
    for moment in 0..40 {
        let fresh = ["exec", "--fresh", "dev", "--", "/bin/true"];
        let mut running = home.vault(&fresh).start();
        std::thread::sleep(Duration::from_millis(3 * moment));
        if running.is_running() {
            running.signal(Signal::KILL);
        }
        running.wait();
        works(&home);
        let listed = home.vault(&["list", "--sessions", "--names"]).output();
        assert_eq!(listed.success().stdout, "dev\n");
    }
    // All of them used the one sign-in.
    assert_eq!(sign_ins(&home), 1);
}

#[test]
fn clear_and_exec_at_once_disturb_neither() {
    let home = home();
    sign_in(&home);
    for _ in 0..8 {
        let clears = [(); 2].map(|()| home.vault(&["clear"]).start());
        let execs = [(); 4].map(|()| home.vault(&EXEC).start());
        for clear in clears {
            clear.wait().success();
        }
        for exec in execs {
            assert_eq!(exec.wait().success().stdout, "as dev\n");
        }
        // Whatever was kept last, `clear` knows of it.
        home.vault(&["clear"]).output().success();
        let asked = home.aws.count("GetRoleCredentials");
        works(&home);
        assert_eq!(home.aws.count("GetRoleCredentials"), asked + 1);
    }
    assert_eq!(sign_ins(&home), 1);
}

/// Both meet at the store, which the test holds for a moment: the one keeps what it fetched, the
/// other forgets it. Whoever comes last, the list says what is there.
#[test]
fn clear_during_an_exec_leaves_nothing_that_is_in_no_list() {
    let home = home();
    sign_in(&home);
    let listed = || {
        let list = ["list", "--sessions", "--names"];
        home.vault(&list).output().success().stdout
    };
    let store = home.path(".local/share/vault/keystore.lock");
    for moment in 0..12 {
        home.vault(&["clear"]).output().success();
        let held = std::fs::File::open(&store).expect("the store's lock");
        held.lock().expect("the store");
        let exec = home.vault(&EXEC).start();
        until("it is about to keep them", || listed() == "dev\n");
        let clear = home.vault(&["clear", "dev"]).start();
        std::thread::sleep(Duration::from_millis(10 * moment));
        drop(held);
        exec.wait().success();
        clear.wait().success();
        let (said, asked) = (listed(), home.aws.count("GetRoleCredentials"));
        works(&home);
        let cached = home.aws.count("GetRoleCredentials") == asked;
        assert_eq!(cached, said == "dev\n", "the list says {said:?}");
    }
}
