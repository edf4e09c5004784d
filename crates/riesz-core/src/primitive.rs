//! The building blocks: one closed list, and what each of them must say about itself.
//!
//! A primitive says its shapes, its meaning, how linear it is, and then the one thing that follows
//! from that: its *differential* if it is nonlinear, its *transpose* if it is linear. Reverse mode
//! is derived, so there is no rule for it anywhere. Rules are mathematics on [`Var`].
//!
//! Each variant of [`Prim`] lives in a file of its own under `primitive/`; scalar functions are
//! rows of the tables in `unary.rs` and `binary.rs`. To add a primitive: write the file, add one
//! line to the list at the end of this module; tests, text form and documentation iterate the list.

use crate::body::Body;
use crate::error::{Error, Result};
use crate::tensor::Tensor;
use crate::trace::{Var, Vars, apply};
use crate::types::Type;
use smallvec::{SmallVec, smallvec};

/// The output types of a primitive.
pub type Types = SmallVec<[Type; 1]>;
/// One tangent for each output; `None` is an exact zero.
pub type Tangents = SmallVec<[Option<Var>; 1]>;
/// One cotangent for each argument; `None` is an exact zero, or an argument that is not linear.
pub type Cotangents = SmallVec<[Option<Var>; 3]>;

/// In which arguments a primitive is linear.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Linearity {
    /// In none. The differential, if there is one, is written by hand.
    Nonlinear,
    /// In the arguments of the set together, for fixed others: `f(x + y) = f(x) + f(y)`.
    Together(Args),
    /// In each argument of the set alone, for fixed others: a product.
    Each(Args),
}

/// A set of argument positions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Args {
    /// Every argument.
    All,
    /// Those whose bit is set.
    Only(u32),
    /// Those listed, in increasing order: for primitives with any number of arguments.
    These(Vec<usize>),
}

impl Args {
    /// Whether position `i` is in the set.
    pub fn contains(&self, i: usize) -> bool {
        match self {
            Args::All => true,
            Args::Only(mask) => i < 32 && mask & (1 << i) != 0,
            Args::These(list) => list.binary_search(&i).is_ok(),
        }
    }
}

/// An argument of a linear equation that is being transposed.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A coefficient: its value is known.
    Known(Var),
    /// The argument the equation is linear in: only its type exists.
    Linear(Type),
}

impl Arg {
    /// The coefficient. Asking a linear argument for its value is a mistake in a rule; the
    /// poisoned result turns into an error when the trace closes.
    pub fn known(&self) -> Var {
        match self {
            Arg::Known(v) => *v,
            Arg::Linear(_) => crate::trace::fail(Error::new(
                crate::error::ErrorKind::Internal,
                "a transpose rule used the value of an argument it is linear in",
            )),
        }
    }

    /// Element type and shape.
    pub fn ty(&self) -> Type {
        match self {
            Arg::Known(v) => v.ty(),
            Arg::Linear(ty) => ty.clone(),
        }
    }

    /// Whether the equation is linear in this argument.
    pub fn is_linear(&self) -> bool {
        matches!(self, Arg::Linear(_))
    }
}

/// What a building block says about itself.
pub trait Primitive {
    /// The name in the text form; unique in the list.
    fn name(&self) -> &'static str;

    /// How many results there are.
    fn output_count(&self) -> usize {
        1
    }

    /// The parameters that are not tensors, for the text form.
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        Vec::new()
    }

    /// The shape rule.
    ///
    /// # Errors
    /// Says what does not fit; the caller adds the place and the operands.
    fn infer(&self, args: &[Type]) -> Result<Types>;

    /// The meaning, plain and slow. The arguments have been inferred.
    ///
    /// # Errors
    /// When the numbers have no result: an index out of range, a singular matrix.
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>>;

    /// In which arguments it is linear.
    fn linearity(&self) -> Linearity;

    /// The differential at `x`, where the results are `y`, in the direction `dx`. At least one
    /// direction is not zero. Linear primitives call [`linear_differential`].
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents;

    /// The results and their tangents at once, for a primitive whose value keeps something for its
    /// differential, as a loop does. `None`: the value is taken first, then [`Primitive::differential`].
    fn value_and_differential(&self, _x: &[Var], _dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        None
    }

    /// Whether the numbers can be such that there is no result: an index out of range, a singular
    /// matrix. Such an operation is not run on instances that do not ask for it.
    fn can_fail(&self, _args: &[Type]) -> bool {
        false
    }

    /// The transpose with respect to the linear arguments, applied to cotangents of the results, at
    /// least one of which is not zero. Never called on a primitive that is linear in nothing.
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents;

    /// The same operation on `n` instances at once. Arguments marked in `batched` carry the
    /// instances on a new leading axis, at least one does, and all results do.
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars;
}

/// What the list knows about a primitive before there is one.
pub trait Listed: Primitive + Sized {
    /// The primitive of this name with these attributes; `None` when the name is another's.
    fn parse(name: &str, attributes: &Attributes) -> Option<Result<Self>>;

