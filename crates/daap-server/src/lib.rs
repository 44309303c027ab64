//! daap-server
