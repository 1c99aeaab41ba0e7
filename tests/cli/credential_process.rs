//! Profiles with a `credential_process`: how it is run, what it may print, how often, and what it must
//! not be given.

use std::time::Duration;

use crate::support::home::Home;
use crate::support::scenes::variables;
use crate::support::tools;

/// A home in which a program prints credentials that have an hour to live, under a key id that is new
/// each time, and counts its runs.
struct Scene {
    home: Home,
    secret: String,
    token: String,
}

const HELPER: &str = "[profile helped]\ncredential_process = helper --for 'a b'\n";

impl Scene {
    fn new() -> Self {
        Self::printing("\"Expiration\": \"@end\",")
    }

    /// With another end than in an hour.
    fn printing(expiration: &str) -> Self {
        let home = Home::new();
        let secret = home.aws.make_secret("w/J+", 36);
        let token = home.aws.make_secret("IQoJb3JpZ2luX2VjE", 300);
        let expiration = expiration.replace('"', "\\\"").replace("@end", "$end");
        let script = format!(
            "#!/bin/sh\necho run >>\"$HOME/runs\"\nid=ASIA$(wc -l <\"$HOME/runs\")\n\
             end=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)\n\
             echo \"{{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"$id\\\", {expiration} \
             \\\"SecretAccessKey\\\": \\\"{secret}\\\", \\\"SessionToken\\\": \\\"{token}\\\"}}\"\n"
        );
        home.write_script("bin/helper", &script);
        home.add_config(HELPER);
        Self {
            home,
            secret,
            token,
        }
    }

    /// Another program in its place.
    fn helper(&self, script: &str) {
        self.home
            .write_script("bin/helper", &format!("#!/bin/sh\n{script}\n"));
    }

    fn runs(&self) -> usize {
        self.home.read("runs").lines().count()
    }
}

#[test]
fn what_it_prints_is_handed_out_and_kept_while_it_lasts() {
    let scene = Scene::new();
    let first = scene.home.environment_as("helped");
    assert_eq!(first["AWS_ACCESS_KEY_ID"], "ASIA1");
    assert_eq!(first["AWS_SECRET_ACCESS_KEY"], scene.secret);
    assert_eq!(first["AWS_SESSION_TOKEN"], scene.token);
    assert!(first.contains_key("AWS_CREDENTIAL_EXPIRATION"));
    let exec = scene.home.exec("helped", &["true"]);
    exec.output().success().silent();
    assert_eq!(scene.runs(), 1);
    let listed = scene.home.vault(&["list"]).output().success();
    let line = listed
        .stdout
        .lines()
        .find(|line| line.starts_with("helped"));
    let line = line.expect("it is listed");
    assert!(
        line.contains("credential-process") && line.contains("m left"),
        "{line}"
    );
    let run = scene
        .home
        .vault(&["exec", "--fresh", "helped", "--", "env", "-0"]);
    assert_eq!(variables(run)["AWS_ACCESS_KEY_ID"], "ASIA2");
    let cleared = scene.home.vault(&["clear", "helped"]).output().success();
    cleared.says(&["Cleared 1 session for helped."]);
    let third = scene.home.environment_as("helped");
    assert_eq!(third["AWS_ACCESS_KEY_ID"], "ASIA3");
    assert_eq!(scene.home.aws.total(), 0);
    let verbose = scene.home.vault(&["-v", "exec", "helped", "--", "true"]);
    let verbose = verbose.output().success();
    verbose.says(&["source=\"credential_process\""]);
}

#[test]
fn what_does_not_say_when_it_ends_is_asked_for_each_time() {
    let scene = Scene::printing("");
    for id in ["ASIA1", "ASIA2"] {
        let got = scene.home.environment_as("helped");
        assert_eq!(got["AWS_ACCESS_KEY_ID"], id);
        assert!(!got.contains_key("AWS_CREDENTIAL_EXPIRATION"));
    }
    let listed = scene.home.vault(&["list", "--sessions", "--names"]);
    assert_eq!(listed.output().success().stdout, "");
}

#[test]
fn twenty_at_once_run_it_once_and_where_nothing_is_kept_each_runs_it() {
    let at_once = |scene: &Scene| {
        let runs: Vec<_> = (0..20)
            .map(|_| scene.home.exec("helped", &["true"]).start())
            .collect();
        for run in runs {
            run.wait().success().silent();
        }
        scene.runs()
    };
    assert_eq!(at_once(&Scene::new()), 1);
    assert_eq!(at_once(&Scene::printing("")), 20);
}

