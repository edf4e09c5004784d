//! Problems with known minima, as problem files. The minima were computed twice, by closed form or
//! active-set polish and by Clarabel, SLSQP, trust-constr, HiGHS or BFGS, and are given to 11
//! digits.

use crate::data::{list, mat, pmat, pvec, rows, sparse, times, vec};

pub struct Case {
    pub name: &'static str,
    pub text: String,
    pub optimum: f64,
    /// The minimisers, where they are unique and were published (to 8 digits).
    pub at: Vec<(&'static str, Vec<f64>)>,
}

fn case(name: &'static str, optimum: f64, text: String) -> Case {
    Case { name, text, optimum, at: Vec::new() }
}

impl Case {
    fn at(mut self, name: &'static str, x: &[f64]) -> Case {
        self.at.push((name, x.to_vec()));
        self
    }
}

/// ±1 by the sign of x·w + shift + noise.
fn labels(x: &[Vec<f64>], w: &[f64], shift: f64, noise: &[f64]) -> Vec<f64> {
    let z = times(&x.to_vec(), w);
    z.iter().zip(noise).map(|(z, e)| if z + shift + e > 0.0 { 1.0 } else { -1.0 }).collect()
}

fn scaled(c: f64, x: Vec<f64>) -> Vec<f64> {
    x.into_iter().map(|x| c * x).collect()
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// Without constraints.
pub fn smooth() -> Vec<Case> {
    let (a, b) = (rows(&mat(101, 20, 5)), list(&vec(102, 20)));
    let p01 = format!(
        "parameters\n matrix A = {a}\n vector b = {b}\nvariables\n vector x\nmin\n norm2(A*x - b)^2"
    );
    let x = mat(105, 40, 4);
    let y = labels(&x, &[1.0, -2.0, 0.5, 0.0], 0.0, &scaled(0.8, vec(106, 40)));
    let p05 = format!(
        "parameters\n matrix X = {}\n vector y = {}\n scalar c = 0.5\nvariables\n vector w\nmin\n \
         sum(log(exp(-y.*(X*w)) + vector(1))) + 0.5*c*norm2(w)^2",
        rows(&x),
        list(&y)
    );
    let p12 = format!(
        "parameters\n matrix A = {}\nvariables\n matrix[8,2] U\n matrix[6,2] V\nmin\n \
         norm2(A - U*V')^2\nstart\n U = {}\n V = {}",
        rows(&mat(115, 8, 6)),
        rows(&mat(201, 8, 2)),
        rows(&mat(202, 6, 2))
    );
    let p17 = "variables\n scalar p, q\nmin\n 100*(q - p^2)^2 + (1 - p)^2\nstart\n p = -1.2; q = 1";
    let p18 = "variables\n scalar p, q, r, s\nmin\n (p + 10*q)^2 + 5*(r - s)^2 + (q - 2*r)^4 + \
               10*(p - s)^4\nstart\n p = 3; q = -1; r = 0; s = 1";
    let p19 = "variables\n scalar p, q, r, s\nmin\n 100*(q - p^2)^2 + (1 - p)^2 + 90*(s - r^2)^2 + \
               (1 - r)^2 + 10*(q + s - 2)^2 + 0.1*(q - s)^2\nstart\n p = -3; q = -1; r = -3; s = -1";
    let t: Vec<f64> = (1..=20).map(|i| f64::from(i) / 5.0).collect();
    let p21 = format!(
        "parameters\n vector t = {}\nvariables\n scalar p, q, r, s\nmin\n sum(((vector(p) + q*t - \
         exp(t)).^2 + (vector(r) + s*sin(t) - cos(t)).^2).^2)\nstart\n p = 25; q = 5; r = -5; s = -1",
        list(&t)
    );
    let y =
        [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
    let u: Vec<f64> = (1..=15).map(f64::from).collect();
    let v: Vec<f64> = u.iter().map(|u| 16.0 - u).collect();
    let w: Vec<f64> = u.iter().zip(&v).map(|(u, v)| u.min(*v)).collect();
    let p23 = format!(
        "parameters\n vector y = {}\n vector u = {}\n vector v = {}\n vector w = {}\nvariables\n \
         scalar p, q, r\nmin\n norm2(y - vector(p) - u./(q*v + r*w))^2\nstart\n p = 1; q = 1; r = 1",
        list(&y),
        list(&u),
        list(&v),
        list(&w)
    );
    let p32 = format!(
        "parameters\n matrix B = {}\n symmetric S = B'*B/9\nvariables\n symmetric[4] X\nmin\n \
         tr(S*X) - logdet(X)\nstart\n X = eye",
        rows(&mat(125, 9, 4))
    );
    let x = mat(127, 30, 4);
    let (truth, noise) = (mat(128, 4, 3), mat(129, 30, 3));
    let one_hot = |(row, noise): (&Vec<f64>, &Vec<f64>)| {
        let z: Vec<f64> = (0..3)
            .map(|k| row.iter().zip(&truth).map(|(x, w)| x * w[k]).sum::<f64>() + 0.3 * noise[k])
            .collect();
        let best = (0..3).max_by(|&i, &j| z[i].total_cmp(&z[j])).unwrap_or(0);
        (0..3).map(|k| f64::from(u8::from(k == best))).collect()
    };
    let y: Vec<Vec<f64>> = x.iter().zip(&noise).map(one_hot).collect();
    let p34 = format!(
        "parameters\n matrix X = {}\n matrix Y = {}\n scalar c = 0.1\nvariables\n matrix[4,3] W\n\
         min\n sum(log(exp(X*W)*vector(1))) - tr(Y'*X*W) + 0.5*c*norm2(W)^2",
        rows(&x),
        rows(&y)
    );
    let (a, b) = polyhedron();
    let p35 = format!(
        "parameters\n matrix A = {a}\n vector b = {b}\nvariables\n vector x\nmin\n -sum(log(b - A*x))"
    );
    let p37 = format!(
        "parameters\n matrix A = {}\n vector b = {}\nvariables\n vector x\nmin\n logsumexp(A*x + b)",
        rows(&mat(133, 15, 4)),
        list(&vec(134, 15))
    );
    vec![
        case("P01 least squares", 5.2801428313, p01)
            .at("x", &[-0.26699477, -0.27807903, 0.12561953, 0.38009238, 0.21662535]),
        case("P05 logistic regression", 14.070989891, p05)
            .at("w", &[1.7346795, -3.420696, 0.42609088, -0.30762541]),
        case("P12 factorisation", 5.9711689597, p12),
        case("P17 Rosenbrock", 0.0, p17.into()).at("p", &[1.0]).at("q", &[1.0]),
        case("P18 Powell singular", 0.0, p18.into()),
        case("P19 Wood", 0.0, p19.into()),
        case("P21 Brown and Dennis", 85822.201626, p21),
        case("P23 Bard", 0.0082148773066, p23).at("p", &[0.08241056]),
        case("P24 Meyer", 87.945855171, meyer()),
        case("P32 precision", -0.92867313953, p32.clone()),
        case("P32 precision, spd", -0.92867313953, p32.replace("symmetric[4]", "spd[4]")),
        case("P34 multinomial", 7.7469240522, p34),
        case("P35 analytic centre", -6.3472016097, p35)
            .at("x", &[0.92864452, -1.0175521, -0.71991092]),
        case("P37 log-sum-exp", 2.7242385251, p37),
    ]
}

fn meyer() -> String {
    let t: Vec<f64> = (1..=16).map(|i| 45.0 + 5.0 * f64::from(i)).collect();
    let y = [
        34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0,
        6005.0, 5147.0, 4427.0, 3820.0, 3307.0, 2872.0,
    ];
    format!(
        "parameters\n vector t = {}\n vector y = {}\nvariables\n scalar p, q, r\nmin\n \
         norm2(p*exp(q*vector(1)./(t + vector(r))) - y)^2\nstart\n p = 0.02; q = 4000; r = 250",
        list(&t),
        list(&y)
    )
}

fn polyhedron() -> (String, String) {
    let b: Vec<f64> = pvec(117, 12).into_iter().map(|u| 1.0 + u).collect();
    (rows(&mat(116, 12, 3)), list(&b))
}

/// With constraints, and a smooth objective.
pub fn constrained() -> Vec<Case> {
    let a = pmat(111, 25, 8);
    let exact = times(&a, &[1.0, 0.0, 0.5, 0.0, 2.0, 0.0, 0.0, 0.3]);
    let b = plus(&exact, &scaled(0.3, vec(112, 25)));
    let p09 = format!(
        "parameters\n matrix A = {}\n vector b = {}\nvariables\n vector x\nmin\n norm2(A*x - b)^2\n\
         st\n x >= 0",
        rows(&a),
        list(&b)
    );
    let p13 = "parameters\n vector a = [1,2,3,4,5,6,7,8]\n scalar m = 3.2\nvariables\n vector x\n\
               min\n sum(x.*log(x))\nst\n sum(x) == 1\n a'*x == m\n x >= 0\nstart\n x = vector(1/8)";
    let p13_set = p13.replace(" sum(x) == 1\n", " x in simplex\n").replace(" x >= 0\n", "");
    let (a, b) = polyhedron();
    let g: Vec<f64> =
        mat(116, 12, 3).iter().map(|r| r.iter().map(|a| a * a).sum::<f64>().sqrt()).collect();
    let p14 = format!(
        "parameters\n matrix A = {a}\n vector b = {b}\n vector g = {}\nvariables\n vector x\n \
         scalar r\nmax\n r\nst\n A*x + r*g <= b\n r >= 0",
        list(&g)
    );
    let u: Vec<f64> = pvec(119, 10).into_iter().map(|u| 0.05 + 0.1 * u).collect();
    let p15 = format!(
        "parameters\n matrix F = {}\n spd S = F'*F/6 + 0.1*eye\n vector u = {}\n scalar c = 2\n\
         variables\n vector x\nmin\n 0.5*x'*S*x - c*u'*x\nst\n sum(x) == 1\n x >= 0\nstart\n \
         x = vector(0.1)",
        rows(&mat(118, 6, 10)),
        list(&u)
    );
    let p25 = "variables\n scalar p, q, r, s\nmin\n p*s*(p + q + r) + r\nst\n p*q*r*s >= 25\n \
               p^2 + q^2 + r^2 + s^2 == 40\n 1 <= p <= 5\n 1 <= q <= 5\n 1 <= r <= 5\n \
               1 <= s <= 5\nstart\n p = 1; q = 5; r = 5; s = 1";
    let p27 = "variables\n scalar p, q\nmin\n 100*(q - p^2)^2 + (1 - p)^2\nst\n p^2 + q^2 <= 1\n\
               start\n p = 0; q = 0";
    let ball = "parameters\n vector e = [1,0]\n vector f = [0,1]\nvariables\n vector x\nmin\n \
                100*(f'*x - (e'*x)^2)^2 + (1 - e'*x)^2\nst\n x in ball(1)\nstart\n x = [0,0]";
    let m = mat(123, 7, 7);
    let a: Vec<Vec<f64>> =
        (0..7).map(|i| (0..7).map(|j| 0.5 * (m[i][j] + m[j][i])).collect()).collect();
    let p30 = format!(
        "parameters\n symmetric A = {}\nvariables\n vector x\nmin\n x'*A*x\nst\n x'*x == 1\n\
         start\n x = vector(1)/sqrt(7)",
        rows(&a)
    );
    vec![
        case("P09 non-negative least squares", 0.73874281756, p09).at(
            "x",
            &[0.98481645, 0.0, 0.28884174, 0.075881267, 1.8932404, 0.20401095, 0.0, 0.41462007],
        ),
        case("P13 maximum entropy", -1.912729515, p13.into()).at(
            "x",
            &[
                0.2651554,
                0.20321713,
                0.15574717,
                0.11936582,
                0.091482883,
                0.070113183,
                0.053735282,
                0.041183132,
            ],
        ),
        case("P13 maximum entropy, in simplex", -1.912729515, p13_set),
        case("P14 Chebyshev centre", 1.4291687555, p14).at("r", &[1.4291688]),
        case("P15 Markowitz", -0.26203970762, p15),
        case("P25 Hock-Schittkowski 71", 17.014017289, p25.into())
            .at("p", &[1.0])
            .at("q", &[4.7429997])
            .at("r", &[3.8211499])
            .at("s", &[1.3794083]),
        case("P27 Rosenbrock in the disc", 0.04567480872, p27.into())
            .at("p", &[0.78641515])
            .at("q", &[0.61769831]),
        case("P27 Rosenbrock, in ball", 0.04567480872, ball.into())
            .at("x", &[0.78641515, 0.61769831]),
        case("P30 smallest eigenvalue", -1.8017318382, p30),
    ]
}

/// With kinks.
pub fn kinked() -> Vec<Case> {
    let a = mat(103, 30, 10);
    let t = sparse(10, &[(2, 1.5), (5, -2.0), (8, 0.8)]);
    let b = plus(&times(&a, &t), &scaled(0.1, vec(104, 30)));
    let p03 = format!(
        "parameters\n matrix A = {}\n vector b = {}\n scalar c = 2\nvariables\n vector x\nmin\n \
         0.5*norm2(A*x - b)^2 + c*norm1(x)",
        rows(&a),
        list(&b)
    );
    let x = mat(109, 30, 3);
    let y = labels(&x, &[1.0, 1.0, -1.0], 0.2, &scaled(0.6, vec(110, 30)));
    let p07 = format!(
        "parameters\n matrix X = {}\n vector y = {}\n scalar c = 1\nvariables\n vector w\n scalar b\n\
         min\n 0.5*w'*w + c*sum(relu(vector(1) - y.*(X*w + vector(b))))",
        rows(&x),
        list(&y)
    );
    let slack = p07
        .replace(" scalar b\n", " scalar b\n vector s\n")
        .replace("sum(relu(vector(1) - y.*(X*w + vector(b))))", "sum(s)")
        + "\nst\n s >= vector(1) - y.*(X*w + vector(b))\n s >= 0";
    let a = mat(113, 30, 4);
    let mut b = plus(&times(&a, &[1.0, -1.0, 2.0, 0.5]), &scaled(0.1, vec(114, 30)));
    b[2] += 4.0;
    b[11] -= 5.0;
    b[23] += 3.0;
    let p10 = format!(
        "parameters\n matrix A = {}\n vector b = {}\n scalar d = 0.3\nvariables\n vector x\n \
         vector r\nmin\n 0.5*norm2(A*x - b - r)^2 + d*norm1(r)",
        rows(&a),
        list(&b)
    );
    let a = mat(120, 10, 24);
    let b = times(&a, &sparse(24, &[(4, 1.0), (11, -2.0), (18, 0.7)]));
    let p28 = format!(
        "parameters\n matrix A = {}\n vector b = {}\nvariables\n vector x\nmin\n norm1(x)\nst\n \
         A*x == b",
        rows(&a),
        list(&b)
    );
    vec![
        case("P03 lasso", 8.0193940183, p03)
            .at("x", &[0.0, 1.284189, 0.0, 0.0, -1.7574944, 0.0, 0.0, 0.64366794, 0.0, 0.0]),
        case("P07 support vectors", 8.6531048638, p07)
            .at("w", &[1.4488304, 0.39630496, -1.6116812])
            .at("b", &[0.7706259]),
        case("P07 support vectors, slacks", 8.6531048638, slack),
        case("P10 Huber", 3.5274843978, p10),
        case("P28 basis pursuit", 3.4879940269, p28),
    ]
}
