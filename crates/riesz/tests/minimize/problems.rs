//! Problems with known minima. The minima were computed twice, by closed form or active-set polish
//! and by Clarabel, SLSQP, trust-constr, HiGHS or BFGS.

use riesz::minimize::{Bounds, Problem};

use crate::data::{Matrix, apply, mat, pmat, pvec, residual, times, vec};
use crate::hyper::{Exact, Hyper};

pub struct Case {
    pub name: &'static str,
    pub objective: Exact,
    pub bounds: Option<Bounds>,
    pub equalities: Option<Exact>,
    pub inequalities: Option<Exact>,
    pub start: Vec<f64>,
    pub minimum: f64,
    /// The allowed error, relative to max(1, |minimum|).
    pub accuracy: f64,
}

impl Case {
    pub fn problem(&mut self) -> Problem<'_> {
        let mut problem = Problem::new(&mut self.objective);
        if let Some(bounds) = &self.bounds {
            problem = problem.bounds(bounds.clone());
        }
        if let Some(equalities) = &mut self.equalities {
            problem = problem.equalities(equalities);
        }
        if let Some(inequalities) = &mut self.inequalities {
            problem = problem.inequalities(inequalities);
        }
        problem
    }
}

fn case(
    name: &'static str,
    start: Vec<f64>,
    minimum: f64,
    f: impl Fn(&[Hyper]) -> Hyper + 'static,
) -> Case {
    Case {
        name,
        objective: Exact::new(start.len(), f),
        bounds: None,
        equalities: None,
        inequalities: None,
        start,
        minimum,
        // The minima are given to 11 digits.
        accuracy: 1e-10,
    }
}

pub fn unconstrained() -> Vec<Case> {
    vec![
        least_squares(),
        logistic(),
        factorisation(),
        case("P17 Rosenbrock", vec![-1.2, 1.0], 0.0, |x| {
            (x[1] - x[0].square()).square() * 100.0 + (-x[0] + 1.0).square()
        }),
        Case {
            accuracy: 1e-9,
            ..case("P18 Powell singular", vec![3.0, -1.0, 0.0, 1.0], 0.0, powell)
        },
        case("P19 Wood", vec![-3.0, -1.0, -3.0, -1.0], 0.0, wood),
        case("P21 Brown and Dennis", vec![25.0, 5.0, -5.0, -1.0], 85822.201626, brown_dennis),
        case("P23 Bard", vec![1.0; 3], 0.0082148773066, bard),
        precision(),
        multinomial(),
        analytic_centre(),
        log_sum_exp(),
    ]
}

pub fn constrained() -> Vec<Case> {
    [
        non_negative(),
        maximum_entropy(),
        chebyshev(),
        markowitz(),
        lasso(),
        support_vectors(),
        huber(),
        basis_pursuit(),
        hock_schittkowski_71(),
        Case {
            inequalities: Some(Exact::constraints(2, 1, |x| {
                vec![x[0].square() + x[1].square() - 1.0]
            })),
            ..case("P27 Rosenbrock in the disc", vec![0.0; 2], 0.04567480872, |x| {
                (x[1] - x[0].square()).square() * 100.0 + (-x[0] + 1.0).square()
            })
        },
        smallest_eigenvalue(),
    ]
    .map(|case| Case { accuracy: 1e-9, ..case })
    .into()
}

/// x = u − v with u, v ≥ 0, so that ‖x‖₁ = Σu + Σv at the minimum.
fn split(x: &[Hyper]) -> (Vec<Hyper>, Hyper) {
    let (u, v) = x.split_at(x.len() / 2);
    (u.iter().zip(v).map(|(u, v)| *u - *v).collect(), x.iter().copied().sum())
}

fn sparse(n: usize, entries: &[(usize, f64)]) -> Vec<f64> {
    let mut t = vec![0.0; n];
    entries.iter().for_each(|(i, v)| t[*i] = *v);
    t
}

fn lasso() -> Case {
    let a = mat(103, 30, 10);
    let t = sparse(10, &[(1, 1.5), (4, -2.0), (7, 0.8)]);
    let b: Vec<f64> = times(&a, &t).iter().zip(vec(104, 30)).map(|(y, e)| y + 0.1 * e).collect();
    assert!((b.iter().sum::<f64>() + 10.1301274).abs() < 1e-6);
    Case {
        bounds: Some(Bounds::non_negative(20)),
        ..case("P03 Lasso", vec![0.0; 20], 8.0193940183, move |x| {
            let (x, norm1) = split(x);
            residual(&a, &x, &b) * 0.5 + norm1 * 2.0
        })
    }
}

