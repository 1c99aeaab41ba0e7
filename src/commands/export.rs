//! `vault export`: a profile's credentials in a format that another program reads, printed or written into
//! a credentials file.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::context::{Context, Request};
use crate::broker::Reader;
use crate::deliver::export::{self, Format};
use crate::error::{Error, Kind};
use crate::settings::Settings;
use into_file::IntoFile;

mod into_file;

/// Print a profile's credentials in a format that another program reads
///
/// The format `process` is for `credential_process` in ~/.aws/config. Many SDKs ask at once and without
/// a person, so it opens no browser and asks nothing, unless --may-ask or config.toml allows it. Where a
/// person must sign in, it ends with 4.
///
/// --to writes one section of a credentials file, for programs that read nothing else: everything else in
/// the file stays as it is, and so does a section that vault has not written, unless --force is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    eval \"$(vault export prod --format env)\"\n  \
    vault export prod --format fish | source\n  \
    vault export prod --format ini --to ~/.aws/credentials --as legacy\n\n\
    In ~/.aws/config:\n  \
    credential_process = vault export prod")]
pub struct Args {
    /// The profile [default: AWS_PROFILE, else a list to pick from]
    profile: Option<String>,
    /// Which format [default: process; with --to or --as: ini]
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Option<Format>,
    /// Write them into this credentials file, as a section of it
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// The section's name, instead of the profile's
    #[arg(long = "as", value_name = "NAME")]
    section: Option<String>,
    /// Replace a section that vault has not written, or that a profile's own source gives way to
    #[arg(long, requires = "to")]
    force: bool,
    /// Sign in and ask on the terminal for the format `process` too
    #[arg(long)]
    may_ask: bool,
    #[command(flatten)]
    request: Request,
}

impl Args {
    /// Whether a person may be asked, where there is one.
    pub(super) fn may_ask(&self, settings: &Settings) -> bool {
        self.format() != Format::Process || self.may_ask || settings.export_may_ask
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let format = self.format();
        if format != Format::Ini && (self.to.is_some() || self.section.is_some()) {
            let message = "`--to` and `--as` go with the format `ini`";
            return Err(Error::new(Kind::Usage, message));
        }
        let name = context.profile_name(self.profile)?;
        let section = self.section.unwrap_or_else(|| name.clone());
        let into = self.to.as_deref().map(|path| IntoFile {
            path,
            section: &section,
            force: self.force,
        });
        if let Some(into) = &into {
            into.check(context)?;
        }
        let reader = match format {
            Format::Process | Format::Ini => Reader::Client,
            _ => Reader::Command,
        };
        let obtained = self.request.obtain(context, &name, reader)?;
        if let Some(into) = into {
            return into.write(context, &name, &obtained.handover());
        }
        let text = export::text(format, &obtained.handover(), &section)?;
        context.print(text.expose())
    }

    fn format(&self) -> Format {
        let into_section = self.to.is_some() || self.section.is_some();
        let usual = if into_section {
            Format::Ini
        } else {
            Format::Process
        };
        self.format.unwrap_or(usual)
    }
}

fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(|(name, _)| name)).try_map(|name| name.parse())
}
