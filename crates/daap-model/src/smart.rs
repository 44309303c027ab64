//! Smart playlists: rules as data, answered by the model at every change.

use std::borrow::Cow;
use std::sync::Arc;

use imbl::OrdSet;

use crate::container::SmartItems;
use crate::sort::{self, Key};
use crate::{Filter, Item, ItemId, Items, Sort, Timestamp};

/// How far the clock has to move before rules that ask what time it is are answered anew for every
/// song. Songs that change are looked at each time.
pub const CLOCK_STEP_SECONDS: u32 = 60;

/// What belongs into a smart playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmartRules {
    /// Which songs.
    pub filter: Filter,
    /// How many of them; `None` for all, which are listed by id.
    pub limit: Option<SmartLimit>,
}

/// Only some of the songs that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmartLimit {
    /// How much of them.
    pub amount: SmartAmount,
    /// Which come first; they are listed in that order.
    pub by: SmartOrder,
}

/// How much goes into a limited smart playlist. A song that does not fit ends the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartAmount {
    /// So many songs.
    Songs(u32),
    /// So many milliseconds of music.
    Duration(u64),
    /// So many bytes.
    Size(u64),
}

/// By what the songs of a limited smart playlist are chosen. Ties go to the lower id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmartOrder {
    /// In an order that looks random, and is always the same for the same songs.
    Random,
    /// By title.
    Title,
    /// By album, disc, track.
    Album,
    /// By artist, album, disc, track.
    Artist,
    /// Genre.
    Genre,
    /// Highest rating first.
    HighestRating,
    /// Lowest rating first.
    LowestRating,
    /// Played most often first.
    MostPlayed,
    /// Played least often first.
    LeastPlayed,
    /// Played last first.
    MostRecentlyPlayed,
    /// Not played for longest first.
    LeastRecentlyPlayed,
    /// Newest in the library first.
    MostRecentlyAdded,
    /// Oldest in the library first.
    LeastRecentlyAdded,
}

/// A smart playlist as the model keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SmartState {
    pub(crate) rules: SmartRules,
    /// `None` until the songs of the batch that brought the rules are all in.
    pub(crate) items: Option<SmartItems>,
}

/// The time by which rules are answered. It moves in steps, so that between two of them an answer only
/// has to follow the songs that change.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// 0 while nobody knows.
    at: Timestamp,
    /// Whether it is later than when the rules were last answered.
    moved: bool,
}

impl Clock {
    /// The clock when it is `now`. It never runs backwards, so that a playlist does not flicker.
    pub(crate) fn follow(self, now: Option<Timestamp>) -> Self {
        match now {
            Some(now) if now.0.saturating_sub(self.at.0) >= CLOCK_STEP_SECONDS => {
                Self { at: now, moved: true }
            }
            _ => Self { at: self.at, moved: false },
        }
    }
}

impl SmartState {
    /// The songs after some changed and the clock moved, or `None` if they are the same as before.
    pub(crate) fn follow(
        &self,
        before: Option<&Items>,
        after: &Items,
        changed: &[ItemId],
        clock: Clock,
    ) -> Option<SmartItems> {
        // Without a clock, "in the last 30 days" holds for nothing.
        let asks_time = clock.at != Timestamp(0) && self.rules.filter.needs_clock();
        let filter = if asks_time {
            Cow::Owned(self.rules.filter.at(clock.at))
        } else {
            Cow::Borrowed(&self.rules.filter)
        };
        let (Some(before), Some(items)) = (before, &self.items) else {
            return Some(choose(&filter, self.rules.limit, after));
        };
        if asks_time && clock.moved {
            let chosen = choose(&filter, self.rules.limit, after);
            return (chosen != *items).then_some(chosen);
        }
        self.follow_songs(&filter, items, before, after, changed)
    }

