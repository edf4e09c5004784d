//! Patterns against dense Jacobians, colourings against their definition and against known numbers.

use riesz_core::check::uniform;
use riesz_core::primitive::{Linearity, Sample};
use riesz_core::sparsity::{
    Pattern, Products, color_both, color_columns, color_rows, color_symmetric, jacobian_pattern,
};
use riesz_core::{
    DType, Prim, Primitive, Program, Result, Tensor, Type, Var, apply, eval, jvp, trace,
};
use std::collections::BTreeSet;

/// The places where the dense Jacobian is not zero, or not a number.
fn nonzeros(program: &Program, at: &[Tensor]) -> Result<BTreeSet<(usize, usize)>> {
    let forward = jvp(program, &vec![true; at.len()])?;
    let sizes: Vec<usize> = at.iter().map(Tensor::len).collect();
    let mut found = BTreeSet::new();
    for column in 0..sizes.iter().sum() {
        let mut args = at.to_vec();
        let mut start = 0;
        for x in at {
            let unit = |k: usize| f64::from(u8::from(start + k == column));
            let values: Vec<f64> = (0..x.len()).map(unit).collect();
            args.push(Tensor::from_f64(&values, x.shape().clone(), x.dtype())?);
            start += x.len();
        }
        let tangents = eval(&forward, &args)?.split_off(program.outputs().len());
        let rows = tangents.iter().flat_map(Tensor::to_f64).enumerate();
        found.extend(rows.filter(|(_, v)| *v != 0.0).map(|(row, _)| (row, column)));
    }
    Ok(found)
}

fn entries(pattern: &Pattern) -> BTreeSet<(usize, usize)> {
    pattern.entries().collect()
}

/// The sample as a program of its float arguments; the others are known to it, or inputs after them.
fn program_of(sample: &Sample, known: bool) -> Result<(Program, Vec<Tensor>, Vec<Tensor>)> {
    let is_float = |t: &&Tensor| t.dtype().is_float();
    let floats: Vec<Tensor> = sample.args.iter().filter(is_float).cloned().collect();
    let others: Vec<Tensor> = sample.args.iter().filter(|t| !is_float(t)).cloned().collect();
    let mut types: Vec<Type> = floats.iter().map(Tensor::ty).collect();
    types.extend(others.iter().filter(|_| !known).map(Tensor::ty));
    let program = trace(&types, |x| {
        let (floats, rest) = x.split_at(floats.len());
        let (mut floats, mut rest) = (floats.iter(), rest.iter());
        let mut take = |t: &Tensor| match (t.dtype().is_float(), known) {
            (true, _) => floats.next().copied(),
            (false, true) => Some(Var::constant(t.clone())),
            (false, false) => rest.next().copied(),
        };
        let args: Vec<Var> =
            sample.args.iter().map(|t| take(t).unwrap_or_else(Var::poison)).collect();
        apply(sample.prim.clone(), &args).to_vec()
    })?;
    Ok((program, floats, others))
}

fn samples() -> Vec<Sample> {
    let has_float = |s: &Sample| s.args.iter().any(|a| a.dtype().is_float());
    Prim::samples().into_iter().filter(has_float).collect()
}

#[test]
fn no_entry_of_any_jacobian_is_missing() -> Result<()> {
    for sample in samples() {
        let (program, floats, others) = program_of(&sample, true)?;
        let truth = nonzeros(&program, &floats)?;
        let pattern = jacobian_pattern(&program, &vec![true; floats.len()])?;
        assert!(entries(&pattern).is_superset(&truth), "{:?}", sample.prim);
        // The same when indices and masks are not known before it runs.
        let (program, _, _) = program_of(&sample, false)?;
        let mut wrt = vec![true; floats.len()];
        wrt.resize(floats.len() + others.len(), false);
        let pattern = jacobian_pattern(&program, &wrt)?;
        assert!(entries(&pattern).is_superset(&truth), "{:?}, unknown", sample.prim);
    }
    Ok(())
}

