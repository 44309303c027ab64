//! The program that `docs/framework.md` builds, step by step: a share of bird calls.
//!
//! `cargo run -p daap --example tutorial -- ADDRESS:PORT [whole|hosted]`
//!
//! Alone it ends with the first step. `whole` goes on to the last, with a second share on the next port; with `hosted` the
//! share lives inside another HTTP server, beside a page.

use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use daap::gate::Users;
use daap::{
    Artwork, Catalog, CommitError, ContainerId, Content, CustomKind, DatabaseId, Diff, Editing,
    Event, Filter, Item, ItemId, NewPlaylist, NewSong, NumberField, NumberTest, Peer, PersistentId,
    Provider, Revision, Server, ServerBuilder, Service, SmartRules, SourceError, Track,
};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower_service::Service as _;

type Failure = Box<dyn Error + Send + Sync>;

/// Made up by us, and told to whoever asks for `/content-codes`.
const HABITAT: [u8; 4] = *b"xhab";

/// A picture of 1 by 1 pixels.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("say where to listen, such as [::]:3689")?.parse()?;
    let catalog = first_song()?;
    let Some(mode) = arguments.next() else { return share(catalog, address) };

    let (robin, wren) = playlists(&catalog)?;
    refusal(&catalog, robin);
    live(&catalog, robin, wren)?;
    fields(&catalog)?;
    let server = guarded(watched(catalog));
    let runtime = tokio::runtime::Runtime::new()?;
    match mode.as_str() {
        "whole" => runtime.block_on(serve(server, archive()?, address)),
        "hosted" => runtime.block_on(hosted(server, address)),
        _ => Err("the steps are `whole` and `hosted`".into()),
    }
}

fn first_song() -> Result<Catalog, CommitError> {
    let catalog = Catalog::new("Bird calls");
    let mut changes = catalog.changes();
    let blackbird = Track {
        title: "Blackbird".into(),
        artist: "Turdus merula".into(),
        album: "Garden birds".into(),
        format: "wav".into(),
        ..Track::default()
    };
    changes.add_item(Catalog::MAIN, NewSong::new(blackbird).bytes(call(2100)));
    catalog.commit(changes)?;
    Ok(catalog)
}

fn share(catalog: Catalog, address: SocketAddr) -> Result<(), Failure> {
    println!("listening on http://{address} (Bird calls)");
    daap::run(catalog, &[address])?;
    Ok(())
}

fn playlists(catalog: &Catalog) -> Result<(ItemId, ItemId), CommitError> {
    let mut changes = catalog.changes();
    let picture = Artwork { media_type: "image/png", bytes: Bytes::from_static(PICTURE) };
    let robin = changes.add_item(Catalog::MAIN, bird("Robin", 2800).artwork(picture));
    let wren = changes.add_item(Catalog::MAIN, bird("Wren", 4300));
    let dawn = NewPlaylist::named("The dawn chorus").songs([robin, wren, robin]).editable();
    changes.add_container(Catalog::MAIN, dawn);
    let big = Filter::Number(NumberField::Size, NumberTest::AtLeast(10_000));
    let rules = SmartRules { filter: big, limit: None };
    changes.add_container(Catalog::MAIN, NewPlaylist::smart("Long calls", rules));
    catalog.commit(changes)?;
    Ok((robin, wren))
}

fn refusal(catalog: &Catalog, song: ItemId) {
    let mut changes = catalog.changes();
    changes.append(Catalog::MAIN, ContainerId::BASE, song);
    let refused = catalog.commit(changes);
    assert_eq!(refused, Err(CommitError::BaseContainer(Catalog::MAIN)));
}

fn live(catalog: &Catalog, robin: ItemId, wren: ItemId) -> Result<(), CommitError> {
    let before = catalog.snapshot().revision();
    let mut changes = catalog.changes();
    changes.change_item(Catalog::MAIN, robin, |song| song.usage.play_count += 1);
    changes.remove_item(Catalog::MAIN, wren);
    let revision = catalog.commit(changes)?;
    if let Some(after) = revision {
        look_back(catalog, before, after);
    }
    Ok(())
}

fn look_back(catalog: &Catalog, before: Revision, after: Revision) {
    let (Some(old), Some(new)) = (catalog.at(before), catalog.at(after)) else { return };
    let diff = Diff::between(&old, &new);
    for database in &diff.databases.changed {
        let (added, removed) = (database.items.added.len(), database.items.removed.len());
        println!("{}: {added} came, {removed} went", database.after.name);
    }
}

