//! `dot`: the product of two tensors, summed over pairs of axes. Everything bilinear is one.
//!
//! The inner product, Ax, AB, the outer product and stacks of each are `dot` with other axes.

use super::*;
use crate::tensor::Data;
use crate::types::{DType, Shape};

/// Sums over the `contract` pairs of axes and runs along the `batch` pairs together. The axes of
/// the result are the batch axes, then the free axes of the first, then those of the second.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Dot {
    /// Pairs (axis of the first, axis of the second) that are summed over.
    pub contract: Vec<(usize, usize)>,
    /// Pairs of axes that both arguments share.
    pub batch: Vec<(usize, usize)>,
}

/// The axes of one argument by their role.
pub struct Roles {
    /// Shared axes, in the order of the pairs.
    pub batch: Vec<usize>,
    /// Axes that are summed over, in the order of the pairs.
    pub contract: Vec<usize>,
    /// The others, in increasing order.
    pub free: Vec<usize>,
}

impl Dot {
    /// The product with its arguments exchanged; the free axes in the result are exchanged too.
    pub fn swapped(&self) -> Dot {
        let swap = |pairs: &[(usize, usize)]| pairs.iter().map(|&(i, j)| (j, i)).collect();
        Dot { contract: swap(&self.contract), batch: swap(&self.batch) }
    }

    /// The roles of the axes of the first argument.
    pub fn lhs(&self, rank: usize) -> Roles {
        self.roles(rank, |pair| pair.0)
    }

    /// The roles of the axes of the second argument.
    pub fn rhs(&self, rank: usize) -> Roles {
        self.roles(rank, |pair| pair.1)
    }

    fn roles(&self, rank: usize, side: impl Fn(&(usize, usize)) -> usize) -> Roles {
        let batch: Vec<usize> = self.batch.iter().map(&side).collect();
        let contract: Vec<usize> = self.contract.iter().map(&side).collect();
        let free = (0..rank).filter(|a| !batch.contains(a) && !contract.contains(a)).collect();
        Roles { batch, contract, free }
    }
}

/// The offsets of all combinations of indices along some axes, in row-major order.
fn offsets(shape: &Shape, axes: &[usize]) -> Vec<usize> {
    let strides = shape.strides();
    let lengths: Shape = axes.iter().map(|&a| shape[a]).collect();
    let mut all = Vec::with_capacity(lengths.size());
    crate::tensor::for_each_index(&lengths, |index| {
        all.push(index.iter().zip(axes).map(|(i, &a)| i * strides[a]).sum());
    });
    all
}

