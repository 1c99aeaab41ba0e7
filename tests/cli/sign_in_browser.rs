//! `vault login` and the browser: which one is opened, when none is, and profiles in the older
//! form, without an sso-session.

use crate::support::fake_aws::Visit;
use crate::support::home::Home;

const MISSING: &str = "no-such-browser";

/// A home whose person consents by coming to the page.
fn consent_by_visit() -> Home {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Allow);
    home
}

#[test]
fn without_a_terminal_login_opens_the_browser_all_the_same() {
    let home = consent_by_visit();
    let output = home.vault(&["login"]).with_browser().output().success();
    output.says(&["/authorize?", "Signed in to corp"]);
    let urls = home.browser_urls();
    assert_eq!(urls.len(), 1);
    assert!(urls[0].contains("/authorize?"), "{urls:?}");
}

#[test]
fn on_a_terminal_exec_signs_in_and_runs_the_command() {
    let home = consent_by_visit();
    let mut terminal = home
        .exec("dev", &["echo", "it", "ran"])
        .with_browser()
        .on_terminal();
    terminal.expect("/authorize?");
    terminal.expect("it ran");
    assert_eq!(terminal.wait().code, 0);
    assert_eq!(home.browser_urls().len(), 1);
}

#[test]
fn on_a_terminal_a_person_picks_the_session() {
    let home = Home::consenting();
    home.add_config(
        "[sso-session partner]\nsso_start_url = https://corp.awsapps.com/start\n\
         sso_region = us-east-1\n",
    );
    let mut terminal = home.login(&[]).on_terminal();
    terminal.expect("Sign in to");
    terminal.types("part");
    terminal.enter("");
    terminal.expect("Signed in to partner");
    assert_eq!(terminal.wait().code, 0);
}

#[test]
fn who_leaves_while_a_code_waits_is_not_told_off() {
    let home = Home::new();
    for command in [&["login", "corp"][..], &["exec", "dev", "--", "true"]] {
        let mut terminal = home.vault(command).on_terminal();
        terminal.expect("/device?user_code=");
        terminal.interrupt();
        let ended = terminal.wait();
        assert_eq!(ended.code, 130, "{ended:?}");
        assert!(!ended.screen.contains("error"), "{}", ended.screen);
    }
}

#[test]
fn who_refuses_on_the_way_to_a_command_does_not_run_it() {
    let home = Home::new();
    home.aws
        .configure(|behaviour| behaviour.visit = Visit::Deny);
    let run = home.exec("dev", &["touch", "ran"]).with_browser();
    let ended = run.on_terminal().wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    let said = "error: no credentials for profile `dev`";
    assert!(ended.screen.contains(said), "{}", ended.screen);
    assert!(!home.path("ran").exists());
}

#[test]
fn no_browser_opens_none() {
    let home = Home::consenting();
    let output = home
        .login(&["corp"])
        .env("AWS_VAULT_BROWSER", MISSING)
        .output();
    assert!(!output.success().stderr.contains("warning"));
}

#[test]
fn no_input_asks_nothing_opens_nothing_and_is_exit_4() {
    let home = Home::consenting();
    home.vault(&["login", "--no-input"])
        .output()
        .expect_code(4)
        .says(&["error: ", "corp"]);
    let run = home.vault(&["login"]).env("AWS_VAULT_NO_INPUT", "1");
    run.output().expect_code(4);
    let ended = home.vault(&["login", "--no-input"]).on_terminal().wait();
    assert_eq!(ended.code, 4, "{}", ended.screen);
    let ended = home
        .vault(&["--no-input", "exec", "dev", "--", "true"])
        .on_terminal()
        .wait();
    assert_eq!(ended.code, 125, "{}", ended.screen);
    assert_eq!(home.aws.total(), 0);
}

/// The browser at one place is good, at the places behind it there is none: a sign-in without a
/// warning took the right one.
#[test]
fn the_browser_is_the_options_else_the_variables_else_the_settings_else_browser() {
    let places = ["--browser", "AWS_VAULT_BROWSER", "config.toml", "BROWSER"];
    for (chosen, place) in places.iter().enumerate() {
        let home = consent_by_visit();
        let good = home.browser().to_string_lossy().into_owned();
        let at = |index: usize| {
            if index == chosen {
                good.as_str()
            } else {
                MISSING
            }
        };
        let mut run = home.vault(&["login"]);
        if chosen == 0 {
            run = run.args(&["--browser", &good]);
        }
        if chosen <= 1 {
            run = run.env("AWS_VAULT_BROWSER", at(1));
        }
        if chosen <= 2 {
            let text = format!("[login]\nbrowser = \"{}\"\n", at(2));
            home.write(".config/vault/config.toml", &text);
        }
        let output = run.env("BROWSER", at(3)).output().success();
        assert!(!output.stderr.contains("warning"), "{place}: {output:#?}");
        assert_eq!(home.browser_urls().len(), 1, "{place}");
    }
}

