//! An HTTP server on 127.0.0.1, for browsers and programs of this machine: what the listener of a sign-in
//! and the credentials servers have in common. One request a connection, so many at a time, and no client
//! keeps it waiting. It knows no path and no secret.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::HOST;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::credentials::Secret;

mod forward;
pub mod page;
mod peer;

pub use forward::Forward;
pub use peer::{OWNERS_ARE_KNOWN, Owner, owner};

/// Whoever is on this machine sends its request at once.
const HEADER_LIMIT: Duration = Duration::from_secs(5);
/// Where no connection can be taken: no file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Answers that are under way when a server stops: an answer is some kilobytes.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// What RFC 7636, section 4.1, recommends for a verifier.
const RANDOM_BYTES: usize = 32;

/// An answer.
pub type Answer = Response<Full<Bytes>>;

/// What a server puts up with.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// So many connections at a time. What comes beyond that waits in the system's queue for its turn,
    /// which comes.
    pub connections: usize,
    /// So much of a request's head, in bytes.
    pub head: usize,
    /// So long for a connection as a whole.
    pub connection: Duration,
}

/// Whoever has sent a request.
pub struct Client {
    /// Its end of the connection.
    pub address: SocketAddr,
    /// Ends with the connection.
    pub open: oneshot::Receiver<()>,
}

/// What a server has to do next.
enum Next {
    Stop,
    /// A connection has ended.
    Room,
    Accepted(io::Result<(TcpStream, SocketAddr)>),
}

/// A port of 127.0.0.1 that nobody is answered on yet.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    address: SocketAddr,
}

impl Loopback {
    /// Takes a port; 0 is a free one. From here on clients are kept waiting, and not refused.
    ///
    /// # Errors
    ///
    /// The port is taken, or may not be.
    pub fn bind(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Its address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a request is meant for it. A page elsewhere may have its own name lead here (DNS
    /// rebinding), and is then told by it.
    pub fn is_meant<B>(address: SocketAddr, request: &Request<B>) -> bool {
        let own = |host: &str| {
            // Of HTTP's own port nobody speaks (RFC 9110, section 4.2.3).
            host == address.to_string()
                || (address.port() == 80 && host == address.ip().to_string())
        };
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        let authority = request.uri().authority();
        host.is_some_and(own)
            && hosts.next().is_none()
            && authority.is_none_or(|authority| own(authority.as_str()))
    }

    /// Whether a browser only looks ahead (<https://wicg.github.io/nav-speculation/prefetch.html>, and what
    /// browsers said before that): it shows nobody the answer, and comes again. What is good once is not for
    /// it.
    pub fn looks_ahead<B>(request: &Request<B>) -> bool {
        const SAID: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
        let said = SAID
            .iter()
            .flat_map(|name| request.headers().get_all(*name));
        let mut words = said.filter_map(|value| value.to_str().ok());
        words.any(|words| words.contains("prefetch") || words.contains("preview"))
    }

    /// Answers until `stop` is there, inside a runtime. A request that has begun is answered to its end,
    /// within a second.
    ///
    /// # Errors
    ///
    /// The runtime cannot wait for connections.
    pub async fn serve<Answering, Answered>(
        self,
        limits: Limits,
        mut stop: impl Future + Unpin,
        answer: Answering,
    ) -> io::Result<()>
    where
        Answering: Fn(Request<Incoming>, Client) -> Answered + Send + Sync + 'static,
        Answered: Future<Output = Answer> + Send + 'static,
    {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let answer = Arc::new(answer);
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let full = connections.len() >= limits.connections;
            let next = poll_fn(|context| match Pin::new(&mut stop).poll(context) {
                Poll::Ready(_) => Poll::Ready(Next::Stop),
                Poll::Pending if full => connections.poll_join_next(context).map(|_| Next::Room),
                Poll::Pending => listener.poll_accept(context).map(Next::Accepted),
            });
            match next.await {
                Next::Stop => break,
                Next::Room => {}
                Next::Accepted(Ok((stream, client))) => {
                    let answer = Arc::clone(&answer);
                    connections.spawn(connection(stream, client, limits, answer));
                }
                Next::Accepted(Err(error)) => {
                    tracing::debug!(%error, "no connection can be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        let last = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_ANSWERS, last).await;
        Ok(())
    }
}

async fn connection<Answering, Answered>(
    stream: TcpStream,
    address: SocketAddr,
    limits: Limits,
    answer: Arc<Answering>,
) where
    Answering: Fn(Request<Incoming>, Client) -> Answered + Send + Sync,
    Answered: Future<Output = Answer> + Send,
{
    let (closed, open) = oneshot::channel();
    let open = Mutex::new(Some(open));
    let service = service_fn(|request| {
        let open = open.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Without keep-alive there is one request.
        let open = open.unwrap_or_else(|| oneshot::channel().1);
        let answering = answer(request, Client { address, open });
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .keep_alive(false)
        .max_buf_size(limits.head)
        .serve_connection(TokioIo::new(stream), service);
    let _ = tokio::time::timeout(limits.connection, served).await;
    drop(closed);
}

/// 43 letters that nobody guesses, for an address or a header.
///
/// # Errors
///
/// The system gives no random bytes.
pub fn random_text() -> Result<Secret<String>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(&mut *bytes)?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_meant_for_the_address_that_it_names_once() {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (address, usual) = (at(4711), at(80));
        let table: [(SocketAddr, &[&str], &str, bool); 10] = [
            (address, &["127.0.0.1:4711"], "/x", true),
            (
                address,
                &["127.0.0.1:4711"],
                "http://127.0.0.1:4711/x",
                true,
            ),
            (address, &["127.0.0.1:4711"], "http://evil.example/x", false),
            (address, &["127.0.0.1"], "/x", false),
            (address, &["evil.example:4711"], "/x", false),
            (address, &["127.0.0.1:4711", "evil.example"], "/x", false),
            (address, &[], "/x", false),
            (usual, &["127.0.0.1"], "/x", true),
            (usual, &["127.0.0.1:80"], "http://127.0.0.1/x", true),
            (usual, &["evil.example"], "/x", false),
        ];
        for (address, hosts, uri, expected) in table {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            let request = request.body(()).unwrap();
            assert_eq!(
                Loopback::is_meant(address, &request),
                expected,
                "{address} {hosts:?} {uri}"
            );
        }
    }

    #[test]
    fn random_text_is_fit_for_an_address_and_never_the_same() {
        let (one, other) = (random_text().unwrap(), random_text().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 43);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        assert!(one.expose().chars().all(fits));
    }
}
