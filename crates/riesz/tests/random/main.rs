//! Random programs under random compositions of transformations.
//!
//! A [`Case`] is a recipe for a function of a vector and a whole number, and a list of transformations.
//! Each transformation of the list makes a function from the one before, and its values are held
//! against that function's values in the reference evaluator: derivatives against differences, maps
//! against loops, branches against the branch. So every composition is held against numbers that know
//! nothing of transformations. At the end the whole is differentiated, mapped and compiled once more.
//!
//! A few cases run with the other tests; `cargo xtask fuzz --seed S --count N` runs many. Proptest
//! shortens a case that fails.

mod compositions;
mod differences;
mod steps;

use compositions::{Function, Transformation};
use differences::{Verdict, differential};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use riesz::prelude::*;
use riesz_core::check::recipe::Recipe;
use riesz_core::check::{check_transpose, check_vmap, direction};
use riesz_core::{Program, SimplifyOptions, eval, jvp, simplify, trace, unzip};
use std::cell::Cell;

/// How long the vector is.
const LENGTH: usize = 6;

/// A program of more lines is not transformed further.
const LONG: usize = 2000;

#[derive(Clone)]
struct Case {
    recipe: Recipe,
    transformations: Vec<Transformation>,
    /// The whole number, on which branches and rounds of loops depend.
    k: i64,
}

/// On one line.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Case { recipe, transformations, k } = self;
        write!(f, "steps {:?}, transformations {transformations:?}, k = {k}", recipe.0)
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let recipe = prop::collection::vec((0..steps::count(), 0..64usize, 0..64usize), 1..8);
    let transformations = prop::collection::vec(Transformation::any(), 0..4);
    (recipe.prop_map(Recipe), transformations, 0..2i64)
        .prop_map(|(recipe, transformations, k)| Case { recipe, transformations, k })
}

/// The point, some distance from the zeros and poles of everything.
fn point() -> Vec<f64> {
    (0..LENGTH).map(|i| 0.3 + 0.55 * (1.7 * i as f64 + 0.4).sin()).collect()
}

fn args(x: &[f64], k: i64) -> (Tensor, Tensor) {
    (Tensor::from(x), Tensor::from(k))
}

/// The program of a function, and its values by the reference evaluator. Unlike a program to be run, it
/// keeps the rules of its derivatives.
struct Meaning {
    program: Program,
}

impl Meaning {
    fn of(f: &Function) -> Result<Meaning> {
        let (x, k) = args(&point(), 0);
        let program = trace(&[x.ty(), k.ty()], |x| vec![f(x[0], x[1])])?;
        Ok(Meaning { program: simplify(&program, &SimplifyOptions::default()) })
    }

    /// Reverse mode through a loop within a loop within a loop makes programs of any length.
    fn is_long(&self) -> bool {
        self.program.to_string().lines().count() > LONG
    }

    fn at(&self, x: &[f64], k: i64) -> Result<Vec<f64>> {
        let (x, k) = args(x, k);
        Ok(eval(&self.program, &[x, k])?.swap_remove(0).to_f64())
    }
}

/// What a case says, beside that nothing is wrong: whether differences were good enough to tell.
fn examine(case: &Case) -> Result<Verdict> {
    let mut f = compositions::base(&case.recipe);
    let mut before = Meaning::of(&f)?;
    let mut verdict = Verdict::Agrees;
    for transformation in &case.transformations {
        let next = transformation.apply(&f);
        let after = Meaning::of(&next)?;
        if after.is_long() {
            break;
        }
        verdict = verdict.and(transformation.check(&before, &after, &f, case.k)?);
        (f, before) = (next, after);
    }
    verdict = verdict.and(laws(&before, case.k)?);
    let (x, k) = args(&point(), case.k);
    let compiled = compile(|(x, k): (Var, Var)| f(x, k)).call(&(x, k))?.to_f64();
    Ok(verdict.and(Verdict::close(&compiled, &before.at(&point(), case.k)?, 1e-9, "compiled")))
}

/// The differential, the transpose and the map of the whole.
fn laws(f: &Meaning, k: i64) -> Result<Verdict> {
    let v = direction(&Tensor::from(point()).ty(), 21)?;
    let forward = jvp(&f.program, &[true, false])?;
    let (x, number) = args(&point(), k);
    let dy = eval(&forward, &[x.clone(), number.clone(), v.clone()])?.swap_remove(1).to_f64();
    let expected = differential(&|x| f.at(x, k), &point(), &v.to_f64())?;
    let verdict = expected.compare(&dy, "differential");

    let halves = unzip(&forward, 2, 1)?;
    let residuals = eval(&halves.primal, &[x.clone(), number])?.split_off(1);
    let size = dy.iter().fold(1.0, |m: f64, d| m.max(d.abs()));
    let error = check_transpose(&halves.linear, &residuals, &[v], 5)? / size;
    let verdict = verdict.and(Verdict::expect(error < 1e-10, || format!("transpose: {error}")));

    let other: Vec<f64> = point().iter().map(|x| 0.9 * x + 0.05).collect();
    let instances: Vec<Vec<Tensor>> =
        [(point(), k), (other, 1 - k)].map(|(x, k)| vec![Tensor::from(x), Tensor::from(k)]).into();
    let error = check_vmap(&f.program, &instances, &[true, true])?;
    let scale = f.at(&point(), k)?.iter().fold(1.0, |m: f64, y| m.max(y.abs()));
    Ok(verdict.and(Verdict::expect(error <= 1e-11 * scale, || format!("vmap: {error}"))))
}

/// Runs the cases of seeds `first..first + count`.
fn run_cases(first: u64, count: u64) {
    let unclear = Cell::new(0);
    for seed in first..first + count {
        let config = Config {
            cases: 1,
            max_shrink_iters: 4000,
            failure_persistence: None,
            rng_seed: RngSeed::Fixed(seed),
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&cases(), |case| match examine(&case) {
            Ok(Verdict::Agrees) => Ok(()),
            Ok(Verdict::Unclear) => {
                unclear.set(unclear.get() + 1);
                Ok(())
            }
            Ok(Verdict::Wrong(what)) => Err(TestCaseError::fail(what)),
            Err(error) => Err(TestCaseError::fail(error.to_string())),
        });
        if let Err(error) = outcome {
            panic!("seed {seed} (cargo xtask fuzz --seed {seed} --count 1): {error}");
        }
    }
    let unclear = unclear.get();
    println!("{count} cases agree; in {unclear} of them some differences could not tell");
    assert!(20 * unclear <= count.max(20), "{unclear} of {count} cases are unclear");
}

#[test]
fn programs_under_compositions() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
    };
    run_cases(number("RIESZ_FUZZ_SEED", 0), number("RIESZ_FUZZ_COUNT", 60));
}
