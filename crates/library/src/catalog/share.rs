//! A catalog as a server serves it.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Arc;

use daap_model::{
    Container, ContainerId, ContainerItemId, ContainerKind, Database, DatabaseId, Item, ItemId,
    Snapshot, Text,
};
use tokio::sync::watch;
use tokio::task::JoinError;

use super::container::NewPlaylist;
use super::{Catalog, Changes, CommitError, Place};
use crate::share::playlist_name;
use crate::{
    Artwork, ArtworkSize, Content, Edited, MAX_ENTRIES, MAX_PLAYLISTS, OpenError, PlaylistChange,
    PlaylistEdit, PlaylistError, Share, SourceError, SourceFuture,
};

impl Share for Catalog {
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        Self::watch(self)
    }

    fn open(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> SourceFuture<'_, Result<Content, OpenError>> {
        Box::pin(async move {
            let song = self.find(database, item)?;
            let media = self.shared.shelves.find(database, item);
            let sound = media.as_ref().and_then(|media| media.sound.as_ref());
            Ok(match (sound, &self.shared.provider) {
                (Some(sound), _) => sound.open().await?,
                (None, Some(provider)) => provider.open(database, song).await?,
                (None, None) => return Err(SourceError::not_there("its sound").into()),
            })
        })
    }

    fn artwork(
        &self,
        database: DatabaseId,
        item: ItemId,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
        Box::pin(async move {
            let song = self.find(database, item)?;
            let media = self.shared.shelves.find(database, item);
            let picture = media.as_ref().and_then(|media| media.picture.as_ref());
            Ok(match (picture, &self.shared.provider) {
                (Some(picture), _) => Some(picture.read().await?),
                (None, Some(provider)) => provider.artwork(database, song, size).await?,
                (None, None) => None,
            })
        })
    }

    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
        Box::pin(async {
            let edited = self.in_turn(|catalog| catalog.carry_out(edit)).await;
            edited.unwrap_or(Err(PlaylistError::Closed))
        })
    }

    fn rename<'a>(&'a self, name: &'a str) -> SourceFuture<'a, ()> {
        let name = Text::from(name);
        Box::pin(async {
            // Nothing of it can be refused, as what it renames is there.
            let _ = self.in_turn(|catalog| catalog.take_name(name)).await;
        })
    }
}

impl Catalog {
    fn find(&self, database: DatabaseId, item: ItemId) -> Result<Arc<Item>, OpenError> {
        let snapshot = self.snapshot();
        let found = snapshot.database(database).and_then(|database| database.items().find(item));
        found.cloned().ok_or(OpenError::Unknown { database, item })
    }

    /// Carries out what may have to wait until another commit is done, without keeping a thread of the runtime from
    /// its work. `None` if the runtime ends before.
    async fn in_turn<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let catalog = self.clone();
        let done = tokio::task::spawn_blocking(move || step(&catalog)).await;
        match done.map_err(JoinError::try_into_panic) {
            Ok(done) => Some(done),
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => None,
        }
    }

    /// Gives the share, and the databases that have its name, another.
    fn take_name(&self, name: Text) -> Result<(), CommitError> {
        let mut model = self.model();
        let snapshot = model.snapshot();
        let mut changes = self.changes();
        for database in snapshot.databases().filter(|database| database.name == *snapshot.name()) {
            changes.rename_database(database.id, name.clone());
        }
        changes.rename(name);
        self.commit_to(&mut model, changes).map(drop)
    }

    /// Changes a playlist as a client asks.
    fn carry_out(&self, edit: PlaylistEdit) -> Result<Edited, PlaylistError> {
        let mut model = self.model();
        let snapshot = model.snapshot();
        let database = snapshot.database(edit.database);
        let database = database.ok_or(PlaylistError::NoDatabase(edit.database))?;
        let mut changes = self.changes();
        let edited = changes.edit(database, edit.change)?;
        self.commit_to(&mut model, changes).map_err(refusal)?;
        Ok(edited)
    }
}

impl Changes {
    /// Adds the change that a client asks for, if the playlist is one that clients may change.
    fn edit(
        &mut self,
        database: &Database,
        change: PlaylistChange,
    ) -> Result<Edited, PlaylistError> {
        let id = database.id;
        Ok(match change {
            PlaylistChange::Add { name } => {
                let made = database.containers().iter().filter(|container| container.editable);
                if made.count() >= MAX_PLAYLISTS {
                    return Err(PlaylistError::TooMuch);
                }
                let playlist = NewPlaylist::named(playlist_name(&name)?).editable();
                Edited::Playlist(self.add_container(id, playlist))
            }
            PlaylistChange::Remove(container) => {
                editable(database, container)?;
                self.remove_container(id, container);
                Edited::Done
            }
            PlaylistChange::Rename { container, name } => {
                editable(database, container)?;
                self.rename_container(id, container, playlist_name(&name)?);
                Edited::Done
            }
            PlaylistChange::Append { container, items } => {
                let held = editable(database, container)?.item_count;
                if held.saturating_add(items.len()) > MAX_ENTRIES {
                    return Err(PlaylistError::TooMuch);
                }
                let append = |item| self.append(id, container, item);
                Edited::Entries(items.into_iter().map(append).collect())
            }
            PlaylistChange::Take { container, entries } => {
                editable(database, container)?;
                // One that is named twice goes once.
                let entries: BTreeSet<ContainerItemId> = entries.into_iter().collect();
                entries.into_iter().for_each(|entry| self.remove_entry(id, container, entry));
                Edited::Done
            }
            PlaylistChange::Move { container, entry, after } => {
                editable(database, container)?;
                let place = after.map_or(Place::First, Place::After);
                self.move_entry(id, container, entry, place);
                Edited::Done
            }
        })
    }
}

/// The playlist, if clients may change it.
fn editable(database: &Database, id: ContainerId) -> Result<&Container, PlaylistError> {
    let container = database.container(id).ok_or(PlaylistError::NoPlaylist(id))?;
    match container.kind() {
        ContainerKind::Base => Err(PlaylistError::ReadOnly("it holds every song there is")),
        _ if !container.editable => {
            Err(PlaylistError::ReadOnly("the program that shares it keeps it as it is"))
        }
        _ => Ok(container),
    }
}

/// A refusal in the words of those who change playlists.
fn refusal(error: CommitError) -> PlaylistError {
    match error {
        CommitError::UnknownDatabase(database) => PlaylistError::NoDatabase(database),
        CommitError::UnknownContainer { container, .. } => PlaylistError::NoPlaylist(container),
        CommitError::UnknownItem { item, .. } => PlaylistError::NoSong(item),
        CommitError::UnknownEntry { container, entry, .. } => {
            PlaylistError::NoEntry { container, entry }
        }
        CommitError::IdsExhausted => PlaylistError::IdsExhausted,
        CommitError::NotAList { .. } => PlaylistError::ReadOnly("it is no list of songs"),
        _ => PlaylistError::ReadOnly("it cannot be changed so"),
    }
}
