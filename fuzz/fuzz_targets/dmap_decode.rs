//! The DMAP decoder: no panic, and what it can read it writes again byte for byte.
#![no_main]

use std::fmt::Write as _;

use dmap::Element;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(element) = Element::decode(bytes) {
        assert_eq!(element.encode().as_deref(), Ok(bytes), "{element:?}");
    }
    let _ = dmap::lenient_root(bytes).and_then(Element::from_tag);
    let mut text = String::new();
    write!(text, "{}", dmap::dump(bytes)).expect("a dump of anything can be written");
});
