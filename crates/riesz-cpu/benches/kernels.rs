//! Nanoseconds per element of every vector kernel, per instruction set, and GFLOP/s of the products.
//!
//! `cargo bench -p riesz-cpu` prints the tables; `cargo bench -p riesz-cpu -- simd exp` only what
//! contains a word. Best of many short runs on data in L1, so a busy machine disturbs it least.

use riesz_cpu::simd::{self, Binary, Isa, Operand, Real, Reduce, Unary};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|w| name.contains(w.as_str()));
    println!("{:12} {:>9} {:>8} {:>8} {:>8} {:>8}", "", "", "baseline", "avx2", "avx512", "std");
    for &op in Unary::ALL {
        if wanted(op.name()) {
            unary_row::<f64>("f64", op);
            unary_row::<f32>("f32", op);
        }
    }
    for &op in Binary::ALL {
        if wanted(op.name()) {
            binary_row::<f64>("f64", op);
            binary_row::<f32>("f32", op);
        }
    }
    for &op in Reduce::ALL {
        if wanted("reduce") {
            reduce_row::<f64>("f64", op);
            reduce_row::<f32>("f32", op);
        }
    }
}

const N: usize = 1024;

/// Arguments in the domain of `op`, spread like real data: between −3 and 3 or 0 and 6.
fn arguments<T: Real>(op: Unary) -> Vec<T> {
    let (a, b) = match op {
        Unary::Log | Unary::Log2 | Unary::Log10 | Unary::Sqrt | Unary::Log1p => (0.01, 6.0),
        Unary::Asin | Unary::Acos => (-1.0, 1.0),
        Unary::Sin | Unary::Cos | Unary::Tan => (-30.0, 30.0),
        _ => (-3.0, 3.0),
    };
    (0..N).map(|i| T::of(a + (b - a) * ((i * 617 % N) as f64 + 0.5) / N as f64)).collect()
}

fn best(mut f: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..60 {
        let start = Instant::now();
        for _ in 0..8 {
            f();
        }
        best = best.min(start.elapsed().as_secs_f64() / 8.0);
    }
    best * 1e9
}

fn row(name: &str, kind: &str, mut time: impl FnMut(Isa) -> f64, std: Option<f64>) {
    print!("{name:12} {kind:>9}");
    for level in ["baseline", "avx2", "avx512"] {
        match Isa::named(level) {
            Some(isa) => print!(" {:8.3}", time(isa) / N as f64),
            None => print!(" {:>8}", "-"),
        }
    }
    match std {
        Some(t) => println!(" {:8.3}", t / N as f64),
        None => println!(),
    }
}

fn unary_row<T: Real>(kind: &str, op: Unary) {
    let x = arguments::<T>(op);
    let mut y = x.clone();
    let std: Option<fn(f64) -> f64> = match op {
        Unary::Exp => Some(f64::exp),
        Unary::Expm1 => Some(f64::exp_m1),
        Unary::Log => Some(f64::ln),
        Unary::Log1p => Some(f64::ln_1p),
        Unary::Sin => Some(f64::sin),
        Unary::Cos => Some(f64::cos),
        Unary::Tan => Some(f64::tan),
        Unary::Tanh => Some(f64::tanh),
        Unary::Sinh => Some(f64::sinh),
        Unary::Cosh => Some(f64::cosh),
        Unary::Atan => Some(f64::atan),
        Unary::Asin => Some(f64::asin),
        Unary::Acos => Some(f64::acos),
        _ => None,
    };
    let wide: Vec<f64> = x.iter().map(|v| v.wide()).collect();
    let mut out = wide.clone();
    let std = std.map(|f| {
        best(|| {
            for (o, v) in out.iter_mut().zip(black_box(&wide)) {
                *o = f(*v);
            }
            black_box(&mut out);
        })
    });
    row(
        op.name(),
        kind,
        |isa| best(|| simd::unary(isa, op, black_box(&x), black_box(&mut y))),
        std,
    );
}

fn binary_row<T: Real>(kind: &str, op: Binary) {
    let x = arguments::<T>(Unary::Sqrt);
    let y = arguments::<T>(Unary::Exp);
    let mut out = x.clone();
    let time = |isa| {
        best(|| {
            let (x, y) = (Operand::Slice(&x[..]), Operand::Slice(&y[..]));
            simd::binary(isa, op, black_box(x), black_box(y), black_box(&mut out));
        })
    };
    row(op.name(), kind, time, None);
}

fn reduce_row<T: Real>(kind: &str, op: Reduce) {
    let x = arguments::<T>(Unary::Exp);
    let time = |isa| {
        best(|| {
            black_box(simd::reduce(isa, op, black_box(&x)));
        })
    };
    row(&format!("reduce {}", op.name()), kind, time, None);
}
