//! Declarations (`x: vector[n]; matrix[m,n] A positive`) and values (`x=[1,2]; A=[[1,2],[3,4]]`).
//!
//! A declaration is `name : type [facts]` or `type name {, name} [facts]`. Types are `scalar`,
//! `vector[n]`, `matrix[m,n]` and the square ones `symmetric[n] spd[n] psd[n] diagonal[n]
//! orthogonal[n] posdet[n]`; sizes may be left out. Facts are the square type names and
//! `positive`, `in[lo,hi]`, `sparse`. Types may be capitalised, as in GENO. Declarations are separated
//! by `;`, by line breaks, or by nothing where a type begins the next one.

use crate::ast::{Assignment, Declaration, Facts, Ident, Kind, Literal, Size};
use crate::diagnostic::{Diagnostic, Span};
use crate::lexer::Token;
use crate::parser::{Parser, nearly_other_word, other_word};

/// Names with a meaning of their own, which no variable may take.
pub(crate) const RESERVED: &[&str] = &["eye", "where"];

const TYPES: &str = "scalar, vector, matrix, symmetric, spd, psd, diagonal, orthogonal or posdet";
const FACTS: &str = "positive, in[lo,hi], sparse, symmetric, spd, psd, diagonal or orthogonal";

/// Reads declarations separated by `;` or newlines.
///
/// ```
/// let d = riesz_lang::parse_declarations("A: spd[n]; vector[n] x, y positive").unwrap();
/// assert_eq!(d.len(), 3);
/// assert!(d[0].facts.spd && d[2].facts.positive);
/// ```
///
/// # Errors
/// A [`Diagnostic`] with the place and what was expected there; a name declared twice.
pub fn parse_declarations(source: &str) -> Result<Vec<Declaration>, Diagnostic> {
    let mut p = Parser::new(source)?;
    let mut all = Vec::new();
    loop {
        p.separators();
        if *p.peek() == Token::End {
            return Ok(all);
        }
        for declaration in p.declaration()? {
            push_unique(&mut all, declaration)?;
        }
        p.declaration_end("`;` or the end of the declaration")?;
    }
}

/// Reads values separated by `;` or newlines.
///
/// ```
/// let v = riesz_lang::parse_assignments("x=[1,-2]; A=[[1,2],[3,4]]; c = 0.5").unwrap();
/// assert_eq!((v[1].value.rows, v[1].value.cols), (2, 2));
/// ```
///
/// # Errors
/// A [`Diagnostic`] with the place and what was expected there; ragged rows; a name given twice.
pub fn parse_assignments(source: &str) -> Result<Vec<Assignment>, Diagnostic> {
    let mut p = Parser::new(source)?;
    let mut all: Vec<Assignment> = Vec::new();
    loop {
        p.separators();
        if *p.peek() == Token::End {
            return Ok(all);
        }
        let name = p.ident("a name")?;
        if let Some(other) = all.iter().find(|a| a.name.name == name.name) {
            return Err(Diagnostic::new(format!("`{}` is given twice", name.name), name.span)
                .note("given again here")
                .label(other.name.span, "first given here"));
        }
        let example = |e: Diagnostic, name: &Ident| {
            e.help(format!(
                "write {0}=2, {0}=[1,2] or {0}=[[1,2],[3,4]], and `;` before another name",
                name.name
            ))
        };
        p.expect("=", "`=`").map_err(|e| example(e, &name))?;
        if p.is_op("(") {
            return Err(example(p.expected("a number or `[`"), &name));
        }
        let value = p.literal()?;
        p.statement_end("`;` or the end of the value").map_err(|e| example(e, &name))?;
        all.push(Assignment { name, value });
    }
}

/// Adds a declaration unless its name is taken.
pub(crate) fn push_unique(all: &mut Vec<Declaration>, new: Declaration) -> Result<(), Diagnostic> {
    if let Some(other) = all.iter().find(|d| d.name.name == new.name.name) {
        let message = format!("`{}` is declared twice", new.name.name);
        return Err(
            Diagnostic::new(message, new.name.span).label(other.name.span, "first declared here")
        );
    }
    all.push(new);
    Ok(())
}

