//! vault.

mod config;
mod credentials;
mod env;
mod keystore;
mod resolve;

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
