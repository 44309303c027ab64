//! Songs, one a line.

use std::cmp::Ordering;
use std::io::Write;
use std::str::FromStr;

use anyhow::ensure;
use daap_client::Client;
use dmap::{Code, Value};

use super::report::Report;
use crate::share::field;
use crate::share::row::Row;
use crate::share::selection::Selection;

/// What is shown of a song unless something else is asked for.
pub(super) const DEFAULT_COLUMNS: &str = "id,artist,album,title,time";

/// So many songs can be sorted: they have to be held for that.
const MAX_SORTED: usize = 2_000_000;

/// What is shown of a song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// All that the server sends.
    All,
    /// These tags.
    Some(Vec<Code>),
}

impl FromStr for Columns {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "all" => Ok(Self::All),
            words => words.split(',').map(field::by_word).collect::<Result<_, _>>().map(Self::Some),
        }
    }
}

impl Columns {
    fn codes(&self) -> Option<&[Code]> {
        match self {
            Self::All => None,
            Self::Some(codes) => Some(codes),
        }
    }
}

/// In which order songs come: by these tags, the first that differs counts; `true` turns it round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order(Vec<(Code, bool)>);

impl FromStr for Order {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let keys = text.split(',').map(|word| match word.strip_prefix('-') {
            Some(word) => Ok((field::by_word(word)?, true)),
            None => Ok((field::by_word(word)?, false)),
        });
        keys.collect::<anyhow::Result<_>>().map(Self)
    }
}

/// By what a song is sorted. What is not known comes before all that is.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Unknown,
    Number(i128),
    Text(String),
}

impl Order {
    /// The tags it looks at.
    pub(super) fn codes(&self) -> impl Iterator<Item = Code> {
        self.0.iter().map(|(code, _)| *code)
    }

    /// Sorts songs; those that are alike stay in their order.
    pub(super) fn sort<T>(&self, songs: &mut Vec<T>, row: impl Fn(&T) -> &Row) {
        let mut keyed: Vec<(Vec<Key>, T)> = Vec::with_capacity(songs.len());
        keyed.extend(songs.drain(..).map(|song| {
            let keys = self.codes().map(|code| key(row(&song).value(code))).collect();
            (keys, song)
        }));
        keyed.sort_by(|(a, _), (b, _)| self.compare(a, b));
        songs.extend(keyed.into_iter().map(|(_, song)| song));
    }

    fn compare(&self, a: &[Key], b: &[Key]) -> Ordering {
        let by_each = self.0.iter().zip(a.iter().zip(b));
        let mut orders = by_each.map(|((_, turned), (a, b))| match turned {
            true => b.cmp(a),
            false => a.cmp(b),
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn key(value: Option<&Value>) -> Key {
    match value {
        Some(Value::Unsigned(number, _)) => Key::Number((*number).into()),
        Some(Value::Signed(number, _)) => Key::Number((*number).into()),
        Some(Value::Date(seconds)) => Key::Number((*seconds).into()),
        Some(Value::Text(text)) if !text.is_empty() => Key::Text(text.to_lowercase()),
        _ => Key::Unknown,
    }
}

/// The tags that are needed of each song: those that are `shown`, and those by which it is sorted.
pub(super) fn needed(shown: &[Code], order: Option<&Order>) -> Vec<Code> {
    shown.iter().copied().chain(order.into_iter().flat_map(Order::codes)).collect()
}

/// Gives each song that is meant to `take`, in `order` if there is one. Returns why there is none, if so.
pub(super) async fn in_order(
    client: &Client,
    selection: &Selection,
    codes: Option<&[Code]>,
    order: Option<&Order>,
    mut take: impl FnMut(daap_model::DatabaseId, &Row) -> anyhow::Result<()>,
) -> anyhow::Result<Option<String>> {
    let mut held = Vec::new();
    let tally = selection.each(client, codes, |database, row| {
        if order.is_none() {
            return take(database, &row);
        }
        ensure!(
            held.len() < MAX_SORTED,
            "more than {MAX_SORTED} songs cannot be sorted; leave out --sort, or name fewer"
        );
        held.push((database, row));
        Ok(())
    });
    let tally = tally.await?;
    if let Some(order) = order {
        order.sort(&mut held, |(_, row)| row);
        held.iter().try_for_each(|(database, row)| take(*database, row))?;
    }
    Ok((tally.songs == 0).then_some(tally.hint))
}

/// Lists songs. Returns why there is none, if so.
pub(super) async fn list(
    client: &Client,
    selection: &Selection,
    columns: &Columns,
    order: Option<&Order>,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<Option<String>> {
    let shown = columns.codes();
    let words: Vec<_> = shown.unwrap_or_default().iter().map(|code| field::word(*code)).collect();
    let mut report =
        Report::begin(out, json, &words.iter().map(|word| &**word).collect::<Vec<_>>())?;
    let needed = shown.map(|shown| needed(shown, order));
    let none = in_order(client, selection, needed.as_deref(), order, |_, row| {
        let cells = || match shown {
            Some(codes) => codes.iter().map(|code| row.text(*code)).collect(),
            None => row.all_texts().collect::<Vec<_>>(),
        };
        Ok(report.entry(cells, || row.json(shown))?)
    });
    let none = none.await?;
    report.end()?;
    Ok(none)
}
