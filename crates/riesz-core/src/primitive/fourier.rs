//! The discrete Fourier transform of any length, for the reference evaluator.
//!
//! Powers of two by the radix-2 algorithm (Cooley & Tukey 1965), short lengths by the definition, all
//! others as a convolution of a power of two (Bluestein 1970).

/// A complex number: real and imaginary part.
pub(super) type Complex = (f64, f64);

/// Σⱼ xⱼ·exp(∓2πi·jk/n) for each k: − forwards, + backwards. Not divided by n.
pub(super) fn transform(x: &[Complex], backwards: bool) -> Vec<Complex> {
    let n = x.len();
    if n.is_power_of_two() {
        radix2(x, backwards)
    } else if n < 32 {
        (0..n)
            .map(|k| {
                let terms = x.iter().enumerate().map(|(j, &x)| times(x, root(j * k, n, backwards)));
                terms.fold((0.0, 0.0), plus)
            })
            .collect()
    } else {
        bluestein(x, backwards)
    }
}

fn plus(a: Complex, b: Complex) -> Complex {
    (a.0 + b.0, a.1 + b.1)
}

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// exp(∓2πi·k/n): the angle is reduced to an eighth of a turn in whole numbers.
fn root(k: usize, n: usize, backwards: bool) -> Complex {
    let (k, whole) = ((k % n) as i128, n as i128);
    let quarter = (8 * k + whole) / (2 * whole);
    let angle = (4 * k - quarter * whole) as f64 / n as f64 * std::f64::consts::FRAC_PI_2;
    let (s, c) = angle.sin_cos();
    let (c, s) = match quarter % 4 {
        0 => (c, s),
        1 => (-s, c),
        2 => (-c, -s),
        _ => (s, -c),
    };
    (c, if backwards { s } else { -s })
}

fn radix2(x: &[Complex], backwards: bool) -> Vec<Complex> {
    let n = x.len();
    let bits = n.trailing_zeros();
    let reversed = |i: usize| if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - bits) };
    let mut y: Vec<Complex> = (0..n).map(|i| x[reversed(i)]).collect();
    let roots: Vec<Complex> = (0..n / 2).map(|k| root(k, n, backwards)).collect();
    let mut half = 1;
    while half < n {
        for start in (0..n).step_by(2 * half) {
            for k in 0..half {
                let odd = times(y[start + half + k], roots[k * (n / (2 * half))]);
                let even = y[start + k];
                y[start + k] = plus(even, odd);
                y[start + half + k] = (even.0 - odd.0, even.1 - odd.1);
            }
        }
        half *= 2;
    }
    y
}

/// With 2jk = j² + k² − (k − j)²: a product, a convolution with the chirp, a product.
fn bluestein(x: &[Complex], backwards: bool) -> Vec<Complex> {
    let n = x.len();
    let square = |j: usize| ((j as u128 * j as u128) % (2 * n as u128)) as usize;
    let chirp: Vec<Complex> = (0..n).map(|j| root(square(j), 2 * n, backwards)).collect();
    let conjugate = |z: Complex| (z.0, -z.1);
    let m = (2 * n - 1).next_power_of_two();
    let mut a = vec![(0.0, 0.0); m];
    let mut b = vec![(0.0, 0.0); m];
    for j in 0..n {
        a[j] = times(x[j], chirp[j]);
        b[j] = conjugate(chirp[j]);
        b[(m - j) % m] = b[j];
    }
    let (a, b) = (radix2(&a, false), radix2(&b, false));
    let product: Vec<Complex> = a.iter().zip(&b).map(|(&a, &b)| times(a, b)).collect();
    let c = radix2(&product, true);
    let scale = 1.0 / m as f64;
    (0..n).map(|k| times((c[k].0 * scale, c[k].1 * scale), chirp[k])).collect()
}
