//! Whether a server runs, and answers where clients call.

use std::net::{IpAddr, SocketAddr};

use futures_util::future;
use hyper::header::DATE;
use serde::Deserialize;

use super::finding::Finding;
use crate::{http, time};

const STATUS: &str = "/api/v1/status";

/// A server that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) name: String,
    pub(super) version: String,
    /// Its time, in seconds since 1970.
    pub(super) now_s: Option<u64>,
}

#[derive(Deserialize)]
struct Status {
    name: String,
    version: String,
}

/// Whether somebody at an address answered as our server does, or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) address: SocketAddr,
    pub(super) refused: Option<String>,
}

/// Asks a server for its status; the error says why there is none, in one line.
pub(super) async fn ask(server: &str) -> Result<Running, String> {
    let answer = http::ask(server, STATUS).await.map_err(|error| format!("{error:#}"))?;
    let status: Status = serde_json::from_slice(answer.body())
        .map_err(|_| "it answers, but not as dapple does".to_owned())?;
    let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    Ok(Running { name: status.name, version: status.version, now_s: date.map(time::seconds) })
}

/// Calls the server under each of these addresses, as clients on the network do.
pub(super) async fn call(addresses: impl Iterator<Item = IpAddr>, port: u16) -> Vec<Answer> {
    let calls = addresses.map(|ip| async move {
        let address = SocketAddr::new(ip, port);
        let refused = ask(&format!("http://{address}")).await.err();
        Answer { address, refused }
    });
    future::join_all(calls).await
}

pub(super) fn judge(server: &str, running: &Result<Running, String>) -> Finding {
    match running {
        Ok(running) => {
            let says = format!("{} runs, dapple {}", running.name, running.version);
            Finding::fine("server", says)
        }
        Err(why) => {
            let says = format!("no server of dapple's answers at {server}: {why}");
            Finding::error("server", says).cure("dapple serve")
        }
    }
}

/// What came of calling a server that runs on this machine.
pub(super) fn judge_answers(answers: &[Answer]) -> Vec<Finding> {
    let is_lost = answers.iter().all(|answer| answer.refused.is_some());
    let judge_one = |answer: &Answer| match &answer.refused {
        None => Finding::fine("reach", format!("the server answers at http://{}", answer.address)),
        Some(why) => {
            let verdict = if is_lost { Finding::error } else { Finding::warning };
            let says = format!("the server does not answer at http://{}: {why}", answer.address);
            verdict("reach", says)
                .cure(format!("dapple serve --listen [::]:{}", answer.address.port()))
        }
    };
    answers.iter().map(judge_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[track_caller]
    fn check(refused: &[Option<&str>], expected: &[Verdict]) {
        let answer = |why: &Option<&str>| Answer {
            address: "192.0.2.7:3689".parse().unwrap(),
            refused: why.map(str::to_owned),
        };
        let answers: Vec<Answer> = refused.iter().map(answer).collect();
        let verdicts: Vec<_> = judge_answers(&answers).iter().map(|found| found.verdict).collect();
        assert_eq!(verdicts, expected);
    }

    #[test]
    fn a_server_that_answers_nowhere_has_no_clients() {
        check(&[None, None], &[Verdict::Fine, Verdict::Fine]);
        check(&[None, Some("refused")], &[Verdict::Fine, Verdict::Warning]);
        check(&[Some("refused"), Some("refused")], &[Verdict::Error, Verdict::Error]);
        check(&[], &[]);
    }

    #[test]
    fn a_server_that_does_not_run_is_an_error_with_its_reason() {
        let finding = judge("http://127.0.0.1:3689", &Err("connection refused".into()));
        assert_eq!(finding.verdict, Verdict::Error);
        assert!(finding.says.ends_with("http://127.0.0.1:3689: connection refused"));
    }
}
