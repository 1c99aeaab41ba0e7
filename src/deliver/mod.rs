//! Where credentials go. Nothing here knows where they came from, and nothing here talks to a person.

pub mod child;
pub mod console;
pub mod environment;
pub mod export;
pub mod server;
