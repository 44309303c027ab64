//! What the library holds of one source, and what it makes of the source's reports.

use std::collections::hash_map::Entry;
use std::mem;

use daap_model::{Item, ItemId, PersistentId, Timestamp, Track, Usage};
use foldhash::HashMap;

use crate::books::{Grace, grace};
use crate::handle::Note;
use crate::ledger::{IdsExhausted, Kind, Ledger, Moment};
use crate::persist::{PlaylistRow, SongRow, SourceRow};
use crate::report::Known;
use crate::source::{Authority, Change, Recorded, SourceKey, Stamp, Use};

/// What the library holds of one source. The facts about a song are not here: they are in the model once
/// they are saved, and in the pending rows until then.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) row: SourceRow,
    /// The persistent id of the database.
    pub(crate) database: PersistentId,
    /// Whether the library runs with this source.
    pub(crate) shared: bool,
    /// Whether the source has settled in this run.
    pub(crate) settled: bool,
    /// The playlist of what is starred, which clients may change.
    pub(crate) starred: Option<SourceKey>,
    pub(crate) songs: HashMap<SourceKey, Song>,
    pub(crate) playlists: HashMap<SourceKey, PlaylistRow>,
    /// By a song's key, the playlists that hold it, there or not.
    pub(crate) mentions: HashMap<SourceKey, Vec<SourceKey>>,
}

/// What is kept of a song beside the model.
#[derive(Debug)]
pub(crate) struct Song {
    pub(crate) id: ItemId,
    pub(crate) stamp: Stamp,
    pub(crate) away_since: Option<Timestamp>,
    /// Whether the source said in this run that it is away.
    pub(crate) told_away: bool,
}

impl Shelf {
    /// An empty shelf.
    pub(crate) fn new(row: SourceRow, database: PersistentId, shared: bool) -> Self {
        Self {
            row,
            database,
            shared,
            settled: false,
            starred: None,
            songs: HashMap::default(),
            playlists: HashMap::default(),
            mentions: HashMap::default(),
        }
    }

    /// What a source is told of its earlier runs.
    pub(crate) fn known(&self) -> Known {
        let songs = self.songs.iter().map(|(key, song)| (key.clone(), song.stamp));
        let away = self.songs.iter().filter(|(_, song)| song.away_since.is_some());
        let away = away.map(|(key, _)| key.clone());
        let playlists = self.playlists.iter().map(|(key, row)| (key.clone(), row.stamp));
        Known { songs: songs.collect(), away: away.collect(), playlists: playlists.collect() }
    }

    /// Puts a song there; `false` if another has its key.
    pub(crate) fn enter_song(&mut self, row: &SongRow) -> bool {
        let Entry::Vacant(place) = self.songs.entry(row.key.clone()) else { return false };
        let SongRow { id, stamp, away_since, .. } = *row;
        place.insert(Song { id, stamp, away_since, told_away: false });
        true
    }

    /// Puts a playlist there that was saved earlier.
    pub(crate) fn enter_playlist(&mut self, row: PlaylistRow) {
        self.mention(&row);
        self.playlists.insert(row.key.clone(), row);
    }

    /// Takes in what the source reports.
    pub(crate) fn change(
        &mut self,
        change: Change,
        ledger: &mut Ledger,
        moment: Moment<'_>,
    ) -> Result<(), IdsExhausted> {
        match change {
            Change::Song { key, stamp, track } => self.song(key, stamp, *track, ledger, moment)?,
            Change::Moved { from, to, stamp } => self.moved(&from, to, stamp, ledger, moment),
            Change::Gone(key) => self.gone(&key, ledger, moment),
            Change::Away(keys) => self.away(&keys, ledger, moment.now),
            Change::Back(keys) => self.back(&keys, ledger),
            Change::Playlist(playlist) => self.playlist(playlist, ledger)?,
            Change::PlaylistGone(key) => self.playlist_gone(&key, ledger),
            Change::Usage { key, recorded, authority } => {
                let take_over = |usage: &mut Usage| match authority {
                    Authority::Witness => add(usage, recorded),
                    Authority::Master => obey(usage, recorded),
                };
                self.amend(&key, take_over, ledger, moment);
            }
        }
        Ok(())
    }

