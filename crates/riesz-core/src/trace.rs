//! Writing programs by running Rust: [`Var`], the frames that record, and captured values.
//!
//! [`trace`] opens a frame, hands a closure one `Var` for each input and records every operation
//! as an equation. Frames nest: a `Var` of an outer frame that is used inside becomes an extra
//! input of the inner program (a *capture*), a constant to whatever is done with that program.
//! So a transformation of a closure is: record it, transform the program, [`inline`] the result
//! in the frame around it. Derivatives cannot be confused, because a program knows only its inputs.
//!
//! Nothing here fails at once: the first error of a frame is kept, the operation yields a *poisoned*
//! `Var`, on which every operation is silently poisoned again, and closing the frame returns the
//! error. A `Var` used after its frame closed is such an error too.

use crate::error::{Error, Operand, Result, Source};
use crate::primitive::{Prim, Primitive};
use crate::program::{Program, Value};
use crate::tensor::Tensor;
use crate::types::{DType, Shape, Type};
use smallvec::{SmallVec, smallvec};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

/// A value being traced. `Copy`, one machine word, bound to its thread.
#[derive(Clone, Copy)]
pub struct Var {
    frame: u32,
    value: u32,
    // Frames are per thread, so a handle must not leave it.
    thread: PhantomData<*const ()>,
}

/// The results of one operation; nearly always one.
pub type Vars = SmallVec<[Var; 1]>;

/// A program and the outer values it captured, which are its last inputs.
#[derive(Debug)]
pub struct Traced {
    /// The recorded program: arguments first, then one input for each capture.
    pub program: Program,
    /// What to pass for the captures when the program is inlined.
    pub captures: Vec<Var>,
}

struct Frame {
    id: u32,
    program: Program,
    arguments: usize,
    sources: Vec<Source>,
    captures: Vec<(Var, Value)>,
    captured: HashMap<(u32, u32), Value>,
    error: Option<Error>,
}

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u32> = const { Cell::new(0) };
    static SOURCE: Cell<Option<Source>> = const { Cell::new(None) };
}

const POISON: u32 = u32::MAX;

/// Records `f` on fresh inputs of the given types.
///
/// # Errors
/// The first error recorded while `f` ran: shapes that do not fit, values used outside their trace.
pub fn trace_open(types: &[Type], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<Traced> {
    let mut f = Some(f);
    record_in_frame(types, &mut |x| f.take().map_or_else(Vec::new, |f| f(x)))
}

/// [`trace_open`], compiled once and not for every closure.
fn record_in_frame(types: &[Type], f: &mut dyn FnMut(&[Var]) -> Vec<Var>) -> Result<Traced> {
    let id = NEXT.with(|next| {
        let id = next.get();
        next.set((id + 1) % POISON);
        id
    });
    let here = Source::Unknown;
    let mut frame = Frame {
        id,
        program: Program::with_inputs(types.to_vec()),
        arguments: types.len(),
        sources: vec![here; types.len()],
        captures: Vec::new(),
        captured: HashMap::new(),
        error: None,
    };
    frame.error = types.iter().find_map(|ty| fits_in_memory(ty).err());
    FRAMES.with_borrow_mut(|frames| frames.push(frame));
    let guard = FrameGuard { id };
    let arguments: Vec<Var> = (0..types.len() as u32).map(|v| Var::new(id, v)).collect();
    let outputs = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f(&arguments))) {
        Ok(outputs) => outputs,
        // A poisoned value has no honest shape, so code that computes with shapes may stumble
        // after an error; the error is the cause, and what is reported.
        Err(panic) => match guard.close() {
            Some(Frame { error: Some(error), .. }) => return Err(error),
            _ => std::panic::resume_unwind(panic),
        },
    };
    let lifted: Vec<Option<Value>> = outputs.iter().map(|v| v.lift()).collect();
    let Some(frame) = guard.close() else {
        return Err(Error::usage("the trace was closed from within"));
    };
    if let Some(error) = frame.error {
        return Err(error);
    }
    let Some(outputs) = lifted.into_iter().collect::<Option<Vec<Value>>>() else {
        return Err(Error::usage("a result is a value of a trace that has ended or failed"));
    };
    Ok(frame.finish(outputs))
}

/// Records `f` as a program of its arguments alone.
///
/// # Errors
/// As [`trace_open`]; and when `f` uses a value of a trace around it.
pub fn trace(types: &[Type], f: impl FnOnce(&[Var]) -> Vec<Var>) -> Result<Program> {
    let traced = trace_open(types, f)?;
    if !traced.captures.is_empty() {
        return Err(Error::usage("the function captures a value of a trace around it")
            .help("pass it as an argument, or use a transformation that allows captures"));
    }
    Ok(traced.program)
}

