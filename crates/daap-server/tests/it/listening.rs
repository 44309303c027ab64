//! Where the server listens.

use std::io::ErrorKind;
use std::net::SocketAddr;

use daap_server::{BindError, Server};
use library::Library;
use testkit::http::Connection;

async fn bind(addresses: &[SocketAddr]) -> Result<Server, BindError> {
    let library = Library::builder("Songs").start().await.unwrap();
    Server::builder(library).bind(addresses).await
}

#[tokio::test]
async fn all_addresses_includes_ipv4() {
    let server = bind(&["[::]:0".parse().unwrap()]).await.unwrap();
    let port = server.addresses()[0].port();
    assert_ne!(port, 0);
    tokio::spawn(server.run(std::future::pending()));
    let mut connection = Connection::open(([127, 0, 0, 1], port).into()).await.unwrap();
    assert_eq!(connection.get("/server-info").await.unwrap().status, 200);
}

#[tokio::test]
async fn several_addresses_are_all_served() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let server = bind(&[any, any]).await.unwrap();
    let addresses = server.addresses();
    assert_ne!(addresses[0], addresses[1]);
    tokio::spawn(server.run(std::future::pending()));
    for address in addresses {
        let mut connection = Connection::open(address).await.unwrap();
        assert_eq!(connection.get("/server-info").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn both_families_can_be_asked_for_apart() {
    let first = bind(&["0.0.0.0:0".parse().unwrap()]).await.unwrap();
    let port = first.addresses()[0].port();
    drop(first);
    let both = [([0, 0, 0, 0], port).into(), SocketAddr::from(([0_u16; 8], port))];
    // Where there is no IPv6 the second is the first again, which is taken.
    match bind(&both).await {
        Ok(server) => assert_eq!(server.addresses(), both),
        Err(error) => assert_eq!(error.cause.kind(), ErrorKind::AddrInUse),
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
    let taken = first.addresses()[0];
    let error = bind(&["127.0.0.1:0".parse().unwrap(), taken]).await.unwrap_err();
    assert_eq!((error.address, error.cause.kind()), (taken, ErrorKind::AddrInUse));
    assert!(error.to_string().starts_with(&format!("cannot listen on {taken}: ")));
}

#[tokio::test]
async fn a_server_whose_run_is_dropped_is_gone() {
    let server = bind(&["127.0.0.1:0".parse().unwrap()]).await.unwrap();
    let address = server.addresses()[0];
    let running = tokio::spawn(server.run(std::future::pending()));
    let mut connection = Connection::open(address).await.unwrap();
    assert_eq!(connection.get("/server-info").await.unwrap().status, 200);
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert!(connection.closed().await.unwrap_or_default().is_empty());
    assert!(Connection::open(address).await.is_err());
}