#[test]
fn what_is_linear_has_exactly_its_pattern() -> Result<()> {
    let mut exact = 0;
    for sample in samples() {
        let linear = matches!(sample.prim.linearity(), Linearity::Together(_));
        // A triangle of a solution may be zero, a Fourier transform has entries sin 0, and nobody has
        // counted the rounds of a loop.
        let may_vanish = matches!(
            sample.prim,
            Prim::TriangularSolve(_)
                | Prim::Solve(_)
                | Prim::CofactorTangent(_)
                | Prim::Fft(_)
                | Prim::Rfft(_)
                | Prim::Irfft(_)
                | Prim::Recurrence(_)
                | Prim::LinearWhile(_)
        );
        if !linear || may_vanish {
            continue;
        }
        let (program, floats, _) = program_of(&sample, true)?;
        let pattern = jacobian_pattern(&program, &vec![true; floats.len()])?;
        let truth = nonzeros(&program, &floats)?;
        // A coefficient that is an argument makes the map nonlinear in it; its own entries count too.
        assert_eq!(entries(&pattern), truth, "{:?}", sample.prim);
        exact += 1;
    }
    assert!(exact >= 100, "{exact}");
    Ok(())
}

/// The pattern of a function of one vector of n numbers.
fn pattern_of(n: usize, f: impl FnOnce(Var) -> Var) -> Result<Pattern> {
    jacobian_pattern(&trace(&[Type::new(DType::F64, [n])], |x| vec![f(x[0])])?, &[true])
}

/// Neighbours along a line: x·x₊ + sin x₋, and zero beyond the ends.
fn neighbours(x: Var) -> Var {
    let n = x.shape()[0];
    let (next, before) = (x.slice_axis(0, 1, n), x.slice_axis(0, 0, n - 1));
    x * next.pad_axis(0, 0, 1) + before.sin().pad_axis(0, 1, 0)
}

#[test]
fn patterns_of_programs() -> Result<()> {
    let band = |i: usize, n: usize| (i.saturating_sub(1)..(i + 2).min(n)).map(move |j| (i, j));
    let n = 7;
    let expected: BTreeSet<(usize, usize)> = (0..n).flat_map(|i| band(i, n)).collect();
    assert_eq!(entries(&pattern_of(n, neighbours)?), expected);
    // A mask, a constant matrix with zeros and constant indices are looked into.
    let masked = pattern_of(4, |x| x * Var::constant([1.0, 0.0, 2.0, 0.0]))?;
    assert_eq!(entries(&masked), [(0, 0), (2, 2)].into());
    let product = pattern_of(2, |x| Var::constant([[1.0, 0.0], [0.0, 0.0], [3.0, 4.0]]).dot(x))?;
    assert_eq!(entries(&product), [(0, 0), (2, 0), (2, 1)].into());
    let taken = pattern_of(3, |x| {
        let edges = Var::iota(DType::I64, 2) + 1;
        x.take(edges, 0) - x.take(Var::constant([0i64, 0]), 0)
    })?;
    assert_eq!(entries(&taken), [(0, 0), (0, 1), (1, 0), (1, 2)].into());
    // What has no derivative leaves no trace.
    assert!(pattern_of(3, |x| x.floor() + x.stop_gradient())?.is_empty());
    assert_eq!(
        entries(&pattern_of(2, |x| x.gt(0.0).cast(DType::F64) * x)?),
        [(0, 0), (1, 1)].into()
    );
    // Two leaves follow each other.
    let types = [Type::new(DType::F64, [2]), Type::new(DType::F64, [2])];
    let two = trace(&types, |x| vec![x[0] * x[1], x[1].sum()])?;
    let expected = [(0, 0), (0, 2), (1, 1), (1, 3), (2, 2), (2, 3)];
    assert_eq!(entries(&jacobian_pattern(&two, &[true, true])?), expected.into());
    assert_eq!(
        entries(&jacobian_pattern(&two, &[false, true])?),
        [(0, 0), (1, 1), (2, 0), (2, 1)].into()
    );
    Ok(())
}

