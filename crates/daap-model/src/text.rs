//! Texts without regard to capitals, and the pool that keeps each text once.

use std::sync::Arc;

use foldhash::HashSet;

use crate::{MusicBrainz, Text, Track};

/// A text made ready to be looked for without regard to capitals: in lower case, by Unicode's mapping.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Folded(Box<str>);

impl Folded {
    /// Makes a text ready.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.chars().flat_map(char::to_lowercase).collect())
    }

    /// The text in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// Appends `text` in lower case.
pub(crate) fn push_folded(text: &str, to: &mut Vec<u8>) {
    if text.is_ascii() {
        to.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
    } else {
        to.extend_from_slice(Folded::new(text).as_str().as_bytes());
    }
}

/// Whether `needle` is somewhere in `text`.
pub(crate) fn contains_folded(text: &str, needle: &Folded) -> bool {
    let wanted = needle.as_str();
    if text.is_ascii() {
        return contains_ascii(text.as_bytes(), wanted.as_bytes());
    }
    Folded::new(text).as_str().contains(wanted)
}

fn contains_ascii(text: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else { return true };
    let Some(last_start) = text.len().checked_sub(wanted.len()) else { return false };
    let upper = first.to_ascii_uppercase();
    text[..=last_start].iter().enumerate().any(|(at, byte)| {
        (byte == first || *byte == upper)
            && text[at + 1..at + wanted.len()].eq_ignore_ascii_case(rest)
    })
}

/// Whether `text` begins with `needle`.
pub(crate) fn starts_with_folded(text: &str, needle: &Folded) -> bool {
    starts_with(lower(text), needle.as_str())
}

fn starts_with(mut text: impl Iterator<Item = char>, wanted: &str) -> bool {
    wanted.chars().all(|c| text.next() == Some(c))
}

/// Whether `text` ends with `needle`.
pub(crate) fn ends_with_folded(text: &str, needle: &Folded) -> bool {
    let mut backwards = text.chars().rev().flat_map(|c| {
        let lower: Vec<char> = c.to_lowercase().collect();
        lower.into_iter().rev()
    });
    needle.as_str().chars().rev().all(|c| backwards.next() == Some(c))
}

/// Keeps one copy of each text that songs tend to share.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Text>,
    /// When there are this many texts, those that no song has any more are dropped.
    sweep_at: usize,
    /// Those of the last song, which the next one mostly shares.
    last: [Text; 12],
    /// Likewise.
    musicbrainz: Option<Arc<MusicBrainz>>,
}

/// Below this many texts it is not worth looking for unused ones.
const SWEEP_MIN: usize = 4096;

impl Interner {
    /// Makes a song share its texts with the others.
    pub(crate) fn share(&mut self, track: &mut Track) {
        let texts = [
            &mut track.artist,
            &mut track.album_artist,
            &mut track.album,
            &mut track.genre,
            &mut track.composer,
            &mut track.comment,
            &mut track.grouping,
            &mut track.sort_artist,
            &mut track.sort_album_artist,
            &mut track.sort_album,
            &mut track.sort_composer,
            &mut track.format,
        ];
        for (place, text) in texts.into_iter().enumerate() {
            if text.is_shared_with(&self.last[place]) {
                continue;
            }
            if *text != self.last[place] {
                self.intern(text);
                self.last[place] = text.clone();
            } else {
                *text = self.last[place].clone();
            }
        }
        match (&track.musicbrainz, &self.musicbrainz) {
            (Some(ids), Some(last)) if Arc::ptr_eq(ids, last) => {}
            (Some(ids), Some(last)) if ids == last => track.musicbrainz = Some(Arc::clone(last)),
            _ => self.musicbrainz.clone_from(&track.musicbrainz),
        }
        if track.sort_title == track.title {
            track.sort_title = track.title.clone();
        }
    }

    fn intern(&mut self, text: &mut Text) {
        if text.is_empty() {
            return;
        }
        if let Some(known) = self.texts.get(text.as_str()) {
            *text = known.clone();
            return;
        }
        if self.texts.len() >= self.sweep_at.max(SWEEP_MIN) {
            self.texts.retain(|text| text.holders() != Some(1));
            self.sweep_at = self.texts.len() * 2;
        }
        self.texts.insert(text.clone());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_found_as_in_their_lower_case(text in "[aBcÄßİσK ]{0,6}", needle in "[AbcäSßiΣk ]{0,3}") {
            let lower: String = lower(&text).collect();
            let needle = Folded::new(&needle);
            prop_assert_eq!(starts_with_folded(&text, &needle), lower.starts_with(needle.as_str()));
            prop_assert_eq!(ends_with_folded(&text, &needle), lower.ends_with(needle.as_str()));
            prop_assert_eq!(contains_folded(&text, &needle), lower.contains(needle.as_str()));
        }
    }

    #[test]
    fn texts_that_no_song_has_any_more_are_dropped() {
        let mut interner = Interner::default();
        let track = |album: String| Track { album: album.into(), ..Track::default() };
        let mut kept = track("kept".into());
        interner.share(&mut kept);
        for number in 0..SWEEP_MIN * 3 {
            interner.share(&mut track(number.to_string()));
        }
        assert!(interner.texts.len() <= SWEEP_MIN);
        let mut again = track("kept".into());
        interner.share(&mut again);
        assert_eq!(kept.album.as_ptr(), again.album.as_ptr());
    }
}
