//! Structural operations against plain loops and closed forms, and their derivatives' laws.

use crate::differentiate::{close, laws, numbers, value};
use riesz_core::var::{ConvOptions, Window};
use riesz_core::{DType, Result, Tensor, Type, Var, check, trace};

fn of(x: &Tensor, f: impl FnOnce(Var) -> Var) -> Result<Vec<f64>> {
    Ok(value(std::slice::from_ref(x), |x| f(x[0]))?.to_f64())
}

#[test]
fn reductions() -> Result<()> {
    let x = Tensor::from([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5]]);
    assert_eq!(of(&x, Var::prod)?, [-12.0]);
    assert_eq!(of(&x, |x| x.prod_axes(&[1]))?, [8.0, -1.5]);
    assert_eq!(of(&x, |x| x.prod_axes(&[0]))?, [3.0, -2.0, 2.0]);
    // Variances of (1,2,4): mean 7/3, squares 16/9 + 1/9 + 25/9 = 42/9.
    close(&of(&x, |x| x.at(0).var())?, &[14.0 / 9.0], 1e-15);
    close(&of(&x, |x| x.var_axes(&[1], 1).at(0))?, &[7.0 / 3.0], 1e-15);
    close(&of(&x, |x| x.std_axes(&[1], 1).at(0))?, &[(7.0f64 / 3.0).sqrt()], 1e-15);
    close(&of(&x, |x| x.norm_p(1.0))?, &[11.5], 1e-15);
    close(&of(&x, |x| x.norm_p(2.0))?, &[31.25f64.sqrt()], 1e-15);
    close(&of(&x, |x| x.norm_p(3.0))?, &[101.125f64.cbrt()], 1e-15);
    close(&of(&x, |x| x.norm_p(f64::INFINITY))?, &[4.0], 0.0);
    close(
        &of(&Tensor::from([1e200, 1e200]), |x| x.norm_p(4.0))?,
        &[1e200 * 2f64.powf(0.25)],
        1e-15,
    );
    assert_eq!(of(&x, |x| x.argmax(1))?, [2.0, 0.0]);
    assert_eq!(of(&x, |x| x.argmin(0))?, [0.0, 1.0, 1.0]);
    assert_eq!(of(&x, |x| x.gt(2.5).any_axes(&[0]))?, [1.0, 0.0, 1.0]);
    assert_eq!(of(&x, |x| x.gt(0.0).all_axes(&[1]))?, [1.0, 0.0]);
    assert_eq!(of(&Tensor::from([0.0, f64::NAN, f64::INFINITY]), Var::is_nan)?, [0.0, 1.0, 0.0]);
    assert_eq!(
        of(&Tensor::from([0.0, f64::NAN, -f64::INFINITY]), Var::is_finite)?,
        [1.0, 0.0, 0.0]
    );
    laws(&[numbers(&[3, 5], 1)], |x| {
        let x = x[0];
        vec![
            x.prod_axes(&[1]),
            x.var_axes(&[0], 1),
            x.std(),
            x.norm_p_axes(3.5, &[1]),
            x.norm_p_axes(1.0, &[0]),
            x.logsumexp_axes(&[0]),
        ]
    })
}

#[test]
fn running_reductions() -> Result<()> {
    let x = Tensor::from([[1.0, 3.0, 2.0], [4.0, 0.0, 5.0]]);
    assert_eq!(of(&x, |x| x.cumsum(1))?, [1.0, 4.0, 6.0, 4.0, 4.0, 9.0]);
    assert_eq!(of(&x, |x| x.cumprod(0))?, [1.0, 3.0, 2.0, 4.0, 0.0, 10.0]);
    assert_eq!(of(&x, |x| x.cummax(1))?, [1.0, 3.0, 3.0, 4.0, 4.0, 5.0]);
    assert_eq!(of(&x, |x| x.cummin(1))?, [1.0, 1.0, 1.0, 4.0, 0.0, 0.0]);
    let least = Tensor::from([5i32, i32::MIN, i32::MAX]);
    assert_eq!(of(&least, |x| x.cummin(0))?, [5.0, i32::MIN.into(), i32::MIN.into()]);
    let e = std::f64::consts::E;
    let expected = [0.0, 2f64.ln(), (2.0 + e).ln()];
    close(&of(&Tensor::from([0.0, 0.0, 1.0]), |x| x.cumlogsumexp(0))?, &expected, 1e-15);
    Ok(())
}

