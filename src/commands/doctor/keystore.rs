//! The keystore, tried on a thread of its own: which one it is and why, whether it keeps what it is
//! given, how quickly, and what became of the entries that are listed. One that hangs is left behind.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::{Check, Finding, Setup};
use crate::cache::{Cache, CacheError, Entry, Kept};
use crate::commands::context::{Bench, Opening};
use crate::error::{Error, Kind};
use crate::keystore::{self, Backend, KeystoreError};

/// A keystore that is unlocked answers within milliseconds, one that has to be started within a second
/// or two. A person who runs this waits for nothing else.
const PATIENCE: Duration = Duration::from_secs(5);

/// Every run reads the keystore once: past this a person notices each time.
const SLOW: Duration = Duration::from_secs(1);

/// All entries together: `pass` takes a tenth of a second for each.
const READING: Duration = Duration::from_secs(10);

/// To take entries away: a lock may be held by a run that fetches.
const REMOVING: Duration = Duration::from_secs(30);

/// An entry as it was listed, and what became of it.
pub(super) type Found = (Entry, Kept);

/// What the thread says.
enum Event {
    Opening(Opening),
    /// It is locked; what it would be opened by is a prompt.
    Locked,
    /// It could not be told without asking a person, who may not be asked.
    NotTried,
    Tried(Result<Duration, CacheError>),
    Listed(Result<usize, CacheError>),
    Looked(Entry, Result<Kept, CacheError>),
    Done,
    Removed(Result<usize, CacheError>),
}

/// An examination that goes on.
pub(super) struct Examination {
    asked: Backend,
    events: Receiver<Event>,
    orders: Sender<Vec<Found>>,
}

/// What it came to.
#[derive(Default)]
pub(super) struct Examined {
    pub(super) findings: Vec<Finding>,
    /// The entries that were looked at; `None` where the keystore can't be read.
    pub(super) entries: Option<Vec<Found>>,
    /// How many there are.
    pub(super) listed: usize,
    /// There is no `file` keystore yet.
    none_yet: bool,
}

impl Examined {
    /// Takes in what the thread says; whether it has more to say.
    fn hear(&mut self, event: Event, asked: Backend) -> Result<bool, Error> {
        match event {
            Event::Opening(Opening::NoneYet) => self.none_yet = true,
            Event::Opening(Opening::Done(backend, instead_of)) => {
                self.findings.push(chosen(asked, backend, instead_of));
            }
            Event::Opening(Opening::Asking(_)) | Event::Removed(_) => {}
            Event::Tried(Ok(took)) => self.findings.push(works(took)),
            Event::Listed(Ok(count)) => {
                self.listed = count;
                self.entries = Some(Vec::with_capacity(count));
            }
            Event::Looked(entry, Ok(kept)) => {
                if let Some(entries) = &mut self.entries {
                    entries.push((entry, kept));
                }
            }
            Event::Locked => return Ok(self.ends_with(locked(asked))),
            Event::NotTried => {
                let text = "not tried: gpg might ask for a passphrase, and --no-input was said";
                return Ok(self.ends_with(Finding::note(Check::Keystore, text)));
            }
            Event::Tried(Err(CacheError::Keystore(KeystoreError::Interrupted))) => {
                return Err(Error::new(Kind::Interrupted, "interrupted"));
            }
            Event::Tried(Err(_)) if self.none_yet => {
                let text =
                    "the keystore is not made yet: the first sign-in asks for its passphrase";
                return Ok(self.ends_with(Finding::note(Check::Keystore, text)));
            }
            Event::Tried(Err(error)) | Event::Listed(Err(error)) | Event::Looked(_, Err(error)) => {
                self.entries = None;
                return Ok(self.ends_with(failed(error)));
            }
            Event::Done => return Ok(false),
        }
        Ok(true)
    }

    fn ends_with(&mut self, finding: Finding) -> bool {
        self.findings.push(finding);
        false
    }
}

/// Begins; whoever calls does other things meanwhile.
pub(super) fn begin(setup: &Setup<'_>, backend: Backend) -> Examination {
    let (tell, events) = mpsc::channel();
    let (orders, obey) = mpsc::channel();
    let bench = setup.context.bench();
    let may_ask = !setup.context.ui.no_input();
    thread::spawn(move || work(bench, backend, may_ask, &tell, &obey));
    Examination {
        asked: backend,
        events,
        orders,
    }
}

