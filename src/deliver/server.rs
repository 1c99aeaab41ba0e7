//! A credentials server for programs of this machine, as a container of ECS has one: on 127.0.0.1, a path
//! and a token for each profile, and no other answer. Where credentials come from is the caller's affair;
//! each request asks for them on a thread of its own, so that one that waits keeps no other waiting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

mod imds;

use super::environment::{Endpoint, rfc3339};
use crate::credentials::{Credentials, Secret};
use crate::loopback::{Answer, Client, Limits, Loopback, random_text};
use imds::Imds;

const LIMITS: Limits = Limits {
    // More programs than anybody starts at once; each is answered within milliseconds, as a rule.
    connections: 256,
    // A request is a few hundred bytes; what an SDK says of itself is the longest of it.
    head: 16 * 1024,
    // Longer than the broker takes at worst: a lock that another run holds, then a fetch.
    connection: Duration::from_mins(10),
};

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The port can't be had.
    #[error("cannot listen on 127.0.0.1:{0}")]
    Listen(u16, #[source] io::Error),
    /// The system gives no random bytes, no thread.
    #[error("cannot start the server: {0}")]
    Setup(String),
}

/// Why there are no credentials now.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Whether a person has to do something, and asking again is of no use until then.
    pub by_person: bool,
    /// What a program shows to whoever runs it; no secret.
    pub message: String,
}

/// Gets the credentials of a profile; may take its time.
pub type Fetch = Arc<dyn Fn(&str) -> Result<Credentials, Refused> + Send + Sync>;

/// What is served under one path.
struct Route {
    profile: String,
    path: String,
    token: Secret<String>,
}

/// A running server. It ends when it is stopped, or with the process.
pub struct Server {
    address: SocketAddr,
    endpoints: Vec<Endpoint>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Serves `profiles` on `port`; 0 is a free one.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn start(port: u16, profiles: &[String], fetch: Fetch) -> Result<Self, ServerError> {
        let loopback = Loopback::bind(port).map_err(|error| ServerError::Listen(port, error))?;
        let address = loopback.address();
        let routes: Result<Vec<_>, ServerError> = profiles.iter().map(route).collect();
        let routes = routes?;
        let endpoints = routes.iter().map(|route| Endpoint {
            uri: format!("http://{address}{}", route.path),
            token: route.token.clone(),
        });
        let endpoints = endpoints.collect();
        let routes = Arc::new(Routes {
            address,
            routes,
            fetch,
        });
        let (stop, stopped) = oneshot::channel();
        let thread = run(loopback, stopped, move |request, _client: Client| {
            let routes = Arc::clone(&routes);
            async move { routes.answer(request).await }
        })?;
        Ok(Self {
            address,
            endpoints,
            stop,
            thread,
        })
    }

