mod any;
mod strict;

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, PersistentId, Sort};
use daap_proto::{Query, Reply, Step};

use super::*;
use crate::*;

#[track_caller]
fn check(target: &str, endpoint: Endpoint) {
    assert_eq!(Request::parse(target).map(|request| request.endpoint), Ok(endpoint), "{target}");
}

/// Checks a request of the control interface.
#[track_caller]
fn check_verb(target: &str, endpoint: Endpoint) {
    check(&format!("/ctrl-int/1/{target}"), endpoint);
}

#[track_caller]
fn check_command(target: &str, command: Command) {
    check_verb(target, Endpoint::Command(command));
}

#[track_caller]
fn check_set(parameters: &str, settings: Settings) {
    check_command(&format!("setproperty?{parameters}"), Command::Set(settings));
}

#[track_caller]
fn check_edit(parameters: &str, edit: QueueEdit) {
    check_command(&format!("playqueue-edit?{parameters}"), Command::Queue(edit));
}

#[track_caller]
fn check_cue(parameters: &str, cue: Cue) {
    check_command(&format!("cue?{parameters}"), Command::Cue(cue));
}

#[track_caller]
fn refuse(target: &str, status: u16) {
    let error = Request::parse(target).expect_err(target);
    assert_eq!(error.status(), status, "{target}: {error}");
}

fn query(text: &str) -> Query {
    Query::parse(text).unwrap()
}

