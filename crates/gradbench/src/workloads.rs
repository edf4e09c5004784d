//! Inputs like those the evals send, of any size: the same distributions, from a seeded generator.
//!
//! For ba all observations are of the same numbers, as in the eval's files; for ht the hand is a made
//! one with the eval's numbers of bones, vertices and triangles.

use serde_json::{Value, json};

/// SplitMix64 (Steele, Lea, Flood 2014), numbers in [0, 1).
pub struct Numbers(u64);

impl Numbers {
    /// The generator with a seed.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-53)
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    }

    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    fn vector(&mut self, n: usize, draw: fn(&mut Numbers) -> f64) -> Vec<f64> {
        (0..n).map(|_| draw(self)).collect()
    }

    fn matrix(&mut self, m: usize, n: usize, draw: fn(&mut Numbers) -> f64) -> Vec<Vec<f64>> {
        (0..m).map(|_| self.vector(n, draw)).collect()
    }
}

/// gmm with d dimensions, k components, n points.
pub fn gmm(d: usize, k: usize, n: usize) -> Value {
    let mut r = Numbers::new(1);
    json!({
        "d": d, "k": k, "n": n, "m": 0, "gamma": 1,
        "x": r.matrix(n, d, Numbers::normal), "alpha": r.vector(k, Numbers::normal),
        "mu": r.matrix(k, d, Numbers::uniform), "q": r.matrix(k, d, Numbers::normal),
        "l": r.matrix(k, d * (d - 1) / 2, Numbers::normal),
    })
}

/// ba with n cameras, m points, p observations.
pub fn ba(n: usize, m: usize, p: usize) -> Value {
    json!({
        "n": n, "m": m, "p": p,
        "cam": [0.015, -0.01, -0.004, -0.03, -0.1, 1.1, 400.0, 3.0, -2.0, -3e-7, 5e-13],
        "x": [-0.6, 0.5, -1.6], "w": 0.8, "feat": [100.0, -200.0],
    })
}

/// lstm with l layers and c characters of 14 bits.
pub fn lstm(l: usize, c: usize) -> Value {
    let (b, mut r) = (14, Numbers::new(2));
    json!({
        "main_params": r.matrix(2 * l, 4 * b, Numbers::uniform),
        "extra_params": r.matrix(3, b, Numbers::uniform),
        "state": r.matrix(2 * l, b, Numbers::uniform),
        "sequence": r.matrix(c, b, |r| f64::from(u8::from(r.uniform() < 0.4))),
    })
}

/// kmeans with k centroids, which are the last of n points, in d dimensions.
pub fn kmeans(k: usize, n: usize, d: usize) -> Value {
    let points = Numbers::new(3).matrix(n, d, Numbers::uniform);
    json!({ "k": k, "n": n, "d": d, "centroids": points[n - k..], "points": points })
}

/// lse of n numbers.
pub fn lse(n: usize) -> Value {
    json!({ "n": n, "x": Numbers::new(4).vector(n, Numbers::uniform) })
}

/// llsq with n points and m coefficients.
pub fn llsq(n: usize, m: usize) -> Value {
    json!({ "n": n, "m": m, "x": Numbers::new(5).vector(m, Numbers::uniform) })
}

/// ode of n equations, s steps.
pub fn ode(n: usize, s: usize) -> Value {
    json!({ "n": n, "s": s, "x": Numbers::new(6).vector(n, Numbers::uniform) })
}

/// det of a matrix of size n.
pub fn det(n: usize) -> Value {
    json!({ "ell": n, "A": Numbers::new(7).vector(n * n, Numbers::uniform) })
}

/// ht with c correspondences on a mesh of v vertices; on triangles, or else (`simple`) on vertices.
pub fn ht(c: usize, v: usize, simple: bool) -> Value {
    let (bones, triangles) = (22, 1084);
    let mut r = Numbers::new(8);
    let parents: Vec<i64> = (0..22)
        .map(|b| {
            if b == 0 {
                -1
            } else if b % 4 == 1 {
                0
            } else {
                b - 1
            }
        })
        .collect();
    let motion = |r: &mut Numbers| {
        let (s, c) = (r.uniform() - 0.5).sin_cos();
        let shift = r.vector(3, Numbers::normal);
        [
            [c, -s, 0.0, shift[0]],
            [s, c, 0.0, shift[1]],
            [0.0, 0.0, 1.0, shift[2]],
            [0.0, 0.0, 0.0, 1.0],
        ]
    };
    let motions = |r: &mut Numbers| (0..bones).map(|_| motion(r)).collect::<Vec<_>>();
    let (relatives, inverses) = (motions(&mut r), motions(&mut r));
    let positions: Vec<Vec<f64>> =
        (0..v).map(|_| [r.vector(3, Numbers::normal), vec![1.0]].concat()).collect();
    let weights: Vec<Vec<f64>> = (0..v)
        .map(|_| {
            let mut row = vec![0.0; bones];
            let (first, second) = (r.below(bones), r.below(bones));
            row[first] += 0.7;
            row[second] += 0.3;
            row
        })
        .collect();
    let corner = |r: &mut Numbers| [r.below(v), r.below(v), r.below(v)];
    let triangles: Vec<[usize; 3]> = (0..triangles).map(|_| corner(&mut r)).collect();
    let among = if simple { v } else { triangles.len() };
    let us = if simple { Vec::new() } else { r.matrix(c, 2, |r| 0.5 * r.uniform()) };
    json!({
        "theta": r.vector(26, |r| 0.5 * r.normal()),
        "us": us,
        "data": {
            "correspondences": (0..c).map(|_| r.below(among)).collect::<Vec<_>>(),
            "points": r.matrix(c, 3, Numbers::normal),
            "model": {
                "bone_count": bones, "bone_names": vec!["bone"; bones], "parents": parents,
                "base_relatives": relatives, "inverse_base_absolutes": inverses,
                "base_positions": positions, "weights": weights, "triangles": triangles,
                "is_mirrored": false,
            },
        },
    })
}
