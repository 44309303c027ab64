//! What a server says of the containers of a database, and what a model can hold of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use daap_model::{
    ContainerContent, ContainerId, ContainerItem, ContainerItemId, ContainerKind, Database, Edit,
    ItemId, NewContainer, PersistentId,
};
use daap_proto::read::Container;

use super::End;
use super::persistent::Claims;

/// Folders lie at most this deep; what lies deeper is shown at the top, and so are folders that lie in each other.
const MAX_DEPTH: usize = 32;

/// What a server says of the containers of a database, by its own ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Playlists {
    rows: BTreeMap<ContainerId, Container>,
}

/// A list of containers on its way in.
pub(super) struct PlaylistsIn {
    before: Playlists,
    listed: BTreeMap<ContainerId, Container>,
}

/// An entry of a playlist, as a server says it: a song, and perhaps an id of the entry.
pub(super) type Entry = (ItemId, Option<ContainerItemId>);

/// A container as the model can hold it.
struct Shown<'a> {
    row: &'a Container,
    /// Its id with the model: that of the server, unless the model keeps that for its own.
    id: ContainerId,
    persistent_id: PersistentId,
    parent: Option<ContainerId>,
    is_folder: bool,
}

impl PlaylistsIn {
    /// A list of the containers of a database, of which this was known before.
    pub(super) fn new(before: Playlists) -> Self {
        Self { before, listed: BTreeMap::new() }
    }

    /// Takes in a container. One that is listed twice is what the list says last.
    pub(super) fn take(&mut self, container: Container) {
        self.listed.insert(container.id, container);
    }

    /// The list is complete: what is known now, and those containers of which it is to be asked what they hold.
    pub(super) fn end(self, end: &End, held: &Database) -> (Playlists, Vec<ContainerId>) {
        let Self { before, listed } = self;
        let changed: BTreeSet<ContainerId> = listed.keys().copied().collect();
        let mut rows = if end.is_update { before.rows } else { BTreeMap::new() };
        rows.retain(|id, _| !end.gone.contains(&id.get()));
        rows.extend(listed);
        let playlists = Playlists { rows };
        let is_new = |id| {
            let held = held.container(id);
            held.is_none_or(|held| held.kind() != ContainerKind::Playlist)
        };
        let lists = playlists.shown(held).into_iter().filter(|shown| !shown.is_folder);
        let ask = lists.filter(|shown| changed.contains(&shown.row.id) || is_new(shown.id));
        let ask = ask.map(|shown| shown.row.id).collect();
        (playlists, ask)
    }
}

impl Playlists {
    /// What the model has to change to show these containers, and in them what was `read` of them, or else was there
    /// `before`. The database is `held` with its songs as they are now; if some of these left their playlists on the
    /// way, `all` are to be put.
    pub(super) fn edits(
        &self,
        before: &Database,
        held: &Database,
        read: &BTreeMap<ContainerId, Vec<Entry>>,
        all: bool,
    ) -> Vec<Edit> {
        let (database, shown) = (held.id, self.shown(held));
        let by_id: BTreeMap<_, _> = shown.iter().map(|shown| (shown.id, shown)).collect();
        // Ids for ever may go round in a ring: all that differ are given up before any is given.
        let goes = |id: &ContainerId, persistent_id| {
            by_id.get(id).is_none_or(|shown| shown.persistent_id != persistent_id)
        };
        let there = held.containers().iter().filter(|there| there.id != ContainerId::BASE);
        let removed = there.filter(|there| goes(&there.id, there.persistent_id));
        let mut edits: Vec<Edit> =
            removed.map(|there| Edit::RemoveContainer { database, container: there.id }).collect();
        let all = all || !edits.is_empty();
        let due = shown
            .iter()
            .filter(|shown| all || read.contains_key(&shown.row.id) || shown.differs_from(held));
        edits.extend(due.map(|shown| {
            let container = match read.get(&shown.row.id) {
                Some(read) => shown.container(read, held),
                None => shown.container(&entries(before, shown.id), held),
            };
            Edit::PutContainer { database, container }
        }));
        edits
    }

