//! Where a person signs in: the forms that a start URL has, and what it tells. Pure.

/// A start URL that has the form of one.
#[derive(Debug, PartialEq, Eq)]
pub struct StartUrl {
    /// As it goes into the configuration: without a trailing `/` or `#`.
    pub url: String,
    /// The Identity Center's region, where the URL names it.
    pub region: Option<String>,
    /// What the organisation calls itself, where the URL says it.
    pub name: Option<String>,
}

/// What a start URL looks like, for whoever has to find theirs.
pub const EXAMPLE: &str = "https://NAME.awsapps.com/start";

/// The regions that there are (<https://docs.aws.amazon.com/global-infrastructure/latest/regions/>).
pub const REGIONS: [&str; 39] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "eusc-de-east-1",
];

/// What is wrong with a region's name, if anything. AWS opens new ones: what has the form of one, and is
/// not one slip away from one that is known, is taken for one.
pub fn region_flaw(name: &str) -> Option<String> {
    let meant = known_region(name).err()?;
    let meant = meant.map(|meant| format!(": did you mean `{meant}`?"));
    Some(format!(
        "there is no such region{}",
        meant.unwrap_or_default()
    ))
}

/// The same, with the region that is most like it, where one is.
///
/// # Errors
///
/// AWS has no region of that name.
pub fn known_region(name: &str) -> Result<(), Option<String>> {
    if REGIONS.contains(&name) || has_region_form(name) && slip(name).is_none() {
        return Ok(());
    }
    let closest = || {
        let names = crate::config::closest(name, REGIONS.into_iter());
        names.into_iter().next()
    };
    Err(slip(name).map(str::to_owned).or_else(closest))
}

/// `eu-central-1`: words of small letters, and a number.
fn has_region_form(name: &str) -> bool {
    let mut words = name.rsplit('-');
    let number = words.next().unwrap_or_default();
    let words: Vec<_> = words.collect();
    let small = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    number.len() < 3
        && number.parse::<u8>().is_ok()
        && (2..=4).contains(&words.len())
        && words.iter().all(small)
}

/// The region that differs from `name` in one letter, or in two that have changed places: another number
/// at the end is another region.
fn slip(name: &str) -> Option<&'static str> {
    let stem = |name: &'_ str| name.rsplit_once('-').map(|(stem, _)| stem.to_owned());
    let known = REGIONS.into_iter().any(|region| stem(region) == stem(name));
    let close = |region: &&str| strsim::osa_distance(region, name) == 1;
    REGIONS.into_iter().find(close).filter(|_| !known)
}

impl StartUrl {
    /// Understands what a person typed or pasted: with or without `https://`, `/start`, and what a
    /// browser puts behind it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a fragment.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // An organisation's name for itself, or its directory's, is enough.
        let whole = format!("{text}.awsapps.com");
        let text = if is_label(text) { &whole } else { text };
        let (scheme, rest) = text.split_once("://").unwrap_or(("https", text));
        if !scheme.eq_ignore_ascii_case("https") {
            return Err("it does not begin with `https://`");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) || !text.is_ascii() {
            return Err("it holds a character that no address has");
        }
        let rest = rest.split(['#', '?']).next().unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, path) = (host.to_ascii_lowercase(), path.trim_end_matches('/'));
        let labels: Vec<&str> = host.split('.').collect();
        if labels.iter().any(|label| !is_label(label)) {
            return Err("its host is not one");
        }
        let (path, region, name) =
            form(&labels, path).ok_or("it is not the address of an AWS access portal")?;
        let slash = if path.is_empty() { "" } else { "/" };
        Ok(Self {
            url: format!("https://{host}{slash}{path}"),
            region,
            name: name.filter(|name| !is_generated(name)),
        })
    }
}

type Form = (String, Option<String>, Option<String>);

/// The path, the region and the name that an address has, if it has the form of a portal's. They are
/// those that AWS's own tools know (`SSOEndpointResolver` of its SDK for .NET).
fn form(labels: &[&str], path: &str) -> Option<Form> {
    let directory = || path.strip_prefix("directory/").filter(|d| is_label(d));
    let region = |place: &str| has_region_form(place).then(|| place.to_owned());
    match labels {
        // The address of a directory, or the organisation's own name for it.
        [name, "awsapps", "com"] if path.is_empty() || path == "start" => {
            Some(("start".into(), None, Some((*name).to_owned())))
        }
        // GovCloud and China, where the name is in the path.
        ["start", "us-gov-home", "awsapps", "com"] | ["start", "home", "awsapps", "cn"] => {
            Some((path.into(), None, Some(directory()?.to_owned())))
        }
        ["start", place, "us-gov-home", "awsapps", "com"]
        | ["start", place, "home", "awsapps", "cn"] => {
            Some((path.into(), region(place), Some(directory()?.to_owned())))
        }
        // An instance's own addresses,
        [instance, "portal", place, "app", "aws"]
        | [
            instance,
            "portal",
            place,
            "app",
            "amazonwebservices",
            "com",
            "cn",
        ]
        | [instance, "portal", place, "api", "amazonwebservices", "eu"]
        | [instance, place, "portal", "amazonaws", "com" | "eu"]
        | [instance, place, "portal", "amazonaws", "com", "cn"]
            if is_instance(instance) && path.is_empty() =>
        {
            Some((String::new(), Some(region(place)?), None))
        }
        // and the URL that it issues tokens as.
        ["identitycenter", .., "amazonaws", "com"]
        | ["identitycenter", "amazonaws", "eu"]
        | ["identitycenter", "amazonaws", "com", "cn"]
            if is_instance(path) =>
        {
            Some((path.into(), None, None))
        }
        _ => None,
    }
}

