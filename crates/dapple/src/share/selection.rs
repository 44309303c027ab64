//! Which songs of a share are meant, and finding them on any server.
//!
//! A server is asked for just those, and what it sends is judged again here: some servers ignore queries, and others
//! judge by rules of their own. Names are taken exactly at first; if that finds nothing, once more without regard to
//! case, among all songs.

use anyhow::bail;
use daap_client::{Client, ClientError, Listed};
use daap_model::{ContainerId, Custom, DatabaseId, Filter, Item, PersistentId, Revision};
use daap_proto::read::{Container, Database, Song};
use daap_proto::{Endpoint, Field, Listing, MAX_QUERY, Meta, Query, QueryError, ShareTarget};
use dmap::Code;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::advised;
use super::condition::{Condition, Matching};
use super::entries;
use super::row::Row;
use crate::nearest::Near;

/// Options that say which songs are meant.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Filters {
    /// Only songs of this artist
    #[arg(long, value_name = "NAME")]
    artist: Option<String>,
    /// Only songs of this album
    #[arg(long, value_name = "NAME")]
    album: Option<String>,
    /// Only songs of this genre
    #[arg(long, value_name = "NAME")]
    genre: Option<String>,
    /// Only songs with each of these words in title, artist or album
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only songs that a query in DAAP's own language finds, such as 'daap.songyear:1973'
    #[arg(long, value_parser = typed)]
    query: Option<Query>,
    /// Only this database of the share, by its name or number
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
}

/// Which songs are meant.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// The songs of the playlists of this name; else of whole databases.
    playlist: Option<String>,
    conditions: Vec<Condition>,
    query: Option<Query>,
    /// What the query means, if all of it is known here.
    judged: Option<Filter>,
    database: Option<String>,
}

/// A list of songs: a whole database, or a container of it.
type Source = (DatabaseId, Option<ContainerId>);

/// How a search went.
#[derive(Debug)]
pub(crate) struct Tally {
    /// How many songs were found.
    pub(crate) songs: u64,
    /// If none were: why, and what there is instead.
    pub(crate) hint: String,
}

impl Selection {
    /// What a URL names, narrowed by options.
    pub(crate) fn new(target: &ShareTarget, filters: Filters) -> Self {
        let mut playlist = None;
        let mut conditions = Vec::new();
        match target {
            ShareTarget::Playlist(name) => playlist = Some(name.clone()),
            ShareTarget::Artist(name) => conditions.push(Condition::Artist(name.clone())),
            ShareTarget::Album { artist, name } => {
                conditions.push(Condition::Album(name.clone()));
                conditions.push(Condition::Artist(artist.clone()));
            }
            ShareTarget::Song(id) => conditions.push(Condition::Id(*id)),
            ShareTarget::Search(text) => conditions.push(Condition::search(text)),
            _ => {}
        }
        conditions.extend(filters.artist.map(Condition::Artist));
        conditions.extend(filters.album.map(Condition::Album));
        conditions.extend(filters.genre.map(Condition::Genre));
        conditions.extend(filters.search.as_deref().map(Condition::search));
        let judged = filters.query.as_ref().and_then(judged);
        Self { playlist, conditions, query: filters.query, judged, database: filters.database }
    }

    /// Whether the playlists of this name are meant: all are, unless some are named.
    pub(crate) fn means_playlist(&self, name: &str) -> bool {
        self.playlist.as_ref().is_none_or(|wanted| Matching::Loose.same(wanted, name))
    }

    /// The playlist that is meant, if one is named.
    pub(crate) fn playlist(&self) -> Option<&str> {
        self.playlist.as_deref()
    }

    /// Whether a database is named.
    pub(crate) fn names_database(&self) -> bool {
        self.database.is_some()
    }

    /// What finds the songs on a server that is trusted to; `None` are all.
    pub(crate) fn query(&self) -> Option<Query> {
        self.asked(Matching::Exact)
    }

    /// The databases of a share that are meant.
    pub(crate) async fn databases(&self, client: &Client) -> anyhow::Result<Vec<Database>> {
        self.meant(client.databases().await.map_err(advised)?)
    }

    /// Those of these databases that are meant.
    pub(crate) fn meant(&self, databases: Vec<Database>) -> anyhow::Result<Vec<Database>> {
        let Some(wanted) = &self.database else { return Ok(databases) };
        let is_meant = |database: &&Database, matching: Matching| {
            matching.same(&database.name, wanted) || database.id.to_string() == *wanted
        };
        for matching in Matching::IN_TURN {
            let meant: Vec<Database> =
                databases.iter().filter(|database| is_meant(database, matching)).cloned().collect();
            if !meant.is_empty() {
                return Ok(meant);
            }
        }
        let names: Vec<&str> = databases.iter().map(|database| database.name.as_str()).collect();
        bail!("the share has no database {wanted}; it has {}", names.join(", "))
    }

