//! Messages put together by hand from the rules of the wire, and what must come of them.

use dmap::code::{ABAR, ASBR, ASTM, MIID, MINM, MLID, MLIT, MLOG, MRCO, MSAS, MSHL, MSTT, MUTY};
use dmap::{Code, DecodeError, Element, Kind, MAX_DEPTH, Value, dump, lenient_root, root};

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect(&path);
    let digits: String = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex digits"))
        .collect()
}

const GOOD: [&str; 15] = [
    "01-server-info",
    "02-content-codes",
    "03-login",
    "04-update",
    "05-databases",
    "06-items",
    "07-items-delta",
    "08-containers",
    "09-container-items",
    "10-browse-artists",
    "11-groups-albums",
    "12-error",
    "13-edit-add",
    "14-extremes",
    "15-odd-widths",
];

#[test]
fn every_good_message_encodes_to_the_bytes_it_came_from() {
    for name in GOOD {
        let bytes = fixture(name);
        let element = Element::decode(&bytes).expect(name);
        assert_eq!(element.encode().expect(name), bytes, "{name}");
    }
}

#[test]
fn every_good_message_dumps_as_it_did() {
    for name in GOOD {
        let dump = dump(&fixture(name)).to_string();
        let path = format!("{}/tests/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("REGENERATE_GOLDEN").is_some() {
            std::fs::write(&path, &dump).expect(&path);
        }
        assert_eq!(dump, std::fs::read_to_string(&path).expect(&path), "{name}");
    }
}

#[test]
fn every_message_cut_short_is_refused_wherever_it_is_cut() {
    for name in GOOD {
        let bytes = fixture(name);
        for length in 0..bytes.len() {
            assert!(Element::decode(&bytes[..length]).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn malformed_messages_are_refused_with_the_place() {
    let check = |name, expected: DecodeError| {
        assert_eq!(Element::decode(&fixture(name)), Err(expected), "{name}");
    };
    check("20-bad-truncated-header", DecodeError::Trailing { offset: 20, left: 2 });
    check(
        "21-bad-child-overruns-parent",
        DecodeError::Truncated { code: MSTT, offset: 8, length: 5, left: 4 },
    );
    check(
        "22-bad-length-ffffffff",
        DecodeError::Truncated { code: MLOG, offset: 0, length: 0xFFFF_FFFF, left: 12 },
    );
    check(
        "23-bad-root-too-long",
        DecodeError::Truncated { code: MLOG, offset: 0, length: 36, left: 24 },
    );
    check(
        "24-bad-deep-nesting",
        DecodeError::TooDeep { code: MLIT, offset: 120, limit: MAX_DEPTH },
    );
}

#[test]
fn a_root_that_announces_too_much_is_forgiven_where_asked() {
    let bytes = fixture("23-bad-root-too-long");
    let login = lenient_root(&bytes).unwrap();
    assert_eq!(login.child(MLID).unwrap().map(|tag| tag.uint()), Some(Ok(8158)));
    assert_eq!(login.child(MSTT).unwrap().map(|tag| tag.uint()), Some(Ok(200)));
}

#[test]
fn a_text_that_is_not_utf8_does_not_fail_the_message() {
    let bytes = fixture("25-bad-invalid-utf8");
    let element = Element::decode(&bytes).unwrap();
    assert_eq!(element.encode().unwrap(), bytes);
    let name = root(&bytes).unwrap().child(MINM).unwrap().unwrap();
    assert_eq!(name.text(), "\u{FFFD}\u{FFFD}A");
}

#[test]
fn integers_of_unusual_width_are_read_and_the_unknown_is_kept() {
    let element = Element::decode(&fixture("15-odd-widths")).unwrap();
    for (code, value) in [(ASBR, 320), (MIID, 9), (MUTY, 1), (ASTM, 256), (MSAS, 3)] {
        assert_eq!(element.child(code).and_then(Element::uint), Some(value), "{code}");
    }
    let unknown = element.child(Code(*b"zzzz")).unwrap();
    assert_eq!(unknown.value, Value::Raw(b"AAAA".to_vec()));
}

#[test]
fn a_listing_item_is_a_bare_text_in_a_browse_list_only() {
    let element = Element::decode(&fixture("10-browse-artists")).unwrap();
    let names: Vec<_> =
        element.child(ABAR).unwrap().children().iter().filter_map(Element::text).collect();
    assert_eq!(names, ["ABBA", "AC/DC", "Björk", "2Pac"]);
    let headers = element.child(MSHL).unwrap().children();
    assert_eq!(headers.iter().map(|header| header.children().len()).sum::<usize>(), 9);
    assert_eq!(element.child(MRCO).and_then(Element::uint), Some(4));
}

#[test]
fn a_message_that_is_one_bare_value_is_read_too() {
    let element = Element::decode(b"minm\0\0\0\x02ab").unwrap();
    assert_eq!((element.text(), element.code.kind()), (Some("ab"), Kind::String));
    assert_eq!(Element::decode(b""), Err(DecodeError::Empty { offset: 0 }));
    assert_eq!(
        Element::decode(b"minm\0\0\0\0x"),
        Err(DecodeError::Trailing { offset: 8, left: 1 })
    );
}
