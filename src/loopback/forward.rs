//! An address of vault's own that sends one browser on to another, once. The other one holds a secret,
//! and a browser is started with its address as an argument, which every user of a machine can read.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Method, Request, StatusCode};
use subtle::ConstantTimeEq as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::page::{PAGE_LIMIT, Tone, page};
use super::{Answer, Client, Limits, Loopback, Owner, owner, random_text};
use crate::credentials::Secret;

const LIMITS: Limits = Limits {
    // A crowd of another program's does not shut the browser out: who says nothing is sent away.
    connections: 64,
    // Cookies of other programs on 127.0.0.1 come along.
    head: 64 * 1024,
    connection: Duration::from_secs(10),
};

/// The address; it ends when this is dropped.
pub struct Forward {
    runtime: Runtime,
    address: String,
    sent: oneshot::Receiver<Open>,
}

/// Ends with the connection: until then the answer is on its way.
type Open = oneshot::Receiver<()>;

/// Where the first who comes is sent, and who is told.
type Errand = (Secret<String>, oneshot::Sender<Open>);

struct Once {
    server: SocketAddr,
    path: Secret<String>,
    errand: Mutex<Option<Errand>>,
}

impl Forward {
    /// Listens for a browser to send on to `url`.
    ///
    /// # Errors
    ///
    /// There is nothing to listen on.
    pub fn to(url: Secret<String>) -> io::Result<Self> {
        let path = random_text().map_err(|error| io::Error::other(error.to_string()))?;
        let path = Secret::new(format!("/{}", path.expose()));
        let loopback = Loopback::bind(0)?;
        let server = loopback.address();
        let address = format!("http://{server}{}", path.expose());
        let (told, sent) = oneshot::channel();
        let once = Arc::new(Once {
            server,
            path,
            errand: Mutex::new(Some((url, told))),
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.spawn(
            loopback.serve(LIMITS, pending::<()>(), move |request, client| {
                let once = Arc::clone(&once);
                async move { once.answer(&request, client) }
            }),
        );
        Ok(Self {
            runtime,
            address,
            sent,
        })
    }

    /// Where a browser is to go.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until a browser has been sent on; whether one was, within `limit`.
    pub fn wait(self, limit: Duration) -> bool {
        let sent = self.sent;
        self.runtime.block_on(async {
            let Ok(Ok(open)) = tokio::time::timeout(limit, sent).await else {
                return false;
            };
            let _ = tokio::time::timeout(PAGE_LIMIT, open).await;
            true
        })
    }
}

impl Once {
    fn answer(&self, request: &Request<Incoming>, client: Client) -> Answer {
        if let Err(status) = self.check(request, client.address) {
            let what = "<p>This is not the request that vault waits for. It was ignored.</p>";
            return page(status, Tone::Plain, "vault", what);
        }
        let errand = self.errand.lock();
        let errand = errand.unwrap_or_else(PoisonError::into_inner).take();
        let Some((url, told)) = errand else {
            let what = "<p>This address was good once, and has been used.</p>\
                        <p>Run <code>vault console</code> again for another.</p>";
            return page(StatusCode::GONE, Tone::Bad, "vault", what);
        };
        let Ok(mut location) = HeaderValue::from_str(url.expose()) else {
            let what = "<p>The address to go to can't be sent to a browser.</p>";
            return page(StatusCode::INTERNAL_SERVER_ERROR, Tone::Bad, "vault", what);
        };
        location.set_sensitive(true);
        let mut answer = page(StatusCode::SEE_OTHER, Tone::Plain, "vault", "");
        answer.headers_mut().insert(LOCATION, location);
        let _ = told.send(client.open);
        answer
    }

    fn check(&self, request: &Request<Incoming>, client: SocketAddr) -> Result<(), StatusCode> {
        if !Loopback::is_meant(self.server, request) {
            return Err(StatusCode::FORBIDDEN);
        }
        let path = request.uri().path().as_bytes();
        if !bool::from(path.ct_eq(self.path.expose().as_bytes())) {
            return Err(StatusCode::NOT_FOUND);
        }
        if request.method() != Method::GET {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        if Loopback::looks_ahead(request) {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        // Last, as it takes the kernel some milliseconds.
        if owner(client, self.server) == Owner::Another {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(())
    }
}
