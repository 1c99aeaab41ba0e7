//! The way to AWS: the servers that the configuration leads to, by which proxy and with which
//! authorities, and their clock against this machine's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use jiff::{SignedDuration, Timestamp};

use super::{Check, Finding, Setup};
use crate::commands::context::{Context, Reach};
use crate::resolve::{Chain, Source};
use crate::source::SourceError;
use crate::source::probe::{self, Outcome, Reached, Service, Trouble};
use crate::source::transport;

/// So many servers are asked: nobody's configuration leads to more that are worth the wait.
const MOST: usize = 16;

/// AWS refuses what was signed at a time that is further from its own than this; STS and the sign-in
/// hold to the narrowest of its limits.
const SKEW_LIMIT: SignedDuration = SignedDuration::from_mins(5);

/// Worth saying: tokens seem to end earlier or later than they do.
const SKEW_NOTED: SignedDuration = SignedDuration::from_mins(1);

/// Whom to ask, for whom.
struct Target {
    service: Service,
    base: String,
    /// Who needs it.
    user: String,
    ca_bundle: Option<PathBuf>,
}

/// What was found when the server answered, and when that was.
type Answer = (Outcome, Timestamp);

/// Servers that are asked with the same authorities.
struct Group {
    targets: Vec<Target>,
    asking: JoinHandle<Result<Vec<Answer>, SourceError>>,
}

/// Questions that are on their way.
pub(super) struct Asked {
    groups: Vec<Group>,
    findings: Vec<Finding>,
}

/// Sends them all; those that trust other authorities are apart.
pub(super) fn ask(setup: &Setup<'_>) -> Asked {
    let (targets, mut findings) = targets(setup);
    if let Some(more) = targets.len().checked_sub(MOST + 1) {
        let text = format!("{} more servers are not asked", more + 1);
        findings.push(Finding::note(Check::Endpoints, text));
    }
    let mut groups: BTreeMap<Option<PathBuf>, Vec<Target>> = BTreeMap::new();
    for target in targets.into_iter().take(MOST) {
        groups
            .entry(target.ca_bundle.clone())
            .or_default()
            .push(target);
    }
    let begin = |(ca_bundle, targets): (Option<PathBuf>, Vec<Target>)| {
        let servers: Vec<_> = targets
            .iter()
            .map(|t| (t.service, t.base.clone()))
            .collect();
        let settings = transport::Settings { ca_bundle };
        let asking = move || probe::all(&settings, &servers, |_| Context::now());
        let asking = thread::spawn(asking);
        Group { targets, asking }
    };
    Asked {
        groups: groups.into_iter().map(begin).collect(),
        findings,
    }
}

/// Every server that a chain leads to, once; and what can't be asked.
fn targets(setup: &Setup<'_>) -> (Vec<Target>, Vec<Finding>) {
    let mut targets: BTreeMap<(String, Option<PathBuf>), Target> = BTreeMap::new();
    let mut findings = Vec::new();
    let mut add = |service: Service, region: &str, reach: &Reach, user: &str| {
        let configured = match service {
            Service::SignIn => &reach.sso_oidc,
            Service::Portal => &reach.sso,
            Service::Sts => &reach.sts,
        };
        let base = match configured {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => match service.address(region) {
                Ok(base) => base,
                // The region's form has been looked at.
                Err(_) => return,
            },
        };
        let key = (base.clone(), reach.ca_bundle.clone());
        targets.entry(key).or_insert_with(|| Target {
            service,
            base,
            user: user.to_owned(),
            ca_bundle: reach.ca_bundle.clone(),
        });
    };
    for (name, chain) in &setup.chains {
        let Ok(chain) = chain else { continue };
        let reach = match setup.context.reach(Some(name)) {
            Ok(reach) => reach,
            Err(error) => {
                findings.push(Finding::failed(Check::Endpoints, error).hint("write it in UTF-8"));
                break;
            }
        };
        if let Some(session) = chain.session() {
            add(Service::SignIn, &session.region, &reach, name);
            add(Service::Portal, &session.region, &reach, name);
        }
        if let Some(region) = sts_region(chain) {
            add(Service::Sts, &region, &reach, name);
        }
    }
    for name in setup.config.sso_session_names() {
        if let (Ok(session), Ok(reach)) =
            (setup.config.sso_session(name), setup.context.reach(None))
        {
            add(Service::SignIn, &session.region, &reach, name);
        }
    }
    (targets.into_values().collect(), findings)
}

/// Where a chain asks STS, if it does.
fn sts_region(chain: &Chain) -> Option<String> {
    let source = match &chain.source {
        Source::AccessKey(key) => Some(key.region.as_deref()),
        Source::WebIdentity(web) => Some(web.region.as_deref()),
        _ => None,
    };
    let role = chain.roles.last().map(|role| role.region.as_deref());
    let region = role.or(source)?;
    let arn = chain.roles.last().map_or("", |role| role.role_arn.as_str());
    Some(
        region
            .unwrap_or_else(|| crate::broker::sts_region(arn))
            .to_owned(),
    )
}

