//! `dapple remote play` and `add`: which songs are meant, in words that a player knows.

use anyhow::{Context as _, bail};
use daap_proto::read::{Container, Database};
use daap_proto::{ShareTarget, ShareUrl};
use dacp_client::Remote;
use dacp_proto::{Button, QueueEdit, Songs, Which};

use crate::nearest::Near;
use crate::share::selection::{Filters, Selection};

/// What stands for the share in a path that names none: the player's.
const OWN: &str = "daap://player";

#[derive(clap::Args, Debug)]
pub(super) struct Play {
    #[command(flatten)]
    what: What,
    /// Shuffle from now on
    #[arg(long)]
    shuffle: bool,
}

#[derive(clap::Args, Debug)]
pub(super) struct Add {
    #[command(flatten)]
    what: What,
    /// Add them after the song that plays
    #[arg(long)]
    next: bool,
}

/// Songs of a player.
#[derive(clap::Args, Debug)]
struct What {
    /// Words to look for; or as in a share's URL: /playlists/NAME, /artists/NAME, /albums/ARTIST/NAME, /songs/ID, / for all
    #[arg(value_name = "WHAT")]
    text: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

impl Play {
    pub(super) async fn run(self, remote: &Remote) -> anyhow::Result<()> {
        let shuffle = self.shuffle;
        match self.what.songs(remote).await? {
            Some(songs) => remote.edit(QueueEdit::Play { songs, shuffle }).await.map(drop)?,
            None if shuffle => bail!(
                "say which songs to shuffle; `dapple remote shuffle on` shuffles those that are queued"
            ),
            None => remote.press(Button::Play).await?,
        }
        Ok(())
    }
}

impl Add {
    pub(super) async fn run(self, remote: &Remote) -> anyhow::Result<()> {
        let songs = self.what.songs(remote).await?;
        let songs = songs.context("say which songs to add: words to look for, or / for all")?;
        let edit = if self.next { QueueEdit::PlayNext(songs) } else { QueueEdit::Append(songs) };
        remote.edit(edit).await?;
        Ok(())
    }
}

impl What {
    /// The songs that are meant, if any are named.
    async fn songs(self, remote: &Remote) -> anyhow::Result<Option<Songs>> {
        let target = self.text.as_deref().map(target).transpose()?;
        let selection =
            Selection::new(target.as_ref().unwrap_or(&ShareTarget::Share), self.filters);
        let query = selection.query();
        if target.is_none() && query.is_none() {
            return Ok(None);
        }
        if let (Some(query), None) = (&query, selection.playlist()) {
            let database = named_database(remote, &selection).await?;
            return Ok(Some(Songs { database, which: Which::Found(query.clone()), sort: None }));
        }
        if query.is_some() {
            bail!("a player plays a playlist as it is, not some songs of it");
        }
        let databases = selection.meant(remote.databases().await?)?;
        let database = databases.into_iter().next().context("the player has no library")?;
        let playlists = remote.playlists(database.id).await?;
        let playlist = playlist(&playlists, selection.playlist())?;
        let which = Which::Playlist(playlist.id);
        Ok(Some(Songs { database: database.persistent_id, which, sort: None }))
    }
}

/// The database that is meant, if one is named; a player begins with its library.
async fn named_database(
    remote: &Remote,
    selection: &Selection,
) -> anyhow::Result<Option<daap_model::PersistentId>> {
    if !selection.names_database() {
        return Ok(None);
    }
    let databases: Vec<Database> = selection.meant(remote.databases().await?)?;
    Ok(databases.first().and_then(|database| database.persistent_id))
}

/// The playlist of this name; without one that of all songs.
fn playlist<'a>(playlists: &'a [Container], name: Option<&str>) -> anyhow::Result<&'a Container> {
    let Some(name) = name else {
        let base = playlists.iter().find(|playlist| playlist.is_base);
        return base.context("the player has no list of all songs; name an artist or a playlist");
    };
    let exact = playlists.iter().find(|playlist| playlist.name == name);
    let loose =
        || playlists.iter().find(|playlist| playlist.name.to_lowercase() == name.to_lowercase());
    exact.or_else(loose).with_context(|| {
        let mut near = Near::to(name);
        playlists.iter().for_each(|playlist| near.offer(&playlist.name));
        let near: Vec<&str> = near.names().collect();
        format!("the player has no playlist {name}; there is {}", near.join(", "))
    })
}

/// What a text names: a URL or its path, or words to look for.
fn target(text: &str) -> anyhow::Result<ShareTarget> {
    let is_path = text.starts_with('/');
    if !is_path && !text.contains("://") {
        return Ok(ShareTarget::Search(text.to_owned()));
    }
    let url = if is_path { format!("{OWN}{text}") } else { text.to_owned() };
    let url: ShareUrl =
        url.parse().with_context(|| format!("`{text}` names no songs; see `dapple ls --help`"))?;
    Ok(url.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn songs_are_named_as_in_a_url_or_by_words() {
        let check = |text, expected| assert_eq!(target(text).unwrap(), expected, "{text}");
        check("jet wings", ShareTarget::Search("jet wings".into()));
        check("/", ShareTarget::Share);
        check("/artists/Wings", ShareTarget::Artist("Wings".into()));
        check("daap://nas/playlists/Party", ShareTarget::Playlist("Party".into()));
        assert!(target("/nothing/at/all").is_err());
    }
}
