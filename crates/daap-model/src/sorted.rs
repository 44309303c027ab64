//! A sorted map of which every copy is cheap: copies share all that is the same.
//!
//! It is a B+ tree whose nodes are shared by reference count and copied when they are changed while someone else holds
//! them. Unlike general ones, it takes many entries at once: a library that comes in batches costs a fraction of what
//! it would one by one, and its nodes are full.

mod diff;

use std::iter::Peekable;
use std::ops::Bound;
use std::slice;
use std::sync::Arc;
use std::vec;

/// How many entries or children a node has at most.
const FULL: usize = 32;

/// A node with no more than this joins its neighbour, if there is room.
const POOR: usize = FULL / 4;

/// A sorted map of which every copy is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<K, V> {
    root: Node<K, V>,
    len: usize,
}

/// All leaves are equally deep.
#[derive(Clone, Debug)]
enum Node<K, V> {
    Leaf(Arc<Vec<(K, V)>>),
    /// Each child with a key that is above all keys of the child before and not above any of its own; only keys of
    /// the first child may be lower than it says. Ascending.
    Branch(Arc<Vec<(K, Node<K, V>)>>),
}

impl<K, V> Default for Node<K, V> {
    fn default() -> Self {
        Self::Leaf(Arc::default())
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { root: Node::default(), len: 0 }
    }
}

/// The child in which a key is, or would be.
fn child<K: Ord, V>(children: &[(K, Node<K, V>)], key: &K) -> usize {
    children.partition_point(|(from, _)| from <= key).saturating_sub(1)
}

impl<K: Ord, V> Sorted<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Branch(children) => node = &children[child(children, key)].1,
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|(held, _)| held.cmp(key)).ok()?;
                    return Some(&entries[at].1);
                }
            }
        }
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// The highest key.
    pub(crate) fn last_key(&self) -> Option<&K> {
        let mut node = &self.root;
        while let Node::Branch(children) = node {
            node = &children.last()?.1;
        }
        match node {
            Node::Leaf(entries) => entries.last().map(|(key, _)| key),
            Node::Branch(_) => None,
        }
    }

    /// The entries whose keys are not below the bound, ascending.
    pub(crate) fn range(&self, from: Bound<&K>) -> Iter<'_, K, V> {
        let is_before = |key: &K| match from {
            Bound::Included(from) => key < from,
            Bound::Excluded(from) => key <= from,
            Bound::Unbounded => false,
        };
        let mut branches = Vec::new();
        let mut node = &self.root;
        loop {
            match node {
                Node::Branch(children) => {
                    let at = match from {
                        Bound::Included(from) | Bound::Excluded(from) => child(children, from),
                        Bound::Unbounded => 0,
                    };
                    branches.push(children[at + 1..].iter());
                    node = &children[at].1;
                }
                Node::Leaf(entries) => {
                    let at = entries.partition_point(|(key, _)| is_before(key));
                    return Iter { branches, leaf: entries[at..].iter() };
                }
            }
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_, K, V> {
        self.range(Bound::Unbounded)
    }

    pub(crate) fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        Values { iter: self.iter(), left: self.len }
    }
}

impl<K: Clone + Ord, V: Clone> Sorted<K, V> {
    /// Puts an entry in the place of the one with its key, which it returns.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (before, split) = self.root.insert(key, value);
        if let Some(right) = split {
            let left = std::mem::take(&mut self.root);
            // No key is looked for before the first child.
            self.root = Node::Branch(Arc::new(vec![(left.from(&right.0), left), right]));
        }
        self.len += usize::from(before.is_none());
        before
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        // What is not there must not cost a copy of the way to it.
        self.get(key)?;
        let removed = self.root.remove(key)?;
        self.len -= 1;
        while let Node::Branch(children) = &self.root
            && children.len() <= 1
        {
            self.root = children.first().map(|(_, child)| child.clone()).unwrap_or_default();
        }
        Some(removed)
    }

    /// Puts many entries, ascending by key and no key twice. Returns how many took the place of others.
    pub(crate) fn insert_all(&mut self, entries: Vec<(K, V)>) -> usize {
        let Some((first, _)) = entries.first() else { return 0 };
        let (first, count, before) = (first.clone(), entries.len(), self.len);
        let root = std::mem::take(&mut self.root);
        let mut nodes = Vec::new();
        let mut entries = entries.into_iter().peekable();
        let from = root.from(&first);
        root.merge(from, &mut entries, None, &mut nodes, &mut self.len);
        while nodes.len() > 1 {
            let children = std::mem::take(&mut nodes);
            nodes.extend(cut(children).map(branch));
        }
        self.root = nodes.pop().map(|(_, root)| root).unwrap_or_default();
        count - (self.len - before)
    }
}

