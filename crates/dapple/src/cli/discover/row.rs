//! How a service is told: as a line of cells between tabs, or as JSON.

use std::net::SocketAddr;

use discovery::{About, Kind, Service, SpeakerTxt};
use serde::Serialize;

use super::Interest;
use super::probe::Probe;
use crate::terminal::printable;

/// What the cells of a line are. Scripts rely on the first six.
const ALWAYS: [&str; 6] = ["NAME", "ADDRESS", "PORT", "PASSWORD", "VERSION", "MACHINE"];
const OF_KINDS: [&str; 2] = ["KIND", "DETAILS"];
const OF_PROBES: [&str; 3] = ["SOFTWARE", "SONGS", "ANSWER"];

/// Which cells a line has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// Those that tell one kind from another.
    pub(super) kinds: bool,
    /// What shares said when they were asked.
    pub(super) probes: bool,
}

/// The line above all others.
pub(super) fn head(columns: Columns) -> String {
    let mut names = ALWAYS.to_vec();
    if columns.kinds {
        names.extend(OF_KINDS);
    }
    if columns.probes {
        names.extend(OF_PROBES);
    }
    names.join("\t")
}

/// A service as a line, without its end. What it said when it was asked counts more than what is announced.
pub(super) fn line(service: &Service, probe: Option<&Probe>, columns: Columns) -> String {
    let unknown = || "?".to_owned();
    let password = probe.and_then(|probe| probe.password).or(service.about.password());
    let version = probe.and_then(|probe| probe.version.clone()).or(service.about.version());
    let mut cells = vec![
        service.name.clone(),
        service.addresses.first().map_or_else(unknown, ip),
        service.port.to_string(),
        password.map_or_else(unknown, |wanted| if wanted { "yes" } else { "no" }.to_owned()),
        version.unwrap_or_else(unknown),
        machine(&service.host).to_owned(),
    ];
    if columns.kinds {
        cells.extend([Interest::of(service.kind).word().to_owned(), details(service)]);
    }
    if columns.probes {
        cells.extend(probe.map(answers).unwrap_or_default());
    }
    cells.iter().map(|cell| printable(cell)).collect::<Vec<_>>().join("\t")
}

/// What a share said when it was asked: software, songs, and how long it took or what went wrong.
fn answers(probe: &Probe) -> [String; OF_PROBES.len()] {
    let unknown = || "?".to_owned();
    let took = || probe.round_trip_ms.map_or_else(unknown, |took| format!("{took} ms"));
    [
        probe.software.clone().unwrap_or_else(unknown),
        probe.songs.map_or_else(unknown, |songs| songs.to_string()),
        probe.error.clone().unwrap_or_else(took),
    ]
}

