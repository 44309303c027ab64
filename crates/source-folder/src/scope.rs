//! Parts of the tree, to be looked at or not.

use std::collections::BTreeSet;

use crate::key;

/// A part of the tree, by the key of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// A folder and all below it.
    Tree(Vec<u8>),
    /// The files of one folder.
    Folder(Vec<u8>),
}

impl Scope {
    /// The whole tree.
    pub(crate) const ALL: Self = Self::Tree(Vec::new());

    /// The folder's key.
    pub(crate) fn folder(&self) -> &[u8] {
        match self {
            Self::Tree(folder) | Self::Folder(folder) => folder,
        }
    }

    /// Whether a file with this key is in it.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::Tree(folder) => key::is_below(key, folder),
            Self::Folder(folder) => key::folder(key) == folder.as_slice(),
        }
    }
}

/// The scopes that are not inside another.
pub(crate) fn outermost(scopes: &[Scope]) -> Vec<Scope> {
    let scopes: BTreeSet<_> = scopes.iter().collect();
    let is_inside = |scope: &Scope, outer: &Scope| {
        let Scope::Tree(tree) = outer else { return false };
        scope != outer && (key::is_below(scope.folder(), tree) || scope.folder() == tree.as_slice())
    };
    scopes
        .iter()
        .filter(|scope| !scopes.iter().any(|outer| is_inside(scope, outer)))
        .copied()
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_inside_others_are_dropped() {
        let tree = |folder: &str| Scope::Tree(folder.into());
        let files = |folder: &str| Scope::Folder(folder.into());
        assert_eq!(
            outermost(&[tree("a/b"), files("a"), tree("a"), files("c"), files("c")]),
            [tree("a"), files("c")]
        );
        assert_eq!(
            outermost(&[tree("ab"), tree("a"), files("")]),
            [tree("a"), tree("ab"), files("")]
        );
        assert_eq!(outermost(&[files("x"), Scope::ALL, tree("y")]), [Scope::ALL]);
    }
}
