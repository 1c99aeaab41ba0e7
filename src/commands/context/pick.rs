//! Which profile or place to sign in is meant where none is named: the person picks one.

use super::{Context, name, whose};
use crate::config::{Config, SsoSession};
use crate::env;
use crate::error::{Error, Kind};
use crate::ui::Choice;

impl Context {
    /// The profile that is meant: the one named, else `AWS_PROFILE`'s, else the one picked.
    pub(in crate::commands) fn profile_name(&self, named: Option<String>) -> Result<String, Error> {
        if let Some(name) = named {
            return Ok(name);
        }
        if let Some(name) = env::var(env::AWS_PROFILE)? {
            return Ok(name);
        }
        if !self.ui.can_ask() {
            return Err(self.no_profile_named());
        }
        let mut names: Vec<_> = self.config()?.profile_names().map(str::to_owned).collect();
        if names.is_empty() {
            let message = "there are no profiles in the configuration";
            let error = Error::new(Kind::Failed, message);
            return Err(error.hint("`vault configure` writes one"));
        }
        // Those used last first; the others as they stand in the file.
        let recent = self.cache.recent();
        let rank = |name: &String| recent.iter().position(|used| used == name);
        names.sort_by_key(|name| rank(name).unwrap_or(usize::MAX));
        let choices = names.iter().map(|name| self.choice(name)).collect();
        let picked = names.swap_remove(self.ui.pick("Profile", choices)?);
        self.cache.used(&picked);
        Ok(picked)
    }

    /// Nobody can be asked which profile is meant.
    pub(in crate::commands) fn no_profile_named(&self) -> Error {
        let none = |config: &Config| config.profile_names().next().is_none();
        let error = Error::new(Kind::Usage, "no profile is named");
        error.hint(match self.config().is_ok_and(none) {
            true => "there is no profile at all yet: `vault configure` writes one",
            false => "name one, or set AWS_PROFILE; `vault list` shows them",
        })
    }

    /// A profile with its account, its role, and where its credentials come from.
    fn choice(&self, name: &str) -> Choice {
        let beside = match self.chain(name) {
            Ok(chain) => {
                let (account, role) = whose(&chain);
                let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
                vec![
                    or_dash(account),
                    or_dash(role),
                    chain.kind().as_str().to_owned(),
                ]
            }
            // Whoever picks it is told why.
            Err(_) => ["-", "-", "cannot be used"].map(str::to_owned).to_vec(),
        };
        Choice {
            name: name.to_owned(),
            beside,
        }
    }

    /// Which of several places to sign in, each by its name and its address.
    pub(in crate::commands) fn pick_place(
        &self,
        question: &str,
        places: &mut dyn Iterator<Item = &SsoSession>,
    ) -> Result<usize, Error> {
        let choice = |session: &SsoSession| Choice {
            name: name(session).to_owned(),
            beside: session
                .name
                .iter()
                .map(|_| session.start_url.clone())
                .collect(),
        };
        Ok(self.ui.pick(question, places.map(choice).collect())?)
    }
}
