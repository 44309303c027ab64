use std::collections::BTreeSet;

use daap_proto::Field;
use serde_json::Value as Json;
use testkit::server::{Reply, Server};

use crate::cli::Outcome;
use crate::fixture::{said, share, share_with};

/// What `ls` prints of the titles of what these arguments name.
async fn titles(url: &str, path: &str, arguments: &[&str]) -> Vec<String> {
    let url = format!("{url}{path}");
    let line = [&["ls", &url, "--fields", "title"], arguments].concat();
    let (outcome, text) = said(&line).await.unwrap();
    assert_eq!(outcome == Outcome::Done, !text.is_empty(), "{line:?}");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_url_names_what_is_in_a_share() {
    let url = share().await;
    assert_eq!(titles(&url, "/", &[]).await.len(), 5);
    assert_eq!(
        titles(&url, "/artists/Wings", &["--sort", "title"]).await,
        ["Band on the Run", "Jet"]
    );
    assert_eq!(titles(&url, "/albums/wings/band%20on%20the%20run", &[]).await.len(), 2);
    assert_eq!(titles(&url, "/albums//Abbey%20Road", &[]).await.len(), 2);
    assert_eq!(titles(&url, "/search/COMES%20beat", &[]).await, ["Here Comes the Sun"]);
    let both_of_that_name = ["Come Together", "Jet", "Come Together", "Jet"];
    assert_eq!(titles(&url, "/playlists/Party", &[]).await, both_of_that_name);
    assert_eq!(titles(&url, "/playlists/party", &["--artist", "Wings"]).await, ["Jet", "Jet"]);
    assert_eq!(titles(&url, "/artists/Nobody", &[]).await, [""; 0]);
    let (_, line) = said(&["ls", &url, "--search", "jet"]).await.unwrap();
    let id = line.split('\t').next().unwrap();
    assert_eq!(titles(&url, &format!("/songs/{id}"), &[]).await, ["Jet"]);
}

#[tokio::test]
async fn songs_are_sorted_by_several_fields_and_either_way() {
    let url = share().await;
    assert_eq!(
        titles(&url, "/", &["--sort", "artist,-track"]).await,
        ["Here Comes the Sun", "Come Together", "Jet", "Band on the Run", "Aether"]
    );
    assert_eq!(titles(&url, "/", &["--sort", "-time"]).await[0], "Here Comes the Sun");
}

#[tokio::test]
async fn a_line_has_the_fields_that_are_asked_for() {
    let url = share().await;
    let (_, text) =
        said(&["ls", &url, "--fields", "track,time,artist", "--search", "jet"]).await.unwrap();
    assert_eq!(text, "2\t2:00\tWings\n");
    let name = Field::Name.name();
    let (_, text) = said(&["ls", &url, "--fields", name, "--search", "jet"]).await.unwrap();
    assert_eq!(text, "Jet\n");
    let (_, text) = said(&["ls", &url, "--fields", "all", "--search", "jet"]).await.unwrap();
    assert!(text.contains("\ttitle=Jet\t") && text.contains("\tsize=3000\t"), "{text}");
}

#[tokio::test]
async fn json_is_one_array_with_numbers_as_numbers() {
    let url = share().await;
    let (_, text) = said(&["ls", &url, "--json", "--fields", "title,time,year,id"]).await.unwrap();
    let songs: Vec<Json> = serde_json::from_str(&text).unwrap();
    assert_eq!(songs.len(), 5);
    let jet = songs.iter().find(|song| song["title"] == "Jet").unwrap();
    assert_eq!((&jet["time"], &jet["year"]), (&120_000.into(), &Json::Null));
    assert_eq!(jet["id"].as_str().unwrap().len(), 16);
    let (outcome, text) = said(&["ls", &url, "--json", "--artist", "Nobody"]).await.unwrap();
    assert_eq!(
        (outcome, serde_json::from_str(&text).unwrap()),
        (Outcome::NothingFound, Json::Array(Vec::new()))
    );
}

#[tokio::test]
async fn what_a_share_has_beside_songs_is_listed_and_narrowed() {
    let url = share().await;
    let listed =
        async |arguments: &[&str]| said(&[&["ls", &url], arguments].concat()).await.unwrap().1;
    assert_eq!(listed(&["--playlists"]).await, "Party\t3\tplaylist\nParty\t1\tplaylist\n");
    assert_eq!(listed(&["--databases"]).await, "1\tLiving room\t5\t2\n");
    assert_eq!(
        listed(&["--albums"]).await,
        "The Beatles\tAbbey Road\t\t2\nWings\tBand on the Run\t\t2\n"
    );
    assert_eq!(
        listed(&["--artists"]).await,
        "The Beatles\t1\t2\nWings\t1\t2\nwings of steel\t0\t1\n"
    );
    assert_eq!(listed(&["--genres", "--artist", "wings"]).await, "Rock; Pop\t2\n");
    assert_eq!(listed(&["--artists", "--genre", "Pop"]).await, "Wings\t1\t2\n");
}

#[tokio::test]
async fn a_playlist_has_addresses_that_play_without_dapple() {
    let url = share().await;
    let (_, text) =
        said(&["ls", &format!("{url}/artists/Wings"), "--m3u", "--sort", "-title"]).await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["#EXTM3U", "#EXTINF:120,Wings - Jet"]);
    assert_eq!(lines.len(), 5);
    let http = url.replace("daap://", "http://");
    assert!(lines[2].starts_with(&format!("{http}/databases/1/items/")), "{}", lines[2]);
    assert!(lines[2].ends_with(".mp3"), "no session is needed: {}", lines[2]);
}

