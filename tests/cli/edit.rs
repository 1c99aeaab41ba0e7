//! Edits of `~/.aws/config` by the built binary: a kill at any system call, a disk or a system that says
//! no, other people's owners and access lists, the AWS CLI's own idea of the same edit, and another vault
//! that holds the lock.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::time::Duration;

use crate::support::home::Home;
use crate::support::run::{Output, Run};
use crate::support::tools;

/// A file as people have them: comments, odd spaces, a line that goes on, a profile that can't work, keys
/// that nobody knows; and lines that end in two ways.
const BY_HAND: &str = "\
# mine: keep
[sso-session corp]
  sso_start_url=https://corp.awsapps.com/start#/
sso_region = eu-central-1

; the old one
[profile admin]
region\t=  eu-west-1   \r
s3 =
    max_concurrent_requests = 20
colour = blue
sso_session = corp
sso_account_id = 111111111111
sso_role_name = ReadOnly
# not this one's

[profile broken]
source_profile = nobody
role_arn = arn:aws:iam::333333333333:role/
  Deployer

[default]
output=json";

/// The edit of these tests: two keys of a profile get another value.
const EDIT: [&str; 12] = [
    "configure",
    "--sso-session",
    "corp",
    "--account",
    "222222222222",
    "--role",
    "ReadOnly",
    "--profile",
    "admin",
    "--region",
    "eu-north-1",
    "--force",
];

fn edited() -> String {
    BY_HAND
        .replace("=  eu-west-1   ", "=  eu-north-1   ")
        .replace(
            "sso_account_id = 111111111111",
            "sso_account_id = 222222222222",
        )
}

fn home() -> Home {
    let home = Home::new();
    home.write(".aws/config", BY_HAND);
    home
}

/// vault under strace, which does something at a system call.
fn injected<'h>(home: &'h Home, options: &[&str], arguments: &[&str]) -> Run<'h> {
    let strace = home.program(tools::need("strace", "strace"));
    strace
        .args(&["-f", "-qq", "-o", "/dev/null"])
        .args(options)
        .args(&[env!("CARGO_BIN_EXE_vault")])
        .args(arguments)
}

/// What is in `~/.aws` besides the file.
fn beside(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path(".aws")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name != "config").collect();
    names.sort();
    names
}

#[test]
fn an_edit_changes_what_was_asked_for_and_no_other_byte() {
    let home = home();
    let said = home.vault(&EDIT).output().success();
    assert_eq!(home.read(".aws/config"), edited());
    let copy = home.path(".aws/config.vault-backup");
    said.says(&[&format!(
        "The file as it was, without secrets, is kept as {}",
        copy.display()
    )]);
    assert_eq!(home.read(".aws/config.vault-backup"), BY_HAND);
    assert_eq!(beside(&home), ["config.vault-backup"]);
}

/// Killed at each call of these that an edit makes, one after the other; the calls before the edit
/// begins, which are the same for every command, are left out of those that there are many of.
#[test]
fn killed_at_any_moment_it_leaves_the_old_file_or_the_new_one() {
    let calls = [
        ("write", 1),
        ("fsync", 1),
        ("rename,renameat,renameat2", 1),
        ("unlink,unlinkat", 1),
        ("fchmod,chmod,fchown", 1),
        ("flock", 1),
        ("mkdir,mkdirat", 1),
        ("openat", 6),
    ];
    let home = home();
    let (mut killed, mut new) = (0, 0);
    for (call, first) in calls {
        for nth in first.. {
            home.write(".aws/config", BY_HAND);
            let _ = fs::remove_file(home.path(".aws/config.vault-backup"));
            let kill = format!("inject={call}:signal=SIGKILL:when={nth}");
            let run = injected(&home, &["-e", &kill], &EDIT).output();
            let left = home.read(".aws/config");
            assert!(
                left == BY_HAND || left == edited(),
                "{call} {nth}: {left:?}"
            );
            new += usize::from(left != BY_HAND);
            let copy = home.read(".aws/config.vault-backup");
            assert!(copy.is_empty() || copy == BY_HAND, "{call} {nth}: {copy:?}");
            if run.signal.is_none() {
                run.success();
                break;
            }
            killed += 1;
            // Whatever it left in the way, the next one comes through.
            home.vault(&EDIT).output().success();
            assert_eq!(home.read(".aws/config"), edited(), "{call} {nth}");
            assert_eq!(beside(&home), ["config.vault-backup"], "{call} {nth}");
        }
    }
    assert!(killed >= 20, "{killed}");
    // Each kind ends with a run that nothing stopped; some were killed when the file was there.
    assert!(new > calls.len(), "{new}");
}

