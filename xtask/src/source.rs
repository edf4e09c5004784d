//! Rust source with its comments and literals told apart from its code.
//!
//! A scanner, not a parser: it knows strings (also raw, byte and C strings), characters against
//! lifetimes, and nested block comments, which is all that the rules of `tidy` need.

/// One line of a source file.
pub struct Line {
    /// The code alone: literals are emptied to `""`, comments are gone.
    pub code: String,
    /// The text of the line's comments, doc comments included.
    pub comment: String,
}

/// What the scanner stands in.
enum State {
    Code,
    LineComment,
    BlockComment { depth: u32 },
    Text,
    RawText { hashes: usize },
}

/// Splits a file into lines of code and comment.
pub fn scan(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\n');
    let mut lines = Vec::new();
    let mut line = Line { code: String::new(), comment: String::new() };
    let mut state = State::Code;
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(line);
            line = Line { code: String::new(), comment: String::new() };
            i += 1;
            continue;
        }
        let mut used = 1;
        match &mut state {
            State::LineComment => line.comment.push(c),
            State::BlockComment { depth } => {
                line.comment.push(c);
                if (c, at(i + 1)) == ('/', '*') {
                    *depth += 1;
                    used = 2;
                } else if (c, at(i + 1)) == ('*', '/') {
                    *depth -= 1;
                    used = 2;
                    if *depth == 0 {
                        state = State::Code;
                    }
                }
            }
            // A line break after the backslash still has to end the line.
            State::Text if c == '\\' && at(i + 1) != '\n' => used = 2,
            State::Text if c == '"' => {
                line.code.push(c);
                state = State::Code;
            }
            State::RawText { hashes } => {
                if c == '"' && (1..=*hashes).all(|k| at(i + k) == '#') {
                    used = 1 + *hashes;
                    line.code.push(c);
                    state = State::Code;
                }
            }
            State::Text => {}
            State::Code => match (c, at(i + 1)) {
                ('/', '/') => {
                    line.comment.push_str("//");
                    used = 2;
                    state = State::LineComment;
                }
                ('/', '*') => {
                    line.comment.push_str("/*");
                    used = 2;
                    state = State::BlockComment { depth: 1 };
                }
                ('"', _) => {
                    line.code.push(c);
                    state = State::Text;
                }
                ('r', '"' | '#') if raw_prefix(&line.code) => {
                    let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
                    if at(i + 1 + hashes) == '"' {
                        line.code.push('"');
                        used = 2 + hashes;
                        state = State::RawText { hashes };
                    } else {
                        line.code.push(c); // a raw identifier, r#type
                    }
                }
                ('\'', next) => {
                    used = character_length(next, &chars[i..]).unwrap_or(1);
                    line.code.push(c);
                }
                _ => line.code.push(c),
            },
        }
        i += used;
    }
    if !line.code.is_empty() || !line.comment.is_empty() {
        lines.push(line);
    }
    lines
}

/// Whether an `r` after this code can begin a raw string, alone or after the `b` or `c` of `br"…"`.
fn raw_prefix(code: &str) -> bool {
    let before = code.strip_suffix(['b', 'c']).unwrap_or(code);
    !code.ends_with(is_word) || !before.ends_with(is_word) && before.len() < code.len()
}

/// The length of a character literal that begins at `'`; `None` if it is a lifetime.
fn character_length(next: char, chars: &[char]) -> Option<usize> {
    if next != '\\' {
        return (chars.get(2) == Some(&'\'')).then_some(3);
    }
    // '\n', '\'', '\x7f', '\u{1F600}': the closing quote is the first one after the escaped sign.
    chars.iter().skip(3).position(|c| *c == '\'').map(|k| k + 4)
}

/// Whether a character can stand in an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The places where `word` stands as a whole identifier in a line of code.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .filter(move |(i, _)| {
            !code[..*i].ends_with(is_word) && !code[i + word.len()..].starts_with(is_word)
        })
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::{scan, words};

    fn code(text: &str) -> String {
        scan(text).into_iter().map(|line| line.code + "\n").collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(code("a // b\nc"), "a \nc\n");
        assert_eq!(code("a /* b /* c */ d\n e */ f"), "a \n f\n");
        assert_eq!(code(r#"f("a \" // b", x)"#), "f(\"\", x)\n");
        assert_eq!(code("f(\"a \\\n b\") g"), "f(\"\n\") g\n");
        assert_eq!(code("f(r#\"a \" b\"#, br\"\\\", b\"x\")"), "f(\"\", b\"\", b\"\")\n");
        assert_eq!(code("for r in bar\"\""), "for r in bar\"\"\n");
    }

    #[test]
    fn characters_are_told_from_lifetimes() {
        assert_eq!(code("m('\"', '\\'', '\\u{22}') // x"), "m(', ', ') \n");
        assert_eq!(code("fn f<'a>(x: &'a str) // x"), "fn f<'a>(x: &'a str) \n");
        assert_eq!(code("let r#type = 1;"), "let r#type = 1;\n");
    }

    #[test]
    fn comments_keep_their_text() {
        let lines = scan("/// # Safety\nunsafe fn f() {} // SAFETY: x\n");
        assert_eq!(lines[0].comment, "/// # Safety");
        assert_eq!(lines[1].comment, "// SAFETY: x");
    }

    #[test]
    fn whole_words_only() {
        assert_eq!(
            words("unsafe_code unsafe x_unsafe (unsafe)", "unsafe").collect::<Vec<_>>(),
            [12, 29]
        );
    }
}
