//! Songs that are sent as WAV files.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use daap_model::{Codec, Track};
use daap_proto::{Codecs, Wav};
use daap_server::{Limits, Transcode, TranscodeRules, Transcoder, WavFile};
use dmap::Element;
use dmap::code::{ASFM, ASSZ, MIID, MINM, MLCL};
use library::SongReader;

use crate::share::{Share, Shelf, pattern, track};
use crate::songs::check_ranges;

const ITUNES: (&str, &str) = ("User-Agent", "iTunes/12.6.1 (Macintosh; OS X 10.12.4)");
const RHYTHMBOX: (&str, &str) = ("User-Agent", "iTunes/4.6 (Windows; N)");
const TAKES_NO_FLAC: (&str, &str) = ("Accept-Codecs", "mpeg,wav");

const FRAMES: u32 = 100_000;
const LENGTH: usize = 44 + FRAMES as usize * 4;

/// How the songs of a test are decoded.
#[derive(Clone, Copy, PartialEq)]
enum Sound {
    Whole,
    /// It cannot be opened.
    Broken,
    /// It fails after so many bytes.
    BrokenAfter(u64),
    Panic,
}

/// Decodes every song to the same bytes, and counts how many are being decoded.
#[derive(Clone)]
struct Maker {
    sound: Sound,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// Holds up each piece, if it is to be held up.
    gate: Option<Arc<Barrier>>,
}

impl Maker {
    fn new(sound: Sound) -> Self {
        Self { sound, now: Arc::default(), most: Arc::default(), gate: None }
    }
}

impl Transcoder for Maker {
    fn codecs(&self) -> Codecs {
        Codecs::of(&[Codec::Flac, Codec::Wav])
    }

    fn open(&self, mut song: SongReader, announced: Wav) -> io::Result<WavFile> {
        let mut original = Vec::new();
        song.read_to_end(&mut original)?;
        assert!(original == pattern(1_000));
        match self.sound {
            Sound::Broken => return Err(io::Error::other("broken by a test")),
            Sound::Panic => panic!("a bug that a test has put here"),
            _ => {}
        }
        let length = announced.length();
        Ok(WavFile { length, bytes: Box::new(Making { length, at: 0, maker: self.clone() }) })
    }
}

/// A file that is a [`pattern`].
struct Making {
    length: u64,
    at: u64,
    maker: Maker,
}

impl Read for Making {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let now = self.maker.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.maker.most.fetch_max(now, Ordering::SeqCst);
        if let Some(gate) = &self.maker.gate {
            gate.wait();
        }
        let left = usize::try_from(self.length - self.at).unwrap();
        let read = buffer.len().min(left).min(16 << 10);
        buffer[..read]
            .iter_mut()
            .zip(self.at..)
            .for_each(|(byte, n)| *byte = (n / 251 + n % 251) as u8);
        self.at += read as u64;
        self.maker.now.fetch_sub(1, Ordering::SeqCst);
        match self.maker.sound {
            Sound::BrokenAfter(end) if self.at > end => Err(io::Error::other("broken by a test")),
            _ => Ok(read),
        }
    }
}

impl Seek for Making {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.at = at;
        Ok(at)
    }
}

/// A share with "Jet" and a song that fits no buffer in FLAC, and "Get Back" in MPEG.
async fn share(maker: &Maker, rules: TranscodeRules, set: impl FnOnce(&mut Limits)) -> Share {
    let songs = Shelf::default();
    let sound = Track { channels: 2, frames: FRAMES, size: 1_000, ..track("Jet", "Wings", "") };
    let flac = Track { codec: Codec::Flac, format: "flac".into(), ..sound.clone() };
    let long = Track { title: "Long".into(), frames: 50_000_000, ..flac.clone() };
    songs.put("jet", flac, pattern(1_000));
    songs.put("long", long, pattern(1_000));
    let mpeg = Track { title: "Get Back".into(), codec: Codec::Mpeg, ..sound };
    songs.put("get-back", mpeg, pattern(1_000));
    let mut limits = Limits::default();
    set(&mut limits);
    Share::start_from(songs, |server| server.limits(limits).transcode(maker.clone(), rules)).await
}

