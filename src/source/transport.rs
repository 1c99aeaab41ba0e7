//! What every request to AWS goes through: one runtime, one HTTP client with the person's proxy and
//! certificate authorities, time limits, retries, and one reading of what went wrong.
//!
//! It is built on the cold path alone, and it knows no service.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::SourceError;

/// A server that is there answers the handshake in this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);
/// AWS answers these calls within a second; ten leave room for a bad line.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(10);
/// All attempts together: as long as a person at a prompt can be asked to wait.
const OPERATION_LIMIT: Duration = Duration::from_secs(25);
/// 429, 5xx and a broken line: so many attempts in all,
const ATTEMPTS: u32 = 5;
/// with a pause that doubles from at most this. The SDK's own second would make a person without a
/// network wait for eight to hear of it.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// What a request needs besides its own content.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// A PEM file of certificate authorities to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
}

/// One runtime and one client for all requests of a run.
pub struct Transport {
    /// Always there, until this is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    trust: TlsContext,
    http: SharedHttpClient,
}

impl Transport {
    /// Sets up the runtime and the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The CA bundle can't be used.
    pub fn new(settings: &Settings) -> Result<Self, SourceError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| SourceError::Setup(error.to_string()))?;
        let trust = settings.ca_bundle.as_deref().map(trust_store).transpose()?;
        let trust = TlsContext::builder()
            .with_trust_store(trust.unwrap_or_default())
            .build()
            .map_err(|error| SourceError::Setup(error.to_string()))?;
        Ok(Self {
            runtime: Some(runtime),
            http: http_client(trust.clone()),
            trust,
        })
    }

    /// Runs a request to its end.
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        let runtime = self.runtime.as_ref().expect("only `drop` takes it");
        runtime.block_on(future)
    }

    /// A connector for requests that no service's client makes; `through_proxy` where the person's
    /// proxy is to be used.
    pub fn connector(&self, through_proxy: bool, connect: Duration) -> SharedHttpConnector {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(connect)
            .build();
        let proxy = if through_proxy {
            ProxyConfig::from_env()
        } else {
            ProxyConfig::disabled()
        };
        connector(self.trust.clone(), settings, proxy)
    }

    /// What a service's client is made from. Built by hand: loading it would read the environment
    /// and the AWS files behind our back.
    pub fn sdk_config(&self, region: &str, endpoint: Option<&str>) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .http_client(self.http.clone())
            .sleep_impl(TokioSleep::new())
            .time_source(SystemTimeSource::new())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(ATTEMPTS)
                    .with_initial_backoff(FIRST_PAUSE),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_LIMIT)
                    .operation_attempt_timeout(ATTEMPT_LIMIT)
                    .operation_timeout(OPERATION_LIMIT)
                    .build(),
            );
        config.set_endpoint_url(endpoint.map(str::to_owned));
        config.build()
    }
}

/// The SDK's own connector ignores proxies once a trust store is given to it, so this is ours.
fn http_client(trust: TlsContext) -> SharedHttpClient {
    http_client_fn(move |settings, _| {
        let proxy = ProxyConfig::from_env();
        connector(trust.clone(), settings.clone(), proxy)
    })
}

fn connector(
    trust: TlsContext,
    settings: HttpConnectorSettings,
    proxy: ProxyConfig,
) -> SharedHttpConnector {
    let connector = Connector::builder()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(trust)
        .connector_settings(settings)
        .sleep_impl(TokioSleep::new())
        .proxy_config(proxy);
    SharedHttpConnector::new(connector.build())
}

impl Drop for Transport {
    /// A look-up of a host's name that hangs can't be stopped, and dropping a runtime waits for it:
    /// past every time limit, before the error is printed.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Reads the bundle, and looks at every certificate in it: one that can't be parsed would make the
/// SDK panic, and a file without any would leave it trusting nobody.
fn trust_store(path: &Path) -> Result<TrustStore, SourceError> {
    let wrong = |what: String| SourceError::CaBundle {
        path: path.to_owned(),
        what,
    };
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(format!("{error:?}")))?;
        count += 1;
        webpki::anchor_from_trusted_cert(&certificate)
            .map_err(|error| wrong(format!("certificate {count}: {error}")))?;
    }
    if count == 0 {
        return Err(wrong("there is no certificate in it".into()));
    }
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

/// Whom a request goes to, for a message: the host where it was configured, else the service.
pub fn server(endpoint: Option<&str>, service: &str, region: &str) -> String {
    let Some(url) = endpoint else {
        return format!("{service} ({region})");
    };
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.split('/').next().unwrap_or(host).to_owned()
}