#[test]
fn order() -> Result<()> {
    let x = Tensor::from([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]]);
    assert_eq!(of(&x, |x| x.sort(1))?, [1.0, 2.0, 3.0, 0.0, 4.0, 5.0]);
    assert_eq!(of(&x, |x| x.sort(0))?, [0.0, 1.0, 2.0, 3.0, 5.0, 4.0]);
    assert_eq!(of(&x, |x| x.top_k(2, 1).0)?, [3.0, 2.0, 5.0, 4.0]);
    assert_eq!(of(&x, |x| x.top_k(2, 1).1)?, [0.0, 2.0, 1.0, 2.0]);
    assert_eq!(of(&x, |x| x.top_k(0, 1).1)?, [] as [f64; 0]);
    assert_eq!(
        of(&x, |x| x.take_along_axis(Var::constant([[2i64, 0], [1, 1]]), 1))?,
        [2.0, 3.0, 5.0, 5.0]
    );
    assert_eq!(of(&x, |x| x.take_along_axis(Var::constant([[1i64, 0, 1]]), 0))?, [0.0, 1.0, 4.0]);
    laws(&[numbers(&[3, 4], 2)], |x| {
        vec![x[0].sort(0), x[0].sort(1).cumprod(1), x[0].top_k(2, 0).0.square()]
    })
}

#[test]
fn sorting_every_line_of_a_larger_tensor() -> Result<()> {
    let x = numbers(&[4, 6, 3], 8);
    let sorted = of(&x, |x| x.sort(1))?;
    let values = x.to_f64();
    for (i, k) in (0..4).flat_map(|i| (0..3).map(move |k| (i, k))) {
        let mut line: Vec<f64> = (0..6).map(|j| values[(i * 6 + j) * 3 + k]).collect();
        line.sort_by(f64::total_cmp);
        let ours: Vec<f64> = (0..6).map(|j| sorted[(i * 6 + j) * 3 + k]).collect();
        assert_eq!(ours, line);
    }
    Ok(())
}

#[test]
fn writing_by_index() -> Result<()> {
    let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let at = |v: Vec<i64>| Var::constant(v);
    let set =
        of(&x, |x| x.scatter_set(at(vec![2, 0]), Var::constant([[7.0, 8.0], [9.0, 0.0]]), 1))?;
    assert_eq!(set, [8.0, 2.0, 7.0, 0.0, 5.0, 9.0]);
    assert_eq!(of(&x, |x| x.scatter_set(at(vec![1]), -1.0, 0))?, [1.0, 2.0, 3.0, -1.0, -1.0, -1.0]);
    let max = of(&x, |x| x.scatter_max(at(vec![1, 1]), Var::constant([[0.0], [9.0]]), 1))?;
    assert_eq!(max, [1.0, 2.0, 3.0, 4.0, 9.0, 6.0]);
    assert_eq!(of(&x, |x| x.scatter_min(at(vec![0]), 2.0, 0))?, [1.0, 2.0, 2.0, 4.0, 5.0, 6.0]);
    let mul = of(&x, |x| x.scatter_mul(at(vec![2, 0, 2]), Var::constant([2.0, 3.0, 5.0]), 1))?;
    assert_eq!(mul, [3.0, 2.0, 30.0, 12.0, 5.0, 60.0]);
    assert_eq!(of(&x, |x| x.scatter_mul(at(vec![]), 2.0, 1))?, x.to_f64());
    assert_eq!(
        of(&Tensor::from([2i64, 0]), |i| i.one_hot(3, DType::F32))?,
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    );
    assert_eq!(of(&Tensor::from(1i32), |i| i.one_hot(2, DType::Bool))?, [0.0, 1.0]);
    let sums = of(&x, |x| x.t().segment_sum(at(vec![3, 0, 3]), 4))?;
    assert_eq!(sums, [2.0, 5.0, 0.0, 0.0, 0.0, 0.0, 4.0, 10.0]);
    let args = [numbers(&[3, 4], 1), numbers(&[3, 2, 2], 2), Tensor::from([[3i64, 0], [3, 1]])];
    laws(&args, |x| {
        vec![
            x[0].scatter_mul(x[2], x[1], 1),
            x[0].scatter_set(x[2], x[1], 1).square(),
            x[0].scatter_min(x[2], x[1], 1).exp(),
            x[0].scatter_add(x[2], x[1], 1).sin(),
        ]
    })
}