impl Parser<'_> {
    pub(crate) fn separators(&mut self) {
        while *self.peek() == Token::Newline || self.is_op(";") {
            self.advance();
        }
    }

    pub(crate) fn statement_end(&self, what: &str) -> Result<(), Diagnostic> {
        match self.peek() {
            Token::Newline | Token::End | Token::Op(";") => Ok(()),
            _ => self.end(what),
        }
    }

    /// The end of a declaration: the next one may follow on the same line.
    pub(crate) fn declaration_end(&self, what: &str) -> Result<(), Diagnostic> {
        match self.peek() {
            Token::Name(word) if is_kind(word) => Ok(()),
            _ => self.statement_end(what),
        }
    }

    /// One declaration, which may name several variables.
    pub(crate) fn declaration(&mut self) -> Result<Vec<Declaration>, Diagnostic> {
        let mut names = Vec::new();
        let template = if matches!(self.peek_at(1), Token::Op(":")) {
            names.push(self.variable()?);
            self.advance();
            self.declared_type()?
        } else {
            let template = self.declared_type()?;
            names.push(self.variable()?);
            while self.eat(",") {
                names.push(self.variable()?);
            }
            template
        };
        let template = self.facts(template)?;
        Ok(names.into_iter().map(|name| Declaration { name, ..template.clone() }).collect())
    }

    fn variable(&mut self) -> Result<Ident, Diagnostic> {
        self.goes_on("the name of a variable")?;
        let name = self.ident("the name of a variable")?;
        if RESERVED.contains(&name.name.as_str()) {
            let message = format!("`{}` has a meaning of its own", name.name);
            return Err(Diagnostic::new(message, name.span).help("choose another name"));
        }
        Ok(name)
    }

    fn declared_type(&mut self) -> Result<Declaration, Diagnostic> {
        let name = self.ident(&format!("a type ({TYPES})"))?;
        let mut facts = Facts::default();
        let word = name.name.to_lowercase();
        let (kind, square) = match word.as_str() {
            "scalar" => (Kind::Scalar, false),
            "vector" => (Kind::Vector, false),
            "matrix" => (Kind::Matrix, false),
            _ if square_fact(&mut facts, &word) => (Kind::Matrix, true),
            _ => {
                let message = format!("`{}` is not a type", name.name);
                let mut other = other_word(&word).or(other_type(&word));
                if !self.sections.is_empty() {
                    other = other.or(nearly_other_word(&word));
                }
                return Err(Diagnostic::new(message, name.span)
                    .note(format!("expected {TYPES}"))
                    .help(match (other, self.peek()) {
                        (Some(help), _) => help.to_owned(),
                        (None, Token::Op("=")) => format!("write `scalar {} = …`", name.name),
                        _ => "write `x: vector[n]` or `vector[n] x`".to_owned(),
                    })
                    .suggest(&word, words(TYPES).chain(self.sections.iter().copied())));
            }
        };
        let (mut sizes, open) = (Vec::new(), self.span());
        if self.eat("[") {
            sizes.push(self.size()?);
            while self.eat(",") {
                sizes.push(self.size()?);
            }
            self.expect("]", "`,` or `]`")?;
        }
        if self.is_op("(") {
            return Err(self.expected("`[` or the end of the type").help(match kind {
                Kind::Matrix => "sizes stand in square brackets, as in matrix[2,3]",
                _ => "a size stands in square brackets, as in vector[3]",
            }));
        }
        let span = open.to(self.previous_span());
        let want = match kind {
            Kind::Scalar => 0,
            Kind::Vector | Kind::Row => 1,
            Kind::Matrix => 2 - usize::from(square),
        };
        let doubled = square && sizes.len() == 2 && sizes[0] == sizes[1];
        if doubled {
            sizes.pop();
        }
        if !sizes.is_empty() && sizes.len() != want {
            let message = format!("a {word} has {want} size{}", if want == 1 { "" } else { "s" });
            return Err(Diagnostic::new(message, span).note(format!("{} given", sizes.len())));
        }
        Ok(Declaration { name, kind, sizes, square, facts })
    }

    fn size(&mut self) -> Result<Size, Diagnostic> {
        let size = match self.peek().clone() {
            Token::Name(n) => Size::Named(n),
            Token::Number(x) if x.fract() == 0.0 && (1.0..=1e9).contains(&x) => {
                Size::Fixed(x as usize)
            }
            Token::Number(_) => {
                return Err(Diagnostic::new("a size is a whole number from 1 up", self.span()));
            }
            _ => return Err(self.expected("a size (a name or a number)")),
        };
        self.advance();
        Ok(size)
    }

    fn facts(&mut self, mut d: Declaration) -> Result<Declaration, Diagnostic> {
        while let Token::Name(word) = self.peek().clone() {
            if is_kind(&word) {
                break;
            }
            let span = self.span();
            self.advance();
            let word = word.to_lowercase();
            match word.as_str() {
                "positive" => d.facts.positive = true,
                "sparse" => d.facts.sparse = true,
                "in" => d.facts.range = Some(self.interval()?),
                _ if square_fact(&mut d.facts, &word) => {
                    if d.kind != Kind::Matrix || (d.sizes.len() == 2 && d.sizes[0] != d.sizes[1]) {
                        let message = format!("only a square matrix can be {word}");
                        return Err(Diagnostic::new(message, span));
                    }
                    d.square = true;
                    d.sizes.truncate(1);
                }
                _ => {
                    let message = format!("`{word}` is not a fact");
                    return Err(Diagnostic::new(message, span)
                        .note(format!("expected {FACTS}"))
                        .suggest(&word, words(FACTS)));
                }
            }
        }
        if let Some((lo, _)) = d.facts.range {
            d.facts.positive |= lo > 0.0;
        }
        Ok(d)
    }

    fn interval(&mut self) -> Result<(f64, f64), Diagnostic> {
        let open = self.expect("[", "`[lo,hi]`")?;
        let lo = self.signed_number()?;
        self.expect(",", "`,`")?;
        let hi = self.signed_number()?;
        let close = self.expect("]", "`]`")?;
        if lo > hi {
            let message = format!("the interval [{lo},{hi}] is empty");
            return Err(Diagnostic::new(message, open.to(close)));
        }
        Ok((lo, hi))
    }

    pub(crate) fn signed_number(&mut self) -> Result<f64, Diagnostic> {
        let mut negative = false;
        while let Token::Op(op @ ("-" | "+")) = self.peek() {
            negative ^= *op == "-";
            self.advance();
        }
        match *self.peek() {
            Token::Number(x) => {
                self.advance();
                Ok(if negative { -x } else { x })
            }
            Token::Text(_) => Err(self
                .expected("a number")
                .help("numbers are written out here; a file is read by --data NAME=FILE")),
            _ => Err(self.expected("a number")),
        }
    }

    /// `2`, `[1,2]` or `[[1,2],[3,4]]`.
    pub(crate) fn literal(&mut self) -> Result<Literal, Diagnostic> {
        let start = self.span();
        if !self.is_op("[") {
            let data = vec![self.signed_number()?];
            let span = start.to(self.previous_span());
            return Ok(Literal { kind: Kind::Scalar, rows: 1, cols: 1, data, span });
        }
        if !matches!(self.peek_at(1), Token::Op("[")) {
            let data = self.number_list()?;
            let span = start.to(self.previous_span());
            return Ok(Literal { kind: Kind::Vector, rows: data.len(), cols: 1, data, span });
        }
        self.advance();
        let mut data = self.number_list()?;
        let (mut rows, cols) = (1, data.len());
        while self.eat(",") {
            let row_start = self.span();
            let row = self.number_list()?;
            if row.len() != cols {
                let message =
                    format!("row {} has {} numbers, row 1 has {cols}", rows + 1, row.len());
                return Err(Diagnostic::new(message, row_start.to(self.previous_span()))
                    .note("every row needs the same length"));
            }
            data.extend(row);
            rows += 1;
        }
        self.expect("]", "`,` or `]`")?;
        let span = start.to(self.previous_span());
        Ok(Literal { kind: Kind::Matrix, rows, cols, data, span })
    }

    fn number_list(&mut self) -> Result<Vec<f64>, Diagnostic> {
        let open = self.expect("[", "`[`")?;
        if self.is_op("]") {
            let span: Span = open.to(self.span());
            return Err(Diagnostic::new("an empty list has no shape", span)
                .note("expected at least one number"));
        }
        let mut data = vec![self.signed_number()?];
        while self.eat(",") {
            data.push(self.signed_number()?);
        }
        match self.peek() {
            Token::Op(";") => {
                return Err(self.expected("`,` or `]`").help("rows are written [[1,2],[3,4]]"));
            }
            Token::Number(_) => {
                return Err(self.expected("`,` or `]`").help("numbers are separated by commas"));
            }
            _ => {}
        }
        self.expect("]", "`,` or `]`")?;
        Ok(data)
    }
}

