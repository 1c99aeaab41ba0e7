//! The fake AWS on its own, for a try by hand: it prints its base URL and serves until it is
//! killed.
//!
//! `cargo run --example fake-aws -- [--port N] [--approve-on-visit] [--approve-after POLLS]
//! [--accounts N]`

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unused_imports,
    missing_docs,
    reason = "test code: it prints, reads the clock, and uses of the fake what it needs"
)]

#[path = "../support/fake_aws/mod.rs"]
mod fake_aws;

use std::io::Write as _;
use std::process::ExitCode;

use fake_aws::{FakeAws, Visit};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            println!("fake-aws: wrong or incomplete option: {wrong}");
            println!(
                "usage: fake-aws [--port N] [--approve-on-visit] [--approve-after POLLS] [--accounts N]"
            );
            return ExitCode::from(2);
        }
    };
    let fake = FakeAws::start_on(options.port);
    fake.configure(|behaviour| {
        behaviour.visit = options.visit;
        behaviour.approve_after_polls = options.approve_after;
        if let Some(accounts) = options.accounts {
            behaviour.accounts = fake_aws::Account::organisation(accounts);
        }
    });
    println!("{}", fake.url());
    // Whoever waits for the line may have a pipe on the other end.
    let _ = std::io::stdout().flush();
    loop {
        std::thread::park();
    }
}

struct Options {
    port: u16,
    visit: Visit,
    approve_after: Option<u32>,
    accounts: Option<u32>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            port: 0,
            visit: Visit::Ask,
            approve_after: None,
            accounts: None,
        };
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|text| text.parse::<u32>().ok());
            match argument.as_str() {
                "--approve-on-visit" => options.visit = Visit::Allow,
                "--approve-after" => {
                    options.approve_after = Some(number().ok_or(argument)?);
                }
                "--accounts" => options.accounts = Some(number().ok_or(argument)?),
                "--port" => {
                    let port = number().and_then(|port| u16::try_from(port).ok());
                    options.port = port.ok_or(argument)?;
                }
                _ => return Err(argument),
            }
        }
        Ok(options)
    }
}
