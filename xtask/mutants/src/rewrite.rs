//! From a source file to the same file with every mutation in it, each behind its number.
//!
//! The text is edited in place and no line is added, so that places stay true. An expression `a - b`
//! becomes `crate::mutant::sub(7, a, b)`, which adds when 7 is chosen: all mutants are in one binary.

use proc_macro2::{Span, TokenStream, TokenTree};
use std::ops::Range;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprLit, Lit, ReturnType, Token, UnOp};

/// One way to break the project. Its number is its place in the list.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The file, below the sources of the crate.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The function, or the row of a table.
    pub function: String,
    /// What is written.
    pub original: String,
    /// What it is changed to.
    pub change: String,
}

impl std::fmt::Display for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Mutant { file, line, function, original, change } = self;
        write!(f, "{file}:{line} {function}: `{original}` -> `{change}`")
    }
}

/// Functions that say nothing about mathematics.
const SILENT: &[&str] =
    &["name", "attributes", "parse", "samples", "about", "fmt", "hash", "eval", "output_count"];

/// Whether a function says nothing about mathematics, or makes samples for tests.
fn is_silent(function: &str) -> bool {
    SILENT.contains(&function) || function.contains("sample") || function.ends_with("cases")
}

/// Methods without arguments that give the type they are called on.
const SKIPPED: &[&str] = &[
    "t",
    "sin",
    "cos",
    "sinh",
    "cosh",
    "sign",
    "recip",
    "rsqrt",
    "sqrt",
    "square",
    "exp",
    "log",
    "sigmoid",
    "digamma",
    "trunc",
    "stop_gradient",
    "ones_like",
    "zeros_like",
    "inverse",
    "tril",
    "triu",
    "rev",
    "inverse",
    "abs",
];

/// Rewrites a file; `skip` are lines that are left alone, `next` is the first free number.
///
/// # Errors
/// When the text is not Rust.
pub fn rewrite(
    file: &str,
    text: &str,
    skip: &[usize],
    next: &mut u32,
) -> Result<(String, Vec<Mutant>), String> {
    let parsed = syn::parse_file(text).map_err(|e| format!("{file}: {e}"))?;
    let mut rewriter = Rewriter {
        file,
        text,
        skip,
        next,
        functions: Vec::new(),
        active: false,
        edits: Vec::new(),
        mutants: Vec::new(),
    };
    rewriter.visit_file(&parsed);
    let mutants = std::mem::take(&mut rewriter.mutants);
    Ok((apply(text, rewriter.edits), mutants))
}

/// Text that takes the place of a range, which may be empty.
struct Edit {
    range: Range<usize>,
    text: String,
    /// Whether it closes what another edit opened: closes come before opens at one place, and the
    /// one that was opened last closes first.
    closes: bool,
}

