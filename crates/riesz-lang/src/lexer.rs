//! Text to tokens.
//!
//! Keeps true: every token has its byte span, and the last token is [`Token::End`]. Newlines are
//! tokens only where a statement can end: not inside brackets, not after an operator, not before
//! an operator that cannot begin a statement. Does not know any keyword.

use crate::diagnostic::{Diagnostic, Span};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// `12`, `0.5`, `.5`, `1e-3`.
    Number(f64),
    /// A name or a keyword.
    Name(String),
    /// Text in double quotes.
    Text(String),
    /// An operator or a bracket, in its ASCII spelling.
    Op(&'static str),
    /// The end of a line that may end a statement.
    Newline,
    /// The end of the text.
    End,
}

impl Token {
    /// How an error message calls it.
    pub fn describe(&self) -> String {
        match self {
            Self::Number(x) => format!("the number {x}"),
            Self::Name(n) => format!("`{n}`"),
            Self::Text(t) => format!("\"{t}\""),
            Self::Op(o) => format!("`{o}`"),
            Self::Newline => "the end of the line".into(),
            Self::End => "the end".into(),
        }
    }
}

/// Operators, longest first, with the spelling they stand for.
const OPERATORS: &[(&str, &str)] = &[
    ("==", "=="),
    ("<=", "<="),
    (">=", ">="),
    (".*", ".*"),
    ("./", "./"),
    (".+", ".+"),
    (".-", ".-"),
    (".^", ".^"),
    ("⊙", ".*"),
    ("⊘", "./"),
    ("·", "*"),
    ("ᵀ", "'"),
    ("−", "-"),
    ("≤", "<="),
    ("≥", ">="),
    ("+", "+"),
    ("-", "-"),
    ("*", "*"),
    ("/", "/"),
    ("\\", "\\"),
    ("^", "^"),
    ("'", "'"),
    ("(", "("),
    (")", ")"),
    ("[", "["),
    ("]", "]"),
    (",", ","),
    (";", ";"),
    // Over the reals a strict bound has the same minimum, or none.
    ("<", "<="),
    (">", ">="),
    ("=", "="),
    (":", ":"),
];

/// Operators after which a line goes on.
const OPEN: &[&str] =
    &["==", "<=", ">=", ".*", "./", ".+", ".-", ".^", "+", "-", "*", "/", "\\", "^", ",", "="];
/// Operators that cannot begin a statement, so the line before goes on.
const CONTINUE: &[&str] =
    &["==", "<=", ">=", ".*", "./", ".+", ".-", ".^", "*", "/", "\\", "^", ",", "=", ")", "]"];

/// The tokens of `source`.
///
/// # Errors
/// A character that begins no token, a number that is too large, or a quote without its partner.
pub fn lex(source: &str) -> Result<Vec<(Token, Span)>, Diagnostic> {
    let mut tokens: Vec<(Token, Span)> = Vec::new();
    let (mut at, mut depth) = (0, 0usize);
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        if c == '\n' || c == '\r' {
            if c == '\n' {
                newline(&mut tokens, depth, at);
            }
            at += 1;
        } else if c.is_whitespace() || c == '\u{feff}' {
            at += c.len_utf8();
        } else if c == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(len) = number(rest) {
            let span = Span::new(at, at + len);
            let value = rest[..len].parse::<f64>().ok().filter(|x| x.is_finite());
            let value = value.ok_or_else(|| {
                Diagnostic::new("this number is too large for a 64-bit float", span)
            })?;
            tokens.push((Token::Number(value), span));
            at += len;
        } else if let Some((value, len)) = superscript(rest) {
            let span = Span::new(at, at + len);
            tokens.push((Token::Op("^"), span));
            if value < 0.0 {
                tokens.push((Token::Op("-"), span));
            }
            tokens.push((Token::Number(value.abs()), span));
            at += len;
        } else if name_char(c) && !c.is_numeric() && c != '_' {
            let len = rest.find(|c| !name_char(c)).unwrap_or(rest.len());
            tokens.push((Token::Name(rest[..len].to_owned()), Span::new(at, at + len)));
            at += len;
        } else if c == '"' {
            let line = rest[1..].find(['"', '\n']).filter(|&i| rest[1 + i..].starts_with('"'));
            let Some(len) = line else {
                return Err(Diagnostic::new("the quote is never closed", Span::new(at, at + 1))
                    .note("opened here")
                    .help("end the file or column name with \" on the same line"));
            };
            tokens.push((Token::Text(rest[1..=len].to_owned()), Span::new(at, at + len + 2)));
            at += len + 2;
        } else if let Some(&(text, op)) = OPERATORS.iter().find(|(t, _)| rest.starts_with(t)) {
            match op {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if CONTINUE.contains(&op) && tokens.last().is_some_and(|t| t.0 == Token::Newline) {
                tokens.pop();
            }
            tokens.push((Token::Op(op), Span::new(at, at + text.len())));
            at += text.len();
        } else {
            let subject_to = matches!(tokens.last(), Some((Token::Name(s), _)) if s == "s");
            if subject_to && rest.starts_with(".t") {
                return Err(Diagnostic::new("`s.t.` is written st", Span::new(at - 1, at + 2)));
            }
            return Err(unknown(c, rest, Span::new(at, at + c.len_utf8())));
        }
    }
    newline(&mut tokens, 0, at);
    tokens.push((Token::End, Span::new(source.trim_end().len(), source.len())));
    Ok(tokens)
}

