//! `vault eks-token`: the same as `aws eks get-token`, by the real AWS CLI, and a signature that STS
//! accepts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::support::home::Home;
use crate::support::run::Run;
use crate::support::tools;

fn eks_token<'h>(home: &'h Home, arguments: &[&str]) -> Run<'h> {
    let run = home.vault(&["eks-token"]).args(arguments);
    run.shows_secrets()
}

fn parsed(run: Run<'_>) -> Value {
    let printed = run.shows_secrets().output().success();
    serde_json::from_str(&printed.stdout).expect("one JSON document")
}

/// The URL in a token.
fn url(document: &Value) -> String {
    let token = document["status"]["token"].as_str().expect("a token");
    let encoded = token.strip_prefix("k8s-aws-v1.").expect("EKS's mark");
    let decoded = URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
    String::from_utf8(decoded).expect("a URL")
}

/// A URL up to its query, and the query.
fn parts(url: &str) -> (String, BTreeMap<String, String>) {
    let (place, query) = url.split_once('?').expect("a query");
    let query = form_urlencoded::parse(query.as_bytes()).into_owned();
    (place.to_owned(), query.collect())
}

/// The AWS CLI, with the credentials that vault hands out.
fn by_the_cli<'h>(home: &'h Home, profile: &str, arguments: &[&str]) -> Run<'h> {
    let cli = tools::aws_cli().to_string_lossy().into_owned();
    let get_token = ["eks", "get-token", "--output", "json", "--cluster-name"];
    let run = home.exec(profile, &[&[&*cli], &get_token[..], arguments].concat());
    run.shows_secrets()
}

#[test]
fn it_is_what_the_aws_cli_prints_for_the_same_credentials() {
    let home = Home::signed_in();
    for without in [None, Some("AWS_ENDPOINT_URL_STS")] {
        let run = |run: Run<'_>| match without {
            Some(name) => parsed(run.without_env(name)),
            None => parsed(run),
        };
        let mut ours = run(eks_token(&home, &["--cluster", "blue", "dev"]));
        let mut theirs = run(by_the_cli(&home, "dev", &["blue"]));
        let ((our_place, mut our_query), (their_place, mut their_query)) =
            (parts(&url(&ours)), parts(&url(&theirs)));
        assert_eq!(our_place, their_place);
        for changing in ["X-Amz-Date", "X-Amz-Signature"] {
            let (ours, theirs) = (our_query.remove(changing), their_query.remove(changing));
            assert_eq!(ours.map(|v| v.len()), theirs.map(|v| v.len()), "{changing}");
        }
        assert_eq!(our_query, their_query);
        assert_eq!(our_query["X-Amz-Expires"], "60");
        let end = |document: &Value| -> jiff::Timestamp {
            let end = document["status"]["expirationTimestamp"].as_str();
            end.expect("an end").parse().expect("RFC 3339")
        };
        let apart = end(&theirs).duration_since(end(&ours)).as_secs();
        assert!((0..60).contains(&apart), "{apart}");
        for document in [&mut ours, &mut theirs] {
            document["status"] = Value::Null;
        }
        assert_eq!(ours, theirs);
    }
}

/// As the cluster does it.
fn sent(home: &Home, url: &str, cluster: &str) -> String {
    let header = format!("x-k8s-aws-id: {cluster}");
    let run = home.program(tools::need("curl", "curl"));
    let run = run.args(&["-s", "-H", &header, url]).shows_secrets();
    run.output().success().stdout
}

#[test]
fn sts_tells_the_cluster_who_has_signed() {
    let home = Home::signed_in();
    home.add_config(
        "[profile deploy]\nrole_arn = arn:aws:iam::333333333333:role/Deployer\n\
         source_profile = dev\nrole_session_name = me\nregion = eu-central-1\n",
    );
    for (profile, account) in [("dev", "111111111111"), ("deploy", "333333333333")] {
        let url = url(&parsed(eks_token(
            &home,
            &["--cluster", "blue_1-x", profile],
        )));
        let who = sent(&home, &url, "blue_1-x");
        assert!(
            who.contains(&format!("<Account>{account}</Account>")),
            "{who}"
        );
        let other = sent(&home, &url, "green");
        assert!(other.contains("SignatureDoesNotMatch"), "{other}");
    }
    // Printing one asks AWS nothing but for the credentials, once.
    assert_eq!(home.aws.count("GetRoleCredentials"), 1);
    assert_eq!(home.aws.count("AssumeRole"), 1);
}