    fn follow_songs(
        &self,
        filter: &Filter,
        items: &SmartItems,
        before: &Items,
        after: &Items,
        changed: &[ItemId],
    ) -> Option<SmartItems> {
        let matches = |item: Option<&Arc<Item>>| item.is_some_and(|item| filter.matches_item(item));
        match items {
            SmartItems::Set(ids) => {
                let mut ids = ids.clone();
                let mut differs = false;
                for id in changed {
                    differs |= if matches(after.find(*id)) {
                        ids.insert(*id).is_none()
                    } else {
                        ids.remove(id).is_some()
                    };
                }
                differs.then_some(SmartItems::Set(ids))
            }
            SmartItems::Chosen(_) => changed
                .iter()
                .any(|id| matches(before.find(*id)) || matches(after.find(*id)))
                .then(|| choose(filter, self.rules.limit, after))
                .filter(|chosen| chosen != items),
        }
    }
}

fn choose(filter: &Filter, limit: Option<SmartLimit>, items: &Items) -> SmartItems {
    let matching = items.iter().filter(|item| filter.matches_item(item));
    let Some(limit) = limit else {
        return SmartItems::Set(matching.map(|item| item.id).collect::<OrdSet<_>>());
    };
    let mut ranked: Vec<(Rank, &Item)> =
        matching.map(|item| (rank(item, limit.by), item)).collect();
    ranked.sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then(x.id.cmp(&y.id)));
    let mut room = limit.amount;
    let chosen = ranked.into_iter().map(|(_, item)| item).take_while(|item| fits(item, &mut room));
    SmartItems::Chosen(chosen.map(|item| item.id).collect())
}

/// Takes the song's share of the room there is.
fn fits(item: &Item, room: &mut SmartAmount) -> bool {
    let left = match room {
        SmartAmount::Songs(left) => {
            let rest = left.checked_sub(1);
            rest.map(SmartAmount::Songs)
        }
        SmartAmount::Duration(left) => {
            left.checked_sub(item.track.duration_ms.into()).map(SmartAmount::Duration)
        }
        SmartAmount::Size(left) => left.checked_sub(item.track.size).map(SmartAmount::Size),
    };
    if let Some(left) = left {
        *room = left;
    }
    left.is_some()
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(u64),
    Text(Key),
}

