//! Which accounts and roles get a profile, and in which region, by patterns. Pure.

use glob::{MatchOptions, Pattern};

use crate::credentials::{Account, RoleName};

/// A name may hold any character, a `/` among them. Case is taken out of both beforehand: names differ
/// in it by accident more often than on purpose, and `glob` itself knows that of ASCII alone.
const LOOSELY: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: false,
    require_literal_leading_dot: false,
};

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {what}")]
pub struct PatternError {
    /// As it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// What is taken, and what is left out of it.
#[derive(Debug, Default)]
pub struct Choice {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Choice {
    /// Everything that a pattern of `include` fits (all, where there is none), but what one of
    /// `exclude` fits.
    ///
    /// # Errors
    ///
    /// One is not a pattern.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, PatternError> {
        Ok(Self {
            include: patterns(include)?,
            exclude: patterns(exclude)?,
        })
    }

    /// Whether the account is taken: by its name, its id, or its address.
    pub fn takes_account(&self, account: &Account) -> bool {
        self.takes(|pattern| fits_account(pattern, account))
    }

    /// Whether the role is taken.
    pub fn takes_role(&self, role: &RoleName) -> bool {
        self.takes(|pattern| fits(pattern, role.as_str()))
    }

    fn takes(&self, fits: impl Fn(&Pattern) -> bool) -> bool {
        (self.include.is_empty() || self.include.iter().any(&fits))
            && !self.exclude.iter().any(&fits)
    }
}

/// Regions by rule: of those whose patterns fit, the first counts.
#[derive(Debug, Default)]
pub struct Regions(Vec<RegionRule>);

#[derive(Debug)]
struct RegionRule {
    account: Option<Pattern>,
    role: Option<Pattern>,
    region: String,
}

impl Regions {
    /// Adds a rule behind the others; a pattern that is left out fits all.
    ///
    /// # Errors
    ///
    /// One is not a pattern.
    pub fn add(
        &mut self,
        account: Option<&str>,
        role: Option<&str>,
        region: &str,
    ) -> Result<(), PatternError> {
        self.0.push(RegionRule {
            account: account.map(pattern).transpose()?,
            role: role.map(pattern).transpose()?,
            region: region.to_owned(),
        });
        Ok(())
    }

    /// The region for a role in an account.
    pub fn region(&self, account: &Account, role: &RoleName) -> Option<&str> {
        let fitting = self.0.iter().find(|rule| {
            let by_account = |pattern: &Pattern| fits_account(pattern, account);
            let by_role = |pattern: &Pattern| fits(pattern, role.as_str());
            rule.account.as_ref().is_none_or(by_account) && rule.role.as_ref().is_none_or(by_role)
        });
        fitting.map(|rule| rule.region.as_str())
    }
}

fn fits_account(pattern: &Pattern, account: &Account) -> bool {
    let names = [account.name.as_deref(), account.email.as_deref()];
    fits(pattern, account.id.as_str())
        || names.into_iter().flatten().any(|name| fits(pattern, name))
}

fn fits(pattern: &Pattern, name: &str) -> bool {
    pattern.matches_with(&name.to_lowercase(), LOOSELY)
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, PatternError> {
    texts.iter().map(|text| pattern(text)).collect()
}

fn pattern(text: &str) -> Result<Pattern, PatternError> {
    Pattern::new(&text.to_lowercase()).map_err(|error| PatternError {
        pattern: text.to_owned(),
        what: error.msg,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::AccountId;

    fn account() -> Account {
        Account {
            id: AccountId::parse("123456789012").unwrap(),
            name: Some("EU/Prod".into()),
            email: Some("eu@example.com".into()),
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn accounts_are_chosen_by_name_id_or_address() {
        let table: &[(&[&str], &[&str], bool)] = &[
            (&[], &[], true),
            (&["eu*"], &[], true),
            (&["1234*"], &[], true),
            (&["*@example.com"], &[], true),
            (&["us*"], &[], false),
            (&["us*", "*prod"], &[], true),
            (&[], &["*prod"], false),
            (&["eu*"], &["123456789012"], false),
            (&["eu"], &[], false),
            (&["EU/P*"], &[], true),
            (&["EU/[P]ROD"], &[], true),
        ];
        for (include, exclude, taken) in table {
            let choice = Choice::new(&owned(include), &owned(exclude)).unwrap();
            assert_eq!(
                choice.takes_account(&account()),
                *taken,
                "{include:?} {exclude:?}"
            );
        }
    }

    #[test]
    fn case_is_nothing_to_a_pattern_in_any_script() {
        let choice = Choice::new(&owned(&["ZÜRICH*"]), &[]).unwrap();
        let account = Account {
            name: Some("Zürich Öst".into()),
            ..account()
        };
        assert!(choice.takes_account(&account));
    }

    #[test]
    fn the_first_region_that_fits_counts() {
        let mut regions = Regions::default();
        regions
            .add(Some("eu/*"), Some("Admin"), "eu-west-1")
            .unwrap();
        regions.add(Some("eu/*"), None, "eu-central-1").unwrap();
        let region = |role| regions.region(&account(), &RoleName::parse(role).unwrap());
        assert_eq!(region("Admin"), Some("eu-west-1"));
        assert_eq!(region("Dev"), Some("eu-central-1"));
        assert_eq!(
            Regions::default().region(&account(), &RoleName::parse("Dev").unwrap()),
            None
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let error = Choice::new(&owned(&["[a"]), &[]).unwrap_err();
        assert!(
            error.to_string().starts_with("`[a` is not a pattern: "),
            "{error}"
        );
    }
}
