//! Connections at work, against servers with music made from nothing.

use std::path::Path;
use std::time::Duration;

use daap_model::Snapshot;
use daap_server::Server;
use library::{Library, MemorySource, Share};
use tempfile::TempDir;
use testkit::subsonic::Subsonic;
use tokio::time::timeout;

use super::connections::OwnShare;
use super::{Settings, resolve};
use crate::api::Api;
use crate::cli::Outcome;
use crate::config::File;
use crate::fixture;

const PATIENCE: Duration = Duration::from_secs(20);

/// A Subsonic server of so many songs, and its address, as a user of it writes that.
async fn upstream(songs: u32) -> (Subsonic, testkit::server::Server, String) {
    let subsonic = Subsonic::new(songs);
    let server = testkit::server::Server::start(subsonic.answer()).await;
    let url = format!("http://joe@{}/", server.address());
    (subsonic, server, url)
}

/// A section for the server at this address, and what else it says.
fn section(url: &str, more: &str) -> String {
    format!("[[subsonic]]\nurl = '{url}'\npassword = 'sesame'\n{more}\n")
}

fn settings(file: &str) -> Vec<Settings> {
    resolve(toml::from_str::<File>(file).unwrap().subsonic, None).unwrap()
}

/// A library with a song of its own that follows the servers of a configuration file; its shares; and the URL of a
/// server of it.
struct Here {
    library: Library,
    own_shares: Vec<OwnShare>,
    url: String,
    _data: TempDir,
}

impl Here {
    async fn start(file: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let connections = fixture::connections(&settings(file), Path::new(data.path()));
        let folder = MemorySource::new();
        folder.put("jet", daap_model::Track::default(), "the sound of it");
        let builder = Library::builder("Here").source("folder", folder);
        let library = connections.add_to(builder).start().await.unwrap();
        let own_shares = connections.own_shares(&library);
        let server = Server::builder(library.clone()).pages(Api::new(None, connections));
        let server = server.bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
        let url = format!("http://{}", server.addresses()[0]);
        tokio::spawn(server.run(std::future::pending()));
        Self { library, own_shares, url, _data: data }
    }

    /// Waits until the databases have so many songs each.
    async fn has(&self, songs: &[usize]) {
        let mut newest = self.library.watch();
        let has = timeout(PATIENCE, newest.wait_for(|now| counts(now) == songs)).await.map(drop);
        has.unwrap_or_else(|_| panic!("it has {:?}", counts(&self.library.snapshot())));
    }

    async fn said(&self, line: &[&str]) -> (Outcome, String) {
        fixture::said(&[line, &["--server", &self.url]].concat()).await.unwrap()
    }
}

fn counts(snapshot: &Snapshot) -> Vec<usize> {
    snapshot.databases().map(|database| database.items().len()).collect()
}

#[tokio::test]
async fn two_servers_and_a_folder_have_a_database_each() {
    let (_attic, _server, attic) = upstream(3).await;
    let (_cellar, _other, cellar) = upstream(5).await;
    let file = section(&attic, "name = 'Attic'") + &section(&cellar, "name = 'Cellar'");
    let here = Here::start(&file).await;
    here.has(&[1, 3, 5]).await;
    let snapshot = here.library.snapshot();
    let names: Vec<_> = snapshot.databases().map(|database| database.name.to_string()).collect();
    assert_eq!(names, ["Here", "Attic", "Cellar"]);
    assert!(here.own_shares.is_empty());
}

#[tokio::test]
async fn a_server_can_be_in_the_first_database_too() {
    let (_attic, _server, attic) = upstream(3).await;
    let here = Here::start(&section(&attic, "in_library = true")).await;
    here.has(&[4, 3]).await;
}

#[tokio::test]
async fn a_share_of_its_own_has_that_database_alone() {
    let (_attic, _server, attic) = upstream(3).await;
    let (_cellar, _other, cellar) = upstream(5).await;
    let file = section(&attic, "") + &section(&cellar, "share = 'Wine'\nlisten = '[::1]:3690'");
    let here = Here::start(&file).await;
    here.has(&[1, 3, 5]).await;
    let [own] = here.own_shares.as_slice() else { panic!("it is one share") };
    let mut newest = own.share.watch();
    let shown = timeout(PATIENCE, newest.wait_for(|now| counts(now) == [5])).await;
    assert_eq!(&**shown.unwrap().unwrap().name(), "Wine");
    assert_eq!(own.addresses(&[]), ["[::1]:3690".parse().unwrap()]);
}

#[tokio::test]
async fn a_share_of_its_own_listens_where_the_first_does_on_a_port_of_its_own() {
    let (_attic, _server, attic) = upstream(0).await;
    let here = Here::start(&section(&attic, "share = 'Attic'")).await;
    let first = ["127.0.0.1:3689".parse().unwrap()];
    assert_eq!(here.own_shares[0].addresses(&first), ["127.0.0.1:0".parse().unwrap()]);
}

#[tokio::test]
async fn a_sync_waits_until_it_is_done_and_says_what_has_changed() {
    let (subsonic, server, url) = upstream(3).await;
    let here = Here::start(&section(&url, "name = 'Attic'")).await;
    here.has(&[1, 3]).await;
    let nothing = (Outcome::Done, "Attic: nothing has changed\n".to_owned());
    assert_eq!(here.said(&["sync"]).await, nothing);

    subsonic.scan(|music| {
        music.songs.get_mut(&0).unwrap().title = "Jet".into();
        music.songs.remove(&2);
        music.playlists.insert(0, ("Party".into(), vec![0]));
    });
    let changed = "Attic: 1 song new or changed, 1 song gone, 1 playlist new, changed or gone\n";
    assert_eq!(here.said(&["sync", "attic"]).await, (Outcome::Done, changed.to_owned()));
    here.has(&[1, 2]).await;
    let bare = format!("http://{}", server.address());
    assert_eq!(here.said(&["sync", &bare]).await, nothing);
    assert_eq!(here.said(&["sync", "cellar"]).await, (Outcome::NothingFound, String::new()));
}

#[tokio::test]
async fn a_server_that_cannot_be_followed_says_what_to_do() {
    let gone = "http://joe@127.0.0.1:1/";
    let here = Here::start(&section(gone, "name = 'Attic'")).await;
    let (outcome, told) = here.said(&["sync"]).await;
    assert_eq!(outcome, Outcome::Failed);
    assert!(told.contains("cannot be reached"), "{told}");
    let (_, status) = here.said(&["status"]).await;
    assert_eq!(status.matches("cannot be followed").count(), 1, "{status}");
}

#[tokio::test]
async fn the_status_has_a_line_for_each_server_and_no_password() {
    let (_subsonic, _server, url) = upstream(3).await;
    let here = Here::start(&section(&url, "name = 'Attic'")).await;
    here.has(&[1, 3]).await;
    here.said(&["sync"]).await;
    let (_, status) = here.said(&["status"]).await;
    assert!(status.contains(&format!(" at {url}, 0 starred songs, looked at ")), "{status}");
    assert!(status.contains("kept of other servers: songs 0 of 1 MiB"), "{status}");
    let (_, json) = here.said(&["sync", "--json"]).await;
    assert!(json.contains(r#""name":"Attic""#) && !json.contains("sesame"), "{json}");
}