/// What else is worth knowing of it.
fn details(service: &Service) -> String {
    let told = match &service.about {
        About::Server(txt) => vec![txt.device_type.clone()],
        About::HomeSharing(_) => vec![Some("Home Sharing".into())],
        About::Remote(txt) => {
            vec![txt.device_type.clone(), txt.pair.as_ref().map(|pair| format!("pair {pair}"))]
        }
        About::Sender(_) => vec![Some("sends to speakers".into())],
        About::Speaker(txt) => {
            vec![txt.model.clone(), airplay(service.kind, txt), asks_for_code(txt)]
        }
        _ => Vec::new(),
    };
    told.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Which AirPlay a speaker can do; a newer one announces itself twice.
fn airplay(kind: Kind, txt: &SpeakerTxt) -> Option<String> {
    let told = if kind == Kind::Raop { "AirPlay 1" } else { "AirPlay" };
    let rate = txt.sample_rate.map(|rate| format!("{told} at {rate} Hz"));
    Some(rate.unwrap_or_else(|| told.into()))
}

fn asks_for_code(txt: &SpeakerTxt) -> Option<String> {
    txt.code.filter(|asks| *asks).map(|_| "asks for a code".into())
}

/// The address without its port, and with its scope if it has one.
pub(super) fn ip(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

/// A host's name as people know it.
pub(super) fn machine(host: &str) -> &str {
    host.strip_suffix(".local").unwrap_or(host)
}

/// A service as `--json` has it.
#[derive(Serialize)]
pub(super) struct Found<'a> {
    kind: &'static str,
    service: Kind,
    name: &'a str,
    instance: &'a str,
    address: Option<String>,
    addresses: Vec<String>,
    port: u16,
    password: Option<bool>,
    version: Option<String>,
    machine: &'a str,
    host: &'a str,
    machine_id: Option<&'a str>,
    database_id: Option<&'a str>,
    interfaces: &'a [String],
    about: &'a About,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<&'a Probe>,
}

impl<'a> Found<'a> {
    pub(super) fn new(service: &'a Service, probe: Option<&'a Probe>) -> Self {
        let (machine_id, database_id) = match &service.about {
            About::Share(txt) | About::HomeSharing(txt) => (&txt.machine_id, &txt.database_id),
            About::Server(txt) => (&None, &txt.database_id),
            About::Sender(txt) => (&None, &txt.database_id),
            _ => (&None, &None),
        };
        Self {
            kind: Interest::of(service.kind).word(),
            service: service.kind,
            name: &service.name,
            instance: &service.instance,
            address: service.addresses.first().map(ip),
            addresses: service.addresses.iter().map(ip).collect(),
            port: service.port,
            password: service.about.password(),
            version: service.about.version(),
            machine: machine(&service.host),
            host: &service.host,
            machine_id: machine_id.as_deref(),
            database_id: database_id.as_deref(),
            interfaces: &service.interfaces,
            about: &service.about,
            probe,
        }
    }
}

#[cfg(test)]
mod tests {
    use discovery::{RemoteTxt, ServerTxt, ShareTxt, Version};

    use super::*;
    use crate::fixture;

    fn service(kind: Kind, name: &str, addresses: &[&str], about: About) -> Service {
        Service {
            host: "nas-3689.local".into(),
            port: 3689,
            interfaces: vec!["eth0".into()],
            ..fixture::service(kind, name, addresses, about)
        }
    }

    fn share(name: &str, addresses: &[&str], txt: ShareTxt) -> Service {
        service(Kind::Daap, name, addresses, About::Share(txt))
    }

    fn known() -> ShareTxt {
        ShareTxt { password: Some(true), version: Some(Version::DAAP), ..ShareTxt::default() }
    }

    #[test]
    fn a_share_is_a_line_of_six_cells() {
        let full = share("Jo's music", &["192.0.2.7:3689", "[2001:db8::7]:3689"], known());
        let line = |share| line(share, None, Columns::default());
        assert_eq!(line(&full), "Jo's music\t192.0.2.7\t3689\tyes\t3.0.12\tnas-3689");
        let empty = share("x", &[], ShareTxt::default());
        assert_eq!(line(&empty), "x\t?\t3689\t?\t?\tnas-3689");
        assert_eq!(head(Columns::default()).split('\t').count(), line(&full).split('\t').count());
    }

    #[track_caller]
    fn check(kind: Kind, about: About, end: &str) {
        let columns = Columns { kinds: true, probes: false };
        let line = line(&service(kind, "x", &["192.0.2.7:3689"], about), None, columns);
        assert_eq!(line.strip_prefix("x\t192.0.2.7\t3689\t"), Some(end));
        assert_eq!(line.split('\t').count(), head(columns).split('\t').count());
    }

    #[test]
    fn among_all_kinds_a_line_ends_with_kind_and_details() {
        check(Kind::Daap, About::Share(known()), "yes\t3.0.12\tnas-3689\tshare\t");
        let server = ServerTxt { device_type: Some("iTunes".into()), ..ServerTxt::default() };
        check(Kind::TouchAble, About::Server(server), "?\t?\tnas-3689\tserver\tiTunes");
        let home = About::HomeSharing(ShareTxt::default());
        check(Kind::HomeSharing, home, "?\t?\tnas-3689\tserver\tHome Sharing");
        let remote = RemoteTxt {
            device_type: Some("iPod".into()),
            pair: Some("FAEA410630AEC05E".into()),
            version: Some(10_000),
            ..RemoteTxt::default()
        };
        let told = "?\t10000\tnas-3689\tremote\tiPod, pair FAEA410630AEC05E";
        check(Kind::TouchRemote, About::Remote(remote), told);
        let speaker = SpeakerTxt {
            model: Some("AppleTV3,2".into()),
            version: Some("105.1".into()),
            password: Some(false),
            code: Some(true),
            sample_rate: Some(44_100),
            ..SpeakerTxt::default()
        };
        let told =
            "no\t105.1\tnas-3689\tspeaker\tAppleTV3,2, AirPlay 1 at 44100 Hz, asks for a code";
        check(Kind::Raop, About::Speaker(speaker), told);
        let speaker = About::Speaker(SpeakerTxt::default());
        check(Kind::AirPlay, speaker, "?\t?\tnas-3689\tspeaker\tAirPlay");
    }

    #[test]
    fn what_a_share_answers_counts_more_than_what_it_announces() {
        let columns = Columns { kinds: false, probes: true };
        let share = share("x", &["192.0.2.7:3689"], known());
        let told =
            |probe: &Probe| line(&share, Some(probe), columns).replace("x\t192.0.2.7\t3689\t", "");
        let open = Probe {
            software: Some("dapple/0.1.0".into()),
            version: Some("3.0.13".into()),
            password: Some(false),
            songs: Some(12),
            round_trip_ms: Some(3),
            ..Probe::default()
        };
        assert_eq!(told(&open), "no\t3.0.13\tnas-3689\tdapple/0.1.0\t12\t3 ms");
        let gone = Probe { error: Some("refused".into()), ..Probe::default() };
        assert_eq!(told(&gone), "yes\t3.0.12\tnas-3689\t?\t?\trefused");
        assert_eq!(head(columns).split('\t').count(), 9);
        let speaker = service(Kind::Raop, "x", &[], About::Speaker(SpeakerTxt::default()));
        assert_eq!(line(&speaker, None, columns).split('\t').count(), 9);
    }

    #[test]
    fn a_hostile_name_stays_in_its_cell() {
        let hostile = share("a\tb\nc\u{1b}[2Jd", &["[fe80::7%3]:3689"], known());
        let line = line(&hostile, None, Columns::default());
        assert_eq!(line, "a b c [2Jd\tfe80::7%3\t3689\tyes\t3.0.12\tnas-3689");
    }

    #[test]
    fn json_says_what_is_unknown_and_all_that_is_known() {
        let known = share("Jo", &["192.0.2.7:3689"], known());
        let json = serde_json::to_value(Found::new(&known, None)).unwrap();
        assert_eq!(json["kind"], "share");
        assert_eq!(json["service"], "_daap._tcp");
        assert_eq!(json["address"], "192.0.2.7");
        assert_eq!(json["password"], true);
        assert_eq!(json["version"], "3.0.12");
        assert_eq!(json["machine"], "nas-3689");
        assert_eq!(json["machine_id"], serde_json::Value::Null);
        assert_eq!(json["about"]["version"], "3.0.12");
    }
}
