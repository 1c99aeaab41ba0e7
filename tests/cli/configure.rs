//! `vault configure`: one profile, by questions on a terminal and by options without one.

use crate::support::fake_aws::{Account, FakeAws, Fault};
use crate::support::home::{Home, STANDARD_CONFIG};

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
    terminal.enter("corp");
    terminal.expect("not the address of an AWS access portal");
    terminal.enter(".awsapps.com");
    terminal.expect("Region of IAM Identity Center");
    terminal.types("eu-central-1");
    terminal.types("\r");
    terminal.expect("sso-session):");
    terminal.enter("");
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
    // Account and role are not known, and nobody can sign in to look.
    home.vault(&WHERE)
        .output()
        .expect_code(4)
        .says(&["no one is signed in to corp"]);
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
