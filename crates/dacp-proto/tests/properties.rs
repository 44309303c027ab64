//! What holds for every reply, well formed or not.

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, PersistentId, Revision};
use dacp_proto::*;
use proptest::option;
use proptest::prelude::*;

fn any_song() -> impl Strategy<Value = Song> {
    let ids = any::<[u32; 4]>().prop_map(|[database, container, entry, item]| SongIds {
        database: DatabaseId::new(database),
        container: ContainerId::new(container),
        entry: ContainerItemId::new(entry),
        item: ItemId::new(item),
    });
    let album_id = option::of(any::<u64>().prop_map(PersistentId::new));
    (ids, [".{1,9}", ".{0,9}", ".{0,9}", ".{0,9}"], album_id, any::<u32>()).prop_map(
        |(ids, [title, artist, album, genre], album_id, media_kind)| Song {
            ids,
            title,
            artist,
            album,
            genre,
            album_id,
            media_kind,
        },
    )
}

fn any_repeat() -> impl Strategy<Value = Repeat> {
    prop_oneof![Just(Repeat::Off), Just(Repeat::One), Just(Repeat::All)]
}

fn any_status() -> impl Strategy<Value = PlayStatus> {
    let state = proptest::sample::select(vec![
        PlayerState::Idle,
        PlayerState::Loading,
        PlayerState::Stopped,
        PlayerState::Paused,
        PlayerState::Playing,
        PlayerState::FastForward,
        PlayerState::Rewind,
    ]);
    let time = (1..u32::MAX).prop_flat_map(|length_ms| {
        (0..=length_ms).prop_map(move |elapsed_ms| PlayTime { elapsed_ms, length_ms })
    });
    let now_playing = (any_song(), option::of(time));
    let now_playing = option::of(now_playing.prop_map(|(song, time)| NowPlaying { song, time }));
    (any::<u32>(), state, any::<bool>(), any_repeat(), any::<bool>(), now_playing).prop_map(
        |(revision, state, shuffle, repeat, has_volume, now_playing)| PlayStatus {
            revision: Revision::new(revision),
            state,
            shuffle,
            repeat,
            has_volume,
            now_playing,
        },
    )
}

fn any_queue() -> impl Strategy<Value = QueueContents> {
    let places = 0..=i32::MAX.unsigned_abs();
    let place = prop_oneof![
        places.clone().prop_map(QueuePlace::Queue),
        places.prop_map(QueuePlace::History),
    ];
    let song = (place, any_song(), option::of(1..=u32::MAX))
        .prop_map(|(place, song, length_ms)| QueuedSong { place, song, length_ms });
    (any::<bool>(), any_repeat(), proptest::collection::vec(song, 0..4))
        .prop_map(|(shuffle, repeat, songs)| QueueContents { shuffle, repeat, songs })
}

fn any_speaker() -> impl Strategy<Value = Speaker> {
    (any::<u64>(), ".{0,9}", any::<[bool; 3]>(), 0..=100_u8).prop_map(|(id, name, is, volume)| {
        Speaker {
            id: SpeakerId(id),
            name,
            is_active: is[0],
            needs_password: is[1],
            has_video: is[2],
            volume: Percent::new(volume).expect("at most 100"),
        }
    })
}

proptest! {
    #[test]
    fn a_status_survives_its_reply(status in any_status()) {
        let reply = status.reply().unwrap().into_bytes();
        prop_assert_eq!(PlayStatus::read(&reply), Ok(status));
    }

    #[test]
    fn a_queue_survives_its_reply(queue in any_queue(), count: u32) {
        let reply = queue.reply(Span::History(count)).unwrap().into_bytes();
        prop_assert_eq!(QueueContents::read(&reply), Ok(queue));
    }

    #[test]
    fn speakers_survive_their_reply(speakers in proptest::collection::vec(any_speaker(), 0..4)) {
        let reply = speakers_reply(&speakers).unwrap().into_bytes();
        prop_assert_eq!(read_speakers(&reply), Ok(speakers));
    }

    #[test]
    fn any_bytes_are_read_without_panic(mut bytes: Vec<u8>, status in any_status(), at: usize) {
        read_all(&bytes);
        // Good bytes with something else somewhere.
        let mut reply = status.reply().unwrap().into_bytes().to_vec();
        let at = at % reply.len();
        bytes.truncate(reply.len() - at);
        reply[at..at + bytes.len()].copy_from_slice(&bytes);
        read_all(&reply);
    }
}

fn read_all(bytes: &[u8]) {
    let _ = PlayStatus::read(bytes);
    let _ = Properties::read(bytes);
    let _ = QueueContents::read(bytes);
    let _ = read_speakers(bytes);
    let _ = ControlInterface::read(bytes);
    let _ = PairingAnswer::read(bytes);
    let _ = Prompt::read(bytes);
    let _ = PromptEntry::read(bytes);
}