#[test]
fn parts_that_begin_at_a_value() -> Result<()> {
    let x = Tensor::from((0..12).map(f64::from).collect::<Vec<_>>()).reshape([3, 4])?;
    let args = [x, Tensor::from(1i64), Tensor::from(2i64), Tensor::from([[-1.0, -2.0]])];
    let part = value(&args, |x| x[0].dynamic_slice(&[x[1], x[2]], &[2, 2]))?;
    assert_eq!(part, Tensor::from([[6.0, 7.0], [10.0, 11.0]]));
    let set = value(&args, |x| x[0].dynamic_update_slice(x[3], &[x[2], x[1]]))?;
    assert_eq!(&set.to_f64()[..8], &args[0].to_f64()[..8]);
    assert_eq!(&set.to_f64()[8..], &[8.0, -1.0, -2.0, 11.0]);
    laws(&args, |x| {
        vec![
            x[0].dynamic_slice(&[x[1], x[2]], &[2, 2]).square(),
            x[0].dynamic_update_slice(x[3], &[x[2], x[1]]).square(),
        ]
    })
}

#[test]
fn arrangements() -> Result<()> {
    let x = Tensor::from([1.0, 2.0, 3.0]);
    assert_eq!(of(&x, |x| x.tile(&[2]))?, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let tiled = value(std::slice::from_ref(&x), |x| x[0].tile(&[2, 1]))?;
    assert_eq!(tiled, Tensor::from([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]));
    let grid = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(of(&grid, |x| x.tile(&[2]).at(1))?, [3.0, 4.0, 3.0, 4.0]);
    assert_eq!(of(&grid, |x| x.repeat(2, 1).at(0))?, [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(of(&grid, |x| x.repeat(2, 0))?, [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
    assert_eq!(of(&x, |x| x.roll(1, 0))?, [3.0, 1.0, 2.0]);
    assert_eq!(of(&x, |x| x.roll(-4, 0))?, [2.0, 3.0, 1.0]);
    assert_eq!(of(&x, |x| x.split(&[1, 0, 2], 0)[2])?, [2.0, 3.0]);
    let pad = |low, high, between, v| move |x: Var| x.pad(&[(low, high, between)], v);
    assert_eq!(of(&x, pad(1, 0, 1, 9.0))?, [9.0, 1.0, 9.0, 2.0, 9.0, 3.0]);
    assert_eq!(of(&x, pad(-1, 2, 0, f64::INFINITY))?, [2.0, 3.0, f64::INFINITY, f64::INFINITY]);
    let holds = Tensor::from([true, false]);
    assert_eq!(of(&holds, pad(1, 0, 0, 1.0))?, [1.0, 1.0, 0.0]);
    let five = Var::linspace(1.0, 2.0, 5);
    assert!(five.is_poisoned(), "outside a trace there is nothing to write to");
    assert_eq!(of(&x, |_| Var::linspace(1.0, 2.0, 5))?, [1.0, 1.25, 1.5, 1.75, 2.0]);
    assert_eq!(of(&x, |_| Var::linspace(0.1, 0.7, 8))?[7], 0.7);
    assert_eq!(of(&x, |_| Var::linspace(3.0, 4.0, 1))?, [3.0]);
    assert_eq!(of(&x, |x| Var::linspace(x, 4.0, 0))?, [] as [f64; 0]);
    assert_eq!(of(&x, |x| Var::linspace(x, 5.0, 3).at(0))?, [1.0, 3.0, 5.0]);
    laws(&[numbers(&[3, 4], 3)], |x| {
        let x = x[0];
        vec![
            x.tile(&[2, 1, 3]),
            x.repeat(3, 1).square(),
            x.roll(2, 1) * x,
            x.pad(&[(1, -1, 0), (0, 2, 2)], 3.0).square(),
            Var::linspace(x, 2.0, 4).square(),
        ]
    })
}

#[test]
fn strides_of_either_sign() -> Result<()> {
    let x = Tensor::from([0.0, 1.0, 2.0, 3.0, 4.0]);
    let at = |start, stop, step| of(&x, |x| x.strided(0, start, stop, step));
    assert_eq!(at(None, None, 2)?, [0.0, 2.0, 4.0]);
    assert_eq!(at(None, None, -1)?, [4.0, 3.0, 2.0, 1.0, 0.0]);
    assert_eq!(at(None, None, -3)?, [4.0, 1.0]);
    assert_eq!(at(Some(-2), Some(0), -1)?, [3.0, 2.0, 1.0]);
    assert_eq!(at(Some(1), Some(-1), 1)?, [1.0, 2.0, 3.0]);
    assert_eq!(at(Some(3), Some(1), 1)?, [] as [f64; 0]);
    assert_eq!(at(Some(1), Some(3), -1)?, [] as [f64; 0]);
    assert_eq!(at(Some(5), None, i64::MAX)?, [] as [f64; 0]);
    assert_eq!(at(Some(4), None, i64::MIN)?, [4.0]);
    assert!(at(Some(6), None, 1).is_err());
    assert!(at(None, None, 0).is_err());
    let none = Tensor::from(Vec::<f64>::new());
    assert_eq!(of(&none, |x| x.strided(0, None, None, -1))?, [] as [f64; 0]);
    laws(std::slice::from_ref(&x), |x| vec![x[0].strided(0, Some(-1), None, -2).square()])
}

/// Σ over all letters of the products, by loops.
fn einsum_by_loops(inputs: &[(&str, &Tensor)], output: &str) -> Vec<f64> {
    let mut letters: Vec<(char, usize)> = Vec::new();
    for (names, t) in inputs {
        for (c, &n) in names.chars().zip(t.shape().iter()) {
            if !letters.iter().any(|l| l.0 == c) {
                letters.push((c, n));
            }
        }
    }
    let length = |c: char| letters.iter().find(|l| l.0 == c).map_or(1, |l| l.1);
    let mut out = vec![0.0; output.chars().map(length).product()];
    let total: usize = letters.iter().map(|l| l.1).product();
    for mut k in 0..total {
        let mut index = Vec::new();
        for &(c, n) in &letters {
            index.push((c, k % n));
            k /= n;
        }
        let place = |names: &str| {
            names.chars().fold(0, |at, c| {
                at * length(c) + index.iter().find(|i| i.0 == c).map_or(0, |i| i.1)
            })
        };
        out[place(output)] += inputs.iter().map(|(n, t)| t.to_f64()[place(n)]).product::<f64>();
    }
    out
}

#[test]
fn einsum_is_its_definition() -> Result<()> {
    let length = |c: char| match c {
        'i' => 2,
        'j' => 3,
        'k' => 4,
        'b' => 2,
        _ => 2,
    };
    for text in [
        "ij,jk->ik",
        "ij,kj->ik",
        "ij,ji->",
        "ii->i",
        "ii->",
        "iij->j",
        "ij->ji",
        "ij->",
        "i,j->ij",
        "i,i->i",
        "i,i->",
        "bij,bjk->bik",
        "bij,bjk->ik",
        "ij,j->ij",
        "ij,jk,kl->il",
        "ij,ij,ij->j",
        "bii,bj->ijb",
        "iji,jk->ki",
        "a,b,c,d->dbca",
        "ij,jk,ka,al,lb,bc->ic",
        "i,ij,j->",
        "ij,k->i",
        "a,a,a,a,a,a,a,a,a,a->",
        "ai,bi,ci,di,ei,fi,gi,hi,ji->abc",
    ] {
        let (inputs, output) = text.split_once("->").unwrap_or((text, ""));
        let names: Vec<&str> = inputs.split(',').collect();
        let args: Vec<Tensor> = names
            .iter()
            .zip(1..)
            .map(|(n, seed)| numbers(&n.chars().map(length).collect::<Vec<_>>(), seed))
            .collect();
        let ours = value(&args, |x| Var::einsum(text, x))?;
        let shape: Vec<usize> = output.chars().map(length).collect();
        assert_eq!(&**ours.shape(), &*shape, "{text}");
        let pairs: Vec<(&str, &Tensor)> = names.iter().copied().zip(&args).collect();
        close(&ours.to_f64(), &einsum_by_loops(&pairs, output), 1e-14);
        if args.len() < 7 {
            laws(&args, |x| vec![Var::einsum(text, x)])?;
        }
    }
    Ok(())
}

#[test]
fn einsum_implicit_result_and_other_axes() -> Result<()> {
    let (a, b) = (numbers(&[2, 3], 1), numbers(&[3, 4], 2));
    let implicit = value(&[a.clone(), b.clone()], |x| Var::einsum("ij, jk", x))?;
    assert_eq!(implicit, value(&[a.clone(), b.clone()], |x| x[0].dot(x[1]))?);
    // The letters of the result come in alphabetical order.
    assert_eq!(
        value(std::slice::from_ref(&a), |x| Var::einsum("ba", x))?,
        value(&[a], |x| x[0].t())?
    );
    let (l, r) = (numbers(&[5, 1, 2, 3], 3), numbers(&[4, 3, 2], 4));
    let ours = value(&[l.clone(), r.clone()], |x| Var::einsum("...ij,...jk->...ik", x))?;
    let product = value(&[l.clone(), r.clone()], |x| x[0].matmul(x[1]))?;
    assert_eq!(ours.shape(), product.shape());
    close(&ours.to_f64(), &product.to_f64(), 1e-14);
    let implicit = value(&[l.clone(), r], |x| Var::einsum("...ij,...jk", x))?;
    close(&implicit.to_f64(), &product.to_f64(), 1e-14);
    assert_eq!(value(std::slice::from_ref(&l), |x| Var::einsum("...", x))?, l);
    let traced = value(&[numbers(&[2, 3, 3], 5)], |x| Var::einsum("...ii->...", x))?;
    close(&traced.to_f64(), &value(&[numbers(&[2, 3, 3], 5)], |x| x[0].trace())?.to_f64(), 1e-15);
    Ok(())
}

#[test]
fn kronecker_products() -> Result<()> {
    let args = [Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([[0.0, 5.0]])];
    let k = value(&args, |x| x[0].kron(x[1]))?;
    assert_eq!(k, Tensor::from([[0.0, 5.0, 0.0, 10.0], [0.0, 15.0, 0.0, 20.0]]));
    laws(&args, |x| vec![x[0].kron(x[1])])
}

/// The convolution of one set of options over two lengths, by loops.
fn conv_by_loops(x: &Tensor, w: &Tensor, o: &ConvOptions) -> Vec<f64> {
    let [n, c, h, l] = x.shape()[..] else { return vec![] };
    let [out, per, kh, kl] = w.shape()[..] else { return vec![] };
    let two = |v: &[usize]| if v.is_empty() { [1, 1] } else { [v[0], v[1]] };
    let pad = if o.padding.is_empty() { vec![(0, 0); 2] } else { o.padding.clone() };
    let (stride, dilation) = (two(&o.stride), two(&o.dilation));
    let moves = |n: usize, k: usize, a: usize| {
        (n + pad[a].0 + pad[a].1 - (k - 1) * dilation[a] - 1) / stride[a] + 1
    };
    let (oh, ol) = (moves(h, kh, 0), moves(l, kl, 1));
    let (xv, wv) = (x.to_f64(), w.to_f64());
    let mut y = Vec::new();
    for image in 0..n {
        for k in 0..out {
            let group = k / (out / o.groups);
            for (i, j) in (0..oh).flat_map(|i| (0..ol).map(move |j| (i, j))) {
                let mut sum = 0.0;
                for ch in 0..per {
                    for (a, b) in (0..kh).flat_map(|a| (0..kl).map(move |b| (a, b))) {
                        let row = (i * stride[0] + a * dilation[0]) as i64 - pad[0].0 as i64;
                        let col = (j * stride[1] + b * dilation[1]) as i64 - pad[1].0 as i64;
                        if (0..h as i64).contains(&row) && (0..l as i64).contains(&col) {
                            let at = ((image * c + group * per + ch) * h + row as usize) * l;
                            let weight = wv[((k * per + ch) * kh + a) * kl + b];
                            sum += xv[at + col as usize] * weight;
                        }
                    }
                }
                y.push(sum);
            }
        }
    }
    y
}

#[test]
fn convolution_is_its_definition() -> Result<()> {
    let plain = ConvOptions::default();
    let cases = [
        ([2, 3, 5, 6], [4, 3, 3, 2], plain.clone()),
        ([1, 1, 4, 4], [1, 1, 4, 4], plain.clone()),
        ([1, 2, 4, 4], [3, 2, 1, 1], plain.clone()),
        ([2, 2, 7, 6], [2, 2, 3, 3], ConvOptions { stride: vec![2, 3], ..plain.clone() }),
        (
            [1, 2, 4, 5],
            [2, 2, 3, 3],
            ConvOptions { padding: vec![(1, 2), (2, 0)], ..plain.clone() },
        ),
        ([1, 1, 7, 7], [2, 1, 3, 2], ConvOptions { dilation: vec![2, 3], ..plain.clone() }),
        ([2, 4, 5, 5], [6, 2, 2, 2], ConvOptions { groups: 2, ..plain.clone() }),
        (
            [1, 3, 5, 4],
            [3, 1, 3, 3],
            ConvOptions { groups: 3, padding: vec![(1, 1); 2], ..plain.clone() },
        ),
        (
            [2, 4, 8, 7],
            [2, 2, 3, 2],
            ConvOptions {
                stride: vec![2, 1],
                padding: vec![(1, 0), (0, 3)],
                dilation: vec![2, 2],
                groups: 2,
            },
        ),
    ];
    for (image, kernel, options) in cases {
        let args = [numbers(&image, 1), numbers(&kernel, 2)];
        let ours = value(&args, |x| x[0].conv(x[1], &options))?;
        close(&ours.to_f64(), &conv_by_loops(&args[0], &args[1], &options), 1e-13);
        laws(&args, |x| vec![x[0].conv(x[1], &options)])?;
    }
    // No images give no results, and signals are pictures of one row.
    let none = [numbers(&[0, 1, 3, 3], 1), numbers(&[2, 1, 2, 2], 2)];
    assert_eq!(&**value(&none, |x| x[0].conv(x[1], &plain))?.shape(), &[0, 2, 2, 2]);
    let (signal, kernel) = (numbers(&[2, 3, 7], 4), numbers(&[2, 3, 3], 5));
    let options = ConvOptions { stride: vec![2], padding: vec![(1, 1)], ..plain.clone() };
    let ours = value(&[signal.clone(), kernel.clone()], |x| x[0].conv(x[1], &options))?;
    let rows = ConvOptions { stride: vec![1, 2], padding: vec![(0, 0), (1, 1)], ..plain };
    let expected =
        conv_by_loops(&signal.reshape([2, 3, 1, 7])?, &kernel.reshape([2, 3, 1, 3])?, &rows);
    assert_eq!(&**ours.shape(), &[2, 2, 4]);
    close(&ours.to_f64(), &expected, 1e-14);
    Ok(())
}

#[test]
fn pooling() -> Result<()> {
    let x = Tensor::from((0..16).map(f64::from).collect::<Vec<_>>()).reshape([1, 1, 4, 4])?;
    let two = Window { size: vec![2, 2], ..Window::default() };
    assert_eq!(of(&x, |x| x.max_pool(&two))?, [5.0, 7.0, 13.0, 15.0]);
    assert_eq!(of(&x, |x| x.avg_pool(&two))?, [2.5, 4.5, 10.5, 12.5]);
    let wide = Window { size: vec![3], stride: vec![2], padding: vec![(1, 1)], dilation: vec![] };
    let line = Tensor::from([-1.0, -2.0, -3.0, -4.0, -5.0]).reshape([1, 1, 5])?;
    assert_eq!(of(&line, |x| x.max_pool(&wide))?, [-1.0, -2.0, -4.0]);
    assert_eq!(of(&line, |x| x.avg_pool(&wide))?, [-1.0, -3.0, -3.0]);
    let whole = Tensor::from([-1i32, -2, -3, -4, -5]).reshape([1, 1, 5])?;
    assert_eq!(of(&whole, |x| x.max_pool(&wide))?, [-1.0, -2.0, -4.0]);
    laws(&[numbers(&[2, 3, 5, 4], 6)], |x| {
        vec![x[0].max_pool(&two).square(), x[0].avg_pool(&two).square()]
    })
}

#[test]
fn composed_operations_map_over_instances() -> Result<()> {
    let program = trace(&[Type::new(DType::F64, [3, 4]), Type::new(DType::I64, [2])], |x| {
        let square = x[0].dot(x[0].t());
        vec![
            x[0].sort(0),
            x[0].cummax(1),
            x[0].top_k(2, 1).1,
            x[0].scatter_set(x[1], 2.0, 1),
            x[0].scatter_mul(x[1], 2.0, 1),
            x[0].scatter_max(x[1], 0.1, 0),
            Var::einsum("ij,ij->j", &[x[0], x[0]]),
            Var::einsum("ii", &[square]),
            x[0].dynamic_slice(&[x[1].at(0), x[1].at(1)], &[1, 2]),
            x[1].one_hot(3, DType::F64),
            x[0].argmax(0),
            x[0].prod_axes(&[1]),
        ]
    })?;
    let instance = |seed: u64, at: [i64; 2]| vec![numbers(&[3, 4], seed), Tensor::from(at)];
    let instances = [instance(1, [0, 2]), instance(2, [1, 1]), instance(3, [2, 0])];
    for mapped in [[true, true], [true, false], [false, true]] {
        assert_eq!(check::check_vmap(&program, &instances, &mapped)?, 0.0);
    }
    Ok(())
}

#[test]
fn single_precision_agrees_with_double() -> Result<()> {
    let f = |x: Var, k: Var| {
        vec![
            x.prod_axes(&[1]),
            x.std(),
            x.norm_p(3.0),
            x.logsumexp_axes(&[0]),
            x.cumprod(1),
            x.cumlogsumexp(0),
            x.cummin(1),
            x.sort(1),
            x.pad(&[(1, 0, 0), (0, 0, 1)], -0.5),
            Var::linspace(x, 1.0, 3),
            x.reshape([1, 1, 3, 4]).conv(k, &ConvOptions::default()),
            x.reshape([1, 1, 3, 4]).max_pool(&Window { size: vec![2, 2], ..Window::default() }),
            x.scatter_mul(Var::constant([1i64, 1]), 0.5, 0),
            Var::einsum("ij,kj->ik", &[x, x]),
        ]
    };
    let double = [numbers(&[3, 4], 1), numbers(&[2, 1, 2, 2], 2)];
    let single = double
        .iter()
        .map(|t| Tensor::from_f64(&t.to_f64(), t.shape().clone(), DType::F32))
        .collect::<Result<Vec<_>>>()?;
    let run = |args: &[Tensor]| -> Result<Vec<Tensor>> {
        let program = trace(&crate::differentiate::types(args), |x| f(x[0], x[1]))?;
        let forward = riesz_core::jvp(&program, &[true, true])?;
        riesz_core::eval(&forward, &[args, args].concat())
    };
    for (double, single) in run(&double)?.iter().zip(run(&single)?) {
        assert_eq!(single.dtype(), DType::F32);
        close(&single.to_f64(), &double.to_f64(), 2e-6);
    }
    Ok(())
}
