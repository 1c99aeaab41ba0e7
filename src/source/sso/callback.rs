//! The listener that a sign-in's browser comes back to, on 127.0.0.1 alone. It waits for one request,
//! which knows the state; whatever else comes is answered and changes nothing: a wrong path, method,
//! host or state, a second hit, a client that never ends its request.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::page::{Ending, Page};
use crate::config::SsoSession;
use crate::credentials::Secret;
use crate::loopback::page::PAGE_LIMIT;
use crate::loopback::{Answer, Client, Limits, Loopback};
use crate::source::SourceError;
use crate::source::transport::Transport;

/// Where browsers are sent, as it is registered: without the port, which is another one each time
/// (RFC 8252, section 7.3).
pub(super) const REGISTERED_URI: &str = "http://127.0.0.1/oauth/callback";
const PATH: &str = "/oauth/callback";

const LIMITS: Limits = Limits {
    // A crowd of another program's does not shut the browser out: who says nothing is sent away.
    connections: 64,
    // A code is some hundred characters, and cookies of other programs on 127.0.0.1 come along.
    head: 64 * 1024,
    // Longer than the exchange that the page waits for, and a keystore that asks to be unlocked.
    connection: Duration::from_mins(3),
};
/// More of a server's words than this is not for a person.
const WORDS: usize = 300;

/// The listener; it ends when this is dropped.
pub(super) struct Callback<'a> {
    transport: &'a Transport,
    uri: String,
    visits: oneshot::Receiver<Arrival>,
    page: Arc<Page>,
    serving: Option<JoinHandle<io::Result<()>>>,
}

/// The request that was waited for, while it is open.
struct Arrival {
    brought: Result<Secret<String>, SourceError>,
    answer: oneshot::Sender<Answer>,
    /// Ends with the connection.
    open: oneshot::Receiver<()>,
}

/// A browser that has brought a person's answer, and waits for a page.
pub struct Visit<'a> {
    transport: &'a Transport,
    page: Arc<Page>,
    answer: oneshot::Sender<Answer>,
    open: oneshot::Receiver<()>,
}

impl Visit<'_> {
    /// Shows the person how it ended. A browser that has gone is not waited for.
    pub fn show(self, ending: Ending) {
        let _ = self.answer.send(self.page.ending(ending));
        let _ = self
            .transport
            .run(async { tokio::time::timeout(PAGE_LIMIT, self.open).await });
    }
}

impl<'a> Callback<'a> {
    pub(super) fn listen(
        transport: &'a Transport,
        state: &Secret<String>,
        session: &SsoSession,
    ) -> Result<Self, SourceError> {
        let (arrived, visits) = oneshot::channel();
        let page = Arc::new(Page::of(session));
        let loopback = Loopback::bind(0).map_err(SourceError::Listener)?;
        let address = loopback.address();
        let expected = Arc::new(Expected {
            address,
            state: state.clone(),
            page: Arc::clone(&page),
            arrived: Mutex::new(Some(arrived)),
        });
        let answer = move |request, client: Client| {
            let expected = Arc::clone(&expected);
            async move { expected.answer(&request, client.open).await }
        };
        let serve = loopback.serve(LIMITS, pending::<()>(), answer);
        let serving = transport.run(async { Some(tokio::spawn(serve)) });
        Ok(Self {
            transport,
            uri: format!("http://{address}{PATH}"),
            visits,
            page,
            serving,
        })
    }

    /// Where the browser is sent, this time.
    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// The code that was brought, or why there is none; and who waits for the page.
    pub(super) fn wait(
        &mut self,
        limit: Duration,
    ) -> Result<(Result<Secret<String>, SourceError>, Visit<'a>), SourceError> {
        let visits = &mut self.visits;
        let arrival = self
            .transport
            .run(async { tokio::time::timeout(limit, visits).await });
        let Ok(Ok(Arrival {
            brought,
            answer,
            open,
        })) = arrival
        else {
            return Err(SourceError::NobodyCame);
        };
        let visit = Visit {
            transport: self.transport,
            page: Arc::clone(&self.page),
            answer,
            open,
        };
        Ok((brought, visit))
    }
}

