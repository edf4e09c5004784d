//! The cases, a file for each: the program as a user of Riesz writes it, and its data.

mod chain;
mod cnn;
mod dense;
mod dispatch;
mod logistic;
mod matrix;
mod mixture;
mod mlp;
mod recurrent;
mod reprojection;
mod rosenbrock;
pub mod transformer;

use crate::case::Case;

/// Every case, in the order of the tables.
pub const ALL: &[Case] = &[
    logistic::LOGISTIC,
    rosenbrock::GRADIENT,
    rosenbrock::HVP,
    chain::CHAIN,
    mlp::MLP,
    mlp::TINY,
    transformer::TRANSFORMER,
    cnn::CNN,
    dense::JACOBIAN,
    dense::HESSIAN,
    reprojection::REPROJECTION,
    mixture::MIXTURE,
    matrix::LOGDET,
    matrix::TRACE_INVERSE,
    matrix::SOLVE,
    dispatch::DISPATCH,
    recurrent::RNN,
    recurrent::RK4,
];

#[cfg(test)]
mod tests {
    use super::ALL;
    use riesz::prelude::DType;

    /// Computed by JAX 0.10.2 in f64, in agreement with PyTorch 2.15.0, CasADi 3.8.2.
    const EXPECTED: &[(&str, &str, Option<f64>, f64)] = &[
        ("a_logreg", "1000x100", Some(0.7130274220680869), 0.8379841817552632),
        ("b_rosen_grad", "10", Some(309.77053519160563), 1457.5869189602115),
        ("b_rosen_grad", "1000", Some(53613.725659793046), 220838.22458892272),
        ("b_rosen_hvp", "10", None, 1332.8842764584492),
        ("b_rosen_hvp", "1000", None, 322547.95758485695),
        ("c_chain", "1000", Some(-22.056425396041778), 736.979287695234),
        ("d_tinymlp", "32x16-32-1", Some(0.33220494039290593), 7.434572578057032),
        ("i_gmm", "N1000D10K25", Some(-2881.031552668006), 14835.043397150375),
        ("j_logdet", "10", Some(11.603873826520383), 19.59190849239228),
        ("j_trinv", "10", Some(4.34521499611728), 9.08318773242461),
        ("j_solve", "10", Some(2.2772238291311613), 36.47500064562342),
        ("k_dispatch", "4", Some(-0.22219939117610588), 6.431085233927642),
        ("l_rnn", "T1000s16", Some(1.9363784666852732), 26.471631925963255),
        ("l_ode_rk4", "T1000s16", Some(0.05965712812695034), 3.5324902576626354),
    ];

    #[test]
    fn the_numbers_are_the_peers() {
        for &(name, size, objective, checksum) in EXPECTED {
            let Some(case) = ALL.iter().find(|case| case.name == name) else { continue };
            let found = (case.prepare)(size, DType::F64).expect("the case runs");
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
            assert!(close(found.checksum, checksum), "{name}: {} {checksum}", found.checksum);
            let both = found.objective.zip(objective);
            assert!(both.is_none_or(|(a, b)| close(a, b)), "{name}: {both:?}");
            assert_eq!(found.objective.is_some(), objective.is_some(), "{name}");
        }
    }

    /// Sizes that would take a test too long.
    const LONG: &[&str] = &["10000000", "N1000D64K100"];

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        for case in ALL {
            let sizes = case.sizes.iter().filter(|size| !LONG.contains(size));
            for (size, &dtype) in sizes.flat_map(|s| case.dtypes.iter().map(move |d| (s, d))) {
                let numbers = |threads| {
                    riesz_cpu::run::set_threads(threads);
                    let found = (case.prepare)(size, dtype).expect("the case runs");
                    (found.objective.map(f64::to_bits), found.checksum.to_bits())
                };
                let alone = numbers(1);
                for threads in [2, 3, 8] {
                    assert_eq!(numbers(threads), alone, "{} {size}, {threads} threads", case.name);
                }
            }
        }
    }
}
