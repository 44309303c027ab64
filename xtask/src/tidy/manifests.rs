//! Which crate may use which, and what the pure ones may use at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Finding, Tree};

/// The map: a crate may use those in its row, and what those may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("dmap", &[]),
    ("daap-model", &[]),
    ("daap-proto", &["dmap", "daap-model"]),
    ("dacp-proto", &["daap-proto"]),
    ("audio", &[]),
    ("library", &["daap-model"]),
    ("player", &["library", "audio"]),
    ("outputs", &["player"]),
    ("store", &["library"]),
    ("disk-cache", &[]),
    ("relay", &["library", "disk-cache"]),
    ("source-folder", &["library", "disk-cache"]),
    ("source-daap", &["daap-client", "relay"]),
    ("source-subsonic", &["relay"]),
    ("discovery", &[]),
    ("daap-server", &["library", "dacp-proto"]),
    ("daap-client", &["daap-proto", "discovery"]),
    ("dacp-client", &["daap-client", "dacp-proto"]),
    ("daap", &["daap-server", "discovery", "source-folder", "store"]),
    ("dapple", &["daap", "dacp-client", "outputs", "source-daap", "source-subsonic"]),
    // For tests only: nothing but dev-dependencies may name it.
    ("testkit", &["daap-server", "discovery", "source-folder", "store"]),
    // Measures; nothing names it.
    ("bench", &["daap-proto", "store"]),
    ("xtask", &[]),
];

/// The crates without sockets, files, threads and clocks, and all they may use of others.
pub(crate) const PURE: &[(&str, &[&str])] = &[
    ("dmap", &["thiserror"]),
    (
        "daap-model",
        &["arcstr", "foldhash", "icu_collator", "icu_normalizer", "imbl", "memchr", "thiserror"],
    ),
    ("audio", &["ebur128", "opus-pure", "rubato", "symphonia", "thiserror"]),
    ("daap-proto", &["base64", "bytes", "percent-encoding", "subtle", "thiserror", "winnow"]),
    ("dacp-proto", &["thiserror"]),
];

/// A crate of the workspace, as its manifest describes it.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Its folder, below the top of the workspace.
    pub(crate) folder: PathBuf,
    manifest: Table,
}

/// How a crate uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Always,
    InTests,
}

impl Member {
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.folder.join("Cargo.toml")
    }

    pub(crate) fn manifest(&self) -> &Table {
        &self.manifest
    }

    /// The crates it names, and how; whatever platform they are for.
    fn uses(&self) -> BTreeSet<(&str, bool)> {
        let mut uses = BTreeSet::new();
        let targets = self.manifest.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        for table in std::iter::once(&self.manifest).chain(targets) {
            for (section, how) in [
                ("dependencies", Use::Always),
                ("build-dependencies", Use::Always),
                ("dev-dependencies", Use::InTests),
            ] {
                let section = table.get(section).and_then(Value::as_table);
                for (key, value) in section.into_iter().flatten() {
                    let package = value.get("package").and_then(Value::as_str);
                    uses.insert((package.unwrap_or(key), how == Use::InTests));
                }
            }
        }
        uses
    }
}

/// Reads the manifests of all members.
pub(crate) fn read(tree: &Tree, findings: &mut Vec<Finding>) -> Vec<Member> {
    let mut members = Vec::new();
    for (path, text) in &tree.texts {
        let Some(folder) = member_folder(path) else { continue };
        match text.parse::<Table>() {
            Ok(manifest) => {
                let name = manifest.get("package").and_then(|package| package.get("name"));
                let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
                members.push(Member { name, folder: folder.to_path_buf(), manifest });
            }
            Err(error) => findings.push(Finding::new(path, 0, format!("not TOML: {error}"))),
        }
    }
    members
}

/// The folder of the member whose manifest is at `path`, if it is one: `crates/*` and `xtask`.
fn member_folder(path: &Path) -> Option<&Path> {
    let folder = path.parent().filter(|_| path.ends_with("Cargo.toml"))?;
    let is_member = folder == Path::new("xtask") || folder.parent() == Some(Path::new("crates"));
    is_member.then_some(folder)
}

/// Checks that every use between our crates follows an arrow of the map.
pub(crate) fn check_arrows(members: &[Member], findings: &mut Vec<Finding>) {
    let ours: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    for member in members {
        let file = member.manifest_path();
        if member.folder.file_name().is_none_or(|folder| folder != member.name.as_str()) {
            let message = format!("the crate is called {:?}, its folder is not", member.name);
            findings.push(Finding::new(&file, 0, message));
        }
        let Some(allowed) = reach(&member.name) else {
            let message = format!("{} has no row in the map of crates (ARROWS)", member.name);
            findings.push(Finding::new(&file, 0, message));
            continue;
        };
        for (used, in_tests) in member.uses() {
            if ours.contains(used) && !in_tests && !allowed.contains(used) {
                let message = format!("{} may not use {used}: no arrow points there", member.name);
                findings.push(Finding::new(&file, 0, message));
            }
        }
    }
    check_test_cycles(members, findings);
}

