//! Which songs are fetched, and what each file is called.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use daap_client::Client;
use daap_model::DatabaseId;
use daap_proto::Field;
use daap_proto::read::Song;
use dmap::{Code, Value};

use super::file_name;
use super::template::Template;
use crate::share::row::Row;
use crate::share::selection::Selection;

/// So many songs are fetched at a time: they have to be held, as no two may have the same name.
const MAX_SONGS: usize = 2_000_000;

/// What has to be known of a song beside what its name is made of.
const NEEDED: [Field; 12] = [
    Field::DataKind,
    Field::PersistentId,
    Field::Name,
    Field::Artist,
    Field::AlbumArtist,
    Field::Compilation,
    Field::Time,
    Field::Size,
    Field::LongSize,
    Field::Format,
    Field::CodecType,
    Field::DateModified,
];

/// A song that is to be fetched.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) database: DatabaseId,
    pub(crate) song: Song,
    /// Its file, from the folder of all.
    pub(crate) path: PathBuf,
}

/// What is to be fetched.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The songs, each once, in the order of the server.
    pub(crate) songs: Vec<Planned>,
    /// Radio stations and the like, which have no end and no file.
    pub(crate) streams: u64,
    /// If there is nothing: why.
    pub(crate) hint: Option<String>,
}

impl Plan {
    /// Asks the share for all songs that are meant, and names their files.
    pub(crate) async fn make(
        client: &Client,
        selection: &Selection,
        template: &Template,
    ) -> anyhow::Result<Self> {
        let mut plan = Self::default();
        let mut seen = HashSet::new();
        let codes: Vec<Code> =
            NEEDED.iter().map(|field| field.code()).chain(template.fields()).collect();
        let tally = selection.each(client, Some(&codes), |database, row| {
            if row.song.stream.is_some() {
                plan.streams += 1;
            } else if seen.insert((database, row.song.id)) {
                ensure!(
                    plan.songs.len() < MAX_SONGS,
                    "more than {MAX_SONGS} songs are not fetched at a time"
                );
                let path = template.path(|code| value(&row, code));
                plan.songs.push(Planned { database, song: row.song, path });
            }
            Ok(())
        });
        let tally = tally.await?;
        plan.hint = match (tally.songs, plan.songs.is_empty()) {
            (0, _) => Some(tally.hint),
            (_, true) => Some("there are only streams, which have no end".to_owned()),
            _ => None,
        };
        tell_apart(&mut plan.songs);
        Ok(plan)
    }
}

/// What stands for a field in a file's name. What is 0 is not known.
fn value(row: &Row, code: Code) -> String {
    const FORMAT: Code = Field::Format.code();
    const ALBUM_ARTIST: Code = Field::AlbumArtist.code();
    const TRACK: Code = Field::TrackNumber.code();
    match (code, row.value(code)) {
        (FORMAT, _) => suffix(&row.song.track.format),
        (ALBUM_ARTIST, _) => row.song.track.filed_under().to_string(),
        (_, Some(Value::Unsigned(0, _) | Value::Signed(0, _))) => String::new(),
        (TRACK, Some(Value::Unsigned(number, _))) => format!("{number:02}"),
        _ => row.text(code),
    }
}

/// The suffix of a file: letters and digits, and few.
fn suffix(format: &str) -> String {
    /// The longest that is in use is `flac`, and `m4a` with its like.
    const LONGEST: usize = 8;
    format.chars().filter(char::is_ascii_alphanumeric).take(LONGEST).collect()
}

/// Gives songs whose files would be one, even where capitals do not count, names of their own: a number behind the name.
/// Which one has which number does not depend on their order.
fn tell_apart(songs: &mut [Planned]) {
    let mut order: Vec<usize> = (0..songs.len()).collect();
    order.sort_by_cached_key(|&at| {
        let planned = &songs[at];
        (key(&planned.path), planned.song.persistent_id, planned.database, planned.song.id)
    });
    let mut taken: HashSet<String> = HashSet::new();
    for at in order {
        let plain = songs[at].path.clone();
        let mut number = 1;
        while !taken.insert(key(&songs[at].path)) {
            number += 1;
            let name = plain.file_name().unwrap_or_default().to_string_lossy();
            songs[at].path =
                plain.with_file_name(file_name::shortened(&name, &format!(" ({number})")));
        }
    }
}

/// The same for paths that are the same to some file system.
fn key(path: &Path) -> String {
    let normal = icu_normalizer::ComposingNormalizerBorrowed::new_nfc();
    normal.normalize(&path.to_string_lossy()).to_lowercase()
}

#[cfg(test)]
mod tests {
    use daap_model::PersistentId;
    use daap_proto::read::Entry as _;
    use dmap::code::{MIID, MLIT};

    use super::*;

    fn planned(id: u32, path: &str) -> Planned {
        let mut out = dmap::Encoder::new(Vec::new());
        out.container(MLIT, |out| out.u32(MIID, id));
        let bytes = out.finish().unwrap();
        let mut song = Song::read(dmap::root(&bytes).unwrap()).unwrap();
        song.persistent_id = Some(PersistentId::new(id.into()));
        Planned { database: DatabaseId::new(1).unwrap(), song, path: path.into() }
    }

    #[track_caller]
    fn check(songs: &[(u32, &str)], expected: &[&str]) {
        let mut songs: Vec<Planned> = songs.iter().map(|(id, path)| planned(*id, path)).collect();
        tell_apart(&mut songs);
        let paths: Vec<_> = songs.iter().map(|planned| planned.path.to_str().unwrap()).collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn files_of_the_same_name_are_told_apart_whatever_their_order() {
        check(&[(1, "a/Jet.mp3"), (2, "a/Jet.mp3")], &["a/Jet.mp3", "a/Jet (2).mp3"]);
        check(&[(2, "a/Jet.mp3"), (1, "a/Jet.mp3")], &["a/Jet (2).mp3", "a/Jet.mp3"]);
        check(&[(1, "a/Jet.mp3"), (2, "A/JET.mp3")], &["a/Jet.mp3", "A/JET (2).mp3"]);
        check(&[(1, "e\u{301}.mp3"), (2, "\u{e9}.mp3")], &["e\u{301}.mp3", "\u{e9} (2).mp3"]);
        check(&[(1, "x (2)"), (2, "x"), (3, "x")], &["x (2) (2)", "x", "x (2)"]);
        check(&[(1, "a/Jet.mp3"), (2, "b/Jet.mp3")], &["a/Jet.mp3", "b/Jet.mp3"]);
    }

    #[test]
    fn a_suffix_is_a_suffix_whatever_a_server_says() {
        assert_eq!(suffix("mp3"), "mp3");
        assert_eq!(suffix("../../.bashrc"), "bashrc");
        assert_eq!(suffix(""), "");
    }
}