/// The variables are w, b and the slacks s.
fn support_vectors() -> Case {
    let x = mat(109, 30, 3);
    let noise = vec(110, 30);
    let z = times(&x, &[1.0, 1.0, -1.0]);
    let y: Vec<f64> = z
        .iter()
        .zip(&noise)
        .map(|(z, e)| if z + 0.2 + 0.6 * e > 0.0 { 1.0 } else { -1.0 })
        .collect();
    let lower = [vec![f64::NEG_INFINITY; 4], vec![0.0; 30]].concat();
    Case {
        bounds: Some(Bounds::new(lower, vec![f64::INFINITY; 34]).unwrap()),
        inequalities: Some(Exact::constraints(34, 30, move |v| {
            let z = apply(&x, &v[..3]);
            (0..30).map(|i| (z[i] + v[3]) * -y[i] + 1.0 - v[4 + i]).collect()
        })),
        ..case("P07 Support vectors", vec![0.0; 34], 8.6531048638, |v| {
            v[..3].iter().map(|w| w.square()).sum::<Hyper>() * 0.5
                + v[4..].iter().copied().sum::<Hyper>()
        })
    }
}

fn huber() -> Case {
    let a = mat(113, 30, 4);
    let exact = times(&a, &[1.0, -1.0, 2.0, 0.5]);
    let mut b: Vec<f64> = exact.iter().zip(vec(114, 30)).map(|(y, e)| y + 0.1 * e).collect();
    b[2] += 4.0;
    b[11] -= 5.0;
    b[23] += 3.0;
    assert!((b.iter().sum::<f64>() - 0.536054589).abs() < 1e-7);
    let lower = [vec![f64::NEG_INFINITY; 4], vec![0.0; 60]].concat();
    Case {
        bounds: Some(Bounds::new(lower, vec![f64::INFINITY; 64]).unwrap()),
        ..case("P10 Huber", vec![0.0; 64], 3.5274843978, move |v| {
            let (r, norm1) = split(&v[4..]);
            let y = apply(&a, &v[..4]);
            (0..30).map(|i| (y[i] - b[i] - r[i]).square()).sum::<Hyper>() * 0.5 + norm1 * 0.3
        })
    }
}

fn basis_pursuit() -> Case {
    let a = mat(120, 10, 24);
    let b = times(&a, &sparse(24, &[(3, 1.0), (10, -2.0), (17, 0.7)]));
    assert!((b.iter().sum::<f64>() - 5.6254095).abs() < 1e-6);
    Case {
        bounds: Some(Bounds::non_negative(48)),
        equalities: Some(Exact::constraints(48, 10, move |x| {
            let (x, _) = split(x);
            apply(&a, &x).into_iter().zip(&b).map(|(y, b)| y - *b).collect()
        })),
        ..case("P28 Basis pursuit", vec![0.0; 48], 3.4879940269, |x| split(x).1)
    }
}

fn least_squares() -> Case {
    let (a, b) = (mat(101, 20, 5), vec(102, 20));
    case("P01 Linear least squares", vec![0.0; 5], 5.2801428313, move |x| residual(&a, x, &b))
}

fn logistic() -> Case {
    let x = mat(105, 40, 4);
    let noise = vec(106, 40);
    let z = times(&x, &[1.0, -2.0, 0.5, 0.0]);
    let y: Vec<f64> =
        z.iter().zip(&noise).map(|(z, e)| if z + 0.8 * e > 0.0 { 1.0 } else { -1.0 }).collect();
    case("P05 Logistic regression", vec![0.0; 4], 14.070989891, move |w| {
        let loss: Hyper =
            apply(&x, w).into_iter().zip(&y).map(|(z, y)| ((z * -*y).exp() + 1.0).ln()).sum();
        loss + w.iter().map(|w| w.square()).sum::<Hyper>() * 0.25
    })
}

fn factorisation() -> Case {
    let a = mat(115, 8, 6);
    let start = [vec(201, 16), vec(202, 12)].concat();
    case("P12 Rank-2 factorisation", start, 5.9711689597, move |x| {
        let (u, v) = x.split_at(16);
        let entry = |i: usize, j: usize| {
            (u[2 * i] * v[2 * j] + u[2 * i + 1] * v[2 * j + 1] - a[i][j]).square()
        };
        (0..8).flat_map(|i| (0..6).map(move |j| (i, j))).map(|(i, j)| entry(i, j)).sum()
    })
}

fn powell(x: &[Hyper]) -> Hyper {
    let (p, q, r, s) = (x[0], x[1], x[2], x[3]);
    (p + q * 10.0).square()
        + (r - s).square() * 5.0
        + (q - r * 2.0).square().square()
        + (p - s).square().square() * 10.0
}

