//! A Rust file, told apart into code, comments and quoted text.
//!
//! Not a parser: enough of a lexer to know that a word in a comment is not code, which lines are tests, and
//! where a function begins and ends.

use std::ops::Range;
use std::path::Path;

/// What a byte of a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Quoted,
}

/// A Rust file, told apart into code, comments and quoted text.
#[derive(Debug)]
pub(crate) struct RustSource {
    /// The file with everything but code blanked; the same lines as the file. A lifetime loses its tick.
    code: String,
    /// The file with everything but comments blanked.
    comments: String,
    quoted: Vec<Quoted>,
    functions: Vec<Function>,
    /// Lines that exist for tests only; from 1.
    test_lines: Vec<Range<usize>>,
    lines: usize,
}

/// Text in quotes, without them and with its escapes as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) line: usize,
    pub(crate) text: String,
    /// Whether it is a byte string, `b"…"`.
    pub(crate) bytes: bool,
}

/// A function and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) line: usize,
    pub(crate) name: String,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

impl RustSource {
    pub(crate) fn new(path: &Path, text: &str) -> Self {
        let mut lexer = Lexer { text: text.as_bytes(), kinds: Vec::new(), quoted: Vec::new() };
        lexer.run();
        let code = keep(text, &lexer.kinds, Kind::Code);
        let lines = text.lines().count();
        let whole = is_test_file(path).then_some(1..lines + 1);
        let test_lines = whole.into_iter().chain(test_items(&code)).collect();
        Self {
            comments: keep(text, &lexer.kinds, Kind::Comment),
            functions: functions(&code),
            code,
            quoted: lexer.quoted,
            test_lines,
            lines,
        }
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// The code's words and signs with their lines, tests left out.
    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        let mut tokens = tokens(&self.code);
        tokens.retain(|token| !self.is_test(token.line));
        tokens
    }

    /// All of the code's words and signs.
    pub(crate) fn all_tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.code)
    }

    /// Text in quotes, tests left out.
    pub(crate) fn quoted(&self) -> impl Iterator<Item = &Quoted> {
        self.quoted.iter().filter(|quoted| !self.is_test(quoted.line))
    }

    /// The comments, line by line, from 1.
    pub(crate) fn comment_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.comments.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// A word or a sign of Rust code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// Whether a whole file is for tests, examples or benches.
fn is_test_file(path: &Path) -> bool {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let mut folders = folders.filter_map(|part| part.as_os_str().to_str());
    path.file_stem().is_some_and(|stem| stem == "tests")
        || folders.any(|folder| matches!(folder, "tests" | "examples" | "benches"))
}

fn keep(text: &str, kinds: &[Kind], wanted: Kind) -> String {
    let chars = text.char_indices();
    chars.map(|(at, c)| if kinds[at] == wanted || c == '\n' { c } else { ' ' }).collect()
}

struct Lexer<'a> {
    text: &'a [u8],
    kinds: Vec<Kind>,
    quoted: Vec<Quoted>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while self.at() < self.text.len() {
            let rest = &self.text[self.at()..];
            if rest.starts_with(b"//") {
                let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
                self.take(end, Kind::Comment);
            } else if rest.starts_with(b"/*") {
                self.take(block_comment(rest), Kind::Comment);
            } else if let Some((open, hashes)) = raw_string_start(rest).filter(|_| !self.in_word())
            {
                let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
                let body = find(&rest[open..], &close).unwrap_or(rest.len() - open);
                self.take_quoted(open, body, close.len(), rest.starts_with(b"b"));
            } else if rest[0] == b'"' || (rest.starts_with(b"b\"") && !self.in_word()) {
                let open = rest.iter().position(|b| *b == b'"').unwrap_or(0) + 1;
                self.take_quoted(open, string_length(&rest[open..]), 1, rest[0] == b'b');
            } else if rest[0] == b'\'' {
                self.take(char_length(rest), Kind::Quoted);
            } else {
                self.take(1, Kind::Code);
            }
        }
    }

    fn at(&self) -> usize {
        self.kinds.len()
    }

    /// Whether what comes next continues a word: the `r` of `for"` starts no raw string.
    fn in_word(&self) -> bool {
        self.at().checked_sub(1).is_some_and(|last| is_word(self.text[last]))
    }

    fn take(&mut self, length: usize, kind: Kind) {
        let end = (self.at() + length.max(1)).min(self.text.len());
        self.kinds.resize(end, kind);
    }

    fn take_quoted(&mut self, open: usize, body: usize, close: usize, bytes: bool) {
        let line = 1 + self.text[..self.at()].iter().filter(|b| **b == b'\n').count();
        let start = self.at() + open;
        let text = String::from_utf8_lossy(&self.text[start..start + body]).into_owned();
        self.quoted.push(Quoted { line, text, bytes });
        self.take(open + body + close, Kind::Quoted);
    }
}

fn block_comment(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at
}

