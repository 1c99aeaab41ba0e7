//! Where credentials come from. A source fetches and says what went wrong; it keeps nothing, and it
//! talks to nobody but its server.

pub mod ambient;
pub mod eks;
pub mod federation;
pub mod iam;
pub mod login;
mod pace;
pub mod plain;
pub mod probe;
pub mod process;
pub mod program;
pub mod sso;
pub mod sts;
pub mod transport;
pub mod web_identity;

use std::path::PathBuf;

/// Why a source gave nothing; the variants are what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// 401: the server does not accept the access token, whatever its expiry says.
    #[error("the sign-in is no longer accepted")]
    TokenRejected,
    /// The client registration is dead: make another.
    #[error("the client registration is no longer accepted")]
    RegistrationRejected,
    /// The refresh token is dead: a person must sign in.
    #[error("the sign-in has ended")]
    RefreshRejected,
    /// The person said no in the browser.
    #[error("the request was refused in the browser")]
    Refused,
    /// Nobody confirmed the code in time.
    #[error("the code was not confirmed in time")]
    CodeExpired,
    /// No browser came back with the person's answer in time.
    #[error("nobody allowed it in the browser in time")]
    NobodyCame,
    /// There is nothing that a browser could come back to.
    #[error("cannot listen on 127.0.0.1 for the browser")]
    Listener(#[source] std::io::Error),
    /// 403: no such right.
    #[error("the server refuses access ({0})")]
    Forbidden(String),
    /// AWS does not know the access key, or it is not active.
    #[error("the access key is not accepted ({0})")]
    KeyRejected(String),
    /// The code of an MFA device is not the one that is right now.
    #[error("the code is not accepted ({0})")]
    CodeRejected(String),
    /// The server asks for patience, and went on asking.
    #[error("{0} is throttled by the server")]
    Throttled(&'static str),
    /// The server has trouble of its own, and went on having it.
    #[error("{server} cannot answer {operation} (HTTP {status})")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// Whom.
        server: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server could not be reached.
    #[error("cannot reach {server} for {operation}: {cause}")]
    Unreachable {
        /// What was asked.
        operation: &'static str,
        /// Whom.
        server: String,
        /// The system's word for it.
        cause: String,
    },
    /// The server did not answer in time.
    #[error("{server} did not answer {operation} in time")]
    TimedOut {
        /// What was asked.
        operation: &'static str,
        /// Whom.
        server: String,
    },
    /// Something other than AWS answered: a web page.
    #[error("{server} answered {operation} with a web page (HTTP {status})")]
    NotAws {
        /// What was asked.
        operation: &'static str,
        /// Whom.
        server: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server answered something that makes no sense.
    #[error("{server} gave an answer to {operation} that makes no sense: {what}")]
    Nonsense {
        /// What was asked.
        operation: &'static str,
        /// Whom.
        server: String,
        /// What is wrong with it.
        what: String,
    },
    /// The server's own error.
    #[error("{operation} failed: {code}{}", detail(.message))]
    Service {
        /// What was asked.
        operation: &'static str,
        /// AWS's name for the error.
        code: String,
        /// AWS's words, where there are any.
        message: String,
    },
    /// The certificate authorities can't be used.
    #[error("`{}` holds no usable certificates: {what}", .path.display())]
    CaBundle {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The proxy, the runtime: what has to be there before anything is sent.
    #[error("cannot set up the connection: {0}")]
    Setup(String),
}

impl SourceError {
    /// Whether it may be over by the next try.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Unavailable { .. }
                | Self::Throttled(_)
        )
    }
}

fn detail(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}
