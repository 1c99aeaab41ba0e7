//! `vault export --to`: one section of a credentials file, for programs that read nothing else. What vault
//! wrote there it knows again by a key in the section; a section of the person's own, which may be the only
//! place where a long-lived key is, is not replaced unless that is said.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::commands::context::Context;
use crate::config::edit::{Edit, EditError};
use crate::config::{EXPORT_KEY, KeyFile, SectionKind};
use crate::credentials::Secret;
use crate::deliver::environment::Handover;
use crate::deliver::export;
use crate::error::{Error, Kind};
use crate::resolve::{KeyPlace, Source};

const KIND: SectionKind = SectionKind::Profile;

/// Keys that one set of credentials has and the next may not: an old one would spoil them.
const MAY_GO: [&str; 2] = ["aws_session_token", "x_security_token_expires"];

/// A section to write.
pub(super) struct IntoFile<'a> {
    pub(super) path: &'a Path,
    pub(super) section: &'a str,
    /// Whatever is there now.
    pub(super) force: bool,
}

impl IntoFile<'_> {
    /// Whether it may be written, before anybody is asked for anything.
    pub(super) fn check(&self, context: &Context) -> Result<(), Error> {
        self.shadows_nothing(context)?;
        let mut edit = self.open(context)?;
        let set = edit
            .sections
            .set(KIND, self.section, EXPORT_KEY, "it is not saved");
        Ok(set.map_err(EditError::from)?)
    }

    /// Writes it; `of` is the profile whose credentials they are.
    pub(super) fn write(
        &self,
        context: &Context,
        of: &str,
        handover: &Handover<'_>,
    ) -> Result<(), Error> {
        let values = export::section(handover)?;
        let mut edit = self.open(context)?;
        edit.make_private();
        let stays = |key| values.iter().any(|(new, _)| *new == key);
        for key in MAY_GO.into_iter().filter(|key| !stays(*key)) {
            let removed = edit.sections.remove(KIND, self.section, key);
            removed.map_err(EditError::from)?;
        }
        let mark = (EXPORT_KEY, Secret::new(of.to_owned()));
        for (key, value) in values.into_iter().chain([mark]) {
            let set = edit.sections.set(KIND, self.section, key, value.expose());
            set.map_err(EditError::from)?;
        }
        context.save(edit)?;
        let end = handover.credentials.expires_at;
        context.ui.note(&format!(
            "Wrote [{}] of {}{}.",
            self.section,
            self.path.display(),
            end.map_or_else(String::new, lasting),
        ));
        Ok(())
    }

    fn open(&self, context: &Context) -> Result<Edit, Error> {
        let mut edit = context.edit_credentials_at(self.path)?;
        let sections = &mut edit.sections;
        let is_theirs = sections.has(KIND, self.section)
            && sections.get(KIND, self.section, EXPORT_KEY).is_none();
        if !is_theirs {
            return Ok(edit);
        }
        if !self.force {
            let (section, path) = (self.section, self.path.display());
            let message = format!("vault has not written [{section}] of {path}");
            return Err(Error::new(Kind::Failed, message).hint(
                "give another name with `--as`, or replace it, keys and all, with `--force`",
            ));
        }
        sections.remove_section(KIND, self.section);
        Ok(edit)
    }

    /// In the credentials file that AWS clients read, keys are stronger than much that a profile of the
    /// configuration says: it would have these, and once they end none.
    fn shadows_nothing(&self, context: &Context) -> Result<(), Error> {
        let config = context.config()?;
        let is_profile = config.profile_names().any(|name| name == self.section);
        if self.force || !is_profile || whole(self.path) != whole(&context.credentials_path()) {
            return Ok(());
        }
        let Ok(chain) = context.chain(self.section) else {
            return Ok(());
        };
        let stays = match &chain.source {
            _ if !chain.roles.is_empty() => false,
            Source::Sso(_) | Source::WebIdentity(_) | Source::None => true,
            Source::AccessKey(key) => !matches!(
                key.place,
                KeyPlace::File(KeyFile::Config) | KeyPlace::Temporary(KeyFile::Config)
            ),
            Source::CredentialProcess(_) | Source::LoginSession(_) | Source::Ambient(_) => false,
        };
        if stays {
            return Ok(());
        }
        let message = format!(
            "profile `{}` of the configuration would have these credentials, and nobody would renew them",
            self.section
        );
        Err(Error::new(Kind::Failed, message)
            .hint("give the section another name with `--as`, or say `--force`"))
    }
}

/// A path as one can be compared with another.
fn whole(path: &Path) -> PathBuf {
    let whole = path.canonicalize().or_else(|_| std::path::absolute(path));
    whole.unwrap_or_else(|_| path.to_owned())
}

fn lasting(end: Timestamp) -> String {
    let minutes = end.duration_since(Context::now()).as_mins();
    format!(": it is good for {minutes} min")
}
