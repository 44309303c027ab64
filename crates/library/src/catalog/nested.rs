//! Keeps an author's closure from waiting for itself.

use std::cell::Cell;

thread_local! {
    /// Whether an author's closure runs in this thread, on behalf of a commit.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs an author's closure.
pub(super) fn run(closure: impl FnOnce()) {
    struct Inside;
    // Also when the closure panics.
    impl Drop for Inside {
        fn drop(&mut self) {
            INSIDE.set(false);
        }
    }
    INSIDE.set(true);
    let _inside = Inside;
    closure();
}

/// Whether the caller is such a closure: it would wait for the end of the commit it is part of.
pub(super) fn is_inside() -> bool {
    INSIDE.get()
}