#[test]
fn a_sum_of_everything_is_one_set() -> Result<()> {
    // Each of a million elements meets the mean of all: were their sets stored apart, they would not
    // fit. What comes out is one row.
    let n = 1_000_000;
    let pattern = pattern_of(n, |x| ((x - x.mean()) * x.norm()).square().sum())?;
    assert_eq!((pattern.rows(), pattern.len()), (1, n));
    let dense = pattern_of(n, |x| x - x.mean()).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(dense.contains("not sparse"), "{dense}");
    Ok(())
}

#[test]
fn a_band_of_a_million_rows() -> Result<()> {
    let n = 1_000_000;
    let pattern = pattern_of(n, |x| neighbours(neighbours(x)).tanh())?;
    assert_eq!(pattern.len(), 5 * n - 6);
    assert_eq!(pattern.row(500_000), &[499_998, 499_999, 500_000, 500_001, 500_002]);
    assert_eq!(color_columns(&pattern).count(), 5);
    assert_eq!(color_rows(&pattern).count(), 5);
    Ok(())
}

#[test]
fn full_rows_and_columns_of_a_large_matrix() -> Result<()> {
    // x₀·Σxᵢ² has a Hessian like an arrow; the gradient's program is the one to look at.
    let n = 200_000;
    let gradient = |x: Var| {
        let first = x.at(0);
        let rest = 2.0 * first * x;
        let sum = x.square().sum();
        rest + Var::concat(&[sum.reshape([1]), Var::zeros(&Type::new(DType::F64, [n - 1]))], 0)
    };
    let pattern = pattern_of(n, gradient)?.symmetric();
    assert_eq!(pattern.len(), 3 * n - 2);
    assert_eq!((color_symmetric(&pattern).count(), color_both(&pattern).count()), (2, 3));
    Ok(())
}

#[test]
fn a_long_program_of_numbers() -> Result<()> {
    // x₀ ← sin(x₀ + xₖ) for each k, one number at a time: the pattern is the whole row.
    let n = 2_000;
    let pattern = pattern_of(n, |x| {
        let mut state = x.at(0);
        let mut kept = vec![];
        for k in 1..n {
            state = (state + x.at(k)).sin();
            kept.push(x.at(k) * x.at(k - 1));
        }
        Var::stack(&[kept, vec![state]].concat(), 0)
    })?;
    assert_eq!((pattern.rows(), pattern.row(n - 1).len()), (n, n));
    assert_eq!(pattern.row(7), &[7, 8]);
    Ok(())
}

/// Reads every entry of a matrix with whole numbers back from the products of a colouring.
fn reads_back(pattern: &Pattern, products: &Products, symmetric: bool) {
    let value = |i: usize, j: usize| {
        let (i, j) = if symmetric && i > j { (j, i) } else { (i, j) };
        1.0 + (uniform(i as u64, j as u64) * 1000.0).floor()
    };
    let (m, n) = (pattern.rows(), pattern.columns());
    let mut forward = vec![vec![0.0; m]; products.columns.count()];
    let mut backward = vec![vec![0.0; n]; products.rows.count()];
    for (i, j) in pattern.entries() {
        if let Some(c) = products.columns.get(j) {
            forward[c][i] += value(i, j);
        }
        if let Some(c) = products.rows.get(i) {
            backward[c][j] += value(i, j);
        }
    }
    for ((i, j), by_column) in pattern.entries().zip(&products.by_column) {
        let read = match (by_column, symmetric) {
            (true, _) => products.columns.get(j).map(|c| forward[c][i]),
            (false, true) => products.columns.get(i).map(|c| forward[c][j]),
            (false, false) => products.rows.get(i).map(|c| backward[c][j]),
        };
        assert_eq!(read, Some(value(i, j)), "entry ({i}, {j})");
    }
}

fn check_all(pattern: &Pattern) -> [usize; 3] {
    let all = [color_columns(pattern), color_rows(pattern), color_both(pattern)];
    all.iter().for_each(|products| reads_back(pattern, products, false));
    all.map(|products| products.count())
}

fn check_symmetric(pattern: &Pattern) -> usize {
    let products = color_symmetric(pattern);
    reads_back(pattern, &products, true);
    products.count()
}

