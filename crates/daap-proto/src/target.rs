//! Request targets, taken apart and put together: what DAAP and DACP have in common.
//!
//! ```
//! use daap_proto::target::{Target, split};
//!
//! let (path, parameters) = split("/ctrl-int/1/playspec?item-spec='dmap.itemid:0x2a'")?;
//! let item = parameters.value("item-spec").expect("it is there");
//! let mut target = Target::new(path);
//! target.text("item-spec", &item);
//! assert_eq!(target.finish(), "/ctrl-int/1/playspec?item-spec=%27dmap.itemid:0x2a%27");
//! # Ok::<(), daap_proto::RequestError>(())
//! ```

use std::fmt::Write as _;

use daap_model::{GroupKind, Revision, Sort};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::index::Index;
use crate::meta::Meta;
use crate::query::Query;
use crate::request::{Listing, MAX_TARGET, PixelBox, RequestError, Step};

/// Takes a request target apart: `/path?parameters`, or with `daap://host:port` (iTunes 9) or `http://host:port`
/// (iTunes 12) before it.
///
/// # Errors
/// It is longer than [`MAX_TARGET`].
pub fn split(target: &str) -> Result<(&str, Parameters<'_>), RequestError> {
    if target.len() > MAX_TARGET {
        return Err(RequestError::TargetTooLong { length: target.len() });
    }
    let after_scheme =
        ["daap://", "http://"].iter().find_map(|scheme| strip_prefix_no_case(target, scheme));
    let local = match after_scheme {
        // What stands before the path is the host, whoever it names: this is no proxy.
        Some(rest) => rest.find(['/', '?']).map_or("", |at| &rest[at..]),
        None => target,
    };
    let local = local.split('#').next().unwrap_or_default();
    let (path, parameters) = local.split_once('?').unwrap_or((local, ""));
    Ok((path, Parameters(parameters)))
}

fn strip_prefix_no_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

/// The words of a path: what stands between its slashes, however many these are.
pub fn words(path: &str) -> Vec<&str> {
    path.split('/').filter(|word| !word.is_empty()).collect()
}

/// Percent-decoded; a `+` stays one, since in a query it means "and". Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The part of a target after the question mark.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a>(&'a str);

