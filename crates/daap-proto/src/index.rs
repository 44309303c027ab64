//! `index=`: which page of a list.

use std::fmt;

use daap_model::Page;

/// A page of a list. Positions count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// From a position on, up to and with another, or to the end.
    From {
        /// The first position.
        first: u32,
        /// The last one, never before the first.
        last: Option<u32>,
    },
    /// The last so many.
    Last(u32),
}

impl Index {
    /// Reads `a-b`, `a-`, `a` (that one alone) or `-n` (the last n); anything else is no page. An end before the
    /// beginning is no end.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // What does not fit is past the end of every list.
            is_number.then(|| text.parse().unwrap_or(u32::MAX))
        };
        Some(match text.split_once('-') {
            None => {
                let only = number(text)?;
                Self::From { first: only, last: Some(only) }
            }
            Some(("", count)) => Self::Last(number(count)?),
            Some((first, "")) => Self::From { first: number(first)?, last: None },
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                Self::From { first, last: Some(last).filter(|last| *last >= first) }
            }
        })
    }
}

impl From<Index> for Page {
    fn from(index: Index) -> Self {
        let position = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        match index {
            Index::From { first, last: Some(last) } => {
                Self::Between(position(first), position(last))
            }
            Index::From { first, last: None } => Self::From(position(first)),
            Index::Last(count) => Self::Last(position(count)),
        }
    }
}

/// As [`Index::parse`] reads it.
impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From { first, last: Some(last) } => write!(f, "{first}-{last}"),
            Self::From { first, last: None } => write!(f, "{first}-"),
            Self::Last(count) => write!(f, "-{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Range<usize>>) {
        let bounds = Index::parse(text).map(|index| Page::from(index).bounds(10));
        assert_eq!(bounds.map(|(start, end)| start..end), expected, "{text}");
    }

    #[test]
    fn pages_of_a_list_of_ten() {
        check("0-4", Some(0..5));
        check("3-3", Some(3..4));
        check("7", Some(7..8));
        check("8-", Some(8..10));
        check("8-20", Some(8..10));
        check("-3", Some(7..10));
        check("-20", Some(0..10));
        check("-0", Some(10..10));
        check("10-12", Some(10..10));
        check("4294967295-4294967295", Some(10..10));
        check("99999999999999999999-", Some(10..10));
        check("0-99999999999999999999", Some(0..10));
    }

    #[test]
    fn an_end_before_the_beginning_is_no_end() {
        check("5-2", Some(5..10));
    }

    #[test]
    fn what_is_no_page_is_none() {
        for text in ["", "-", "a", "1-b", "+1", "1-+2", "--1", "1-2-3", "1x", " 1"] {
            check(text, None);
        }
    }
}
