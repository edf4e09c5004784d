//! What this machine can do, measured once when somebody asks.

use crate::linalg::{Mat, MatMut, Workspace, multiply, multiply_room};
use crate::simd::Isa;
use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

/// The peaks of one core.
#[derive(Clone, Debug, PartialEq)]
pub struct Peaks {
    /// Operations a second on `f64`, those of a product of matrices that fit in the cache.
    pub flops: f64,
    /// Bytes a second, reading and writing together, with the number of bytes that are worked on:
    /// caches are faster than memory.
    pub bandwidths: Vec<(f64, f64)>,
}

/// The order of the matrices.
const ORDER: usize = 192;

/// Numbers of bytes: about the first and second level caches, the third, and memory.
const SIZES: [usize; 4] = [16 << 10, 256 << 10, 4 << 20, 64 << 20];

impl Peaks {
    /// Those of this machine: the first time it takes some hundredths of a second to measure them.
    pub fn measured() -> &'static Peaks {
        static PEAKS: OnceLock<Peaks> = OnceLock::new();
        PEAKS.get_or_init(|| Peaks {
            flops: flops(),
            bandwidths: SIZES.iter().map(|&bytes| (bytes as f64, bandwidth(bytes))).collect(),
        })
    }

    /// Bytes a second for so many bytes.
    pub fn bandwidth(&self, bytes: f64) -> f64 {
        let enough = self.bandwidths.iter().find(|(size, _)| bytes <= *size);
        enough.or(self.bandwidths.last()).map_or(f64::INFINITY, |&(_, rate)| rate)
    }
}

fn flops() -> f64 {
    let n = ORDER;
    let (a, b) = (vec![1.0; n * n], vec![0.5; n * n]);
    let mut c = vec![0.0; n * n];
    let (a, b) = (Mat::row_major(&a, n, n), Mat::row_major(&b, n, n));
    let mut workspace = Workspace::default();
    let seconds = least(20, || {
        let mut to = MatMut::row_major(&mut c, n, n);
        let scratch = workspace.scratch(multiply_room(a, b, &to));
        multiply(Isa::best(), 1.0, a, b, 0.0, &mut to, scratch);
        black_box(c[0]);
    });
    2.0 * (n * n * n) as f64 / seconds
}

fn bandwidth(bytes: usize) -> f64 {
    let from = vec![1u8; bytes / 2];
    let mut to = vec![0u8; bytes / 2];
    // So often that the clock is exact enough.
    let times = (1 << 20) / bytes + 1;
    let seconds = least(5, || {
        for _ in 0..times {
            black_box(&mut to).copy_from_slice(black_box(&from));
        }
    });
    (bytes * times) as f64 / seconds
}

/// The shortest of some runs, in seconds.
fn least(runs: usize, mut f: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min).max(1e-9)
}
