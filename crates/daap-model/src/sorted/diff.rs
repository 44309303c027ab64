//! In what two maps differ.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Node, Sorted};

/// A key whose values differ, with the value in the one map and in the other.
type Difference<'a, K, V> = (&'a K, Option<&'a V>, Option<&'a V>);

impl<K: Ord, V: PartialEq> Sorted<K, V> {
    /// The keys whose values differ, ascending. What the maps share is skipped.
    pub(crate) fn diff<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = Difference<'a, K, V>> {
        let ahead = |map: &'a Self| Ahead(vec![Part::Node(&map.root)]);
        Diff { a: ahead(self), b: ahead(other) }
    }
}

struct Diff<'a, K, V> {
    a: Ahead<'a, K, V>,
    b: Ahead<'a, K, V>,
}

impl<'a, K: Ord, V: PartialEq> Iterator for Diff<'a, K, V> {
    type Item = Difference<'a, K, V>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.find_entries();
            let order = match (self.a.entry(), self.b.entry()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((a, _)), Some((b, _))) => a.cmp(b),
            };
            let a = if order.is_le() { self.a.take_entry() } else { None };
            let b = if order.is_ge() { self.b.take_entry() } else { None };
            let (key, _) = a.or(b)?;
            let (a, b) = (a.map(|(_, value)| value), b.map(|(_, value)| value));
            if a != b {
                return Some((key, a, b));
            }
        }
    }
}

impl<K, V> Diff<'_, K, V> {
    /// Passes what is shared and opens other nodes, until both maps have an entry ahead or nothing.
    fn find_entries(&mut self) {
        loop {
            let (a, b) = (self.a.0.last(), self.b.0.last());
            if a.zip(b).is_some_and(|(a, b)| a.is_same(b)) {
                self.a.0.pop();
                self.b.0.pop();
                continue;
            }
            // The higher one may hold what the lower one is.
            let (a, b) = (a.map_or(0, Part::level), b.map_or(0, Part::level));
            match (a, b) {
                (0, 0) => return,
                _ if a >= b => self.a.open(),
                _ => self.b.open(),
            }
        }
    }
}

/// What is still to be compared of a map, the next part last.
struct Ahead<'a, K, V>(Vec<Part<'a, K, V>>);

enum Part<'a, K, V> {
    Node(&'a Node<K, V>),
    Entry(&'a (K, V)),
}

impl<'a, K, V> Ahead<'a, K, V> {
    /// Puts what is in the next node in its place.
    fn open(&mut self) {
        match self.0.pop() {
            Some(Part::Node(Node::Branch(children))) => {
                self.0.extend(children.iter().rev().map(|(_, child)| Part::Node(child)));
            }
            Some(Part::Node(Node::Leaf(entries))) => {
                self.0.extend(entries.iter().rev().map(Part::Entry));
            }
            entry => self.0.extend(entry),
        }
    }

    fn entry(&self) -> Option<&'a (K, V)> {
        match self.0.last()? {
            Part::Entry(entry) => Some(entry),
            Part::Node(_) => None,
        }
    }

    fn take_entry(&mut self) -> Option<&'a (K, V)> {
        let entry = self.entry()?;
        self.0.pop();
        Some(entry)
    }
}

impl<K, V> Part<'_, K, V> {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Node(Node::Leaf(a)), Self::Node(Node::Leaf(b))) => Arc::ptr_eq(a, b),
            (Self::Node(Node::Branch(a)), Self::Node(Node::Branch(b))) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// How far above the entries it is.
    fn level(&self) -> usize {
        let &Self::Node(mut node) = self else { return 0 };
        let mut level = 1;
        while let Node::Branch(children) = node
            && let Some((_, child)) = children.first()
        {
            node = child;
            level += 1;
        }
        level
    }
}
