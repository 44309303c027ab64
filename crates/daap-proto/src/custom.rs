//! Fields that a program defines: under which codes and names it may, and how their values are sent.

use daap_model::{Custom, CustomField, CustomKind, CustomValue, Snapshot};
use dmap::{Code, Encoder, HEADER, Kind, Sink};

use crate::meta::{ALL, Meta};
use crate::reply::is_ours;

/// The longest name that a field can have, in bytes.
pub const MAX_FIELD_NAME: usize = 128;

/// Why a field cannot be defined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CustomFieldError {
    /// The code has bytes that are no printable ASCII characters.
    #[error("a code is four printable ASCII characters, not {0}")]
    BadCode(Code),
    /// The name is empty, longer than [`MAX_FIELD_NAME`], or has characters that a `meta=` cannot hold.
    #[error(
        "a name is 1 to {MAX_FIELD_NAME} letters, digits, dots, dashes and underscores, not {0:?}"
    )]
    BadName(String),
    /// The server fills the code by itself.
    #[error("{0} is filled by the server itself")]
    Reserved(Code),
    /// The code is known for something else.
    #[error("{code} is known as {name:?}, of kind {kind:?}")]
    CodeTaken {
        /// The code.
        code: Code,
        /// Its name.
        name: &'static str,
        /// What its values are.
        kind: Kind,
    },
    /// The name is known for another code.
    #[error("{name:?} is known as the name of {code}")]
    NameTaken {
        /// The name.
        name: String,
        /// Its code.
        code: Code,
    },
    /// The code is not known, or has no name, or not one value of a known width.
    #[error("nothing is known of {0} that would make it a field")]
    NotKnown(Code),
}

/// Every kind with its name in DMAP, and the width of its values in bytes; a text's is its own.
const KINDS: [(CustomKind, Kind, usize); 11] = [
    (CustomKind::UByte, Kind::UByte, 1),
    (CustomKind::Byte, Kind::Byte, 1),
    (CustomKind::UShort, Kind::UShort, 2),
    (CustomKind::Short, Kind::Short, 2),
    (CustomKind::UInt, Kind::UInt, 4),
    (CustomKind::Int, Kind::Int, 4),
    (CustomKind::ULong, Kind::ULong, 8),
    (CustomKind::Long, Kind::Long, 8),
    (CustomKind::Text, Kind::String, 0),
    (CustomKind::Date, Kind::Date, 4),
    (CustomKind::Version, Kind::Version, 4),
];

/// A field of a program's own, for [`Edit::Define`](daap_model::Edit::Define).
///
/// Clients are sent it only if they ask for its name, or for everything. Those that ask for everything must be able
/// to pass over what they do not know, as iTunes is; Banshee knows no signed kinds.
///
/// ```
/// use daap_model::CustomKind;
///
/// let mood = daap_proto::custom_field(*b"XMOD", "com.example.mood", CustomKind::Text)?;
/// assert!(daap_proto::custom_field(*b"minm", "com.example.mood", CustomKind::Text).is_err());
/// # Ok::<(), daap_proto::CustomFieldError>(())
/// ```
///
/// # Errors
/// The code or the name cannot be one, or means something else already.
pub fn custom_field(
    code: [u8; 4],
    name: &str,
    kind: CustomKind,
) -> Result<CustomField, CustomFieldError> {
    let code = Code(code);
    if !code.0.iter().all(u8::is_ascii_graphic) {
        return Err(CustomFieldError::BadCode(code));
    }
    if !is_name(name) {
        return Err(CustomFieldError::BadName(name.to_owned()));
    }
    if is_ours(code) {
        return Err(CustomFieldError::Reserved(code));
    }
    if let Some(known) = code.definition() {
        let same_name = known.name.is_empty() || known.name == name;
        if !same_name || known.kind != wire_kind(kind) {
            let (name, kind) = (known.name, known.kind);
            return Err(CustomFieldError::CodeTaken { code, name, kind });
        }
    }
    match Code::by_name(name) {
        Some(known) if known.code != code => {
            Err(CustomFieldError::NameTaken { name: name.to_owned(), code: known.code })
        }
        _ => Ok(CustomField { code: code.0, name: name.into(), kind }),
    }
}

/// A field of the table of content codes, under its own name, that songs do not have by themselves: `asst`, say,
/// where a song begins.
///
/// # Errors
/// The table has no such code with a name and one value, or the server fills it by itself.
pub fn known_field(code: [u8; 4]) -> Result<CustomField, CustomFieldError> {
    let not_known = || CustomFieldError::NotKnown(Code(code));
    let known = Code(code).definition().filter(|known| !known.name.is_empty());
    let known = known.ok_or_else(not_known)?;
    let kind = KINDS.iter().find(|row| row.1 == known.kind).ok_or_else(not_known)?.0;
    custom_field(code, known.name, kind)
}

/// Whether a field can have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_FIELD_NAME).contains(&name.len()) && name.bytes().all(is_letter) && name != ALL
}

/// What DMAP calls a kind.
pub(crate) fn wire_kind(kind: CustomKind) -> Kind {
    row(kind).1
}

fn row(kind: CustomKind) -> &'static (CustomKind, Kind, usize) {
    KINDS.iter().find(|row| row.0 == kind).expect("the table has every kind")
}

/// The fields of a library's own that are wanted of each song.
pub(crate) struct CustomFields(Vec<Column>);

