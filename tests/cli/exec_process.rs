//! `vault exec` and the process: vault becomes the command, which finds PID, signals, files,
//! arguments and streams as if vault had never been there.

use rustix::process::Signal;

use crate::support::fake_aws::Visit;
use crate::support::home::Home;

const VAULT: &str = env!("CARGO_BIN_EXE_vault");

/// The two signals that the C library keeps for its threads; what is done with them is its affair.
const OF_LIBC: u64 = 0b11 << 31;

/// The lines of a `/proc/self/status` that say what is done with signals.
fn signals(status: &str) -> Vec<String> {
    let names = ["SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:"];
    let of_signals = |line: &str| {
        let (name, set) = line.trim().split_once('\t')?;
        let set = u64::from_str_radix(set, 16).ok()? & !OF_LIBC;
        names.contains(&name).then(|| format!("{name} {set:016x}"))
    };
    status.lines().filter_map(of_signals).collect()
}

#[test]
fn the_commands_exit_status_is_vaults() {
    let home = Home::signed_in();
    for code in [0, 1, 2, 4, 42, 125, 130, 255] {
        let script = format!("exit {code}");
        home.exec("dev", &["sh", "-c", &script])
            .output()
            .expect_code(code)
            .silent();
    }
}

#[test]
fn a_command_that_dies_of_a_signal_is_seen_to_die_of_it() {
    let home = Home::signed_in();
    for signal in [1, 2, 9, 10, 13, 15] {
        let script = format!("kill -{signal} $$");
        let output = home.exec("dev", &["sh", "-c", &script]).output();
        assert_eq!(output.signal, Some(signal), "{output:#?}");
    }
}

#[test]
fn the_command_has_vaults_process_id_and_gets_its_signals() {
    let home = Home::signed_in();
    let script = "trap 'echo caught; exit 7' TERM; echo $$ >pid.new; mv pid.new pid; \
                  while :; do sleep 0.02; done";
    let running = home.exec("dev", &["sh", "-c", script]).start();
    let id = running.id();
    home.wait_for_file("pid");
    assert_eq!(home.read("pid").trim(), id.to_string());
    running.signal(Signal::TERM);
    assert_eq!(running.wait().expect_code(7).stdout, "caught\n");
}

/// Runs `cat /proc/self/status` without vault, through vault on a run that has to fetch, and on one
/// that has not.
fn statuses(home: &Home, before: &str) -> [Vec<String>; 3] {
    let cat = "exec cat /proc/self/status";
    let with = format!("{before} exec '{VAULT}' exec dev -- cat /proc/self/status");
    let scripts = [format!("{before} {cat}"), with.clone(), with];
    scripts.map(|script| {
        let run = home.program("/bin/sh").args(&["-c", &script]);
        signals(&run.output().success().stdout)
    })
}

#[test]
fn signals_are_as_they_were_without_vault() {
    for before in ["", "trap '' HUP INT USR1;"] {
        let home = Home::signed_in();
        let [without, fetching, cached] = statuses(&home, before);
        assert_eq!(without.len(), 5, "{without:?}");
        assert_eq!(fetching, without, "fetching, after {before:?}");
        assert_eq!(cached, without, "cached, after {before:?}");
        assert_eq!(home.aws.count("GetRoleCredentials"), 1);
    }
}

#[test]
fn signals_are_as_they_were_behind_a_sign_in_too() {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    let cat = ["cat", "/proc/self/status"];
    let ended = home.exec("dev", &cat).with_browser().on_terminal().wait();
    assert_eq!(ended.code, 0, "{}", ended.screen);
    assert!(ended.screen.contains("/authorize?"), "{}", ended.screen);
    let without = home
        .program("/bin/cat")
        .args(&cat[1..])
        .on_terminal()
        .wait();
    assert_eq!(signals(&ended.screen), signals(&without.screen));
}

