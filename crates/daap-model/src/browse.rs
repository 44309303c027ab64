//! The distinct artists, albums, genres and composers of some songs.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

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
            Self::Artists => track.filed_under_text(),
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
    let mut found: HashMap<Text, &'a str> = HashMap::new();
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
            .get_or_init(|| group::groups(items, items.iter(), kind, sort))
            .clone()
    }
}