/// A receiver that is gone is a person who has been told that it hangs.
fn work(
    bench: Bench,
    backend: Backend,
    may_ask: bool,
    tell: &Sender<Event>,
    obey: &Receiver<Vec<Found>>,
) {
    let say = |event| drop(tell.send(event));
    if matches!(backend, Backend::Auto | Backend::Os) && keystore::is_locked() == Some(true) {
        return say(Event::Locked);
    }
    // `gpg` asks by a program of its own.
    if backend == Backend::Pass && !may_ask {
        return say(Event::NotTried);
    }
    let telling = tell.clone();
    let cache = bench.cache(backend, move |opening| {
        drop(telling.send(Event::Opening(opening)));
    });
    let tried = cache.try_out();
    let works = tried.is_ok();
    say(Event::Tried(tried));
    if !works {
        return;
    }
    match cache.entries_here() {
        Ok(entries) => {
            say(Event::Listed(Ok(entries.len())));
            for entry in entries {
                let kept = cache.examine(&entry.key);
                let failed = kept.is_err();
                say(Event::Looked(entry, kept));
                if failed {
                    return;
                }
            }
        }
        Err(error) => say(Event::Listed(Err(error))),
    }
    say(Event::Done);
    while let Ok(found) = obey.recv() {
        say(Event::Removed(remove(&cache, &found)));
    }
}

/// A question may have stood open for hours: what was renewed meanwhile stays.
fn remove(cache: &Cache, found: &[Found]) -> Result<usize, CacheError> {
    let mut removed = 0;
    for (entry, kept) in found {
        if cache.delete_as_found(entry, *kept, PATIENCE)? {
            removed += 1;
        }
    }
    Ok(removed)
}

impl Examination {
    /// Waits for what it comes to, but not for ever.
    ///
    /// # Errors
    ///
    /// The person who was asked for the passphrase left.
    pub(super) fn result(&self) -> Result<Examined, Error> {
        let mut examined = Examined::default();
        let mut reading = None;
        loop {
            let event = match self.next(PATIENCE) {
                Ok(event) => event,
                Err(RecvTimeoutError::Disconnected) => return Ok(examined),
                Err(RecvTimeoutError::Timeout) => {
                    examined.findings.push(hangs(self.asked));
                    return Ok(examined);
                }
            };
            if matches!(event, Event::Listed(_)) {
                reading = Some(Instant::now());
            }
            let goes_on = examined.hear(event, self.asked)?;
            if !goes_on || reading.is_some_and(|begun| begun.elapsed() > READING) {
                return Ok(examined);
            }
        }
    }

    /// The next thing that is said; while a person types, the clock stands still.
    fn next(&self, patience: Duration) -> Result<Event, RecvTimeoutError> {
        let event = self.events.recv_timeout(patience)?;
        if !matches!(event, Event::Opening(Opening::Asking(true))) {
            return Ok(event);
        }
        self.events
            .recv()
            .map_err(|_| RecvTimeoutError::Disconnected)
    }

    /// Takes entries away that are still as they were found; how many.
    ///
    /// # Errors
    ///
    /// The keystore's.
    pub(super) fn remove(&self, found: Vec<Found>) -> Result<usize, Error> {
        let gone = || Error::new(Kind::Failed, "the keystore does not answer any more");
        self.orders.send(found).map_err(|_| gone())?;
        loop {
            // What was said before is of no interest now.
            if let Event::Removed(removed) = self.next(REMOVING).map_err(|_| gone())? {
                return Ok(removed?);
            }
        }
    }
}

/// Which keystore it is, and why, where there was a choice.
fn chosen(asked: Backend, backend: Backend, instead_of: Option<KeystoreError>) -> Finding {
    let text = match (asked, instead_of) {
        (Backend::Auto, Some(why)) => format!("`auto` takes `{backend}`: {why}"),
        (Backend::Auto, None) => format!("`auto` takes `{backend}`: it is there and answers"),
        (named, _) => format!("`{named}`, as was asked for"),
    };
    Finding::ok(Check::Keystore, text)
}

fn works(took: Duration) -> Finding {
    let text = format!(
        "it keeps, gives back and forgets a trial entry ({} ms to read)",
        took.as_millis()
    );
    if took < SLOW {
        return Finding::ok(Check::Keystore, text);
    }
    Finding::wrong(Check::Keystore, format!("it is slow: {text}"))
        .hint("every run reads it once: see what it waits for, or use another with `--backend`")
}

fn locked(asked: Backend) -> Finding {
    let text = format!("`{asked}` leads to the operating system's keystore, and that is locked");
    Finding::wrong(Check::Keystore, text).hint("unlock it, or use another with `--backend file`")
}

fn hangs(asked: Backend) -> Finding {
    let text = format!(
        "`{asked}` did not answer within {} s: it hangs, or waits for somebody to unlock it",
        PATIENCE.as_secs()
    );
    Finding::wrong(Check::Keystore, text).hint(
        "see whether a prompt is open somewhere; else end the keystore's program, or use another with \
         `--backend file`",
    )
}

fn failed(error: CacheError) -> Finding {
    let found = Finding::failed(Check::Keystore, error);
    match found.has_hint() {
        true => found,
        false => found.hint("see what it says, or use another with `--backend`"),
    }
}
