//! Credentials for the programs that ask vault's server. Each request reads the configuration anew, so that
//! an edited profile counts at once; nobody is asked anything, since the terminal is the command's; and a
//! person learns in one line that they have to sign in again, before the credentials have ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Context, Obtained, Request};
use crate::broker::{CLIENT_WINDOW, Reader};
use crate::cache::Cache;
use crate::credentials::Credentials;
use crate::deliver::server::{Fetch, Refused};
use crate::error::{Error, Kind};
use crate::resolve::{KeyPlace, Source};
use crate::settings::Settings;
use crate::ui::Ui;

/// At least so long between two tries to renew what has not ended yet: the clients of a busy machine ask many times a
/// second.
const RENEWAL_PAUSE: SignedDuration = SignedDuration::from_secs(20);

/// What the server's requests are answered from.
pub(in crate::commands) struct Serving {
    /// To tell the person.
    ui: Arc<Ui>,
    /// For the work, which asks and notes nothing.
    silent: Arc<Ui>,
    settings: Settings,
    cache: Arc<Cache>,
    request: Request,
    places: BTreeMap<String, Place>,
    /// What was told of each profile, and still holds.
    told: Mutex<BTreeMap<String, String>>,
}

/// What goes on for one profile.
#[derive(Default)]
struct Place {
    /// Held while somebody gets its credentials; why there were none the last time.
    refused: Mutex<Option<Refused>>,
    /// How often that came to an end.
    ended: AtomicU64,
    renewing: AtomicBool,
    /// When the next renewal may be tried.
    next_renewal: Mutex<Timestamp>,
}

impl Context {
    /// What a server for these profiles hands out, asked for as `request` says.
    pub(in crate::commands) fn serving(&self, request: &Request, profiles: &[String]) -> Fetch {
        self.cache.remember();
        let places = profiles.iter().map(|name| (name.clone(), Place::default()));
        let serving = Arc::new(Serving {
            ui: Arc::clone(&self.ui),
            silent: Arc::new(Ui::silent()),
            settings: self.settings.clone(),
            cache: Arc::clone(&self.cache),
            request: request.again(),
            places: places.collect(),
            told: Mutex::default(),
        });
        Arc::new(move |profile| serving.credentials(profile))
    }

    /// A context for one request of a server's.
    fn of(serving: &Serving) -> Self {
        let (ui, cache) = (Arc::clone(&serving.silent), Arc::clone(&serving.cache));
        Self {
            serving: true,
            ..Self::over(serving.settings.clone(), ui, cache)
        }
    }

    /// Warns of credentials that AWS clients would take before they ask a server: a container's are the
    /// last but one in their order, behind those of the configuration's `default`.
    pub(in crate::commands) fn warn_of_stronger_credentials(&self) -> Result<(), Error> {
        let mut names = self.config()?.profile_names();
        if !names.any(|name| name == DEFAULT) {
            return Ok(());
        }
        // One with a mistake in it is a mistake for the clients as well.
        let Ok(chain) = self.chain(DEFAULT) else {
            return Ok(());
        };
        let theirs = match &chain.source {
            Source::None => false,
            Source::AccessKey(key) => key.place != KeyPlace::Keystore,
            _ => true,
        };
        if theirs {
            self.ui.warn(
                "the configuration's profile `default` has credentials, and AWS clients take those \
                 before they ask a server: rename it, or use `vault exec` without `--server`",
            );
        }
        Ok(())
    }
}

/// The profile of those who name none.
const DEFAULT: &str = "default";

impl Obtained {
    /// Whether a server can hand them out: the SDKs want a session token, and to know when they end.
    pub(in crate::commands) fn check_served(&self) -> Result<(), Error> {
        let credentials = &self.credentials;
        let missing = match (&credentials.session_token, credentials.expires_at) {
            (Some(_), Some(_)) => return Ok(()),
            (None, _) => "they have no session token, which AWS clients want from a server",
            (_, None) => "they do not say when they end, which AWS clients want from a server",
        };
        let name = &self.profile.name;
        let message = format!("the credentials of profile `{name}` cannot be served");
        let error = Error::new(Kind::Failed, message).caused_by(missing);
        Err(error
            .hint("use `vault exec` without `--server` and, for a long-lived key, `--no-session`"))
    }
}

