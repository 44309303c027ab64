//! What the entries of a playlist say of their songs, on any server.

use std::collections::HashMap;

use anyhow::ensure;
use daap_client::{Client, Listed};
use daap_model::DatabaseId;
use daap_proto::{Endpoint, Field, Listing};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};

use super::advised;
use super::row::Row;

/// So many entries of a playlist can be told from the list of all songs: they have to be held for that.
const MAX_ENTRIES: usize = 1_000_000;

/// What every server says of a song that says anything of it.
pub(super) const TELLING: [Field; 2] = [Field::Time, Field::Size];

/// Songs, or why there are no more of them.
type Songs<'a> = stream::BoxStream<'a, anyhow::Result<Row>>;

/// The entries of a playlist of a database, with what is wanted of their songs. Some servers say just which songs they
/// are (flask-daapserver 3.0.2, spydaap 0.2): these are looked up in the list of all songs.
pub(super) async fn told(
    client: &Client,
    database: DatabaseId,
    mut entries: Listed<Row>,
    listing: Listing,
) -> anyhow::Result<Songs<'static>> {
    let Some(first) = entries.try_next().await.map_err(advised)? else {
        return Ok(stream::empty().boxed());
    };
    let told = TELLING.iter().any(|field| first.value(field.code()).is_some());
    let entries = stream::iter([Ok(first)]).chain(entries.map_err(advised));
    if told {
        return Ok(entries.boxed());
    }
    let entries = held(entries).await?;
    let mut songs: HashMap<_, _> = entries.iter().map(|entry| (entry.song.id, None)).collect();
    let endpoint = Endpoint::Items { database, listing: Listing { query: None, ..listing } };
    let mut all: Listed<Row> = client.list(endpoint).await.map_err(advised)?;
    while let Some(row) = all.try_next().await.map_err(advised)? {
        if let Some(song) = songs.get_mut(&row.song.id) {
            *song = Some(row);
        }
    }
    let whole = move |entry: Row| songs.get(&entry.song.id).cloned().flatten().unwrap_or(entry);
    Ok(stream::iter(entries).map(move |entry| Ok(whole(entry))).boxed())
}

async fn held(entries: impl Stream<Item = anyhow::Result<Row>>) -> anyhow::Result<Vec<Row>> {
    let mut held = Vec::new();
    let mut entries = std::pin::pin!(entries);
    while let Some(entry) = entries.try_next().await? {
        ensure!(
            held.len() < MAX_ENTRIES,
            "the playlist has more than {MAX_ENTRIES} songs, and this server tells nothing of them in playlists"
        );
        held.push(entry);
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use daap_proto::ShareUrl;
    use dmap::code::{ADBS, APSO};
    use testkit::daap;
    use testkit::server::Server;

    use super::*;
    use crate::share::selection::{Filters, Selection};

    #[tokio::test]
    async fn an_entry_that_says_only_which_song_it_is_is_looked_up() {
        let server = Server::start(|asked| match asked.path() {
            daap::ITEMS => daap::dmap(daap::songs(ADBS)),
            "/databases/1/containers/1/items" => {
                let entries = [2, 1, 2, 9].map(|id| daap::song_entry(id, ""));
                daap::dmap(daap::list(APSO, &entries))
            }
            _ => daap::answer(asked),
        })
        .await;
        let url = ShareUrl::typed(&format!("{}playlists/A%20share", server.url())).unwrap();
        let client = Client::builder().connect(&url).await.unwrap();
        let mut titles = Vec::new();
        let selection = Selection::new(&url.target, Filters::default());
        let tally = selection.each(&client, Some(&[]), |_, row| {
            titles.push(row.song.track.title.to_string());
            Ok(())
        });
        tally.await.unwrap();
        assert_eq!(titles, [daap::SONGS[1], daap::SONGS[0], daap::SONGS[1], ""]);
    }
}
