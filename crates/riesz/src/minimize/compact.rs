//! The BFGS matrix in compact form, B = θI − WMWᵀ.
//!
//! ```text
//! W = [Y  θS],   M⁻¹ = [ −D     Lᵀ   ]
//!                      [  L   θSᵀS  ]
//! ```
//!
//! with D the diagonal and L the strictly lower triangle of SᵀY. B does not change when a pair
//! (s, y) is scaled, so pairs are kept with ‖s‖ = 1: M⁻¹ stays balanced while the steps shrink.
//!
//! Source: R. H. Byrd, J. Nocedal and R. B. Schnabel, "Representations of quasi-Newton matrices
//! and their use in limited memory methods", Math. Program. 63 (1994), theorem 2.3.

use super::small_lu::SmallLu;
use super::vector::{add_scaled, dot, norm2};

pub(super) struct Compact {
    capacity: usize,
    /// (s, y) with ‖s‖ = 1, oldest first.
    pairs: Vec<(Vec<f64>, Vec<f64>)>,
    /// SᵀS, SᵀY and YᵀY, row by row.
    ss: Vec<Vec<f64>>,
    sy: Vec<Vec<f64>>,
    yy: Vec<Vec<f64>>,
    pub theta: f64,
    middle_inverse: Option<SmallLu>,
}

impl Compact {
    pub fn new(capacity: usize) -> Compact {
        Compact {
            capacity,
            pairs: Vec::new(),
            ss: Vec::new(),
            sy: Vec::new(),
            yy: Vec::new(),
            theta: 1.0,
            middle_inverse: None,
        }
    }

