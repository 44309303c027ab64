//! Replies, byte for byte as others write them, and read as others may write them.

use std::fmt::Debug;

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, PersistentId, Revision};
use dacp_proto::*;
use dmap::code::*;
use dmap::{Code, Encoder};

/// The bytes that were kept under this name, with what they say in comments.
fn golden(name: &str) -> Vec<u8> {
    testkit::golden(env!("CARGO_MANIFEST_DIR"), name)
}

/// Checks that a reply is these bytes.
#[track_caller]
fn check_reply(name: &str, reply: &[u8]) {
    let expected = golden(name);
    assert_eq!(dmap::dump(reply).to_string(), dmap::dump(&expected).to_string(), "{name}");
    assert_eq!(reply, expected, "{name}");
}

/// Checks that these bytes say this.
#[track_caller]
fn check_read<T: PartialEq + Debug>(
    name: &str,
    read: impl Fn(&[u8]) -> Result<T, ReadError>,
    value: &T,
) {
    assert_eq!(read(&golden(name)).as_ref(), Ok(value), "{name}");
}

fn percent(number: u8) -> Percent {
    Percent::new(number).expect("at most 100")
}

fn ids(database: u32, container: u32, entry: u32, item: u32) -> SongIds {
    SongIds {
        database: DatabaseId::new(database),
        container: ContainerId::new(container),
        entry: ContainerItemId::new(entry),
        item: ItemId::new(item),
    }
}

fn stopped(revision: u32) -> PlayStatus {
    PlayStatus {
        revision: Revision::new(revision),
        state: PlayerState::Stopped,
        has_volume: true,
        ..PlayStatus::default()
    }
}

fn playing() -> PlayStatus {
    let song = Song {
        ids: ids(1, 0, 2, 3),
        title: "Long One".into(),
        artist: "Aurora Quartet".into(),
        album: "Evening Songs".into(),
        genre: "Jazz".into(),
        album_id: Some(PersistentId::new(5_971_356_981_988_689_645)),
        media_kind: 1,
    };
    let time = Some(PlayTime { elapsed_ms: 70, length_ms: 40_045 });
    let now_playing = Some(NowPlaying { song, time });
    PlayStatus { state: PlayerState::Playing, now_playing, ..stopped(9) }
}

fn jet(place: QueuePlace) -> QueuedSong {
    let song = Song {
        ids: ids(1, 7, 9, 9),
        title: "Jet".into(),
        artist: "Wings".into(),
        album: "Band on the Run".into(),
        genre: "Rock".into(),
        album_id: Some(PersistentId::new(0xF000_0000_0000_0001)),
        media_kind: 1,
    };
    QueuedSong { place, song, length_ms: Some(249_000) }
}

#[test]
fn a_play_status_is_owntones() {
    for (name, status) in [("play-status-stopped", stopped(4)), ("play-status-playing", playing())]
    {
        check_reply(name, &status.reply().unwrap().into_bytes());
        check_read(name, PlayStatus::read, &status);
    }
    check_read("play-status-short", PlayStatus::read, &stopped(7));
}

#[test]
fn properties_are_those_that_were_asked_for() {
    let properties = Properties { volume: Some(percent(37)), status: playing() };
    let reply = |wanted: &[Property]| {
        let wanted = wanted.iter().copied().collect();
        properties.reply(&wanted).unwrap().into_bytes()
    };
    check_reply("properties-volume", &reply(&[Property::Volume]));
    let volume = Properties { volume: Some(percent(37)), status: PlayStatus::default() };
    check_read("properties-volume", Properties::read, &volume);

    let time = Properties::read(&reply(&[Property::PlayingTime, Property::PlayerState])).unwrap();
    let now_playing = time.status.now_playing.unwrap();
    assert_eq!(now_playing.time, Some(PlayTime { elapsed_ms: 70, length_ms: 40_045 }));
    assert_eq!((time.volume, time.status.state), (None, PlayerState::Playing));
    assert_eq!(reply(&[]).as_ref(), b"cmgt\0\0\0\x0Cmstt\0\0\0\x04\0\0\0\xC8");
}

#[test]
fn of_what_does_not_play_no_property_tells() {
    let properties = Properties { volume: None, status: stopped(2) };
    let wanted = [Property::NowPlaying, Property::PlayingTime, Property::Volume].into();
    let reply = properties.reply(&wanted).unwrap().into_bytes();
    assert_eq!(reply.as_ref(), b"cmgt\0\0\0\x0Cmstt\0\0\0\x04\0\0\0\xC8");
}

