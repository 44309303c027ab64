//! The texts of all songs in one piece, in which a word is found.
//!
//! To look at every song takes as long as fetching each from memory. A [`Column`] has one text of every song in
//! lower case, one after the other, and goes through them many bytes at a time; neighbours with the same text, as the
//! songs of an album have, share it. It is made when someone first searches, and serves the snapshots that follow
//! too: songs that changed since are looked at one by one.

use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memmem::Finder;

use crate::filter::{TextField, TextTest};
use crate::index::ById;
use crate::text::push_folded;
use crate::{ItemId, Items, Revision};

/// A column is made anew when more than one song in so many has changed since: that is then as quick.
const STALE_ONE_IN: usize = 32;

/// What stands before, between and after texts. No text has it, as it is no part of UTF-8.
const MARK: u8 = 0xFF;

/// The columns of a database, each made when it is first asked for. All its snapshots have them in common.
#[derive(Debug, Default)]
pub(crate) struct Columns([Mutex<Option<Arc<Column>>>; TextField::ALL.len()]);

/// One text of every song, as it was at a revision.
#[derive(Debug)]
struct Column {
    made_at: Revision,
    texts: Vec<u8>,
    runs: Vec<Run>,
}

/// Songs one after the other, by id, that have the same text.
#[derive(Debug)]
struct Run {
    first: ItemId,
    last: ItemId,
    /// Where the text ends, with the mark after it.
    end: usize,
}

impl Items {
    /// The songs of which a text passes a test, ascending.
    pub(crate) fn passing(&self, field: TextField, test: &TextTest) -> Vec<ItemId> {
        let (column, changed) = self.columns.column(self, field);
        let passes = |id: &ItemId| self.find(*id).is_some_and(|item| test.passes_in(item, field));
        let is_as_it_was = |id: &ItemId| changed.binary_search(id).is_err();
        let mut found = Vec::new();
        for run in column.find(&needle(test)) {
            let mut songs = run.songs(&self.by_id).filter(is_as_it_was).peekable();
            // In lower case more is equal than is.
            let is_sure = !matches!(test, TextTest::Equals(_));
            if is_sure || songs.peek().is_some_and(passes) {
                found.extend(songs);
            }
        }
        let before = found.len();
        found.extend(changed.iter().copied().filter(passes));
        if found.len() > before {
            found.sort_unstable();
        }
        found
    }
}

impl Columns {
    /// The column of a field, and the songs that came, changed or went since it was made.
    fn column(&self, items: &Items, field: TextField) -> (Arc<Column>, Vec<ItemId>) {
        // A column is put there whole or not at all, so nothing is wrong with it whoever panicked.
        let mut kept = self.0[field as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(column) = &*kept
            && column.made_at <= items.history.latest()
            && let Some(changed) = items.history.after(column.made_at)
            && changed.len() * STALE_ONE_IN <= items.len()
        {
            return (Arc::clone(column), changed);
        }
        let column = Arc::new(Column::of(items, field));
        *kept = Some(Arc::clone(&column));
        (column, Vec::new())
    }
}

impl Column {
    fn of(items: &Items, field: TextField) -> Self {
        let (mut texts, mut runs) = (vec![MARK], Vec::<Run>::new());
        let mut before = None;
        for item in items.iter() {
            let now = field.texts(item);
            match runs.last_mut() {
                Some(run) if before == Some(now) => run.last = item.id,
                _ => {
                    for text in [Some(now.0), now.1].into_iter().flatten() {
                        push_folded(text, &mut texts);
                        texts.push(MARK);
                    }
                    runs.push(Run { first: item.id, last: item.id, end: texts.len() });
                }
            }
            before = Some(now);
        }
        texts.shrink_to_fit();
        runs.shrink_to_fit();
        Self { made_at: items.history.latest(), texts, runs }
    }

