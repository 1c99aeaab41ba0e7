//! `vault rotate`: a new key in the place of the old one. Whatever happens on the way, a key that works
//! is stored, and the next run says where the last one stopped and ends it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::fake_aws::Fault;
use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::tools;

/// It is done, and the answer does not come.
const UNANSWERED: Fault = Fault::Late(Duration::from_secs(60));

const DEVICE: &str = "arn:aws:iam::444444444444:mfa/jo";

fn rotate<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    home.vault(&["rotate", "jo"]).args(arguments)
}

/// The user's keys at IAM.
fn keys(home: &Home) -> Vec<String> {
    home.aws.user_keys("444444444444", "jo")
}

/// The one key at IAM, which is another than `old`.
#[track_caller]
fn new_key(home: &Home, old: &str) -> String {
    let [only] = &keys(home)[..] else {
        panic!("not one key: {:?}", keys(home));
    };
    assert_ne!(only, old);
    only.clone()
}

/// Whether a command gets a session of a key that AWS accepts.
#[track_caller]
fn works(home: &Home) {
    let run = home.vault(&["exec", "--fresh", "jo", "--", "true"]);
    run.output().success().silent();
}

/// Waits until the nth request of an operation (counted from 0) came, and was done where it is to be.
#[track_caller]
fn wait_for(home: &Home, operation: &str, nth: usize, done: bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let came = || {
        let requests = home.aws.requests(operation);
        requests
            .get(nth)
            .is_some_and(|request| !done || request.status != 0)
    };
    while !came() {
        assert!(Instant::now() < deadline, "no {operation} came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a rotation where it waits for the answer to a request.
#[track_caller]
fn killed_at(home: &Home, operation: &str, fault: Fault) {
    let done = matches!(fault, Fault::Late(_));
    let nth = home.aws.count(operation);
    home.aws.fault(operation, fault, 1);
    let run = rotate(home, &[]).start();
    wait_for(home, operation, nth, done);
    run.signal(Signal::KILL);
    assert_eq!(run.wait().signal, Some(9));
}

#[test]
fn a_new_key_takes_the_place_of_the_old_one() {
    let (home, old) = Home::with_stored_key();
    home.exec("jo", &["true"]).output().success();
    assert_eq!(home.listed("session-token/"), 1);
    let output = rotate(&home, &[]).output().success();
    let new = new_key(&home, &old.id);
    assert_eq!(output.stdout, "");
    let made = format!("IAM has made the key {new} for jo.");
    let now = format!("The key of jo is {new} now, and {} is deleted.", old.id);
    assert_eq!(output.stderr, format!("{made}\n{now}\n"));
    // Nothing that was got with the old key is left, nor any trace of the rotation.
    assert_eq!(home.listed("session-token/") + home.listed("rotation/"), 0);
    works(&home);
    // The new key has proved itself at IAM before the old one went.
    let deleted = home.aws.requests("DeleteAccessKey");
    assert!(deleted[0].header("authorization").unwrap().contains(&new));
}

#[test]
fn until_aws_knows_the_new_key_the_old_one_is_used() {
    let (home, old) = Home::with_stored_key();
    home.aws
        .configure(|behaviour| behaviour.key_propagation = Duration::from_secs(3));
    let run = rotate(&home, &[]).start();
    wait_for(&home, "GetCallerIdentity", 0, true);
    assert_eq!(keys(&home).len(), 2);
    works(&home);
    run.wait().success().says(&["Waiting until AWS knows it"]);
    new_key(&home, &old.id);
    works(&home);
}

#[test]
fn a_rotation_that_is_killed_leaves_a_key_that_works_and_the_next_one_ends_it() {
    let (home, key) = Home::with_stored_key();
    let mut old = key.id;
    for (operation, fault, says) in [
        ("ListAccessKeys", Fault::Hang, "IAM has made the key"),
        (
            "CreateAccessKey",
            Fault::Hang,
            "stopped when it had IAM make a key",
        ),
        (
            "GetCallerIdentity",
            Fault::Hang,
            "stopped when IAM had made AKIA",
        ),
        ("DeleteAccessKey", Fault::Hang, "was deleted: going on"),
        ("DeleteAccessKey", UNANSWERED, "was deleted: going on"),
    ] {
        killed_at(&home, operation, fault);
        works(&home);
        rotate(&home, &[]).output().success().says(&[says]);
        works(&home);
        old = new_key(&home, &old);
        assert_eq!(home.listed("rotation/"), 0);
    }
}

#[test]
fn a_key_whose_secret_never_came_is_deleted_after_a_yes_alone() {
    let (home, old) = Home::with_stored_key();
    let lose = || {
        killed_at(&home, "CreateAccessKey", UNANSWERED);
        works(&home);
        let stored = home.stored_key("jo");
        keys(&home).into_iter().find(|key| *key != stored).unwrap()
    };
    let lost = lose();
    let output = rotate(&home, &[]).output().expect_code(1);
    output.says(&[
        "whose secret never came",
        &lost,
        "hint: `vault rotate jo --force`",
    ]);
    let mut terminal = rotate(&home, &[]).on_terminal();
    terminal.expect(&format!("delete {lost} (active, made on 20"));
    terminal.enter("");
    terminal.expect("stays");
    assert_eq!(terminal.wait().code, 1);
    assert_eq!(keys(&home).len(), 2);
    let mut terminal = rotate(&home, &[]).on_terminal();
    terminal.expect(&format!("delete {lost}"));
    terminal.enter("y");
    terminal.expect(&format!("Deleted {lost}, whose secret never came."));
    terminal.expect("is deleted.");
    assert_eq!(terminal.wait().code, 0);
    let new = new_key(&home, &old.id);
    works(&home);
    let lost = lose();
    rotate(&home, &["--force"])
        .output()
        .success()
        .says(&[&format!("Deleted {lost}")]);
    new_key(&home, &new);
    works(&home);
}

#[test]
fn a_new_key_that_somebody_deletes_before_it_is_used_is_given_up() {
    let (home, key) = Home::with_stored_key();
    killed_at(&home, "GetCallerIdentity", Fault::Hang);
    let made = keys(&home).into_iter().find(|id| *id != key.id).unwrap();
    home.aws.delete_key(&made);
    works(&home);
    let output = rotate(&home, &[]).output().success();
    output.says(&[&format!(
        "IAM does not list {made} any more: beginning anew"
    )]);
    assert_ne!(new_key(&home, &key.id), made);
    assert_eq!(home.listed("rotation/"), 0);
    works(&home);
}

/// No time makes it active: it is not waited for.
#[test]
fn a_new_key_that_somebody_made_inactive_is_said_at_once() {
    let (home, key) = Home::with_stored_key();
    killed_at(&home, "GetCallerIdentity", Fault::Hang);
    let made = keys(&home).into_iter().find(|id| *id != key.id).unwrap();
    home.aws.deactivate_key(&made);
    let asked = home.aws.count("GetCallerIdentity");
    let output = rotate(&home, &[]).output().expect_code(1);
    output.says(&[
        &format!("the new key {made} is inactive at IAM, and is not used yet"),
        "hint: make it active there, or delete it; `vault rotate jo` goes on then",
    ]);
    assert_eq!(home.aws.count("GetCallerIdentity"), asked + 1);
    works(&home);
    home.aws.delete_key(&made);
    rotate(&home, &[]).output().success();
    new_key(&home, &key.id);
    works(&home);
}

#[test]
fn a_new_key_that_iam_lists_is_waited_for_however_late_aws_knows_it() {
    let (home, key) = Home::with_stored_key();
    home.aws
        .configure(|behaviour| behaviour.key_propagation = Duration::from_secs(4));
    killed_at(&home, "GetCallerIdentity", Fault::Hang);
    let made = keys(&home).into_iter().find(|id| *id != key.id).unwrap();
    let output = rotate(&home, &[]).output().success();
    output.says(&["Waiting until AWS knows it"]);
    assert_eq!(new_key(&home, &key.id), made);
}

#[test]
fn doctor_leaves_a_new_key_that_is_not_used_yet() {
    let (home, key) = Home::with_stored_key();
    killed_at(&home, "GetCallerIdentity", Fault::Hang);
    let made = keys(&home).into_iter().find(|id| *id != key.id).unwrap();
    let output = home.doctor().args(&["--fix"]).output().expect_code(1);
    output.finds(&[
        "a rotation of the long-lived key of `jo` has begun, and not ended",
        "`vault rotate jo`",
    ]);
    rotate(&home, &[]).output().success();
    assert_eq!(new_key(&home, &key.id), made);
    works(&home);
}

/// Every file is put in its place by a rename: before each of them vault is killed.
#[test]
fn a_kill_between_any_two_writes_loses_no_key() {
    let (home, key) = Home::with_stored_key();
    let mut old = key.id;
    for nth in 1.. {
        let killed = strace(&home, &format!("signal=KILL:when={nth}")).output();
        works(&home);
        if killed.code == Some(0) {
            assert!(nth > 7, "only {nth} writes were found");
            break;
        }
        assert_eq!((killed.code, killed.signal), (None, Some(9)), "{killed:#?}");
        // The key came, and its secret may have gone with the process.
        rotate(&home, &["--force"]).output().success();
        old = new_key(&home, &old);
        works(&home);
        // What the list says of it is true again.
        let asked = home.vault(&["remove", "jo"]).output().expect_code(2);
        asked.says(&[&format!("whether the key {old} is to go")]);
    }
}

/// A rotation whose renames meet something.
fn strace<'h>(home: &'h Home, what: &str) -> Run<'h> {
    let renames = "rename,renameat,renameat2";
    home.program(tools::need("strace", "strace")).args(&[
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={renames}"),
        "-e",
        &format!("inject={renames}:{what}"),
        env!("CARGO_BIN_EXE_vault"),
        "rotate",
        "jo",
    ])
}

#[test]
fn a_new_key_that_can_not_be_stored_is_deleted_again() {
    let (home, old) = Home::with_stored_key();
    // The first two writes say that IAM is about to be asked, the third is of the new key.
    let output = strace(&home, "error=ENOSPC:when=3").output().expect_code(1);
    output.says(&[
        "error: the new key AKIA",
        "can't be stored, and was deleted again",
        "No space left",
    ]);
    assert_eq!(keys(&home), std::slice::from_ref(&old.id));
    works(&home);
    rotate(&home, &[]).output().success();
    new_key(&home, &old.id);
}

#[test]
fn a_user_with_two_keys_is_told_which() {
    let (home, old) = Home::with_stored_key();
    let other = home.aws.add_user_key("444444444444", "jo");
    home.aws.deactivate_key(&other.id);
    let output = rotate(&home, &[]).output().expect_code(1);
    let first = format!("{}, which is stored here", old.id);
    let second = format!("{} (inactive, made on 20", other.id);
    let hint = format!(
        "vault exec -n jo -- aws iam delete-access-key --access-key-id {}",
        other.id
    );
    output.says(&[
        "the user has 2 keys, and IAM allows no more",
        &first,
        &second,
        &hint,
    ]);
    assert_eq!(home.aws.count("CreateAccessKey"), 0);
    works(&home);
}

#[test]
fn a_key_that_somebody_else_makes_meanwhile_is_found() {
    let (home, _) = Home::with_stored_key();
    home.aws
        .fault("CreateAccessKey", Fault::Slow(Duration::from_secs(1)), 1);
    let run = rotate(&home, &[]).start();
    wait_for(&home, "CreateAccessKey", 0, false);
    let other = home.aws.add_user_key("444444444444", "jo");
    run.wait()
        .expect_code(1)
        .says(&["the user has 2 keys", &other.id]);
    assert_eq!(home.listed("rotation/"), 0);
    works(&home);
}

#[test]
fn what_iam_refuses_is_said_and_can_be_taken_up_again() {
    let (home, old) = Home::with_stored_key();
    let deny = |denied: &[&'static str]| {
        let denied = denied.to_vec();
        home.aws
            .configure(|behaviour| behaviour.iam_denies = denied);
    };
    for (operation, says) in [
        ("ListAccessKeys", "cannot list the keys of the user"),
        ("CreateAccessKey", "cannot make a new key"),
    ] {
        deny(&[operation]);
        let output = rotate(&home, &[]).output().expect_code(1);
        output.says(&[
            says,
            "is not authorized to perform",
            "hint: ",
            operation,
            "mfa_serial",
        ]);
        assert_eq!(keys(&home), std::slice::from_ref(&old.id));
        assert_eq!(home.listed("rotation/"), 0);
    }
    deny(&["DeleteAccessKey"]);
    let output = rotate(&home, &[]).output().expect_code(1);
    let there = format!("{} is still there", old.id);
    output.says(&["is used now, and", &there, "hint: ", "vault rotate jo"]);
    works(&home);
    deny(&[]);
    rotate(&home, &[]).output().success().says(&["going on"]);
    new_key(&home, &old.id);
    works(&home);
}

#[test]
fn an_answer_that_does_not_come_leaves_the_question_to_the_next_run() {
    let (home, old) = Home::with_stored_key();
    for fault in [Fault::Close, Fault::CutShort, Fault::Status(500)] {
        let asked = home.aws.count("CreateAccessKey");
        home.aws.fault("CreateAccessKey", fault, 1);
        let output = rotate(&home, &[]).output().expect_code(1);
        output.says(&[
            "whether IAM has made a key is not known",
            "hint: ",
            "vault rotate jo",
        ]);
        // A second request could have made a second key.
        assert_eq!(home.aws.count("CreateAccessKey"), asked + 1);
        works(&home);
        rotate(&home, &["--force"]).output().success();
        works(&home);
    }
    new_key(&home, &old.id);
}

#[test]
fn a_key_that_aws_does_not_know_any_more_is_named() {
    let (home, key) = Home::with_stored_key();
    home.aws.deactivate_key(&key.id);
    let output = rotate(&home, &[]).output().expect_code(1);
    output.says(&[
        "cannot list the keys of the user",
        "is not accepted",
        "hint: ",
        "vault add",
    ]);
    assert_eq!(home.listed("access-key/"), 1);
}

#[test]
fn with_a_device_a_session_with_mfa_asks_iam() {
    let (home, old) = Home::with_stored_key();
    let serial = format!("mfa_serial = {DEVICE}\n");
    home.aws.configure(|behaviour| {
        behaviour.iam_wants_mfa = true;
        behaviour
            .mfa_codes
            .insert(DEVICE.to_owned(), "123456".to_owned());
    });
    let output = rotate(&home, &[]).output().expect_code(1);
    output.says(&["is not authorized", "the profile has to say `mfa_serial`"]);
    let config = home
        .read(".aws/config")
        .replace("[profile jo]\n", &format!("[profile jo]\n{serial}"));
    home.write(".aws/config", &config);
    let output = rotate(&home, &[]).output().expect_code(4);
    output.says(&["MFA device", "--mfa-token"]);
    rotate(&home, &["-t", "123456"]).output().success();
    new_key(&home, &old.id);
    // One code for all of it.
    assert_eq!(home.aws.count("GetSessionToken"), 1);
    for operation in ["CreateAccessKey", "DeleteAccessKey"] {
        let requests = home.aws.requests(operation);
        let signed = requests.last().unwrap().header("authorization").unwrap();
        assert!(signed.contains("Credential=ASIA"), "{operation}: {signed}");
    }
}

#[test]
fn of_two_at_once_one_rotates() {
    let (home, old) = Home::with_stored_key();
    let runs = [rotate(&home, &[]).start(), rotate(&home, &[]).start()];
    let outputs = runs.map(|run| run.wait().success());
    assert_eq!(home.aws.count("CreateAccessKey"), 1, "{outputs:#?}");
    let new = new_key(&home, &old.id);
    let said = format!("Another vault has just rotated the key of jo: it is {new} now.");
    let other = outputs
        .iter()
        .filter(|output| output.stderr.contains(&said));
    assert_eq!(other.count(), 1, "{outputs:#?}");
    works(&home);
}

#[test]
fn a_command_that_read_the_old_key_just_before_it_went_gets_the_new_one() {
    let (home, old) = Home::with_stored_key();
    home.aws
        .fault("GetSessionToken", Fault::Slow(Duration::from_secs(5)), 1);
    let command = home.exec("jo", &["true"]).start();
    wait_for(&home, "GetSessionToken", 0, false);
    rotate(&home, &[]).output().success();
    let new = new_key(&home, &old.id);
    command.wait().success();
    let asked = home.aws.requests("GetSessionToken");
    let signers = asked
        .iter()
        .map(|request| request.header("authorization").unwrap());
    let signers: Vec<_> = signers.collect();
    assert!(
        signers[0].contains(&old.id) && signers[1].contains(&new),
        "{signers:?}"
    );
}

#[test]
fn a_rotation_that_has_begun_is_in_the_way_of_add_and_goes_with_remove() {
    let (home, old) = Home::with_stored_key();
    killed_at(&home, "GetCallerIdentity", Fault::Hang);
    let new = keys(&home).into_iter().find(|key| *key != old.id).unwrap();
    let third = home.aws.add_user_key("555555555555", "jo");
    let output = home
        .add_key("jo", &third)
        .args(&["--force"])
        .output()
        .expect_code(1);
    output.says(&[
        "a rotation of the key of `jo` has begun",
        "vault rotate jo",
        "vault remove jo",
    ]);
    let output = home.vault(&["remove", "jo", "--force"]).output().success();
    output.says(&[&format!("key-id {}", old.id), &format!("key-id {new}")]);
    assert_eq!(home.listed("rotation/") + home.listed("access-key/"), 0);
    home.add_key("jo", &third).output().success();
}

#[test]
fn each_partition_has_an_iam_of_its_own() {
    let (home, _) = Home::with_stored_key();
    let config = home.read(".aws/config");
    for (region, host) in [
        ("eu-central-1", "iam.amazonaws.com"),
        ("cn-north-1", "iam.cn-north-1.amazonaws.com.cn"),
        ("us-gov-east-1", "iam.us-gov.amazonaws.com"),
    ] {
        let section = format!("[profile jo]\nregion = {region}\n");
        home.write(".aws/config", &config.replace("[profile jo]\n", &section));
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", proxy.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = proxy.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
            line
        });
        let run = rotate(&home, &[]).without_env("AWS_ENDPOINT_URL_IAM");
        run.env("HTTPS_PROXY", &address).output().expect_code(1);
        let line = asked.join().unwrap();
        assert!(line.starts_with(&format!("CONNECT {host}:443 ")), "{line}");
    }
}
