//! The running server that a command asks.

/// Where a server on this machine listens unless it is told otherwise.
const HERE: &str = "http://127.0.0.1:3689";

/// Options of commands that ask a running server.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct ServerArgs {
    /// The server, on this machine or another [default: this machine's]
    #[arg(long = "server", value_name = "URL", env = "DAPPLE_SERVER")]
    pub(super) named: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl ServerArgs {
    /// Where the server is.
    pub(super) fn url(&self) -> &str {
        self.named.as_deref().unwrap_or(HERE)
    }

    /// What is said if it does not answer.
    pub(super) fn unreachable(&self) -> String {
        format!("cannot ask {}; is `dapple serve` running there? See --server", self.url())
    }
}
