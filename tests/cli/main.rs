//! The tests of the program as a whole: each file runs the built binary, in a home of its own,
//! against a fake AWS of its own. This file lists them; `forgotten` fails where it misses one.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unused_imports,
    missing_docs,
    reason = "test code: it reads the clock, prints, and its support offers more than is used yet"
)]

#[path = "../support/mod.rs"]
mod support;

mod add;
mod architecture;
mod completions;
mod config_errors;
mod configure;
mod configure_sync;
mod console;
mod console_trouble;
mod credential_process;
mod credential_source;
mod doctor;
mod doctor_configuration;
mod doctor_keystore;
mod doctor_network;
mod doctor_plain_text;
mod edit;
mod eks_token;
mod exec;
mod exec_process;
mod exec_profiles;
mod exec_server;
mod exec_server_terminal;
mod export;
mod export_clients;
mod export_to;
mod fake_aws;
mod fake_aws_rules;
mod file_keystore;
mod forgotten;
mod help;
mod import;
mod include_profile;
mod list_and_clear;
mod login_session;
mod logout;
mod long_lived_keys;
mod mfa;
mod mfa_process;
mod moto;
mod parallel;
mod parity;
mod picker;
mod prompts;
mod real_clients;
mod remove;
mod rotate;
mod secret_service;
mod secrets;
mod serve;
mod server_clients;
mod sign_in;
mod sign_in_browser;
mod sign_in_code;
mod status;
mod support_itself;
mod terminal;
mod trouble;
mod web_identity;
