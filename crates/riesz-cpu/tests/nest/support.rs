//! Making regions, running them in every way there is, and comparing.

use riesz_core::{DType, Data, Tensor};
use riesz_cpu::nest::*;
use riesz_cpu::simd::Isa;

pub fn at(operand: u32, offset: isize, strides: &[isize]) -> Access {
    Access { operand, offset, strides: strides.into() }
}

pub fn inst(op: Op, ty: DType) -> Inst {
    Inst { op, ty }
}

pub fn store(value: Reg, access: Access) -> Store {
    Store { value, access, fold: None }
}

pub fn fold(value: Reg, access: Access, op: Reduction, along: u32) -> Store {
    Store { value, access, fold: Some(Fold { op, along, accumulate: false }) }
}

pub fn region(operands: &[DType], nest: Nest) -> Region {
    Region { operands: operands.into(), steps: vec![Step::Nest(nest)] }
}

/// What the reference makes of the buffers, and whether all was well.
pub fn reference(region: &Region, buffers: &[Tensor]) -> (bool, Vec<Data>) {
    region.verify().unwrap_or_else(|e| panic!("{e}\n{region:?}"));
    let places: Vec<(usize, isize)> = (0..buffers.len()).map(|b| (b, 0)).collect();
    let mut data: Vec<Data> = buffers.iter().map(|t| t.data().clone()).collect();
    let good = eval(region, &places, &mut data);
    (good, data)
}

/// The addresses of buffers that nobody else has.
pub fn addresses(data: &mut [Data]) -> Vec<*mut u8> {
    use std::sync::Arc;
    data.iter_mut()
        .map(|d| match d {
            Data::F32(v) => Arc::make_mut(v).as_mut_ptr().cast(),
            Data::F64(v) => Arc::make_mut(v).as_mut_ptr().cast(),
            Data::I32(v) => Arc::make_mut(v).as_mut_ptr().cast(),
            Data::I64(v) => Arc::make_mut(v).as_mut_ptr().cast(),
            Data::Bool(v) => Arc::make_mut(v).as_mut_ptr().cast(),
        })
        .collect()
}

/// The range of the outermost loop of a region's only nest.
pub fn whole(region: &Region) -> (usize, usize) {
    match region.steps.as_slice() {
        [Step::Nest(nest)] => (0, nest.extents.first().copied().unwrap_or(0)),
        _ => (0, 0),
    }
}

/// What machine code makes of the buffers, for each instruction set that has it.
pub fn native(region: &Region, buffers: &[Tensor]) -> Vec<(Isa, bool, Vec<Data>)> {
    let mut results = Vec::new();
    for isa in Isa::available() {
        let Some(code) = riesz_cpu::native::compile(region, isa) else {
            assert!(isa == Isa::BASELINE, "no code for {}: {region:?}", isa.name());
            continue;
        };
        let mut data: Vec<Data> = buffers.iter().map(|t| t.data().clone()).collect();
        let mut table = addresses(&mut data);
        // SAFETY: the buffers are as large as the accesses reach: the reference has checked each.
        let good = unsafe { code.run(table.as_mut_ptr(), whole(region)) };
        results.push((isa, good, data));
    }
    results
}

/// Whether two buffers hold the same numbers; NaN is NaN whatever its bits.
pub fn same(a: &Data, b: &Data) -> bool {
    match (a, b) {
        (Data::F32(a), Data::F32(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(&**b)
                    .all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
        }
        (Data::F64(a), Data::F64(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(&**b)
                    .all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
        }
        (a, b) => a == b,
    }
}

/// Holds every way to run a region against the reference, bit for bit.
pub fn check(region: &Region, buffers: &[Tensor]) {
    let (good, expected) = reference(region, buffers);
    for (isa, found_good, found) in native(region, buffers) {
        let isa = isa.name();
        assert_eq!(found_good, good, "{isa}: {region:?}");
        for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
            assert!(same(a, b), "{isa}, operand {i}:\n{a:?}\nnot\n{b:?}\n{region:?}");
        }
    }
}
