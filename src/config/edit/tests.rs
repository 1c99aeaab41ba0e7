//! One edit, and every other byte as it was: tables and properties.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use SectionKind::{Profile, Services, SsoSession};

fn sections(text: &str, dialect: Dialect) -> Sections {
    Sections::new(Path::new("config"), text, dialect)
}

fn after(text: &str, edit: impl FnOnce(&mut Sections)) -> String {
    let mut sections = sections(text, Dialect::Config);
    edit(&mut sections);
    assert!(sections.is_whole(), "{text:?}");
    sections.text().expose().clone()
}

#[test]
fn a_value_is_replaced_where_it_stands_and_a_new_key_goes_behind_the_last() {
    let table = [
        // The value, and nothing around it.
        ("[profile a]\nregion = x\n", "[profile a]\nregion = r\n"),
        (
            "[profile a]\n  REGION\t:  x  \r\n",
            "[profile a]\n  REGION\t:  r  \r\n",
        ),
        ("[profile a]\nregion=x", "[profile a]\nregion=r"),
        ("[profile a]\nregion=\n", "[profile a]\nregion=r\n"),
        (
            "[profile a]\nregion = \nk = v",
            "[profile a]\nregion = r\nk = v",
        ),
        (
            "[profile a]\nregion = x\n  y\n# c\n\n  z\n\nk = v\n",
            "[profile a]\nregion = r\n# c\n\nk = v\n",
        ),
        // Behind the last key, as that is written.
        ("[profile a]\n", "[profile a]\nregion = r\n"),
        ("[profile a]", "[profile a]\nregion = r"),
        ("[profile a]\nk=v", "[profile a]\nk=v\nregion=r"),
        (
            "[profile a]\r\n\tk = v\r\n\r\n# b\r\n[profile b]\r\n",
            "[profile a]\r\n\tk = v\r\n\tregion = r\r\n\r\n# b\r\n[profile b]\r\n",
        ),
        (
            "[profile a]\ns3 =\n  x = y\n\n[default]\n",
            "[profile a]\ns3 =\n  x = y\nregion = r\n\n[default]\n",
        ),
        // Of two that are written differently, the one that counts.
        (
            "[profile a]\nregion = x\n[profile \"a\"]\nregion = y\n",
            "[profile a]\nregion = x\n[profile \"a\"]\nregion = r\n",
        ),
        // In a section of its own, behind the others.
        ("", "[profile a]\nregion = r\n"),
        ("# c\n", "# c\n\n[profile a]\nregion = r\n"),
        ("[b]\nk = v\n\n", "[b]\nk = v\n\n[profile a]\nregion = r\n"),
        (
            "[b]\r\nk = v",
            "[b]\r\nk = v\r\n\r\n[profile a]\r\nregion = r",
        ),
        // A mistake elsewhere is not ours.
        (
            "junk\n[b]\n[b]\nk\n[profile a]\n",
            "junk\n[b]\n[b]\nk\n[profile a]\nregion = r\n",
        ),
        ("\u{feff}[profile a]\n", "\u{feff}[profile a]\nregion = r\n"),
    ];
    for (text, expected) in table {
        let set = |s: &mut Sections| s.set(Profile, "a", "region", "r").unwrap();
        assert_eq!(after(text, set), expected, "{text:?}");
    }
}

