//! The fields that can be asked for with `meta=`: one row each.
//!
//! A row says which tag a field has, how to get it from an [`Item`] and, after the arrow, what a [`Song`] takes from
//! it; its long name is the tag's in [`dmap`].
//! The order of the rows is the order in which they are sent: the kind first, because clients expect it there, then
//! what everybody knows, and what is rare last, because libdmapsharing 2.9 (Rhythmbox) stops reading at the first
//! tag it does not know.

use std::fmt;

use daap_model::{Codec, ContainerItemId, Item, Level, MediaKind, Row};
use dmap::code::*;
use dmap::{Code, Encoder, HEADER, Sink, Tag};

use crate::quirks::ClientClass;
use crate::read::Song;
use crate::read::value::{FromTag, flag, id, number};
use crate::wav::Wav;

/// The value of a field, as it is sent. Zero and the empty text are left out: readers take what is absent for
/// just that, and big libraries become much smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Text(&'a str),
    /// Sent even when it is 0.
    Always(u8),
    /// Not a field of items.
    None,
}

impl Value<'_> {
    /// How many bytes [`Value::write`] writes.
    #[inline(always)]
    fn length(self) -> usize {
        let width = match self {
            Always(_) => 1,
            U8(value) if value != 0 => 1,
            U16(value) if value != 0 => 2,
            U32(value) if value != 0 => 4,
            U64(value) if value != 0 => 8,
            Text(value) if !value.is_empty() => value.len(),
            _ => return 0,
        };
        HEADER + width
    }

    #[inline(always)]
    fn write<S: Sink>(self, code: Code, out: &mut Encoder<S>) {
        match self {
            Always(value) => out.u8(code, value),
            U8(value) if value != 0 => out.u8(code, value),
            U16(value) if value != 0 => out.u16(code, value),
            U32(value) if value != 0 => out.u32(code, value),
            U64(value) if value != 0 => out.u64(code, value),
            Text(value) if !value.is_empty() => out.string(code, value),
            _ => {}
        }
    }
}

use Value::{Always, Text, U8, U16, U32, U64};

