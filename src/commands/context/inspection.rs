//! What `doctor` looks at: the same things that every command works with, mistakes and all.

use super::Context;
use crate::config::{Config, ConfigError, Files};
use crate::resolve::{self, Chain, ResolveError};

impl Context {
    /// Reads the AWS files however much is wrong with them, and says what: from here on they are what
    /// could be read of them.
    pub(in crate::commands) fn inspect_config(&self) -> (&Config, Vec<ConfigError>) {
        let (config, mistakes) = Config::load_with_mistakes(&self.files());
        (self.config.get_or_init(|| config), mistakes)
    }

    /// Where the AWS files are.
    pub(in crate::commands) fn aws_files(&self) -> Files {
        self.files()
    }

    /// Where the credentials of a profile come from.
    pub(in crate::commands) fn resolve(
        &self,
        config: &Config,
        name: &str,
    ) -> Result<Chain, ResolveError> {
        self.with_facts(|facts| resolve::resolve(config, facts, name))
    }
}
