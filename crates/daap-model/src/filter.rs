//! Which songs are meant: the tree a query becomes.
//!
//! Whoever builds a [`Filter`] bounds its depth: reading and dropping it recurse once a level.

use crate::text::{Folded, contains_folded, ends_with_folded, starts_with_folded};
use crate::{Container, Item, Row, Text, Timestamp};

/// A condition on songs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them hold. With none in it, every song matches.
    And(Vec<Filter>),
    /// One of them holds. With none in it, no song matches.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A text passes a test.
    Text(TextField, TextTest),
    /// A number passes a test.
    Number(NumberField, NumberTest),
}

/// The texts of a song that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TextField {
    /// Title.
    Name,
    /// Album.
    Album,
    /// Artist: passes if the song's own artist does, or the one it is filed under.
    Artist,
    /// The artist it is filed under ([`Track::filed_under`](crate::Track::filed_under)).
    AlbumArtist,
    /// Comment.
    Comment,
    /// Composer.
    Composer,
    /// How a person calls the coding: `MPEG audio file`.
    Description,
    /// Suffix of the file.
    Format,
    /// Genre.
    Genre,
    /// Grouping.
    Grouping,
    /// Address of a stream; files have none.
    DataUrl,
}

impl TextField {
    /// Every one, for tables and tests.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Album,
        Self::Artist,
        Self::AlbumArtist,
        Self::Comment,
        Self::Composer,
        Self::Description,
        Self::Format,
        Self::Genre,
        Self::Grouping,
        Self::DataUrl,
    ];

    /// The texts of a song that are meant, mostly one: a test that one of them passes is passed.
    pub(crate) fn texts(self, item: &Item) -> (&str, Option<&str>) {
        let track = &item.track;
        let text: &str = match self {
            Self::Name => &track.title,
            Self::Album => &track.album,
            Self::Artist => {
                let filed_under = track.filed_under();
                return (&track.artist, (track.artist != *filed_under).then_some(filed_under));
            }
            Self::AlbumArtist => track.filed_under(),
            Self::Comment => &track.comment,
            Self::Composer => &track.composer,
            Self::Description => track.codec.description(),
            Self::Format => &track.format,
            Self::Genre => &track.genre,
            Self::Grouping => &track.grouping,
            Self::DataUrl => "",
        };
        (text, None)
    }
}

/// The numbers of a song that can be asked for. Units are those of [`Track`](crate::Track) and
/// [`Usage`](crate::Usage); flags are 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NumberField {
    /// Row id.
    Id,
    /// Id for ever.
    PersistentId,
    /// Id of the entry in its container; outside a container, the row id.
    ContainerItemId,
    /// Id for ever of the album.
    AlbumId,
    /// Id for ever of the artist it is filed under.
    ArtistId,
    /// Bit rate, kbit/s.
    Bitrate,
    /// Sample rate, Hz.
    SampleRate,
    /// Beats a minute.
    Bpm,
    /// Compilation flag.
    Compilation,
    /// Explicit 1, clean 2.
    ContentRating,
    /// 0: a file. Nothing else is shared.
    DataKind,
    /// When it came into the library.
    DateAdded,
    /// When the file changed.
    DateModified,
    /// When it was released; the first of January where only the year is known.
    DateReleased,
    /// When last played.
    LastPlayed,
    /// When last skipped.
    LastSkipped,
    /// Number of the disc.
    DiscNumber,
    /// Discs of the album.
    DiscCount,
    /// Number of the track.
    TrackNumber,
    /// Tracks on the disc.
    TrackCount,
    /// Length, ms.
    Duration,
    /// Where the song stops, ms; 0, for it is played to the end.
    StopTime,
    /// Bytes.
    Size,
    /// Year.
    Year,
    /// Rating, 0 to 100.
    Rating,
    /// Times played.
    PlayCount,
    /// Times skipped.
    SkipCount,
    /// Kind: 1 music, 4 podcast, 8 audiobook. The extended kind has the same values here.
    MediaKind,
    /// Whether there is a picture.
    HasArtwork,
}

