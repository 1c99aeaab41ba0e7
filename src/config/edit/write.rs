//! The edits themselves: a key set or removed, a section added or removed.
//!
//! Each looks at its own result as a reader would: what does not read back as it was meant is not
//! written.

use super::{Part, Refusal, Sections, found, indent};
use crate::config::parse::{Kind, Line, Span, is_space, parse};
use crate::config::section::{Dialect, SectionKind, identify};
use crate::credentials::Secret;

impl Sections {
    /// Sets a key: its value where it stands, else on a new line behind the section's last key, in a
    /// section that is added where it is missing.
    ///
    /// # Errors
    ///
    /// Nothing is changed by one: see [`Refusal`].
    pub fn set(
        &mut self,
        kind: SectionKind,
        name: &str,
        key: &str,
        value: &str,
    ) -> Result<(), Refusal> {
        check(key, value)?;
        let Some(at) = self.only(kind, name)? else {
            return self.add(kind, name, &[(key, value)]);
        };
        let part = &self.parts[at];
        let lines = part.lines();
        let text = part.text.expose();
        let same = |line: &Line| matches!(line.kind, Kind::Property { key: k, .. } if k.of(text).eq_ignore_ascii_case(key));
        let mut places = found(&lines).into_iter().filter(|f| same(&lines[f.at]));
        let new = match (places.next(), places.next()) {
            (None, _) => self.appended(at, &lines, key, value),
            (Some(place), None) => {
                let nested = part.get(key).is_some_and(|old| old.starts_with('\n'));
                if nested {
                    let what = format!("`{key}` has settings of its own under it");
                    return Err(self.ambiguous(at, place.at, what));
                }
                replaced(text, &lines, place.at, place.end, value)
            }
            (Some(_), Some(second)) => {
                let what = format!("the key `{key}` is in this section for the second time");
                return Err(self.ambiguous(at, second.at, what));
            }
        };
        self.put(at, new, key, Some(value))
    }

    /// Removes a key with all lines of its value; whether it was there.
    ///
    /// # Errors
    ///
    /// Nothing is changed by one: see [`Refusal`].
    pub fn remove(&mut self, kind: SectionKind, name: &str, key: &str) -> Result<bool, Refusal> {
        let Some(at) = self.only(kind, name)? else {
            return Ok(false);
        };
        let part = &self.parts[at];
        let lines = part.lines();
        let text = part.text.expose();
        let same = |line: &Line| matches!(line.kind, Kind::Property { key: k, .. } if k.of(text).eq_ignore_ascii_case(key));
        let places: Vec<_> = found(&lines)
            .into_iter()
            .filter(|f| same(&lines[f.at]))
            .collect();
        let mut new = String::with_capacity(text.len());
        for (nth, line) in lines.iter().enumerate() {
            let inside = places.iter().any(|f| (f.at..f.end).contains(&nth));
            // A comment between the lines of a value is no part of it.
            if !inside || matches!(line.kind, Kind::Comment) {
                new.push_str(line.span.of(text));
            }
        }
        if places.is_empty() {
            return Ok(false);
        }
        self.put(at, new, key, None)?;
        Ok(true)
    }

    /// Adds a section behind all others, with its keys.
    ///
    /// # Errors
    ///
    /// Nothing is changed by one: see [`Refusal`].
    pub fn add(
        &mut self,
        kind: SectionKind,
        name: &str,
        keys: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        let header = self.header(kind, name)?;
        for (key, value) in keys {
            check(key, value)?;
        }
        let end = self.end;
        let mut text = format!("[{header}]");
        for (key, value) in keys {
            text.push_str(&format!("{end}{key} = {value}"));
        }
        let mut parts = self.parts.iter_mut();
        let last = parts.rfind(|part| !part.text.expose().is_empty());
        let ended = |text: &str| text.ends_with(['\n', '\r']);
        // A file without an end to its last line keeps that custom.
        if last.as_ref().is_none_or(|last| ended(last.text.expose())) {
            text.push_str(end);
        }
        if let Some(last) = last {
            let mut before = last.text.expose().clone();
            if !ended(&before) {
                before.push_str(end);
            }
            if last_line(&before).chars().any(|c| !is_space(c)) {
                before.push_str(end);
            }
            last.text = Secret::new(before);
        }
        self.parts.push(Part {
            section: Some((kind, name.to_owned())),
            header,
            text: Secret::new(text),
        });
        Ok(())
    }

