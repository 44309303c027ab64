//! Subsonic servers that are followed, each as a database of ours.
//!
//! [`Section`] is one as the configuration file names it, [`Settings`] what was decided of it, and [`Connections`] are all of
//! them at work.

mod connections;
mod settings;

pub(crate) use connections::{Caches, Connections};
pub(crate) use settings::{Section, Settings, password_of_all, resolve};
