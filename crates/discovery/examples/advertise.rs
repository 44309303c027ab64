//! Announces a share that is not there, to try out announcing.
//!
//! `advertise NAME HOST PORT [password]` prints each name under which the share is announced, until it is
//! interrupted. A line on standard input is a new name; `+password` and `-password` change the rest.

use std::error::Error;

use discovery::{Advert, Advertiser, Interfaces, database_id, machine_id};
use tokio::io::{AsyncBufReadExt, BufReader};

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
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut listening = true;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            changed = standing.changed() => {
                changed?;
                let now = standing.borrow_and_update().clone();
                println!("{} {}", if now.announced { "announced" } else { "silent" }, now.name);
            }
            line = lines.next_line(), if listening => {
                match line?.as_deref() {
                    Some("+password") => advert.password = true,
                    Some("-password") => advert.password = false,
                    Some(name) => name.clone_into(&mut advert.name),
                    None => listening = false,
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
