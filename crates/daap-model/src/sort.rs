//! Orders of songs, and the letters under which sorted lists are headed.
//!
//! Texts are compared as ICU's root collation does: letters first by what letter they are, then by
//! accent, then by capital; numbers inside a text by their value. What begins with a Latin letter comes
//! first and everything else (digits, symbols, other scripts, nothing) last, because clients count on
//! the headers of a list to lie in that order.
//!
//! The text that is compared is the sort tag, taken as it is; where there is none it is the name without
//! leading punctuation and without a leading article ([`ARTICLES`]). Equal keys are ordered by id, so
//! that an order is total and pages do not overlap.

use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::preferences::CollationNumericOrdering;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::Item;

/// The words skipped at the beginning of a name, in capitals or not, when a space and more follow.
pub const ARTICLES: [&str; 3] = ["the", "a", "an"];

/// An order of songs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    /// By title.
    Title,
    /// By album, the artist it is filed under, disc, track, title.
    Album,
    /// By the artist it is filed under, album, disc, track, title.
    Artist,
    /// Newest release first, then as [`Sort::Album`]. Unknown dates come last.
    ReleaseDate,
}

impl Sort {
    /// Every one, for tables and tests.
    pub const ALL: [Self; 4] = [Self::Title, Self::Album, Self::Artist, Self::ReleaseDate];

    /// The text that comes first in this order and so heads the song in a sorted list.
    #[must_use]
    pub fn text(self, item: &Item) -> &str {
        let track = &item.track;
        match self {
            Self::Title => sort_text(&track.sort_title, &track.title),
            Self::Album => sort_text(&track.sort_album, &track.album),
            Self::Artist => artist_text(item),
            Self::ReleaseDate => "",
        }
    }
}

/// Bytes that compare as the things they stand for are ordered.
pub(crate) type Key = Vec<u8>;

/// The text by which a name is sorted: its sort tag if there is one, else the name without leading
/// punctuation and article.
#[must_use]
pub fn sort_text<'a>(tag: &'a str, name: &'a str) -> &'a str {
    if tag.is_empty() { without_article(name) } else { tag }
}

fn artist_text(item: &Item) -> &str {
    let track = &item.track;
    let tag: &str = if !track.album_artist.is_empty() {
        &track.sort_album_artist
    } else if track.compilation {
        ""
    } else {
        &track.sort_artist
    };
    sort_text(tag, track.filed_under())
}

fn without_article(name: &str) -> &str {
    let bare = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    // "!!!" is all punctuation, and a name all the same.
    let bare = if bare.is_empty() { name } else { bare };
    let Some((word, rest)) = bare.split_once(' ') else { return bare };
    let rest = rest.trim_start();
    let is_article = ARTICLES.iter().any(|article| word.eq_ignore_ascii_case(article));
    if is_article && !rest.is_empty() { rest } else { bare }
}

/// The heading of one letter in a sorted list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortHeader {
    /// `A` to `Z`, or `0` for everything else.
    pub letter: char,
    /// Where its first row is in the list.
    pub index: u32,
    /// How many rows it has.
    pub count: u32,
}

/// The headings of a sorted list, by the texts that sort it: a run for each letter, then one entry for
/// all the rest, which is always there.
pub fn headers<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<SortHeader> {
    let mut headers: Vec<SortHeader> = Vec::new();
    let (mut index, mut others) = (0, 0);
    for text in texts {
        match (header_letter(text), headers.last_mut()) {
            (None, _) => others += 1,
            (Some(letter), Some(last)) if last.letter == letter => last.count += 1,
            (Some(letter), _) => headers.push(SortHeader { letter, index, count: 1 }),
        }
        index += 1;
    }
    headers.push(SortHeader { letter: '0', index: index - others, count: others });
    headers
}

/// The Latin letter a text begins with, as a capital and without its accent.
fn header_letter(text: &str) -> Option<char> {
    const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfd();
    let first = text.chars().next()?;
    let base = if first.is_ascii() { first } else { NFD.normalize_iter(text.chars()).next()? };
    base.is_ascii_alphabetic().then(|| base.to_ascii_uppercase())
}

/// The key of a song in an order.
pub(crate) fn key(item: &Item, sort: Sort) -> Key {
    let mut key = Key::new();
    write_key(item, sort, &mut key);
    key
}

/// Appends the key of a song in an order.
pub(crate) fn write_key(item: &Item, sort: Sort, key: &mut Key) {
    match sort {
        Sort::Title => write_text(Sort::Title.text(item), key),
        Sort::Album => write_album(item, key),
        Sort::Artist => {
            write_text(artist_text(item), key);
            write_text(Sort::Album.text(item), key);
            write_place(item, key);
        }
        Sort::ReleaseDate => {
            // Flipping the sign bit makes bytes compare as signed numbers do.
            let newest_first = item
                .track
                .released_at()
                .map_or(u64::MAX, |seconds| !(seconds.cast_unsigned() ^ 1 << 63));
            key.extend_from_slice(&newest_first.to_be_bytes());
            write_album(item, key);
        }
    }
}

fn write_album(item: &Item, key: &mut Key) {
    write_text(Sort::Album.text(item), key);
    write_text(artist_text(item), key);
    write_place(item, key);
}

fn write_place(item: &Item, key: &mut Key) {
    key.extend_from_slice(&item.track.disc.to_be_bytes());
    key.extend_from_slice(&item.track.track.to_be_bytes());
    write_text(Sort::Title.text(item), key);
}

/// The key of a text.
pub(crate) fn text_key(text: &str) -> Key {
    let mut key = Key::new();
    write_text(text, &mut key);
    key
}

fn write_text(text: &str, key: &mut Key) {
    const LETTERS: u8 = 1;
    const OTHERS: u8 = 2;
    /// Below every byte of a collation key, so that a shorter text sorts before its continuations.
    const END: u8 = 0;
    key.push(if header_letter(text).is_some() { LETTERS } else { OTHERS });
    let Ok(()) = COLLATOR.write_sort_key_to(text, key);
    key.push(END);
}

static COLLATOR: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    let mut preferences = CollatorPreferences::default();
    preferences.numeric_ordering = Some(CollationNumericOrdering::True);
    Collator::try_new(preferences, CollatorOptions::default())
        .expect("the root collation is compiled in")
});