#[test]
fn a_browser_command_may_have_arguments_and_say_where_the_address_goes() {
    let home = consent_by_visit();
    let browser = home.browser();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = 'a b' ] && exec '{}' \"$2\"\n",
        browser.display()
    );
    let wrapper = home.write_script("bin/wrapper", &script);
    let command = format!("'{}' 'a b' %s last", wrapper.display());
    home.vault(&["login", "--browser", &command])
        .output()
        .success();
    assert_eq!(home.browser_urls().len(), 1);
}

/// One browser for each profile: a container of Firefox's, whose address has the page's in it, or a
/// profile of Chromium's.
#[test]
fn a_template_has_a_place_for_the_profile() {
    let home = consent_by_visit();
    let browser = home.browser();
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{}'\nexec '{}' \"$2\"\n",
        home.path("browser/words").display(),
        browser.display()
    );
    let wrapper = home.write_script("bin/wrapper", &script);
    let template = "browser = \"wrapper --profile-directory={profile} {url} 'ext+container:name={profile}&url={url}'\"";
    assert!(wrapper.exists());
    let text = format!("[login]\n{template}\n");
    home.write(".config/vault/config.toml", &text);
    for (arguments, name) in [
        (&["login", "dev"][..], "dev"),
        (&["login", "corp", "--force"], "corp"),
    ] {
        home.vault(arguments).output().success();
        let words = home.read("browser/words");
        let words: Vec<_> = words.lines().collect();
        let [directory, url, container] = words[words.len() - 3..] else {
            panic!("{words:?}");
        };
        assert_eq!(directory, format!("--profile-directory={name}"));
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let begins = format!("ext+container:name={name}&url=http%3A%2F%2F127.0.0.1%3A");
        assert!(container.starts_with(&begins), "{container}");
        assert_eq!(container.matches('&').count(), 1, "{container}");
    }
}

#[test]
fn a_browser_that_does_not_start_is_a_warning_and_no_error() {
    let home = Home::consenting();
    let output = home
        .vault(&["login", "--browser", MISSING])
        .output()
        .success();
    let warnings = output
        .stderr
        .lines()
        .filter(|line| line.starts_with("warning: "));
    assert_eq!(warnings.count(), 1, "{output:#?}");
    output.says(&[MISSING, "Signed in to corp"]);
}

#[test]
fn the_browser_gets_no_secret_of_vaults() {
    let home = consent_by_visit();
    let browser = home.browser();
    let seen = home.path("seen");
    // The home's search for secrets reads what this leaves.
    let script = format!(
        "#!/bin/sh\nenv >'{}'\nexec '{}' \"$1\"\n",
        seen.display(),
        browser.display()
    );
    let wrapper = home.write_script("bin/wrapper", &script);
    let command = wrapper.to_string_lossy().into_owned();
    home.vault(&["login", "--browser", &command])
        .output()
        .success();
    let seen = home.read("seen");
    assert!(
        seen.contains("HOME=") && !seen.contains("PASSPHRASE"),
        "{seen}"
    );
}

const OLDER: &str = "[profile old]
sso_start_url = https://corp.awsapps.com/start/
sso_region = eu-central-1
sso_account_id = 111111111111
sso_role_name = Developer
";

#[test]
fn a_profile_in_the_older_form_signs_in_by_its_own_name() {
    let home = Home::consenting();
    home.write(".aws/config", OLDER);
    let refused = home.exec("old", &["true"]).output().expect_code(125);
    refused.says(&["hint: run `vault login old`"]);
    home.login(&[]).output().success();
    home.exec("old", &["true"]).output().success();
    assert_eq!(home.aws.count("StartDeviceAuthorization"), 1);
    let registration = home.aws.requests("RegisterClient")[0].json();
    assert_eq!(registration["scopes"][0], "sso:account:access");
}
