//! What a profile is called, by a template: `{account_name|trim_prefix:acme-|kebab}-{role_name}`.
//! Pure.

use crate::credentials::{Account, RoleName};

/// Names that are short, can be typed without quotes, and say both.
pub const DEFAULT: &str = "{account_name|kebab}-{role_name|kebab}";

const FIELDS: [&str; 4] = ["account_name", "account_id", "role_name", "sso_session"];
const FILTERS: [&str; 3] = ["lower", "kebab", "trim_prefix:X"];

/// A template that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field, Vec<Filter>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    AccountName,
    AccountId,
    RoleName,
    SsoSession,
}

#[derive(Debug, PartialEq, Eq)]
enum Filter {
    Lower,
    Kebab,
    TrimPrefix(String),
}

/// Why a template can't be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    /// A field that there is none of.
    #[error("there is no field `{{{0}}}`: there are {list}", list = FIELDS.map(|f| format!("`{{{f}}}`")).join(", "))]
    Field(String),
    /// A filter that there is none of.
    #[error("there is no filter `{0}`: there are {list}", list = FILTERS.map(|f| format!("`{f}`")).join(", "))]
    Filter(String),
    /// A brace without its other half.
    #[error("a `{0}` in it has no other half")]
    Brace(char),
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
}

impl Template {
    /// Understands a template.
    ///
    /// # Errors
    ///
    /// See [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            if rest[at..].starts_with('}') {
                return Err(TemplateError::Brace('}'));
            }
            let (before, after) = (&rest[..at], &rest[at + 1..]);
            let end = after.find('}').ok_or(TemplateError::Brace('{'))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(field(&after[..end])?);
            rest = &after[end + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.is_empty() {
            return Err(TemplateError::Empty);
        }
        Ok(Self(parts))
    }

    /// The name that it makes. An account that has none of its own goes by its id.
    pub fn name(&self, account: &Account, role: &RoleName, session: &str) -> String {
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Field(field, filters) => {
                    let value = match field {
                        Field::AccountName => account.name.as_deref(),
                        Field::AccountId => None,
                        Field::RoleName => Some(role.as_str()),
                        Field::SsoSession => Some(session),
                    };
                    let value = value.unwrap_or(account.id.as_str()).to_owned();
                    let value = filters.iter().fold(value, |value, filter| filter.of(value));
                    name.push_str(&value);
                }
            }
        }
        name.trim().to_owned()
    }
}

fn field(text: &str) -> Result<Part, TemplateError> {
    let mut words = text.split('|').map(str::trim);
    let name = words.next().unwrap_or_default();
    let field = match name {
        "account_name" => Field::AccountName,
        "account_id" => Field::AccountId,
        "role_name" => Field::RoleName,
        "sso_session" => Field::SsoSession,
        other => return Err(TemplateError::Field(other.to_owned())),
    };
    let filters = words.map(Filter::parse).collect::<Result<_, _>>()?;
    Ok(Part::Field(field, filters))
}

impl Filter {
    fn parse(word: &str) -> Result<Self, TemplateError> {
        match word.split_once(':') {
            None if word == "lower" => Ok(Self::Lower),
            None if word == "kebab" => Ok(Self::Kebab),
            Some(("trim_prefix", prefix)) if !prefix.is_empty() => {
                Ok(Self::TrimPrefix(prefix.to_owned()))
            }
            _ => Err(TemplateError::Filter(word.to_owned())),
        }
    }

    fn of(&self, value: String) -> String {
        match self {
            Self::Lower => value.to_lowercase(),
            Self::Kebab => kebab(&value),
            Self::TrimPrefix(prefix) => match value.strip_prefix(prefix.as_str()) {
                Some(rest) => rest.to_owned(),
                None => value,
            },
        }
    }
}

/// `Acme Prod (EU)` and `AcmeProdEU` as `acme-prod-eu`: words in lower case with a hyphen between
/// them. A capital begins a word after a small letter, and before one at the end of several.
pub fn kebab(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut made = String::with_capacity(text.len() + 4);
    for (at, &c) in characters.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !made.is_empty() && !made.ends_with('-') {
                made.push('-');
            }
            continue;
        }
        let before = at.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(at + 1);
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                let ends_capitals =
                    before.is_uppercase() && after.is_some_and(|after| after.is_lowercase());
                before.is_lowercase() || before.is_numeric() || ends_capitals
            });
        if begins && !made.is_empty() && !made.ends_with('-') {
            made.push('-');
        }
        made.extend(c.to_lowercase());
    }
    made.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::AccountId;

    fn name(template: &str) -> String {
        let account = Account {
            id: AccountId::parse("123456789012").unwrap(),
            name: Some("acme-Prod EU".into()),
            email: None,
        };
        let role = RoleName::parse("AWSAdministratorAccess").unwrap();
        let template = Template::parse(template).unwrap();
        template.name(&account, &role, "corp")
    }

    #[test]
    fn fields_and_filters_are_put_in() {
        let table = [
            (DEFAULT, "acme-prod-eu-aws-administrator-access"),
            (
                "{account_name}-{role_name}",
                "acme-Prod EU-AWSAdministratorAccess",
            ),
            ("{account_name|trim_prefix:acme-|kebab}", "prod-eu"),
            ("{ account_name | lower }", "acme-prod eu"),
            (
                "{role_name|trim_prefix:AWS|kebab}@{account_id}",
                "administrator-access@123456789012",
            ),
            ("{account_name|trim_prefix:other-}", "acme-Prod EU"),
            ("{sso_session}/x", "corp/x"),
        ];
        for (template, expected) in table {
            assert_eq!(name(template), expected, "{template}");
        }
    }

    #[test]
    fn an_account_without_a_name_goes_by_its_id() {
        let account = Account {
            id: AccountId::parse("123456789012").unwrap(),
            name: None,
            email: None,
        };
        let role = RoleName::parse("Admin").unwrap();
        let template = Template::parse(DEFAULT).unwrap();
        assert_eq!(template.name(&account, &role, "s"), "123456789012-admin");
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let table = [
            (
                "{acount_name}",
                "there is no field `{acount_name}`: there are `{account_name}`, `{account_id}`, \
                 `{role_name}`, `{sso_session}`",
            ),
            (
                "{role_name|upper}",
                "there is no filter `upper`: there are `lower`, `kebab`, `trim_prefix:X`",
            ),
            (
                "{role_name|trim_prefix:}",
                "there is no filter `trim_prefix:`: there are `lower`, `kebab`, `trim_prefix:X`",
            ),
            ("{role_name", "a `{` in it has no other half"),
            ("role_name}", "a `}` in it has no other half"),
            ("", "it is empty"),
        ];
        for (template, expected) in table {
            let error = Template::parse(template).unwrap_err().to_string();
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn kebab_parts_words() {
        let table = [
            ("Acme Prod (EU)", "acme-prod-eu"),
            ("AWSReadOnlyAccess", "aws-read-only-access"),
            ("dev", "dev"),
            ("ReadOnly", "read-only"),
            ("Team2Prod", "team2-prod"),
            ("  __x__  ", "x"),
            ("Zürich Öst", "zürich-öst"),
            ("--", ""),
        ];
        for (text, expected) in table {
            assert_eq!(kebab(text), expected, "{text}");
        }
    }
}
