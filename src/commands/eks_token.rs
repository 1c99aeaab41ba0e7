//! `vault eks-token`: what kubectl asks for to enter an EKS cluster.

use serde::{Deserialize, Serialize};

use super::context::{Context, Request};
use crate::broker::Reader;
use crate::deliver::environment::rfc3339;
use crate::env;
use crate::error::{Error, Kind};
use crate::source::eks;

/// Print a token for kubectl to enter an EKS cluster with
///
/// The same as `aws eks get-token`, from cached credentials. kubectl asks for it where the kubeconfig
/// names vault under `users:`, `exec:`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    vault eks-token --cluster blue prod\n  \
    vault eks-token --cluster blue --region eu-west-1 prod")]
pub struct Args {
    /// The profile [default: AWS_PROFILE, else a list to pick from]
    profile: Option<String>,
    /// The cluster's name
    #[arg(long, value_name = "NAME", value_parser = cluster)]
    cluster: String,
    #[command(flatten)]
    request: Request,
}

/// <https://kubernetes.io/docs/reference/config-api/client-authentication.v1beta1/>
#[derive(Serialize)]
struct ExecCredential<'a> {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    spec: Spec,
    status: Status<'a>,
}

#[derive(Serialize)]
struct Spec {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    expiration_timestamp: String,
    token: &'a str,
}

/// What kubectl says about itself in `KUBERNETES_EXEC_INFO`.
#[derive(Deserialize)]
struct ExecInfo {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
}

impl Args {
    pub(super) fn run(self, context: &Context) -> Result<(), Error> {
        let name = context.profile_name(self.profile)?;
        // A token outlives the moment, and not its credentials.
        let obtained = self.request.obtain(context, &name, Reader::Client)?;
        let Some(region) = &obtained.region else {
            let error = Error::new(
                Kind::Failed,
                format!("no region is known for profile `{name}`"),
            );
            return Err(
                error.hint("give the cluster's with `--region`, or as `region` in the profile")
            );
        };
        let place = obtained.sts(region)?;
        let token = eks::token(&self.cluster, &place, &obtained.credentials, Context::now())?;
        context.print_json(&ExecCredential {
            kind: "ExecCredential",
            api_version: api_version(context)?,
            spec: Spec {},
            status: Status {
                expiration_timestamp: rfc3339(token.expires_at),
                token: token.text.expose(),
            },
        })
    }
}

/// As EKS takes names (and the ids of clusters on Outposts): others would not even be a header.
fn cluster(text: &str) -> Result<String, String> {
    let right = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let right = (1..=100).contains(&text.len()) && text.chars().all(right);
    right
        .then(|| text.to_owned())
        .ok_or_else(|| "a cluster's name has letters, digits, `-` and `_`, 100 at most".to_owned())
}

/// The version that the client speaks; where it does not say, or says another, the AWS CLI's choice.
fn api_version(context: &Context) -> Result<&'static str, Error> {
    const KNOWN: [&str; 3] = [
        "client.authentication.k8s.io/v1beta1",
        "client.authentication.k8s.io/v1",
        "client.authentication.k8s.io/v1alpha1",
    ];
    let Some(info) = env::var(env::KUBERNETES_EXEC_INFO)? else {
        return Ok(KNOWN[0]);
    };
    let asked = serde_json::from_str(&info).ok();
    let asked = asked.and_then(|info: ExecInfo| info.api_version);
    let known = KNOWN
        .into_iter()
        .find(|known| Some(*known) == asked.as_deref());
    Ok(known.unwrap_or_else(|| {
        context.ui.warn(&format!(
            "{} asks for no version that is known: answering with {}",
            env::KUBERNETES_EXEC_INFO,
            KNOWN[0]
        ));
        KNOWN[0]
    }))
}
