//! Where a redirect leads.

use http::{StatusCode, Uri};

/// How many redirects are followed for one request.
pub(crate) const MAX_REDIRECTS: usize = 5;

pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The place that `location` names, seen from `from`; `None` if that is no place that we go to.
pub(crate) fn follow(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    let uri: Uri = match absolute(from, location) {
        Some(uri) => uri.parse().ok()?,
        None => location.parse().ok()?,
    };
    let is_http =
        uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
    is_http.then_some(uri)
}

/// A location that leaves out what it shares with `from`, in full; `None` if it is in full.
fn absolute(from: &Uri, location: &str) -> Option<String> {
    let (authority, path) = (from.authority()?.as_str(), from.path());
    if location.starts_with("//") {
        return Some(format!("http:{location}"));
    }
    if location.starts_with('/') {
        return Some(format!("http://{authority}{location}"));
    }
    if location.is_empty() || location.starts_with('?') {
        return Some(format!("http://{authority}{path}{location}"));
    }
    let has_scheme =
        location.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['/', '?']));
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    (!has_scheme).then(|| format!("http://{authority}{folder}{location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(location: &str, expected: Option<&str>) {
        let from = Uri::from_static("http://nas:3689/databases/1/items?session-id=7");
        assert_eq!(follow(&from, location).map(|uri| uri.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_location_may_leave_out_what_stays() {
        check("http://other/x?y=1#z", Some("http://other/x?y=1"));
        check("HTTP://other:80/x", Some("http://other:80/x"));
        check("//other:1/x", Some("http://other:1/x"));
        check("/x?y=http://z", Some("http://nas:3689/x?y=http://z"));
        check("?session-id=8", Some("http://nas:3689/databases/1/items?session-id=8"));
        check("7.mp3", Some("http://nas:3689/databases/1/7.mp3"));
        check("", Some("http://nas:3689/databases/1/items"));
    }

    #[test]
    fn only_http_is_followed() {
        for location in
            ["https://nas/x", "file:///etc/passwd", "ftp://nas/x", "http:///x", "http://"]
        {
            check(location, None);
        }
    }
}