impl Serving {
    /// What is there, or is got now: of those who ask at once one gets it, and the others hear what it
    /// came to. What nears its end is handed out still, and renewed apart: an SDK waits for one or two
    /// seconds only.
    fn credentials(self: &Arc<Self>, profile: &str) -> Result<Credentials, Refused> {
        let place = &self.places[profile];
        let seen = place.ended.load(Ordering::SeqCst);
        let credentials = {
            let mut last = lock(&place.refused);
            let meanwhile = place.ended.load(Ordering::SeqCst) != seen;
            if let Some(refused) = last.as_ref().filter(|_| meanwhile) {
                return Err(refused.clone());
            }
            let (got, _) = self.obtain(profile, Reader::Command);
            let got = got.map_err(|error| self.refuse(profile, &error));
            *last = got.as_ref().err().cloned();
            place.ended.fetch_add(1, Ordering::SeqCst);
            got?
        };
        if credentials.last(CLIENT_WINDOW, Context::now()) {
            lock(&self.told).remove(profile);
        } else {
            self.renew_apart(profile);
        }
        Ok(credentials)
    }

    /// The credentials; and why they are not new, where they should be.
    fn obtain(&self, profile: &str, reader: Reader) -> (Result<Credentials, Error>, Option<Error>) {
        let context = Context::of(self);
        let request = self.request.clone();
        let obtained = request.obtain(&context, profile, reader);
        let checked = obtained.and_then(|obtained| {
            obtained.check_served()?;
            Ok(obtained.credentials)
        });
        (checked, context.not_renewed.take())
    }

    fn renew_apart(self: &Arc<Self>, profile: &str) {
        let place = &self.places[profile];
        let early = Context::now() < *lock(&place.next_renewal);
        if early || place.renewing.swap(true, Ordering::SeqCst) {
            return;
        }
        let (serving, profile) = (Arc::clone(self), profile.to_owned());
        let renewal = Renewal { serving, profile };
        let name = std::thread::Builder::new().name("renewal".to_owned());
        // Without a thread the next request tries again.
        let _ = name.spawn(move || renewal.serving.renew(&renewal.profile));
    }

    fn renew(&self, profile: &str) {
        let place = &self.places[profile];
        let mut pause = RENEWAL_PAUSE;
        match self.obtain(profile, Reader::Client) {
            (Ok(new), None) => {
                lock(&self.told).remove(profile);
                // Where none last for long, new ones would soon be where these are.
                let left = new.expires_at.map(|end| end.duration_since(Context::now()));
                pause = pause.max(left.unwrap_or_default() / 2);
            }
            (Ok(old), Some(error)) => {
                let left = old.expires_at.map(|end| end.duration_since(Context::now()));
                let minutes = left.map_or(0, |left| left.as_mins());
                let (why, _) = reason(&error);
                let line = format!(
                    "the credentials of profile `{profile}` end in {minutes} min and cannot be renewed: \
                     {why}"
                );
                self.tell(profile, &why, &line);
            }
            (Err(error), _) => drop(self.refuse(profile, &error)),
        }
        *lock(&place.next_renewal) = Context::now() + pause;
    }

    fn refuse(&self, profile: &str, error: &Error) -> Refused {
        let (why, by_person) = reason(error);
        let message = format!("no credentials for profile `{profile}`: {why}");
        self.tell(profile, &why, &message);
        Refused { by_person, message }
    }

    /// One line, until it is no longer true; one for all profiles with the same reason.
    fn tell(&self, profile: &str, why: &str, line: &str) {
        let mut told = lock(&self.told);
        if !told.values().any(|known| known == why) {
            self.ui.warn(line);
        }
        told.insert(profile.to_owned(), why.to_owned());
    }
}

/// A renewal that goes on. However it ends, and where it never begins, another may be tried.
struct Renewal {
    serving: Arc<Serving>,
    profile: String,
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let place = &self.serving.places[&self.profile];
        place.renewing.store(false, Ordering::SeqCst);
    }
}

/// Why there are none, in one line, with what to do; and whether only a person can do it.
fn reason(error: &Error) -> (String, bool) {
    let mut why = match error.causes() {
        [] => error.message().to_owned(),
        causes => causes.join(": "),
    };
    for hint in error.hints() {
        why.push_str("; ");
        why.push_str(hint);
    }
    (why, error.kind() == Kind::SignInRequired)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
