//! Databases and containers as an author gives them.

use daap_model::{
    ContainerId, ContainerItem, ContainerItemId, DatabaseId, ItemId, PersistentId, SmartRules, Text,
};

/// A database to be added. A name alone makes one: `changes.add_database("Jazz")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDatabase {
    /// Its row id; `None` for one from the catalog.
    pub id: Option<DatabaseId>,
    /// Its persistent id; `None` for one that follows from the catalog's.
    pub persistent_id: Option<PersistentId>,
    /// Its name.
    pub name: Text,
}

impl NewDatabase {
    /// A database with this name.
    #[must_use]
    pub fn named(name: impl Into<Text>) -> Self {
        Self { id: None, persistent_id: None, name: name.into() }
    }
}

impl From<&str> for NewDatabase {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

/// A container to be added: a playlist, a folder or a smart playlist. The base container is there by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPlaylist {
    /// Its row id; `None` for one from the catalog.
    pub id: Option<ContainerId>,
    /// Its persistent id; `None` for one that follows from those of database and container.
    pub persistent_id: Option<PersistentId>,
    /// Its name.
    pub name: Text,
    /// The folder it is in; `None` at the top.
    pub parent: Option<ContainerId>,
    /// Whether clients may change it, if the server lets them change anything.
    pub editable: bool,
    /// What it holds.
    pub content: NewContent,
}

/// What a container holds that is to be added.
#[derive(Clone, Debug, PartialEq)]
pub enum NewContent {
    /// Songs, in order.
    Songs(Vec<NewEntry>),
    /// Other containers: those that name it as parent.
    Folder,
    /// The songs that match rules.
    Smart(SmartRules),
}

impl NewPlaylist {
    /// A playlist without songs.
    #[must_use]
    pub fn named(name: impl Into<Text>) -> Self {
        Self::holding(name, NewContent::Songs(Vec::new()))
    }

    /// A folder.
    #[must_use]
    pub fn folder(name: impl Into<Text>) -> Self {
        Self::holding(name, NewContent::Folder)
    }

    /// A playlist of the songs that match rules, kept up to date by itself.
    #[must_use]
    pub fn smart(name: impl Into<Text>, rules: SmartRules) -> Self {
        Self::holding(name, NewContent::Smart(rules))
    }

    fn holding(name: impl Into<Text>, content: NewContent) -> Self {
        let (id, persistent_id, parent, editable) = (None, None, None, false);
        Self { id, persistent_id, name: name.into(), parent, editable, content }
    }

    /// The playlist with these songs, in this order.
    #[must_use]
    pub fn songs(self, songs: impl IntoIterator<Item = impl Into<NewEntry>>) -> Self {
        let songs = songs.into_iter().map(Into::into).collect();
        Self { content: NewContent::Songs(songs), ..self }
    }

    /// Puts it into a folder.
    #[must_use]
    pub fn inside(self, folder: ContainerId) -> Self {
        Self { parent: Some(folder), ..self }
    }

    /// Lets clients change it, if the server lets them change anything.
    #[must_use]
    pub fn editable(self) -> Self {
        Self { editable: true, ..self }
    }

    /// Chooses its row id.
    #[must_use]
    pub fn id(self, id: ContainerId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Chooses its persistent id.
    #[must_use]
    pub fn persistent_id(self, id: PersistentId) -> Self {
        Self { persistent_id: Some(id), ..self }
    }
}

/// An entry to be added to a playlist: a song, which gets an entry id from the catalog, or a
/// [`ContainerItem`] with an entry id that the author chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The id of the entry; `None` for one from the catalog.
    pub id: Option<ContainerItemId>,
    /// The song.
    pub item: ItemId,
}

impl From<ItemId> for NewEntry {
    fn from(item: ItemId) -> Self {
        Self { id: None, item }
    }
}

impl From<ContainerItem> for NewEntry {
    fn from(entry: ContainerItem) -> Self {
        Self { id: Some(entry.id), item: entry.item }
    }
}