#[test]
fn a_broken_pipe_ends_the_command_as_it_would_without_vault() {
    let home = Home::signed_in();
    let script = format!("{{ '{VAULT}' exec dev -- yes; echo $? >status; }} | head -1");
    let output = home
        .program("/bin/sh")
        .args(&["-c", &script])
        .output()
        .success();
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("y\n", "")
    );
    assert_eq!(home.read("status"), "141\n", "128 and SIGPIPE");
}

#[test]
fn the_command_inherits_no_file_of_vaults() {
    let home = Home::signed_in();
    let list = ["ls", "/proc/self/fd"];
    let without = home
        .program("/bin/ls")
        .args(&list[1..])
        .output()
        .success()
        .stdout;
    for state in ["fetching", "cached"] {
        let with = home.exec("dev", &list).output().success().stdout;
        assert_eq!(with, without, "{state}");
    }
}

#[test]
fn umask_limits_and_folder_are_as_they_were_without_vault() {
    let home = Home::signed_in();
    let here = home.path("tmp");
    let show = "umask; pwd; ulimit -a; ulimit -Ha; cat /proc/self/oom_score_adj; nice";
    let set = "umask 027; ulimit -c 4096; ulimit -n 200;";
    let run = |script: &str| {
        let run = home.program("/bin/sh").args(&["-c", script]);
        run.in_folder(&here).output().success().stdout
    };
    let without = run(&format!("{set} {show}"));
    let with = format!("{set} exec '{VAULT}' exec dev -- sh -c '{show}'");
    assert!(without.contains("0027"), "{without}");
    assert_eq!(run(&with), without, "fetching");
    assert_eq!(run(&with), without, "cached");
}

#[test]
fn a_file_that_was_handed_to_vault_reaches_the_command() {
    let home = Home::signed_in();
    home.write("given", "content\n");
    let script = format!("exec '{VAULT}' exec dev -- cat /dev/fd/7 7<given");
    let output = home
        .program("/bin/sh")
        .args(&["-c", &script])
        .output()
        .success();
    assert_eq!(output.stdout, "content\n");
}

#[test]
fn the_streams_are_the_commands_own() {
    let home = Home::signed_in();
    for state in ["fetching", "cached"] {
        let run = home
            .exec("dev", &["sh", "-c", "cat; echo err >&2"])
            .stdin("in\n");
        let output = run.output().success();
        assert_eq!(
            (&*output.stdout, &*output.stderr),
            ("in\n", "err\n"),
            "{state}"
        );
    }
}

#[test]
fn with_credentials_cached_exec_is_silent_and_sends_nothing() {
    let home = Home::signed_in();
    home.exec("dev", &["true"]).output().success().silent();
    let before = home.aws.total();
    home.exec("dev", &["true"]).output().success().silent();
    let ended = home.exec("dev", &["true"]).on_terminal().wait();
    assert_eq!((ended.code, &*ended.screen), (0, ""));
    assert_eq!(home.aws.total(), before);
}

#[test]
fn arguments_and_variables_need_not_be_text() {
    let home = Home::signed_in();
    let script = format!(
        "odd=$(printf '\\377x\\376'); ODD=$odd; export ODD\n\
         exec '{VAULT}' exec dev -- sh -c 'printf \"%s %s\" \"$1\" \"$ODD\" | od -An -tx1' sh \"$odd\""
    );
    let output = home
        .program("/bin/sh")
        .args(&["-c", &script])
        .output()
        .success();
    assert_eq!(output.stdout.trim(), "ff 78 fe 20 ff 78 fe");
}

#[test]
fn arguments_that_look_like_options_are_the_commands() {
    let home = Home::signed_in();
    let command = [
        "printf",
        "%s|",
        "-h",
        "--",
        "--region",
        "",
        "a b",
        "--no-input",
    ];
    let output = home.exec("dev", &command).output().success();
    assert_eq!(output.stdout, "-h|--|--region||a b|--no-input|");
}

