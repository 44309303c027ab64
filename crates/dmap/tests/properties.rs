//! What holds for every message, well formed or not.

use dmap::{Code, Element, Kind, Value, Version, code, dump};
use proptest::prelude::*;

/// A value as the table has it for the code, of any width that a reader must take.
fn leaf() -> impl Strategy<Value = Element> {
    let width = prop_oneof![Just(1_u8), Just(2), Just(4), Just(8)];
    let known = (0..code::all().len()).prop_map(|row| &code::all()[row]);
    (known, any::<u64>(), width, ".{0,20}").prop_map(|(row, number, width, text)| {
        let unused = 64 - 8 * u32::from(width);
        let value = match row.kind {
            Kind::String => Value::Text(text),
            Kind::Date => Value::Date(number as u32),
            Kind::Version => Value::Version(Version::from(number as u32)),
            Kind::Container => Value::Container(Vec::new()),
            Kind::Raw => Value::Raw(text.into_bytes()),
            kind if kind.is_signed() => Value::Signed(((number << unused) as i64) >> unused, width),
            _ => Value::Unsigned(number << unused >> unused, width),
        };
        Element { code: row.code, value }
    })
}

fn tree() -> impl Strategy<Value = Element> {
    let unknown = (any::<[u8; 4]>(), any::<Vec<u8>>())
        .prop_filter("known", |(code, _)| Code(*code).definition().is_none())
        .prop_map(|(code, bytes)| Element { code: Code(code), value: Value::Raw(bytes) });
    let containers = [code::MLCL, code::ADBS, code::MCON, code::MUDL];
    prop_oneof![4 => leaf(), 1 => unknown].prop_recursive(8, 64, 8, move |inner| {
        (0..containers.len(), prop::collection::vec(inner, 0..8)).prop_map(
            move |(row, children)| Element {
                code: containers[row],
                value: Value::Container(children),
            },
        )
    })
}

proptest! {
    #[test]
    fn a_tree_survives_its_bytes(element in tree()) {
        let bytes = element.encode().unwrap();
        prop_assert_eq!(Element::decode(&bytes), Ok(element));
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_written_as_they_were(bytes: Vec<u8>) {
        let _ = dump(&bytes).to_string();
        if let Ok(element) = Element::decode(&bytes) {
            prop_assert_eq!(element.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn a_message_with_some_bytes_changed_is_read_without_panic(
        element in tree(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = element.encode().unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = dump(&bytes).to_string();
        if let Ok(element) = Element::decode(&bytes) {
            prop_assert_eq!(element.encode().unwrap(), bytes);
        }
    }
}
