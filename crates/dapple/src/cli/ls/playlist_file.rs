//! A playlist of songs' addresses, which players open without dapple.

use std::io::Write;

use daap_client::{Client, ClientError};
use daap_model::DatabaseId;
use daap_proto::read::Song;
use daap_proto::{Field, Index, Listing, Meta};
use dmap::Code;
use futures_util::TryStreamExt as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::songs::{self, Order};
use crate::m3u;
use crate::share::advised;
use crate::share::row::Row;
use crate::share::selection::Selection;

/// What a playlist tells of a song.
const FIELDS: [Code; 6] = [
    Field::DataKind.code(),
    Field::Artist.code(),
    Field::AlbumArtist.code(),
    Field::Name.code(),
    Field::Time.code(),
    Field::Format.code(),
];

/// The user name that goes with the password, which servers do not look at.
const USER: &str = "dapple";

/// Writes a playlist of the songs that are meant. Returns why there are none, if so.
pub(super) async fn write(
    client: &Client,
    selection: &Selection,
    order: Option<&Order>,
    password: Option<&str>,
    out: &mut impl Write,
) -> anyhow::Result<Option<String>> {
    let address =
        Address { client, password, with_session: needs_session(client, selection).await? };
    m3u::begin(out)?;
    let needed = songs::needed(&FIELDS, order);
    let none = songs::in_order(client, selection, Some(&needed), order, |database, row| {
        let track = &row.song.track;
        let location = address.of(database, row);
        let entry = m3u::Entry {
            duration_ms: track.duration_ms,
            artist: &track.artist,
            title: &track.title,
            location: &location,
        };
        Ok(entry.write(out)?)
    });
    let none = none.await?;
    if address.with_session && none.is_none() {
        eprintln!(
            "this server plays songs only to who is logged in; the login in these addresses stays open, and they are \
             good until the server ends it"
        );
        client.leave_open();
    }
    Ok(none)
}

/// How songs are addressed.
struct Address<'a> {
    client: &'a Client,
    password: Option<&'a str>,
    with_session: bool,
}

impl Address<'_> {
    fn of(&self, database: DatabaseId, row: &Row) -> String {
        let song = &row.song;
        if let Some(stream) = song.stream.as_deref().filter(|stream| !stream.is_empty()) {
            return stream.to_owned();
        }
        let url = self.client.song_url(database, song.id, &song.track.format, self.with_session);
        match (self.password, url.split_once("://")) {
            (Some(password), Some((scheme, rest))) => {
                let password = utf8_percent_encode(password, NON_ALPHANUMERIC);
                format!("{scheme}://{USER}:{password}@{rest}")
            }
            _ => url,
        }
    }
}

/// Whether the server plays songs only to who is logged in: tried with one song.
async fn needs_session(client: &Client, selection: &Selection) -> anyhow::Result<bool> {
    let meta = Meta::parse(&[Field::Id.name(), Field::Format.name()].join(","));
    let first = Listing { meta: Some(meta), index: Index::parse("0-0"), ..Listing::default() };
    for database in selection.databases(client).await? {
        let mut songs = client.items(database.id, &first).await.map_err(advised)?;
        let song: Option<Song> = songs.try_next().await.map_err(advised)?;
        if let Some(song) = song {
            return match client.plays_to_anyone(database.id, song.id, &song.track.format).await {
                Ok(plays) => Ok(!plays),
                Err(error @ ClientError::Unreachable { .. }) => Err(advised(error)),
                Err(_) => Ok(true),
            };
        }
    }
    Ok(false)
}
