//! Problem files (`.rz`).
//!
//! ```text
//! problem    = [ "parameters" parameter+ ] "variables" declaration+ ("min" | "max") formula
//!              [ "st" constraint+ ] [ "start" (name "=" value)+ ] [ "solve" (name "=" option)+ ]
//! parameter  = declaration [ "=" data ]
//! data       = text [ "[" rows "," columns "]" ] | literal | sum
//! constraint = side ("<=" | ">=" | "==") side | side "<=" side "<=" side | name "in" set
//! side       = literal | sum
//! set        = "simplex" | "box" "(" side "," side ")" | "spd" | "ball" "(" sum ")"
//! option     = "method" "=" name | "max_iter" "=" number | "tol" "=" number
//! ```
//!
//! Statements end with a newline or `;`, declarations also where the next one begins; `#` begins a
//! comment; a line goes on after an operator, inside brackets, and in the objective before a sign.
//! `<` and `>` are `<=` and `>=`.
//!
//! **Data.** A file is named in double quotes, relative to the problem file. Rows and columns are
//! chosen as in NumPy: counted from 0, the end of a range excluded, negative numbers from the
//! end; so `"wdbc.csv"[:, 2:]` leaves out the first two columns, `"wdbc.csv"[:, 1]` is the second,
//! `"wdbc.csv"[:100, -1]` the last column of the first hundred rows, and
//! `"wdbc.csv"[:, "diagnosis"]` the column with that heading, `"wdbc.csv"[:, [0, "age"]]` two columns. Without brackets the whole file is
//! taken. A literal is `[1,2]` or `[[1,2],[3,4]]`. Anything else is a formula of parameters
//! declared earlier: `matrix S = F'*F/6 + 0.1*eye`.
//!
//! The file is read here, not the data: nothing in this crate opens a file.

use crate::ast::{
    Constraint, ConstraintKind, Data, Declaration, Expr, Facts, Ident, Kind, Node, Parameter,
    Problem, Relation, Sense, Set, Size, SolveOptions, Start,
};
use crate::declare::push_unique;
use crate::diagnostic::{Diagnostic, Span};
use crate::lexer::Token;
use crate::parser::Parser;
use riesz::io::{Choice, Pick};

const SECTIONS: &[&str] = &["parameters", "variables", "min", "max", "st", "start", "solve"];

/// Reads a problem file.
///
/// ```
/// let p = riesz_lang::parse_problem(
///     "variables\n  scalar p, q\nmin\n  100*(q - p^2)^2 + (1 - p)^2\nstart\n  p = -1.2; q = 1\n",
/// ).unwrap();
/// assert_eq!((p.variables.len(), p.start.len()), (2, 2));
/// ```
///
/// # Errors
/// A [`Diagnostic`] with the place and what was expected there.
pub fn parse_problem(source: &str) -> Result<Problem, Diagnostic> {
    let mut p = Parser::new(source)?;
    p.sections = SECTIONS;
    let (mut parameters, mut names) = (Vec::new(), Vec::new());
    p.separators();
    if p.eat_name("parameters") {
        p.separators();
        while !p.at_section() {
            p.parameter(&mut parameters, &mut names)?;
            p.declaration_end("`=`, `;` or the end of the line")?;
            p.separators();
        }
    }
    let mut variables = Vec::new();
    if !p.eat_name("variables") {
        return Err(p
            .expected("`variables`")
            .help("a problem is: parameters …  variables …  min …  st …  start …  solve …"));
    }
    p.separators();
    while !p.at_section() {
        let start = p.span();
        for d in p.declaration()? {
            push_unique(&mut names, d.clone())?;
            variables.push(d);
        }
        if p.is_op("=") {
            return Err(Diagnostic::new("a variable has no data", p.span())
                .label(start, "declared as a variable here")
                .help("give a start value in the `start` block, or make it a parameter"));
        }
        p.declaration_end("`;` or the end of the line")?;
        p.separators();
    }
    if variables.is_empty() {
        return Err(p.expected("the declaration of a variable"));
    }
    let sense = match p.peek() {
        Token::Name(n) if n == "min" => Sense::Min,
        Token::Name(n) if n == "max" => Sense::Max,
        _ => return Err(p.expected("`min` or `max`")),
    };
    p.advance();
    p.separators();
    p.join_lines_of_a_sum();
    let from = p.span();
    let objective = p.sum()?;
    // The definitions may begin on a line of their own.
    if *p.peek() == Token::Newline && matches!(p.peek_at(1), Token::Name(n) if n == "where") {
        p.advance();
    }
    let definitions = p.definitions()?;
    let objective_span = from.to(p.previous_span());
    p.statement_end("an operator or the end of the objective")?;
    p.separators();
    let mut constraints = Vec::new();
    if p.eat_name("st") {
        p.separators();
        while !p.at_section() {
            constraints.push(p.constraint()?);
            p.statement_end("an operator or the end of the constraint")?;
            p.separators();
        }
    }
    let mut start: Vec<Start> = Vec::new();
    if p.eat_name("start") {
        p.separators();
        while !p.at_section() {
            let entry = p.start_entry(&variables)?;
            if let Some(other) = start.iter().find(|s| s.name.name == entry.name.name) {
                let message = format!("`{}` has two start values", entry.name.name);
                return Err(Diagnostic::new(message, entry.name.span)
                    .label(other.name.span, "the first is here"));
            }
            start.push(entry);
            p.statement_end("an operator or the end of the start value")?;
            p.separators();
        }
    }
    let options = if p.eat_name("solve") { p.options()? } else { SolveOptions::default() };
    if let Token::Name(n) = p.peek()
        && SECTIONS.contains(&n.as_str())
    {
        let message = format!("the section `{n}` is not expected here");
        return Err(Diagnostic::new(message, p.span())
            .help("the order is parameters, variables, min or max, st, start, solve"));
    }
    p.end("`st`, `start`, `solve` or the end of the problem")?;
    parameters.append(&mut p.literals);
    Ok(Problem {
        ast: p.ast,
        parameters,
        variables,
        sense,
        objective,
        definitions,
        objective_span,
        constraints,
        start,
        options,
    })
}