macro_rules! fields {
    ($item:ident $entry:ident $client:ident, $song:ident $tag:ident;
     $($(#[$doc:meta])* $field:ident $code:ident $value:expr $(=> $read:expr)?;)*) => {
        /// A field that can be asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Field {
            $($(#[$doc])* $field,)*
        }

        impl Field {
            /// Every field, in the order in which they are sent.
            pub const ALL: &[Self] = &[$(Self::$field),*];

            /// The field's tag.
            #[must_use]
            pub const fn code(self) -> Code {
                match self {
                    $(Self::$field => $code,)*
                }
            }
        }

        impl Fields {
            /// How many bytes [`Fields::write`] writes for all these rows.
            ///
            /// One field after the other, so that memory is asked for many songs at a time.
            pub(crate) fn length(self, rows: &[Row<'_>], $client: ClientClass) -> usize {
                let mut length = 0;
                $(
                    if self.has(Field::$field) {
                        for Row { item: $item, entry: $entry } in rows {
                            let _ = ($item, $entry, $client);
                            length += ($value).length();
                        }
                    }
                )*
                length
            }

            /// Writes these fields of a row. One test a field and no table: this is where a long list spends
            /// its time.
            pub(crate) fn write<S: Sink>(
                self,
                row: Row<'_>,
                $client: ClientClass,
                out: &mut Encoder<S>,
            ) {
                let ($item, $entry) = (row.item, row.entry);
                $(
                    if self.has(Field::$field) {
                        ($value).write($code, out);
                    }
                )*
            }
        }

        impl Song {
            /// Takes what a tag says of the song; one that is no field says nothing.
            pub(crate) fn set(&mut self, $tag: &Tag<'_>) {
                let $song = self;
                match $tag.code {
                    $($code => { $($read;)? })*
                    _ => {}
                }
            }
        }
    };
}

fields! { item entry client, song tag;
    /// What sort of thing it is: 2, audio.
    ItemKind MIKD Always(2);
    /// Whether it is a file, 0, or the address of a stream.
    DataKind ASDK Always(0) => if tag.uint() == Ok(1) { song.stream.get_or_insert_default(); };
    /// Row id.
    Id MIID U32(item.id.get());
    /// Id for ever.
    PersistentId MPER U64(item.persistent_id.get()) => song.persistent_id.set(tag);
    /// Title.
    Name MINM Text(&item.track.title) => song.track.title.set(tag);
    /// Album.
    Album ASAL Text(&item.track.album) => song.track.album.set(tag);
    /// Artist.
    Artist ASAR Text(&item.track.artist) => song.track.artist.set(tag);
    /// Genre.
    Genre ASGN Text(&item.track.genre) => song.track.genre.set(tag);
    /// Bytes; what 32 bits cannot hold is clamped.
    Size ASSZ U32(u32::try_from(size(item, client)).unwrap_or(u32::MAX))
        => song.track.size = song.track.size.max(number(tag));
    /// Length, in milliseconds.
    Time ASTM U32(item.track.duration_ms) => song.track.duration_ms.set(tag);
    /// Number of the track.
    TrackNumber ASTN U16(item.track.track) => song.track.track.set(tag);
    /// Tracks on the disc.
    TrackCount ASTC U16(item.track.track_count) => song.track.track_count.set(tag);
    /// Number of the disc.
    DiscNumber ASDN U16(item.track.disc) => song.track.disc.set(tag);
    /// Discs of the album.
    DiscCount ASDC U16(item.track.disc_count) => song.track.disc_count.set(tag);
    /// Year.
    Year ASYR U16(item.track.year) => song.track.year.set(tag);
    /// Suffix of the file, with which clients end the song's address.
    Format ASFM Text(format(item, client)) => song.track.format = suffix(tag).into();
    /// Bit rate, in kbit/s.
    BitRate ASBR U16(bitrate(item, client)) => song.track.bitrate_kbps.set(tag);
    /// Sample rate, in Hz.
    SampleRate ASSR U32(sample_rate(item, client)) => song.track.sample_rate.set(tag);
    /// Artist as it is sorted.
    SortArtist ASSA Text(&item.track.sort_artist) => song.track.sort_artist.set(tag);
    /// Album as it is sorted.
    SortAlbum ASSU Text(&item.track.sort_album) => song.track.sort_album.set(tag);
    /// Composer.
    Composer ASCP Text(&item.track.composer) => song.track.composer.set(tag);
    /// Comment.
    Comment ASCM Text(&item.track.comment) => song.track.comment.set(tag);
    /// What a person calls the coding.
    Description ASDT Text(codec(item, client).description())
        => if song.track.codec == Codec::Unknown { song.track.codec = described(tag) };
    /// Whether the album gathers songs of several artists.
    Compilation ASCO U8(item.track.compilation.into()) => song.track.compilation.set(tag);
    /// Beats a minute.
    BeatsPerMinute ASBT U16(item.track.bpm) => song.track.bpm.set(tag);
    /// Rating, 0 to 100.
    UserRating ASUR U8(item.usage.rating) => song.usage.rating.set(tag);
    /// When it came into the library.
    DateAdded ASDA U32(item.usage.added.0) => song.usage.added.set(tag);
    /// When the file last changed.
    DateModified ASDM U32(item.track.modified.0) => song.track.modified.set(tag);
    /// Grouping.
    Grouping AGRP Text(&item.track.grouping) => song.track.grouping.set(tag);
    /// Artist of the album.
    AlbumArtist ASAA Text(&item.track.album_artist) => song.track.album_artist.set(tag);
    /// Id of the entry in its container; on its own outside of one.
    ContainerItemId MCTI U32(entry.get()) => song.entry = id(tag, ContainerItemId::new);
    /// Number of entries in a container or group.
    ItemCount MIMC Value::None;
    /// The folder that a container is in.
    ParentContainerId MPCO Value::None;
    /// Marks the container that holds every item.
    BasePlaylist ABPL Value::None;
    /// Whether a container is filled by rules.
    SmartPlaylist AESP Value::None;
    /// Which of the playlists that iTunes makes by itself a container is.
    SpecialPlaylist AEPS Value::None;
    /// Media kind, as iTunes numbers them.
    MediaKind AEMK U8(item.track.media_kind as u8) => song.track.media_kind.set(tag);
    /// Whether it is a podcast episode.
    Podcast AEPC U8((item.track.media_kind == MediaKind::Podcast).into())
        => if flag(tag) { song.track.media_kind = MediaKind::Podcast };
    /// What the publisher says of the words.
    ContentRating ASCR U8(item.track.content_rating as u8) => song.track.content_rating.set(tag);
    /// When it was released.
    DateReleased ASDR U32(item.track.released.0) => song.track.released.set(tag);
    /// The album it belongs to.
    AlbumId ASAI U64(item.album_id.get()) => song.album_id.set(tag);
    /// The album artist it belongs to.
    ArtistId ASRI U64(item.artist_id.get()) => song.artist_id.set(tag);
    /// Media kind once more, as a bit set.
    ExtendedMediaKind AEMK_LOWER U32(item.track.media_kind as u32)
        => song.track.media_kind.set(tag);
    /// Title as it is sorted.
    SortName ASSN Text(&item.track.sort_title) => song.track.sort_title.set(tag);
    /// Album artist as it is sorted.
    SortAlbumArtist ASSL Text(&item.track.sort_album_artist)
        => song.track.sort_album_artist.set(tag);
    /// Composer as it is sorted.
    SortComposer ASSC Text(&item.track.sort_composer) => song.track.sort_composer.set(tag);
    /// The codec, in four letters.
    CodecType ASCD U32(codec_type(codec(item, client)))
        => song.track.codec = codec_of(tag).unwrap_or(song.track.codec);
    /// Times played to the end.
    PlayCount ASPC U32(item.usage.play_count) => song.usage.play_count.set(tag);
    /// Whether it has been played.
    HasBeenPlayed ASHP U8((item.usage.play_count > 0).into());
    /// When last played.
    DatePlayed ASPL U32(item.usage.last_played.0) => song.usage.last_played.set(tag);
    /// Times skipped.
    SkipCount ASKP U32(item.usage.skip_count) => song.usage.skip_count.set(tag);
    /// When last skipped.
    LastSkipDate ASKD U32(item.usage.last_skipped.0) => song.usage.last_skipped.set(tag);
    /// Where to go on, in milliseconds.
    Bookmark ASBO U32(item.usage.bookmark_ms) => song.usage.bookmark_ms.set(tag);
    /// Bytes, in 64 bits.
    LongSize ASLS U64(size(item, client)) => song.track.size = song.track.size.max(number(tag));
    /// Whether there is artwork.
    ExtraData ASED U16(item.track.has_artwork.into()) => song.track.has_artwork |= flag(tag);
    /// How many artworks there are.
    ArtworkCount ASAC U16(item.track.has_artwork.into()) => song.track.has_artwork |= flag(tag);
    /// Loudness, as Sound Check has it.
    NormVolume AENV U32(sound_check(item)) => song.track.levels.song = level(tag);
    /// What can be done to a container.
    EditCommands MEDS Value::None;
    /// Number of albums of an artist.
    AlbumCount AGAC Value::None;
    /// Whether a container holds other containers.
    HasChildContainers FXCH Value::None;
}

impl Field {
    /// The long name by which it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.code().name()
    }

    /// The field with this long name, exact and case-sensitive.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let code = Code::by_name(name)?.code;
        Self::ALL.iter().copied().find(|field| field.code() == code)
    }
}

/// A set of fields.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Fields(u64);

const _: () = assert!(Field::ALL.len() < u64::BITS as usize, "one bit a field");

impl Fields {
    /// Every field.
    pub const ALL: Self = Self((1 << Field::ALL.len()) - 1);

    /// The set of these.
    #[must_use]
    pub const fn of(fields: &[Field]) -> Self {
        let mut set = Self(0);
        let mut index = 0;
        while index < fields.len() {
            set.0 |= 1 << fields[index] as u64;
            index += 1;
        }
        set
    }

    /// The set with this field too.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u64)
    }

    /// The set without this field.
    #[must_use]
    pub const fn without(self, field: Field) -> Self {
        Self(self.0 & !(1 << field as u64))
    }

    /// The set with the fields of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the field is in the set.
    #[must_use]
    pub const fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u64 != 0
    }

    /// The fields, in the order in which they are sent.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(move |field| self.has(*field))
    }
}