fn item(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

fn container(number: u32) -> ContainerId {
    ContainerId::new(number).unwrap()
}

fn persistent<Id>(number: u64) -> Spec<Id> {
    Spec::Persistent(PersistentId::new(number))
}

fn percent(number: u8) -> Percent {
    Percent::new(number).unwrap()
}

fn found(text: &str, sort: Option<Sort>) -> Found {
    Found { database: None, query: query(text), sort, reversed: false }
}

fn songs(text: &str) -> Songs {
    Songs { database: None, which: Which::Found(query(text)), sort: Some(Sort::Album) }
}

#[test]
fn a_remote_that_starts_up_is_understood() {
    // Remote/1021 (owntone issue 836), in its order.
    let guid = PairingGuid(0x76CD_AF96_66B2_93BD);
    let status = |seen| Endpoint::PlayStatus { seen: Revision::new(seen) };
    let update = Step { revision: Some(Revision::new(1)), delta: None };
    check("/login?pairing-guid=0x76CDAF9666B293BD&hasFP=1", Endpoint::Login(guid));
    check_verb("playstatusupdate?revision-number=1&session-id=5", status(1));
    check("/ctrl-int", Endpoint::Interfaces);
    check(
        "/update?revision-number=1&daap-no-disconnect=1",
        Endpoint::Library(daap_proto::Endpoint::Update(update)),
    );
    check_verb("playqueue-contents?span=50", Endpoint::Queue(Span::Upcoming(50)));
    check_verb("playstatusupdate?revision-number=2", status(2));
    check_verb("getspeakers", Endpoint::Speakers);
    check_verb(
        "getproperty?properties=dmcp.volume",
        Endpoint::Properties([Property::Volume].into()),
    );
}

#[test]
fn all_that_pyatv_asks_is_understood() {
    // Captured from pyatv 0.18, sent to owntone 29.3.
    for target in [
        "/login?pairing-guid=0x245723ABD5CE232E&hasFP=1",
        "/ctrl-int/1/playstatusupdate?session-id=3100937451&revision-number=0",
        "/server-info",
        "/databases?session-id=3100937451",
        "/databases/1/items?type=music&meta=dmap.itemid,dmap.itemname,daap.songartist,daap.songtime&sort=name\
         &session-id=3100937451",
        "/databases/1/containers?meta=dmap.itemname,dmap.itemcount,dmap.itemid,dmap.persistentid,\
         daap.baseplaylist&session-id=3100937451",
        "/ctrl-int",
        "/ctrl-int/1/cue?command=clear&session-id=3100937451",
        "/ctrl-int/1/cue?command=play&query=('com.apple.itunes.mediakind:1')&index=2&sort=name\
         &clear-first=1&session-id=3100937451",
        "/ctrl-int/1/pause?session-id=3100937451&prompt-id=0",
        "/ctrl-int/1/setproperty?dacp.playingtime=3000&session-id=3100937451",
        "/ctrl-int/1/setproperty?dacp.shufflestate=1&session-id=3100937451",
        "/ctrl-int/1/setproperty?dacp.repeatstate=2&session-id=3100937451",
        "/ctrl-int/1/setproperty?dmcp.volume=40&session-id=3100937451",
        "/ctrl-int/1/getproperty?properties=dmcp.volume&session-id=3100937451",
        "/ctrl-int/1/volumeup?session-id=3100937451&prompt-id=0",
        "/ctrl-int/1/nowplayingartwork?mw=0&mh=0&session-id=3100937451",
        "/ctrl-int/1/controlpromptentry?session-id=1147559888&prompt-id=0",
    ] {
        let request = Request::parse(target).expect(target);
        assert_eq!(request.session_id.is_some(), target.contains("session-id"), "{target}");
        assert_eq!(Request::parse(&request.to_uri()), Ok(request), "{target}");
    }
}

#[test]
fn the_session_is_read_wherever_it_stands() {
    let request = Request::parse("/ctrl-int/1/play?session-id=130883770&prompt-id=0").unwrap();
    assert_eq!(request.session_id, Some(130_883_770));
    let library = Request::parse("http://10.0.0.2:3689/databases?session-id=7").unwrap();
    assert_eq!(library.session_id, Some(7));
    assert_eq!(library.to_uri(), "/databases?session-id=7");
    refuse("/ctrl-int/1/play?session-id=1&session-id=2", 400);
}

#[test]
fn buttons_are_verbs_without_parameters() {
    for (verb, button) in [
        ("playpause", Button::PlayPause),
        ("play", Button::Play),
        ("pause", Button::Pause),
        ("discrete-pause", Button::Pause),
        ("discretepause", Button::Pause),
        ("stop", Button::Stop),
        ("nextitem", Button::Next),
        ("previtem", Button::Previous),
        ("beginff", Button::FastForward),
        ("beginrew", Button::Rewind),
        ("playresume", Button::PlayResume),
        ("volumeup", Button::VolumeUp),
        ("volumedown", Button::VolumeDown),
        ("mutetoggle", Button::ToggleMute),
        ("shuffle_songs", Button::ToggleShuffle),
    ] {
        check_command(verb, Command::Press(button));
        check_command(&format!("{verb}?session-id=1&prompt-id=0"), Command::Press(button));
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    for target in [
        "/fp-setup",
        "/ctrl-int/1/vote",
        "/ctrl-int/1/set-genius-seed?database-spec='dmap.persistentid:0x1'",
        "/ctrl-int/1/genius-shuffle?span=5",
        "/ctrl-int/one/play",
        "/ctrl-int/1",
        "/ctrl-int/1/play/now",
        "/home-share-verify",
        "/pair?pairingcode=690E6FF61E0D7C747654A42AED17047D&servicename=1",
    ] {
        refuse(target, 404);
    }
}

#[test]
fn a_guid_is_a_number_in_any_spelling() {
    let login = |number| Endpoint::Login(PairingGuid(number));
    check("/login?pairing-guid=0x00000000000000aF", login(0xAF));
    check("/login?hasFP=1&pairing-guid=0XAF&request-session-id=1", login(0xAF));
    check("/login?pairing-guid=AF", login(0xAF));
    for guid in ["0xnull", "null", "0x", "0x10000000000000000", "+1", "0x-1", "%20"] {
        refuse(&format!("/login?pairing-guid={guid}"), 503);
    }
    refuse("/login?pairing-guid=", 400);
    refuse("/login?pairing-guid=0x1&pairing-guid=0x2", 400);
    check("/login", Endpoint::Library(daap_proto::Endpoint::Login));
}

#[test]
fn a_picture_is_boxed_by_both_sides_or_not_at_all() {
    let artwork = |size| Endpoint::NowPlayingArtwork { size };
    let boxed = |width, height| artwork(Some(PixelBox { width, height }));
    check_verb("nowplayingartwork?mw=320&mh=320", boxed(320, 320));
    check_verb("nowplayingartwork?mw=512&mh=0", boxed(512, 0)); // pyatv
    check_verb("nowplayingartwork", artwork(None));
}

#[test]
fn properties_that_nobody_knows_are_passed_over() {
    let check = |list: &str, expected: &[Property]| {
        let properties = expected.iter().copied().collect();
        check_verb(&format!("getproperty?properties={list}"), Endpoint::Properties(properties));
    };
    check("dacp.playingtime,dacp.playerstate", &[Property::PlayingTime, Property::PlayerState]);
    check("com.apple.itunes.itms-songid,dmcp.volume,", &[Property::Volume]);
    check("com.apple.itunes.has-chapter-data", &[]);
}

#[test]
fn spans_go_forward_or_back() {
    check_verb("playqueue-contents", Endpoint::Queue(Span::Upcoming(50)));
    check_verb("playqueue-contents?span=-50", Endpoint::Queue(Span::History(50)));
    check_verb("playqueue-contents?span=0", Endpoint::Queue(Span::Upcoming(0)));
}

#[test]
fn properties_are_set_several_at_once() {
    let none = Settings::default();
    let volume = |volume| Settings { volume: Some(volume), ..Settings::default() };
    check_set("dmcp.volume=100.000000", volume(VolumeChange::Master(percent(100))));
    check_set("dmcp.volume=37.500000", volume(VolumeChange::Master(percent(37))));
    check_set("dacp.playingtime=82784", Settings { position_ms: Some(82_784), ..none.clone() });
    check_set("dacp.shufflestate=1", Settings { shuffle: Some(true), ..none.clone() });
    check_set("dacp.repeatstate=2", Settings { repeat: Some(Repeat::All), ..none.clone() });
    check_set(
        "dacp.shufflestate=0&dacp.repeatstate=1&dmcp.volume=5&session-id=3",
        Settings {
            shuffle: Some(false),
            repeat: Some(Repeat::One),
            ..volume(VolumeChange::Master(percent(5)))
        },
    );
    check_set("dacp.fullscreen=1&dacp.visualizer=0", none.clone());
    check_set("shoutcast-url=http%3A%2F%2Fhost", none); // yTrack
}

#[test]
fn a_speaker_is_turned_alone() {
    let id = SpeakerId(132_809_939_617_578);
    let volume = |volume| Settings { volume: Some(volume), ..Settings::default() };
    let absolute = VolumeChange::Absolute(id, percent(35));
    check_set("dmcp.volume=35&include-speaker-id=132809939617578", volume(absolute));
    let relative = VolumeChange::Relative(id, percent(60));
    check_set("speaker-id=132809939617578&dmcp.volume=60", volume(relative));
    check_set("speaker-id=0x78CA3946072A&dmcp.volume=60", volume(relative));
    for speakers in ["speaker-id=1", "include-speaker-id=1"] {
        refuse(&format!("/ctrl-int/1/setproperty?{speakers}"), 400);
    }
    refuse("/ctrl-int/1/setproperty?dmcp.volume=1&speaker-id=1&include-speaker-id=1", 400);
}

#[test]
fn speakers_tell_what_was_done_to_them() {
    let none = Settings::default();
    let volume = DeviceVolume::new(-2050);
    check_set("dmcp.device-volume=-20.5", Settings { device_volume: volume, ..none.clone() });
    let prevented = Settings { device_prevented: Some(true), ..none.clone() };
    check_set("dmcp.device-prevent-playback=1", prevented);
    check_set("dmcp.device-busy=0", Settings { device_busy: Some(false), ..none });
}

#[test]
fn a_song_is_rated_by_either_name_of_its_spec() {
    let rated = |database, item| Settings {
        rating: Some(RatingChange { database, item, rating: percent(80) }),
        ..Settings::default()
    };
    check_set(
        "dacp.userrating=80&database-spec='dmap.persistentid:0x9031099074C14E05'&item-spec='dmap.itemid:0x2a'",
        rated(Some(persistent(0x9031_0990_74C1_4E05)), Spec::Id(item(42))),
    );
    check_set("dacp.userrating=80&song-spec='dmap.itemid:42'", rated(None, Spec::Id(item(42))));
    for spec in
        ["", "&item-spec='dmap.itemid:0'", "&item-spec=42", "&item-spec='daap.songartist:42'"]
    {
        refuse(&format!("/ctrl-int/1/setproperty?dacp.userrating=80{spec}"), 400);
    }
    refuse(
        "/ctrl-int/1/setproperty?dacp.userrating=80&song-spec='dmap.itemid:1'&item-spec='dmap.itemid:2'",
        400,
    );
}

#[test]
fn speakers_are_a_set() {
    let set = |ids: &[u64]| Command::SetSpeakers(ids.iter().copied().map(SpeakerId).collect());
    check_command("setspeakers?speaker-id=0,0x78ca3946072a", set(&[0, 0x78CA_3946_072A]));
    check_command("setspeakers?speaker-id=0%2C132809939617578", set(&[0, 132_809_939_617_578]));
    check_command("setspeakers?speaker-id=,5,,mine,5", set(&[5]));
    refuse("/ctrl-int/1/setspeakers?speaker-id=,mine", 400);
}

#[test]
fn cues_find_songs_and_play_one() {
    let play = |songs, index| Cue::Play { songs, index, shuffle: None };
    check_cue("command=clear", Cue::Clear);
    check_cue(
        "command=play&query='daap.songalbumid:16621530181618739404'&index=11&sort=album",
        play(found("'daap.songalbumid:16621530181618739404'", Some(Sort::Album)), 11),
    );
    check_cue(
        "command=play&query=(('com.apple.itunes.mediakind:1','com.apple.itunes.mediakind:32')+'daap.songartist:Family%20Force%205')&index=0&sort=album",
        play(
            found(
                "(('com.apple.itunes.mediakind:1','com.apple.itunes.mediakind:32')+'daap.songartist:Family Force 5')",
                Some(Sort::Album),
            ),
            0,
        ),
    );
    // pyatv, and with what may come along.
    check_cue(
        "command=play&query=('com.apple.itunes.mediakind:1')&index=2&sort=name&clear-first=1",
        play(found("'com.apple.itunes.mediakind:1'", Some(Sort::Title)), 2),
    );
    let songs = Found {
        database: Some(PersistentId::new(0xA1)),
        query: query("'dmap.itemname:*F*'"),
        sort: Some(Sort::ReleaseDate),
        reversed: true,
    };
    check_cue(
        "command=play&query='dmap.itemname:*F*'&sort=releasedate&invert-sort-order=1&srcdatabase=0xA1&dacp.shufflestate=0",
        Cue::Play { songs, index: 0, shuffle: Some(false) },
    );
    check_cue(
        "command=play&query='dmap.itemid:1'&sort=mood",
        play(found("'dmap.itemid:1'", None), 0),
    );
    check_cue("command=play&index=3&sort=album", Cue::PlayQueued { index: 3, shuffle: None });
    check_cue("command=add&query='dmap.itemid:267'", Cue::Add(found("'dmap.itemid:267'", None)));
}

#[test]
fn playlists_are_played_by_their_specs() {
    let check = |parameters: &str, spec: PlaySpec| {
        check_command(&format!("playspec?{parameters}"), Command::PlaySpec(spec));
    };
    check(
        "database-spec='dmap.persistentid:0x9031099074C14E05'&container-spec='dmap.persistentid:0xA1E1854E0B9A1B'&container-item-spec='dmap.containeritemid:0x1b47'",
        PlaySpec {
            database: persistent(0x9031_0990_74C1_4E05),
            container: persistent(0x00A1_E185_4E0B_9A1B),
            start: ContainerItemId::new(0x1B47).map(Start::Entry),
            shuffle: None,
        },
    );
    check(
        "database-spec='dmap.persistentid:16621530181618731553'&playlist-spec='dmap.persistentid:9378496334192532210'&dacp.shufflestate=1",
        PlaySpec {
            database: persistent(16_621_530_181_618_731_553),
            container: persistent(9_378_496_334_192_532_210),
            start: None,
            shuffle: Some(true),
        },
    );
    check(
        "database-spec='dmap.itemid:0x6073'&container-spec='dmap.itemid:0x607B'&item-spec='dmap.itemid:0x7cbe'",
        PlaySpec {
            database: Spec::Id(DatabaseId::new(0x6073).unwrap()),
            container: Spec::Id(container(0x607B)),
            start: Some(Start::Item(Spec::Id(item(0x7CBE)))),
            shuffle: None,
        },
    );
}

#[test]
fn every_tab_of_apples_remote_is_understood() {
    let from = |start, list, sort| QueueEdit::PlayFrom {
        database: None,
        list,
        start,
        sort,
        shuffle: false,
    };
    let song = |number| Start::Item(Spec::Id(item(number)));
    let playlist = |sort| Songs { database: None, which: Which::Playlist(container(2)), sort };
    let artist = "'daap.songartistid:8737690491750445895'";

    let play = QueueEdit::Play { songs: songs(artist), shuffle: false };
    check_edit(&format!("command=add&query={artist}&sort=album&mode=1"), play.clone());
    check_edit(&format!("command=add&query={artist}"), play);
    check_edit(
        "command=add&query='dmap.itemid:2'&query-modifier=containers&mode=1",
        QueueEdit::Play { songs: playlist(None), shuffle: false },
    );
    check_edit(
        "command=add&query='dmap.itemid:2'&query-modifier=containers&sort=name&mode=2",
        QueueEdit::Play { songs: playlist(Some(Sort::Title)), shuffle: true },
    );
    check_edit(
        "command=add&query='dmap.itemid:306'&queuefilter=album:6525753023700533274&sort=album&mode=1",
        from(
            song(306),
            SongList::Album(PersistentId::new(6_525_753_023_700_533_274)),
            Some(Sort::Album),
        ),
    );
    check_edit(
        "command=add&query='dmap.itemid:3'&queuefilter=artist:-2&sort=album&mode=1", // signed, as yTrack's
        from(song(3), SongList::Artist(PersistentId::new(u64::MAX - 1)), Some(Sort::Album)),
    );
    check_edit(
        "command=add&query='dmap.itemid:3'&queuefilter=playlist:7&sort=name&mode=1",
        from(song(3), SongList::Playlist(container(7)), Some(Sort::Title)),
    );
    check_edit(
        "command=add&query='dmap.containeritemid:9'&queuefilter=playlist:0&sort=physical&mode=1",
        from(
            Start::Entry(ContainerItemId::new(9).unwrap()),
            SongList::Playlist(ContainerId::BASE),
            None,
        ),
    );
    check_edit(
        "command=add&query='dmap.itemid:3'&queuefilter=genre:Drum%20%26%20Bass&mode=1",
        from(song(3), SongList::Genre("Drum & Bass".into()), Some(Sort::Album)),
    );
    let shuffled = QueueEdit::Play { songs: songs(artist), shuffle: true };
    check_edit(&format!("command=add&query={artist}&sort=album&mode=2"), shuffled);
    let next = QueueEdit::PlayNext(songs("'dmap.itemid:156'"));
    check_edit("command=add&query='dmap.itemid:156'&sort=album&mode=3", next.clone());
    check_edit("command=add&query='dmap.itemid:156'&mode=3", next);
    let append = QueueEdit::Append(songs("'dmap.itemid:158'"));
    check_edit("command=add&query='dmap.itemid:158'&sort=album&mode=0", append);
}

#[test]
fn a_list_that_nobody_knows_leaves_the_query() {
    let play = QueueEdit::Play { songs: songs("'dmap.itemid:3'"), shuffle: false };
    check_edit("command=add&query='dmap.itemid:3'&queuefilter=mood:blue&mode=1", play.clone());
    check_edit("command=add&query='dmap.itemid:3'&queuefilter=blue", play);
    // A list is of no use without one song to begin with.
    let all = QueueEdit::Play { songs: songs("'daap.songgenre:Rock'"), shuffle: false };
    check_edit("command=add&query='daap.songgenre:Rock'&queuefilter=album:5", all);
}

#[test]
fn clear_previous_makes_the_songs_the_queue() {
    let play = QueueEdit::Play { songs: songs("'daap.songgenre:Rock'"), shuffle: false };
    let target = "command=add&query='daap.songgenre:Rock'&clear-previous=1";
    check_edit(target, play.clone());
    check_edit(&format!("{target}&mode=3"), play);
    let shuffled = QueueEdit::Play { songs: songs("'daap.songgenre:Rock'"), shuffle: true };
    check_edit(&format!("{target}&mode=2"), shuffled);
}

#[test]
fn the_queue_is_edited_by_places() {
    check_edit("command=playnow&index=3", QueueEdit::PlayNow(QueuePlace::Queue(3)));
    check_edit("command=playnow&index=0&mode=-1", QueueEdit::PlayNow(QueuePlace::History(0)));
    check_edit("command=playnow&index=2&mode=1", QueueEdit::PlayNow(QueuePlace::History(2)));
    let moved = QueueEdit::Move { from: 3, after: 0 };
    check_edit("command=move&edit-params='edit-param.move-pair:3,0'", moved);
    check_edit("command=remove&items=1", QueueEdit::Remove([1].into()));
    check_edit("command=remove&items=4,1", QueueEdit::Remove([1, 4].into()));
    check_edit("command=clear", QueueEdit::Clear);
    check_edit("command=clear&mode=0x6D61696E", QueueEdit::Clear);
    check_edit("command=clear&mode=1751741300", QueueEdit::ClearHistory);
    check_edit("command=clear&mode=0x68697374", QueueEdit::ClearHistory);
}

#[test]
fn prompts_are_for_an_apple_tv() {
    check("/controlpromptupdate?prompt-id=4&session-id=1", Endpoint::PromptUpdate { seen: 4 });
    check_verb(
        "controlpromptentry?session-id=1&prompt-id=0",
        Endpoint::PromptEntry { prompt_id: 0 },
    );
}

#[test]
fn any_number_names_the_interface() {
    check("/ctrl-int/2/play", Endpoint::Command(Command::Press(Button::Play)));
    check("ctrl-int/1/play/", Endpoint::Command(Command::Press(Button::Play)));
}

#[test]
fn what_is_answered_is_nothing_or_what_plays() {
    let answer = |target: &str| {
        let request = Request::parse(&format!("/ctrl-int/1/{target}")).unwrap();
        let Endpoint::Command(command) = request.endpoint else { panic!("{target}") };
        command.reply(Some(item(3))).map(Reply::into_bytes)
    };
    let cued = b"cacr\0\0\0\x18mstt\0\0\0\x04\0\0\0\xC8miid\0\0\0\x04\0\0\0\x03";
    for target in [
        "cue?command=clear",
        "cue?command=add&query='dmap.itemid:1'",
        "playqueue-edit?command=playnow&index=1",
        "playqueue-edit?command=clear",
    ] {
        assert_eq!(answer(target).as_deref(), Some(&cued[..]), "{target}");
    }
    for target in [
        "play",
        "setproperty?dmcp.volume=1",
        "setspeakers?speaker-id=0",
        "playspec?database-spec='dmap.itemid:1'&container-spec='dmap.itemid:1'",
        "playqueue-edit?command=add&query='dmap.itemid:1'",
        "playqueue-edit?command=remove&items=1",
    ] {
        assert_eq!(answer(target), None, "{target}");
    }
    let cleared = Command::Cue(Cue::Clear).reply(None).map(Reply::into_bytes);
    let expected = b"cacr\0\0\0\x18mstt\0\0\0\x04\0\0\0\xC8miid\0\0\0\x04\0\0\0\0";
    assert_eq!(cleared.as_deref(), Some(&expected[..]));
}