fn leaf<K: Clone, V>(entries: Vec<(K, V)>) -> (K, Node<K, V>) {
    (entries[0].0.clone(), Node::Leaf(Arc::new(entries)))
}

fn branch<K: Clone, V>(children: Vec<(K, Node<K, V>)>) -> (K, Node<K, V>) {
    (children[0].0.clone(), Node::Branch(Arc::new(children)))
}

/// As few parts as can hold all, equally full.
fn cut<T>(all: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let parts = all.len().div_ceil(FULL);
    let size = all.len().div_ceil(parts.max(1));
    let mut all = all.into_iter();
    (0..parts).map(move |_| all.by_ref().take(size).collect())
}

/// The upper half of what is more than full.
fn split<T>(full: &mut Vec<T>) -> Option<Vec<T>> {
    (full.len() > FULL).then(|| full.split_off(full.len() / 2))
}

/// The value that was replaced, and the node that is now after this one, as there is no room in one for both.
type Inserted<K, V> = (Option<V>, Option<(K, Node<K, V>)>);

impl<K: Clone + Ord, V: Clone> Node<K, V> {
    fn insert(&mut self, key: K, value: V) -> Inserted<K, V> {
        match self {
            Self::Leaf(entries) => {
                let entries = Arc::make_mut(entries);
                match entries.binary_search_by(|(held, _)| held.cmp(&key)) {
                    Ok(at) => (Some(std::mem::replace(&mut entries[at].1, value)), None),
                    Err(at) => {
                        entries.insert(at, (key, value));
                        (None, split(entries).map(leaf))
                    }
                }
            }
            Self::Branch(children) => {
                let children = Arc::make_mut(children);
                let at = child(children, &key);
                let (before, right) = children[at].1.insert(key, value);
                if let Some(right) = right {
                    children.insert(at + 1, right);
                }
                (before, split(children).map(branch))
            }
        }
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Self::Leaf(entries) => {
                let at = entries.binary_search_by(|(held, _)| held.cmp(key)).ok()?;
                Some(Arc::make_mut(entries).remove(at).1)
            }
            Self::Branch(children) => {
                let children = Arc::make_mut(children);
                let at = child(children, key);
                let removed = children[at].1.remove(key)?;
                if children[at].1.width() <= POOR {
                    join(children, at);
                }
                Some(removed)
            }
        }
    }

    /// A key that is not above those of any of its nodes after the first, or else this one.
    fn from(&self, other: &K) -> K {
        match self {
            Self::Leaf(entries) => entries.first().map_or(other, |(key, _)| key),
            Self::Branch(children) => children.first().map_or(other, |(from, _)| from),
        }
        .clone()
    }

    /// How many entries or children there are.
    fn width(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Branch(children) => children.len(),
        }
    }

    /// Puts the entries below `end` and adds what becomes of the node to `merged`, as nodes of its level.
    fn merge(
        self,
        from: K,
        entries: &mut Peekable<vec::IntoIter<(K, V)>>,
        end: Option<&K>,
        merged: &mut Vec<(K, Self)>,
        len: &mut usize,
    ) {
        let is_here = |(key, _): &(K, V)| end.is_none_or(|end| key < end);
        if !entries.peek().is_some_and(is_here) {
            merged.push((from, self));
            return;
        }
        match self {
            Self::Leaf(old) => {
                let mut old = Arc::unwrap_or_clone(old).into_iter().peekable();
                let mut all = Vec::with_capacity(old.len() + 1);
                while let Some(entry) = entries.next_if(is_here) {
                    while let Some(lower) = old.next_if(|(key, _)| *key < entry.0) {
                        all.push(lower);
                    }
                    *len += usize::from(old.next_if(|(key, _)| *key == entry.0).is_none());
                    all.push(entry);
                }
                all.extend(old);
                merged.extend(cut(all).map(leaf));
            }
            Self::Branch(children) => {
                let ends: Vec<K> = children.iter().skip(1).map(|(from, _)| from.clone()).collect();
                let mut ends = ends.iter().map(Some).chain([end]);
                let mut all = Vec::with_capacity(children.len() + 1);
                for (from, child) in Arc::unwrap_or_clone(children) {
                    child.merge(from, entries, ends.next().flatten(), &mut all, len);
                }
                // Keys of its first child may be lower than that says.
                all[0].0 = from;
                merged.extend(cut(all).map(branch));
            }
        }
    }
}

