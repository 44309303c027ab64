//! Content codes and the names of URI parameters are spelled only where the protocol lives.
//!
//! The rule reads the names from the one table of `dmap`, so that it knows what the table knows.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Finding, Tree};

/// Where the table of content codes is.
const TABLE: &str = "crates/dmap/src/code.rs";

/// Who may spell them: the protocol crates, what tests them, and the chores.
const SPELLERS: &[&str] = &[
    "crates/dmap",
    "crates/daap-proto",
    "crates/dacp-proto",
    "crates/testkit",
    "crates/bench",
    "fuzz",
    "xtask",
];

/// URI parameters of DAAP and DACP whose names are too odd to mean anything else.
const PARAMETERS: &[&str] = &[
    "container-item-spec",
    "daap-no-disconnect",
    "group-type",
    "include-sort-headers",
    "include-speaker-id",
    "pairing-guid",
    "pairingcode",
    "queuefilter",
    "request-session-id",
    "revision-number",
    "session-id",
];

/// Beginnings of long names.
const FAMILIES: &[&str] = &["com.apple.itunes.", "daap.", "dacp.", "dmap.", "dmcp."];

/// Checks all crates but those that may.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let (codes, names) = table(tree);
    if codes.is_empty() {
        findings.push(Finding::new(TABLE, 0, "has no content codes; where did the table go?"));
    }
    for (file, source) in &tree.rust {
        if SPELLERS.iter().any(|speller| file.starts_with(speller)) {
            continue;
        }
        for quoted in source.quoted() {
            let found = if quoted.bytes {
                codes.contains(quoted.text.as_str()).then_some(quoted.text.as_str())
            } else {
                spelled(&quoted.text, &names)
            };
            if let Some(name) = found {
                let message =
                    format!("{name:?} is a name of the protocol; only its crates spell it");
                findings.push(Finding::new(file, quoted.line, message));
            }
        }
    }
}

/// The four-letter codes and the long names of the table.
fn table(tree: &Tree) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let source = tree.rust.get(Path::new(TABLE));
    let quoted: Vec<_> = source.into_iter().flat_map(|source| source.quoted()).collect();
    let codes = quoted.iter().filter(|q| q.bytes && q.text.len() == 4).map(|q| q.text.as_str());
    let names = quoted.iter().filter(|q| !q.bytes && q.text.contains('.'));
    (codes.collect(), names.map(|q| q.text.as_str()).collect())
}

/// The first name of the protocol that a text contains.
fn spelled<'a>(text: &'a str, names: &BTreeSet<&str>) -> Option<&'a str> {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut words = text.split(|c: char| !in_name(c));
    words.find(|word| {
        let family = FAMILIES.iter().any(|family| word.starts_with(family));
        PARAMETERS.contains(word) || (family && names.contains(word.trim_end_matches('.')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: (&str, &str) = (TABLE, r#"codes! { MINM b"minm" "dmap.itemname" String; }"#);

    #[track_caller]
    fn check(file: &str, code: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        super::check(&Tree::of(&[CODES, (file, code)]), &mut findings);
        let found: Vec<_> = findings.into_iter().map(|finding| finding.message).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|name| format!("{name:?} is a name of the protocol; only its crates spell it"))
            .collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn codes_names_and_parameters_are_found() {
        let file = "crates/daap-server/src/service.rs";
        check(file, r#"let a = b"minm";"#, &["minm"]);
        check(file, r#"f("meta=dmap.itemname,x")"#, &["dmap.itemname"]);
        check(file, r#"f("/update?session-id={id}")"#, &["session-id"]);
    }

    #[test]
    fn what_only_looks_like_one_passes() {
        let file = "crates/source-folder/src/tags.rs";
        check(file, r#"f(b"moov", "minm", "_daap._tcp", "x.dmap.", "dmap.nosuchname")"#, &[]);
        check(file, "// dmap.itemname and session-id", &[]);
    }

    #[test]
    fn the_protocol_and_tests_may() {
        let code = r#"f(b"minm", "session-id")"#;
        check("crates/daap-proto/src/request.rs", code, &[]);
        check("crates/daap-server/tests/listing.rs", code, &[]);
    }

    #[test]
    fn a_lost_table_is_noticed() {
        let mut findings = Vec::new();
        super::check(&Tree::of(&[]), &mut findings);
        assert_eq!(findings.len(), 1);
    }
}