    /// Gives each song that is meant to `take`, with these tags (`None`: all), in the order of the server. Songs are
    /// not held.
    pub(crate) async fn each(
        &self,
        client: &Client,
        codes: Option<&[Code]>,
        mut take: impl FnMut(DatabaseId, Row) -> anyhow::Result<()>,
    ) -> anyhow::Result<Tally> {
        let (sources, hint) = self.sources(client).await?;
        let listing = Listing { meta: Some(self.meta(codes)), ..Listing::default() };
        let mut missed = Missed::new(&self.conditions);
        for matching in self.turns() {
            let mut songs = 0;
            for source in &sources {
                let listing = Listing { query: self.asked(*matching), ..listing.clone() };
                let rows = self.list(client, *source, listing.clone()).await?;
                let mut rows = match source {
                    (database, Some(_)) => entries::told(client, *database, rows, listing).await?,
                    (_, None) => rows.map_err(advised).boxed(),
                };
                while let Some(row) = rows.try_next().await? {
                    if *matching == Matching::Loose {
                        missed.look(&row.song);
                    }
                    if self.means(&row.song, *matching) {
                        songs += 1;
                        take(source.0, row)?;
                    }
                }
            }
            if songs > 0 {
                return Ok(Tally { songs, hint: String::new() });
            }
        }
        Ok(Tally { songs: 0, hint: hint.unwrap_or_else(|| missed.hint()) })
    }

    /// The lists in which the songs are; and if there are none, why.
    async fn sources(&self, client: &Client) -> anyhow::Result<(Vec<Source>, Option<String>)> {
        let databases = self.databases(client).await?;
        let Some(name) = &self.playlist else {
            return Ok((databases.iter().map(|database| (database.id, None)).collect(), None));
        };
        let mut near = Near::to(name);
        let (mut exact, mut loose) = (Vec::new(), Vec::new());
        for database in &databases {
            let listing = Listing::default();
            let mut playlists = client.containers(database.id, &listing).await.map_err(advised)?;
            while let Some(playlist) = playlists.next().await {
                let playlist: Container = playlist.map_err(advised)?;
                near.offer(&playlist.name);
                let source = (database.id, Some(playlist.id));
                if Matching::Exact.same(&playlist.name, name) {
                    exact.push(source);
                } else if Matching::Loose.same(&playlist.name, name) {
                    loose.push(source);
                }
            }
        }
        let found = if exact.is_empty() { loose } else { exact };
        let hint = found.is_empty().then(|| nothing_called("playlist", name, &near));
        Ok((found, hint))
    }

    /// What is to be sent of each song: what is wanted, and what it is judged by.
    fn meta(&self, codes: Option<&[Code]>) -> Meta {
        let Some(codes) = codes else { return Meta::All };
        let mut names: Vec<&str> = vec![Field::ItemKind.name(), Field::Id.name()];
        names.extend(codes.iter().map(|code| code.name()));
        if !self.conditions.is_empty() {
            names.extend(Condition::FIELDS.map(Field::name));
        }
        if self.playlist.is_some() {
            names.extend(entries::TELLING.map(Field::name));
        }
        let mut keys = Vec::new();
        self.query.iter().for_each(|query| collect_keys(query, &mut keys));
        names.extend(keys);
        Meta::parse(&names.join(","))
    }

    /// How often the songs are looked through: a second time only if that can find more.
    fn turns(&self) -> &'static [Matching] {
        match self.conditions.is_empty() && self.judged.is_none() {
            true => &Matching::IN_TURN[..1],
            false => &Matching::IN_TURN,
        }
    }

    /// What a server is asked. At the second time only what cannot be judged here: it may have misunderstood the rest.
    fn asked(&self, matching: Matching) -> Option<Query> {
        let raw = match matching {
            Matching::Loose if self.judged.is_some() => None,
            _ => self.query.clone(),
        };
        let conditions = self.conditions.iter().filter(|_| matching == Matching::Exact);
        let queries = conditions.filter_map(Condition::query);
        let whole = Query::all_of(queries.chain(raw.clone()));
        if whole.as_ref().is_some_and(|query| query.to_string().len() > MAX_QUERY) {
            raw
        } else {
            whole
        }
    }

    async fn list(
        &self,
        client: &Client,
        (database, container): Source,
        listing: Listing,
    ) -> anyhow::Result<Listed<Row>> {
        let endpoint = |listing| match container {
            Some(container) => Endpoint::ContainerItems { database, container, listing },
            None => Endpoint::Items { database, listing },
        };
        let without_query = Listing { query: None, ..listing.clone() };
        let must_be_asked = self.query.is_some() && self.judged.is_none();
        let can_go_without = listing.query.is_some() && !must_be_asked;
        match client.list(endpoint(listing)).await {
            // Not every server takes a query.
            Err(ClientError::Refused { .. }) if can_go_without => {
                client.list(endpoint(without_query)).await.map_err(advised)
            }
            listed => listed.map_err(advised),
        }
    }

    fn means(&self, song: &Song, matching: Matching) -> bool {
        self.conditions.iter().all(|condition| condition.holds(song, matching))
            && self.judged.as_ref().is_none_or(|filter| filter.matches_item(&item(song)))
    }
}

