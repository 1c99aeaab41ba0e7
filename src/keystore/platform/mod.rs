//! The platform, chosen here and nowhere else. Each platform's file offers the same things:
//! `VALUE_LIMIT`, `modifiers`, `classify`, `collection`, `is_locked`, `keyutils`, `may_be_there`, `resting`.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as chosen;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos as chosen;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as chosen;

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod other_unix;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
use other_unix as chosen;

pub use chosen::{
    VALUE_LIMIT, classify, collection, is_locked, keyutils, may_be_there, modifiers, resting,
};
