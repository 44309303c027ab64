//! The forms in which clients ask.

use testkit::http::Connection;

use crate::share::Share;

#[tokio::test]
async fn all_forms_of_the_target_are_taken() {
    let share = Share::start().await;
    let port = share.address.port();
    for target in [
        "/server-info".to_owned(),
        "//server-info".to_owned(),
        "server-info".to_owned(),
        "/server-info?session-id=5".to_owned(),
        format!("daap://127.0.0.1:{port}/server-info"),
        format!("http://127.0.0.1:{port}/server-info"),
        format!("http://[::1]:{port}/server-info"),
        "daap://living-room.local/server-info".to_owned(),
    ] {
        let answer = share.get(&target).await;
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.header("content-type"), Some("application/x-dmap-tagged"));
        assert_eq!(&answer.body[..4], b"msrv", "{target}");
    }
}

#[tokio::test]
async fn each_reply_says_who_answers_and_how_long_it_is() {
    let share = Share::start().await;
    let answer = share.get("/server-info").await;
    let version = format!("dapple/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(answer.header("daap-server"), Some(version.as_str()));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    assert!(answer.header("date").is_some());
    assert!(answer.header("access-control-allow-origin").is_none());
    assert!(answer.headers.iter().any(|(name, _)| name == "Content-Type"), "in title case");
}

#[tokio::test]
async fn a_connection_is_kept_and_may_be_closed() {
    let share = Share::start().await;
    let mut connection = share.connect().await;
    for _ in 0..3 {
        assert_eq!(connection.get("/server-info").await.unwrap().status, 200);
    }
    let last = connection.get_with("/server-info", &[("Connection", "close")]).await.unwrap();
    assert_eq!(last.status, 200);
    assert!(connection.closed().await.unwrap().is_empty());
}

#[tokio::test]
async fn http_1_0_is_answered_with_a_length_and_a_hang_up() {
    let share = Share::start().await;
    let mut connection = share.connect().await;
    connection.send("GET /server-info HTTP/1.0\r\n\r\n").await.unwrap();
    let answer = connection.answer().await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-length").is_some());
    assert!(answer.header("transfer-encoding").is_none());
    assert!(connection.closed().await.unwrap().is_empty());
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let share = Share::start().await;
    let jet = share.item("Jet").await;
    for target in ["/server-info".to_owned(), format!("/databases/1/items/{jet}.mp3")] {
        let whole = share.get(&target).await;
        let mut connection = share.connect().await;
        connection.ask("HEAD", &target, &[]).await.unwrap();
        let head = connection.head().await.unwrap();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-length"), whole.header("content-length"), "{target}");
        // No body is in the way of the next answer.
        assert_eq!(connection.get("/server-info").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn head_neither_opens_a_session_nor_ends_one() {
    let share = Share::start().await;
    let session = share.login().await;
    for target in ["/login".to_owned(), format!("/logout?session-id={session}")] {
        let mut connection = share.connect().await;
        connection.ask("HEAD", &target, &[]).await.unwrap();
        assert_eq!(connection.head().await.unwrap().status, 405, "{target}");
    }
    assert_eq!(share.handle.sessions().len(), 1);
}

#[tokio::test]
async fn two_requests_sent_at_once_are_answered_in_turn() {
    let share = Share::start().await;
    let mut connection = share.connect().await;
    let two = "GET /server-info HTTP/1.1\r\n\r\nGET /content-codes HTTP/1.1\r\n\r\n";
    connection.send(two).await.unwrap();
    assert_eq!(&connection.answer().await.unwrap().body[..4], b"msrv");
    assert_eq!(&connection.answer().await.unwrap().body[..4], b"mccr");
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_is_not_done_is_405() {
    let share = Share::start().await;
    for target in ["/", "/favicon.ico", "/Databases", "/resolve", "/databases/x/items", "/api/v1/x"]
    {
        assert_eq!(share.get(target).await.status, 404, "{target}");
    }
    // iTunes 11 posts there if it thinks that it talks to iTunes.
    let mut connection = share.connect().await;
    connection.ask("POST", "/fp-setup", &[("Content-Length", "0")]).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 404);
    let allow = "GET, HEAD, POST";
    for method in ["PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let mut connection = share.connect().await;
        connection.ask(method, "/server-info", &[("Content-Length", "0")]).await.unwrap();
        let answer = connection.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method}");
    }
}

#[tokio::test]
async fn what_is_posted_is_answered_as_what_is_got_and_its_body_is_passed_over() {
    let share = Share::start().await;
    let whole = share.get("/server-info").await;
    let mut connection = share.connect().await;
    for body in ["", "session-id=5"] {
        let length = body.len().to_string();
        connection.ask("POST", "/server-info", &[("Content-Length", &length)]).await.unwrap();
        connection.send(body).await.unwrap();
        assert_eq!(connection.answer().await.unwrap().body, whole.body);
    }
    connection.ask("POST", "/server-info", &[("Content-Length", "1000000000")]).await.unwrap();
    connection.send([0; 70_000]).await.unwrap();
    assert_eq!(connection.answer().await.unwrap().status, 413);
}

#[tokio::test]
async fn nonsense_is_refused_and_the_server_goes_on() {
    let share = Share::start().await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    for nonsense in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", &long]
    {
        let mut connection = share.connect().await;
        connection.send(nonsense).await.unwrap();
        let status = connection.answer().await.map(|answer| answer.status);
        assert!(matches!(status, Ok(400 | 414 | 431)) || status.is_err(), "{status:?}");
    }
    let mut cut = Connection::open(share.address).await.unwrap();
    cut.send("GET /server-in").await.unwrap();
    drop(cut);
    assert_eq!(share.get("/server-info").await.status, 200);
}

#[tokio::test]
async fn the_status_is_told_to_programs() {
    let share = Share::start().await;
    share.login().await;
    let answer = share.get("/api/v1/status").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(status["name"], "Songs");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert!(status["revision"].as_u64().unwrap() >= 2);
    let database = serde_json::json!({"id": 1, "name": "Songs", "items": 2, "containers": 1});
    assert_eq!(status["databases"], serde_json::json!([database]));
    assert_eq!(status["scan"]["errors"], 0);
    assert!(["idle", "scanning"].contains(&status["scan"]["state"].as_str().unwrap()));
    assert_eq!(status["player"]["state"], "none");
    assert_eq!(status["sessions"], 1);
    assert!(status["uptime_s"].is_u64());
}

#[tokio::test]
async fn metrics_count_what_was_answered() {
    let share = Share::start().await;
    let mut connection = share.connect().await;
    connection.get("/login").await.unwrap();
    connection.get("/databases").await.unwrap();
    let answer = connection.get("/metrics").await.unwrap();
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = answer.text();
    for line in [
        "dapple_http_requests_total{endpoint=\"login\",status=\"200\"} 1",
        "dapple_http_requests_total{endpoint=\"databases\",status=\"403\"} 1",
        "dapple_sessions 1",
        "dapple_held_polls 0",
        "dapple_connections 1",
        "dapple_songs{database=\"1\",name=\"Songs\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("process_start_time_seconds "));
}

#[tokio::test]
async fn a_bug_in_a_handler_is_a_500_and_the_server_goes_on() {
    use crate::share::Opening;
    let share = Share::start().await;
    let jet = share.item("Jet").await;
    share.songs.open_as("jet", Opening::Panic);
    let mut connection = share.connect().await;
    let answer = connection.get(&format!("/databases/1/items/{jet}.mp3")).await.unwrap();
    assert_eq!(answer.status, 500);
    assert_eq!(connection.get("/server-info").await.unwrap().status, 200);
}
