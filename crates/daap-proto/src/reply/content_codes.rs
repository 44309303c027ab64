//! `/content-codes`: the tags we may send, for readers that have no table of their own.

use daap_model::Snapshot;
use dmap::code::*;
use dmap::{Code, Encoder, Kind};

use super::{OK, Reply};
use crate::custom::wire_kind;
use crate::fields::Field;
use crate::request::RequestError;

/// The tags around the fields.
const STRUCTURE: &[Code] = &[
    ABAL, ABAR, ABCP, ABGN, ABRO, ADBS, AEMQ, AESL, AESR, AESV, AETR, AGAL, APLY, APRO, APSO, ASGR,
    ATED, AVDB, MCCR, MCNA, MCNM, MCTC, MCTY, MDBK, MDCL, MEDC, MLCL, MLID, MLIT, MLOG, MPRO, MRCO,
    MSAL, MSAU, MSBR, MSDC, MSED, MSEX, MSHC, MSHI, MSHL, MSHN, MSIX, MSLR, MSPI, MSQY, MSRV, MSTM,
    MSTS, MSTT, MSUP, MTCO, MUDL, MUPD, MUSR, MUTY,
];

/// Whether we fill this code ourselves.
pub(crate) fn is_ours(code: Code) -> bool {
    ours().any(|ours| ours == code)
}

fn ours() -> impl Iterator<Item = Code> {
    STRUCTURE.iter().copied().chain(Field::ALL.iter().map(|field| field.code()))
}

/// The reply to `/content-codes`: each tag with its long name and type, and the fields that the library defines.
///
/// Our own types are the odd, unsigned ones: Banshee throws on most signed types, and reads the one-byte sort as
/// four bytes.
///
/// # Errors
/// The reply would be too long.
pub fn content_codes(snapshot: &Snapshot) -> Result<Reply, RequestError> {
    let reply = Reply::element(MCCR, |out| {
        out.u32(MSTT, OK);
        for definition in ours().filter_map(Code::definition) {
            write(definition.code, definition.name, definition.kind, out);
        }
        for field in snapshot.custom_fields().iter() {
            write(Code(field.code), &field.name, wire_kind(field.kind), out);
        }
    })?;
    Ok(reply)
}

fn write(code: Code, name: &str, kind: Kind, out: &mut Encoder) {
    let Some(number) = kind.number() else { return };
    out.container(MDCL, |out| {
        out.u32(MCNM, code.number());
        out.string(MCNA, name);
        out.u16(MCTY, number);
    });
}