/// A failed request, in the words of [`SourceError`].
pub fn failure<E>(
    operation: &'static str,
    server: &str,
    error: &SdkError<E, HttpResponse>,
) -> SourceError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let server = server.to_owned();
    if let Some(status) = error.raw_response().and_then(page) {
        return SourceError::NotAws {
            operation,
            server,
            status,
        };
    }
    match error {
        SdkError::TimeoutError(_) => SourceError::TimedOut { operation, server },
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            SourceError::TimedOut { operation, server }
        }
        SdkError::DispatchFailure(failure) => {
            let cause = failure
                .as_connector_error()
                .map_or_else(String::new, |e| innermost(e));
            SourceError::Unreachable {
                operation,
                server,
                cause,
            }
        }
        SdkError::ServiceError(context) => {
            let error = context.err().meta();
            let message = match error.message() {
                Some(message) => message.to_owned(),
                None => description(context.raw()).unwrap_or_default(),
            };
            let status = context.raw().status().as_u16();
            service(operation, server, error.code(), message, status)
        }
        other => SourceError::Nonsense {
            operation,
            server,
            what: innermost(other),
        },
    }
}

/// The same for a request that a long-lived key signs, which AWS may not know (yet, or any more).
pub fn key_failure<E>(
    operation: &'static str,
    server: &str,
    error: &SdkError<E, HttpResponse>,
) -> SourceError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let unknown = error.code() == Some("InvalidClientTokenId");
    match failure(operation, server, error) {
        SourceError::Forbidden(message) if unknown => SourceError::KeyRejected(message),
        other => other,
    }
}

fn service(
    operation: &'static str,
    server: String,
    code: Option<&str>,
    message: String,
    status: u16,
) -> SourceError {
    let code = code.map(str::to_owned);
    match (status, code) {
        (429, _) => SourceError::Throttled(operation),
        (500.., _) => SourceError::Unavailable {
            operation,
            server,
            status,
        },
        (403, code) if message.is_empty() => SourceError::Forbidden(code.unwrap_or_default()),
        (403, _) => SourceError::Forbidden(message),
        (_, Some(code)) => SourceError::Service {
            operation,
            code,
            message,
        },
        (_, None) => SourceError::Nonsense {
            operation,
            server,
            what: format!("HTTP {status}"),
        },
    }
}

/// What a refusal says where the SDK finds no message: in OAuth's manner (RFC 6749, section 5.2), or
/// without the header that names the error.
#[derive(serde::Deserialize)]
struct Body {
    error: Option<String>,
    error_description: Option<String>,
    message: Option<String>,
}

fn body(response: &HttpResponse) -> Option<Body> {
    serde_json::from_slice(response.body().bytes()?).ok()
}

/// OAuth's name for an error.
pub fn oauth_error(response: &HttpResponse) -> Option<String> {
    body(response)?.error
}

fn description(response: &HttpResponse) -> Option<String> {
    let body = body(response)?;
    body.error_description.or(body.message)
}

/// 429 and every 5xx is worth another try, whatever the error is called: the SDK's own rules know
/// some of them by name, and four by number.
#[derive(Debug)]
pub struct Retry;

impl ClassifyRetry for Retry {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let status = context
            .response()
            .map(|response| response.status().as_u16());
        match status {
            Some(429) => RetryAction::throttling_error(),
            Some(500..) => RetryAction::server_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "429 and 5xx"
    }
}

/// The status of an answer that is a web page: a captive portal's, a proxy's, a gateway's. AWS
/// answers these calls with JSON or XML, and never sends one elsewhere.
fn page(response: &HttpResponse) -> Option<u16> {
    let kind = response.headers().get("content-type").unwrap_or_default();
    let status = response.status().as_u16();
    let body = response.body().bytes().unwrap_or_default();
    is_page(kind, status, body).then_some(status)
}

/// Whether an answer is a web page, or leads to one. What begins as JSON is none, whatever it is called: some
/// of what answers in AWS's place calls everything a page.
pub(super) fn is_page(kind: &str, status: u16, body: &[u8]) -> bool {
    let begins = body.trim_ascii_start();
    let begins = String::from_utf8_lossy(&begins[..begins.len().min(16)]).to_ascii_lowercase();
    let called = kind.to_ascii_lowercase().contains("html") && !begins.starts_with('{');
    called
        || begins.starts_with("<html")
        || begins.starts_with("<!doctype")
        || (300..400).contains(&status)
}

/// The cause at the bottom of a chain: the system's own words.
pub fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::is_page;

    #[test]
    fn a_page_is_told_by_how_it_begins_and_only_then_by_what_it_is_called() {
        let (html, json) = ("text/html; charset=utf-8", "application/json");
        for (kind, status, body, expected) in [
            (html, 200, "Please sign in", true),
            (html, 200, "", true),
            ("", 200, " \n<!DOCTYPE html>", true),
            (json, 403, "<HTML>", true),
            (json, 302, "{}", true),
            (
                html,
                400,
                "\r\n{\"error\": \"authorization_pending\"}",
                false,
            ),
            (json, 200, "{}", false),
            ("", 200, "<Error>", false),
            ("", 500, "", false),
        ] {
            assert_eq!(
                is_page(kind, status, body.as_bytes()),
                expected,
                "{kind} {status} {body}"
            );
        }
    }
}
