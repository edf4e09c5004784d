//! `random_bits`, `fold_in` and `permutation`: Philox4x32-10, several counters at a time.
//!
//! The bits are those of the reference evaluator.

use super::ordered::{keys, sort, sort_room};
use crate::nest::Routine;
use crate::simd::{Isa, dispatch::compiled};
use riesz_core::primitive::philox::{self, MULTIPLIERS, ROUNDS, WEYL};

/// Counters that are enciphered together.
const LANES: usize = 8;

/// Words that are worth a piece of their own; even.
const PIECE: usize = 1 << 14;

/// `random_bits`.
pub struct RandomBits {
    /// How many keys.
    pub keys: usize,
    /// How many numbers for each.
    pub n: usize,
    /// How many bits each has.
    pub bits: u32,
    /// What it runs on.
    pub isa: Isa,
}

/// `fold_in`.
pub struct FoldIn {
    /// How many keys.
    pub keys: usize,
}

/// `permutation`.
pub struct Permutation {
    /// How many keys.
    pub keys: usize,
    /// How many numbers.
    pub n: usize,
    /// What it runs on.
    pub isa: Isa,
}

/// The words `first` … `first + n` of a key's stream, shifted right by `drop`: `put(i, word)` for each.
/// `first` is even.
#[inline(always)]
fn words(key: [i64; 2], first: usize, n: usize, drop: u32, mut put: impl FnMut(usize, i64)) {
    const LOW: u64 = 0xffff_ffff;
    let mut done = 0;
    while done < n {
        let block = (first + done) as u64 / 2;
        // Four words of 32 bits for each counter, in 64.
        let counters: [u64; LANES] = std::array::from_fn(|l| block + l as u64);
        let other = key[1] as u64;
        let [mut a, mut b] = [counters.map(|c| c & LOW), counters.map(|c| c >> 32)];
        let [mut c, mut d] = [[other & LOW; LANES], [other >> 32; LANES]];
        let mut k = [key[0] as u64 & LOW, key[0] as u64 >> 32];
        for round in 0..ROUNDS {
            if round > 0 {
                k = [0, 1].map(|i| (k[i] + u64::from(WEYL[i])) & LOW);
            }
            for l in 0..LANES {
                let (p, q) = (MULTIPLIERS[0] * a[l], MULTIPLIERS[1] * c[l]);
                a[l] = (q >> 32) ^ b[l] ^ k[0];
                b[l] = q & LOW;
                c[l] = (p >> 32) ^ d[l] ^ k[1];
                d[l] = p & LOW;
            }
        }
        let mut out = [0i64; 2 * LANES];
        for l in 0..LANES {
            out[2 * l] = ((a[l] | b[l] << 32) >> drop) as i64;
            out[2 * l + 1] = ((c[l] | d[l] << 32) >> drop) as i64;
        }
        for (i, word) in out.into_iter().enumerate().take(n - done) {
            put(done + i, word);
        }
        done += 2 * LANES;
    }
}

/// Writes the words `first` … `first + n` of a key's stream, shifted right by `drop`; `first` is even.
///
/// # Safety
/// `out` is writable for n numbers.
#[inline(always)]
unsafe fn write_words(key: [i64; 2], first: usize, n: usize, drop: u32, out: *mut i64) {
    // SAFETY: the caller's.
    words(key, first, n, drop, |i, word| unsafe { *out.add(i) = word });
}

/// Key number i.
///
/// # Safety
/// There are as many at the address.
unsafe fn key(at: *mut u8, i: usize) -> [i64; 2] {
    // SAFETY: the caller's.
    unsafe { *at.cast::<[i64; 2]>().add(i) }
}

impl RandomBits {
    fn pieces_of_a_key(&self) -> usize {
        self.n.div_ceil(PIECE).max(1)
    }
}

impl Routine for RandomBits {
    fn name(&self) -> String {
        format!("random_bits {} × {}", self.keys, self.n)
    }

    fn pieces(&self) -> usize {
        self.keys * self.pieces_of_a_key()
    }

    unsafe fn run_piece(&self, piece: usize, at: &[*mut u8]) -> bool {
        let (i, part) = (piece / self.pieces_of_a_key(), piece % self.pieces_of_a_key());
        let (first, drop) = (part * PIECE, 64 - self.bits);
        let n = PIECE.min(self.n - first);
        // SAFETY: the caller's: key i and its numbers.
        let (key, out) = unsafe { (key(at[0], i), at[1].cast::<i64>().add(i * self.n + first)) };
        compiled!(self.isa, {write_words}(
            key: [i64; 2], first: usize, n: usize, drop: u32, out: *mut i64));
        true
    }
}

impl Routine for FoldIn {
    fn name(&self) -> String {
        format!("fold_in {}", self.keys)
    }

    unsafe fn run_piece(&self, _: usize, at: &[*mut u8]) -> bool {
        for i in 0..self.keys {
            // SAFETY: the caller's: key i, its number, and another key.
            unsafe {
                let data = *at[1].cast::<i64>().add(i);
                *at[2].cast::<[i64; 2]>().add(i) = philox::fold(key(at[0], i), data);
            }
        }
        true
    }
}

impl Routine for Permutation {
    fn name(&self) -> String {
        format!("permutation {} × {}", self.keys, self.n)
    }

    fn scratch(&self) -> usize {
        sort_room(self.n)
    }

    fn pieces(&self) -> usize {
        self.keys
    }

    unsafe fn run_piece(&self, i: usize, at: &[*mut u8]) -> bool {
        let (first, n, drop) = (0, self.n, 0);
        // SAFETY: the caller's: key i and its numbers.
        let (key, out) = unsafe { (key(at[0], i), at[1].cast::<i64>().add(i * n)) };
        // The words are where the numbers will be.
        compiled!(self.isa, {write_words}(
            key: [i64; 2], first: usize, n: usize, drop: u32, out: *mut i64));
        // SAFETY: the caller's: scratch, and n numbers that are written.
        unsafe {
            let (keyed, other) = keys(at[2], n);
            for (k, keyed) in keyed.iter_mut().enumerate() {
                *keyed = (*out.add(k) as u64, k as u64);
            }
            sort(keyed, other);
            for (k, keyed) in keyed.iter().enumerate() {
                *out.add(k) = keyed.1 as i64;
            }
        }
        true
    }
}
