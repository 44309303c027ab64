//! Telling a library what a share has.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use daap_model::diff::DatabaseDiff;
use daap_model::{Container, ContainerId, ContainerKind, Database, Diff, Item, Model, Snapshot};
use library::{
    Authority, Change, Closed, Known, Playlist, PlaylistContent, Recorded, Report, ScanPhase,
    SourceKey, Stamp,
};
use relay::Relay;

use crate::key;

/// How often it is told how far a telling is, in songs.
const TELL_EVERY: u64 = 256;

/// Tells a library what a share has, by what differs from what was told before.
pub(crate) struct Teller {
    report: Report,
    relay: Relay,
    /// What was told in this run.
    told: Arc<Snapshot>,
    /// What was told in earlier runs, until something is told in this one.
    known: Option<Known>,
    away: bool,
    done: u64,
}

impl Teller {
    pub(crate) fn new(report: Report, relay: Relay, known: Known) -> Self {
        Self { report, relay, told: nothing(), known: Some(known), away: false, done: 0 }
    }

    /// Whether nothing was told yet in this run.
    pub(crate) fn is_silent(&self) -> bool {
        self.known.is_some() && !self.away
    }

    /// Tells what the share has now, and waits until it is listed.
    pub(crate) async fn tell(&mut self, now: Arc<Snapshot>) -> Result<(), Closed> {
        let diff = Diff::between(&self.told, &now);
        let is_news = !diff.is_empty() || self.known.is_some() || self.away;
        if !is_news {
            return Ok(());
        }
        if !now.name().is_empty() {
            self.report.named(now.name().clone()).await?;
        }
        self.tell_diff(&diff).await?;
        if let Some(known) = self.known.take() {
            self.forget_others(known, &now).await?;
        }
        if mem::take(&mut self.away) {
            self.report.change(Change::Back(songs(&now).map(|(key, _)| key).collect())).await?;
        }
        self.told = now;
        self.report.settled().await
    }

    /// Tells that nothing of the share is to be listed.
    pub(crate) async fn tell_nothing(&mut self) -> Result<(), Closed> {
        self.tell(nothing()).await
    }

    /// Tells that the share cannot be reached.
    pub(crate) async fn tell_away(&mut self) -> Result<(), Closed> {
        if mem::replace(&mut self.away, true) {
            return Ok(());
        }
        let known = self.known.iter().flat_map(|known| known.songs.keys().cloned());
        let away = known.chain(songs(&self.told).map(|(key, _)| key)).collect();
        self.report.change(Change::Away(away)).await?;
        self.report.settled().await
    }

    async fn tell_diff(&mut self, diff: &Diff) -> Result<(), Closed> {
        let total = songs(&diff.after).count() as u64;
        self.done = 0;
        self.report.scan(|scan| {
            (scan.phase, scan.total, scan.done) = (ScanPhase::Scanning, total, 0);
        });
        for database in &diff.databases.removed {
            self.remove_database(database).await?;
        }
        for database in &diff.databases.changed {
            self.change_database(database).await?;
        }
        for database in &diff.databases.added {
            self.add_database(database).await?;
        }
        self.report.scan(|scan| scan.done = total);
        Ok(())
    }

    async fn add_database(&mut self, database: &Database) -> Result<(), Closed> {
        for item in database.items().iter() {
            self.put_song(database, item).await?;
        }
        for container in database.containers() {
            self.put_playlist(database, container).await?;
        }
        Ok(())
    }

    async fn remove_database(&self, database: &Database) -> Result<(), Closed> {
        for item in database.items().iter() {
            self.remove_song(database, item).await?;
        }
        for container in database.containers() {
            self.remove_playlist(database, container).await?;
        }
        Ok(())
    }

    async fn change_database(&mut self, diff: &DatabaseDiff) -> Result<(), Closed> {
        let DatabaseDiff { before, after, items, containers } = diff;
        if before.persistent_id != after.persistent_id {
            self.remove_database(before).await?;
            return self.add_database(after).await;
        }
        for item in &items.removed {
            self.remove_song(before, item).await?;
        }
        for item in &items.changed {
            if item.before.persistent_id != item.after.persistent_id {
                self.remove_song(before, &item.before).await?;
            } else if stamp(&item.before) != stamp(&item.after) {
                self.relay.forget(&key::of_song(after, &item.after));
            }
        }
        for item in items.changed.iter().map(|item| &item.after).chain(&items.added) {
            self.put_song(after, item).await?;
        }
        for container in &containers.removed {
            self.remove_playlist(before, container).await?;
        }
        for container in &containers.changed {
            if container.before.persistent_id != container.after.persistent_id {
                self.remove_playlist(before, &container.before).await?;
            }
        }
        let changed = containers.changed.iter().map(|container| &container.after);
        for container in changed.chain(&containers.added) {
            self.put_playlist(after, container).await?;
        }
        Ok(())
    }

