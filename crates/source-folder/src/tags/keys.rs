//! Which key of which kind of tag holds which fact: one row for a fact.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A fact that tags can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Title,
    Artist,
    AlbumArtist,
    Album,
    Genre,
    Composer,
    Comment,
    Grouping,
    SortTitle,
    SortArtist,
    SortAlbumArtist,
    SortAlbum,
    SortComposer,
    Track,
    TrackCount,
    Disc,
    DiscCount,
    Date,
    Released,
    Bpm,
    Compilation,
    Rating,
    Podcast,
    Kind,
    MusicBrainzAlbum,
    MusicBrainzAlbumArtist,
    Gain,
    Peak,
    AlbumGain,
    AlbumPeak,
    R128,
    AlbumR128,
    SoundCheck,
}

impl Field {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::SoundCheck as usize + 1;

    /// Whether several values are kept, joined, or only the first.
    pub(crate) const fn has_several(self) -> bool {
        matches!(self, Self::Artist | Self::AlbumArtist | Self::Genre | Self::Composer)
    }
}

/// A kind of tag, by how it names things. Keys are compared in upper case, but for MP4's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// ID3v2: frame ids as of version 2.4, or the description of a text that a user defined after ":".
    Id3v2,
    /// Vorbis comments: FLAC and Ogg.
    Vorbis,
    /// MP4: the four letters, or the name of a free atom after ":".
    Mp4,
    /// APEv2.
    Ape,
    /// RIFF INFO, in WAV.
    Riff,
}

/// The field that a key is about, and how good a source of it the key is; 0 is the best.
pub(crate) fn field(dialect: Dialect, key: &str) -> Option<(Field, u8)> {
    static INDEX: LazyLock<Index> = LazyLock::new(index);
    if dialect == Dialect::Mp4 && !key.starts_with(':') {
        return INDEX.get(&(dialect, key)).copied();
    }
    INDEX.get(&(dialect, key.to_ascii_uppercase().as_str())).copied()
}

