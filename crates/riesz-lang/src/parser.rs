//! Tokens to expressions.
//!
//! Recursive descent over the grammar
//!
//! ```text
//! formula  = sum [ "where" name "=" sum { ";" name "=" sum } ]
//! sum      = product { ("+" | "-" | ".+" | ".-") product }
//! product  = sign { ("*" | "/" | "\" | ".*" | "./") sign }
//! sign     = ("-" | "+") sign | power
//! power    = post [ ("^" | ".^") ["-"] atom ] { "'" }
//! post     = atom { "'" }
//! atom     = number | name | call | "(" sum ")"
//! ```
//!
//! Only brackets recurse, and their depth is bounded: sums, products, signs and transposes of any
//! length are loops. Knows no names and no shapes. Declarations are read in [`declare`](crate::declare),
//! problem files in [`problem`](crate::problem).

use crate::ast::{Ast, BinaryOp, Definition, Expr, Formula, Ident, Node, NodeId, Parameter};
use crate::declare::is_kind;
use crate::diagnostic::{Diagnostic, Span};
use crate::lexer::{Token, lex};

/// How deep brackets may nest.
pub const MAX_DEPTH: usize = 200;
/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 1 << 30;

/// Reads a formula: an expression, and its where-definitions if it has any.
///
/// ```
/// let f = riesz_lang::parse_formula("h'*h where h = tanh(W*x)").unwrap();
/// assert_eq!(f.definitions[0].name.name, "h");
/// assert!(riesz_lang::parse_formula("x + ").is_err());
/// ```
///
/// # Errors
/// A [`Diagnostic`] with the place and what was expected there.
pub fn parse_formula(source: &str) -> Result<Formula, Diagnostic> {
    let mut p = Parser::new(source)?;
    p.tokens.retain(|t| t.0 != Token::Newline);
    let body = p.sum()?;
    let definitions = p.definitions()?;
    p.end("an operator or the end of the formula")?;
    Ok(Formula { ast: p.ast, body, definitions })
}

