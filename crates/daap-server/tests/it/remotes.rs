//! What Remotes command: the player is told what they mean and nothing else.

use std::collections::BTreeSet;

use std::time::Duration;

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId, PersistentId};
use daap_server::control::{Order, Percent, QueuePlace, Repeat, Song, SpeakerId};
use library::Catalog;

use testkit::remote;

use crate::deck::{KITCHEN, Scene, music};

fn song(item: u32) -> Song {
    let item = ItemId::new(item).unwrap();
    Song { database: DatabaseId::LOWEST, item, container: None, entry: None }
}

/// A song of a playlist, by its entry there.
fn entry(container: u32, entry: u32, item: u32) -> Song {
    let (container, entry) = (ContainerId::new(container), ContainerItemId::new(entry));
    Song { container, entry, ..song(item) }
}

fn percent(number: u8) -> Percent {
    Percent::new(number).unwrap()
}

fn replaced(songs: &[Song], start: Option<usize>, shuffle: Option<bool>) -> Order {
    Order::Replace { songs: songs.to_vec(), start, shuffle }
}

fn volumes(of: &[(SpeakerId, u8)]) -> Order {
    Order::Volumes(of.iter().map(|(id, volume)| (*id, percent(*volume))).collect())
}

/// The songs of `music`, by name.
const JET: u32 = 1;
const BAND: u32 = 2;
const BACK: u32 = 3;
const EVENING: u32 = 4;
const CHAPTERS: [u32; 3] = [5, 6, 7];

#[tokio::test]
async fn buttons_are_orders() {
    let mut scene = Scene::start(&remote::TUNES_REMOTE).await;
    for (verb, order) in [
        ("playpause", Order::PlayPause),
        ("play", Order::Play),
        ("pause", Order::Pause),
        ("discrete-pause", Order::Pause),
        ("stop", Order::Stop),
        ("nextitem", Order::Next),
        ("previtem", Order::Previous),
        ("beginff", Order::FastForward),
        ("beginrew", Order::Rewind),
        ("playresume", Order::PlayOn),
        ("shuffle_songs", Order::Shuffle(true)),
        ("shuffle_songs", Order::Shuffle(false)),
    ] {
        scene.check(verb, 204, &[order]).await;
    }
}

#[tokio::test]
async fn volumes_are_turned_as_itunes_reckons_and_are_told_as_they_are_to_be_heard() {
    const HERE: SpeakerId = SpeakerId::COMPUTER;
    let mut scene = Scene::start(&remote::APPLE).await;
    for (verb, order) in [
        ("setproperty?speaker-id=132809939617578&dmcp.volume=75", volumes(&[(KITCHEN, 45)])),
        (
            "setproperty?dmcp.volume=90&include-speaker-id=132809939617578",
            volumes(&[(KITCHEN, 90)]),
        ),
        ("setproperty?dmcp.volume=45.000000", volumes(&[(HERE, 29), (KITCHEN, 45)])),
        ("volumeup", volumes(&[(HERE, 33), (KITCHEN, 50)])),
        ("volumedown", volumes(&[(HERE, 29), (KITCHEN, 45)])),
        ("mutetoggle", volumes(&[(HERE, 0), (KITCHEN, 0)])),
        ("mutetoggle", volumes(&[(HERE, 29), (KITCHEN, 45)])),
        ("setproperty?dmcp.volume=0", volumes(&[(HERE, 0), (KITCHEN, 0)])),
        ("setproperty?dmcp.volume=100", volumes(&[(HERE, 66), (KITCHEN, 100)])),
    ] {
        scene.check(verb, 204, &[order]).await;
    }
    scene.check("setproperty?dmcp.volume=100", 204, &[]).await;
    scene.check("setproperty?dmcp.volume=1&speaker-id=77", 204, &[]).await;
}

#[tokio::test]
async fn speakers_are_chosen_and_none_of_them_is_louder_than_the_rest() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let chosen = |ids: &[SpeakerId]| Order::Speakers(ids.iter().copied().collect());
    scene.check("setspeakers?speaker-id=0x78ca3946072a", 204, &[chosen(&[KITCHEN])]).await;
    let both = [SpeakerId::COMPUTER, KITCHEN];
    let quieter = volumes(&[(SpeakerId::COMPUTER, 30)]);
    scene.check("setspeakers?speaker-id=0%2C132809939617578", 204, &[quieter, chosen(&both)]).await;
    scene.check("setspeakers?speaker-id=0,99", 204, &[chosen(&both[..1])]).await;
    scene.check("setspeakers?speaker-id=99", 404, &[]).await;
}

