//! Following a server: what is asked of it, and when.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use library::{
    Clock, Closed, Known, Playlist, PlaylistContent, Problem, Report, ScanPhase, SourceKey, Stamp,
    SystemClock,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::Inner;
use crate::api::wire::{self, Word};
use crate::api::{Api, ApiError, MAX_OPEN, story};
use crate::connection::{Connection, ConnectionState};
use crate::pass::{self, Pass, Trouble};
use crate::teller::Teller;
use crate::track::{AlbumFacts, hash};

/// For how long a server is lost before its songs count as away.
const AWAY_AFTER: Duration = Duration::from_secs(60);
/// The longest pause before a server that is lost is asked again; the first is twice as long each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How often everything is looked through even if the server tells of no change: ratings of songs are in no other list.
const PASS_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many playlists are taken in; more are left out.
const MAX_PLAYLISTS: usize = 10_000;
/// How many of the albums that were played last are looked at.
const RECENT: &str = "50";
/// A time that no server has reached, in milliseconds: nothing has changed since.
const FAR_FUTURE: &str = "4102444800000";
/// The playlist of what is starred.
const STARRED: &str = "starred";

/// By what to see that the files of a server have not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark(String);

/// Follows a server until the library takes no more reports.
pub(crate) struct Follower<'a> {
    source: &'a Inner,
    report: Report,
    teller: Teller<'a>,
    /// What the server was when it was last looked through, and when that was.
    passed: Option<(Mark, Instant)>,
    /// A pass that broke off.
    pass: Option<Pass>,
    /// By what to see that an album was played: see [`pass::usage`].
    usage: HashMap<u64, u64>,
    /// Whether the server says when it last looked for files.
    tells_scans: bool,
    lost_since: Option<Instant>,
    pause: Duration,
    /// How many wishes to look there were so far.
    wishes: watch::Receiver<u64>,
}

impl<'a> Follower<'a> {
    /// `known` is what was told in earlier runs.
    pub(crate) fn new(source: &'a Inner, report: Report, known: Known) -> Self {
        Self {
            source,
            teller: Teller::new(source, report.clone(), known),
            report,
            passed: None,
            pass: None,
            usage: HashMap::new(),
            tells_scans: true,
            lost_since: None,
            pause: source.config.retry,
            wishes: source.wishes.subscribe(),
        }
    }

    pub(crate) async fn run(mut self) -> Result<Infallible, Closed> {
        loop {
            let (wishes, begun) = (*self.wishes.borrow_and_update(), Instant::now());
            self.show(|now| now.state = ConnectionState::Syncing);
            let pause = match self.look().await {
                Ok(()) => self.well(begun.elapsed()),
                Err(Trouble::Closed(closed)) => return Err(closed),
                Err(trouble) => self.lost(&trouble).await?,
            };
            self.show(|now| now.answered = wishes);
            tokio::select! {
                () = sleep(pause) => {}
                // Whoever wishes lives as long as the source.
                _ = self.wishes.changed() => {}
                () = fetch_pinned(self.source) => {}
            }
        }
    }

    /// Looks for what has changed, and tells it.
    async fn look(&mut self) -> Result<(), Trouble> {
        let mark = self.mark().await?;
        let is_passed = self
            .passed
            .as_ref()
            .is_some_and(|(passed, at)| Some(passed) == mark.as_ref() && at.elapsed() < PASS_EVERY);
        if is_passed {
            self.look_at_recent().await?;
        } else {
            self.look_through(mark).await?;
        }
        self.look_at_playlists().await?;
        Ok(self.teller.settle().await?)
    }

    /// What the server is now; `None` if it does not say, or is about to change.
    async fn mark(&mut self) -> Result<Option<Mark>, ApiError> {
        let api = &self.source.api;
        if self.tells_scans {
            match api.ask("getScanStatus", &[]).await {
                Err(error) if pass::is_unknown(&error) => {}
                answer => {
                    let scan = answer?.scan_status;
                    if scan.scanning.0 {
                        return Ok(None);
                    }
                    if !scan.last_scan.is_empty() {
                        return Ok(Some(Mark(format!("{} {}", scan.last_scan.0, scan.count.0))));
                    }
                }
            }
            self.tells_scans = false;
        }
        match api.ask("getIndexes", &[("ifModifiedSince", FAR_FUTURE)]).await {
            Err(error) if pass::is_unknown(&error) => Ok(None),
            answer => {
                let modified = answer?.indexes.last_modified;
                let is_known = !matches!(modified.as_str(), "" | "0");
                Ok(is_known.then_some(Mark(modified.0)))
            }
        }
    }

