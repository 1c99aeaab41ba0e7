//! A real Secret Service: gnome-keyring on a D-Bus session bus of the test's own, which can be
//! locked, gone, or hanging.
//!
//! The bus activates nothing: the daemon is our child, with the home's environment, and ends when
//! we say so.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::home::Home;
use super::run::{Run, pid};
use super::tools;

/// What unlocks the login keyring.
pub const KEYRING_PASSWORD: &str = "keyring-password-0815-of-the-tests";
const SERVICE: &str = "org.freedesktop.secrets";
const PATIENCE: Duration = Duration::from_secs(10);

/// No service folders: nothing is started by the bus, and so in its environment.
const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><keep_umask/><listen>unix:dir=SOCKETS</listen>
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"#;

/// A session bus, with or without a keyring on it.
pub struct Keyring<'h> {
    home: &'h Home,
    address: String,
    bus: Child,
    provider: Option<Child>,
}

impl<'h> Keyring<'h> {
    /// A bus with an unlocked keyring.
    pub fn unlocked(home: &'h Home) -> Self {
        let mut keyring = Self::bus_alone(home);
        keyring.start_provider(true);
        keyring
    }

    /// A bus with a keyring that exists and is locked.
    pub fn locked(home: &'h Home) -> Self {
        let mut keyring = Self::unlocked(home);
        keyring.lock();
        keyring
    }

    /// A bus on which nobody keeps secrets.
    pub fn bus_alone(home: &'h Home) -> Self {
        home.secret(KEYRING_PASSWORD);
        let sockets = home.path("run").to_string_lossy().into_owned();
        let config = home.write("run/bus.conf", &BUS_CONFIG.replace("SOCKETS", &sockets));
        let mut bus = Command::new(tools::need("dbus-daemon", "dbus-daemon"))
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address=1"])
            .env_clear()
            .envs(environment(home))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start dbus-daemon");
        let stdout = bus.stdout.take().expect("a pipe");
        let mut address = String::new();
        let _ = BufReader::new(stdout).read_line(&mut address);
        let address = address.trim().to_owned();
        assert!(!address.is_empty(), "dbus-daemon did not say its address");
        Self {
            home,
            address,
            bus,
            provider: None,
        }
    }

    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Locks it: the daemon starts anew and nobody unlocks it.
    pub fn lock(&mut self) {
        self.stop_provider();
        self.start_provider(false);
    }

    /// Unlocks it, or creates it.
    pub fn unlock(&mut self) {
        self.stop_provider();
        self.start_provider(true);
    }

    /// The daemon is there and answers no more.
    pub fn hang(&self) {
        self.signal_provider(Signal::STOP);
    }

    /// The daemon goes on.
    pub fn resume(&self) {
        self.signal_provider(Signal::CONT);
    }

    /// The daemon goes away; the bus stays.
    pub fn stop_provider(&mut self) {
        let Some(mut provider) = self.provider.take() else {
            return;
        };
        // KILL ends a stopped process too.
        let _ = provider.kill();
        let _ = provider.wait();
        self.wait_until("the keyring left the bus", || !self.has_provider());
    }

    /// A run that uses it, as the operating system's keystore.
    pub fn used_by<'r>(&self, run: Run<'r>) -> Run<'r> {
        run.env("AWS_VAULT_BACKEND", "os")
            .without_env("AWS_VAULT_FILE_PASSPHRASE")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
    }

    fn start_provider(&mut self, unlock: bool) {
        let daemon = tools::need("gnome-keyring-daemon", "gnome-keyring");
        let mut command = Command::new(daemon);
        command.args(["--foreground", "--components=secrets"]);
        if unlock {
            command.arg("--unlock");
        }
        let mut provider = command
            .env_clear()
            .envs(environment(self.home))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start gnome-keyring-daemon");
        let mut stdin = provider.stdin.take().expect("a pipe");
        if unlock {
            // The password ends where the input does; a newline would be a part of it.
            let _ = stdin.write_all(KEYRING_PASSWORD.as_bytes());
        }
        drop(stdin);
        self.provider = Some(provider);
        self.wait_until("the keyring came to the bus", || self.has_provider());
    }

    fn signal_provider(&self, signal: Signal) {
        let provider = self.provider.as_ref().expect("a keyring on the bus");
        kill_process(pid(provider.id()), signal).expect("signal the keyring");
    }

    /// Asks the bus, not the keyring.
    fn has_provider(&self) -> bool {
        let answer = Command::new(tools::need("dbus-send", "dbus-bin"))
            .args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/",
            ])
            .arg("org.freedesktop.DBus.NameHasOwner")
            .arg(format!("string:{SERVICE}"))
            .env_clear()
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .output()
            .expect("run dbus-send");
        String::from_utf8_lossy(&answer.stdout).contains("boolean true")
    }

    fn wait_until(&self, what: &str, reached: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached() {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Keyring<'_> {
    fn drop(&mut self) {
        for child in self.provider.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The home's directories: set before the daemons start, which keep what they start with.
fn environment(home: &Home) -> Vec<(String, String)> {
    home.program("/bin/true").environment
}