    /// The songs in whose texts, with their marks, these bytes are; there is at least one byte.
    fn find(&self, bytes: &[u8]) -> impl Iterator<Item = &Run> {
        let finder = Finder::new(bytes).into_owned();
        let (mut from, mut runs) = (0, self.runs.iter());
        std::iter::from_fn(move || {
            let found_to = from + finder.find(&self.texts[from..])? + finder.needle().len();
            let run = runs.find(|run| found_to <= run.end)?;
            // The mark after a text is the one before the next.
            from = run.end - 1;
            Some(run)
        })
    }
}

impl Run {
    /// Those of its songs that are there, and others that came between them.
    fn songs(&self, by_id: &ById) -> impl Iterator<Item = ItemId> {
        let (single, several) = if self.first == self.last {
            (Some(self.first), None)
        } else {
            let songs = by_id.range(Bound::Included(&self.first)).map(|(id, _)| *id);
            (None, Some(songs.take_while(|id| *id <= self.last)))
        };
        single.into_iter().chain(several.into_iter().flatten())
    }
}

/// What is in a text, with its marks, that passes.
fn needle(test: &TextTest) -> Vec<u8> {
    let mut needle = Vec::new();
    let (mark_before, mark_after) = match test {
        TextTest::Equals(_) => (true, true),
        TextTest::Contains(_) => (false, false),
        TextTest::BeginsWith(_) => (true, false),
        TextTest::EndsWith(_) => (false, true),
    };
    needle.extend(mark_before.then_some(MARK));
    match test {
        TextTest::Equals(text) => push_folded(text, &mut needle),
        TextTest::Contains(text) | TextTest::BeginsWith(text) | TextTest::EndsWith(text) => {
            needle.extend_from_slice(text.as_str().as_bytes());
        }
    }
    needle.extend(mark_after.then_some(MARK));
    needle
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::fixture::*;
    use crate::{Edit, Filter, Folded, Model, Track};

    const SONGS: u32 = 10 * STALE_ONE_IN as u32;

    fn library() -> Model {
        let song = |id: u32| {
            let artist = format!("Artist {}", id / 50);
            Track {
                album_artist: if id.is_multiple_of(3) { "Band".into() } else { "".into() },
                ..track(&format!("Song {id}"), &artist, &format!("Älbum {}", id / 10))
            }
        };
        model((1..=SONGS).map(|id| put(id, song(id))))
    }

    fn test() -> impl Strategy<Value = TextTest> {
        let part = || "(song |ä|[a1b]|2 ?)".prop_map(|part| Folded::new(&part));
        prop_oneof![
            "(Song 11|Älbum 3|älbum 3|Band|)"
                .prop_map(|text| TextTest::Equals(text.as_str().into())),
            part().prop_map(TextTest::Contains),
            part().prop_map(TextTest::BeginsWith),
            part().prop_map(TextTest::EndsWith),
        ]
    }

    fn change() -> impl Strategy<Value = Edit> {
        let id = || 1..SONGS + 5;
        let text = || "(Song 11|Älbum 3|band|ba|)";
        prop_oneof![
            id().prop_map(remove),
            (id(), text(), text(), text()).prop_map(|(id, t, ar, al)| put(id, track(&t, &ar, &al))),
        ]
    }

    proptest! {
        #[test]
        fn a_search_finds_what_a_look_at_every_song_does(
            steps in vec((vec(change(), 0..3), test()), 1..8),
        ) {
            let mut model = library();
            for (changes, test) in steps {
                model.apply(changes.into_iter().collect()).unwrap();
                let database = database(&model);
                let items = database.items();
                for field in [TextField::Name, TextField::Album, TextField::Artist] {
                    let filter = Filter::Text(field, test.clone());
                    let passes = |item: &&crate::Item| filter.matches_item(item);
                    let scanned: Vec<ItemId> = items.iter().filter(passes).map(|item| item.id).collect();
                    prop_assert_eq!(items.passing(field, &test), scanned, "{:?}", filter);
                }
            }
        }
    }

    #[test]
    fn a_column_serves_later_snapshots_until_many_songs_have_changed() {
        let mut model = library();
        let column = |model: &Model| {
            let database = database(model);
            database.items().columns.column(database.items(), TextField::Name).0
        };
        let first = column(&model);
        let most = SONGS / STALE_ONE_IN as u32;
        for id in 1..=most {
            model.apply([put(id, track("new", "", ""))].into_iter().collect()).unwrap();
            assert!(Arc::ptr_eq(&first, &column(&model)), "{id} changed");
        }
        let old = model.snapshot();
        model.apply([put(most + 1, track("new", "", ""))].into_iter().collect()).unwrap();
        let second = column(&model);
        assert!(!Arc::ptr_eq(&first, &second));
        // It knows too much for those that came before it.
        let items = old.database(DB).unwrap().items();
        assert!(!Arc::ptr_eq(&second, &items.columns.column(items, TextField::Name).0));
    }

    #[test]
    fn neighbours_share_a_text() {
        let database = database(&library());
        let (column, _) = database.items().columns.column(database.items(), TextField::Album);
        assert_eq!(column.runs.len() as u32, SONGS / 10 + 1);
    }
}
