//! The hosts of every partition, and that no path leads away from them.

use super::*;

fn place(region: &str) -> Place {
    let region = (!region.is_empty()).then(|| region.to_owned());
    Place::new(None, region).unwrap()
}

#[test]
fn every_partition_has_its_own_hosts() {
    let table = [
        (
            "",
            "signin.aws.amazon.com",
            "console.aws.amazon.com/console/home",
        ),
        (
            "us-east-1",
            "signin.aws.amazon.com",
            "us-east-1.console.aws.amazon.com/console/home?region=us-east-1",
        ),
        (
            "eu-west-1",
            "eu-west-1.signin.aws.amazon.com",
            "eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1",
        ),
        (
            "cn-north-1",
            "signin.amazonaws.cn",
            "console.amazonaws.cn/console/home?region=cn-north-1",
        ),
        (
            "cn-northwest-1",
            "signin.amazonaws.cn",
            "console.amazonaws.cn/console/home?region=cn-northwest-1",
        ),
        (
            "us-gov-west-1",
            "signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com/console/home?region=us-gov-west-1",
        ),
        (
            "us-gov-east-1",
            "us-gov-east-1.signin.amazonaws-us-gov.com",
            "console.amazonaws-us-gov.com/console/home?region=us-gov-east-1",
        ),
        (
            "eusc-de-east-1",
            "eusc-de-east-1.signin.amazonaws-eusc.eu",
            "console.amazonaws-eusc.eu/console/home?region=eusc-de-east-1",
        ),
    ];
    for (region, signin, console) in table {
        let place = place(region);
        assert_eq!(place.signin(), format!("https://{signin}"), "{region}");
        let home = place.destination(Page::Home).unwrap();
        assert_eq!(home, format!("https://{console}"), "{region}");
    }
}

#[test]
fn a_partition_is_where_the_role_says_and_the_region_must_be_there_too() {
    let of = |partition, region: Option<&str>| Place::new(partition, region.map(str::to_owned));
    let gov = Partition::of_arn("arn:aws-us-gov:iam::333333333333:role/R").unwrap();
    assert_eq!(
        of(Some(gov), None).unwrap().signin(),
        "https://signin.amazonaws-us-gov.com"
    );
    assert!(of(Some(gov), Some("us-gov-east-1")).is_ok());
    let error = of(Some(gov), Some("eu-west-1")).unwrap_err().to_string();
    assert_eq!(
        error,
        "region `eu-west-1` is in aws, and the credentials are for aws-us-gov"
    );
    for arn in ["arn:aws-iso:iam::333333333333:role/R", "nonsense", ""] {
        assert!(Partition::of_arn(arn).is_err(), "{arn}");
    }
}

#[test]
fn what_is_no_region_never_becomes_a_part_of_a_hosts_name() {
    for region in [
        "evil.com/",
        "x@evil.com#",
        "eu west",
        "EU-WEST-1",
        "-eu-west-1",
        "euwest1",
        "us-iso-east-1",
        "eu-isoe-west-1",
        "ü-west-1",
    ] {
        assert!(
            Place::new(None, Some(region.to_owned())).is_err(),
            "{region}"
        );
    }
}

#[test]
fn a_path_stays_in_the_console() {
    let place = place("eu-west-1");
    let regional = "https://eu-west-1.console.aws.amazon.com";
    let table = [
        (
            "s3/buckets/x",
            format!("{regional}/s3/buckets/x?region=eu-west-1"),
        ),
        (
            "/s3/buckets?region=us-east-1",
            format!("{regional}/s3/buckets?region=us-east-1"),
        ),
        (
            "s3/buckets/logs?tab=objects#top",
            format!("{regional}/s3/buckets/logs?tab=objects&region=eu-west-1#top"),
        ),
        ("ec2/home?", format!("{regional}/ec2/home?region=eu-west-1")),
        (
            "cloudwatch/home#logsV2:log-groups",
            format!("{regional}/cloudwatch/home?region=eu-west-1#logsV2:log-groups"),
        ),
        (
            "@evil.com/x",
            format!("{regional}/@evil.com/x?region=eu-west-1"),
        ),
        (
            ".evil.com",
            format!("{regional}/.evil.com?region=eu-west-1"),
        ),
        (
            "https://s3.console.aws.amazon.com/s3/home?x=y#z",
            "https://s3.console.aws.amazon.com/s3/home?x=y#z".to_owned(),
        ),
        (
            "https://console.aws.amazon.com",
            "https://console.aws.amazon.com".to_owned(),
        ),
    ];
    for (path, expected) in table {
        assert_eq!(place.destination(Page::Path(path)).unwrap(), expected);
    }
    for path in [
        "//evil.com/x",
        "https://evil.com/",
        "https://evilconsole.aws.amazon.com/",
        "https://console.aws.amazon.com.evil.com/",
        "https://console.aws.amazon.com@evil.com/",
        "https://evil.com:x@a.console.aws.amazon.com/",
        "https://evil.com\\.console.aws.amazon.com/",
        "https:evil.com",
        "http://console.aws.amazon.com/",
        "javascript:alert(1)",
        "https://console.amazonaws.cn/",
        "a b",
        "a\nb",
        "a\\b",
    ] {
        assert!(place.destination(Page::Path(path)).is_err(), "{path}");
    }
}

#[test]
fn the_address_says_who_where_to_and_with_what_each_encoded() {
    let token = Secret::new("a+b/c=".to_owned());
    let address = address(
        "https://signin.aws.amazon.com",
        "https://corp.awsapps.com/start",
        "https://console.aws.amazon.com/x?region=eu-west-1#y",
        &token,
    );
    assert_eq!(
        address.expose(),
        "https://signin.aws.amazon.com/federation?Action=login\
         &Issuer=https%3A%2F%2Fcorp.awsapps.com%2Fstart\
         &Destination=https%3A%2F%2Fconsole.aws.amazon.com%2Fx%3Fregion%3Deu-west-1%23y\
         &SigninToken=a%2Bb%2Fc%3D"
    );
}
