//! `vault serve`: a server of credentials for any number of profiles, for programs that vault does not
//! start itself. It prints what a client needs, then serves until it is ended.

use serde_json::json;

use super::context::{Context, Request, profile_variables};
use crate::broker::Reader;
use crate::deliver::environment::REMOVED;
use crate::deliver::export::{self, Format};
use crate::deliver::server::Server;
use crate::env;
use crate::error::{Error, Kind};
use crate::loopback::OWNERS_ARE_KNOWN;
use crate::signals::{End, Watch};
use crate::ui;

/// Serve credentials to programs that ask for them, and renew them
///
/// Prints what a client of each profile needs, as lines for a shell, and serves until Ctrl-C, SIGTERM or
/// the end of the session. Each profile has a path and a token of its own. stdout is closed once
/// everything is printed, so that a shell can read it from a vault in the background.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault serve prod dev                  # print the lines for both; paste those of one\n  \
    eval \"$(vault serve prod &)\"          # this shell, and what it starts\n  \
    vault serve --env-file prod           # for `docker run --network host --env-file`\n  \
    vault serve --imds prod               # for what knows only an EC2 instance's service")]
pub struct Args {
    /// The profiles [default: AWS_PROFILE, else a list to pick from]
    #[arg(value_name = "PROFILE")]
    profiles: Vec<String>,
    /// Print a JSON array
    #[arg(long, conflicts_with = "env_file")]
    json: bool,
    /// Print `NAME=value` lines as `docker --env-file` reads them
    #[arg(long)]
    env_file: bool,
    /// Be an EC2 instance's metadata service (IMDSv2), for one profile
    #[arg(long)]
    imds: bool,
    /// Listen on this port of 127.0.0.1 [default: a free one]
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t,
        hide_default_value = true
    )]
    port: u16,
    #[command(flatten)]
    request: Request,
}