fn wood(x: &[Hyper]) -> Hyper {
    let (p, q, r, s) = (x[0], x[1], x[2], x[3]);
    (q - p.square()).square() * 100.0
        + (-p + 1.0).square()
        + (s - r.square()).square() * 90.0
        + (-r + 1.0).square()
        + (q + s - 2.0).square() * 10.0
        + (q - s).square() * 0.1
}

fn brown_dennis(x: &[Hyper]) -> Hyper {
    let term = |i: usize| {
        let t = i as f64 / 5.0;
        let first = x[0] + x[1] * t - t.exp();
        let second = x[2] + x[3] * t.sin() - t.cos();
        (first.square() + second.square()).square()
    };
    (1..=20).map(term).sum()
}

pub fn meyer() -> Case {
    let y = [
        34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0,
        6005.0, 5147.0, 4427.0, 3820.0, 3307.0, 2872.0,
    ];
    case("P24 Meyer", vec![0.02, 4000.0, 250.0], 87.945855171, move |x| {
        let term = |(i, y): (usize, &f64)| {
            let t = 45.0 + 5.0 * (i + 1) as f64;
            (x[0] * (x[1] / (x[2] + t)).exp() - *y).square()
        };
        y.iter().enumerate().map(term).sum()
    })
}

fn bard(x: &[Hyper]) -> Hyper {
    let y =
        [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
    let term = |(i, y): (usize, f64)| {
        let u = (i + 1) as f64;
        let v = 16.0 - u;
        (-(x[0] + Hyper::from(u) / (x[1] * v + x[2] * u.min(v))) + y).square()
    };
    y.into_iter().enumerate().map(term).sum()
}

/// The lower triangle of a symmetric 4×4 matrix, row by row, is the variable.
fn precision() -> Case {
    let b = mat(125, 9, 4);
    let mut s: Matrix = vec![vec![0.0; 4]; 4];
    for i in 0..4 {
        for j in 0..4 {
            s[i][j] = b.iter().map(|row| row[i] * row[j]).sum::<f64>() / 9.0;
        }
    }
    let identity = vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    case("P32 Gaussian precision", identity, -0.92867313953, move |x| {
        let at = |i: usize, j: usize| x[i.max(j) * (i.max(j) + 1) / 2 + i.min(j)];
        let trace: Hyper =
            (0..4).flat_map(|i| (0..4).map(move |j| (i, j))).map(|(i, j)| at(i, j) * s[i][j]).sum();
        // log det by Cholesky, NaN outside the domain.
        let mut l = [[Hyper::from(0.0); 4]; 4];
        let mut logdet = Hyper::from(0.0);
        for i in 0..4 {
            for j in 0..=i {
                let rest = at(i, j) - (0..j).map(|k| l[i][k] * l[j][k]).sum::<Hyper>();
                l[i][j] = if i == j { rest.sqrt() } else { rest / l[j][j] };
            }
            logdet = logdet + l[i][i].ln() * 2.0;
        }
        trace - logdet
    })
}

fn multinomial() -> Case {
    let x = mat(127, 30, 4);
    let (w, noise) = (mat(128, 4, 3), mat(129, 30, 3));
    let best = |(row, noise): (&Vec<f64>, &Vec<f64>)| {
        let z: Vec<f64> = (0..3)
            .map(|k| row.iter().zip(&w).map(|(x, w)| x * w[k]).sum::<f64>() + 0.3 * noise[k])
            .collect();
        (0..3).max_by(|&i, &j| z[i].total_cmp(&z[j])).unwrap()
    };
    let labels: Vec<usize> = x.iter().zip(&noise).map(best).collect();
    case("P34 Multinomial logistic", vec![0.0; 12], 7.7469240522, move |w| {
        let loss: Hyper = x
            .iter()
            .zip(&labels)
            .map(|(row, &label)| {
                let score = |k: usize| row.iter().enumerate().map(|(i, x)| w[3 * i + k] * *x).sum();
                let z: [Hyper; 3] = [score(0), score(1), score(2)];
                (z[0].exp() + z[1].exp() + z[2].exp()).ln() - z[label]
            })
            .sum();
        loss + w.iter().map(|w| w.square()).sum::<Hyper>() * 0.05
    })
}

fn polyhedron() -> (Matrix, Vec<f64>) {
    (mat(116, 12, 3), pvec(117, 12).into_iter().map(|u| 1.0 + u).collect())
}

fn analytic_centre() -> Case {
    let (a, b) = polyhedron();
    case("P35 Analytic centre", vec![0.0; 3], -6.3472016097, move |x| {
        -apply(&a, x).into_iter().zip(&b).map(|(y, b)| (-y + *b).ln()).sum::<Hyper>()
    })
}

fn log_sum_exp() -> Case {
    let (a, b) = (mat(133, 15, 4), vec(134, 15));
    case("P37 Log-sum-exp", vec![0.0; 4], 2.7242385251, move |x| {
        apply(&a, x).into_iter().zip(&b).map(|(y, b)| (y + *b).exp()).sum::<Hyper>().ln()
    })
}

fn non_negative() -> Case {
    let a = pmat(111, 25, 8);
    let exact = times(&a, &[1.0, 0.0, 0.5, 0.0, 2.0, 0.0, 0.0, 0.3]);
    let b: Vec<f64> = exact.iter().zip(vec(112, 25)).map(|(y, e)| y + 0.3 * e).collect();
    assert!((b.iter().sum::<f64>() - 49.0672581).abs() < 1e-6);
    Case {
        bounds: Some(Bounds::non_negative(8)),
        ..case("P09 Non-negative least squares", vec![0.0; 8], 0.73874281756, move |x| {
            residual(&a, x, &b)
        })
    }
}

fn maximum_entropy() -> Case {
    Case {
        bounds: Some(Bounds::non_negative(8)),
        equalities: Some(Exact::constraints(8, 2, |x| {
            let mean = x.iter().enumerate().map(|(i, x)| *x * (i + 1) as f64).sum::<Hyper>();
            vec![x.iter().copied().sum::<Hyper>() - 1.0, mean - 3.2]
        })),
        ..case("P13 Maximum entropy", vec![0.125; 8], -1.912729515, |x| {
            x.iter().map(|x| *x * x.ln()).sum()
        })
    }
}

fn chebyshev() -> Case {
    let (a, b) = polyhedron();
    let mut lower = vec![f64::NEG_INFINITY; 3];
    lower.push(0.0);
    Case {
        bounds: Some(Bounds::new(lower, vec![f64::INFINITY; 4]).unwrap()),
        inequalities: Some(Exact::constraints(4, 12, move |x| {
            let norm = |row: &Vec<f64>| row.iter().map(|a| a * a).sum::<f64>().sqrt();
            let y = apply(&a, &x[..3]);
            (0..12).map(|i| y[i] + x[3] * norm(&a[i]) - b[i]).collect()
        })),
        ..case("P14 Chebyshev centre", vec![0.0; 4], -1.4291687555, |x| -x[3])
    }
}

fn markowitz() -> Case {
    let f = mat(118, 6, 10);
    let mut s: Matrix = vec![vec![0.0; 10]; 10];
    for i in 0..10 {
        for j in 0..10 {
            s[i][j] = f.iter().map(|row| row[i] * row[j]).sum::<f64>() / 6.0;
        }
        s[i][i] += 0.1;
    }
    assert!((s.iter().flatten().sum::<f64>() - 5.29711368).abs() < 1e-7);
    let u = pvec(119, 10);
    Case {
        bounds: Some(Bounds::non_negative(10)),
        equalities: Some(Exact::constraints(10, 1, |x| {
            vec![x.iter().copied().sum::<Hyper>() - 1.0]
        })),
        ..case("P15 Markowitz", vec![0.1; 10], -0.26203970762, move |x| {
            let quadratic: Hyper = apply(&s, x).into_iter().zip(x).map(|(y, x)| y * *x).sum();
            let linear: Hyper = x.iter().zip(&u).map(|(x, u)| *x * (0.05 + 0.1 * u)).sum();
            quadratic * 0.5 - linear * 2.0
        })
    }
}

fn hock_schittkowski_71() -> Case {
    let start = vec![1.0, 5.0, 5.0, 1.0];
    Case {
        bounds: Some(Bounds::new(vec![1.0; 4], vec![5.0; 4]).unwrap()),
        equalities: Some(Exact::constraints(4, 1, |x| {
            vec![x.iter().map(|x| x.square()).sum::<Hyper>() - 40.0]
        })),
        inequalities: Some(Exact::constraints(4, 1, |x| vec![-(x[0] * x[1] * x[2] * x[3]) + 25.0])),
        ..case("P25 Hock-Schittkowski 71", start, 17.014017289, |x| {
            x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]
        })
    }
}

fn smallest_eigenvalue() -> Case {
    let m = mat(123, 7, 7);
    let a: Matrix = (0..7).map(|i| (0..7).map(|j| 0.5 * (m[i][j] + m[j][i])).collect()).collect();
    Case {
        equalities: Some(Exact::constraints(7, 1, |x| {
            vec![x.iter().map(|x| x.square()).sum::<Hyper>() - 1.0]
        })),
        ..case("P30 Smallest eigenvalue", vec![1.0 / 7.0_f64.sqrt(); 7], -1.8017318382, move |x| {
            apply(&a, x).into_iter().zip(x).map(|(y, x)| y * *x).sum()
        })
    }
}