/// What to write instead of a type of other languages.
fn other_type(word: &str) -> Option<&'static str> {
    match word {
        "vec" | "array" | "list" | "column" => Some("write vector[n]"),
        "mat" | "tensor" => Some("write matrix[m,n]"),
        "real" | "float" | "double" | "number" | "int" | "integer" => Some("write scalar"),
        _ => None,
    }
}

/// The words of a list in prose.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ' ', '[']).filter(|w| !matches!(*w, "" | "or" | "lo" | "hi]"))
}

/// Whether a word can only be a type, and so begins a declaration.
pub(crate) fn is_kind(word: &str) -> bool {
    ["scalar", "vector", "matrix"].iter().any(|kind| word.eq_ignore_ascii_case(kind))
}

/// Sets the fact a square type name states; false if the word is no such name.
fn square_fact(facts: &mut Facts, word: &str) -> bool {
    match word {
        "symmetric" => facts.symmetric = true,
        "psd" => (facts.symmetric, facts.psd) = (true, true),
        "spd" => (facts.symmetric, facts.psd, facts.spd) = (true, true, true),
        "diagonal" => (facts.symmetric, facts.diagonal) = (true, true),
        "orthogonal" => facts.orthogonal = true,
        "posdet" => facts.posdet = true,
        _ => return false,
    }
    true
}
