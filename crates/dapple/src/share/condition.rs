//! What a song must be: said to a server as a query, and judged here.

use daap_model::{PersistentId, Track};
use daap_proto::read::Song;
use daap_proto::{Field, Query};

/// How many words of a search a server is asked for; the others are looked for here alone. Servers bound how much a
/// query may make them search.
const MAX_ASKED_WORDS: usize = 10;

/// Where the words of a search may be.
const SEARCHED: [Field; 3] = [Field::Name, Field::Artist, Field::Album];

/// What a song must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// By this artist, or filed under it. No name is that of songs without artist.
    Artist(String),
    /// Of the album of this name.
    Album(String),
    /// Of this genre, alone or among others.
    Genre(String),
    /// The one with this id.
    Id(PersistentId),
    /// With each of these words in it, in lower case.
    Words(Vec<String>),
}

/// How names are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matching {
    /// As they are written.
    Exact,
    /// In capitals or not; and no name of an artist is that of any.
    Loose,
}

impl Matching {
    /// The second is tried where the first finds nothing.
    pub(crate) const IN_TURN: [Self; 2] = [Self::Exact, Self::Loose];

    /// Whether two names are the same.
    pub(crate) fn same(self, a: &str, b: &str) -> bool {
        match self {
            Self::Exact => a == b,
            Self::Loose => a == b || a.to_lowercase() == b.to_lowercase(),
        }
    }
}

impl Condition {
    /// A search for all words of a text.
    pub(crate) fn search(text: &str) -> Self {
        Self::Words(text.split_whitespace().map(str::to_lowercase).collect())
    }

    /// The fields by which it is judged.
    pub(crate) const FIELDS: [Field; 6] = [
        Field::PersistentId,
        Field::Name,
        Field::Artist,
        Field::AlbumArtist,
        Field::Album,
        Field::Genre,
    ];

    /// The query that finds such songs, and perhaps others. `None` if none is needed.
    pub(crate) fn query(&self) -> Option<Query> {
        match self {
            Self::Artist(name) if name.is_empty() => None,
            Self::Artist(name) => Query::any_of(
                [Field::Artist, Field::AlbumArtist].map(|field| Query::is(field, name)),
            ),
            Self::Album(name) => Some(Query::is(Field::Album, name)),
            Self::Genre(name) => Some(Query::contains(Field::Genre, name)),
            Self::Id(id) => Some(Query::is(Field::PersistentId, id.get().to_string())),
            Self::Words(words) => {
                let anywhere = |word: &String| {
                    Query::any_of(SEARCHED.map(|field| Query::contains(field, word)))
                };
                Query::all_of(words.iter().take(MAX_ASKED_WORDS).filter_map(anywhere))
            }
        }
    }

    /// Whether a song is such a one.
    pub(crate) fn holds(&self, song: &Song, matching: Matching) -> bool {
        let track = &song.track;
        match self {
            Self::Artist(name) if name.is_empty() => {
                matching == Matching::Loose || track.filed_under().is_empty()
            }
            Self::Artist(name) => artists(track).iter().any(|artist| matching.same(artist, name)),
            Self::Album(name) => matching.same(&track.album, name),
            Self::Genre(name) => genres(track).any(|genre| matching.same(genre, name)),
            Self::Id(id) => song.persistent_id == Some(*id),
            Self::Words(words) => {
                let [artist, filed_under] = artists(track);
                let texts = [&track.title, artist, filed_under, &track.album];
                let texts = texts.map(|text| text.to_lowercase());
                words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
            }
        }
    }

    /// What is to have which name, if it is about a name.
    pub(crate) fn name(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Artist(name) if !name.is_empty() => Some(("artist", name)),
            Self::Album(name) => Some(("album", name)),
            Self::Genre(name) => Some(("genre", name)),
            Self::Artist(_) | Self::Id(_) | Self::Words(_) => None,
        }
    }

    /// The names that a song has in the place of that.
    pub(crate) fn names<'a>(&self, track: &'a Track) -> impl Iterator<Item = &'a str> + use<'a> {
        let (several, genre): ([&str; 2], _) = match self {
            Self::Artist(_) => (artists(track), ""),
            Self::Album(_) => ([&track.album, ""], ""),
            Self::Genre(_) => ([""; 2], track.genre.as_str()),
            Self::Id(_) | Self::Words(_) => ([""; 2], ""),
        };
        several.into_iter().chain(genre.split(';').map(str::trim)).filter(|name| !name.is_empty())
    }
}

