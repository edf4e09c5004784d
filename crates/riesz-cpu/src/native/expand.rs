//! What an instruction of a nest becomes: operations of the graph.
//!
//! Functions come from `simd::math` through [`Symbol`]; those without a branch-free form are calls.
//! Loads, gathers and indices depend on the loops and are made in `lower`.

use super::call::{Helper, Helpers};
use super::graph::{Graph, Id, Logic, NONE, Num, One, Op, Size, Test, Two};
use super::symbol::{Float, Symbol};
use crate::nest::{Binary, Compare, Logical, Nest, Op as NestOp, Reg, Special, Unary};
use crate::simd::math::{basic, erf, exp, hyperbolic, inverse, log, pow, trig};
use crate::simd::value::{Fused, Value, pick};
use riesz_core::DType;

/// The lanes of an element type; none for truth values.
pub(super) fn num(ty: DType) -> Option<Num> {
    match ty {
        DType::F32 => Some(Num::F32),
        DType::F64 => Some(Num::F64),
        DType::I32 => Some(Num::I32),
        DType::I64 => Some(Num::I64),
        DType::Bool => None,
    }
}

/// Expands the instructions of one nest.
pub(super) struct Expand<'a> {
    pub(super) graph: &'a Graph,
    pub(super) nest: &'a Nest,
    /// Functions that are called; the numbers in [`Op::Call`] and [`Op::Repair`] are places here.
    pub(super) helpers: &'a mut Helpers,
    /// The lanes that count, if not all: a mask.
    pub(super) tail: Id,
}

