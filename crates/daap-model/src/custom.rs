//! Fields beyond those that every song has: what a program defines for songs of its own.
//!
//! The model keeps them and hands them out; by what name a client asks for one, and how it is written, is the
//! business of `daap-proto`.

use std::fmt;
use std::sync::Arc;

use crate::Text;

/// A field that a program defines, before any song can have it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CustomField {
    /// The four bytes by which it goes over the wire.
    pub code: [u8; 4],
    /// The long name by which clients ask for it, such as `com.example.mood`.
    pub name: Text,
    /// What its values are.
    pub kind: CustomKind,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CustomKind {
    /// 1 byte, unsigned; also a boolean.
    UByte,
    /// 1 byte, signed.
    Byte,
    /// 2 bytes, unsigned.
    UShort,
    /// 2 bytes, signed.
    Short,
    /// 4 bytes, unsigned.
    UInt,
    /// 4 bytes, signed.
    Int,
    /// 8 bytes, unsigned.
    ULong,
    /// 8 bytes, signed.
    Long,
    /// Text.
    Text,
    /// 4 bytes, seconds since 1970-01-01 UTC.
    Date,
    /// 4 bytes: major (two of them), minor, patch.
    Version,
}

/// The value of a custom field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CustomValue {
    /// A whole number; it must fit the field's width and sign.
    Number(i128),
    /// Text.
    Text(Text),
}

impl CustomKind {
    /// The least and the greatest number there can be; `None` if values are texts.
    #[must_use]
    pub const fn range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::UByte => (0, u8::MAX as i128),
            Self::Byte => (i8::MIN as i128, i8::MAX as i128),
            Self::UShort => (0, u16::MAX as i128),
            Self::Short => (i16::MIN as i128, i16::MAX as i128),
            Self::UInt | Self::Date | Self::Version => (0, u32::MAX as i128),
            Self::Int => (i32::MIN as i128, i32::MAX as i128),
            Self::ULong => (0, u64::MAX as i128),
            Self::Long => (i64::MIN as i128, i64::MAX as i128),
            Self::Text => return None,
        })
    }

    /// Whether a field of this kind can have this value.
    #[must_use]
    pub fn takes(self, value: &CustomValue) -> bool {
        match (self.range(), value) {
            (Some((least, greatest)), CustomValue::Number(number)) => {
                (least..=greatest).contains(number)
            }
            (None, CustomValue::Text(_)) => true,
            _ => false,
        }
    }
}

impl From<Text> for CustomValue {
    fn from(text: Text) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for CustomValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for CustomValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

macro_rules! from_number {
    ($($number:ty)*) => { $(
        impl From<$number> for CustomValue {
            fn from(number: $number) -> Self {
                Self::Number(number.into())
            }
        }
    )* };
}
from_number!(u8 i8 u16 i16 u32 i32 u64 i64 bool);

/// The custom fields of a song. One pointer wide; most songs have none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Custom(Option<Arc<Values>>);

/// Values by their codes, ascending.
type Values = Vec<([u8; 4], CustomValue)>;

impl Custom {
    /// No fields.
    pub const NONE: Self = Self(None);

    /// Gives a field a value, in the place of the one it has.
    pub fn set(&mut self, code: [u8; 4], value: impl Into<CustomValue>) {
        let fields = Arc::make_mut(self.0.get_or_insert_default());
        match fields.binary_search_by_key(&code, |(code, _)| *code) {
            Ok(at) => fields[at].1 = value.into(),
            Err(at) => fields.insert(at, (code, value.into())),
        }
    }

