//! `/ctrl-int`: what can be controlled.

use daap_proto::Reply;
use daap_proto::read::{FromTag, ReadError, root};
use dmap::code::*;
use dmap::{Encoder, Tag, Version};

/// What a server lets Remotes do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ControlInterface {
    /// What is extended (`ceSX`), a bit each: [`QUEUE`](Self::QUEUE), 2 radio, 4 shuffle by Genius.
    pub extensions: u64,
    /// Whether there is Genius, for which Remotes then show a button.
    pub has_genius: bool,
    /// Whether there is a touch pad and a keyboard, as of an Apple TV.
    pub has_touch_pad: bool,
}

/// The versions of DMCP and DACP, as owntone has them.
const DMCP_VERSION: Version = Version::new(2, 0, 2);
const DACP_VERSION: Version = Version::new(2, 0, 5);

impl ControlInterface {
    /// The queue can be seen and edited. WPRemote says `playqueue-edit` where this is set and `cue` where it is not,
    /// and writes queries accordingly.
    pub const QUEUE: u64 = 1;

    /// Those of a server of music that has no radio and no Genius.
    pub const MUSIC: Self =
        Self { extensions: Self::QUEUE, has_genius: false, has_touch_pad: false };

    /// The reply to `/ctrl-int`: this one interface.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let reply = Reply::element(CACI, |out| {
            out.u32(MSTT, 200);
            out.u8(MUTY, 0);
            out.u32(MTCO, 1);
            out.u32(MRCO, 1);
            out.container(MLCL, |out| out.container(MLIT, |out| self.write(out)));
        });
        reply.expect("a few numbers fit")
    }

    fn write(&self, out: &mut Encoder) {
        out.u32(MIID, 1);
        out.u8(CMIK, 1);
        out.version(CMPR, DMCP_VERSION);
        out.version(CAPR, DACP_VERSION);
        out.u8(CMSP, 1); // Speakers can be chosen.
        out.u8(AEFR, 0x64);
        out.u8(CMSV, 1); // There is a volume.
        out.u8(CASS, 1);
        out.u8(CAOV, 1);
        out.u8(CASU, 1); // Songs can be rated.
        out.bool(CESG, self.has_genius);
        out.u8(CMRL, 1);
        out.u64(CESX, self.extensions);
        if self.has_touch_pad {
            out.u8(CEDR, 1);
        }
    }

    /// Reads the reply to `/ctrl-int`: the first interface, or one that can do nothing if there is none.
    ///
    /// # Errors
    /// The reply is no such reply, or says no.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let mut interface = Self::default();
        let Some(list) = root(bytes, CACI, "interfaces")?.child(MLCL)? else {
            return Ok(interface);
        };
        if let Some(first) = list.child(MLIT)? {
            for tag in first.children()? {
                interface.set(&tag?);
            }
        }
        Ok(interface)
    }

    fn set(&mut self, tag: &Tag<'_>) {
        match tag.code {
            CESX => self.extensions = tag.uint().unwrap_or_default(),
            CESG => self.has_genius.set(tag),
            CEDR => self.has_touch_pad.set(tag),
            _ => {}
        }
    }
}
