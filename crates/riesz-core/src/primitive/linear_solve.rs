//! `linear_solve`: the solution of a linear system that is given as a product, by a program of the
//! user's choice.
//!
//! With A(c)·x = b:
//!
//! ```text
//! A·dx = db − dA·x        the same system with another right side
//! ⟨A⁻¹·db, x̄⟩ = ⟨db, A⁻ᵀ·x̄⟩    the transposed system
//! ```
//!
//! so no derivative of the solving program is ever taken, and how it solves does not matter.

use super::flow::*;
use super::*;
use crate::jvp::push_forward;
use crate::program::Program;
use crate::types::DType;

/// `linear_solve(constants…, b…)` is the `x…` with `product(constants…, x…) = b…`, found by
/// `solve(constants…, b…)`. Linear in `b`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LinearSolve {
    /// The product: from constants and x to A·x, linear in x.
    pub product: Body,
    /// From constants and b to the solution of A·x = b.
    pub solve: Body,
    /// From constants and b to the solution of Aᵀ·x = b.
    pub solve_transposed: Body,
    /// How many arguments are constants.
    pub consts: usize,
}

impl LinearSolve {
    fn unknowns(&self) -> usize {
        self.product.outputs().len()
    }

    fn differentiate(&self, x: &[Var], dx: &[Option<Var>]) -> (Vars, Tangents) {
        let (constants, b) = x.split_at(self.consts);
        let (dc, db) = dx.split_at(self.consts);
        let y = apply(self.clone(), x);
        let mut directions = dc.to_vec();
        directions.resize(x.len(), None);
        // dA·x, at the solution.
        let moved = match dc.iter().any(Option::is_some) {
            true => push_forward(&self.product, &[constants, &y].concat(), &directions).1,
            false => vec![None; y.len()],
        };
        let sides = db.iter().zip(moved).map(|(&db, moved)| add(db, moved.map(|m| -m)));
        let sides: Vec<Option<Var>> = sides.collect();
        if sides.iter().all(Option::is_none) {
            return (y, smallvec![None; self.unknowns()]);
        }
        let sides = sides.iter().zip(b).map(|(side, b)| side.unwrap_or_else(|| b.zeros_like()));
        let args: Vec<Var> = constants.iter().copied().chain(sides).collect();
        let dy = apply(self.clone(), &args);
        (y, dy.into_iter().map(Some).collect())
    }

    fn transpose_system(&self, args: &[Arg], ct: &[Option<Var>]) -> Result<Cotangents> {
        let constants: Vec<Var> = args[..self.consts].iter().map(Arg::known).collect();
        let back = LinearSolve {
            product: Body::new(crate::transpose::transpose(&self.product, self.consts)?),
            solve: self.solve_transposed.clone(),
            solve_transposed: self.solve.clone(),
            consts: self.consts,
        };
        let sides = ct.iter().zip(&args[self.consts..]);
        let sides = sides.map(|(ct, b)| ct.unwrap_or_else(|| Var::zeros(&b.ty())));
        let args: Vec<Var> = constants.into_iter().chain(sides).collect();
        let positions: Vec<usize> = (self.consts..args.len()).collect();
        Ok(placed(&positions, args.len(), apply(back, &args)))
    }

    fn batch_systems(&self, args: &[Var], batched: &[bool], n: usize) -> Result<Vars> {
        // Every instance has a right side of its own, as every solution is.
        let mut all = batched[..self.consts].to_vec();
        all.resize(args.len(), true);
        let over = |body: &Program| batched_body(body, &all, n).map(Body::new);
        let batch = LinearSolve {
            product: over(&self.product)?,
            solve: over(&self.solve)?,
            solve_transposed: over(&self.solve_transposed)?,
            consts: self.consts,
        };
        let args: Vec<Var> = (0..args.len())
            .map(|i| match i < self.consts {
                true => args[i],
                false => spread((args[i], batched[i]), n),
            })
            .collect();
        Ok(apply(batch, &args))
    }
}

impl Primitive for LinearSolve {
    fn name(&self) -> &'static str {
        "linear_solve"
    }
    fn output_count(&self) -> usize {
        self.unknowns()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("consts", Attribute::Int(self.consts as i64)),
            ("product", Attribute::Program(self.product.clone())),
            ("solve", Attribute::Program(self.solve.clone())),
            ("solve_transposed", Attribute::Program(self.solve_transposed.clone())),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        let b = args.get(self.consts..).unwrap_or_default();
        for (what, body) in [
            ("the product", &self.product),
            ("the solver", &self.solve),
            ("the solver of the transposed system", &self.solve_transposed),
        ] {
            expect_inputs(what, body, args)?;
            let results = body.output_types();
            if results != b {
                return Err(Error::shape(format!("{what} gives {results:?}, not {b:?}"))
                    .help("the unknowns have the element types and shapes of the right side"));
            }
        }
        expect_linear(&(self.consts..args.len()).collect::<Vec<_>>(), args)?;
        Ok(b.into())
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let args: Vec<Tensor> = args.iter().map(|&t| t.clone()).collect();
        crate::eval::eval(&self.solve, &args)
    }
    fn linearity(&self) -> Linearity {
        linear_together(&(self.consts..self.consts + self.unknowns()).collect::<Vec<_>>())
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        self.differentiate(x, dx).1
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        Some(self.differentiate(x, dx))
    }
    fn can_fail(&self, _: &[Type]) -> bool {
        true
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        cotangents_or_fail(self.transpose_system(args, ct), args.len())
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        vars_or_fail(self.batch_systems(args, batched, n), self.output_count())
    }
}

impl Listed for LinearSolve {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        (name == "linear_solve").then(|| {
            Ok(LinearSolve {
                product: a.program("product")?.clone(),
                solve: a.program("solve")?.clone(),
                solve_transposed: a.program("solve_transposed")?.clone(),
                consts: count(a, "consts")?,
            })
        })
    }
    /// A general matrix, solved by elimination.
    fn samples() -> Vec<Sample> {
        let types = [Type::new(DType::F64, [3, 3]), Type::new(DType::F64, [3])];
        let product = body_of(&types, |x| vec![x[0].dot(x[1])]);
        let solve = body_of(&types, |x| vec![x[0].solve(x[1])]);
        let solve_transposed = body_of(&types, |x| vec![x[0].t().solve(x[1])]);
        let (Ok(product), Ok(solve), Ok(solve_transposed)) = (product, solve, solve_transposed)
        else {
            return vec![];
        };
        let matrix = vec![4.0, 1.0, -0.5, 0.3, 3.0, 0.8, -0.2, 0.6, 5.0];
        let Ok(matrix) = Tensor::new(matrix, [3, 3]) else { return vec![] };
        vec![Sample {
            prim: LinearSolve { product, solve, solve_transposed, consts: 1 }.into(),
            args: vec![matrix, support::spread(DType::F64, [3], -1.0, 1.0)],
        }]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("linear_solve", "x, …", "the solution of product(constants, …) = b, …, by a program")
                .differential("the same system with db - dA·y on the right")
                .transpose("the system with the transposed product")
                .domain("systems that have one solution"),
        ]
    }
}
