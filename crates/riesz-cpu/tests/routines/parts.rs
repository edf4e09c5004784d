//! Products of which not everything is computed, against plain loops.

use crate::common::{epsilon, plain, random, transposed, wide};
use riesz_core::DType;
use riesz_cpu::linalg::*;
use riesz_cpu::nest::Routine;
use riesz_cpu::routine::{Counted, Loop, Partial};
use riesz_cpu::simd::{Isa, Value};

#[test]
fn parts_of_products() {
    let of = |extent, x, y, z| Loop { extent, x, y, z };
    let (x, y) = (random::<f64>(300_000, 1), random::<f64>(300_000, 2));
    let triangle = |n: usize| (0..n).map(|i| 0..i + 1).collect::<Vec<_>>();
    let band = |n: usize, m: usize| (0..n).map(|i| i.min(m)..(i + 9).min(m)).collect::<Vec<_>>();
    for isa in Isa::available() {
        for (batch, m, n, k) in
            [(1, 40, 30, 40), (12, 13, 50, 13), (2, 200, 210, 200), (3, 7, 700, 90)]
        {
            let (sm, sn, sk) = (m as isize, n as isize, k as isize);
            let columns = [vec![0..n; m], band(m, n), vec![3..3; m]];
            let upper = (0..m).map(|i| i.min(k)..k).collect::<Vec<_>>();
            let terms = [triangle(m), upper, band(m, k), vec![0..k; m], vec![0..0; m]];
            // Terms that are left out would be NaN if a factor is infinite.
            let kinds = terms.iter().flat_map(|t| columns.iter().map(move |c| (t, c)));
            let kinds =
                kinds.flat_map(|kind| [0.5, f64::INFINITY, f64::NAN].map(|last| (kind, last)));
            for ((terms, columns), last) in kinds {
                let mut y = y.clone();
                y[k * n - 1 - n / 2] = last;
                let terms: Vec<_> = terms.iter().map(|t| t.start.min(k)..t.end.min(k)).collect();
                // Zeros in x where terms do not count.
                let mut x = x.clone();
                for (b, i, l) in (0..batch).flat_map(|b| (0..m * k).map(move |e| (b, e / k, e % k)))
                {
                    if !terms[i].contains(&l) {
                        x[(b * m + i) * k + l] = 0.0;
                    }
                }
                let loops = [
                    of(batch, sm * sk, 0, sm * sn),
                    of(m, sk, 0, sn),
                    of(n, 0, 1, 1),
                    of(k, 1, sn, 0),
                ];
                let counted = Counted { loops: [1, 2], terms, columns: columns.clone() };
                let Some(product) = Partial::new(isa, DType::F64, [0; 3], &loops, &counted) else {
                    continue;
                };
                let mut z = vec![f64::NAN; batch * m * n];
                let operands = [x.as_ptr().cast_mut(), y.as_ptr().cast_mut(), z.as_mut_ptr()];
                let operands = operands.map(|at| at.cast::<u8>());
                for piece in (0..product.pieces()).rev() {
                    // SAFETY: the loops stay inside the operands; the factors are only read.
                    assert!(unsafe { product.run_piece(piece, &operands) });
                }
                for b in 0..batch {
                    let expected = plain(m, n, k, &x[b * m * k..(b + 1) * m * k], &y[..k * n]);
                    for (e, (got, want)) in z[b * m * n..].iter().zip(&expected).enumerate() {
                        let near = (got - want).abs() <= 1e-12 * k as f64;
                        let wrong = !(near || got == want || got.is_nan() && want.is_nan());
                        let read = columns[e / n].contains(&(e % n));
                        // What is not read is computed or zero.
                        assert!(!wrong || !read && *got == 0.0, "{} at {e}", product.name());
                    }
                }
            }
        }
    }
    // What would be nearly everything is left to others.
    let loops = [of(40, 40, 0, 40), of(40, 0, 1, 1), of(40, 1, 40, 0)];
    let counted = Counted { loops: [0, 1], terms: vec![0..38; 40], columns: vec![0..40; 40] };
    assert!(Partial::new(Isa::best(), DType::F64, [0; 3], &loops, &counted).is_none());
}

/// Small results of long sums whose terms lie beside each other in both factors: whole triangles and bands.
#[test]
fn parts_of_small_products_of_long_sums() {
    fn check<T: Scalar>(dtype: DType) {
        let of = |extent, x, y, z| Loop { extent, x, y, z };
        for (m, n, k) in [(1, 9, 700), (10, 10, 1000), (7, 7, 131), (13, 16, 128), (24, 5, 300)] {
            let batch = 3;
            let (x, y) = (random::<T>(batch * m * k, 1), random::<T>(n * k, 2));
            let lower = (0..m).map(|i| 0..(i + 1).min(n)).collect::<Vec<_>>();
            let upper = (0..m).map(|i| i.min(n)..n).collect::<Vec<_>>();
            let band = (0..m).map(|i| i.saturating_sub(1).min(n)..(i + 2).min(n)).collect();
            for (columns, isa) in [lower, upper, band, vec![2..4; m], vec![0..n; m]]
                .iter()
                .flat_map(|columns| Isa::available().map(move |isa| (columns, isa)))
            {
                // The result lies transposed.
                let [sm, sn, sk] = [m, n, k].map(|n| n as isize);
                let loops = [
                    of(batch, sm * sk, 0, sm * sn),
                    of(m, sk, 0, 1),
                    of(n, 0, sk, sm),
                    of(k, 1, 1, 0),
                ];
                let (terms, columns) = (vec![0..k; m], columns.clone());
                let counted = Counted { loops: [1, 2], terms, columns: columns.clone() };
                let Some(product) = Partial::new(isa, dtype, [0; 3], &loops, &counted) else {
                    continue;
                };
                let mut z = vec![<T as Value>::NAN; batch * m * n];
                let operands = [x.as_ptr().cast_mut(), y.as_ptr().cast_mut(), z.as_mut_ptr()];
                let operands = operands.map(|at| at.cast::<u8>());
                for piece in (0..product.pieces()).rev() {
                    // SAFETY: the loops stay inside the operands; the factors are only read.
                    assert!(unsafe { product.run_piece(piece, &operands) });
                }
                let yt = wide(&transposed(n, k, &y));
                for b in 0..batch {
                    let expected = plain(m, n, k, &wide(&x[b * m * k..(b + 1) * m * k]), &yt);
                    for (e, want) in expected.iter().enumerate() {
                        let (i, j) = (e / n, e % n);
                        let got = z[b * m * n + j * m + i].wide();
                        let near = (got - want).abs() <= 4.0 * epsilon::<T>() * k as f64;
                        let unread = got == 0.0 && !columns[i].contains(&j);
                        assert!(near || unread, "{} at {i}, {j}: {got} {want}", product.name());
                    }
                }
            }
        }
    }
    check::<f64>(DType::F64);
    check::<f32>(DType::F32);
}