    /// Serves one profile as an instance's role, in `region`, on `port`; 0 is a free one.
    ///
    /// # Errors
    ///
    /// See [`ServerError`].
    pub fn start_imds(
        port: u16,
        profile: &str,
        region: Option<&str>,
        fetch: Fetch,
        clock: fn() -> Timestamp,
    ) -> Result<Self, ServerError> {
        let loopback = Loopback::bind(port).map_err(|error| ServerError::Listen(port, error))?;
        let address = loopback.address();
        let imds = Arc::new(Imds {
            address,
            profile: profile.to_owned(),
            region: region.map(str::to_owned),
            fetch,
            clock,
            key: random_text().map_err(setup)?,
        });
        let (stop, stopped) = oneshot::channel();
        let thread = run(loopback, stopped, move |request, client: Client| {
            let imds = Arc::clone(&imds);
            async move { imds.answer(request, client.address).await }
        })?;
        Ok(Self {
            address,
            endpoints: Vec::new(),
            stop,
            thread,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where each profile is (none for an instance's role), in the order in which they were given.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Takes no more requests, and lets those that are being answered end.
    pub fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

fn route(profile: &String) -> Result<Route, ServerError> {
    // What a name holds that an address can't.
    let name: String = form_urlencoded::byte_serialize(profile.as_bytes()).collect();
    Ok(Route {
        profile: profile.clone(),
        path: format!("/profile/{name}"),
        token: random_text().map_err(setup)?,
    })
}

fn setup(error: impl std::fmt::Display) -> ServerError {
    ServerError::Setup(error.to_string())
}

/// Serves on a thread of its own.
fn run<Answering, Answered>(
    loopback: Loopback,
    stopped: oneshot::Receiver<()>,
    answer: Answering,
) -> Result<JoinHandle<()>, ServerError>
where
    Answering: Fn(Request<Incoming>, Client) -> Answered + Send + Sync + 'static,
    Answered: Future<Output = Answer> + Send + 'static,
{
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(setup)?;
    let serve = move |runtime: Runtime| {
        if let Err(error) = runtime.block_on(loopback.serve(LIMITS, stopped, answer)) {
            tracing::error!(%error, "the server has ended");
        }
        // A fetch that is under way is not waited for.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name("server".to_owned());
    thread.spawn(move || serve(runtime)).map_err(setup)
}

struct Routes {
    address: SocketAddr,
    routes: Vec<Route>,
    fetch: Fetch,
}

impl Routes {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let profile = match self.find(&request) {
            Ok(route) => route.profile.clone(),
            Err((status, message)) => {
                tracing::info!(status = status.as_u16(), message, "not served");
                return refuse(status, "Refused", message);
            }
        };
        let fetched = fetch_apart(&self.fetch, profile.clone()).await;
        tracing::info!(profile, served = fetched.is_ok(), "asked for credentials");
        match fetched {
            Ok(credentials) => container_document(&credentials),
            Err(Refused { by_person, message }) => {
                // 403 is not worth another try, for the SDKs that try again where it may be.
                let status = match by_person {
                    true => StatusCode::FORBIDDEN,
                    false => StatusCode::SERVICE_UNAVAILABLE,
                };
                refuse(status, code(by_person), &message)
            }
        }
    }

    /// What a request is about, where it is allowed to be.
    fn find<B>(&self, request: &Request<B>) -> Result<&Route, (StatusCode, &'static str)> {
        if !Loopback::is_meant(self.address, request) {
            return Err((
                StatusCode::FORBIDDEN,
                "the request is meant for another host",
            ));
        }
        if request.method() != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "there is only GET here"));
        }
        let shown = request.headers().get(AUTHORIZATION);
        let shown = shown.map_or(&[][..], |value| value.as_bytes());
        let asked = request.uri().path_and_query();
        let asked = asked.map_or("", |asked| asked.as_str());
        let allowed = |route: &&Route| {
            asked == route.path && bool::from(shown.ct_eq(route.token.expose().as_bytes()))
        };
        // Whoever has no token learns of no path.
        let message = "no such path, or not its token in `Authorization`";
        let found = self.routes.iter().find(allowed);
        found.ok_or((StatusCode::UNAUTHORIZED, message))
    }
}

/// A client that goes away meanwhile (the SDKs wait for one or two seconds) does not end it: it finds what
/// was fetched when it asks again.
async fn fetch_apart(fetch: &Fetch, profile: String) -> Result<Credentials, Refused> {
    let fetch = Arc::clone(fetch);
    let fetched = tokio::task::spawn_blocking(move || fetch(&profile)).await;
    fetched.unwrap_or_else(|error| {
        Err(Refused {
            by_person: false,
            message: format!("vault has failed: {error}"),
        })
    })
}

/// What SDKs read
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>). The caller
/// hands out what has a token and an end: there are SDKs that want both.
fn container_document(credentials: &Credentials) -> Answer {
    let token = credentials.session_token.as_ref();
    document(
        StatusCode::OK,
        &json!({
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key.expose(),
            "Token": token.map(|token| token.expose().as_str()),
            "Expiration": credentials.expires_at.map(rfc3339),
        }),
    )
}

/// A word for why there are no credentials.
const fn code(by_person: bool) -> &'static str {
    match by_person {
        true => "SignInRequired",
        false => "CredentialsUnavailable",
    }
}

/// An error as SDKs show it: all of it (Python), by these names (Go, Rust), by these in capitals
/// (JavaScript).
fn refuse(status: StatusCode, code: &str, message: &str) -> Answer {
    let value = json!({ "code": code, "message": message, "Code": code, "Message": message });
    document(status, &value)
}

fn document(status: StatusCode, value: &serde_json::Value) -> Answer {
    let body = Full::new(Bytes::from(value.to_string()));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
