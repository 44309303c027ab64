//! Which songs a filter can mean, without a look at all of them.

use crate::index::ascending;
use crate::{Filter, ItemId, Items, NumberField, NumberTest, TextTest};

/// Songs among which are all that a filter means.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// Ascending.
    pub(crate) ids: Vec<ItemId>,
    /// Whether the filter means them all.
    pub(crate) is_exact: bool,
}

/// What is asked to narrow a filter down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The indexes, which answer at once.
    Index,
    /// The columns of texts too.
    Text,
}

impl Items {
    /// Songs among which are all that the filter means; `None` where one has to look at every song.
    pub(crate) fn candidates(&self, filter: &Filter) -> Option<Candidates> {
        self.narrow(filter, By::Index).or_else(|| self.narrow(filter, By::Text))
    }

    fn narrow(&self, filter: &Filter, by: By) -> Option<Candidates> {
        match filter {
            Filter::And(parts) => {
                let narrowed = parts.iter().filter_map(|part| self.narrow(part, by));
                let fewest = narrowed.min_by_key(|candidates| candidates.ids.len())?;
                Some(Candidates { is_exact: false, ..fewest })
            }
            Filter::Or(parts) => {
                let mut any = Candidates { ids: Vec::new(), is_exact: true };
                for part in parts {
                    let more = self.narrow(part, by)?;
                    any.ids.extend(more.ids);
                    any.is_exact &= more.is_exact;
                    // Hundreds of parts may each mean most songs.
                    if any.ids.len() > self.len() {
                        return None;
                    }
                }
                Some(Candidates { ids: ascending(any.ids), ..any })
            }
            Filter::Not(_) | Filter::Text(..) | Filter::Number(..) => {
                let indexed = self.index.candidates(filter);
                let indexed = indexed.map(|ids| Candidates { ids, is_exact: false });
                indexed.or_else(|| if by == By::Text { self.search(filter) } else { None })
            }
        }
    }

    /// Whether the filter means all songs, or none; `None` where that is not known without a look at each.
    ///
    /// Remotes ask for music, and for songs that have an artist, whatever else they ask: mostly all have.
    pub(crate) fn settles(&self, filter: &Filter) -> Option<bool> {
        match filter {
            Filter::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.settles(part)).collect();
                let all = || parts.iter().all(|part| *part == Some(true)).then_some(true);
                if parts.contains(&Some(false)) { Some(false) } else { all() }
            }
            Filter::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.settles(part)).collect();
                let none = || parts.iter().all(|part| *part == Some(false)).then_some(false);
                if parts.contains(&Some(true)) { Some(true) } else { none() }
            }
            Filter::Not(part) => self.settles(part).map(|all| !all),
            Filter::Number(NumberField::MediaKind, NumberTest::Equals(kind)) => {
                match self.of_kind(*kind) {
                    0 => Some(false),
                    some => (some == self.len()).then_some(true),
                }
            }
            Filter::Text(..) | Filter::Number(..) => {
                let is_empty = self.index.candidates(filter)?.is_empty();
                is_empty.then_some(false)
            }
        }
    }

    fn search(&self, filter: &Filter) -> Option<Candidates> {
        match filter {
            Filter::Text(_, TextTest::Contains(part)) if part.as_str().is_empty() => None,
            Filter::Text(field, test) => {
                Some(Candidates { ids: self.passing(*field, test), is_exact: true })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixture::*;
    use crate::{Browse, MediaKind, Model, TextField, Track};

    #[track_caller]
    fn check(model: &Model, filter: &Filter, expected: Option<bool>) {
        let database = database(model);
        assert_eq!(database.items().settles(filter), expected, "{filter:?}");
        // What all songs are takes no other list than the one that is kept.
        let [all, found] = [None, Some(filter)].map(|by| database.browse(Browse::Artists, by));
        assert_eq!(Arc::ptr_eq(&all, &found), expected == Some(true));
    }

    #[test]
    fn what_all_songs_are_or_none_is_known_without_a_look_at_them() {
        let kind = |kind| Filter::Number(NumberField::MediaKind, NumberTest::Equals(kind));
        let nameless = Filter::Text(TextField::AlbumArtist, TextTest::Equals("".into()));
        let has_artist = Filter::Not(Box::new(nameless));
        let remote = Filter::And(vec![Filter::Or(vec![kind(1), kind(32)]), has_artist.clone()]);
        let title = Filter::Text(TextField::Name, TextTest::Equals("Jet".into()));

        let mut model = model([put(1, track("Jet", "Wings", "Run"))]);
        check(&model, &remote, Some(true));
        check(&model, &kind(4), Some(false));
        check(&model, &Filter::And(vec![title.clone(), kind(4)]), Some(false));
        check(&model, &Filter::And(vec![title.clone(), kind(1)]), None);
        check(&model, &Filter::Or(vec![title, kind(1)]), Some(true));

        let podcast = Track { media_kind: MediaKind::Podcast, ..track("Talk", "Someone", "") };
        model.apply([put(2, podcast)].into_iter().collect()).unwrap();
        check(&model, &remote, None);
        model.apply([put(2, track("Talk", "", ""))].into_iter().collect()).unwrap();
        check(&model, &kind(1), Some(true));
        check(&model, &has_artist, None);
        model.apply([remove(2)].into_iter().collect()).unwrap();
        check(&model, &remote, Some(true));
    }
}
