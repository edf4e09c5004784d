//! The buffers of results: allocated before a run, written through their addresses, tensors after it.

use riesz_core::{DType, Data, Element, with_elements};
use smallvec::SmallVec;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// The buffers of one run, in the order of the operands that have them; none where it became a tensor.
pub type Pending = SmallVec<[Buffer; 3]>;

/// The memory of arguments that were given away.
pub type Given = SmallVec<[Option<Data>; 4]>;

/// A buffer of a result.
#[derive(Debug)]
pub enum Buffer {
    /// Room for elements, none of which is there yet.
    Room(Room),
    /// The memory of an argument, or a result that was asked for.
    Ready(Data),
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

/// Does something with the type of the elements.
macro_rules! with_type {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            DType::F32 => with_type!(f32 as $t, $body),
            DType::F64 => with_type!(f64 as $t, $body),
            DType::I32 => with_type!(i32 as $t, $body),
            DType::I64 => with_type!(i64 as $t, $body),
            DType::Bool => with_type!(bool as $t, $body),
        }
    };
    ($type:ty as $t:ident, $body:expr) => {{
        type $t = $type;
        $body
    }};
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
            Buffer::Gone => Data::Bool(Arc::default()),
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
        let (at, capacity) = with_type!(dtype, T => parts::<T>(len));
        huge_pages(at, len * dtype.size());
        Room { at, capacity, dtype }
    }

    /// The vector, with so many elements.
    ///
    /// # Safety
    /// There is room for them, and all have been written.
    unsafe fn full(self, len: usize) -> Data {
        let room = ManuallyDrop::new(self);
        let capacity = room.capacity;
        with_type!(room.dtype, T => {
            // SAFETY: the parts of a vector of this type, which nobody else has; and the caller's.
            T::wrap(Arc::new(unsafe { Vec::from_raw_parts(room.at.cast::<T>(), len, capacity) }))
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: the parts of a vector of this type, which nobody else has.
        with_type!(self.dtype, T => unsafe {
            drop(Vec::from_raw_parts(self.at.cast::<T>(), 0, self.capacity));
        });
    }
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

/// The bytes from which on memory is worth its own pages: less is given out again by the allocator.
const MANY: usize = 1 << 23;

/// Asks for large pages in memory that is about to be written for the first time, which the kernel gives
/// out one by one otherwise: a page of 4 KiB costs as much as writing it.
#[cfg(target_os = "linux")]
#[inline]
pub fn huge_pages(at: *mut u8, bytes: usize) {
    const HUGE: usize = 1 << 21;
    if bytes < MANY {
        return;
    }
    let (from, to) = (at.addr().next_multiple_of(HUGE), (at.addr() + bytes) / HUGE * HUGE);
    if from < to {
        let start = at.wrapping_add(from - at.addr());
        // SAFETY: whole pages of memory that was allocated; the advice changes nothing but how it is
        // backed, and that it may be refused does not matter.
        unsafe { libc::madvise(start.cast(), to - from, libc::MADV_HUGEPAGE) };
    }
}

/// There is no such advice here.
#[cfg(not(target_os = "linux"))]
pub fn huge_pages(_: *mut u8, _: usize) {}
