//! Changes on their way into a catalog.

use std::fmt;
use std::sync::Arc;

use daap_model::{
    ContainerId, ContainerItem, ContainerItemId, CustomField, DatabaseId, ItemId, NewItem,
    PersistentId, SmartRules, Text,
};

use super::container::{NewContent, NewDatabase, NewEntry, NewPlaylist};
use super::ids::{Exhausted, Ids, RowId};
use super::media::Media;
use super::song::{NewSong, Song};

/// Changes that become visible together, as one revision, once they are
/// [committed](crate::Catalog::commit). Dropping them changes nothing.
///
/// They are carried out in order, upon the catalog as it is when they are committed, whatever it was when they
/// were begun. Ids are given at once, so that a song can be put into a playlist right after it was added.
pub struct Changes {
    pub(super) ids: Arc<Ids>,
    pub(super) steps: Vec<Step>,
    /// An id was wanted when there was none left.
    pub(super) exhausted: bool,
}

/// One change.
pub(super) enum Step {
    Rename(Text),
    Define(CustomField),
    AddDatabase { id: DatabaseId, persistent_id: PersistentId, name: Text },
    RenameDatabase(DatabaseId, Text),
    RemoveDatabase(DatabaseId),
    Item { database: DatabaseId, item: ItemId, step: ItemStep },
    Container { database: DatabaseId, container: ContainerId, step: ContainerStep },
}

/// A change of a song.
pub(super) enum ItemStep {
    /// With what goes along with it, if anything does.
    Add(Box<NewItem>, Option<Arc<Media>>),
    Change(Box<dyn FnOnce(&mut Song) + Send>),
    Touch,
    Remove,
}

/// A change of a container.
pub(super) enum ContainerStep {
    Add(PersistentId, Box<NewPlaylist>),
    Rename(Text),
    Move(Option<ContainerId>),
    SetEditable(bool),
    SetRules(Box<SmartRules>),
    Remove,
    Fill(Vec<NewEntry>),
    Insert(ContainerItem, Place),
    MoveEntry(ContainerItemId, Place),
    RemoveEntry(ContainerItemId),
}

/// A place in a playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all entries.
    First,
    /// Right after this entry.
    After(ContainerItemId),
    /// After all entries.
    Last,
}

impl Changes {
    pub(super) fn new(ids: Arc<Ids>) -> Self {
        Self { ids, steps: Vec::new(), exhausted: false }
    }

    /// Whether there is no change among them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Gives the share another name.
    pub fn rename(&mut self, name: impl Into<Text>) {
        self.steps.push(Step::Rename(name.into()));
    }

    /// Lets songs have a field from now on.
    pub fn define(&mut self, field: CustomField) {
        self.steps.push(Step::Define(field));
    }

    /// Adds a database.
    pub fn add_database(&mut self, database: impl Into<NewDatabase>) -> DatabaseId {
        let NewDatabase { id, persistent_id, name } = database.into();
        let id = self.id(id);
        let persistent_id = persistent_id.unwrap_or_else(|| self.ids.database(id));
        self.steps.push(Step::AddDatabase { id, persistent_id, name });
        id
    }

    /// Gives a database another name.
    pub fn rename_database(&mut self, database: DatabaseId, name: impl Into<Text>) {
        self.steps.push(Step::RenameDatabase(database, name.into()));
    }

    /// Removes a database with all that is in it.
    pub fn remove_database(&mut self, database: DatabaseId) {
        self.steps.push(Step::RemoveDatabase(database));
    }

    /// Adds a song.
    pub fn add_item(&mut self, database: DatabaseId, song: impl Into<NewSong>) -> ItemId {
        let NewSong { id, persistent_id, song } = song.into();
        let id = self.id(id);
        let persistent_id = persistent_id.unwrap_or_else(|| self.ids.item(database, id));
        let (new, media) = song.into_parts(id, persistent_id);
        self.item(database, id, ItemStep::Add(Box::new(new), media));
        id
    }

    /// Changes a song as the closure says. It is given the song as it is when it is its turn, so that two
    /// programs that change different things of one song do not undo each other's work.
    ///
    /// The closure runs while the changes are committed, and cannot commit others itself. If it panics,
    /// [`commit`](crate::Catalog::commit) does, and nothing is changed.
    pub fn change_item(
        &mut self,
        database: DatabaseId,
        item: ItemId,
        change: impl FnOnce(&mut Song) + Send + 'static,
    ) {
        self.item(database, item, ItemStep::Change(Box::new(change)));
    }

