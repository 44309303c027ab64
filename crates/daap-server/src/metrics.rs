//! What the server counts, and how it tells.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters of answered requests.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By endpoint and status: both come from short lists of our own, so this stays small. A plain mutex
    /// for short steps.
    requests: Mutex<BTreeMap<(&'static str, u16), Count>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: u64,
    bytes: u64,
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(&self, endpoint: &'static str, status: u16, bytes: u64) {
        let mut requests = self.requests();
        let count = requests.entry((endpoint, status)).or_default();
        count.requests += 1;
        count.bytes += bytes;
    }

    /// Writes the counters.
    pub(crate) fn write(&self, text: &mut Exposition) {
        let requests: Vec<_> = self.requests().iter().map(|(key, count)| (*key, *count)).collect();
        text.family("dapple_http_requests_total", "counter", "Requests answered.");
        for ((endpoint, status), count) in &requests {
            let labels = [("endpoint", *endpoint), ("status", &status.to_string())];
            text.sample("dapple_http_requests_total", &labels, count.requests);
        }
        text.family("dapple_http_sent_bytes_total", "counter", "Bytes of bodies sent.");
        for ((endpoint, status), count) in &requests {
            let labels = [("endpoint", *endpoint), ("status", &status.to_string())];
            text.sample("dapple_http_sent_bytes_total", &labels, count.bytes);
        }
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<(&'static str, u16), Count>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text in Prometheus' exposition format, version 0.0.4.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// The media type of the format.
    pub(crate) const MEDIA_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Begins a family of samples.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One sample of the family.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        if labels.is_empty() {
            self.line(format_args!("{name} {value}"));
        } else {
            self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
        }
    }

    /// A family of one sample that can go up and down.
    pub(crate) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a String takes every text");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_by_endpoint_and_status() {
        let metrics = Metrics::default();
        metrics.answered("items", 200, 100);
        metrics.answered("items", 200, 20);
        metrics.answered("login", 401, 0);
        let mut text = Exposition::default();
        metrics.write(&mut text);
        let expected = "\
# HELP dapple_http_requests_total Requests answered.
# TYPE dapple_http_requests_total counter
dapple_http_requests_total{endpoint=\"items\",status=\"200\"} 2
dapple_http_requests_total{endpoint=\"login\",status=\"401\"} 1
# HELP dapple_http_sent_bytes_total Bytes of bodies sent.
# TYPE dapple_http_sent_bytes_total counter
dapple_http_sent_bytes_total{endpoint=\"items\",status=\"200\"} 120
dapple_http_sent_bytes_total{endpoint=\"login\",status=\"401\"} 0
";
        assert_eq!(text.finish(), expected);
    }

    #[test]
    fn label_values_are_escaped() {
        let mut text = Exposition::default();
        text.sample("x", &[("name", "a\"b\\c\nd")], 1);
        assert_eq!(text.finish(), "x{name=\"a\\\"b\\\\c\\nd\"} 1\n");
    }
}
