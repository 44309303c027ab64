//! Asking for songs: which, in what order, which page.

use std::ops::Bound;
use std::sync::Arc;

use crate::candidates::Candidates;
use crate::id_set::IdSet;
use crate::order;
use crate::sort::{self, SortHeader};
use crate::sorted;
use crate::{ContainerItem, ContainerItemId, Filter, Item, ItemId, Items, Sort};

/// One row of a listing: a song, and the entry of the container by which it is there.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The entry; outside a container it has the number of the song.
    pub entry: ContainerItemId,
    /// The song.
    pub item: &'a Item,
}

impl<'a> Row<'a> {
    /// The row of a song outside a container.
    #[must_use]
    pub fn of(item: &'a Item) -> Self {
        Self::numbered(item.id, item)
    }

    /// The same with the id at hand, so that nothing is read of the song.
    fn numbered(id: ItemId, item: &'a Item) -> Self {
        Self { entry: ContainerItem::of(id).id, item }
    }
}

/// Which part of a listing is wanted. Rows count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Page {
    /// All of it.
    #[default]
    All,
    /// From this row to the end.
    From(usize),
    /// From one row to another, both included; nothing if they are the wrong way round.
    Between(usize, usize),
    /// The last so many rows.
    Last(usize),
}

impl Page {
    /// The rows this means in a listing of `total`: start and end, the end excluded.
    #[must_use]
    pub fn bounds(self, total: usize) -> (usize, usize) {
        let (start, end) = match self {
            Self::All => (0, total),
            Self::From(first) => (first, total),
            Self::Between(first, last) => (first, last.saturating_add(1)),
            Self::Last(count) => (total.saturating_sub(count), total),
        };
        let end = end.min(total);
        (start.min(end), end)
    }
}

/// Songs being chosen. Nothing is looked at before [`Selection::page`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Selection<'a> {
    items: Arc<Items>,
    source: Source,
    filter: Option<&'a Filter>,
    sort: Option<Sort>,
}

/// Songs in an order, before paging.
#[derive(Clone, Debug)]
enum Source {
    /// All songs, by id.
    All,
    Items(Arc<[ItemId]>),
    Entries(Arc<[ContainerItem]>),
}

/// An order of all songs is walked rather than the rows sorted if they are one song in so many or more: to make the
/// key by which one is sorted takes about as long as to pass so many in an order.
const WALK_ONE_IN: usize = 512;

impl<'a> Selection<'a> {
    pub(crate) fn all(items: Arc<Items>) -> Self {
        Self { items, source: Source::All, filter: None, sort: None }
    }

    pub(crate) fn of_items(items: Arc<Items>, ids: Arc<[ItemId]>) -> Self {
        Self { items, source: Source::Items(ids), filter: None, sort: None }
    }

    pub(crate) fn of_entries(items: Arc<Items>, entries: Arc<[ContainerItem]>) -> Self {
        Self { items, source: Source::Entries(entries), filter: None, sort: None }
    }

