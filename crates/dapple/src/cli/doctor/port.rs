//! Whether the server can have its port, and who has it if not.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::finding::Finding;

const CHECK: &str = "port";

/// What came of asking for an address.
pub(super) struct Facts {
    pub(super) address: SocketAddr,
    pub(super) taken: Result<(), io::ErrorKind>,
    /// Who listens on the port, if the system tells.
    pub(super) holder: Option<Holder>,
    /// Whether it is our own server that answers there.
    pub(super) ours: bool,
}

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// Where Linux lists its sockets.
    fn tables(self) -> [&'static str; 2] {
        match self {
            Self::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
            Self::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        }
    }

    /// What it calls those there that wait for whoever comes.
    fn listening(self) -> &'static str {
        match self {
            Self::Tcp => "0A",
            Self::Udp => "07",
        }
    }
}

/// Who listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Process {
        id: u32,
        name: String,
    },
    /// A process of another user, which only the administrator may look into.
    User(u32),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { id, name } => write!(f, "{name} (process {id})"),
            Self::User(id) => write!(f, "a program of the user with the number {id}"),
        }
    }
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let address = facts.address;
    let port = address.port();
    match facts.taken {
        Ok(()) => Finding::fine(CHECK, format!("port {port} is free")),
        Err(_) if facts.ours => Finding::fine(CHECK, format!("port {port} is the server's")),
        Err(io::ErrorKind::AddrInUse) => {
            let holder = facts.holder.as_ref().map_or("another program".into(), Holder::to_string);
            Finding::error(CHECK, format!("port {port} is taken by {holder}"))
                .cure(format!("dapple serve --listen [::]:{}", port.wrapping_add(1).max(1024)))
        }
        Err(io::ErrorKind::AddrNotAvailable) => {
            let says = format!("this machine does not have the address {}", address.ip());
            Finding::error(CHECK, says).cure(format!("dapple serve --listen [::]:{port}"))
        }
        Err(io::ErrorKind::PermissionDenied) => {
            let says = format!("port {port} is for the administrator, as are all below 1024");
            Finding::error(CHECK, says).cure("dapple serve --listen [::]:3689")
        }
        Err(kind) => Finding::unknown(CHECK, format!("cannot listen on {address}: {kind}")),
    }
}

/// Asks for the address as the server would, and gives it back at once.
pub(super) fn look(address: SocketAddr, ours: bool) -> Facts {
    let taken = TcpListener::bind(address).map(drop).map_err(|error| error.kind());
    let holder = if taken.is_err() { holder(Protocol::Tcp, address.port()) } else { None };
    Facts { address, taken, holder, ours }
}

/// Who listens on a port, as Linux tells in `/proc`.
pub(super) fn holder(protocol: Protocol, port: u16) -> Option<Holder> {
    let tables = protocol.tables().into_iter();
    let socket = tables
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| listening(&table, protocol, port))?;
    Some(owner(socket.inode).unwrap_or(Holder::User(socket.user)))
}

/// A row of `/proc/net/tcp`.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    user: u32,
    inode: u64,
}

/// The socket that listens on a port, in the text of `/proc/net/tcp` or one like it.
fn listening(table: &str, protocol: Protocol, port: u16) -> Option<Socket> {
    table.lines().skip(1).find_map(|row| {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let (local, state) = (cells.get(1)?, cells.get(3)?);
        let (_, digits) = local.rsplit_once(':')?;
        let is_it = *state == protocol.listening() && u16::from_str_radix(digits, 16).ok()? == port;
        let socket =
            Socket { user: cells.get(7)?.parse().ok()?, inode: cells.get(9)?.parse().ok()? };
        is_it.then_some(socket)
    })
}

/// The process that has a socket open, if we may look into it.
fn owner(inode: u64) -> Option<Holder> {
    let target = format!("socket:[{inode}]");
    let has_it = |process: &Path| {
        let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        files.into_iter().any(|file| fs::read_link(file.path()).is_ok_and(|to| to == *target))
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.into_iter().find_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let path = entry.path();
        has_it(&path).then(|| {
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            Holder::Process { id, name: name.trim().to_owned() }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[track_caller]
    fn check(
        taken: Result<(), io::ErrorKind>,
        holder: Option<Holder>,
        ours: bool,
        verdict: Verdict,
        says: &str,
    ) {
        let address = "[::]:3689".parse().unwrap();
        let finding = judge(&Facts { address, taken, holder, ours });
        assert_eq!((finding.verdict, finding.says.as_str()), (verdict, says));
    }

    #[test]
    fn a_port_is_free_or_ours_or_in_somebodys_hands() {
        let in_use = Err(io::ErrorKind::AddrInUse);
        check(Ok(()), None, false, Verdict::Fine, "port 3689 is free");
        check(in_use, None, true, Verdict::Fine, "port 3689 is the server's");
        let owntone = Holder::Process { id: 12, name: "owntone".into() };
        let says = "port 3689 is taken by owntone (process 12)";
        check(in_use, Some(owntone), false, Verdict::Error, says);
        let says = "port 3689 is taken by a program of the user with the number 110";
        check(in_use, Some(Holder::User(110)), false, Verdict::Error, says);
        check(in_use, None, false, Verdict::Error, "port 3689 is taken by another program");
        let says = "this machine does not have the address ::";
        check(Err(io::ErrorKind::AddrNotAvailable), None, false, Verdict::Error, says);
    }

    #[test]
    fn the_listener_is_found_among_sockets_in_other_states() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:0E69 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 11 1\n   \
             1: 00000000:0E69 00000000:0000 0A 00000000:00000000 00:00000000 00000000   110        0 4242 1\n   \
             2: broken\n";
        assert_eq!(listening(table, Protocol::Tcp, 3689), Some(Socket { user: 110, inode: 4242 }));
        assert_eq!(listening(table, Protocol::Tcp, 80), None);
        assert_eq!(listening(table, Protocol::Udp, 3689), None);
        assert_eq!(listening("", Protocol::Tcp, 3689), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_holder_of_a_taken_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let facts = look(listener.local_addr().unwrap(), false);
        assert_eq!(facts.taken, Err(io::ErrorKind::AddrInUse));
        let Some(Holder::Process { id, .. }) = facts.holder else { panic!("nobody") };
        assert_eq!(id, std::process::id());
    }
}
