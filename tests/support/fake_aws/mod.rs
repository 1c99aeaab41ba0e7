//! A fake AWS: one HTTP server that is IAM Identity Center (sign-in and portal), STS, IAM
//! for a user's own keys, S3's list of buckets, the console's federation endpoint, and an instance's and a container's
//! credentials at once. It keeps real state and rejects what AWS
//! would reject, so that a client which passes here has a chance there; the AWS CLI and boto3
//! signing in to it (`tests/cli/fake_aws.rs`) keep it honest.
//!
//! It is configured by values, what it wants and what it answers ([`Behaviour`]); it remembers
//! every request, and every secret that it handed out.

mod behaviour;
mod console;
mod encoding;
mod faults;
mod http;
mod iam;
mod machine;
mod oidc;
mod operation;
mod pages;
mod portal;
mod s3;
mod signin;
mod sigv4;
mod state;
mod sts;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use behaviour::{Account, AssumableRole, Behaviour, RefreshAnswer, Visit};
pub use faults::Fault;
pub use http::Recorded;
pub use signin::KeyForm;
pub use state::UserKey;
use state::{Decision, State};

/// The running fake. Clones are the same server; it ends with the last of them.
#[derive(Clone)]
pub struct FakeAws {
    url: String,
    state: Arc<Mutex<State>>,
    _server: Arc<http::Server>,
}

impl FakeAws {
    /// Starts on a free port of the loopback interface.
    pub fn start() -> Self {
        Self::start_on(0)
    }

    /// Starts on a port of one's choice; 0 is a free one.
    pub fn start_on(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("bind the fake AWS");
        let address = listener.local_addr().expect("the fake's address");
        let url = format!("http://{address}");
        let state = Arc::new(Mutex::new(State::new(&url)));
        let server = Arc::new(http::Server::start(listener, Arc::clone(&state)));
        Self {
            url,
            state,
            _server: server,
        }
    }

    /// The base URL, for every `AWS_ENDPOINT_URL_*`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes what the fake wants and answers, from now on.
    pub fn configure(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.lock().behaviour);
    }

    /// The next `times` requests of an operation (`"*"`: of any) meet a fault.
    pub fn fault(&self, operation: &str, fault: Fault, times: usize) {
        operation::check(operation);
        self.lock().faults.plan(operation, fault, times);
    }

    /// Every request of an operation so far, oldest first.
    pub fn requests(&self, operation: &str) -> Vec<Recorded> {
        operation::check(operation);
        let state = self.lock();
        let of_it = state.recorded.iter();
        of_it
            .filter(|r| r.operation == operation)
            .cloned()
            .collect()
    }

    /// How many requests of an operation came.
    pub fn count(&self, operation: &str) -> usize {
        self.requests(operation).len()
    }

    /// How many requests came at all.
    pub fn total(&self) -> usize {
        self.lock().recorded.len()
    }

    /// Every secret that was ever handed out.
    pub fn secrets(&self) -> Vec<String> {
        self.lock().secrets().to_vec()
    }

    /// What a person does on the verification page: allow.
    pub fn approve(&self, user_code: &str) {
        self.decide(user_code, Decision::Allowed);
    }

    /// What a person does on the verification page: deny.
    pub fn deny(&self, user_code: &str) {
        self.decide(user_code, Decision::Denied);
    }

    /// Device codes are allowed once they were polled `polls` times.
    pub fn approve_all_after(&self, polls: u32) {
        self.configure(|behaviour| behaviour.approve_after_polls = Some(polls));
    }

    /// The user codes that nobody has decided on.
    pub fn pending_user_codes(&self) -> Vec<String> {
        self.lock().pending_user_codes()
    }

    /// Every client registration dies: `invalid_client` from now on.
    pub fn forget_registrations(&self) {
        self.lock().registrations.clear();
    }

    /// Every access token dies, whatever its expiry says.
    pub fn revoke_access_tokens(&self) {
        self.lock().access_tokens.clear();
    }

    /// Every refresh token dies.
    pub fn revoke_refresh_tokens(&self) {
        self.lock().refresh_tokens.clear();
    }

    /// What `aws login` leaves for the user of an ARN: the text of its file, with credentials that have
    /// `left` to live.
    pub fn login_session(&self, arn: &str, left: std::time::Duration, form: KeyForm) -> String {
        signin::begin(&mut self.lock(), arn, left, form)
    }

    /// No session of `aws login` can be renewed any more.
    pub fn end_logins(&self) {
        self.lock().logins.clear();
    }

    /// A long-lived key of an IAM user.
    pub fn add_user_key(&self, account_id: &str, user_name: &str) -> UserKey {
        self.lock().add_user_key(account_id, user_name)
    }

    /// The ids of a user's long-lived keys.
    pub fn user_keys(&self, account_id: &str, user_name: &str) -> Vec<String> {
        self.lock().keys_of(account_id, user_name)
    }

    /// Somebody makes a key inactive, in the console.
    pub fn deactivate_key(&self, id: &str) {
        if let Some(key) = self.lock().keys.get_mut(id) {
            key.active = false;
        }
    }

    /// Somebody deletes a key, in the console.
    pub fn delete_key(&self, id: &str) {
        let deleted = self.lock().keys.remove(id);
        assert!(deleted.is_some(), "there is no key {id}");
    }

    /// A secret that the fake makes up and never hands out, for the test to give it a meaning
    /// (a web identity token, say). It is searched for like any other.
    pub fn make_secret(&self, prefix: &str, length: usize) -> String {
        self.lock().mint(prefix, length)
    }

    fn decide(&self, user_code: &str, decision: Decision) {
        let known = self.lock().decide(user_code, decision);
        assert!(known, "the fake AWS gave out no user code {user_code}");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has failed its own request; the rest can be looked at.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