impl Primitive for Dot {
    fn name(&self) -> &'static str {
        "dot"
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        let side = |pairs: &[(usize, usize)], first: bool| {
            Attribute::Ints(
                pairs.iter().map(|p| if first { p.0 } else { p.1 } as i64).collect(),
            )
        };
        vec![
            ("lhs_contract", side(&self.contract, true)),
            ("rhs_contract", side(&self.contract, false)),
            ("lhs_batch", side(&self.batch, true)),
            ("rhs_batch", side(&self.batch, false)),
        ]
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        support::expect_args(args, 2)?;
        let (l, r) = (&args[0], &args[1]);
        support::expect_number(l)?;
        if l.dtype != r.dtype {
            return Err(Error::shape(format!("element types {} and {} differ", l.dtype, r.dtype))
                .help("convert one of them with `.cast(…)`"));
        }
        let pairs = || self.batch.iter().chain(&self.contract);
        support::expect_axes(&pairs().map(|p| p.0).collect::<Vec<_>>(), &l.shape)?;
        support::expect_axes(&pairs().map(|p| p.1).collect::<Vec<_>>(), &r.shape)?;
        if let Some(&(a, b)) = pairs().find(|p| l.shape[p.0] != r.shape[p.1]) {
            return Err(Error::shape(format!(
                "axis {a} of {l} has length {}, axis {b} of {r} has length {}",
                l.shape[a], r.shape[b]
            ))
            .help("the lengths of the axes that are multiplied must agree; is one transposed?"));
        }
        let (lhs, rhs) = (self.lhs(l.shape.rank()), self.rhs(r.shape.rank()));
        let left = lhs.batch.iter().chain(&lhs.free).map(|&a| l.shape[a]);
        let shape: Shape = left.chain(rhs.free.iter().map(|&a| r.shape[a])).collect();
        Ok(smallvec![l.with_shape(shape)])
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        let (l, r) = (args[0].shape(), args[1].shape());
        let shape = &self.infer(&[args[0].ty(), args[1].ty()])?[0].shape;
        let (lhs, rhs) = (self.lhs(l.rank()), self.rhs(r.rank()));
        let [lb, lf, lc] = [&lhs.batch, &lhs.free, &lhs.contract].map(|axes| offsets(l, axes));
        let [rb, rf, rc] = [&rhs.batch, &rhs.free, &rhs.contract].map(|axes| offsets(r, axes));
        macro_rules! product {
            ($x:expr, $y:expr, $zero:expr, $step:expr, $round:ty) => {{
                let mut out = Vec::with_capacity(shape.size());
                for (lb, rb) in lb.iter().zip(&rb) {
                    for lf in &lf {
                        for rf in &rf {
                            let terms = lc.iter().zip(&rc);
                            let sum = terms.fold($zero, |sum, (lc, rc)| {
                                $step(sum, $x[lb + lf + lc], $y[rb + rf + rc])
                            });
                            out.push(sum as $round);
                        }
                    }
                }
                Tensor::new(out, shape.clone())?
            }};
        }
        let step = |s: f64, x: f64, y: f64| s + x * y;
        Ok(vec![match (args[0].data(), args[1].data()) {
            (Data::F32(x), Data::F32(y)) => {
                product!(x, y, 0.0f64, |s, x, y| step(s, f64::from(x), f64::from(y)), f32)
            }
            (Data::F64(x), Data::F64(y)) => product!(x, y, 0.0f64, step, f64),
            (Data::I32(x), Data::I32(y)) => {
                product!(x, y, 0i32, |s: i32, x: i32, y| s.wrapping_add(x.wrapping_mul(y)), i32)
            }
            (Data::I64(x), Data::I64(y)) => {
                product!(x, y, 0i64, |s: i64, x: i64, y| s.wrapping_add(x.wrapping_mul(y)), i64)
            }
            _ => return Err(Error::shape("element types differ")),
        }])
    }
    fn linearity(&self) -> Linearity {
        Linearity::Each(Args::Only(0b11))
    }
    fn differential(&self, x: &[Var], _: &[Var], dx: &[Option<Var>]) -> Tangents {
        linear_differential(self.clone().into(), x, dx)
    }
    /// ⟨dot(dx, y), ct⟩ = ⟨dx, dot(ct, y)⟩ with ct's axes for the free axes of y summed: what is
    /// left are the batch, free and contracted axes of x, to be put back in their places.
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        let Some(ct) = ct[0] else { return smallvec![None; 2] };
        let (l, r) = (args[0].ty(), args[1].ty());
        let (lhs, rhs) = (self.lhs(l.shape.rank()), self.rhs(r.shape.rank()));
        let (b, m) = (self.batch.len(), lhs.free.len());
        if args[0].is_linear() {
            let back = Dot {
                contract: rhs.free.iter().enumerate().map(|(i, &axis)| (b + m + i, axis)).collect(),
                batch: rhs.batch.iter().enumerate().map(|(i, &axis)| (i, axis)).collect(),
            };
            let product = apply(back, &[ct, args[1].known()])[0];
            // Axes of the product: batch, free of x, and the contracted axes in y's order.
            let mut pairs = self.contract.clone();
            pairs.sort_by_key(|p| p.1);
            let axes = lhs.batch.iter().chain(&lhs.free).copied();
            smallvec![Some(put_back(product, axes.chain(pairs.iter().map(|p| p.0)))), None]
        } else {
            let back = Dot {
                contract: lhs.free.iter().enumerate().map(|(i, &axis)| (axis, b + i)).collect(),
                batch: lhs.batch.iter().enumerate().map(|(i, &axis)| (axis, i)).collect(),
            };
            let product = apply(back, &[args[0].known(), ct])[0];
            // Axes of the product: batch, the contracted axes in x's order, and free of y.
            let mut pairs = self.contract.clone();
            pairs.sort_by_key(|p| p.0);
            let axes = rhs.batch.iter().copied().chain(pairs.iter().map(|p| p.1));
            smallvec![None, Some(put_back(product, axes.chain(rhs.free.iter().copied())))]
        }
    }
    fn batch(&self, args: &[Var], batched: &[bool], _: usize) -> Vars {
        let (dl, dr) = (usize::from(batched[0]), usize::from(batched[1]));
        let shift = |pairs: &[(usize, usize)]| -> Vec<(usize, usize)> {
            pairs.iter().map(|p| (p.0 + dl, p.1 + dr)).collect()
        };
        let (contract, mut batch) = (shift(&self.contract), shift(&self.batch));
        if batched[0] && batched[1] {
            batch.insert(0, (0, 0));
            return apply(Dot { contract, batch }, args);
        }
        // The instances are a free axis of one side: cheaper than repeating the other side.
        let dot = Dot { contract, batch };
        let b = dot.batch.len();
        let at = if batched[0] { b } else { b + dot.lhs(args[0].rank()).free.len() };
        smallvec![apply(dot, args)[0].move_axis(at, 0)]
    }
}

