//! One profile, by questions or by options: what an option says, or the program can find out, is not
//! asked.

mod choose;
mod write;

use super::{missing, region, section};
use crate::broker::Broker;
use crate::commands::context::{Context, name as name_of};
use crate::config::SsoSession;
use crate::credentials::{Account, AccountId, RoleName};
use crate::error::{Error, Kind};
use crate::plan::portal::{self, StartUrl};
use crate::plan::{Wanted, flaw, proposal};
use crate::ui::Question;
use choose::{
    known, named_account, named_role, pick_account, pick_region, pick_role, session_name,
};
use write::{is_taken, taken, write};

/// What a sign-in asks for: with it, it is renewed by itself.
const SCOPE: &str = "sso:account:access";

/// What no run without questions can do without: only a sign-in shows that there is no choice.
const IN_ANY_CASE: [&str; 3] = ["--account", "--role", "--profile"];

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The sso-session to sign in through; written where it is new
    #[arg(long, value_name = "SSO-SESSION", value_parser = section)]
    sso_session: Option<String>,
    /// The address of the AWS access portal
    #[arg(long, value_name = "URL", value_parser = start_url)]
    start_url: Option<String>,
    /// The region of IAM Identity Center
    #[arg(long, value_name = "REGION", value_parser = region)]
    sso_region: Option<String>,
    /// The account: its id, or its name
    #[arg(long, value_name = "ID|NAME")]
    account: Option<String>,
    /// The role: a permission set's name
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// The profile's region
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<String>,
    /// What the profile is called
    #[arg(long, value_name = "NAME", value_parser = section)]
    profile: Option<String>,
    /// Write over a profile that says something else
    #[arg(long)]
    force: bool,
}

fn start_url(text: &str) -> Result<String, String> {
    let parsed =
        StartUrl::parse(text).map_err(|flaw| format!("{flaw}, as {} is", portal::EXAMPLE))?;
    Ok(parsed.url)
}

