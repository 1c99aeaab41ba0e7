//! What was listed of an organisation so far, in a file of its own: a run that is repeated after it
//! was interrupted does not ask for it again.
//!
//! It holds no secret, but names and addresses are nobody else's business: the file is private and
//! short-lived. A line is added for each answer, so that a run killed at any moment loses none but
//! the last; half a line at the end is one that was not written.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Cache, CacheError, Key, file_name};
use crate::credentials::{Account, AccountId, RoleName};
use crate::files;

/// How long a listing may be used: long enough to run a command again after Ctrl-C, short enough
/// that nobody has forgotten it.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What was listed so far.
#[derive(Debug)]
pub struct Listing {
    path: PathBuf,
    /// `None` until there are accounts to write, and where nothing can be written.
    file: Option<File>,
    /// All accounts, where they are known.
    pub accounts: Option<Vec<Account>>,
    /// The roles in those accounts that were asked for.
    pub roles: HashMap<AccountId, Vec<RoleName>>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    listed_at: Timestamp,
    accounts: Vec<StoredAccount>,
}

#[derive(Serialize, Deserialize)]
struct StoredAccount {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredRoles {
    account: String,
    roles: Vec<String>,
}

impl Cache {
    /// What was listed for a sign-in a short while ago. Whoever calls holds the listing's lock.
    pub fn listing(&self, sign_in: &Key, now: Timestamp) -> Listing {
        let path = self.listing_path(sign_in);
        let kept = std::fs::read_to_string(&path).ok();
        let kept = kept.and_then(|text| read(&text, now));
        let (accounts, roles) = kept.unzip();
        let file = accounts.is_some().then(|| append(&path).ok()).flatten();
        Listing {
            path,
            file,
            accounts,
            roles: roles.unwrap_or_default(),
        }
    }

    /// Forgets what was listed: it was used, or it is another person's.
    ///
    /// # Errors
    ///
    /// The file is there, and stays.
    pub fn forget_listing(&self, sign_in: &Key) -> Result<(), CacheError> {
        let path = self.listing_path(sign_in);
        files::remove(&path).map_err(|error| CacheError::Io(path, error))
    }

    fn listing_path(&self, sign_in: &Key) -> PathBuf {
        self.directory.join("listings").join(file_name(sign_in))
    }
}

impl Listing {
    /// Begins anew with these accounts. Not being able to keep them is no reason to stop.
    pub fn begin(&mut self, accounts: &[Account], now: Timestamp) {
        let head = Head {
            listed_at: now,
            accounts: accounts.iter().map(StoredAccount::from).collect(),
        };
        self.roles.clear();
        self.accounts = Some(accounts.to_vec());
        self.file = start(&self.path, &line(&head))
            .inspect_err(|error| tracing::warn!(%error, "the listing can't be kept"))
            .ok();
    }

    /// Adds the roles in an account.
    pub fn add(&mut self, account: AccountId, roles: Vec<RoleName>) {
        let stored = StoredRoles {
            account: account.as_str().to_owned(),
            roles: roles.iter().map(|role| role.as_str().to_owned()).collect(),
        };
        let written = self.file.as_mut().map(|f| f.write_all(&line(&stored)));
        if let Some(Err(error)) = written {
            tracing::warn!(%error, "the listing can't be kept");
            self.file = None;
        }
        self.roles.insert(account, roles);
    }
}

impl From<&Account> for StoredAccount {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.as_str().to_owned(),
            name: account.name.clone(),
            email: account.email.clone(),
        }
    }
}

type Kept = (Vec<Account>, HashMap<AccountId, Vec<RoleName>>);

fn read(text: &str, now: Timestamp) -> Option<Kept> {
    let mut lines = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
    let head: Head = serde_json::from_str(lines.next()?).ok()?;
    let age = now.duration_since(head.listed_at);
    if age.is_negative() || age > LIFE {
        return None;
    }
    let account = |stored: StoredAccount| {
        Some(Account {
            id: AccountId::parse(&stored.id)?,
            name: stored.name,
            email: stored.email,
        })
    };
    let accounts = head
        .accounts
        .into_iter()
        .map(account)
        .collect::<Option<_>>()?;
    let roles = |line: &str| {
        let stored: StoredRoles = serde_json::from_str(line).ok()?;
        let roles = stored.roles.iter().map(|role| RoleName::parse(role));
        Some((
            AccountId::parse(&stored.account)?,
            roles.collect::<Option<_>>()?,
        ))
    };
    Some((accounts, lines.map(roles).collect::<Option<_>>()?))
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("text and numbers only");
    line.push(b'\n');
    line
}

fn start(path: &Path, head: &[u8]) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        files::private_directory(directory)?;
    }
    files::replace(path, &path.with_extension("new"), head)?;
    append(path)
}

fn append(path: &Path) -> io::Result<File> {
    File::options().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn account(id: &str) -> Account {
        Account {
            id: AccountId::parse(id).unwrap(),
            name: Some("Prod".into()),
            email: None,
        }
    }

    #[test]
    fn what_was_listed_is_read_back_for_ten_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listings").join("x");
        let mut listing = Listing {
            path: path.clone(),
            file: None,
            accounts: None,
            roles: HashMap::new(),
        };
        let accounts = [account("111111111111"), account("222222222222")];
        let admin = vec![RoleName::parse("Admin").unwrap()];
        listing.begin(&accounts, at(1000));
        listing.add(accounts[0].id.clone(), admin.clone());
        let text = std::fs::read_to_string(&path).unwrap();
        let (read_accounts, roles) = read(&text, at(1600)).unwrap();
        assert_eq!(read_accounts, accounts);
        assert_eq!(roles[&accounts[0].id], admin);
        assert_eq!(roles.len(), 1);
        assert!(read(&text, at(1601)).is_none());
        assert!(read(&text, at(999)).is_none(), "from the future");
        // A run that was killed while it wrote.
        let (_, roles) = read(&format!("{text}{{\"account\":\"2222"), at(1000)).unwrap();
        assert_eq!(roles.len(), 1);
        assert!(read("rubbish\n", at(1000)).is_none());
        assert!(read("", at(1000)).is_none());
    }
}
