//! Nests as machine code: nanoseconds per element, beside a floor, and what compiling costs.
//!
//! `cargo bench -p riesz-cpu --bench nests` prints the table; words after `--` choose rows. The floor is
//! what the machine cannot beat: the arithmetic at the measured peak of one core (52 GFLOP/s in f64,
//! 105 in f32), the bytes at its bandwidth (92 GB/s in cache, 23 GB/s in memory), or a kernel written
//! by hand with AVX-512 intrinsics, whichever is known. Best of many short runs.

use riesz_core::DType;
use riesz_cpu::native::{Code, compile};
use riesz_cpu::nest::*;
use riesz_cpu::simd::Isa;
use smallvec::SmallVec;
use std::time::Instant;

fn at(operand: u32, offset: isize, strides: &[isize]) -> Access {
    Access { operand, offset, strides: strides.into() }
}

/// A body in the making.
struct Body {
    ty: DType,
    insts: Vec<Inst>,
    stores: Vec<Store>,
}

impl Body {
    fn new(ty: DType) -> Body {
        Body { ty, insts: Vec::new(), stores: Vec::new() }
    }
    fn add(&mut self, op: Op) -> Reg {
        self.insts.push(Inst { op, ty: self.ty });
        self.insts.len() as Reg - 1
    }
    fn number(&mut self, x: f64) -> Reg {
        let bits = if self.ty == DType::F64 { x.to_bits() } else { (x as f32).to_bits().into() };
        self.add(Op::Const(bits))
    }
    fn load(&mut self, operand: u32, offset: isize, strides: &[isize]) -> Reg {
        self.add(Op::Load(at(operand, offset, strides)))
    }
    fn one(&mut self, f: Unary, a: Reg) -> Reg {
        self.add(Op::Unary(f, a))
    }
    fn two(&mut self, f: Binary, a: Reg, b: Reg) -> Reg {
        self.add(Op::Binary(f, a, b))
    }
    fn fma(&mut self, a: Reg, b: Reg, c: Reg) -> Reg {
        self.add(Op::Fma(a, b, c))
    }
    fn store(&mut self, value: Reg, operand: u32, offset: isize, strides: &[isize]) {
        self.stores.push(Store { value, access: at(operand, offset, strides), fold: None });
    }
    fn fold(&mut self, value: Reg, operand: u32, strides: &[isize], op: Reduction, along: u32) {
        let fold = Some(Fold { op, along, accumulate: false });
        self.stores.push(Store { value, access: at(operand, 0, strides), fold });
    }
    fn region(self, extents: &[usize], vector: usize, operands: usize) -> Region {
        let extents: SmallVec<[usize; 4]> = extents.into();
        let vector = (!extents.is_empty()).then_some(vector);
        let nest = Nest { extents, vector, body: self.insts, stores: self.stores, flag: None };
        Region { operands: vec![self.ty; operands].into(), steps: vec![Step::Nest(nest)] }
    }
}