/// Reorders axes so that axis `i` of `x` becomes axis `axes[i]`.
fn put_back(x: Var, axes: impl Iterator<Item = usize>) -> Var {
    let order: Vec<usize> = axes.collect();
    if is_identity(&order) {
        return x;
    }
    apply(Transpose { order }.inverse(), &[x])[0]
}

fn is_identity(order: &[usize]) -> bool {
    order.iter().enumerate().all(|(i, &axis)| i == axis)
}

impl Listed for Dot {
    fn parse(name: &str, a: &Attributes) -> Option<Result<Self>> {
        let pairs = |l: &str, r: &str| -> Result<Vec<(usize, usize)>> {
            let (l, r) = (a.sizes(l)?, a.sizes(r)?);
            if l.len() != r.len() {
                return Err(Error::new(crate::ErrorKind::Syntax, "axes are paired one to one"));
            }
            Ok(l.into_iter().zip(r).collect())
        };
        (name == "dot").then(|| {
            Ok(Dot {
                contract: pairs("lhs_contract", "rhs_contract")?,
                batch: pairs("lhs_batch", "rhs_batch")?,
            })
        })
    }
    fn samples() -> Vec<Sample> {
        let case = |l: &[usize], r: &[usize], contract: &[(usize, usize)], batch: &[(usize, usize)]| {
            Sample {
                prim: Dot { contract: contract.into(), batch: batch.into() }.into(),
                args: vec![
                    support::spread(DType::F64, l, -2.0, 2.0),
                    support::spread(DType::F64, r, 1.5, -1.0),
                ],
            }
        };
        vec![
            case(&[3], &[3], &[(0, 0)], &[]),
            case(&[2, 3], &[3], &[(1, 0)], &[]),
            case(&[2, 3], &[3, 4], &[(1, 0)], &[]),
            case(&[3, 2], &[4, 3], &[(0, 1)], &[]),
            case(&[2], &[3], &[], &[]),
            case(&[], &[2], &[], &[]),
            case(&[2, 2, 3], &[2, 3, 2], &[(2, 1)], &[(0, 0)]),
            case(&[3, 2, 2], &[2, 3], &[(1, 0)], &[(0, 1)]),
            case(&[2, 3, 4], &[4, 2, 3], &[(2, 0), (0, 1)], &[]),
            case(&[0, 3], &[3, 2], &[(1, 0)], &[]),
            case(&[2, 0], &[0, 2], &[(1, 0)], &[]),
            case(&[2, 3], &[2, 3], &[], &[(0, 0), (1, 1)]),
        ]
    }
    fn about() -> Vec<About> {
        vec![
            About::new("dot", "x, y", "the sum of products over pairs of axes, for each index of the others")
            .transpose("for x: dot(c, y) over the free axes of y; for y: dot(x, c) likewise"),
        ]
    }
}
