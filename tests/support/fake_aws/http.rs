//! The server: it reads a request whole, records it, and sends the answer, or the fault that was
//! planned instead of it.

use std::net::TcpListener;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;
use serde_json::Value;

use super::encoding::{parse_form, value};
use super::faults::Fault;
use super::operation;
use super::state::State;

/// A request, read whole.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }

    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The query's pairs and those of a form in the body.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let mut pairs = parse_form(&self.query);
        let form = self.header("content-type").unwrap_or_default();
        if form.starts_with("application/x-www-form-urlencoded") {
            pairs.extend(parse_form(&String::from_utf8_lossy(&self.body)));
        }
        pairs
    }
}

/// A request as the test sees it afterwards.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// AWS's name of the operation.
    pub operation: &'static str,
    /// When it came.
    pub at: Instant,
    /// What was answered; 0 where nothing was, or not yet.
    pub status: u16,
    request: Request,
}

impl Recorded {
    /// A request that was read and has no answer yet.
    pub fn new(operation: &'static str, request: Request) -> Self {
        Self {
            operation,
            at: Instant::now(),
            status: 0,
            request,
        }
    }

    /// `GET`, `POST`.
    pub fn method(&self) -> &str {
        &self.request.method
    }

    /// The path without its query.
    pub fn path(&self) -> &str {
        &self.request.path
    }

    /// A header's value; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// All headers.
    pub fn headers(&self) -> &[(String, String)] {
        &self.request.headers
    }

    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        self.request.json()
    }

    /// A parameter of the query or of the form in the body.
    pub fn parameter(&self, name: &str) -> Option<String> {
        value(&self.request.parameters(), name).map(str::to_owned)
    }

    /// The query as it was sent.
    pub fn query(&self) -> &str {
        &self.request.query
    }

    /// The body as it was sent.
    pub fn body(&self) -> &[u8] {
        &self.request.body
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.to_owned(),
        }
    }

    pub fn json(body: &Value) -> Self {
        Self::new(200, "application/json", &body.to_string())
    }

    pub fn html(status: u16, body: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    pub fn redirect(location: &str) -> Self {
        let mut answer = Self::html(302, "");
        answer.headers.push(("location", location.to_owned()));
        answer
    }

    /// An error in the JSON services' manner: its type in a header, its words in the body.
    pub fn aws_error(status: u16, kind: &str, message: &str) -> Self {
        let body = serde_json::json!({ "message": message, "__type": kind });
        let mut answer = Self::new(status, "application/json", &body.to_string());
        answer.headers.push(("x-amzn-errortype", kind.to_owned()));
        answer
    }
}

/// The server's runtime, which ends with it.
pub struct Server(Option<tokio::runtime::Runtime>);

impl Server {
    pub fn start(listener: TcpListener, state: Arc<Mutex<State>>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-aws")
            .enable_all()
            .build()
            .expect("a runtime for the fake AWS");
        listener
            .set_nonblocking(true)
            .expect("a listener that tokio can take");
        runtime.spawn(accept(listener, state));
        Self(Some(runtime))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Requests that hang on purpose must not hold the test up.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("inside a runtime");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { answer(&state, request).await }
            });
            let connection = hyper::server::conn::http1::Builder::new();
            // An error here is a client that went away, or a fault that closed the connection.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// The connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

async fn answer(
    state: &Mutex<State>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Sent>, Closed> {
    let request = read(request).await.ok_or(Closed)?;
    let operation = operation::of(&request);
    let (index, fault, stand_in) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let index = state.record(operation, request.clone());
        let fault = state.faults.take(operation);
        let stand_in = fault
            .as_ref()
            .and_then(|f| f.answer(operation, &state.base_url));
        (index, fault, stand_in)
    };
    match fault {
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Slow(late)) => tokio::time::sleep(late).await,
        Some(Fault::Close) => return Err(Closed),
        _ => {}
    }
    let (answer, date) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let answer =
            stand_in.unwrap_or_else(|| operation::perform(operation, &mut state, &request));
        state.recorded[index].status = answer.status;
        let ahead = jiff::SignedDuration::from_secs(state.behaviour.clock_ahead);
        (answer, jiff::Timestamp::now() + ahead)
    };
    if let Some(Fault::Late(late)) = fault {
        tokio::time::sleep(late).await;
    }
    Ok(respond(
        answer,
        matches!(fault, Some(Fault::CutShort)),
        date,
    ))
}

async fn read(request: hyper::Request<Incoming>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Some(Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: body.collect().await.ok()?.to_bytes().to_vec(),
    })
}

fn respond(answer: Answer, cut_short: bool, date: jiff::Timestamp) -> hyper::Response<Sent> {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date);
    let mut response = hyper::Response::builder()
        .status(answer.status)
        .header("content-length", answer.body.len())
        .header("date", date.expect("a date of this century"))
        .header("x-amzn-requestid", "00000000-0000-4000-8000-000000000000");
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let mut rest = Bytes::from(answer.body);
    if cut_short {
        rest.truncate(rest.len() / 2);
    }
    let sent = Sent {
        rest: Some(rest),
        cut_short,
        flushed: false,
    };
    response
        .body(sent)
        .expect("a response of well-formed headers")
}

/// A body that may end before its length.
struct Sent {
    rest: Option<Bytes>,
    cut_short: bool,
    /// Once the half is handed over, the server gets a turn to put it on the wire.
    flushed: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let rest = self.rest.take().filter(|rest| !rest.is_empty());
        if rest.is_none() && self.cut_short && !self.flushed {
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(match rest {
            Some(rest) => Some(Ok(Frame::data(rest))),
            None if self.cut_short => Some(Err(std::io::Error::other("cut short on purpose"))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        !self.cut_short && self.rest.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
