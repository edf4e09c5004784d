//! The meaning of nests and regions: one index after the other, plain and slow.

use super::{Access, Call, Fold, Inst, Nest, Op, Region, Special, Step, Store, Strips, Task};
use riesz_core::DType;
use riesz_core::primitive::binary::Binary;
use riesz_core::primitive::logical::Logical;
use riesz_core::primitive::reduce::Reduction;
use riesz_core::primitive::{IntegerPower, Polygamma, Prim, Primitive, Scale, Sinc};
use riesz_core::{Data, Element, Tensor};

/// One element of any type.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scalar {
    F32(f32),
    F64(f64),
    I32(i32),
    I64(i64),
    Bool(bool),
}

/// What an operand names: a buffer and the element its address points at.
#[derive(Clone, Copy, Debug)]
struct Place {
    buffer: usize,
    at: isize,
}

/// Runs a region on buffers and says whether every index was in range, every
/// divisor not zero and every call had a result. `places` says for each operand which buffer it names,
/// and the element it begins with.
///
/// # Panics
/// If an access lies outside its buffer: a mistake in the region.
pub fn eval(region: &Region, places: &[(usize, isize)], buffers: &mut [Data]) -> bool {
    let places = places.iter().map(|&(buffer, at)| Place { buffer, at }).collect();
    let mut machine = Machine { places, buffers, good: true };
    machine.steps(&region.steps);
    machine.good
}

struct Machine<'a> {
    places: Vec<Place>,
    buffers: &'a mut [Data],
    good: bool,
}

