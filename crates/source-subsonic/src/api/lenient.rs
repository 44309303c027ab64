//! Values as servers write them.
//!
//! Servers turn their XML into JSON each in its own way: numbers come as texts and texts as numbers, a list of one as
//! that one, nothing as null. What cannot be made sense of is the same as nothing: it costs itself and not the rest.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The longest text that is taken in, in bytes; the rest is cut off.
const MAX_TEXT: usize = 4096;

/// A text; empty if there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Word(pub(crate) String);

/// A number; 0 if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Number(pub(crate) u64);

/// Yes or no; no if nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Flag(pub(crate) bool);

/// Some of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Several<T>(pub(crate) Vec<T>);

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// What a single value can be.
enum Scalar<'a> {
    Text(&'a str),
    Whole(u64),
    Fraction(f64),
    Flag(bool),
    Nothing,
}

trait FromScalar: Default {
    fn from_scalar(scalar: Scalar<'_>) -> Self;
}

impl FromScalar for Word {
    fn from_scalar(scalar: Scalar<'_>) -> Self {
        Self(match scalar {
            Scalar::Text(text) => text[..text.floor_char_boundary(MAX_TEXT)].to_owned(),
            Scalar::Whole(number) => number.to_string(),
            Scalar::Fraction(number) => number.to_string(),
            Scalar::Flag(flag) => flag.to_string(),
            Scalar::Nothing => String::new(),
        })
    }
}

impl FromScalar for Number {
    fn from_scalar(scalar: Scalar<'_>) -> Self {
        Self(match scalar {
            Scalar::Whole(number) => number,
            // What is below 0 or no number becomes 0.
            Scalar::Fraction(number) => number as u64,
            Scalar::Text(text) => text.trim().parse::<f64>().map_or(0, |number| number as u64),
            Scalar::Flag(_) | Scalar::Nothing => 0,
        })
    }
}

impl FromScalar for Flag {
    fn from_scalar(scalar: Scalar<'_>) -> Self {
        Self(matches!(scalar, Scalar::Flag(true) | Scalar::Text("true") | Scalar::Whole(1)))
    }
}

struct ScalarVisitor<T>(PhantomData<T>);

impl<'de, T: FromScalar> Visitor<'de> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::from_scalar(Scalar::Text(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::from_scalar(Scalar::Whole(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::from_scalar(Scalar::Fraction(number as f64)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::from_scalar(Scalar::Fraction(number)))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::from_scalar(Scalar::Flag(flag)))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::from_scalar(Scalar::Nothing))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.visit_unit()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.visit_unit()
    }
}

macro_rules! scalars {
    ($($name:ident)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(ScalarVisitor(PhantomData))
            }
        }
    )*};
}

scalars!(Word Number Flag);

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Several<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Several<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Several(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Several<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| Several(vec![one]))
    }

    fn visit_unit<E>(self) -> Result<Several<T>, E> {
        Ok(Several::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Several<T>, E> {
        Ok(Several::default())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ListVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    #[track_caller]
    fn check<T: for<'de> Deserialize<'de> + PartialEq + Debug>(json: &str, expected: T) {
        assert_eq!(serde_json::from_str::<T>(json).unwrap(), expected, "{json}");
    }

    fn word(text: &str) -> Word {
        Word(text.to_owned())
    }

    #[test]
    fn texts_and_numbers_are_read_however_they_are_written() {
        check("\"Jet\"", word("Jet"));
        check("17", word("17"));
        check("true", word("true"));
        check("null", word(""));
        check("[{\"a\": [1]}]", word(""));
        check("{\"a\": 1}", word(""));
        check("17", Number(17));
        check("\"17\"", Number(17));
        check("17.9", Number(17));
        check("-3", Number(0));
        check("1e300", Number(u64::MAX));
        check("\"Jet\"", Number(0));
        check("{}", Number(0));
        check("\"true\"", Flag(true));
        check("false", Flag(false));
        check("null", Flag(false));
    }

    #[test]
    fn a_list_of_one_may_be_that_one() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct One {
            id: Number,
        }
        check(
            "[{\"id\": 1}, {\"id\": \"2\"}]",
            Several(vec![One { id: Number(1) }, One { id: Number(2) }]),
        );
        check("{\"id\": 1}", Several(vec![One { id: Number(1) }]));
        check("null", Several::<One>::default());
        check("\"\"", Several::<One>::default());
    }

    #[test]
    fn a_text_has_an_end() {
        let long = serde_json::to_string(&"ä".repeat(MAX_TEXT)).unwrap();
        check(&long, Word("ä".repeat(MAX_TEXT / 2)));
    }
}