#[test]
fn the_interface_is_owntones_but_for_what_there_is_not() {
    let owntone = ControlInterface { extensions: 3, has_genius: true, ..ControlInterface::MUSIC };
    check_reply("interfaces", &owntone.reply().into_bytes());
    check_read("interfaces", ControlInterface::read, &owntone);
    let ours = ControlInterface::MUSIC.reply().into_bytes();
    assert_eq!(ControlInterface::read(&ours), Ok(ControlInterface::MUSIC));
    let apple_tv = ControlInterface { has_touch_pad: true, ..owntone };
    assert_eq!(ControlInterface::read(&apple_tv.reply().into_bytes()), Ok(apple_tv));
}

#[test]
fn an_iphone_answers_with_a_guid() {
    let answer = PairingAnswer {
        guid: PairingGuid(0xA1B2_C3D4_E5F6_0718),
        name: "Foobar".into(),
        device_type: "iPhone".into(),
    };
    check_reply("pairing-answer", &answer.reply().unwrap().into_bytes());
    check_read("pairing-answer", PairingAnswer::read, &answer);
}

#[test]
fn an_answer_without_a_guid_pairs_nobody() {
    let nameless = element(CMPA, |out| out.string(CMNM, "Foobar"));
    assert_eq!(PairingAnswer::read(&nameless), Err(ReadError::Missing { code: CMPG, offset: 0 }));
    let reversed = element(CMPA, |out| {
        out.string(CMTY, "iPod");
        out.u64(CMPG, 7);
    });
    assert_eq!(PairingAnswer::read(&reversed).map(|answer| answer.guid), Ok(PairingGuid(7)));
}

#[test]
fn speakers_say_only_what_they_are() {
    let speakers = [
        Speaker {
            name: "Computer".into(),
            is_active: true,
            volume: Percent::FULL,
            ..Speaker::default()
        },
        Speaker {
            id: SpeakerId(0x78CA_3946_072A),
            name: "Küche".into(),
            needs_password: true,
            volume: percent(50),
            ..Speaker::default()
        },
        Speaker {
            id: SpeakerId(132_809_939_617_579),
            name: "TV".into(),
            is_active: true,
            has_video: true,
            ..Speaker::default()
        },
    ];
    check_reply("speakers", &speakers_reply(&speakers).unwrap().into_bytes());
    check_read("speakers", read_speakers, &speakers.to_vec());
}

#[test]
fn a_queue_tells_its_songs_and_their_places() {
    let radio = QueuedSong {
        place: QueuePlace::Queue(2),
        song: Song { ids: ids(1, 7, 10, 10), title: "Radio".into(), ..Song::default() },
        length_ms: None,
    };
    let songs = vec![jet(QueuePlace::Queue(1)), radio];
    let queue = QueueContents { shuffle: true, repeat: Repeat::All, songs };
    check_reply("queue", &queue.reply(Span::Upcoming(50)).unwrap().into_bytes());
    check_read("queue", QueueContents::read, &queue);
}

#[test]
fn history_goes_back_from_the_last() {
    let mut bluebird = jet(QueuePlace::History(1));
    bluebird.song.ids = ids(1, 7, 3, 3);
    bluebird.song.title = "Bluebird".into();
    bluebird.length_ms = Some(203_000);
    let songs = vec![jet(QueuePlace::History(0)), bluebird];
    let queue = QueueContents { songs, ..QueueContents::default() };
    check_reply("queue-history", &queue.reply(Span::History(50)).unwrap().into_bytes());
    check_read("queue-history", QueueContents::read, &queue);
}

#[test]
fn an_empty_queue_has_history_or_nothing_at_all() {
    let empty = QueueContents::default();
    check_reply("queue-empty", &empty.reply(Span::Upcoming(50)).unwrap().into_bytes());
    check_read("queue-empty", QueueContents::read, &empty);
    let bare = element(CEQR, |out| out.u32(MSTT, 200));
    assert_eq!(QueueContents::read(&bare), Ok(empty));
}

#[test]
fn a_prompt_is_asked_and_answered() {
    let menu = PromptEntry::Press(PromptButton::Menu);
    check_reply("prompt-menu", &menu.to_body().unwrap());
    let entries = vec![
        ("kKeybMsgKey_MessageType".into(), b"0".to_vec()),
        ("kKeybMsgKey_Title".into(), b"Name".to_vec()),
    ];
    let prompt = Prompt { next: 3, entries };
    check_reply("prompt", &prompt.reply().unwrap().into_bytes());
    check_read("prompt", Prompt::read, &prompt);
}