    /// Instances with arguments on which the laws are tested: edge shapes included.
    fn samples() -> Vec<Sample>;

    /// What a person is told about each name.
    fn about() -> Vec<About>;
}

/// An instance of a primitive with arguments at which its laws hold.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The instance.
    pub prim: Prim,
    /// Arguments in its domain, away from its kinks.
    pub args: Vec<Tensor>,
}

/// The differential of a primitive that is linear in the arguments that have a tangent: itself,
/// applied to the tangents (together), or the product rule (each).
pub fn linear_differential(prim: Prim, x: &[Var], dx: &[Option<Var>]) -> Tangents {
    match prim.linearity() {
        Linearity::Nonlinear => smallvec![None; prim.output_count()],
        Linearity::Together(set) => {
            let args: SmallVec<[Var; 3]> = x
                .iter()
                .zip(dx)
                .enumerate()
                .map(|(i, (&x, dx))| match dx {
                    Some(dx) => *dx,
                    None if set.contains(i) => Var::zeros(&x.ty()),
                    None => x,
                })
                .collect();
            apply(prim, &args).into_iter().map(Some).collect()
        }
        Linearity::Each(_) => {
            let mut sum: Tangents = smallvec![None; prim.output_count()];
            for (i, dxi) in dx.iter().enumerate() {
                let Some(dxi) = dxi else { continue };
                let mut args: SmallVec<[Var; 3]> = SmallVec::from_slice(x);
                args[i] = *dxi;
                for (total, term) in sum.iter_mut().zip(apply(prim.clone(), &args)) {
                    *total = add(*total, Some(term));
                }
            }
            sum
        }
    }
}

/// The sum of two tangents or cotangents.
pub fn add(a: Option<Var>, b: Option<Var>) -> Option<Var> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// Gives every argument the leading axis of length `n`, repeating those that lack it.
pub fn batch_all(args: &[Var], batched: &[bool], n: usize) -> SmallVec<[Var; 3]> {
    args.iter()
        .zip(batched)
        .map(|(&x, &batched)| if batched { x } else { x.broadcast_leading(n) })
        .collect()
}

/// A parameter of a primitive in the text form.
#[derive(Clone, PartialEq, Debug)]
pub enum Attribute {
    /// A number.
    Int(i64),
    /// A list of numbers.
    Ints(Vec<i64>),
    /// A word of letters, digits and `_` that does not begin with a digit.
    Word(String),
    /// A whole tensor.
    Tensor(Tensor),
    /// A program inside the program: the body of a loop, a branch, a function.
    Program(Body),
}

impl Attribute {
    /// A list of axes or lengths.
    pub fn ints(values: &[usize]) -> Attribute {
        Attribute::Ints(values.iter().map(|&v| v as i64).collect())
    }
}

/// The parameters of a primitive as parsed.
#[derive(Clone, Debug, Default)]
pub struct Attributes(pub Vec<(String, Attribute)>);

impl Attributes {
    fn get(&self, name: &str) -> Result<&Attribute> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, a)| a).ok_or_else(|| {
            Error::new(
                crate::error::ErrorKind::Syntax,
                format!("the attribute `{name}` is missing"),
            )
        })
    }

    fn wrong<T>(name: &str, expected: &str) -> Result<T> {
        Err(Error::new(
            crate::error::ErrorKind::Syntax,
            format!("the attribute `{name}` should be {expected}"),
        ))
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn int(&self, name: &str) -> Result<i64> {
        match self.get(name)? {
            Attribute::Int(v) => Ok(*v),
            _ => Self::wrong(name, "a whole number"),
        }
    }

    /// 0 or 1, for no and yes.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.int(name)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::new(crate::ErrorKind::Syntax, format!("`{name}` is 0 or 1"))),
        }
    }

    /// A list of whole numbers.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn ints(&self, name: &str) -> Result<&[i64]> {
        match self.get(name)? {
            Attribute::Ints(v) => Ok(v),
            _ => Self::wrong(name, "a list of whole numbers, such as [0, 1]"),
        }
    }

    /// A list of axes or lengths.
    ///
    /// # Errors
    /// When it is missing, something else, or negative somewhere.
    pub fn sizes(&self, name: &str) -> Result<Vec<usize>> {
        match self.ints(name)?.iter().map(|&v| usize::try_from(v)).collect() {
            Ok(sizes) => Ok(sizes),
            Err(_) => Self::wrong(name, "a list of numbers that are not negative"),
        }
    }

    /// A word.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn word(&self, name: &str) -> Result<&str> {
        match self.get(name)? {
            Attribute::Word(v) => Ok(v),
            _ => Self::wrong(name, "a word"),
        }
    }

    /// A tensor.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn tensor(&self, name: &str) -> Result<&Tensor> {
        match self.get(name)? {
            Attribute::Tensor(v) => Ok(v),
            _ => Self::wrong(name, "a tensor, such as f64[2] {1, 2}"),
        }
    }

    /// A program.
    ///
    /// # Errors
    /// When it is missing or something else.
    pub fn program(&self, name: &str) -> Result<&Body> {
        match self.get(name)? {
            Attribute::Program(v) => Ok(v),
            _ => Self::wrong(name, "a program, such as (%0: f64[]) { return %0 }"),
        }
    }
}

