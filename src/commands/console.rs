//! `vault console`: the AWS web console, as a profile.

use std::time::Duration;

use super::context::{Context, Request, SignIn, SignedIn};
use crate::browser::Page as BrowserPage;
use crate::config::closest;
use crate::deliver::console::{self, Page, SERVICES, Service};
use crate::error::{Error, Kind};
use crate::loopback::Forward;

/// How long the browser is waited for: the sign-in is good for 15 minutes, and the page has to load.
const LIFE: Duration = Duration::from_mins(14);

/// Open the AWS web console as a profile
///
/// The browser is given an address of vault's own on this machine, good once, which sends it on to the
/// console: the real one holds a secret. Where your browser is on another machine, the terminal shows the
/// real one.
///
/// --duration is how long you stay signed in: 15m to 12h, where AWS lets one choose (not for a role that is
/// assumed from another).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault console prod\n  \
    vault console prod -s s3 --region eu-central-1\n  \
    vault console prod --path 's3/buckets/logs?tab=objects'\n  \
    vault console prod --print | xclip")]
pub struct Args {
    /// The profile [default: AWS_PROFILE, else a list to pick from]
    profile: Option<String>,
    /// The page of this service: s3, ec2, iam, cfn, logs, ddb, …
    #[arg(short, long, value_name = "SERVICE", value_parser = service)]
    service: Option<&'static Service>,
    /// The page at this path of the console, or at this address of it
    #[arg(long, value_name = "PATH", conflicts_with = "service")]
    path: Option<String>,
    /// Print the address, and open nothing: whoever has it within 15 minutes is signed in
    #[arg(long, conflicts_with = "browser")]
    print: bool,
    /// Open it with this command [env: AWS_VAULT_BROWSER, BROWSER]
    #[arg(long, value_name = "COMMAND")]
    browser: Option<String>,
    #[command(flatten)]
    request: Request,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        if context.ui.no_input() && !self.print {
            let message = "the console opens in a browser, and --no-input opens nothing";
            let error = Error::new(Kind::Failed, message);
            return Err(error.hint("`vault console --print` prints its address instead"));
        }
        let name = context.profile_name(self.profile)?;
        let page = match (self.service, self.path.as_deref()) {
            (Some(service), _) => Page::Service(service),
            (None, Some(path)) => Page::Path(path),
            (None, None) => Page::Home,
        };
        let how = SignIn {
            browser: self.browser.clone(),
            // What is printed is for a script; whoever opens the console is there.
            without_terminal: !self.print,
            ..SignIn::for_profile(&name)
        };
        let signed_in = self
            .request
            .sign_in_to_console(context, &name, page, &how)?;
        if self.print {
            return context.print(&format!("{}\n", signed_in.url.expose()));
        }
        open(context, &name, self.browser.as_deref(), signed_in)
    }
}

fn open(
    context: &Context,
    name: &str,
    browser: Option<&str>,
    signed_in: SignedIn,
) -> Result<(), Error> {
    if browser.is_none() && context.ui.is_seen() && context.browser_is_elsewhere()? {
        let introduction = format!(
            "The console as {name}. Open this in your own browser, within 15 min; whoever has it is \
             signed in:"
        );
        context.ui.show_url(&introduction, signed_in.url.expose());
        return Ok(());
    }
    let forward = Forward::to(signed_in.url).map_err(|error| {
        let made = Error::new(Kind::Failed, "cannot listen on 127.0.0.1 for the browser");
        made.caused_by(error.to_string())
            .hint("`vault console --print` prints the address instead")
    })?;
    let url = forward.address().to_owned();
    let page = BrowserPage {
        url: &url,
        profile: name,
    };
    let opened = context.browse(browser, page)?;
    let minutes = LIFE.as_secs() / 60;
    let introduction = match opened {
        true => format!("Opening the console as {name}. If no browser has opened:"),
        false => format!(
            "The console as {name}. Open this in a browser on this machine, within {minutes} min:"
        ),
    };
    context.ui.show_url(&introduction, &url);
    let waiting = context.ui.wait_for("Waiting for the browser", LIFE);
    let came = forward.wait(LIFE);
    drop(waiting);
    if !came {
        let error = Error::new(Kind::Failed, "no browser came to open the console in time");
        return Err(error.hint("where yours is on another machine, `vault console --print`"));
    }
    context.ui.note(&format!("The console is open as {name}."));
    Ok(())
}

/// A service by its name; the closest ones, where there is none of that name.
fn service(name: &str) -> Result<&'static Service, String> {
    console::service(name).ok_or_else(|| {
        let names = SERVICES.iter().flat_map(|service| service.names);
        let close = closest(name, names.copied());
        let close: Vec<_> = close.iter().map(|name| format!("`{name}`")).collect();
        let meant = match close.is_empty() {
            true => String::new(),
            false => format!("did you mean {}? ", close.join(" or ")),
        };
        format!("{meant}`--path` opens any page")
    })
}
