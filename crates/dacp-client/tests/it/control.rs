//! What a Remote tells players, and what it makes of what they say.

use std::collections::BTreeSet;

use daap_client::ClientError;
use daap_proto::{Field, PixelBox, Query};
use dacp_client::{RemoteError, Swipe};
use dacp_proto::{
    Button, Command, Percent, PlayerState, PromptButton, PromptEntry, QueueEdit, QueuePlace,
    Settings, Songs, Span, SpeakerId, Which,
};
use testkit::daap::dmap;
use testkit::player::{self, GUID, PICTURE};
use testkit::server::{Asked, Reply, Server};

use crate::common::{connect, remote, told};

fn percent(number: u8) -> Percent {
    Percent::new(number).unwrap()
}

fn wings() -> Songs {
    let which = Which::Found(Query::is(Field::Artist, "Wings"));
    Songs { database: None, which, sort: None }
}

#[tokio::test]
async fn it_comes_as_apples_remote_does() {
    let (remote, player) = remote(player::music).await;
    remote.press(Button::Next).await.unwrap();
    remote.log_out().await;
    let asked = player.asked();
    let targets: Vec<_> = asked.iter().map(|it| (it.method.as_str(), it.target.as_str())).collect();
    assert_eq!(
        targets,
        [
            ("GET", format!("/login?pairing-guid={GUID}&hasFP=1").as_str()),
            ("GET", "/ctrl-int?session-id=55555"),
            ("POST", "/ctrl-int/1/nextitem?session-id=55555"),
            ("GET", "/logout?session-id=55555"),
        ]
    );
    for asked in &asked {
        for (name, value) in [
            ("Accept", "*/*"),
            ("Accept-Encoding", "gzip"),
            ("Client-DAAP-Version", "3.13"),
            ("Client-ATV-Sharing-Version", "1.2"),
            ("Client-iTunes-Sharing-Version", "3.15"),
            ("User-Agent", "Remote/1021"),
            ("Viewer-Only-Client", "1"),
        ] {
            assert_eq!(asked.header(name), Some(value), "{name}");
        }
    }
}

#[tokio::test]
async fn what_a_player_does_is_read() {
    let (remote, _player) = remote(player::music).await;
    let status = remote.status().await.unwrap();
    assert_eq!(status.state, PlayerState::Playing);
    let now = status.now_playing.unwrap();
    assert_eq!((now.song.title.as_str(), now.song.artist.as_str()), ("Jet", "Wings"));
    assert_eq!(now.time.unwrap().elapsed_ms, 22_000);
    assert_eq!(remote.volume().await.unwrap(), Some(percent(60)));
    let titles = remote.queue(Span::Upcoming(50)).await.unwrap().songs;
    let titles: Vec<_> = titles.iter().map(|queued| queued.song.title.as_str()).collect();
    assert_eq!(titles, ["Bluebird", "Mrs Vandebilt"]);
    let picture = remote.artwork(Some(PixelBox { width: 512, height: 0 })).await.unwrap().unwrap();
    assert_eq!((picture.media_type.as_str(), &*picture.bytes), ("image/png", PICTURE));
    let database = remote.databases().await.unwrap()[0].id;
    assert!(remote.playlists(database).await.unwrap()[0].is_base);
}

#[tokio::test]
async fn a_picture_that_is_not_there_is_no_error() {
    for status in [404, 200, 204] {
        let answer = move |asked: &_| match Asked::path(asked) {
            "/ctrl-int/1/nowplayingartwork" => Reply::status(status),
            _ => player::music(asked),
        };
        let (remote, _player) = remote(answer).await;
        assert_eq!(remote.artwork(None).await.unwrap(), None, "{status}");
    }
}