impl Machine<'_> {
    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Nest(nest) => self.nest(nest),
                Step::Strips(strips) => self.strips(strips),
                Step::Loop { count, windows, advance, exchange, body } => {
                    for &(operand, of, start) in windows {
                        let Place { buffer, at } = self.places[of as usize];
                        self.places[operand as usize] = Place { buffer, at: at + start };
                    }
                    let before = self.places.clone();
                    for _ in 0..*count {
                        self.steps(body);
                        for &(operand, by) in advance {
                            self.places[operand as usize].at += by;
                        }
                        for &(a, b) in exchange {
                            self.places.swap(a as usize, b as usize);
                        }
                    }
                    self.places = before;
                }
                Step::While { test, flag, body } => {
                    self.steps(test);
                    while self.flag(*flag) {
                        self.steps(body);
                        self.steps(test);
                    }
                }
                Step::If { flag, yes, no } => {
                    let branch = if self.flag(*flag) { yes } else { no };
                    self.steps(branch);
                }
                Step::Call(call) => self.call(call),
            }
        }
    }

    fn strips(&mut self, strips: &Strips) {
        let before = self.places.clone();
        for strip in 0..strips.count() {
            let (from, to) = strips.range(strip);
            for local in &strips.locals {
                let at = before[local.operand as usize].at + local.shift(0, from);
                self.places[local.operand as usize].at = at;
            }
            for band in &strips.body {
                let (from, to) = band.range((from, to));
                match &band.task {
                    Task::Nest(nest) => self.nest(&nest.part(from, to)),
                    Task::Call(call) => {
                        let addresses = self.addresses(call);
                        // SAFETY: as for a whole call, of which these are some iterations.
                        self.good &= unsafe {
                            call.function.run_iterations(band.way, (from, to), &addresses)
                        };
                    }
                }
            }
        }
        self.places = before;
    }

    fn call(&mut self, call: &Call) {
        let addresses = self.addresses(call);
        // SAFETY: each address points into a buffer of its own, with the elements the region says.
        self.good &= unsafe { call.function.run(&addresses) };
    }

    /// Where the operands of a call are.
    fn addresses(&mut self, call: &Call) -> Vec<*mut u8> {
        let mut addresses = Vec::with_capacity(call.operands.len());
        for &operand in &call.operands {
            let place = self.places[operand as usize];
            let data = &mut self.buffers[place.buffer];
            let size = element_size(data);
            let start = riesz_core::with_elements!(data, v => {
                std::sync::Arc::make_mut(v).as_mut_ptr().cast::<u8>()
            });
            addresses.push(start.wrapping_offset(place.at * size));
        }
        addresses
    }

    fn flag(&self, operand: u32) -> bool {
        let access = Access { operand, offset: 0, strides: Default::default() };
        self.read(&access, 0) == Scalar::Bool(true)
    }

    fn nest(&mut self, nest: &Nest) {
        if nest.extents.contains(&0) {
            return self.identities(nest, &[]);
        }
        let mut index = vec![0usize; nest.extents.len()];
        let mut values = Vec::with_capacity(nest.body.len());
        loop {
            self.identities(nest, &index);
            values.clear();
            for inst in &nest.body {
                values.push(self.inst(inst, &index, &values, nest.flag));
            }
            for store in &nest.stores {
                self.store(store, &index, values[store.value as usize]);
            }
            let Some(dim) = (0..index.len()).rev().find(|&d| index[d] + 1 < nest.extents[d]) else {
                return;
            };
            index[dim] += 1;
            index[dim + 1..].fill(0);
        }
    }

    /// Before the first value is folded into an element, the identity is written there.
    fn identities(&mut self, nest: &Nest, index: &[usize]) {
        for store in &nest.stores {
            let Some(Fold { op, along, accumulate: false }) = store.fold else { continue };
            let ty = nest.body[store.value as usize].ty;
            let first = |d: &usize| along & (1 << d) == 0 || index[*d] == 0;
            if index.is_empty() && !nest.extents.is_empty() {
                // No index at all: every element that exists along the other loops.
                let kept: Vec<usize> = (0..nest.extents.len())
                    .map(|d| if along & (1 << d) == 0 { nest.extents[d] } else { 1 })
                    .collect();
                self.fill(&store.access, &kept, identity(op, ty));
            } else if (0..index.len()).all(|d| first(&d)) {
                self.write(&store.access, moved(&store.access, index), identity(op, ty));
            }
        }
    }

    fn fill(&mut self, access: &Access, extents: &[usize], value: Scalar) {
        let count: usize = extents.iter().product();
        for mut flat in 0..count {
            let mut at = access.offset;
            for (d, &n) in extents.iter().enumerate().rev() {
                at += access.strides[d] * (flat % n) as isize;
                flat /= n;
            }
            self.write(access, at, value);
        }
    }

    fn store(&mut self, store: &Store, index: &[usize], value: Scalar) {
        let at = moved(&store.access, index);
        let value = match store.fold {
            None => value,
            Some(fold) => combine(fold.op, self.read(&store.access, at), value),
        };
        self.write(&store.access, at, value);
    }

    fn inst(
        &mut self,
        inst: &Inst,
        index: &[usize],
        values: &[Scalar],
        flag: Option<u32>,
    ) -> Scalar {
        let of = |r: &u32| values[*r as usize];
        match &inst.op {
            Op::Const(bits) => from_bits(*bits, inst.ty),
            Op::Load(access) => self.read(access, moved(access, index)),
            Op::Gather { access, index: r, stride, bound } => {
                let i = whole(of(r));
                let good = i >= 0 && (i as usize) < *bound;
                self.raise(good, flag);
                let i = if good { i as isize } else { 0 };
                self.read(access, moved(access, index) + i * stride)
            }
            Op::Index { dim, start, step } => {
                let i = start.wrapping_add(step.wrapping_mul(index[*dim] as i64));
                cast(Scalar::I64(i), inst.ty)
            }
            Op::Unary(f, r) => unary(*f, of(r)),
            Op::Power(n, r) => self.primitive(IntegerPower { n: *n }.into(), &[of(r)], flag),
            Op::Binary(f, a, b) => self.primitive((*f).into(), &[of(a), of(b)], flag),
            Op::Fma(a, b, c) => match (of(a), of(b), of(c)) {
                (Scalar::F32(a), Scalar::F32(b), Scalar::F32(c)) => Scalar::F32(a.mul_add(b, c)),
                (Scalar::F64(a), Scalar::F64(b), Scalar::F64(c)) => Scalar::F64(a.mul_add(b, c)),
                other => mistyped("fma", &other),
            },
            Op::Scale(c, t) => self.primitive(Scale.into(), &[of(c), of(t)], flag),
            Op::Compare(f, a, b) => self.primitive((*f).into(), &[of(a), of(b)], flag),
            Op::Logical(Logical::Not, a, _) => self.primitive(Logical::Not.into(), &[of(a)], flag),
            Op::Logical(f, a, b) => self.primitive((*f).into(), &[of(a), of(b)], flag),
            Op::Select(mask, a, b) => match of(mask) {
                Scalar::Bool(true) => of(a),
                Scalar::Bool(false) => of(b),
                other => mistyped("select", &other),
            },
            Op::Cast(r) => cast(of(r), inst.ty),
            Op::Special(Special::Polygamma(n), r) => {
                self.primitive(Polygamma { n: *n }.into(), &[of(r)], flag)
            }
            Op::Special(Special::Sinc(n), r) => {
                self.primitive(Sinc { order: *n }.into(), &[of(r)], flag)
            }
        }
    }

    /// The reference meaning of the primitive; without a result, the flag is set.
    fn primitive(&mut self, prim: Prim, args: &[Scalar], flag: Option<u32>) -> Scalar {
        let args: Vec<Tensor> = args.iter().map(|&a| tensor(a)).collect();
        let args: Vec<&Tensor> = args.iter().collect();
        match prim.eval(&args) {
            Ok(y) => element(y[0].data(), 0),
            Err(_) => {
                self.raise(false, flag);
                element(args[0].data(), 0)
            }
        }
    }

    fn raise(&mut self, good: bool, flag: Option<u32>) {
        self.good &= good;
        if let (false, Some(operand)) = (good, flag) {
            let access = Access { operand, offset: 0, strides: Default::default() };
            self.write(&access, 0, Scalar::Bool(true));
        }
    }

    fn read(&self, access: &Access, at: isize) -> Scalar {
        let place = self.places[access.operand as usize];
        element(&self.buffers[place.buffer], (place.at + at) as usize)
    }

    fn write(&mut self, access: &Access, at: isize, value: Scalar) {
        fn put<T: Element>(v: &mut std::sync::Arc<Vec<T>>, at: usize, value: T) {
            std::sync::Arc::make_mut(v)[at] = value;
        }
        let place = self.places[access.operand as usize];
        let at = (place.at + at) as usize;
        match (&mut self.buffers[place.buffer], value) {
            (Data::F32(v), Scalar::F32(x)) => put(v, at, x),
            (Data::F64(v), Scalar::F64(x)) => put(v, at, x),
            (Data::I32(v), Scalar::I32(x)) => put(v, at, x),
            (Data::I64(v), Scalar::I64(x)) => put(v, at, x),
            (Data::Bool(v), Scalar::Bool(x)) => put(v, at, x),
            (_, value) => mistyped("store", &value),
        }
    }
}

