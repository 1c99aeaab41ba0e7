//! The browser: which command opens a page, and why a sign-in may do without.

use std::ffi::OsString;

use super::{Check, Finding, Setup};
use crate::browser::{self, Elsewhere};
use crate::deliver::child::Command;
use crate::settings::LoginFlow;

pub(super) fn check(setup: &Setup<'_>) -> Vec<Finding> {
    let settings = setup.context.settings();
    let chosen = match browser::chosen(None, settings.browser.clone()) {
        Ok(chosen) => chosen,
        Err(error) => {
            return vec![Finding::failed(Check::Browser, error).hint("write it in UTF-8")];
        }
    };
    let mut findings = Vec::new();
    match browser::programs(chosen.as_ref()) {
        Err(error) => findings.push(
            Finding::failed(Check::Browser, error)
                .hint("see AWS_VAULT_BROWSER, `browser` in config.toml, and BROWSER"),
        ),
        Ok(programs) => {
            let there =
                |program: &&String| Command::find(OsString::from(program), Vec::new()).is_ok();
            match programs.iter().find(there) {
                Some(program) => {
                    let text = format!("`{program}` opens pages");
                    findings.push(Finding::ok(Check::Browser, text));
                }
                None if chosen.is_some() => {
                    let text = format!("there is no browser command `{}`", programs.join("`, `"));
                    findings.push(
                        Finding::wrong(Check::Browser, text)
                            .hint("mend AWS_VAULT_BROWSER, `browser` in config.toml, or BROWSER"),
                    );
                }
                None if programs.is_empty() => {}
                None => {
                    let text = format!("none of `{}` is here to open pages", programs.join("`, `"));
                    findings.push(
                        Finding::note(Check::Browser, text).hint(
                            "name one in AWS_VAULT_BROWSER; until then a sign-in shows a code",
                        ),
                    );
                }
            }
        }
    }
    findings.push(flow(
        settings.login_flow,
        browser::elsewhere(chosen.as_ref()),
    ));
    findings
}

/// How a sign-in goes, and why.
fn flow(flow: LoginFlow, elsewhere: Option<Elsewhere>) -> Finding {
    let why = match elsewhere {
        None => None,
        Some(Elsewhere::Ssh) => Some("you came over SSH"),
        Some(Elsewhere::Container) => Some("this is a container"),
        Some(Elsewhere::NoScreen) => Some("there is no screen here"),
    };
    let ok = |text: String| Finding::ok(Check::Browser, text);
    match (flow, why) {
        (LoginFlow::DeviceCode, _) => ok("a sign-in shows a code, as the settings say".to_owned()),
        (LoginFlow::Auto, Some(why)) => ok(format!(
            "a sign-in shows a code for a browser anywhere: {why}"
        )),
        (_, None) => ok("a sign-in comes back from the browser by itself".to_owned()),
        (LoginFlow::AuthorizationCode, Some(why)) => Finding::note(
            Check::Browser,
            format!(
                "a sign-in waits for a browser on this machine, as the settings say, but {why}"
            ),
        )
        .hint("`flow = \"auto\"` shows a code where that is so"),
    }
}
