//! What other tools keep in keystores of theirs, for `import`: where each has it, and how the person is
//! asked for its passphrase.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Context;
use super::keystore::{ask_passphrase_of, passphrase, waiting};
use crate::env;
use crate::error::Error;
use crate::keystore::{self, Manners, Other, Places};
use crate::plan::takeover::Tool;

impl Context {
    /// The keystores in which a tool may have long-lived keys. Nothing is opened yet.
    pub(in crate::commands) fn keystores_of(
        &self,
        tool: Tool,
    ) -> Result<Vec<Box<dyn Other>>, Error> {
        let Some(places) = self.places(tool)? else {
            return Ok(Vec::new());
        };
        let ui = Arc::clone(&self.ui);
        let manners = Manners {
            // Granted has no variable for it.
            passphrase: match tool {
                Tool::AwsVault => passphrase()?,
                _ => None,
            },
            ask: Box::new(move |purpose| {
                let whose = format!("{}'s encrypted files", tool.name());
                ask_passphrase_of(&ui, &whose, purpose)
            }),
            waiting: waiting(&self.ui),
            may_unlock: self.ui.can_ask(),
            hidden_variables: env::SECRETS,
        };
        Ok(keystore::others(places, manners))
    }

    /// Where aws-vault's keys would be on macOS, which has them in a keychain of their own.
    pub(in crate::commands) fn keychain_of_aws_vault(&self) -> PathBuf {
        self.home().join("Library/Keychains/aws-vault.keychain-db")
    }

    fn places(&self, tool: Tool) -> Result<Option<Places>, Error> {
        let home = self.home();
        let store = |own: Option<PathBuf>| {
            let general = || env::var_os(env::PASSWORD_STORE_DIR).map(PathBuf::from);
            let found = own.or_else(general);
            found.unwrap_or_else(|| home.join(".password-store"))
        };
        Ok(match tool {
            Tool::AwsVault => {
                let collection = env::var(env::AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME)?;
                let files = self.path_in(env::AWS_VAULT_FILE_DIR);
                Some(Places {
                    collection: collection.unwrap_or_else(|| "awsvault".to_owned()),
                    files: files.unwrap_or_else(|| home.join(".awsvault/keys")),
                    password_store: store(self.path_in(env::AWS_VAULT_PASS_PASSWORD_STORE_DIR)),
                    pass_folder: env::var(env::AWS_VAULT_PASS_PREFIX)?.unwrap_or_default(),
                })
            }
            Tool::Granted => {
                let name = "granted-aws-iam-credentials".to_owned();
                let folder = granted_folder(home);
                Some(Places {
                    collection: name.clone(),
                    files: folder.join("secure-storage-aws-iam-credentials"),
                    password_store: store(None),
                    pass_folder: name,
                })
            }
            Tool::Aws2Wrap => None,
        })
    }

    /// The path that a variable names; `~` is the home in it, as aws-vault has it.
    fn path_in(&self, variable: &str) -> Option<PathBuf> {
        let path = PathBuf::from(env::var_os(variable)?);
        Some(match path.strip_prefix("~") {
            Ok(rest) => self.home().join(rest),
            Err(_) => path,
        })
    }

    fn home(&self) -> &Path {
        &self.settings.directories.home
    }
}

/// Granted's own folder: the newer place counts where the older isn't there.
fn granted_folder(home: &Path) -> PathBuf {
    let older = home.join(".granted");
    match env::var_os(env::XDG_CONFIG_HOME) {
        Some(config) if !older.exists() => PathBuf::from(config).join("granted"),
        _ => older,
    }
}
