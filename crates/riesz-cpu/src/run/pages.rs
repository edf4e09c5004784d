//! Large pages for much memory.

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