#[tokio::test]
async fn properties_are_set_several_at_once_or_not_at_all() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let rating = |rating| Order::Rate {
        database: DatabaseId::LOWEST,
        item: ItemId::new(JET).unwrap(),
        rating: percent(rating),
    };
    let seek = Order::Seek(Duration::from_millis(82_784));
    scene.check("setproperty?dacp.playingtime=82784", 204, &[seek]).await;
    let two = [Order::Shuffle(true), Order::Repeat(Repeat::All)];
    scene.check("setproperty?dacp.repeatstate=2&dacp.shufflestate=1", 204, &two).await;
    let database = "database-spec='dmap.persistentid:0x9031099074C14E05'";
    for spec in ["&item-spec='dmap.itemid:0x1'", "&song-spec='dmap.itemid:1'"] {
        let verb = format!("setproperty?dacp.userrating=80&{database}{spec}");
        scene.check(&verb, 204, &[rating(80)]).await;
    }
    let gone = "setproperty?dacp.shufflestate=0&dacp.userrating=80&item-spec='dmap.itemid:99'";
    scene.check(gone, 404, &[]).await;
    for nothing in ["dacp.fullscreen=1", "shoutcast-url=x", "dmcp.device-prevent-playback=1"] {
        scene.check(&format!("setproperty?{nothing}"), 204, &[]).await;
    }
}

/// The album and the artist of a song, by their ids for ever.
fn groups(catalog: &Catalog, item: u32) -> [u64; 2] {
    let snapshot = catalog.snapshot();
    let items = snapshot.database(DatabaseId::LOWEST).unwrap().items();
    let item = items.find(ItemId::new(item).unwrap()).unwrap();
    [item.album_id, item.artist_id].map(PersistentId::get)
}

#[tokio::test]
async fn what_is_cued_is_what_a_listing_of_the_same_query_shows() {
    let mut scene = Scene::start(&remote::TUNES_REMOTE).await;
    let [album, _] = groups(&music(), JET);
    let wings = [song(BAND), song(JET)];
    let music_kinds = "('com.apple.itunes.mediakind:1','com.apple.itunes.mediakind:32')";
    for (cue, order) in [
        ("command=clear".to_owned(), Order::StopAndClear),
        (
            format!("command=play&query='daap.songalbumid:{album}'&index=1&sort=album"),
            replaced(&wings, Some(1), None),
        ),
        (
            format!(
                "command=play&query=({music_kinds}+'daap.songartist:Wings')&index=0&sort=album"
            ),
            replaced(&wings, Some(0), None),
        ),
        (
            format!("command=play&query=({music_kinds}+'dmap.itemname:*e*')&index=2&sort=name"),
            replaced(&[BAND, EVENING, BACK, JET].map(song), Some(2), None),
        ),
        (
            "command=play&query='daap.songartist:Wings'&invert-sort-order=1&dacp.shufflestate=1"
                .to_owned(),
            replaced(&[song(JET), song(BAND)], Some(0), Some(true)),
        ),
        (
            r"command=add&query='daap.songalbum:Kid%5C's*'".to_owned(),
            Order::Append(vec![song(EVENING)]),
        ),
        ("command=play&index=3&sort=album".to_owned(), Order::PlayAt(QueuePlace::Queue(3))),
    ] {
        scene.check(&format!("cue?{cue}"), 200, &[order]).await;
    }
}

#[tokio::test]
async fn a_playlist_is_played_by_any_of_its_names() {
    let mut scene = Scene::start(&remote::TUNES_REMOTE).await;
    let list = [entry(2, 1, EVENING), entry(2, 2, BACK), entry(2, 3, EVENING)];
    let database = "database-spec='dmap.persistentid:0x9031099074C14E05'";
    let persistent = "container-spec='dmap.persistentid:0xA1E1854E0B9A1B'";
    for (spec, order) in [
        (
            format!("{database}&{persistent}&container-item-spec='dmap.containeritemid:0x3'"),
            replaced(&list, Some(2), None),
        ),
        (
            format!("{database}&playlist-spec='dmap.persistentid:45565433906698779'&dacp.shufflestate=1"),
            replaced(&list, None, Some(true)),
        ),
        (
            "database-spec='dmap.itemid:0x1'&container-spec='dmap.itemid:0x2'&item-spec='dmap.itemid:0x3'"
                .to_owned(),
            replaced(&list, Some(1), None),
        ),
    ] {
        scene.check(&format!("playspec?{spec}"), 204, &[order]).await;
    }
    let gone = format!("playspec?{database}&container-spec='dmap.itemid:77'");
    scene.check(&gone, 404, &[]).await;
}