fn rank(item: &Item, by: SmartOrder) -> Rank {
    let usage = &item.usage;
    let low = |number: u64| Rank::Number(number);
    let high = |number: u64| Rank::Number(u64::MAX - number);
    match by {
        SmartOrder::Random => low(crate::group::mix(item.persistent_id.get())),
        SmartOrder::Title => Rank::Text(sort::key(item, Sort::Title)),
        SmartOrder::Album => Rank::Text(sort::key(item, Sort::Album)),
        SmartOrder::Artist => Rank::Text(sort::key(item, Sort::Artist)),
        SmartOrder::Genre => Rank::Text(sort::text_key(&item.track.genre)),
        SmartOrder::HighestRating => high(usage.rating.into()),
        SmartOrder::LowestRating => low(usage.rating.into()),
        SmartOrder::MostPlayed => high(usage.play_count.into()),
        SmartOrder::LeastPlayed => low(usage.play_count.into()),
        SmartOrder::MostRecentlyPlayed => high(usage.last_played.0.into()),
        SmartOrder::LeastRecentlyPlayed => low(usage.last_played.0.into()),
        SmartOrder::MostRecentlyAdded => high(usage.added.0.into()),
        SmartOrder::LeastRecentlyAdded => low(usage.added.0.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{Batch, ContainerContent, Edit, Model, NumberField, NumberTest, Track, Usage};

    fn smart(filter: Filter, limit: Option<SmartLimit>) -> Edit {
        put_container(2, None, ContainerContent::Smart(SmartRules { filter, limit }))
    }

    fn rated(id: u32, rating: u8) -> Edit {
        let track = Track { duration_ms: 100, size: 10, ..track("x", "", "") };
        put_with(id, track, Usage { rating, added: Timestamp(id * 1000), ..Usage::default() })
    }

    fn good() -> Filter {
        Filter::Number(NumberField::Rating, NumberTest::AtLeast(60))
    }

    #[track_caller]
    fn check(model: &mut Model, edits: impl IntoIterator<Item = Edit>, expected: &[u32]) {
        model.apply(edits.into_iter().collect()).unwrap();
        assert_eq!(held(model, 2), expected);
        let count = database(model).container(container_id(2)).unwrap().item_count;
        assert_eq!(count, expected.len());
    }

    #[test]
    fn a_smart_playlist_follows_the_songs() {
        let mut model = model([rated(1, 80), smart(good(), None), rated(2, 20), rated(3, 60)]);
        check(&mut model, [], &[1, 3]);
        check(&mut model, [rated(2, 100), rated(3, 0)], &[1, 2]);
        check(&mut model, [remove(1)], &[2]);
        check(&mut model, [smart(Filter::EVERYTHING, None)], &[2, 3]);
    }

    #[test]
    fn it_changes_only_when_its_songs_do() {
        let mut model = model([rated(1, 80), smart(good(), None)]);
        let revision = |model: &Model| database(model).container(container_id(2)).unwrap().revision;
        let before = revision(&model);
        model.apply([rated(1, 100), rated(2, 0)].into_iter().collect()).unwrap();
        assert_eq!(revision(&model), before);
        model.apply([rated(2, 60)].into_iter().collect()).unwrap();
        assert_eq!(revision(&model), model.snapshot().revision());
    }

    #[test]
    fn a_limit_takes_the_first_of_an_order_and_fills_up_again() {
        let limit = |amount, by| Some(SmartLimit { amount, by });
        let best = limit(SmartAmount::Songs(2), SmartOrder::HighestRating);
        let songs = [rated(1, 60), rated(2, 100), rated(3, 80), rated(4, 80), rated(5, 0)];
        let mut model = model(songs.into_iter().chain([smart(good(), best)]));
        check(&mut model, [], &[2, 3]);
        check(&mut model, [remove(2)], &[3, 4]);
        check(&mut model, [rated(1, 100)], &[1, 3]);
        let newest = limit(SmartAmount::Duration(250), SmartOrder::MostRecentlyAdded);
        check(&mut model, [smart(Filter::EVERYTHING, newest)], &[5, 4]);
        let oldest = limit(SmartAmount::Size(30), SmartOrder::LeastRecentlyAdded);
        check(&mut model, [smart(Filter::EVERYTHING, oldest)], &[1, 3, 4]);
        let none = limit(SmartAmount::Songs(0), SmartOrder::Random);
        check(&mut model, [smart(Filter::EVERYTHING, none)], &[]);
    }

    #[test]
    fn recent_songs_leave_as_time_passes() {
        let recent = Filter::Number(NumberField::DateAdded, NumberTest::InTheLast(1500));
        let mut model = model([rated(1, 0), rated(2, 0), rated(3, 0), smart(recent, None)]);
        let at = |model: &mut Model, now, edits: Vec<Edit>| {
            let revision = model.apply(Batch::from_iter(edits).at(Timestamp(now))).unwrap();
            (revision.is_some(), held(model, 2))
        };
        assert_eq!(held(&model, 2), []); // nobody has said what time it is
        assert_eq!(at(&mut model, 3000, vec![]), (true, vec![2, 3]));
        assert_eq!(at(&mut model, 3400, vec![]), (false, vec![2, 3]));
        assert_eq!(at(&mut model, 3450, vec![rated(4, 0)]), (true, vec![2, 3, 4]));
        assert_eq!(at(&mut model, 3600, vec![]), (true, vec![3, 4]));
        assert_eq!(at(&mut model, 100, vec![]), (false, vec![3, 4])); // a clock that was set back
    }
}