/// Bytes per element.
fn element_size(data: &Data) -> isize {
    match data {
        Data::F64(_) | Data::I64(_) => 8,
        Data::F32(_) | Data::I32(_) => 4,
        Data::Bool(_) => 1,
    }
}

/// The element of an access at an index, relative to its operand.
fn moved(access: &Access, index: &[usize]) -> isize {
    let by = access.strides.iter().zip(index).map(|(s, &i)| s * i as isize);
    access.offset + by.sum::<isize>()
}

fn element(data: &Data, at: usize) -> Scalar {
    match data {
        Data::F32(v) => Scalar::F32(v[at]),
        Data::F64(v) => Scalar::F64(v[at]),
        Data::I32(v) => Scalar::I32(v[at]),
        Data::I64(v) => Scalar::I64(v[at]),
        Data::Bool(v) => Scalar::Bool(v[at]),
    }
}

fn tensor(x: Scalar) -> Tensor {
    match x {
        Scalar::F32(x) => x.into(),
        Scalar::F64(x) => x.into(),
        Scalar::I32(x) => x.into(),
        Scalar::I64(x) => x.into(),
        Scalar::Bool(x) => x.into(),
    }
}

fn from_bits(bits: u64, ty: DType) -> Scalar {
    match ty {
        DType::F32 => Scalar::F32(f32::from_bits(bits as u32)),
        DType::F64 => Scalar::F64(f64::from_bits(bits)),
        DType::I32 => Scalar::I32(bits as i32),
        DType::I64 => Scalar::I64(bits as i64),
        DType::Bool => Scalar::Bool(bits & 1 == 1),
    }
}

