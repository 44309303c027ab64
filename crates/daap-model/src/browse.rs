//! The distinct artists, albums, genres and composers of some songs.

use std::sync::{Arc, OnceLock};

use foldhash::HashMap;

use crate::group::{self, Group, GroupKind, GroupSort};
use crate::{Item, Items, Sort, Text, sort};

/// What to list the distinct values of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Browse {
    /// The artists that songs are filed under.
    Artists,
    /// Albums.
    Albums,
    /// Genres.
    Genres,
    /// Composers.
    Composers,
}

impl Browse {
    /// Every one, for tables and tests.
    pub const ALL: [Self; 4] = [Self::Artists, Self::Albums, Self::Genres, Self::Composers];

    fn name(self, item: &Item) -> Text {
        let track = &item.track;
        match self {
            Self::Artists => track.filed_under().clone(),
            Self::Albums => track.album.clone(),
            Self::Genres => track.genre.clone(),
            Self::Composers => track.composer.clone(),
        }
    }

    fn sort_text(self, item: &Item) -> &str {
        let track = &item.track;
        match self {
            Self::Artists => Sort::Artist.text(item),
            Self::Albums => Sort::Album.text(item),
            Self::Genres => &track.genre,
            Self::Composers => sort::sort_text(&track.sort_composer, &track.composer),
        }
    }
}

/// One distinct value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value itself, never empty.
    pub name: Text,
    /// The text it is sorted by.
    pub sort_name: Text,
}

/// The distinct values of some songs, sorted.
pub(crate) fn values<'a>(songs: impl Iterator<Item = &'a Item>, browse: Browse) -> Arc<[Value]> {
    let mut found: HashMap<Text, &'a str> = HashMap::default();
    for item in songs {
        let name = browse.name(item);
        if !name.is_empty() {
            found.entry(name).or_insert_with(|| browse.sort_text(item));
        }
    }
    let mut values: Vec<(sort::Key, Value)> = found
        .into_iter()
        .map(|(name, text)| (sort::text_key(text), Value { name, sort_name: text.into() }))
        .collect();
    values.sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.name.cmp(&y.name)));
    values.into_iter().map(|(_, value)| value).collect()
}

/// The listings over all songs, each made when it is first asked for.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    values: [OnceLock<Arc<[Value]>>; 4],
    groups: [[OnceLock<Arc<[Group]>>; 2]; 2],
}

impl Listings {
    pub(crate) fn values(&self, items: &Items, browse: Browse) -> Arc<[Value]> {
        self.values[browse as usize].get_or_init(|| values(items.iter(), browse)).clone()
    }

    pub(crate) fn groups(&self, items: &Items, kind: GroupKind, sort: GroupSort) -> Arc<[Group]> {
        self.groups[kind as usize][sort as usize]
            .get_or_init(|| group::groups(&items.index.group_ids, items.iter(), kind, sort))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{Filter, NumberField, NumberTest, Track};

    #[test]
    fn values_are_distinct_sorted_and_never_empty() {
        let full = |artist: &str, genre: &str| Track {
            genre: genre.into(),
            composer: "McCartney".into(),
            year: 1973,
            ..track("x", artist, "Run")
        };
        let guest = Track { album_artist: "Wings".into(), ..full("Guest", "Rock") };
        let tape = Track { compilation: true, ..track("x", "Someone", "") };
        let model = model([
            put(1, full("Wings", "Rock")),
            put(2, guest),
            put(3, full("The Beatles", "1960s")),
            put(4, full("Äther", "pop")),
            put(5, tape),
        ]);
        let database = database(&model);
        let browse = |browse, filter: Option<&Filter>| -> Vec<String> {
            database.browse(browse, filter).iter().map(|value| value.name.to_string()).collect()
        };
        let artists = ["Äther", "The Beatles", "Various Artists", "Wings"];
        assert_eq!(browse(Browse::Artists, None), artists);
        assert_eq!(browse(Browse::Albums, None), ["Run"]);
        assert_eq!(browse(Browse::Genres, None), ["pop", "Rock", "1960s"]);
        assert_eq!(browse(Browse::Composers, None), ["McCartney"]);
        let dated = Filter::Number(NumberField::Year, NumberTest::Equals(1973));
        assert_eq!(browse(Browse::Artists, Some(&dated)), ["Äther", "The Beatles", "Wings"]);
        assert_eq!(&*database.browse(Browse::Artists, None)[1].sort_name, "Beatles");
    }

    #[test]
    fn counting_a_play_does_not_make_the_listings_anew() {
        let mut model = model([put(1, track("Jet", "Wings", "Run"))]);
        let before = database(&model).browse(Browse::Artists, None);
        let played = crate::Usage { play_count: 1, ..Default::default() };
        let edit = put_with(1, track("Jet", "Wings", "Run"), played);
        model.apply([edit].into_iter().collect()).unwrap();
        assert!(Arc::ptr_eq(&before, &database(&model).browse(Browse::Artists, None)));
        model.apply([put(1, track("Jet", "Paul", "Run"))].into_iter().collect()).unwrap();
        assert_eq!(&*database(&model).browse(Browse::Artists, None)[0].name, "Paul");
    }
}
