//! What a query means: from its written form to a filter of the model.

use daap_model::{Filter, Folded, NumberField, NumberTest, TextField, TextTest};
use dmap::Code;
use dmap::code::*;

use crate::query::{Criterion, Query};
use crate::target::number;

impl Query {
    /// The songs that are meant.
    ///
    /// A criterion that nobody here can judge (an unknown field) narrows nothing: it is passed over, and so is a
    /// bracket that holds nothing else. An album id of 0 is passed over too: no album has it, and OwnTone reads it
    /// as "any".
    #[must_use]
    pub fn to_filter(&self) -> Filter {
        self.known().unwrap_or(Filter::EVERYTHING)
    }

    /// Whether any of it can be judged; if not, all songs are meant.
    #[must_use]
    pub fn narrows(&self) -> bool {
        self.known().is_some()
    }

    fn known(&self) -> Option<Filter> {
        let (parts, join): (_, fn(Vec<Filter>) -> Filter) = match self {
            Self::Is(criterion) => return criterion.known(),
            Self::And(parts) => (parts, Filter::And),
            Self::Or(parts) => (parts, Filter::Or),
        };
        let mut known: Vec<Filter> = parts.iter().filter_map(Self::known).collect();
        match known.len() {
            0 => None,
            1 => known.pop(),
            _ => Some(join(known)),
        }
    }
}

/// What a key names.
enum Subject {
    Text(TextField),
    Number(NumberField),
}

impl Criterion {
    fn known(&self) -> Option<Filter> {
        let filter = match Subject::of(&self.key)? {
            Subject::Text(field) => text_filter(field, &self.value),
            Subject::Number(field) => match number(&self.value) {
                Some(0) if field == NumberField::AlbumId => return None,
                Some(number) => Filter::Number(field, NumberTest::Equals(number)),
                // What is no number is no song's number.
                None => Filter::Or(Vec::new()),
            },
        };
        Some(if self.negated { Filter::Not(Box::new(filter)) } else { filter })
    }
}

/// A star at both ends means "contains", at one end "begins with" or "ends with"; a star with nothing beside it is
/// a star.
fn text_filter(field: TextField, value: &str) -> Filter {
    let field = match field {
        // A song without artist has none to be filed under either.
        TextField::Artist if value.is_empty() => TextField::AlbumArtist,
        field => field,
    };
    let (after, before) = (value.strip_prefix('*'), value.strip_suffix('*'));
    let inner = after.and_then(|after| after.strip_suffix('*'));
    let named = |part: Option<&str>| part.filter(|part| !part.is_empty()).map(Folded::new);
    let test = if let Some(part) = named(inner) {
        TextTest::Contains(part)
    } else if let (Some(part), None) = (named(after), before) {
        TextTest::EndsWith(part)
    } else if let (Some(part), None) = (named(before), after) {
        TextTest::BeginsWith(part)
    } else {
        TextTest::Equals(value.into())
    };
    Filter::Text(field, test)
}

