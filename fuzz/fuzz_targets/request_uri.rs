//! The request parser: no panic, and a request survives its URI.
#![no_main]

use daap_proto::{Request, ShareUrl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|target: &str| {
    if let Ok(request) = Request::parse(target) {
        assert_eq!(
            Request::parse(&request.to_uri()).as_ref(),
            Ok(&request),
            "{}",
            request.to_uri()
        );
    }
    if let Ok(url) = target.parse::<ShareUrl>() {
        assert_eq!(url.to_string().parse().as_ref(), Ok(&url), "{url}");
    }
});
