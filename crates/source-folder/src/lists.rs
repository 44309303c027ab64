//! The playlist files of the tree: when they are read, and what became of their playlists.
//!
//! A playlist file is read when it is new or changed, and once more when songs come that one of its entries may
//! have meant. What it held of songs that have moved since, it goes on holding: its paths are older than they.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::path::Path;

use library::{Authority, Change, Closed, PlaylistContent, Report, SourceKey, Stamp};

use crate::playlists::{self, Reading, Songs, Unmatched};
use crate::{key, walk};

/// Grows when playlists come to be read differently, so that every file is read again once.
const VERSION: u8 = 1;
/// The most moves that are remembered, for playlists that still name the old place.
const MAX_MOVES: usize = 100_000;
/// The most moves of one song that are followed.
const MAX_STEPS: usize = 16;

/// What is known of the playlist files.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    files: BTreeMap<SourceKey, ListFile>,
    moves: HashMap<SourceKey, SourceKey>,
}

#[derive(Debug, Default)]
struct ListFile {
    stamp: Stamp,
    playlists: BTreeSet<SourceKey>,
    /// What matched no song when it was last read in this run.
    unmatched: Unmatched,
}

/// The stamp of a playlist file that looks like this.
pub(crate) fn stamp(look: walk::Look) -> Stamp {
    let modified_ns = look.modified_ns & !0xFF | i64::from(VERSION);
    Stamp { size: look.size, modified_ns, file: look.file }
}

impl Lists {
    /// What the library knows from earlier runs.
    pub(crate) fn new(known: &HashMap<SourceKey, Stamp>) -> Self {
        let mut files: BTreeMap<SourceKey, ListFile> = BTreeMap::new();
        for (playlist, stamp) in known {
            let file = files.entry(file_of(playlist)).or_default();
            file.stamp = *stamp;
            file.playlists.insert(playlist.clone());
        }
        Self { files, moves: HashMap::new() }
    }

    /// Whether there is a playlist file below a folder.
    pub(crate) fn has_below(&self, folder: &[u8]) -> bool {
        self.below(folder).next().is_some()
    }

    /// Whether a playlist file is new or changed.
    pub(crate) fn is_news(&self, file: &SourceKey, stamp: Stamp) -> bool {
        self.files.get(file).is_none_or(|known| known.stamp != stamp)
    }

    /// The playlist files below a folder.
    pub(crate) fn below<'a>(&'a self, folder: &'a [u8]) -> impl Iterator<Item = &'a SourceKey> {
        let start = SourceKey::from(folder);
        self.files
            .range((Bound::Included(start), Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(move |key| key.as_bytes().starts_with(folder))
            .filter(move |key| key::is_below(key.as_bytes(), folder))
    }

    /// The files that may hold songs which were not there when they were last read.
    pub(crate) fn unmatched(&self) -> impl Iterator<Item = (&SourceKey, Stamp)> {
        let unmatched = self.files.iter().filter(|(_, file)| file.unmatched.missing > 0);
        unmatched.map(|(key, file)| (key, file.stamp))
    }

    /// A song moved: lists that name its old place mean the new one.
    pub(crate) fn moved(&mut self, from: &SourceKey, to: &SourceKey) {
        self.moves.remove(to);
        if self.moves.len() < MAX_MOVES {
            self.moves.insert(from.clone(), to.clone());
        }
    }

    /// A file is gone, and its playlists with it.
    pub(crate) fn gone(&mut self, file: &SourceKey, report: &Report) -> Result<(), Closed> {
        for playlist in self.files.remove(file).into_iter().flat_map(|file| file.playlists) {
            report.blocking_change(Change::PlaylistGone(playlist))?;
        }
        Ok(())
    }

    /// Reads a file and reports its playlists, and what else it has to say.
    pub(crate) fn read(
        &mut self,
        root: &Path,
        file: &SourceKey,
        stamp: Stamp,
        songs: &Songs,
        report: &Report,
    ) -> Result<(), Closed> {
        let Some(path) = key::path(root, file.as_bytes()) else { return Ok(()) };
        let before = self.files.remove(file).unwrap_or_default();
        let mut reading = match playlists::read(&path, file, stamp, songs) {
            Ok(reading) => reading,
            Err(error) => {
                // Some programs write it anew in place; until it is whole, the playlists stay as they were.
                tracing::warn!("{} is left out: {error}", path.display());
                self.files.insert(file.clone(), ListFile { stamp, ..before });
                return Ok(());
            }
        };
        self.follow_moves(&mut reading, songs);
        if !reading.unmatched.is_empty() && reading.unmatched != before.unmatched {
            tracing::warn!("{}: {}", path.display(), reading.unmatched);
        }
        let playlists: BTreeSet<_> =
            reading.playlists.iter().map(|list| list.key.clone()).collect();
        for gone in before.playlists.difference(&playlists) {
            report.blocking_change(Change::PlaylistGone(gone.clone()))?;
        }
        for playlist in reading.playlists {
            report.blocking_change(Change::Playlist(playlist))?;
        }
        for (key, recorded) in reading.recorded {
            let authority = Authority::Witness;
            report.blocking_change(Change::Usage { key, recorded, authority })?;
        }
        self.files
            .insert(file.clone(), ListFile { stamp, playlists, unmatched: reading.unmatched });
        Ok(())
    }

    fn follow_moves(&self, reading: &mut Reading, songs: &Songs) {
        if self.moves.is_empty() {
            return;
        }
        for playlist in &mut reading.playlists {
            let PlaylistContent::Songs(keys) = &mut playlist.content else { continue };
            for key in keys.iter_mut().filter(|key| !songs.contains(key)) {
                let steps = std::iter::successors(Some(&*key), |key| self.moves.get(*key));
                if let Some(now) = steps.take(MAX_STEPS).find(|key| songs.contains(key)).cloned() {
                    *key = now;
                }
            }
        }
    }
}

/// The file that a playlist is from: its key, or for those of an iTunes library what comes before the `#`.
fn file_of(playlist: &SourceKey) -> SourceKey {
    let bytes = playlist.as_bytes();
    let file = bytes.iter().rposition(|byte| *byte == b'#').map(|at| SourceKey::from(&bytes[..at]));
    file.filter(|file| !playlists::is_playlist(bytes) && playlists::is_of_file(playlist, file))
        .unwrap_or_else(|| playlist.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_is_told_from_the_file_it_is_in() {
        assert_eq!(file_of(&"a/b.m3u".into()), "a/b.m3u".into());
        assert_eq!(file_of(&"a/c#.m3u".into()), "a/c#.m3u".into());
        assert_eq!(file_of(&"a/Library.xml#0123456789ABCDEF".into()), "a/Library.xml".into());
    }
}
