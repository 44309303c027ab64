//! `meta=`: what is wanted of each entry of a list.

use std::collections::BTreeSet;
use std::fmt;

use crate::custom::is_name;
use crate::fields::{Field, Fields};

/// How many names of a `meta=` are read; what follows is passed over.
pub const MAX_META: usize = 128;

/// A `meta=` that has been read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Meta {
    /// Everything there is: `all`, as iTunes 8 asks.
    All,
    /// What has these names.
    Named {
        /// The fields of every library.
        fields: Fields,
        /// The names of others. A library may define them; where it does not, nobody knows them.
        others: BTreeSet<String>,
    },
}

impl Meta {
    /// Reads a `meta=`, percent-decoded: long names between commas. Names that come twice, empty pieces, and what
    /// can be nothing's name are passed over; `all` anywhere means everything, as Music has it.
    #[must_use]
    pub fn parse(meta: &str) -> Self {
        let (mut fields, mut others) = (Fields::default(), BTreeSet::new());
        for name in meta.split(',').filter(|name| !name.is_empty()).take(MAX_META) {
            match Field::by_name(name) {
                Some(field) => fields = fields.with(field),
                None if name == ALL => return Self::All,
                None if is_name(name) => {
                    others.insert(name.to_owned());
                }
                None => {}
            }
        }
        Self::Named { fields, others }
    }

    /// Those of the wanted fields that every library has.
    #[must_use]
    pub const fn fields(&self) -> Fields {
        match self {
            Self::All => Fields::ALL,
            Self::Named { fields, .. } => *fields,
        }
    }

    /// Whether a field is wanted that a library defines.
    #[must_use]
    pub fn has_custom(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named { others, .. } => others.contains(name),
        }
    }
}

/// The name of everything.
pub(crate) const ALL: &str = "all";

impl From<Fields> for Meta {
    fn from(fields: Fields) -> Self {
        Self::Named { fields, others: BTreeSet::new() }
    }
}

/// As [`Meta::parse`] reads it. Beside `all` stands every field, for servers that go by names alone (OwnTone 29,
/// canary 0.5.5).
impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.fields().iter().map(Field::name).collect();
        match self {
            Self::All => names.insert(0, ALL),
            Self::Named { others, .. } => names.extend(others.iter().map(String::as_str)),
        }
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(meta: &str, fields: &[Field], others: &[&str]) {
        let others = others.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(Meta::parse(meta), Meta::Named { fields: Fields::of(fields), others });
    }

    #[test]
    fn doubles_and_stray_commas_are_passed_over() {
        use Field::{Id, Name, Time};
        check("dmap.itemname,dmap.itemid", &[Id, Name], &[]);
        check("daap.songtime,daap.songtime,,dmap.itemname,", &[Time, Name], &[]);
        check("", &[], &[]);
        assert_eq!(Meta::parse("dmap.itemid,all,daap.songtime"), Meta::All);
    }

    #[test]
    fn names_that_a_library_may_define_are_kept_once_whatever_their_order() {
        check("x.b,x.a,x.b", &[], &["x.a", "x.b"]);
        check("dmap.nosuchname,DMAP.ITEMNAME", &[], &["DMAP.ITEMNAME", "dmap.nosuchname"]);
        // Codes that songs do not have by themselves.
        check("daap.songdataurl,dmap.status", &[], &["daap.songdataurl", "dmap.status"]);
        check("dmap.itemid ,caf\u{e9},x'y", &[], &[]);
        check(&"x".repeat(crate::MAX_FIELD_NAME + 1), &[], &[]);
    }

    #[test]
    fn more_names_than_the_limit_are_passed_over() {
        let meta = format!("{}dmap.itemid", "x,".repeat(MAX_META));
        check(&meta, &[], &["x"]);
        check(&meta[2..], &[Field::Id], &["x"]);
    }

    #[test]
    fn everything_is_asked_for_by_name_too() {
        let meta = Meta::All.to_string();
        assert_eq!(Meta::parse(&meta), Meta::All);
        let names = meta.strip_prefix("all,").unwrap();
        assert_eq!(Meta::parse(names), Meta::from(Fields::ALL));
    }

    #[test]
    fn to_name_every_field_is_not_to_ask_for_everything() {
        let meta = Meta::from(Fields::ALL);
        assert_eq!(Meta::parse(&meta.to_string()), meta);
        assert!(!meta.has_custom("com.example.mood") && Meta::All.has_custom("com.example.mood"));
    }
}
