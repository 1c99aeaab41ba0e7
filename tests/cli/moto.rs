//! STS by another hand: moto's server. It checks who signs each request, and whether that user or role may
//! make it; neither a role's trust policy, nor a code of an MFA device, nor the token of a web identity.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::fake_aws::FakeAws;
use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::scenes::variables;
use crate::support::tools;

/// The account that moto has.
const ROLE: &str = "arn:aws:iam::123456789012:role";

/// A server, which ends with this.
struct Moto {
    child: Child,
    url: String,
    id: String,
    secret: String,
}

impl Moto {
    fn start(mode: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/moto_server.py");
        let mut child = Command::new(tools::python())
            .arg(script)
            .arg(mode)
            // What it imports looks for credentials and configuration.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start moto");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("moto says where it is");
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        Self {
            url: text("url"),
            id: text("id"),
            secret: text("secret"),
            child,
        }
    }

    /// A home whose profile `jo` has the user's key, and whose roles begin there.
    fn home(&self) -> Home {
        let home = Home::empty(FakeAws::start());
        home.secret(&self.secret);
        let key = |secret: &str| {
            let id = &self.id;
            format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
        };
        let (right, wrong) = (key(&self.secret), key("not-the-secret-of-the-key"));
        home.write(
            ".aws/credentials",
            &format!("[jo]\n{right}[wrong]\n{wrong}"),
        );
        home.write("token", "a.web.token");
        let token = home.path("token");
        let role = |profile: &str, role: &str, source: &str| {
            format!("[profile {profile}]\nrole_arn = {ROLE}/{role}\n{source}\n")
        };
        home.write(
            ".aws/config",
            &[
                "[default]\nregion = eu-central-1\n".to_owned(),
                role(
                    "first",
                    "First",
                    "source_profile = jo\nexternal_id = x7\nduration_seconds = 900",
                ),
                role(
                    "second",
                    "Second",
                    "source_profile = first\nsession_tags = a=b",
                ),
                role("powerless", "Powerless", "source_profile = first"),
                role("behind", "Second", "source_profile = powerless"),
                role("by-wrong", "First", "source_profile = wrong"),
                role(
                    "web",
                    "First",
                    &format!("web_identity_token_file = {}", token.display()),
                ),
            ]
            .concat(),
        );
        home
    }

    fn exec<'h>(&self, home: &'h Home, profile: &str, command: &[&str]) -> Run<'h> {
        let run = home.exec(profile, command);
        run.env("AWS_ENDPOINT_URL_STS", &self.url)
    }

    /// Who the AWS CLI is, that runs as the profile.
    #[track_caller]
    fn arn(&self, home: &Home, profile: &str) -> String {
        let aws = tools::aws_cli().to_string_lossy().into_owned();
        let words = [
            "sts",
            "get-caller-identity",
            "--query",
            "Arn",
            "--output",
            "text",
        ];
        let command: Vec<_> = [aws.as_str()].into_iter().chain(words).collect();
        let run = self.exec(home, profile, &command);
        run.output().success().stdout.trim().to_owned()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn moto_takes_what_vault_signs_for_a_role_and_for_a_chain() {
    let moto = Moto::start("checked");
    let home = moto.home();
    let assumed = "arn:aws:sts::123456789012:assumed-role";
    assert_eq!(
        moto.arn(&home, "first"),
        format!("{assumed}/First/vault-first")
    );
    assert_eq!(
        moto.arn(&home, "second"),
        format!("{assumed}/Second/vault-second")
    );
    // moto calls its refusals HTML, which AWS never does: of their words nothing is to be seen.
    for profile in ["behind", "wrong", "by-wrong"] {
        let refused = moto.exec(&home, profile, &["true"]).output();
        refused
            .expect_code(125)
            .says(&["no credentials for profile", "HTTP 403", "hint: "]);
    }
    assert_eq!(home.aws.total(), 0, "all of it was moto's");
}

#[test]
fn moto_gives_a_session_for_a_long_lived_key() {
    let moto = Moto::start("checked");
    let home = moto.home();
    let got = variables(moto.exec(&home, "jo", &["env", "-0"]));
    // moto gives everybody the example of AWS's documentation, and does not know it again.
    assert_eq!(got["AWS_ACCESS_KEY_ID"], "AKIAIOSFODNN7EXAMPLE");
    assert!(!got["AWS_SESSION_TOKEN"].is_empty());
    moto.exec(&home, "jo", &["true"])
        .output()
        .success()
        .silent();
}

#[test]
fn moto_assumes_a_role_for_a_web_identity() {
    let moto = Moto::start("unchecked");
    let home = moto.home();
    let arn = "arn:aws:sts::123456789012:assumed-role/First/vault-web";
    assert_eq!(moto.arn(&home, "web"), arn);
}
