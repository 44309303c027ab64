//! Where what waits is kept over a restart.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tokio::task;

use super::Unsent;

/// The largest file that is read, in bytes: all that may wait takes less.
const MAX_FILE: u64 = 4 << 20;

/// What was left in a file; nothing if there is none, or none that can be understood.
pub(super) async fn load(path: PathBuf) -> VecDeque<Unsent> {
    let read = move || {
        let unsent = read(&path);
        unsent.unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let file = path.display();
                tracing::warn!(%file, %error, "what was left to be written to the server is lost");
            }
            VecDeque::new()
        })
    };
    task::spawn_blocking(read).await.unwrap_or_default()
}

/// Keeps what waits. If it cannot, that is said, and it goes on without.
pub(super) async fn save(path: PathBuf, waiting: VecDeque<Unsent>) {
    let save = move || {
        if let Err(error) = write(&path, &waiting) {
            let file = path.display();
            tracing::warn!(%file, %error, "what is to be written to the server cannot be kept over a restart");
        }
    };
    // It goes on without in any case.
    let _ = task::spawn_blocking(save).await;
}

fn read(path: &Path) -> io::Result<VecDeque<Unsent>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Replaces the file in one step; nothing waits if there is none.
fn write(path: &Path, waiting: &VecDeque<Unsent>) -> io::Result<()> {
    if waiting.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let beside = path.with_extension("part");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec(waiting)?)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
