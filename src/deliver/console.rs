//! Where the console is: the hosts of each partition, the pages of services, and the address that signs
//! one in. Pure.
//!
//! What a person gives becomes a part of an address that a browser opens signed in: it never decides the
//! host.

use crate::credentials::Secret;

mod services;
#[cfg(test)]
mod tests;

pub use services::{SERVICES, Service, service};

/// A part of AWS with accounts and a console of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// Where most accounts are.
    Aws,
    /// China.
    China,
    /// GovCloud (US).
    GovCloud,
    /// The European Sovereign Cloud.
    Sovereign,
}

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// It would be a part of a host's name.
    #[error("`{0}` is no region")]
    NoRegion(String),
    /// Nobody knows where its console is.
    #[error("vault does not know where the console of `{0}` is")]
    Unknown(String),
    /// The account is not where the region is.
    #[error("region `{region}` is in {}, and the credentials are for {}", .there.name(), .here.name())]
    Elsewhere {
        /// What was named.
        region: String,
        /// Where it is.
        there: Partition,
        /// Where the account is.
        here: Partition,
    },
    /// It leads to another host.
    #[error("`{0}` is not in the console at {1}")]
    LeadsAway(String, &'static str),
    /// It is no path.
    #[error("a path has no white space, backslash or control character in it")]
    NoPath,
}

impl Partition {
    /// AWS's own name for it, as it stands in ARNs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::Sovereign => "aws-eusc",
        }
    }

    /// Where a region is.
    ///
    /// # Errors
    ///
    /// It can't be one, or is in a partition whose console is not known.
    pub fn of_region(region: &str) -> Result<Self, ConsoleError> {
        let right = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let label = !region.starts_with('-') && !region.ends_with('-') && region.contains('-');
        if region.len() > 32 || !label || !region.chars().all(right) {
            return Err(ConsoleError::NoRegion(region.to_owned()));
        }
        let mut words = region.split('-');
        match (words.next(), words.next()) {
            (Some("cn"), _) => Ok(Self::China),
            (Some("us"), Some("gov")) => Ok(Self::GovCloud),
            (Some("eusc"), _) => Ok(Self::Sovereign),
            // The isolated partitions: `us-iso-…`, `us-isob-…`, `eu-isoe-…`.
            (_, Some(word)) if word.starts_with("iso") => {
                Err(ConsoleError::Unknown(region.to_owned()))
            }
            _ => Ok(Self::Aws),
        }
    }

    /// Where the owner of an ARN is.
    ///
    /// # Errors
    ///
    /// It is in a partition whose console is not known.
    pub fn of_arn(arn: &str) -> Result<Self, ConsoleError> {
        let name = arn.split(':').nth(1).unwrap_or_default();
        let all = [Self::Aws, Self::China, Self::GovCloud, Self::Sovereign];
        let found = all.into_iter().find(|partition| partition.name() == name);
        found.ok_or_else(|| ConsoleError::Unknown(name.to_owned()))
    }

    /// What every host of its console ends in.
    const fn console(self) -> &'static str {
        match self {
            Self::Aws => "console.aws.amazon.com",
            Self::China => "console.amazonaws.cn",
            Self::GovCloud => "console.amazonaws-us-gov.com",
            Self::Sovereign => "console.amazonaws-eusc.eu",
        }
    }
}

/// A console: in which partition, and in which region, where one is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    partition: Partition,
    region: Option<String>,
}