    /// Forgets all pairs: B = I.
    pub fn clear(&mut self) {
        *self = Compact::new(self.capacity);
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The number of columns of W.
    pub fn width(&self) -> usize {
        2 * self.pairs.len()
    }

    /// Keeps a pair, if it tells of positive curvature; forgets the oldest when full.
    pub fn remember(&mut self, mut s: Vec<f64>, mut y: Vec<f64>) {
        let length = norm2(&s);
        s.iter_mut().for_each(|s| *s /= length);
        y.iter_mut().for_each(|y| *y /= length);
        let (sy, yy) = (dot(&s, &y), dot(&y, &y));
        let theta = yy / sy;
        if !(sy > f64::EPSILON * yy.sqrt() && theta.is_finite() && theta > 0.0) {
            return;
        }
        if self.pairs.len() == self.capacity {
            self.pairs.remove(0);
            for matrix in [&mut self.ss, &mut self.sy, &mut self.yy] {
                matrix.remove(0);
                for row in matrix.iter_mut() {
                    row.remove(0);
                }
            }
        }
        self.push(s, y, theta);
        self.factorise();
    }

    /// The model after these pairs have been remembered, which have ‖s‖ = 1 already.
    pub fn of_pairs(
        capacity: usize,
        pairs: impl ExactSizeIterator<Item = (Vec<f64>, Vec<f64>)>,
    ) -> Compact {
        let mut model = Compact::new(capacity);
        let skip = pairs.len().saturating_sub(capacity);
        for (s, y) in pairs.skip(skip) {
            let theta = dot(&y, &y) / dot(&s, &y);
            if theta.is_finite() && theta > 0.0 {
                model.push(s, y, theta);
            }
        }
        if !model.is_empty() {
            model.factorise();
        }
        model
    }

    /// The pairs, oldest first.
    pub fn into_pairs(self) -> Vec<(Vec<f64>, Vec<f64>)> {
        self.pairs
    }

    fn push(&mut self, s: Vec<f64>, y: Vec<f64>, theta: f64) {
        self.pairs.push((s, y));
        self.theta = theta;
        self.border();
    }

    /// The last row and column of SᵀS, SᵀY and YᵀY.
    fn border(&mut self) {
        let last = self.pairs.len() - 1;
        let (s_last, y_last) = &self.pairs[last];
        for (i, (s, y)) in self.pairs[..last].iter().enumerate() {
            self.ss[i].push(dot(s, s_last));
            self.sy[i].push(dot(s, y_last));
            self.yy[i].push(dot(y, y_last));
        }
        self.ss.push(self.pairs.iter().map(|(s, _)| dot(s_last, s)).collect());
        self.sy.push(self.pairs.iter().map(|(_, y)| dot(s_last, y)).collect());
        self.yy.push(self.pairs.iter().map(|(_, y)| dot(y_last, y)).collect());
    }

    fn factorise(&mut self) {
        let m = self.pairs.len();
        let mut a = vec![0.0; 4 * m * m];
        for i in 0..m {
            a[i * 2 * m + i] = -self.sy[i][i];
            for j in 0..m {
                if i > j {
                    a[(m + i) * 2 * m + j] = self.sy[i][j];
                    a[j * 2 * m + m + i] = self.sy[i][j];
                }
                a[(m + i) * 2 * m + m + j] = self.theta * self.ss[i][j];
            }
        }
        self.middle_inverse = SmallLu::new(2 * m, a);
        if self.middle_inverse.is_none() {
            self.clear();
        }
    }

    /// Writes row i of W to `row`, of length `width`.
    pub fn row(&self, i: usize, row: &mut [f64]) {
        let (left, right) = row.split_at_mut(self.pairs.len());
        for ((left, right), (s, y)) in left.iter_mut().zip(right).zip(&self.pairs) {
            (*left, *right) = (y[i], self.theta * s[i]);
        }
    }

    /// out ← Wv.
    pub fn times(&self, v: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let (left, right) = v.split_at(self.pairs.len());
        for ((left, right), (s, y)) in left.iter().zip(right).zip(&self.pairs) {
            add_scaled(out, *left, y);
            add_scaled(out, self.theta * right, s);
        }
    }

    /// Wᵀv.
    pub fn transpose_times(&self, v: &[f64]) -> Vec<f64> {
        let y = self.pairs.iter().map(|(_, y)| dot(y, v));
        y.chain(self.pairs.iter().map(|(s, _)| self.theta * dot(s, v))).collect()
    }

    /// Mv.
    pub fn middle_times(&self, v: &[f64]) -> Vec<f64> {
        self.middle_inverse.as_ref().map_or_else(Vec::new, |lu| lu.solve(v))
    }

    /// The minimiser of ⟨r, d⟩ + ½⟨d, Bd⟩ over the d that are zero outside the `free` variables;
    /// `r` and the result are indexed like `free`. `None` if the reduced B is singular to working
    /// precision. By the Sherman–Morrison–Woodbury formula,
    /// d = −r/θ − ZᵀW (I − MWᵀZZᵀW/θ)⁻¹ MWᵀZ r/θ².
    pub fn minimise_over(&self, free: &[usize], r: &[f64]) -> Option<Vec<f64>> {
        let (k, theta) = (self.width(), self.theta);
        let mut d: Vec<f64> = r.iter().map(|r| -r / theta).collect();
        if k == 0 {
            return Some(d);
        }
        let (w_r, w_w) = self.reduced(free, r);
        let mut system = vec![0.0; k * k];
        for b in 0..k {
            let column = self.middle_times(&w_w[b * k..(b + 1) * k]);
            for a in 0..k {
                system[a * k + b] = f64::from(u8::from(a == b)) - column[a] / theta;
            }
        }
        let v = SmallLu::new(k, system)?.solve(&self.middle_times(&w_r));
        let mut w_v = vec![0.0; self.pairs[0].0.len()];
        self.times(&v, &mut w_v);
        for (&i, d) in free.iter().zip(&mut d) {
            *d -= w_v[i] / (theta * theta);
        }
        d.iter().all(|d| d.is_finite()).then_some(d)
    }

    /// WᵀZr and WᵀZZᵀW, where Z selects the free variables.
    fn reduced(&self, free: &[usize], r: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let (k, m, theta) = (self.width(), self.pairs.len(), self.theta);
        let mut w_w = vec![0.0; k * k];
        if free.len() == self.pairs[0].0.len() {
            // All variables: the products are at hand.
            for a in 0..m {
                for b in 0..m {
                    w_w[a * k + b] = self.yy[a][b];
                    w_w[(m + a) * k + b] = theta * self.sy[a][b];
                    w_w[b * k + m + a] = theta * self.sy[a][b];
                    w_w[(m + a) * k + m + b] = theta * theta * self.ss[a][b];
                }
            }
            return (self.transpose_times(r), w_w);
        }
        let mut w_r = vec![0.0; k];
        let mut row = vec![0.0; k];
        for (&i, r) in free.iter().zip(r) {
            self.row(i, &mut row);
            add_scaled(&mut w_r, *r, &row);
            for (a, &w) in row.iter().enumerate() {
                add_scaled(&mut w_w[a * k..=a * k + a], w, &row);
            }
        }
        for a in 0..k {
            for b in 0..a {
                w_w[b * k + a] = w_w[a * k + b];
            }
        }
        (w_r, w_w)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B by the BFGS formula itself: B − Bssᵀ B/sᵀBs + yyᵀ/yᵀs.
    fn by_updates(theta: f64, pairs: &[([f64; 3], [f64; 3])]) -> [[f64; 3]; 3] {
        let mut b = [[0.0; 3]; 3];
        (0..3).for_each(|i| b[i][i] = theta);
        for (s, y) in pairs {
            let bs: Vec<f64> = b.iter().map(|row| dot(row, s)).collect();
            let (sbs, sy) = (dot(s, &bs), dot(s, y));
            for i in 0..3 {
                for j in 0..3 {
                    b[i][j] += y[i] * y[j] / sy - bs[i] * bs[j] / sbs;
                }
            }
        }
        b
    }

    #[test]
    fn minimises_the_model_of_the_bfgs_formula() {
        let pairs = [([1.0, 0.5, -0.2], [2.0, 1.0, 0.1]), ([1e-6, 3e-6, 2e-6], [2e-6, 9e-6, 7e-6])];
        let mut compact = Compact::new(5);
        for (s, y) in &pairs {
            compact.remember(s.to_vec(), y.to_vec());
        }
        let b = by_updates(compact.theta, &pairs);
        for free in [vec![0, 1, 2], vec![0, 2], vec![1]] {
            let r: Vec<f64> = free.iter().map(|&i| 1.0 + i as f64).collect();
            let d = compact.minimise_over(&free, &r).unwrap();
            for (a, &i) in free.iter().enumerate() {
                let bd: f64 = free.iter().zip(&d).map(|(&j, d)| b[i][j] * d).sum();
                assert!((bd + r[a]).abs() < 1e-12, "{bd} against {}", -r[a]);
            }
        }
    }

    #[test]
    fn forgets_the_oldest_pair() {
        let mut compact = Compact::new(1);
        compact.remember(vec![1.0, 0.0, 0.0], vec![5.0, 0.0, 0.0]);
        compact.remember(vec![0.0, 2.0, 0.0], vec![0.0, 6.0, 0.0]);
        assert_eq!((compact.width(), compact.theta), (2, 3.0));
        assert_eq!(compact.minimise_over(&[1], &[1.0]).unwrap(), [-1.0 / 3.0]);
    }
}
