//! For tests only: music made from nothing, and peers that say what they are told.
//!
//! Tests of dapple need songs, and no test may need a network, an encoder or somebody else's recording. So
//! [`media`] builds small audio files byte by byte, in every format that listeners have much of, and tags them.
//! Nothing here is part of a shipped program: crates name it under `dev-dependencies`, and its functions
//! panic where a test could do nothing else. [`http`] is a client that sends exactly what a test says, [`server`] a
//! server that answers so, and [`daap`] a share for it that behaves.
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
pub mod server;
