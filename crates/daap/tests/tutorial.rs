//! What the tutorial prints is what its program does.

const PAGE: &str = include_str!("../../../docs/framework.md");
const PROGRAM: &str = include_str!("../examples/tutorial.rs");

/// The blocks of Rust on the page.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
}

/// Code without what differs between a wide page and a narrow one.
fn tight(code: &str) -> String {
    let code: String = code.split_whitespace().collect();
    code.replace(",}", "}").replace(",)", ")")
}

#[test]
fn every_block_of_the_tutorial_is_in_its_program() {
    let program = tight(PROGRAM);
    assert!(blocks(PAGE).count() > 10, "the page shows how");
    for block in blocks(PAGE) {
        assert!(program.contains(&tight(block)), "this is not in the program:\n{block}");
    }
}