impl Expand<'_> {
    /// The value of instruction `at`, given those before; none if it depends on the loops directly.
    pub(super) fn instruction(&mut self, at: usize, values: &[Id]) -> Option<Id> {
        let inst = &self.nest.body[at];
        let of = |r: &Reg| values[*r as usize];
        let ty = inst.ty;
        Some(match &inst.op {
            NestOp::Load(_) | NestOp::Gather { .. } | NestOp::Index { .. } => return None,
            NestOp::Const(bits) => self.constant(*bits, ty),
            NestOp::Unary(f, a) => match ty {
                DType::F64 => self.unary::<f64>(*f, of(a)),
                DType::F32 => self.unary::<f32>(*f, of(a)),
                _ => self.integer_unary(*f, of(a), num(ty)?),
            },
            NestOp::Power(n, a) => self.power(*n, of(a), num(ty)?),
            NestOp::Binary(f, a, b) => match ty {
                DType::F64 => self.binary::<f64>(*f, of(a), of(b)),
                DType::F32 => self.binary::<f32>(*f, of(a), of(b)),
                _ => self.integer_binary(*f, of(a), of(b), ty, num(ty)?),
            },
            NestOp::Fma(a, b, c) => match ty {
                DType::F32 => self.fma::<f32>(of(a), of(b), of(c)),
                _ => self.fma::<f64>(of(a), of(b), of(c)),
            },
            NestOp::Scale(c, t) => match ty {
                DType::F32 => self.scale::<f32>(of(c), of(t)),
                _ => self.scale::<f64>(of(c), of(t)),
            },
            NestOp::Compare(f, a, b) => {
                self.compare(*f, of(a), of(b), num(self.nest.body[*a as usize].ty))
            }
            NestOp::Logical(f, a, b) => {
                let g = self.graph;
                match f {
                    Logical::And => g.logic(Logic::And, of(a), of(b)),
                    Logical::Or => g.logic(Logic::Or, of(a), of(b)),
                    Logical::Xor => g.logic(Logic::Xor, of(a), of(b)),
                    Logical::Not => g.not(of(a)),
                }
            }
            NestOp::Select(mask, a, b) if ty == DType::Bool => {
                let g = self.graph;
                let yes = g.logic(Logic::And, of(a), of(mask));
                g.logic(Logic::Or, yes, g.logic(Logic::AndNot, of(b), of(mask)))
            }
            NestOp::Select(mask, a, b) => self.graph.blend(of(mask), of(a), of(b)),
            NestOp::Cast(a) => self.cast(of(a), self.nest.body[*a as usize].ty, ty),
            NestOp::Special(Special::Polygamma(n), a) => {
                self.call(Helper::Polygamma(*n, ty), of(a), NONE, false)
            }
            NestOp::Special(Special::Sinc(n), a) => {
                self.call(Helper::Sinc(*n, ty), of(a), NONE, false)
            }
        })
    }

    pub(super) fn constant(&self, bits: u64, ty: DType) -> Id {
        match num(ty) {
            Some(n) if n.size() == Size::B8 => self.graph.constant(bits, Size::B8),
            Some(_) => self.graph.constant(bits & 0xffff_ffff, Size::B4),
            None => self.graph.truth(bits & 1 == 1),
        }
    }

    fn call(&mut self, helper: Helper, a: Id, b: Id, fails: bool) -> Id {
        let size = num(helper.result()).map_or(Size::Mask, Num::size);
        let tail = if fails { self.tail } else { NONE };
        let op = Op::Call(self.helpers.number(helper), fails);
        self.graph.add(op, [a, b, tail], size)
    }

    fn unary<T: Float>(&mut self, f: Unary, x: Id) -> Id {
        let g = self.graph;
        let id = x;
        let x = Symbol::<T>::of_id(g, x);
        let one = Symbol::of(1.0);
        let round = |mode: u8| g.one(One::Round(mode), T::NUM, id);
        let y = match f {
            Unary::Neg => -x,
            Unary::Abs => x.magnitude(),
            Unary::Sign => basic::sign::<_, Fused>(x),
            Unary::Round => return round(8),
            Unary::Floor => return round(9),
            Unary::Ceil => return round(10),
            Unary::Trunc => return round(11),
            Unary::Square => x * x,
            Unary::Recip => one / x,
            Unary::Sqrt => x.root(),
            Unary::Rsqrt => one / x.root(),
            Unary::Exp => exp::exp::<_, Fused>(x),
            Unary::Exp2 => exp::exp2::<_, Fused>(x),
            Unary::Expm1 => exp::expm1::<_, Fused>(x),
            Unary::Log => log::log::<_, Fused>(x),
            Unary::Log2 => log::log2::<_, Fused>(x),
            Unary::Log10 => log::log10::<_, Fused>(x),
            Unary::Log1p => log::log1p::<_, Fused>(x),
            Unary::Sin => return self.within(x, trig::sin::<_, Fused>(x), Helper::Sin),
            Unary::Cos => return self.within(x, trig::cos::<_, Fused>(x), Helper::Cos),
            Unary::Tan => return self.within(x, trig::tan::<_, Fused>(x), Helper::Tan),
            Unary::Asin => inverse::asin::<_, Fused>(x),
            Unary::Acos => inverse::acos::<_, Fused>(x),
            Unary::Atan => inverse::atan::<_, Fused>(x),
            Unary::Sinh => hyperbolic::sinh::<_, Fused>(x),
            Unary::Cosh => hyperbolic::cosh::<_, Fused>(x),
            Unary::Tanh => hyperbolic::tanh::<_, Fused>(x),
            Unary::Sigmoid => exp::sigmoid::<_, Fused>(x),
            Unary::Softplus => exp::softplus::<_, Fused>(x),
            Unary::Erf => erf::erf::<_, Fused>(x),
            Unary::Cbrt
            | Unary::Asinh
            | Unary::Acosh
            | Unary::Atanh
            | Unary::Erfc
            | Unary::Erfinv
            | Unary::Lgamma
            | Unary::Digamma => {
                return self.call(Helper::Unary(f, float_type::<T>()), id, NONE, false);
            }
        };
        y.id(g)
    }

    /// y, and in the lanes where |x| is beyond the limit of `trig`, the function called.
    fn within<T: Float>(
        &mut self,
        x: Symbol<'_, T>,
        y: Symbol<'_, T>,
        helper: fn(DType) -> Helper,
    ) -> Id {
        let g = self.graph;
        let limit = Symbol::<T>::constant(T::TRIG_LIMIT);
        let beyond = x.magnitude().greater(limit).id(g);
        let op = Op::Repair(self.helpers.number(helper(float_type::<T>())));
        g.add(op, [y.id(g), x.id(g), beyond], T::NUM.size())
    }

    fn binary<T: Float>(&mut self, f: Binary, x: Id, y: Id) -> Id {
        let g = self.graph;
        let (a, b) = (Symbol::<T>::of_id(g, x), Symbol::<T>::of_id(g, y));
        let z = match f {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Max => return g.extreme(Two::Max, T::NUM, x, y),
            Binary::Min => return g.extreme(Two::Min, T::NUM, x, y),
            Binary::Pow => pow::pow::<_, Fused>(a, b),
            Binary::Atan2 => inverse::atan2::<_, Fused>(a, b),
            Binary::Hypot => inverse::hypot::<_, Fused>(a, b),
            Binary::Xlogy => {
                let zero = Symbol::of(0.0);
                pick(a.equal(zero) & b.ordered(), zero, a * log::log::<_, Fused>(b))
            }
            Binary::Rem | Binary::LogAddExp => {
                return self.call(Helper::Binary(f, float_type::<T>()), x, y, false);
            }
        };
        z.id(g)
    }

    fn fma<T: Float>(&self, a: Id, b: Id, c: Id) -> Id {
        let of = |id| Symbol::<T>::of_id(self.graph, id);
        of(a).hardware_fma(of(b), of(c)).id(self.graph)
    }

    fn scale<T: Float>(&self, c: Id, t: Id) -> Id {
        let (c, t) = (Symbol::<T>::of_id(self.graph, c), Symbol::<T>::of_id(self.graph, t));
        pick(t.equal(Symbol::of(0.0)), t, c * t).id(self.graph)
    }

    fn integer_unary(&mut self, f: Unary, x: Id, num: Num) -> Id {
        let g = self.graph;
        let number = |n: i64| g.constant(n as u64 & mask(num), num.size());
        match f {
            Unary::Neg => g.two(Two::Sub, num, number(0), x),
            Unary::Abs if num == Num::I64 && !g.wide => {
                let below = g.compare(Test::Lt, num, x, number(0));
                g.blend(below, g.two(Two::Sub, num, number(0), x), x)
            }
            Unary::Abs => g.one(One::Abs, num, x),
            Unary::Square => self.times(num, x, x),
            Unary::Sign => {
                let below = g.compare(Test::Lt, num, x, number(0));
                let above = g.compare(Test::Lt, num, number(0), x);
                g.blend(below, number(-1), g.blend(above, number(1), number(0)))
            }
            // Floor, Ceil, Round, Trunc: a whole number is what it is.
            _ => x,
        }
    }

    fn integer_binary(&mut self, f: Binary, x: Id, y: Id, ty: DType, num: Num) -> Id {
        let op = match f {
            Binary::Add => Two::Add,
            Binary::Sub => Two::Sub,
            Binary::Mul => return self.times(num, x, y),
            Binary::Max => return self.graph.extreme(Two::Max, num, x, y),
            Binary::Min => return self.graph.extreme(Two::Min, num, x, y),
            _ => return self.call(Helper::Binary(f, ty), x, y, true),
        };
        self.graph.two(op, num, x, y)
    }

    /// a·b; before AVX-512 there is no product of long integers.
    pub(super) fn times(&mut self, num: Num, a: Id, b: Id) -> Id {
        if num == Num::I64 && !self.graph.wide {
            return self.call(Helper::Binary(Binary::Mul, DType::I64), a, b, false);
        }
        self.graph.two(Two::Mul, num, a, b)
    }

    /// The order of the products is that of `powi` and `wrapping_pow`.
    fn power(&mut self, n: i32, x: Id, num: Num) -> Id {
        let g = self.graph;
        let one = match num {
            Num::F64 => g.constant(1f64.to_bits(), Size::B8),
            Num::F32 => g.constant(1f32.to_bits().into(), Size::B4),
            Num::I32 | Num::I64 => g.constant(1, num.size()),
        };
        let (mut left, mut square, mut product) = (n.unsigned_abs(), x, None);
        while left > 0 {
            if left & 1 == 1 {
                product = Some(match product {
                    None => square,
                    Some(p) => self.times(num, p, square),
                });
            }
            left >>= 1;
            if left > 0 {
                square = self.times(num, square, square);
            }
        }
        match product {
            None => one,
            Some(p) if n < 0 => g.two(Two::Div, num, one, p),
            Some(p) => p,
        }
    }

    fn compare(&self, f: Compare, a: Id, b: Id, num: Option<Num>) -> Id {
        let g = self.graph;
        let Some(num) = num else {
            return match f {
                Compare::Lt => g.logic(Logic::AndNot, b, a),
                Compare::Gt => g.logic(Logic::AndNot, a, b),
                Compare::Le => g.not(g.logic(Logic::AndNot, a, b)),
                Compare::Ge => g.not(g.logic(Logic::AndNot, b, a)),
                Compare::Eq => g.not(g.logic(Logic::Xor, a, b)),
                Compare::Ne => g.logic(Logic::Xor, a, b),
            };
        };
        match f {
            Compare::Lt => g.compare(Test::Lt, num, a, b),
            Compare::Le => g.compare(Test::Le, num, a, b),
            Compare::Gt => g.compare(Test::Lt, num, b, a),
            Compare::Ge => g.compare(Test::Le, num, b, a),
            Compare::Eq => g.compare(Test::Eq, num, a, b),
            Compare::Ne => g.compare(Test::Ne, num, a, b),
        }
    }

    pub(super) fn cast(&mut self, x: Id, from: DType, to: DType) -> Id {
        let g = self.graph;
        if from == to {
            return x;
        }
        let (a, b) = match (num(from), num(to)) {
            (None, None) => return x,
            (None, Some(_)) => {
                let one = match to {
                    DType::F64 => 1f64.to_bits(),
                    DType::F32 => 1f32.to_bits().into(),
                    _ => 1,
                };
                return g.blend(x, self.constant(one, to), self.constant(0, to));
            }
            (Some(a), None) => {
                return g.compare(Test::Ne, a, x, g.constant(0, a.size()));
            }
            (Some(a), Some(b)) => (a, b),
        };
        let convert = |x: Id| g.add(Op::Convert(a, b), [x, NONE, NONE], b.size());
        let needs_wide = !matches!(
            (a, b),
            (Num::F32, Num::F64)
                | (Num::F64, Num::F32)
                | (Num::I32, Num::F32 | Num::F64 | Num::I64)
        );
        if needs_wide && !g.wide {
            return self.call(Helper::Cast(from, to), x, NONE, false);
        }
        if !a.is_float() || b.is_float() {
            return convert(x);
        }
        // The processor gives the smallest integer for what does not fit.
        let (limit, largest) = match b {
            Num::I32 => (2f64.powi(31), i64::from(i32::MAX)),
            _ => (2f64.powi(63), i64::MAX),
        };
        let limit = match a {
            Num::F32 => g.constant((limit as f32).to_bits().into(), Size::B4),
            _ => g.constant(limit.to_bits(), Size::B8),
        };
        let high = g.compare(Test::Le, a, limit, x);
        let largest = g.constant(largest as u64 & mask(b), b.size());
        let y = g.blend(high, largest, convert(x));
        let unordered = g.compare(Test::Unordered, a, x, x);
        g.blend(unordered, g.constant(0, b.size()), y)
    }
}

fn float_type<T: Float>() -> DType {
    if T::NUM == Num::F32 { DType::F32 } else { DType::F64 }
}

/// The bits of a lane.
fn mask(num: Num) -> u64 {
    if num.size() == Size::B4 { 0xffff_ffff } else { u64::MAX }
}