    /// The containers but for the base one, which the model makes itself.
    fn shown(&self, held: &Database) -> Vec<Shown<'_>> {
        let base = self.rows.values().find(|row| row.is_base).map(|row| row.id);
        // The model has the lowest id for its base container; the server has that of its own to spare.
        let ours = |theirs| match theirs {
            ContainerId::BASE => base.unwrap_or(ContainerId::HIGHEST),
            other => other,
        };
        let lists = || self.rows.values().filter(|row| !row.is_base);
        let folders: HashSet<ContainerId> = lists().filter_map(|row| self.folder_of(row)).collect();
        let mut claims = self.claims(held, ours);
        let of_base = held.container(ContainerId::BASE).map(|base| base.persistent_id);
        let shown = lists().map(|row| Shown {
            row,
            id: ours(row.id),
            persistent_id: claims
                .claim(ours(row.id).get(), row.persistent_id, |id| of_base == Some(id)),
            parent: self.folder_of(row).map(ours),
            is_folder: row.is_folder || folders.contains(&row.id),
        });
        shown.collect()
    }

    /// Those that are held with the ids for ever that the server gives them keep these.
    fn claims(&self, held: &Database, ours: impl Fn(ContainerId) -> ContainerId) -> Claims {
        let kept = self.rows.values().filter(|row| !row.is_base).filter_map(|row| {
            let held = held.container(ours(row.id))?.persistent_id;
            (row.persistent_id == Some(held)).then_some((held, ours(row.id).get()))
        });
        Claims::new(held.persistent_id.get(), kept)
    }

    /// The folder that a container is in, if it is there.
    fn folder_of(&self, row: &Container) -> Option<ContainerId> {
        let above = |row: &Container| self.rows.get(&row.parent?).filter(|above| !above.is_base);
        let folder = above(row)?;
        let (mut at, mut lowest) = (folder, row.id);
        for _ in 0..MAX_DEPTH {
            if at.id == row.id {
                // A ring of folders is opened at one of them.
                return (lowest != row.id).then_some(folder.id);
            }
            lowest = lowest.min(at.id);
            match above(at) {
                Some(next) => at = next,
                None => return Some(folder.id),
            }
        }
        None
    }
}

impl Shown<'_> {
    /// Whether it is another than is held, whatever it holds.
    fn differs_from(&self, held: &Database) -> bool {
        held.container(self.id).is_none_or(|held| {
            held.persistent_id != self.persistent_id
                || *held.name != *self.row.name
                || held.parent != self.parent
                || (held.kind() == ContainerKind::Folder) != self.is_folder
        })
    }

    /// The container with these of its entries whose songs are there, each with an id of its own.
    fn container(&self, entries: &[Entry], held: &Database) -> NewContainer {
        NewContainer {
            id: self.id,
            persistent_id: self.persistent_id,
            name: self.row.name.as_str().into(),
            parent: self.parent,
            editable: false,
            content: match self.is_folder {
                true => ContainerContent::Folder,
                false => ContainerContent::Items(sound(entries, held)),
            },
        }
    }
}

/// The entries that a playlist is held with.
fn entries(held: &Database, id: ContainerId) -> Vec<Entry> {
    let entries = held.container(id).map_or(&[][..], |held| held.playlist());
    entries.iter().map(|entry| (entry.item, Some(entry.id))).collect()
}

/// The entries of a playlist whose songs are there, each with an id of its own.
fn sound(entries: &[Entry], held: &Database) -> Vec<ContainerItem> {
    let mut used = HashSet::with_capacity(entries.len());
    let there = entries.iter().filter(|(item, _)| held.items().find(*item).is_some());
    let named: Vec<Entry> = there
        .map(|(item, id)| (*item, id.unwrap_or(ContainerItem::of(*item).id)))
        .map(|(item, id)| (item, Some(id).filter(|id| used.insert(*id))))
        .collect();
    let mut free = (1..).map_while(ContainerItemId::new).filter(|id| !used.contains(id));
    let named = named.into_iter();
    named
        .filter_map(|(item, id)| Some(ContainerItem { id: id.or_else(|| free.next())?, item }))
        .collect()
}

#[cfg(test)]
mod tests {
    use daap_model::{Batch, Custom, DatabaseId, Model, NewItem, Track, Usage};

    use super::*;

    const DB: DatabaseId = DatabaseId::LOWEST;

    fn id(number: u32) -> ContainerId {
        ContainerId::new(number).unwrap()
    }

    fn item(number: u32) -> ItemId {
        ItemId::new(number).unwrap()
    }

