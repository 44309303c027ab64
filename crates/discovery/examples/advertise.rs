//! Announces a share that is not there, to try out announcing.
//!
//! `advertise NAME HOST PORT [password]` prints each name under which the share is announced, until it is
//! interrupted. A line on standard input is a new name; `+password` and `-password` change the rest.

use std::error::Error;

use discovery::{Advert, Advertiser, Interfaces, database_id, machine_id};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(host), Some(port)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: advertise NAME HOST PORT [password]".into());
    };
    let mut advert = Advert {
        password: args.next().is_some(),
        machine_id: Some(machine_id(0x0000_5E00_5312)),
        database_id: Some(database_id(0x0123_4567_89AB_CDEF)),
        interfaces: Interfaces::all(),
        ..Advert::new(name, host, port.parse()?)
    };
    let advertised = Advertiser::start(advert.clone())?;
    let mut standing = advertised.standing();
    let (line, mut lines) = mpsc::channel(1);
    // A thread of its own, which nobody waits for: tokio's would hold up the end until there is a line.
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|text| line.blocking_send(text))
    });
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            changed = standing.changed() => {
                changed?;
                let now = standing.borrow_and_update().clone();
                println!("{} {}", if now.announced { "announced" } else { "silent" }, now.name);
            }
            Some(line) = lines.recv() => {
                match line.as_str() {
                    "+password" => advert.password = true,
                    "-password" => advert.password = false,
                    name => name.clone_into(&mut advert.name),
                }
                advertised.update(advert.clone());
            }
            _ = tokio::signal::ctrl_c() => break,
            _ = terminate.recv() => break,
        }
    }
    advertised.stop().await;
    println!("stopped");
    Ok(())
}
