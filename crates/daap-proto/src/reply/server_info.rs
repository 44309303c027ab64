//! `/server-info`: who we are and what we can do.

use dmap::TooLong;
use dmap::code::*;

use super::{OK, Reply};
use crate::quirks::{ClientClass, Quirk};

/// After how many seconds of silence we may forget a session. Every server says so; clients pay it little heed.
const TIMEOUT_S: u32 = 1800;

/// The version of music sharing: 3.0.12. iTunes shows the shares per kind of media only if it is there.
const SHARING_VERSION: u32 = 0x0003_000C;

/// Kinds of extra data that we have. 7 is what iTunes sends; its bits are not known.
const EXTRA_DATA: u16 = 7;

/// Both sorts of groups: artists 1 and albums 2.
const GROUPS: u16 = 3;

/// What a server says of itself.
#[derive(Clone, Copy, Debug)]
pub struct ServerInfo<'a> {
    /// Name of the share.
    pub name: &'a str,
    /// Whether a password is wanted.
    pub password: Password,
    /// How many databases there are.
    pub databases: u32,
}

/// Whether a password is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// No.
    None,
    /// Yes; any user name goes with it.
    Wanted,
    /// Yes, with the name of a user.
    WantedWithName,
}

impl Password {
    /// The number that stands for it in `msau`.
    pub(crate) const fn method(self) -> u8 {
        match self {
            Self::None => 0,
            Self::WantedWithName => 1,
            Self::Wanted => 2,
        }
    }
}

/// The reply to `/server-info`.
///
/// The order of the tags is iTunes' own: in another, iTunes 10.5 stops polling. Nothing else may be in it, since
/// libdmapsharing 4 (Rhythmbox) does not connect if it meets a tag it does not know. What is false is left out, as
/// for some readers presence alone counts; the zeros that iTunes itself sends stay.
///
/// # Errors
/// [`TooLong`] if the name is.
pub fn server_info(info: &ServerInfo<'_>, client: ClientClass) -> Result<Reply, TooLong> {
    let long = !client.has(Quirk::ShortServerInfo);
    Reply::element(MSRV, |out| {
        out.u32(MSTT, OK);
        out.version(MPRO, client.dmap_version());
        out.string(MINM, info.name);
        out.version(APRO, client.daap_version());
        out.u32(AESV, SHARING_VERSION);
        if long {
            out.u16(ATED, EXTRA_DATA);
            out.u16(ASGR, if client.has(Quirk::NoGroups) { 0 } else { GROUPS });
            out.bool(AEMQ, true);
            out.bool(AETR, true);
            out.bool(AESL, true);
            out.bool(AESR, true);
            out.bool(MSED, client.edits());
        }
        out.bool(MSLR, true);
        out.u32(MSTM, TIMEOUT_S);
        out.bool(MSAL, true);
        out.u8(MSAU, info.password.method());
        out.bool(MSUP, true);
        out.bool(MSPI, true);
        out.bool(MSEX, true);
        out.bool(MSBR, true);
        out.bool(MSQY, true);
        out.bool(MSIX, true);
        out.u32(MSDC, info.databases);
    })
}