impl Subject {
    fn of(key: &str) -> Option<Self> {
        use NumberField as N;
        use TextField as T;
        Some(match Code::by_name(key)?.code {
            MINM => Self::Text(T::Name),
            ASAL => Self::Text(T::Album),
            ASAR => Self::Text(T::Artist),
            ASAA => Self::Text(T::AlbumArtist),
            ASCM => Self::Text(T::Comment),
            ASCP => Self::Text(T::Composer),
            ASDT => Self::Text(T::Description),
            ASFM => Self::Text(T::Format),
            ASGN => Self::Text(T::Genre),
            AGRP => Self::Text(T::Grouping),
            ASUL => Self::Text(T::DataUrl),
            MIID => Self::Number(N::Id),
            MPER => Self::Number(N::PersistentId),
            MCTI => Self::Number(N::ContainerItemId),
            ASAI => Self::Number(N::AlbumId),
            ASRI => Self::Number(N::ArtistId),
            ASBR => Self::Number(N::Bitrate),
            ASSR => Self::Number(N::SampleRate),
            ASBT => Self::Number(N::Bpm),
            ASCO => Self::Number(N::Compilation),
            ASCR => Self::Number(N::ContentRating),
            ASDK => Self::Number(N::DataKind),
            ASDA => Self::Number(N::DateAdded),
            ASDM => Self::Number(N::DateModified),
            ASDR => Self::Number(N::DateReleased),
            ASPL => Self::Number(N::LastPlayed),
            ASKD => Self::Number(N::LastSkipped),
            ASDN => Self::Number(N::DiscNumber),
            ASDC => Self::Number(N::DiscCount),
            ASTN => Self::Number(N::TrackNumber),
            ASTC => Self::Number(N::TrackCount),
            ASTM => Self::Number(N::Duration),
            ASSP => Self::Number(N::StopTime),
            ASSZ | ASLS => Self::Number(N::Size),
            ASYR => Self::Number(N::Year),
            ASUR => Self::Number(N::Rating),
            ASPC => Self::Number(N::PlayCount),
            ASKP => Self::Number(N::SkipCount),
            AEMK | AEMK_LOWER => Self::Number(N::MediaKind),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(field: TextField, test: TextTest) -> Filter {
        Filter::Text(field, test)
    }

    fn equals(field: TextField, value: &str) -> Filter {
        text(field, TextTest::Equals(value.into()))
    }

    fn is(field: NumberField, value: u64) -> Filter {
        Filter::Number(field, NumberTest::Equals(value))
    }

    fn not(filter: Filter) -> Filter {
        Filter::Not(Box::new(filter))
    }

    #[track_caller]
    fn check(query: &str, expected: Filter) {
        assert_eq!(Query::parse(query).unwrap().to_filter(), expected);
    }

    #[test]
    fn stars_mean_parts_of_a_text() {
        let name = |test| text(TextField::Name, test);
        check("'dmap.itemname:*love*'", name(TextTest::Contains(Folded::new("love"))));
        check("'dmap.itemname:*love'", name(TextTest::EndsWith(Folded::new("love"))));
        check("'dmap.itemname:love*'", name(TextTest::BeginsWith(Folded::new("love"))));
        for literal in ["love", "*", "**", "lo*ve", "%", "_"] {
            check(&format!("'dmap.itemname:{literal}'"), equals(TextField::Name, literal));
        }
    }

    #[test]
    fn numbers_are_decimal_hexadecimal_or_negative() {
        let album = |number| is(NumberField::AlbumId, number);
        check("'daap.songalbumid:3241737424055794579'", album(3_241_737_424_055_794_579));
        check("'daap.songalbumid:0xFFFFFFFFFFFFFFFE'", album(u64::MAX - 1));
        check("'daap.songalbumid:-2'", album(u64::MAX - 1));
        check("'daap.songyear:'", is(NumberField::Year, 0));
        check("'daap.songyear:soon'", Filter::Or(vec![]));
        check("'daap.songyear!:soon'", not(Filter::Or(vec![])));
    }

    #[test]
    fn an_empty_artist_means_neither_artist_nor_album_artist() {
        check("'daap.songartist!:'", not(equals(TextField::AlbumArtist, "")));
        check("'daap.songartist:Wings'", equals(TextField::Artist, "Wings"));
    }

    #[test]
    fn what_nobody_knows_narrows_nothing() {
        check("'daap.songmood:blue'", Filter::EVERYTHING);
        check("'daap.songmood!:blue'+'daap.songyear:1973'", is(NumberField::Year, 1973));
        check("'daap.songmood:blue','daap.songyear:1973'", is(NumberField::Year, 1973));
        check(
            "('daap.songmood:blue','daap.songmood:red')+'daap.songyear:1973'",
            is(NumberField::Year, 1973),
        );
        check("'daap.songalbumid:0'+'daap.songyear:1973'", is(NumberField::Year, 1973));
    }

    #[test]
    fn operators_keep_their_shape() {
        check(
            "('com.apple.itunes.mediakind:1','com.apple.itunes.extended-media-kind:32')\
             +'daap.songgenre:Rock'",
            Filter::And(vec![
                Filter::Or(vec![is(NumberField::MediaKind, 1), is(NumberField::MediaKind, 32)]),
                equals(TextField::Genre, "Rock"),
            ]),
        );
    }
}