#[tokio::test]
async fn the_queue_is_filled_as_each_tab_of_apples_remote_means_it() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let [album, artist] = groups(&music(), JET);
    let wings = [song(BAND), song(JET)];
    let list = [entry(2, 1, EVENING), entry(2, 2, BACK), entry(2, 3, EVENING)];
    let chapters = [song(CHAPTERS[1]), song(CHAPTERS[2])];
    let by_name = [entry(2, 1, EVENING), entry(2, 3, EVENING), entry(2, 2, BACK)];
    for (add, order) in [
        (
            format!("query='daap.songalbumid:{album}'&sort=album&mode=1"),
            replaced(&wings, None, None),
        ),
        (
            "query='dmap.itemid:2'&query-modifier=containers&mode=1".to_owned(),
            replaced(&list, None, None),
        ),
        (
            "query='dmap.itemid:2'&query-modifier=containers&sort=name&mode=2".to_owned(),
            replaced(&by_name, None, Some(true)),
        ),
        (
            format!("query='dmap.itemid:1'&queuefilter=album:{album}&sort=album&mode=1"),
            replaced(&wings, Some(1), None),
        ),
        (
            format!("query='dmap.itemid:2'&queuefilter=artist:{artist}&sort=album&mode=1"),
            replaced(&wings, Some(0), None),
        ),
        (
            "query='dmap.itemid:3'&queuefilter=playlist:2&sort=name&mode=1".to_owned(),
            replaced(&by_name, Some(2), None),
        ),
        (
            "query='dmap.containeritemid:3'&queuefilter=playlist:2&sort=physical&mode=1".to_owned(),
            replaced(&list, Some(2), None),
        ),
        (
            "query='dmap.itemid:6'&queuefilter=(null)&mode=1".to_owned(),
            replaced(&chapters, Some(0), None),
        ),
        (
            "query='dmap.itemid:1'&queuefilter=genre:Rock&sort=name&mode=1".to_owned(),
            replaced(
                &[BAND, EVENING, BACK, JET, CHAPTERS[0], CHAPTERS[2], CHAPTERS[1]].map(song),
                Some(3),
                None,
            ),
        ),
        (
            format!("query='daap.songartistid:{artist}'&sort=album&mode=2"),
            replaced(&wings, None, Some(true)),
        ),
        ("query='dmap.itemid:3'&sort=album&mode=3".to_owned(), Order::PlayNext(vec![song(BACK)])),
        ("query='dmap.itemid:3'&sort=album&mode=0".to_owned(), Order::Append(vec![song(BACK)])),
        // Retune
        (
            "query='dmap.itemid:3'&queuefilter=daap.songartistid:daap.songartistid&mode=5"
                .to_owned(),
            Order::Append(vec![song(BACK)]),
        ),
        // homebridge-dacp
        (
            "query=dmap.itemname:Evening&query-modifier=containers&mode=3".to_owned(),
            Order::PlayNext(list.to_vec()),
        ),
    ] {
        scene.check(&format!("playqueue-edit?command=add&{add}"), 204, &[order]).await;
    }
}

#[tokio::test]
async fn the_queue_is_edited_by_places() {
    let mut scene = Scene::start(&remote::APPLE).await;
    let removed = Order::Remove(BTreeSet::from([1, 4]));
    for (edit, status, order) in [
        ("command=playnow&index=3", 200, Order::PlayAt(QueuePlace::Queue(3))),
        ("command=playnow&index=0&mode=-1", 200, Order::PlayAt(QueuePlace::History(0))),
        (
            "command=move&edit-params='edit-param.move-pair:3,0'",
            204,
            Order::Move { from: 3, after: 0 },
        ),
        ("command=remove&items=1,4", 204, removed),
        ("command=clear&mode=0x68697374", 200, Order::ClearHistory),
        ("command=clear&mode=0x6D61696E", 200, Order::Clear),
        ("command=clear", 200, Order::Clear),
    ] {
        scene.check(&format!("playqueue-edit?{edit}"), status, &[order]).await;
    }
}

#[tokio::test]
async fn of_what_says_too_little_too_much_or_nonsense_nothing_is_done() {
    let mut scene = Scene::start(&remote::PLAIN).await;
    let before = scene.deck.playing().clone();
    for target in remote::wrong_requests() {
        let answer = scene.ask(&format!("GET {target}")).await;
        assert_eq!(answer.status, 400, "{target}");
    }
    assert_eq!(scene.deck.orders(), []);
    assert_eq!(*scene.deck.playing(), before);
}