    fn song(
        &mut self,
        key: SourceKey,
        stamp: Stamp,
        track: Track,
        ledger: &mut Ledger,
        moment: Moment<'_>,
    ) -> Result<(), IdsExhausted> {
        let Some(song) = self.songs.get_mut(&key) else {
            return self.new_song(key, stamp, track, ledger, moment);
        };
        let was = (mem::replace(&mut song.stamp, stamp), song.away_since.take());
        song.told_away = false;
        let id = song.id;
        if was == (stamp, None)
            && self.facts(id, ledger, moment).is_some_and(|(now, _)| now == track)
        {
            return Ok(());
        }
        if let Some(row) = self.draft(&key, ledger, moment) {
            row.track = track;
            if was.0 != stamp {
                row.usage.measured = None;
            }
        }
        Ok(())
    }

    fn new_song(
        &mut self,
        key: SourceKey,
        stamp: Stamp,
        track: Track,
        ledger: &mut Ledger,
        moment: Moment<'_>,
    ) -> Result<(), IdsExhausted> {
        let id = ledger.new_item()?;
        let row = SongRow {
            id,
            persistent_id: ledger.new_persistent_id(self.database, Kind::Song, &key),
            source: self.row.id,
            key: key.clone(),
            stamp,
            away_since: None,
            track,
            usage: Usage { added: moment.now, ..Usage::default() },
        };
        self.enter_song(&row);
        ledger.pending.rows.songs.insert(id, Some(Box::new(row)));
        self.relist_mentions(&key, ledger);
        Ok(())
    }

    fn moved(
        &mut self,
        from: &SourceKey,
        to: SourceKey,
        stamp: Stamp,
        ledger: &mut Ledger,
        moment: Moment<'_>,
    ) {
        let Some(song) = self.songs.remove(from) else {
            tracing::warn!(source = self.row.name, %from, %to, "a song moved that nobody reported");
            return;
        };
        if self.songs.contains_key(&to) {
            self.gone(&to, ledger, moment);
        }
        self.songs.insert(to.clone(), Song { stamp, away_since: None, told_away: false, ..song });
        self.retarget(from, &to, ledger);
        self.relist_mentions(&to, ledger);
        if let Some(row) = self.draft(&to, ledger, moment)
            && song.stamp != stamp
        {
            row.usage.measured = None;
        }
    }

    /// Takes a song off the shelf for good.
    pub(crate) fn gone(&mut self, key: &SourceKey, ledger: &mut Ledger, moment: Moment<'_>) {
        let Some(song) = self.songs.remove(key) else { return };
        let shown = moment.item(self.row.database, song.id);
        let pending = ledger.pending_song(song.id).map(|row| row.persistent_id);
        if let Some(id) = pending.or(shown.map(|item| item.persistent_id)) {
            ledger.release(id);
        }
        ledger.remove_song(song.id, shown.is_some());
        self.relist_mentions(key, ledger);
    }

    fn away(&mut self, keys: &[SourceKey], ledger: &mut Ledger, now: Timestamp) {
        for key in keys {
            let Some(song) = self.songs.get_mut(key) else { continue };
            song.told_away = true;
            if song.away_since.is_none() {
                song.away_since = Some(now);
                ledger.set_away(song.id, song.away_since);
            }
        }
    }

    fn back(&mut self, keys: &[SourceKey], ledger: &mut Ledger) {
        for key in keys {
            let Some(song) = self.songs.get_mut(key) else { continue };
            song.told_away = false;
            if song.away_since.take().is_some() {
                ledger.set_away(song.id, None);
            }
        }
    }

    /// Takes in that the source has told all it has: what was away in an earlier run and was not reported
    /// as away again is back.
    pub(crate) fn settle(&mut self, ledger: &mut Ledger) {
        if mem::replace(&mut self.settled, true) {
            return;
        }
        for song in self.songs.values_mut().filter(|song| !song.told_away) {
            if song.away_since.take().is_some() {
                ledger.set_away(song.id, None);
            }
        }
    }

    /// Gives up the songs that have been away for longer than `grace_s` seconds.
    pub(crate) fn expire(&mut self, grace_s: u32, ledger: &mut Ledger, moment: Moment<'_>) {
        let mut over = Vec::new();
        for (key, song) in &mut self.songs {
            match grace(song.away_since, grace_s, moment.now) {
                Grace::Lasts => {}
                Grace::Begins => {
                    song.away_since = Some(moment.now);
                    ledger.set_away(song.id, song.away_since);
                }
                Grace::Over => over.push(key.clone()),
            }
        }
        if !over.is_empty() {
            tracing::info!(source = self.row.name, songs = over.len(), "gives up songs long away");
        }
        for key in over {
            self.gone(&key, ledger, moment);
        }
    }