/// All that a crate may use by the map; `None` if it is not on the map.
fn reach(name: &str) -> Option<BTreeSet<&'static str>> {
    let rows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut found = BTreeSet::new();
    let mut open = rows.get(name)?.to_vec();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend(rows.get(next).copied().unwrap_or_default());
        }
    }
    Some(found)
}

/// In tests a crate may use what it likes, but not what uses it; only `testkit` may stand above it.
fn check_test_cycles(members: &[Member], findings: &mut Vec<Finding>) {
    for member in members {
        for (used, in_tests) in member.uses() {
            let above = reach(used).is_some_and(|below| below.contains(member.name.as_str()));
            if in_tests && above && used != "testkit" {
                let message = format!("the tests of {} use {used}, which uses it", member.name);
                findings.push(Finding::new(member.manifest_path(), 0, message));
            }
        }
    }
}

/// Checks that the pure crates use only what is on their list.
pub(crate) fn check_pure(members: &[Member], findings: &mut Vec<Finding>) {
    for member in members {
        let Some((_, allowed)) = PURE.iter().find(|(name, _)| *name == member.name) else {
            continue;
        };
        for (used, in_tests) in member.uses() {
            let known =
                allowed.contains(&used) || reach(&member.name).is_some_and(|r| r.contains(used));
            if !in_tests && !known {
                let message = format!("{} is pure; {used} is not on its list (PURE)", member.name);
                findings.push(Finding::new(member.manifest_path(), 0, message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings for members given as (name, manifest below `[package]`).
    fn findings(members: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = members
            .iter()
            .map(|(name, rest)| {
                let text = format!("[package]\nname = {name:?}\n{rest}");
                (format!("crates/{name}/Cargo.toml"), text)
            })
            .collect();
        let files: Vec<_> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let mut findings = Vec::new();
        let members = read(&Tree::of(&files), &mut findings);
        check_arrows(&members, &mut findings);
        check_pure(&members, &mut findings);
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[track_caller]
    fn check(members: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(findings(members), expected);
    }

    #[test]
    fn arrows_point_one_way() {
        let model = ("daap-model", "");
        check(&[model, ("library", "[dependencies]\ndaap-model.workspace = true\n")], &[]);
        check(
            &[
                ("library", ""),
                ("daap-model", "[dependencies]\nlibrary = { path = \"../library\" }\n"),
            ],
            &[
                "daap-model may not use library: no arrow points there",
                "daap-model is pure; library is not on its list (PURE)",
            ],
        );
    }

    #[test]
    fn what_an_arrow_reaches_may_be_used_too() {
        check(
            &[("daap-model", ""), ("store", "[dependencies]\ndaap-model.workspace = true\n")],
            &[],
        );
    }

    #[test]
    fn two_edges_meet_only_in_the_binary() {
        let store = ("store", "");
        let expected = &["discovery may not use store: no arrow points there"];
        check(&[("discovery", "[dependencies]\nstore.workspace = true\n"), store], expected);
        check(&[("dapple", "[dependencies]\nstore.workspace = true\n"), store], &[]);
    }

    #[test]
    fn uses_for_one_platform_and_under_another_name_count() {
        let renamed =
            "[target.'cfg(unix)'.dependencies]\ndb = { package = \"store\", path = \"x\" }\n";
        let expected = &["discovery may not use store: no arrow points there"];
        check(&[("discovery", renamed), ("store", "")], expected);
    }

    #[test]
    fn tests_are_free_but_make_no_cycles() {
        let store = ("store", "[dev-dependencies]\nsource-folder.workspace = true\n");
        check(&[("source-folder", ""), store], &[]);
        check(
            &[("library", "[dev-dependencies]\nstore.workspace = true\n"), ("store", "")],
            &["the tests of library use store, which uses it"],
        );
        let with_kit = ("library", "[dev-dependencies]\ntestkit.workspace = true\n");
        check(&[with_kit, ("testkit", "[dependencies]\nlibrary.workspace = true\n")], &[]);
        check(
            &[("library", "[dependencies]\ntestkit.workspace = true\n"), ("testkit", "")],
            &["library may not use testkit: no arrow points there"],
        );
    }

    #[test]
    fn pure_crates_have_a_list() {
        check(&[("dmap", "[dependencies]\nthiserror = \"2\"\n")], &[]);
        check(
            &[("dmap", "[dependencies]\ntokio = \"1\"\n")],
            &["dmap is pure; tokio is not on its list (PURE)"],
        );
        check(&[("dmap", "[dev-dependencies]\ntokio = \"1\"\n")], &[]);
    }

    #[test]
    fn a_crate_off_the_map_is_reported() {
        check(&[("novel", "")], &["novel has no row in the map of crates (ARROWS)"]);
    }

    #[test]
    fn the_map_names_only_crates_that_have_a_row_and_no_cycle() {
        for (name, uses) in ARROWS {
            assert!(uses.iter().all(|used| reach(used).is_some()), "{name}");
            assert!(!reach(name).unwrap().contains(name), "{name} reaches itself");
        }
    }
}
