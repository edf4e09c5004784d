//! GFLOP/s of products and microseconds of factorisations, on one thread.
//!
//! `cargo bench -p riesz-cpu --bench linalg`; best of many runs, so a busy machine disturbs it least.

use riesz_cpu::linalg::{self, Mat, MatMut, Scalar, Workspace};
use riesz_cpu::simd::{Isa, Real};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn main() {
    let quick = std::env::args().any(|a| a == "quick");
    if quick {
        for &(m, n, k) in &[
            (4, 4, 4),
            (8, 8, 8),
            (16, 16, 16),
            (569, 1, 32),
            (569, 1, 30),
            (1000, 1, 96),
            (1000, 1, 100),
            (30, 1, 569),
        ] {
            product::<f64>("f64", m, n, k);
            product::<f32>("f32", m, n, k);
        }
        return;
    }
    println!("product m×n×k, GFLOP/s       baseline     avx2   avx512");
    for &(m, n, k) in &[
        (4, 4, 4),
        (8, 8, 8),
        (16, 16, 16),
        (17, 17, 17),
        (20, 20, 20),
        (32, 32, 32),
        (64, 64, 64),
        (256, 256, 256),
        (512, 512, 512),
        (1024, 1024, 1024),
        (569, 1, 30),
        (30, 1, 569),
        (1000, 1, 100),
        (100, 1, 1000),
        (10000, 1, 100),
        (1, 10, 10),
        (1000, 1, 1000),
        (1, 1000, 1000),
        (128, 512, 784),
        (784, 512, 128),
        (128, 10, 512),
        (100, 4, 100),
    ] {
        product::<f64>("f64", m, n, k);
        product::<f32>("f32", m, n, k);
    }
    println!(
        "\nf64, µs       solve1  inverse  inv(SPD)     det     lu    chol      qr     svd     eigh |  faer LU"
    );
    let mut ws = Workspace::default();
    for n in [2usize, 3, 4, 8, 10, 16, 24, 32, 48, 64, 100, 256, 500, 1024] {
        factorisations(n, &mut ws);
    }
}

fn best<R>(mut f: impl FnMut() -> R) -> f64 {
    let (mut best, start) = (f64::INFINITY, Instant::now());
    let mut repeat = 1;
    while start.elapsed() < Duration::from_millis(60) {
        let t = Instant::now();
        for _ in 0..repeat {
            black_box(f());
        }
        let t = t.elapsed().as_secs_f64();
        best = best.min(t / f64::from(repeat));
        if t < 2e-5 {
            repeat *= 2;
        }
    }
    best
}

fn random<T: Real>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::of(((i * 7919 + 13) % 10007) as f64 / 5003.0 - 1.0)).collect()
}

fn product<T: Scalar>(kind: &str, m: usize, n: usize, k: usize) {
    let mut ws = Workspace::default();
    let (a, b, mut c) = (random::<T>(m * k), random::<T>(k * n), random::<T>(m * n));
    for transposed in [false, true] {
        print!("{:26}", format!("{kind} {m}×{n}×{k}{}", if transposed { " Aᵀ" } else { "" }));
        for isa in Isa::available() {
            let a =
                if transposed { Mat::row_major(&a, k, m).t() } else { Mat::row_major(&a, m, k) };
            let t = best(|| {
                let b = Mat::row_major(&b, k, n);
                let mut c = MatMut::row_major(&mut c, m, n);
                let scratch = ws.scratch(linalg::multiply_room(a, b, &c));
                let (a, b) = (black_box(a), black_box(b));
                linalg::multiply(isa, T::of(1.0), a, b, T::of(0.0), &mut c, scratch);
                black_box(&mut c);
            });
            print!(" {:8.2}", 2.0 * (m * n * k) as f64 / t * 1e-9);
        }
        println!();
    }
}

fn factorisations(n: usize, ws: &mut Workspace) {
    let isa = Isa::best();
    let mut a = random::<f64>(n * n);
    for i in 0..n {
        a[i * n + i] += n as f64;
    }
    let symmetric: Vec<f64> = (0..n * n).map(|i| a[i] + a[(i % n) * n + i / n]).collect();
    let b = random::<f64>(n);
    let (mut x, mut out, mut other) = (b.clone(), a.clone(), a.clone());
    let (mut rows, mut w) = (vec![0; n + 1], vec![0.0; n]);
    let micro = [
        best(|| {
            let scratch = ws.scratch(linalg::solve_room::<f64>(n, 1));
            linalg::solve(isa, linalg::alone, n, &a, 1, &b, &mut x, scratch)
        }),
        best(|| {
            let scratch = ws.scratch(linalg::invert_room::<f64>(n));
            linalg::inverse(isa, linalg::alone, n, &a, &mut out, scratch)
        }),
        best(|| {
            let scratch = ws.scratch(linalg::invert_room::<f64>(n));
            linalg::inverse(isa, linalg::alone, n, &symmetric, &mut out, scratch)
        }),
        best(|| linalg::det(isa, linalg::alone, n, &a, ws.scratch(linalg::det_room::<f64>(n)))),
        best(|| {
            let scratch = ws.scratch(linalg::factor_room::<f64>(n));
            linalg::factor(isa, linalg::alone, n, &a, &mut out, &mut rows, scratch).1
        }),
        best(|| {
            out.copy_from_slice(&symmetric);
            let scratch = ws.scratch(linalg::cholesky_room::<f64>(n));
            linalg::cholesky(isa, linalg::alone, n, &mut out, scratch)
        }),
        best(|| {
            linalg::qr(n, n, &a, &mut out, &mut other, ws.scratch(linalg::qr_room::<f64>(n, n)))
        }),
        best(|| {
            let scratch = ws.scratch(linalg::svd_room::<f64>(n, n));
            linalg::svd((n, n), &a, &mut out, &mut w, &mut other, scratch)
        }),
        best(|| {
            let scratch = ws.scratch(linalg::eigh_room::<f64>(n));
            linalg::eigh(n, &symmetric, &mut w, &mut out, scratch)
        }),
        {
            use faer::dyn_stack::{MemBuffer, MemStack};
            use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
            let need = lu_in_place_scratch::<usize, f64>(n, n, faer::Par::Seq, Default::default());
            let mut memory = MemBuffer::new(need);
            let (mut pivots, mut inverse) = (vec![0usize; n], vec![0usize; n]);
            best(|| {
                out.copy_from_slice(&a);
                let m = faer::MatMut::from_row_major_slice_mut(&mut out, n, n);
                let stack = MemStack::new(&mut memory);
                let (par, params) = (faer::Par::Seq, Default::default());
                lu_in_place(m, &mut pivots, &mut inverse, par, stack, params);
            })
        },
    ];
    print!("n = {n:6}");
    for (i, t) in micro.iter().enumerate() {
        print!("{}{:9.2}", if i == 9 { " |" } else { "" }, t * 1e6);
    }
    println!();
}
