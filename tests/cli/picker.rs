//! The picker: what it shows, what typing does to it, what stands first, and that it fits the terminal.

use std::fmt::Write as _;

use crate::support::home::Home;
use crate::support::run::Run;

const ESCAPE: &str = "\x1b";
const DOWN: &str = "\x1b[B";

/// A command line of a shell, with vault in it as `$vault`.
fn shell<'h>(home: &'h Home, script: &str) -> Run<'h> {
    let shell = home.program("/bin/sh").args(&["-c", script]);
    shell.env("vault", env!("CARGO_BIN_EXE_vault"))
}

/// Without a name: the one that is picked is printed.
fn exec(home: &Home) -> Run<'_> {
    home.vault(&["exec", "--", "/bin/sh", "-c", "echo as $AWS_VAULT"])
}

/// A home in which many profiles share `dev`'s role, so that each of them works.
fn many(count: u32) -> Home {
    let home = Home::signed_in();
    let mut config = String::new();
    for number in 0..count {
        write!(
            config,
            "[profile team-{number:03}-prod]\nsso_session = corp\nsso_account_id = 111111111111\n\
             sso_role_name = Developer\n"
        )
        .unwrap();
    }
    home.add_config(&config);
    home
}

#[track_caller]
fn picks(home: &Home, keys: &str, profile: &str) {
    let mut terminal = exec(home).on_terminal();
    terminal.expect("Profile");
    terminal.expect("Esc leaves");
    terminal.types(keys);
    terminal.types("\r");
    terminal.expect(&format!("as {profile}"));
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn a_row_has_the_profile_its_account_its_role_and_its_source() {
    let home = Home::signed_in();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/path/Deployer\n\
         source_profile = dev\n\
         [profile broken]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = A\n",
    );
    let mut terminal = exec(&home).on_terminal();
    terminal.expect("dev     111111111111  Developer  sso");
    terminal.expect("prod    222222222222  Admin      sso");
    terminal.expect("deploy  333333333333  Deployer   assume-role");
    terminal.expect("broken  -             -          cannot be used");
    terminal.types(ESCAPE);
    assert_eq!(terminal.wait().code, 130);
}

#[test]
fn letters_of_a_name_in_their_order_are_enough_and_role_and_account_can_be_typed_too() {
    let home = Home::signed_in();
    home.add_config(
        "[profile shop-staging-eu]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = ReadOnly\n",
    );
    for (keys, profile) in [
        ("shseu", "shop-staging-eu"),
        ("ADMIN", "prod"),
        ("2222", "prod"),
        ("1111 readonly", "shop-staging-eu"),
        (DOWN, "prod"),
    ] {
        std::fs::remove_file(home.path(".local/share/vault/recent")).unwrap_or_default();
        picks(&home, keys, profile);
    }
}

#[test]
fn what_was_used_last_stands_first() {
    let home = many(20);
    home.exec("team-007-prod", &["true"]).output().success();
    picks(&home, "", "team-007-prod");
    picks(&home, "011", "team-011-prod");
    picks(&home, "", "team-011-prod");
    picks(&home, DOWN, "team-007-prod");
    // Of those that fit equally well, too.
    picks(&home, "prod", "prod");
    picks(&home, "team", "team-007-prod");
}

