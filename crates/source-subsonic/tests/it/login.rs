//! How servers let one in.

use std::net::SocketAddr;
use std::sync::Arc;

use library::Source;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use source_subsonic::{ApiError, Login, SubsonicConfig, SubsonicSource};
use testkit::server::{Reply, Server};
use testkit::subsonic::{Kind, Subsonic, refused};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::common::*;

#[tokio::test]
async fn a_password_is_sent_as_a_token_and_itself_only_to_servers_that_know_none() {
    for (kind, is_bare) in [(Kind::OpenSubsonic, false), (Kind::Supysonic, true)] {
        let server = Server::start(Subsonic::new(3).with(kind).answer()).await;
        follow(config(&server)).settled().await;
        let asked = server.asked();
        let last = asked.last().unwrap();
        assert_eq!(last.parameter("p").is_some(), is_bare, "{kind:?}");
        assert_eq!(last.parameter("t").is_some(), !is_bare, "{kind:?}");
        assert!(asked.iter().all(|asked| !asked.target.contains("sesame")));
        // It is not found out again for every question.
        assert_eq!(server.asked_for("/rest/ping.view").len(), 1 + usize::from(is_bare));
    }
}

#[tokio::test]
async fn a_key_needs_no_name() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let mut config = config(&server);
    config.login = Login::ApiKey("k&y".into());
    follow(config).settled().await;
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.parameter("apiKey") == Some("k%26y")));
    assert!(asked.iter().all(|asked| asked.parameter("u").is_none()));
}

#[tokio::test]
async fn a_server_of_an_older_version_is_spoken_to_in_that() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let is_new = asked.parameter("v") == Some("1.16.1");
        let refusal = r#"{"subsonic-response": {"status": "failed", "version": "1.14.0", "error": {"code": 30}}}"#;
        is_new.then(|| Reply::new(refusal))
    })
    .await;
    follow(config(&server)).settled().await;
    assert_eq!(server.asked().last().unwrap().parameter("v"), Some("1.14.0"));
}

#[tokio::test]
async fn a_wrong_password_is_said_in_so_many_words_and_never_shown() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |_| Some(refused(40, "Wrong username or password."))).await;
    let problem = follow(config(&server)).problem().await;
    let expected = format!(
        "http://{}/ cannot be followed: it refuses: Wrong username or password. (error 40)",
        server.address()
    );
    assert_eq!(problem, expected);
}

#[tokio::test]
async fn nobody_else_is_told_what_is_for_the_server() {
    let other = Server::start(Subsonic::new(3).answer()).await;
    let place = format!("http://{}", other.address());
    let subsonic = Subsonic::new(3);
    let to = place.clone();
    let server = serve_but(&subsonic, move |asked| {
        Some(Reply::status(302).with("Location", format!("{to}{}", asked.target)))
    })
    .await;
    let mut ear = follow(config(&server));
    let problem = ear.problem().await;
    assert!(problem.ends_with(&format!("it sends on to \"{place}\"")), "{problem}");
    ear.source.open("so-1".into()).await.unwrap_err();
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn a_server_may_send_on_to_another_folder_of_it() {
    let subsonic = Subsonic::new(3);
    let server = serve_but(&subsonic, |asked| {
        let target = asked.target.strip_prefix("/music")?;
        Some(Reply::status(302).with("Location", target))
    })
    .await;
    let mut config = config(&server);
    config.url += "music/";
    let mut ear = follow(config);
    ear.settled().await;
    assert_eq!(ear.songs(), 3);
    assert!(server.asked().iter().all(|asked| asked.header("Referer").is_none()));
}

#[test]
fn an_address_has_no_name_and_no_password() {
    let new = |url: &str| SubsonicSource::new(SubsonicConfig::new(url, login()));
    let url = |url: &str| new(url).unwrap().url().to_owned();
    assert_eq!(url("https://joe:sesame@music.local/sub?x=1#y"), "https://music.local/sub");
    for wrong in ["joe:sesame@music.local", "ftp://joe:sesame@music.local/", "https://", "music"] {
        let error = new(wrong).unwrap_err();
        assert!(matches!(error, ApiError::Address(_)), "{wrong}");
        assert!(!error.to_string().contains("sesame"), "{error}");
    }
}

/// Puts TLS before a server that signed its own certificate; returns where, and the certificate as PEM.
async fn with_tls(server: SocketAddr, certificate: CertificateParams) -> (SocketAddr, String) {
    let key = KeyPair::generate().unwrap();
    let cert = certificate.self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth();
    let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust it hangs up.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (address, cert.pem())
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_said_to_be_so_and_can_be_trusted() {
    let careful = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    // As `openssl req -x509` makes them: by its word an authority's, and of another name.
    let mut usual = CertificateParams::new(["music".to_owned()]).unwrap();
    usual.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for certificate in [careful, usual] {
        let server = Server::start(Subsonic::new(3).answer()).await;
        let (address, certificate) = with_tls(server.address(), certificate).await;
        let mut config = config(&server);
        config.url = format!("https://{address}/");
        let problem = follow(config.clone()).problem().await;
        assert!(problem.contains("its certificate is not trusted"), "{problem}");
        assert_eq!(server.asked().len(), 0);

        config.certificates = certificate.into_bytes();
        let mut ear = follow(config);
        ear.settled().await;
        assert_eq!(ear.songs(), 3);
    }
}

#[tokio::test]
async fn to_trust_a_certificate_is_to_trust_no_other() {
    let server = Server::start(Subsonic::new(3).answer()).await;
    let params = || CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let (_, another) = with_tls(server.address(), params()).await;
    let (address, _) = with_tls(server.address(), params()).await;
    let mut config = config(&server);
    config.url = format!("https://{address}/");
    config.certificates = another.into_bytes();
    let problem = follow(config).problem().await;
    assert!(problem.contains("its certificate is not trusted"), "{problem}");
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn what_is_no_certificate_is_refused() {
    let mut config = SubsonicConfig::new("https://music.local/", login());
    config.certificates =
        b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n".to_vec();
    assert!(matches!(SubsonicSource::new(config), Err(ApiError::Certificate(_))));
}
