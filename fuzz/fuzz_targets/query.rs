//! The query language: no panic, and a query survives being written down.
#![no_main]

use daap_proto::Query;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(query) = Query::parse(text) {
        assert_eq!(Query::parse(&query.to_string()).as_ref(), Ok(&query), "{query}");
    }
});
