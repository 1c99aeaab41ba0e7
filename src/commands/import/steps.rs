//! The things that an import can do, each after a yes: what it is in words, what it asks, how it is done.
//! Each is whole by itself, so that a run that ends in the middle leaves nothing half done.

use std::path::PathBuf;

use super::{Found, has_key, read_key};
use crate::commands::context::{Context, Stored, shown_id};
use crate::config::edit::{EditError, Sections};
use crate::config::{KeyFile, SectionKind};
use crate::error::{Error, Kind};
use crate::plan::takeover::{self, Becomes, Rewrite, Tool};

/// So many profiles of one kind are said one by one; of more, how many.
const SAID: usize = 20;

const KEY: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
const TOKENS: [&str; 2] = ["aws_session_token", "aws_security_token"];

/// A key that stands in a file.
pub(super) struct InFile {
    pub(super) profile: String,
    pub(super) file: KeyFile,
    pub(super) path: PathBuf,
    pub(super) id: String,
}

/// One thing to do.
pub(super) enum Step {
    /// A long-lived key out of another tool's keystore, which keeps its own copy.
    Take {
        tool: Tool,
        /// Which of the keystores that were found.
        keystore: usize,
        name: String,
    },
    /// A long-lived key out of a file.
    Move(InFile),
    /// A temporary key out of a file: nobody needs it any more.
    Drop {
        key: InFile,
        /// The file says that it has ended.
        ended: bool,
    },
    /// Sections that were written for another tool.
    Rewrite {
        tool: Tool,
        /// They become profiles of an sso-session, and not such that have vault as their program.
        sso: bool,
        group: Vec<Rewrite>,
    },
}

impl Step {
    /// What there is, a line each.
    pub(super) fn what(&self, found: &Found, context: &Context) -> Vec<String> {
        match self {
            Self::Take {
                tool,
                keystore,
                name,
            } => {
                let place = found.keystores[*keystore].1.place();
                vec![format!(
                    "Found: {}'s key of `{name}`, in {place}",
                    tool.name()
                )]
            }
            Self::Move(InFile {
                profile, path, id, ..
            }) => {
                let (id, place) = (shown_id(id), path.display());
                vec![format!(
                    "Found: the key {id} of `{profile}` in the clear, in {place}"
                )]
            }
            Self::Drop { key, ended } => {
                let (profile, id, path) = (&key.profile, &key.id, &key.path);
                let end = if *ended { ", which has ended" } else { "" };
                let (id, place) = (shown_id(id), path.display());
                vec![format!(
                    "Found: the temporary key {id} of `{profile}`{end}, in {place}"
                )]
            }
            Self::Rewrite { tool, group, .. } => {
                let place = context.config_path();
                let one = |rewrite: &Rewrite| {
                    let (profile, becomes) = (&rewrite.profile, becomes(rewrite));
                    let (tool, place) = (tool.name(), place.display());
                    format!("Found: `{profile}` as {tool} has it, in {place}: {becomes}")
                };
                let mut lines: Vec<_> = group.iter().take(SAID).map(one).collect();
                if group.len() > SAID {
                    let more = group.len() - SAID;
                    lines.push(format!("Found: {more} more like these"));
                }
                lines
            }
        }
    }

    /// What is asked.
    pub(super) fn question(&self) -> String {
        match self {
            Self::Take { tool, name, .. } => {
                format!("Take over {}'s key of `{name}`?", tool.name())
            }
            Self::Move(InFile { profile, path, .. }) => {
                let place = path.display();
                format!("Move the key of `{profile}` out of {place} into the keystore?")
            }
            Self::Drop { key, .. } => {
                let (profile, path) = (&key.profile, &key.path);
                let place = path.display();
                format!("Remove the temporary key of `{profile}` from {place}?")
            }
            Self::Rewrite { tool, sso, group } => {
                let profiles = match &group[..] {
                    [one] => format!("`{}`", one.profile),
                    several => format!("{} profiles", several.len()),
                };
                let tool = tool.name();
                if *sso {
                    format!("Write {profiles} of {tool} anew, for every AWS client?")
                } else {
                    format!("Let vault print the credentials of {profiles} in place of {tool}?")
                }
            }
        }
    }

    /// Whether a yes to everything is one to this.
    pub(super) fn may_go_unasked(&self) -> bool {
        !matches!(self, Self::Drop { ended: false, .. })
    }

    /// What is said where it isn't.
    pub(super) fn why_it_stays(&self) -> String {
        match self {
            Self::Drop { key, .. } => format!(
                "The temporary key of `{}` stays in {}: whether it has ended is not written there.",
                key.profile,
                key.path.display()
            ),
            _ => String::new(),
        }
    }

    /// Does it, and says so.
    pub(super) fn act(&self, context: &Context, found: &Found, force: bool) -> Result<(), Error> {
        match self {
            Self::Take { keystore, name, .. } => take(context, found, *keystore, name, force),
            Self::Move(InFile {
                profile,
                file,
                path,
                ..
            }) => {
                let moved = context.move_key(profile, *file, force).map_err(|error| {
                    let place = path.display();
                    error.context(format!("the key of `{profile}` in {place} was not moved"))
                })?;
                say_stored(context, profile, &moved.id, &moved.stored);
                let place = moved.from.display();
                context.ui.note(&format!("Took it out of {place}."));
                Ok(())
            }
            Self::Drop { key, .. } => drop_temporary(context, key),
            Self::Rewrite { tool, sso, group } => rewrite(context, *tool, *sso, group),
        }
    }

