//! The session: one login for all who need it.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::ClientError;

/// A login, under way or done: the id of the session, or none where the server knows no sessions. Who comes while it
/// is under way waits for it.
pub type Login = OnceCell<Result<Option<u32>, ClientError>>;

/// The logins of a client, one after the other.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Held for a moment only, never across an `await`.
    last: Mutex<Arc<Login>>,
    logins: AtomicU32,
}

impl Sessions {
    /// The login to go by: the last one, or a new one if that failed or its session is the one that is `lost`.
    pub fn login(&self, lost: Option<&Arc<Login>>) -> Arc<Login> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_lost = lost.is_some_and(|lost| Arc::ptr_eq(lost, &last));
        if is_lost || last.get().is_some_and(Result::is_err) {
            *last = Arc::default();
        }
        Arc::clone(&last)
    }

    /// The session of a login. `log_in` is how to get one; it is called by one of those who wait.
    ///
    /// # Errors
    /// That of `log_in`; all who wait for this login are told.
    pub async fn enter<F>(
        &self,
        login: &Login,
        log_in: impl FnOnce() -> F,
    ) -> Result<Option<u32>, ClientError>
    where
        F: Future<Output = Result<Option<u32>, ClientError>>,
    {
        let count = |session| {
            self.logins.fetch_add(1, Ordering::Relaxed);
            session
        };
        let counted = || async { log_in().await.map(count) };
        login.get_or_init(counted).await.clone()
    }

    /// The session as far as there is one.
    pub fn id(&self) -> Option<u32> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get().and_then(|session| session.as_ref().ok().copied().flatten())
    }

    /// Takes the session, so that it can be ended.
    pub fn take(&self) -> Option<u32> {
        let id = self.id();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
        id
    }

    /// How many logins there were.
    pub fn logins(&self) -> u32 {
        self.logins.load(Ordering::Relaxed)
    }
}