impl Asked {
    /// What came of it; the clock first.
    pub(super) fn findings(self) -> Vec<Finding> {
        let mut findings = self.findings;
        let mut clock = None;
        for Group { targets, asking } in self.groups {
            match asking.join() {
                Ok(Ok(answers)) => {
                    for (target, (outcome, at)) in targets.iter().zip(answers) {
                        let host = host(&target.base);
                        if let Ok(reached) = &outcome {
                            clock = clock.or_else(|| compare(reached, at, host));
                        }
                        findings.extend(in_the_clear(target));
                        findings.push(reached_or_not(target, host, outcome));
                    }
                }
                Ok(Err(error)) => findings.push(Finding::failed(Check::Endpoints, error)),
                Err(_) => findings.push(
                    Finding::wrong(Check::Endpoints, "the question to a server broke off")
                        .hint("run it again"),
                ),
            }
        }
        if findings.is_empty() {
            let text = "no profile leads to a server of AWS's: nothing to try";
            findings.push(Finding::note(Check::Endpoints, text));
        }
        let clock = clock
            .unwrap_or_else(|| Finding::note(Check::Clock, "not compared: no server has answered"));
        findings.insert(0, clock);
        findings
    }
}

fn host(base: &str) -> &str {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    host.split('/').next().unwrap_or(host)
}

/// A person reads the time off a wall: whole seconds will do.
fn compare(reached: &Reached, at: Timestamp, host: &str) -> Option<Finding> {
    let date = reached.date.as_deref()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let skew = at.duration_since(date);
    let (amount, way) = match skew.is_negative() {
        true => (-skew, "behind"),
        false => (skew, "ahead of"),
    };
    let text = match amount.as_secs() {
        seconds @ 0..120 => format!("it is {seconds} s {way} that of {host}"),
        seconds => format!("it is {} min {way} that of {host}", seconds / 60),
    };
    Some(if amount > SKEW_LIMIT {
        Finding::wrong(
            Check::Clock,
            format!("{text}: AWS refuses what is signed at such a time"),
        )
        .hint("set it, best by the network's time (`timedatectl set-ntp true` on Linux)")
    } else if amount > SKEW_NOTED {
        Finding::note(Check::Clock, text).hint("AWS bears 5 minutes; set it by the network's time")
    } else {
        Finding::ok(Check::Clock, text)
    })
}

/// Tokens that go to another machine without TLS.
fn in_the_clear(target: &Target) -> Option<Finding> {
    let rest = target.base.strip_prefix("http://")?;
    let name = host(rest);
    let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
    if ["localhost", "[::1]"].contains(&name) || name.starts_with("127.") {
        return None;
    }
    let text = format!("tokens would go to {} in the clear", target.base);
    Some(Finding::wrong(Check::Endpoints, text).hint("write `https://` in its `endpoint_url`"))
}

fn reached_or_not(target: &Target, host: &str, outcome: Outcome) -> Finding {
    let proxy = probe::proxy_of(&target.base);
    let mut by = proxy
        .as_ref()
        .map_or_else(String::new, |proxy| format!(", by the proxy {proxy}"));
    if let Some(bundle) = &target.ca_bundle {
        by.push_str(&format!(", with the authorities of {}", bundle.display()));
    }
    let service = target.service.as_str();
    match outcome {
        Ok(_) => Finding::ok(Check::Endpoints, format!("{host} answers{by} ({service})")),
        Err(trouble) => {
            let (what, hint) = explained(trouble, host, &proxy.unwrap_or_default(), &by);
            let text = format!("{what} ({service}, for `{}`)", target.user);
            Finding::wrong(Check::Endpoints, text).hint(hint)
        }
    }
}

/// What happened, and what to do. `by` says which way the question went.
fn explained(trouble: Trouble, host: &str, proxy: &str, by: &str) -> (String, &'static str) {
    match trouble {
        Trouble::Name => (
            format!("the name {host} leads nowhere"),
            "check the network, a VPN, and the region",
        ),
        Trouble::Refused => (
            format!("{host} refuses the connection"),
            "check the network and `endpoint_url`",
        ),
        Trouble::TimedOut => (
            format!("{host} does not answer{by}"),
            "check the network, a VPN, and whether a proxy is needed (HTTPS_PROXY)",
        ),
        Trouble::Untrusted(why) => (
            format!("the certificate of {host} is not trusted{by}: {why}"),
            "where a proxy looks into TLS, name its authority's PEM file in AWS_CA_BUNDLE or `ca_bundle`",
        ),
        Trouble::ProxyGone => (
            format!("the proxy {proxy} can't be reached, and {host} is behind it"),
            "check HTTPS_PROXY and HTTP_PROXY; NO_PROXY names hosts that need none",
        ),
        Trouble::ProxyWantsToKnow => (
            format!("the proxy {proxy} wants a name and a password"),
            "write them into HTTPS_PROXY: http://NAME:PASSWORD@HOST:PORT",
        ),
        Trouble::ProxyRefuses => (
            format!("the proxy {proxy} leads no one to {host}"),
            "ask who runs it, or name the host in NO_PROXY",
        ),
        Trouble::Page(status) => (
            format!("{host} answers with a web page (HTTP {status}), which AWS does not{by}"),
            "a captive portal or a proxy is in the way: open any page in a browser",
        ),
        Trouble::Other(why) => (
            format!("{host} can't be asked{by}: {why}"),
            "check the network, the proxy, and `endpoint_url`",
        ),
    }
}
