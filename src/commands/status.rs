//! `vault status`: can this profile be used right now, without a person? For prompts and scripts, so it is
//! quick, touches no secret of the keystore and no network, and answers by its exit code too.

use jiff::Timestamp;
use serde::Serialize;

use super::context::{Context, left, wanted, whose};
use crate::broker::{self, Standing, Want};
use crate::config::shell_word;
use crate::deliver::environment::rfc3339;
use crate::env;
use crate::error::{Error, Kind};
use crate::resolve::Chain;

/// Say whether a profile can be used right now, without a person
///
/// Exit code 0: it can; 4: a person must sign in first, or give an MFA code; 1: it can't be used at all.
/// It opens nothing and asks nothing, not even for the keystore to be unlocked.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault status prod\n  \
    vault status --json prod | jq -r .expires_at\n  \
    vault status prod >/dev/null || vault login prod")]
pub struct Args {
    /// The profile [env: AWS_PROFILE]
    #[arg(value_name = "PROFILE")]
    profile: Option<String>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// How a profile stands.
#[derive(Serialize)]
struct Status {
    profile: String,
    /// `ready`, `sign-in-required`, `unusable`
    status: &'static str,
    account_id: Option<String>,
    role_name: Option<String>,
    source: &'static str,
    sso_session: Option<String>,
    region: Option<String>,
    /// When cached credentials end.
    expires_at: Option<String>,
    signed_in_until: Option<String>,
    /// Why it is not ready.
    reason: Option<String>,
    /// What makes it ready.
    hint: Option<String>,
}

/// What is said of it.
enum Verdict {
    Ready(String, Option<Timestamp>),
    Not {
        kind: Kind,
        reason: String,
        hint: Option<String>,
    },
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let profile = match self.profile {
            Some(profile) => Some(profile),
            None => env::var(env::AWS_PROFILE)?,
        };
        let Some(profile) = profile else {
            return Err(context.no_profile_named());
        };
        let chain = context.chain(&profile)?;
        let now = Context::now();
        let verdict = verdict(context, &chain)?;
        if self.json {
            context.print_json(&json(context, &chain, &verdict, now))?;
        } else {
            context.print(&format!("{profile}: {}\n", said(&verdict)))?;
        }
        match verdict {
            Verdict::Ready(..) => Ok(()),
            Verdict::Not { kind, .. } => Err(Error::said(kind)),
        }
    }
}

/// As an `exec` without options would find it.
fn verdict(context: &Context, chain: &Chain) -> Result<Verdict, Error> {
    let want = Want {
        duration: wanted(None, chain)?,
        ..Want::default()
    };
    let broker = context.broker(None, None)?;
    let profile = &chain.profile;
    let standing = match broker.standing(chain, want) {
        Ok(standing) => standing,
        Err(error) => {
            let error = Error::from(error);
            return Ok(Verdict::Not {
                kind: error.kind(),
                reason: error.one_line(),
                hint: error.hints().first().cloned(),
            });
        }
    };
    let now = Context::now();
    let ready = |text: &str, until| Verdict::Ready(text.to_owned(), until);
    let needed = |reason: String, hint: String| Verdict::Not {
        kind: Kind::SignInRequired,
        reason,
        hint: Some(hint),
    };
    Ok(match standing {
        Standing::Kept(end) => Verdict::Ready(format!("ready, {}", left(end, now)), Some(end)),
        Standing::AtHand => ready("ready", None),
        Standing::ToFetch => ready("ready, not fetched yet", None),
        Standing::SignInRequired(session) => {
            let word = session.name.as_deref().unwrap_or(profile);
            needed("no one is signed in".to_owned(), login(word))
        }
        Standing::CodeRequired {
            serial,
            for_session,
        } => {
            let reason = format!("a code of the MFA device `{serial}` is needed");
            let asks = || format!("`vault exec {}` asks for it", shell_word(profile));
            let hint = if for_session { login(profile) } else { asks() };
            needed(reason, hint)
        }
    })
}

fn login(word: &str) -> String {
    format!("run `vault login {}`", shell_word(word))
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Ready(text, _) => text.clone(),
        Verdict::Not {
            reason,
            hint: Some(hint),
            ..
        } => format!("{reason}: {hint}"),
        Verdict::Not { reason, .. } => reason.clone(),
    }
}

fn json(context: &Context, chain: &Chain, verdict: &Verdict, now: Timestamp) -> Status {
    let (status, expires, reason, hint) = match verdict {
        Verdict::Ready(_, end) => ("ready", *end, None, None),
        Verdict::Not { kind, reason, hint } => {
            let status = match kind {
                Kind::SignInRequired => "sign-in-required",
                _ => "unusable",
            };
            (status, None, Some(reason.clone()), hint.clone())
        }
    };
    let session = chain.session();
    let sign_in = session.and_then(|session| context.cache.listed(&broker::sign_in_key(session)));
    let signed_in = sign_in.and_then(|listed| listed.expires_at);
    let (account, role) = whose(chain);
    Status {
        profile: chain.profile.clone(),
        status,
        account_id: account,
        role_name: role,
        source: chain.kind().as_str(),
        sso_session: session.and_then(|session| session.name.clone()),
        region: chain.region.clone(),
        expires_at: expires.map(rfc3339),
        signed_in_until: signed_in.filter(|end| *end > now).map(rfc3339),
        reason,
        hint,
    }
}