    async fn put_song(&mut self, database: &Database, item: &Item) -> Result<(), Closed> {
        let (key, stamp) = (key::of_song(database, item), stamp(item));
        let track = Box::new(item.track.clone());
        self.report.change(Change::Song { key: key.clone(), stamp, track }).await?;
        let recorded = recorded(item);
        if recorded != Recorded::default() {
            let authority = Authority::Witness;
            self.report.change(Change::Usage { key, recorded, authority }).await?;
        }
        self.done += 1;
        if self.done.is_multiple_of(TELL_EVERY) {
            self.report.scan(|scan| scan.done = self.done);
        }
        Ok(())
    }

    async fn remove_song(&self, database: &Database, item: &Item) -> Result<(), Closed> {
        let key = key::of_song(database, item);
        self.relay.forget(&key);
        self.report.change(Change::Gone(key)).await
    }

    async fn put_playlist(&self, database: &Database, list: &Container) -> Result<(), Closed> {
        if list.kind() == ContainerKind::Base {
            return Ok(());
        }
        let parent = list.parent.and_then(|parent| database.container(parent));
        let song = |entry: &daap_model::ContainerItem| {
            database.items().find(entry.item).map(|item| key::of_song(database, item))
        };
        let content = match list.kind() {
            ContainerKind::Folder => PlaylistContent::Folder,
            _ => PlaylistContent::Songs(list.playlist().iter().filter_map(song).collect()),
        };
        let playlist = Playlist {
            key: key::of_playlist(database, list),
            stamp: Stamp::default(),
            name: list.name.clone(),
            parent: parent.map(|parent| key::of_playlist(database, parent)),
            content,
        };
        self.report.change(Change::Playlist(playlist)).await
    }

    async fn remove_playlist(&self, database: &Database, list: &Container) -> Result<(), Closed> {
        if list.id == ContainerId::BASE {
            return Ok(());
        }
        self.report.change(Change::PlaylistGone(key::of_playlist(database, list))).await
    }

    /// Tells that what was told in earlier runs and is not there now is gone.
    async fn forget_others(&self, known: Known, now: &Snapshot) -> Result<(), Closed> {
        let there: HashSet<SourceKey> = songs(now)
            .map(|(key, item)| {
                if known.songs.get(&key).is_some_and(|known| *known != stamp(item)) {
                    self.relay.forget(&key);
                }
                key
            })
            .collect();
        for key in known.songs.into_keys().filter(|key| !there.contains(key)) {
            self.report.change(Change::Gone(key)).await?;
        }
        let lists = now.databases().flat_map(|database| {
            database.containers().iter().map(|list| key::of_playlist(database, list))
        });
        let there: HashSet<SourceKey> = lists.collect();
        for key in known.playlists.into_keys().filter(|key| !there.contains(key)) {
            self.report.change(Change::PlaylistGone(key)).await?;
        }
        Ok(())
    }
}

/// A share that has nothing.
fn nothing() -> Arc<Snapshot> {
    Model::new("").snapshot()
}

/// Every song of a share.
fn songs(share: &Snapshot) -> impl Iterator<Item = (SourceKey, &Item)> {
    share.databases().flat_map(|database| {
        database.items().iter().map(|item| (key::of_song(database, item), item))
    })
}

/// By what to see that the sound of a song is another.
fn stamp(item: &Item) -> Stamp {
    let modified_ns = i64::from(item.track.modified.0) * 1_000_000_000;
    Stamp { size: item.track.size, modified_ns, file: 0 }
}

/// What listeners did with a song on the share.
fn recorded(item: &Item) -> Recorded {
    let usage = &item.usage;
    let count = |count: u32| Some(count).filter(|count| *count > 0);
    Recorded {
        rating: Some(usage.rating).filter(|rating| *rating > 0),
        play_count: count(usage.play_count),
        skip_count: count(usage.skip_count),
        last_played: Some(usage.last_played).filter(|time| time.0 > 0),
        added: Some(usage.added).filter(|time| time.0 > 0),
    }
}
