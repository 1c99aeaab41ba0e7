//! vault.

mod config;
mod credentials;
mod env;
mod keystore;

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
