//! Whose songs a server has, so that servers that republish each other in a ring notice it.
//!
//! This is no part of DAAP. Servers of ours say it in a header of `/server-info`; others say nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// How many pairs of servers are told of at most. What is behind a server that tells of so many cannot be known.
pub const MAX_PAIRS: usize = 100;

/// Whose songs a server has: its own library's, and by republishing other servers theirs, and so on. Each is a number
/// that no other has.
///
/// Servers that republish each other would list every song for ever anew, so one of them has to refuse. All of them
/// find the same one: the lowest of those in the ring.
///
/// ```
/// use daap_proto::Lineage;
///
/// let nas: Lineage = "00000000000000aa; 00000000000000aa>00000000000000bb".parse()?;
/// assert_eq!(nas.lowest_in_ring_with(0xBB), Some(0xAA));
/// assert_eq!(nas.lowest_in_ring_with(0xCC), None);
///
/// let mut attic = Lineage::of(0xCC);
/// attic.republish(&nas);
/// assert_eq!(attic.lowest_in_ring_with(0xBB), Some(0xAA));
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    own: u64,
    /// Who republishes whom.
    pairs: BTreeSet<(u64, u64)>,
}

impl Lineage {
    /// The name of the header, in lower case.
    pub const HEADER: &str = "dapple-lineage";

    /// That of a server with this library, which republishes nothing.
    #[must_use]
    pub const fn of(own: u64) -> Self {
        Self { own, pairs: BTreeSet::new() }
    }

    /// The server's own library.
    #[must_use]
    pub const fn own(&self) -> u64 {
        self.own
    }

    /// Adds that the server republishes another. What that one says of this server itself is left out: it may be old.
    pub fn republish(&mut self, share: &Self) {
        let others = share.pairs.iter().filter(|(who, _)| *who != self.own);
        for pair in std::iter::once(&(self.own, share.own)).chain(others) {
            if self.pairs.len() < MAX_PAIRS {
                self.pairs.insert(*pair);
            }
        }
    }

    /// Whether there is a ring if the server with the library `own` republishes this one: then the lowest of the
    /// libraries in it. It may be `own`, and is where there is too much behind this server to know.
    #[must_use]
    pub fn lowest_in_ring_with(&self, own: u64) -> Option<u64> {
        if self.pairs.len() >= MAX_PAIRS {
            return Some(own);
        }
        let behind = reach(self.own, self.pairs.iter().copied());
        let before = reach(own, self.pairs.iter().map(|(who, whom)| (*whom, *who)));
        let ring = behind.contains(&own).then(|| behind.intersection(&before).copied().min());
        ring.flatten()
    }
}

/// Where the steps lead from a place, which counts too.
fn reach(from: u64, steps: impl Iterator<Item = (u64, u64)> + Clone) -> BTreeSet<u64> {
    let (mut reached, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(at) = open.pop() {
        let next = steps.clone().filter(|(from, _)| *from == at).map(|(_, to)| to);
        open.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}

/// The server's own, and pairs between commas; each in sixteen hexadecimal digits.
impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.own)?;
        for (place, (who, whom)) in self.pairs.iter().enumerate() {
            let before = if place == 0 { ";" } else { "," };
            write!(f, "{before} {who:016x}>{whom:016x}")?;
        }
        Ok(())
    }
}

/// Pairs that cannot be read are passed over, and those that are too many.
impl FromStr for Lineage {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| u64::from_str_radix(text.trim(), 16);
        let (own, pairs) = text.split_once(';').unwrap_or((text, ""));
        let pairs = pairs.split(',').filter_map(|pair| {
            let (who, whom) = pair.split_once('>')?;
            Some((number(who).ok()?, number(whom).ok()?))
        });
        Ok(Self { own: number(own)?, pairs: pairs.take(MAX_PAIRS).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lineage: &str, own: u64, expected: Option<u64>) {
        let lineage: Lineage = lineage.parse().expect("a lineage");
        assert_eq!(lineage.lowest_in_ring_with(own), expected, "{lineage}");
    }

    #[test]
    fn a_ring_is_found_and_all_in_it_find_the_same_one() {
        check("1", 2, None);
        check("1", 1, Some(1)); // oneself
        check("2; 2>3", 1, None);
        check("2; 2>1", 1, Some(1));
        check("1; 1>2", 2, Some(1));
        // Three in a ring, each as the one before sees it.
        check("2; 2>3, 3>1", 1, Some(1));
        check("3; 3>1, 1>2", 2, Some(1));
        check("1; 1>2, 2>3", 3, Some(1));
        // Who is behind the ring, or looks on, is not in it.
        check("5; 5>6, 6>7, 6>1", 7, Some(5));
        check("5; 5>6, 6>5, 2>5", 7, None);
        check("5; 5>6, 6>5, 6>7", 7, Some(5));
    }

    #[test]
    fn a_lineage_is_read_as_it_is_written() {
        let mut lineage = Lineage::of(0xAB);
        assert_eq!(lineage.to_string(), "00000000000000ab");
        lineage.republish(&"cd; cd>ef, ab>12, nonsense, 1>".parse().expect("a lineage"));
        let written = "00000000000000ab; 00000000000000ab>00000000000000cd, \
                       00000000000000cd>00000000000000ef";
        assert_eq!(lineage.to_string(), written);
        assert_eq!(written.parse(), Ok(lineage));
        assert!("".parse::<Lineage>().is_err());
    }

    #[test]
    fn behind_too_much_to_know_there_may_be_a_ring() {
        let mut lineage = Lineage::of(1);
        (2..).take(MAX_PAIRS - 1).for_each(|share| lineage.republish(&Lineage::of(share)));
        assert_eq!(lineage.lowest_in_ring_with(0), None);
        (1000..1005).for_each(|share| lineage.republish(&Lineage::of(share)));
        assert_eq!(lineage.pairs.len(), MAX_PAIRS);
        assert_eq!(lineage.lowest_in_ring_with(0), Some(0));
    }
}