/// Length of the opening of `r"`, `br#"` and so on, and how many `#` it has.
fn raw_string_start(text: &[u8]) -> Option<(usize, usize)> {
    let prefix = text.strip_prefix(b"b").unwrap_or(text).strip_prefix(b"r")?;
    let hashes = prefix.iter().take_while(|b| **b == b'#').count();
    let quote = prefix.get(hashes) == Some(&b'"');
    quote.then(|| (text.len() - prefix.len() + hashes + 1, hashes))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Length of a string's body up to its closing quote.
fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// Length of a character in quotes, or 1 if the quote begins a lifetime.
fn char_length(text: &[u8]) -> usize {
    match text.get(1) {
        Some(b'\\') => find(&text[3.min(text.len())..], b"'").map_or(1, |end| end + 4),
        Some(_) => {
            // A character has at most four bytes; a lifetime is not closed by a quote.
            let close = text.iter().skip(2).take(4).position(|b| *b == b'\'');
            let lifetime = text.get(2) != Some(&b'\'') && text[1].is_ascii();
            close.filter(|_| !lifetime).map_or(1, |end| end + 3)
        }
        None => 1,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (at, text) in code.lines().enumerate() {
        let line = at + 1;
        let mut rest = text.trim_start();
        while let Some(first) = rest.bytes().next() {
            let length = if is_word(first) {
                rest.bytes().take_while(|b| is_word(*b)).count()
            } else if rest.starts_with("::") {
                2
            } else {
                1
            };
            tokens.push(Token { line, text: &rest[..length] });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The lines of items under `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let tokens = tokens(code);
    let texts: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let starts = (0..texts.len()).filter(|at| texts[*at..].starts_with(&attribute));
    starts.map(|at| tokens[at].line..tokens[item_end(&tokens, at + 7)].line + 1).collect()
}

/// Index of the token that ends the item at `start`: its closing brace, or a semicolon.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let (mut braces, mut brackets) = (0_i32, 0_i32);
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text {
            "{" => braces += 1,
            "}" if braces <= 1 => return at,
            "}" => braces -= 1,
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets -= 1,
            ";" if braces == 0 && brackets == 0 => return at,
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

fn functions(code: &str) -> Vec<Function> {
    let tokens = tokens(code);
    let starts = tokens.iter().enumerate().filter(|(_, token)| token.text == "fn");
    starts
        .filter_map(|(at, token)| {
            let name = tokens.get(at + 1)?.text;
            // `fn(u32) -> u32` is a type.
            name.bytes().next().is_some_and(is_word).then_some(())?;
            let lines = tokens[item_end(&tokens, at)].line - token.line + 1;
            Some(Function { line: token.line, name: name.to_owned(), lines })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> RustSource {
        RustSource::new(Path::new("src/some.rs"), text)
    }

    #[track_caller]
    fn check_code(text: &str, expected: &str) {
        let source = source(text);
        let words: Vec<&str> = source.all_tokens().into_iter().map(|token| token.text).collect();
        assert_eq!(words.join(" "), expected, "{text}");
    }

    #[test]
    fn comments_and_quoted_text_are_not_code() {
        check_code("a // b", "a");
        check_code("a /* b /* c */ d */ e", "a e");
        check_code("f(\"a // b\") + g", "f ( ) + g");
        check_code(r#"f("\" x") y"#, "f ( ) y");
        check_code("r#\"a \" b\"# c", "c");
        check_code("br\"a\" b\"x\" c", "c");
        check_code("'\"' a '\\'' b 'é' c '\\u{1f600}' d", "a b c d");
        check_code("fn f<'a>(x: &'a str) {}", "fn f < a > ( x : & a str ) { }");
        check_code("for\"x\"", "for");
        check_code("a::b", "a :: b");
        check_code("\"never closed", "");
        check_code("/* never closed", "");
        check_code("'", "");
    }

    #[test]
    fn quoted_text_keeps_its_line_and_kind() {
        let source = source("let a = \"one\";\nlet b = b\"two\";\nlet c = r\"three\";");
        let quoted: Vec<_> = source.quoted().map(|q| (q.line, q.text.as_str(), q.bytes)).collect();
        assert_eq!(quoted, [(1, "one", false), (2, "two", true), (3, "three", false)]);
    }

    #[test]
    fn test_modules_are_known() {
        let source =
            source("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { {} }\n}\nfn c() {}\n");
        let lines: Vec<usize> = (1..=6).filter(|line| source.is_test(*line)).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
        let words: Vec<_> = source.tokens().into_iter().map(|t| t.text).collect();
        assert!(!words.contains(&"b") && words.contains(&"c"));
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_ends_at_its_semicolon() {
        let source = source("#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(source.is_test(2) && !source.is_test(3));
    }

    #[test]
    fn files_in_test_folders_are_tests_as_a_whole() {
        for path in ["crates/a/tests/x.rs", "crates/a/examples/x.rs", "crates/a/src/b/tests.rs"] {
            assert!(RustSource::new(Path::new(path), "fn a() {}").is_test(1), "{path}");
        }
    }

    #[test]
    fn functions_are_measured() {
        let text =
            "fn a() -> [u8; 2] {\n    b\n}\ntrait T {\n    fn c(&self);\n}\ntype F = fn(u32);\n";
        let functions = source(text).functions().to_vec();
        let found: Vec<_> = functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(found, [("a", 1, 3), ("c", 5, 1)]);
    }
}
