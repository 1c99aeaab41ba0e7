//! Faults on demand: what a network and a service in trouble do to a client.

use std::time::Duration;

use super::http::Answer;

/// One kind of trouble.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An answer of that status, with a body as the service would send it. The state is untouched.
    Status(u16),
    /// The service's own way to say "too many requests".
    Throttle,
    /// The request is taken and never answered.
    Hang,
    /// The right answer, late.
    Slow(Duration),
    /// The right answer, found at once and sent late: what happens meanwhile has no part in it.
    Late(Duration),
    /// The connection closes before a byte of the answer.
    Close,
    /// The connection closes in the middle of the right answer.
    CutShort,
    /// 200 with the HTML page of a network that wants a log-in.
    CaptivePage,
    /// 302 to such a page.
    CaptiveRedirect,
    /// 200 with something that begins like JSON.
    Garbage,
    /// 200 with nothing.
    Empty,
    /// That status with that JSON, whatever was asked.
    Json(u16, String),
    /// The same, called a web page.
    JsonAsPage(u16, String),
}

/// What is to come.
#[derive(Default)]
pub struct Faults(Vec<Planned>);

struct Planned {
    operation: String,
    fault: Fault,
    left: usize,
}

impl Faults {
    /// The next `times` requests of an operation meet a fault.
    pub fn plan(&mut self, operation: &str, fault: Fault, times: usize) {
        self.0.push(Planned {
            operation: operation.to_owned(),
            fault,
            left: times,
        });
    }

    /// The fault that a request meets now, if any.
    pub fn take(&mut self, operation: &str) -> Option<Fault> {
        let due = |p: &&mut Planned| p.left > 0 && (p.operation == operation || p.operation == "*");
        let planned = self.0.iter_mut().find(due)?;
        planned.left -= 1;
        Some(planned.fault.clone())
    }
}

impl Fault {
    /// The answer that stands in for the right one; `None` where the right one is still needed.
    pub fn answer(&self, operation: &str, base_url: &str) -> Option<Answer> {
        match self {
            Self::Status(status) => Some(in_trouble(operation, *status)),
            Self::Throttle => Some(throttled(operation)),
            Self::CaptivePage => Some(Answer::html(200, CAPTIVE_PAGE)),
            Self::CaptiveRedirect => Some(Answer::redirect(&format!("{base_url}/captive"))),
            Self::Garbage => Some(Answer::new(
                200,
                "application/json",
                "{\"accessToken\": \"gar",
            )),
            Self::Empty => Some(Answer::new(200, "application/json", "")),
            Self::Json(status, body) => Some(Answer::new(*status, "application/json", body)),
            Self::JsonAsPage(status, body) => Some(Answer::html(*status, body)),
            Self::Hang | Self::Slow(_) | Self::Late(_) | Self::Close | Self::CutShort => None,
        }
    }
}

/// The page of a network that wants a log-in.
pub const CAPTIVE_PAGE: &str = "<!DOCTYPE html><title>Free WiFi</title><h1>Please sign in to the \
    hotel's network</h1>";

/// Whether an operation speaks XML.
fn speaks_xml(operation: &str) -> bool {
    super::operation::XML.contains(&operation)
}

fn in_trouble(operation: &str, status: u16) -> Answer {
    let (code, text) = match status {
        429 => return throttled(operation),
        503 => ("ServiceUnavailable", "the fake is out of order"),
        _ => ("InternalServerException", "the fake has an internal error"),
    };
    if speaks_xml(operation) {
        super::sts::error(status, code, text)
    } else {
        Answer::aws_error(status, code, text)
    }
}

fn throttled(operation: &str) -> Answer {
    match operation {
        "ListBuckets" => super::s3::error(503, "SlowDown", "Please reduce your request rate."),
        _ if speaks_xml(operation) => super::sts::error(400, "Throttling", "Rate exceeded"),
        _ => Answer::aws_error(429, "TooManyRequestsException", "HTTP 429 Unknown Code"),
    }
}
