//! Credentials that others hand out: a program, an identity provider's token, the AWS CLI's own sign-in.

use std::path::Path;

use super::steps::{Web, session_name};
use super::{Broker, BrokerError};
use crate::credentials::Credentials;
use crate::resolve::Process;
use crate::source::sts::WebIdentityRequest;
use crate::source::{process, web_identity};

impl Broker<'_> {
    /// What a role gives for the token in a file, which is read now.
    pub(super) fn web_identity(&self, web: Web<'_>) -> Result<Credentials, BrokerError> {
        let Web { role, duration } = web;
        tracing::info!(role = role.role_arn, file = role.token_file, "web identity");
        let token = web_identity::token(Path::new(&role.token_file))?;
        let request = WebIdentityRequest {
            role_arn: &role.role_arn,
            session_name: &session_name(role.session_name.as_deref(), &role.profile),
            duration_seconds: duration,
        };
        let region = self.region(role.region.as_deref(), &role.role_arn);
        self.sts(region)?
            .assume_role_with_web_identity(&token, &request, (self.clock)())
            .map_err(|error| BrokerError::WebIdentity(role.role_arn.clone(), error))
    }

    /// What a profile's program prints.
    pub(super) fn process(&self, of: &Process) -> Result<Credentials, BrokerError> {
        let settings = &self.connection.process;
        process::fetch(&of.profile, &of.command, settings, (self.clock)())
            .map_err(|error| BrokerError::Process(of.profile.clone(), error))
    }
}