#[test]
fn an_edited_line_never_gets_what_the_old_one_printed() {
    let scene = Scene::new();
    let old = scene.home.environment_as("helped")["AWS_ACCESS_KEY_ID"].clone();
    let config = scene.home.read(".aws/config").replace("'a b'", "'a c'");
    scene.home.write(".aws/config", &config);
    let new = scene.home.environment_as("helped")["AWS_ACCESS_KEY_ID"].clone();
    assert_ne!(old, new);
}

#[test]
fn roles_are_assumed_with_what_it_prints() {
    let home = Home::new();
    let key = home.aws.add_user_key("333333333333", "alice");
    home.write_script(
        "bin/helper",
        &format!(
            "#!/bin/sh\necho '{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}'\n",
            key.id, key.secret
        ),
    );
    home.add_config(&format!(
        "{HELPER}[profile deployer]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = helped\n"
    ));
    home.exec("deployer", &["true"]).output().success().silent();
    assert_eq!(home.aws.count("AssumeRole"), 1);
    home.write_script("bin/helper", "#!/bin/sh\nexit 9\n");
    home.exec("deployer", &["true"]).output().success().silent();
    let fresh = home.vault(&["exec", "--fresh", "deployer", "--", "true"]);
    fresh.output().expect_code(125).says(&[
        "error: no credentials for profile `deployer`",
        "caused by: the credential_process of profile `helped` gave no credentials",
        "caused by: `helper` ended with exit status 9",
    ]);
}