#[test]
fn a_command_is_found_as_a_shell_finds_it() {
    let home = Home::signed_in();
    let here = home.path("work");
    let name = |relative: &str| home.write_script(relative, "#!/bin/sh\necho \"$0\"\n");
    name("work/tool");
    name("work/sub/tool");
    let absolute = name("bin/elsewhere").to_string_lossy().into_owned();
    let table = [
        ("./tool", "/bin", "./tool"),
        ("sub/tool", "/bin", "sub/tool"),
        ("tool", "/bin:", "./tool"),
        ("tool", ":/bin", "./tool"),
        ("tool", "/nowhere::/bin", "./tool"),
        ("tool", "/nowhere:.:/bin", "./tool"),
        (&absolute, "/bin", &absolute),
        ("elsewhere", "/nowhere:../bin", "../bin/elsewhere"),
    ];
    for (called, path, zero) in table {
        let run = home
            .exec("dev", &[called])
            .in_folder(&here)
            .env("PATH", path);
        let output = run.output().success();
        assert_eq!(output.stdout.trim(), zero, "`{called}` in PATH={path}");
    }
}

#[test]
fn a_command_that_is_not_there_is_127_and_nothing_is_asked_for_it() {
    let home = Home::consenting();
    for (missing, hint) in [
        ("no-such-command", "hint: check its spelling"),
        ("./no-such-command", "hint: check the path"),
        ("/no/such/command", "hint: check the path"),
        ("ls -l", "hint: write its arguments outside its quotes"),
        ("", "hint: check its spelling"),
    ] {
        let output = home.exec("dev", &[missing]).with_browser().output();
        let error = format!("error: there is no command `{missing}`");
        output.expect_code(127).says(&[&error, hint]);
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_file_that_cannot_be_run_is_126_and_nothing_is_asked_for_it() {
    let home = Home::consenting();
    home.write("data", "no program\n");
    for refused in ["./data", "./bin", "/"] {
        let output = home.exec("dev", &[refused]).output();
        output
            .expect_code(126)
            .says(&["cannot be run", refused, "caused by: "]);
    }
    let output = home.exec("dev", &["./data"]).output();
    output.says(&["hint: see its mode: `chmod +x`"]);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn a_script_without_its_interpreter_is_an_error_of_vaults() {
    let home = Home::signed_in();
    home.write_script("bin/orphan", "#!/no/such/interpreter\n");
    let output = home.exec("dev", &["orphan"]).output();
    assert!(matches!(output.code, Some(126 | 127)), "{output:#?}");
    output.says(&["error: ", "orphan", "hint: check the interpreter"]);
}

#[test]
fn without_a_command_it_is_the_persons_shell() {
    let home = Home::signed_in();
    let shell = home.write_script("bin/my-shell", "#!/bin/sh\necho \"$# as $AWS_VAULT\"\n");
    let run = home
        .vault(&["exec", "dev"])
        .env("SHELL", shell.to_string_lossy());
    assert_eq!(run.output().success().stdout, "0 as dev\n");
    let run = home
        .vault(&["exec", "dev"])
        .without_env("SHELL")
        .stdin("echo in sh; exit 3\n");
    assert_eq!(run.output().expect_code(3).stdout, "in sh\n");
    let run = home.vault(&["exec", "dev"]).env("SHELL", "/no/such/shell");
    run.output().expect_code(127).says(&["/no/such/shell"]);
}

#[test]
fn a_command_on_a_terminal_keeps_the_terminal() {
    let home = Home::signed_in();
    // A shell may take a Ctrl-C just before it starts its next command as that command's; in a loop
    // it can't be lost.
    let script = "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && : </dev/tty && printf 'name? ' && \
                  read name && trap 'echo left; exit 9' INT && echo \"hello $name\" && \
                  while :; do sleep 0.02; done";
    let mut terminal = home.exec("dev", &["sh", "-c", script]).on_terminal();
    terminal.expect("name? ");
    terminal.enter("alice");
    terminal.expect("hello alice");
    terminal.interrupt();
    let ended = terminal.wait();
    assert_eq!(ended.code, 9, "{ended:?}");
}