fn apply(text: &str, edits: Vec<Edit>) -> String {
    let mut order: Vec<usize> = (0..edits.len()).collect();
    order.sort_by_key(|&i| {
        let edit = &edits[i];
        let sequence = if edit.closes { -(i as i64) } else { i as i64 };
        (edit.range.start, !edit.closes, edit.range.end, sequence)
    });
    let mut out = String::with_capacity(2 * text.len());
    let mut at = 0;
    for i in order {
        let Edit { range, text: new, .. } = &edits[i];
        out.push_str(&text[at..range.start]);
        out.push_str(new);
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

struct Rewriter<'a> {
    file: &'a str,
    text: &'a str,
    skip: &'a [usize],
    next: &'a mut u32,
    functions: Vec<String>,
    /// Whether expressions are code that runs, and not a constant.
    active: bool,
    edits: Vec<Edit>,
    mutants: Vec<Mutant>,
}

impl Rewriter<'_> {
    fn source(&self, span: Span) -> String {
        self.text[span.byte_range()].split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Registers a mutant and gives its number; `None` where nothing is changed.
    fn mutant(&mut self, span: Span, original: String, changes: &[String]) -> Option<u32> {
        let line = span.start().line;
        if !self.active || self.skip.contains(&line) {
            return None;
        }
        let first = *self.next;
        for change in changes {
            self.mutants.push(Mutant {
                file: self.file.to_string(),
                line,
                function: self.functions.last().cloned().unwrap_or_default(),
                original: original.clone(),
                change: change.clone(),
            });
            *self.next += 1;
        }
        Some(first)
    }

    fn open(&mut self, at: usize, text: String) {
        self.edits.push(Edit { range: at..at, text, closes: false });
    }

    fn close(&mut self, at: usize, text: &str) {
        self.edits.push(Edit { range: at..at, text: text.to_string(), closes: true });
    }

    fn replace(&mut self, range: Range<usize>, text: String) {
        self.edits.push(Edit { range, text, closes: false });
    }

    fn within(&mut self, name: String, active: bool, f: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.active, active);
        self.functions.push(name);
        f(self);
        self.functions.pop();
        self.active = before;
    }

    /// `call(7, left, right)` in place of `left op right`.
    fn binary(&mut self, e: &syn::ExprBinary, call: &str, changes: &[&str]) {
        let (left, right) = (self.source(e.left.span()), self.source(e.right.span()));
        let original = self.source(e.span());
        let changes: Vec<String> =
            changes.iter().map(|op| op.replace('L', &left).replace('R', &right)).collect();
        let Some(id) = self.mutant(e.span(), original, &changes) else { return };
        let compares = matches!(call, "eq" | "ne" | "lt" | "le" | "gt" | "ge");
        let (before, between, after) = match call {
            _ if compares => ("&(", "), &(", "))"),
            "and" | "or" => ("", ", || ", ")"),
            _ => ("", ",", ")"),
        };
        let whole = e.left.span().byte_range().start..e.right.span().byte_range().end;
        self.open(whole.start, format!("crate::mutant::{call}({id}, {before}"));
        self.replace(e.op.span().byte_range(), between.to_string());
        self.close(whole.end, after);
    }

    fn parsed_arguments(&mut self, tokens: &TokenStream) {
        use syn::parse::Parser;
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(all) = parser.parse2(tokens.clone()) {
            all.iter().for_each(|e| self.visit_expr(e));
        }
    }

    /// A table of scalar functions: the derivatives are the arguments of `By`.
    fn table(&mut self, tokens: &TokenStream) {
        let mut name = String::new();
        let mut tokens = tokens.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            match (&token, tokens.peek()) {
                (TokenTree::Literal(literal), Some(TokenTree::Punct(p))) if p.as_char() == ':' => {
                    name = literal.to_string().trim_matches('"').to_string();
                }
                (TokenTree::Ident(ident), Some(TokenTree::Group(group))) if ident == "By" => {
                    let parts = [token.clone(), TokenTree::Group(group.clone())];
                    if let Ok(e) = syn::parse2::<Expr>(parts.into_iter().collect()) {
                        self.within(name.clone(), false, |s| s.visit_expr(&e));
                    }
                }
                _ => {}
            }
        }
    }

    /// Breaks the result of a whole rule.
    fn rule(&mut self, name: &str, output: &ReturnType, block: &syn::Block) {
        let ReturnType::Type(_, ty) = output else { return };
        let ty = self.source(ty.span());
        let (call, changes): (&str, &[&str]) = match (name, ty.as_str()) {
            ("differential", "Tangents") | ("transpose", "Cotangents") => {
                ("tangents", &["the first part missing", "the first part twice"])
            }
            ("batch", "Vars") => ("batched", &["instances in reverse"]),
            ("infer", "Result<Types>") => ("types", &["one axis more"]),
            (_, "Option<Value>") => ("", &["never"]),
            _ => return,
        };
        // What says that nothing moves has no part that could be missing.
        let body = self.source(block.span());
        if ["{ smallvec![]", "{ smallvec![None"].iter().any(|none| body.starts_with(none)) {
            return;
        }
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let original = format!("the result of {name}");
        let Some(id) = self.mutant(block.span(), original, &changes) else { return };
        let body = block.span().byte_range();
        if call.is_empty() {
            let text = format!("if crate::mutant::on({id}) {{ return None; }} ");
            self.open(body.start + 1, text);
        } else {
            self.open(body.start + 1, format!("crate::mutant::{call}({id}, (|| -> {ty} {{"));
            self.close(body.end - 1, "})())");
        }
    }
}

