//! `vault add`: an IAM user's long-lived key into the keystore, and nowhere else.

mod key_file;

use std::path::{Path, PathBuf};

use super::context::{Context, Moved, Stored, id_flaw};
use crate::config::edit::EditError;
use crate::config::{KeyFile, Profile, SectionKind, shell_word};
use crate::credentials::{LongLivedKey, Secret};
use crate::env;
use crate::error::{Error, Kind};
use crate::plan::flaw;
use crate::resolve::{Chain, KeyPlace, Source};
use crate::ui::Question;

/// Store an IAM user's long-lived key in the keystore
///
/// Asks for the key, and does not show its secret; or takes it from where it is. A command never gets
/// it, but a session of it that ends by itself. The profile's section is written where it is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault add jo\n  \
    vault add jo --csv ~/Downloads/jo_accessKeys.csv --delete\n  \
    vault add jo --from-credentials-file    # take it out of ~/.aws/credentials")]
pub struct Args {
    /// The profile that it is the key of
    #[arg(value_parser = section)]
    profile: String,
    #[command(flatten)]
    from: From,
    /// The MFA device whose codes go with the key, for the profile's section
    #[arg(long, value_name = "ARN", value_parser = serial)]
    mfa_serial: Option<String>,
    /// Put it in the place of another key that is stored
    #[arg(long)]
    force: bool,
}

/// Where the key is taken from.
#[derive(Debug, clap::Args)]
struct From {
    /// Take it from the file that the AWS console lets one download
    #[arg(long, value_name = "FILE", group = "from")]
    csv: Option<PathBuf>,
    /// Remove that file once the key is stored
    #[arg(long, requires = "csv")]
    delete: bool,
    /// Take it from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
    #[arg(long, group = "from")]
    env: bool,
    /// Move it out of ~/.aws/credentials, which is left as it was otherwise
    #[arg(long, group = "from")]
    from_credentials_file: bool,
}

/// A name for a section, as an option.
fn section(text: &str) -> Result<String, String> {
    flaw(text).map_or_else(|| Ok(text.to_owned()), |flaw| Err(flaw.to_owned()))
}