impl Drop for Callback<'_> {
    /// Closed when it is over, and not when the runtime happens to run again.
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = self.transport.run(serving);
        }
    }
}

/// What the listener waits for.
struct Expected {
    address: SocketAddr,
    state: Secret<String>,
    page: Arc<Page>,
    /// Taken by the one who brings it.
    arrived: Mutex<Option<oneshot::Sender<Arrival>>>,
}

impl Expected {
    async fn answer(&self, request: &Request<Incoming>, open: oneshot::Receiver<()>) -> Answer {
        let brought = match self.read(request) {
            Ok(brought) => brought,
            Err(status) => return self.page.ignored(status),
        };
        let arrived = self.arrived.lock();
        let arrived = arrived.unwrap_or_else(PoisonError::into_inner).take();
        let Some(arrived) = arrived else {
            return self.page.ignored(StatusCode::CONFLICT);
        };
        let (answer, answered) = oneshot::channel();
        let arrival = Arrival {
            brought,
            answer,
            open,
        };
        let waited_for = arrived.send(arrival).is_ok();
        match answered.await {
            Ok(answer) if waited_for => answer,
            _ => self.page.ignored(StatusCode::GONE),
        }
    }

    /// What a request brings; the status for one that is not the one waited for.
    fn read(
        &self,
        request: &Request<Incoming>,
    ) -> Result<Result<Secret<String>, SourceError>, StatusCode> {
        if !Loopback::is_meant(self.address, request) {
            return Err(StatusCode::FORBIDDEN);
        }
        if request.uri().path() != PATH {
            return Err(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::GET {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        if Loopback::looks_ahead(request) {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let query = request.uri().query().unwrap_or_default();
        let state = one(query, "state").ok_or(StatusCode::BAD_REQUEST)?;
        let expected = self.state.expose().as_bytes();
        if !bool::from(state.expose().as_bytes().ct_eq(expected)) {
            return Err(StatusCode::FORBIDDEN);
        }
        match (one(query, "code"), one(query, "error")) {
            (Some(code), None) => Ok(Ok(code)),
            (None, Some(error)) => Ok(Err(refusal(error.expose(), query))),
            _ => Err(StatusCode::BAD_REQUEST),
        }
    }
}

/// The value of a parameter that is there once, and not empty (RFC 6749, section 3.1).
fn one(query: &str, name: &str) -> Option<Secret<String>> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let value = values.next()?.1.into_owned();
    (values.next().is_none() && !value.is_empty()).then(|| Secret::new(value))
}

/// What a redirect says instead of a code (RFC 6749, section 4.1.2.1).
fn refusal(error: &str, query: &str) -> SourceError {
    if error == "access_denied" {
        return SourceError::Refused;
    }
    let words = |text: &str| text.chars().take(WORDS).collect();
    let description = one(query, "error_description");
    SourceError::Service {
        operation: "Authorize",
        code: words(error),
        message: description.map_or_else(String::new, |text| words(text.expose())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_counts_where_it_is_there_once() {
        let table = [
            ("state=a&code=b", Some("a")),
            ("code=b&state=a%20b+c", Some("a b c")),
            ("state=a&state=a", None),
            ("state=", None),
            ("State=a", None),
            ("", None),
        ];
        for (query, value) in table {
            let found = one(query, "state").map(|value| value.expose().clone());
            assert_eq!(found.as_deref(), value, "{query}");
        }
    }

    #[test]
    fn a_refusal_is_told_from_an_error_and_no_words_are_endless() {
        assert!(matches!(refusal("access_denied", ""), SourceError::Refused));
        let long = "x".repeat(100_000);
        let error = refusal("server_error", &format!("error_description={long}")).to_string();
        assert!(error.starts_with("Authorize failed: server_error: xxx"));
        assert!(error.len() < 400);
    }
}
