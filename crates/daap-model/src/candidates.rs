//! Which songs a filter can mean, without a look at all of them.

use crate::index::ascending;
use crate::{Filter, ItemId, Items, TextTest};

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