fn is_label(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !text.is_empty() && text.chars().all(letter) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_instance(text: &str) -> bool {
    text.starts_with("ssoins-") && is_label(text)
}

/// `d-906705a1b2`: an identifier, and nobody's name for anything.
fn is_generated(name: &str) -> bool {
    name.strip_prefix("d-")
        .is_some_and(|rest| rest.len() == 10 && rest.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_start_url_are_understood() {
        const INSTANCE: &str = "https://ssoins-722312abcd123456.portal.eu-west-1.app.aws";
        const ISSUER: &str = "https://identitycenter.amazonaws.com/ssoins-722312abcd123456";
        const GOV: &str = "https://start.us-gov-east-1.us-gov-home.awsapps.com/directory/acme";
        const CHINA: &str = "https://start.home.awsapps.cn/directory/acme";
        const IPV4: &str = "https://ssoins-722312abcd123456.eu-west-1.portal.amazonaws.com";
        const EUSC: &str =
            "https://ssoins-722312abcd123456.portal.eusc-de-east-1.api.amazonwebservices.eu";
        const DIRECTORY: &str = "https://d-906705a1b2.awsapps.com/start";
        const CORP: &str = "https://corp.awsapps.com/start";
        let corp = Some("corp");
        let table = [
            (CORP, CORP, None, corp),
            ("corp.awsapps.com", CORP, None, corp),
            ("corp", CORP, None, corp),
            ("d-906705a1b2", DIRECTORY, None, None),
            ("HTTPS://Corp.awsapps.com/start/#/", CORP, None, corp),
            (
                "https://corp.awsapps.com/start#/?tab=accounts",
                CORP,
                None,
                corp,
            ),
            (
                "https://d-906705a1b2.awsapps.com/start/",
                DIRECTORY,
                None,
                None,
            ),
            (INSTANCE, INSTANCE, Some("eu-west-1"), None),
            (IPV4, IPV4, Some("eu-west-1"), None),
            (EUSC, EUSC, Some("eusc-de-east-1"), None),
            (ISSUER, ISSUER, None, None),
            (GOV, GOV, Some("us-gov-east-1"), Some("acme")),
            (CHINA, CHINA, None, Some("acme")),
        ];
        for (text, url, region, name) in table {
            let expected = StartUrl {
                url: url.into(),
                region: region.map(str::to_owned),
                name: name.map(str::to_owned),
            };
            assert_eq!(StartUrl::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_region_is_a_known_one_or_a_new_one_and_no_slip() {
        for name in [
            "eu-central-1",
            "us-west-3",
            "nz-north-1",
            "us-gov-south-1",
            "eusc-fr-west-1",
        ] {
            assert_eq!(region_flaw(name), None, "{name}");
        }
        let table = [
            (
                "eu-centrl-1",
                "there is no such region: did you mean `eu-central-1`?",
            ),
            (
                "eu-wset-1",
                "there is no such region: did you mean `eu-west-1`?",
            ),
            (
                "EU-WEST-1",
                "there is no such region: did you mean `eu-west-1`?",
            ),
            (
                "eu-west",
                "there is no such region: did you mean `eu-west-1`?",
            ),
            ("xyz", "there is no such region"),
            ("", "there is no such region"),
        ];
        for (name, flaw) in table {
            assert_eq!(region_flaw(name).as_deref(), Some(flaw), "{name}");
        }
    }

    #[test]
    fn what_is_no_start_url_is_refused() {
        let portal = "it is not the address of an AWS access portal";
        let table = [
            (
                "http://corp.awsapps.com/start",
                "it does not begin with `https://`",
            ),
            (
                "ftp://corp.awsapps.com/start",
                "it does not begin with `https://`",
            ),
            ("corp awsapps", "it holds a character that no address has"),
            (
                "https://corp.awsapps.com/start\u{202e}",
                "it holds a character that no address has",
            ),
            ("", "its host is not one"),
            ("https://", "its host is not one"),
            ("https://user@corp.awsapps.com/start", "its host is not one"),
            ("https://-x.awsapps.com/start", "its host is not one"),
            ("corp/start", portal),
            ("https://corp", portal),
            ("https://corp.awsapps.com/other", portal),
            ("https://console.aws.amazon.com/", portal),
            ("https://awsapps.com.evil.example/start", portal),
            ("https://x.portal.eu-west-1.app.aws", portal),
            ("https://identitycenter.amazonaws.com/", portal),
        ];
        for (text, expected) in table {
            assert_eq!(StartUrl::parse(text), Err(expected), "{text}");
        }
    }
}
