//! The AWS files, read as the AWS CLI reads them: text in, [`Profile`] and [`SsoSession`] out.
//!
//! It knows files, lines and keys; it does not know the network, a keystore, or what a profile's
//! credentials come from (`resolve` decides that).

use std::path::PathBuf;

/// Where the two files are.
#[derive(Clone, Debug)]
pub struct Files {
    /// `AWS_CONFIG_FILE`, else `~/.aws/config`.
    pub config: PathBuf,
    /// `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`.
    pub credentials: PathBuf,
}
