//! The keys of the configuration file, checked before anything is read from it: one that does not exist is an error,
//! not a silent typing mistake. Errors name the line and never show it, as a password may be in it.

use anyhow::anyhow;
use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use toml::de::DeTable;

use crate::nearest::nearest;

/// Refuses a table with a key that is no field of `T`.
pub(super) fn check<'de, T: Deserialize<'de>>(
    table: &DeTable<'_>,
    text: &str,
) -> anyhow::Result<()> {
    let known = fields::<T>();
    let unknown = table.keys().find(|key| !known.contains(&key.get_ref().as_ref()));
    unknown.map_or(Ok(()), |key| {
        let (line, name) = (line(text, key.span().start), key.get_ref().as_ref());
        let meant = nearest(name, known.iter().copied()).unwrap_or_default();
        Err(anyhow!("line {line}: there is no key `{name}`; did you mean `{meant}`?"))
    })
}

/// What is wrong with the text.
pub(super) fn told(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let line = error.span().map_or(1, |span| line(text, span.start));
    anyhow!("line {line}: {}", error.message())
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The names of the fields of a struct, as serde tells them a format: so there is no second list to keep.
fn fields<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // It learns the names, and gives no value.
    let _ = T::deserialize(Listener(&mut fields));
    fields
}

/// A format that is only told what there should be.
struct Listener<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Listener<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("it only listens"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_struct_are_known() {
        #[derive(serde::Deserialize)]
        #[serde(default)]
        #[derive(Default)]
        struct Two {
            _one: u8,
            #[serde(rename = "second")]
            _two: Option<String>,
        }
        assert_eq!(fields::<Two>(), ["_one", "second"]);
    }
}
