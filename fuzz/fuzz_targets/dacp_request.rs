//! The parser of what Remotes ask: no panic, a request survives its URI, and all that DAAP has is what DAAP reads.
#![no_main]

use dacp_proto::{Endpoint, PairRequest, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|target: &str| {
    if let Ok(request) = Request::parse(target) {
        let uri = request.to_uri();
        assert_eq!(Request::parse(&uri).as_ref(), Ok(&request), "{uri}");
        if let Endpoint::Library(endpoint) = request.endpoint {
            assert_eq!(daap_proto::Request::parse(target).map(|known| known.endpoint), Ok(endpoint));
        }
    }
    if let Ok(request) = PairRequest::parse(target) {
        let uri = request.to_uri();
        assert_eq!(PairRequest::parse(&uri).as_ref(), Ok(&request), "{uri}");
    }
});