    /// Only those that the filter means. A second filter takes the place of the first.
    pub fn matching<'b>(self, filter: &'b Filter) -> Selection<'b> {
        Selection { items: self.items, source: self.source, filter: Some(filter), sort: self.sort }
    }

    /// In this order. Without it, songs come by id and entries as the container has them.
    pub fn sorted(self, sort: Sort) -> Self {
        Self { sort: Some(sort), ..self }
    }

    /// All rows.
    #[must_use]
    pub fn rows(self) -> Rows {
        self.page(Page::All)
    }

    /// The rows of one page.
    #[must_use]
    pub fn page(mut self, page: Page) -> Rows {
        self.narrow();
        let total = self.source.len(&self.items);
        let (start, end) = page.bounds(total);
        self.arrange(end);
        Rows { items: self.items, source: self.source, sort: self.sort, start, end, total }
    }

    /// Leaves in `source` only what the filter means.
    fn narrow(&mut self) {
        let Some(filter) = self.filter.take() else { return };
        let items = &self.items;
        match items.settles(filter) {
            Some(true) => return,
            Some(false) => {
                self.source = Source::Items(Arc::default());
                return;
            }
            None => {}
        }
        let matches = |id: &ItemId| items.find(*id).is_some_and(|item| filter.matches_item(item));
        self.source = match &self.source {
            Source::All => Source::Items(match items.candidates(filter) {
                Some(Candidates { ids, is_exact: true }) => ids.into(),
                Some(Candidates { ids, .. }) => ids.into_iter().filter(matches).collect(),
                None => {
                    let matching = items.iter().filter(|item| filter.matches_item(item));
                    matching.map(|item| item.id).collect()
                }
            }),
            Source::Items(ids) => Source::Items(ids.iter().copied().filter(matches).collect()),
            Source::Entries(entries) => {
                let matches = |entry: &&ContainerItem| {
                    items
                        .find(entry.item)
                        .is_some_and(|item| filter.matches(Row { entry: entry.id, item }))
                };
                Source::Entries(entries.iter().filter(matches).copied().collect())
            }
        };
    }

    /// Puts `source` in the order asked for; of rows past `end` it may keep some.
    fn arrange(&mut self, end: usize) {
        let Some(sort) = self.sort else { return };
        let items = &self.items;
        self.source = match &self.source {
            Source::All => Source::Items(items.orders.order(&items.by_id, sort)),
            Source::Items(ids) if self.walks(ids.len(), sort) => {
                let mut ids = ids.to_vec();
                ids.sort_unstable();
                let wanted = IdSet::of(ids);
                let order = items.orders.order(&items.by_id, sort);
                let ordered = order.iter().copied().filter(|id| wanted.has(*id));
                Source::Items(ordered.take(end).collect())
            }
            Source::Items(ids) => Source::Items(self.sort_ids(ids, sort)),
            Source::Entries(entries) => Source::Entries(self.arrange_entries(entries, sort, end)),
        };
    }

    fn arrange_entries(
        &self,
        entries: &[ContainerItem],
        sort: Sort,
        end: usize,
    ) -> Arc<[ContainerItem]> {
        let mut by_item: Vec<ContainerItem> = entries.to_vec();
        by_item.sort_unstable_by_key(|entry| (entry.item, entry.id));
        let mut ids: Vec<ItemId> = by_item.iter().map(|entry| entry.item).collect();
        ids.dedup();
        let walks = self.walks(ids.len(), sort);
        let songs = if walks {
            self.items.orders.order(&self.items.by_id, sort)
        } else {
            self.sort_ids(&ids, sort)
        };
        let wanted = IdSet::of(ids);
        let of_song = |id: ItemId| {
            let start = by_item.partition_point(|entry| entry.item < id);
            by_item[start..].iter().take_while(move |entry| entry.item == id)
        };
        let songs = songs.iter().copied().filter(|id| wanted.has(*id));
        songs.flat_map(of_song).take(end).copied().collect()
    }

    fn sort_ids(&self, ids: &[ItemId], sort: Sort) -> Arc<[ItemId]> {
        let items = ids.iter().filter_map(|id| self.items.find(*id));
        order::sorted(items.map(Arc::as_ref), sort)
    }

    fn walks(&self, rows: usize, sort: Sort) -> bool {
        let (songs, orders) = (self.items.len(), &self.items.orders);
        if orders.is_cheap(sort) {
            rows >= songs.div_ceil(WALK_ONE_IN)
        } else {
            orders.is_worth_making(sort, rows, songs)
        }
    }
}

impl Source {
    fn len(&self, all: &Items) -> usize {
        match self {
            Self::All => all.len(),
            Self::Items(ids) => ids.len(),
            Self::Entries(entries) => entries.len(),
        }
    }
}

/// The rows of a listing. It stands for itself: it holds the songs, not the snapshot, and costs eight
/// bytes a row at most.
#[derive(Clone, Debug)]
pub struct Rows {
    items: Arc<Items>,
    source: Source,
    sort: Option<Sort>,
    start: usize,
    end: usize,
    total: usize,
}

impl Rows {
    pub(crate) fn of_items(items: Arc<Items>, ids: Arc<[ItemId]>) -> Self {
        Selection::of_items(items, ids).rows()
    }

    /// How many rows the page has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether the page has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How many rows there are on all pages together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// The rows of the page.
    #[must_use]
    pub fn iter(&self) -> RowIter<'_> {
        self.iter_from(Cursor::default())
    }

    /// The rows of the page from where an earlier iterator was left ([`RowIter::cursor`]).
    #[must_use]
    pub fn iter_from(&self, cursor: Cursor) -> RowIter<'_> {
        let done = cursor.done.min(self.len());
        let rest = self.start + done..self.end;
        let walk = match (&self.source, cursor.last) {
            (Source::All, Some(last)) => {
                Walk::Songs(self.items.by_id.range(Bound::Excluded(&last)), rest.len())
            }
            (Source::All, None) => {
                let mut songs = self.items.by_id.iter();
                if let Some(skipped) = rest.start.checked_sub(1) {
                    songs.nth(skipped);
                }
                Walk::Songs(songs, rest.len())
            }
            (Source::Items(ids), _) => Walk::Items(ids[rest].iter()),
            (Source::Entries(entries), _) => Walk::Entries(entries[rest].iter()),
        };
        RowIter { items: &self.items, walk, cursor: Cursor { done, last: cursor.last } }
    }

    /// The headings of the page, counted from its own first row; a listing that was not sorted, or not by
    /// a text, has all its rows under the last one.
    #[must_use]
    pub fn headers(&self) -> Vec<SortHeader> {
        sort::headers(self.iter().map(|row| self.sort.map_or("", |sort| sort.text(row.item))))
    }
}

/// Where an iterator over [`Rows`] was left. The default is the first row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    done: usize,
    last: Option<ItemId>,
}

/// The rows of a listing, one by one.
#[derive(Debug)]
pub struct RowIter<'a> {
    items: &'a Items,
    walk: Walk<'a>,
    cursor: Cursor,
}

