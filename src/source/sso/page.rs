//! The page that ends a sign-in in the browser, with nothing in it that came with the request but a
//! server's reason, escaped.

use hyper::StatusCode;

use crate::config::SsoSession;
use crate::loopback::Answer;
use crate::loopback::page::{Tone, escape, page};

/// How a sign-in ended.
#[derive(Debug)]
pub enum Ending {
    /// The tokens are kept.
    SignedIn,
    /// The person said no.
    Refused,
    /// It went wrong, because of this.
    Failed(String),
}

/// What the page is about.
pub(super) struct Page {
    name: Option<String>,
    start_url: String,
}

impl Page {
    pub(super) fn of(session: &SsoSession) -> Self {
        Self {
            name: session.name.clone(),
            start_url: session.start_url.clone(),
        }
    }

    pub(super) fn ending(&self, ending: Ending) -> Answer {
        let name = escape(self.name.as_deref().unwrap_or(&self.start_url));
        let at = format!("<p class=dim>{}</p>", escape(&self.start_url));
        let close = "<p>You can close this window.</p>";
        let (tone, title, body) = match ending {
            Ending::SignedIn => (
                Tone::Good,
                format!("Signed in to {name}"),
                format!("<p>vault is signed in.</p>{at}{close}"),
            ),
            Ending::Refused => (
                Tone::Bad,
                format!("Not signed in to {name}"),
                format!("<p>The request was refused, and vault has got nothing.</p>{at}{close}"),
            ),
            Ending::Failed(why) => (
                Tone::Bad,
                format!("Not signed in to {name}"),
                format!(
                    "<p>It did not work: {}.</p><p>The terminal that vault runs in says more.</p>\
                     {at}{close}",
                    escape(&why)
                ),
            ),
        };
        page(StatusCode::OK, tone, &title, &body)
    }

    /// For a request that vault does not wait for.
    pub(super) fn ignored(&self, status: StatusCode) -> Answer {
        let what = match status {
            StatusCode::CONFLICT => "The answer to this sign-in has come already.",
            StatusCode::GONE => "This sign-in is over.",
            _ => "This is not the request that vault waits for. It was ignored.",
        };
        let body = format!("<p>{what}</p><p>The terminal that vault runs in says how it went.</p>");
        page(status, Tone::Plain, "vault", &body)
    }
}
