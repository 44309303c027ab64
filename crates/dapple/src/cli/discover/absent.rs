//! How a service is told that was seen before and does not answer now.

use std::net::SocketAddr;

use discovery::Kind;
use serde::Serialize;

use super::Interest;
use super::row::{ip, machine};
use crate::seen::Sighting;
use crate::terminal::printable;
use crate::time;

/// What the cells of a line are.
pub(super) const COLUMNS: [&str; 6] = ["NAME", "ADDRESS", "PORT", "SEEN", "MACHINE", "KIND"];

/// A line, without its end.
pub(super) fn line(sighting: &Sighting, now_s: u64) -> String {
    let first = sighting.addresses.first();
    let ago = time::duration(now_s.saturating_sub(sighting.last_seen_s));
    let cells = [
        &sighting.name,
        &first.map_or_else(|| "?".into(), ip),
        &first.map_or_else(|| "?".into(), |address| address.port().to_string()),
        &format!("{ago} ago"),
        machine(&sighting.host),
        Interest::of(sighting.service).word(),
    ];
    cells.map(printable).join("\t")
}

/// A service as `--seen --json` has it.
#[derive(Serialize)]
pub(super) struct Absent<'a> {
    kind: &'static str,
    service: Kind,
    name: &'a str,
    instance: &'a str,
    address: Option<String>,
    addresses: Vec<String>,
    port: Option<u16>,
    machine: &'a str,
    host: &'a str,
    last_seen_s: u64,
}

impl<'a> Absent<'a> {
    pub(super) fn new(sighting: &'a Sighting) -> Self {
        Self {
            kind: Interest::of(sighting.service).word(),
            service: sighting.service,
            name: &sighting.name,
            instance: &sighting.instance,
            address: sighting.addresses.first().map(ip),
            addresses: sighting.addresses.iter().map(ip).collect(),
            port: sighting.addresses.first().map(SocketAddr::port),
            machine: machine(&sighting.host),
            host: &sighting.host,
            last_seen_s: sighting.last_seen_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_and_when_it_was() {
        let sighting = Sighting {
            service: Kind::Raop,
            name: "Kit\tchen".into(),
            instance: "5855CA06BD9E@Kit\tchen".into(),
            host: "ap.local".into(),
            addresses: vec!["192.0.2.7:5000".parse().unwrap()],
            last_seen_s: 1_000,
        };
        let expected = "Kit chen\t192.0.2.7\t5000\t2 h 1 min ago\tap\tspeaker";
        assert_eq!(line(&sighting, 1_000 + 7_260), expected);
        let nowhere = Sighting { addresses: Vec::new(), ..sighting };
        assert_eq!(line(&nowhere, 0), "Kit chen\t?\t?\t0 s ago\tap\tspeaker");
        assert_eq!(line(&nowhere, 0).split('\t').count(), COLUMNS.len());
    }
}
