//! Serves songs that a program makes up, with no folder and no database.
//!
//! `cargo run -p daap-server --example made_up_songs -- [SONGS] [ADDRESS:PORT] [PASSWORD]`

use daap_model::{Codec, Track};
use daap_server::Server;
use library::{Artwork, Library, MemorySource, PlaylistContent};
use testkit::media::{Format, Song, jpeg};

/// Songs on an album.
const ALBUM: usize = 12;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(100), |count| count.parse())?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3689".into()).parse()?;
    let password = arguments.next().unwrap_or_default();

    let songs = MemorySource::new();
    let cover = Artwork { media_type: "image/jpeg", bytes: jpeg(64, 64).into() };
    let sound: bytes::Bytes = Song::new("Made up").bytes(Format::Mp3).into();
    for number in 0..count {
        let key = number.to_string();
        songs.put(&key, made_up(number), sound.clone());
        if number % ALBUM == 0 {
            songs.put_artwork(&key, Some(cover.clone()));
        }
    }
    let every_tenth = (0..count).step_by(10).map(|number| number.to_string().as_str().into());
    let playlist = PlaylistContent::Songs(every_tenth.collect());
    songs.put_playlist("tenth", "Every tenth", None, playlist);

    let library = Library::builder("Made up").source("program", songs).start().await?;
    let server = Server::builder(library.clone()).password(password).bind(&[address]).await?;
    println!("listening on http://{} (Made up)", server.addresses()[0]);
    server.run(async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
    library.shutdown().await;
    Ok(())
}

fn made_up(number: usize) -> Track {
    let album = number / ALBUM;
    Track {
        title: format!("Song {number}").into(),
        artist: format!("Artist {}", album / 3).into(),
        album: format!("Album {album}").into(),
        genre: ["Rock", "Jazz", "Folk"][album % 3].into(),
        composer: format!("Composer {}", number % 7).into(),
        track: u16::try_from(number % ALBUM + 1).unwrap_or(0),
        year: u16::try_from(1960 + album % 60).unwrap_or(0),
        duration_ms: 1_000,
        codec: Codec::Mpeg,
        format: "mp3".into(),
        ..Track::default()
    }
}
