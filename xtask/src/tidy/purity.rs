//! The pure crates take time and bytes as arguments: no sockets, files, threads or clocks in their code.

use std::path::Path;

use super::manifests::PURE;
use super::rust_source::Token;
use super::{Finding, Tree};

/// Paths that the pure crates may not name outside their tests.
const IMPURE: &[&str] = &[
    "tokio",
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
];

/// Checks the sources of the pure crates.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (name, _) in PURE {
        for (file, source) in tree.rust_below(&Path::new("crates").join(name).join("src")) {
            for (line, path) in paths(&source.tokens()) {
                if let Some(reason) = impure(&path) {
                    findings.push(Finding::new(file, line, format!("{name} is pure: {reason}")));
                }
            }
        }
    }
}

fn impure(path: &str) -> Option<String> {
    let begins = |whole: &str, part: &str| {
        whole.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    if let Some(found) = IMPURE.iter().find(|impure| begins(path, impure)) {
        return Some(format!("it may not name {found}"));
    }
    // `use std::time;` would hide which of its items are used.
    matches!(path, "std::time" | "std::time::*" | "std::*")
        .then(|| format!("name the items of {path} one by one"))
}

/// The paths in some code that begin with `std`, `core`, `alloc` or `tokio`, groups taken apart.
fn paths(tokens: &[Token<'_>]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let begins = matches!(tokens[at].text, "std" | "core" | "tokio");
        let inner = at > 0 && tokens[at - 1].text == "::" && at > 1 && is_word(tokens[at - 2].text);
        if begins && !inner && tokens.get(at + 1).is_some_and(|next| next.text == "::") {
            walk(&tokens[at..], String::new(), &mut found);
        }
    }
    found
}

/// Follows a path or a use tree from its first word on; returns how many tokens it has.
fn walk(tokens: &[Token<'_>], prefix: String, found: &mut Vec<(usize, String)>) -> usize {
    let (mut at, mut path) = (0, prefix);
    loop {
        match tokens.get(at).map(|token| token.text) {
            Some("{") => {
                at += 1;
                while at < tokens.len() && tokens[at].text != "}" {
                    at += walk(&tokens[at..], path.clone(), found).max(1);
                }
                return at + 1;
            }
            Some(word) if is_word(word) || word == "*" => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                path.push_str(word);
                at += 1;
            }
            _ => return at,
        }
        match tokens.get(at).map(|token| token.text) {
            Some("::") => at += 1,
            _ => {
                found.push((tokens[at - 1].line, path));
                return at;
            }
        }
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, expected: &[(usize, &str)]) {
        let tree = Tree::of(&[("crates/dmap/src/some.rs", code)]);
        let mut findings = Vec::new();
        super::check(&tree, &mut findings);
        let found: Vec<_> = findings.iter().map(|f| (f.line, f.message.as_str())).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn files_sockets_threads_and_clocks_are_found() {
        check("use std::fs::File;", &[(1, "dmap is pure: it may not name std::fs")]);
        check(
            "\nlet t = std::time::Instant::now();",
            &[(2, "dmap is pure: it may not name std::time::Instant")],
        );
        check(
            "async fn f() { tokio::spawn(g()).await }",
            &[(1, "dmap is pure: it may not name tokio")],
        );
    }

    #[test]
    fn groups_are_taken_apart() {
        check(
            "use std::{fmt, io::{self, Read}, net};",
            &[(1, "dmap is pure: it may not name std::net")],
        );
        check(
            "use std::{time::{Duration, SystemTime}};",
            &[(1, "dmap is pure: it may not name std::time::SystemTime")],
        );
    }

    #[test]
    fn a_module_used_as_a_whole_hides_what_is_used() {
        check("use std::time;", &[(1, "dmap is pure: name the items of std::time one by one")]);
        check(
            "use std::time::*;",
            &[(1, "dmap is pure: name the items of std::time::* one by one")],
        );
    }

    #[test]
    fn comments_text_tests_and_harmless_paths_pass() {
        check("// std::fs\nlet a = \"std::fs\";", &[]);
        check("use std::time::Duration;\nuse std::fmt;\nuse crate::std::fs;", &[]);
        check("#[cfg(test)]\nmod tests {\n    use std::fs;\n}", &[]);
    }

    #[test]
    fn other_crates_may() {
        let tree = Tree::of(&[("crates/store/src/some.rs", "use std::fs;")]);
        let mut findings = Vec::new();
        super::check(&tree, &mut findings);
        assert_eq!(findings, []);
    }
}