/// Whether a chain of `&&` contains a `let`, which cannot be moved into a call.
fn has_let(e: &Expr) -> bool {
    match e {
        Expr::Let(_) => true,
        Expr::Binary(b) => has_let(&b.left) || has_let(&b.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Rewriter<'_> {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.within(item.ident.to_string(), false, |s| visit::visit_item_const(s, item));
    }
    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.within(item.ident.to_string(), false, |s| visit::visit_item_static(s, item));
    }
    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.within(item.ident.to_string(), false, |s| visit::visit_impl_item_const(s, item));
    }
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let name = item.sig.ident.to_string();
        let active = item.sig.constness.is_none() && !is_silent(&name);
        self.within(name.clone(), active, |s| {
            s.rule(&name, &item.sig.output, &item.block);
            s.visit_block(&item.block);
        });
    }
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let name = item.sig.ident.to_string();
        let active = item.sig.constness.is_none() && !is_silent(&name);
        self.within(name.clone(), active, |s| {
            s.rule(&name, &item.sig.output, &item.block);
            s.visit_block(&item.block);
        });
    }
    fn visit_expr_closure(&mut self, e: &'ast syn::ExprClosure) {
        let silent = self.functions.iter().any(|f| is_silent(f));
        let name = self.functions.last().cloned().unwrap_or_default();
        self.within(name, !silent, |s| s.visit_expr(&e.body));
    }
    fn visit_expr_repeat(&mut self, e: &'ast syn::ExprRepeat) {
        self.visit_expr(&e.expr);
    }
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("unary") || item.mac.path.is_ident("binary") {
            self.table(&item.mac.tokens);
        }
    }
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if mac.path.is_ident("vec") || mac.path.is_ident("smallvec") {
            self.parsed_arguments(&mac.tokens);
        }
    }

    fn visit_expr_binary(&mut self, e: &'ast syn::ExprBinary) {
        match e.op {
            BinOp::Add(_) => self.binary(e, "add", &["L - R"]),
            BinOp::Sub(_) => self.binary(e, "sub", &["L + R"]),
            BinOp::Mul(_) => self.binary(e, "mul", &["L / R"]),
            BinOp::Div(_) => self.binary(e, "div", &["L * R"]),
            BinOp::Rem(_) => self.binary(e, "rem", &["L * R"]),
            BinOp::Eq(_) => self.binary(e, "eq", &["L != R"]),
            BinOp::Ne(_) => self.binary(e, "ne", &["L == R"]),
            BinOp::Lt(_) => self.binary(e, "lt", &["L <= R", "L >= R"]),
            BinOp::Le(_) => self.binary(e, "le", &["L < R", "L > R"]),
            BinOp::Gt(_) => self.binary(e, "gt", &["L >= R", "L <= R"]),
            BinOp::Ge(_) => self.binary(e, "ge", &["L > R", "L < R"]),
            BinOp::And(_) if !has_let(&e.left) && !has_let(&e.right) => {
                self.binary(e, "and", &["L || R"]);
            }
            BinOp::Or(_) => self.binary(e, "or", &["L && R"]),
            _ => {}
        }
        visit::visit_expr_binary(self, e);
    }

    fn visit_expr_unary(&mut self, e: &'ast syn::ExprUnary) {
        let (call, op) = match e.op {
            UnOp::Neg(op) => ("neg", op.span()),
            UnOp::Not(op) => ("not", op.span()),
            _ => return visit::visit_expr_unary(self, e),
        };
        let change = self.source(e.expr.span());
        // A negative literal is a number, and is changed as one.
        let literal = matches!(&*e.expr, Expr::Lit(_));
        if !literal && let Some(id) = self.mutant(e.span(), self.source(e.span()), &[change]) {
            self.replace(op.byte_range(), format!("crate::mutant::{call}({id}, "));
            self.close(e.expr.span().byte_range().end, ")");
        }
        visit::visit_expr_unary(self, e);
    }

    fn visit_expr_lit(&mut self, e: &'ast ExprLit) {
        let change = match &e.lit {
            Lit::Int(n) => {
                let Ok(value) = n.base10_parse::<u64>() else { return };
                format!("{}{}", value + 1, n.suffix())
            }
            Lit::Float(x) => {
                let Ok(value) = x.base10_parse::<f64>() else { return };
                format!("{:?}{}", value + 1.0, x.suffix())
            }
            Lit::Bool(b) => (!b.value).to_string(),
            _ => return,
        };
        let original = self.source(e.span());
        if let Some(id) = self.mutant(e.span(), original.clone(), std::slice::from_ref(&change)) {
            let text = format!("(if crate::mutant::on({id}) {{ {change} }} else {{ {original} }})");
            self.replace(e.span().byte_range(), text);
        }
    }

    fn visit_expr_call(&mut self, e: &'ast syn::ExprCall) {
        let is_some = matches!(&*e.func, Expr::Path(p) if p.path.is_ident("Some"));
        if is_some && e.args.len() == 1 {
            let original = self.source(e.span());
            if let Some(id) = self.mutant(e.span(), original, &["None".to_string()]) {
                let range = e.func.span().byte_range();
                self.replace(range.start..range.end + 1, format!("crate::mutant::some({id}, "));
            }
        }
        visit::visit_expr_call(self, e);
    }

    fn visit_expr_array(&mut self, e: &'ast syn::ExprArray) {
        if e.elems.len() == 2 && e.elems.iter().all(|e| !matches!(e, Expr::Lit(_))) {
            let (a, b) = (self.source(e.elems[0].span()), self.source(e.elems[1].span()));
            let change = format!("[{b}, {a}]");
            if a != b
                && let Some(id) = self.mutant(e.span(), self.source(e.span()), &[change])
            {
                let range = e.span().byte_range();
                self.open(range.start, format!("crate::mutant::swap({id}, "));
                self.close(range.end, ")");
            }
        }
        visit::visit_expr_array(self, e);
    }

    fn visit_expr_method_call(&mut self, e: &'ast syn::ExprMethodCall) {
        let name = e.method.to_string();
        if e.args.is_empty() && SKIPPED.contains(&name.as_str()) {
            let change = self.source(e.receiver.span());
            if let Some(id) = self.mutant(e.span(), self.source(e.span()), &[change]) {
                self.open(e.span().byte_range().start, format!("crate::mutant::skip({id}, "));
                let call = e.receiver.span().byte_range().end..e.span().byte_range().end;
                self.replace(call, format!(", |v| v.{name}())"));
            }
        }
        visit::visit_expr_method_call(self, e);
    }

    fn visit_expr_if(&mut self, e: &'ast syn::ExprIf) {
        let plain = matches!(&*e.cond, Expr::MethodCall(_) | Expr::Path(_) | Expr::Call(_));
        if plain {
            let original = self.source(e.cond.span());
            let change = format!("!{original}");
            if let Some(id) = self.mutant(e.cond.span(), original, &[change]) {
                let range = e.cond.span().byte_range();
                self.open(range.start, format!("crate::mutant::condition({id}, "));
                self.close(range.end, ")");
            }
        }
        visit::visit_expr_if(self, e);
    }
}