/// What a client of one profile needs.
struct Block {
    profile: String,
    variables: Vec<(String, String)>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let names = self.names(context)?;
        for name in &names {
            // A mistake in a profile is one now, and not when its first client comes.
            context.chain(name)?;
            context.config()?.profile(name)?;
        }
        context.cache.check()?;
        for name in &names {
            self.prepare(context, name)?;
        }
        context.warn_of_stronger_credentials()?;
        if Watch::SEES_INTERRUPTS {
            ui::leave_interrupts();
        } else {
            ui::watch_interrupts();
        }
        let mut watch = Watch::begin().map_err(|error| {
            Error::new(Kind::Failed, "cannot look out for signals").caused_by(error.to_string())
        })?;
        let (server, blocks) = self.start(context, &names)?;
        context.print(&self.text(&blocks)?)?;
        context.ui.end_data();
        context.ui.note(&format!(
            "Serving {} on {} (process {}). Ctrl-C ends it.",
            names.join(", "),
            server.address(),
            std::process::id()
        ));
        let end = watch.end();
        server.stop();
        match end {
            End::Interrupted => Err(Error::new(Kind::Interrupted, "interrupted")),
            End::Terminated => Ok(()),
        }
    }

    fn names(&self, context: &Context) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        for name in &self.profiles {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if names.is_empty() {
            names.push(context.profile_name(None)?);
        }
        if self.imds && names.len() > 1 {
            let error = Error::new(Kind::Usage, "an instance has one role: name one profile");
            return Err(error.hint("start a `vault serve --imds` for each, on a port of its own"));
        }
        Ok(names)
    }

    /// Gets the credentials of a profile, where that can be, while a person can be asked to sign in. What
    /// stands in the way may have gone by the time that a client comes.
    fn prepare(&self, context: &Context, name: &str) -> Result<(), Error> {
        match self.request.clone().obtain(context, name, Reader::Client) {
            Ok(obtained) => obtained.check_served(),
            Err(error) if matches!(error.kind(), Kind::Interrupted | Kind::Usage) => Err(error),
            Err(error) => {
                let hints = error.hints().iter().map(|hint| format!("; {hint}"));
                let hints: String = hints.collect();
                context.ui.warn(&format!("{}{hints}", error.one_line()));
                Ok(())
            }
        }
    }

    fn start(&self, context: &Context, names: &[String]) -> Result<(Server, Vec<Block>), Error> {
        let fetch = context.serving(&self.request, names);
        if self.imds {
            if !OWNERS_ARE_KNOWN {
                context.ui.warn(
                    "while it runs, every user of this machine can get these credentials: this system does \
                     not say whose a connection is",
                );
            }
            let name = &names[0];
            let region = self.region(context, name)?;
            let region = region.as_deref();
            let server = Server::start_imds(self.port, name, region, fetch, Context::now)?;
            let endpoint = format!("http://{}/", server.address());
            let own = vec![
                (env::AWS_EC2_METADATA_SERVICE_ENDPOINT.to_owned(), endpoint),
                // Whoever turned it off meant a service that is not there.
                (
                    env::AWS_EC2_METADATA_DISABLED.to_owned(),
                    "false".to_owned(),
                ),
            ];
            let blocks = vec![self.block(context, name, own)?];
            return Ok((server, blocks));
        }
        let server = Server::start(self.port, names, fetch)?;
        let endpoints = server.endpoints().iter().zip(names);
        let blocks: Result<_, Error> = endpoints
            .map(|(endpoint, name)| self.block(context, name, endpoint.variables().into()))
            .collect();
        Ok((server, blocks?))
    }

    fn region(&self, context: &Context, name: &str) -> Result<Option<String>, Error> {
        self.request.region(&context.config()?.profile(name)?)
    }

    /// `own`, with the region and what else the profile says.
    fn block(
        &self,
        context: &Context,
        name: &str,
        own: Vec<(String, String)>,
    ) -> Result<Block, Error> {
        let mut variables = own;
        if let Some(region) = self.region(context, name)? {
            for variable in [env::AWS_REGION, env::AWS_DEFAULT_REGION] {
                variables.push((variable.to_owned(), region.clone()));
            }
        }
        variables.extend(profile_variables(&context.config()?.profile(name)?));
        Ok(Block {
            profile: name.to_owned(),
            variables,
        })
    }

    fn text(&self, blocks: &[Block]) -> Result<String, Error> {
        if self.json {
            let blocks = blocks.iter().map(Block::json).collect();
            let text = serde_json::to_string_pretty(&serde_json::Value::Array(blocks));
            return Ok(format!("{}\n", text.expect("text only")));
        }
        let mut text = String::new();
        for block in blocks {
            if blocks.len() > 1 {
                text.push_str(&format!("# {}\n", block.profile));
            }
            text.push_str(&match self.env_file {
                true => block.env_file()?,
                false => block.shell_lines()?,
            });
        }
        Ok(text)
    }
}

impl Block {
    fn json(&self) -> serde_json::Value {
        let variables: serde_json::Map<_, _> = self
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        json!({ "profile": self.profile, "variables": variables })
    }

    /// First of all what would lead a client elsewhere.
    fn shell_lines(&self) -> Result<String, Error> {
        let set = |name: &&&str| self.variables.iter().any(|(own, _)| own == **name);
        let unset: Vec<_> = REMOVED.iter().filter(|name| !set(name)).copied().collect();
        let mut lines = format!("unset {}\n", unset.join(" "));
        for (name, value) in &self.variables {
            lines.push_str(export::line(Format::Env, name, value)?.expose());
            lines.push('\n');
        }
        Ok(lines)
    }

    /// Docker takes a line as it is: there are no quotes in it.
    fn env_file(&self) -> Result<String, Error> {
        let mut lines = String::new();
        for (name, value) in &self.variables {
            if value.contains(['\n', '\r']) {
                let message = format!("the value of {name} has several lines");
                return Err(Error::new(Kind::Failed, message).hint("use `--json`"));
            }
            lines.push_str(&format!("{name}={value}\n"));
        }
        Ok(lines)
    }
}
