//! Albums and artists: what makes songs belong together, and what a group says of them.
//!
//! # The grouping rule
//!
//! **Artist.** A song is filed under its album artist; where there is none, under
//! [`VARIOUS_ARTISTS`] if it is marked as part of a compilation, else under its own artist. Songs filed
//! under the same name, after folding, have the same artist id. MusicBrainz artist ids play no part:
//! where only half of an artist's songs carry one, the artist would be listed twice.
//!
//! **Album.** Songs with the same MusicBrainz release id are one album. Without it, songs filed under the
//! same artist with the same album name, after folding, are one album; the discs of a set share it. Songs
//! with no album name have one album id per artist, so that a query finds them, but it is not listed.
//!
//! **Folding.** Capitals become small letters, composed and decomposed accents the same, and runs of
//! white space one space; white space at the ends goes.
//!
//! **Ids.** An id is FNV-1a, 64 bits, over one byte for the kind (`a` artist, `b` album, `r` release,
//! `n` no album) and the folded texts in UTF-8, each ended by a zero byte (for a release its 16 bytes,
//! big-endian), passed through the finaliser of MurmurHash3; 0 becomes 1. Clients remember these ids, so
//! the rule and the hash never change.

use std::sync::Arc;

use foldhash::HashMap;
use icu_normalizer::ComposingNormalizerBorrowed;
use imbl::OrdMap;

use crate::{GroupId, Item, ItemId, PersistentId, Text, Track, sort};

/// The artist of a compilation that names none.
pub const VARIOUS_ARTISTS: &str = "Various Artists";

/// What kind of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// Albums.
    Albums,
    /// Artists.
    Artists,
}

/// An order of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupSort {
    /// By the group's own name, then as [`GroupSort::Artist`].
    Name,
    /// By artist, then by name. For artists the same as [`GroupSort::Name`].
    Artist,
}

/// An album or an artist, over the songs that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its row id: the same as long as the server runs and has a song of the group. Albums and artists
    /// never share one.
    pub id: GroupId,
    /// Its id for ever.
    pub persistent_id: PersistentId,
    /// Name of the album or artist, never empty; as written in its first song.
    pub name: Text,
    /// The text it is sorted by.
    pub sort_name: Text,
    /// The artist it is filed under; of an artist, its name.
    pub artist: Text,
    /// The text the artist is sorted by.
    pub sort_artist: Text,
    /// The artist's id for ever.
    pub artist_id: PersistentId,
    /// How many songs.
    pub item_count: usize,
    /// How many named albums they are on.
    pub album_count: usize,
    /// How long they last together.
    pub duration_ms: u64,
    /// The first of them, by id.
    pub first_item: ItemId,
    /// The first of them that has a picture.
    pub artwork_item: Option<ItemId>,
}

/// The artist id and the album id of a song.
pub(crate) fn ids(track: &Track) -> (PersistentId, PersistentId) {
    let artist = track.filed_under();
    let artist_id = Hasher::new(b'a').text(artist).finish();
    let album_id = match track.release() {
        Some(release) => Hasher::new(b'r').bytes(&release.get().to_be_bytes()).finish(),
        None if track.album.trim().is_empty() => Hasher::new(b'n').text(artist).finish(),
        None => Hasher::new(b'b').text(artist).text(&track.album).finish(),
    };
    (artist_id, album_id)
}

/// Whether two songs plainly have the same artist id and album id.
pub(crate) fn have_same_ids(a: &Track, b: &Track) -> bool {
    a.release() == b.release() && a.album == b.album && a.filed_under() == b.filed_under()
}

/// FNV-1a over folded texts.
struct Hasher(u64);

impl Hasher {
    fn new(kind: u8) -> Self {
        Self(0xCBF2_9CE4_8422_2325).bytes(&[kind])
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self
    }

    fn text(self, text: &str) -> Self {
        let mut space = false;
        let mut empty = true;
        let mut utf8 = [0; 4];
        let mut hasher = self;
        let mut push = |c: char| {
            if c.is_whitespace() {
                space = !empty;
                return;
            }
            if std::mem::take(&mut space) {
                hasher.0 = Self(hasher.0).bytes(b" ").0;
            }
            empty = false;
            hasher.0 = Self(hasher.0).bytes(c.encode_utf8(&mut utf8).as_bytes()).0;
        };
        if text.is_ascii() {
            text.chars().for_each(|c| push(c.to_ascii_lowercase()));
        } else {
            const NFC: ComposingNormalizerBorrowed<'static> =
                ComposingNormalizerBorrowed::new_nfc();
            NFC.normalize_iter(text.chars().flat_map(char::to_lowercase)).for_each(push);
        }
        hasher.bytes(&[0])
    }

