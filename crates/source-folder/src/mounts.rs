//! What is mounted where: which file systems tell of changes, and which folders are places for one.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// File systems on which others can change files without this machine being told.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "ncpfs",
    "coda",
    "davfs",
    "vboxsf",
    "prl_fs",
    "fuse.sshfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.davfs2",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.juicefs",
    "fuse.vmhgfs-fuse",
    "fuse.gvfsd-fuse",
    "fuse.smbnetfs",
    "fuse.mergerfs",
    "virtiofs",
];

/// A line of the table of mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where.
    pub(crate) place: PathBuf,
    /// The kind of file system.
    pub(crate) kind: String,
    /// What is mounted.
    device: OsString,
}

/// What is mounted now. Empty where the system does not say.
pub(crate) fn mounted() -> Vec<Mount> {
    fs::read("/proc/self/mounts").map(|table| parse(&table)).unwrap_or_default()
}

/// What the machine is set up to mount, whether or not it is.
pub(crate) fn configured() -> Vec<Mount> {
    fs::read("/etc/fstab").map(|table| parse(&table)).unwrap_or_default()
}

/// The mount that holds this place, and those below it.
pub(crate) fn about(mounts: Vec<Mount>, place: &Path) -> Vec<Mount> {
    let holds = |mount: &Mount| place.starts_with(&mount.place);
    let nearest =
        mounts.iter().filter(|mount| holds(mount)).map(|mount| mount.place.as_os_str().len()).max();
    let mut about = mounts;
    about.retain(|mount| {
        mount.place.starts_with(place)
            || holds(mount) && Some(mount.place.as_os_str().len()) == nearest
    });
    about
}

/// The kind of the first of these that does not tell of changes.
pub(crate) fn silent(mounts: &[Mount]) -> Option<&str> {
    mounts.iter().map(|mount| mount.kind.as_str()).find(|kind| NETWORK.contains(kind))
}

fn parse(table: &[u8]) -> Vec<Mount> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut fields = line
                .split(|byte| matches!(byte, b' ' | b'\t'))
                .filter(|field| !field.is_empty())
                .map(unescape);
            let device = fields.next().filter(|device| !device.starts_with(b"#"))?;
            let place = PathBuf::from(os_string(fields.next()?));
            let kind = String::from_utf8(fields.next()?).ok()?;
            place.is_absolute().then(|| Mount { place, kind, device: os_string(device) })
        })
        .collect()
}

/// Blanks and backslashes are written as three octal digits.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        if let [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] = rest {
            out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> OsString {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(&bytes).to_owned()
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> OsString {
    OsStr::new(&*String::from_utf8_lossy(&bytes)).to_owned()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"/dev/sda1 / ext4 rw 0 0\n\
        # a comment here\n\
        nas:/music /mnt/My\\040Music nfs4 rw 0 0\n\
        short line\n\
        /dev/sdb1\t/mnt/usb vfat rw 0 0\n";

    #[test]
    fn the_mount_that_holds_a_folder_and_those_inside_are_found() {
        let places = |place: &str| -> Vec<_> {
            about(parse(TABLE), Path::new(place)).into_iter().map(|mount| mount.place).collect()
        };
        assert_eq!(places("/srv/music"), [PathBuf::from("/")]);
        assert_eq!(places("/mnt/My Music/Jazz"), [PathBuf::from("/mnt/My Music")]);
        assert_eq!(places("/mnt"), ["/", "/mnt/My Music", "/mnt/usb"].map(PathBuf::from));
    }

    #[test]
    fn network_file_systems_are_known_to_be_silent() {
        assert_eq!(silent(&about(parse(TABLE), Path::new("/mnt"))), Some("nfs4"));
        assert_eq!(silent(&about(parse(TABLE), Path::new("/mnt/usb"))), None);
    }

    #[test]
    fn escapes_are_undone_and_half_ones_left() {
        assert_eq!(unescape(b"a\\040b\\134\\04\\"), b"a b\\\\04\\");
    }
}