    /// Takes a field away.
    pub fn unset(&mut self, code: [u8; 4]) {
        let Some(fields) = &mut self.0 else { return };
        if fields.iter().any(|(held, _)| *held == code) {
            Arc::make_mut(fields).retain(|(held, _)| *held != code);
        }
        if fields.is_empty() {
            self.0 = None;
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn find(&self, code: [u8; 4]) -> Option<&CustomValue> {
        let fields = self.0.as_ref()?;
        let at = fields.binary_search_by_key(&code, |(code, _)| *code).ok()?;
        Some(&fields[at].1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The fields with their values, by code.
    pub fn iter(&self) -> impl Iterator<Item = ([u8; 4], &CustomValue)> {
        self.0.iter().flat_map(|fields| fields.iter()).map(|(code, value)| (*code, value))
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |code: [u8; 4]| String::from_utf8_lossy(&code).into_owned();
        f.debug_map().entries(self.iter().map(|(code, value)| (name(code), value))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::*;
    use crate::{ApplyError, Batch, Delta, Edit, Model, NewItem};

    #[test]
    fn a_number_has_to_fit_its_field() {
        use CustomKind::*;
        let fits = |kind: CustomKind, number: i128| kind.takes(&CustomValue::Number(number));
        assert!(fits(UByte, 255) && !fits(UByte, 256) && !fits(UByte, -1));
        assert!(fits(Short, -32_768) && !fits(Short, 32_768));
        assert!(fits(ULong, u64::MAX.into()) && !fits(ULong, -1));
        assert!(fits(Date, u32::MAX.into()) && !fits(Version, 1 << 32));
        assert!(!fits(Text, 1) && Text.takes(&"x".into()) && !UInt.takes(&"1".into()));
    }

    #[test]
    fn a_field_has_one_value_and_none_leaves_no_trace() {
        let mut custom = Custom::default();
        custom.set(*b"xyzz", 1_u8);
        custom.set(*b"abcd", "blue");
        custom.set(*b"xyzz", 2_u8);
        let fields: Vec<_> = custom.iter().map(|(code, value)| (code, value.clone())).collect();
        assert_eq!(fields, [(*b"abcd", "blue".into()), (*b"xyzz", 2_u8.into())]);
        assert_eq!(custom.find(*b"abcd"), Some(&"blue".into()));
        custom.unset(*b"abcd");
        custom.unset(*b"none");
        custom.unset(*b"xyzz");
        assert_eq!(custom, Custom::NONE);
    }

    fn field(code: &[u8; 4], name: &str, kind: CustomKind) -> CustomField {
        CustomField { code: *code, name: name.into(), kind }
    }

    fn moods() -> CustomField {
        field(b"mood", "test.mood", CustomKind::UByte)
    }

    fn with_mood(id: u32, code: &[u8; 4], value: impl Into<CustomValue>) -> Edit {
        let mut custom = Custom::NONE;
        custom.set(*code, value);
        match put(id, track("x", "", "")) {
            Edit::PutItem { database, item } => {
                Edit::PutItem { database, item: NewItem { custom, ..item } }
            }
            edit => edit,
        }
    }

    #[test]
    fn a_field_is_defined_once_and_stays() {
        let mut model = model([Edit::Define(moods())]);
        let note = field(b"note", "test.note", CustomKind::Text);
        let define = |field: &CustomField| Batch::from_iter([Edit::Define(field.clone())]);
        assert_eq!(model.apply(define(&moods())), Ok(None));
        let before = model.snapshot();
        assert_eq!(model.apply(define(&note)), Ok(Some(before.revision().next())));
        assert_eq!(**model.snapshot().custom_fields(), [moods(), note]);
        assert_eq!(**before.custom_fields(), [moods()]);
    }

    #[track_caller]
    fn check_refused(edit: Edit, expected: ApplyError) {
        let mut model = model([Edit::Define(moods())]);
        let before = model.snapshot();
        let good = [with_mood(1, b"mood", 3_u8), Edit::Rename("other".into())];
        let batch: Batch = good.into_iter().chain([edit]).collect();
        assert_eq!(model.apply(batch), Err(expected));
        assert!(Arc::ptr_eq(&before, &model.snapshot()));
    }

    #[test]
    fn a_field_cannot_take_the_code_or_the_name_of_another() {
        for taken in [
            field(b"mood", "test.other", CustomKind::UByte),
            field(b"othr", "test.mood", CustomKind::UByte),
            field(b"mood", "test.mood", CustomKind::Text),
        ] {
            check_refused(Edit::Define(taken.clone()), ApplyError::FieldTaken(taken));
        }
    }

    #[test]
    fn a_song_has_only_values_that_fit_fields_that_are_defined() {
        let refused = |code: &[u8; 4]| ApplyError::CustomValue { item: item_id(2), code: *code };
        check_refused(with_mood(2, b"none", 1_u8), refused(b"none"));
        check_refused(with_mood(2, b"mood", 256_u16), refused(b"mood"));
        check_refused(with_mood(2, b"mood", "blue"), refused(b"mood"));
    }

    #[test]
    fn a_field_may_be_defined_in_the_batch_that_uses_it_and_its_value_is_what_a_delta_tells() {
        let mut model = model([Edit::Define(moods()), with_mood(1, b"mood", 3_u8)]);
        let mood = |model: &Model| {
            database(model).items().find(item_id(1)).unwrap().custom.find(*b"mood").cloned()
        };
        assert_eq!(mood(&model), Some(3_u8.into()));
        assert_eq!(model.apply([with_mood(1, b"mood", 3_u8)].into_iter().collect()), Ok(None));
        let seen = model.snapshot().revision();
        model.apply([with_mood(1, b"mood", 4_u8)].into_iter().collect()).unwrap();
        let Delta::Known { changed, .. } = database(&model).items_since(seen) else { panic!() };
        assert_eq!((changed.len(), mood(&model)), (1, Some(4_u8.into())));
        model.apply([put(1, track("x", "", ""))].into_iter().collect()).unwrap();
        assert_eq!(mood(&model), None);
    }
}
