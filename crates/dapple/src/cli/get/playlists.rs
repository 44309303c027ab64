//! The playlists of a share, as files beside the songs that were fetched.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use daap_client::Client;
use daap_model::{DatabaseId, ItemId};
use daap_proto::read::{Container, Song};
use daap_proto::{Endpoint, Field, Listing, Meta};
use futures_util::TryStreamExt as _;

use super::file_name;
use super::plan::Planned;
use crate::share::advised;
use crate::share::selection::Selection;
use crate::{file, m3u};

/// What a file of a playlist ends in: M3U, in UTF-8.
const SUFFIX: &str = ".m3u8";

/// The longest file of a playlist that is written, in bytes.
const MAX_FILE: usize = 256 << 20;

/// Writes the playlists that are meant into `folder`, with those of their songs that are `there`. Returns their files.
pub(crate) async fn write<'a>(
    client: &Client,
    selection: &Selection,
    there: impl Iterator<Item = &'a Planned>,
    folder: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let there: HashMap<_, _> =
        there.map(|planned| ((planned.database, planned.song.id), planned)).collect();
    let mut taken = HashSet::new();
    let mut files = Vec::new();
    for database in selection.databases(client).await? {
        let listing = Listing { meta: Some(Meta::All), ..Listing::default() };
        let mut playlists = client.containers(database.id, &listing).await.map_err(advised)?;
        while let Some(playlist) = playlists.try_next().await.map_err(advised)? {
            if playlist.is_base || playlist.is_folder || !selection.means_playlist(&playlist.name) {
                continue;
            }
            let Some(text) = text(client, database.id, &playlist, &there).await? else { continue };
            let path = folder.join(name(&playlist.name, &mut taken));
            file::replace(&path, &text)
                .with_context(|| format!("cannot write {}", path.display()))?;
            files.push(path);
        }
    }
    Ok(files)
}

/// The text of a playlist; `None` if none of its songs is there.
async fn text(
    client: &Client,
    database: DatabaseId,
    playlist: &Container,
    there: &HashMap<(DatabaseId, ItemId), &Planned>,
) -> anyhow::Result<Option<Vec<u8>>> {
    let listing = Listing { meta: Some(Meta::parse(Field::Id.name())), ..Listing::default() };
    let endpoint = Endpoint::ContainerItems { database, container: playlist.id, listing };
    let mut entries = client.list::<Song>(endpoint).await.map_err(advised)?;
    let mut text = Vec::new();
    let mut any = false;
    m3u::begin(&mut text)?;
    while let Some(entry) = entries.try_next().await.map_err(advised)? {
        let Some(planned) = there.get(&(database, entry.id)) else { continue };
        let track = &planned.song.track;
        any = true;
        let entry = m3u::Entry {
            duration_ms: track.duration_ms,
            artist: &track.artist,
            title: &track.title,
            location: &planned.path.to_string_lossy(),
        };
        entry.write(&mut text)?;
        anyhow::ensure!(text.len() <= MAX_FILE, "the playlist {} is too long", playlist.name);
    }
    Ok(any.then_some(text))
}

/// The file name of a playlist, which none of those `taken` has.
fn name(playlist: &str, taken: &mut HashSet<String>) -> String {
    let playlist = if playlist.trim().is_empty() { "untitled" } else { playlist };
    let plain = file_name::safe(&format!("{playlist}{SUFFIX}").replace(['/', '\\'], "_"));
    let numbered = (2..).map(|number| file_name::shortened(&plain, &format!(" ({number})")));
    let mut names = std::iter::once(plain.clone()).chain(numbered);
    names.find(|name| taken.insert(name.to_lowercase())).expect("numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_playlist_has_a_file_of_its_own() {
        let mut taken = HashSet::new();
        let names = ["Party", "party", "AC/DC", "", "Party"].map(|list| name(list, &mut taken));
        let expected =
            ["Party.m3u8", "party (2).m3u8", "AC_DC.m3u8", "untitled.m3u8", "Party (3).m3u8"];
        assert_eq!(names, expected);
    }
}
