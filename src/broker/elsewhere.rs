//! Credentials that others hand out: a program, an identity provider's token, the AWS CLI's own sign-in.

use super::{Broker, BrokerError};
use crate::credentials::Credentials;
use crate::resolve::Process;
use crate::source::process;

impl Broker<'_> {
    /// What a profile's program prints.
    pub(super) fn process(&self, of: &Process) -> Result<Credentials, BrokerError> {
        let settings = &self.connection.process;
        process::fetch(&of.profile, &of.command, settings, (self.clock)())
            .map_err(|error| BrokerError::Process(of.profile.clone(), error))
    }
}
