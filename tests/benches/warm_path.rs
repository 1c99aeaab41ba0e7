//! What vault adds to a command when its credentials are cached: `vault exec prod -- true` against a
//! bare `true`, in pairs, for each keystore, and with 10,000 profiles in the configuration. Where
//! valgrind is there, instructions are counted too: those do not depend on what else the machine does.
//!
//! `cargo bench`. A keystore that is not there is said to be missing, with the package that has it.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    dead_code,
    unused_imports,
    missing_docs,
    reason = "a benchmark prints, and uses of the fake what it needs"
)]

#[path = "../support/fake_aws/mod.rs"]
mod fake_aws;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fake_aws::FakeAws;

const VAULT: &str = env!("CARGO_BIN_EXE_vault");
/// Pairs of runs; the median of so many moves by a few hundredths of a millisecond.
const PAIRS: usize = 300;
/// Nobody's: the kernel's keyring is shared with whatever this user keeps there.
const START_URL: &str = "https://vault-benchmark.awsapps.com/start";

fn main() {
    let fake = FakeAws::start();
    fake.approve_all_after(1);
    fake.configure(|behaviour| behaviour.start_urls.push(START_URL.to_owned()));
    let home = tempfile::tempdir().unwrap();
    write_config(home.path(), 2);
    println!("what `vault exec prod -- true` adds to `true`, medians of {PAIRS} pairs\n");
    println!(
        "{:34} {:>9} {:>9} {:>9} {:>7}",
        "", "true", "vault", "added", "ratio"
    );

    let file = Setting::new(home.path(), &fake, "file");
    file.measure("file, unlocked");
    file.instructions();
    let locked = file.with("AWS_VAULT_FILE_UNLOCKED_FOR", "0");
    locked.measure_with(30, "file, passphrase derived each time");
    let keyutils = Setting::new(home.path(), &fake, "keyutils");
    keyutils.measure("keyutils");
    // The kernel's keyring outlives the home.
    let cleared = keyutils.command(VAULT, &["clear", "--sign-ins"]).status();
    assert!(cleared.is_ok_and(|status| status.success()));
    match SecretService::start(home.path()) {
        Some(service) => {
            let os = Setting::new(home.path(), &fake, "os")
                .with("DBUS_SESSION_BUS_ADDRESS", &service.address);
            os.measure("os (Secret Service)");
        }
        None => println!("os: not measured: install Debian's gnome-keyring and dbus-daemon"),
    }
    write_config(home.path(), 10_000);
    file.measure("file, 10,000 profiles");
    file.instructions();
}

/// `prod` last, so that all of the file has to be passed.
fn write_config(home: &Path, profiles: usize) {
    let mut text =
        format!("[sso-session corp]\nsso_start_url = {START_URL}\nsso_region = eu-central-1\n\n");
    for number in 1..profiles {
        write!(
            text,
            "# team {number}\n[profile team-{number}]\nsso_session = corp\n\
             sso_account_id = {number:012}\nsso_role_name = Developer\nregion = eu-west-1\n\n"
        )
        .unwrap();
    }
    text.push_str(
        "[profile prod]\nsso_session = corp\nsso_account_id = 222222222222\n\
         sso_role_name = Admin\nregion = eu-west-1\n",
    );
    fs::create_dir_all(home.join(".aws")).unwrap();
    fs::write(home.join(".aws/config"), text).unwrap();
}

/// A keystore with credentials in it.
struct Setting {
    variables: Vec<(String, String)>,
}

impl Setting {
    fn new(home: &Path, fake: &FakeAws, backend: &str) -> Self {
        let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
        let variables = [
            ("HOME", path("")),
            ("XDG_DATA_HOME", path(&format!("data-{backend}"))),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("AWS_ENDPOINT_URL", fake.url().to_owned()),
            ("AWS_VAULT_BACKEND", backend.to_owned()),
            // The fake's person confirms codes; no browser is there to come back.
            ("AWS_VAULT_LOGIN_FLOW", "device-code".to_owned()),
            ("AWS_VAULT_FILE_PASSPHRASE", "correct horse".to_owned()),
        ];
        Self {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        }
    }