#[derive(Debug)]
enum Walk<'a> {
    /// All songs, and how many are still wanted.
    Songs(sorted::Iter<'a, ItemId, Arc<Item>>, usize),
    Items(std::slice::Iter<'a, ItemId>),
    Entries(std::slice::Iter<'a, ContainerItem>),
}

impl RowIter<'_> {
    /// Where it stands, for [`Rows::iter_from`] of the same rows.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }
}

impl<'a> Iterator for RowIter<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let (id, row) = match &mut self.walk {
            Walk::Songs(songs, wanted) => {
                *wanted = wanted.checked_sub(1)?;
                let (id, item) = songs.next()?;
                (*id, Row::numbered(*id, item))
            }
            Walk::Items(ids) => {
                let id = *ids.next()?;
                (id, Row::numbered(id, self.items.find(id)?))
            }
            Walk::Entries(entries) => {
                let entry = entries.next()?;
                (entry.item, Row { entry: entry.id, item: self.items.find(entry.item)? })
            }
        };
        self.cursor = Cursor { done: self.cursor.done + 1, last: Some(id) };
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rows = match &self.walk {
            Walk::Songs(_, wanted) => *wanted,
            Walk::Items(ids) => ids.len(),
            Walk::Entries(entries) => entries.len(),
        };
        (rows, Some(rows))
    }
}

impl ExactSizeIterator for RowIter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{NumberField, NumberTest};

    #[track_caller]
    fn check(page: Page, total: usize, expected: std::ops::Range<usize>) {
        assert_eq!(page.bounds(total), (expected.start, expected.end), "{page:?} of {total}");
    }

    #[test]
    fn pages_stay_within_the_listing() {
        check(Page::All, 5, 0..5);
        check(Page::From(2), 5, 2..5);
        check(Page::From(9), 5, 5..5);
        check(Page::Between(1, 3), 5, 1..4);
        check(Page::Between(0, usize::MAX), 5, 0..5);
        check(Page::Between(7, 9), 5, 5..5);
        check(Page::Between(3, 1), 5, 2..2);
        check(Page::Last(2), 5, 3..5);
        check(Page::Last(9), 5, 0..5);
        check(Page::Last(0), 5, 5..5);
        check(Page::All, 0, 0..0);
    }

    #[test]
    fn a_page_knows_the_whole_count() {
        let database = database(&model((1..=9).map(|id| put(id, track("x", "", "")))));
        let few = Filter::Number(NumberField::Id, NumberTest::AtMost(6));
        let rows = database.items().matching(&few).page(Page::Between(4, 8));
        assert_eq!((rows.len(), rows.total(), rows.is_empty()), (2, 6, false));
        assert_eq!(rows.iter().map(|row| row.item.id.get()).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(rows.iter().len(), 2);
    }

    #[test]
    fn a_song_that_occurs_twice_stays_twice_when_sorted_and_filtered() {
        let titles = [put(1, track("b", "", "")), put(2, track("a", "", ""))];
        let model = model(titles.into_iter().chain([put_container(2, None, songs(&[1, 2, 1]))]));
        let database = database(&model);
        let entries = || database.entries(container_id(2)).unwrap();
        let listed = |rows: Rows| -> Vec<(u32, u32)> {
            rows.iter().map(|row| (row.entry.get(), row.item.id.get())).collect()
        };
        assert_eq!(listed(entries().rows()), [(1, 1), (2, 2), (3, 1)]);
        assert_eq!(listed(entries().sorted(Sort::Title).rows()), [(2, 2), (1, 1), (3, 1)]);
        let third = Filter::Number(NumberField::ContainerItemId, NumberTest::Equals(3));
        assert_eq!(listed(entries().matching(&third).rows()), [(3, 1)]);
    }

    #[test]
    fn walking_an_order_and_sorting_the_rows_agree() {
        let count = 2 * WALK_ONE_IN as u32;
        let title = |id: u32| format!("{}", id.wrapping_mul(2_654_435_761) % 1000);
        let database = database(&model((1..=count).map(|id| put(id, track(&title(id), "", "")))));
        let ids = |rows: Rows| rows.iter().map(|row| row.item.id).collect::<Vec<_>>();
        // The rows of the first are sorted, for there is no order yet.
        for most in [1, 2, 300, count - 100] {
            let low = Filter::Number(NumberField::Id, NumberTest::AtMost(most.into()));
            let songs = database.items().iter().filter(|item| low.matches_item(item));
            let sorted = order::sorted(songs, Sort::Title);
            let found = || database.items().matching(&low).sorted(Sort::Title);
            assert_eq!(ids(found().rows()), *sorted);
            let page = found().page(Page::Between(1, 40));
            assert_eq!((page.total(), page.len()), (sorted.len(), sorted.len().min(41) - 1));
            assert_eq!(ids(page)[..], sorted[1..sorted.len().min(41)]);
            assert_eq!(database.items().all().sorted(Sort::Title).rows().len(), count as usize);
        }
    }
}
