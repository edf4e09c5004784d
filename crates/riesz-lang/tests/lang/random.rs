//! Random expressions with every operation, derived and held against differences.

use crate::common::{Random, check, read};
use riesz_lang::formula::{Request, derive};

/// Variables: x, y vectors, A a matrix, S symmetric positive definite, D diagonal, c a scalar.
const DECLARED: &str = "x: vector[n] positive; y: vector[n] positive; A: posdet[n]; S: spd[n]; \
                        D: diagonal[n] positive; c: scalar positive";

struct Grammar {
    random: Random,
}

impl Grammar {
    fn pick<'a>(&mut self, rules: &[&'a str]) -> &'a str {
        rules[((self.random.unit() * rules.len() as f64) as usize).min(rules.len() - 1)]
    }

    /// Fills a pattern: `s` a scalar, `v` a vector, `M` a matrix, each between `<` and `>`.
    fn fill(&mut self, pattern: &str, depth: u32) -> String {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some(at) = rest.find('<') {
            out += &rest[..at];
            out += &match &rest[at + 1..at + 2] {
                "s" => self.scalar(depth - 1),
                "v" => self.vector(depth - 1),
                _ => self.matrix(depth - 1),
            };
            rest = &rest[at + 3..];
        }
        out + rest
    }

    fn scalar(&mut self, depth: u32) -> String {
        let rule = if depth == 0 {
            self.pick(&["c", "2", "0.5", "x'*y", "sum(x)", "tr(A)"])
        } else {
            self.pick(&[
                "(<v>)'*(<v>)",
                "sum(<v>)",
                "norm2(<v>)",
                "norm2(<v>)^2",
                "tr(<M>)",
                "sin(0.1*(<s>))",
                "(<s>)*(<s>)",
                "(<s>) - (<s>)",
                "(<s>) + (<s>)",
                "exp(0.1*(<s>))",
                "tanh(<s>)",
                "(<v>)'*(<M>)*(<v>)",
                "(<s>)/(1 + (<s>)^2)",
                "logsumexp(<v>)",
                "sum(<M>)",
                "norm2(<M>)",
                "logdet(9*eye(n) + tanh(<M>))",
                "sqrt(1 + (<s>)^2)",
                "tr((<M>)'*(<M>))",
                "det(D + 0.1*(<M>))",
                "dot(<M>, <M>)",
                "softplus(<s>)",
                "c^(<s>)/(2 + tanh(0.1*(<s>)))",
            ])
        };
        self.fill(rule, depth.max(1))
    }

    fn vector(&mut self, depth: u32) -> String {
        let rule = if depth == 0 {
            self.pick(&["x", "y", "A*x", "vector(1,n)", "x - y", "S*y"])
        } else {
            self.pick(&[
                "(<M>)*(<v>)",
                "(<v>) + (<v>)",
                "(<v>) - (<v>)",
                "(<v>).*(<v>)",
                "(<s>)*(<v>)",
                "tanh(<v>)",
                "exp(0.1*(<v>))",
                "softmax(<v>)",
                "diag(<M>)",
                "(<v>)./(x.^2 + y)",
                "(<v>)/(2 + tanh(0.1*(<s>)))",
                "sigmoid(<v>)",
                "((<v>)'*(<M>))'",
                "inv(S + D)*(<v>)",
                "S\\(<v>)",
                "x.^(2*c)",
                "(<v>).^2",
                "sqrt(x + y).*(<v>)",
                "log(x).*(<v>)",
                "vector(<s>,n) + (<v>)",
                "(<v>) .+ (<s>)",
                "cos(0.1*(<v>))",
                "-(<v>)",
            ])
        };
        self.fill(rule, depth.max(1))
    }

    fn matrix(&mut self, depth: u32) -> String {
        let rule = if depth == 0 {
            self.pick(&["A", "S", "D", "A'", "x*y'", "c*eye(n)", "diag(x)"])
        } else {
            self.pick(&[
                "(<M>)*(<M>)",
                "(<M>)'",
                "(<M>) + (<M>)",
                "(<M>) - (<M>)'",
                "(<M>).*(<M>)",
                "(<s>)*(<M>)",
                "diag(<v>)",
                "(<v>)*(<v>)'",
                "inv(S + D)*(<M>)",
                "tanh(<M>)",
                "inv(5*eye + S + 0.1*(<v>)*(<v>)')",
                "(<M>)^2",
                "exp(0.1*(<M>))",
                "(<M>)./(S.^2 + matrix(1))",
                "(<M>) + (<s>)*eye(n)",
                "-(<M>)",
            ])
        };
        self.fill(rule, depth.max(1))
    }
}

#[test]
fn random_expressions_agree_with_differences() {
    let mut g = Grammar { random: Random(20_261_123) };
    let (mut tried, mut failures) = (0, Vec::new());
    while tried < 1500 {
        let depth = 1 + (g.random.unit() * 3.0) as u32;
        let (kind, text) = match (g.random.unit() * 4.0) as u32 {
            0 => ("jac", g.vector(depth)),
            1 => ("hess", g.scalar(depth.min(2))),
            2 => ("diff", g.matrix(depth)),
            _ => ("grad", g.scalar(depth)),
        };
        let wrt = match kind {
            "hess" | "jac" => g.pick(&["x", "y", "c"]),
            _ => g.pick(&["x", "y", "c", "A", "S", "D"]),
        };
        let (typed, root) = read(&text, DECLARED);
        tried += 1;
        if let Err(e) = derive(&typed, root, crate::common::request(kind, wrt)) {
            failures.push(format!("{kind} of {text} by {wrt}: {e}"));
            continue;
        }
        let (made, error) = check(kind, &text, wrt, DECLARED);
        // Differences of functions with large values are not exact to more digits than this.
        if error.is_nan() || error > 1e-4 {
            failures.push(format!("{kind} of {text} by {wrt} = {}: off by {error:e}", made.text));
        }
        let second = derive(&typed, root, Request::Differential(wrt));
        assert!(second.is_ok(), "{text}");
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
