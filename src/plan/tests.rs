//! Tables for the plan: what there shall be against what is there.

use super::*;

fn account(id: &str, name: &str) -> Account {
    Account {
        id: AccountId::parse(id).unwrap(),
        name: Some(name.into()),
        email: None,
    }
}

fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

fn one(name: &str, role_name: &str) -> Wanted {
    Wanted {
        name: name.into(),
        account: account("111111111111", "Dev"),
        role: role(role_name),
        region: None,
    }
}

fn session() -> SsoSession {
    SsoSession {
        name: Some("corp".into()),
        start_url: "https://corp.awsapps.com/start".into(),
        region: "eu-central-1".into(),
        scopes: Vec::new(),
    }
}

fn present(entries: &[(&str, &[(&'static str, &str)])]) -> BTreeMap<String, Present> {
    let present = |(name, settings): &(&str, &[(&'static str, &str)])| {
        let settings = settings.iter().map(|(key, value)| (*key, (*value).into()));
        let settings = settings.collect();
        ((*name).to_owned(), Present { settings })
    };
    entries.iter().map(present).collect()
}

const ADMIN: &[(&str, &str)] = &[
    ("sso_session", "corp"),
    ("sso_account_id", "111111111111"),
    ("sso_role_name", "Admin"),
    ("region", "eu-west-1"),
    (SYNC_KEY, "corp"),
];
const SAME_BY_HAND: &[(&str, &str)] = &[
    ("sso_session", "corp"),
    ("sso_account_id", "111111111111"),
    ("sso_role_name", "Dev"),
    ("region", "us-east-1"),
];
const BY_HAND: &[(&str, &str)] = &[("region", "eu-west-1")];
const OF_ANOTHER: &[(&str, &str)] = &[
    ("sso_account_id", "111111111111"),
    ("sso_role_name", "Admin"),
    (SYNC_KEY, "other"),
];

fn names(list: &[(Wanted, Settings)]) -> Vec<&str> {
    list.iter()
        .map(|(wanted, _)| wanted.name.as_str())
        .collect()
}

#[test]
fn what_is_there_is_compared_with_what_shall_be() {
    let there = present(&[("admin", ADMIN), ("mine", BY_HAND), ("theirs", OF_ANOTHER)]);
    let wanted = vec![one("admin", "Admin"), one("mine", "Dev"), one("new", "Ops")];
    let made = plan(wanted, &there, &session(), &|_, _| Standing::NotYours);
    assert_eq!(made.unchanged, 1, "its region is the person's affair");
    assert_eq!(names(&made.new), ["new"]);
    assert_eq!(made.taken[0].name, "mine");
    assert!(made.changed.is_empty() && made.gone.is_empty(), "{made:?}");

    let made = plan(vec![one("admin", "Ops")], &there, &session(), &|_, _| {
        Standing::NotYours
    });
    let key = ("sso_role_name", "Ops".to_owned());
    assert_eq!(made.changed[0].1, [key]);

    let made = plan(Vec::new(), &there, &session(), &|_, _| Standing::NotYours);
    let gone = |why| {
        let name = "admin".to_owned();
        [Gone { name, why }]
    };
    assert_eq!(made.gone, gone(Why::NotYours), "and not another session's");
    let made = plan(Vec::new(), &there, &session(), &|_, _| Standing::Unknown);
    assert!(made.gone.is_empty(), "nobody looked");
    let made = plan(Vec::new(), &there, &session(), &|_, _| Standing::Yours);
    assert_eq!(made.gone, gone(Why::LeftOut));
    let there_too = present(&[("mine", SAME_BY_HAND)]);
    let made = plan(vec![one("mine", "Dev")], &there_too, &session(), &|_, _| {
        Standing::Yours
    });
    assert_eq!((made.unchanged, made.taken.len()), (1, 0));
    let renamed = vec![one("dev_admin", "Admin")];
    let made = plan(renamed, &there, &session(), &|_, _| Standing::Yours);
    assert_eq!(made.gone, gone(Why::Renamed("dev_admin".into())));
}

#[test]
fn names_that_collide_are_an_error_that_shows_both() {
    let accounts = [
        account("111111111111", "Dev"),
        account("222222222222", "dev"),
    ];
    let roles = [role("Admin")];
    let permitted = accounts.iter().map(|account| (account, &roles[..]));
    let template = Template::parse(DEFAULT).unwrap();
    let made = |template: &Template| {
        let (choice, regions) = (Choice::default(), Regions::default());
        wanted(permitted.clone(), "corp", template, &choice, &regions)
    };
    let error = made(&template).unwrap_err().to_string();
    assert_eq!(
        error,
        "two profiles would be called `dev-admin`: Admin in Dev (111111111111) and Admin in dev \
         (222222222222)"
    );
    assert_eq!(
        made(&Template::parse("{account_id}").unwrap())
            .unwrap()
            .len(),
        2
    );
    for (text, why) in [
        (
            "{account_id|trim_prefix:111111111111}",
            "it is empty, or has white space at its ends",
        ),
        ("[{account_id}]", "a `[` or `]` is in it"),
        (
            "\"{account_id}\"",
            "a quotation mark or a backslash is in it",
        ),
    ] {
        let error = made(&Template::parse(text).unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.ends_with(why), "{error}");
    }
}

#[test]
fn a_proposal_is_as_short_as_it_may_be() {
    let (account, role) = (
        account("111111111111", "Acme Dev"),
        role("AWSReadOnlyAccess"),
    );
    let table: [(&[&str], &str); 3] = [
        (&[], "acme-dev"),
        (&["acme-dev"], "acme-dev-aws-read-only-access"),
        (
            &["acme-dev", "acme-dev-aws-read-only-access"],
            "acme-dev-aws-read-only-access-2",
        ),
    ];
    for (taken, expected) in table {
        assert_eq!(
            proposal(&account, &role, &|name| taken.contains(&name)),
            expected
        );
    }
}
