//! What all lists share: counts, the entries, what is gone, and where each letter begins.

use std::ops::Range;
use std::sync::Arc;

use daap_model::{Delta, Page, Revision, SortHeader};
use dmap::code::*;
use dmap::{Code, Counter, Encoder, HEADER, Sink, TooLong};

use super::{CHUNK, OK, Reply, Rows};
use crate::index::Index;
use crate::quirks::{ClientClass, Quirk};
use crate::request::{Listing, Step};

/// A list about to be sent.
pub(crate) struct List<R> {
    /// The root: `adbs`, `aply` ...
    pub(crate) root: Code,
    /// What holds the entries; `mlcl` but for browse lists.
    pub(crate) code: Code,
    /// `muty`; browse lists have none.
    pub(crate) update: Option<Update>,
    /// How many entries there are on all pages.
    pub(crate) total: usize,
    /// How many entries this reply has.
    pub(crate) returned: usize,
    /// The entries.
    pub(crate) rows: R,
    /// Ids that are gone.
    pub(crate) gone: Vec<u32>,
    /// Where each letter begins, if that was asked.
    pub(crate) headers: Option<Vec<SortHeader>>,
}

/// What a list is to the one that the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// It takes its place.
    Full = 0,
    /// It is what changed.
    Delta = 1,
}

impl<R: Rows + 'static> List<R> {
    pub(crate) fn reply(mut self) -> Result<Reply, TooLong> {
        let rows_length = self.rows.measure()?;
        let tail = self.tail()?;
        let before = Encoder::<Counter>::measure(|out| self.counts(out))?;
        let list_length = fit(self.code, rows_length)?;
        let inner = before + HEADER as u64 + rows_length + tail.len() as u64;
        let root_length = fit(self.root, inner)?;

        let rows_fit = usize::try_from(rows_length).ok().filter(|length| *length <= CHUNK);
        let room = rows_fit.map_or(0, |length| length + tail.len());
        let mut out = Encoder::new(Vec::with_capacity(128 + room));
        out.header(self.root, root_length);
        self.counts(&mut out);
        out.header(self.code, list_length);
        let mut head = out.finish()?;
        if rows_fit.is_none() {
            return Ok(Reply::listing(head, self.rows, rows_length, tail));
        }
        while self.rows.fill(&mut head, usize::MAX) {}
        head.extend_from_slice(&tail);
        Ok(Reply::whole(head))
    }

    fn counts<S: Sink>(&self, out: &mut Encoder<S>) {
        out.u32(MSTT, OK);
        if let Some(update) = self.update {
            out.u8(MUTY, update as u8);
        }
        out.u32(MTCO, count(self.total));
        out.u32(MRCO, count(self.returned));
    }

    fn tail(&self) -> Result<Vec<u8>, TooLong> {
        let mut out = Encoder::new(Vec::new());
        if !self.gone.is_empty() {
            out.container(MUDL, |out| self.gone.iter().for_each(|id| out.u32(MIID, *id)));
        }
        if let Some(headers) = &self.headers {
            out.container(MSHL, |out| headers.iter().for_each(|header| write_header(header, out)));
        }
        out.finish()
    }
}

fn write_header(header: &SortHeader, out: &mut Encoder) {
    out.container(MLIT, |out| {
        // A letter from A to Z, or 0 for all the rest.
        out.u16(MSHC, u16::try_from(u32::from(header.letter)).unwrap_or(u16::from(b'0')));
        out.u32(MSHI, header.index);
        out.u32(MSHN, header.count);
    });
}

fn fit(code: Code, length: u64) -> Result<u32, TooLong> {
    u32::try_from(length).map_err(|_| TooLong { code })
}

/// A count as it is sent. A list of 2^32 entries does not fit a reply, so nothing is ever clamped.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The revision from which on changes are wanted; `None` where only the whole list will do: the client has nothing,
/// or asks for a part, or wants no deltas.
///
/// A part of a list has no delta: what stopped matching would have to be told from what is gone.
pub(crate) fn seen(listing: &Listing, client: ClientClass) -> Option<Revision> {
    let part = listing.query.is_some() || listing.index.is_some();
    if part { None } else { step_seen(&listing.step, client) }
}

/// The same for a list that has no parts.
pub(crate) fn step_seen(step: &Step, client: ClientClass) -> Option<Revision> {
    step.seen().filter(|_| !client.has(Quirk::FullLists))
}

/// What changed since a revision, if that is known.
pub(crate) fn known<C, Id>(delta: Option<Delta<C, Id>>) -> Option<(C, Vec<Id>)> {
    match delta? {
        Delta::Known { changed, gone } => Some((changed, gone)),
        Delta::Unknown => None,
    }
}

/// Something that is an entry of a list.
pub(crate) trait Entry: Send + Sync {
    /// What has to be known to write one.
    type Plan: Send + Sync;

    /// Writes the entry.
    fn write<S: Sink>(&self, plan: &Self::Plan, out: &mut Encoder<S>);
}

/// Entries that lie in an array, some of them.
pub(crate) struct Slice<T: Entry> {
    entries: Arc<[T]>,
    range: Range<usize>,
    plan: T::Plan,
}

impl<T: Entry> Slice<T> {
    /// The entries of one page.
    pub(crate) fn page(entries: Arc<[T]>, index: Option<Index>, plan: T::Plan) -> Self {
        let page = index.map(Page::from).unwrap_or_default();
        let (start, end) = page.bounds(entries.len());
        Self { entries, range: start..end, plan }
    }

    pub(crate) fn entries(&self) -> &[T] {
        &self.entries[self.range.clone()]
    }
}

impl<T: Entry> Rows for Slice<T> {
    fn measure(&self) -> Result<u64, TooLong> {
        Encoder::measure(|out| {
            self.entries().iter().for_each(|entry| entry.write(&self.plan, out));
        })
    }

    fn fill(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        while out.len() < full {
            let Some(at) = self.range.next() else { return false };
            self.entries[at].write(&self.plan, &mut Encoder::new(&mut *out));
        }
        true
    }
}