async fn usual(sound: Sound) -> Share {
    share(&Maker::new(sound), TranscodeRules::default(), |_| {}).await
}

/// What a client is told of a song: its id, suffix and size.
async fn listed(share: &Share, title: &str, client: &[(&str, &str)]) -> (u64, String, u64) {
    let session = share.login().await;
    let meta = "dmap.itemid,dmap.itemname,daap.songformat,daap.songsize";
    let target = format!("/databases/1/items?session-id={session}&meta={meta}");
    let list = Element::decode(&share.get_with(&target, client).await.body).unwrap();
    let songs = list.child(MLCL).unwrap().children();
    let is_it = |song: &&Element| song.child(MINM).and_then(Element::text) == Some(title);
    let song = songs.iter().find(is_it).unwrap();
    let number = |code| song.child(code).unwrap().uint().unwrap();
    (number(MIID), song.child(ASFM).unwrap().text().unwrap().to_owned(), number(ASSZ))
}

async fn wav_of_jet(share: &Share) -> String {
    format!("/databases/1/items/{}.wav", share.item("Jet").await)
}

/// What a client is told of "Jet", and gets.
#[track_caller]
fn check_gets(listed: &(u64, String, u64), body: &[u8], is_wav: bool) {
    let (suffix, bytes) = if is_wav { ("wav", pattern(LENGTH)) } else { ("flac", pattern(1_000)) };
    assert_eq!((listed.1.as_str(), listed.2), (suffix, bytes.len() as u64));
    assert!(body == bytes, "{} bytes", body.len());
}

#[tokio::test]
async fn who_needs_a_wav_file_is_told_of_one_and_gets_it() {
    let share = usual(Sound::Whole).await;
    let cases: [(&[(&str, &str)], bool); 6] = [
        (&[ITUNES], true),
        (&[TAKES_NO_FLAC], true),
        (&[RHYTHMBOX, TAKES_NO_FLAC], true),
        (&[RHYTHMBOX], false),
        (&[], false),
        (&[ITUNES, ("Accept-Codecs", "flac,wav")], false),
    ];
    for (client, is_wav) in cases {
        let jet = listed(&share, "Jet", client).await;
        let target = format!("/databases/1/items/{}.{}", jet.0, jet.1);
        check_gets(&jet, &share.get_with(&target, client).await.body, is_wav);
        let get_back = listed(&share, "Get Back", client).await;
        assert_eq!((get_back.1.as_str(), get_back.2), ("mp3", 1_000));
    }
}

#[tokio::test]
async fn what_plays_a_song_need_not_be_what_listed_it() {
    let share = usual(Sound::Whole).await;
    let jet = share.item("Jet").await;
    let whole = share.get(&format!("/databases/1/items/{jet}.wav")).await;
    assert!(whole.body == pattern(LENGTH));
    let by_name = share.get_with(&format!("/databases/1/items/{jet}.flac"), &[ITUNES]).await;
    assert!(by_name.body == pattern(LENGTH));
}

#[tokio::test]
async fn rules_go_before_what_a_client_says() {
    let rules = TranscodeRules {
        clients: vec![
            ("iTunes".into(), Transcode::Always),
            ("iTunes/12".into(), Transcode::Never),
            ("Car".into(), Transcode::AsNeeded),
        ],
        others: Transcode::Always,
    };
    let share = share(&Maker::new(Sound::Whole), rules, |_| {}).await;
    let car = ("User-Agent", "Car/1");
    for (client, is_wav) in [(ITUNES, false), (RHYTHMBOX, true), (car, false)] {
        let jet = listed(&share, "Jet", &[client]).await;
        let target = format!("/databases/1/items/{}.{}", jet.0, jet.1);
        check_gets(&jet, &share.get_with(&target, &[client]).await.body, is_wav);
    }
    let never = share.get_with(&wav_of_jet(&share).await, &[ITUNES]).await;
    assert!(never.body == pattern(1_000));
}

