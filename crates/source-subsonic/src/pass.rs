//! One look through all that a server has.
//!
//! Albums are listed first: they say what songs do not, and how many they have. Then songs are listed by searching for
//! nothing, which finds all of them on OpenSubsonic servers. Albums of which songs are missing then, be it that the
//! server finds nothing that way or that its list was changing, are asked for one by one. A server that knows no albums
//! has its folders walked through.
//!
//! What breaks off goes on where it was.

use std::collections::{HashMap, HashSet};
use std::future::{Future, ready};

use futures_util::future::try_join_all;
use futures_util::{Stream, StreamExt, TryFutureExt, TryStreamExt, stream};
use library::Closed;

use crate::api::wire::{Album, Response, Song};
use crate::api::{Api, ApiError, MAX_OPEN};
use crate::follow::Mark;
use crate::teller::Teller;
use crate::track::{AlbumFacts, hash};

/// How many albums or songs are asked for at once; servers give no more.
const PAGE: usize = 500;
/// How many albums or folders are looked at; what is beyond is left out.
const MAX_ALBUMS: usize = 1_000_000;
/// Where paging ends at the latest.
const MAX_OFFSET: usize = 8_000_000;

/// Why something was not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error("it lists no songs any more")]
    Empty,
}

impl Trouble {
    /// What a person can do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Api(error) => error.remedy(),
            Self::Closed(_) => "start dapple again",
            Self::Empty => {
                "see whether the disk with the music is there, and the user may see the music"
            }
        }
    }
}

/// A look through all that a server has.
pub(crate) struct Pass {
    /// What the server was when it began.
    pub(crate) mark: Option<Mark>,
    albums: HashMap<String, Listed>,
    stage: Stage,
}

/// An album that is listed.
struct Listed {
    facts: AlbumFacts,
    /// How many of its songs were not seen yet.
    missing: u64,
    /// What changes when it is played.
    usage: u64,
}

/// What is to be done next.
enum Stage {
    Albums { from: usize },
    Songs { from: usize },
    Missing { albums: Vec<String>, done: usize },
    Folders { open: Vec<String>, seen: HashSet<String> },
    Done,
}

impl Pass {
    pub(crate) fn new(mark: Option<Mark>, teller: &mut Teller<'_>) -> Self {
        teller.begin();
        Self { mark, albums: HashMap::new(), stage: Stage::Albums { from: 0 } }
    }

    /// Looks on until all is seen. After an error it can be called again.
    pub(crate) async fn run(&mut self, api: &Api, teller: &mut Teller<'_>) -> Result<(), Trouble> {
        loop {
            self.stage = match &self.stage {
                Stage::Albums { from } => self.list_albums(*from, api, teller).await?,
                Stage::Songs { from } => self.list_songs(*from, api, teller).await?,
                Stage::Missing { .. } => self.ask_missing(api, teller).await?,
                Stage::Folders { .. } => self.walk(api, teller).await?,
                Stage::Done if teller.end().await? => return Ok(()),
                Stage::Done => return Err(Trouble::Empty),
            }
        }
    }

    /// By what to see that an album was played, by the hash of its id.
    pub(crate) fn usage(self) -> HashMap<u64, u64> {
        self.albums.into_iter().map(|(id, album)| (hash(&id), album.usage)).collect()
    }

    async fn list_albums(
        &mut self,
        from: usize,
        api: &Api,
        teller: &Teller<'_>,
    ) -> Result<Stage, Trouble> {
        let mut from = from;
        let pages = pages(from, async |offset| {
            let offset = offset.to_string();
            let sort = ("type", "alphabeticalByName");
            let parameters = [sort, ("size", "500"), ("offset", &offset)];
            Ok(api.ask("getAlbumList2", &parameters).await?.album_list2.album.0)
        });
        let mut pages = std::pin::pin!(pages);
        loop {
            let page = match pages.try_next().await {
                // It is too old to know albums.
                Err(error) if from == 0 && is_unknown(&error) => {
                    return first_folders(api, teller).await;
                }
                page => page?,
            };
            let Some(page) = page else { break };
            from += page.len();
            self.stage = Stage::Albums { from };
            let known = self.albums.len();
            page.iter().for_each(|album| self.list_album(album, teller));
            if self.albums.len() == known {
                break;
            }
        }
        Ok(Stage::Songs { from: 0 })
    }

    fn list_album(&mut self, album: &Album, teller: &Teller<'_>) {
        let id = album.id.as_str();
        if id.is_empty() || self.albums.contains_key(id) || self.albums.len() >= MAX_ALBUMS {
            return;
        }
        let missing = album.song_count.0;
        teller.expect(missing);
        let listed = Listed { facts: AlbumFacts::new(album), missing, usage: usage(album) };
        self.albums.insert(id.to_owned(), listed);
    }