    /// A container with this id, in the one with that; 0 is none.
    fn row(number: u32, parent: u32) -> Container {
        Container {
            id: id(number),
            persistent_id: None,
            name: number.to_string(),
            items: None,
            parent: ContainerId::new(parent),
            is_base: false,
            is_smart: false,
            is_folder: false,
        }
    }

    fn base(number: u32) -> Container {
        Container { is_base: true, ..row(number, 0) }
    }

    /// A model with the songs 1 and 2.
    fn model() -> Model {
        let mut model = Model::new("");
        let persistent_id = PersistentId::new(9);
        let put = Edit::PutDatabase { id: DB, persistent_id, name: "music".into() };
        let song = |number: u32| Edit::PutItem {
            database: DB,
            item: NewItem {
                id: item(number),
                persistent_id: PersistentId::new(number.into()),
                track: Track::default(),
                usage: Usage::default(),
                custom: Custom::NONE,
            },
        };
        model.apply(Batch::from_iter([put, song(1), song(2)])).unwrap();
        model
    }

    /// What a model shows of these containers: id, folder, whether it is one; by id.
    #[track_caller]
    fn check(rows: impl IntoIterator<Item = Container>, expected: &[(u32, Option<u32>, bool)]) {
        let mut model = model();
        let before = model.snapshot().database(DB).unwrap().clone();
        let mut listed = PlaylistsIn::new(Playlists::default());
        rows.into_iter().for_each(|row| listed.take(row));
        let (playlists, _) = listed.end(&End::default(), &before);
        let edits = playlists.edits(&before, &before, &BTreeMap::new(), false);
        model.apply(Batch::from_iter(edits)).unwrap();
        let snapshot = model.snapshot();
        let shown = snapshot.database(DB).unwrap().containers().iter().skip(1);
        let mut shown: Vec<_> = shown
            .map(|shown| {
                let is_folder = shown.kind() == ContainerKind::Folder;
                (shown.id.get(), shown.parent.map(ContainerId::get), is_folder)
            })
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_others_are_in_is_a_folder() {
        check([base(1), row(2, 3), row(3, 0)], &[(2, Some(3), false), (3, None, true)]);
        let folder = Container { is_folder: true, ..row(2, 0) };
        check([base(1), folder], &[(2, None, true)]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_the_top() {
        check([base(1), row(2, 7), row(3, 1)], &[(2, None, false), (3, None, false)]);
    }

    #[test]
    fn a_ring_of_folders_is_opened_at_the_lowest_and_what_hangs_on_it_is_at_the_top() {
        let ring = [row(2, 3), row(3, 4), row(4, 2), row(5, 4)];
        let expected = [(2, None, true), (3, Some(4), false), (4, Some(2), true), (5, None, false)];
        check(ring, &expected);
        check([row(2, 2)], &[(2, None, false)]);
    }

    #[test]
    fn what_lies_too_deep_is_shown_at_the_top() {
        let deep = MAX_DEPTH as u32 + 3;
        let rows = (2..=deep).map(|number| row(number, number - 1));
        let depth = |number| (number > 2).then(|| number - 1);
        let expected: Vec<_> = (2..=deep)
            .map(|number| match number {
                _ if number == deep => (number, None, false),
                _ if number + 1 == deep => (number, depth(number), false),
                _ => (number, depth(number), true),
            })
            .collect();
        check(rows, &expected);
    }

    #[test]
    fn a_playlist_with_the_id_of_our_base_has_that_of_theirs() {
        check([base(70), row(1, 0), row(2, 1)], &[(2, Some(70), false), (70, None, true)]);
        check([row(1, 0)], &[(ContainerId::HIGHEST.get(), None, false)]);
    }

    #[test]
    fn entries_have_ids_of_their_own_and_songs_that_are_there() {
        let model = model();
        let snapshot = model.snapshot();
        let held = snapshot.database(DB).unwrap();
        let entry = |number| ContainerItemId::new(number);
        let read = [(1, entry(5)), (9, entry(6)), (2, None), (1, entry(5)), (2, None)];
        let read: Vec<Entry> = read.map(|(number, id)| (item(number), id)).into();
        let sound: Vec<_> =
            sound(&read, held).iter().map(|one| (one.item.get(), one.id.get())).collect();
        assert_eq!(sound, [(1, 5), (2, 2), (1, 1), (2, 3)]);
    }
}
