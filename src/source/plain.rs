//! Plain HTTP requests, to what is no service with a client of its own: the endpoints that a machine
//! or a container has for its credentials, and the console's.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use super::SourceError;
use super::transport::{Transport, innermost, is_page};
use crate::credentials::Secret;

/// Longer than any set of credentials or error message.
const LONGEST_ANSWER: usize = 256 * 1024;

/// A request.
pub struct Plain<'a> {
    /// What it is for, in messages.
    pub operation: &'static str,
    /// Whom it goes to, in messages.
    pub server: &'a str,
    /// `GET`, `PUT`, `POST`
    pub method: &'static str,
    /// Where to.
    pub url: &'a str,
    /// With what.
    pub headers: &'a [(&'static str, &'a Secret<String>)],
    /// A form, where one is sent.
    pub form: Option<&'a Secret<String>>,
    /// Whether the person's proxy is to be used.
    pub through_proxy: bool,
    /// How long the connection may take.
    pub connect: Duration,
    /// How long all of it may take.
    pub limit: Duration,
}

/// An answer, whatever its status.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether it is a web page, or leads to one.
    pub is_page: bool,
    /// It may hold credentials.
    pub body: Secret<Vec<u8>>,
}

impl Plain<'_> {
    /// Sends it.
    ///
    /// # Errors
    ///
    /// There is no answer, or none in time.
    pub fn send(&self, transport: &Transport) -> Result<Answer, SourceError> {
        let request = self.request()?;
        let connector = transport.connector(self.through_proxy, self.connect);
        let unreachable = |cause: String| SourceError::Unreachable {
            operation: self.operation,
            server: self.server.to_owned(),
            cause,
        };
        let exchange = async {
            let answer = connector.call(request).await.map_err(|error| {
                if error.is_timeout() {
                    self.timed_out()
                } else {
                    unreachable(innermost(&error))
                }
            })?;
            let status = answer.status().as_u16();
            let kind = answer.headers().get("content-type");
            let kind = kind.unwrap_or_default().to_owned();
            let mut body = ByteStream::new(answer.into_body());
            let mut bytes = Vec::with_capacity(LONGEST_ANSWER);
            while let Some(part) = body.next().await {
                let part = part.map_err(|error| unreachable(innermost(&error)))?;
                if bytes.len() + part.len() > LONGEST_ANSWER {
                    return Err(self.nonsense("it has no end"));
                }
                bytes.extend_from_slice(&part);
            }
            let body = Secret::new(bytes);
            Ok(Answer {
                status,
                is_page: is_page(&kind, status, body.expose()),
                body,
            })
        };
        let limited = async { tokio::time::timeout(self.limit, exchange).await };
        transport
            .run(limited)
            .unwrap_or_else(|_| Err(self.timed_out()))
    }

    fn request(&self) -> Result<HttpRequest, SourceError> {
        let wrong = |error: &dyn std::fmt::Display| SourceError::Setup(error.to_string());
        let mut request = HttpRequest::get(self.url).map_err(|error| wrong(&error))?;
        request
            .set_method(self.method)
            .map_err(|error| wrong(&error))?;
        for (name, value) in self.headers {
            request
                .headers_mut()
                .try_insert(*name, value.expose().clone())
                .map_err(|_| wrong(&format!("{name} cannot be sent in a header")))?;
        }
        if let Some(form) = self.form {
            let headers = request.headers_mut();
            headers.insert("content-type", "application/x-www-form-urlencoded");
            *request.body_mut() = SdkBody::from(form.expose().as_str());
        }
        Ok(request)
    }

    fn timed_out(&self) -> SourceError {
        SourceError::TimedOut {
            operation: self.operation,
            server: self.server.to_owned(),
        }
    }

    /// The answer is not what was asked for.
    pub fn nonsense(&self, what: &str) -> SourceError {
        SourceError::Nonsense {
            operation: self.operation,
            server: self.server.to_owned(),
            what: what.to_owned(),
        }
    }
}
