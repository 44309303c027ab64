//! The short words for what is known of a song, which columns, sort orders and file names go by.

use std::borrow::Cow;

use anyhow::bail;
use daap_proto::Field;
use dmap::Code;

use crate::nearest::nearest;

/// Each word and the field it stands for, in the order in which they are explained.
pub(crate) const WORDS: [(&str, Field); 33] = [
    ("id", Field::PersistentId),
    ("title", Field::Name),
    ("artist", Field::Artist),
    ("albumartist", Field::AlbumArtist),
    ("album", Field::Album),
    ("genre", Field::Genre),
    ("composer", Field::Composer),
    ("comment", Field::Comment),
    ("grouping", Field::Grouping),
    ("year", Field::Year),
    ("disc", Field::DiscNumber),
    ("discs", Field::DiscCount),
    ("track", Field::TrackNumber),
    ("tracks", Field::TrackCount),
    ("time", Field::Time),
    ("size", Field::Size),
    ("format", Field::Format),
    ("codec", Field::CodecType),
    ("kind", Field::Description),
    ("bitrate", Field::BitRate),
    ("samplerate", Field::SampleRate),
    ("bpm", Field::BeatsPerMinute),
    ("compilation", Field::Compilation),
    ("rating", Field::UserRating),
    ("plays", Field::PlayCount),
    ("played", Field::DatePlayed),
    ("skips", Field::SkipCount),
    ("added", Field::DateAdded),
    ("modified", Field::DateModified),
    ("released", Field::DateReleased),
    ("albumid", Field::AlbumId),
    ("artistid", Field::ArtistId),
    ("item", Field::Id),
];

/// The tag that a short word or one of the protocol's long names means.
pub(crate) fn by_word(text: &str) -> anyhow::Result<Code> {
    let short = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    let code = short.map(|(_, field)| field.code());
    match code.or_else(|| Code::by_name(text).map(|definition| definition.code)) {
        Some(code) => Ok(code),
        None => {
            let words = WORDS.map(|(word, _)| word);
            let near = nearest(text, words).unwrap_or_default();
            bail!(
                "nothing of a song is called `{text}`; did you mean `{near}`? There are {}",
                words.join(", ")
            )
        }
    }
}

/// The word for a tag: the short one, else the protocol's long name, else its four letters.
pub(crate) fn word(code: Code) -> Cow<'static, str> {
    let short = WORDS.iter().find(|(_, field)| field.code() == code);
    match (short, code.name()) {
        (Some((word, _)), _) => Cow::Borrowed(word),
        (None, "") => Cow::Owned(code.to_string()),
        (None, name) => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_a_short_word_and_the_protocols_name() {
        for (word, field) in WORDS {
            assert_eq!(by_word(word).unwrap(), field.code());
            assert_eq!(by_word(field.name()).unwrap(), field.code());
            assert_eq!(super::word(field.code()), word);
        }
        assert_eq!(by_word("Artist").unwrap(), Field::Artist.code());
        assert_eq!(word(Code(*b"zzzz")), "zzzz");
    }

    #[test]
    fn what_is_no_field_is_told_with_the_nearest() {
        let error = by_word("artits").unwrap_err().to_string();
        assert!(
            error.starts_with("nothing of a song is called `artits`; did you mean `artist`?"),
            "{error}"
        );
    }
}