/// The pattern of a matrix of n×n whose entries satisfy a condition.
fn square(n: usize, holds: impl Fn(usize, usize) -> bool) -> Result<Pattern> {
    let all = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    Pattern::from_entries(n, n, &all.filter(|&(i, j)| holds(i, j)).collect::<Vec<_>>())
}

#[test]
fn every_colouring_shows_every_entry() -> Result<()> {
    for seed in 0..60u64 {
        let n = 5 + (seed as usize * 7) % 40;
        let density = 0.02 + 0.3 * uniform(seed, 0);
        let random = |i: usize, j: usize| uniform(seed + 1, (i * n + j) as u64) < density;
        check_all(&square(n, random)?);
        let (m, half) = (n, n / 2 + 1);
        let wide: Vec<(usize, usize)> = (0..m)
            .flat_map(|i| (0..half).map(move |j| (i, j)))
            .filter(|&(i, j)| random(i, j))
            .collect();
        check_all(&Pattern::from_entries(m, half, &wide)?);
        let mirrored = |i: usize, j: usize| random(i.min(j), i.max(j));
        let symmetric = check_symmetric(&square(n, mirrored)?);
        assert!(symmetric <= color_columns(&square(n, mirrored)?).count());
    }
    Ok(())
}

#[test]
fn numbers_of_colours_that_are_known() -> Result<()> {
    for n in [12, 50] {
        // A band of 2k + 1 diagonals: 2k + 1 columns meet in a row, and each (2k + 1)-th column can go
        // together.
        for k in 1..4 {
            let band = square(n, |i, j| i.abs_diff(j) <= k)?;
            assert_eq!(check_all(&band), [2 * k + 1; 3]);
        }
        // A path of four vertices needs three colours, and three do for every path.
        assert_eq!(check_symmetric(&square(n, |i, j| i.abs_diff(j) <= 1)?), 3);
        // An arrow: n colours for columns or rows alone; one product each for the full row, the full
        // column and the diagonal; with symmetry, the row is the column.
        let arrow = square(n, |i, j| i == 0 || j == 0 || i == j)?;
        assert_eq!(check_all(&arrow), [n, n, 3]);
        assert_eq!(check_symmetric(&arrow), 2);
        // Two full rows and three full columns beside a diagonal: 2 + 3 + 1.
        let thick = square(n, |i, j| i < 2 || j > n - 4 || i == j)?;
        assert_eq!(check_all(&thick), [n, n, 6]);
        // A full matrix, a diagonal one, an empty one, a cycle of blocks.
        assert_eq!(check_all(&square(n, |_, _| true)?), [n, n, n]);
        assert_eq!(check_symmetric(&square(n, |_, _| true)?), n);
        assert_eq!(check_all(&square(n, |i, j| i == j)?), [1, 1, 1]);
        assert_eq!(check_symmetric(&square(n, |i, j| i == j)?), 1);
        assert_eq!(check_all(&square(n, |_, _| false)?), [0, 0, 0]);
        assert_eq!(check_symmetric(&square(n, |_, _| false)?), 0);
        assert_eq!(check_all(&square(n, |i, j| i / 3 == j / 3)?), [3, 3, 3]);
    }
    Ok(())
}

#[test]
fn grids() -> Result<()> {
    for k in [6, 10, 30] {
        let distance = |p: usize, q: usize| [(p / k).abs_diff(q / k), (p % k).abs_diff(q % k)];
        // Five points: 5 columns meet in a row, and (i + 2j) mod 5 tells them apart; the star chromatic
        // number of a grid is 5 as well (Fertin, Raspaud & Reed, J. Graph Theory 47, 2004).
        let five = square(k * k, |p, q| distance(p, q).iter().sum::<usize>() <= 1)?;
        assert_eq!(check_all(&five), [5; 3]);
        assert_eq!(check_symmetric(&five), 5);
        // Nine points: 9 columns meet, and (i mod 3, j mod 3) tells them apart.
        let nine = square(k * k, |p, q| distance(p, q).iter().all(|&d| d <= 1))?;
        assert_eq!(check_all(&nine), [9; 3]);
        assert!(check_symmetric(&nine) <= 9);
    }
    Ok(())
}