struct Recordings;

impl Provider for Recordings {
    async fn open(&self, _: DatabaseId, item: &Item) -> Result<Content, SourceError> {
        Ok(Content::file(format!("recordings/{}.wav", item.persistent_id)).await?)
    }
}

fn archive() -> Result<Catalog, CommitError> {
    let catalog = Catalog::builder("Archive").provider(Recordings).build();
    let mut changes = catalog.changes();
    let track =
        Track { title: "Nightingale, 1927".into(), format: "wav".into(), ..Track::default() };
    let number = PersistentId::new(0x1927);
    changes.add_item(Catalog::MAIN, NewSong::new(track).persistent_id(number));
    catalog.commit(changes)?;
    Ok(catalog)
}

fn fields(catalog: &Catalog) -> Result<(), Failure> {
    let mut changes = catalog.changes();
    let habitat = daap::custom_field(HABITAT, "org.example.habitat", CustomKind::Text)?;
    changes.define(habitat);
    let song = bird("Kingfisher", 5200).custom(HABITAT, "river");
    changes.add_item(Catalog::MAIN, song);
    catalog.commit(changes)?;
    Ok(())
}

fn watched(catalog: Catalog) -> ServerBuilder {
    Server::builder(catalog).observe(|event| match event {
        Event::SessionOpened(session) => println!("{} is here", session.agent),
        Event::SongSent(sent) => println!("{} bytes of song {}", sent.bytes, sent.item),
        _ => {}
    })
}

fn guarded(server: ServerBuilder) -> ServerBuilder {
    server
        .gate(Users::from_iter([("ann", "wren"), ("bob", "robin")]))
        .editing(Editing::LocalNetwork)
}

async fn serve(
    server: ServerBuilder,
    archive: Catalog,
    address: SocketAddr,
) -> Result<(), Failure> {
    let next = SocketAddr::new(address.ip(), address.port() + u16::from(address.port() > 0));
    let server = server.bind(&[address]).await?;
    let second = Server::builder(archive).bind(&[next]).await?;
    println!("listening on http://{} (Bird calls)", server.addresses()[0]);
    println!("listening on http://{} (Archive)", second.addresses()[0]);
    tokio::join!(
        daap::serve(server, daap::interrupted()),
        daap::serve(second, daap::interrupted()),
    );
    Ok(())
}

async fn hosted(server: ServerBuilder, address: SocketAddr) -> Result<(), Failure> {
    let share = server.service();
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{} (Bird calls)", listener.local_addr()?);
    loop {
        let (stream, remote) = listener.accept().await?;
        let (local, share) = (stream.local_addr()?, share.clone());
        let answer = service_fn(move |mut request: Request<Incoming>| {
            let mut share = share.clone();
            async move {
                if Service::is_daap(request.uri()) {
                    request.extensions_mut().insert(Peer::new(remote, local));
                    share.call(request).await.map(|answer| answer.map(BodyExt::boxed_unsync))
                } else {
                    Ok(Response::new(page("calls, and who calls")))
                }
            }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), answer);
        tokio::spawn(connection);
    }
}

fn page(text: &'static str) -> UnsyncBoxBody<Bytes, std::io::Error> {
    Full::from(text).map_err(|never| match never {}).boxed_unsync()
}

fn bird(name: &str, hertz: u32) -> NewSong {
    let track = Track { title: name.into(), format: "wav".into(), ..Track::default() };
    NewSong::new(track).bytes(call(hertz))
}

/// A second of a bird that can only whistle: 8-bit mono WAV.
fn call(hertz: u32) -> Vec<u8> {
    const RATE: u32 = 22_050;
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    wav.extend([RATE, RATE, 1 | 8 << 16].iter().flat_map(|number| number.to_le_bytes()));
    wav.extend(*b"data");
    wav.extend(RATE.to_le_bytes());
    let sample = |at: u32| (f64::from(at * hertz) / f64::from(RATE) * std::f64::consts::TAU).sin();
    wav.extend((0..RATE).map(|at| (128.0 + 100.0 * sample(at)) as u8));
    let length = wav.len() as u32 - 8;
    wav[4..8].copy_from_slice(&length.to_le_bytes());
    wav
}
