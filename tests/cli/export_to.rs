//! `vault export --to`: one section of a credentials file, written, replaced and marked, with everything
//! else in the file as it was; and read by the clients that it is for.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use crate::support::home::Home;
use crate::support::run::{Output, Run};
use crate::support::tools;

const FILE: &str = ".aws/credentials";

/// What the person has in the file already.
const THEIRS: &str = "# mine, since 2014\n[old]\naws_access_key_id = AKIAOLD\n\
    aws_secret_access_key = old-secret\n\n[other]   ; a comment\n  region=eu-north-1\n";

fn export<'h>(home: &'h Home, profile: &str, more: &[&str]) -> Run<'h> {
    let path = home.path(FILE).to_string_lossy().into_owned();
    let run = home.vault(&["export", profile, "--format", "ini", "--to", &path]);
    run.args(more)
}

/// A home that is signed in, with the person's own credentials file.
fn home() -> Home {
    let home = Home::signed_in();
    home.exempt(FILE);
    home.secret("old-secret");
    home.write(FILE, THEIRS);
    home
}

fn mode(home: &Home) -> u32 {
    fs::metadata(home.path(FILE)).unwrap().mode() & 0o777
}

/// The value of a key in a section.
fn value(home: &Home, section: &str, key: &str) -> Option<String> {
    let text = home.read(FILE);
    let (_, behind) = text.split_once(&format!("[{section}]"))?;
    let own = behind.split("\n[").next()?;
    let line = own
        .lines()
        .find(|line| line.starts_with(&format!("{key} = ")))?;
    line.split_once(" = ").map(|(_, value)| value.to_owned())
}

#[track_caller]
fn says_nothing_on_stdout(output: Output) -> Output {
    assert_eq!(output.stdout, "", "{output:?}");
    output
}

#[test]
fn a_section_is_written_and_real_clients_read_it() {
    let home = home();
    let run = export(&home, "prod", &["--as", "legacy"]);
    let written = says_nothing_on_stdout(run.output().success());
    let path = home.path(FILE);
    written.says(&[&format!(
        "Wrote [legacy] of {}: it is good for 59 min.",
        path.display()
    )]);
    let text = home.read(FILE);
    assert!(text.starts_with(THEIRS), "{text}");
    assert_eq!(mode(&home), 0o600);
    assert_eq!(
        value(&home, "legacy", "vault_export").as_deref(),
        Some("prod")
    );
    assert_eq!(
        value(&home, "legacy", "region").as_deref(),
        Some("eu-west-1")
    );
    let as_exec = home.environment_as("prod");
    let end = value(&home, "legacy", "x_security_token_expires").unwrap();
    assert_eq!(end, as_exec["AWS_CREDENTIAL_EXPIRATION"]);
    let who = home.program(tools::aws_cli());
    let who = who.args(&["--profile", "legacy", "sts", "get-caller-identity"]);
    assert!(who.output().success().stdout.contains("222222222222"));
    let script = "import boto3\ns = boto3.Session(profile_name='legacy')\n\
        print(s.client('sts').get_caller_identity()['Account'], s.region_name, s.get_credentials().method)";
    let boto3 = home.program(tools::python()).args(&["-c", script]);
    let expected = "222222222222 eu-west-1 shared-credentials-file\n";
    assert_eq!(boto3.output().success().stdout, expected);
    let (node, folder) = tools::node();
    let script = "const { STS } = require('@aws-sdk/client-sts');\n\
        const { fromIni } = require('@aws-sdk/credential-providers');\n\
        const sts = new STS({ credentials: fromIni({ profile: 'legacy' }), region: 'eu-west-1' });\n\
        sts.getCallerIdentity({}).then((who) => console.log(who.Account));";
    let node = home.program(node).in_folder(&folder).args(&["-e", script]);
    assert_eq!(node.output().success().stdout, "222222222222\n");
    // The copy of the file before the first edit holds no secret: the home looks for them at its end.
    assert!(home.read(".aws/credentials.vault-backup").contains("[old]"));
}

