//! `vault list`: profiles, where their credentials come from, and what is cached until when. It
//! reads no secret, so it never asks for anything to be unlocked.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::context::{Context, left, whose};
use crate::broker::{self, Want};
use crate::cache::Key;
use crate::deliver::environment::rfc3339;
use crate::error::Error;
use crate::resolve::{Chain, SourceKind};

/// List profiles, where their credentials come from, and what is cached
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault list\n  \
    vault list --json | jq -r '.[] | select(.expires_at) | .profile'")]
pub struct Args {
    /// Print a JSON array
    #[arg(long, conflicts_with = "names")]
    json: bool,
    /// Print the names alone, one a line
    #[arg(long)]
    names: bool,
    /// Only profiles with cached credentials
    #[arg(long)]
    sessions: bool,
}

/// A profile as it is listed.
#[derive(Serialize)]
struct Row {
    profile: String,
    account_id: Option<String>,
    role_name: Option<String>,
    source: &'static str,
    sso_session: Option<String>,
    region: Option<String>,
    expires_at: Option<String>,
    signed_in_until: Option<String>,
    #[serde(skip)]
    expires: Option<Timestamp>,
}

/// When each cached entry ends.
type Ends = HashMap<Key, Option<Timestamp>>;

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let config = context.config()?;
        if self.names && !self.sessions {
            return context.print(&lines(config.profile_names()));
        }
        let now = Context::now();
        let ends = ends(context)?;
        let mut rows = Vec::new();
        for profile in config.profile_names() {
            rows.push(row(context, profile, &ends, now));
        }
        if self.sessions {
            rows.retain(|row| row.expires.is_some());
        }
        if self.names {
            context.print(&lines(rows.iter().map(|row| row.profile.as_str())))
        } else if self.json {
            context.print_json(&rows)
        } else {
            if rows.is_empty() {
                context.ui.note(if self.sessions {
                    "Nothing is cached."
                } else {
                    "No profiles: `vault configure` writes one."
                });
                return Ok(());
            }
            context.print(&table(&rows, now))
        }
    }
}

fn lines<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{name}\n")).collect()
}

fn ends(context: &Context) -> Result<Ends, Error> {
    let mut ends = Ends::new();
    for entry in context.cache.entries()? {
        // Where two keystores are in use by turns, what lasts longer is what may be found.
        let end = ends.entry(entry.key).or_default();
        *end = (*end).max(entry.expires_at);
    }
    Ok(ends)
}

/// A profile that can't be understood is listed all the same, and said to be wrong: one mistake does
/// not hide the others.
fn row(context: &Context, profile: &str, ends: &Ends, now: Timestamp) -> Row {
    match context.chain(profile) {
        Ok(chain) => known(profile, &chain, ends, now),
        Err(error) => {
            // Each of these errors names the profile itself.
            context.ui.warn(&error.one_line());
            unknown(profile)
        }
    }
}

fn known(profile: &str, chain: &Chain, ends: &Ends, now: Timestamp) -> Row {
    let last = broker::keys(chain, Want::default())
        .ok()
        .and_then(|keys| keys.last().cloned());
    let expires = last.and_then(|key| latest(&key, ends));
    let session = chain.session();
    let signed_in = session.and_then(|session| ends.get(&broker::sign_in_key(session)));
    let signed_in = signed_in.copied().flatten().filter(|until| *until > now);
    let (account, role) = whose(chain);
    Row {
        profile: profile.to_owned(),
        account_id: account,
        role_name: role,
        source: chain.kind().as_str(),
        sso_session: session.and_then(|session| session.name.clone()),
        region: chain.region.clone(),
        expires_at: expires.map(rfc3339),
        signed_in_until: signed_in.map(rfc3339),
        expires,
    }
}

/// When the last of a profile's cached credentials end: of a role or a session there may be several, each
/// with the duration that a run asked for.
fn latest(key: &Key, ends: &Ends) -> Option<Timestamp> {
    let same = ends
        .iter()
        .filter(|(other, _)| other.regardless_of_duration() == key.regardless_of_duration());
    same.filter_map(|(_, end)| *end).max()
}

fn unknown(profile: &str) -> Row {
    Row {
        profile: profile.to_owned(),
        account_id: None,
        role_name: None,
        source: SourceKind::None.as_str(),
        sso_session: None,
        region: None,
        expires_at: None,
        signed_in_until: None,
        expires: None,
    }
}

fn table(rows: &[Row], now: Timestamp) -> String {
    let header = ["PROFILE", "ACCOUNT", "ROLE", "SOURCE", "CREDENTIALS"].map(str::to_owned);
    let mut cells = vec![header];
    for row in rows {
        let or_dash = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "-".to_owned());
        cells.push([
            row.profile.clone(),
            or_dash(&row.account_id),
            or_dash(&row.role_name),
            row.source.to_owned(),
            row.expires
                .map_or_else(|| "-".to_owned(), |end| left(end, now)),
        ]);
    }
    let mut widths = [0; 5];
    for line in &cells {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    cells.iter().map(|line| aligned(line, widths)).collect()
}

fn aligned(line: &[String; 5], widths: [usize; 5]) -> String {
    let mut text = String::new();
    for (cell, width) in line.iter().zip(widths) {
        text.push_str(&format!("{cell:width$}  "));
    }
    format!("{}\n", text.trim_end())
}