/// Writes the equations of `program` into the current frame, applied to `args`.
pub fn inline(program: &Program, args: &[Var]) -> Vec<Var> {
    debug_assert_eq!(program.inputs, args.len());
    let mut table: Vec<Var> = Vec::with_capacity(program.len());
    table.extend_from_slice(args);
    for eq in &program.equations {
        let inputs: SmallVec<[Var; 3]> = eq.inputs.iter().map(|v| table[v.index()]).collect();
        let types = eq.outputs().map(|v| program.ty(v).clone());
        table.extend(record(eq.prim.clone(), &inputs, types, eq.source));
    }
    program.outputs.iter().map(|v| table[v.index()]).collect()
}

/// Applies a primitive in the current frame: infers the types, or records why it cannot.
#[track_caller]
pub fn apply(prim: impl Into<Prim>, args: &[Var]) -> Vars {
    let prim = prim.into();
    let source = current_source();
    let types: SmallVec<[Type; 3]> = args.iter().map(|v| v.ty()).collect();
    if args.iter().any(|v| v.is_poisoned()) {
        fail_if_loose(args);
        return smallvec![Var::poison(); prim.output_count()];
    }
    match prim.infer(&types).and_then(|out| {
        out.iter().try_for_each(fits_in_memory)?;
        Ok(out)
    }) {
        Ok(out) => record(prim, args, out, source),
        Err(error) => {
            let operands = args.iter().zip(types).map(|(v, ty)| Operand { ty, source: v.source() });
            fail(error.at(prim.name(), source).with_operands(operands));
            smallvec![Var::poison(); prim.output_count()]
        }
    }
}

/// Applies a primitive that has one result.
#[track_caller]
pub fn apply1(prim: impl Into<Prim>, args: &[Var]) -> Var {
    apply(prim, args)[0]
}

/// Records an error in the current frame (the first one is kept) and yields a poisoned value.
pub fn fail(error: Error) -> Var {
    FRAMES.with_borrow_mut(|frames| {
        if let Some(frame) = frames.last_mut() {
            frame.error.get_or_insert(error);
        }
    });
    Var::poison()
}

/// Whether the current frame has an error already.
pub(crate) fn has_failed() -> bool {
    FRAMES.with_borrow(|frames| frames.last().is_some_and(|frame| frame.error.is_some()))
}

/// Gives the error of the current frame to the operation that a person wrote, of which the one that
/// failed is a part.
pub(crate) fn claim(operation: &str, operands: &[Operand]) {
    FRAMES.with_borrow_mut(|frames| {
        if let Some(frame) = frames.last_mut() {
            frame.error = frame.error.take().map(|e| e.claimed_by(operation, operands));
        }
    });
}

/// Runs `f` so that every operation in it is said to come from `source`.
pub fn with_source<R>(source: Source, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Source>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SOURCE.set(self.0);
        }
    }
    let _restore = Restore(SOURCE.replace(Some(source)));
    f()
}

/// The place that operations are said to come from: the caller's line, or that of [`with_source`].
#[track_caller]
pub fn current_source() -> Source {
    SOURCE.get().unwrap_or(Source::Rust(Location::caller()))
}

/// Whether a trace is open on this thread.
pub fn is_tracing() -> bool {
    FRAMES.with_borrow(|frames| !frames.is_empty())
}

fn record(prim: Prim, args: &[Var], types: impl IntoIterator<Item = Type>, source: Source) -> Vars {
    let mut types = types.into_iter().peekable();
    if types.peek().is_none() {
        // A loop that carries nothing and hands nothing out does nothing.
        return Vars::new();
    }
    let inputs: Option<SmallVec<[Value; 3]>> = args.iter().map(|v| v.lift()).collect();
    let Some(inputs) = inputs else {
        fail_if_loose(args);
        return types.map(|_| Var::poison()).collect();
    };
    FRAMES.with_borrow_mut(|frames| {
        let Some(frame) = frames.last_mut() else {
            return types.map(|_| Var::poison()).collect();
        };
        let first = frame.program.push(prim, inputs, types, source);
        frame.sources.resize(frame.program.len(), source);
        (first.0..frame.program.len() as u32).map(|v| Var::new(frame.id, v)).collect()
    })
}

/// A poisoned argument has its error recorded already, unless it came from a trace that ended.
fn fail_if_loose(args: &[Var]) {
    if args.iter().any(|v| v.frame != POISON && v.find(|_, _| ()).is_none()) {
        fail(
            Error::usage("a value is used outside the trace that made it")
                .help("return values from the traced function instead of keeping them"),
        );
    }
}

pub(crate) fn fits_in_memory(ty: &Type) -> Result<()> {
    if ty.bytes() > isize::MAX as usize {
        return Err(Error::shape(format!("a value of type {ty} cannot be stored on any machine")));
    }
    Ok(())
}

