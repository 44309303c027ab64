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

use foldhash::HashMap;
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
    /// By album, the artist it is filed under, disc, track; by title where there is no track number.
    Album,
    /// By the artist it is filed under, album, disc, track; by title where there is no track number.
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
    let bare = without_punctuation(name);
    let Some((word, rest)) = bare.split_once(' ') else { return bare };
    let rest = rest.trim_start();
    let is_article = ARTICLES.iter().any(|article| word.eq_ignore_ascii_case(article));
    if is_article && !rest.is_empty() { without_punctuation(rest) } else { bare }
}

fn without_punctuation(name: &str) -> &str {
    let bare = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    // "!!!" is all punctuation, and a name all the same.
    if bare.is_empty() { name } else { bare }
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
    KeyWriter::default().write(item, sort, &mut key);
    key
}

/// The key of a text.
pub(crate) fn text_key(text: &str) -> Key {
    let mut key = Key::new();
    write_text(text, &mut key);
    key
}

/// Writes the keys of many songs, working out those of artists and albums once.
#[derive(Default)]
pub(crate) struct KeyWriter<'a> {
    shared: HashMap<&'a str, Key>,
}

impl<'a> KeyWriter<'a> {
    /// Appends the key of a song in an order.
    pub(crate) fn write(&mut self, item: &'a Item, sort: Sort, key: &mut Key) {
        match sort {
            Sort::Title => write_text(Sort::Title.text(item), key),
            Sort::Album => self.write_album(item, key),
            Sort::Artist => {
                self.write_shared(artist_text(item), key);
                self.write_shared(Sort::Album.text(item), key);
                write_place(item, key);
            }
            Sort::ReleaseDate => {
                let newest_first = item.track.released_at().map_or(u64::MAX, |seconds| {
                    // Flipping the sign bit makes bytes compare as signed numbers do.
                    !(seconds.cast_unsigned() ^ 1 << 63)
                });
                key.extend_from_slice(&newest_first.to_be_bytes());
                self.write_album(item, key);
            }
        }
    }

    fn write_album(&mut self, item: &'a Item, key: &mut Key) {
        self.write_shared(Sort::Album.text(item), key);
        self.write_shared(artist_text(item), key);
        write_place(item, key);
    }

    fn write_shared(&mut self, text: &'a str, key: &mut Key) {
        key.extend_from_slice(self.shared.entry(text).or_insert_with(|| text_key(text)));
    }
}