    async fn list_songs(
        &mut self,
        from: usize,
        api: &Api,
        teller: &mut Teller<'_>,
    ) -> Result<Stage, Trouble> {
        let mut from = from;
        let pages = pages(from, async |offset| {
            let offset = offset.to_string();
            let none = [("albumCount", "0"), ("artistCount", "0")];
            let songs = [("query", ""), ("songCount", "500"), ("songOffset", &offset)];
            match api.ask("search3", &[none[0], none[1], songs[0], songs[1], songs[2]]).await {
                // Then it is asked for the songs of each album.
                Err(error) if is_unknown(&error) => Ok(Vec::new()),
                answer => Ok(answer?.search_result3.song.0),
            }
        });
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.try_next().await? {
            from += page.len();
            let mut is_new = false;
            for song in &page {
                is_new |= self.see(song, teller).await?;
            }
            self.stage = Stage::Songs { from };
            // A server that does not count lists the same again and again.
            if !is_new {
                break;
            }
        }
        let missing = self.albums.iter().filter(|(_, album)| album.missing > 0);
        Ok(Stage::Missing { albums: missing.map(|(id, _)| id.clone()).collect(), done: 0 })
    }

    async fn see(&mut self, song: &Song, teller: &mut Teller<'_>) -> Result<bool, Closed> {
        let album = self.albums.get_mut(song.album_id.as_str());
        let is_new = match &album {
            Some(album) => teller.see(song, &album.facts).await?,
            None => teller.see(song, &AlbumFacts::default()).await?,
        };
        if let Some(album) = album.filter(|_| is_new) {
            album.missing = album.missing.saturating_sub(1);
        }
        Ok(is_new)
    }

    async fn ask_missing(&mut self, api: &Api, teller: &mut Teller<'_>) -> Result<Stage, Trouble> {
        let Self { stage: Stage::Missing { albums, done }, albums: listed, .. } = self else {
            return Ok(Stage::Done);
        };
        let rest = albums.iter().skip(*done);
        let answers = rest.map(|id| async move { (id, api.ask("getAlbum", &[("id", id)]).await) });
        let mut answers = stream::iter(answers.collect::<Vec<_>>()).buffered(MAX_OPEN);
        while let Some((id, answer)) = answers.next().await {
            let album = match answer {
                // It went while the others were looked at.
                Err(error) if error.is_not_there() => Album::default(),
                answer => answer?.album,
            };
            let facts = listed.get(id).map(|listed| &listed.facts);
            for song in &album.song.0 {
                teller.see(song, facts.unwrap_or(&AlbumFacts::default())).await?;
            }
            *done += 1;
        }
        Ok(Stage::Done)
    }

    async fn walk(&mut self, api: &Api, teller: &mut Teller<'_>) -> Result<Stage, Trouble> {
        let Stage::Folders { open, seen } = &mut self.stage else { return Ok(Stage::Done) };
        while !open.is_empty() {
            let at = open.len().saturating_sub(MAX_OPEN);
            let answers = open[at..].iter().map(|id| folder(api, id));
            let answers = try_join_all(answers).await?;
            open.truncate(at);
            for entry in answers.iter().flat_map(|answer| &answer.directory.child.0) {
                teller.see(entry, &AlbumFacts::default()).await?;
                // Folders may be in each other.
                if entry.is_dir.0 && seen.len() < MAX_ALBUMS && seen.insert(entry.id.0.clone()) {
                    open.push(entry.id.0.clone());
                }
            }
        }
        Ok(Stage::Done)
    }
}

/// What is in a folder; nothing if it went.
async fn folder(api: &Api, id: &str) -> Result<Response, ApiError> {
    match api.ask("getMusicDirectory", &[("id", id)]).await {
        Err(error) if error.is_not_there() => Ok(Response::default()),
        answer => answer,
    }
}

/// The folders at the top, when the songs beside them are seen.
async fn first_folders(api: &Api, teller: &Teller<'_>) -> Result<Stage, Trouble> {
    let indexes = api.ask("getIndexes", &[]).await?.indexes;
    let folders = indexes.index.0.iter().flat_map(|index| &index.artist.0);
    let seen: HashSet<String> = folders.map(|folder| folder.id.0.clone()).collect();
    teller.expect(indexes.child.0.len() as u64);
    Ok(Stage::Folders { open: seen.iter().cloned().collect(), seen })
}

/// By what to see that an album was played since.
pub(crate) fn usage(album: &Album) -> u64 {
    hash((album.play_count, &album.played))
}

/// Whether a server does not know what it is asked for.
pub(crate) fn is_unknown(error: &ApiError) -> bool {
    let is_refusal =
        matches!(error, ApiError::Refused { .. } | ApiError::Status(404 | 405 | 410 | 501));
    is_refusal && !error.is_about_login()
}

/// The pages of a list from an offset on, several at once, until one is empty. A server may give less at once than it
/// is asked for; it is asked for the rest then.
fn pages<T, F: Future<Output = Result<Vec<T>, ApiError>>>(
    from: usize,
    fetch: impl Fn(usize) -> F,
) -> impl Stream<Item = Result<Vec<T>, ApiError>> {
    let all = async move {
        let first = fetch(from).await?;
        let step = first.len();
        let at_once = if step < PAGE { 1 } else { MAX_OPEN };
        let offsets = (from.saturating_add(step)..MAX_OFFSET).step_by(step.max(1));
        let rest = stream::iter(offsets).map(fetch).buffered(at_once);
        let all = stream::once(ready(Ok(first))).chain(rest);
        Ok(all.try_take_while(|page| ready(Ok(!page.is_empty()))))
    };
    all.try_flatten_stream()
}
