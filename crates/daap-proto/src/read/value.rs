//! Values as other servers write them: a number of any width, a text that may not be UTF-8.
//!
//! What cannot be read says nothing, as if it were not there; a number that is too great for its place is the
//! greatest that fits.

use daap_model::{ContentRating, MediaKind, PersistentId, Text, Timestamp};
use dmap::Tag;

/// Something that can be set from a tag, whatever that holds.
pub trait FromTag {
    /// Takes the tag's value.
    fn set(&mut self, tag: &Tag<'_>);
}

/// A number of 1, 2, 4 or 8 bytes, or 0.
pub(crate) fn number(tag: &Tag<'_>) -> u64 {
    tag.uint().unwrap_or_default()
}

/// Whether a flag is set. One without a value is: for some, presence alone counts.
pub(crate) fn flag(tag: &Tag<'_>) -> bool {
    tag.uint() != Ok(0)
}

/// An id, unless it is none.
pub(crate) fn id<T>(tag: &Tag<'_>, new: fn(u32) -> Option<T>) -> Option<T> {
    u32::try_from(number(tag)).ok().and_then(new)
}

macro_rules! numbers {
    ($($number:ident)*) => { $(
        impl FromTag for $number {
            fn set(&mut self, tag: &Tag<'_>) {
                *self = Self::try_from(number(tag)).unwrap_or(Self::MAX);
            }
        }
    )* };
}
numbers!(u8 u16 u32);

impl FromTag for bool {
    fn set(&mut self, tag: &Tag<'_>) {
        *self = flag(tag);
    }
}

impl FromTag for String {
    fn set(&mut self, tag: &Tag<'_>) {
        *self = tag.text().into_owned();
    }
}

impl FromTag for Text {
    fn set(&mut self, tag: &Tag<'_>) {
        *self = tag.text().as_ref().into();
    }
}

impl FromTag for Timestamp {
    fn set(&mut self, tag: &Tag<'_>) {
        self.0.set(tag);
    }
}

impl FromTag for Option<u32> {
    fn set(&mut self, tag: &Tag<'_>) {
        *self = tag.uint().ok().map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    }
}

impl FromTag for Option<PersistentId> {
    fn set(&mut self, tag: &Tag<'_>) {
        *self = Some(number(tag)).filter(|number| *number != 0).map(PersistentId::new);
    }
}

impl FromTag for MediaKind {
    /// One kind, or a set of kinds as bits. What is neither a podcast nor an audiobook is taken for music.
    fn set(&mut self, tag: &Tag<'_>) {
        let has = |kind: Self| number(tag) & kind as u64 != 0;
        if let Some(kind) = [Self::Podcast, Self::Audiobook].into_iter().find(|kind| has(*kind)) {
            *self = kind;
        }
    }
}

impl FromTag for ContentRating {
    fn set(&mut self, tag: &Tag<'_>) {
        let known = [Self::Explicit, Self::Clean].into_iter();
        *self = known.into_iter().find(|rating| *rating as u64 == number(tag)).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use dmap::Tags;
    use dmap::code::ASTM;

    use super::*;

    #[track_caller]
    fn check<T: FromTag + Default + PartialEq + std::fmt::Debug>(value: &[u8], expected: T) {
        let mut bytes = ASTM.0.to_vec();
        bytes.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend(value);
        let tag = Tags::new(&bytes).next_tag().unwrap().unwrap();
        let mut read = T::default();
        read.set(&tag);
        assert_eq!(read, expected, "{value:?}");
    }

    #[test]
    fn numbers_have_any_width_and_are_never_wrapped() {
        check(&[7], 7_u32);
        check(&[0, 0, 0, 7], 7_u8);
        check(&[0, 0, 0, 0, 0, 0, 1, 0], u8::MAX);
        check(&[0xFF; 8], u16::MAX);
        check(&[0xFF; 8], Timestamp(u32::MAX));
        check(&[1, 2, 3], 0_u32);
        check(&[], 0_u16);
        check(&[0], Some(0_u32));
        // Found by fuzzing: a status without a value was taken for a refusal.
        check(&[], None::<u32>);
    }

    #[test]
    fn a_flag_is_set_unless_it_is_0() {
        check(&[0], false);
        check(&[0, 0, 0, 0], false);
        check(&[1], true);
        check(&[], true);
    }

    #[test]
    fn texts_need_not_be_utf8() {
        check(b"Caf\xE9", String::from("Caf\u{FFFD}"));
        check("日本".as_bytes(), Text::from("日本"));
        check(b"", String::new());
    }

    #[test]
    fn an_id_of_0_is_none() {
        check(&[0, 0, 0, 0, 0, 0, 0, 0], None::<PersistentId>);
        check(&[9], Some(PersistentId::new(9)));
    }

    #[test]
    fn a_kind_is_a_number_or_a_set_of_bits() {
        check(&[1], MediaKind::Music);
        check(&[32], MediaKind::Music);
        check(&[4], MediaKind::Podcast);
        check(&[0, 0, 0, 36], MediaKind::Podcast);
        check(&[8], MediaKind::Audiobook);
    }
}