/// A query as it is typed: the quotes around its one criterion are easily lost to the shell.
fn typed(text: &str) -> Result<Query, QueryError> {
    match text.starts_with(['\'', '(']) {
        true => Query::parse(text),
        false => Query::parse(&format!("'{text}'")),
    }
}

/// The fields that a query may name to be judged here: what a song says of itself is enough for them.
const JUDGED: [Field; 17] = [
    Field::Id,
    Field::PersistentId,
    Field::Name,
    Field::Artist,
    Field::AlbumArtist,
    Field::Album,
    Field::Genre,
    Field::Composer,
    Field::Comment,
    Field::Grouping,
    Field::Year,
    Field::DiscNumber,
    Field::TrackNumber,
    Field::Time,
    Field::Compilation,
    Field::UserRating,
    Field::PlayCount,
];

/// What a raw query means, if all of it is known here.
fn judged(query: &Query) -> Option<Filter> {
    let mut keys = Vec::new();
    collect_keys(query, &mut keys);
    let known = |key: &&str| JUDGED.iter().any(|field| field.name() == *key);
    keys.iter().all(known).then(|| query.to_filter())
}

/// The names of all fields that a query asks for.
fn collect_keys<'a>(query: &'a Query, keys: &mut Vec<&'a str>) {
    match query {
        Query::And(parts) | Query::Or(parts) => {
            parts.iter().for_each(|part| collect_keys(part, keys));
        }
        Query::Is(criterion) => keys.push(&criterion.key),
    }
}

/// The song as the model has it, to be judged by a filter over [`JUDGED`].
fn item(song: &Song) -> Item {
    Item {
        id: song.id,
        persistent_id: song.persistent_id.unwrap_or(PersistentId::LOWEST),
        track: song.track.clone(),
        usage: song.usage,
        custom: Custom::NONE,
        album_id: song.album_id.unwrap_or(PersistentId::LOWEST),
        artist_id: song.artist_id.unwrap_or(PersistentId::LOWEST),
        revision: Revision::FIRST,
    }
}

/// Looks out for what somebody may have meant, should nothing be found.
struct Missed<'a> {
    /// Each name that was asked for: as what, whether it was seen, and the names like it.
    names: Vec<(&'a Condition, bool, Near)>,
}

impl<'a> Missed<'a> {
    fn new(conditions: &'a [Condition]) -> Self {
        let named = conditions.iter().filter_map(|condition| {
            condition.name().map(|(_, name)| (condition, false, Near::to(name)))
        });
        Self { names: named.collect() }
    }

    fn look(&mut self, song: &Song) {
        for (condition, seen, near) in &mut self.names {
            *seen |= condition.holds(song, Matching::Loose);
            condition.names(&song.track).for_each(|name| near.offer(name));
        }
    }

    fn hint(&self) -> String {
        let unseen = self.names.iter().find(|(_, seen, _)| !seen);
        match unseen.and_then(|(condition, _, near)| Some((condition.name()?, near))) {
            Some(((what, name), near)) => nothing_called(what, name, near),
            None => "the share has no such song".to_owned(),
        }
    }
}

fn nothing_called(what: &str, name: &str, near: &Near) -> String {
    let near: Vec<&str> = near.names().collect();
    let near =
        if near.is_empty() { String::new() } else { format!("; there is {}", near.join(", ")) };
    format!("the share has no {what} {name}{near}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_have_lost_its_quotes() {
        let year = Query::is(Field::Year, "1973");
        assert_eq!(typed("'daap.songyear:1973'"), Ok(year.clone()));
        assert_eq!(typed("daap.songyear:1973"), Ok(year));
        assert!(typed("('daap.songyear:1973'").is_err());
    }
}