/// The last expression: a default, and what a row of a table says instead.
macro_rules! last_of {
    ($default:expr) => {
        $default
    };
    ($default:expr, $given:expr) => {
        $given
    };
}

macro_rules! primitives {
    ($($module:ident: $($variant:ident),+;)*) => {
        $(pub mod $module; $(pub use $module::$variant;)+)*

        /// Every building block. Closed: a `match` on it has no catch-all.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub enum Prim {
            $($(#[doc = concat!("See [`", stringify!($module), "`](mod@", stringify!($module), ").")] $variant($variant),)+)*
        }

        $($(impl From<$variant> for Prim {
            fn from(p: $variant) -> Prim { Prim::$variant(p) }
        })+)*

        impl Prim {
            fn as_primitive(&self) -> &dyn Primitive {
                match self { $($(Prim::$variant(p) => p,)+)* }
            }

            /// The primitive of this name with these attributes.
            ///
            /// # Errors
            /// When there is none of this name, or its attributes do not fit.
            pub fn parse(name: &str, attributes: &Attributes) -> Result<Prim> {
                $($(if let Some(p) = $variant::parse(name, attributes) {
                    return p.map(Prim::from);
                })+)*
                Err(Error::new(
                    crate::error::ErrorKind::Syntax,
                    format!("there is no primitive named `{name}`"),
                ))
            }

            /// Instances of every primitive, for laws that run over the list.
            pub fn samples() -> Vec<Sample> {
                let mut all = Vec::new();
                $($(all.extend($variant::samples());)+)*
                all
            }

            fn about() -> Vec<About> {
                let mut all = Vec::new();
                $($(all.extend($variant::about());)+)*
                all
            }
        }
    };
}

impl Primitive for Prim {
    fn name(&self) -> &'static str {
        self.as_primitive().name()
    }
    fn output_count(&self) -> usize {
        self.as_primitive().output_count()
    }
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        self.as_primitive().attributes()
    }
    fn infer(&self, args: &[Type]) -> Result<Types> {
        self.as_primitive().infer(args)
    }
    fn eval(&self, args: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.as_primitive().eval(args)
    }
    fn linearity(&self) -> Linearity {
        self.as_primitive().linearity()
    }
    fn differential(&self, x: &[Var], y: &[Var], dx: &[Option<Var>]) -> Tangents {
        self.as_primitive().differential(x, y, dx)
    }
    fn value_and_differential(&self, x: &[Var], dx: &[Option<Var>]) -> Option<(Vars, Tangents)> {
        self.as_primitive().value_and_differential(x, dx)
    }
    fn can_fail(&self, args: &[Type]) -> bool {
        self.as_primitive().can_fail(args)
    }
    fn transpose(&self, args: &[Arg], ct: &[Option<Var>]) -> Cotangents {
        self.as_primitive().transpose(args, ct)
    }
    fn batch(&self, args: &[Var], batched: &[bool], n: usize) -> Vars {
        self.as_primitive().batch(args, batched, n)
    }
}

pub mod about;
mod checkpoints;
mod dense;
mod flow;
mod fourier;
mod matrix;
pub mod philox;
mod special;
pub(crate) mod support;

pub use about::About;
pub use cumulative::{Running, log_add};
pub use reduce::Reduction;

primitives! {
    constant: Constant;
    iota: Iota;
    unary: Unary;
    power: IntegerPower;
    polygamma: Polygamma;
    sinc: Sinc;
    binary: Binary;
    scale: Scale;
    compare: Compare;
    logical: Logical;
    select: Select;
    cast: Cast;
    stop_gradient: StopGradient;
    broadcast: Broadcast;
    reshape: Reshape;
    transpose: Transpose;
    slice: Slice;
    pad: Pad;
    concat: Concat;
    flip: Flip;
    gather: Gather;
    scatter: ScatterAdd;
    scatter_set: ScatterSet;
    scatter_extreme: ScatterExtreme;
    argsort: Argsort;
    reduce: Reduce;
    recurrence: Recurrence;
    cumulative: Cumulative;
    dot: Dot;
    conv: Conv;
    inverse: Inverse;
    solve: Solve;
    det: Det, Cofactor, CofactorTangent;
    slogdet: SLogDet;
    triangular_solve: TriangularSolve;
    cholesky: Cholesky;
    lu: Lu;
    qr: Qr;
    eigh: Eigh;
    svd: Svd;
    pinv: Pinv;
    fft: Fft, Rfft, Irfft;
    random: RandomBits, FoldIn, Permutation;
    cond: Cond;
    scan: Scan;
    while_loop: While;
    linear_while: LinearWhile;
    checkpoint: Checkpoint;
    custom_jvp: CustomJvp;
    custom_vjp: CustomVjp, CustomBackward;
    linear_solve: LinearSolve;
    barrier: Barrier;
}
