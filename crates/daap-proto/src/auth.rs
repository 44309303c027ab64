//! What a share asks of those who come: HTTP Basic.

use subtle::{Choice, ConstantTimeEq as _};

/// What a client gave in `Authorization`: the decoded bytes after `Basic `, a user name, a colon, a password.
///
/// Where a share asks for a password alone, the user name means nothing. It may hold colons (Music for macOS sends
/// `iTunes_Music/1.4.5 (Macintosh; …) build/36 (dt:1)`), and so may the password, so every colon may be the one. A
/// name that does mean something holds none: the first colon is the one.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(Vec<u8>);

impl Credential {
    /// A credential from the bytes that were base64.
    #[must_use]
    pub fn new(decoded: Vec<u8>) -> Self {
        Self(decoded)
    }

    /// Whether it holds this password. Takes the same time wherever the two differ.
    #[must_use]
    pub fn has_password(&self, password: &str) -> bool {
        let colons = self.0.iter().enumerate().filter(|(_, byte)| **byte == b':');
        let found = colons.fold(Choice::from(0), |found, (colon, _)| {
            found | self.0[colon + 1..].ct_eq(password.as_bytes())
        });
        found.into()
    }

    /// Whether it holds this name and this password. Takes the same time wherever they differ.
    #[must_use]
    pub fn has_name_and_password(&self, name: &str, password: &str) -> bool {
        self.0.ct_eq(format!("{name}:{password}").as_bytes()).into() && !name.contains(':')
    }

    /// The name, up to the first colon; `None` if it is no text.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        Some(std::str::from_utf8(&self.0).ok()?.split_once(':')?.0)
    }

    /// The password, from the first colon on; `None` if it is no text.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        Some(std::str::from_utf8(&self.0).ok()?.split_once(':')?.1)
    }
}

/// Shows nothing of it.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(decoded: &str, password: &str, expected: bool) {
        assert_eq!(Credential::new(decoded.into()).has_password(password), expected);
    }

    #[test]
    fn any_user_name_goes_with_the_password() {
        check("none:secret", "secret", true);
        check(":secret", "secret", true);
        check("iTunes_Music/1.4.5 (Macintosh) build/36 (dt:1):secret", "secret", true);
        check("none:sécret", "sécret", true);
    }

    #[test]
    fn a_password_may_hold_colons() {
        check("none:a:b", "a:b", true);
        check("none:a:b", "b", true);
        check("none:a:b", "a", false);
        check("none::", ":", true);
    }

    #[test]
    fn anything_else_is_wrong() {
        check("none:Secret", "secret", false);
        check("secret", "secret", false);
        check("none:secret ", "secret", false);
        check("", "", false);
    }

    #[test]
    fn a_name_may_count_and_ends_at_the_first_colon() {
        let credential = Credential::new(b"ada:a:b".to_vec());
        assert_eq!((credential.name(), credential.password()), (Some("ada"), Some("a:b")));
        assert!(credential.has_name_and_password("ada", "a:b"));
        for (name, password) in [("ada", "a"), ("ada", "b"), ("ada:a", "b"), ("", "a:b")] {
            assert!(!credential.has_name_and_password(name, password), "{name} {password}");
        }
        assert_eq!(Credential::new(b"ada".to_vec()).name(), None);
        assert_eq!(Credential::new(vec![0xFF, b':']).password(), None);
    }

    #[test]
    fn debug_output_tells_nothing() {
        assert_eq!(format!("{:?}", Credential::new(b"a:b".to_vec())), "Credential(..)");
    }
}