    /// Looks through everything, or goes on with that if the server is as it was.
    async fn look_through(&mut self, mark: Option<Mark>) -> Result<(), Trouble> {
        let begun = self.pass.take().filter(|pass| mark.is_some() && pass.mark == mark);
        let mut pass = begun.unwrap_or_else(|| Pass::new(mark, &mut self.teller));
        if let Err(trouble) = pass.run(&self.source.api, &mut self.teller).await {
            self.pass = Some(pass).filter(|_| matches!(trouble, Trouble::Api(_)));
            return Err(trouble);
        }
        self.passed = pass.mark.clone().map(|mark| (mark, Instant::now()));
        self.usage = pass.usage();
        Ok(())
    }

    /// Looks at the albums that were played last.
    async fn look_at_recent(&mut self) -> Result<(), Trouble> {
        let api = &self.source.api;
        let parameters = [("type", "recent"), ("size", RECENT)];
        let recent = match api.ask("getAlbumList2", &parameters).await {
            Err(error) if pass::is_unknown(&error) => return Ok(()),
            answer => answer?.album_list2.album.0,
        };
        for album in recent {
            let (id, usage) = (hash(&album.id.0), pass::usage(&album));
            if self.usage.get(&id) == Some(&usage) {
                continue;
            }
            let album = api.ask("getAlbum", &[("id", album.id.as_str())]).await?.album;
            let facts = AlbumFacts::new(&album);
            for song in &album.song.0 {
                self.teller.tell(song, &facts).await?;
            }
            self.usage.insert(id, usage);
        }
        Ok(())
    }

    /// Looks at playlists and stars, and at what of that is to be kept for ever.
    async fn look_at_playlists(&mut self) -> Result<(), Trouble> {
        let pins = &self.source.config.pins;
        let (mut there, mut pinned, mut starred) = (HashSet::new(), Vec::new(), 0);
        if let Some(list) = self::starred(&self.source.api).await? {
            there.insert(list.key.clone());
            starred = songs(&list).len();
            if pins.starred {
                pinned.extend(songs(&list).iter().cloned());
            }
            self.teller.playlist(list).await?;
        }
        let api = &self.source.api;
        let mut lists = match api.ask("getPlaylists", &[]).await {
            Err(error) if pass::is_unknown(&error) => Vec::new(),
            answer => answer?.playlists.playlist.0,
        };
        lists.truncate(MAX_PLAYLISTS);
        there.extend(lists.iter().map(playlist_key));
        let is_pinned = |list: &wire::Playlist| pins.playlists.contains(&list.name.0);
        let is_told = |list: &wire::Playlist| {
            let told = self.teller.told_playlist(&playlist_key(list));
            !list.changed.is_empty() && told == Some(playlist_stamp(list, &[]))
        };
        lists.retain(|list| !is_told(list) || is_pinned(list));
        let wanted: Vec<_> = lists.into_iter().map(|list| playlist(api, list)).collect();
        let mut lists = stream::iter(wanted).buffered(MAX_OPEN);
        while let Some((list, playlist)) = lists.try_next().await? {
            if is_pinned(&list) {
                pinned.extend(songs(&playlist).iter().cloned());
            }
            self.teller.playlist(playlist).await?;
        }
        self.teller.keep_playlists(&there).await?;
        self.source.sounds.pin(pinned);
        let playlists = there.len() - usize::from(starred > 0);
        self.show(|now| (now.playlists, now.starred) = (playlists, starred));
        Ok(())
    }

    /// Shows what has become of the connection.
    fn show(&self, change: impl FnOnce(&mut Connection)) {
        let api = &self.source.api;
        self.source.connection.send_modify(|now| {
            (now.server, now.requests) = (api.server(), api.asked());
            (now.songs, now.told) = (self.teller.songs(), self.teller.changes());
            change(now);
        });
    }