    /// Takes in what a listener did, or how loud the song is, unless it is another by now.
    pub(crate) fn edit(
        &mut self,
        key: &SourceKey,
        note: Note,
        ledger: &mut Ledger,
        moment: Moment<'_>,
    ) {
        let song = self.songs.get(key).and_then(|song| self.facts(song.id, ledger, moment));
        match (note, song) {
            (Note::Measured(found), Some((track, _))) if !found.is_of(&track) => {}
            _ => self.amend(key, |usage| note.apply(usage), ledger, moment),
        }
    }

    fn amend(
        &mut self,
        key: &SourceKey,
        change: impl FnOnce(&mut Usage),
        ledger: &mut Ledger,
        moment: Moment<'_>,
    ) {
        let Some(song) = self.songs.get(key) else { return };
        let Some((_, before)) = self.facts(song.id, ledger, moment) else { return };
        let mut after = before;
        change(&mut after);
        if after != before
            && let Some(row) = self.draft(key, ledger, moment)
        {
            row.usage = after;
        }
    }

    /// What is known of a song by now.
    fn facts(&self, id: ItemId, ledger: &Ledger, moment: Moment<'_>) -> Option<(Track, Usage)> {
        if let Some(row) = ledger.pending_song(id) {
            return Some((row.track.clone(), row.usage));
        }
        moment.item(self.row.database, id).map(|item| (item.track.clone(), item.usage))
    }

    /// The row of a song, to be changed and saved.
    fn draft<'l>(
        &self,
        key: &SourceKey,
        ledger: &'l mut Ledger,
        moment: Moment<'_>,
    ) -> Option<&'l mut SongRow> {
        let (key, song) = self.songs.get_key_value(key)?;
        let rows = &mut ledger.pending.rows;
        if rows.songs.get(&song.id).is_none_or(Option::is_none) {
            let item = moment.item(self.row.database, song.id)?;
            rows.away.remove(&song.id);
            rows.songs.insert(song.id, Some(Box::new(self.row_of(key, song, item))));
        }
        let row = rows.songs.get_mut(&song.id)?.as_deref_mut()?;
        row.key = key.clone();
        row.stamp = song.stamp;
        row.away_since = song.away_since;
        Some(row)
    }

    fn row_of(&self, key: &SourceKey, song: &Song, item: &Item) -> SongRow {
        SongRow {
            id: song.id,
            persistent_id: item.persistent_id,
            source: self.row.id,
            key: key.clone(),
            stamp: song.stamp,
            away_since: song.away_since,
            track: item.track.clone(),
            usage: item.usage,
        }
    }
}

/// Takes over what another program recorded, where it says more.
fn add(usage: &mut Usage, recorded: Recorded) {
    let Recorded { rating, play_count, skip_count, last_played, added } = recorded;
    if usage.rating == 0 {
        usage.rating = rating.unwrap_or(0).min(100);
    }
    usage.play_count = usage.play_count.max(play_count.unwrap_or(0));
    usage.skip_count = usage.skip_count.max(skip_count.unwrap_or(0));
    usage.last_played = usage.last_played.max(last_played.unwrap_or_default());
    if let Some(added) = added.filter(|added| added.0 != 0) {
        let known = usage.added.0 != 0;
        usage.added = if known { usage.added.min(added) } else { added };
    }
}

/// Takes over what another program recorded, whatever was known.
fn obey(usage: &mut Usage, recorded: Recorded) {
    let Recorded { rating, play_count, skip_count, last_played, added } = recorded;
    usage.rating = rating.map_or(usage.rating, |rating| rating.min(100));
    usage.play_count = play_count.unwrap_or(usage.play_count);
    usage.skip_count = skip_count.unwrap_or(usage.skip_count);
    usage.last_played = last_played.unwrap_or(usage.last_played);
    usage.added = added.unwrap_or(usage.added);
}

impl Note {
    fn apply(self, usage: &mut Usage) {
        match self {
            Self::Use(Use::Rated(rating)) => usage.rating = rating,
            Self::Use(Use::Played(at)) => {
                usage.play_count = usage.play_count.saturating_add(1);
                usage.last_played = usage.last_played.max(at);
            }
            Self::Use(Use::Skipped(at)) => {
                usage.skip_count = usage.skip_count.saturating_add(1);
                usage.last_skipped = usage.last_skipped.max(at);
            }
            // Those are not among what is kept of a song.
            Self::Use(Use::Started | Use::Starred(_)) => {}
            Self::Bookmark { at_ms } => usage.bookmark_ms = at_ms,
            Self::Measured(found) => usage.measured = Some(found.level),
        }
    }
}