/// Joins a child with a neighbour if one node can hold both, or takes it away if nothing is in it.
fn join<K: Clone + Ord, V: Clone>(children: &mut Vec<(K, Node<K, V>)>, at: usize) {
    if children[at].1.width() == 0 {
        children.remove(at);
        return;
    }
    let left = at.saturating_sub(1);
    let Some((_, right)) = children.get(left + 1) else { return };
    if children[left].1.width() + right.width() > FULL {
        return;
    }
    let (from, right) = children.remove(left + 1);
    match (&mut children[left].1, right) {
        (Node::Leaf(left), Node::Leaf(right)) => {
            Arc::make_mut(left).extend(Arc::unwrap_or_clone(right));
        }
        (Node::Branch(left), Node::Branch(right)) => {
            let mut right = Arc::unwrap_or_clone(right);
            right[0].0 = from;
            Arc::make_mut(left).extend(right);
        }
        _ => unreachable!("all leaves are equally deep"),
    }
}

/// The entries of a map from some key on, ascending.
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a, K, V> {
    /// What is still to be visited of the branches on the way to the leaf.
    branches: Vec<slice::Iter<'a, (K, Node<K, V>)>>,
    leaf: slice::Iter<'a, (K, V)>,
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.leaf.next() {
                return Some((key, value));
            }
            match self.branches.last_mut()?.next() {
                None => {
                    self.branches.pop();
                }
                Some((_, Node::Branch(children))) => self.branches.push(children.iter()),
                Some((_, Node::Leaf(entries))) => self.leaf = entries.iter(),
            }
        }
    }
}

/// All values, by their keys.
struct Values<'a, K, V> {
    iter: Iter<'a, K, V>,
    left: usize,
}

impl<'a, K, V> Iterator for Values<'a, K, V> {
    type Item = &'a V;

    fn next(&mut self) -> Option<&'a V> {
        let (_, value) = self.iter.next()?;
        self.left -= 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V> ExactSizeIterator for Values<'_, K, V> {}

#[cfg(test)]
impl<K: Clone + Ord, V: Clone> FromIterator<(K, V)> for Sorted<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut sorted = Self::default();
        entries.into_iter().for_each(|(key, value)| drop(sorted.insert(key, value)));
        sorted
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Change {
        Insert(u16, u8),
        InsertAll(BTreeMap<u16, u8>),
        /// All keys from one to another, one after the other.
        Remove(u16, u16),
    }

    fn change() -> impl Strategy<Value = Change> {
        let key = || 0..2000_u16;
        prop_oneof![
            (key(), any::<u8>()).prop_map(|(key, value)| Change::Insert(key, value)),
            btree_map(key(), any::<u8>(), 0..600).prop_map(Change::InsertAll),
            (key(), 0..400_u16).prop_map(|(from, count)| Change::Remove(from, from + count)),
        ]
    }

