//! Servers that republish each other.

use std::net::SocketAddr;
use std::time::Duration;

use daap_server::{Handle, Server};
use library::{Library, MemorySource};
use source_daap::{Carried, DaapSource};

use crate::common::*;

/// Short enough for a test.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A server with a song of its own, which it has the title of, that republishes others.
struct Node {
    library: Library,
    _server: Handle,
}

async fn node(number: u64, address: SocketAddr, shares: &[SocketAddr]) -> Node {
    let (songs, carried) = (MemorySource::new(), Carried::new(number));
    put(&songs, &number.to_string());
    let mut builder = Library::builder(&format!("Node {number}")).source("mine", songs);
    for share in shares {
        let mut config = config(*share);
        config.carried = Some(carried.clone());
        config.look_again = LOOK_AGAIN;
        let name = share.to_string();
        builder = builder.database(&name, &name).source(&name, DaapSource::new(config));
    }
    let library = builder.start().await.unwrap();
    let server = Server::builder(library.clone()).lineage(move || carried.lineage());
    let server = server.bind(&[address]).await.unwrap();
    Node { library, _server: run(server) }
}

#[tokio::test]
async fn a_server_does_not_republish_itself() {
    let address = free_address();
    let node = node(1, address, &[address]).await;
    let mut scans = node.library.watch_scans();
    let is_told = |problem: &String| problem.contains("own songs");
    let told = scans.wait_for(|scans| scans.iter().any(|scan| scan.problems.iter().any(is_told)));
    told.await.unwrap();
    assert_eq!(titles(&node.library.snapshot()), ["1"]);
}

#[tokio::test]
async fn a_chain_of_servers_is_no_ring() {
    let addresses = [free_address(), free_address(), free_address()];
    let _first = node(1, addresses[0], &[]).await;
    let _second = node(2, addresses[1], &[addresses[0]]).await;
    let third = node(3, addresses[2], &[addresses[1]]).await;
    holds(&third.library, &["1", "2", "3"]).await;
    problems(&third.library, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_republish_each_other_the_lower_refuses() {
    settles(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_servers_in_a_ring_the_lowest_refuses() {
    settles(3).await;
}

/// Starts servers in a ring, all at once. In the end the ring is open at the first, which has but its own song; the one
/// after it in the ring has all, and at no time has a song come back to where it is from.
async fn settles(count: usize) {
    let addresses: Vec<SocketAddr> = (0..count).map(|_| free_address()).collect();
    let mut nodes = Vec::new();
    for place in 0..count {
        let next = addresses[(place + 1) % count];
        nodes.push(node(place as u64 + 1, addresses[place], &[next]).await);
    }
    let numbers: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    for (place, node) in nodes.iter().enumerate().rev() {
        let numbers = numbers.iter().map(String::as_str).enumerate();
        let has = |of: usize| of == place || place > 0 && (of == 0 || of > place);
        let expected: Vec<&str> = numbers.filter(|(of, _)| has(*of)).map(|(_, one)| one).collect();
        let mut snapshots = node.library.watch();
        let settled = snapshots.wait_for(|now| {
            let titles = titles(now);
            let came_back = titles.windows(2).any(|pair| pair[0] == pair[1]);
            assert!(!came_back, "{titles:?}");
            titles == expected
        });
        tokio::time::timeout(LONG, settled).await.expect("in time").unwrap();
        problems(&node.library, usize::from(place == 0)).await;
    }
}
