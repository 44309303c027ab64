//! The songs that a playlist can mean, found by where it says they are.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::path::{Component, Path};

use icu_normalizer::ComposingNormalizerBorrowed;
use library::SourceKey;

/// As many names at the end of a path must agree before it is taken for the same song in another place,
/// unless they are the whole of the song's key.
const MIN_SHARED_NAMES: usize = 2;

/// The songs of a folder, in an order in which those whose paths end alike lie together.
///
/// Case and the two ways of writing `é` make no difference, but where two songs differ only in them, the one
/// that is written as asked for comes first. Building it costs a few hundred bytes a song; keep it for a pass
/// over the playlists, not for ever.
#[derive(Debug)]
pub struct Songs {
    /// The names on the way to the folder itself.
    root: Vec<Vec<u8>>,
    /// Sorted by `tail`.
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// The key's names from last to first, folded, each with a zero behind.
    tail: Box<[u8]>,
    key: SourceKey,
}

impl Songs {
    /// The songs with these keys (paths below `root`, `/` between names).
    #[must_use]
    pub fn new(root: &Path, keys: impl IntoIterator<Item = SourceKey>) -> Self {
        let names = root.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.as_encoded_bytes().to_vec()),
            _ => None,
        });
        let row = |key: SourceKey| {
            let names: Vec<&[u8]> = key.as_bytes().split(|byte| *byte == b'/').collect();
            Row { tail: tail(&names).into(), key }
        };
        let mut rows: Vec<_> = keys.into_iter().map(row).collect();
        rows.sort_unstable_by(|a, b| a.tail.cmp(&b.tail).then_with(|| a.key.cmp(&b.key)));
        Self { root: names.collect(), rows }
    }

    /// Whether there is a song with just this key.
    pub(crate) fn contains(&self, key: &SourceKey) -> bool {
        let names: Vec<&[u8]> = key.as_bytes().split(|byte| *byte == b'/').collect();
        self.at(&names) == Some(key)
    }

    /// The names on the way to the folder itself.
    pub(super) fn root(&self) -> &[Vec<u8>] {
        &self.root
    }

    /// The song with this key, given as names.
    pub(super) fn at(&self, names: &[&[u8]]) -> Option<&SourceKey> {
        let tail = tail(names);
        self.best(self.range(|row| (*row).cmp(&*tail)), names)
    }

    /// The song whose key has the most names in common with the end of this path, if there is one that is
    /// meant beyond doubt.
    pub(super) fn ending_like(&self, path: &[&[u8]]) -> Option<&SourceKey> {
        let wanted = tail(path);
        let next = self.rows.partition_point(|row| *row.tail < *wanted);
        let around = self.rows[..next].iter().rev().take(1).chain(self.rows[next..].iter().take(1));
        let shared =
            around.map(|row| shared(&row.tail, &wanted)).max_by_key(|shared| shared.len())?;
        let names = shared.iter().filter(|byte| **byte == 0).count();
        if names == 0 {
            return None;
        }
        let whole = self.range(|row| (*row).cmp(shared));
        let path = &path[path.len() - names..];
        self.best(whole, path).or_else(|| {
            match self.range(|row| {
                if row.starts_with(shared) { Ordering::Equal } else { (*row).cmp(shared) }
            }) {
                [only] if names >= MIN_SHARED_NAMES => Some(&only.key),
                _ => None,
            }
        })
    }

    /// The rows for whose tails `order` says "equal"; it must agree with the order of the rows.
    fn range(&self, order: impl Fn(&&[u8]) -> Ordering) -> &[Row] {
        let start = self.rows.partition_point(|row| order(&&*row.tail) == Ordering::Less);
        let length =
            self.rows[start..].partition_point(|row| order(&&*row.tail) == Ordering::Equal);
        &self.rows[start..start + length]
    }

    /// Of rows that differ at most in case and the like, the one whose key is these names.
    fn best<'a>(&self, rows: &'a [Row], names: &[&[u8]]) -> Option<&'a SourceKey> {
        let key = names.join(&b'/');
        rows.iter().find(|row| row.key.as_bytes() == key).or(rows.first()).map(|row| &row.key)
    }
}

fn tail(names: &[&[u8]]) -> Vec<u8> {
    let mut tail = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    for name in names.iter().rev() {
        tail.extend_from_slice(&fold(name));
        tail.push(0);
    }
    tail
}

