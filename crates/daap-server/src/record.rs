//! What is told of an answered request: a line in the log, a count in the metrics.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use http::Method;

use crate::head::Answering;
use crate::metrics::Metrics;

/// The longest part of a path that is logged, in bytes.
const LOGGED_PATH: usize = 200;

/// Follows one answer to its end, which is when it is dropped. Holds no query: session ids and search
/// terms are nobody's business.
#[derive(Debug)]
pub(crate) struct Record {
    metrics: Arc<Metrics>,
    endpoint: &'static str,
    method: Method,
    path: String,
    status: u16,
    begun: Instant,
    sent: u64,
    _answering: Answering,
}

impl Record {
    pub(crate) fn new(
        metrics: Arc<Metrics>,
        method: Method,
        path: &str,
        answering: Answering,
    ) -> Self {
        let mut end = path.len().min(LOGGED_PATH);
        while !path.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            metrics,
            endpoint: "other",
            method,
            path: path[..end].to_owned(),
            status: 0,
            begun: Instant::now(),
            sent: 0,
            _answering: answering,
        }
    }

    /// What was asked for and how it is answered.
    pub(crate) fn answer(&mut self, endpoint: &'static str, status: u16) {
        self.endpoint = endpoint;
        self.status = status;
    }

    /// So many more bytes are on their way.
    pub(crate) fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// The body could not be sent to its end.
    pub(crate) fn failed(&self, error: &io::Error) {
        tracing::warn!(path = %self.path, sent = self.sent, %error, "an answer was broken off");
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.metrics.answered(self.endpoint, self.status, self.sent);
        tracing::debug!(
            method = %self.method,
            path = %self.path,
            status = self.status,
            bytes = self.sent,
            ms = self.begun.elapsed().as_millis(),
            "answered"
        );
    }
}