#[test]
fn a_sync_that_is_killed_leaves_the_old_file_or_the_new_one() {
    let home = Home::signed_in();
    let old = home.read(".aws/config");
    let dry = home.vault(&["configure", "sync", "--dry-run"]).output();
    assert!(dry.success().stdout.contains("+[profile prod-admin]"));
    for call in ["fsync", "rename,renameat,renameat2", "unlink,unlinkat"] {
        for nth in 1.. {
            home.write(".aws/config", &old);
            let kill = format!("inject={call}:signal=SIGKILL:when={nth}");
            let run = injected(&home, &["-e", &kill], &["configure", "sync"]).output();
            let left = home.read(".aws/config");
            let whole = left.starts_with(&old) && left.matches("vault_sync").count() == 4;
            assert!(left == old || whole, "{call} {nth}: {left:?}");
            if run.signal.is_none() {
                run.success();
                break;
            }
        }
    }
}

/// A system that says no, at that call on that file: what vault says, and what is left.
#[track_caller]
fn refused(call: &str, error: &str, on: &str, says: &[&str]) {
    let home = home();
    let inject = format!("inject={call}:error={error}");
    let path = home.path(on).to_string_lossy().into_owned();
    let run = injected(&home, &["-P", &path, "-e", &inject], &EDIT);
    let output: Output = run.output().expect_code(1);
    output
        .says(&["error: cannot write ", ".aws/config", "hint: "])
        .says(says);
    assert_eq!(home.read(".aws/config"), BY_HAND);
    // A copy that stayed would be taken for the file as it was before an edit that comes later.
    assert_eq!(beside(&home), [""; 0]);
}

#[test]
fn a_system_that_says_no_is_quoted_and_the_file_stays() {
    let new = ".aws/config.vault-new";
    refused("write", "ENOSPC", new, &["No space left on device"]);
    refused("fsync", "EIO", new, &["Input/output error"]);
    refused("openat", "EACCES", new, &["Permission denied"]);
    let mounted = ["resource busy", "mount its directory"];
    refused("rename,renameat,renameat2", "EBUSY", new, &mounted);
    // In the way of the backup: then there is no edit.
    let copy = ".aws/config.vault-backup.vault-new";
    refused("write", "ENOSPC", copy, &["No space left on device"]);
}

/// Another user's file, which root edits: it stays theirs, and so does who may read it.
#[test]
fn owner_mode_and_access_list_stay() {
    let home = home();
    let config = home.path(".aws/config");
    // For this user all; for user 4711 reading; for everybody else nothing.
    let access_list = "import os, struct, sys\n\
        entries = [(1, 6, 0xffffffff), (2, 4, 4711), (4, 0, 0xffffffff), (16, 4, 0xffffffff), (32, 0, 0xffffffff)]\n\
        value = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)\n\
        if sys.argv[2] == 'set': os.setxattr(sys.argv[1], 'system.posix_acl_access', value)\n\
        else: assert os.getxattr(sys.argv[1], 'system.posix_acl_access') == value, sys.argv[1]\n";
    let python = |what: &str, file: &str| {
        let path = home.path(file).to_string_lossy().into_owned();
        let python = home.program(tools::need("python3", "python3"));
        python
            .args(&["-c", access_list, &path, what])
            .output()
            .success();
    };
    python("set", ".aws/config");
    if rustix::process::getuid().is_root() {
        std::os::unix::fs::chown(&config, Some(4712), Some(4713)).unwrap();
    }
    let before = fs::metadata(&config).unwrap();
    home.vault(&EDIT).output().success();
    assert_eq!(home.read(".aws/config"), edited());
    for file in [".aws/config", ".aws/config.vault-backup"] {
        let after = fs::metadata(home.path(file)).unwrap();
        let of = |m: &fs::Metadata| (m.uid(), m.gid(), m.mode());
        assert_eq!(of(&after), of(&before), "{file}");
        python("get", file);
    }
    assert_ne!(fs::metadata(&config).unwrap().ino(), before.ino());
}

#[test]
fn an_owner_that_can_not_be_kept_is_a_reason_to_leave_the_file() {
    let home = home();
    let config = home.path(".aws/config");
    // Not root, who may give files away: a file of another group of this user's will do.
    if !rustix::process::getuid().is_root() {
        return not_root_is_asked_by_the_system(&home);
    }
    std::os::unix::fs::chown(&config, Some(4712), Some(4713)).unwrap();
    let run = injected(&home, &["-e", "inject=fchown:error=EPERM"], &EDIT);
    run.output().expect_code(1).says(&[
        "cannot write ",
        "the new file can't be given the old one's owner",
        "not permitted",
    ]);
    assert_eq!(home.read(".aws/config"), BY_HAND);
    assert_eq!(fs::metadata(&config).unwrap().uid(), 4712);
}

/// A user's own file is nobody else's: there is no owner to be kept, and no call for it.
fn not_root_is_asked_by_the_system(home: &Home) {
    let run = injected(home, &["-e", "inject=fchown:error=EPERM"], &EDIT);
    run.output().success();
    assert_eq!(home.read(".aws/config"), edited());
}