    fn carry_out(change: Change, sorted: &mut Sorted<u16, u8>, plain: &mut BTreeMap<u16, u8>) {
        match change {
            Change::Insert(key, value) => {
                assert_eq!(sorted.insert(key, value), plain.insert(key, value));
            }
            Change::InsertAll(entries) => {
                let known = entries.keys().filter(|key| plain.contains_key(key)).count();
                assert_eq!(sorted.insert_all(entries.clone().into_iter().collect()), known);
                plain.extend(entries);
            }
            Change::Remove(from, to) => {
                (from..to).for_each(|key| assert_eq!(sorted.remove(&key), plain.remove(&key)));
            }
        }
    }

    fn check_nodes(node: &Node<u16, u8>, from: Option<u16>, end: Option<u16>) -> usize {
        assert!(node.width() <= FULL);
        match node {
            Node::Leaf(entries) => {
                let fits = |key: u16| {
                    from.is_none_or(|from| from <= key) && end.is_none_or(|end| key < end)
                };
                assert!(entries.iter().all(|(key, _)| fits(*key)));
                1
            }
            Node::Branch(children) => {
                let ends = children.iter().skip(1).map(|(from, _)| Some(*from)).chain([end]);
                let froms =
                    [from].into_iter().chain(children.iter().skip(1).map(|(from, _)| Some(*from)));
                let levels: Vec<usize> = children
                    .iter()
                    .zip(froms.zip(ends))
                    .map(|((_, child), (from, end))| check_nodes(child, from, end))
                    .collect();
                assert!(levels.windows(2).all(|pair| pair[0] == pair[1]), "{levels:?}");
                levels[0] + 1
            }
        }
    }

    proptest! {
        // Each looks at every copy on the way.
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_a_sorted_map_and_copies_stay_as_they_were(changes in vec(change(), 0..12), key in 0..2000_u16) {
            let (mut sorted, mut plain) = (Sorted::default(), BTreeMap::new());
            let mut copies = Vec::new();
            for change in changes {
                copies.push((sorted.clone(), plain.clone()));
                carry_out(change, &mut sorted, &mut plain);
                check_nodes(&sorted.root, None, None);
            }
            copies.push((sorted.clone(), plain.clone()));
            for (sorted, plain) in &copies {
                prop_assert_eq!((sorted.len(), sorted.last_key()), (plain.len(), plain.keys().last()));
                prop_assert!(sorted.iter().eq(plain));
                prop_assert!(sorted.values().eq(plain.values()));
                prop_assert_eq!(sorted.get(&key), plain.get(&key));
                for from in [Bound::Included(&key), Bound::Excluded(&key)] {
                    prop_assert!(sorted.range(from).eq(plain.range((from, Bound::Unbounded))));
                }
            }
            for (before, was) in &copies {
                let expected: Vec<_> = (0..2500)
                    .map(|key| (key, was.get(&key), plain.get(&key)))
                    .filter(|(_, before, after)| before != after)
                    .collect();
                let diff: Vec<_> = before.diff(&sorted).map(|(key, a, b)| (*key, a, b)).collect();
                prop_assert_eq!(diff, expected);
            }
        }
    }

    #[test]
    fn many_at_once_fill_the_nodes() {
        let mut sorted = Sorted::default();
        for first in (0..100_000).step_by(2000) {
            sorted.insert_all((first..first + 2000).map(|key: u32| (key, ())).collect());
        }
        fn leaves<K, V>(node: &Node<K, V>) -> usize {
            match node {
                Node::Leaf(_) => 1,
                Node::Branch(children) => children.iter().map(|(_, child)| leaves(child)).sum(),
            }
        }
        assert!(leaves(&sorted.root) * FULL * 9 / 10 < sorted.len(), "{}", leaves(&sorted.root));
    }
}