impl<'a> Parameters<'a> {
    /// The names of all parameters, in order.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.pairs().map(|(name, _)| name)
    }

    /// The value of a parameter, decoded; of one that comes twice, the first. A `+` stays one, as in a query it means
    /// "and".
    #[must_use]
    pub fn value(self, name: &str) -> Option<String> {
        self.pairs().find(|(key, _)| *key == name).map(|(_, value)| decode(value))
    }

    fn pairs(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }

    fn number<T: std::str::FromStr>(self, name: &str) -> Option<T> {
        self.value(name)?.trim().parse().ok()
    }

    /// The session, unless it is 0. Readers of signed numbers send an id above 2^31 - 1 back as a negative one.
    #[must_use]
    pub fn session_id(self) -> Option<u32> {
        let number: i64 = self.number("session-id")?;
        let id = match u32::try_from(number) {
            Ok(id) => id,
            Err(_) => i32::try_from(number).ok()?.cast_unsigned(),
        };
        Some(id).filter(|id| *id != 0)
    }

    pub(crate) fn step(self) -> Step {
        let revision = |name| self.number(name).map(Revision::new);
        Step { revision: revision("revision-number"), delta: revision("delta") }
    }

    /// Which part of a list is wanted, and what of each entry.
    ///
    /// # Errors
    /// There is a query that cannot be read.
    pub fn listing(self) -> Result<Listing, RequestError> {
        // TunesRemote SE sends an empty query where it means none.
        let said = |name| self.value(name).filter(|query| !query.trim().is_empty());
        let query = said("query").or_else(|| said("filter"));
        let query = query.map(|query| Query::parse(&query)).transpose()?;
        Ok(Listing { query, ..self.listing_without_query() })
    }

    pub(crate) fn listing_without_query(self) -> Listing {
        Listing {
            meta: self.value("meta").map(|meta| Meta::parse(&meta)),
            query: None,
            index: self.value("index").and_then(|index| Index::parse(&index)),
            sort: self.value("sort").and_then(|word| sort(&word)),
            sort_headers: self.value("include-sort-headers").is_some_and(|value| value == "1"),
            step: self.step(),
        }
    }

    /// Albums, if it is not said: that is what the first Remotes asked for.
    pub(crate) fn group_kind(self) -> Result<GroupKind, RequestError> {
        match self.value("group-type").as_deref() {
            None | Some("") => Ok(GroupKind::Albums),
            Some(value) => meaning(&GROUP_KINDS, value).ok_or_else(|| bad("group-type", value)),
        }
    }

    /// The box a picture has to fit into: both sides or none, as one alone does not count.
    ///
    /// # Errors
    /// A side is no number.
    pub fn size(self) -> Result<Option<PixelBox>, RequestError> {
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

pub(crate) fn bad(parameter: &'static str, value: &str) -> RequestError {
    RequestError::BadParameter { parameter, value: value.to_owned() }
}

/// What is written percent-encoded: all but what a parameter may hold and clients do send.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
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
#[derive(Clone, Debug)]
pub struct Target {
    text: String,
    any: bool,
}

impl Target {
    /// A target that begins like this: a path, or one with parameters.
    #[must_use]
    pub fn new(start: impl Into<String>) -> Self {
        let text = start.into();
        Self { any: text.contains('?'), text }
    }

    /// The whole target.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// Adds a parameter with a text, which is percent-encoded.
    pub fn text(&mut self, name: &str, value: &str) {
        let mark = if std::mem::replace(&mut self.any, true) { '&' } else { '?' };
        let value = utf8_percent_encode(value, RESERVED);
        write!(self.text, "{mark}{name}={value}").expect("a String takes all that is written");
    }

    /// Adds a parameter with a number.
    pub fn number(&mut self, name: &str, value: u32) {
        self.text(name, &value.to_string());
    }

    pub(crate) fn step(&mut self, step: &Step) {
        if let Some(revision) = step.revision {
            self.number("revision-number", revision.get());
        }
        if let Some(delta) = step.delta {
            self.number("delta", delta.get());
        }
    }

    /// Adds what [`Parameters::listing`] reads. `query` is the name that the query goes by: `query`, or `filter` in a
    /// browse list, where libdmapsharing knows no other.
    pub fn listing(&mut self, listing: &Listing, query: &str) {
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
            self.text("sort", sort_word(sort));
        }
        if listing.sort_headers {
            self.text("include-sort-headers", "1");
        }
    }

    /// Adds what [`Parameters::size`] reads.
    pub fn size(&mut self, size: Option<PixelBox>) {
        if let Some(size) = size {
            self.number("mw", size.width);
            self.number("mh", size.height);
        }
    }
}

/// The words for orders.
const SORTS: [(&str, Sort); 4] = [
    ("name", Sort::Title),
    ("album", Sort::Album),
    ("artist", Sort::Artist),
    ("releasedate", Sort::ReleaseDate),
];

/// The words for the sorts of groups.
pub(crate) const GROUP_KINDS: [(&str, GroupKind); 2] =
    [("albums", GroupKind::Albums), ("artists", GroupKind::Artists)];

/// The order that a word of `sort=` names.
#[must_use]
pub fn sort(word: &str) -> Option<Sort> {
    meaning(&SORTS, word)
}

/// The word for an order.
#[must_use]
pub fn sort_word(sort: Sort) -> &'static str {
    word(&SORTS, sort)
}

/// What a word means, by a table of words.
#[must_use]
pub fn meaning<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|row| row.0 == word).map(|row| row.1)
}

/// The word for a meaning, by a table that has one for each.
#[must_use]
pub fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|row| row.1 == meaning).map_or("", |row| row.0)
}

/// Decimal, `0x` and hexadecimal digits, or a 64-bit id that some reader took for a negative number. Nothing is 0.
#[must_use]
pub fn number(value: &str) -> Option<u64> {
    let value = value.trim();
    if value.is_empty() {
        return Some(0);
    }
    if let Some(digits) = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok();
    }
    value.parse::<u64>().ok().or_else(|| value.parse::<i64>().ok().map(i64::cast_unsigned))
}
