//! `include_profile`, as aws-vault has it: a profile says what another one leaves unsaid.

use crate::support::home::Home;

fn home(profiles: &str) -> Home {
    let home = Home::signed_in();
    home.add_config(profiles);
    home
}

#[track_caller]
fn fails(profiles: &str, says: &[&str]) {
    let home = Home::new();
    home.add_config(profiles);
    let lines = home.read(".aws/config").lines().count();
    let output = home.exec("x", &["true"]).output().expect_code(125);
    let last = format!(".aws/config:{lines}: ");
    output
        .says(&["error: profile `x` cannot be used", &last])
        .says(says);
    assert_eq!(home.aws.total(), 0);
}

#[test]
fn what_a_profile_leaves_unsaid_is_said_by_the_one_that_it_includes() {
    let home = home(
        "[profile common]\nsso_session = corp\nsso_role_name = Developer\nregion = us-west-2\n\
         output = yaml\n\
         [profile team]\ninclude_profile = common\nparent_profile = other\n\
         region = eu-north-1\n[profile other]\noutput = text\nsso_role_name = Admin\n\
         [profile x]\ninclude_profile = team\nsso_account_id = 111111111111\n\
         [profile older]\nparent_profile = x\nsso_role_name = ReadOnly\n",
    );
    let got = home.environment_as("x");
    assert_eq!(got["AWS_REGION"], "eu-north-1");
    assert_eq!(got["AWS_DEFAULT_OUTPUT"], "yaml");
    home.exec("older", &["true"]).output().success().silent();
    let asked = home.aws.requests("GetRoleCredentials");
    let roles: Vec<_> = asked
        .iter()
        .filter_map(|r| r.parameter("role_name"))
        .collect();
    assert_eq!(roles, ["Developer", "ReadOnly"]);
    let listed = home.vault(&["list", "--json"]).output().success().stdout;
    let rows: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["profile"] == "x");
    assert_eq!(row.unwrap()["account_id"], "111111111111");
}

#[test]
fn roles_take_what_they_have_in_common_from_it() {
    let home = home(
        "[profile common]\nsource_profile = dev\nexternal_id = partner-7\n\
         role_session_name = alice@example.com\n\
         [profile x]\ninclude_profile = common\nduration_seconds = 1800\n\
         role_arn = arn:aws:iam::333333333333:role/Partner\n",
    );
    home.exec("x", &["true"]).output().success().silent();
    let asked = &home.aws.requests("AssumeRole")[0];
    let parameter = |name| asked.parameter(name).unwrap_or_default();
    assert_eq!(parameter("ExternalId"), "partner-7");
    assert_eq!(parameter("RoleSessionName"), "alice@example.com");
    assert_eq!(parameter("DurationSeconds"), "1800");
}

/// A key is nobody's but its own profile's: neither the included one's nor one in the keystore.
#[test]
fn an_access_key_is_not_lent() {
    let home = Home::new();
    let key = home.aws.add_user_key("333333333333", "alice");
    home.write(
        ".aws/credentials",
        &format!(
            "[common]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id, key.secret
        ),
    );
    home.add_config("[profile x]\ninclude_profile = common\nregion = eu-west-1\n");
    home.exec("common", &["true"]).output().success();
    let output = home.exec("x", &["true"]).output().expect_code(125);
    output.says(&["does not say where its credentials come from"]);
}

#[test]
fn what_leads_nowhere_is_named_with_its_line_and_its_links() {
    fails(
        "[profile x]\ninclude_profile = prdo",
        &["include_profile: there is no profile `prdo`, did you mean `prod`?"],
    );
    fails(
        "[profile x]\nparent_profile = nobody-there",
        &["parent_profile: there is no profile `nobody-there`"],
    );
    fails(
        "[profile x]\ninclude_profile = y\n[profile y]\ninclude_profile = z\n\
         [profile z]\ninclude_profile = y",
        &["include_profile: a loop: x → y → z → y"],
    );
    fails("[profile x]\ninclude_profile =", &["it has no value"]);
    // What is lent is checked like one's own, and named where it stands.
    fails(
        "[profile x]\ninclude_profile = y\nrole_arn = r\nsource_profile = dev\n\
         [profile y]\nduration_seconds = 1h",
        &["duration_seconds: `1h` is not a number from 900 to 43200"],
    );
}
