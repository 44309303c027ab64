//! Songs by number.

use daap_model::{
    Batch, Codec, Custom, DatabaseId, Edit, ItemId, Model, MusicBrainz, MusicBrainzId, NewItem,
    PersistentId, Timestamp, Track, Usage,
};

/// The one database of a [`model`].
pub const DATABASE: DatabaseId = DatabaseId::LOWEST;

/// Songs in a batch while a model is made. In parts, as a store would load them, so that the songs are not
/// all held twice.
const BATCH: u32 = 2000;

/// Words that names are made of, with letters and digits that are sorted by rules of their own.
const WORDS: [&str; 10] = [
    "Silver", "River", "Night", "The Long", "Äther", "99", "Dancing", "Golden", "A Quiet", "Paper",
];

/// A model of so many songs, numbered from 0.
pub fn model(songs: u32) -> Model {
    let mut model = Model::new("Bench");
    let database = Edit::PutDatabase {
        id: DATABASE,
        persistent_id: PersistentId::new(1),
        name: "Bench".into(),
    };
    model.apply(Batch::from_iter([database])).expect("a new database");
    for first in (0..songs).step_by(BATCH as usize) {
        let batch: Batch = (first..songs.min(first + BATCH)).map(|n| put(item(n))).collect();
        model.apply(batch).expect("new songs");
    }
    model
}

/// The change that puts a song into the database.
pub fn put(item: NewItem) -> Edit {
    Edit::PutItem { database: DATABASE, item }
}

/// The song of a number, with an id one above it.
///
/// # Panics
///
/// If there is no id so high.
pub fn item(number: u32) -> NewItem {
    let id = ItemId::to_give(number + 1).expect("fewer songs than ids");
    let persistent_id =
        PersistentId::new(u64::from(number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let usage =
        Usage { rating: 60, play_count: 3, added: Timestamp(1_700_000_000), ..Usage::default() };
    NewItem { id, persistent_id, track: track(number), usage, custom: Custom::NONE }
}

/// What is known of the song of a number: ten to an album, ten albums to an artist.
pub fn track(number: u32) -> Track {
    let (album, artist) = (number / 10, number / 100);
    let (title, album_title, band) =
        (name(number), format!("{} Songs", name(album)), format!("{} Band", name(artist)));
    Track {
        sort_title: format!("{title}, sorted").into(),
        sort_artist: format!("{band}, The").into(),
        sort_album_artist: format!("{band}, The").into(),
        sort_album: format!("{album_title}, The").into(),
        sort_composer: format!("Composer, {}", artist % 3000).into(),
        title: title.into(),
        artist: band.as_str().into(),
        album_artist: band.into(),
        album: album_title.into(),
        genre: format!("Genre {}", artist % 40).into(),
        composer: format!("Composer {}", artist % 3000).into(),
        comment: format!("Ripped from disc {album}").into(),
        grouping: "Studio".into(),
        track: (number % 10 + 1) as u16,
        track_count: 10,
        disc: 1,
        disc_count: 1,
        year: (1960 + album % 60) as u16,
        bpm: 120,
        duration_ms: 180_000 + number % 90_000,
        size: 4_000_000 + u64::from(number),
        bitrate_kbps: 256,
        sample_rate: 44_100,
        codec: Codec::Mpeg,
        format: "mp3".into(),
        has_artwork: true,
        modified: Timestamp(1_600_000_000 + number),
        musicbrainz: MusicBrainz::of(
            MusicBrainzId::new(u128::from(album) + 1),
            MusicBrainzId::new(u128::from(artist) + 1),
        ),
        ..Track::default()
    }
}

fn name(number: u32) -> String {
    let word = |n: u32| WORDS[(n.wrapping_mul(2_654_435_761) >> 8) as usize % WORDS.len()];
    format!("{} {} {number}", word(number), word(number / 7))
}
