//! dapple
fn main() {}