    fn finish(self) -> PersistentId {
        PersistentId::new(mix(self.0))
    }
}

/// The finaliser of MurmurHash3: every bit of the number moves every bit of the result.
pub(crate) fn mix(mut number: u64) -> u64 {
    number ^= number >> 33;
    number = number.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    number ^= number >> 33;
    number = number.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    number ^ (number >> 33)
}

/// The row ids of the albums and artists of a database. A group has one from its first song to its last.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupIds {
    by_group: OrdMap<PersistentId, GroupId>,
    by_id: OrdMap<GroupId, (GroupKind, PersistentId)>,
}

impl GroupIds {
    pub(crate) fn add(&mut self, kind: GroupKind, group: PersistentId) {
        // The low 31 bits of the hash, so that ids are mostly the same after a restart; where two groups
        // share them the later one takes the next free number.
        let mut number = (group.get() & u64::from(GroupId::MAX)) as u32;
        let id = loop {
            match GroupId::to_give(number) {
                Some(id) if !self.by_id.contains_key(&id) => break id,
                _ => number = (number + 1) & GroupId::MAX,
            }
        };
        self.by_group.insert(group, id);
        self.by_id.insert(id, (kind, group));
    }

    pub(crate) fn remove(&mut self, group: PersistentId) {
        if let Some(id) = self.by_group.remove(&group) {
            self.by_id.remove(&id);
        }
    }

    pub(crate) fn find(&self, id: GroupId) -> Option<(GroupKind, PersistentId)> {
        self.by_id.get(&id).copied()
    }

    fn id_of(&self, group: PersistentId) -> Option<GroupId> {
        self.by_group.get(&group).copied()
    }
}

/// The groups of some songs, in order.
pub(crate) fn groups<'a>(
    ids: &GroupIds,
    songs: impl Iterator<Item = &'a Item>,
    kind: GroupKind,
    sort: GroupSort,
) -> Arc<[Group]> {
    let mut found: HashMap<PersistentId, Gathered<'a>> = HashMap::default();
    for item in songs {
        let group = match kind {
            GroupKind::Albums => item.album_id,
            GroupKind::Artists => item.artist_id,
        };
        found.entry(group).or_insert_with(|| Gathered::new(item)).add(item);
    }
    let mut groups: Vec<(sort::Key, Group)> = found
        .into_iter()
        .filter_map(|(persistent_id, gathered)| {
            let group = gathered.group(ids.id_of(persistent_id)?, persistent_id, kind)?;
            Some((group.key(sort), group))
        })
        .collect();
    groups.sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then(x.id.cmp(&y.id)));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// What is known of a group while its songs are looked at.
struct Gathered<'a> {
    first: &'a Item,
    artwork: Option<ItemId>,
    item_count: usize,
    duration_ms: u64,
    /// The named albums, mostly one after the other.
    albums: Vec<PersistentId>,
}

impl<'a> Gathered<'a> {
    fn new(first: &'a Item) -> Self {
        Self { first, artwork: None, item_count: 0, duration_ms: 0, albums: Vec::new() }
    }

    fn add(&mut self, item: &'a Item) {
        if item.id < self.first.id {
            self.first = item;
        }
        if item.track.has_artwork {
            self.artwork = Some(self.artwork.map_or(item.id, |first| first.min(item.id)));
        }
        self.item_count += 1;
        self.duration_ms += u64::from(item.track.duration_ms);
        if !item.track.album.trim().is_empty() && self.albums.last() != Some(&item.album_id) {
            self.albums.push(item.album_id);
        }
    }

    fn group(mut self, id: GroupId, persistent_id: PersistentId, kind: GroupKind) -> Option<Group> {
        self.albums.sort_unstable();
        self.albums.dedup();
        let track = &self.first.track;
        let artist = track.filed_under().clone();
        let sort_artist = Text::from(sort::Sort::Artist.text(self.first));
        let (name, sort_name) = match kind {
            GroupKind::Albums => {
                (track.album.clone(), Text::from(sort::Sort::Album.text(self.first)))
            }
            GroupKind::Artists => (artist.clone(), sort_artist.clone()),
        };
        (!name.trim().is_empty()).then_some(Group {
            id,
            persistent_id,
            name,
            sort_name,
            artist,
            sort_artist,
            artist_id: self.first.artist_id,
            item_count: self.item_count,
            album_count: self.albums.len(),
            duration_ms: self.duration_ms,
            first_item: self.first.id,
            artwork_item: self.artwork,
        })
    }
}

