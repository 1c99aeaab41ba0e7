//! The choices of the wizard: by an option, as the only one there is, or picked.

use super::missing;
use crate::commands::context::{Context, name};
use crate::config::{SsoSession, closest};
use crate::credentials::{Account, RoleName};
use crate::error::{Error, Kind};
use crate::plan::{flaw, portal};
use crate::ui::{Choice, Question};

/// One of the sso-sessions that there are; `None` for another.
pub(super) fn known(context: &Context, mut names: Vec<String>) -> Result<Option<String>, Error> {
    const ANOTHER: &str = "(another)";
    if !context.ui.can_ask() {
        return match &names[..] {
            [only] => Ok(Some(only.clone())),
            several => {
                let message = format!("there are several sso-sessions: {}", several.join(", "));
                Err(Error::new(Kind::Usage, message).hint("name one with `--sso-session`"))
            }
        };
    }
    let of = |name: &String| Choice {
        name: name.clone(),
        beside: context
            .config()
            .ok()
            .and_then(|config| config.sso_session(name).ok())
            .map(|session| session.start_url)
            .into_iter()
            .collect(),
    };
    let choices = names.iter().map(of);
    let choices = choices.chain([Choice::plain(ANOTHER)]).collect();
    let picked = context.ui.pick("Sign in through", choices)?;
    Ok((picked < names.len()).then(|| names.swap_remove(picked)))
}

/// What a new sso-session is called: as the organisation calls itself, where that is known and free.
pub(super) fn session_name(context: &Context, likely: Option<&str>) -> Result<String, Error> {
    let taken: Vec<String> = context
        .config()?
        .sso_session_names()
        .map(str::to_owned)
        .collect();
    if let Some(name) = likely.filter(|name| taken.iter().all(|taken| taken != name)) {
        context.ui.note(&format!(
            "This place to sign in is called {name} (`--sso-session` gives it another name)."
        ));
        return Ok(name.to_owned());
    }
    if !context.ui.can_ask() {
        return Err(missing("a name for the sso-session", &["--sso-session"]));
    }
    let likely = likely.unwrap_or("sso");
    let numbered = (2..).map(|number| format!("{likely}-{number}"));
    let mut names = std::iter::once(likely.to_owned()).chain(numbered);
    let proposal = names.find(|name| !taken.contains(name));
    let question = Question {
        question: "A name for this place to sign in (its sso-session):",
        proposal: proposal.as_deref(),
        help: None,
    };
    let check = move |name: &str| match flaw(name) {
        Some(flaw) => Some(flaw.to_owned()),
        None if taken.iter().any(|taken| taken == name) => {
            Some("there is an sso-session of that name already".to_owned())
        }
        None => None,
    };
    Ok(context.ui.ask(&question, check)?)
}

/// All regions, the likely one first.
pub(super) fn pick_region(
    context: &Context,
    question: &str,
    likely: Option<String>,
) -> Result<String, Error> {
    let first = likely.filter(|likely| portal::region_flaw(likely).is_none());
    let rest = portal::REGIONS.into_iter().map(str::to_owned);
    let rest = rest.filter(|region| Some(region) != first.as_ref());
    let mut regions: Vec<_> = first.clone().into_iter().chain(rest).collect();
    let choices = regions.iter().map(Choice::plain).collect();
    Ok(regions.swap_remove(context.ui.pick(question, choices)?))
}

pub(super) fn pick_account(
    context: &Context,
    mut accounts: Vec<Account>,
    session: &SsoSession,
) -> Result<Account, Error> {
    match accounts.len() {
        0 => {
            let message = format!(
                "there is no account that you may use through {}",
                name(session)
            );
            let error = Error::new(Kind::Failed, message);
            Err(error.hint("ask whoever runs IAM Identity Center to assign you to one"))
        }
        1 => {
            let only = accounts.swap_remove(0);
            let title = match &only.name {
                Some(name) => format!("{name} ({})", only.id),
                None => only.id.to_string(),
            };
            context
                .ui
                .note(&format!("The one account that you may use: {title}."));
            Ok(only)
        }
        _ if !context.ui.can_ask() => Err(missing("the account", &["--account"])),
        _ => {
            accounts.sort_by_key(|account| account.name.as_ref().map(|name| name.to_lowercase()));
            let choice = |account: &Account| {
                let id = account.id.as_str().to_owned();
                let email = account.email.clone();
                match account.name.clone() {
                    Some(name) => Choice {
                        name,
                        beside: [Some(id), email].into_iter().flatten().collect(),
                    },
                    None => Choice::plain(id),
                }
            };
            let choices = accounts.iter().map(choice).collect();
            let picked = context.ui.pick("Account", choices)?;
            Ok(accounts.swap_remove(picked))
        }
    }
}

pub(super) fn pick_role(
    context: &Context,
    mut roles: Vec<RoleName>,
    account: &Account,
) -> Result<RoleName, Error> {
    match roles.len() {
        0 => Err(no_role(account)),
        1 => {
            let only = roles.swap_remove(0);
            context.ui.note(&format!("The one role there: {only}."));
            Ok(only)
        }
        _ if !context.ui.can_ask() => Err(missing("the role", &["--role"])),
        _ => {
            let choices = roles.iter().map(|role| Choice::plain(role.as_str()));
            let picked = context.ui.pick("Role", choices.collect())?;
            Ok(roles.swap_remove(picked))
        }
    }
}

/// The account of that id or name.
pub(super) fn named_account(accounts: Vec<Account>, text: &str) -> Result<Account, Error> {
    let is =
        |account: &&Account| account.id.as_str() == text || account.name.as_deref() == Some(text);
    let found: Vec<_> = accounts.iter().filter(is).collect();
    match &found[..] {
        [one] => Ok((*one).clone()),
        [] => {
            let names = accounts
                .iter()
                .filter_map(|account| account.name.as_deref());
            let close = closest(text, names);
            let error = Error::new(
                Kind::Failed,
                format!("there is no account `{text}` that you may use"),
            );
            Err(match close.first() {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error.hint("on a terminal, leave `--account` out and pick from the list"),
            })
        }
        several => {
            let ids: Vec<_> = several.iter().map(|account| account.id.as_str()).collect();
            let message = format!("there are several accounts `{text}`: {}", ids.join(", "));
            Err(Error::new(Kind::Failed, message).hint("give the id"))
        }
    }
}

pub(super) fn named_role(
    roles: &[RoleName],
    text: &str,
    account: &Account,
) -> Result<RoleName, Error> {
    if roles.is_empty() {
        return Err(no_role(account));
    }
    let found = roles.iter().find(|role| role.as_str() == text);
    found.cloned().ok_or_else(|| {
        let message = format!(
            "you do not have the role `{text}` in account {}",
            account.id
        );
        let names: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
        Error::new(Kind::Failed, message).hint(format!("there you have {}", names.join(", ")))
    })
}

pub(super) fn no_role(account: &Account) -> Error {
    let message = format!("you have no role in account {}", account.id);
    Error::new(Kind::Failed, message).hint("ask whoever runs IAM Identity Center for one")
}
