//! `/content-codes`: the tags we may send, for readers that have no table of their own.

use dmap::Code;
use dmap::code::*;

use super::{OK, Reply};
use crate::fields::Field;

/// The tags around the fields.
const STRUCTURE: &[Code] = &[
    ABAL, ABAR, ABCP, ABGN, ABRO, ADBS, AEMQ, AESL, AESR, AESV, AETR, AGAL, APLY, APRO, APSO, ASGR,
    ATED, AVDB, MCCR, MCNA, MCNM, MCTC, MCTY, MDBK, MDCL, MEDC, MLCL, MLID, MLIT, MLOG, MPRO, MRCO,
    MSAL, MSAU, MSBR, MSDC, MSED, MSEX, MSHC, MSHI, MSHL, MSHN, MSIX, MSLR, MSPI, MSQY, MSRV, MSTM,
    MSTS, MSTT, MSUP, MTCO, MUDL, MUPD, MUSR, MUTY,
];

/// The reply to `/content-codes`: each tag with its long name and type.
///
/// Types are the odd, unsigned ones: Banshee throws on most signed types, and reads the one-byte sort as four bytes.
#[must_use]
pub fn content_codes() -> Reply {
    let fields = Field::ALL.iter().map(|field| field.code());
    let reply = Reply::element(MCCR, |out| {
        out.u32(MSTT, OK);
        for code in STRUCTURE.iter().copied().chain(fields) {
            let Some(definition) = code.definition() else { continue };
            let Some(number) = definition.kind.number() else { continue };
            out.container(MDCL, |out| {
                out.u32(MCNM, code.number());
                out.string(MCNA, definition.name);
                out.u16(MCTY, number);
            });
        }
    });
    reply.expect("a table of a hundred rows fits")
}
