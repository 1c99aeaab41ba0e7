//! Whether a server can be reached: one request without credentials, and what came of it. Any answer
//! of AWS's will do; what it says is not looked at.

use std::error::Error as StdError;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::task::JoinSet;

use super::transport::{Settings, Transport, innermost};
use super::{SourceError, eks};

/// A server that is there answers the handshake in this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// All of it: AWS answers within a second, and a person waits.
const LIMIT: Duration = Duration::from_secs(5);

/// What of AWS is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Where people sign in.
    SignIn,
    /// Where accounts, roles and their credentials are.
    Portal,
    /// Where roles are assumed.
    Sts,
}

impl Service {
    /// What AWS calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "IAM Identity Center's sign-in",
            Self::Portal => "IAM Identity Center's portal",
            Self::Sts => "STS",
        }
    }

    /// A request that it answers, without credentials, with a refusal of its own. (At the bare root STS
    /// sends browsers to a web page.)
    fn request(self, base: &str) -> Result<HttpRequest, String> {
        let path = match self {
            Self::SignIn => "/token",
            Self::Portal => "/assignment/accounts",
            Self::Sts => "/?Action=GetCallerIdentity&Version=2011-06-15",
        };
        let wrong = |error: &dyn std::fmt::Display| error.to_string();
        let mut request = HttpRequest::get(format!("{base}{path}")).map_err(|e| wrong(&e))?;
        if self == Self::SignIn {
            request.set_method("POST").map_err(|e| wrong(&e))?;
            request
                .headers_mut()
                .insert("content-type", "application/json");
            *request.body_mut() = "{}".into();
        }
        Ok(request)
    }

    /// Where it is in a region, by the SDK's table, which knows every partition.
    ///
    /// # Errors
    ///
    /// AWS has no such region.
    pub fn address(self, region: &str) -> Result<String, SourceError> {
        match self {
            Self::SignIn => sign_in::address(region),
            Self::Portal => portal::address(region),
            Self::Sts => eks::address(&eks::Place {
                region: region.to_owned(),
                ..eks::Place::default()
            })
            .map(|address| address.url),
        }
        .map(|url| url.trim_end_matches('/').to_owned())
    }
}

/// The same words for the types of two SDKs.
macro_rules! address {
    ($name:ident, $sdk:ident) => {
        mod $name {
            use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};

            use super::*;

            pub(super) fn address(region: &str) -> Result<String, SourceError> {
                let failed = |reason: String| SourceError::Setup(format!("{region}: {reason}"));
                let params = Params::builder().region(region).build();
                let params = params.map_err(|error| failed(error.to_string()))?;
                let resolver = DefaultResolver::new();
                let resolving = pin!(resolver.resolve_endpoint(&params));
                match resolving.poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(Ok(endpoint)) => Ok(endpoint.url().to_owned()),
                    Poll::Ready(Err(error)) => Err(failed(error.to_string())),
                    Poll::Pending => Err(failed("its address is not known".to_owned())),
                }
            }
        }
    };
}

address!(sign_in, aws_sdk_ssooidc);
address!(portal, aws_sdk_sso);

/// An answer of AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The server's clock, as it wrote it.
    pub date: Option<String>,
}

/// Why there was none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its name leads nowhere.
    Name,
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// Its certificate is not trusted.
    Untrusted(String),
    /// The proxy can't be reached.
    ProxyGone,
    /// The proxy wants a name and a password.
    ProxyWantsToKnow,
    /// The proxy leads no one there.
    ProxyRefuses,
    /// A web page, with that status.
    Page(u16),
    /// Anything else, in the system's words.
    Other(String),
}

/// What came of a question.
pub type Outcome = Result<Reached, Trouble>;

/// The proxy that a request to this URL goes through, by its host and port: by the same rules as the
/// requests themselves.
pub fn proxy_of(url: &str) -> Option<String> {
    let uri: hyper::Uri = url.parse().ok()?;
    let proxy = Matcher::from_env().intercept(&uri)?;
    // Not the name and the password that may stand before it.
    let authority = proxy.uri().authority()?.as_str();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Some(host.to_owned())
}

