//! `dapple install-handler`: a click on a `daap://` link opens dapple.

mod desktop;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use etcetera::BaseStrategy;

use super::Outcome;
use crate::file;

/// Open daap:// links of browsers with dapple
///
/// Writes a desktop entry that lists what a link names in a terminal, and makes it the one for daap:// links. To do it
/// again changes nothing. This is for desktops that follow the freedesktop.org specifications, as those of Linux do.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  dapple install-handler
  xdg-open daap://nas.local/artists/Wings
  dapple install-handler --remove")]
pub(crate) struct Args {
    /// Take back what an earlier call did
    #[arg(long)]
    remove: bool,
}

/// Where the parts are.
struct Places {
    /// The desktop entry.
    entry: PathBuf,
    /// Which program opens what, by the user's choice.
    defaults: PathBuf,
}

pub(crate) fn run(args: &Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    if cfg!(any(target_os = "macos", windows)) {
        bail!(
            "links are given to programs in another way on this system; dapple can do that on Linux and its like only"
        );
    }
    let base = etcetera::choose_base_strategy().context("no home folder is known")?;
    let places = Places {
        entry: base.data_dir().join("applications").join(desktop::FILE),
        defaults: base.config_dir().join("mimeapps.list"),
    };
    if args.remove { remove(&places, out) } else { install(&places, out) }
}

fn install(places: &Places, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let program = std::env::current_exe().context("cannot find out where dapple itself is")?;
    let entry = desktop::entry(&program).with_context(|| {
        format!("no desktop entry can name {}; move it to a plainer path", program.display())
    })?;
    write(&places.entry, &entry, out)?;
    write(&places.defaults, &desktop::with_default(&read(&places.defaults)?), out)?;
    update_cache(&places.entry);
    writeln!(out, "daap:// links open with {}", program.display())?;
    Ok(Outcome::Done)
}

fn remove(places: &Places, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let found = match fs::remove_file(&places.entry) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        removed => {
            removed.with_context(|| format!("cannot remove {}", places.entry.display()))?;
            writeln!(out, "removed {}", places.entry.display())?;
            true
        }
    };
    let before = read(&places.defaults)?;
    let after = desktop::without_default(&before);
    if after != before {
        write(&places.defaults, &after, out)?;
    } else if !found {
        writeln!(out, "nothing was installed")?;
        return Ok(Outcome::NothingFound);
    }
    update_cache(&places.entry);
    writeln!(out, "daap:// links no longer open with dapple")?;
    Ok(Outcome::Done)
}

/// The text of a file; none if there is no such file.
fn read(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text.with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Makes `text` the content of a file, and says so.
fn write(path: &Path, text: &str, out: &mut impl Write) -> anyhow::Result<()> {
    if read(path)? == text {
        writeln!(out, "unchanged: {}", path.display())?;
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| file::replace(path, text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(out, "wrote {}", path.display())?;
    Ok(())
}

/// Some desktops read a list that is made of all entries. Others need none and do not have the program that makes
/// it, so that it fails says nothing.
fn update_cache(entry: &Path) {
    let folder = entry.parent().map_or(OsStr::new("."), Path::as_os_str);
    let mut update = Command::new("update-desktop-database");
    update.arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = update.status() {
        tracing::debug!(%error, "the list of desktop entries is not renewed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a function that takes places says, and how it ends.
    fn said(
        act: fn(&Places, &mut Vec<u8>) -> anyhow::Result<Outcome>,
        places: &Places,
    ) -> (Outcome, String) {
        let mut out = Vec::new();
        let outcome = act(places, &mut out).unwrap();
        (outcome, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_installed_twice_is_there_once_and_goes_at_one_word() {
        let home = tempfile::tempdir().unwrap();
        let places = Places {
            entry: home.path().join("data/applications").join(desktop::FILE),
            defaults: home.path().join("config/mimeapps.list"),
        };
        assert_eq!(
            said(remove, &places),
            (Outcome::NothingFound, "nothing was installed\n".into())
        );
        assert!(said(install, &places).1.starts_with("wrote "));
        let first = (read(&places.entry).unwrap(), read(&places.defaults).unwrap());
        assert!(first.0.contains("MimeType=x-scheme-handler/daap;"));
        assert!(said(install, &places).1.starts_with("unchanged: "));
        assert_eq!((read(&places.entry).unwrap(), read(&places.defaults).unwrap()), first);
        assert_eq!(said(remove, &places).0, Outcome::Done);
        assert!(!places.entry.exists());
        assert!(!read(&places.defaults).unwrap().contains("daap"));
    }
}
