//! From a profile's name to an address that signs a browser in to the console.

use std::time::Duration;

use jiff::Timestamp;

use super::request::region;
use super::{Context, Request, SignIn};
use crate::broker::{self, Reader, Want};
use crate::credentials::{Credentials, Secret};
use crate::deliver::console::{self, ConsoleError, Page, Partition, Place};
use crate::error::{Error, Kind};
use crate::resolve::{Chain, Source};
use crate::ui;

/// What AWS gives a session of the console, from the shortest to the longest.
const SHORTEST: Duration = Duration::from_mins(15);
const LONGEST: Duration = Duration::from_hours(12);

/// Where a person is sent when the session has ended, and there is no access portal.
const ISSUER: &str = "vault";

/// A sign-in to the console that a browser has only to come to.
pub(in crate::commands) struct SignedIn {
    /// The address; it holds a token that is as good as credentials for 15 minutes.
    pub(in crate::commands) url: Secret<String>,
}

impl Request {
    /// Gets one for the profile of that name, and a page of the console. Here the duration is the session's.
    pub(in crate::commands) fn sign_in_to_console(
        mut self,
        context: &Context,
        name: &str,
        page: Page<'_>,
        how: &SignIn,
    ) -> Result<SignedIn, Error> {
        let chain = context.chain(name)?;
        let length = length(self.duration.take())?;
        // What can't lead to a console is known before anybody is asked anything.
        let profile = context.config()?.profile(name)?;
        let place = Place::new(partition(&chain)?, region(self.region.clone(), &profile)?)?;
        let destination = place.destination(page)?;
        let of_a_user = broker::is_users_key(&chain);
        // `GetFederationToken` takes the key itself, and no session of it.
        self.no_session |= of_a_user;
        let want = Want {
            no_session: self.no_session,
            ..Want::default()
        };
        let may_choose = broker::has_length_of_its_own(&chain, want);
        // The session ends with its credentials, unless it has a length of its own.
        let obtained = self.obtain_by(context, name, Reader::Client, how)?;
        let signin = obtained.signin()?.unwrap_or_else(|| place.signin());
        let signin = signin.trim_end_matches('/');
        ui::watch_interrupts();
        let broker = context.broker(Some(&obtained.profile), obtained.region.as_deref())?;
        let (credentials, length) = match &obtained.credentials.session_token {
            None => {
                no_mfa(context, &chain);
                let region = obtained.region.as_deref();
                let key = &obtained.credentials;
                (broker.federate(name, key, region, length)?, None)
            }
            Some(_) if may_choose => (obtained.credentials.clone(), length),
            Some(_) => {
                if length.is_some() {
                    not_chosen(context, name, &obtained.credentials);
                }
                (obtained.credentials.clone(), None)
            }
        };
        let token = broker.signin_token(&credentials, signin, length)?;
        let issuer = chain.session().map(|session| session.start_url.as_str());
        let url = console::address(signin, issuer.unwrap_or(ISSUER), &destination, &token);
        Ok(SignedIn { url })
    }
}

fn length(wish: Option<Duration>) -> Result<Option<Duration>, Error> {
    match wish {
        Some(wish) if !(SHORTEST..=LONGEST).contains(&wish) => {
            let message = format!("a session of the console can't last {} s", wish.as_secs());
            Err(Error::new(Kind::Usage, message).hint("AWS gives 15 minutes to 12 hours"))
        }
        wish => Ok(wish),
    }
}

/// Where the account is, as far as the configuration says. Identity Center is in its accounts' partition.
fn partition(chain: &Chain) -> Result<Option<Partition>, ConsoleError> {
    if let Some(role) = chain.roles.last() {
        return Partition::of_arn(&role.role_arn).map(Some);
    }
    match &chain.source {
        Source::Sso(sso) => Partition::of_region(&sso.session.region).map(Some),
        Source::WebIdentity(web) => Partition::of_arn(&web.role_arn).map(Some),
        Source::LoginSession(login) => Partition::of_arn(&login.arn).map(Some),
        _ => Ok(None),
    }
}

/// A federated user's session knows nothing of MFA: STS has no way to give it a code.
fn no_mfa(context: &Context, chain: &Chain) {
    if let Source::AccessKey(key) = &chain.source
        && key.mfa_serial.is_some()
    {
        context.ui.note(
            "This session of the console is without MFA: with an IAM user's key AWS gives no other. \
             A role's is with it.",
        );
    }
}

fn not_chosen(context: &Context, name: &str, credentials: &Credentials) {
    let left = |end: Timestamp| end.duration_since(Context::now()).as_mins();
    let left = credentials.expires_at.map(left);
    let left = left.map_or_else(String::new, |minutes| format!(", {minutes} min"));
    context.ui.note(&format!(
        "`{name}`'s session of the console lasts as long as its credentials{left}: AWS lets nobody \
         choose for a chained role."
    ));
}
