//! `triangular_solve`: X with T·X = B, where T is a triangle of A.

use super::inverse::regular;
use super::*;
use crate::types::DType;

/// `triangular_solve(A, B)` with A of shape `[…, n, n]` and B of shape `[…, n, k]`: X with T·X = B or
/// Tᵀ·X = B. T is one triangle of A; the other is never read, nor the diagonal if it is said to be 1.
/// Linear in B.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TriangularSolve {
    /// T is the lower triangle; the upper one otherwise.
    pub lower: bool,
    /// Solve with Tᵀ.
    pub transposed: bool,
    /// The diagonal of T is 1, whatever that of A is.
    pub unit: bool,
}

impl TriangularSolve {
    /// L·X = B.
    pub const LOWER: TriangularSolve =
        TriangularSolve { lower: true, transposed: false, unit: false };
    /// U·X = B.
    pub const UPPER: TriangularSolve =
        TriangularSolve { lower: false, transposed: false, unit: false };

    /// The triangle that is read.
    fn triangle(self, a: Var) -> Var {
        a.triangle("triangular_solve", match (self.lower, self.unit) {
            (true, true) => Compare::Gt,
            (true, false) => Compare::Ge,
            (false, true) => Compare::Lt,
            (false, false) => Compare::Le,
        })
    }

    /// Substitution, forwards or backwards (Golub & Van Loan, section 3.1).
    fn substitute(self, a: &[f64], n: usize, b: &[f64], k: usize) -> Result<Vec<f64>> {
        let at = |i: usize, j: usize| if self.transposed { a[j * n + i] } else { a[i * n + j] };
        let mut x = b.to_vec();
        let forwards = self.lower != self.transposed;
        for step in 0..n {
            let i = if forwards { step } else { n - 1 - step };
            let known = if forwards { 0..i } else { i + 1..n };
            for p in known {
                for j in 0..k {
                    x[i * k + j] -= at(i, p) * x[p * k + j];
                }
            }
            if self.unit {
                continue;
            }
            if at(i, i) == 0.0 {
                return Err(Error::value(format!(
                    "the {n}×{n} triangular matrix is singular: its diagonal is 0 in row {i}"
                ))
                .help("rows are counted from 0; is a column a combination of those before it?"));
            }
            (0..k).for_each(|j| x[i * k + j] /= at(i, i));
        }
        Ok(x)
    }
}

impl Primitive for TriangularSolve {
    fn name(&self) -> &'static str {
        "triangular_solve"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let flag = |b: bool| Attribute::Int(i64::from(b));
        vec![
            ("lower", flag(self.lower)),
            ("transposed", flag(self.transposed)),
            ("unit", flag(self.unit)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        Solve.infer(args)
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (_, n) = support::expect_square(&args[0].ty())?;
        let (_, _, k) = support::expect_matrices(&args[1].ty())?;
        let b = args[1].to_f64();
        let mut at = 0;
        let x = support::each_matrix(args[0], args[1].shape(), |a| {
            at += n * k;
            self.substitute(a, n, &b[at - n * k..at], k)
        })?;
        Ok(vec![x])
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn linearity(&self) -> Linearity {
        Linearity::Together(Args::Only(0b10))
    }
    /// T·X = B, so dT·X + T·dX = dB and dX = T⁻¹(dB − dT·X), where dT is the triangle of dA.
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        let moved = dx[0].map(|da| {
            let dt = self.triangle(da);
            -(if self.transposed { dt.t() } else { dt }).matmul(y[0])
        });
        smallvec![add(dx[1], moved).map(|rhs| apply(*self, &[x[0], rhs])[0])]
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let back = TriangularSolve { transposed: !self.transposed, ..*self };
        smallvec![None, ct[0].map(|ct| apply(back, &[args[0].known(), ct])[0])]
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        apply(*self, &batch_all(args, batched, n))
    }
}

impl Listed for TriangularSolve {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "triangular_solve").then(|| {
            let flag = |name| Ok(a.int(name)? != 0);
            Ok(TriangularSolve {
                lower: flag("lower")?,
                transposed: flag("transposed")?,
                unit: flag("unit")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let mut all = Vec::new();
        for (lower, transposed, unit) in
            [(true, false, false), (true, true, true), (false, false, true), (false, true, false)]
        {
            for (a, b) in [
                (&[3, 3][..], &[3, 2][..]),
                (&[2, 2, 2], &[2, 2, 1]),
                (&[1, 1], &[1, 1]),
                (&[2, 2], &[2, 0]),
                (&[0, 0], &[0, 2]),
            ] {
                all.push(Sample {
                    prim: TriangularSolve { lower, transposed, unit }.into(),
                    args: vec![regular(a), support::spread(DType::F64, b, -2.0, 2.0)],
                });
            }
        }
        all
    }
    fn about() -> Vec<About> {
        vec![
            About::new("triangular_solve", "A, B", "the X with T·X = B, T a triangle of A")
            .differential("triangular_solve(A, dB - dT·X)")
            .transpose("for B: triangular_solve(Aᵀ, c)")
            .domain("triangles without a 0 on the diagonal"),
        ]
    }
}
