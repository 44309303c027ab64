//! A copy of a share, which follows it and is itself a share, with the same ids.
//!
//! `cargo run -p daap-client --example mirror -- daap://HOST:PORT/ ADDRESS:PORT`
//!
//! It prints when the link is made or lost, and what changes. Songs cannot be played from it.

use std::sync::Arc;

use daap_client::{Client, Link, Mirror};
use daap_model::{DatabaseId, Diff, ItemId, Snapshot};
use daap_server::Server;
use futures_util::StreamExt;
use library::{
    Artwork, ArtworkSize, Content, Edited, OpenError, PlaylistEdit, PlaylistError, Share,
    SourceFuture,
};
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let share = arguments.next().ok_or("which share?")?.parse()?;
    let address = arguments.next().ok_or("which address?")?.parse()?;

    let mirror = Arc::new(Mirror::start(Client::builder(), share));
    let server = Server::builder(Copy(Arc::clone(&mirror))).bind(&[address]).await?;
    println!("listening on http://{} (Mirror)", server.addresses()[0]);
    tokio::spawn(print_link(mirror.link()));
    let mut changes = Box::pin(mirror.changes());
    tokio::spawn(async move {
        while let Some(diff) = changes.next().await {
            print_changes(&diff);
        }
    });
    server.run(async { tokio::signal::ctrl_c().await.unwrap_or_default() }).await;
    Ok(())
}

async fn print_link(mut link: watch::Receiver<Link>) {
    loop {
        match &*link.borrow_and_update() {
            Link::Connecting => {}
            Link::Following => println!("following"),
            Link::Lost { why, .. } => println!("lost: {why}"),
        }
        if link.changed().await.is_err() {
            return;
        }
    }
}

fn print_changes(diff: &Diff) {
    let (mut songs, mut playlists) = (0, 0);
    for database in &diff.databases.changed {
        songs += database.items.len();
        playlists += database.containers.len();
    }
    let new: usize = diff.databases.added.iter().map(|database| database.items().len()).sum();
    println!("{} songs and {playlists} playlists changed", songs + new);
}

/// The copy as a share.
struct Copy(Arc<Mirror>);

impl Share for Copy {
    fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.watch()
    }

    fn open(
        &self,
        database: DatabaseId,
        item: ItemId,
    ) -> SourceFuture<'_, Result<Content, OpenError>> {
        Box::pin(async move { Err(OpenError::Unknown { database, item }) })
    }

    fn artwork(
        &self,
        _: DatabaseId,
        _: ItemId,
        _: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, OpenError>> {
        Box::pin(async { Ok(None) })
    }

    fn edit(&self, edit: PlaylistEdit) -> SourceFuture<'_, Result<Edited, PlaylistError>> {
        Box::pin(async move { Err(PlaylistError::NoDatabase(edit.database)) })
    }

    fn rename<'a>(&'a self, _: &'a str) -> SourceFuture<'a, ()> {
        Box::pin(async {})
    }
}