    /// Removes a section, however often it is written; whether it was there. Comments behind it that
    /// an empty line parts from its keys stay: they are the next one's.
    pub fn remove_section(&mut self, kind: SectionKind, name: &str) -> bool {
        let mut removed = false;
        for part in &mut self.parts {
            if !part.is(kind, name) {
                continue;
            }
            removed = true;
            let lines = part.lines();
            let blank = |line: &Line| matches!(line.kind, Kind::Blank);
            let own = lines
                .iter()
                .rposition(|line| !matches!(line.kind, Kind::Blank | Kind::Comment))
                .map_or(0, |last| last + 1);
            let gap = lines[own..].iter().position(blank);
            let gap = gap.map_or(lines.len(), |gap| own + gap);
            let rest = lines[gap..].iter().position(|line| !blank(line));
            let rest = rest.map_or(lines.len(), |rest| gap + rest);
            let text = part.text.expose();
            let kept = lines
                .get(rest)
                .map_or(text.len(), |l| l.span.start as usize);
            part.text = Secret::new(text[kept..].to_owned());
            part.section = None;
        }
        removed
    }

    /// The header of a section, as it reads back.
    fn header(&self, kind: SectionKind, name: &str) -> Result<String, Refusal> {
        let word = match (self.dialect, kind) {
            (Dialect::Credentials, _) | (_, SectionKind::Other | SectionKind::Defaults) => "",
            (_, SectionKind::Profile) if name == "default" => "",
            (_, SectionKind::Profile) => "profile ",
            (_, SectionKind::SsoSession) => "sso-session ",
            (_, SectionKind::Services) => "services ",
        };
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let written = [format!("{word}{name}"), format!("{word}\"{quoted}\"")];
        let reads_back = |header: &&String| {
            let text = format!("[{header}]");
            let found = parse(&text);
            let [one] = found.headers.as_slice() else {
                return false;
            };
            let (found_kind, found_name) = identify(one.span, &text, self.dialect);
            found.lines.len() == 1
                && found_kind == kind
                && found_name.of(&text) == name
                && one.span.of(&text) == header.as_str()
        };
        let plain = !name.is_empty() && !name.chars().any(char::is_control);
        written
            .iter()
            .find(|header| plain && reads_back(header))
            .cloned()
            .ok_or_else(|| Refusal::Unwritable {
                what: format!("the name {name:?}"),
                why: "no header would read back as it",
            })
    }

    /// The part with a new line behind its last key, in the manner of that key.
    fn appended(&self, at: usize, lines: &[Line], key: &str, value: &str) -> String {
        let text = self.parts[at].text.expose();
        let last = found(lines).pop();
        let (white, sign) = match &last {
            Some(last) => manner(text, &lines[last.at]),
            None => (String::new(), " = "),
        };
        let behind = last.map_or(1, |last| last.end);
        let cut = lines[behind - 1].span.end as usize;
        let (before, after) = text.split_at(cut);
        let new = format!("{white}{key}{sign}{value}");
        let end = self.end;
        if before.ends_with(['\n', '\r']) {
            format!("{before}{new}{end}{after}")
        } else {
            format!("{before}{end}{new}{after}")
        }
    }

