//! Who we say we are: the headers of every request (`docs/protocol.md`, sections 3.2 and 10).

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use daap_proto::validation;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};

/// As whom we come where we are refused under our own name: the name that all imitators of iTunes use.
const ITUNES: HeaderValue = HeaderValue::from_static("iTunes/4.6 (Windows; N)");

/// The version of DAAP that every client but iTunes 4.2 and before names.
const DAAP_VERSION: HeaderValue = HeaderValue::from_static("3.0");

/// Which salt goes into the validation; nobody was ever seen to use another.
const ACCESS_INDEX: u8 = 2;

const CLIENT_DAAP_VERSION: HeaderName = HeaderName::from_static("client-daap-version");
const CLIENT_DAAP_ACCESS_INDEX: HeaderName = HeaderName::from_static("client-daap-access-index");
const CLIENT_DAAP_REQUEST_ID: HeaderName = HeaderName::from_static("client-daap-request-id");
const CLIENT_DAAP_VALIDATION: HeaderName = HeaderName::from_static("client-daap-validation");

/// By which version requests are validated until the server has named its own.
const FIRST_VERSION: u16 = 2;

/// Us, as one server knows us.
#[derive(Debug)]
pub(crate) struct Caller {
    user_agent: HeaderValue,
    /// What goes into `Authorization`, if we have a password.
    credential: Option<HeaderValue>,
    /// The server has asked for the password: it is sent with every request from then on.
    was_asked: AtomicBool,
    /// The server has refused us under our own name.
    is_itunes: AtomicBool,
    /// The major version of DAAP that the server speaks, by which requests are validated.
    version: AtomicU16,
    requests: AtomicU32,
}

impl Caller {
    pub(crate) fn new(user_agent: &str, credential: Option<(&str, &str)>) -> Self {
        let credential = credential.map(|(user, password)| {
            let credential = BASE64_STANDARD.encode(format!("{user}:{password}"));
            let mut value = header_value(&format!("Basic {credential}"));
            value.set_sensitive(true);
            value
        });
        Self {
            user_agent: header_value(user_agent),
            credential,
            was_asked: AtomicBool::new(false),
            is_itunes: AtomicBool::new(false),
            version: AtomicU16::new(FIRST_VERSION),
            requests: AtomicU32::new(0),
        }
    }

    /// The headers of a request for this target. The password is for `home`, no other server.
    pub(crate) fn headers(&self, target: &str, is_home: bool) -> HeaderMap {
        let agent = if self.is_itunes() { ITUNES } else { self.user_agent.clone() };
        // 0 would mean that there is no id.
        let request = self.requests.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        let version = self.version.load(Ordering::Relaxed);
        let validation = validation(version, target, ACCESS_INDEX, Some(request));
        let mut headers = HeaderMap::from_iter([
            (USER_AGENT, agent),
            (ACCEPT, HeaderValue::from_static("*/*")),
            (CLIENT_DAAP_VERSION, DAAP_VERSION),
            (CLIENT_DAAP_ACCESS_INDEX, u16::from(ACCESS_INDEX).into()),
            (CLIENT_DAAP_REQUEST_ID, request.into()),
            (CLIENT_DAAP_VALIDATION, header_value(&validation)),
        ]);
        if is_home && self.gives_password() {
            headers.extend(self.credential.clone().map(|value| (AUTHORIZATION, value)));
        }
        headers
    }

    pub(crate) fn has_password(&self) -> bool {
        self.credential.is_some()
    }

    /// Whether the password goes out with every request.
    pub(crate) fn gives_password(&self) -> bool {
        self.has_password() && self.was_asked.load(Ordering::Relaxed)
    }

    pub(crate) fn give_password(&self) {
        self.was_asked.store(true, Ordering::Relaxed);
    }

    /// Whether we come as iTunes.
    pub(crate) fn is_itunes(&self) -> bool {
        self.is_itunes.load(Ordering::Relaxed)
    }

    /// Comes as iTunes from now on, or under our own name.
    pub(crate) fn come_as_itunes(&self, is_itunes: bool) {
        self.is_itunes.store(is_itunes, Ordering::Relaxed);
    }

    /// The server speaks this major version of DAAP.
    pub(crate) fn speak(&self, version: u16) {
        self.version.store(version, Ordering::Relaxed);
    }
}

/// A header with this value, less what no header can hold.
fn header_value(text: &str) -> HeaderValue {
    let printable: String = text.chars().filter(|c| !c.is_control()).collect();
    HeaderValue::from_bytes(printable.as_bytes()).expect("only control characters are not allowed")
}
