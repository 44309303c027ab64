//! Songs that a client gets as WAV files, and how loud songs are said to be.

use std::sync::Arc;

use daap_model::{Batch, Codec, Edit, Level, Levels, Model, PersistentId, Snapshot, Track, Usage};
use daap_proto::read::Song;
use daap_proto::{ClientClass, Codecs};

use crate::library::*;
use crate::read_back::read_in;

/// The songs of a library as a client reads them.
fn read(songs: [Track; 2], client: ClientClass, path: &str) -> Vec<Track> {
    let snapshot = library(songs);
    let bytes = ask(&snapshot, client, &format!("{path}?meta=all")).expect(path).into_bytes();
    read_in::<Song>(&bytes, bytes.len()).0.into_iter().map(|song| song.track).collect()
}

fn library(songs: [Track; 2]) -> Arc<Snapshot> {
    let mut model = Model::new("");
    let id = PersistentId::LOWEST;
    let put = Edit::PutDatabase { id: DB, persistent_id: id, name: "".into() };
    let songs = (1..).zip(songs).map(|(id, song)| put_item(id, song, Usage::default()));
    model.apply([put].into_iter().chain(songs).collect::<Batch>()).expect("a batch without faults");
    model.snapshot()
}

fn song(codec: Codec, format: &str) -> Track {
    Track {
        title: format.into(),
        codec,
        format: format.into(),
        size: 5_000,
        bitrate_kbps: 900,
        sample_rate: 48_000,
        duration_ms: 1_000,
        ..Track::default()
    }
}

#[test]
fn a_song_that_is_sent_as_wav_is_listed_as_one() {
    let [flac, mp3] = [song(Codec::Flac, "flac"), song(Codec::Mpeg, "mp3")];
    let exact = Track { frames: 47_999, channels: 1, ..flac.clone() };
    let class = ClientClass::default().hearing_wav_for(Codecs::of(&[Codec::Flac]));
    for path in ["/databases/1/items", "/databases/1/containers/1/items"] {
        let songs = || [exact.clone(), mp3.clone()];
        let [wav, other] = read(songs(), class, path).try_into().unwrap();
        assert_eq!(other, mp3);
        let expected = Track {
            codec: Codec::Wav,
            format: "wav".into(),
            size: 44 + 47_999 * 2,
            bitrate_kbps: 768,
            ..flac.clone()
        };
        assert_eq!(wav, expected);
        assert_eq!(read(songs(), ClientClass::default(), path)[0], flac);
    }
}

#[test]
fn a_song_whose_length_nobody_knows_is_listed_as_it_is() {
    let unknown = Track { duration_ms: 0, ..song(Codec::Flac, "flac") };
    let class = ClientClass::default().hearing_wav_for(Codecs::ALL);
    let listed = read([unknown.clone(), song(Codec::Mpeg, "mp3")], class, "/databases/1/items");
    assert_eq!(listed[0], unknown);
}

#[test]
fn a_level_is_told_as_sound_check_has_it() {
    let loud = |db| {
        let levels = Levels { song: Level::new(db, None), album: None };
        Track { levels, ..song(Codec::Mpeg, "mp3") }
    };
    let songs = [loud(-7.32), loud(12.0)];
    let listed = read(songs.clone(), ClientClass::default(), "/databases/1/items");
    let told = listed.iter().map(|song| song.levels.song.unwrap().db());
    for (told, is) in told.zip([-7.32, 12.0]) {
        assert!((told - is).abs() < 0.05, "{told} for {is}");
    }
}