    /// Puts `new` in the place of a part, if it says the same but for `key`.
    fn put(
        &mut self,
        at: usize,
        new: String,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), Refusal> {
        let old = &self.parts[at];
        let new = Part {
            section: old.section.clone(),
            header: old.header.clone(),
            text: Secret::new(new),
        };
        let key = key.to_lowercase();
        let rest = |part: &Part| -> Vec<_> {
            let all = part.properties().into_iter();
            all.filter(|(k, _)| *k != key).collect()
        };
        if new.get(&key).as_deref() != value || rest(&new) != rest(old) {
            let what = format!("the lines around `{key}` leave no place for it");
            return Err(self.ambiguous(at, 0, what));
        }
        self.parts[at] = new;
        Ok(())
    }

    /// Whether the whole reads as its parts do: an indented header may have become the continuation of
    /// a key that was put before it.
    pub(super) fn is_whole(&self) -> bool {
        let text = self.text();
        let again = Self::new(&self.path, text.expose(), self.dialect);
        let said = |sections: &Self| -> Vec<_> {
            let parts = sections.parts.iter().filter(|part| part.section.is_some());
            parts
                .map(|part| (part.section.clone(), part.properties()))
                .collect()
        };
        said(self) == said(&again)
    }
}

impl Part {
    fn get(&self, key: &str) -> Option<String> {
        let mut properties = self.properties().into_iter();
        properties.find_map(|(found, value)| {
            found
                .eq_ignore_ascii_case(key)
                .then(|| value.expose().clone())
        })
    }
}

/// How a key is written: the white space before it, and what parts it from its value.
fn manner(text: &str, line: &Line) -> (String, &'static str) {
    let whole = line.span.of(text);
    let Kind::Property { key, value } = line.kind else {
        return (String::new(), " = ");
    };
    let between = &text[key.end as usize..value.start as usize];
    let tight = between == "=" && value.start < value.end;
    (indent(whole).into_owned(), if tight { "=" } else { " = " })
}

/// A part's text with another value for the key on the line `at`.
fn replaced(text: &str, lines: &[Line], at: usize, end: usize, value: &str) -> String {
    let mut new = String::with_capacity(text.len() + value.len());
    for (nth, line) in lines.iter().enumerate() {
        match line.kind {
            Kind::Property { key, value: old } if nth == at => {
                let before = &text[line.span.start as usize..old.start as usize];
                new.push_str(before);
                if old.start == old.end && text[..key.end as usize + 1].ends_with([' ', '\t']) {
                    new.push(' ');
                }
                new.push_str(value);
                new.push_str(line_rest(text, old, line.span, old.start == old.end));
            }
            Kind::Continuation { .. } | Kind::Blank if (at..end).contains(&nth) => {}
            _ => new.push_str(line.span.of(text)),
        }
    }
    new
}

/// What follows a value on its line; of an empty one the line's end alone.
fn line_rest(text: &str, value: Span, line: Span, empty: bool) -> &str {
    let rest = &text[value.end as usize..line.end as usize];
    if empty {
        rest.trim_start_matches([' ', '\t'])
    } else {
        rest
    }
}

/// Whether a key and its value can stand on a line of their own.
fn check(key: &str, value: &str) -> Result<(), Refusal> {
    let what = || format!("the value of `{key}`");
    let refuse = |what, why| Err(Refusal::Unwritable { what, why });
    let wrong =
        key.is_empty() || key.contains(['=', ':', '\n', '\r']) || key.starts_with(['[', '#', ';']);
    if wrong || key.trim_matches(is_space) != key {
        return refuse(format!("the key {key:?}"), "it would not read back");
    }
    if value.is_empty() {
        return refuse(what(), "it is empty");
    }
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return refuse(
            what(),
            "it has a line break or another control character in it",
        );
    }
    if value.trim_matches(is_space) != value {
        return refuse(what(), "white space at its ends would be lost");
    }
    Ok(())
}

fn last_line(text: &str) -> &str {
    let body = text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix(['\n', '\r']));
    let body = body.unwrap_or(text);
    &body[body.rfind(['\n', '\r']).map_or(0, |at| at + 1)..]
}
