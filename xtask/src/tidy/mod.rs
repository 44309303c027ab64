//! The house rules, one file a noun: manifests, crates, source text, wire names, licences.

mod crates;
mod licences;
mod lines;
mod manifests;
mod purity;
mod rust_source;
mod wire_names;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use self::rust_source::RustSource;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    file: PathBuf,
    /// From 1; 0 means the file as a whole.
    line: usize,
    message: String,
}

impl Finding {
    fn new(file: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.message),
            line => write!(f, "{}:{line}: {}", self.file.display(), self.message),
        }
    }
}

/// All files of the workspace that people write, read once. Paths are relative to its top.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    texts: BTreeMap<PathBuf, String>,
    rust: BTreeMap<PathBuf, RustSource>,
}

impl Tree {
    /// Reads everything below `root` but what is built or kept by tools.
    fn read(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, Path::new(""))?;
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) -> anyhow::Result<()> {
        const NOT_OURS: [&str; 5] = [".git", "target", "artifacts", "corpus", "__pycache__"];
        let path = root.join(folder);
        for entry in
            fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))?
        {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            if NOT_OURS.iter().any(|other| entry.file_name() == *other) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.read_folder(root, &name)?;
            } else if let Ok(text) = String::from_utf8(fs::read(entry.path())?) {
                // What is not UTF-8 is a fixture; there is nothing to read in it.
                self.add(name, text);
            }
        }
        Ok(())
    }

    fn add(&mut self, path: PathBuf, text: String) {
        if path.extension().is_some_and(|ext| ext == "rs") {
            self.rust.insert(path.clone(), RustSource::new(&path, &text));
        }
        self.texts.insert(path, text);
    }

    /// A tree for the tests of the rules.
    #[cfg(test)]
    fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add(PathBuf::from(path), (*text).to_owned());
        }
        tree
    }

    fn text(&self, path: impl AsRef<Path>) -> Option<&str> {
        self.texts.get(path.as_ref()).map(String::as_str)
    }

    /// The Rust files below `folder`.
    fn rust_below<'a>(
        &'a self,
        folder: &'a Path,
    ) -> impl Iterator<Item = (&'a Path, &'a RustSource)> {
        let below = self.rust.iter().filter(move |(path, _)| path.starts_with(folder));
        below.map(|(path, source)| (path.as_path(), source))
    }
}

/// Checks the workspace at `root` and prints what is wrong with it.
pub(crate) fn run(root: &Path) -> anyhow::Result<ExitCode> {
    let tree = Tree::read(root)?;
    let mut findings = Vec::new();
    let members = manifests::read(&tree, &mut findings);
    manifests::check_arrows(&members, &mut findings);
    manifests::check_pure(&members, &mut findings);
    purity::check(&tree, &mut findings);
    wire_names::check(&tree, &mut findings);
    crates::check(&tree, &members, &mut findings);
    lines::check(&tree, &lines::private_folders(root), &mut findings);
    licences::check(root, &tree, &mut findings)?;
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    println!("tidy: {} files, {} findings", tree.texts.len(), findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