#[test]
fn a_hard_link_keeps_the_old_text_and_that_is_said() {
    let home = home();
    fs::hard_link(home.path(".aws/config"), home.path("other")).unwrap();
    let said = home.vault(&EDIT).output().success();
    said.says(&["warning: the file that was edited has other names (hard links)"]);
    assert_eq!(home.read("other"), BY_HAND);
    assert_eq!(home.read(".aws/config"), edited());
    // Nothing is written, nothing is to be said.
    fs::remove_file(home.path("other")).unwrap();
    fs::hard_link(home.path(".aws/config"), home.path("other")).unwrap();
    let again = home.vault(&EDIT).output().success();
    assert!(!again.stderr.contains("hard links"), "{again:#?}");
}

#[test]
fn links_are_followed_and_stay_links() {
    let home = home();
    fs::create_dir_all(home.path("dotfiles/aws")).unwrap();
    fs::rename(home.path(".aws/config"), home.path("dotfiles/aws/config")).unwrap();
    symlink("../dotfiles/link", home.path(".aws/config")).unwrap();
    symlink("aws/config", home.path("dotfiles/link")).unwrap();
    home.vault(&EDIT).output().success();
    assert_eq!(home.read("dotfiles/aws/config"), edited());
    for link in [".aws/config", "dotfiles/link"] {
        assert!(fs::symlink_metadata(home.path(link)).unwrap().is_symlink());
    }
    // One that leads to nothing yet.
    fs::remove_file(home.path("dotfiles/aws/config")).unwrap();
    let where_to = ["--start-url", "corp", "--sso-region", "eu-central-1"];
    home.vault(&EDIT).args(&where_to).output().success();
    assert!(home.read("dotfiles/aws/config").contains("[profile admin]"));
    // And one that leads nowhere at all.
    fs::remove_file(home.path("dotfiles/link")).unwrap();
    symlink("link", home.path("dotfiles/link")).unwrap();
    let run = home.vault(&EDIT).args(&where_to).output();
    run.expect_code(1).says(&[".aws/config"]);
}

/// The AWS CLI's editor is asked for the same edit: whoever reads the two files with botocore, and with
/// vault, finds the same.
#[test]
fn the_edit_says_to_botocore_what_the_aws_clis_own_edit_says() {
    let by_the_cli = |home: &Home, key: &str, value: &str| {
        let words = ["configure", "set", key, value, "--profile", "admin"];
        home.program(tools::aws_cli())
            .args(&words)
            .output()
            .success();
    };
    let keys = [("sso_account_id", "222222222222"), ("region", "eu-north-1")];
    // One written by hand; one that the AWS CLI wrote from nothing, but for the sso-session.
    let session = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-central-1\n";
    for text in [BY_HAND, session] {
        let (ours, theirs) = (home(), home());
        for home in [&ours, &theirs] {
            home.write(".aws/config", text);
        }
        if text == session {
            let first = [
                ("output", "json"),
                ("sso_session", "corp"),
                ("sso_account_id", "111111111111"),
                ("sso_role_name", "ReadOnly"),
            ];
            for (key, value) in first {
                by_the_cli(&theirs, key, value);
            }
            let written = theirs.read(".aws/config");
            ours.write(".aws/config", &written);
        }
        ours.vault(&EDIT).output().success();
        for (key, value) in keys {
            by_the_cli(&theirs, key, value);
        }
        let script = "import sys\nfrom botocore.configloader import load_config\n\
                      one, other = map(load_config, sys.argv[1:])\n\
                      assert one == other, (one, other)\n\
                      assert one['profiles']['admin']['region'] == 'eu-north-1', one\n";
        let files = [&ours, &theirs].map(|home| home.path(".aws/config"));
        let files = files.map(|file| file.to_string_lossy().into_owned());
        let python = ours.program(tools::python()).args(&["-c", script]);
        python.args(&files).output().success();
        let json = |home: &Home| home.vault(&["list", "--json"]).output().success().stdout;
        assert_eq!(json(&ours), json(&theirs));
    }
}

#[test]
fn another_vault_that_holds_the_lock_is_waited_for_and_not_for_ever() {
    let home = home();
    home.vault(&EDIT).output().success();
    home.write(".aws/config", BY_HAND);
    let locks = fs::read_dir(home.path(".local/share/vault/locks")).unwrap();
    let locks = locks.map(|entry| entry.unwrap().path());
    let mut locks = locks.filter(|path| path.to_string_lossy().contains("/edit-"));
    let lock = locks.next().expect("the edit's lock");
    let hold = |script: &str| {
        let flock = home.program(tools::need("flock", "util-linux"));
        let lock = lock.to_string_lossy().into_owned();
        flock.args(&[&lock, "-c", script]).start()
    };
    let script = format!("touch '{}'; exec sleep 60", home.path("held").display());
    let holder = hold(&script);
    home.wait_for_file("held");
    let stuck = home.vault(&EDIT).output().expect_code(1);
    assert!(stuck.took < Duration::from_secs(20), "{stuck:#?}");
    stuck.says(&[
        "Waiting for another vault that edits ",
        "another vault has been editing",
        "hint: see what the other one waits for",
    ]);
    assert_eq!(home.read(".aws/config"), BY_HAND);
    drop(holder);
    home.vault(&EDIT).output().success();
    assert_eq!(home.read(".aws/config"), edited());
}
