//! The copy of a server's databases, brought up to date round by round.

use std::collections::BTreeMap;
use std::sync::Arc;

use daap_model::{Batch, ContainerId, Database, DatabaseId, Edit, Model, PersistentId, Snapshot};
use daap_proto::read::{self, Container, Entry, Song};
use daap_proto::{Endpoint, Field, Fields, Listing, Step};

use super::persistent::Claims;
use super::playlists::{self, Playlists, PlaylistsIn};
use super::songs::Songs;

/// What derived ids of databases follow from.
const SERVER: u64 = 0;

/// Who answers with lists: a server, or a script.
pub(super) trait Lists {
    /// Why it cannot.
    type Error;

    /// Hands the entries of a list to `take`, one by one.
    async fn list<E: Entry + Send>(
        &self,
        endpoint: Endpoint,
        take: impl FnMut(E) + Send,
    ) -> Result<End, Self::Error>;

    /// Whether what was asked for is not there, or no longer.
    fn is_missing(error: &Self::Error) -> bool;
}

/// What is known of a list once it is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// Whether it names what changed, rather than all there is.
    pub(super) is_update: bool,
    /// What went since, by row id.
    pub(super) gone: Vec<u32>,
}

/// The copy of a server's databases.
///
/// A round of reading that fails half-way leaves it as it was, but for databases that came or went: it is then to
/// be read in full, and not to be shown before.
pub(super) struct Replica {
    model: Model,
    playlists: BTreeMap<DatabaseId, Playlists>,
}

/// What a server said of a database in one round.
struct Read {
    /// The database as it was held before.
    before: Arc<Database>,
    songs: Songs,
    songs_end: End,
    playlists: Playlists,
    entries: BTreeMap<ContainerId, Vec<playlists::Entry>>,
}

impl Replica {
    /// The copy of a server that has not been read.
    pub(super) fn new(name: &str) -> Self {
        Self { model: Model::new(name), playlists: BTreeMap::new() }
    }

    /// The copy as it is.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.model.snapshot()
    }

    /// Takes over the name of the share.
    pub(super) fn rename(&mut self, name: &str) {
        self.apply(vec![Edit::Rename(name.into())]);
    }

    /// Reads what changed in a step, or all there is where the step comes from nowhere.
    pub(super) async fn read<L: Lists>(&mut self, lists: &L, step: Step) -> Result<(), L::Error> {
        let mut all = Vec::new();
        for (database, is_new) in self.read_databases(lists).await? {
            let step = if is_new { Step { delta: None, ..step } } else { step };
            all.push(self.read_database(lists, database, step).await?);
        }
        all.into_iter().for_each(|read| self.show(read));
        Ok(())
    }

    /// Reads which databases there are, and has the model hold them; tells which are new to it.
    async fn read_databases<L: Lists>(
        &mut self,
        lists: &L,
    ) -> Result<Vec<(Arc<Database>, bool)>, L::Error> {
        let mut listed = BTreeMap::new();
        let take = |database: read::Database| drop(listed.insert(database.id, database));
        lists.list(Endpoint::Databases(Step::default()), take).await?;
        let before = self.snapshot();
        let held =
            |id, wanted| before.database(id).is_some_and(|held| held.persistent_id == wanted);
        let kept = listed.values().filter_map(|row| Some((row.persistent_id?, row.id)));
        let kept =
            kept.filter(|(wanted, id)| held(*id, *wanted)).map(|(wanted, id)| (wanted, id.get()));
        let mut claims = Claims::new(SERVER, kept);
        let put: Vec<(DatabaseId, PersistentId, String)> = listed
            .into_values()
            .map(|row| (row.id, claims.claim(row.id.get(), row.persistent_id, |_| false), row.name))
            .collect();
        let stays = |id| put.iter().any(|(put, wanted, _)| *put == id && held(id, *wanted));
        let gone = before.databases().map(|held| held.id).filter(|id| !stays(*id));
        let removed: Vec<Edit> = gone.map(Edit::RemoveDatabase).collect();
        let edits = put.iter().map(|(id, persistent_id, name)| Edit::PutDatabase {
            id: *id,
            persistent_id: *persistent_id,
            name: name.as_str().into(),
        });
        self.apply(removed.into_iter().chain(edits).collect());
        let now = self.snapshot();
        self.playlists.retain(|id, _| stays(*id));
        Ok(now.databases().map(|database| (Arc::clone(database), !stays(database.id))).collect())
    }

    /// Reads what changed of a database.
    async fn read_database<L: Lists>(
        &self,
        lists: &L,
        before: Arc<Database>,
        step: Step,
    ) -> Result<Read, L::Error> {
        let database = before.id;
        let listing = |fields: &[Field], step| Listing {
            meta: Some(Fields::of(fields).into()),
            step,
            ..Listing::default()
        };
        let mut songs = Songs::new(Arc::clone(&before));
        let endpoint = Endpoint::Items { database, listing: listing(Field::ALL, step) };
        let songs_end = lists.list(endpoint, |song| songs.take(song)).await?;

        let known = self.playlists.get(&database).cloned().unwrap_or_default();
        let mut playlists = PlaylistsIn::new(known);
        let endpoint = Endpoint::Containers { database, listing: listing(CONTAINER_FIELDS, step) };
        let end = lists.list(endpoint, |container: Container| playlists.take(container)).await?;
        let (playlists, ask) = playlists.end(&end, &before);

        let mut entries = BTreeMap::new();
        for container in ask {
            let listing = listing(ENTRY_FIELDS, Step { delta: None, ..step });
            let endpoint = Endpoint::ContainerItems { database, container, listing };
            let mut read = Vec::new();
            match lists.list(endpoint, |song: Song| read.push((song.id, song.entry))).await {
                // It went a moment ago; the next round says so.
                Err(error) if !L::is_missing(&error) => return Err(error),
                _ => drop(entries.insert(container, read)),
            }
        }
        Ok(Read { before, songs, songs_end, playlists, entries })
    }

    /// Has the model hold what was read.
    fn show(&mut self, read: Read) {
        let Read { before, songs, songs_end, playlists, entries } = read;
        let songs = songs.edits(&songs_end);
        self.apply(songs.edits);
        if let Some(held) = self.snapshot().database(before.id) {
            self.apply(playlists.edits(&before, held, &entries, songs.leaves_playlists));
        }
        self.playlists.insert(before.id, playlists);
    }

    /// Changes the model. It refuses nothing of what is made here; should it, what it has stays.
    fn apply(&mut self, edits: Vec<Edit>) {
        if let Err(error) = self.model.apply(Batch::from_iter(edits)) {
            tracing::error!(%error, "what a server says cannot be held");
        }
    }
}

/// What is asked of a container. How many entries it has is always said.
const CONTAINER_FIELDS: &[Field] = &[
    Field::Id,
    Field::Name,
    Field::PersistentId,
    Field::ParentContainerId,
    Field::HasChildContainers,
];

/// What is asked of an entry: which song it is.
const ENTRY_FIELDS: &[Field] = &[Field::ItemKind, Field::Id, Field::ContainerItemId];