/// A field with the width of its values.
struct Column {
    code: Code,
    width: usize,
}

impl CustomFields {
    /// Those that a request names; none where it names nothing at all.
    pub(crate) fn wanted(snapshot: &Snapshot, meta: Option<&Meta>) -> Self {
        let wanted = |field: &&CustomField| meta.is_some_and(|meta| meta.has_custom(&field.name));
        let column =
            |field: &CustomField| Column { code: Code(field.code), width: row(field.kind).2 };
        Self(snapshot.custom_fields().iter().filter(wanted).map(column).collect())
    }

    /// How many bytes [`CustomFields::write`] writes.
    pub(crate) fn length(&self, custom: &Custom) -> usize {
        let length = |(column, value): (&Column, &CustomValue)| match value {
            CustomValue::Text(text) => HEADER + text.len(),
            CustomValue::Number(_) => HEADER + column.width,
        };
        self.found(custom).map(length).sum()
    }

    /// Writes those that a song has.
    pub(crate) fn write<S: Sink>(&self, custom: &Custom, out: &mut Encoder<S>) {
        for (Column { code, width }, value) in self.found(custom) {
            match value {
                CustomValue::Text(text) => out.string(*code, text),
                // The model takes no number that does not fit, so what is cut off says nothing.
                CustomValue::Number(number) => {
                    let bytes = number.to_be_bytes();
                    out.bytes(*code, &bytes[bytes.len() - width..]);
                }
            }
        }
    }

    fn found<'a>(
        &'a self,
        custom: &'a Custom,
    ) -> impl Iterator<Item = (&'a Column, &'a CustomValue)> {
        self.0.iter().filter_map(|column| Some((column, custom.find(column.code.0)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dmap::code::*;

    #[track_caller]
    fn refuse(code: [u8; 4], name: &str, kind: CustomKind, expected: CustomFieldError) {
        assert_eq!(custom_field(code, name, kind), Err(expected));
    }

    #[test]
    fn a_program_may_have_a_code_and_a_name_that_nobody_uses() {
        let field = custom_field(*b"XMOD", "com.example.mood", CustomKind::Text).unwrap();
        assert_eq!((field.code, &*field.name), (*b"XMOD", "com.example.mood"));
        // The same as the table says.
        let start = custom_field(ASST.0, "daap.songstarttime", CustomKind::UInt).unwrap();
        assert_eq!(known_field(ASST.0), Ok(start));
        // A code of which the table knows the type alone.
        assert!(custom_field(CMTE.0, "com.example.mood", CustomKind::Text).is_ok());
    }

    #[test]
    fn what_is_no_code_or_no_name_is_refused() {
        let text = CustomKind::Text;
        for code in [*b"XM\0D", *b"XM D", [b'X', 0x8D, b'M', b'O']] {
            refuse(code, "a", text, CustomFieldError::BadCode(Code(code)));
        }
        let long = "x".repeat(MAX_FIELD_NAME + 1);
        for name in ["", "all", "a,b", "a b", "mood\u{e9}", long.as_str()] {
            refuse(*b"XMOD", name, text, CustomFieldError::BadName(name.into()));
        }
        assert!(custom_field(*b"XMOD", &long[1..], text).is_ok());
    }

    #[test]
    fn what_the_server_fills_by_itself_is_refused() {
        let refuse = |code: Code| {
            let expected = Err(CustomFieldError::Reserved(code));
            assert_eq!(custom_field(code.0, "com.example.mood", CustomKind::Text), expected);
        };
        for code in [MINM, MIID, MCTI, ASAI, MLIT, MSTT, MUDL, MSHL, MEDC, MEDS] {
            refuse(code);
        }
        assert_eq!(known_field(MINM.0), Err(CustomFieldError::Reserved(MINM)));
    }

    #[test]
    fn what_the_table_knows_for_something_else_is_refused() {
        let (name, kind) = ("daap.songstarttime", Kind::UInt);
        let taken = CustomFieldError::CodeTaken { code: ASST, name, kind };
        refuse(ASST.0, "com.example.mood", CustomKind::UInt, taken.clone());
        refuse(ASST.0, name, CustomKind::Int, taken);
        let taken = CustomFieldError::NameTaken { name: name.into(), code: ASST };
        refuse(*b"XMOD", name, CustomKind::UInt, taken);
    }

    #[test]
    fn every_code_of_the_table_with_a_name_and_a_value_can_be_defined_or_is_ours() {
        for row in dmap::code::all() {
            let has_value = KINDS.iter().any(|(_, kind, _)| *kind == row.kind);
            let expected = match known_field(row.code.0) {
                Ok(field) => &*field.name == row.name && has_value && !is_ours(row.code),
                Err(CustomFieldError::Reserved(_)) => is_ours(row.code),
                Err(CustomFieldError::NotKnown(_)) => row.name.is_empty() || !has_value,
                // Of two codes with one name the one to send has it.
                Err(CustomFieldError::NameTaken { code, .. }) => code != row.code,
                Err(CustomFieldError::BadName(_)) => !is_name(row.name),
                Err(_) => !row.code.0.is_ascii(),
            };
            assert!(expected, "{row:?}: {:?}", known_field(row.code.0));
        }
        assert_eq!(known_field(*b"XMOD"), Err(CustomFieldError::NotKnown(Code(*b"XMOD"))));
    }
}