impl NumberField {
    /// Every one, for tables and tests.
    pub const ALL: [Self; 29] = [
        Self::Id,
        Self::PersistentId,
        Self::ContainerItemId,
        Self::AlbumId,
        Self::ArtistId,
        Self::Bitrate,
        Self::SampleRate,
        Self::Bpm,
        Self::Compilation,
        Self::ContentRating,
        Self::DataKind,
        Self::DateAdded,
        Self::DateModified,
        Self::DateReleased,
        Self::LastPlayed,
        Self::LastSkipped,
        Self::DiscNumber,
        Self::DiscCount,
        Self::TrackNumber,
        Self::TrackCount,
        Self::Duration,
        Self::StopTime,
        Self::Size,
        Self::Year,
        Self::Rating,
        Self::PlayCount,
        Self::SkipCount,
        Self::MediaKind,
        Self::HasArtwork,
    ];
}

/// A test on a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// It is exactly this, capitals and all. Equal to the empty text means that there is none.
    Equals(Text),
    /// This is somewhere in it, in capitals or not.
    Contains(Folded),
    /// It begins with this, in capitals or not.
    BeginsWith(Folded),
    /// It ends with this, in capitals or not.
    EndsWith(Folded),
}

impl TextTest {
    /// Whether this field of a song passes.
    pub(crate) fn passes_in(&self, item: &Item, field: TextField) -> bool {
        let (text, other) = field.texts(item);
        self.passes(text) || other.is_some_and(|other| self.passes(other))
    }

    fn passes(&self, text: &str) -> bool {
        match self {
            Self::Equals(value) => value.as_str() == text,
            Self::Contains(value) => contains_folded(text, value),
            Self::BeginsWith(value) => starts_with_folded(text, value),
            Self::EndsWith(value) => ends_with_folded(text, value),
        }
    }
}

/// A test on a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberTest {
    /// It is this.
    Equals(u64),
    /// It is this or more.
    AtLeast(u64),
    /// It is this or less.
    AtMost(u64),
    /// It is a time in the last so many seconds. What that means depends on a clock, so it holds for
    /// nothing until [`Filter::at`] says what time it is; smart playlists do that by themselves.
    InTheLast(u32),
}

impl NumberTest {
    fn passes(self, number: u64) -> bool {
        match self {
            Self::Equals(value) => number == value,
            Self::AtLeast(value) => number >= value,
            Self::AtMost(value) => number <= value,
            Self::InTheLast(_) => false,
        }
    }
}

impl Filter {
    /// The filter that every song passes.
    pub const EVERYTHING: Self = Self::And(Vec::new());

    /// Whether this entry of a container is meant.
    #[must_use]
    pub fn matches(&self, row: Row<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(row)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(row)),
            Self::Not(part) => !part.matches(row),
            Self::Text(field, test) => test.passes_in(row.item, *field),
            Self::Number(field, test) => test.passes(number(row, *field)),
        }
    }

    /// Whether this song is meant.
    #[must_use]
    pub fn matches_item(&self, item: &Item) -> bool {
        self.matches(Row::of(item))
    }

    /// Whether this container is meant. A container has a name and ids; what is asked of anything else
    /// is taken to hold, since leaving a playlist out does more harm than listing one too many.
    #[must_use]
    pub fn matches_container(&self, container: &Container) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches_container(container)),
            Self::Or(parts) => parts.iter().any(|part| part.matches_container(container)),
            Self::Text(TextField::Name, test) => test.passes(&container.name),
            Self::Number(NumberField::Id, test) => test.passes(container.id.get().into()),
            Self::Number(NumberField::PersistentId, test) => {
                test.passes(container.persistent_id.get())
            }
            Self::Not(part) if part.speaks_of_containers() => !part.matches_container(container),
            Self::Not(_) | Self::Text(..) | Self::Number(..) => true,
        }
    }

    fn speaks_of_containers(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::speaks_of_containers),
            Self::Not(part) => part.speaks_of_containers(),
            Self::Text(field, _) => *field == TextField::Name,
            Self::Number(field, _) => {
                matches!(field, NumberField::Id | NumberField::PersistentId)
            }
        }
    }

    /// The same filter at a point in time: "in the last 30 days" becomes "on or after this day".
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        match self {
            Self::And(parts) => Self::And(parts.iter().map(|part| part.at(now)).collect()),
            Self::Or(parts) => Self::Or(parts.iter().map(|part| part.at(now)).collect()),
            Self::Not(part) => Self::Not(Box::new(part.at(now))),
            Self::Number(field, NumberTest::InTheLast(seconds)) => {
                // A song whose time is not known has 0 there, and is never recent.
                let first = now.0.saturating_sub(*seconds).max(1);
                Self::Number(*field, NumberTest::AtLeast(first.into()))
            }
            Self::Text(..) | Self::Number(..) => self.clone(),
        }
    }

    /// Whether it asks what time it is.
    #[must_use]
    pub fn needs_clock(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::needs_clock),
            Self::Not(part) => part.needs_clock(),
            Self::Number(_, test) => matches!(test, NumberTest::InTheLast(_)),
            Self::Text(..) => false,
        }
    }
}