    /// Does to the texts what [`Step::act`] would do to the files.
    pub(super) fn preview(
        &self,
        config: &mut Sections,
        credentials: &mut Sections,
    ) -> Result<(), Error> {
        let in_file = |file: KeyFile| match file {
            KeyFile::Config => true,
            KeyFile::Credentials => false,
        };
        match self {
            Self::Take { name, .. } => add_section(config, credentials, name),
            Self::Move(InFile { profile, file, .. }) => {
                let sections = if in_file(*file) { config } else { credentials };
                remove_keys(sections, profile, &KEY)
            }
            Self::Drop { key, .. } => {
                let (profile, file) = (&key.profile, &key.file);
                let sections = if in_file(*file) { config } else { credentials };
                remove_keys(sections, profile, &KEY)?;
                remove_keys(sections, profile, &TOKENS)
            }
            Self::Rewrite { group, .. } => {
                for rewrite in group {
                    takeover::apply(config, rewrite).map_err(EditError::from)?;
                }
                Ok(())
            }
        }
    }
}

/// What a section becomes, in a few words.
fn becomes(rewrite: &Rewrite) -> String {
    match &rewrite.becomes {
        Becomes::Export { command, .. } => format!("`credential_process = {command}`"),
        Becomes::Sso {
            session,
            account,
            role,
            ..
        } => format!("`sso_session = {}`, {role} in {account}", session.name),
    }
}

fn take(
    context: &Context,
    found: &Found,
    keystore: usize,
    name: &str,
    force: bool,
) -> Result<(), Error> {
    let (tool, keystore) = &found.keystores[keystore];
    let read = || {
        let kept = keystore.get(name)?;
        read_key(name, &kept)
    };
    let key = read().map_err(|error| {
        let (tool, place) = (tool.name(), keystore.place());
        error.context(format!(
            "{tool}'s key of `{name}` in {place} was not taken over"
        ))
    })?;
    let stored = context.store_key(name, &key, force)?;
    say_stored(context, name, &key.access_key_id, &stored);
    let mut config = context.edit_config()?;
    let credentials = context.edit_credentials()?;
    add_section(&mut config.sections, &credentials.sections, name)?;
    context.save(config)
}

/// A key alone is no profile: it needs a section, in one of the files.
fn add_section(config: &mut Sections, credentials: &Sections, name: &str) -> Result<(), Error> {
    let kind = SectionKind::Profile;
    if !config.has(kind, name) && !credentials.has(kind, name) {
        config.add(kind, name, &[]).map_err(EditError::from)?;
    }
    Ok(())
}

fn remove_keys(sections: &mut Sections, profile: &str, keys: &[&str]) -> Result<(), Error> {
    for key in keys {
        let removed = sections.remove(SectionKind::Profile, profile, key);
        removed.map_err(EditError::from)?;
    }
    Ok(())
}

fn drop_temporary(context: &Context, key: &InFile) -> Result<(), Error> {
    let (profile, id, path) = (&key.profile, &key.id, &key.path);
    let mut edit = match key.file {
        KeyFile::Config => context.edit_config()?,
        KeyFile::Credentials => context.edit_credentials()?,
    };
    let kind = SectionKind::Profile;
    let there = edit.sections.get(kind, profile, KEY[0]);
    if there.is_none_or(|there| there.expose() != id) {
        let message = format!("`{profile}` in {} has another key by now", path.display());
        return Err(Error::new(Kind::Failed, message).hint("run it again"));
    }
    remove_keys(&mut edit.sections, profile, &KEY)?;
    remove_keys(&mut edit.sections, profile, &TOKENS)?;
    context.save(edit)?;
    context.ui.note(&format!(
        "Removed the temporary key {} of `{profile}` from {}.",
        shown_id(id),
        path.display()
    ));
    Ok(())
}

/// Writes those of a group that can still be written: what was asked for was seen a while ago, and a key
/// that was to be taken over before may not have been.
fn rewrite(context: &Context, tool: Tool, sso: bool, group: &[Rewrite]) -> Result<(), Error> {
    let config = context.reread_config()?;
    let mut edit = context.edit_config()?;
    let has_key = |name: &str| has_key(context, &config, name);
    let now = takeover::takeover(&edit.sections, &[tool], &has_key);
    let mut written = 0;
    for rewrite in group {
        if now.rewrites.contains(rewrite) {
            takeover::apply(&mut edit.sections, rewrite).map_err(EditError::from)?;
            written += 1;
            continue;
        }
        let why = now.left.iter().find(|left| left.profile == rewrite.profile);
        let why = why.map_or("it was changed meanwhile", |left| left.why.as_str());
        context.ui.warn(&format!(
            "`{}` stays as {} has it: {why}",
            rewrite.profile,
            tool.name()
        ));
    }
    if written == 0 {
        return Ok(());
    }
    context.save(edit)?;
    let path = context.config_path();
    let what = if written == 1 { "profile" } else { "profiles" };
    context.ui.note(&format!(
        "Wrote {written} {what} anew in {}.",
        path.display()
    ));
    if sso {
        context
            .ui
            .note("Next: `vault login` signs in to what they are of.");
    }
    Ok(())
}

fn say_stored(context: &Context, profile: &str, id: &str, stored: &Stored) {
    context.ui.note(&match stored {
        Stored::New => format!("Stored the key {id} of {profile}."),
        Stored::InPlaceOf(before) => {
            format!("Stored the key {id} of {profile}, in place of {before}.")
        }
        Stored::Already => format!("The key {id} of {profile} was stored already."),
    });
}