fn write_place(item: &Item, key: &mut Key) {
    key.extend_from_slice(&item.track.disc.to_be_bytes());
    key.extend_from_slice(&item.track.track.to_be_bytes());
    if item.track.track == 0 {
        write_text(Sort::Title.text(item), key);
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{Edit, Timestamp, Track};

    #[track_caller]
    fn check(sort: Sort, edits: Vec<Edit>, expected: &[&str]) {
        let rows = database(&model(edits)).items().all().sorted(sort).rows();
        assert_eq!(titles(&rows), expected);
    }

    #[track_caller]
    fn check_titles(expected: &[&str]) {
        // Put in backwards, so that ids do not happen to agree.
        let titles = expected.iter().rev().zip(1..);
        let edits = titles.map(|(title, id)| put(id, track(title, "", ""))).collect();
        check(Sort::Title, edits, expected);
    }

    #[test]
    fn letters_come_before_accents_and_accents_before_capitals() {
        check_titles(&["abc", "Abc", "äbc", "Äbc", "abd", "b", "Zz"]);
        check_titles(&["Straße", "Strassen", "Strata"]);
        check_titles(&["A\u{308}b", "Äc", "A\u{308}d"]); // composed or not
    }

    #[test]
    fn digits_symbols_and_other_scripts_come_after_letters() {
        check_titles(&["Zebra", "2 Become 1", "10cc", "99", "Ωmega", "Яма", "東京"]);
        check_titles(&["Zebra", "!!!", "1"]);
    }

    #[test]
    fn leading_articles_and_punctuation_are_skipped() {
        check_titles(&["The Apple", "A Bee", "An Cat", "the dog", "Theatre", "(Un)Der"]);
        check_titles(&["\"Aa\"", "...Bb", "'The Cc", "The", "The "]);
        assert_eq!(sort_text("", "The Beatles"), "Beatles");
        assert_eq!(sort_text("", "The  Beatles"), "Beatles");
        assert_eq!(sort_text("", "The \"Quoted\" Band"), "Quoted\" Band");
        assert_eq!(sort_text("", "The !!!"), "!!!");
        assert_eq!(sort_text("", "A"), "A");
        assert_eq!(sort_text("", "A-ha"), "A-ha");
        assert_eq!(sort_text("", "Los Lobos"), "Los Lobos");
        assert_eq!(sort_text("", "???"), "???");
        assert_eq!(sort_text("", ""), "");
    }

    #[test]
    fn sort_tags_win_and_are_taken_as_they_are() {
        let zebra = Track { sort_title: "Zebra".into(), ..track("Apple", "", "") };
        let the = Track { sort_title: "The Z".into(), ..track("Bee", "", "") };
        check(
            Sort::Title,
            vec![put(1, zebra), put(2, the), put(3, track("Yak", "", ""))],
            &["Bee", "Yak", "Apple"],
        );
    }

    fn placed(title: &str, artist: &str, album: &str, disc: u16, number: u16) -> Track {
        Track { disc, track: number, ..track(title, artist, album) }
    }

    #[test]
    fn albums_are_in_order_of_disc_and_track_and_stay_together() {
        let songs = vec![
            put(1, placed("q2", "Queen", "Greatest Hits", 1, 2)),
            put(2, placed("a2", "Abba", "Greatest Hits", 1, 2)),
            put(3, placed("q1", "Queen", "Greatest Hits", 1, 1)),
            put(4, placed("a10", "Abba", "Greatest Hits", 1, 10)),
            put(5, placed("b1", "Abba", "Arrival", 2, 1)),
            put(6, placed("b9", "Abba", "Arrival", 1, 9)),
        ];
        check(Sort::Album, songs.clone(), &["b9", "b1", "a2", "a10", "q1", "q2"]);
        check(Sort::Artist, songs, &["b9", "b1", "a2", "a10", "q1", "q2"]);
    }

    #[test]
    fn an_artist_is_sorted_as_filed() {
        let mut guest = track("guest", "Zoot", "X");
        guest.album_artist = "The Band".into();
        let mut tape = track("tape", "Aaa", "X");
        tape.compilation = true;
        let mut tagged = track("tagged", "Bob Dylan", "X");
        tagged.sort_artist = "Dylan, Bob".into();
        let edits = vec![put(1, guest), put(2, tape), put(3, tagged)];
        check(Sort::Artist, edits, &["guest", "tagged", "tape"]);
    }

    #[test]
    fn the_newest_release_comes_first_and_unknown_dates_last() {
        let dated = |title: &str, year, released| Track {
            year,
            released: Timestamp(released),
            ..track(title, "", title)
        };
        let edits = vec![
            put(1, dated("unknown", 0, 0)),
            put(2, dated("1955", 1955, 0)),
            put(3, dated("1999", 1999, 0)),
            put(4, dated("2020", 1999, 1_600_000_000)),
            put(5, dated("1970", 1970, 0)),
        ];
        check(Sort::ReleaseDate, edits, &["2020", "1999", "1970", "1955", "unknown"]);
    }

    #[test]
    fn equal_songs_are_in_order_of_id() {
        let rows = database(&model((1..=9).rev().map(|id| put(id, track("x", "", "")))))
            .items()
            .all()
            .sorted(Sort::Title)
            .rows();
        let ids: Vec<u32> = rows.iter().map(|row| row.item.id.get()).collect();
        assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    fn header(letter: char, index: u32, count: u32) -> SortHeader {
        SortHeader { letter, index, count }
    }

    #[test]
    fn headers_are_runs_of_first_letters_and_one_for_the_rest() {
        assert_eq!(headers([]), [header('0', 0, 0)]);
        assert_eq!(
            headers(["abc", "Äh", "a\u{301}", "b", "1", "東", ""]),
            [header('A', 0, 3), header('B', 3, 1), header('0', 4, 3),]
        );
    }

    #[test]
    fn headers_count_from_the_first_row_of_the_page() {
        let titles = ["Alpha", "The Beta", "Bravo", "Charlie", "1999"];
        let edits = titles.iter().zip(1..).map(|(title, id)| put(id, track(title, "", "")));
        let database = database(&model(edits));
        let page = |page| database.items().all().sorted(Sort::Title).page(page).headers();
        let all = [header('A', 0, 1), header('B', 1, 2), header('C', 3, 1), header('0', 4, 1)];
        assert_eq!(page(crate::Page::All), all);
        let some = [header('B', 0, 1), header('C', 1, 1), header('0', 2, 0)];
        assert_eq!(page(crate::Page::Between(2, 3)), some);
    }

    proptest::proptest! {
        #[test]
        fn sorted_texts_have_each_header_once(mut texts in proptest::collection::vec("[a-eÄÉ0-9Ωæø ]{0,4}", 0..20)) {
            texts.sort_by_key(|text| text_key(text));
            let headers = headers(texts.iter().map(String::as_str));
            let letters: Vec<char> = headers.iter().map(|header| header.letter).collect();
            let (rest, letters) = letters.split_last().unwrap();
            proptest::prop_assert_eq!(*rest, '0');
            proptest::prop_assert!(letters.is_sorted_by(|a, b| a < b), "{:?}", letters);
        }
    }
}
