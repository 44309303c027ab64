//! Kinds of services.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A kind of service that can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A music share: `_daap._tcp`.
    Daap,
    /// A server that a Remote can control: `_touch-able._tcp`.
    TouchAble,
    /// A Remote that shows a code and waits for a server to ask it: `_touch-remote._tcp`.
    TouchRemote,
    /// Home Sharing of iTunes and Music, for machines of one Apple account: `_home-sharing._tcp`.
    HomeSharing,
    /// Who sends to AirPlay speakers and takes commands from their buttons: `_dacp._tcp`.
    Dacp,
    /// A speaker of AirPlay 1: `_raop._tcp`.
    Raop,
    /// A device of AirPlay, pictures and AirPlay 2 included: `_airplay._tcp`.
    AirPlay,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Daap,
        Self::TouchAble,
        Self::TouchRemote,
        Self::HomeSharing,
        Self::Dacp,
        Self::Raop,
        Self::AirPlay,
    ];

    /// Type and domain with the final dot, such as `_daap._tcp.local.`.
    pub(crate) const fn domain(self) -> &'static str {
        match self {
            Self::Daap => "_daap._tcp.local.",
            Self::TouchAble => "_touch-able._tcp.local.",
            Self::TouchRemote => "_touch-remote._tcp.local.",
            Self::HomeSharing => "_home-sharing._tcp.local.",
            Self::Dacp => "_dacp._tcp.local.",
            Self::Raop => "_raop._tcp.local.",
            Self::AirPlay => "_airplay._tcp.local.",
        }
    }

    /// The instance name within a full name of this kind, as in `Jo's music._daap._tcp.local.`.
    pub(crate) fn instance_of(self, full_name: &str) -> Option<&str> {
        let split = full_name.len().checked_sub(self.domain().len())?;
        let (instance, kind) = full_name.split_at_checked(split)?;
        kind.eq_ignore_ascii_case(self.domain()).then(|| instance.strip_suffix('.')).flatten()
    }
}

/// As it is displayed.
impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Self::ALL.into_iter().find(|kind| kind.to_string() == name);
        known.ok_or_else(|| D::Error::custom(format!("{name:?} is no known kind of service")))
    }
}

/// Without the domain: `_daap._tcp`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.domain().trim_end_matches(".local."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_what_stands_before_the_kind() {
        let instance = |full| Kind::Daap.instance_of(full);
        assert_eq!(instance("Vol. 1._daap._tcp.local."), Some("Vol. 1"));
        assert_eq!(instance("x._DAAP._tcp.local."), Some("x"));
        assert_eq!(instance("x._http._tcp.local."), None);
        assert_eq!(instance("_daap._tcp.local."), None);
        assert_eq!(instance("ünicode"), None);
        assert_eq!(Kind::Daap.to_string(), "_daap._tcp");
        assert_eq!(Kind::TouchRemote.to_string(), "_touch-remote._tcp");
    }

    #[test]
    fn a_kind_is_read_back_from_what_is_written() {
        for kind in Kind::ALL {
            let written = serde_json::to_string(&kind).unwrap();
            assert_eq!(written, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<Kind>(&written).unwrap(), kind);
        }
        assert!(serde_json::from_str::<Kind>("\"_http._tcp\"").is_err());
    }
}