#[test]
fn the_next_export_replaces_the_section_where_it_stands_and_nothing_else() {
    let home = home();
    export(&home, "dev", &["--as", "legacy"]).output().success();
    let first = home.read(FILE);
    // The person goes on writing: behind the section, and in it.
    let more = first.replace(
        "vault_export = dev\n",
        "vault_export = dev\noutput = text\n",
    );
    let more = format!("{more}\n[last]\nregion = us-east-1\n");
    fs::write(home.path(FILE), &more).unwrap();
    export(&home, "prod", &["--as", "legacy", "--region", "us-east-2"])
        .output()
        .success();
    let second = home.read(FILE);
    let lines = |text: &str| -> Vec<String> {
        let own = [
            "aws_",
            "x_security",
            "vault_export",
            "region = eu-central-1",
            "region = us-east-2",
        ];
        let lines = text
            .lines()
            .filter(|line| !own.iter().any(|key| line.starts_with(key)));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(lines(&second), lines(&more), "{second}");
    assert_eq!(second.matches("[legacy]").count(), 1);
    assert_eq!(
        value(&home, "legacy", "vault_export").as_deref(),
        Some("prod")
    );
    assert_eq!(
        value(&home, "legacy", "region").as_deref(),
        Some("us-east-2")
    );
    assert_eq!(value(&home, "legacy", "output").as_deref(), Some("text"));
    let who = home.program(tools::aws_cli());
    let who = who.args(&["--profile", "legacy", "sts", "get-caller-identity"]);
    assert!(who.output().success().stdout.contains("222222222222"));
}

#[test]
fn a_token_that_is_not_these_credentials_goes() {
    let home = home();
    let key = home.aws.add_user_key("444444444444", "jo");
    home.add_config(&format!(
        "[profile jo]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    ));
    export(&home, "prod", &["--as", "legacy"])
        .output()
        .success();
    export(&home, "jo", &["--as", "legacy", "-n"])
        .output()
        .success();
    assert_eq!(value(&home, "legacy", "aws_access_key_id"), Some(key.id));
    assert_eq!(value(&home, "legacy", "aws_session_token"), None);
    assert_eq!(value(&home, "legacy", "x_security_token_expires"), None);
}

#[test]
fn a_section_of_the_persons_own_is_replaced_by_force_alone() {
    let home = Home::consenting();
    home.exempt(FILE);
    home.secret("old-secret");
    home.write(
        FILE,
        &format!("{THEIRS}role_arn = arn:aws:iam::333333333333:role/Deployer\n"),
    );
    let before = home.read(FILE);
    for section in ["old", "other"] {
        let refused = export(&home, "prod", &["--as", section])
            .output()
            .expect_code(1);
        let said = format!("error: vault has not written [{section}] of ");
        refused.says(&[
            &said,
            "hint: give another name with `--as`, or replace it, keys and all",
        ]);
    }
    assert_eq!(home.read(FILE), before);
    assert_eq!(
        home.aws.total(),
        0,
        "it is known before anybody is asked to sign in"
    );
    home.sign_in();
    export(&home, "prod", &["--as", "other", "--force"])
        .output()
        .success();
    assert!(!home.read(FILE).contains("role_arn"));
    assert!(home.read(FILE).starts_with("# mine, since 2014\n[old]\n"));
    let who = home.program(tools::aws_cli());
    let who = who.args(&["--profile", "other", "sts", "get-caller-identity"]);
    assert!(who.output().success().stdout.contains("222222222222"));
}

#[test]
fn a_file_that_others_can_read_is_closed_to_them() {
    let home = home();
    let open = || {
        fs::set_permissions(home.path(FILE), fs::Permissions::from_mode(0o664)).unwrap();
    };
    open();
    export(&home, "prod", &["--as", "legacy"])
        .output()
        .success();
    assert_eq!(mode(&home), 0o600);
    // Where nothing changes, too.
    let before = home.read(FILE);
    open();
    export(&home, "prod", &["--as", "legacy"])
        .output()
        .success();
    assert_eq!((home.read(FILE), mode(&home)), (before, 0o600));
}

#[test]
fn links_line_ends_and_missing_directories_are_as_the_person_has_them() {
    let home = Home::signed_in();
    home.exempt("elsewhere");
    home.secret("old-secret");
    home.write("elsewhere/real", &THEIRS.replace('\n', "\r\n"));
    fs::create_dir_all(home.path(".aws")).unwrap();
    symlink("../elsewhere/real", home.path(FILE)).unwrap();
    export(&home, "prod", &["--as", "legacy"])
        .output()
        .success();
    assert!(fs::symlink_metadata(home.path(FILE)).unwrap().is_symlink());
    let text = home.read("elsewhere/real");
    assert!(text.starts_with(&THEIRS.replace('\n', "\r\n")), "{text:?}");
    assert_eq!(
        text.matches('\n').count(),
        text.matches("\r\n").count(),
        "{text:?}"
    );
    let new = home.path("elsewhere/new/deep/credentials");
    let new = new.to_string_lossy();
    let run = home.vault(&["export", "prod", "--format", "ini", "--to", &new]);
    run.output().success().says(&["Wrote [prod] of "]);
    let folder = fs::metadata(home.path("elsewhere/new/deep")).unwrap();
    assert_eq!(folder.mode() & 0o777, 0o700);
    assert!(
        home.read("elsewhere/new/deep/credentials")
            .starts_with("[prod]\n")
    );
}

#[test]
fn what_cannot_be_written_is_said_and_stays_as_it_is() {
    let home = Home::signed_in();
    home.write("binary", "");
    fs::write(home.path("binary"), b"\xff\xfe[x]").unwrap();
    home.write("closed", "");
    fs::set_permissions(home.path("closed"), fs::Permissions::from_mode(0o400)).unwrap();
    home.write("file", "");
    for (file, said) in [
        ("binary", "binary is not UTF-8"),
        ("closed", "it is read-only"),
        ("tmp", "it is not a regular file"),
        ("file/below", "cannot read "),
    ] {
        let path = home.path(file).to_string_lossy().into_owned();
        let run = home.vault(&["export", "prod", "--format", "ini", "--to", &path]);
        let failed = says_nothing_on_stdout(run.output().expect_code(1));
        failed.says(&["error: ", said]);
    }
    assert_eq!(fs::read(home.path("binary")).unwrap(), b"\xff\xfe[x]");
    assert_eq!(home.read("closed"), "");
}

#[test]
fn many_at_once_lose_nothing_of_each_other() {
    let home = home();
    let names: Vec<_> = (0..8).map(|n| format!("at-once-{n}")).collect();
    std::thread::scope(|scope| {
        let one = |name: String| {
            let home = &home;
            move || export(home, "prod", &["--as", &name]).output().success()
        };
        let runs: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(one(name.clone())))
            .collect();
        for run in runs {
            run.join().unwrap();
        }
    });
    for name in &names {
        assert_eq!(
            value(&home, name, "vault_export").as_deref(),
            Some("prod"),
            "{name}"
        );
    }
    assert!(home.read(FILE).starts_with(THEIRS));
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
}

#[test]
fn killed_in_the_middle_it_leaves_the_old_file_or_the_new_one_and_nothing_that_others_can_read() {
    let home = home();
    home.environment_as("prod");
    let strace = tools::need("strace", "strace");
    let vault = env!("CARGO_BIN_EXE_vault");
    let to = home.path(FILE).to_string_lossy().into_owned();
    let mut killed = 0;
    for call in ["write", "fsync", "rename", "fchmod"] {
        for nth in 1.. {
            home.write(FILE, THEIRS);
            fs::set_permissions(home.path(FILE), fs::Permissions::from_mode(0o644)).unwrap();
            let kill = format!("inject={call}:signal=SIGKILL:when={nth}");
            let run = home
                .program(&strace)
                .args(&["-f", "-qq", "-o", "/dev/null", "-e", &kill]);
            let run = run.args(&[vault, "export", "prod", "--to", &to, "--as", "legacy"]);
            let ended = run.output();
            let left = home.read(FILE);
            let whole = left.starts_with(THEIRS) && left.ends_with("vault_export = prod\n");
            assert!(left == THEIRS || whole, "{call} {nth}: {left}");
            for file in fs::read_dir(home.path(".aws")).unwrap() {
                let path = file.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                let open = path.metadata().unwrap().mode() & 0o077 != 0;
                assert!(
                    !(open && text.contains("vault_export")),
                    "{call} {nth}: {path:?}"
                );
            }
            if ended.signal.is_none() {
                ended.success();
                break;
            }
            killed += 1;
        }
    }
    assert!(killed >= 6, "{killed}");
}

#[test]
fn a_profile_that_would_lose_its_own_source_is_not_shadowed() {
    let home = home();
    home.add_config(
        "[profile printed]\ncredential_process = /bin/false\n\
         [profile role]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\nsource_profile = dev\n",
    );
    for profile in ["printed", "role"] {
        let refused = export(&home, "prod", &["--as", profile])
            .output()
            .expect_code(1);
        refused.says(&[
            &format!("error: profile `{profile}` of the configuration would have these"),
            "hint: give the section another name with `--as`, or say `--force`",
        ]);
        assert_eq!(home.read(FILE), THEIRS);
        // In a file that AWS clients do not look at, it shadows nothing.
        home.exempt("mine");
        let mine = home.path("mine").to_string_lossy().into_owned();
        let run = home.vault(&[
            "export", "prod", "--format", "ini", "--to", &mine, "--as", profile,
        ]);
        run.output().success();
    }
    export(&home, "prod", &["--as", "printed", "--force"])
        .output()
        .success();
    // A profile that says SSO stays SSO, for vault and for the AWS CLI.
    export(&home, "prod", &[]).output().success();
    home.vault(&["clear", "prod"]).output().success();
    home.environment_as("prod");
    assert_eq!(home.aws.count("GetRoleCredentials"), 2);
}

#[test]
fn a_wrong_command_line_is_2_and_a_name_that_no_header_can_hold_is_said() {
    let home = home();
    let to = home.path(FILE).to_string_lossy().into_owned();
    for arguments in [
        &["export", "prod", "--format", "env", "--to", &to][..],
        &["export", "prod", "--format", "process", "--as", "x"],
    ] {
        let wrong = home.vault(arguments).output().expect_code(2);
        wrong.says(&["`--to` and `--as` go with the format `ini`"]);
    }
    home.vault(&["export", "prod", "--force"])
        .output()
        .expect_code(2);
    for name in ["DEFAULT", "", "a\nb"] {
        let refused = export(&home, "prod", &["--as", name])
            .output()
            .expect_code(1);
        refused.says(&["error: the name ", "can't be written into an AWS file"]);
    }
    assert_eq!(home.read(FILE), THEIRS);
}

#[test]
fn the_name_alone_is_the_sections_on_stdout_and_the_file_alone_means_ini() {
    let home = home();
    let printed = home
        .vault(&["export", "prod", "--as", "legacy"])
        .shows_secrets();
    assert!(
        printed
            .output()
            .success()
            .stdout
            .starts_with("[legacy]\naws_access_key_id = ")
    );
    let to = home.path(FILE).to_string_lossy().into_owned();
    says_nothing_on_stdout(
        home.vault(&["export", "prod", "--to", &to])
            .output()
            .success(),
    );
    assert_eq!(
        value(&home, "prod", "vault_export").as_deref(),
        Some("prod")
    );
}

#[test]
fn where_a_person_must_sign_in_the_file_stays_as_it_is() {
    let home = Home::consenting();
    home.write(FILE, "[old]\nregion = eu-north-1\n");
    let refused = export(&home, "prod", &["--as", "legacy"])
        .output()
        .expect_code(4);
    refused.says(&["hint: run `vault login corp`"]);
    assert_eq!(home.read(FILE), "[old]\nregion = eu-north-1\n");
}
