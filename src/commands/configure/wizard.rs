//! One profile, by questions or by options: what an option says, or the program can find out, is not
//! asked.

mod choose;

use super::{missing, next, region, section};
use crate::broker::Broker;
use crate::commands::context::{Context, name};
use crate::config::edit::{EditError, Refusal, Sections};
use crate::config::{Profile, SectionKind, SsoSession};
use crate::credentials::{Account, RoleName};
use crate::error::{Error, Kind};
use crate::plan::portal::{self, StartUrl};
use crate::plan::{Wanted, flaw, proposal, settings};
use crate::ui::Question;
use choose::{
    ask_session_name, known, named_account, named_role, pick_account, pick_region, pick_role,
};

/// What a sign-in asks for: with it, it is renewed by itself.
const SCOPE: &str = "sso:account:access";

/// Keys that would lead a profile to other credentials than the account and role that it is to have.
const OTHER_WAYS: [&str; 8] = [
    "sso_start_url",
    "sso_region",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "credential_process",
    "login_session",
];

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The sso-session to sign in through; written where it is new
    #[arg(long, value_name = "NAME", value_parser = section)]
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

/// Where to sign in.
struct Portal {
    session: SsoSession,
    /// Whether it is to be written.
    is_new: bool,
}

fn start_url(text: &str) -> Result<String, String> {
    let parsed = StartUrl::parse(text).map_err(|flaw| format!("{flaw}, {}", portal::EXAMPLE))?;
    Ok(parsed.url)
}

