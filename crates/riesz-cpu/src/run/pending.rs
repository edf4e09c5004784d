//! The buffers of results: allocated before a run, written through their addresses, tensors after it.

use super::pages::huge_pages;
use crate::types::by_type;
use riesz_core::{DType, Data, Element, Shape, Tensor, with_elements};
use smallvec::SmallVec;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// The memory of arguments that were given away.
pub type Given = SmallVec<[Option<Data>; 4]>;

/// A buffer of a result.
#[derive(Debug)]
pub enum Buffer {
    /// Room for elements, none of which is there yet.
    Room(Room),
    /// The memory of an argument, or a result that was asked for.
    Ready(Data),
    /// The memory of an earlier result, in its place.
    Kept(*mut u8),
    /// A result that was taken.
    Gone,
}

/// A vector without elements, in the parts that a call of little work moves about: its place, its
/// capacity, the type of its elements.
#[derive(Debug)]
pub struct Room {
    at: *mut u8,
    capacity: usize,
    dtype: DType,
}

impl Buffer {
    /// Room for elements.
    #[inline]
    pub fn new(dtype: DType, len: usize) -> Buffer {
        Buffer::Room(Room::new(dtype, len))
    }

    /// Where the elements go; nobody else has the buffer yet.
    #[inline]
    pub fn address(&mut self) -> *mut u8 {
        match self {
            Buffer::Room(room) => room.at,
            Buffer::Ready(data) => place(data),
            Buffer::Kept(at) => *at,
            Buffer::Gone => std::ptr::null_mut(),
        }
    }

    /// The elements of a result; if it `stays`, it can be asked for them again.
    ///
    /// # Safety
    /// The buffer has room for this many elements, and all have been written.
    #[inline]
    pub unsafe fn written(&mut self, len: usize, stays: bool) -> Data {
        let data = match std::mem::replace(self, Buffer::Gone) {
            // SAFETY: the caller's.
            Buffer::Room(room) => unsafe { room.full(len) },
            Buffer::Ready(data) => data,
            Buffer::Kept(_) | Buffer::Gone => Data::Bool(Arc::default()),
        };
        if stays {
            *self = Buffer::Ready(data.clone());
        }
        data
    }
}

impl Room {
    fn new(dtype: DType, len: usize) -> Room {
        fn parts<T>(len: usize) -> (*mut u8, usize) {
            let mut v: ManuallyDrop<Vec<T>> = ManuallyDrop::new(Vec::with_capacity(len));
            (v.as_mut_ptr().cast(), v.capacity())
        }
        let (at, capacity) = by_type!(dtype, parts(len));
        huge_pages(at, len * dtype.size());
        Room { at, capacity, dtype }
    }

    /// The vector, with so many elements.
    ///
    /// # Safety
    /// There is room for them, and all have been written.
    unsafe fn full(self, len: usize) -> Data {
        /// # Safety
        /// As for `full`; the room is for this type, and nobody else has it.
        unsafe fn full<T: Element>(room: &Room, len: usize) -> Data {
            // SAFETY: the caller's: the parts of a vector.
            T::wrap(Arc::new(unsafe {
                Vec::from_raw_parts(room.at.cast::<T>(), len, room.capacity)
            }))
        }
        let room = ManuallyDrop::new(self);
        // SAFETY: the caller's; this is the last use of the room.
        unsafe { by_type!(room.dtype, full(&room, len)) }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        /// # Safety
        /// The room is for this type, and nobody else has it.
        unsafe fn free<T>(room: &Room) {
            // SAFETY: the caller's: the parts of a vector.
            drop(unsafe { Vec::from_raw_parts(room.at.cast::<T>(), 0, room.capacity) });
        }
        // SAFETY: this is the last use of the room.
        unsafe { by_type!(self.dtype, free(self)) }
    }
}

/// Where the elements of an earlier result are, if it is of this type and nobody else holds them.
#[inline]
pub fn own(tensor: &mut Tensor, dtype: DType, shape: &Shape) -> Option<*mut u8> {
    fn start<T: Element>(tensor: &mut Tensor) -> Option<*mut u8> {
        tensor.get_mut::<T>().map(|elements| elements.as_mut_ptr().cast())
    }
    // Length by length, as in `Tensor::is_of`.
    if !tensor.shape().iter().eq(shape.iter()) {
        return None;
    }
    by_type!(dtype, start(tensor))
}

/// Where the elements of an argument that was given away are; nobody else holds them.
pub fn place(data: &mut Data) -> *mut u8 {
    with_elements!(data, v => match Arc::get_mut(v) {
        Some(v) => v.as_mut_ptr().cast(),
        None => std::ptr::null_mut(),
    })
}

/// Whether nobody else holds the elements.
pub fn is_own(data: &mut Data) -> bool {
    with_elements!(data, v => Arc::get_mut(v).is_some())
}