/// What STS takes as `SerialNumber`
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
fn serial(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=/:,.@-".contains(c);
    if !(9..=256).contains(&text.len()) || !text.chars().all(allowed) {
        return Err(
            "a device is named like `arn:aws:iam::123456789012:mfa/jo`, or by its serial number"
                .to_owned(),
        );
    }
    if text.starts_with("arn:") && !text.contains(":mfa/") {
        return Err("that ARN is not an MFA device's, which has `:mfa/` in it".to_owned());
    }
    Ok(text.to_owned())
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let before = self.before(context)?;
        if self.from.from_credentials_file {
            let moved = self.moved(context, before.as_ref())?;
            self.say_stored(context, &moved.id, &moved.stored);
            let place = moved.from.display();
            context.ui.note(&format!("Took it out of {place}."));
        } else {
            let key = self.key(context)?;
            let stored = context.store_key(&self.profile, &key, self.force)?;
            self.say_stored(context, &key.access_key_id, &stored);
        }
        self.write_section(context).map_err(|error| {
            let profile = &self.profile;
            error.context(format!(
                "the key of `{profile}` is stored, and its section could not be written"
            ))
        })?;
        self.say_what_is_stronger(context);
        self.tidy(context, before.as_ref())?;
        let word = shell_word(&self.profile);
        context.ui.note(&format!(
            "Next: vault exec {word} -- aws sts get-caller-identity"
        ));
        Ok(())
    }

    /// The profile as it is, where there is one.
    fn before(&self, context: &Context) -> Result<Option<Profile>, Error> {
        let config = context.config()?;
        let known = config.profile_names().any(|name| name == self.profile);
        known
            .then(|| config.profile(&self.profile).map_err(Error::from))
            .transpose()
    }

    fn moved(&self, context: &Context, before: Option<&Profile>) -> Result<Moved, Error> {
        let Some(profile) = before else {
            // The error names the closest.
            context.config()?.profile(&self.profile)?;
            unreachable!("a profile that is known is found above");
        };
        let Some(file) = profile.access_key else {
            let message = format!("the files have no key of `{}`", self.profile);
            return Err(Error::new(Kind::Failed, message)
                .hint("leave `--from-credentials-file` out to be asked for it"));
        };
        context.move_key(&self.profile, file, self.force)
    }

    fn key(&self, context: &Context) -> Result<LongLivedKey, Error> {
        if let Some(path) = &self.from.csv {
            return key_file::read(path);
        }
        if self.from.env {
            return from_environment();
        }
        if !context.ui.can_ask() {
            let error = Error::new(Kind::Usage, "there is nobody to ask for the key");
            return Err(error.hint("give `--csv FILE`, `--env` or `--from-credentials-file`"));
        }
        if !self.force {
            context.no_key_stored(&self.profile)?;
        }
        self.asked(context)
    }

    fn asked(&self, context: &Context) -> Result<LongLivedKey, Error> {
        let question = format!("Access key ID of {}:", self.profile);
        let question = Question {
            question: &question,
            proposal: None,
            help: Some("as IAM shows it beside the secret access key, once"),
        };
        let check = |text: &str| id_flaw(text).map(str::to_owned);
        let access_key_id = context.ui.ask(&question, check)?;
        let mut secret = context
            .ui
            .ask_secret("Secret access key, which is not shown")?;
        while secret.expose().trim().is_empty() {
            secret = context
                .ui
                .ask_secret("Nothing was typed. Secret access key")?;
        }
        Ok(LongLivedKey {
            access_key_id,
            secret_access_key: Secret::new(secret.expose().trim().to_owned()),
        })
    }

    fn say_stored(&self, context: &Context, id: &str, stored: &Stored) {
        let profile = &self.profile;
        context.ui.note(&match stored {
            Stored::New => format!("Stored the key {id} of {profile}."),
            Stored::Already => format!("The key {id} of {profile} is stored already."),
            Stored::InPlaceOf(old) => format!(
                "Stored the key {id} of {profile} in the place of {old}, which AWS accepts as before."
            ),
        });
    }

    /// The profile's section, where it is missing, and its device.
    fn write_section(&self, context: &Context) -> Result<(), Error> {
        let (kind, profile) = (SectionKind::Profile, self.profile.as_str());
        let mut edit = context.edit_config()?;
        let sections = &mut edit.sections;
        let serial = self.mfa_serial.as_deref().map(|arn| ("mfa_serial", arn));
        let path = context.config_path();
        let path = path.display();
        let note = if !sections.has(kind, profile) {
            let keys: Vec<_> = serial.into_iter().collect();
            sections
                .add(kind, profile, &keys)
                .map_err(EditError::from)?;
            format!("Added the profile {profile} to {path}.")
        } else if let Some((key, arn)) = serial {
            sections
                .set(kind, profile, key, arn)
                .map_err(EditError::from)?;
            format!("Wrote its {key} to {path}.")
        } else {
            return Ok(());
        };
        context.save(edit)?;
        context.ui.note(&note);
        Ok(())
    }

    /// Where the profile's own settings lead elsewhere, the key is of no use: that has to be known.
    fn say_what_is_stronger(&self, context: &Context) {
        let chain = context
            .reread_config()
            .and_then(|config| context.chain_in(&config, &self.profile));
        let profile = &self.profile;
        match chain {
            Err(error) => context.ui.warn(&error.one_line()),
            Ok(chain) if serves(&chain, profile) => {}
            Ok(chain) => context.ui.warn(&format!(
                "`{}` in the configuration is stronger: {profile} does not use the key",
                chain.source.key()
            )),
        }
    }

    /// What holds the key in the clear besides.
    fn tidy(&self, context: &Context, before: Option<&Profile>) -> Result<(), Error> {
        if let Some(path) = &self.from.csv {
            return self.tidy_file(context, path);
        }
        if self.from.env {
            let (id, secret) = (env::AWS_ACCESS_KEY_ID, env::AWS_SECRET_ACCESS_KEY);
            context.ui.note(&format!(
                "The shell still has it: take {id} and {secret} out of it, and out of its start-up files."
            ));
        }
        let in_file = before.and_then(|profile| profile.access_key);
        if in_file.is_some() && !self.from.from_credentials_file {
            let profile = &self.profile;
            let file = match in_file {
                Some(KeyFile::Config) => "config",
                _ => "credentials",
            };
            context.ui.warn(&format!(
                "the {file} file has a key of `{profile}` in the clear, which is not used any more: take it out"
            ));
        }
        Ok(())
    }

    /// The file itself: without a link that leads to it, it would be there as before. What came through a
    /// pipe lies nowhere.
    fn tidy_file(&self, context: &Context, path: &Path) -> Result<(), Error> {
        if !path.is_file() {
            return Ok(());
        }
        let file = path.canonicalize().ok().filter(|_| path.is_symlink());
        let file = file.as_deref().unwrap_or(path);
        let place = file.display();
        let question = format!("Remove {place}? It holds the key in the clear.");
        if !self.from.delete && !context.ui.can_ask() {
            context
                .ui
                .warn(&format!("{place} holds the key in the clear: remove it"));
            return Ok(());
        }
        if !self.from.delete && !context.ui.confirm(&question)? {
            context.ui.note(&format!("{place} is still there."));
            return Ok(());
        }
        std::fs::remove_file(file).map_err(|error| {
            let message = format!("the key is stored, and {place} could not be removed");
            Error::new(Kind::Failed, message).caused_by(error.to_string())
        })?;
        context.ui.note(&format!("Removed {place}."));
        Ok(())
    }
}

/// Whether a chain begins with the key that is stored for the profile.
fn serves(chain: &Chain, profile: &str) -> bool {
    matches!(&chain.source, Source::AccessKey(key)
        if key.place == KeyPlace::Keystore && key.profile == profile)
}

fn from_environment() -> Result<LongLivedKey, Error> {
    let given = |name| -> Result<Secret<String>, Error> {
        let value = env::var(name)?.map(Secret::new);
        value.ok_or_else(|| {
            let error = Error::new(Kind::Failed, format!("{name} is not set"));
            error.hint("`--env` takes the key from it; without, vault asks")
        })
    };
    if env::var_os(env::AWS_SESSION_TOKEN).is_some() {
        let message = format!(
            "{} is set: that key is a temporary one",
            env::AWS_SESSION_TOKEN
        );
        return Err(Error::new(Kind::Failed, message).hint(
            "it ends by itself; vault stores long-lived keys, and gets the others from them",
        ));
    }
    Ok(LongLivedKey {
        access_key_id: given(env::AWS_ACCESS_KEY_ID)?.expose().trim().to_owned(),
        secret_access_key: Secret::new(
            given(env::AWS_SECRET_ACCESS_KEY)?
                .expose()
                .trim()
                .to_owned(),
        ),
    })
}
