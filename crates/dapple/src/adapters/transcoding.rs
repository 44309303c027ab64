//! Songs decoded for clients that cannot do it themselves.

use std::io;

use audio::{Decoder, Depth, WavStream};
use daap_model::Codec;
use daap_proto::{Codecs, Wav};
use daap_server::{Transcoder, WavFile};
use library::SongReader;

/// Makes WAV files of whatever can be decoded.
#[derive(Debug)]
pub(crate) struct Decoding;

impl Transcoder for Decoding {
    fn codecs(&self) -> Codecs {
        use Codec::{Aac, Aiff, Alac, Flac, Mpeg, Opus, Vorbis};
        Codecs::of(&[Mpeg, Aac, Alac, Flac, Vorbis, Opus, Aiff])
    }

    fn open(&self, song: SongReader, announced: Wav) -> io::Result<WavFile> {
        let length = song.length();
        let decoder = Decoder::open(song, length).map_err(io::Error::other)?;
        // A rate other than the tags tell (of HE-AAC half of it is decoded) is kept, and so is the time.
        let rate = decoder.format().rate;
        let frames =
            u64::from(announced.frames) * u64::from(rate) / u64::from(announced.rate.max(1));
        let wav = WavStream::new(decoder, Depth::I16, frames).map_err(io::Error::other)?;
        Ok(WavFile { length: wav.length(), bytes: Box::new(wav) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use daap_model::Track;
    use library::Content;
    use testkit::media::{Format, Song};

    use super::*;

    async fn opened(format: Format, announced: Wav) -> io::Result<WavFile> {
        let bytes = Song::new("Jet").length(Duration::from_millis(2_500)).bytes(format);
        let open = move || {
            let content = Content::bytes(bytes.clone());
            Box::pin(async move { Ok(content) }) as _
        };
        let song = SongReader::open(open).await.unwrap();
        tokio::task::spawn_blocking(move || Decoding.open(song, announced)).await.unwrap()
    }

    fn track(sample_rate: u32) -> Track {
        Track { duration_ms: 2_500, sample_rate, channels: 2, ..Track::default() }
    }

    #[tokio::test]
    async fn every_format_makes_the_file_that_the_list_announces() {
        for (format, _) in Format::ALL {
            let rate = if format == Format::Opus { 48_000 } else { 44_100 };
            for track in [track(rate), Track { frames: 12_345, ..track(rate) }] {
                let announced = Wav::of(&track).unwrap();
                let mut file = opened(format, announced).await.unwrap();
                assert_eq!(file.length, announced.length(), "{format:?}");
                let bytes = tokio::task::spawn_blocking(move || {
                    let mut bytes = Vec::new();
                    file.bytes.read_to_end(&mut bytes).map(|_| bytes)
                });
                let bytes = bytes.await.unwrap().unwrap();
                assert_eq!(bytes.len() as u64, announced.length(), "{format:?}");
                assert_eq!(bytes[..4], *b"RIFF");
            }
        }
    }

    #[tokio::test]
    async fn a_rate_that_the_tags_do_not_know_keeps_the_time() {
        let announced = Wav::of(&Track { frames: 96_000, ..track(96_000) }).unwrap();
        let file = opened(Format::Flac, announced).await.unwrap();
        assert_eq!(file.length, 44 + 44_100 * 4);
    }

    #[tokio::test]
    async fn a_song_of_which_neither_rate_nor_channels_are_known_is_as_long_as_is_said() {
        let song = Track { duration_ms: 2_500, ..Track::default() };
        let announced = Wav::of(&song).unwrap();
        for (format, _) in Format::ALL {
            let mut file = opened(format, announced).await.unwrap();
            let length = file.length;
            let read = move || std::io::copy(&mut file.bytes, &mut std::io::sink());
            let read = tokio::task::spawn_blocking(read).await.unwrap().unwrap();
            assert_eq!(read, length, "{format:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_sound_is_an_error() {
        let song = SongReader::open(|| Box::pin(async { Ok(Content::bytes("not a song")) }));
        let song = song.await.unwrap();
        let announced = Wav::of(&track(44_100)).unwrap();
        let opened = tokio::task::spawn_blocking(move || Decoding.open(song, announced));
        assert!(opened.await.unwrap().is_err());
    }
}