fn number(row: Row<'_>, field: NumberField) -> u64 {
    let (track, usage) = (&row.item.track, &row.item.usage);
    match field {
        NumberField::Id => row.item.id.get().into(),
        NumberField::PersistentId => row.item.persistent_id.get(),
        NumberField::ContainerItemId => row.entry.get().into(),
        NumberField::AlbumId => row.item.album_id.get(),
        NumberField::ArtistId => row.item.artist_id.get(),
        NumberField::Bitrate => track.bitrate_kbps.into(),
        NumberField::SampleRate => track.sample_rate.into(),
        NumberField::Bpm => track.bpm.into(),
        NumberField::Compilation => track.compilation.into(),
        NumberField::ContentRating => track.content_rating as u64,
        NumberField::DataKind | NumberField::StopTime => 0,
        NumberField::DateAdded => usage.added.0.into(),
        NumberField::DateModified => track.modified.0.into(),
        NumberField::DateReleased => track.release_date().0.into(),
        NumberField::LastPlayed => usage.last_played.0.into(),
        NumberField::LastSkipped => usage.last_skipped.0.into(),
        NumberField::DiscNumber => track.disc.into(),
        NumberField::DiscCount => track.disc_count.into(),
        NumberField::TrackNumber => track.track.into(),
        NumberField::TrackCount => track.track_count.into(),
        NumberField::Duration => track.duration_ms.into(),
        NumberField::Size => track.size,
        NumberField::Year => track.year.into(),
        NumberField::Rating => usage.rating.into(),
        NumberField::PlayCount => usage.play_count.into(),
        NumberField::SkipCount => usage.skip_count.into(),
        NumberField::MediaKind => track.media_kind as u64,
        NumberField::HasArtwork => track.has_artwork.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{Codec, MediaKind, Track, Usage};

    fn library() -> crate::Model {
        let jet = Track {
            year: 1973,
            codec: Codec::Mpeg,
            format: "mp3".into(),
            album_artist: "Paul McCartney".into(),
            ..track("Jet", "Wings", "Band on the Run")
        };
        let odd = Track { genre: "a+b, c (d)".into(), ..track("Ärger", "", "") };
        let tape = Track {
            compilation: true,
            media_kind: MediaKind::Audiobook,
            ..track("Get Back", "The Beatles", "Kid's audiobooks")
        };
        let usage = Usage { rating: 80, added: Timestamp(5000), ..Usage::default() };
        model([put_with(1, jet, usage), put(2, odd), put(3, tape)])
    }

    #[track_caller]
    fn check(filter: Filter, expected: &[&str]) {
        let rows = database(&library()).items().matching(&filter).rows();
        assert_eq!(titles(&rows), expected, "{filter:?}");
    }

    fn text(field: TextField, test: TextTest) -> Filter {
        Filter::Text(field, test)
    }

    fn equals(field: TextField, value: &str) -> Filter {
        text(field, TextTest::Equals(value.into()))
    }

    fn contains(field: TextField, value: &str) -> Filter {
        text(field, TextTest::Contains(Folded::new(value)))
    }

    fn is(field: NumberField, value: u64) -> Filter {
        Filter::Number(field, NumberTest::Equals(value))
    }

    #[test]
    fn texts_equal_exactly_and_contain_without_regard_to_capitals() {
        use TextField as T;
        check(equals(T::Name, "Jet"), &["Jet"]);
        check(equals(T::Name, "jet"), &[]);
        check(contains(T::Name, "ET"), &["Jet", "Get Back"]);
        check(contains(T::Name, "äR"), &["Ärger"]);
        check(contains(T::Name, "rg"), &["Ärger"]);
        check(contains(T::Name, ""), &["Jet", "Ärger", "Get Back"]);
        check(contains(T::Name, "Jets"), &[]);
        check(text(T::Name, TextTest::BeginsWith(Folded::new("äRG"))), &["Ärger"]);
        check(text(T::Name, TextTest::BeginsWith(Folded::new("et"))), &[]);
        check(text(T::Name, TextTest::EndsWith(Folded::new("ET"))), &["Jet"]);
        check(text(T::Name, TextTest::EndsWith(Folded::new("ÄRGER"))), &["Ärger"]);
        check(equals(T::Genre, "a+b, c (d)"), &["Ärger"]);
        check(equals(T::Album, "Kid's audiobooks"), &["Get Back"]);
        check(contains(T::Description, "mpeg"), &["Jet"]);
        check(equals(T::Format, "mp3"), &["Jet"]);
    }

    #[test]
    fn an_empty_text_means_that_there_is_none() {
        let nothing = |field| equals(field, "");
        check(nothing(TextField::Artist), &["Ärger"]);
        check(nothing(TextField::Album), &["Ärger"]);
        check(Filter::Not(Box::new(nothing(TextField::Artist))), &["Jet", "Get Back"]);
        check(nothing(TextField::DataUrl), &["Jet", "Ärger", "Get Back"]);
    }

    #[test]
    fn an_artist_is_the_songs_own_or_the_one_it_is_filed_under() {
        check(equals(TextField::Artist, "Wings"), &["Jet"]);
        check(equals(TextField::Artist, "Paul McCartney"), &["Jet"]);
        check(equals(TextField::AlbumArtist, "Wings"), &[]);
        check(equals(TextField::Artist, "The Beatles"), &["Get Back"]);
        check(equals(TextField::AlbumArtist, "Various Artists"), &["Get Back"]);
    }

    #[test]
    fn numbers_compare_as_numbers() {
        use NumberField as N;
        check(is(N::Year, 1973), &["Jet"]);
        check(is(N::Year, 0), &["Ärger", "Get Back"]);
        check(is(N::Id, 2), &["Ärger"]);
        check(is(N::Id, u64::MAX), &[]);
        check(is(N::PersistentId, 3), &["Get Back"]);
        check(is(N::PersistentId, 0), &[]);
        check(is(N::AlbumId, 0), &[]);
        check(is(N::ContainerItemId, 1), &["Jet"]);
        check(is(N::MediaKind, 8), &["Get Back"]);
        check(is(N::Compilation, 1), &["Get Back"]);
        check(Filter::Number(N::Rating, NumberTest::AtLeast(60)), &["Jet"]);
        check(Filter::Number(N::Rating, NumberTest::AtMost(60)), &["Ärger", "Get Back"]);
    }

    #[test]
    fn conditions_combine() {
        let wings = || equals(TextField::Artist, "Wings");
        let old = || is(NumberField::Year, 1973);
        check(Filter::EVERYTHING, &["Jet", "Ärger", "Get Back"]);
        check(Filter::Or(vec![]), &[]);
        check(Filter::And(vec![wings(), old()]), &["Jet"]);
        check(Filter::And(vec![wings(), Filter::Not(Box::new(old()))]), &[]);
        check(Filter::Or(vec![old(), contains(TextField::Name, "back")]), &["Jet", "Get Back"]);
    }

    #[test]
    fn a_recent_time_needs_a_clock() {
        let recent = Filter::Number(NumberField::DateAdded, NumberTest::InTheLast(100));
        assert!(Filter::Not(Box::new(recent.clone())).needs_clock());
        check(recent.clone(), &[]);
        check(recent.at(Timestamp(5100)), &["Jet"]);
        check(recent.at(Timestamp(5101)), &[]);
        check(recent.at(Timestamp(50)), &["Jet"]); // and not those that were never added
    }

    #[test]
    fn containers_pass_what_cannot_be_asked_of_them() {
        let database = database(&library());
        let base = &database.containers()[0];
        let check = |filter: Filter, expected| {
            assert_eq!(filter.matches_container(base), expected, "{filter:?}");
        };
        let not = |filter| Filter::Not(Box::new(filter));
        check(equals(TextField::Name, "music"), true);
        check(equals(TextField::Name, "other"), false);
        check(not(equals(TextField::Name, "music")), false);
        check(is(NumberField::Id, 1), true);
        check(is(NumberField::MediaKind, 32), true);
        check(not(is(NumberField::MediaKind, 32)), true);
        let names = [equals(TextField::Name, "x"), is(NumberField::MediaKind, 1)];
        check(Filter::Or(names.to_vec()), true);
        check(Filter::And(names.to_vec()), false);
    }

    #[test]
    fn every_field_is_listed_once() {
        let fields: std::collections::HashSet<_> = NumberField::ALL.into_iter().collect();
        assert_eq!(fields.len(), NumberField::ALL.len());
        let fields: std::collections::HashSet<_> = TextField::ALL.into_iter().collect();
        assert_eq!(fields.len(), TextField::ALL.len());
    }
}
