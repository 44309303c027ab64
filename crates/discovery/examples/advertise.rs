//! Announces a service that is not there, to try out announcing.
//!
//! `advertise NAME HOST PORT [share|server|remote|sender]` prints each name under which it is announced, until it is
//! interrupted. The name of a server and of a sender is its id, in hexadecimal digits. A line on standard input is a new name
//! of the share or of the server's library; `+password` and `-password` change what the share asks for.

use std::error::Error;

use discovery::{Advert, Advertiser, RemoteTxt, Role, database_id, machine_id};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(host), Some(port)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: advertise NAME HOST PORT [share|server|remote|sender]".into());
    };
    let mut advert = advert(&name, &host, port.parse()?, args.next().as_deref())?;
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
                change(&mut advert, &line);
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

fn advert(name: &str, host: &str, port: u16, kind: Option<&str>) -> Result<Advert, Box<dyn Error>> {
    let id = || u64::from_str_radix(name, 16);
    Ok(match kind {
        None | Some("share") => {
            let mut share = Advert::share(name, host, port);
            if let Role::Share(txt) = &mut share.role {
                txt.machine_id = Some(machine_id(0x0000_5E00_5312));
                txt.database_id = Some(database_id(0x0123_4567_89AB_CDEF));
            }
            share
        }
        Some("server") => Advert::server(id()?, "Library", host, port),
        Some("sender") => Advert::sender(id()?, host, port),
        Some("remote") => {
            let txt = RemoteTxt { pair: Some("FAEA410630AEC05E".into()), ..RemoteTxt::default() };
            Advert::new(name, host, port, Role::Remote(txt))
        }
        Some(other) => return Err(format!("{other:?} cannot be announced").into()),
    })
}

fn change(advert: &mut Advert, line: &str) {
    match (&mut advert.role, line) {
        (Role::Share(txt), "+password") => txt.password = Some(true),
        (Role::Share(txt), "-password") => txt.password = Some(false),
        (Role::Server(txt), name) => txt.name = Some(name.to_owned()),
        (_, name) => name.clone_into(&mut advert.name),
    }
}
