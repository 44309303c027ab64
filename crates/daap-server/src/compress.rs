//! Compression: who takes it, and the one kind there is.

use std::io::{self, Write};

use bytes::Bytes;
use daap_proto::Reply;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Listings compress to about a fifth whatever the level; the fastest gives the earliest first byte. 37 MB take zlib-rs
/// 0.11 s at this level and 1.0 s at its default, libdeflate 0.2 s at its fastest (for a seventh less bytes). Blocks on two
/// threads at once win little over one, and would leave no core to the others.
const LEVEL: Compression = Compression::fast();

/// Compresses a reply, in the gzip format.
pub(crate) fn gzip(reply: Reply) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
    for piece in reply {
        encoder.write_all(&piece)?;
    }
    let mut bytes = encoder.finish()?;
    bytes.shrink_to_fit();
    Ok(bytes.into())
}

/// Whether an `Accept-Encoding` header takes gzip.
pub(crate) fn takes_gzip(accept: Option<&[u8]>) -> bool {
    let Some(accept) = accept.and_then(|accept| std::str::from_utf8(accept).ok()) else {
        return false;
    };
    let quality = |wanted: &str| {
        accept.split(',').find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let named = name.trim().eq_ignore_ascii_case(wanted);
            named.then(|| !is_zero(parameters.trim()))
        })
    };
    quality("gzip").or_else(|| quality("x-gzip")).or_else(|| quality("*")).unwrap_or(false)
}

/// Whether the parameter is a quality of nothing, which means "not this one".
fn is_zero(parameter: &str) -> bool {
    let quality = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
    quality.and_then(|q| q.trim().parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: bool) {
        assert_eq!(takes_gzip(Some(accept.as_bytes())), expected, "{accept:?}");
    }

    #[test]
    fn gzip_is_used_where_it_is_taken() {
        for accept in ["gzip", "gzip, deflate", "deflate,GZIP;q=0.5", "*", "x-gzip", "br, *;q=0.1"]
        {
            check(accept, true);
        }
        for accept in ["", "identity", "deflate", "gzip;q=0", "gzip; q=0.0, deflate", "gzip;q=0, *"]
        {
            check(accept, false);
        }
        assert!(!takes_gzip(None));
    }
}
