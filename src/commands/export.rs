//! `vault export`: a profile's credentials in a format that another program reads.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::context::{Context, Request};
use crate::broker::Reader;
use crate::deliver::export::{self, Format};
use crate::error::Error;
use crate::settings::Settings;

/// Print a profile's credentials in a format that another program reads
///
/// The format `process` is for `credential_process` in ~/.aws/config. Many SDKs ask at once and without
/// a person, so it opens no browser and asks nothing, unless --may-ask or config.toml allows it. Where a
/// person must sign in, it ends with 4.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    eval \"$(vault export prod --format env)\"\n  \
    vault export prod --format fish | source\n  \
    credential_process = vault export prod     a line of ~/.aws/config")]
pub struct Args {
    /// The profile [default: AWS_PROFILE, else a list to pick from]
    profile: Option<String>,
    /// Which format
    #[arg(long, value_name = "FORMAT", default_value = "process", value_parser = format())]
    format: Format,
    /// Sign in and ask on the terminal for the format `process` too
    #[arg(long)]
    may_ask: bool,
    #[command(flatten)]
    request: Request,
}

impl Args {
    /// Whether a person may be asked, where there is one.
    pub(super) fn may_ask(&self, settings: &Settings) -> bool {
        self.format != Format::Process || self.may_ask || settings.export_may_ask
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let name = context.profile_name(self.profile)?;
        let reader = match self.format {
            Format::Process | Format::Ini => Reader::Client,
            _ => Reader::Command,
        };
        let obtained = self.request.obtain(context, &name, reader)?;
        let text = export::text(self.format, &obtained.handover(), &name)?;
        context.print(text.expose())
    }
}

fn format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(|(name, _)| name)).try_map(|name| name.parse())
}
