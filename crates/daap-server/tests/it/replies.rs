//! What Remotes are told, byte for byte.

use daap_model::{ContainerId, ContainerItemId, DatabaseId, ItemId};
use daap_server::control::Song;
use testkit::remote::{HOMEBRIDGE, PLAIN};

use crate::deck::Scene;

impl Scene {
    /// Checks that the answer is the one that was kept under this name.
    async fn check_reply(&mut self, name: &str, line: &str) {
        let answer = self.ask(line).await;
        testkit::check_golden(env!("CARGO_MANIFEST_DIR"), name, line, &answer.body);
    }
}

/// Songs from the playlist, "Evening" and "Get Back".
fn from_playlist() -> [Song; 2] {
    let container = ContainerId::new(2);
    [(1, 4), (2, 3)].map(|(entry, item)| Song {
        database: DatabaseId::LOWEST,
        item: ItemId::new(item).unwrap(),
        container,
        entry: ContainerItemId::new(entry),
    })
}

#[tokio::test]
async fn a_player_that_is_stopped_tells_of_no_song() {
    let mut scene = Scene::start(&PLAIN).await;
    for (name, line) in [
        ("remote-interfaces", "GET /ctrl-int"),
        ("remote-status-stopped", "GET /ctrl-int/1/playstatusupdate?revision-number=1"),
        ("remote-queue-stopped", "GET /ctrl-int/1/playqueue-contents?span=50"),
        ("remote-volume", "GET /ctrl-int/1/getproperty?properties=dmcp.volume"),
        ("remote-speakers", "GET /ctrl-int/1/getspeakers"),
        ("remote-nothing-found", "GET /ctrl-int/1/cue?command=play&query='dmap.itemid:99'&index=0"),
        ("remote-cleared", "GET /ctrl-int/1/cue?command=clear"),
        ("remote-not-paired", "GET /login?pairing-guid=0x1"),
    ] {
        scene.check_reply(name, line).await;
    }
}

#[tokio::test]
async fn a_player_that_plays_tells_of_its_songs_what_the_library_says() {
    let mut scene = Scene::start(&PLAIN).await;
    scene.deck.play(&from_playlist());
    for (name, line) in [
        ("remote-status-playing", "GET /ctrl-int/1/playstatusupdate?revision-number=2"),
        ("remote-queue", "GET /ctrl-int/1/playqueue-contents?span=50"),
        (
            "remote-properties",
            "GET /ctrl-int/1/getproperty?properties=dacp.playingtime,dacp.nowplaying,\
             com.apple.itunes.has-chapter-data,dacp.playerstate",
        ),
        ("remote-playing-now", "GET /ctrl-int/1/playqueue-edit?command=playnow&index=1"),
        ("remote-items", "GET /ctrl-int/1/items?meta=dmap.itemname,dmap.itemid"),
        (
            "remote-rating",
            "GET /databases/1/items?meta=daap.songuserrating&type=music&query='dmap.itemid:4'",
        ),
    ] {
        scene.check_reply(name, line).await;
    }
    scene.deck.change(|playing| playing.current.as_mut().unwrap().time = None);
    let line = "GET /ctrl-int/1/playstatusupdate?revision-number=3";
    scene.check_reply("remote-status-stream", line).await;
}

#[tokio::test]
async fn the_library_is_browsed_as_remotes_do() {
    let mut scene = Scene::start(&HOMEBRIDGE).await;
    for (name, line) in [
        ("remote-server-info", "GET /server-info"),
        ("remote-databases", "GET /databases"),
        (
            "remote-containers",
            "GET /databases/1/containers?meta=dmap.itemname,dmap.itemcount,dmap.itemid,dmap.persistentid,\
             daap.baseplaylist,com.apple.itunes.special-playlist,com.apple.itunes.smart-playlist,\
             com.apple.itunes.saved-genius,dmap.parentcontainerid,dmap.editcommandssupported",
        ),
        (
            "remote-albums",
            "GET /databases/1/groups?meta=dmap.itemname,dmap.itemid,dmap.persistentid,daap.songartist&type=music\
             &group-type=albums&sort=artist&include-sort-headers=1&query=(('com.apple.itunes.mediakind:1',\
             'com.apple.itunes.mediakind:32')+'daap.songalbum!:')",
        ),
        (
            "remote-artists",
            "GET /databases/1/browse/artists?filter=('com.apple.itunes.mediakind:1',\
             'com.apple.itunes.mediakind:32')+'daap.songartist!:'&include-sort-headers=1",
        ),
        (
            "remote-playlist",
            "GET /databases/1/containers/2/items?meta=dmap.itemname,dmap.itemid,daap.songartst,daap.songalbum,\
             daap.songtime,dmap.containeritemid,com.apple.tunes.has-video",
        ),
    ] {
        scene.check_reply(name, line).await;
    }
}