/// Which page is opened.
#[derive(Clone, Copy, Debug)]
pub enum Page<'a> {
    /// The first one.
    Home,
    /// A service's.
    Service(&'a Service),
    /// The one at this path, or at this whole address.
    Path(&'a str),
}

impl Place {
    /// Of an account in `partition`, where that is known, with a region, where one is.
    ///
    /// # Errors
    ///
    /// The two don't go together, or neither leads to a console.
    pub fn new(partition: Option<Partition>, region: Option<String>) -> Result<Self, ConsoleError> {
        let there = region.as_deref().map(Partition::of_region).transpose()?;
        match (partition, there, region) {
            (Some(here), Some(there), Some(region)) if here != there => {
                Err(ConsoleError::Elsewhere {
                    region,
                    there,
                    here,
                })
            }
            (here, there, region) => Ok(Self {
                partition: here.or(there).unwrap_or(Partition::Aws),
                region,
            }),
        }
    }

    /// Where one signs in, without a path. The region's own, where the partition has one for each: it is
    /// there when another region is not
    /// (<https://docs.aws.amazon.com/general/latest/gr/signin-service.html>).
    pub fn signin(&self) -> String {
        let host = match (self.partition, self.region.as_deref()) {
            (Partition::Aws, None | Some("us-east-1")) => "signin.aws.amazon.com".to_owned(),
            (Partition::Aws, Some(region)) => format!("{region}.signin.aws.amazon.com"),
            (Partition::China, _) => "signin.amazonaws.cn".to_owned(),
            (Partition::GovCloud, Some(region @ "us-gov-east-1")) => {
                format!("{region}.signin.amazonaws-us-gov.com")
            }
            (Partition::GovCloud, _) => "signin.amazonaws-us-gov.com".to_owned(),
            (Partition::Sovereign, region) => {
                let region = region.unwrap_or("eusc-de-east-1");
                format!("{region}.signin.amazonaws-eusc.eu")
            }
        };
        format!("https://{host}")
    }

    /// The address of a page.
    ///
    /// # Errors
    ///
    /// The path leads elsewhere.
    pub fn destination(&self, page: Page<'_>) -> Result<String, ConsoleError> {
        let host = match (self.partition, self.region.as_deref()) {
            (Partition::Aws, Some(region)) => format!("{region}.{}", self.partition.console()),
            _ => self.partition.console().to_owned(),
        };
        let (path, regional) = match page {
            Page::Home => ("console/home", true),
            Page::Service(service) => (service.path, !service.global),
            Page::Path(path) if is_address(path) => {
                return self.own(path).map(str::to_owned);
            }
            Page::Path(path) => (plain(path)?.trim_start_matches('/'), true),
        };
        // What is global is not at a region's host.
        let host = if regional {
            &host
        } else {
            self.partition.console()
        };
        let (path, fragment) = path
            .split_once('#')
            .map_or((path, None), |(p, f)| (p, Some(f)));
        let mut address = format!("https://{host}/{path}");
        let query = path.split_once('?').map(|(_, query)| query);
        let says = query.is_some_and(|query| {
            form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == "region")
        });
        if let Some(region) = self.region.as_deref().filter(|_| regional && !says) {
            let sign = match query {
                None => "?",
                Some("") => "",
                Some(_) => "&",
            };
            address.push_str(&format!("{sign}region={region}"));
        }
        if let Some(fragment) = fragment {
            address.push_str(&format!("#{fragment}"));
        }
        Ok(address)
    }

    /// A whole address, if it is one of this console.
    fn own<'a>(&self, address: &'a str) -> Result<&'a str, ConsoleError> {
        let console = self.partition.console();
        let away = || ConsoleError::LeadsAway(address.to_owned(), console);
        let rest = plain(address)?.strip_prefix("https://").ok_or_else(away)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let below = host.strip_suffix(console).ok_or_else(away)?;
        let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let right = below.is_empty() || (below.ends_with('.') && below.chars().all(name));
        right.then_some(address).ok_or_else(away)
    }
}

/// Whether something names a host, or might.
fn is_address(path: &str) -> bool {
    let before = path.split(['/', '?', '#']).next().unwrap_or_default();
    before.contains(':') || path.starts_with("//")
}

fn plain(path: &str) -> Result<&str, ConsoleError> {
    let wrong = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if path.contains(wrong) {
        return Err(ConsoleError::NoPath);
    }
    Ok(path)
}

/// The address that signs a browser in and sends it on. `signin` is where, without a path; `issuer` where a
/// person goes when the session has ended.
pub fn address(
    signin: &str,
    issuer: &str,
    destination: &str,
    token: &Secret<String>,
) -> Secret<String> {
    // Room for all of it, so that growing leaves no copies of the token behind.
    let room = 3 * (issuer.len() + destination.len() + token.expose().len()) + signin.len() + 128;
    let mut url = String::with_capacity(room);
    url.push_str(signin);
    url.push_str("/federation?");
    let begins = url.len();
    let mut query = form_urlencoded::Serializer::for_suffix(url, begins);
    query
        .append_pair("Action", "login")
        .append_pair("Issuer", issuer)
        .append_pair("Destination", destination)
        .append_pair("SigninToken", token.expose());
    Secret::new(query.finish())
}
