//! A token for an EKS cluster: a `GetCallerIdentity` to STS, signed and not sent. The cluster sends it,
//! and learns who has signed. Nothing here touches the network.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_types::endpoint::Endpoint;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::SourceError;
use super::sts::signing;
use crate::credentials::{Credentials, Secret};

/// As the AWS CLI has it; the cluster holds to its own rule, 15 minutes from the signature's time.
const URL_LIFE: Duration = Duration::from_mins(1);

/// When a client is told to ask for a new one: a minute before the cluster refuses it.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(14);

/// Where STS is.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// In which region.
    pub region: String,
    /// The address, where it is not AWS's own.
    pub endpoint: Option<String>,
    /// AWS's own with FIPS.
    pub fips: bool,
    /// AWS's own with IPv6.
    pub dual_stack: bool,
}

/// What a cluster lets one in with.
#[derive(Debug)]
pub struct Token {
    /// Its text.
    pub text: Secret<String>,
    /// When a new one is needed.
    pub expires_at: Timestamp,
}

/// Signs a token for a cluster.
///
/// # Errors
///
/// AWS has no STS in such a region, or the cluster's name can't be sent.
pub fn token(
    cluster: &str,
    place: &Place,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Token, SourceError> {
    let address = address(place)?;
    let url = format!(
        "{}/?Action=GetCallerIdentity&Version=2011-06-15",
        address.url.trim_end_matches('/')
    );
    let url = presigned(url, cluster, &address.region, credentials, now)
        .map_err(|error| SourceError::Setup(error.to_string()))?;
    let text = format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url.expose()));
    let end = now + TOKEN_LIFE;
    Ok(Token {
        text: Secret::new(text),
        expires_at: credentials.expires_at.map_or(end, |ends| ends.min(end)),
    })
}

/// An address of STS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) url: String,
    /// Whose a signature for it is: that of `aws-global` is `us-east-1`'s.
    region: String,
}

/// By the table of the SDK, which knows every partition. It answers without waiting for anything.
pub(super) fn address(place: &Place) -> Result<Address, SourceError> {
    let failed = |reason: String| SourceError::Setup(format!("STS in {}: {reason}", place.region));
    let params = Params::builder()
        .region(&place.region)
        .use_fips(place.fips && place.endpoint.is_none())
        .use_dual_stack(place.dual_stack && place.endpoint.is_none())
        .set_endpoint(place.endpoint.clone())
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let resolver = DefaultResolver::new();
    let resolving = pin!(resolver.resolve_endpoint(&params));
    match resolving.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(endpoint)) => Ok(Address {
            url: endpoint.url().to_owned(),
            region: signing_region(&endpoint)
                .unwrap_or(&place.region)
                .to_owned(),
        }),
        Poll::Ready(Err(error)) => Err(failed(error.to_string())),
        Poll::Pending => Err(failed("its address is not known".to_owned())),
    }
}

/// The region that the table has a request signed for, where it is another one than that of the address.
fn signing_region(endpoint: &Endpoint) -> Option<&str> {
    let mut schemes = endpoint.auth_schemes().iter();
    schemes.find_map(|scheme| scheme.get("signingRegion")?.as_string())
}

fn presigned(
    url: String,
    cluster: &str,
    region: &str,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Secret<String>, Box<dyn std::error::Error + Send + Sync>> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(URL_LIFE);
    let identity = signing(credentials).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::UNIX_EPOCH + Duration::try_from(now.as_duration())?)
        .settings(settings)
        .build()?
        .into();
    let headers = [("x-k8s-aws-id", cluster)].into_iter();
    let request = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))?;
    let (signed, _) = sign(request, &params)?.into_parts();
    let (_, params) = signed.into_parts();
    let mut query = form_urlencoded::Serializer::new(String::with_capacity(8 * 1024));
    query.extend_pairs(params);
    Ok(Secret::new(format!("{url}&{}", query.finish())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(region: &str) -> Place {
        Place {
            region: region.to_owned(),
            ..Place::default()
        }
    }

    #[test]
    fn sts_is_where_the_regions_partition_has_it() {
        for (region, expected) in [
            ("eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
            ("us-east-1", "https://sts.us-east-1.amazonaws.com"),
            ("cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"),
            ("eusc-de-east-1", "https://sts.eusc-de-east-1.amazonaws.eu"),
        ] {
            let address = address(&place(region)).unwrap();
            assert_eq!((&*address.url, &*address.region), (expected, region));
        }
        let global = address(&place("aws-global")).unwrap();
        assert_eq!(
            (&*global.url, &*global.region),
            ("https://sts.amazonaws.com", "us-east-1")
        );
        let mut fips = place("us-east-1");
        fips.fips = true;
        assert_eq!(
            address(&fips).unwrap().url,
            "https://sts-fips.us-east-1.amazonaws.com"
        );
        fips.endpoint = Some("http://127.0.0.1:1234".to_owned());
        assert_eq!(address(&fips).unwrap().url, "http://127.0.0.1:1234");
    }

    #[test]
    fn a_token_ends_with_its_credentials_if_they_end_first() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        for (credentials_end, token_end) in [
            (Some("2026-11-23T11:00:00Z"), "2026-11-23T10:14:00Z"),
            (Some("2026-11-23T10:07:00Z"), "2026-11-23T10:07:00Z"),
            (None, "2026-11-23T10:14:00Z"),
        ] {
            let credentials = Credentials {
                access_key_id: "ASIA".into(),
                secret_access_key: Secret::new("s".into()),
                session_token: None,
                expires_at: credentials_end.map(|end| end.parse().unwrap()),
            };
            let token = token("c", &place("eu-west-1"), &credentials, now).unwrap();
            assert_eq!(token.expires_at.to_string(), token_end);
        }
    }
}
