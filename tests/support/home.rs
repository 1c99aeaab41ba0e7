//! A home directory for one test: the AWS files in it, the environment that programs get, and the
//! search for secrets when it is over.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::fake_aws::FakeAws;
use super::run::Run;
use super::{leaks, tools};

/// The passphrase of the `file` keystore.
pub const PASSPHRASE: &str = "correct-horse-battery-staple-4711";

/// One sso-session, two profiles of it.
pub const STANDARD_CONFIG: &str = "\
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-central-1
sso_registration_scopes = sso:account:access

[profile dev]
sso_session = corp
sso_account_id = 111111111111
sso_role_name = Developer
region = eu-central-1

[profile prod]
sso_session = corp
sso_account_id = 222222222222
sso_role_name = Admin
region = eu-west-1
";

/// A home, and the fake AWS that its programs speak to.
pub struct Home {
    /// The fake.
    pub aws: FakeAws,
    folder: tempfile::TempDir,
    kept: Mutex<Kept>,
}

/// What the search at the end needs.
#[derive(Default)]
struct Kept {
    /// What programs said: what it is, and the text.
    said: Vec<(String, Vec<u8>)>,
    /// Files that the test wrote itself; as long as they are unchanged they are no leak.
    written: HashMap<PathBuf, Vec<u8>>,
    /// Where other programs keep secrets in the clear.
    exempt: Vec<PathBuf>,
    /// Secrets that are not the fake's.
    secrets: Vec<String>,
}

impl Home {
    /// A home with the standard configuration, and a fake of its own.
    pub fn new() -> Self {
        let home = Self::empty(FakeAws::start());
        home.write(".aws/config", STANDARD_CONFIG);
        home
    }

    /// A home without AWS files.
    pub fn empty(aws: FakeAws) -> Self {
        let folder = tempfile::Builder::new().prefix("home-").tempdir();
        let home = Self {
            aws,
            folder: folder.expect("a temporary directory"),
            kept: Mutex::default(),
        };
        for folder in [
            "run",
            "tmp",
            "bin",
            ".config",
            ".local/share",
            ".cache",
            ".local/state",
        ] {
            fs::create_dir_all(home.path(folder)).expect("a folder of the home");
        }
        // Programs refuse a runtime directory that others can read.
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(home.path("run"), private).expect("a private runtime directory");
        home.secret(PASSPHRASE);
        home
    }

    /// A path in it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes a file, and remembers that the test did.
    pub fn write(&self, relative: &str, content: &str) -> PathBuf {
        let path = self.path(relative);
        let folder = path.parent().expect("a file in a folder");
        fs::create_dir_all(folder).expect("the file's folder");
        fs::write(&path, content).expect("a file of the home");
        let content = content.as_bytes().to_vec();
        self.kept().written.insert(path.clone(), content);
        path
    }

    /// Writes a program.
    pub fn write_script(&self, relative: &str, content: &str) -> PathBuf {
        let path = self.write(relative, content);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).expect("an executable file");
        path
    }

    /// Adds to the configuration file.
    pub fn add_config(&self, sections: &str) {
        let before = self.read(".aws/config");
        self.write(".aws/config", &format!("{before}\n{sections}"));
    }

    /// What a file holds now; empty where there is none.
    pub fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_default()
    }

    /// One more secret that nothing may show.
    pub fn secret(&self, secret: &str) {
        self.kept().secrets.push(secret.to_owned());
    }

    /// Another program keeps secrets in the clear below there.
    pub fn exempt(&self, relative: &str) {
        let path = self.path(relative);
        self.kept().exempt.push(path);
    }

    /// Runs vault, with the home's environment and no terminal.
    pub fn vault<S: AsRef<str>>(&self, arguments: &[S]) -> Run<'_> {
        self.program(env!("CARGO_BIN_EXE_vault")).args(arguments)
    }

    /// Runs another program in the same circumstances.
    pub fn program(&self, program: impl AsRef<Path>) -> Run<'_> {
        Run::new(self, program.as_ref(), self.environment())
    }

    /// A browser for `AWS_VAULT_BROWSER` and `BROWSER`: it returns at once, as real ones do, and
    /// follows the URL to its end. The fake must be told to take a visit for consent.
    pub fn browser(&self) -> PathBuf {
        let curl = tools::need("curl", "curl");
        // What a browser is given and shown may hold secrets (the console's sign-in URL).
        self.exempt("browser");
        fs::create_dir_all(self.path("browser")).expect("the browser's folder");
        let (urls, last) = (self.path("browser/urls"), self.path("browser/last"));
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\n\
             '{}' -sL --max-time 20 -o '{}' -- \"$1\" >/dev/null 2>&1 </dev/null &\n",
            urls.display(),
            curl.display(),
            last.display()
        );
        self.write_script("bin/browser", &script)
    }

    /// The URLs that the browser was given, oldest first.
    pub fn browser_urls(&self) -> Vec<String> {
        let urls = self.read("browser/urls");
        urls.lines().map(str::to_owned).collect()
    }

    /// The end of the test: nothing that was said or left behind may hold a secret. Dropping the
    /// home does it too.
    pub fn finish(self) {
        drop(self);
    }

    /// Keeps what a program said, for the search at the end.
    pub(super) fn keep(&self, label: String, text: &[u8]) {
        self.kept().said.push((label, text.to_vec()));
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that a program gets; nothing of the tests' own environment is in it.
    fn environment(&self) -> Vec<(String, String)> {
        let text = |relative: &str| self.path(relative).to_string_lossy().into_owned();
        let mut variables = vec![
            ("HOME", text("")),
            ("XDG_CONFIG_HOME", text(".config")),
            ("XDG_DATA_HOME", text(".local/share")),
            ("XDG_CACHE_HOME", text(".cache")),
            ("XDG_STATE_HOME", text(".local/state")),
            ("XDG_RUNTIME_DIR", text("run")),
            ("TMPDIR", text("tmp")),
            ("PATH", format!("{}:{}", text("bin"), tools::PATH)),
            ("LANG", "C.UTF-8".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_VAULT_BACKEND", "file".to_owned()),
            ("AWS_VAULT_FILE_PASSPHRASE", PASSPHRASE.to_owned()),
        ];
        let endpoints = [
            "AWS_ENDPOINT_URL_SSO",
            "AWS_ENDPOINT_URL_SSO_OIDC",
            "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL_IAM",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_SIGNIN",
        ];
        variables.extend(endpoints.map(|name| (name, self.aws.url().to_owned())));
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        variables.into_iter().map(owned).collect()
    }

    fn search_for_secrets(&self) {
        let kept = self.kept();
        let mut secrets = self.aws.secrets();
        secrets.extend(kept.secrets.iter().cloned());
        for (label, text) in &kept.said {
            leaks::assert_none(label, text, &secrets);
        }
        leaks::assert_none_in_files(self.folder.path(), &secrets, &|path, content| {
            let unchanged = kept.written.get(path).is_some_and(|known| known == content);
            unchanged || kept.exempt.iter().any(|folder| path.starts_with(folder))
        });
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A second panic would hide the first.
        if !std::thread::panicking() {
            self.search_for_secrets();
        }
    }
}