#[tokio::test]
async fn any_part_is_a_slice_of_the_whole() {
    let share = usual(Sound::Whole).await;
    let target = wav_of_jet(&share).await;
    check_ranges(&share, &target, &pattern(LENGTH)).await;
    let mut connection = share.connect().await;
    connection.ask("HEAD", &target, &[]).await.unwrap();
    let head = connection.head().await.unwrap();
    assert_eq!(head.header("content-length"), Some(LENGTH.to_string().as_str()));
    let version = share.get(&target).await.header("etag").unwrap().to_owned();
    let part = [("Range", "bytes=1-2"), ("If-Range", version.as_str())];
    assert_eq!(share.get_with(&target, &part).await.status, 206);
    let other = [("Range", "bytes=1-2"), ("If-Range", "\"other\"")];
    assert_eq!(share.get_with(&target, &other).await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_an_error() {
    for sound in [Sound::Broken, Sound::Panic] {
        let share = usual(sound).await;
        let target = wav_of_jet(&share).await;
        assert_eq!(share.get(&target).await.status, 500);
        assert!(share.get(&target).await.status == 500, "its turn is free again");
    }
}

#[tokio::test]
async fn what_fails_in_the_middle_is_broken_off() {
    let share = usual(Sound::BrokenAfter(300_000)).await;
    let mut connection = share.connect().await;
    let target = wav_of_jet(&share).await;
    connection.ask("GET", &target, &[]).await.unwrap();
    let head = connection.head().await.unwrap();
    assert_eq!(head.header("content-length"), Some(LENGTH.to_string().as_str()));
    let body = connection.closed().await.unwrap();
    assert!(body.len() < LENGTH && body == pattern(LENGTH)[..body.len()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_ask_at_once_few_are_made_at_once() {
    let maker = Maker::new(Sound::Whole);
    let share = share(&maker, TranscodeRules::default(), |_| {}).await;
    let target = wav_of_jet(&share).await;
    let all = (0..64).map(|_| share.get(&target));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, 200);
        assert!(answer.body == pattern(LENGTH));
    }
    let most = maker.most.load(Ordering::SeqCst);
    assert!((1..=Limits::default().transcodes_at_once).contains(&most), "{most} at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_holds_up_nobody_and_who_goes_leaves_its_place() {
    let maker = Maker::new(Sound::Whole);
    let set = |limits: &mut Limits| {
        limits.transcodes = 2;
        limits.transcodes_at_once = 1;
    };
    let share = share(&maker, TranscodeRules::default(), set).await;
    let jet = wav_of_jet(&share).await;
    let long = format!("/databases/1/items/{}.wav", share.item("Long").await);
    let mut stalled = [share.connect().await, share.connect().await];
    for (connection, others) in stalled.iter_mut().zip([200, 503]) {
        connection.ask("GET", &long, &[]).await.unwrap();
        connection.head().await.unwrap();
        let answer = share.get(&jet).await;
        assert_eq!(answer.status, others);
        assert_eq!(answer.header("retry-after").is_some(), others == 503);
    }
    assert!(share.get("/metrics").await.text().contains("\ndapple_transcodes 2\n"));
    drop(stalled);
    while share.get(&jet).await.status == 503 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_holds_up_no_song_that_is_sent_as_it_is() {
    let gate = Arc::new(Barrier::new(2));
    let maker = Maker { gate: Some(Arc::clone(&gate)), ..Maker::new(Sound::BrokenAfter(0)) };
    let share = share(&maker, TranscodeRules::default(), |_| {}).await;
    let target = wav_of_jet(&share).await;
    let mut held = share.connect().await;
    held.ask("GET", &target, &[]).await.unwrap();
    held.head().await.unwrap();
    let plain = format!("/databases/1/items/{}.mp3", share.item("Get Back").await);
    assert!(share.get(&plain).await.body == pattern(1_000));
    tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
    assert!(held.closed().await.unwrap().is_empty());
}
