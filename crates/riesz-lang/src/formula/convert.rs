//! Typed expressions to terms.

use super::term::{T, Term, Terms};
use crate::typed::{ExprId, Map, Op};

impl Terms {
    /// The term of an expression; one loop over the arena.
    pub(super) fn convert(&mut self, root: ExprId) -> T {
        let used = self.typed.reachable(root);
        let inner = self.inner_sums(&used);
        let mut done: Vec<T> = Vec::with_capacity(root.index() + 1);
        for i in 0..=root.index() {
            let skip = !used[i] || inner[i] || self.too_large;
            let t = if skip {
                Self::ONE
            } else if matches!(self.typed.nodes[i].op, Op::Add | Op::Sub) {
                self.convert_sum(i, &inner, &done)
            } else {
                self.convert_node(i, &done)
            };
            done.push(t);
        }
        done[root.index()]
    }

    /// Sums used once, and that by another sum: they are read with it, so that a sum of n terms
    /// costs n and not n².
    fn inner_sums(&self, used: &[bool]) -> Vec<bool> {
        let is_sum = |i: usize| matches!(self.typed.nodes[i].op, Op::Add | Op::Sub);
        let (mut uses, mut in_sum) = (vec![0u32; used.len()], vec![false; used.len()]);
        for i in (0..used.len()).filter(|&i| used[i]) {
            for a in &self.typed.nodes[i].args {
                uses[a.index()] += 1;
                in_sum[a.index()] = is_sum(i);
            }
        }
        (0..used.len()).map(|i| is_sum(i) && uses[i] == 1 && in_sum[i]).collect()
    }

    fn convert_sum(&mut self, root: usize, inner: &[bool], done: &[T]) -> T {
        let (mut parts, mut work) = (Vec::new(), vec![(1.0, root, true)]);
        while let Some((c, i, open)) = work.pop() {
            if !open {
                parts.push((c, done[i]));
                continue;
            }
            let node = &self.typed.nodes[i];
            let second = if node.op == Op::Sub { -c } else { c };
            for (c, a) in [(c, node.args[0]), (second, node.args[1])] {
                work.push((c, a.index(), inner[a.index()]));
            }
        }
        let shape = self.typed.nodes[root].shape;
        self.lin(shape, parts)
    }

    fn convert_node(&mut self, i: usize, done: &[T]) -> T {
        let node = self.typed.nodes[i].clone();
        let arg = |k: usize| done[node.args[k].index()];
        match node.op {
            Op::Number(x) => self.num(x),
            Op::Var(v) => self.var(v),
            Op::Fill => {
                let ones = self.ones(node.shape);
                self.product(&[arg(0), ones])
            }
            Op::Eye => self.eye(node.shape.rows),
            Op::Add => self.add(arg(0), arg(1)),
            Op::Sub => self.sub(arg(0), arg(1)),
            Op::Neg => self.times(-1.0, arg(0)),
            Op::Scale | Op::Product(_) => self.product(&[arg(0), arg(1)]),
            Op::DivScalar => {
                let below = self.power(arg(1), -1.0);
                self.product(&[below, arg(0)])
            }
            Op::Mul => self.hadamard(&[(arg(0), 1.0), (arg(1), 1.0)]),
            Op::Div => self.hadamard(&[(arg(0), 1.0), (arg(1), -1.0)]),
            Op::Pow => self.pow(arg(0), arg(1)),
            Op::MatPow(k) => self.mat_pow(arg(0), k),
            Op::Solve => {
                let inverse = self.inv(arg(0));
                self.product(&[inverse, arg(1)])
            }
            Op::Transpose => self.transpose(arg(0)),
            Op::Map(f) => self.map(f, arg(0)),
            Op::Max => self.max_min(true, arg(0), arg(1)),
            Op::Min => self.max_min(false, arg(0), arg(1)),
            Op::Sum => self.sum(arg(0)),
            Op::Trace => self.trace(arg(0)),
            Op::Det => self.det(arg(0)),
            Op::LogDet => self.log_det(arg(0)),
            Op::Norm1 => {
                let abs = self.map(Map::Abs, arg(0));
                self.sum(abs)
            }
            Op::Norm2 => self.norm2(arg(0)),
            Op::NormInf => self.norm_inf(arg(0)),
            Op::LogSumExp => self.log_sum_exp(arg(0)),
            Op::Softmax => self.softmax(arg(0)),
            Op::Inverse => self.inv(arg(0)),
            Op::Adjugate => self.adj(arg(0)),
            Op::Diag => self.diag(arg(0)),
            Op::DiagPart => self.diag_part(arg(0)),
            Op::Kron => self.kron(arg(0), arg(1)),
            Op::Vec => self.vec(arg(0)),
        }
    }

    /// The variable leaf of a name, whether the expression uses it or not.
    pub(super) fn leaf(&mut self, name: &str) -> Option<T> {
        self.typed.find_var(name).map(|v| self.var(v))
    }

    /// A leaf in the place of the differential of `leaf`, named `d` and its name.
    pub(super) fn direction(&mut self, leaf: T) -> T {
        let Term::Var(v) = *self.get(leaf) else { return leaf };
        if let Some(&d) = self.directions.get(&leaf) {
            return d;
        }
        let of = self.typed.var(v).clone();
        let mut name = format!("d{}", of.name);
        while self.typed.find_var(&name).is_some() {
            name.insert(0, 'd');
        }
        let facts = crate::ast::Facts {
            symmetric: of.facts.symmetric,
            diagonal: of.facts.diagonal,
            ..crate::ast::Facts::default()
        };
        let id = crate::typed::VarId(self.typed.vars.len() as u32);
        self.typed.vars.push(crate::typed::Variable { name, facts, ..of });
        let d = self.var(id);
        self.directions.insert(leaf, d);
        d
    }
}
