//! Subsonic servers that are followed, each as a database of ours.
//!
//! [`Section`] is one as the configuration file names it, [`Settings`] what was decided of it, [`Connections`] are all of
//! them at work, and [`report`] is what programs are told of that.

mod connections;
pub(crate) mod report;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use connections::{Caches, Connections};
pub(crate) use settings::{Section, Settings, password_of_all, resolve};
