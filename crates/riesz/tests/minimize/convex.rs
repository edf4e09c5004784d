//! Random convex quadratic programs, judged by the Karush–Kuhn–Tucker conditions, which are
//! sufficient for them. Rows of the constraints differ in scale, bounds are degenerate on purpose.

use riesz::minimize::{
    Bounds, Control, FnConstraints, FnObjective, Options, Problem, Solution, Status, solve,
};

use crate::data::{Matrix, mat, pvec, times, vec};

struct Program {
    n: usize,
    h: Matrix,
    q: Vec<f64>,
    bounds: Bounds,
    a: Matrix,
    b: Vec<f64>,
    g: Matrix,
    r: Vec<f64>,
}

fn transposed_times(a: &Matrix, n: usize, w: &[f64]) -> Vec<f64> {
    (0..n).map(|j| a.iter().zip(w).map(|(row, w)| row[j] * w).sum()).collect()
}

fn scaled(seed: u64, m: usize, n: usize) -> Matrix {
    let scales = vec(seed + 1, m + 1);
    let mut a = mat(seed, m, n);
    a.iter_mut().zip(scales).for_each(|(row, s)| {
        row.iter_mut().for_each(|a| *a *= 10.0_f64.powf(1.5 * s));
    });
    a
}

/// A program with a feasible point, at which some inequalities and bounds hold with equality.
fn program(seed: u64) -> Program {
    let n = 3 + (seed % 9) as usize;
    let (equal, unequal) = ((seed % 3) as usize, (seed % 5) as usize);
    let f = mat(seed, n, n);
    let condition = 10.0_f64.powi(-((seed % 4) as i32));
    let mut h: Matrix = (0..n).map(|i| transposed_times(&f, n, &column(&f, i))).collect();
    (0..n).for_each(|i| h[i][i] += condition);
    let inside = vec(seed + 7, n);
    let gaps = vec(seed + 8, 2 * n);
    let lower = (0..n).map(|i| match gaps[i] {
        gap if gap < -0.3 => f64::NEG_INFINITY,
        gap if gap < 0.3 => inside[i],
        gap => inside[i] - gap,
    });
    let upper = (0..n).map(|i| match gaps[n + i] {
        gap if gap < 0.0 => f64::INFINITY,
        gap if gap < 0.1 => inside[i],
        gap => inside[i] + gap,
    });
    let a = scaled(seed + 2, equal, n);
    let g = scaled(seed + 4, unequal, n);
    let slack = pvec(seed + 6, unequal);
    let r = times(&g, &inside).iter().zip(slack).map(|(y, s)| y + (s - 0.5).max(0.0)).collect();
    Program {
        n,
        h,
        q: vec(seed + 9, n).into_iter().map(|q| 3.0 * q).collect(),
        bounds: Bounds::new(lower.collect(), upper.collect()).unwrap(),
        b: times(&a, &inside),
        a,
        g,
        r,
    }
}

fn column(f: &Matrix, i: usize) -> Vec<f64> {
    f.iter().map(|row| row[i]).collect()
}

fn affine<'a>(a: &'a Matrix, b: &'a [f64], n: usize) -> FnConstraints<'a> {
    FnConstraints::new(
        n,
        b.len(),
        move |x, out| {
            times(a, x).iter().zip(b).zip(out).for_each(|((y, b), out)| *out = y - b);
            Ok(())
        },
        move |_, w, out| {
            out.copy_from_slice(&transposed_times(a, n, w));
            Ok(())
        },
    )
}

fn solution_of(p: &Program) -> Solution {
    let mut objective = FnObjective::new(p.n, |x, grad| {
        grad.copy_from_slice(&times(&p.h, x));
        let value = x.iter().zip(grad.iter().zip(&p.q)).map(|(x, (g, q))| x * (0.5 * g + q)).sum();
        grad.iter_mut().zip(&p.q).for_each(|(g, q)| *g += q);
        Ok(value)
    });
    let mut equalities = affine(&p.a, &p.b, p.n);
    let mut inequalities = affine(&p.g, &p.r, p.n);
    let problem = Problem::new(&mut objective)
        .bounds(p.bounds.clone())
        .equalities(&mut equalities)
        .inequalities(&mut inequalities);
    let mut inside = true;
    let s = solve(problem, &vec![0.0; p.n], &Options::default(), &mut |p| {
        inside &= p.value.is_finite();
        Control::Continue
    })
    .unwrap();
    assert!(inside);
    s
}

/// The largest violation of the KKT conditions.
fn kkt(p: &Program, s: &Solution) -> f64 {
    let mut gradient = times(&p.h, &s.x);
    let terms = [
        p.q.clone(),
        transposed_times(&p.a, p.n, &s.equality_multipliers),
        transposed_times(&p.g, p.n, &s.inequality_multipliers),
    ];
    terms.iter().for_each(|t| gradient.iter_mut().zip(t).for_each(|(g, t)| *g += t));
    let mut worst: f64 = 0.0;
    for (i, g) in gradient.iter().enumerate() {
        let (x, l, u) = (s.x[i], p.bounds.lower()[i], p.bounds.upper()[i]);
        assert!(l <= x && x <= u);
        // A multiplier of a bound may carry g where x is on it.
        if (x > l && *g > 0.0) || (x < u && *g < 0.0) {
            worst = worst.max(g.abs().min(if *g > 0.0 { x - l } else { u - x }));
        }
    }
    for (y, b) in times(&p.a, &s.x).iter().zip(&p.b) {
        worst = worst.max((y - b).abs());
    }
    for ((y, r), m) in times(&p.g, &s.x).iter().zip(&p.r).zip(&s.inequality_multipliers) {
        assert!(*m >= 0.0);
        worst = worst.max(y - r).max(m.min((r - y).abs()));
    }
    worst
}

#[test]
fn random_quadratic_programs() {
    let mut failures = Vec::new();
    let (mut evaluations, mut most) = (0, 0);
    for seed in (1000..4000).step_by(13) {
        let p = program(seed);
        let s = solution_of(&p);
        (evaluations, most) = (evaluations + s.evaluations, most.max(s.evaluations));
        let worst = kkt(&p, &s);
        let allowed = if s.reason.contains("limit of precision") { 1e-4 } else { 1e-8 };
        if s.status != Status::Converged || worst > allowed * s.objective.abs().max(1.0) {
            failures.push(format!("{seed}: {} ({}), KKT {worst:.1e}", s.status, s.reason));
        }
    }
    println!("random quadratic programs: {evaluations} evaluations, at most {most}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
