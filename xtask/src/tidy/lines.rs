//! Sizes, leftovers and private paths.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::rust_source::RustSource;
use super::{Finding, Tree};

/// Longer files are split where a reader would look elsewhere.
const FILE_LINES: usize = 700;

/// Longer functions are split where a part deserves a name.
const FUNCTION_LINES: usize = 100;

/// What may be long, and why. `file` or `file:function`.
const LONG: &[(&str, &str)] = &[];

/// Macros that say "not done".
const UNDONE: &[&str] = &["dbg", "todo", "unimplemented"];

/// Words that say "not done" in a comment. They stand in this file, and in no other, because it looks for them.
const UNDONE_WORDS: &[&str] = &["FIXME", "HACK", "TODO", "XXX"];

/// Folders at the top in which people keep their own files: no path into one has a place in the project, but in
/// tests and texts.
const HOMES: &[&str] = &["root", "home", "Users"];

/// The folders of this machine that no file may name: the workspace's own and the user's home.
pub(crate) fn private_folders(root: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folders = [Some(root.to_path_buf()), home].into_iter().flatten();
    // A folder at the top, such as `/src`, is too common a text to mean this one.
    let folders = folders.filter(|folder| folder.components().count() > 2);
    folders.map(|folder| folder.display().to_string()).collect()
}

/// Checks every file.
pub(crate) fn check(tree: &Tree, private: &[String], findings: &mut Vec<Finding>) {
    let mut used = BTreeSet::new();
    for (file, source) in &tree.rust {
        check_sizes(file, source, &mut used, findings);
        check_leftovers(file, source, findings);
    }
    if tree.rust.keys().any(|file| file.starts_with("crates")) {
        for (what, _) in LONG.iter().filter(|(what, _)| !used.contains(what)) {
            findings.push(Finding::new(*what, 0, "is not long; take it off the list (LONG)"));
        }
    }
    for (file, text) in &tree.texts {
        let is = |wanted: &str| file.extension().is_some_and(|ext| ext == wanted);
        let made_up = is("md") || file.iter().any(|part| part == "seeds" || part == "tests");
        let source = tree.rust.get(file);
        for (at, line) in text.lines().enumerate() {
            let word = undone_word(line).filter(|_| !is("rs") && !is("md") && !is("lock"));
            if let Some(word) = word {
                findings.push(Finding::new(file, at + 1, format!("{word}: do it or drop it")));
            }
            let example = made_up || source.is_some_and(|source| source.is_test(at + 1));
            if let Some(path) = private_path(line, private, example) {
                findings.push(Finding::new(
                    file,
                    at + 1,
                    format!("names a private folder, {path}"),
                ));
            }
        }
    }
}

fn check_sizes(
    file: &Path,
    source: &RustSource,
    used: &mut BTreeSet<&'static str>,
    findings: &mut Vec<Finding>,
) {
    let mut excused = |what: &str| {
        let row = LONG.iter().map(|(long, _)| *long).find(|long| *long == what);
        used.extend(row);
        row.is_some()
    };
    if source.lines() > FILE_LINES && !excused(&file.display().to_string()) {
        let message = format!("has {} lines, more than {FILE_LINES}", source.lines());
        findings.push(Finding::new(file, 0, message));
    }
    for function in source.functions().iter().filter(|f| f.lines > FUNCTION_LINES) {
        if !excused(&format!("{}:{}", file.display(), function.name)) {
            let message = format!(
                "{} has {} lines, more than {FUNCTION_LINES}",
                function.name, function.lines
            );
            findings.push(Finding::new(file, function.line, message));
        }
    }
}

fn check_leftovers(file: &Path, source: &RustSource, findings: &mut Vec<Finding>) {
    let tokens = source.all_tokens();
    for pair in tokens.windows(2).filter(|pair| pair[1].text == "!") {
        if UNDONE.contains(&pair[0].text) {
            let message = format!("{}!: do it or drop it", pair[0].text);
            findings.push(Finding::new(file, pair[0].line, message));
        }
    }
    for (line, comment) in source.comment_lines() {
        if let Some(word) = undone_word(comment) {
            findings.push(Finding::new(file, line, format!("{word}: do it or drop it")));
        }
    }
}

fn undone_word(line: &str) -> Option<&'static str> {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.find_map(|word| UNDONE_WORDS.iter().find(|undone| **undone == word).copied())
}

/// A path in `line` that only this machine or its user has; in an `example` people's homes may be made up.
fn private_path<'a>(line: &'a str, private: &'a [String], example: bool) -> Option<&'a str> {
    if let Some(path) = private.iter().find(|path| line.contains(path.as_str())) {
        return Some(path);
    }
    HOMES.iter().filter(|_| !example).find_map(|home| {
        let home = format!("/{home}/");
        let at = line.find(&home)?;
        let rest = &line[at + home.len()..];
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        (!name.is_empty()).then(|| &line[at..at + home.len() + name.len()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expected: &[&str]) {
        let mut findings = Vec::new();
        super::check(&Tree::of(&[(file, text)]), &["/srv/jane/dapple".to_owned()], &mut findings);
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn long_files_and_functions_are_found() {
        let long = "\n".repeat(701);
        check("fuzz/a.rs", &long, &["fuzz/a.rs: has 701 lines, more than 700"]);
        let function = format!("\nfn f() {{{}}}\n", "\n".repeat(100));
        check("fuzz/a.rs", &function, &["fuzz/a.rs:2: f has 101 lines, more than 100"]);
        check("fuzz/a.rs", &format!("fn f() {{{}}}\n", "\n".repeat(99)), &[]);
    }

    #[test]
    fn leftovers_are_found_in_code_and_comments_but_not_in_text() {
        check("fuzz/a.rs", "fn f() { todo!() }", &["fuzz/a.rs:1: todo!: do it or drop it"]);
        check("fuzz/a.rs", "// FIXME later", &["fuzz/a.rs:1: FIXME: do it or drop it"]);
        check("fuzz/a.rs", "let a = \"todo! FIXME\"; // a todo", &[]);
        check("fuzz/run.sh", "exit 1 # HACK", &["fuzz/run.sh:1: HACK: do it or drop it"]);
    }

    #[test]
    fn private_paths_are_found_and_examples_pass() {
        let ours = ["a.md:1: names a private folder, /srv/jane/dapple"];
        check("a.md", "see /srv/jane/dapple/x", &ours);
        let home = format!("in /{}/jane9/music", HOMES[1]);
        let found = format!("a.sh:1: names a private folder, /{}/jane9", HOMES[1]);
        check("a.sh", &home, &[&found]);
        check("a.sh", "in /home/$USER", &[]);
        check("a.md", &home, &[]);
        check("fuzz/tests/a.rs", &home, &[]);
    }

    #[test]
    fn an_exemption_that_is_not_needed_is_reported() {
        let mut findings = Vec::new();
        super::check(&Tree::of(&[("crates/a/src/lib.rs", "")]), &[], &mut findings);
        assert_eq!(findings.len(), LONG.len());
    }
}
