//! Numbers of twice the precision: the unevaluated sum of two doubles.
//!
//! About 104 bits, for values far from overflow and underflow; what overflows stays infinite. The
//! arithmetic is that of Dekker 1971 and Hida, Li & Bailey 2001 (*Algorithms for quad-double
//! precision floating point arithmetic*), with exact products by fused multiply-add.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `high + low`, with `high` the sum rounded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    pub(super) high: f64,
    pub(super) low: f64,
}

/// π
pub(super) const PI: Double =
    Double { high: std::f64::consts::PI, low: 1.224_646_799_147_353_2e-16 };
/// log 2
pub(super) const LN_2: Double =
    Double { high: std::f64::consts::LN_2, low: 2.319_046_813_846_299_6e-17 };

/// The sum of two doubles, exactly.
fn sum(a: f64, b: f64) -> Double {
    let high = a + b;
    if !high.is_finite() {
        return Double { high, low: 0.0 };
    }
    let part = high - a;
    Double { high, low: (a - (high - part)) + (b - part) }
}

/// The same where |a| ≥ |b|.
fn ordered_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    if !high.is_finite() {
        return Double { high: if a.is_finite() { high } else { a }, low: 0.0 };
    }
    Double { high, low: b - (high - a) }
}

/// The product of two doubles, exactly.
fn product(a: f64, b: f64) -> Double {
    let high = a * b;
    if !high.is_finite() {
        return Double { high, low: 0.0 };
    }
    Double { high, low: a.mul_add(b, -high) }
}

impl From<f64> for Double {
    fn from(high: f64) -> Double {
        Double { high, low: 0.0 }
    }
}

impl Neg for Double {
    type Output = Double;
    fn neg(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }
}

impl Add for Double {
    type Output = Double;
    fn add(self, other: Double) -> Double {
        let high = sum(self.high, other.high);
        let low = sum(self.low, other.low);
        let once = ordered_sum(high.high, high.low + low.high);
        ordered_sum(once.high, once.low + low.low)
    }
}

impl Sub for Double {
    type Output = Double;
    fn sub(self, other: Double) -> Double {
        self + -other
    }
}

impl Mul for Double {
    type Output = Double;
    fn mul(self, other: Double) -> Double {
        let p = product(self.high, other.high);
        ordered_sum(p.high, p.low + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Double {
    type Output = Double;
    fn div(self, other: Double) -> Double {
        let first = self.high / other.high;
        if !first.is_finite() || first == 0.0 {
            return first.into();
        }
        let rest = self - other * first;
        let second = rest.high / other.high;
        let rest = rest - other * second;
        ordered_sum(first, second) + Double::from(rest.high / other.high)
    }
}

macro_rules! with_f64 {
    ($($trait:ident $method:ident)*) => {$(
        impl $trait<f64> for Double {
            type Output = Double;
            fn $method(self, other: f64) -> Double {
                self.$method(Double::from(other))
            }
        }
    )*};
}
with_f64!(Add add Sub sub Mul mul Div div);

impl Double {
    /// Rounded.
    pub(super) fn value(self) -> f64 {
        if self.high.is_finite() { self.high + self.low } else { self.high }
    }

    /// Times a power of two, exactly.
    fn times_power_of_two(self, k: i32) -> Double {
        Double { high: libm::ldexp(self.high, k), low: libm::ldexp(self.low, k) }
    }

    /// e to this power: with x = k·log 2 + r, |r| < 0.35, the series of eʳ.
    pub(super) fn exp(self) -> Double {
        let k = (self.high / std::f64::consts::LN_2).round();
        if k.is_nan() || k.abs() > 1100.0 {
            return self.high.exp().into();
        }
        let r = self - LN_2 * k;
        let one = Double::from(1.0);
        let e = (1..28).rev().fold(one, |e, n| one + r * e / f64::from(n));
        e.times_power_of_two(k as i32)
    }

    /// The natural logarithm: one step of Newton's method from the rounded one.
    pub(super) fn ln(self) -> Double {
        let guess = self.high.ln();
        if !guess.is_finite() {
            return guess.into();
        }
        let d = self * Double::from(-guess).exp() - 1.0;
        Double::from(guess) + (d - d * d * 0.5)
    }

    /// To a whole power.
    pub(super) fn powi(self, n: u32) -> Double {
        let (mut power, mut square, mut left) = (Double::from(1.0), self, n);
        while left > 0 {
            if left & 1 == 1 {
                power = power * square;
            }
            left >>= 1;
            if left > 0 {
                square = square * square;
            }
        }
        power
    }
}

/// sin πx and cos πx of a double, without error from the reduction.
pub(super) fn sin_cos_pi(x: f64) -> (Double, Double) {
    // The nearest half; what is left is exact and at most a quarter.
    let halves = (2.0 * x).round();
    let t = PI * (x - 0.5 * halves);
    let square = -(t * t);
    let series = |first: Double, start: u32| {
        let (mut term, mut total) = (first, first);
        for n in 0..14 {
            let k = f64::from(start + 2 * n);
            term = term * square / (k * (k + 1.0));
            total = total + term;
        }
        total
    };
    let (s, c) = (series(t, 2), series(1.0.into(), 1));
    match halves.rem_euclid(4.0) as u8 {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}