#[tokio::test]
async fn one_speaker_is_turned_and_the_others_stay_as_loud() {
    let (remote, player) = remote(player::music).await;
    let (computer, kitchen) = (SpeakerId::COMPUTER, SpeakerId(0x78CA_3946_072A));
    let volumes = remote.volumes().await.unwrap();
    assert_eq!([computer, kitchen].map(|id| volumes.absolute(id).get()), [60, 30]);
    remote.turn(kitchen, percent(45)).await.unwrap(); // below the other: a part of the master
    remote.turn(kitchen, percent(90)).await.unwrap(); // beyond it: the master follows
    remote.set_volume(percent(20)).await.unwrap();
    assert_eq!(
        told(&player),
        [
            "/ctrl-int/1/setproperty?dmcp.volume=75&speaker-id=0x78CA3946072A",
            "/ctrl-int/1/setproperty?dmcp.volume=90&include-speaker-id=0x78CA3946072A",
            "/ctrl-int/1/setproperty?dmcp.volume=20",
        ]
    );
}

#[tokio::test]
async fn what_plays_is_rated() {
    let (remote, player) = remote(player::music).await;
    remote.rate(percent(80)).await.unwrap();
    let [told] = &told(&player)[..] else { panic!("told once") };
    assert!(told.starts_with("/ctrl-int/1/setproperty?dacp.userrating=80&"), "{told}");
    assert!(told.contains("dmap.itemid:1042"), "{told}");
}