#[test]
fn a_key_goes_with_the_lines_of_its_value_and_a_section_with_its_keys() {
    let key = |s: &mut Sections| assert!(s.remove(Profile, "a", "k").unwrap());
    let section = |s: &mut Sections| assert!(s.remove_section(Profile, "a"));
    type Row<'a> = (&'a str, &'a dyn Fn(&mut Sections), &'a str);
    let table: [Row<'_>; 6] = [
        (
            "[profile a]\nk = v\n  w\n# c\n\n  x\n\nl = m\n",
            &key,
            "[profile a]\n# c\n\nl = m\n",
        ),
        ("[profile a]\n; c\nK = v", &key, "[profile a]\n; c\n"),
        ("[profile a]\nk =\n  x = y\n", &key, "[profile a]\n"),
        (
            "# a\n[profile a]\nk = v\n# too\n\n# b\n[profile b]\n",
            &section,
            "# a\n# b\n[profile b]\n",
        ),
        ("[x]\n\n[profile a]\nk = v", &section, "[x]\n\n"),
        (
            "[profile a]\nk = v\n[b]\n[profile 'a']\n",
            &section,
            "[b]\n",
        ),
    ];
    for (text, edit, expected) in table {
        assert_eq!(after(text, edit), expected, "{text:?}");
    }
    let mut nothing = sections("[profile a]\nk = v\n", Dialect::Config);
    assert!(!nothing.remove(Profile, "a", "other").unwrap());
    assert!(!nothing.remove(Profile, "b", "k").unwrap());
    assert!(!nothing.remove_section(SsoSession, "a"));
    assert_eq!(nothing.text().expose(), "[profile a]\nk = v\n");
}

#[test]
fn what_could_be_meant_in_two_ways_is_refused_with_its_line() {
    let table = [
        (
            "[profile a]\n\n[profile a]\n",
            "config:3: the section [profile a] is here for the second time",
        ),
        (
            "# c\n[profile a]\nregion = x\nRegion = y\n",
            "config:4: the key `region` is in this section for the second time",
        ),
        (
            "[profile a]\nregion =\n  k = v\n",
            "config:2: `region` has settings of its own under it",
        ),
        (
            "[profile a]\n  junk\n",
            "config:1: the lines around `region` leave no place for it",
        ),
    ];
    for (text, expected) in table {
        let mut sections = sections(text, Dialect::Config);
        let refusal = sections.set(Profile, "a", "region", "r").unwrap_err();
        assert_eq!(refusal.to_string(), expected);
        assert_eq!(sections.text().expose(), text);
    }
    // The key would turn the next header into its own value's second line.
    let mut entangled = sections("[profile a]\n  [profile b]\n", Dialect::Config);
    entangled.set(Profile, "a", "region", "r").unwrap();
    assert!(!entangled.is_whole());
}

#[test]
fn names_are_quoted_where_they_must_be_and_what_can_not_be_written_is_refused() {
    let table = [
        (Profile, "default", "[default]"),
        (Profile, "a", "[profile a]"),
        (Profile, "a b", "[profile \"a b\"]"),
        (
            Profile,
            "o'brien \"x\" \\",
            r#"[profile "o'brien \"x\" \\"]"#,
        ),
        (Profile, "a]b", "[profile a]b]"),
        (SsoSession, "default", "[sso-session default]"),
        (Services, "ü", "[services ü]"),
    ];
    for (kind, name, header) in table {
        let text = after("", |s| s.add(kind, name, &[("k", "v")]).unwrap());
        assert_eq!(text, format!("{header}\nk = v\n"));
        assert!(sections(&text, Dialect::Config).has(kind, name));
    }
    let mut credentials = sections("", Dialect::Credentials);
    credentials.set(Profile, "a b", "k", "v").unwrap();
    assert_eq!(credentials.text().expose(), "[a b]\nk = v\n");
    let mut refused = sections("", Dialect::Config);
    for name in ["", "a\nb", "a\x1b"] {
        assert!(refused.add(Profile, name, &[]).is_err(), "{name:?}");
    }
    for value in ["", " a", "a ", "a\nb", "a\rb", "\u{2003}a", "a\0"] {
        let refusal = refused.set(Profile, "a", "k", value).unwrap_err();
        assert!(
            refusal.to_string().starts_with("the value of `k`"),
            "{refusal}"
        );
    }
    for key in ["", "a=b", "a:b", "#a", "[a", " a", "a\nb"] {
        assert!(refused.set(Profile, "a", key, "v").is_err(), "{key:?}");
    }
    assert_eq!(refused.text().expose(), "");
}