impl Frame {
    /// Numbers the inputs first: captures were found on the way, between equations.
    fn finish(self, outputs: Vec<Value>) -> Traced {
        let Frame { program, arguments, captures, .. } = self;
        let captures_of: Vec<Var> = captures.iter().map(|c| c.0).collect();
        if captures.is_empty() {
            return Traced { program: Program { outputs, ..program }, captures: captures_of };
        }
        let mut number = vec![Value(POISON); program.len()];
        for (new, v) in number.iter_mut().enumerate().take(arguments) {
            *v = Value(new as u32);
        }
        let mut types: Vec<Type> = program.types[..arguments].to_vec();
        for (_, v) in &captures {
            number[v.index()] = Value(types.len() as u32);
            types.push(program.types[v.index()].clone());
        }
        let mut renumbered = Program::with_inputs(types);
        for eq in program.equations {
            let inputs = eq.inputs.iter().map(|v| number[v.index()]).collect();
            let types = (eq.first.0..eq.first.0 + eq.count)
                .map(|v| program.types[v as usize].clone())
                .collect::<SmallVec<[Type; 1]>>();
            let first = renumbered.push(eq.prim, inputs, types, eq.source);
            for k in 0..eq.count {
                number[(eq.first.0 + k) as usize] = Value(first.0 + k);
            }
        }
        renumbered.outputs = outputs.iter().map(|v| number[v.index()]).collect();
        Traced { program: renumbered, captures: captures_of }
    }
}

/// Closes its frame however the traced function ends.
struct FrameGuard {
    id: u32,
}

impl FrameGuard {
    fn close(self) -> Option<Frame> {
        let frame = FRAMES.with_borrow_mut(|frames| frames.pop_if(|f| f.id == self.id));
        std::mem::forget(self);
        frame
    }
}

impl Drop for FrameGuard {
    fn drop(&mut self) {
        FRAMES.with_borrow_mut(|frames| {
            if let Some(at) = frames.iter().position(|f| f.id == self.id) {
                frames.truncate(at);
            }
        });
    }
}

impl Var {
    fn new(frame: u32, value: u32) -> Var {
        Var { frame, value, thread: PhantomData }
    }

    /// What an operation that failed yields.
    pub fn poison() -> Var {
        Var::new(POISON, POISON)
    }

    /// A constant of the current trace.
    #[track_caller]
    pub fn constant(tensor: impl Into<Tensor>) -> Var {
        apply1(crate::primitive::Constant(tensor.into()), &[])
    }

    /// Whether this is the result of a failed operation, or of a trace that has ended.
    pub fn is_poisoned(self) -> bool {
        self.find(|_, _| ()).is_none()
    }

    /// Whether two handles are of the same value.
    pub fn is(self, other: Var) -> bool {
        (self.frame, self.value) == (other.frame, other.value)
    }

    /// Element type and shape (that of a number for a poisoned value).
    pub fn ty(self) -> Type {
        self.find(|frame, v| frame.program.ty(v).clone())
            .unwrap_or_else(|| Type::scalar(DType::F64))
    }

    /// The length of each axis.
    pub fn shape(self) -> Shape {
        self.ty().shape
    }

    /// The element type.
    pub fn dtype(self) -> DType {
        self.ty().dtype
    }

    /// The number of axes.
    pub fn rank(self) -> usize {
        self.ty().shape.rank()
    }

    /// The place that made this value.
    pub fn source(self) -> Source {
        self.find(|frame, v| frame.sources[v.index()]).unwrap_or_default()
    }

    fn find<R>(self, f: impl FnOnce(&Frame, Value) -> R) -> Option<R> {
        FRAMES.with_borrow(|frames| {
            let frame = frames.iter().rev().find(|frame| frame.id == self.frame)?;
            Some(f(frame, Value(self.value)))
        })
    }

    /// This value in the current frame: itself, or an input for the capture.
    fn lift(self) -> Option<Value> {
        FRAMES.with_borrow_mut(|frames| {
            let (frame, outer) = frames.split_last_mut()?;
            if frame.id == self.frame {
                return Some(Value(self.value));
            }
            if let Some(&v) = frame.captured.get(&(self.frame, self.value)) {
                return Some(v);
            }
            let home = outer.iter().rev().find(|f| f.id == self.frame)?;
            let v = Value(frame.program.types.len() as u32);
            frame.program.types.push(home.program.types[self.value as usize].clone());
            frame.sources.push(home.sources[self.value as usize]);
            frame.captures.push((self, v));
            frame.captured.insert((self.frame, self.value), v);
            Some(v)
        })
    }
}

impl fmt::Debug for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.find(|frame, v| frame.program.ty(v).clone()) {
            Some(ty) => write!(f, "%{}: {ty}", self.value),
            None if self.frame == POISON => f.write_str("a value that failed"),
            None => f.write_str("a value of a trace that has ended"),
        }
    }
}
