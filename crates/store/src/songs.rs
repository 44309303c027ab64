//! Songs as rows.

use std::sync::Arc;

use daap_model::{
    Codec, ContentRating, ItemId, Level, Levels, MediaKind, MusicBrainz, MusicBrainzId,
    PersistentId, Timestamp, Track, Usage,
};
use library::{SongRow, SourceId, Stamp};
use rusqlite::{CachedStatement, Connection, Result, params};

use crate::columns::Columns;

const COLUMNS: &str = "id, persistent_id, source, key, stamp_size, stamp_modified_ns, stamp_file, \
    away_since, title, artist, album_artist, album, genre, composer, comment, grouping, sort_title, \
    sort_artist, sort_album_artist, sort_album, sort_composer, track, track_count, disc, disc_count, \
    year, bpm, compilation, content_rating, media_kind, duration_ms, size, bitrate_kbps, sample_rate, \
    channels, frames, codec, format, gain_cdb, peak_milli, album_gain_cdb, album_peak_milli, has_artwork, modified, \
    released, musicbrainz_album, musicbrainz_album_artist, \
    rating, play_count, skip_count, last_played, last_skipped, bookmark_ms, added, \
    measured_gain_cdb, measured_peak_milli";

/// Hands every song to `each`, by id.
pub(crate) fn load(connection: &Connection, mut each: impl FnMut(SongRow)) -> Result<()> {
    let mut select = connection.prepare(&format!("SELECT {COLUMNS} FROM songs ORDER BY id"))?;
    let mut rows = select.query([])?;
    let mut before = Track::default();
    while let Some(row) = rows.next()? {
        each(read(&mut Columns::of(row), &mut before)?);
    }
    Ok(())
}

/// The statement that [`put`] runs.
pub(crate) fn prepare_put(connection: &Connection) -> Result<CachedStatement<'_>> {
    let values = vec!["?"; COLUMNS.split(',').count()].join(", ");
    connection
        .prepare_cached(&format!("INSERT OR REPLACE INTO songs ({COLUMNS}) VALUES ({values})"))
}

/// Saves a song whole, in the place of the one with its id.
pub(crate) fn put(statement: &mut CachedStatement<'_>, song: &SongRow) -> Result<()> {
    let SongRow { id, persistent_id, source, key, stamp, away_since, track, usage } = song;
    let musicbrainz = track.musicbrainz.as_deref().copied().unwrap_or_default();
    statement.execute(params![
        id.get(),
        persistent_id.get().cast_signed(),
        source.0,
        key.as_bytes(),
        stamp.size.cast_signed(),
        stamp.modified_ns,
        stamp.file.cast_signed(),
        away_since.map(|since| since.0),
        track.title.as_str(),
        track.artist.as_str(),
        track.album_artist.as_str(),
        track.album.as_str(),
        track.genre.as_str(),
        track.composer.as_str(),
        track.comment.as_str(),
        track.grouping.as_str(),
        track.sort_title.as_str(),
        track.sort_artist.as_str(),
        track.sort_album_artist.as_str(),
        track.sort_album.as_str(),
        track.sort_composer.as_str(),
        track.track,
        track.track_count,
        track.disc,
        track.disc_count,
        track.year,
        track.bpm,
        track.compilation,
        rating_number(track.content_rating),
        kind_number(track.media_kind),
        track.duration_ms,
        track.size.cast_signed(),
        track.bitrate_kbps,
        track.sample_rate,
        track.channels,
        track.frames,
        codec_number(track.codec),
        track.format.as_str(),
        track.levels.song.map(|level| level.gain_cdb),
        track.levels.song.map_or(0, |level| level.peak_milli),
        track.levels.album.map(|level| level.gain_cdb),
        track.levels.album.map_or(0, |level| level.peak_milli),
        track.has_artwork,
        track.modified.0,
        track.released.0,
        musicbrainz.album.map(|id| id.get().to_be_bytes()),
        musicbrainz.album_artist.map(|id| id.get().to_be_bytes()),
        usage.rating,
        usage.play_count,
        usage.skip_count,
        usage.last_played.0,
        usage.last_skipped.0,
        usage.bookmark_ms,
        usage.added.0,
        usage.measured.map(|level| level.gain_cdb),
        usage.measured.map_or(0, |level| level.peak_milli),
    ])?;
    Ok(())
}

/// Reads a song that shares texts with the one read `before`.
fn read(columns: &mut Columns<'_, '_>, before: &mut Track) -> Result<SongRow> {
    Ok(SongRow {
        id: columns.made(ItemId::to_give)?,
        persistent_id: PersistentId::new(columns.bits()?),
        source: SourceId(columns.number()?),
        key: columns.key()?,
        stamp: read_stamp(columns)?,
        away_since: columns.take::<Option<u32>>()?.map(Timestamp),
        track: read_track(columns, before)?,
        usage: Usage {
            rating: columns.number()?,
            play_count: columns.number()?,
            skip_count: columns.number()?,
            last_played: Timestamp(columns.number()?),
            last_skipped: Timestamp(columns.number()?),
            bookmark_ms: columns.number()?,
            added: Timestamp(columns.number()?),
            measured: read_level(columns)?,
        },
    })
}

pub(crate) fn read_stamp(columns: &mut Columns<'_, '_>) -> Result<Stamp> {
    Ok(Stamp { size: columns.bits()?, modified_ns: columns.take()?, file: columns.bits()? })
}