/// A text of the pieces that such files are made of, right and wrong ones.
fn texts() -> impl Strategy<Value = String> {
    let pieces = vec![
        "[profile a]",
        "[profile \"a\"]",
        "[default]",
        "[sso-session a]",
        "[x",
        "\n",
        "\n",
        "\r\n",
        "\n  ",
        "region = x",
        "region=y",
        "REGION:z",
        "k =",
        "k = v",
        "# c",
        "; d",
        "junk",
        " ",
        "\t",
        "ü = é",
        "\u{feff}",
        "\u{2028}",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

/// Whether `b` is `a` with some of its lines taken out and one line added or changed.
fn lines_that_differ(a: &str, b: &str) -> (Vec<String>, Vec<String>) {
    let diff = similar::TextDiff::from_lines(a, b);
    let of = |tag| {
        let changes = diff.iter_all_changes().filter(move |c| c.tag() == tag);
        changes.map(|c| c.value().trim_end().to_owned()).collect()
    };
    (
        of(similar::ChangeTag::Delete),
        of(similar::ChangeTag::Insert),
    )
}

proptest! {
    #[test]
    fn one_key_is_set_and_nothing_else_changes(text in texts()) {
        let mut edited = sections(&text, Dialect::Config);
        if edited.set(Profile, "a", "region", "eu-west-1").is_err() || !edited.is_whole() {
            return Ok(());
        }
        let new = edited.text().expose().clone();
        let value = edited.get(Profile, "a", "region");
        prop_assert_eq!(value.as_ref().map(|v| v.expose().as_str()), Some("eu-west-1"));
        // What a reader makes of it is what it was, but for that key; and what can't be read can't be still.
        let both = (Config::from_texts(&text, ""), Config::from_texts(&new, ""));
        prop_assert_eq!(both.0.is_ok(), both.1.is_ok(), "{:?}", new);
        let (gone, come) = lines_that_differ(&text, &new);
        let added = come.iter().filter(|line| !gone.contains(line));
        let added: Vec<_> = added.filter(|line| !line.is_empty() && *line != "[profile a]").collect();
        prop_assert!(added.len() <= 1, "{:?}", added);
        // The same again is no edit.
        edited.set(Profile, "a", "region", "eu-west-1").unwrap();
        let again = edited.text();
        prop_assert_eq!(again.expose(), &new);
    }

    #[test]
    fn a_section_that_is_added_is_all_that_is_added(text in texts()) {
        let mut edited = sections(&text, Dialect::Config);
        edited.add(Profile, "new one", &[("k", "v")]).unwrap();
        let new = edited.text().expose().clone();
        prop_assert!(new.starts_with(&text));
        let rest = new[text.len()..].replace("\r\n", "\n");
        prop_assert_eq!(rest.trim(), "[profile \"new one\"]\nk = v", "{:?}", new);
        prop_assert!(edited.is_whole());
    }

    #[test]
    fn what_is_removed_is_lines_and_nothing_comes(text in texts()) {
        let mut edited = sections(&text, Dialect::Config);
        if edited.remove(Profile, "a", "region").is_err() {
            return Ok(());
        }
        edited.remove_section(SsoSession, "a");
        let new = edited.text().expose().clone();
        let mut rest = text.as_str();
        for line in new.split_inclusive(['\n', '\r']) {
            let at = rest.find(line);
            prop_assert!(at.is_some(), "{:?} in {:?}", line, rest);
            rest = &rest[at.unwrap() + line.len()..];
        }
        prop_assert!(edited.get(Profile, "a", "region").is_none());
    }
}

#[test]
fn a_secret_in_the_place_of_the_id_is_left_out_of_a_copy_too() {
    let text = format!("[a]\naws_access_key_id = {}\n", "s/3".repeat(13));
    let copy = |text: &str| {
        let copy = sections(text, Dialect::Credentials).without_secrets();
        copy.expose().clone()
    };
    assert_eq!(
        copy(&text),
        format!("[a]\naws_access_key_id = {LEFT_OUT}\n")
    );
    let id = "[a]\nAWS_ACCESS_KEY_ID = AKIAIOSFODNN7EXAMPLE\n";
    assert_eq!(copy(id), id);
}