/// The reader of tokens; shared by formulas, declarations and problems.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    pub(crate) source: &'a str,
    /// The words that begin the sections of what is read, if it has any.
    pub(crate) sections: &'static [&'static str],
    pub(crate) tokens: Vec<(Token, Span)>,
    pub(crate) at: usize,
    pub(crate) ast: Ast,
    /// The lists of numbers in constraints.
    pub(crate) literals: Vec<Parameter>,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(source: &'a str) -> Result<Self, Diagnostic> {
        if source.len() > MAX_TEXT {
            let span = Span::new(0, 0);
            return Err(Diagnostic::new("the text is longer than 1 GiB", span));
        }
        Ok(Self {
            source,
            sections: &[],
            tokens: lex(source)?,
            at: 0,
            ast: Ast::default(),
            literals: Vec::new(),
            depth: 0,
        })
    }

    pub(crate) fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    pub(crate) fn peek_at(&self, ahead: usize) -> &Token {
        // The last token is `End`, and stays under the reader for ever.
        &self.tokens[(self.at + ahead).min(self.tokens.len() - 1)].0
    }

    pub(crate) fn span(&self) -> Span {
        self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    pub(crate) fn previous_span(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    pub(crate) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    pub(crate) fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Token::Op(o) if *o == op)
    }

    pub(crate) fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Token::Name(n) if n == name)
    }

    pub(crate) fn eat(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        if found {
            self.advance();
        }
        found
    }

    pub(crate) fn eat_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        if found {
            self.advance();
        }
        found
    }

    /// The token before the last one that was read.
    fn before_last(&self) -> Option<&Token> {
        self.at.checked_sub(2).map(|i| &self.tokens[i].0)
    }

    /// The error "expected …, found …" at the current token.
    pub(crate) fn expected(&self, what: &str) -> Diagnostic {
        let found = self.peek();
        let mut error =
            Diagnostic::new(format!("expected {what}, found {}", found.describe()), self.span())
                .note(format!("expected {what}"));
        let before = &self.tokens[self.at.saturating_sub(1)].0;
        match (before, found) {
            (_, Token::Name(word)) if other_word(word).is_some() => {
                error = error.help(other_word(word).unwrap_or_default());
            }
            (
                Token::Number(_) | Token::Op(")" | "'"),
                Token::Name(_) | Token::Number(_) | Token::Op("("),
            )
            | (Token::Name(_), Token::Name(_) | Token::Number(_)) => {
                error = error.help("products are written with *");
            }
            (Token::Name(word), Token::Op("["))
                if is_kind(word) && matches!(self.before_last(), Some(Token::Name(_))) =>
            {
                error = error.help(
                    "a declaration names one type: spd[2] S, or matrix[2,2] S spd with the fact \
                     behind the name",
                );
            }
            (Token::Name(_) | Token::Op(")" | "'"), Token::Op("[")) => {
                error = error.help(
                    "a formula has no indices: write an entry as dot(x, e) or u'*A*v with unit \
                     vectors; columns of a data file are chosen where a parameter is declared, \
                     X = \"data.csv\"[:, 0], counted from 0",
                );
            }
            (_, Token::Op("[")) => {
                error = error.help("numbers are given to a name: A = [[1,2],[3,4]]");
            }
            (Token::Op("]"), Token::Op(_)) if !self.sections.is_empty() => {
                error = error.help("numbers are given to a name: A = [[1,2],[3,4]]");
            }
            (_, Token::Op("=")) if !self.sections.is_empty() => {
                error = error.help("a comparison is written ==");
            }
            (_, Token::Op("<=" | ">=" | "==" | "=")) => {
                error = error.help(
                    "a formula has no comparisons, they are constraints of a problem; step(x) is 1 \
                     where x > 0",
                );
            }
            (Token::Op("*" | "/"), Token::Op("*" | "/")) => {
                error = error.help("a power is written ^ or, entrywise, .^");
            }
            _ => {}
        }
        error
    }

    /// Refuses a section that begins where the line before it goes on: behind an operator or a comma.
    pub(crate) fn goes_on(&self, what: &str) -> Result<(), Diagnostic> {
        let (Token::Name(word), Some(last)) = (self.peek(), self.at.checked_sub(1)) else {
            return Ok(());
        };
        let (Token::Op(op), before) = &self.tokens[last] else { return Ok(()) };
        let between = self.source.get(before.end..self.span().start).unwrap_or_default();
        let is_call = matches!(self.peek_at(1), Token::Op("("));
        if !self.sections.contains(&word.as_str()) || is_call || !between.contains('\n') {
            return Ok(());
        }
        // Names that are declared may be called so.
        if self.tokens[..last].iter().any(|(t, _)| t == self.peek()) {
            return Ok(());
        }
        Err(Diagnostic::new(format!("nothing follows `{op}`"), *before)
            .note(format!("expected {what} behind this"))
            .label(self.span(), format!("`{word}` begins here")))
    }

    pub(crate) fn expect(&mut self, op: &'static str, what: &str) -> Result<Span, Diagnostic> {
        let span = self.span();
        if self.eat(op) { Ok(span) } else { Err(self.expected(what)) }
    }

    pub(crate) fn ident(&mut self, what: &str) -> Result<Ident, Diagnostic> {
        let span = self.span();
        match self.peek() {
            Token::Name(n) => {
                let name = n.clone();
                self.advance();
                Ok(Ident { name, span })
            }
            _ => Err(self.expected(what)),
        }
    }

    /// The where-definitions of the sum before, if it has any; they are separated by `;` or lines.
    pub(crate) fn definitions(&mut self) -> Result<Vec<Definition>, Diagnostic> {
        let mut definitions: Vec<Definition> = Vec::new();
        if !self.eat_name("where") {
            return Ok(definitions);
        }
        loop {
            let name = self.ident("the name of a where-definition")?;
            if let Some(other) = definitions.iter().find(|d| d.name.name == name.name) {
                return Err(Diagnostic::new(
                    format!("`{}` is defined twice", name.name),
                    name.span,
                )
                .label(other.name.span, "first defined here"));
            }
            self.expect("=", "`=` after the name of a where-definition")?;
            let value = self.sum()?;
            definitions.push(Definition { name, value });
            let ended = self.is_op(";") || *self.peek() == Token::Newline;
            if !ended {
                return Ok(definitions);
            }
            let after = self.at;
            self.separators();
            let another =
                matches!(self.peek(), Token::Name(_)) && matches!(self.peek_at(1), Token::Op("="));
            if !another {
                if self.is_name("where") || matches!(self.peek(), Token::Op(_)) {
                    return Err(self.expected("the name of a where-definition"));
                }
                if *self.peek() != Token::End {
                    self.at = after;
                }
                return Ok(definitions);
            }
        }
    }

    pub(crate) fn end(&self, what: &str) -> Result<(), Diagnostic> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Op(")") => {
                Err(Diagnostic::new("this `)` closes nothing", self.span())
                    .note("no `(` is open here"))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// A sum, as an expression of its own.
    pub(crate) fn sum(&mut self) -> Result<Expr, Diagnostic> {
        let first = u32::try_from(self.ast.len()).unwrap_or(u32::MAX);
        let root = self.sum_node()?;
        Ok(Expr { first, root })
    }

    fn sum_node(&mut self) -> Result<NodeId, Diagnostic> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Token::Op("+") => BinaryOp::Add,
                Token::Op("-") => BinaryOp::Sub,
                Token::Op(".+") => BinaryOp::DotAdd,
                Token::Op(".-") => BinaryOp::DotSub,
                _ => return Ok(left),
            };
            self.advance();
            let right = self.product()?;
            left = self.binary(op, left, right);
        }
    }

    fn product(&mut self) -> Result<NodeId, Diagnostic> {
        let mut left = self.sign()?;
        loop {
            let op = match self.peek() {
                Token::Op("*") => BinaryOp::Mul,
                Token::Op("/") => BinaryOp::Div,
                Token::Op("\\") => BinaryOp::Solve,
                Token::Op(".*") => BinaryOp::DotMul,
                Token::Op("./") => BinaryOp::DotDiv,
                _ => return Ok(left),
            };
            self.advance();
            let right = self.sign()?;
            left = self.binary(op, left, right);
        }
    }

    fn binary(&mut self, op: BinaryOp, left: NodeId, right: NodeId) -> NodeId {
        let span = self.ast.span(left).to(self.ast.span(right));
        self.ast.push(Node::Binary(op, left, right), span)
    }

    /// Signs in front of a power. Two minuses cancel, so any number of them is one node at most.
    fn sign(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.span();
        let mut negative = false;
        while let Token::Op(op @ ("-" | "+")) = self.peek() {
            negative ^= *op == "-";
            self.advance();
        }
        let inner = self.power()?;
        if !negative {
            return Ok(inner);
        }
        let span = start.to(self.ast.span(inner));
        Ok(self.ast.push(Node::Neg(inner), span))
    }

    fn power(&mut self) -> Result<NodeId, Diagnostic> {
        let base = self.atom()?;
        let base = self.transposes(base);
        let op = match self.peek() {
            Token::Op("^") => BinaryOp::Pow,
            Token::Op(".^") => BinaryOp::DotPow,
            _ => return Ok(base),
        };
        self.advance();
        let start = self.span();
        let negative = self.eat("-");
        let mut exponent = self.atom()?;
        if negative {
            let span = start.to(self.ast.span(exponent));
            exponent = self.ast.push(Node::Neg(exponent), span);
        }
        let power = self.binary(op, base, exponent);
        let power = self.transposes(power);
        if self.is_op("^") || self.is_op(".^") {
            return Err(Diagnostic::new("a power of a power needs parentheses", self.span())
                .note("second `^`")
                .help("write (a^b)^c or a^(b^c)"));
        }
        Ok(power)
    }

    fn transposes(&mut self, node: NodeId) -> NodeId {
        let (mut odd, mut span) = (false, self.ast.span(node));
        while self.is_op("'") {
            odd = !odd;
            span = span.to(self.span());
            self.advance();
        }
        if odd { self.ast.push(Node::Transpose(node), span) } else { node }
    }

    fn atom(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.span();
        match self.peek().clone() {
            Token::Number(x) => {
                self.advance();
                Ok(self.ast.push(Node::Number(x), start))
            }
            Token::Name(name) => {
                if name == "where" {
                    return Err(self.expected("a number, a name or `(`"));
                }
                self.goes_on("a number, a name or `(`")?;
                self.advance();
                if self.is_op("(") { self.call(name, start) } else { Ok(self.name(name, start)) }
            }
            Token::Op("(") => {
                self.enter()?;
                self.advance();
                let inner = self.sum_node()?;
                let close = self.close(start, "an operator or `)`")?;
                self.ast.widen(inner, start.to(close));
                Ok(inner)
            }
            _ => Err(self.expected("a number, a name or `(`")),
        }
    }

    fn name(&mut self, name: String, span: Span) -> NodeId {
        self.ast.push(Node::Name(name), span)
    }

    fn call(&mut self, name: String, start: Span) -> Result<NodeId, Diagnostic> {
        self.enter()?;
        let open = self.span();
        self.advance();
        if self.is_op(")") {
            return Err(self.expected(&format!("an argument of {name}")));
        }
        let mut args = vec![self.sum_node()?];
        while self.eat(",") {
            args.push(self.sum_node()?);
        }
        let close = self.close(open, "an operator, `,` or `)`")?;
        Ok(self.ast.push(Node::Call(name, args), start.to(close)))
    }

    fn enter(&mut self) -> Result<(), Diagnostic> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("brackets nest more than {MAX_DEPTH} deep");
        Err(Diagnostic::new(message, self.span())
            .note("one too many")
            .help("name inner parts with `where`"))
    }

    fn close(&mut self, open: Span, what: &str) -> Result<Span, Diagnostic> {
        let span = self.span();
        if self.eat(")") {
            self.depth -= 1;
            return Ok(span);
        }
        Err(self.expected(what).label(open, "opened here"))
    }
}

/// Words by which other languages call a part of a problem, and what to write instead.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("minimize", "write min"),
    ("minimise", "write min"),
    ("maximize", "write max"),
    ("maximise", "write max"),
    ("subject", "constraints follow the word st"),
    ("such", "constraints follow the word st"),
    ("constraints", "constraints follow the word st"),
    ("constraint", "constraints follow the word st"),
    ("variable", "write variables"),
    ("var", "write variables"),
    ("vars", "write variables"),
    ("parameter", "write parameters"),
    ("param", "write parameters"),
    ("params", "write parameters"),
    ("data", "write parameters"),
    ("initial", "start values follow the word start"),
    ("init", "start values follow the word start"),
    ("options", "options follow the word solve"),
    ("solver", "options follow the word solve"),
];

/// What to write instead of a word of other languages.
pub(crate) fn other_word(word: &str) -> Option<&'static str> {
    OTHER_WORDS.iter().find(|(w, _)| word.eq_ignore_ascii_case(w)).map(|(_, help)| *help)
}

/// The same of a word that is nearly one of them.
pub(crate) fn nearly_other_word(word: &str) -> Option<&'static str> {
    riesz_core::suggestion(word, OTHER_WORDS.iter().map(|(w, _)| *w)).and_then(other_word)
}