impl Options {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let portal = self.portal(context)?;
        if let Some(profile) = &self.profile
            && !self.force
            && is_taken(context, profile)?
            && !self.says_so_already(context, &portal.session)?
        {
            let message =
                format!("there is a profile `{profile}` already, and it says something else");
            return Err(Error::new(Kind::Failed, message).hint("`--force` writes over it"));
        }
        let broker = context.broker(None, None)?;
        let (account, role) = self.role(context, &broker, &portal.session)?;
        let wanted = Wanted {
            region: self.region(context, &portal.session)?,
            name: self.name(context, &account, &role)?,
            account,
            role,
        };
        write(context, &portal, &wanted)
    }

    /// Whether the profile is what the options make of it.
    fn says_so_already(&self, context: &Context, session: &SsoSession) -> Result<bool, Error> {
        let Some(profile) = &self.profile else {
            return Ok(false);
        };
        let Ok(profile) = context.config()?.profile(profile) else {
            return Ok(false);
        };
        let says = |key: &str, value: &Option<String>| {
            let said = profile.get(key).map(|value| value.text.as_str());
            value.is_some() && said == value.as_deref()
        };
        let plain = |p: &Profile| !OTHER_WAYS.iter().any(|key| p.get(key).is_some());
        Ok(says("sso_session", &session.name)
            && says("sso_account_id", &self.account)
            && says("sso_role_name", &self.role)
            && (self.region.is_none() || says("region", &self.region))
            && plain(&profile))
    }

    /// The sso-session: a known one where it can be, else a new one.
    fn portal(&self, context: &Context) -> Result<Portal, Error> {
        let config = context.config()?;
        let names: Vec<_> = config.sso_session_names().map(str::to_owned).collect();
        let old = |session| Portal {
            session,
            is_new: false,
        };
        if let Some(named) = self.sso_session.as_ref().filter(|n| names.contains(n)) {
            let session = config.sso_session(named)?;
            return Ok(old(self.agreeing(session)?));
        }
        if let Some(url) = &self.start_url {
            let same = |name: &String| {
                Some(config.sso_session(name).ok()?).filter(|s| s.start_url == *url)
            };
            if self.sso_session.is_none()
                && let Some(session) = names.iter().find_map(same)
            {
                return Ok(old(self.agreeing(session)?));
            }
        } else if self.sso_session.is_none()
            && self.sso_region.is_none()
            && !names.is_empty()
            && let Some(named) = known(context, names)?
        {
            return Ok(old(config.sso_session(&named)?));
        }
        let session = self.new_session(context)?;
        Ok(Portal {
            session,
            is_new: true,
        })
    }

    /// A known sso-session, which the options must not contradict.
    fn agreeing(&self, session: SsoSession) -> Result<SsoSession, Error> {
        let told = [
            ("--start-url", &self.start_url, &session.start_url),
            ("--sso-region", &self.sso_region, &session.region),
        ];
        for (option, given, known) in told {
            if given.as_ref().is_some_and(|given| given != known) {
                let name = name(&session);
                let message =
                    format!("{option} contradicts the sso-session `{name}`, which has `{known}`");
                let error = Error::new(Kind::Usage, message);
                return Err(error.hint("leave the option out, or give another `--sso-session`"));
            }
        }
        Ok(session)
    }

    fn new_session(&self, context: &Context) -> Result<SsoSession, Error> {
        let lacking = [
            (self.start_url.is_none(), "--start-url"),
            (self.sso_session.is_none(), "--sso-session"),
        ];
        let lacking: Vec<_> = lacking
            .iter()
            .filter_map(|(no, option)| no.then_some(*option))
            .collect();
        if !context.ui.can_ask() && !lacking.is_empty() {
            return Err(missing("where to sign in", &lacking));
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
        let region = match (&self.sso_region, parsed.region) {
            (Some(region), _) => region.clone(),
            (None, Some(region)) => region.to_owned(),
            (None, None) if !context.ui.can_ask() => {
                return Err(missing(
                    "the region of IAM Identity Center",
                    &["--sso-region"],
                ));
            }
            (None, None) => {
                pick_region(context, "Region of IAM Identity Center", context.region()?)?
            }
        };
        let name = match &self.sso_session {
            Some(name) => name.clone(),
            None => ask_session_name(context, parsed.name.as_deref())?,
        };
        Ok(SsoSession {
            name: Some(name),
            start_url: parsed.url,
            region,
            scopes: vec![SCOPE.to_owned()],
        })
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
        let accounts = context.signed_in(broker, session, || broker.accounts(session))?;
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

    /// What the options say, where it is all that is needed, and nobody can be asked to sign in: a
    /// script that sets a machine up has no one signed in to what it is about to write.
    fn unchecked(
        &self,
        context: &Context,
        broker: &Broker<'_>,
        session: &SsoSession,
    ) -> Result<Option<(Account, RoleName)>, Error> {
        let id = self
            .account
            .as_deref()
            .and_then(crate::credentials::AccountId::parse);
        let role = self.role.as_deref().and_then(RoleName::parse);
        let (Some(id), Some(role), Some(_)) = (id, role, &self.profile) else {
            return Ok(None);
        };
        if context.ui.can_ask() || broker.token(session, None)?.is_some() {
            return Ok(None);
        }
        let session = name(session);
        context.ui.warn(&format!(
            "no one is signed in to {session}: whether there is such an account and role was not checked"
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
        if !context.ui.can_ask() {
            return Err(missing("the profile's name", &["--profile"]));
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

fn is_taken(context: &Context, profile: &str) -> Result<bool, Error> {
    Ok(context
        .config()?
        .profile_names()
        .any(|name| name == profile))
}

fn write(context: &Context, portal: &Portal, wanted: &Wanted) -> Result<(), Error> {
    let session = name(&portal.session);
    let mut edit = context.edit_config()?;
    let sections = &mut edit.sections;
    let is_new = portal.is_new && !sections.has(SectionKind::SsoSession, session);
    if is_new {
        let keys = [
            ("sso_start_url", portal.session.start_url.as_str()),
            ("sso_region", &portal.session.region),
            ("sso_registration_scopes", SCOPE),
        ];
        sections
            .add(SectionKind::SsoSession, session, &keys)
            .map_err(EditError::from)?;
    }
    let before = sections.text();
    profile(sections, wanted, session).map_err(EditError::from)?;
    let changed = sections.text() != before;
    context.save(edit)?;
    let path = context.config_path();
    let path = path.display();
    let name = &wanted.name;
    context.ui.note(&match (is_new, changed) {
        (true, _) => format!("Wrote the sso-session {session} and the profile {name} to {path}."),
        (false, true) => format!("Wrote the profile {name} to {path}."),
        (false, false) => format!("The profile {name} is in {path} already."),
    });
    next(context, name);
    Ok(())
}

fn profile(sections: &mut Sections, wanted: &Wanted, session: &str) -> Result<(), Refusal> {
    let keys = settings(wanted, session, false);
    let keys: Vec<_> = keys
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    if !sections.has(SectionKind::Profile, &wanted.name) {
        sections.add(SectionKind::Profile, &wanted.name, &keys)?;
        return Ok(());
    }
    for key in OTHER_WAYS {
        sections.remove(SectionKind::Profile, &wanted.name, key)?;
    }
    for (key, value) in keys {
        sections.set(SectionKind::Profile, &wanted.name, key, value)?;
    }
    Ok(())
}