fn whole(x: Scalar) -> i64 {
    match x {
        Scalar::I32(i) => i64::from(i),
        Scalar::I64(i) => i,
        other => mistyped("gather", &other),
    }
}

fn unary(f: riesz_core::primitive::unary::Unary, x: Scalar) -> Scalar {
    let row = f.row();
    match (x, row.integer) {
        (Scalar::F32(x), _) => Scalar::F32((row.value)(f64::from(x)) as f32),
        (Scalar::F64(x), _) => Scalar::F64((row.value)(x)),
        (Scalar::I32(x), Some(f)) => Scalar::I32(f(i64::from(x)) as i32),
        (Scalar::I64(x), Some(f)) => Scalar::I64(f(x)),
        (other, _) => mistyped(row.name, &other),
    }
}

fn cast(x: Scalar, to: DType) -> Scalar {
    let cast = riesz_core::primitive::Cast { to };
    match cast.eval(&[&tensor(x)]) {
        Ok(y) => element(y[0].data(), 0),
        Err(_) => mistyped("cast", &x),
    }
}

fn identity(op: Reduction, ty: DType) -> Scalar {
    let low = |low: bool| match ty {
        DType::F32 => Scalar::F32(if low { f32::NEG_INFINITY } else { f32::INFINITY }),
        DType::F64 => Scalar::F64(if low { f64::NEG_INFINITY } else { f64::INFINITY }),
        DType::I32 => Scalar::I32(if low { i32::MIN } else { i32::MAX }),
        DType::I64 => Scalar::I64(if low { i64::MIN } else { i64::MAX }),
        DType::Bool => Scalar::Bool(!low),
    };
    match op {
        Reduction::Sum => from_bits(0, ty),
        Reduction::Max => low(true),
        Reduction::Min => low(false),
    }
}

fn combine(op: Reduction, a: Scalar, b: Scalar) -> Scalar {
    let two = |f: Binary, integer: fn(i64, i64) -> i64, truth: fn(bool, bool) -> bool| {
        let value = f.row().value;
        match (a, b) {
            (Scalar::F32(a), Scalar::F32(b)) => {
                Scalar::F32(value(f64::from(a), f64::from(b)) as f32)
            }
            (Scalar::F64(a), Scalar::F64(b)) => Scalar::F64(value(a, b)),
            (Scalar::I32(a), Scalar::I32(b)) => {
                Scalar::I32(integer(i64::from(a), i64::from(b)) as i32)
            }
            (Scalar::I64(a), Scalar::I64(b)) => Scalar::I64(integer(a, b)),
            (Scalar::Bool(a), Scalar::Bool(b)) => Scalar::Bool(truth(a, b)),
            other => mistyped("fold", &other),
        }
    };
    match op {
        Reduction::Sum => two(Binary::Add, i64::wrapping_add, |a, b| a | b),
        Reduction::Max => two(Binary::Max, i64::max, |a, b| a | b),
        Reduction::Min => two(Binary::Min, i64::min, |a, b| a & b),
    }
}

/// A nest that computes with operands of types it cannot have: [`Nest::verify`] would have said so.
#[track_caller]
fn mistyped(what: &str, operands: &dyn std::fmt::Debug) -> ! {
    panic!("{what} of {operands:?}: the nest is not well-formed")
}