/// Fields in the order of [`COLUMNS`]. Of `before` only the texts that songs share are kept in step.
fn read_track(columns: &mut Columns<'_, '_>, before: &mut Track) -> Result<Track> {
    Ok(Track {
        title: columns.text()?,
        artist: columns.text_after(&mut before.artist)?,
        album_artist: columns.text_after(&mut before.album_artist)?,
        album: columns.text_after(&mut before.album)?,
        genre: columns.text_after(&mut before.genre)?,
        composer: columns.text_after(&mut before.composer)?,
        comment: columns.text_after(&mut before.comment)?,
        grouping: columns.text_after(&mut before.grouping)?,
        sort_title: columns.text()?,
        sort_artist: columns.text_after(&mut before.sort_artist)?,
        sort_album_artist: columns.text_after(&mut before.sort_album_artist)?,
        sort_album: columns.text_after(&mut before.sort_album)?,
        sort_composer: columns.text_after(&mut before.sort_composer)?,
        track: columns.number()?,
        track_count: columns.number()?,
        disc: columns.number()?,
        disc_count: columns.number()?,
        year: columns.number()?,
        bpm: columns.number()?,
        compilation: columns.take()?,
        content_rating: columns.made(rating_of)?,
        media_kind: columns.made(kind_of)?,
        duration_ms: columns.number()?,
        size: columns.bits()?,
        bitrate_kbps: columns.number()?,
        sample_rate: columns.number()?,
        channels: columns.number()?,
        frames: columns.number()?,
        codec: codec_of(columns.number()?),
        format: columns.text_after(&mut before.format)?,
        levels: Levels { song: read_level(columns)?, album: read_level(columns)? },
        has_artwork: columns.take()?,
        modified: Timestamp(columns.number()?),
        released: Timestamp(columns.number()?),
        musicbrainz: read_musicbrainz(columns, &mut before.musicbrainz)?,
    })
}

fn read_level(columns: &mut Columns<'_, '_>) -> Result<Option<Level>> {
    let gain: Option<i16> = columns.take()?;
    let peak_milli = columns.number()?;
    Ok(gain.map(|gain_cdb| Level { gain_cdb, peak_milli }))
}

fn read_musicbrainz(
    columns: &mut Columns<'_, '_>,
    before: &mut Option<Arc<MusicBrainz>>,
) -> Result<Option<Arc<MusicBrainz>>> {
    let mut id = || -> Result<Option<MusicBrainzId>> {
        let bytes: Option<[u8; 16]> = columns.take()?;
        Ok(bytes.and_then(|bytes| MusicBrainzId::new(u128::from_be_bytes(bytes))))
    };
    let ids = MusicBrainz { album: id()?, album_artist: id()? };
    if before.as_deref().copied().unwrap_or_default() != ids {
        *before = MusicBrainz::of(ids.album, ids.album_artist);
    }
    Ok(before.clone())
}

/// The numbers of codecs in the file. They stay; a new codec gets a new one.
const CODECS: [(Codec, u8); 14] = [
    (Codec::Unknown, 0),
    (Codec::Mpeg, 1),
    (Codec::Aac, 2),
    (Codec::Alac, 3),
    (Codec::Flac, 4),
    (Codec::Vorbis, 5),
    (Codec::Opus, 6),
    (Codec::Speex, 7),
    (Codec::Wav, 8),
    (Codec::Aiff, 9),
    (Codec::Ape, 10),
    (Codec::WavPack, 11),
    (Codec::Musepack, 12),
    (Codec::Wma, 13),
];

fn codec_number(codec: Codec) -> u8 {
    CODECS.iter().find(|(known, _)| *known == codec).map_or(0, |(_, number)| *number)
}

fn codec_of(number: u8) -> Codec {
    CODECS.iter().find(|(_, known)| *known == number).map_or(Codec::Unknown, |(codec, _)| *codec)
}

fn rating_number(rating: ContentRating) -> u8 {
    match rating {
        ContentRating::None => 0,
        ContentRating::Explicit => 1,
        ContentRating::Clean => 2,
    }
}

fn rating_of(number: u32) -> Option<ContentRating> {
    [ContentRating::None, ContentRating::Explicit, ContentRating::Clean]
        .get(number as usize)
        .copied()
}

/// A kind that is not in the schema's list counts as music.
fn kind_number(kind: MediaKind) -> u8 {
    match kind {
        MediaKind::Podcast => 4,
        MediaKind::Audiobook => 8,
        _ => 1,
    }
}

fn kind_of(number: u32) -> Option<MediaKind> {
    match number {
        1 => Some(MediaKind::Music),
        4 => Some(MediaKind::Podcast),
        8 => Some(MediaKind::Audiobook),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_has_its_number() {
        for codec in Codec::ALL {
            assert_eq!(codec_of(codec_number(codec)), codec);
        }
        assert_eq!(codec_of(200), Codec::Unknown);
    }

    #[test]
    fn kinds_and_ratings_come_back() {
        for kind in [MediaKind::Music, MediaKind::Podcast, MediaKind::Audiobook] {
            assert_eq!(kind_of(kind_number(kind).into()), Some(kind));
        }
        for rating in [ContentRating::None, ContentRating::Explicit, ContentRating::Clean] {
            assert_eq!(rating_of(rating_number(rating).into()), Some(rating));
        }
        assert_eq!((kind_of(2), rating_of(3)), (None, None));
    }
}