/// Pushes a newline where a statement can end.
fn newline(tokens: &mut Vec<(Token, Span)>, depth: usize, at: usize) {
    let ends = match tokens.last() {
        None | Some((Token::Newline | Token::End, _)) => false,
        Some((Token::Op(op), _)) => !OPEN.contains(op),
        Some(_) => true,
    };
    if ends && depth == 0 {
        tokens.push((Token::Newline, Span::new(at, at)));
    }
}

fn name_char(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !matches!(c, 'ᵀ' | 'ⁿ') && digit_above(c).is_none()
}

/// The digit that a superscript is.
fn digit_above(c: char) -> Option<u32> {
    "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|d| d == c).map(|d| d as u32)
}

/// The exponent written above the line at the start of `text` (`²`, `⁻¹`, `¹⁰`), and its length:
/// `a²` is `a^2`.
fn superscript(text: &str) -> Option<(f64, usize)> {
    let digits = text.strip_prefix('⁻').unwrap_or(text);
    let end = digits.find(|c| digit_above(c).is_none()).unwrap_or(digits.len());
    let value = digits[..end].chars().filter_map(digit_above);
    let value = value.fold(0.0, |value, digit| 10.0 * value + f64::from(digit));
    let sign = if digits.len() < text.len() { -1.0 } else { 1.0 };
    (end > 0 && value.is_finite()).then_some((sign * value, text.len() - digits.len() + end))
}

/// The length of a number at the start of `text`. A dot followed by `* / ^ + -` belongs to the
/// operator: `2.*x` is `2 .* x`.
fn number(text: &str) -> Option<usize> {
    let b = text.as_bytes();
    let digits = |from: usize| from + b[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut end = digits(0);
    if b.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        let operator = b.get(end + 1).is_some_and(|c| b"*/^+-".contains(c));
        if fraction > end + 1 || (end > 0 && !operator) {
            end = fraction;
        }
    }
    if end == 0 {
        return None;
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    Some(end)
}

/// A character that begins no token; `rest` is the text from there.
fn unknown(c: char, rest: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::new(format!("`{c}` is not part of the language"), span);
    let name = rest[c.len_utf8()..].split(|c| !name_char(c)).next().unwrap_or_default();
    match c {
        '‖' => error.help("write norm2(x) or norm1(x)"),
        '×' => error.help("write * for the product, .* for the entrywise product"),
        '|' => error.help("write abs(x) or norm2(x)"),
        '∑' => error.help("write sum(x)"),
        '√' => error.help("write sqrt(x)"),
        '@' => error.help("the product of matrices and vectors is written A*x"),
        'ⁿ' => error.help("write ^n or .^n"),
        '{' | '}' => error.help("group with ( and )"),
        '.' if name == "T" => error.help("the transpose is written x'"),
        '.' if !name.is_empty() => error.help(format!("functions are written {name}(x)")),
        '.' => error.help("the entrywise operators are .* ./ .^ .+ .-"),
        _ => error,
    }
}
