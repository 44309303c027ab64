//! `/server-info`, read.

use dmap::Version;
use dmap::code::*;

use super::value::{FromTag, flag};
use super::{ReadError, root};
use crate::reply::Password;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// Name of the share; may be empty.
    pub name: String,
    /// The version of DMAP it speaks.
    pub dmap: Option<Version>,
    /// The version of DAAP it speaks.
    pub daap: Option<Version>,
    /// Whether it wants a password.
    pub password: Password,
    /// Whether it wants its clients to log in.
    pub login_required: bool,
    /// How many databases it has.
    pub databases: Option<u32>,
    /// After how many seconds of silence it may forget a session.
    pub timeout_s: Option<u32>,
    /// Whether a client can wait for news.
    pub supports_update: bool,
    /// Whether there are ids for ever.
    pub supports_persistent_ids: bool,
    /// Whether lists of names can be had.
    pub supports_browse: bool,
    /// Whether it knows queries.
    pub supports_query: bool,
    /// Whether parts of lists can be had.
    pub supports_index: bool,
    /// Whether lists of albums and artists can be had.
    pub supports_groups: bool,
    /// Whether playlists can be changed.
    pub supports_edit: bool,
}

impl ServerInfo {
    /// Reads the reply to `/server-info`.
    ///
    /// # Errors
    /// The reply is no such reply, or says no.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut info = Self {
            name: String::new(),
            dmap: None,
            daap: None,
            password: Password::None,
            login_required: false,
            databases: None,
            timeout_s: None,
            supports_update: false,
            supports_persistent_ids: false,
            supports_browse: false,
            supports_query: false,
            supports_index: false,
            supports_groups: false,
            supports_edit: false,
        };
        for child in root(bytes, MSRV, "a server")?.children()? {
            info.set(&child?);
        }
        Ok(info)
    }
}

impl FromTag for ServerInfo {
    fn set(&mut self, tag: &dmap::Tag<'_>) {
        match tag.code {
            MINM => self.name.set(tag),
            MPRO => self.dmap = tag.version().ok(),
            APRO => self.daap = tag.version().ok(),
            MSAU => self.password.set(tag),
            MSLR => self.login_required = flag(tag),
            MSDC => self.databases.set(tag),
            MSTM => self.timeout_s.set(tag),
            MSUP => self.supports_update = flag(tag),
            MSPI => self.supports_persistent_ids = flag(tag),
            MSBR => self.supports_browse = flag(tag),
            MSQY => self.supports_query = flag(tag),
            MSIX => self.supports_index = flag(tag),
            ASGR => self.supports_groups = flag(tag),
            MSED => self.supports_edit = flag(tag),
            _ => {}
        }
    }
}

impl FromTag for Password {
    fn set(&mut self, tag: &dmap::Tag<'_>) {
        *self = match super::value::number(tag) {
            0 => Self::None,
            method if method == Self::WantedWithName.method().into() => Self::WantedWithName,
            _ => Self::Wanted,
        };
    }
}
