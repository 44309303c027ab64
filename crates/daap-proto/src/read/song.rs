//! A song, read from its tags.

use daap_model::{ContainerItemId, ItemId, PersistentId, Track, Usage};
use dmap::Tag;
use dmap::code::ASUL;

use super::entry::entry_id;
use super::value::FromTag;
use super::{Entry, ReadError};

/// A song as a server lists it. What was not asked for, or not said, is empty or 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Song {
    /// Its row id.
    pub id: ItemId,
    /// In a container, the id of the entry.
    pub entry: Option<ContainerItemId>,
    /// Its id for ever.
    pub persistent_id: Option<PersistentId>,
    /// The facts about it.
    pub track: Track,
    /// What listeners did with it.
    pub usage: Usage,
    /// The album it belongs to: the persistent id of a group.
    pub album_id: Option<PersistentId>,
    /// The album artist it belongs to: the persistent id of a group.
    pub artist_id: Option<PersistentId>,
    /// For a stream, which the server does not hold itself, its address; empty if the server keeps that for itself.
    pub stream: Option<String>,
}

impl Entry for Song {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        let mut song = Self {
            id: entry_id(&tag, ItemId::new)?,
            entry: None,
            persistent_id: None,
            track: Track::default(),
            usage: Usage::default(),
            album_id: None,
            artist_id: None,
            stream: None,
        };
        for child in tag.children()? {
            song.set(&child?);
        }
        if let (Some(address), Some(tag)) = (&mut song.stream, tag.child(ASUL)?) {
            address.set(&tag);
        }
        Ok(song)
    }
}

#[cfg(test)]
mod tests {
    use daap_model::{Codec, ContentRating, MediaKind, Text, Timestamp};
    use dmap::code::*;
    use dmap::{Code, Encoder, Tags};

    use super::*;

    #[track_caller]
    fn read(write: impl FnOnce(&mut Encoder)) -> Result<Song, ReadError> {
        let mut out = Encoder::new(Vec::new());
        out.container(MLIT, write);
        let bytes = out.finish().unwrap();
        Song::read(Tags::new(&bytes).next_tag().unwrap().unwrap())
    }

    /// What a song is read as that has an id and these tags.
    #[track_caller]
    fn song(write: impl FnOnce(&mut Encoder)) -> Song {
        read(|out| {
            write(out);
            out.u32(MIID, 7);
        })
        .unwrap()
    }

    #[test]
    fn a_song_needs_nothing_but_an_id() {
        let song = song(|_| ());
        assert_eq!(song.id.get(), 7);
        assert_eq!((song.entry, song.persistent_id, song.stream), (None, None, None));
        assert_eq!((song.track, song.usage), (Track::default(), Usage::default()));
    }

    #[test]
    fn a_song_without_an_id_is_missing_one() {
        let missing = Err(ReadError::Missing { code: MIID, offset: 0 });
        assert_eq!(read(|out| out.string(MINM, "Jet")), missing);
        assert_eq!(read(|out| out.u32(MIID, 0)), missing);
        assert_eq!(read(|out| out.u64(MIID, 1 << 32)), missing);
        assert_eq!(read(|out| out.bytes(MIID, b"abc")), missing);
    }

    #[test]
    fn ids_are_any_number() {
        let song = read(|out| {
            out.u64(MIID, u32::MAX.into());
            out.u8(MCTI, 5);
            out.u64(MPER, u64::MAX);
        });
        let song = song.unwrap();
        assert_eq!(song.id.get(), u32::MAX);
        assert_eq!(song.entry, ContainerItemId::new(5));
        assert_eq!(song.persistent_id, Some(PersistentId::new(u64::MAX)));
    }

    #[test]
    fn tags_nobody_knows_and_containers_are_passed_over() {
        let song = song(|out| {
            out.string(Code(*b"zzzz"), "?");
            out.container(MLIT, |out| out.string(MINM, "not this"));
            out.string(MINM, "Jet");
            out.bytes(ASAR, b"Caf\xE9");
        });
        assert_eq!(song.track.title, Text::from("Jet"));
        assert_eq!(song.track.artist, Text::from("Caf\u{FFFD}"));
    }

    #[test]
    fn the_size_is_the_greater_of_the_two_that_are_sent() {
        let size = |short: Option<u32>, long: Option<u64>| {
            let song = song(|out| {
                long.into_iter().for_each(|size| out.u64(ASLS, size));
                short.into_iter().for_each(|size| out.u32(ASSZ, size));
            });
            song.track.size
        };
        assert_eq!(size(Some(5), None), 5);
        assert_eq!(size(None, Some(5 << 32)), 5 << 32);
        assert_eq!(size(Some(u32::MAX), Some(5 << 32)), 5 << 32);
        assert_eq!(size(Some(5), Some(0)), 5);
    }

    #[test]
    fn the_codec_is_known_by_its_letters_or_its_name() {
        let codec = |letters: &[u8], name: &str| {
            let song = song(|out| {
                out.string(ASDT, name);
                out.bytes(ASCD, letters);
            });
            song.track.codec
        };
        assert_eq!(codec(b"alac", "AAC audio file"), Codec::Alac);
        assert_eq!(codec(b"wav\0", ""), Codec::Wav);
        assert_eq!(codec(b"wav ", ""), Codec::Wav);
        assert_eq!(codec(b"????", "MPEG audio file"), Codec::Mpeg);
        assert_eq!(codec(b"\0\0\0\0", "MPEG audio file"), Codec::Mpeg);
        assert_eq!(codec(b"", "something"), Codec::Unknown);
    }

    #[test]
    fn a_stream_has_an_address_of_its_own() {
        let address = |kind: u8| {
            song(|out| {
                out.string(ASUL, "http://radio/");
                out.u8(ASDK, kind);
            })
        };
        assert_eq!(address(0).stream, None);
        assert_eq!(address(1).stream.as_deref(), Some("http://radio/"));
        assert_eq!(song(|out| out.u8(ASDK, 1)).stream.as_deref(), Some(""));
    }

    #[test]
    fn odd_values_are_taken_as_they_are_meant() {
        let song = song(|out| {
            out.string(ASFM, ".MP3");
            out.u32(ASYR, 70_000);
            out.bytes(ASTN, b"abc");
            out.u64(ASDA, 1 << 40);
            out.bool(AEPC, true);
            out.u8(ASCR, 4);
            out.u8(ASAC, 1);
            out.u16(ASED, 0);
        });
        assert_eq!(song.track.format, Text::from("mp3"));
        assert_eq!((song.track.year, song.track.track), (u16::MAX, 0));
        assert_eq!(song.usage.added, Timestamp(u32::MAX));
        assert_eq!(song.track.media_kind, MediaKind::Podcast);
        assert_eq!(song.track.content_rating, ContentRating::None);
        assert!(song.track.has_artwork);
    }

    #[test]
    fn a_song_that_is_cut_inside_is_refused() {
        let error = read(|out| {
            out.u32(MIID, 7);
            out.header(MINM, 9);
        });
        assert!(matches!(error, Err(ReadError::Malformed(_))), "{error:?}");
    }
}