/// Asks all of them at once, each by its base URL; the answers are in their order. `seen` is called as
/// each comes in, to look at the clock.
///
/// # Errors
///
/// The certificate authorities can't be used.
pub fn all<T: Send + 'static>(
    settings: &Settings,
    servers: &[(Service, String)],
    seen: fn(&Outcome) -> T,
) -> Result<Vec<(Outcome, T)>, SourceError> {
    let transport = Transport::new(settings)?;
    let asking = async {
        let mut running = JoinSet::new();
        for (position, (service, base)) in servers.iter().enumerate() {
            let connector = transport.connector(true, CONNECT_LIMIT);
            let (service, base) = (*service, base.clone());
            running.spawn(async move {
                let asked = ask(&connector, service, &base);
                let limited = tokio::time::timeout(LIMIT, asked).await;
                let outcome = limited.unwrap_or(Err(Trouble::TimedOut));
                let seen = seen(&outcome);
                (position, outcome, seen)
            });
        }
        running.join_all().await
    };
    let mut answers = transport.run(asking);
    answers.sort_by_key(|(position, ..)| *position);
    Ok(answers
        .into_iter()
        .map(|(_, outcome, seen)| (outcome, seen))
        .collect())
}

async fn ask(connector: &SharedHttpConnector, service: Service, base: &str) -> Outcome {
    let request = service.request(base).map_err(Trouble::Other)?;
    let proxy = proxy_of(base).is_some();
    match connector.call(request).await {
        Ok(answer) => answered(&answer, proxy),
        Err(error) => Err(failed(&error, proxy)),
    }
}

/// AWS answers in JSON or XML, and sends nobody elsewhere.
fn answered(answer: &HttpResponse, proxy: bool) -> Outcome {
    let headers = answer.headers();
    let status = answer.status().as_u16();
    let kind = headers.get("content-type").unwrap_or_default();
    if status == 407 && proxy {
        return Err(Trouble::ProxyWantsToKnow);
    }
    if kind.to_ascii_lowercase().contains("html") || (300..400).contains(&status) {
        return Err(Trouble::Page(status));
    }
    let date = headers.get("date").map(str::to_owned);
    Ok(Reached { date })
}

/// The libraries' own errors have no kinds for these: their words are read, and the tests hold them.
fn failed(error: &ConnectorError, proxy: bool) -> Trouble {
    let mut words = String::new();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        words.push_str(&cause.to_string());
        words.push('\n');
        next = cause.source();
    }
    let says = |text: &str| words.contains(text);
    if says("proxy authorization required") {
        Trouble::ProxyWantsToKnow
    } else if says("tunnel error: unsuccessful") || says("tunnel error: unexpected end") {
        Trouble::ProxyRefuses
    } else if says("certificate") {
        Trouble::Untrusted(innermost(error))
    } else if error.is_timeout() || says("timed out") {
        Trouble::TimedOut
    } else if proxy && (says("dns error") || says("lookup address") || says("refused")) {
        Trouble::ProxyGone
    } else if says("dns error") || says("lookup address") {
        Trouble::Name
    } else if says("refused") {
        Trouble::Refused
    } else {
        Trouble::Other(innermost(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_addresses() {
        for (service, region, expected) in [
            (
                Service::SignIn,
                "eu-central-1",
                "https://oidc.eu-central-1.amazonaws.com",
            ),
            (
                Service::Portal,
                "eu-central-1",
                "https://portal.sso.eu-central-1.amazonaws.com",
            ),
            (
                Service::Sts,
                "eu-central-1",
                "https://sts.eu-central-1.amazonaws.com",
            ),
            (
                Service::SignIn,
                "cn-north-1",
                "https://oidc.cn-north-1.amazonaws.com.cn",
            ),
            (
                Service::Sts,
                "us-gov-west-1",
                "https://sts.us-gov-west-1.amazonaws.com",
            ),
        ] {
            assert_eq!(service.address(region).unwrap(), expected);
        }
    }
}
