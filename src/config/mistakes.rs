//! All that is wrong with one profile, for whoever looks for mistakes: everybody else stops at the first.

use super::Config;
use super::error::{ConfigError, Place};
use super::profile::Profile;
use super::settings::{Settings, Value};

impl Config {
    /// Every mistake in what the files say about a profile, one a key; and the profile as it would be
    /// without them, where one is left.
    pub fn examine(&self, name: &str) -> (Option<Profile>, Vec<ConfigError>) {
        let (mut settings, key_file) = match self.whole(name) {
            Ok(whole) => whole,
            Err(error) => return (None, vec![error]),
        };
        let mut mistakes = Vec::new();
        let mut mended = Vec::new();
        loop {
            let error = match Profile::new(&self.config, name, settings.clone(), key_file) {
                Ok(profile) => return (Some(profile), mistakes),
                Err(error) => error,
            };
            let ConfigError::Mistake { at, key, .. } = &error else {
                mistakes.push(error);
                return (None, mistakes);
            };
            if mended.contains(key) {
                // It stands in a section that others share, or it follows from the one before.
                return (None, mistakes);
            }
            mend(&mut settings, key, at, error.is_contradiction());
            mended.push(key.clone());
            mistakes.push(error);
        }
    }
}

/// Takes a mistake out of what a profile says, so that the next one shows, and none that only follows
/// from this one.
fn mend(settings: &mut Settings, key: &str, at: &Place, contradicts: bool) {
    let keys: &[(&str, &str)] = match key {
        // What is right stands in the sso-session.
        _ if contradicts => &[],
        "sso_session" => &[
            ("sso_start_url", "https://example.com"),
            ("sso_region", "eu-central-1"),
        ],
        "sso_account_id" => &[("sso_account_id", "000000000000")],
        "sso_role_name" => &[("sso_role_name", "none")],
        "sso_start_url" => &[("sso_start_url", "https://example.com")],
        "sso_region" => &[("sso_region", "eu-central-1")],
        "role_arn" => &[("role_arn", "arn:aws:iam::000000000000:role/none")],
        _ => &[],
    };
    settings.remove(key);
    for (key, text) in keys {
        let (text, at) = ((*text).to_owned(), at.clone());
        settings.insert((*key).to_owned(), Value { text, at });
    }
}