/// A profile for SDKs, whose program is vault: what it gives is temporary, which ends a role after 1 h.
#[test]
fn vault_itself_is_such_a_program_for_another_profile() {
    let home = Home::signed_in();
    let vault = env!("CARGO_BIN_EXE_vault");
    home.add_config(&format!(
        "[profile via]\ncredential_process = '{vault}' export dev\n\
         [profile long]\nrole_arn = arn:aws:iam::333333333333:role/LongRun\nsource_profile = via\n\
         duration_seconds = 7200\n"
    ));
    // The vault that the program calls has its passphrase from nobody: the keystore is open.
    let run = home.exec("via", &["env"]).shows_secrets();
    run.output().success();
    home.exec("long", &["true"]).output().success();
    let asked = home.aws.requests("AssumeRole");
    assert_eq!(
        asked[0].parameter("DurationSeconds").as_deref(),
        Some("3600")
    );
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn how_long_they_last_is_the_programs_affair_and_nobody_signs_in() {
    let scene = Scene::new();
    let run = scene
        .home
        .vault(&["exec", "helped", "-d", "2h", "--", "true"]);
    let said = "Note on --duration: the profile's credential_process decides";
    run.output().success().says(&[said]);
    let login = scene
        .home
        .vault(&["login", "helped"])
        .output()
        .expect_code(1);
    login.says(&["it needs no sign-in: `vault exec helped` gets its credentials"]);
}

/// Its stderr is the person's, a pipe on stdin is the command's, and no secret of vault's reaches it;
/// nor do the credentials that an `exec` around it handed over.
#[test]
fn it_runs_in_the_persons_surroundings_without_vaults_secrets() {
    let scene = Scene::new();
    let real = scene.home.read("bin/helper");
    scene.helper(&format!(
        "env >\"$HOME/env\"; cat >\"$HOME/stdin\"; echo touch your key >&2\n{real}"
    ));
    let run = scene.home.exec("helped", &["cat"]).stdin("for the command");
    let output = run.output().success();
    assert_eq!(output.stdout, "for the command");
    assert_eq!(output.stderr, "touch your key\n");
    assert_eq!(scene.home.read("stdin"), "");
    let seen = scene.home.read("env");
    assert!(
        seen.contains("AWS_VAULT_CREDENTIAL_PROCESS=helped\n"),
        "{seen}"
    );
    assert!(!seen.contains("AWS_VAULT_FILE_PASSPHRASE"), "{seen}");
    let vault = env!("CARGO_BIN_EXE_vault");
    let inner = scene
        .home
        .vault(&["exec", "helped", "--", vault, "exec", "--fresh", "helped"]);
    let inner = inner.args(&[
        "--",
        "sh",
        "-c",
        "echo $AWS_ACCESS_KEY_ID $AWS_VAULT_CREDENTIAL_PROCESS",
    ]);
    let inner = inner.env("AWS_PROFILE", "mine").output().success();
    assert_eq!(inner.stdout, "ASIA2\n");
    let seen = scene.home.read("env");
    assert!(!seen.contains("AWS_ACCESS_KEY_ID"), "{seen}");
    assert!(!seen.contains("AWS_VAULT="), "{seen}");
}

/// Runs a line and a program that give no credentials.
#[track_caller]
fn fails(scene: &Scene, line: &str, script: &str, says: &[&str]) {
    let before = scene.home.read(".aws/config");
    let broken = format!("{before}\n[profile broken]\ncredential_process = {line}\n");
    scene.home.write(".aws/config", &broken);
    scene.helper(script);
    let output = scene.home.exec("broken", &["true"]).output();
    scene.home.write(".aws/config", &before);
    let first = [
        "error: no credentials for profile `broken`",
        "credential_process",
    ];
    output.expect_code(125).says(&first).says(says);
    // Nothing of it was kept.
    let listed = scene.home.vault(&["list", "--sessions", "--names"]);
    assert_eq!(listed.output().success().stdout, "");
}

/// Its arguments and its output may hold secrets: no error shows them.
const HELPER_WITH_SECRET: &str = "helper --password hunter2-argument";

fn with_secrets() -> Scene {
    let scene = Scene::new();
    scene.home.secret("hunter2-argument");
    scene.home.secret("hunter2-output");
    scene
}

#[test]
fn what_can_not_be_run_to_its_end_is_said() {
    let scene = with_secrets();
    let line = "no-such-helper hunter2-argument";
    let missing = "there is no program `no-such-helper`";
    fails(&scene, line, "", &[missing, "hint: "]);
    let tilde = [
        "there is no program `~/helper`",
        "`~` and `$HOME` stay as they are",
    ];
    fails(&scene, "~/helper", "", &tilde);
    let denied = [
        "the program `/etc/passwd` cannot be run",
        "ermission denied",
    ];
    fails(&scene, "/etc/passwd", "", &denied);
    let open = "its line has a quotation or an escape that does not end";
    fails(&scene, "helper 'hunter2-argument", "", &[open]);
    fails(&scene, "''", "", &["its line names no program"]);
    let helper = HELPER_WITH_SECRET;
    let status = "`helper` ended with exit status 3";
    fails(&scene, helper, "echo hunter2-output; exit 3", &[status]);
    let signal = "`helper` was ended by signal 15";
    fails(&scene, helper, "kill -TERM $$", &[signal]);
    let long = "`helper` printed more than 1024 KiB";
    fails(&scene, helper, "yes hunter2-output", &[long]);
}

#[test]
fn what_is_no_credentials_is_said() {
    let scene = with_secrets();
    let none = "the output of `helper` cannot be used: there is none";
    fails(&scene, HELPER_WITH_SECRET, "", &[none]);
    let table = [
        ("echo AKIA hunter2-output", "it is not JSON"),
        ("printf '\\377\\376{'", "it is not JSON"),
        ("echo '{\"Version\": 2}'", "its `Version` is 2"),
        ("echo '{\"Version\": 1}'", "`AccessKeyId` is missing"),
        (
            "echo '{\"Version\": 1, \"AccessKeyId\": \"A\", \"SecretAccessKey\": \
             \"hunter2-output\", \"Expiration\": \"2020-01-01T00:00:00Z\"}'",
            "its `Expiration` is past",
        ),
    ];
    for (script, says) in table {
        fails(&scene, HELPER_WITH_SECRET, script, &[says]);
    }
}

/// More than a pipe holds, before and after.
#[test]
fn a_long_answer_is_read_to_its_end() {
    let scene = Scene::new();
    let real = scene.home.read("bin/helper");
    let spaces = "head -c 200000 /dev/zero | tr '\\0' ' '";
    scene.helper(&format!("{spaces}\n{real}\n{spaces}"));
    let got = scene.home.environment_as("helped");
    assert_eq!(got["AWS_SECRET_ACCESS_KEY"], scene.secret);
}

#[test]
fn a_program_that_asks_vault_for_what_it_is_to_give_is_told_so_at_once() {
    let home = Home::new();
    let vault = env!("CARGO_BIN_EXE_vault");
    home.add_config(&format!(
        "[profile self]\ncredential_process = '{vault}' exec self -- true\n\
         [profile one]\ncredential_process = '{vault}' exec two -- true\n\
         [profile two]\ncredential_process = '{vault}' exec over-one -- true\n\
         [profile over-one]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = one\n"
    ));
    let said = home.exec("self", &["true"]).output().expect_code(125);
    said.says(&[
        "it asks vault for what it is to give itself: self → self",
        "hint: it has to get them elsewhere; `vault add self` stores a long-lived key",
        "ended with exit status 125",
    ]);
    let said = home.exec("one", &["true"]).output().expect_code(125);
    said.says(&["itself: one → two → one"]);
}

/// One that does not care for Ctrl-C ends with vault all the same, and so does what it started.
#[test]
fn an_interrupt_ends_it_with_all_that_it_started() {
    let scene = Scene::new();
    scene.helper(
        "trap '' INT\nsh -c 'echo $$ >\"$HOME/grandchild\"; echo waiting >&2; sleep 100; true'\ntrue",
    );
    let mut terminal = scene.home.exec("helped", &["true"]).on_terminal();
    terminal.expect("waiting");
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 130, "{}", ended.screen);
    assert!(!ended.screen.contains("error"), "{}", ended.screen);
    let grandchild = scene.home.read("grandchild");
    let entry = format!("/proc/{}/stat", grandchild.trim());
    let gone = || !std::fs::read_to_string(&entry).is_ok_and(|stat| !stat.contains(") Z "));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !gone() {
        assert!(std::time::Instant::now() < deadline, "it lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// On a terminal it may ask, as it may under the AWS CLI, and Ctrl-C there ends both.
#[test]
fn on_a_terminal_it_asks_and_ctrl_c_ends_it() {
    let scene = Scene::new();
    let real = scene.home.read("bin/helper");
    scene.helper(&format!(
        "printf 'Code: ' >&2; read code; test $code = 42 || exit 1\n{real}"
    ));
    let mut terminal = scene
        .home
        .exec("helped", &["sh", "-c", "echo as $AWS_VAULT"])
        .on_terminal();
    terminal.expect("Code: ");
    terminal.enter("42");
    terminal.expect("as helped");
    assert_eq!(terminal.wait().code, 0);
    let fresh = scene
        .home
        .vault(&["exec", "--fresh", "helped", "--", "echo", "ran"]);
    let mut terminal = fresh.on_terminal();
    terminal.expect("Code: ");
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 130, "{}", ended.screen);
    assert!(
        !ended.screen.contains("error") && !ended.screen.contains("ran"),
        "{}",
        ended.screen
    );
}

/// One line serves both: its words are those that botocore finds, and the AWS CLI gets the same
/// credentials from it.
#[test]
fn a_line_means_what_it_means_to_the_aws_cli() {
    let scene = Scene::new();
    let real = scene.home.read("bin/helper");
    let lines = [
        r"helper a  b	c",
        r#"helper "a b" 'c "d"' e\ f"#,
        r#"helper "a\"b\c\\d" 'x\y' a"b c"d"#,
        r"helper '' $HOME ~ * `id` # ; | & > <",
        r"helper ünï 'ç d'",
        r#""helper" --x='a=b' \'q\'"#,
    ];
    scene.helper(&format!(
        "printf '%s\\n' \"$#\" \"$@\" >\"$HOME/seen\"\n{real}"
    ));
    let script = "import sys\nfrom botocore.compat import compat_shell_split\n\
                  words = compat_shell_split(sys.argv[1])[1:]\n\
                  print(len(words), *words, sep='\\n')";
    for line in lines {
        let config = format!("[profile helped]\ncredential_process = {line}\nregion = eu-west-1\n");
        scene.home.write(".aws/config", &config);
        let botocore = scene
            .home
            .program(tools::python())
            .args(&["-c", script, line]);
        let expected = botocore.output().success().stdout;
        scene.home.exec("helped", &["true"]).output().success();
        assert_eq!(scene.home.read("seen"), expected, "{line}");
        scene.home.write("seen", "");
        let export = ["configure", "export-credentials", "--profile", "helped"];
        let alone = scene.home.program(tools::aws_cli()).args(&export);
        let alone = alone.shows_secrets().output().success();
        assert!(alone.stdout.contains(&scene.secret), "{alone:?}");
        assert_eq!(scene.home.read("seen"), expected, "{line}");
    }
}
