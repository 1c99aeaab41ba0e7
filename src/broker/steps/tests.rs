//! What a role's credentials are kept under: all that changes them, and no two alike.

use super::*;

fn role() -> AssumeRole {
    AssumeRole {
        profile: "p".into(),
        role_arn: "arn".into(),
        session_name: None,
        external_id: None,
        duration: None,
        mfa_serial: None,
        mfa_process: None,
        source_identity: None,
        tags: Vec::new(),
        transitive_tags: Vec::new(),
        region: None,
    }
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    of.iter().map(owned).collect()
}

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

#[test]
fn no_two_ways_to_assume_a_role_are_kept_under_one_key() {
    let with = |tags: &[(&str, &str)], transitive: &[&str]| AssumeRole {
        tags: pairs(tags),
        transitive_tags: words(transitive),
        ..role()
    };
    let x = || Some("x".to_owned());
    let mut ways = vec![role(); 5];
    ways[1].external_id = x();
    ways[2].source_identity = x();
    ways[3].session_name = x();
    ways[4].role_arn = "x".into();
    ways.extend([
        with(&[("a", "b")], &[]),
        with(&[("b", "a")], &[]),
        with(&[], &["a", "b"]),
        // Words that once stood between the parts.
        with(&[("transitive", "a")], &[]),
        with(&[], &["a", "transitive"]),
        with(&[("mfa", "device")], &[]),
        with(&[], &["mfa", "device"]),
    ]);
    let device = Device {
        serial: "device",
        process: None,
    };
    let mut seen = Vec::new();
    for role in &ways {
        for mfa in [None, Some(device)] {
            let key = role_key("before", role, None, mfa);
            assert!(!seen.contains(&key), "{role:?} with {}", mfa.is_some());
            seen.push(key);
        }
    }
    assert_ne!(role_key("other", &ways[0], None, None), seen[0]);
}
