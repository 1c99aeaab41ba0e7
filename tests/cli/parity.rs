//! Where a profile's credentials come from, by `vault list` and by botocore, for generated files.

use serde_json::Value;

use super::support::fake_aws::FakeAws;
use super::support::home::Home;

#[path = "../support/parity.rs"]
mod botocore;

use botocore::{Case, In, Met};

/// What the generated files hold, and nothing may show: whatever swallows it.
const SECRETS: [&str; 3] = [
    "secret-of-the-file",
    "secret-of-the-config",
    "token-of-the-file",
];

#[test]
fn every_profile_comes_from_where_botocore_says() {
    let home = Home::empty(FakeAws::start());
    SECRETS.iter().for_each(|secret| home.secret(secret));
    let folder = tempfile::tempdir().unwrap();
    let mut met = Vec::new();
    for case in botocore::cases() {
        case.write(folder.path());
        compare(&home, &case, folder.path(), &mut met);
    }
    botocore::judge(In::Sources, &met);
}

fn compare(home: &Home, case: &Case, folder: &std::path::Path, met: &mut Vec<Met>) {
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let output = home
        .vault(&["list", "--json", "--color", "never"])
        .env("AWS_CONFIG_FILE", file("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", file("credentials"))
        .output();
    match (case.error(), output.code) {
        (Some(_), Some(1)) => return,
        (Some(theirs), _) => return met.push(case.met("", theirs, output.stdout)),
        (None, Some(0)) => {}
        (None, _) => return met.push(case.met("", "no error", output.stderr)),
    }
    let rows: Vec<Value> = serde_json::from_str(&output.stdout).unwrap();
    let resolved = case.read["resolved"].as_object().unwrap();
    assert_eq!(
        rows.len(),
        resolved.len(),
        "{}",
        case.met("", "", output.stdout).files
    );
    for row in rows {
        let name = row["profile"].as_str().unwrap();
        let theirs = theirs(&resolved[name]);
        let ours = error_about(name, &output.stderr).unwrap_or_else(|| ours(&row));
        let both_wrong = [&theirs, &ours]
            .iter()
            .all(|side| side.starts_with("error: "));
        if theirs != ours && !both_wrong {
            met.push(case.met(name, theirs, ours));
        }
    }
}

/// The warning that says why a profile can't be used.
fn error_about(name: &str, stderr: &str) -> Option<String> {
    let of_it = [
        format!("profile `{name}` cannot be used"),
        format!("profile `{name}` needs"),
        format!("loop: {name} →"),
    ];
    let line = stderr
        .lines()
        .find(|line| of_it.iter().any(|part| line.contains(part)))?;
    Some(format!("error: {line}"))
}

fn ours(row: &Value) -> String {
    shown(
        row["source"].as_str().unwrap(),
        [&row["account_id"], &row["role_name"], &row["sso_session"]],
        &row["region"],
    )
}

fn theirs(resolved: &Value) -> String {
    if let Some(error) = resolved["error"].as_str() {
        return format!("error: {error}");
    }
    let source = match resolved["method"].as_str().unwrap() {
        "shared-credentials-file" | "config-file" => "access-key",
        "assume-role-with-web-identity" => "web-identity",
        "custom-process" => "credential-process",
        "login" => "login-session",
        other => other,
    };
    let (mut account, mut role) = (resolved["account"].clone(), resolved["role"].clone());
    if let Some(arn) = resolved["role_arn"].as_str() {
        let arn = arn.strip_prefix("arn:aws:iam::");
        account = arn.and_then(|arn| arn.split(':').next()).into();
        role = arn.and_then(|arn| arn.rsplit('/').next()).into();
    }
    shown(
        source,
        [&account, &role, &resolved["session"]],
        &resolved["region"],
    )
}

fn shown(source: &str, whose: [&Value; 3], region: &Value) -> String {
    let word = |value: &Value| match value.as_str() {
        None | Some("") => "-".to_owned(),
        Some(text) => text.to_owned(),
    };
    // Whose credentials these will be is in the files for these two alone.
    let whose = match source {
        "sso" | "assume-role" => whose.map(word).join(" "),
        _ => String::new(),
    };
    format!("{source} {whose} region {}", word(region))
}
