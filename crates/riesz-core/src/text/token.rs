//! The words of the text form, each with its place.

use crate::error::{Error, ErrorKind, Result, Source};

/// One word of the text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Token<'a> {
    /// The name of a primitive, an attribute or an element type.
    Name(&'a str),
    /// A value: what follows `%`.
    Value(&'a str),
    /// A number as written, its sign included; also `-inf`.
    Number(&'a str),
    /// One of `( ) [ ] { } , : =`.
    Sign(char),
    /// The end of the text.
    End,
}

impl Token<'_> {
    /// As a person names it in a message.
    pub fn show(self) -> String {
        match self {
            Token::Name(word) | Token::Number(word) => format!("`{word}`"),
            Token::Value(name) => format!("`%{name}`"),
            Token::Sign(c) => format!("`{c}`"),
            Token::End => "the end of the text".to_string(),
        }
    }
}

/// Reads the words of a text one after the other.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    line: u32,
    column: u32,
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Tokens<'a> {
        Tokens { rest: text, line: 1, column: 1 }
    }

    /// The next word and its place.
    pub fn next(&mut self) -> Result<(Token<'a>, Source)> {
        self.skip_space();
        let place = Source::Program { line: self.line, column: self.column };
        let Some(c) = self.rest.chars().next() else { return Ok((Token::End, place)) };
        let token = match c {
            '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | '=' => {
                self.take(1);
                Token::Sign(c)
            }
            '%' => {
                let n = 1 + word_length(&self.rest[1..]);
                match &self.take(n)[1..] {
                    "" => return Err(syntax("a value needs a name after `%`", place)),
                    name => Token::Value(name),
                }
            }
            '-' | '+' | '0'..='9' | '.' => Token::Number(self.take(number_length(self.rest))),
            c if in_word(c) => Token::Name(self.take(word_length(self.rest))),
            c => return Err(syntax(format!("the character {c:?} has no meaning here"), place)),
        };
        Ok((token, place))
    }

    fn skip_space(&mut self) {
        loop {
            let space = self.rest.len() - self.rest.trim_start().len();
            let comment = match self.rest[space..].starts_with('#') {
                true => self.rest[space..].find('\n').unwrap_or(self.rest.len() - space),
                false => 0,
            };
            if space + comment == 0 {
                return;
            }
            self.take(space + comment);
        }
    }

    /// Moves on by `n` bytes, keeping count of lines and columns.
    fn take(&mut self, n: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(n);
        for c in taken.chars() {
            match c {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                _ => self.column += 1,
            }
        }
        self.rest = rest;
        taken
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c| !in_word(c)).unwrap_or(text.len())
}

/// A sign, then letters, digits and points, with a sign after an `e`: 0x1f, -1.5e-7, +inf.
fn number_length(text: &str) -> usize {
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let sign = matches!(c, '-' | '+') && (i == 0 || matches!(before, 'e' | 'E'));
        if !sign && !in_word(c) && c != '.' {
            return i;
        }
        before = c;
    }
    text.len()
}

/// A mistake in the writing.
pub(super) fn syntax(message: impl Into<String>, place: Source) -> Error {
    Error::new(ErrorKind::Syntax, message).at("", place)
}