impl FromIterator<Field> for Fields {
    fn from_iter<T: IntoIterator<Item = Field>>(fields: T) -> Self {
        fields.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The length of the file that the client gets.
fn size(item: &Item, client: ClientClass) -> u64 {
    client.wav(&item.track).map_or(item.track.size, Wav::length)
}

fn bitrate(item: &Item, client: ClientClass) -> u16 {
    client.wav(&item.track).map_or(item.track.bitrate_kbps, Wav::bitrate_kbps)
}

fn sample_rate(item: &Item, client: ClientClass) -> u32 {
    client.wav(&item.track).map_or(item.track.sample_rate, |wav| wav.rate)
}

fn codec(item: &Item, client: ClientClass) -> Codec {
    if client.wav(&item.track).is_some() { Codec::Wav } else { item.track.codec }
}

/// The suffix that is announced. Without one libdmapsharing asks for `1.Unknown`, which players refuse.
fn format(item: &Item, client: ClientClass) -> &str {
    if client.wav(&item.track).is_some() {
        return "wav";
    }
    if !item.track.format.is_empty() {
        return &item.track.format;
    }
    match item.track.codec {
        Codec::Mpeg => "mp3",
        Codec::Aac | Codec::Alac => "m4a",
        Codec::Flac => "flac",
        Codec::Vorbis => "ogg",
        Codec::Opus => "opus",
        Codec::Speex => "spx",
        Codec::Wav => "wav",
        Codec::Aiff => "aif",
        Codec::Ape => "ape",
        Codec::WavPack => "wv",
        Codec::Musepack => "mpc",
        Codec::Wma => "wma",
        _ => "",
    }
}

/// Four ASCII bytes; a shorter name ends in NUL, as OwnTone sends `wav`. Beyond the five that clients are known to
/// tell apart (`mpeg`, `mp4a`, `alac`, `wav`, `flac`) it is the file's usual suffix.
fn codec_type(codec: Codec) -> u32 {
    u32::from_be_bytes(match codec {
        Codec::Mpeg => *b"mpeg",
        Codec::Aac => *b"mp4a",
        Codec::Alac => *b"alac",
        Codec::Wav => *b"wav\0",
        Codec::Flac => *b"flac",
        Codec::Aiff => *b"aif\0",
        Codec::Vorbis => *b"ogg\0",
        Codec::Opus => *b"opus",
        Codec::Speex => *b"spx\0",
        Codec::Ape => *b"ape\0",
        Codec::WavPack => *b"wv\0\0",
        Codec::Musepack => *b"mpc\0",
        Codec::Wma => *b"wma\0",
        _ => [0; 4],
    })
}

/// What Sound Check says of a song: its loudness in thousandths of a milliwatt, of which 1,000 is left as it is.
fn sound_check(item: &Item) -> u32 {
    item.levels().song.map_or(0, |level| {
        // The cast clamps.
        (1000.0 * 10_f32.powf(-level.db() / 10.0)).round() as u32
    })
}

/// The level that Sound Check makes of a song.
fn level(tag: &Tag<'_>) -> Option<Level> {
    let loudness = number(tag);
    Level::new(-10.0 * (loudness as f32 / 1000.0).log10(), None)
}

/// The suffix that was announced, as a [`Track`](daap_model::Track) has it.
fn suffix(tag: &Tag<'_>) -> String {
    tag.text().trim_start_matches('.').to_lowercase()
}

/// The codec with these four bytes. A short name may also end in spaces.
fn codec_of(tag: &Tag<'_>) -> Option<Codec> {
    let name = tag.payload.trim_ascii_end();
    let is_named = |codec: &Codec| {
        let bytes = codec_type(*codec).to_be_bytes();
        *codec != Codec::Unknown
            && bytes.strip_prefix(name).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    };
    Codec::ALL.into_iter().find(is_named)
}

/// The codec that a person calls so.
fn described(tag: &Tag<'_>) -> Codec {
    let name = tag.text();
    Codec::ALL.into_iter().find(|codec| codec.description() == name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_has_a_code_of_its_own() {
        for field in Field::ALL {
            assert_eq!(Field::by_name(field.name()), Some(*field));
            assert_eq!(Field::ALL[*field as usize], *field);
        }
    }

    #[test]
    fn the_kind_comes_first_and_the_rare_last() {
        let fields = Fields::of(&[Field::ArtworkCount, Field::Id, Field::ItemKind]);
        let order: Vec<_> = fields.iter().map(Field::code).collect();
        assert_eq!(order, [MIKD, MIID, ASAC]);
    }
}