    fn with(&self, name: &str, value: &str) -> Self {
        let mut variables = self.variables.clone();
        variables.push((name.to_owned(), value.to_owned()));
        Self { variables }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().cloned());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Signs in and fetches, so that all that follows is warm; says why not, if not.
    fn warm(&self) -> Result<(), String> {
        for arguments in [&["login"][..], &["exec", "prod", "--", "true"]] {
            let output = self
                .command(VAULT, arguments)
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
        Ok(())
    }

    fn measure(&self, name: &str) {
        self.measure_with(PAIRS, name);
    }

    fn measure_with(&self, pairs: usize, name: &str) {
        if let Err(why) = self.warm() {
            println!("{name:34} not measured: {}", why.trim());
            return;
        }
        let mut bare = Vec::new();
        let mut vault = Vec::new();
        for pair in 0..pairs + 5 {
            let b = time(&mut self.command("/bin/true", &[]));
            let v = time(&mut self.command(VAULT, &["exec", "prod", "--", "true"]));
            // The first few warm the caches of the machine.
            if pair >= 5 {
                bare.push(b);
                vault.push(v);
            }
        }
        let (bare, vault) = (median(bare), median(vault));
        println!(
            "{name:34} {:>6.2} ms {:>6.2} ms {:>6.2} ms {:>6.2}x",
            milliseconds(bare),
            milliseconds(vault),
            milliseconds(vault.saturating_sub(bare)),
            vault.as_secs_f64() / bare.as_secs_f64(),
        );
    }

    /// Instructions of vault itself: callgrind sees the process until it becomes the command, and is
    /// told to write down what it has just before.
    fn instructions(&self) {
        let out = tempfile::tempdir().unwrap();
        let file = format!("--callgrind-out-file={}/out", out.path().display());
        let mut valgrind = self.command(
            "valgrind",
            &[
                "--tool=callgrind",
                &file,
                "--dump-before=exec*",
                VAULT,
                "exec",
                "prod",
                "--",
                "true",
            ],
        );
        let ran = valgrind
            .output()
            .is_ok_and(|output| output.status.success());
        match ran.then(|| total(out.path())).flatten() {
            Some(count) => println!("{:34} {:>9.2} million instructions", "", count as f64 / 1e6),
            None => println!("{:34} instructions not counted: install valgrind", ""),
        }
    }
}

/// What callgrind wrote down, in all.
fn total(directory: &Path) -> Option<u64> {
    let files = fs::read_dir(directory).ok()?.filter_map(Result::ok);
    let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    texts
        .filter_map(|text| {
            let line = text.lines().find_map(|line| {
                line.strip_prefix("totals: ")
                    .or_else(|| line.strip_prefix("summary: "))
            })?;
            line.split(' ').next()?.parse::<u64>().ok()
        })
        .max()
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A gnome-keyring of its own, unlocked, on a bus of its own.
struct SecretService {
    address: String,
    bus: Child,
}

impl SecretService {
    fn start(home: &Path) -> Option<Self> {
        let keyring = home.join("keyring");
        fs::create_dir_all(&keyring).unwrap();
        let surroundings = |program: &str| {
            let mut command = Command::new(program);
            // The daemon takes its home from the bus's environment.
            command
                .env_clear()
                .env("PATH", "/usr/bin:/bin")
                .env("HOME", &keyring);
            command
                .env("XDG_RUNTIME_DIR", &keyring)
                .stderr(Stdio::null());
            command
        };
        let mut bus = surroundings("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut address = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(bus.stdout.take().unwrap()),
            &mut address,
        )
        .ok()?;
        let address = address.trim().to_owned();
        let mut daemon = surroundings("gnome-keyring-daemon")
            .args(["--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        std::io::Write::write_all(&mut daemon.stdin.take()?, b"pw").ok()?;
        daemon.wait().ok()?;
        Some(Self { address, bus })
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