#[test]
fn the_region_and_the_kind_of_endpoint_are_the_profiles() {
    let home = Home::signed_in();
    home.add_config(
        "[profile fips]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Developer\nregion = us-east-1\nuse_fips_endpoint = true\n",
    );
    let place = |arguments: &[&str]| {
        let run = eks_token(&home, arguments).without_env("AWS_ENDPOINT_URL_STS");
        parts(&url(&parsed(run)))
    };
    let (fips, query) = place(&["--cluster", "c", "fips"]);
    assert_eq!(fips, "https://sts-fips.us-east-1.amazonaws.com/");
    assert!(query["X-Amz-Credential"].ends_with("/us-east-1/sts/aws4_request"));
    let (china, query) = place(&["--cluster", "c", "dev", "--region", "cn-north-1"]);
    assert_eq!(china, "https://sts.cn-north-1.amazonaws.com.cn/");
    assert!(query["X-Amz-Credential"].ends_with("/cn-north-1/sts/aws4_request"));
}

#[test]
fn the_answer_is_in_the_version_that_the_client_speaks() {
    let home = Home::signed_in();
    let api = "client.authentication.k8s.io";
    for (info, version, warned) in [
        (
            format!("{{\"apiVersion\":\"{api}/v1\",\"spec\":{{\"interactive\":false}}}}"),
            "v1",
            false,
        ),
        (
            format!("{{\"apiVersion\":\"{api}/v1beta1\"}}"),
            "v1beta1",
            false,
        ),
        (
            format!("{{\"apiVersion\":\"{api}/v1alpha1\"}}"),
            "v1alpha1",
            false,
        ),
        (format!("{{\"apiVersion\":\"{api}/v9\"}}"), "v1beta1", true),
        ("{}".to_owned(), "v1beta1", true),
        ("no JSON".to_owned(), "v1beta1", true),
        (String::new(), "v1beta1", false),
    ] {
        let run = eks_token(&home, &["--cluster", "blue", "dev"]);
        let printed = run.env("KUBERNETES_EXEC_INFO", &info).output().success();
        let document: Value = serde_json::from_str(&printed.stdout).unwrap();
        assert_eq!(document["apiVersion"], format!("{api}/{version}"), "{info}");
        let warning = "warning: KUBERNETES_EXEC_INFO asks for no version that is known";
        assert_eq!(
            printed.stderr.contains(warning),
            warned,
            "{info}: {}",
            printed.stderr
        );
    }
}

#[test]
fn what_stands_in_the_way_is_said() {
    let home = Home::consenting();
    home.add_config(
        "[profile nowhere]\nsso_session = corp\nsso_account_id = 111111111111\n\
         sso_role_name = Developer\n",
    );
    let token = |arguments: &[&str]| home.vault(&["eks-token"]).args(arguments).output();
    token(&["dev"]).expect_code(2).says(&["--cluster <NAME>"]);
    for name in ["", "a b", "a\nb", "é"] {
        let wrong = token(&["dev", "--cluster", name]).expect_code(2);
        wrong.says(&["a cluster's name has letters, digits, `-` and `_`, 100 at most"]);
    }
    let not_in = token(&["dev", "--cluster", "blue"]).expect_code(4);
    not_in.says(&[
        "error: no credentials for profile `dev`",
        "hint: run `vault login corp`",
    ]);
    home.sign_in();
    let nowhere = token(&["nowhere", "--cluster", "blue"]).expect_code(1);
    let nowhere = nowhere.says(&[
        "error: no region is known for profile `nowhere`",
        "hint: give the cluster's with `--region`, or as `region` in the profile",
    ]);
    assert_eq!(nowhere.stdout, "");
    let run = home.vault(&["eks-token", "dev", "--cluster", "c", "--region", "no where"]);
    let odd = run
        .without_env("AWS_ENDPOINT_URL_STS")
        .output()
        .expect_code(1);
    odd.says(&["error: cannot set up the connection: STS in no where: "]);
}

/// kubectl runs it with pipes for streams; the person is at the terminal.
#[test]
fn a_person_at_the_terminal_may_sign_in_on_the_way() {
    let home = Home::consenting();
    home.exempt("out");
    let script = "\"$vault\" eks-token --cluster blue dev </dev/null >out 2>err; echo \"<$?>\"";
    let run = home.program("/bin/sh").args(&["-c", script]).with_browser();
    let mut terminal = run.env("vault", env!("CARGO_BIN_EXE_vault")).on_terminal();
    terminal.expect("<0>");
    terminal.wait();
    assert!(home.read("out").contains("k8s-aws-v1."));
}
