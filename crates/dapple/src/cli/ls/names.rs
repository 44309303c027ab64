//! What a share has beside songs: playlists, databases, and the artists, albums and genres of its songs.
//!
//! The last three are gathered from the songs themselves, so that they are the same with every server and filter.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::ensure;
use daap_client::Client;
use daap_model::Track;
use daap_proto::read::Container;
use daap_proto::{Field, Listing, Meta};
use dmap::Code;
use futures_util::TryStreamExt as _;
use serde_json::json;

use super::report::Report;
use crate::share::advised;
use crate::share::selection::Selection;

/// So many artists, albums or genres are told apart: they have to be held for that.
const MAX_NAMES: usize = 1_000_000;

/// Names in the order in which people look for them, and what each has.
type Gathered<V> = BTreeMap<(String, Vec<String>), V>;

/// Why there is nothing, if so.
type Hint = Option<String>;

/// Lists the artists under whom songs are filed.
pub(super) async fn artists(
    client: &Client,
    selection: &Selection,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<Hint> {
    let fields = [Field::Artist, Field::AlbumArtist, Field::Album, Field::Compilation];
    let key = |track: &Track| vec![track.filed_under().to_string(), track.album.to_string()];
    let (albums, hint) =
        gather(client, selection, &fields, key, |songs: &mut u64, _| *songs += 1).await?;
    let mut artists: Gathered<(u64, u64)> = Gathered::new();
    for ((_, names), songs) in albums {
        let [artist, album] = names.as_slice() else { continue };
        let counts = artists.entry(sorted(vec![artist.clone()])).or_default();
        counts.0 += u64::from(!album.is_empty());
        counts.1 += songs;
    }
    let mut report = Report::begin(out, json, &["artist", "albums", "songs"])?;
    for ((_, names), (albums, songs)) in &artists {
        let artist = &names[0];
        report.entry(
            || vec![artist.clone(), albums.to_string(), songs.to_string()],
            || json!({"artist": artist, "albums": albums, "songs": songs}),
        )?;
    }
    report.end()?;
    Ok(hint)
}

/// Lists the albums of the songs.
pub(super) async fn albums(
    client: &Client,
    selection: &Selection,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<Hint> {
    let fields = [Field::Artist, Field::AlbumArtist, Field::Album, Field::Compilation, Field::Year];
    let key = |track: &Track| match track.album.is_empty() {
        true => Vec::new(),
        false => vec![track.filed_under().to_string(), track.album.to_string()],
    };
    let count = |(year, songs): &mut (u16, u64), track: &Track| {
        *year = track.year.max(*year);
        *songs += 1;
    };
    let (albums, hint) = gather(client, selection, &fields, key, count).await?;
    let mut report = Report::begin(out, json, &["artist", "album", "year", "songs"])?;
    for ((_, names), (year, songs)) in &albums {
        let [artist, album] = names.as_slice() else { continue };
        let known_year = (*year > 0).then_some(year);
        let year = known_year.map_or_else(String::new, u16::to_string);
        report.entry(
            || vec![artist.clone(), album.clone(), year, songs.to_string()],
            || json!({"artist": artist, "album": album, "year": known_year, "songs": songs}),
        )?;
    }
    report.end()?;
    Ok(hint)
}

/// Lists the genres of the songs, as they are written.
pub(super) async fn genres(
    client: &Client,
    selection: &Selection,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<Hint> {
    let key = |track: &Track| match track.genre.is_empty() {
        true => Vec::new(),
        false => vec![track.genre.to_string()],
    };
    let count = |songs: &mut u64, _: &Track| *songs += 1;
    let (genres, hint) = gather(client, selection, &[Field::Genre], key, count).await?;
    let mut report = Report::begin(out, json, &["genre", "songs"])?;
    for ((_, names), songs) in &genres {
        let genre = &names[0];
        report.entry(
            || vec![genre.clone(), songs.to_string()],
            || json!({"genre": genre, "songs": songs}),
        )?;
    }
    report.end()?;
    Ok(hint)
}

/// Gathers the names that `key` takes from each song, with what `count` makes of the songs that have them. No names
/// leave a song out.
async fn gather<V: Default>(
    client: &Client,
    selection: &Selection,
    fields: &[Field],
    key: impl Fn(&Track) -> Vec<String>,
    count: impl Fn(&mut V, &Track),
) -> anyhow::Result<(Gathered<V>, Hint)> {
    let mut gathered = Gathered::new();
    let codes: Vec<Code> = fields.iter().map(|field| field.code()).collect();
    let tally = selection.each(client, Some(&codes), |_, row| {
        let track = &row.song.track;
        let names = key(track);
        if !names.is_empty() {
            ensure!(
                gathered.len() < MAX_NAMES,
                "there are more than {MAX_NAMES}; ask for fewer songs"
            );
            count(gathered.entry(sorted(names)).or_default(), track);
        }
        Ok(())
    });
    let tally = tally.await?;
    let hint = match (tally.songs, gathered.is_empty()) {
        (0, _) => Some(tally.hint),
        (_, true) => Some("none of the songs says so".to_owned()),
        _ => None,
    };
    Ok((gathered, hint))
}

/// Names behind what sorts them.
fn sorted(names: Vec<String>) -> (String, Vec<String>) {
    (names.join("\t").to_lowercase(), names)
}

/// Lists the playlists, but for the ones that hold all songs.
pub(super) async fn playlists(
    client: &Client,
    selection: &Selection,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<Hint> {
    let mut report = Report::begin(out, json, &["playlist", "songs", "kind"])?;
    for database in selection.databases(client).await? {
        let listing = Listing { meta: Some(Meta::All), ..Listing::default() };
        let mut playlists = client.containers(database.id, &listing).await.map_err(advised)?;
        while let Some(playlist) = playlists.try_next().await.map_err(advised)? {
            if playlist.is_base {
                continue;
            }
            let songs = playlist.items.map_or_else(|| "?".to_owned(), |items| items.to_string());
            report.entry(
                || vec![playlist.name.clone(), songs, kind(&playlist).to_owned()],
                || {
                    json!({
                        "playlist": playlist.name,
                        "songs": playlist.items,
                        "kind": kind(&playlist),
                        "id": playlist.persistent_id.map(|id| id.to_string()),
                        "database": database.name,
                    })
                },
            )?;
        }
    }
    Ok((!report.end()?).then(|| "the share has no playlists".to_owned()))
}

fn kind(playlist: &Container) -> &'static str {
    match playlist {
        Container { is_folder: true, .. } => "folder",
        Container { is_smart: true, .. } => "smart",
        _ => "playlist",
    }
}

/// Lists the databases.
pub(super) async fn databases(
    client: &Client,
    selection: &Selection,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<Hint> {
    let mut report = Report::begin(out, json, &["number", "database", "songs", "playlists"])?;
    for database in selection.databases(client).await? {
        let playlists = database.containers.map(|count| count.saturating_sub(1));
        let cell =
            |count: Option<u32>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        report.entry(
            || {
                vec![
                    database.id.to_string(),
                    database.name.clone(),
                    cell(database.items),
                    cell(playlists),
                ]
            },
            || {
                json!({
                    "number": database.id.get(),
                    "database": database.name,
                    "songs": database.items,
                    "playlists": playlists,
                    "id": database.persistent_id.map(|id| id.to_string()),
                })
            },
        )?;
    }
    Ok((!report.end()?).then(|| "the share has no database".to_owned()))
}