impl Parser<'_> {
    fn at_section(&self) -> bool {
        match self.peek() {
            Token::Name(n) if n == "min" || n == "max" => {
                !matches!(self.peek_at(1), Token::Op("(")) || !self.reads_as_comparison()
            }
            Token::Name(n) => SECTIONS.contains(&n.as_str()),
            Token::End => true,
            _ => false,
        }
    }

    /// Takes out the line breaks before a sign, up to the next section: in the objective, which is one
    /// sum, a line may begin with `+` or `-`.
    fn join_lines_of_a_sum(&mut self) {
        let first = self.at;
        let section = |t: &Token| matches!(t, Token::Name(n) if SECTIONS.contains(&n.as_str()));
        let rest = &self.tokens[first..];
        // The section after a line break: `min` and `max` are functions too.
        let ends = |pair: &[(Token, Span)]| pair[0].0 == Token::Newline && section(&pair[1].0);
        let length = rest.windows(2).position(ends).unwrap_or(rest.len());
        let sign = |t: &Token| matches!(t, Token::Op("+" | "-" | ".+" | ".-"));
        let goes_on = |i: usize| {
            (first..first + length).contains(&i)
                && self.tokens[i].0 == Token::Newline
                && self.tokens.get(i + 1).is_some_and(|next| sign(&next.0))
        };
        let kept = (0..self.tokens.len()).filter(|i| !goes_on(*i));
        self.tokens = kept.map(|i| self.tokens[i].clone()).collect();
    }

    /// Whether a comparison stands on this line: then `max(` is the function.
    fn reads_as_comparison(&self) -> bool {
        self.tokens[self.at..]
            .iter()
            .take_while(|t| !matches!(t.0, Token::Newline | Token::End | Token::Op(";")))
            .any(|t| matches!(t.0, Token::Op("<=" | ">=" | "==")))
    }

    fn parameter(
        &mut self,
        parameters: &mut Vec<Parameter>,
        names: &mut Vec<Declaration>,
    ) -> Result<(), Diagnostic> {
        let declared = self.declaration()?;
        let data = if self.is_op("=") {
            if let [_, second, ..] = declared.as_slice() {
                let message = "data for two parameters at once";
                return Err(Diagnostic::new(message, second.name.span)
                    .help("declare each parameter with data on a line of its own"));
            }
            self.advance();
            Some(self.data()?)
        } else {
            None
        };
        for declaration in declared {
            push_unique(names, declaration.clone())?;
            parameters.push(Parameter { declaration, data: data.clone() });
        }
        Ok(())
    }

    pub(crate) fn data(&mut self) -> Result<Data, Diagnostic> {
        let span = self.span();
        let Token::Text(path) = self.peek().clone() else {
            return if self.is_op("[") {
                Ok(Data::Literal(self.literal()?))
            } else {
                Ok(Data::Formula(self.sum()?))
            };
        };
        self.advance();
        let (mut rows, mut columns) = (Choice::All, Choice::All);
        let mut chosen = Span::default();
        if self.is_op("[") {
            let open = self.span();
            self.advance();
            rows = self.selection(false)?;
            self.expect(",", "`,` and a choice of columns")?;
            columns = self.selection(true)?;
            let close = self.expect("]", "`]`").map_err(|e| e.label(open, "opened here"));
            chosen = open.to(close?);
        }
        Ok(Data::File { path, span, rows, columns, chosen })
    }

    fn selection(&mut self, names: bool) -> Result<Choice, Diagnostic> {
        if let Some(name) = self.heading(names)? {
            return Ok(Choice::Name(name));
        }
        if self.eat("[") {
            let mut picks = vec![self.pick(names)?];
            while self.eat(",") {
                picks.push(self.pick(names)?);
            }
            self.expect("]", "`,` or `]`")?;
            return Ok(Choice::List(picks));
        }
        let start = if self.is_op(":") { None } else { Some(self.index()?) };
        if !self.eat(":") {
            return match start {
                Some(i) => Ok(Choice::Index(i)),
                None => Err(self.expected("`:`")),
            };
        }
        let ends = self.is_op(",") || self.is_op("]");
        let end = if ends { None } else { Some(self.index()?) };
        Ok(if start.is_none() && end.is_none() { Choice::All } else { Choice::Range(start, end) })
    }

    fn pick(&mut self, names: bool) -> Result<Pick, Diagnostic> {
        match self.heading(names)? {
            Some(name) => Ok(Pick::Name(name)),
            None => Ok(Pick::Index(self.index()?)),
        }
    }

    /// The heading of a column, if it is one.
    fn heading(&mut self, names: bool) -> Result<Option<String>, Diagnostic> {
        let Token::Text(name) = self.peek().clone() else { return Ok(None) };
        if !names {
            return Err(Diagnostic::new("rows have no names", self.span())
                .note("expected `:`, a row number or a range such as `0:100`"));
        }
        self.advance();
        Ok(Some(name))
    }

    fn index(&mut self) -> Result<i64, Diagnostic> {
        let span = self.span();
        if !matches!(self.peek(), Token::Number(_) | Token::Op("-")) {
            return Err(self.expected("`:`, a number or a range such as `2:`"));
        }
        let x = self.signed_number()?;
        if x.fract() != 0.0 || x.abs() > 1e15 {
            return Err(Diagnostic::new("a row or column number is a whole number", span));
        }
        Ok(x as i64)
    }

    fn constraint(&mut self) -> Result<Constraint, Diagnostic> {
        let from = self.span();
        let mut strict = false;
        let kind = if matches!(self.peek_at(1), Token::Name(n) if n == "in") {
            let name = self.ident("a variable")?;
            self.advance();
            ConstraintKind::In(name, self.set()?)
        } else {
            let left = self.side()?;
            let relation = match self.peek() {
                Token::Op("<=") => Relation::Le,
                Token::Op(">=") => Relation::Ge,
                Token::Op("==") => Relation::Eq,
                _ => return Err(self.expected("`<=`, `>=` or `==`")),
            };
            strict = self.is_strict();
            self.advance();
            let middle = self.side()?;
            if relation == Relation::Le && self.is_op("<=") {
                strict |= self.is_strict();
                self.advance();
                ConstraintKind::Between(left, middle, self.side()?)
            } else if let Token::Op("<=" | ">=" | "==") = self.peek() {
                return Err(Diagnostic::new("two comparisons in one constraint", self.span())
                    .help("only `low <= middle <= high` may have two"));
            } else {
                ConstraintKind::Compare(left, relation, middle)
            }
        };
        Ok(Constraint { kind, strict, span: from.to(self.previous_span()) })
    }

    /// Whether the comparison here is written `<` or `>`.
    fn is_strict(&self) -> bool {
        matches!(self.source.get(self.span().range()), Some("<" | ">"))
    }

    /// A side of a comparison, or a corner of a box: a sum, or a list of numbers. That is a parameter without a
    /// name, and is called as it is written.
    fn side(&mut self) -> Result<Expr, Diagnostic> {
        if !self.is_op("[") {
            return self.sum();
        }
        let literal = self.literal()?;
        let span = literal.span;
        let name = self.source.get(span.range()).unwrap_or_default();
        if !self.literals.iter().any(|p| p.declaration.name.name == name) {
            let sizes = match literal.kind {
                Kind::Matrix => vec![Size::Fixed(literal.rows), Size::Fixed(literal.cols)],
                Kind::Scalar | Kind::Vector | Kind::Row => vec![Size::Fixed(literal.rows)],
            };
            let name = Ident { name: name.to_owned(), span };
            let (kind, facts) = (literal.kind, Facts::default());
            let declaration = Declaration { name, kind, sizes, square: false, facts };
            self.literals.push(Parameter { declaration, data: Some(Data::Literal(literal)) });
        }
        let root = self.ast.push(Node::Name(name.to_owned()), span);
        Ok(Expr { first: root.0, root })
    }

    fn set(&mut self) -> Result<Set, Diagnostic> {
        let name = self.ident("a set (simplex, box(l,u), spd or ball(r))")?;
        match name.name.as_str() {
            "simplex" => Ok(Set::Simplex),
            "spd" => Ok(Set::Spd),
            "ball" => {
                self.expect("(", "`(` and the radius")?;
                let radius = self.sum()?;
                self.expect(")", "`)`")?;
                Ok(Set::Ball(radius))
            }
            "box" => {
                self.expect("(", "`(` and the bounds")?;
                let low = self.side()?;
                self.expect(",", "`,` and the upper bound")?;
                let high = self.side()?;
                self.expect(")", "`)`")?;
                Ok(Set::Box(low, high))
            }
            other => Err(Diagnostic::new(format!("`{other}` is not a set"), name.span)
                .note("expected simplex, box(l,u), spd or ball(r)")
                .suggest(other, ["simplex", "box", "spd", "ball"])),
        }
    }

    fn start_entry(&mut self, variables: &[Declaration]) -> Result<Start, Diagnostic> {
        let name = self.ident("the name of a variable")?;
        if !variables.iter().any(|v| v.name.name == name.name) {
            let message = format!("`{}` is not a variable", name.name);
            return Err(Diagnostic::new(message, name.span)
                .note("start values are given to variables")
                .suggest(&name.name, variables.iter().map(|v| v.name.name.as_str())));
        }
        self.expect("=", "`=` and the start value")?;
        let value = match self.peek() {
            Token::Op("[") => Data::Literal(self.literal()?),
            _ => Data::Formula(self.sum()?),
        };
        Ok(Start { name, value })
    }

    fn options(&mut self) -> Result<SolveOptions, Diagnostic> {
        let mut options = SolveOptions::default();
        self.separators();
        while *self.peek() != Token::End && !self.at_section() {
            let name = self.ident("an option (method, max_iter or tol)")?;
            self.expect("=", "`=`")?;
            let span = self.span();
            match name.name.as_str() {
                "method" => options.method = Some(self.method(span)?),
                "max_iter" => {
                    let x = self.signed_number()?;
                    if x.fract() != 0.0 || !(0.0..=1e15).contains(&x) {
                        let message = "max_iter is a whole number from 0 up";
                        return Err(Diagnostic::new(message, span));
                    }
                    options.max_iter = Some(x as usize);
                }
                "tol" => {
                    let x = self.signed_number()?;
                    if x <= 0.0 {
                        return Err(Diagnostic::new("tol is a number above 0", span));
                    }
                    options.tol = Some(x);
                }
                other => {
                    let message = format!("there is no option `{other}`");
                    return Err(Diagnostic::new(message, name.span)
                        .note("expected method, max_iter or tol")
                        .suggest(other, ["method", "max_iter", "tol"]));
                }
            }
            self.statement_end("`;` or the end of the line")?;
            self.separators();
        }
        Ok(options)
    }

    /// A method's name, with dashes (`l-bfgs`) or in quotes.
    fn method(&mut self, span: Span) -> Result<Ident, Diagnostic> {
        if let Token::Text(name) = self.peek().clone() {
            self.advance();
            return Ok(Ident { name, span });
        }
        let mut method = self.ident("the name of a method")?;
        while self.eat("-") {
            let next = self.ident("the rest of the method's name")?;
            method.name = format!("{}-{}", method.name, next.name);
            method.span = method.span.to(next.span);
        }
        Ok(method)
    }
}
