//! Words that several commands have for the same thing: how long something lasts, and whose credentials a
//! chain gives.

use jiff::Timestamp;

use crate::resolve::{Chain, Source};

/// `41m left`, `1h 05m left`, `expired`
pub(in crate::commands) fn left(end: Timestamp, now: Timestamp) -> String {
    let minutes = end.duration_since(now).as_mins();
    match minutes {
        _ if end <= now => "expired".to_owned(),
        0 => "<1m left".to_owned(),
        1..60 => format!("{minutes}m left"),
        _ => format!("{}h {:02}m left", minutes / 60, minutes % 60),
    }
}

/// The account and the role that the credentials are for, as far as the files say: the last role's, by its
/// ARN, else what the source names.
pub(in crate::commands) fn whose(chain: &Chain) -> (Option<String>, Option<String>) {
    match (chain.roles.last(), &chain.source) {
        (Some(role), _) => of_arn(&role.role_arn),
        (None, Source::Sso(sso)) => (Some(sso.account.to_string()), Some(sso.role.to_string())),
        (None, Source::WebIdentity(web)) => of_arn(&web.role_arn),
        (None, Source::LoginSession(session)) => of_arn(&session.arn),
        (None, _) => (None, None),
    }
}

/// Of `arn:aws:iam::123456789012:role/path/name` and `arn:aws:sts::123456789012:assumed-role/name/session`;
/// a user and the root have an account alone.
fn of_arn(arn: &str) -> (Option<String>, Option<String>) {
    let mut parts = arn.splitn(6, ':').skip(4);
    let account = parts.next().filter(|account| !account.is_empty());
    let name = parts
        .next()
        .and_then(|resource| match resource.split_once('/')? {
            ("role", path) => path.rsplit('/').next(),
            ("assumed-role", rest) => rest.split('/').next(),
            _ => None,
        });
    (account.map(str::to_owned), name.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_said_as_a_person_says_it() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let table = [
            ("2026-11-23T09:59:59Z", "expired"),
            ("2026-11-23T10:00:00Z", "expired"),
            ("2026-11-23T10:00:59Z", "<1m left"),
            ("2026-11-23T10:41:30Z", "41m left"),
            ("2026-11-23T11:05:00Z", "1h 05m left"),
        ];
        for (end, said) in table {
            assert_eq!(left(end.parse().unwrap(), now), said);
        }
    }
}
