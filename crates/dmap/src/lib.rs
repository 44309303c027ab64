//! dmap