impl Group {
    fn key(&self, sort: GroupSort) -> sort::Key {
        let (first, second) = match sort {
            GroupSort::Name => (&self.sort_name, &self.sort_artist),
            GroupSort::Artist => (&self.sort_artist, &self.sort_name),
        };
        let mut key = sort::text_key(first);
        key.extend(sort::text_key(second));
        key
    }

    /// The text that heads the group in a list of this order.
    #[must_use]
    pub fn text(&self, sort: GroupSort) -> &str {
        match sort {
            GroupSort::Name => &self.sort_name,
            GroupSort::Artist => &self.sort_artist,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{Edit, Filter, MusicBrainz, MusicBrainzId, TextField, TextTest};

    fn by(artist: &str, album: &str) -> Track {
        track("x", artist, album)
    }

    #[test]
    fn ids_never_change() {
        // Computed by another program from the rule as it is written above.
        let check = |track: &Track, artist: &str, album: &str| {
            let (artist_id, album_id) = ids(track);
            assert_eq!(
                (artist_id.to_string().as_str(), album_id.to_string().as_str()),
                (artist, album)
            );
        };
        check(&by("Wings", "Band on the Run"), "58B5A0234EABA9F4", "38104E278A03BAE2");
        check(&by("", ""), "86FC2D0407502DE5", "CD1A1BE69A60D0A6");
        check(&by("Björk", "Début"), "6F2CB2B0157ADA31", "5C19B5D6A0A95A0D");
        let release = MusicBrainzId::new(0x89ad4ac3_39f7_470e_963a_56509c546377);
        check(
            &Track { musicbrainz: MusicBrainz::of(release, None), ..by("Wings", "x") },
            "58B5A0234EABA9F4",
            "5641CEF54B26E40C",
        );
    }

    #[track_caller]
    fn check_together(a: &Track, b: &Track, expected: bool) {
        assert_eq!(ids(a).1 == ids(b).1, expected, "{a:?} {b:?}");
    }

    #[test]
    fn what_makes_songs_one_album() {
        let run = by("Wings", "Band on the Run");
        check_together(&run, &by(" wings", "band  ON the run "), true);
        check_together(&run, &by("Wings", "Band on the Runs"), false);
        check_together(&run, &by("Queen", "Band on the Run"), false);
        check_together(&run, &Track { disc: 2, ..run.clone() }, true);
        check_together(&by("Bjo\u{308}rk", "X"), &by("BJÖRK", "x"), true);
        // "ab" + "c" is not "a" + "bc".
        check_together(&by("ab", "c"), &by("a", "bc"), false);

        let of =
            |artist: &str| Track { album_artist: "Wings".into(), ..by(artist, "Band on the Run") };
        check_together(&of("Denny"), &of("Paul"), true);
        check_together(&run, &of("Denny"), true);

        let tape = |artist: &str| Track { compilation: true, ..by(artist, "Hits") };
        check_together(&tape("A"), &tape("B"), true);
        check_together(&tape("A"), &by("A", "Hits"), false);

        let release = |id| Track {
            musicbrainz: MusicBrainz::of(MusicBrainzId::new(id), None),
            ..run.clone()
        };
        check_together(&release(1), &release(2), false);
        let other =
            Track { musicbrainz: MusicBrainz::of(MusicBrainzId::new(1), None), ..by("Q", "Z") };
        check_together(&release(1), &other, true);

        check_together(&by("Wings", ""), &by("Wings", " "), true);
        check_together(&by("Wings", ""), &by("Queen", ""), false);
    }

    fn listed(
        kind: GroupKind,
        sort: GroupSort,
        filter: Option<&Filter>,
    ) -> Vec<(String, String, usize, usize)> {
        let long = |track: Track| Track { duration_ms: 1000, ..track };
        let edits: Vec<Edit> = vec![
            put(1, long(by("Wings", "Wild Life"))),
            put(2, long(by("Wings", ""))),
            put(3, long(by("The Beatles", "Help!"))),
            put(4, long(by("The Beatles", "Help!"))),
            put(5, long(by("The Beatles", "Abbey Road"))),
            put(6, long(by("", "Nameless"))),
        ];
        let database = database(&model(edits));
        let groups = database.groups(kind, filter, sort);
        groups
            .iter()
            .map(|group| {
                assert_eq!(group.duration_ms, group.item_count as u64 * 1000);
                assert_eq!(database.group(group.id), Some((kind, group.persistent_id)));
                (
                    group.name.to_string(),
                    group.artist.to_string(),
                    group.item_count,
                    group.album_count,
                )
            })
            .collect()
    }

    fn row(
        name: &str,
        artist: &str,
        items: usize,
        albums: usize,
    ) -> (String, String, usize, usize) {
        (name.into(), artist.into(), items, albums)
    }

    #[test]
    fn groups_are_named_counted_and_sorted() {
        let (abbey, help) =
            (row("Abbey Road", "The Beatles", 1, 1), row("Help!", "The Beatles", 2, 1));
        let (nameless, wild) = (row("Nameless", "", 1, 1), row("Wild Life", "Wings", 1, 1));
        let albums = |sort| listed(GroupKind::Albums, sort, None);
        let expected = [abbey.clone(), help.clone(), nameless.clone(), wild.clone()];
        assert_eq!(albums(GroupSort::Name), expected);
        assert_eq!(albums(GroupSort::Artist), [abbey, help, wild, nameless]);
        let beatles = row("The Beatles", "The Beatles", 3, 2);
        let artists = listed(GroupKind::Artists, GroupSort::Name, None);
        assert_eq!(artists, [beatles, row("Wings", "Wings", 2, 1)]);
    }

    #[test]
    fn a_filter_leaves_groups_of_the_songs_it_means() {
        let filter = Filter::Text(TextField::Album, TextTest::Equals("Help!".into()));
        let artists = listed(GroupKind::Artists, GroupSort::Name, Some(&filter));
        assert_eq!(artists, [row("The Beatles", "The Beatles", 2, 1)]);
    }

    #[test]
    fn a_group_keeps_its_row_id_and_gives_it_back_with_its_last_song() {
        let mut model = model([put(1, by("Wings", "Run")), put(2, by("Wings", "Run"))]);
        let album = |model: &crate::Model| {
            let groups = database(model).groups(GroupKind::Albums, None, GroupSort::Name);
            groups.first().map(|group| group.id)
        };
        let id = album(&model).unwrap();
        model.apply([remove(1), put(3, by("Abba", "Arrival"))].into_iter().collect()).unwrap();
        assert_eq!(database(&model).group(id).map(|(kind, _)| kind), Some(GroupKind::Albums));
        model.apply([remove(2)].into_iter().collect()).unwrap();
        assert_eq!(database(&model).group(id), None);
    }

    #[test]
    fn an_artist_goes_with_the_last_song_though_the_album_stays() {
        let release = |artist| Track {
            musicbrainz: MusicBrainz::of(MusicBrainzId::new(1), None),
            ..by(artist, "Split")
        };
        let mut model = model([put(1, release("Wings")), put(2, release("Queen"))]);
        let artists = database(&model).groups(GroupKind::Artists, None, GroupSort::Name);
        assert_eq!(artists.len(), 2);
        model.apply([remove(1)].into_iter().collect()).unwrap();
        let there = |group: &Group| database(&model).group(group.id).is_some();
        assert_eq!((&*artists[1].name, there(&artists[1])), ("Wings", false));
        assert_eq!((&*artists[0].name, there(&artists[0])), ("Queen", true));
    }

    #[test]
    fn groups_with_the_same_low_bits_get_different_row_ids() {
        let mut ids = GroupIds::default();
        let low = u64::from(GroupId::MAX);
        for high in 0..4_u64 {
            ids.add(GroupKind::Albums, PersistentId::new(high << 32 | low));
        }
        let rows: Vec<u32> = (0..4_u64)
            .map(|high| ids.id_of(PersistentId::new(high << 32 | low)).unwrap().get())
            .collect();
        assert_eq!(rows, [GroupId::MAX, 1, 2, 3]);
    }

    #[test]
    fn the_first_song_with_a_picture_stands_for_its_album() {
        let with = Track { has_artwork: true, ..by("Wings", "Run") };
        let model = model([put(1, by("Wings", "Run")), put(2, with.clone()), put(3, with)]);
        let database = database(&model);
        for kind in [GroupKind::Albums, GroupKind::Artists] {
            let groups = database.groups(kind, None, GroupSort::Name);
            assert_eq!(groups[0].artwork_item, Some(item_id(2)));
            assert_eq!(groups[0].first_item, item_id(1));
            assert_eq!(database.group_artwork(groups[0].id), Some(item_id(2)));
        }
    }
}
