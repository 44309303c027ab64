//! Calls of code that is not the server's own: the share, the gate. It may be slow, and it may have bugs; neither
//! is to cost more than the one request that called it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("it panicked")]
    Panicked,
    #[error("it took longer than {0:?}")]
    Late(Duration),
}

/// What `work` comes to, if it does within `limit`. Then it is dropped, as it is when the request goes away.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, NoAnswer> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let done = tokio::time::timeout(limit, work).await.map_err(|_| NoAnswer::Late(limit))?;
    done.map_err(|_| NoAnswer::Panicked)
}

/// What `step` comes to.
pub(crate) fn caught<T>(step: impl FnOnce() -> T) -> Result<T, NoAnswer> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|_| NoAnswer::Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_dropped() {
        let held = Arc::new(());
        let theirs = Arc::clone(&held);
        let never = within(LIMIT, async move {
            let _theirs = theirs;
            std::future::pending::<()>().await;
        });
        assert_eq!(never.await, Err(NoAnswer::Late(LIMIT)));
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let bug = async { panic!("a bug that a test has put here") };
        assert_eq!(within::<()>(LIMIT, bug).await, Err(NoAnswer::Panicked));
        assert_eq!(within(LIMIT, async { 7 }).await, Ok(7));
        assert_eq!(caught(|| 7), Ok(7));
    }
}
