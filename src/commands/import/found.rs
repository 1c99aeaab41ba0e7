//! What there is to import, and what is said of it. Nothing is decrypted for it, and nothing written.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Args, InFile, Source, Step, is_passing};
use crate::commands::context::{Context, shown_id};
use crate::config::edit::Sections;
use crate::config::{Config, EXPORT_KEY, KeyFile, SectionKind};
use crate::error::Error;
use crate::keystore::{KeystoreError, Other};
use crate::plan::flaw;
use crate::plan::takeover::{self, Becomes, Rewrite, Takeover, Tool};

/// The way for a key that can't be read where it is.
const OTHER_WAY: &str = "`aws-vault exec --no-session NAME -- vault add NAME --env`";

/// Where tools write down until when a temporary key is good: saml2aws and vault, aws-mfa, others.
const ENDS: [&str; 3] = [
    "x_security_token_expires",
    "aws_session_expiration",
    "expiration",
];

/// What there is.
pub(super) struct Found {
    /// Other tools' keystores that have any keys to take over.
    pub(super) keystores: Vec<(Tool, Box<dyn Other>)>,
    /// What is to be done, in this order: keys before the lines that need them.
    pub(super) steps: Vec<Step>,
    /// What is said and no more.
    notes: Vec<String>,
    /// What could not be looked at.
    trouble: Vec<Error>,
}

impl Found {
    /// Looks at all that the command line names.
    pub(super) fn look(context: &Context, args: &Args) -> Result<Self, Error> {
        let mut found = Self {
            keystores: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            trouble: Vec::new(),
        };
        let named = &args.sources;
        let meant = |source: &Source| named.is_empty() || named.contains(source);
        let tools: Vec<Tool> = Source::ALL
            .iter()
            .filter(|source| meant(source))
            .copied()
            .filter_map(Source::tool)
            .collect();
        let mut seen = BTreeSet::new();
        for tool in &tools {
            found.stored_keys(context, *tool, args.force, &mut seen)?;
        }
        if tools.contains(&Tool::AwsVault) {
            found.other_places(context, named.contains(&Source::AwsVault));
        }
        let config = context.config()?;
        let (plain, temporary) = (
            meant(&Source::CredentialsFile),
            meant(&Source::CredentialsFile) || meant(&Source::Aws2Wrap),
        );
        found.keys_in_files(context, config, (plain, temporary), args.force)?;
        let has_key = |name: &str| seen.contains(name) || has_key(context, config, name);
        found.sections(context, &tools, &has_key)?;
        Ok(found)
    }