/// Who plays it, and under whom it is filed.
fn artists(track: &Track) -> [&str; 2] {
    [&track.artist, track.filed_under()]
}

/// The genre as it is written, and each where there are several.
fn genres(track: &Track) -> impl Iterator<Item = &str> {
    std::iter::once(track.genre.as_str()).chain(track.genre.split(';').map(str::trim))
}

#[cfg(test)]
mod tests {
    use daap_model::ItemId;
    use daap_proto::MAX_WILDCARDS;
    use daap_proto::read::Entry as _;
    use dmap::code::{MIID, MLIT};

    use super::*;

    fn song(track: Track) -> Song {
        let mut out = dmap::Encoder::new(Vec::new());
        out.container(MLIT, |out| out.u32(MIID, 7));
        let bytes = out.finish().unwrap();
        let song = Song::read(dmap::root(&bytes).unwrap()).unwrap();
        assert_eq!(song.id, ItemId::new(7).unwrap());
        Song { persistent_id: Some(PersistentId::new(9)), track, ..song }
    }

    fn jet() -> Song {
        song(Track {
            title: "Jet".into(),
            artist: "Wings".into(),
            album_artist: "Paul McCartney".into(),
            album: "Band on the Run".into(),
            genre: "Rock; Pop".into(),
            ..Track::default()
        })
    }

    #[track_caller]
    fn check(condition: Condition, exact: bool, loose: bool) {
        assert_eq!(condition.holds(&jet(), Matching::Exact), exact, "{condition:?}");
        assert_eq!(condition.holds(&jet(), Matching::Loose), loose, "{condition:?}");
    }

    #[test]
    fn names_are_whole_and_case_counts_at_first() {
        check(Condition::Artist("Wings".into()), true, true);
        check(Condition::Artist("wings".into()), false, true);
        check(Condition::Artist("Paul McCartney".into()), true, true);
        check(Condition::Artist("Wing".into()), false, false);
        check(Condition::Artist(String::new()), false, true);
        check(Condition::Album("band on the run".into()), false, true);
        check(Condition::Genre("Pop".into()), true, true);
        check(Condition::Genre("Rock; Pop".into()), true, true);
        check(Condition::Genre("Po".into()), false, false);
        check(Condition::Id(PersistentId::new(9)), true, true);
        check(Condition::Id(PersistentId::new(8)), false, false);
    }

    #[test]
    fn a_search_wants_each_word_somewhere() {
        check(Condition::search("RUN jet"), true, true);
        check(Condition::search("  cart  "), true, true);
        check(Condition::search("jet airliner"), false, false);
        check(Condition::search(""), true, true);
    }

    #[test]
    fn a_server_is_asked_in_its_own_language() {
        let asked = |condition: Condition| condition.query();
        let wings = [Field::Artist, Field::AlbumArtist].map(|field| Query::is(field, "Wings"));
        assert_eq!(asked(Condition::Artist("Wings".into())), Query::any_of(wings));
        let pop = Query::contains(Field::Genre, "Pop");
        assert_eq!(asked(Condition::Genre("Pop".into())), Some(pop));
        let id = Query::is(Field::PersistentId, "16");
        assert_eq!(asked(Condition::Id(PersistentId::new(16))), Some(id));
        let anywhere = SEARCHED.map(|field| Query::contains(field, "x"));
        assert_eq!(asked(Condition::search("X")), Query::any_of(anywhere));
        assert_eq!(asked(Condition::search("")), None);
        assert!(MAX_ASKED_WORDS * SEARCHED.len() <= MAX_WILDCARDS);
    }
}