#[tokio::test]
async fn a_queue_that_can_be_seen_is_edited() {
    let (remote, player) = remote(player::music).await;
    remote.edit(QueueEdit::Play { songs: wings(), shuffle: false }).await.unwrap();
    let playing = remote.edit(QueueEdit::PlayNow(QueuePlace::Queue(1))).await.unwrap();
    assert_eq!(playing.map(daap_model::ItemId::get), Some(0x412));
    remote.edit(QueueEdit::Remove(BTreeSet::from([2]))).await.unwrap();
    let told = told(&player);
    assert!(told.iter().all(|told| told.starts_with("/ctrl-int/1/playqueue-edit?")), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[tokio::test]
async fn where_the_queue_cannot_be_seen_the_older_words_are_used() {
    let answer = |asked: &_| match Asked::path(asked) {
        "/ctrl-int" => dmap(player::interface(0)),
        _ => player::music(asked),
    };
    let (remote, player) = remote(answer).await;
    remote.edit(QueueEdit::Play { songs: wings(), shuffle: true }).await.unwrap();
    remote.edit(QueueEdit::Append(wings())).await.unwrap();
    remote.edit(QueueEdit::PlayNow(QueuePlace::Queue(3))).await.unwrap();
    let query = "query=%27daap.songartist:Wings%27";
    assert_eq!(
        told(&player),
        [
            "/ctrl-int/1/cue?command=clear".to_owned(),
            format!(
                "/ctrl-int/1/cue?command=play&{query}&index=0&dacp.shufflestate=1&clear-first=1"
            ),
            format!("/ctrl-int/1/cue?command=add&{query}"),
            "/ctrl-int/1/cue?command=play&index=3".to_owned(),
        ]
    );
    let error = remote.edit(QueueEdit::Clear).await.unwrap_err();
    assert!(matches!(error, RemoteError::Lacking { what: "queue to edit" }), "{error:?}");
}

#[tokio::test]
async fn an_apple_tv_is_controlled_without_what_it_has_not() {
    let (remote, player) = remote(player::apple_tv).await;
    assert_eq!(remote.status().await.unwrap().state, PlayerState::Playing);
    assert_eq!(remote.volume().await.unwrap(), None);
    for error in [
        remote.speakers().await.unwrap_err(),
        remote.queue(Span::Upcoming(1)).await.unwrap_err(),
        remote.press(Button::ToggleShuffle).await.unwrap_err(),
    ] {
        assert!(matches!(error, RemoteError::Lacking { .. }), "{error:?}");
    }
    remote.press(Button::PlayPause).await.unwrap();
    remote.set(Settings { position_ms: Some(9000), ..Settings::default() }).await.unwrap();
    remote.enter(&PromptEntry::Press(PromptButton::Menu)).await.unwrap();
    remote.swipe(Swipe::Up).await.unwrap();
    let bodies = player.asked_for("/ctrl-int/1/controlpromptentry");
    let entries: Vec<_> =
        bodies.iter().map(|asked| PromptEntry::read(&asked.body).unwrap().to_string()).collect();
    assert_eq!(entries.len(), 8);
    assert_eq!((entries[0].as_str(), entries[7].as_str()), ("menu", "touchUp&time=6&point=20,250"));
}

#[tokio::test]
async fn who_is_not_paired_is_told_so() {
    for status in [401, 403, 500, 503] {
        let player = Server::start(move |_| Reply::status(status)).await;
        let error = connect(&player).await.unwrap_err();
        let RemoteError::NotPaired { status: told } = error else { panic!("{error:?}") };
        assert_eq!(told, status);
    }
}

#[tokio::test]
async fn a_session_that_is_forgotten_is_replaced() {
    let forgets = |status| {
        let forgot = std::sync::atomic::AtomicBool::new(false);
        move |asked: &Asked| {
            let forgets =
                asked.method == "POST" && !forgot.swap(true, std::sync::atomic::Ordering::Relaxed);
            if forgets { Reply::status(status) } else { player::music(asked) }
        }
    };
    for status in [401, 403, 503] {
        let (remote, player) = remote(forgets(status)).await;
        remote.press(Button::Stop).await.unwrap();
        assert_eq!(player.asked_for("/login").len(), 2);
    }
    // A command that cannot be done is not told twice.
    for status in [400, 500] {
        let (remote, player) = remote(forgets(status)).await;
        let error = remote.press(Button::Stop).await.unwrap_err();
        assert!(matches!(error, RemoteError::Client(ClientError::Refused { .. })), "{error:?}");
        assert_eq!(told(&player).len(), 1);
    }
}

#[tokio::test]
async fn a_command_whose_connection_breaks_is_not_told_twice() {
    let answer = |asked: &Asked| match asked.method.as_str() {
        "POST" => Reply::raw(""),
        _ => player::music(asked),
    };
    let (remote, player) = remote(answer).await;
    remote.press(Button::Next).await.unwrap_err();
    assert_eq!(told(&player).len(), 1);
}

#[tokio::test]
async fn an_answer_that_says_no_is_an_error_and_an_odd_one_is_not() {
    let cue = |reply: fn() -> Reply| {
        move |asked: &Asked| match asked.path() {
            "/ctrl-int/1/playqueue-edit" => reply(),
            _ => player::music(asked),
        }
    };
    let play = || QueueEdit::Play { songs: wings(), shuffle: false };
    let no = || dmap(b"cacr\0\0\0\x0Cmstt\0\0\0\x04\0\0\x01\xF4".to_vec());
    let (refusing, _player) = remote(cue(no)).await;
    refusing.edit(play()).await.unwrap_err();
    for reply in [|| Reply::status(204), || Reply::status(200), || dmap(player::idle(3))] {
        let (remote, _player) = remote(cue(reply)).await;
        assert_eq!(remote.edit(play()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn hostile_bytes_are_errors() {
    let bodies: [fn() -> Reply; 6] = [
        || Reply::new("not DMAP"),
        || Reply::new(b"cmst\0\0\0\x08cmsr\xFF\xFF\xFF\xFF"),
        || Reply::new(vec![0xFF; 4096]),
        || Reply::made(std::iter::repeat_with(|| vec![b'x'; 65_536])),
        || Reply::new(player::playing(3)).cut_after(20),
        || Reply::raw("HTTP/9 what\r\n\r\n"),
    ];
    for body in bodies {
        let answer = move |asked: &Asked| match asked.path() {
            "/login" | "/ctrl-int" => player::music(asked),
            _ => body(),
        };
        let (remote, _player) = remote(answer).await;
        remote.status().await.unwrap_err();
        remote.speakers().await.unwrap_err();
        remote.queue(Span::History(9)).await.unwrap_err();
        remote.databases().await.unwrap_err();
        remote.volume().await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_player_that_is_silent_is_given_up() {
    for reply in [|| Reply::silence(), || Reply::new(player::playing(3)).stall_after(9)] {
        let answer = move |asked: &Asked| match asked.path() {
            "/login" | "/ctrl-int" => player::music(asked),
            _ => reply(),
        };
        let (remote, _player) = remote(answer).await;
        let error = remote.status().await.unwrap_err();
        assert!(matches!(error, RemoteError::Client(ClientError::Stalled { .. })), "{error:?}");
        let error = remote.obey(Command::Press(Button::Play)).await;
        assert!(error.is_err() || error.unwrap().is_none());
    }
}