#[test]
fn every_prompt_entry_survives_its_body() {
    for (entry, event) in [
        (PromptEntry::Press(PromptButton::TopMenu), "topmenu"),
        (touch(TouchPhase::Down, 0, 20, 275), "touchDown&time=0&point=20,275"),
        (touch(TouchPhase::Up, 170, 20, 75), "touchUp&time=170&point=20,75"),
        (PromptEntry::Text("ab".into()), "PromptUpdate"),
        (PromptEntry::TextDone, "PromptDone"),
    ] {
        assert_eq!(entry.to_string(), event);
        assert_eq!(PromptEntry::read(&entry.to_body().unwrap()), Ok(entry));
    }
}

#[test]
fn a_prompt_entry_may_come_in_pyatvs_order() {
    let body = b"cmbe\0\0\0\x06selectcmcc\0\0\0\x01\0";
    assert_eq!(PromptEntry::read(body), Ok(PromptEntry::Press(PromptButton::Select)));
    for event in
        ["", "jump", "touchDown", "touchDown&time=0&point=1", "touchMove&time=-1&point=1,2"]
    {
        let body = element(CMBE, |out| out.bytes(CMCC, b""));
        let body = [body, leaf(CMBE, event.as_bytes())].concat();
        assert_eq!(PromptEntry::read(&body), Err(PromptError::Unknown(event.into())), "{event}");
    }
    assert!(matches!(PromptEntry::read(b"cmbe\0\0"), Err(PromptError::Malformed(_))));
}

fn touch(phase: TouchPhase, time_ms: u32, x: u32, y: u32) -> PromptEntry {
    PromptEntry::Touch { phase, time_ms, x, y }
}

fn element(code: Code, children: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    out.container(code, children);
    out.finish().expect("a short message")
}

fn leaf(code: Code, value: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    out.bytes(code, value);
    out.finish().expect("a short message")
}

#[test]
fn an_idle_apple_tv_says_no_more_than_its_revision() {
    let idle = element(CMST, |out| {
        out.u32(MSTT, 200);
        out.u32(CMSR, 5);
    });
    let expected = PlayStatus { revision: Revision::new(5), ..PlayStatus::default() };
    assert_eq!(PlayStatus::read(&idle), Ok(expected));
}

#[test]
fn of_a_stream_nobody_knows_the_length() {
    for (remaining, length) in
        [(None, None), (Some(0), Some(0)), (Some(u32::MAX), Some(9)), (Some(0), Some(u32::MAX))]
    {
        let stream = element(CMST, |out| {
            out.string(CANN, "News");
            remaining.into_iter().for_each(|ms| out.u32(CANT, ms));
            length.into_iter().for_each(|ms| out.u32(CAST, ms));
        });
        let now_playing = PlayStatus::read(&stream).unwrap().now_playing.unwrap();
        assert_eq!((now_playing.song.title.as_str(), now_playing.time), ("News", None));
    }
    let mut live = playing();
    live.now_playing.as_mut().unwrap().time = None;
    let reply = live.reply().unwrap().into_bytes();
    let dump = dmap::dump(&reply).to_string();
    assert!(dump.contains("casc 0") && !dump.contains("cant") && !dump.contains("cast"), "{dump}");
    assert_eq!(PlayStatus::read(&reply), Ok(live));
}

#[test]
fn widths_and_unknown_things_do_no_harm() {
    let odd = element(CMST, |out| {
        out.u64(CMSR, 9);
        out.u32(CAPS, 4);
        out.u16(CARP, 9);
        out.bytes(CANP, b"short");
        out.u8(Code(*b"zzzz"), 1);
        out.u32(CAVC, 0);
    });
    let status = PlayStatus::read(&odd).unwrap();
    assert_eq!((status.revision, status.state), (Revision::new(9), PlayerState::Playing));
    assert_eq!((status.repeat, status.has_volume), (Repeat::Off, false));
    assert_eq!(status.now_playing, None);
    let loud = element(CMGT, |out| out.u32(CMVO, 300));
    assert_eq!(Properties::read(&loud).map(|found| found.volume), Ok(Some(Percent::FULL)));
}

#[test]
fn a_refusal_is_no_status() {
    let refused = element(CMST, |out| {
        out.u32(MSTT, 500);
        out.string(MSTS, "no");
    });
    let error = ReadError::Refused { status: 500, reason: "no".into() };
    assert_eq!(PlayStatus::read(&refused), Err(error));
    let other = element(CASP, |out| out.u32(MSTT, 200));
    assert!(matches!(PlayStatus::read(&other), Err(ReadError::Unexpected { found: CASP, .. })));
    let not_paired = not_paired().into_bytes();
    let error = daap_proto::read::login(&not_paired).unwrap_err();
    assert!(matches!(error, ReadError::Refused { status: 503, .. }), "{error}");
}