/// Which one was used is not worth a write to a command whose credentials are cached.
#[test]
fn a_command_whose_credentials_are_cached_leaves_no_note() {
    let home = Home::signed_in();
    let note = home.path(".local/share/vault/recent");
    home.exec("dev", &["true"]).output().success();
    assert_eq!(std::fs::read_to_string(&note).unwrap(), r#"["dev"]"#);
    std::fs::remove_file(&note).unwrap();
    home.exec("dev", &["true"]).output().success();
    assert!(!note.exists());
}

/// Whatever is wrong with the note, the picker works, and so does what was picked.
#[test]
fn a_note_that_cannot_be_read_or_written_does_not_matter() {
    let home = Home::signed_in();
    std::fs::create_dir(home.path(".local/share/vault/recent")).unwrap();
    picks(&home, "pro", "prod");
    let output = home.exec("dev", &["true"]).output().success();
    output.silent();
}

#[test]
fn a_row_is_never_wider_than_the_terminal() {
    let home = many(3);
    let long = "a-very-long-name-of-a-profile-that-no-narrow-terminal-can-show-whole";
    home.add_config(&format!(
        "[profile {long}]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Developer\n"
    ));
    let script = "stty cols 40 rows 9 </dev/tty; $vault exec -- /bin/sh -c 'echo as $AWS_VAULT'";
    let mut terminal = shell(&home, script).on_terminal();
    terminal.expect("Esc leaves");
    let screen = terminal.screen();
    let rows: Vec<_> = screen.lines().filter(|l| l.ends_with('…')).collect();
    assert!(rows.len() >= 5, "{screen}");
    assert!(rows.iter().all(|row| row.chars().count() < 40), "{screen}");
    assert!(
        screen.contains("team-001-prod       111111111111"),
        "{screen}"
    );
    terminal.types("averylong");
    terminal.expect("a-very-long-name-of-a-profile-that-n…");
    terminal.types("\r");
    terminal.expect(&format!("as {long}"));
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn one_of_three_hundred_is_found_by_a_few_letters() {
    let home = many(300);
    picks(&home, "t237", "team-237-prod");
}

/// They are text, and neither orders to the terminal nor to a shell.
#[test]
fn odd_characters_in_a_name_are_shown_and_picked_as_they_are() {
    let home = Home::signed_in();
    for name in ["日本-prod", "team/a@b:$(id)`x`*", "a\u{202e}b"] {
        home.add_config(&format!(
            "[profile {name}]\nsso_session = corp\nsso_account_id = 111111111111\n\
             sso_role_name = Developer\n"
        ));
        let script = "exec \"$vault\" exec -- /bin/sh -c 'printf %s \"$AWS_VAULT\" >out'";
        let mut terminal = shell(&home, script).on_terminal();
        terminal.expect("Esc leaves");
        let letters: String = name.chars().take(6).collect();
        terminal.enter(&letters);
        assert_eq!(terminal.wait().code, 0, "{name}");
        assert_eq!(home.read("out"), name);
    }
}

#[test]
fn esc_and_ctrl_c_leave_every_picker_with_130_and_the_terminal_as_it_was() {
    let home = Home::with_two_sessions();
    for command in ["exec -- true", "export --format env", "login --no-browser"] {
        for key in [ESCAPE, "\x03"] {
            let script =
                format!("trap : INT; $vault {command}; echo \"left $?\"; stty -a </dev/tty");
            let mut terminal = shell(&home, &script).on_terminal();
            terminal.expect("Esc leaves");
            terminal.types(key);
            terminal.expect("left 130");
            terminal.expect("isig icanon ");
            terminal.expect(" echo ");
            assert_eq!(terminal.wait().code, 0, "{command}");
        }
    }
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn what_is_exported_goes_to_the_pipe_and_the_question_to_the_terminal() {
    let home = Home::signed_in();
    let script = "$vault export --format env-no-export | cut -d= -f1 >out; echo \"<$?>\"";
    let mut terminal = shell(&home, script).on_terminal();
    terminal.expect("Profile");
    terminal.expect("Esc leaves");
    terminal.enter("pro");
    terminal.expect("<0>");
    terminal.wait();
    let names = home.read("out");
    assert!(names.contains("AWS_ACCESS_KEY_ID\n"), "{names}");
    assert!(!names.contains("Profile"), "{names}");
}

#[test]
fn a_place_to_sign_in_is_shown_with_its_address() {
    let home = Home::with_two_sessions();
    let mut terminal = home.vault(&["login", "--no-browser"]).on_terminal();
    terminal.expect("Sign in to");
    terminal.expect("corp     https://corp.awsapps.com/start");
    terminal.expect("partner  https://partner.awsapps.com/start");
    terminal.enter("partner");
    terminal.expect("Signed in to partner");
    assert_eq!(terminal.wait().code, 0);
}
