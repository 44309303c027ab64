//! daap-proto