#[tokio::test]
async fn a_password_is_asked_for_taken_and_put_into_a_playlist() {
    let url = share_with(|server| server.password("a:b")).await;
    let error = said(&["ls", &url]).await.unwrap_err().to_string();
    assert!(error.contains("--password-file"), "{error}");
    let error = said(&["ls", &url, "--password", "wrong"]).await.unwrap_err().to_string();
    assert!(error.contains("not the right one"), "{error}");
    let (_, text) = said(&["ls", &url, "--password", "a:b", "--m3u"]).await.unwrap();
    assert!(text.lines().nth(2).unwrap().starts_with("http://dapple:a%3Ab@127.0.0.1:"), "{text}");
}

#[tokio::test]
async fn a_server_that_ignores_or_refuses_queries_gives_the_same_songs() {
    let ignores = Server::start(testkit::daap::answer).await;
    let refuses = Server::start(|asked| match asked.parameter("query") {
        Some(_) => Reply::status(400),
        None => testkit::daap::answer(asked),
    })
    .await;
    let query = format!("'{}:Jet'", Field::Name.name());
    for server in [&ignores, &refuses] {
        let url = format!("daap://{}", server.address());
        let all: BTreeSet<String> = titles(&url, "/", &[]).await.into_iter().collect();
        assert!(all.len() > 1 && all.contains("Jet"), "{all:?}");
        assert_eq!(titles(&url, "/search/jet", &[]).await, ["Jet"]);
        assert_eq!(titles(&url, "/", &["--query", &query]).await, ["Jet"]);
    }
}

#[tokio::test]
async fn where_players_must_log_in_the_session_is_in_the_address_and_stays_open() {
    let server = Server::start(testkit::daap::answer).await;
    let url = format!("daap://{}", server.address());
    let (_, text) = said(&["ls", &url, "--m3u"]).await.unwrap();
    assert!(text.lines().nth(2).unwrap().contains("?session"), "{text}");
    assert!(server.asked_for("/logout").is_empty());
    said(&["ls", &url]).await.unwrap();
    assert_eq!(server.asked_for("/logout").len(), 1);
}
