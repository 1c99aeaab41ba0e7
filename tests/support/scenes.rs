//! Where most tests begin: a person who is signed in, a command that runs as a profile, and its
//! environment read back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::fake_aws::{Fault, UserKey, Visit};
use super::home::Home;
use super::run::{Output, Run};

const PARTNER: &str = "
[sso-session partner]
sso_start_url = https://partner.awsapps.com/start
sso_region = us-east-1
sso_registration_scopes = sso:account:access
";

impl Home {
    /// A home whose person confirms every code at the first poll, and allows what their browser shows.
    pub fn consenting() -> Self {
        let home = Self::new();
        home.aws.approve_all_after(0);
        home.aws
            .configure(|behaviour| behaviour.visit = Visit::Allow);
        home
    }

    /// A home in which somebody signed in to `corp`.
    pub fn signed_in() -> Self {
        let home = Self::consenting();
        home.sign_in();
        home
    }

    /// A home with two sso-sessions, `corp` and `partner`, whose person confirms every code.
    pub fn with_two_sessions() -> Self {
        let home = Self::consenting();
        home.add_config(PARTNER);
        let url = "https://partner.awsapps.com/start".to_owned();
        home.aws
            .configure(|behaviour| behaviour.start_urls.push(url));
        home
    }

    /// How long each access token lives, from now on.
    pub fn tokens_live(&self, seconds: u64) {
        let life = Duration::from_secs(seconds);
        self.aws
            .configure(|behaviour| behaviour.access_token_life = Some(life));
    }

    /// What a policy with many tags makes of a session token: the next role credentials have one of
    /// 60,000 characters. Its length is returned.
    pub fn meets_a_large_session_token(&self) -> usize {
        let token = self.aws.make_secret("IQoJb3JpZ2luX2VjE", 60_000);
        let body = format!(
            "{{\"roleCredentials\": {{\"accessKeyId\": \"ASIALARGE\", \"secretAccessKey\": \"s\", \
             \"sessionToken\": \"{token}\", \"expiration\": 4102444800000}}}}"
        );
        self.aws
            .fault("GetRoleCredentials", Fault::Json(200, body), 1);
        token.len()
    }

    /// Signs in to `corp`.
    #[track_caller]
    pub fn sign_in(&self) {
        self.login(&["corp"]).output().success();
    }

    /// A home whose profile `jo` has a long-lived key in the keystore: that of the user `jo`.
    pub fn with_stored_key() -> (Self, UserKey) {
        let home = Self::new();
        let key = home.aws.add_user_key("444444444444", "jo");
        home.add_key("jo", &key).output().success();
        (home, key)
    }

    /// `vault add --env` for a profile.
    pub fn add_key(&self, profile: &str, key: &UserKey) -> Run<'_> {
        self.vault(&["add", profile, "--env"])
            .env("AWS_ACCESS_KEY_ID", &key.id)
            .env("AWS_SECRET_ACCESS_KEY", &key.secret)
    }

    /// What names the long-lived key that is stored for a profile.
    pub fn stored_key(&self, profile: &str) -> String {
        let line = format!("\"key\":\"access-key/{profile}\"");
        let lists = self.lists();
        let list = lists.iter().find(|text| text.contains(&line));
        let value: serde_json::Value = serde_json::from_str(list.expect("a stored key")).unwrap();
        value["access_key_id"].as_str().unwrap().to_owned()
    }

    /// How many entries are listed whose key begins so.
    pub fn listed(&self, prefix: &str) -> usize {
        let line = format!("\"key\":\"{prefix}");
        self.lists()
            .iter()
            .filter(|text| text.contains(&line))
            .count()
    }

    fn lists(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.path(".local/share/vault/index/file"));
        let files = files.into_iter().flatten().flatten();
        let texts = files.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default());
        texts.collect()
    }

    /// `vault login --no-browser` with more arguments.
    pub fn login(&self, arguments: &[&str]) -> Run<'_> {
        self.vault(&["login", "--no-browser"]).args(arguments)
    }

    /// A command that runs as a profile.
    pub fn exec(&self, profile: &str, command: &[&str]) -> Run<'_> {
        self.vault(&["exec", profile, "--"]).args(command)
    }

    /// A browser that remembers where it was sent, and goes nowhere.
    pub fn idle_browser(&self) -> String {
        self.exempt("browser");
        let urls = self.write("browser/urls", "");
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n", urls.display());
        let browser = self.write_script("bin/idle-browser", &script);
        browser.to_string_lossy().into_owned()
    }

    /// Waits until a program has made a file, within half a minute.
    #[track_caller]
    pub fn wait_for_file(&self, relative: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.path(relative).exists() {
            assert!(Instant::now() < deadline, "{relative} was never made");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The environment of a command that runs as a profile.
    #[track_caller]
    pub fn environment_as(&self, profile: &str) -> BTreeMap<String, String> {
        variables(self.exec(profile, &["env", "-0"]))
    }
}

/// Waits until something is so, half a minute at most.
#[track_caller]
pub fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a run of `env -0` shows.
#[track_caller]
pub fn variables(run: Run<'_>) -> BTreeMap<String, String> {
    let output = run.shows_secrets().output().success();
    let pairs = output.stdout.split_terminator('\0');
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("`env -0` prints pairs");
        (name.to_owned(), value.to_owned())
    };
    pairs.map(pair).collect()
}

impl Output {
    /// Fails, and shows everything, where one of the texts is not in stderr.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?}: {self:#?}");
        }
        self
    }

    /// Fails, and shows everything, where anything was printed or said.
    #[track_caller]
    pub fn silent(self) -> Self {
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str()),
            ("", ""),
            "{self:#?}"
        );
        self
    }
}
