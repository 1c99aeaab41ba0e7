//! What the tests stand on: a fake AWS, a home directory of their own, a terminal, a keyring.

pub mod collection;
pub mod door;
pub mod fake_aws;
pub mod home;
pub mod keyring;
pub mod leaks;
pub mod run;
pub mod scenes;
pub mod terminal;
pub mod tools;
