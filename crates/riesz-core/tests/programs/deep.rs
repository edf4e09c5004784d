//! Programs a million equations deep and a hundred thousand wide: every pass is a loop, linear in
//! the length of the program, on the stack a thread has by default.

use riesz_core::{
    DType, Program, Result, SimplifyOptions, Tensor, Type, Var, eval, inline, jvp, simplify, trace,
    transpose, unzip, vmap,
};
use std::time::{Duration, Instant};

/// How long each pass took.
type Times = Vec<(&'static str, Duration)>;

/// Runs every pass over `f` at `x`; returns the value, the gradient and the time of each pass.
fn passes(x: &Tensor, f: impl FnOnce(Var) -> Var) -> Result<(f64, Vec<f64>, Times)> {
    let mut times = Vec::new();
    let mut clock = Instant::now();
    let mut lap = |name: &'static str| {
        times.push((name, clock.elapsed()));
        clock = Instant::now();
    };
    let program = trace(&[x.ty()], |x| vec![f(x[0])])?;
    lap("trace");
    let value = eval(&program, std::slice::from_ref(x))?;
    lap("eval");
    let forward = jvp(&program, &[true])?;
    lap("jvp");
    let halves = unzip(&forward, 1, 1)?;
    lap("unzip");
    let backward = transpose(&halves.linear, halves.residuals)?;
    lap("transpose");
    let gradient: Program = trace(program.input_types(), |x| {
        let primal = inline(&halves.primal, x);
        let mut args = primal[1..].to_vec();
        args.push(primal[0].ones_like());
        inline(&backward, &args)
    })?;
    lap("inline");
    let g = eval(&gradient, std::slice::from_ref(x))?;
    lap("eval gradient");
    vmap(&program, &[Some(0)], 2)?;
    lap("vmap");
    let simple = simplify(&gradient, &SimplifyOptions::default());
    lap("simplify gradient");
    assert_eq!(eval(&simple, std::slice::from_ref(x))?[0].len(), x.len());
    Ok((value[0].item()?, g[0].to_f64(), times))
}

fn report(name: &str, times: &[(&'static str, Duration)]) {
    let total: Duration = times.iter().map(|t| t.1).sum();
    let parts: Vec<String> =
        times.iter().map(|(pass, t)| format!("{pass} {:.2}", t.as_secs_f64())).collect();
    println!("{name}: {:.2} s ({})", total.as_secs_f64(), parts.join(", "));
}

#[test]
fn a_chain_of_a_million_additions() -> Result<()> {
    let n = 1_000_000;
    let (value, gradient, times) = passes(&Tensor::from(0.5), |x| {
        let mut y = x;
        for _ in 0..n {
            y += x;
        }
        y
    })?;
    report("chain of 1,000,000 additions", &times);
    assert_eq!(value, 0.5 * (n + 1) as f64);
    assert_eq!(gradient, [(n + 1) as f64]);
    Ok(())
}

#[test]
fn a_chain_of_nonlinear_operations() -> Result<()> {
    // y ← y·x from x: x^(n+1), with x so near 1 that nothing overflows.
    let (n, x) = (200_000, 1.0 + 1e-6);
    let (value, gradient, times) = passes(&Tensor::from(x), |x| {
        let mut y = x;
        for _ in 0..n {
            y *= x;
        }
        y
    })?;
    report("chain of 200,000 products", &times);
    let power = (f64::from(n + 1) * f64::ln_1p(1e-6)).exp();
    assert!((value / power - 1.0).abs() < 1e-9, "{value} {power}");
    let slope = f64::from(n + 1) * power / x;
    assert!((gradient[0] / slope - 1.0).abs() < 1e-9, "{} {slope}", gradient[0]);
    Ok(())
}

#[test]
fn a_chain_of_changes_of_shape() -> Result<()> {
    // Passes that look through reshapes to what was reshaped must not do so again at each one.
    let n = 50_000;
    let (value, gradient, times) = passes(&Tensor::from([1.0, 2.0]), |x| {
        let mut y = x.broadcast_to([2, 2]);
        for _ in 0..n {
            y = y.reshape([4]).reshape([2, 2]);
        }
        (y * Var::zeros(&Type::new(DType::F64, [2, 2])).reshape([4]).reshape([2, 2])).sum()
            + y.sum()
    })?;
    report("chain of 100,000 reshapes", &times);
    assert_eq!((value, gradient), (6.0, vec![2.0, 2.0]));
    Ok(())
}

#[test]
fn a_fan_out_of_a_hundred_thousand() -> Result<()> {
    let n = 100_000;
    let (value, gradient, times) = passes(&Tensor::from(2.0), |x| {
        let parts: Vec<Var> = (0..n).map(|k| x * f64::from(k)).collect();
        Var::stack(&parts, 0).square().sum()
    })?;
    report("fan-out of 100,000", &times);
    // Σ k²·x² over k < n.
    let squares = f64::from(n - 1) * f64::from(n) * (2.0 * f64::from(n) - 1.0) / 6.0;
    assert!((value / (4.0 * squares) - 1.0).abs() < 1e-12);
    assert!((gradient[0] / (4.0 * squares) - 1.0).abs() < 1e-12);
    Ok(())
}

#[test]
fn slices_of_one_value_a_hundred_thousand_times() -> Result<()> {
    // The transpose of a slice is as long as what it was cut from: here 8 elements each.
    let x = Tensor::from([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let (value, gradient, times) = passes(&x, |x| {
        let mut sum = x.at(0);
        for k in 0..100_000 {
            sum += x.at(k % 8);
        }
        sum
    })?;
    report("100,000 slices", &times);
    assert_eq!(value, 1.0 + 12_500.0 * 36.0);
    assert_eq!(gradient[0], 12_501.0);
    assert_eq!(gradient[7], 12_500.0);
    Ok(())
}

/// The number of equations after each pass.
fn sizes(n: usize) -> Result<Vec<usize>> {
    let program = trace(&[Type::scalar(DType::F64)], |x| {
        vec![(0..n).fold(x[0].sin(), |y, _| y + x[0] * y.cos())]
    })?;
    let forward = jvp(&program, &[true])?;
    let halves = unzip(&forward, 1, 1)?;
    let backward = transpose(&halves.linear, halves.residuals)?;
    let options = SimplifyOptions::default();
    let all = [
        &forward,
        &halves.primal,
        &halves.linear,
        &backward,
        &vmap(&program, &[Some(0)], 2)?,
        &simplify(&program, &options),
        &simplify(&forward, &options),
        &simplify(&backward, &options),
        &program,
    ];
    Ok(all.map(|p| p.equations().len()).to_vec())
}

/// Each step of a chain costs every pass the same number of equations; that the passes visit each
/// a fixed number of times is what the chain of a million shows.
#[test]
fn size_is_linear_in_length() -> Result<()> {
    let (one, two, three) = (sizes(100)?, sizes(200)?, sizes(300)?);
    for ((a, b), c) in one.iter().zip(&two).zip(&three) {
        assert_eq!(b - a, c - b);
        assert!(b - a <= 100 * 12, "{} equations for each step", (b - a) / 100);
    }
    Ok(())
}
