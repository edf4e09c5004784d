//! Running a primitive's routine alone, and comparing it with the primitive's meaning.

use riesz_core::{Prim, Primitive, Tensor, Type};
use riesz_cpu::routine::{self, write};

/// How much results may differ, relative to the largest.
#[derive(Clone, Copy)]
pub struct Close(pub f64);

/// The results of the routine of a primitive; none where it has none.
pub fn call(prim: &Prim, args: &[&Tensor]) -> Option<Vec<Tensor>> {
    let inputs: Vec<Type> = args.iter().map(|a| a.ty()).collect();
    let outputs = prim.infer(&inputs).unwrap_or_else(|e| panic!("{e}"));
    let routine = routine::of(prim, &inputs, &outputs);
    let bytes = |ty: &Type| ty.bytes().max(1);
    // Buffers are aligned as a plan aligns them; what is not written would show.
    let mut buffers: Vec<Vec<[u64; 8]>> = inputs
        .iter()
        .chain(&outputs)
        .map(bytes)
        .chain([routine.scratch().max(1)])
        .map(|bytes| vec![[0x7fc1_2345_7fc1_2345; 8]; bytes.div_ceil(64) + 1])
        .collect();
    let mut addresses: Vec<*mut u8> = buffers
        .iter_mut()
        .map(|b| {
            let at = b.as_mut_ptr().cast::<u8>();
            at.wrapping_add(at.align_offset(64))
        })
        .collect();
    if routine.scratch() == 0 {
        addresses.pop();
    }
    // SAFETY: buffers of the sizes of the types, and scratch as large as is asked for. The pieces are run
    // backwards: their order must not matter.
    unsafe {
        args.iter().zip(&addresses).for_each(|(a, &at)| write(a, at));
        let pieces = routine.pieces();
        if !(0..pieces).rev().all(|piece| routine.run_piece(piece, &addresses)) {
            return None;
        }
        let results = outputs.iter().zip(&addresses[inputs.len()..]);
        Some(results.map(|(ty, &at)| routine::read(ty, at)).collect())
    }
}

/// Whether two tensors agree, NaN with NaN.
pub fn close(a: &Tensor, b: &Tensor, Close(tolerance): Close) -> bool {
    let (x, y) = (a.to_f64(), b.to_f64());
    let largest = x.iter().filter(|v| v.is_finite()).fold(1.0, |m: f64, v| m.max(v.abs()));
    let same = |(x, y): (&f64, &f64)| {
        x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= tolerance * largest
    };
    a.ty() == b.ty() && x.iter().zip(&y).all(same)
}

/// The routine's results are the primitive's, or neither has any.
#[track_caller]
pub fn agree(prim: &Prim, args: &[&Tensor], tolerance: Close) {
    let expected = prim.eval(args).ok();
    let given = call(prim, args);
    match (&expected, &given) {
        (Some(expected), Some(given)) => {
            for (i, (e, g)) in expected.iter().zip(given).enumerate() {
                let types: Vec<Type> = args.iter().map(|a| a.ty()).collect();
                assert!(close(e, g, tolerance), "{prim:?} of {types:?}, result {i}:\n{e:?}\n{g:?}");
            }
        }
        _ => assert_eq!(expected.is_some(), given.is_some(), "{prim:?} of {args:?}"),
    }
}

#[test]
fn every_primitive_agrees_on_its_samples() {
    for sample in Prim::samples() {
        let args: Vec<&Tensor> = sample.args.iter().collect();
        agree(&sample.prim, &args, Close(1e-12));
    }
}
