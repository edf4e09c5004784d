//! Random numbers: the same everywhere, of the right distributions, and composing with the rest.

use riesz_core::check::check_program;
use riesz_core::{DType, Key, Result, Tensor, Type, Var, eval, trace, vmap};

fn run(f: impl FnOnce() -> Vec<Var>) -> Result<Vec<Tensor>> {
    eval(&trace(&[], |_| f())?, &[])
}

/// From an implementation of the cipher and of the use of its words in another language (Python).
#[test]
fn streams_are_those_of_an_independent_implementation() -> Result<()> {
    let got = run(|| {
        let key = Key::new(42);
        let traced = Key::from_seed(Var::constant(42i64));
        vec![
            key.0,
            traced.0,
            key.bits([5], 53),
            key.uniform([5], DType::F64),
            key.fold_in(-3).0,
            key.permutation(5),
        ]
    })?;
    let key = Tensor::from([3_741_911_486_269_943_675i64, -401_577_387_931_765_103]);
    assert_eq!(got[0], key);
    assert_eq!(got[1], key);
    let bits = [
        7_551_922_690_944_108i64,
        2_955_317_211_104_700,
        8_744_712_023_474_220,
        978_099_892_578_681,
        7_083_337_123_675_515,
    ];
    assert_eq!(got[2], Tensor::from(bits));
    assert_eq!(got[3], Tensor::from(bits.map(|b| b as f64 * 2f64.powi(-53))));
    assert_eq!(got[4], Tensor::from([-7_530_765_507_659_632_976i64, 3_208_348_554_644_709_642]));
    assert_eq!(got[5], Tensor::from([3i64, 1, 4, 0, 2]));
    Ok(())
}

/// The largest distance between the empirical and the true distribution function, times √n; above
/// 1.95 with probability 0.001 (Kolmogorov).
fn kolmogorov(values: &Tensor, cdf: impl Fn(f64) -> f64) -> f64 {
    let mut x = values.to_f64();
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let distances = x.iter().enumerate().map(|(i, &x)| {
        let c = cdf(x);
        (c - i as f64 / n).abs().max(((i + 1) as f64 / n - c).abs())
    });
    distances.fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn distributions_are_right() -> Result<()> {
    const N: usize = 40_000;
    let normal = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    for seed in [0, 1, -5] {
        let y = run(|| {
            let [a, b, c, d, e] = Key::new(seed).split();
            vec![
                a.uniform([N], DType::F64),
                b.normal([N], DType::F64),
                c.gumbel([N], DType::F64),
                d.uniform([N], DType::F32),
                e.normal([N], DType::F32),
            ]
        })?;
        assert!(kolmogorov(&y[0], |x| x) < 1.95);
        assert!(kolmogorov(&y[1], normal) < 1.95);
        assert!(kolmogorov(&y[2], |x| (-(-x).exp()).exp()) < 1.95);
        assert!(kolmogorov(&y[3], |x| x) < 1.95);
        assert!(kolmogorov(&y[4], normal) < 1.95);
        assert!(y[0].to_f64().iter().chain(&y[3].to_f64()).all(|x| (0.0..1.0).contains(x)));
        // Neighbours, and the numbers of two streams, are not correlated: |r|·√n is below 4.
        for (x, z) in [(&y[0].to_f64()[1..], &y[0].to_f64()[..]), (&y[0].to_f64(), &y[3].to_f64())]
        {
            let r: f64 = x.iter().zip(z).map(|(x, z)| 12.0 * (x - 0.5) * (z - 0.5)).sum();
            assert!(r.abs() / (N as f64).sqrt() < 4.0, "{r}");
        }
    }
    Ok(())
}

#[test]
fn discrete_distributions_are_right() -> Result<()> {
    const N: usize = 20_000;
    let within = |count: usize, p: f64| {
        let deviation = (N as f64 * p * (1.0 - p)).sqrt();
        assert!((count as f64 - N as f64 * p).abs() < 4.0 * deviation, "{count} of {N}, p = {p}");
    };
    let p = [0.5, 0.2, 0.3];
    let y = run(|| {
        let [a, b, c] = Key::new(9).split();
        let logits = Var::constant(p.map(f64::ln)).broadcast_leading(N);
        let orders = c.split_many(N);
        vec![a.bernoulli(0.3, [N]), b.categorical(logits), orders]
    })?;
    within(y[0].as_slice::<bool>()?.iter().filter(|&&b| b).count(), 0.3);
    for (i, p) in (0..).zip(p) {
        within(y[1].as_slice::<i64>()?.iter().filter(|&&v| v == i).count(), p);
    }
    // Each of the 6 orders of 3 things, one for each key.
    let one = trace(&[Type::new(DType::I64, [2])], |k| vec![Key(k[0]).permutation(3)])?;
    let orders = eval(&vmap(&one, &[Some(0)], N)?, &y[2..])?;
    let mut counts = std::collections::BTreeMap::new();
    for order in orders[0].as_slice::<i64>()?.chunks(3) {
        *counts.entry(order.to_vec()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 6);
    counts.values().for_each(|&c| within(c, 1.0 / 6.0));
    Ok(())
}

#[test]
fn a_certain_outcome_is_certain() -> Result<()> {
    let y = run(|| {
        let key = Key::new(1);
        let logits = Var::constant([f64::NEG_INFINITY, 0.0, f64::NEG_INFINITY]);
        vec![
            key.bernoulli(0.0, [100]).not().cast(DType::F64).min(),
            key.bernoulli(1.0, [100]).cast(DType::F64).min(),
            key.categorical(logits),
        ]
    })?;
    assert_eq!(y[0], Tensor::from(1.0));
    assert_eq!(y[1], Tensor::from(1.0));
    assert_eq!(y[2], Tensor::from(1i64));
    Ok(())
}

/// Derivatives pass through the mean and the deviation, not through the numbers.
#[test]
fn reparametrised_numbers_have_gradients() -> Result<()> {
    let number = Type::scalar(DType::F64);
    let program = trace(&[number.clone(), number], |x| {
        let noise = Key::new(3).normal([50], DType::F64);
        vec![(x[0] + x[1] * noise).square().mean(), x[0] + x[1] * noise]
    })?;
    let at = [Tensor::from(0.7), Tensor::from(1.3)];
    let errors = check_program(&program, &at, &[true, true], 2)?;
    assert!(errors.differential < 1e-10 && errors.transpose < 1e-13, "{errors:?}");
    Ok(())
}

#[test]
fn errors_say_what_a_key_is() {
    let error = trace(&[Type::new(DType::F64, [2])], |x| vec![Key(x[0]).bits([3], 8)]).unwrap_err();
    assert!(error.to_string().contains("needs keys, i64[…,2], not f64[2]"), "{error}");
    let error = trace(&[], |_| vec![Key::new(0).bits([3], 64)]).unwrap_err();
    assert!(error.to_string().contains("64 random bits; 1 to 63"), "{error}");
}