fn seconds(mut f: impl FnMut()) -> f64 {
    let once = {
        f();
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    let inner = ((2e-4 / once.max(1e-9)) as usize).clamp(1, 100_000);
    let mut best = f64::INFINITY;
    for _ in 0..if once > 1e-3 { 15 } else { 40 } {
        let start = Instant::now();
        for _ in 0..inner {
            f();
        }
        best = best.min(start.elapsed().as_secs_f64() / inner as f64);
    }
    best
}

fn run(code: &Code, region: &Region, elements: usize) -> f64 {
    let mut buffers: Vec<Vec<f64>> =
        region.operands.iter().map(|_| vec![0.0; elements + 64]).collect();
    for (k, (buffer, ty)) in buffers.iter_mut().zip(region.operands.iter()).enumerate() {
        for (i, place) in buffer[..elements].iter_mut().enumerate() {
            let x = ((i * 617 + k * 31) % 1021) as f64 / 256.0 - 2.0;
            *place = if *ty == DType::F64 {
                x
            } else {
                let (a, b) = ((x as f32).to_bits(), (x as f32 + 0.5).to_bits());
                f64::from_bits(u64::from(a) | u64::from(b) << 32)
            };
        }
    }
    let mut table: Vec<*mut u8> = buffers.iter_mut().map(|b| b.as_mut_ptr().cast()).collect();
    let Some(Step::Nest(nest)) = region.steps.first() else { return f64::NAN };
    let range = (0, nest.extents.first().copied().unwrap_or(0));
    seconds(|| {
        // SAFETY: every operand has `elements` elements, more than any access reaches.
        assert!(unsafe { code.run(table.as_mut_ptr(), range) });
    })
}

/// Prints a row: `elements` is what the time is divided by, `floor` in nanoseconds for all.
fn row(name: &str, region: &Region, reach: usize, elements: usize, floor: f64) {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if !words.is_empty() && !words.iter().any(|w| name.contains(w.as_str())) {
        return;
    }
    for isa in Isa::available() {
        let Some(code) = compile(region, isa) else { continue };
        if std::env::args().any(|a| a == "--listing") {
            println!("{}", code.listing());
        }
        let ns = run(&code, region, reach) * 1e9;
        let compiling = seconds(|| drop(compile(region, isa))) * 1e6;
        let Some(Step::Nest(nest)) = region.steps.first() else { return };
        println!(
            "{name:28} {:9} {:10.1} ns {:9.4} ns/element {:6.2} × floor; {compiling:7.1} µs for {} instructions",
            isa.name(),
            ns,
            ns / elements as f64,
            ns / floor,
            nest.body.len(),
        );
    }
}

/// Σ tanh x·e^(−x²) + log1p(x²)·sin x and its gradient.
fn chain(ty: DType, n: usize) -> Region {
    let mut b = Body::new(ty);
    let x = b.load(0, 0, &[1]);
    let q = b.two(Binary::Mul, x, x);
    let minus = b.one(Unary::Neg, q);
    let e = b.one(Unary::Exp, minus);
    let th = b.one(Unary::Tanh, x);
    let l = b.one(Unary::Log1p, q);
    let (s, c) = (b.one(Unary::Sin, x), b.one(Unary::Cos, x));
    let (te, ls) = (b.two(Binary::Mul, th, e), b.two(Binary::Mul, l, s));
    let value = b.two(Binary::Add, te, ls);
    let (one, two) = (b.number(1.0), b.number(2.0));
    let tt = b.two(Binary::Mul, th, th);
    let slope = b.two(Binary::Sub, one, tt);
    let first = b.two(Binary::Mul, slope, e);
    let twice = b.two(Binary::Mul, two, x);
    let second = b.two(Binary::Mul, twice, te);
    let below = b.two(Binary::Add, one, q);
    let ratio = b.two(Binary::Div, twice, below);
    let third = b.two(Binary::Mul, ratio, s);
    let g = b.two(Binary::Sub, first, second);
    let g = b.two(Binary::Add, g, third);
    let g = b.fma(l, c, g);
    b.store(g, 1, 0, &[1]);
    b.fold(value, 2, &[0], Reduction::Sum, 1);
    b.region(&[n], 0, 3)
}

fn bytes(count: usize, size: usize) -> f64 {
    let all = (count * size) as f64;
    all / if all > 1.5e7 { 23.0 } else { 92.0 }
}

fn peak(ty: DType) -> f64 {
    if ty == DType::F64 { 52.0 } else { 105.0 }
}

fn elementwise(ty: DType) {
    for n in [1000, 100_000, 10_000_000] {
        let mut b = Body::new(ty);
        let (x, y) = (b.load(0, 0, &[1]), b.load(1, 0, &[1]));
        let z = b.fma(x, y, x);
        b.store(z, 2, 0, &[1]);
        let floor = bytes(3 * n, ty.size());
        row(&format!("x·y + x {ty} {n}"), &b.region(&[n], 0, 3), n, n, floor);
        let floor = n as f64 * if ty == DType::F64 { 4.85 } else { 1.9 };
        row(&format!("chain {ty} {n}"), &chain(ty, n), n, n, floor);
    }
    for f in [Unary::Exp, Unary::Log, Unary::Tanh, Unary::Sin, Unary::Sigmoid] {
        let mut b = Body::new(ty);
        let x = b.load(0, 0, &[1]);
        let y = b.one(f, x);
        b.store(y, 1, 0, &[1]);
        let name = format!("{} {ty} 1000", f.row().name);
        row(&name, &b.region(&[1000], 0, 2), 1000, 1000, bytes(2000, ty.size()));
    }
}

fn products(ty: DType) {
    for n in [16, 100, 1000, 100_000] {
        let mut b = Body::new(ty);
        let (x, y) = (b.load(0, 0, &[1]), b.load(1, 0, &[1]));
        let p = b.two(Binary::Mul, x, y);
        b.fold(p, 2, &[0], Reduction::Sum, 1);
        let floor = bytes(2 * n, ty.size()).max(2.0 * n as f64 / peak(ty));
        row(&format!("dot {ty} {n}"), &b.region(&[n], 0, 3), n, n, floor);
    }
    for n in [16usize, 100, 1000] {
        let w = n as isize;
        let floor = bytes(n * n, ty.size()).max(2.0 * (n * n) as f64 / peak(ty));
        for (name, extents, vector, a, x, y, along) in [
            ("rows", [n, n], 1, [w, 1], [0, 1], [1, 0], 0b10),
            ("columns, kept outside", [n, n], 0, [1, w], [0, 1], [1, 0], 0b10),
            ("columns, kept inside", [n, n], 1, [w, 1], [1, 0], [0, 1], 0b01),
        ] {
            let mut b = Body::new(ty);
            let (m, v) = (b.load(0, 0, &a), b.load(1, 0, &x));
            let p = b.two(Binary::Mul, m, v);
            b.fold(p, 2, &y, Reduction::Sum, along);
            let name = format!("matvec by {name} {ty} {n}");
            row(&name, &b.region(&extents, vector, 3), n * n, n * n, floor);
        }
    }
    for n in [4usize, 8, 16, 32] {
        let w = n as isize;
        let mut b = Body::new(ty);
        let (x, y) = (b.load(0, 0, &[w, 0, 1]), b.load(1, 0, &[0, 1, w]));
        let p = b.two(Binary::Mul, x, y);
        b.fold(p, 2, &[w, 1, 0], Reduction::Sum, 0b100);
        let flops = 2.0 * (n * n * n) as f64;
        row(
            &format!("matmul {ty} {n}"),
            &b.region(&[n, n, n], 1, 3),
            n * n,
            n * n,
            flops / peak(ty),
        );
    }
}

fn others(ty: DType) {
    for n in [10usize, 1000] {
        // The gradient of Σ 100(x₊ − x²)² + (1 − x)², away from the ends.
        let mut b = Body::new(ty);
        let (l, x, r) = (b.load(0, 0, &[1]), b.load(0, 1, &[1]), b.load(0, 2, &[1]));
        let (two, c4, c2, one) = (b.number(200.0), b.number(400.0), b.number(2.0), b.number(1.0));
        let (ll, xx) = (b.two(Binary::Mul, l, l), b.two(Binary::Mul, x, x));
        let (p, d) = (b.two(Binary::Sub, x, ll), b.two(Binary::Sub, r, xx));
        let (a, dx) = (b.two(Binary::Mul, two, p), b.two(Binary::Mul, d, x));
        let dx = b.two(Binary::Mul, c4, dx);
        let g = b.two(Binary::Sub, a, dx);
        let t = b.two(Binary::Sub, one, x);
        let t = b.two(Binary::Mul, c2, t);
        let g = b.two(Binary::Sub, g, t);
        b.store(g, 1, 0, &[1]);
        let floor = bytes(2 * n, ty.size()).max(5.0 * n as f64 / peak(ty));
        row(&format!("rosenbrock {ty} {n}"), &b.region(&[n], 0, 2), n + 2, n, floor);
    }
    for (m, n) in [(64usize, 10usize), (64, 1000)] {
        let w = n as isize;
        let mut b = Body::new(ty);
        let x = b.load(0, 0, &[w, 1]);
        b.fold(x, 1, &[1, 0], Reduction::Max, 0b10);
        let floor = bytes(m * n, ty.size());
        row(&format!("row maxima {ty} {m}×{n}"), &b.region(&[m, n], 1, 2), m * n, m * n, floor);
        let mut b = Body::new(ty);
        let (x, top) = (b.load(0, 0, &[w, 1]), b.load(1, 0, &[1, 0]));
        let z = b.two(Binary::Sub, x, top);
        let e = b.one(Unary::Exp, z);
        b.store(e, 2, 0, &[w, 1]);
        b.fold(e, 3, &[1, 0], Reduction::Sum, 0b10);
        let floor = bytes(2 * m * n, ty.size()).max(20.0 * (m * n) as f64 / peak(ty));
        let name = format!("exp and row sums {ty} {m}×{n}");
        row(&name, &b.region(&[m, n], 1, 4), m * n, m * n, floor);
    }
    // A long straight line: every value is used again a while later.
    let mut b = Body::new(ty);
    for i in 0..16 {
        b.load(0, 1000 * i, &[1]);
    }
    for i in 0..1000u32 {
        let n = b.insts.len() as u32;
        let f = [Binary::Add, Binary::Mul, Binary::Sub][(i % 3) as usize];
        b.two(f, n - 1 - (i * 7) % 16, n - 1 - (i * 13) % 40 % n);
    }
    let last = b.insts.len() as u32 - 1;
    for k in 0..8 {
        b.store(last - 5 * k, 1, 1000 * k as isize, &[1]);
    }
    row(
        &format!("1000 operations {ty} 1000"),
        &b.region(&[1000], 0, 2),
        16_000,
        1000,
        1e6 / peak(ty),
    );
}

fn main() {
    for ty in [DType::F64, DType::F32] {
        elementwise(ty);
        products(ty);
        others(ty);
    }
}