    /// The keys that a tool has in keystores of its own.
    fn stored_keys(
        &mut self,
        context: &Context,
        tool: Tool,
        force: bool,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Error> {
        let config = context.config()?;
        for keystore in context.keystores_of(tool)? {
            let place = keystore.place();
            let mut names = match keystore.names() {
                Ok(names) => names,
                Err(KeystoreError::Interrupted) => return Err(KeystoreError::Interrupted.into()),
                Err(error) => {
                    self.trouble.push(unreadable(tool, &place, error));
                    continue;
                }
            };
            names.retain(|name| !is_passing(name));
            if keystore.is_shared() {
                // The person's other passwords are there too.
                names.retain(|name| config.profile_names().any(|profile| profile == name));
            }
            if names.is_empty() {
                continue;
            }
            let at = self.keystores.len();
            for name in names {
                let stored = context.cache.access_key_id(&name).filter(|_| !force);
                if let Some(flaw) = flaw(&name) {
                    self.notes.push(format!(
                        "{}'s key of {name:?} in {place} stays there: no profile can be called so: {flaw}.",
                        tool.name()
                    ));
                } else if let Some(id) = stored {
                    self.notes.push(format!(
                        "{}'s key of `{name}` in {place} stays there: vault has {id} for it.",
                        tool.name()
                    ));
                } else if seen.insert(name.clone()) {
                    self.steps.push(Step::Take {
                        tool,
                        keystore: at,
                        name,
                    });
                } else {
                    self.notes.push(format!(
                        "There is a key of `{name}` in {place} too: it stays there."
                    ));
                }
            }
            self.keystores.push((tool, keystore));
        }
        Ok(())
    }

    /// Says how keys are taken over that aws-vault has where vault does not look.
    fn other_places(&mut self, context: &Context, named: bool) {
        let keychain = context.keychain_of_aws_vault();
        // One that can't be looked at may have some.
        let any = self
            .keystores
            .iter()
            .any(|(tool, _)| *tool == Tool::AwsVault);
        let known = any || !self.trouble.is_empty();
        if keychain.exists() {
            self.notes.push(format!(
                "aws-vault's keys in {} can't be read here; one after the other goes so: {OTHER_WAY}",
                keychain.display()
            ));
        } else if named && !known {
            self.notes.push(format!(
                "aws-vault has no key in the Secret Service, in pass or in its encrypted files; one that it has elsewhere goes so: {OTHER_WAY}"
            ));
        }
    }

    /// The keys that stand in the files in the clear: long-lived ones (`plain`), and temporary ones.
    fn keys_in_files(
        &mut self,
        context: &Context,
        config: &Config,
        (plain, temporary): (bool, bool),
        force: bool,
    ) -> Result<(), Error> {
        let credentials = context.edit_credentials()?.sections;
        for name in config.profile_names() {
            // What is wrong with a profile is said by whoever uses it.
            let profile = config.profile(name).ok();
            let Some(file) = profile.and_then(|profile| profile.access_key) else {
                continue;
            };
            let key = match config.static_credentials(name, file) {
                Ok(key) => key,
                Err(error) => {
                    self.trouble.push(error.into());
                    continue;
                }
            };
            let path = match file {
                KeyFile::Credentials => context.credentials_path(),
                KeyFile::Config => context.config_path(),
            };
            let (profile, id) = (name.to_owned(), key.access_key_id.clone());
            let key_in_file = InFile {
                profile,
                file,
                path,
                id,
            };
            match key.session_token {
                Some(_) if temporary => self.temporary_key(&credentials, key_in_file),
                None if plain => self.plain_key(context, key_in_file, force),
                _ => {}
            }
        }
        Ok(())
    }

    fn plain_key(&mut self, context: &Context, key: InFile, force: bool) {
        let stored = context.cache.access_key_id(&key.profile);
        match stored.filter(|stored| *stored != key.id && !force) {
            None => self.steps.push(Step::Move(key)),
            Some(stored) => self.notes.push(format!(
                "The key {} of `{}` in {} stays there: vault has {stored} for it.",
                shown_id(&key.id),
                key.profile,
                key.path.display()
            )),
        }
    }

    fn temporary_key(&mut self, credentials: &Sections, key: InFile) {
        let mark = |mark| credentials.get(SectionKind::Profile, &key.profile, mark);
        if mark(EXPORT_KEY).is_some() {
            // It is there because somebody wants it to be.
            return;
        }
        let end = ENDS.into_iter().find_map(mark);
        let end = end.and_then(|text| text.expose().parse::<Timestamp>().ok());
        match end.filter(|end| *end > Context::now()) {
            Some(end) => self.notes.push(format!(
                "The temporary key {} of `{}` in {} is good until {end}: it stays.",
                shown_id(&key.id),
                key.profile,
                key.path.display()
            )),
            None => self.steps.push(Step::Drop {
                key,
                ended: end.is_some(),
            }),
        }
    }

    /// The sections that were written for other tools.
    fn sections(
        &mut self,
        context: &Context,
        tools: &[Tool],
        has_key: &dyn Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let Takeover {
            rewrites,
            left,
            understood,
        } = takeover::takeover(&context.edit_config()?.sections, tools, has_key);
        let path = context.config_path();
        for (key, profiles) in understood {
            let what = if profiles == 1 { "profile" } else { "profiles" };
            self.notes.push(format!(
                "aws-vault's `{key}` in {profiles} {what} is understood as it is."
            ));
        }
        for left in left {
            self.notes.push(format!(
                "`{}` in {} stays as {} has it: {}.",
                left.profile,
                path.display(),
                left.tool.name(),
                left.why
            ));
        }
        for tool in tools {
            let is_sso = |rewrite: &Rewrite| matches!(rewrite.becomes, Becomes::Sso { .. });
            for sso in [true, false] {
                let of_kind = |rewrite: &&Rewrite| rewrite.tool == *tool && is_sso(rewrite) == sso;
                let group: Vec<Rewrite> = rewrites.iter().filter(of_kind).cloned().collect();
                if !group.is_empty() {
                    self.steps.push(Step::Rewrite {
                        tool: *tool,
                        sso,
                        group,
                    });
                }
            }
        }
        Ok(())
    }

    /// Says what there is, before anything is asked or done.
    pub(super) fn say(&self, context: &Context) {
        for note in &self.notes {
            context.ui.note(note);
        }
        for step in &self.steps {
            for line in step.what(self, context) {
                context.ui.note(&line);
            }
        }
    }

    /// Says what other tools still have, of which vault has a copy now.
    pub(super) fn say_what_stays(&self, context: &Context, done: &[&Step]) {
        for (tool, command) in [
            (Tool::AwsVault, "aws-vault remove NAME"),
            (Tool::Granted, "granted credentials remove NAME"),
        ] {
            let taken = |step: &&&Step| matches!(step, Step::Take { tool: of, .. } if *of == tool);
            if done.iter().any(|step| taken(&step)) {
                context.ui.note(&format!(
                    "{} still has what was taken over: `{command}` removes it there.",
                    tool.name()
                ));
            }
        }
    }

    /// What could not be looked at: the last is for the end, those before it are said now.
    pub(super) fn take_trouble(&mut self, context: &Context) -> Option<Error> {
        let last = self.trouble.pop();
        for error in self.trouble.drain(..) {
            context.ui.warn(&error.one_line());
        }
        last
    }
}

/// Whether vault or a file has a long-lived key for that profile.
pub(super) fn has_key(context: &Context, config: &Config, name: &str) -> bool {
    let in_file = || {
        config
            .profile(name)
            .is_ok_and(|profile| profile.has_static_keys())
    };
    context.cache.access_key_id(name).is_some() || in_file()
}

fn unreadable(tool: Tool, place: &str, error: KeystoreError) -> Error {
    let waits = matches!(
        error,
        KeystoreError::Locked | KeystoreError::TimedOut { .. }
    );
    let kind = Error::from(error);
    let message = format!("{}'s keys in {place} can't be read", tool.name());
    let mut made = Error::new(kind.kind(), message).caused_by(kind.one_line());
    if waits {
        made = made.hint("unlock it, where your passwords are managed, and run it again");
    }
    made
}