    /// Takes in that the server has told all; returns when to ask again.
    fn well(&mut self, took: Duration) -> Duration {
        (self.lost_since, self.pause) = (None, self.source.config.retry);
        let mut trouble = None;
        self.show(|now| {
            trouble = now.trouble.take();
            (now.state, now.last_took) = (ConnectionState::Idle, took);
            now.last_sync = Some(SystemClock.now());
        });
        if trouble.is_some() {
            tracing::info!("{} is followed again", self.source.api.url());
        }
        self.source.config.every
    }

    /// Takes in that the server cannot be followed; returns when to ask again.
    async fn lost(&mut self, trouble: &Trouble) -> Result<Duration, Closed> {
        let what = format!("{} cannot be followed: {}", self.source.api.url(), story(trouble));
        let problem = Problem { what, remedy: trouble.remedy().to_owned() };
        if self.source.connection.borrow().trouble.as_ref() != Some(&problem) {
            tracing::warn!(remedy = problem.remedy, "{}", problem.what);
        }
        self.report.scan(|scan| {
            scan.phase = ScanPhase::Failed;
            scan.problems = vec![problem.what.clone()];
        });
        self.show(|now| (now.state, now.trouble) = (ConnectionState::Lost, Some(problem)));
        let since = *self.lost_since.get_or_insert_with(Instant::now);
        // What was not seen in this run is not known to be there.
        if since.elapsed() >= AWAY_AFTER || self.teller.is_silent() {
            self.teller.away().await?;
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        let is_login = matches!(trouble, Trouble::Api(error) if error.is_about_login());
        let least = if is_login { LONGEST_PAUSE } else { Duration::ZERO };
        Ok(pause.max(least.min(self.source.config.every)))
    }
}

/// Fetches what is to be kept for ever, and then waits for ever.
async fn fetch_pinned(source: &Inner) {
    source.sounds.fetch_pinned().await;
    std::future::pending().await
}

/// What is starred, as a playlist; `None` if nothing is.
async fn starred(api: &Api) -> Result<Option<Playlist>, ApiError> {
    let songs = match api.ask("getStarred2", &[]).await {
        Err(error) if pass::is_unknown(&error) => return Ok(None),
        answer => answer?.starred2.song.0,
    };
    let keys: Vec<SourceKey> = songs.iter().filter_map(crate::track::key).collect();
    let stamp = Stamp { size: keys.len() as u64, modified_ns: 0, file: hash(&keys) };
    Ok((!keys.is_empty()).then(|| Playlist {
        key: STARRED.into(),
        stamp,
        name: "Starred".into(),
        parent: None,
        content: PlaylistContent::Songs(keys),
    }))
}

/// A playlist with its songs; as it was listed, without any, if it went.
async fn playlist(api: &Api, list: wire::Playlist) -> Result<(wire::Playlist, Playlist), ApiError> {
    let entries = match api.ask("getPlaylist", &[("id", list.id.as_str())]).await {
        Err(error) if error.is_not_there() => Vec::new(),
        answer => answer?.playlist.entry.0,
    };
    let keys: Vec<SourceKey> = entries.iter().map(|entry| entry.id.as_str().into()).collect();
    let playlist = Playlist {
        key: playlist_key(&list),
        stamp: playlist_stamp(&list, &keys),
        name: list.name.as_str().into(),
        parent: None,
        content: PlaylistContent::Songs(keys),
    };
    Ok((list, playlist))
}

fn playlist_key(list: &wire::Playlist) -> SourceKey {
    format!("playlist/{}", list.id.0).as_str().into()
}

/// By what to see that a playlist has not changed: that the server says so, or its songs.
fn playlist_stamp(list: &wire::Playlist, songs: &[SourceKey]) -> Stamp {
    let Word(changed) = &list.changed;
    let songs = if changed.is_empty() { songs } else { &[] };
    Stamp { size: list.song_count.0, modified_ns: 0, file: hash((&list.name, changed, songs)) }
}

fn songs(playlist: &Playlist) -> &[SourceKey] {
    match &playlist.content {
        PlaylistContent::Songs(songs) => songs,
        PlaylistContent::Folder => &[],
    }
}
