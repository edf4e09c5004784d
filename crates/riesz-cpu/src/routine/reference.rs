//! The reference meaning of a primitive as a routine: for what has nothing faster.

use crate::nest::Routine;
use riesz_core::{Data, Element, Prim, Primitive, Tensor, Type};
use std::sync::Arc;

/// Copies its operands into tensors, asks the primitive, and copies the results out.
pub struct Reference {
    /// What is asked.
    pub prim: Prim,
    /// The types of the arguments, the first operands.
    pub inputs: Vec<Type>,
    /// The types of the results, the last operands.
    pub outputs: Vec<Type>,
}

impl Routine for Reference {
    fn name(&self) -> String {
        self.prim.name().to_string()
    }

    fn allocates(&self) -> usize {
        self.inputs.iter().chain(&self.outputs).map(|ty| ty.size() * ty.dtype.size()).sum()
    }

    unsafe fn run_piece(&self, _: usize, addresses: &[*mut u8]) -> bool {
        let (from, to) = addresses.split_at(self.inputs.len());
        // SAFETY: the caller's: each address has as many elements as its type says.
        let args: Vec<Tensor> =
            self.inputs.iter().zip(from).map(|(ty, &at)| unsafe { read(ty, at) }).collect();
        let args: Vec<&Tensor> = args.iter().collect();
        let Ok(results) = self.prim.eval(&args) else { return false };
        for (result, &at) in results.iter().zip(to) {
            // SAFETY: the caller's, and a primitive's results have the types it infers.
            unsafe { write(result, at) };
        }
        true
    }
}

/// The tensor of this type that lies at an address.
///
/// # Safety
/// The address is readable for the elements of the type, and aligned for them.
pub unsafe fn read(ty: &Type, at: *const u8) -> Tensor {
    // SAFETY: the caller's.
    unsafe fn elements<T: Element>(at: *const u8, n: usize) -> Data {
        let values = match n {
            0 => Vec::new(),
            // SAFETY: the caller's.
            n => unsafe { std::slice::from_raw_parts(at.cast::<T>(), n) }.to_vec(),
        };
        T::wrap(Arc::new(values))
    }
    let n = ty.size();
    // SAFETY: the caller's.
    let data = unsafe {
        match ty.dtype {
            riesz_core::DType::F32 => elements::<f32>(at, n),
            riesz_core::DType::F64 => elements::<f64>(at, n),
            riesz_core::DType::I32 => elements::<i32>(at, n),
            riesz_core::DType::I64 => elements::<i64>(at, n),
            riesz_core::DType::Bool => elements::<bool>(at, n),
        }
    };
    Tensor::from_data(data, ty.shape.clone())
}

/// Copies the elements of a tensor to an address.
///
/// # Safety
/// The address is writable for the elements of the tensor, and aligned for them.
pub unsafe fn write(tensor: &Tensor, at: *mut u8) {
    riesz_core::with_elements!(tensor.data(), v => {
        let bytes = size_of_val(v.as_slice());
        // SAFETY: the caller's; a vector of our own does not overlap it.
        unsafe { std::ptr::copy_nonoverlapping(v.as_ptr().cast::<u8>(), at, bytes) }
    });
}
