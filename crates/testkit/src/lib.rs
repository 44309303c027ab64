//! For tests only: music made from nothing, and peers that say what they are told.
//!
//! Tests of dapple need songs, and no test may need a network, an encoder or somebody else's recording. So
//! [`media`] builds small audio files byte by byte, in every format that listeners have much of, and tags them.
//! Nothing here is part of a shipped program: crates name it under `dev-dependencies`, and its functions
//! panic where a test could do nothing else. [`http`] is a client that sends exactly what a test says, [`server`] a
//! server that answers so, [`daap`] a share for it that behaves, [`subsonic`] a Subsonic server and [`player`] a player,
//! and [`remote`] what Remotes ask, as they ask it.
//!
//! ```
//! use testkit::media::Song;
//!
//! let folder = tempfile::tempdir()?;
//! Song::new("Jet").artist("Wings").album("Band on the Run").track(2).write(folder.path().join("Jet.mp3"));
//! assert!(folder.path().join("Jet.mp3").exists());
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod daap;
pub mod http;
pub mod media;
pub mod player;
pub mod remote;
pub mod server;
pub mod subsonic;

/// The bytes that are kept in `tests/golden` of a crate, in hexadecimal digits between comments. `folder` is that
/// crate's `CARGO_MANIFEST_DIR`.
#[must_use]
pub fn golden(folder: &str, name: &str) -> Vec<u8> {
    let path = format!("{folder}/tests/golden/{name}.hex");
    let text = std::fs::read_to_string(&path).expect(&path);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits = lines.flat_map(str::split_whitespace);
    digits.map(|byte| u8::from_str_radix(byte, 16).expect("hex digits")).collect()
}

/// Checks that a reply to this request is the one that is kept. With the environment variable `REGENERATE_GOLDEN` it is
/// kept instead, to be looked at before it is committed.
#[track_caller]
pub fn check_golden(folder: &str, name: &str, request: &str, reply: &[u8]) {
    let said = dmap::dump(reply).to_string();
    if std::env::var_os("REGENERATE_GOLDEN").is_some() {
        let mut text = format!("# {request}\n#\n");
        said.lines().for_each(|line| text += &format!("# {line}\n"));
        for row in reply.chunks(16) {
            let row: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            text += &format!("{}\n", row.join(" "));
        }
        std::fs::write(format!("{folder}/tests/golden/{name}.hex"), text).expect("it is kept");
    }
    let expected = golden(folder, name);
    assert_eq!(said, dmap::dump(&expected).to_string(), "{request}");
    assert_eq!(reply, expected, "{request}");
}
