//! The smallest share: the files named on the command line.
//!
//! `cargo run -p daap --example smallest -- ADDRESS:PORT FILE...`

use std::error::Error;

use daap::{Catalog, NewSong};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("say where to listen, such as [::]:3689")?.parse()?;
    let catalog = Catalog::new("The smallest share");
    let mut changes = catalog.changes();
    for path in arguments {
        changes.add_item(Catalog::MAIN, NewSong::default().file(path));
    }
    catalog.commit(changes)?;
    println!("sharing on {address}; Ctrl-C stops it");
    Ok(daap::run(catalog, &[address])?)
}
