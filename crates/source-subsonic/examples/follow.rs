//! Follows a Subsonic server and says what it hears: `follow URL USER`, with the password in `SUBSONIC_PASSWORD`. At every
//! line that is entered it looks for changes.

use std::env;
use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use library::{Change, Known, Report, Source, Told};
use source_subsonic::{Login, SubsonicConfig, SubsonicSource};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let (Some(url), Some(user)) = (words.next(), words.next()) else {
        return Err("usage: follow URL USER".into());
    };
    let password = env::var("SUBSONIC_PASSWORD").unwrap_or_default();
    let login = Login::Password { user, password };
    let source = SubsonicSource::new(SubsonicConfig::new(&url, login))?;
    let (report, mut listener) = Report::channel(16);
    let look = source.clone();
    std::thread::spawn(move || std::io::stdin().lock().lines().for_each(|_| look.look()));
    tokio::spawn(async move { source.run(report).await });
    let (mut told, mut begun) = (0, Instant::now());
    while let Some(heard) = listener.next().await {
        match heard {
            Told::Known(answer) => drop(answer.send(Known::default())),
            Told::Change(change) => {
                (told, begun) = if told == 0 { (1, Instant::now()) } else { (told + 1, begun) };
                say(&change);
            }
            Told::Settled(answer) => {
                let _ = answer.send(());
                eprintln!("{told} changes in {:?}; {:?}", begun.elapsed(), listener.scan());
                told = 0;
            }
            _ => {}
        }
    }
    Ok(())
}

fn say(change: &Change) {
    match change {
        Change::Song { key, track, .. } => {
            println!("{key}\t{}\t{}\t{}", track.artist, track.album, track.title);
        }
        other => println!("{other:?}"),
    }
}
