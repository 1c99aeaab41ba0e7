//! The pages that a browser on this machine is shown: small, self-contained, readable in light and dark,
//! without script. What they say is the affair of whoever shows them.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::Answer;

/// A browser on this machine takes its page at once.
pub const PAGE_LIMIT: Duration = Duration::from_secs(2);

/// How what a page says is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As news.
    Plain,
    /// It worked.
    Good,
    /// It did not.
    Bad,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2430;--dim:#5a6474;--paper:#f6f7f9;--card:#fff;--edge:#d9dde4}\
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf0;--dim:#a2acbb;--paper:#14171c;--card:#1e232b;--edge:#363d49}}\
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{box-sizing:border-box;max-width:34rem;margin:14vh auto 0;padding:1.5rem 2rem;background:var(--card);\
border:1px solid var(--edge);border-top:.3rem solid #8a94a6;border-radius:.5rem;overflow-wrap:anywhere}\
.good{border-top-color:#2e9e5b}.bad{border-top-color:#d24b4b}\
h1{font-size:1.35rem;margin:0 0 .75rem}p{margin:.5rem 0}.dim{color:var(--dim)}";

/// A page; `title` and `body` are HTML.
pub fn page(status: StatusCode, tone: Tone, title: &str, body: &str) -> Answer {
    let class = match tone {
        Tone::Plain => "",
        Tone::Good => "good",
        Tone::Bad => "bad",
    };
    let html = format!(
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>{title}</title>\
         <link rel=icon href=\"data:,\"><style>{STYLE}</style></head>\
         <body><main class=\"{class}\"><h1>{title}</h1>{body}</main></body></html>\n"
    );
    // Nothing is loaded, run, sent or framed; the one style is known by its hash.
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, &policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in headers {
        let value = value.parse().expect("letters of a header");
        response.headers_mut().insert(name, value);
    }
    response
}

/// Text within HTML, without what would turn its direction or end its line.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_text_and_never_markup() {
        let hostile = "<script>alert('1')</script>\u{202e}\" onload=\"x\n&amp;";
        let escaped = escape(hostile);
        assert_eq!(
            escaped,
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot; onload=&quot;x &amp;amp;"
        );
    }
}
