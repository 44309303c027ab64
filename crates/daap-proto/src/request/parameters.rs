//! The parameters of a target, read and written.

use std::fmt::Write as _;

use daap_model::{GroupKind, Revision};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{GROUP_KINDS, Listing, PixelBox, RequestError, SORTS, Step, meaning, word};
use crate::index::Index;
use crate::meta::Meta;
use crate::query::Query;

/// Percent-decoded; a `+` stays one, since in a query it means "and". Bytes that are not UTF-8 become U+FFFD.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The part of a target after the question mark.
pub(super) struct Parameters<'a>(pub(super) &'a str);

impl Parameters<'_> {
    /// The value of a parameter, decoded; of one that comes twice, the first.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.0.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| decode(value))
        })
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.value(name)?.trim().parse().ok()
    }

    /// Readers of signed numbers send an id above 2^31 - 1 back as a negative one.
    pub(super) fn session_id(&self) -> Option<u32> {
        let number: i64 = self.number("session-id")?;
        let id = match u32::try_from(number) {
            Ok(id) => id,
            Err(_) => i32::try_from(number).ok()?.cast_unsigned(),
        };
        Some(id).filter(|id| *id != 0)
    }

    pub(super) fn step(&self) -> Step {
        let revision = |name| self.number(name).map(Revision::new);
        Step { revision: revision("revision-number"), delta: revision("delta") }
    }

    pub(super) fn listing(&self) -> Result<Listing, RequestError> {
        // TunesRemote SE sends an empty query where it means none.
        let said = |name| self.value(name).filter(|query| !query.trim().is_empty());
        let query = said("query").or_else(|| said("filter"));
        let query = query.map(|query| Query::parse(&query)).transpose()?;
        Ok(Listing { query, ..self.listing_without_query() })
    }

    pub(super) fn listing_without_query(&self) -> Listing {
        Listing {
            meta: self.value("meta").map(|meta| Meta::parse(&meta)),
            query: None,
            index: self.value("index").and_then(|index| Index::parse(&index)),
            sort: self.value("sort").and_then(|sort| meaning(&SORTS, &sort)),
            sort_headers: self.value("include-sort-headers").is_some_and(|value| value == "1"),
            step: self.step(),
        }
    }

    /// Albums, if it is not said: that is what the first Remotes asked for.
    pub(super) fn group_kind(&self) -> Result<GroupKind, RequestError> {
        match self.value("group-type").as_deref() {
            None | Some("") => Ok(GroupKind::Albums),
            Some(value) => meaning(&GROUP_KINDS, value).ok_or_else(|| bad("group-type", value)),
        }
    }

    /// Both sides or none: one alone does not count.
    pub(super) fn size(&self) -> Result<Option<PixelBox>, RequestError> {
        let side = |name| {
            let value = self.value(name);
            value.map(|value| value.parse::<u32>().map_err(|_| bad(name, &value))).transpose()
        };
        Ok(match (side("mw")?, side("mh")?) {
            (Some(width), Some(height)) => Some(PixelBox { width, height }),
            _ => None,
        })
    }
}

pub(super) fn bad(parameter: &'static str, value: &str) -> RequestError {
    RequestError::BadParameter { parameter, value: value.to_owned() }
}

/// What is written percent-encoded: all but what a parameter may hold and clients do send.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',')
    .remove(b':')
    .remove(b'*')
    .remove(b'!')
    .remove(b'(')
    .remove(b')');

/// A target that is being written.
pub(super) struct Target {
    text: String,
    any: bool,
}

impl Target {
    /// A target without parameters so far.
    pub(super) fn new(path: String) -> Self {
        Self { text: path, any: false }
    }

    /// The whole target.
    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        let mark = if std::mem::replace(&mut self.any, true) { '&' } else { '?' };
        let value = utf8_percent_encode(value, RESERVED);
        write!(self.text, "{mark}{name}={value}").expect("a String takes all that is written");
    }

    pub(super) fn number(&mut self, name: &str, value: u32) {
        self.text(name, &value.to_string());
    }

    pub(super) fn step(&mut self, step: &Step) {
        if let Some(revision) = step.revision {
            self.number("revision-number", revision.get());
        }
        if let Some(delta) = step.delta {
            self.number("delta", delta.get());
        }
    }

    /// `query` is the name that the query goes by: `query`, or `filter` in a browse list, where libdmapsharing knows
    /// no other.
    pub(super) fn listing(&mut self, listing: &Listing, query: &str) {
        self.step(&listing.step);
        if let Some(meta) = &listing.meta {
            self.text("meta", &meta.to_string());
        }
        if let Some(wanted) = &listing.query {
            self.text(query, &wanted.to_string());
        }
        if let Some(index) = &listing.index {
            self.text("index", &index.to_string());
        }
        if let Some(sort) = listing.sort {
            self.text("sort", word(&SORTS, sort));
        }
        if listing.sort_headers {
            self.text("include-sort-headers", "1");
        }
    }

    pub(super) fn size(&mut self, size: Option<PixelBox>) {
        if let Some(size) = size {
            self.number("mw", size.width);
            self.number("mh", size.height);
        }
    }
}