    /// Has clients take a song for changed though it looks as before: what the
    /// [`Provider`](crate::Provider) gives for it is something else now.
    pub fn touch_item(&mut self, database: DatabaseId, item: ItemId) {
        self.item(database, item, ItemStep::Touch);
    }

    /// Removes a song, from its database and from every playlist.
    pub fn remove_item(&mut self, database: DatabaseId, item: ItemId) {
        self.item(database, item, ItemStep::Remove);
    }

    /// Adds a playlist, a folder or a smart playlist.
    pub fn add_container(
        &mut self,
        database: DatabaseId,
        container: impl Into<NewPlaylist>,
    ) -> ContainerId {
        let mut new = container.into();
        let id = self.id(new.id);
        let persistent_id = new.persistent_id.unwrap_or_else(|| self.ids.container(database, id));
        let songs = match &mut new.content {
            NewContent::Songs(songs) => std::mem::take(songs),
            NewContent::Folder | NewContent::Smart(_) => Vec::new(),
        };
        self.container(database, id, ContainerStep::Add(persistent_id, Box::new(new)));
        if !songs.is_empty() {
            self.fill(database, id, songs);
        }
        id
    }

    /// Gives a container another name.
    pub fn rename_container(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        name: impl Into<Text>,
    ) {
        self.container(database, container, ContainerStep::Rename(name.into()));
    }

    /// Moves a container into a folder, or with `None` to the top.
    pub fn move_container(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        folder: Option<ContainerId>,
    ) {
        self.container(database, container, ContainerStep::Move(folder));
    }

    /// Sets whether clients may change a container, if the server lets them change anything.
    pub fn set_editable(&mut self, database: DatabaseId, container: ContainerId, editable: bool) {
        self.container(database, container, ContainerStep::SetEditable(editable));
    }

    /// Gives a smart playlist other rules.
    pub fn set_rules(&mut self, database: DatabaseId, container: ContainerId, rules: SmartRules) {
        self.container(database, container, ContainerStep::SetRules(Box::new(rules)));
    }

    /// Removes a container. What was inside a folder moves up to the folder's parent.
    pub fn remove_container(&mut self, database: DatabaseId, container: ContainerId) {
        self.container(database, container, ContainerStep::Remove);
    }

    /// Adds an entry at the end of a playlist. A song may occur more than once.
    pub fn append(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        entry: impl Into<NewEntry>,
    ) -> ContainerItemId {
        self.insert(database, container, entry, Place::Last)
    }

    /// Adds an entry at a place of a playlist.
    pub fn insert(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        entry: impl Into<NewEntry>,
        place: Place,
    ) -> ContainerItemId {
        let NewEntry { id, item } = entry.into();
        let id = self.id(id);
        let entry = ContainerItem { id, item };
        self.container(database, container, ContainerStep::Insert(entry, place));
        id
    }

    /// Moves an entry to another place of its playlist.
    pub fn move_entry(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        entry: ContainerItemId,
        place: Place,
    ) {
        self.container(database, container, ContainerStep::MoveEntry(entry, place));
    }

    /// Removes an entry from a playlist.
    pub fn remove_entry(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        entry: ContainerItemId,
    ) {
        self.container(database, container, ContainerStep::RemoveEntry(entry));
    }

    /// Has a playlist hold these songs and no others, in this order. Songs that are in it keep the ids of
    /// their entries, so that filling it again with what it holds changes nothing.
    pub fn fill(
        &mut self,
        database: DatabaseId,
        container: ContainerId,
        entries: impl IntoIterator<Item = impl Into<NewEntry>>,
    ) {
        let entries: Vec<NewEntry> = entries.into_iter().map(Into::into).collect();
        for chosen in entries.iter().filter(|entry| entry.id.is_some()) {
            self.id(chosen.id);
        }
        self.container(database, container, ContainerStep::Fill(entries));
    }

    fn item(&mut self, database: DatabaseId, item: ItemId, step: ItemStep) {
        self.steps.push(Step::Item { database, item, step });
    }

    fn container(&mut self, database: DatabaseId, container: ContainerId, step: ContainerStep) {
        self.steps.push(Step::Container { database, container, step });
    }

    /// The id that was chosen, or a new one. When there are none left the changes are of no use any more.
    fn id<Id: RowId>(&mut self, chosen: Option<Id>) -> Id {
        self.ids.chosen_or_next(chosen).unwrap_or_else(|Exhausted| {
            self.exhausted = true;
            Id::HIGHEST
        })
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}
