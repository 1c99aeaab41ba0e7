//! The page of an access portal, which says in which region its Identity Center is: in a `meta` element,
//! as Granted found (<https://github.com/fwdcloudsec/granted/pull/413>). AWS documents none of it, so
//! that whatever else the page is, or is not, it is a question more and no error.

use std::time::Duration;

use crate::source::plain::Plain;
use crate::source::transport::Transport;

/// A server that is there answers the handshake in this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// A person waits, who can answer the question in as many seconds.
const LIMIT: Duration = Duration::from_secs(5);

/// The region that the page of a start URL names, as it names it.
pub fn region(transport: &Transport, start_url: &str) -> Option<String> {
    // Without the `/` it is a redirect to it.
    let url = format!("{}/", start_url.trim_end_matches('/'));
    let page = Plain {
        operation: "the access portal's page",
        server: start_url,
        method: "GET",
        url: &url,
        headers: &[],
        form: None,
        through_proxy: true,
        connect: CONNECT_LIMIT,
        limit: LIMIT,
    };
    let answer = page
        .send(transport)
        .inspect_err(|error| tracing::info!(%error, "the portal does not say its region"))
        .ok()?;
    let region = named(&String::from_utf8_lossy(answer.body.expose()));
    tracing::info!(status = answer.status, ?region, "the portal's page");
    region.filter(|_| answer.status == 200)
}

/// The content of `<meta name="region" content="…">`.
fn named(html: &str) -> Option<String> {
    let elements = html.split("<meta").skip(1);
    let mut elements = elements.filter_map(|rest| rest.split('>').next());
    elements.find_map(|element| {
        (attribute(element, "name")? == "region").then(|| attribute(element, "content"))?
    })
}

fn attribute(element: &str, name: &str) -> Option<String> {
    let (_, rest) = element.split_once(&format!(" {name}="))?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split(quote).next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_where_it_stands_and_nowhere_else() {
        let table = [
            (
                r#"<meta charset="utf-8"><meta name="region" content="eu-west-1"/>"#,
                Some("eu-west-1"),
            ),
            (
                "<meta content='us-east-2' name='region' >",
                Some("us-east-2"),
            ),
            (r#"<meta name="geo.region" content="DE">"#, None),
            (r#"<meta name="region">"#, None),
            (r#"<meta name=region content=x"#, None),
            (r#"<p name="region" content="x">"#, None),
            ("", None),
        ];
        for (html, expected) in table {
            assert_eq!(named(html).as_deref(), expected, "{html}");
        }
    }
}
