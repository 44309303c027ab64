//! What the server tells of itself: `/api/v1/status` for programs, `/metrics` for Prometheus.

use daap_model::Snapshot;
use dacp_proto::PlayerState;
use library::{ScanPhase, ScanState};
use serde::Serialize;

use crate::metrics::Exposition;
use crate::peer::{Origin, Peer};
use crate::remote::Jukebox;
use crate::service::Core;

/// The reply of `GET /api/v1/status`. Fields may be added; these stay.
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    name: &'a str,
    version: &'a str,
    revision: u32,
    databases: Vec<DatabaseStatus<'a>>,
    scan: ScanStatus,
    player: PlayerStatus,
    sessions: usize,
    uptime_s: u64,
}

#[derive(Debug, Serialize)]
struct DatabaseStatus<'a> {
    id: u32,
    name: &'a str,
    items: usize,
    containers: usize,
}

#[derive(Debug, Serialize)]
struct ScanStatus {
    state: &'static str,
    done: u64,
    total: u64,
    errors: u64,
    /// Only for peers on this machine: they name folders and other servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

/// The player's state; `none` where the server has no player.
#[derive(Debug, Serialize)]
struct PlayerStatus {
    state: &'static str,
}

impl<'a> Status<'a> {
    /// What a peer is told.
    pub(crate) fn of(core: &Core, snapshot: &'a Snapshot, peer: Peer) -> Self {
        let databases = snapshot.databases().map(|database| DatabaseStatus {
            id: database.id.get(),
            name: &database.name,
            items: database.items().len(),
            containers: database.containers().len(),
        });
        Self {
            name: snapshot.name(),
            version: env!("CARGO_PKG_VERSION"),
            revision: snapshot.revision().get(),
            databases: databases.collect(),
            scan: ScanStatus::of(core.share.scan(), peer),
            player: PlayerStatus { state: core.jukebox.as_deref().map_or("none", player_state) },
            sessions: core.permit.sessions.count(),
            uptime_s: core.uptime.now().as_secs(),
        }
    }
}

impl ScanStatus {
    fn of(scan: ScanState, peer: Peer) -> Self {
        let ScanState { phase: is, done, total, errors, mut problems } = scan;
        if peer.origin != Origin::Machine {
            problems.clear();
        }
        Self { state: phase(is), done, total, errors, problems }
    }
}

fn player_state(jukebox: &Jukebox) -> &'static str {
    match jukebox.now().state {
        PlayerState::Idle | PlayerState::Stopped => "stopped",
        PlayerState::Paused => "paused",
        PlayerState::Loading
        | PlayerState::Playing
        | PlayerState::FastForward
        | PlayerState::Rewind => "playing",
    }
}

fn phase(phase: ScanPhase) -> &'static str {
    match phase {
        ScanPhase::Starting | ScanPhase::Scanning => "scanning",
        ScanPhase::Idle => "idle",
        ScanPhase::Failed => "failed",
    }
}

/// The reply of `GET /metrics`.
pub(crate) fn metrics(core: &Core) -> String {
    let (snapshot, scan) = (core.snapshot(), core.share.scan());
    let mut text = Exposition::default();
    text.family("dapple_build_info", "gauge", "The version, as a label.");
    text.sample("dapple_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.gauge("process_start_time_seconds", "Start, in seconds since 1970.", core.started_unix);
    text.gauge("dapple_revision", "Revision of the library.", snapshot.revision());
    text.family("dapple_songs", "gauge", "Songs, by database.");
    for database in snapshot.databases() {
        let id = database.id.to_string();
        let labels = [("database", id.as_str()), ("name", &database.name)];
        text.sample("dapple_songs", &labels, database.items().len());
    }
    text.family("dapple_scan_state", "gauge", "1 at the state that the scan is in.");
    for state in ["idle", "scanning", "failed"] {
        let is = u8::from(state == phase(scan.phase));
        text.sample("dapple_scan_state", &[("state", state)], is);
    }
    text.gauge("dapple_scan_done", "Songs looked at in this pass.", scan.done);
    text.gauge("dapple_scan_total", "Songs found in this pass.", scan.total);
    text.gauge("dapple_scan_errors", "Songs that could not be read in this pass.", scan.errors);
    text.gauge("dapple_sessions", "Live sessions.", core.permit.sessions.count());
    text.gauge("dapple_held_polls", "Held update requests.", core.polls.held_now());
    text.gauge("dapple_connections", "Open connections.", core.connections.held_now());
    if let Some(transcoding) = &core.transcoding {
        let (open, made) = transcoding.now();
        text.gauge("dapple_transcodes", "Songs that are open to be sent as WAV files.", open);
        text.gauge("dapple_transcodes_made", "Pieces of them that are being made.", made);
    }
    core.metrics.write(&mut text);
    text.finish()
}