type Index = HashMap<(Dialect, &'static str), (Field, u8)>;

fn index() -> Index {
    const DIALECTS: [Dialect; 5] =
        [Dialect::Id3v2, Dialect::Vorbis, Dialect::Mp4, Dialect::Ape, Dialect::Riff];
    let mut index = HashMap::new();
    for (field, columns) in TABLE {
        for (dialect, keys) in DIALECTS.into_iter().zip(columns) {
            for (rank, key) in (0..).zip(keys.split('|').filter(|key| !key.is_empty())) {
                index.insert((dialect, key), (*field, rank));
            }
        }
    }
    index
}

/// In each column the best key first. Where one key tells two facts ("3/12"), the reader of the values knows.
#[rustfmt::skip]
const TABLE: &[(Field, [&str; 5])] = {
    use Field::*;
    &[
        //                ID3v2                                Vorbis                                 MP4                            APEv2                                  RIFF
        (Title,           ["TIT2",                             "TITLE",                               "\u{a9}nam",                   "TITLE",                               "INAM"]),
        (Artist,          ["TPE1",                             "ARTIST",                              "\u{a9}ART",                   "ARTIST",                              "IART"]),
        (AlbumArtist,     ["TPE2|:ALBUMARTIST|:ALBUM ARTIST",    "ALBUMARTIST|ALBUM ARTIST|ALBUM_ARTIST|ENSEMBLE", "aART", "ALBUM ARTIST|ALBUMARTIST",            ""]),
        (Album,           ["TALB",                             "ALBUM",                               "\u{a9}alb",                   "ALBUM",                               "IPRD"]),
        (Genre,           ["TCON",                             "GENRE",                               "\u{a9}gen",                   "GENRE",                               "IGNR"]),
        (Composer,        ["TCOM",                             "COMPOSER",                            "\u{a9}wrt",                   "COMPOSER",                            "IMUS"]),
        (Comment,         ["COMM|:COMMENT",                    "COMMENT|DESCRIPTION",                 "\u{a9}cmt",                   "COMMENT",                             "ICMT"]),
        (Grouping,        ["GRP1|TIT1|:GROUPING",              "GROUPING|CONTENTGROUP",               "\u{a9}grp",                   "GROUPING",                            ""]),
        (SortTitle,       ["TSOT|:TITLESORT",                  "TITLESORT",                           "sonm",                        "TITLESORT",                           ""]),
        (SortArtist,      ["TSOP|:ARTISTSORT",                 "ARTISTSORT",                          "soar",                        "ARTISTSORT",                          ""]),
        (SortAlbumArtist, ["TSO2|:ALBUMARTISTSORT",            "ALBUMARTISTSORT",                     "soaa",                        "ALBUMARTISTSORT",                     ""]),
        (SortAlbum,       ["TSOA|:ALBUMSORT",                  "ALBUMSORT",                           "soal",                        "ALBUMSORT",                           ""]),
        (SortComposer,    ["TSOC|:COMPOSERSORT",               "COMPOSERSORT",                        "soco",                        "COMPOSERSORT",                        ""]),
        (Track,           ["TRCK",                             "TRACKNUMBER|TRACK",                   "trkn",                        "TRACK|TRACKNUMBER",                   "IPRT|ITRK|TRCK"]),
        (TrackCount,      [":TRACKTOTAL|:TOTALTRACKS",         "TRACKTOTAL|TOTALTRACKS|TRACKC",       "",                            "TRACKTOTAL|TOTALTRACKS",              "IFRM"]),
        (Disc,            ["TPOS",                             "DISCNUMBER|DISC",                     "disk",                        "DISC|DISCNUMBER",                     ""]),
        (DiscCount,       [":DISCTOTAL|:TOTALDISCS",           "DISCTOTAL|TOTALDISCS|DISCC",          "",                            "DISCTOTAL|TOTALDISCS",                ""]),
        (Date,            ["TDRC|TYER|TDRL|TDOR",              "DATE|YEAR|RELEASEDATE|ORIGINALDATE|ORIGINALYEAR", "\u{a9}day",       "YEAR|DATE|RELEASEDATE|ORIGINALYEAR",  "ICRD"]),
        (Released,        [":RELEASEDATE",                     "",                                    ":RELEASEDATE",                "",                                    ""]),
        (Bpm,             ["TBPM",                             "BPM|TEMPO",                           "tmpo|:BPM",                   "BPM",                                 ""]),
        (Compilation,     ["TCMP|:COMPILATION",                "COMPILATION",                         "cpil",                        "COMPILATION",                         ""]),
        (Rating,          [":ITUNESADVISORY",                  "ITUNESADVISORY",                      "rtng",                        "ITUNESADVISORY",                      ""]),
        (Podcast,         ["PCST",                             "PODCAST",                             "pcst",                        "",                                    ""]),
        (Kind,            [":ITUNESMEDIATYPE",                 "ITUNESMEDIATYPE",                     "stik",                        "",                                    ""]),
        (MusicBrainzAlbum,       [":MUSICBRAINZ ALBUM ID|:MUSICBRAINZ_ALBUMID", "MUSICBRAINZ_ALBUMID|MUSICBRAINZ ALBUM ID", ":MUSICBRAINZ ALBUM ID|:MUSICBRAINZ_ALBUMID", "MUSICBRAINZ_ALBUMID", ""]),
        (MusicBrainzAlbumArtist, [":MUSICBRAINZ ALBUM ARTIST ID|:MUSICBRAINZ_ALBUMARTISTID", "MUSICBRAINZ_ALBUMARTISTID|MUSICBRAINZ ALBUM ARTIST ID", ":MUSICBRAINZ ALBUM ARTIST ID|:MUSICBRAINZ_ALBUMARTISTID", "MUSICBRAINZ_ALBUMARTISTID", ""]),
        (Gain,            [":REPLAYGAIN_TRACK_GAIN",           "REPLAYGAIN_TRACK_GAIN",               ":REPLAYGAIN_TRACK_GAIN",      "REPLAYGAIN_TRACK_GAIN",               ""]),
        (Peak,            [":REPLAYGAIN_TRACK_PEAK",           "REPLAYGAIN_TRACK_PEAK",               ":REPLAYGAIN_TRACK_PEAK",      "REPLAYGAIN_TRACK_PEAK",               ""]),
        (AlbumGain,       [":REPLAYGAIN_ALBUM_GAIN",           "REPLAYGAIN_ALBUM_GAIN",               ":REPLAYGAIN_ALBUM_GAIN",      "REPLAYGAIN_ALBUM_GAIN",               ""]),
        (AlbumPeak,       [":REPLAYGAIN_ALBUM_PEAK",           "REPLAYGAIN_ALBUM_PEAK",               ":REPLAYGAIN_ALBUM_PEAK",      "REPLAYGAIN_ALBUM_PEAK",               ""]),
        (R128,            ["",                                 "R128_TRACK_GAIN",                     "",                            "",                                    ""]),
        (AlbumR128,       ["",                                 "R128_ALBUM_GAIN",                     "",                            "",                                    ""]),
        (SoundCheck,      [":ITUNNORM",                        "ITUNNORM",                            ":ITUNNORM",                   "ITUNNORM",                            ""]),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_to_their_fields() {
        assert_eq!(field(Dialect::Vorbis, "albumartist"), Some((Field::AlbumArtist, 0)));
        assert_eq!(field(Dialect::Vorbis, "Album Artist"), Some((Field::AlbumArtist, 1)));
        assert_eq!(
            field(Dialect::Id3v2, ":MusicBrainz Album Id"),
            Some((Field::MusicBrainzAlbum, 0))
        );
        assert_eq!(field(Dialect::Mp4, "\u{a9}nam"), Some((Field::Title, 0)));
        assert_eq!(
            field(Dialect::Mp4, ":MusicBrainz Album Id"),
            Some((Field::MusicBrainzAlbum, 0))
        );
        assert_eq!(field(Dialect::Riff, "TPE1"), None);
    }

    #[test]
    fn no_key_is_about_two_fields() {
        for column in 0..5 {
            let keys: Vec<_> = TABLE.iter().flat_map(|(_, row)| row[column].split('|')).collect();
            for (at, key) in keys.iter().enumerate() {
                assert!(key.is_empty() || !keys[..at].contains(key), "{key} is there twice");
            }
        }
    }
}
