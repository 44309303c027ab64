//! Pairing, with the other end scripted.

use std::error::Error as _;
use std::net::SocketAddr;
use std::time::Duration;

use dacp_client::pairing::{MAX_WRONG, PairError, WaitError, Waiting, ask};
use dacp_proto::{PairRequest, PairingAnswer, PairingGuid, Pin};
use testkit::http::Connection;
use testkit::server::{Reply, Server};

const PAIR: &str = "FAEA410630AEC05E";
const SERVICE: &str = "74DEBFCE2ED0E1C0";
const MINUTE: Duration = Duration::from_secs(60);

fn pin(text: &str) -> Pin {
    text.parse().unwrap()
}

/// What the server's end makes of a Remote that answers so.
async fn asked(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<u64, PairError> {
    let remote = Server::start(move |_| reply()).await;
    let answer = ask(remote.address(), PAIR, pin("0427"), SERVICE).await;
    let [asked] = &remote.asked()[..] else { panic!("asked once") };
    assert_eq!(
        asked.target,
        "/pair?pairingcode=27CE364E5BA51DA4A4628EB860525424&servicename=74DEBFCE2ED0E1C0"
    );
    // aiohttp 3.14 refuses a request without.
    assert_eq!(asked.header("Host"), Some(remote.address().to_string().as_str()));
    answer.map(|answer| answer.guid.0)
}

fn granted(guid: u64) -> Vec<u8> {
    let answer =
        PairingAnswer { guid: PairingGuid(guid), name: "Jo".into(), device_type: "iPod".into() };
    answer.reply().unwrap().into_bytes().to_vec()
}

#[tokio::test]
async fn a_remote_that_takes_the_code_tells_its_guid() {
    assert_eq!(asked(|| Reply::new(granted(7))).await.unwrap(), 7);
    // As TunesRemote+ answers: nothing but the length is said; and as what was never seen.
    assert_eq!(asked(|| Reply::new(granted(7)).until_closed()).await.unwrap(), 7);
    let pyatv = || Reply::new(granted(7)).with("Content-Type", "application/octet-stream");
    assert_eq!(asked(pyatv).await.unwrap(), 7);
}

#[tokio::test]
async fn any_other_status_is_a_wrong_code_with_the_full_account() {
    for status in [404, 500, 401, 204, 302] {
        let reply = move || Reply::status(status).with("Location", "http://192.0.2.1/");
        let error = asked(reply).await.unwrap_err();
        let PairError::WrongPin { status: told, .. } = &error else { panic!("{error:?}") };
        assert_eq!(told.as_u16(), status);
        assert!(error.to_string().contains("/pair?pairingcode=27CE364E"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_without_a_guid_is_shown() {
    for body in [&b""[..], b"hello", b"cmpa\0\0\0\0", b"cmpa\xFF\xFF\xFF\xFF", &[0; 5000]] {
        let error = asked(move || Reply::new(body)).await.unwrap_err();
        let PairError::NotUnderstood { answer, .. } = &error else { panic!("{error:?}") };
        assert!(body.starts_with(answer) && answer.len() <= 128);
    }
}

#[tokio::test]
async fn no_answer_is_not_a_wrong_code() {
    let nobody = Server::start(|_| Reply::silence()).await;
    let address = nobody.address();
    nobody.stop().await;
    let error = ask(address, PAIR, pin("0427"), SERVICE).await.unwrap_err();
    assert!(matches!(error, PairError::Unreachable { .. }), "{error:?}");
    assert!(error.source().is_some());
    for reply in [
        || Reply::raw("no HTTP"),
        || Reply::new(granted(7)).cut_after(10),
        || Reply::new(vec![0; 1 << 20]),
    ] {
        let error = asked(reply).await.unwrap_err();
        assert!(matches!(error, PairError::Unreachable { .. }), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_is_silent_is_given_up() {
    for reply in [|| Reply::silence(), || Reply::new(granted(7)).stall_after(10)] {
        let error = asked(reply).await.unwrap_err();
        assert!(matches!(error, PairError::Unreachable { .. }), "{error:?}");
    }
}

async fn waiting() -> Waiting {
    Waiting::listen("Anna's laptop", "127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// The status of what a server is answered that asks so.
async fn status(remote: SocketAddr, target: &str) -> u16 {
    Connection::open(remote).await.unwrap().get(target).await.unwrap().status
}

/// A code that is not this one.
fn wrong(right: Pin) -> Pin {
    if right == pin("0000") { pin("0001") } else { pin("0000") }
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_right_one_pairs() {
    let waiting = waiting().await;
    let (remote, pair, pin) = (waiting.address(), waiting.pair().to_owned(), waiting.pin());
    assert_eq!(pair.len(), 16);
    let server = async move {
        let refused = ask(remote, &pair, wrong(pin), SERVICE).await.unwrap_err();
        assert!(matches!(refused, PairError::WrongPin { status, .. } if status.as_u16() == 404));
        // As owntone asks: no header at all.
        let target = PairRequest::new(&pair, pin, SERVICE).to_uri();
        let answer = Connection::open(remote).await.unwrap().get(&target).await.unwrap();
        assert_eq!((answer.status, answer.complete), (200, true));
        (PairingAnswer::read(&answer.body).unwrap(), pair)
    };
    let (paired, (answer, pair)) = tokio::join!(waiting.paired(MINUTE), server);
    let paired = paired.unwrap();
    assert_eq!(paired.service_name, SERVICE);
    assert!(paired.server.is_loopback());
    assert_eq!(
        (answer.name.as_str(), answer.device_type.as_str(), answer.guid),
        ("Anna's laptop", "iPod", paired.guid)
    );
    assert_ne!(format!("{:016X}", answer.guid.0), pair);
}

#[tokio::test]
async fn what_is_no_question_of_a_server_changes_nothing() {
    let waiting = waiting().await;
    let (remote, pair, pin) = (waiting.address(), waiting.pair().to_owned(), waiting.pin());
    let servers = async move {
        for _ in 0..MAX_WRONG {
            assert_eq!(status(remote, "/pair").await, 400);
            assert_eq!(status(remote, "/login").await, 404);
            let mut junk = Connection::open(remote).await.unwrap();
            junk.send([0xFF; 64]).await.unwrap();
            junk.closed().await.unwrap();
        }
        // One that says nothing keeps nobody from asking.
        let _silent = Connection::open(remote).await.unwrap();
        ask(remote, &pair, pin, SERVICE).await.unwrap();
    };
    let (paired, ()) = tokio::join!(waiting.paired(MINUTE), servers);
    assert!(paired.is_ok());
}

#[tokio::test]
async fn who_guesses_ends_the_waiting() {
    let waiting = waiting().await;
    let (remote, pair, pin) = (waiting.address(), waiting.pair().to_owned(), waiting.pin());
    let guesser = async move {
        for _ in 0..MAX_WRONG {
            ask(remote, &pair, wrong(pin), SERVICE).await.unwrap_err();
        }
    };
    let (paired, ()) = tokio::join!(waiting.paired(MINUTE), guesser);
    assert_eq!(paired, Err(WaitError::TooManyWrong));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_for_ever() {
    let ended = waiting().await.paired(MINUTE).await;
    assert_eq!(ended, Err(WaitError::TimedOut { after: MINUTE, wrong: 0 }));
}
