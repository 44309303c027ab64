//! As whom the program runs.

use std::fmt;

/// As whom the program runs, for messages about rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, where the system tells.
    pub name: Option<String>,
    /// The number, on systems that have numbers.
    pub uid: Option<u32>,
}

impl User {
    /// The user of this process.
    #[must_use]
    pub fn current() -> Self {
        let uid = own_uid();
        let name = uid.and_then(|uid| {
            let table = std::fs::read_to_string("/etc/passwd").ok()?;
            name_of(uid, &table)
        });
        let name =
            name.or_else(|| std::env::var("USER").or_else(|_| std::env::var("USERNAME")).ok());
        Self { name, uid }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.uid) {
            (Some(name), Some(uid)) => write!(f, "user {name} (uid {uid})"),
            (Some(name), None) => write!(f, "user {name}"),
            (None, Some(uid)) => write!(f, "uid {uid}"),
            (None, None) => f.write_str("this user"),
        }
    }
}

/// A process owns its own entry in `/proc`, where there is one.
#[cfg(unix)]
fn own_uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

#[cfg(not(unix))]
fn own_uid() -> Option<u32> {
    None
}

fn name_of(uid: u32, passwd: &str) -> Option<String> {
    let mut lines = passwd.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_as_the_system_names_it() {
        let table =
            "root:x:0:0:root:/root:/bin/sh\n\nbroken\nmusic:x:998:998::/var/lib:/bin/false\n";
        assert_eq!(name_of(998, table), Some("music".into()));
        assert_eq!(name_of(5, table), None);
        let user = User { name: name_of(0, table), uid: Some(0) };
        assert_eq!(user.to_string(), "user root (uid 0)");
    }
}