/// What two tails have in common, in whole names.
fn shared<'a>(a: &'a [u8], b: &[u8]) -> &'a [u8] {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let names = a[..same].iter().rposition(|byte| *byte == 0).map_or(0, |end| end + 1);
    &a[..names]
}

/// A name without what file systems disagree about: case, and whether `é` is one character or two.
fn fold(name: &[u8]) -> Cow<'_, [u8]> {
    if name.is_ascii() {
        return name.to_ascii_lowercase().into();
    }
    match std::str::from_utf8(name) {
        Ok(text) => {
            let nfc = const { ComposingNormalizerBorrowed::new_nfc() };
            // Composed first, as some letters have a small form only when composed; and again afterwards.
            let folded = nfc.normalize(text);
            // By way of capitals, so that both small sigmas, and ß and ss, are one.
            let folded = folded.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
            let lower: String = folded.collect();
            nfc.normalize(&lower).into_owned().into_bytes().into()
        }
        Err(_) => name.to_ascii_lowercase().into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn songs(keys: &[&str]) -> Songs {
        Songs::new(Path::new("/srv/music"), keys.iter().map(|key| SourceKey::from(*key)))
    }

    fn names(path: &str) -> Vec<&[u8]> {
        path.split('/').map(str::as_bytes).collect()
    }

    #[track_caller]
    fn check(keys: &[&str], path: &str, expected: Option<&str>) {
        let songs = songs(keys);
        let found = songs.ending_like(&names(path)).map(ToString::to_string);
        assert_eq!(found.as_deref(), expected, "{path} among {keys:?}");
    }

    #[test]
    fn the_longest_common_end_decides() {
        let keys = ["Wings/Jet.mp3", "Live/Wings/Jet.mp3", "Jet.mp3", "Other/Wings/Mrs.mp3"];
        check(&keys, "c/Music/Wings/Jet.mp3", Some("Wings/Jet.mp3"));
        check(&keys, "c/Live/Wings/Jet.mp3", Some("Live/Wings/Jet.mp3"));
        check(&keys, "c/Beatles/Jet.mp3", Some("Jet.mp3"));
        check(&keys, "Jet.mp3", Some("Jet.mp3"));
        check(&keys, "c/WINGS/MRS.MP3", Some("Other/Wings/Mrs.mp3"));
        check(&keys, "c/Mrs.mp3", None);
        check(&keys, "c/xJet.mp3", None);
        check(&[], "a", None);
    }

    #[test]
    fn where_two_songs_could_be_meant_none_is() {
        check(&["A/Wings/Jet.mp3", "B/Wings/Jet.mp3"], "c/Wings/Jet.mp3", None);
        check(
            &["A/Wings/Jet.mp3", "B/Wings/Jet.mp3"],
            "c/b/Wings/Jet.mp3",
            Some("B/Wings/Jet.mp3"),
        );
    }

    #[test]
    fn of_songs_that_differ_in_case_the_one_as_written_is_meant() {
        let keys = ["a/X.mp3", "a/x.mp3", "A/x.mp3"];
        for key in keys {
            assert_eq!(songs(&keys).at(&names(key)).map(ToString::to_string).as_deref(), Some(key));
            check(&keys, key, Some(key));
        }
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same() {
        check(&["Be\u{301}/e\u{301}.mp3"], "x/BÉ/É.MP3", Some("Be\u{301}/e\u{301}.mp3"));
        check(&["Ελλάς/ς.mp3"], "x/ΕΛΛΆΣ/ς.mp3", Some("Ελλάς/ς.mp3"));
    }

    #[test]
    fn names_that_are_no_text_are_found_too() {
        let songs = Songs::new(Path::new("/m"), [SourceKey::from(&b"a/\xE9.MP3"[..])]);
        assert!(songs.at(&[b"a", b"\xE9.mp3"]).is_some());
    }

    proptest! {
        #[test]
        fn every_song_is_found_by_its_key_and_never_by_less_than_its_name(
            keys in prop::collection::btree_set("[abA]{1,2}(/[abA]{1,2}){0,3}", 1..40),
            path in "[abA]{1,2}(/[abA]{1,2}){0,4}",
        ) {
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            let songs = songs(&keys);
            for key in &keys {
                prop_assert_eq!(songs.at(&names(key)).unwrap().to_string(), *key);
            }
            let last = |path: &str| path.rsplit('/').next().unwrap().to_lowercase();
            if let Some(found) = songs.ending_like(&names(&path)) {
                prop_assert_eq!(last(&found.to_string()), last(&path));
            }
        }
    }
}
