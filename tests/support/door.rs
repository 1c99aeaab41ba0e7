//! A program that asks vault's server for credentials by hand: whatever it likes to send, and what comes
//! back.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than vault takes to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Where a server is, and what it wants to see.
#[derive(Clone, Debug)]
pub struct Door {
    /// `127.0.0.1:PORT`
    pub host: String,
    /// Of one profile.
    pub path: String,
    /// What goes into `Authorization`.
    pub token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Door {
    /// As a program finds it in its environment.
    #[track_caller]
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let uri = &variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
        let rest = uri.strip_prefix("http://").expect("a plain URL");
        let (host, path) = rest.split_once('/').expect("a path");
        Self {
            host: host.to_owned(),
            path: format!("/{path}"),
            token: variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"].clone(),
        }
    }

    /// Sends a request's head, as it is; `None` where no answer comes.
    pub fn send(&self, head: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(&self.host).ok()?;
        stream.set_read_timeout(Some(LIMIT)).ok()?;
        // The server may close before it has read all of it.
        let _ = stream.write_all(head.as_bytes());
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        })
    }

    /// Sends a request's head: a client that leaves when the stream is dropped.
    #[must_use]
    pub fn knock(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).expect("the server");
        stream.write_all(head.as_bytes()).expect("send");
        stream
    }

    /// Asks as an SDK does, but for what is given.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let answer = self.send(&format!("{head}\r\n"));
        answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// Asks as an SDK does.
    #[track_caller]
    pub fn ask(&self) -> Answer {
        let headers = [
            ("Host", self.host.as_str()),
            ("Accept", "application/json"),
            ("Authorization", &self.token),
        ];
        self.request("GET", &self.path, &headers)
    }

    /// The key id that is handed out now.
    #[track_caller]
    pub fn key_id(&self) -> String {
        let answer = self.ask();
        assert_eq!(answer.status, 200, "{answer:?}");
        let id = answer.json()["AccessKeyId"].as_str().map(str::to_owned);
        id.expect("a key id")
    }
}