impl Options {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let session = self.session(context)?;
        if self.profile.is_none() && !context.ui.can_ask() {
            return Err(self.lacks("the profile's name", &[]));
        }
        if let Some(name) = &self.profile
            && !self.force
            && is_taken(context.config()?, name)
            && !self.may_say_so(context, &session)?
        {
            return Err(taken(name));
        }
        let broker = context.broker(None, None)?;
        let (account, role) = self.role(context, &broker, &session)?;
        let wanted = Wanted {
            region: self.region(context, &session)?,
            name: self.name(context, &account, &role)?,
            account,
            role,
        };
        write(context, &session, &wanted, self.force)
    }

    /// Nobody can be asked for `what`: the options for it that are not there, and those that a run
    /// without questions needs in any case, so that one look is enough.
    fn lacks(&self, what: &str, first: &[&'static str]) -> Error {
        let given = [
            ("--start-url", self.start_url.is_some()),
            ("--sso-session", self.sso_session.is_some()),
            ("--sso-region", self.sso_region.is_some()),
            ("--account", self.account.is_some()),
            ("--role", self.role.is_some()),
            ("--profile", self.profile.is_some()),
        ];
        let needed = |option: &str| first.contains(&option) || IN_ANY_CASE.contains(&option);
        let lacking = given
            .into_iter()
            .filter(|(option, given)| !given && needed(option));
        let lacking: Vec<_> = lacking.map(|(option, _)| option).collect();
        missing(what, &lacking)
    }

    /// Whether the profile may be what the options make of it, as far as they say.
    fn may_say_so(&self, context: &Context, session: &SsoSession) -> Result<bool, Error> {
        let (Some(name), Some(account), Some(role)) = (&self.profile, &self.account, &self.role)
        else {
            return Ok(false);
        };
        let Ok(profile) = context.config()?.profile(name) else {
            return Ok(false);
        };
        let says = |key: &str, value: &str| {
            let said = profile.get(key);
            said.is_some_and(|said| said.text == value)
        };
        // What the account's name stands for is known when the portal has listed it.
        let by_name = AccountId::parse(account).is_none();
        let region = self.region.as_ref();
        Ok(says("sso_session", name_of(session))
            && (by_name || says("sso_account_id", account))
            && says("sso_role_name", role)
            && region.is_none_or(|region| says("region", region)))
    }

    /// The sso-session: a known one where it can be, else a new one.
    fn session(&self, context: &Context) -> Result<SsoSession, Error> {
        let config = context.config()?;
        let names: Vec<_> = config.sso_session_names().map(str::to_owned).collect();
        if let Some(named) = self.sso_session.as_ref().filter(|n| names.contains(n)) {
            let session = config.sso_session(named)?;
            return self.agreeing(session);
        }
        if let Some(url) = &self.start_url {
            let same = |name: &String| {
                Some(config.sso_session(name).ok()?).filter(|s| s.start_url == *url)
            };
            if self.sso_session.is_none()
                && let Some(session) = names.iter().find_map(same)
            {
                return self.agreeing(session);
            }
        } else if self.sso_session.is_none()
            && self.sso_region.is_none()
            && !names.is_empty()
            && let Some(named) = known(context, names)?
        {
            return Ok(config.sso_session(&named)?);
        }
        self.new_session(context)
    }

    /// A known sso-session, which the options must not contradict.
    fn agreeing(&self, session: SsoSession) -> Result<SsoSession, Error> {
        let told = [
            ("--start-url", &self.start_url, &session.start_url),
            ("--sso-region", &self.sso_region, &session.region),
        ];
        for (option, given, known) in told {
            if given.as_ref().is_some_and(|given| given != known) {
                let name = name_of(&session);
                let message =
                    format!("{option} contradicts the sso-session `{name}`, which has `{known}`");
                let error = Error::new(Kind::Usage, message);
                return Err(error.hint("leave the option out, or give another `--sso-session`"));
            }
        }
        Ok(session)
    }

    fn new_session(&self, context: &Context) -> Result<SsoSession, Error> {
        if self.start_url.is_none() && !context.ui.can_ask() {
            let options = ["--start-url", "--sso-session", "--sso-region"];
            return Err(self.lacks("where to sign in", &options));
        }
        let url = match &self.start_url {
            Some(url) => url.clone(),
            None => context.ui.ask(
                &Question {
                    question: "Start URL of the AWS access portal:",
                    proposal: None,
                    help: Some(portal::EXAMPLE),
                },
                |text| start_url(text).err(),
            )?,
        };
        let parsed = StartUrl::parse(&url).map_err(|flaw| Error::new(Kind::Usage, flaw))?;
        // One that was typed may be known.
        let config = context.config()?;
        let mut known = config.sso_session_names();
        let same =
            |name: &str| Some(config.sso_session(name).ok()?).filter(|s| s.start_url == parsed.url);
        if self.start_url.is_none()
            && self.sso_session.is_none()
            && let Some(session) = known.find_map(same)
        {
            return Ok(session);
        }
        let region = self.sso_region(context, &parsed)?;
        let name = match &self.sso_session {
            Some(name) => name.clone(),
            None => session_name(context, parsed.name.as_deref())?,
        };
        Ok(SsoSession {
            name: Some(name),
            start_url: parsed.url,
            region,
            scopes: vec![SCOPE.to_owned()],
        })
    }

    /// The region of Identity Center: as the option, the URL or the portal says, else as picked.
    fn sso_region(&self, context: &Context, url: &StartUrl) -> Result<String, Error> {
        if let Some(region) = self.sso_region.as_ref().or(url.region.as_ref()) {
            return Ok(region.clone());
        }
        let broker = context.broker(None, None)?;
        let found = broker.region_of(&url.url);
        if let Some(region) = found.filter(|region| portal::region_flaw(region).is_none()) {
            let note = format!("The portal says that its IAM Identity Center is in {region}.");
            context.ui.note(&note);
            return Ok(region);
        }
        if !context.ui.can_ask() {
            let what = "the region of IAM Identity Center";
            return Err(self.lacks(what, &["--sso-region"]));
        }
        pick_region(context, "Region of IAM Identity Center", context.region()?)
    }

    /// Account and role: as the options say, else the only ones, else those picked.
    fn role(
        &self,
        context: &Context,
        broker: &Broker<'_>,
        session: &SsoSession,
    ) -> Result<(Account, RoleName), Error> {
        if let Some(unchecked) = self.unchecked(context, broker, session)? {
            return Ok(unchecked);
        }
        let accounts = context.signed_in(broker, session, || broker.accounts(session));
        let accounts = accounts.map_err(|error| match error.kind() {
            Kind::SignInRequired => error.hint(
                "or say `--account` (the 12 digits of its id) and `--role`: then it is written unchecked",
            ),
            _ => error,
        })?;
        let account = match &self.account {
            Some(text) => named_account(accounts, text)?,
            None => pick_account(context, accounts, session)?,
        };
        let roles = context.signed_in(broker, session, || broker.roles(session, &account.id))?;
        let role = match &self.role {
            Some(text) => named_role(&roles, text, &account)?,
            None => pick_role(context, roles, &account)?,
        };
        Ok((account, role))
    }

    /// What the options say, where it is all that is needed and nobody is signed in, or the keystore
    /// would have to ask first: a script that sets a machine up has no one to answer.
    fn unchecked(
        &self,
        context: &Context,
        broker: &Broker<'_>,
        session: &SsoSession,
    ) -> Result<Option<(Account, RoleName)>, Error> {
        let id = self.account.as_deref().and_then(AccountId::parse);
        let role = self.role.as_deref().and_then(RoleName::parse);
        let (Some(id), Some(role), Some(_)) = (id, role, &self.profile) else {
            return Ok(None);
        };
        let token = context.ui.asking_nothing(|| broker.token(session, None));
        let why = match token {
            Ok(Some(_)) => return Ok(None),
            Ok(None) => format!("no one is signed in to {}", name_of(session)),
            Err(error) => Error::from(error).one_line(),
        };
        context.ui.warn(&format!(
            "{why}: whether there is such an account and role was not checked"
        ));
        let account = Account {
            id,
            name: None,
            email: None,
        };
        Ok(Some((account, role)))
    }

    fn region(&self, context: &Context, session: &SsoSession) -> Result<Option<String>, Error> {
        if self.region.is_some() || !context.ui.can_ask() || self.is_whole() {
            return Ok(self.region.clone());
        }
        let likely = context.region()?.or_else(|| Some(session.region.clone()));
        pick_region(context, "Region of the profile", likely).map(Some)
    }

    /// Whether the options name all that a profile needs: then no question is asked.
    fn is_whole(&self) -> bool {
        self.account.is_some() && self.role.is_some() && self.profile.is_some()
    }

    fn name(&self, context: &Context, account: &Account, role: &RoleName) -> Result<String, Error> {
        if let Some(name) = &self.profile {
            return Ok(name.clone());
        }
        let taken: Vec<String> = context
            .config()?
            .profile_names()
            .map(str::to_owned)
            .collect();
        let proposal = proposal(account, role, &|name| {
            taken.iter().any(|taken| taken == name)
        });
        let question = Question {
            question: "Name of the profile:",
            proposal: Some(&proposal),
            help: None,
        };
        let check = move |name: &str| match flaw(name) {
            Some(flaw) => Some(flaw.to_owned()),
            None if taken.iter().any(|taken| taken == name) => {
                Some("there is a profile of that name already".to_owned())
            }
            None => None,
        };
        Ok(context.ui.ask(&question, check)?)
    }
}
