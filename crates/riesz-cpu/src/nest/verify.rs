//! What a well-formed nest is, checked in debug builds after every pass that makes one.

use super::{
    Access, Band, Call, Fold, Inst, Nest, Op, Operand, Reg, Region, Special, Step, Store, Strips,
    Task,
};
use riesz_core::DType;
use riesz_core::primitive::reduce::Reduction;

impl Region {
    /// Checks every nest and that every operand exists.
    ///
    /// # Errors
    /// Says what is wrong: a mistake in the pass that made the region.
    pub fn verify(&self) -> Result<(), String> {
        self.verify_steps(&self.steps, &mut Vec::new())
    }

    /// `open` are the operands of which a loop around the steps has windows: what the body stores there
    /// would go past the windows.
    fn verify_steps(&self, steps: &[Step], open: &mut Vec<Operand>) -> Result<(), String> {
        for step in steps {
            match step {
                Step::Nest(nest) => {
                    nest.verify(&self.operands)?;
                    closed(stored_by_nest(nest), open)?;
                }
                Step::Strips(strips) => {
                    self.strips(strips)?;
                    for band in &strips.body {
                        match &band.task {
                            Task::Nest(nest) => closed(stored_by_nest(nest), open)?,
                            Task::Call(call) => closed(stored_by_call(call), open)?,
                        }
                    }
                }
                Step::Loop { windows, advance, exchange, body, .. } => {
                    windows.iter().try_for_each(|w| self.exists(w.0).and(self.exists(w.1)))?;
                    advance.iter().try_for_each(|a| self.exists(a.0))?;
                    for &(a, b) in exchange {
                        self.exists(a).and(self.exists(b))?;
                        if self.operands[a as usize] != self.operands[b as usize] {
                            return Err(format!("operands {a} and {b} have different types"));
                        }
                    }
                    let outer = open.len();
                    open.extend(windows.iter().map(|w| w.1));
                    self.verify_steps(body, open)?;
                    open.truncate(outer);
                }
                Step::While { test, flag, body } => {
                    self.truth(*flag)?;
                    self.verify_steps(test, open)?;
                    self.verify_steps(body, open)?;
                }
                Step::If { flag, yes, no } => {
                    self.truth(*flag)?;
                    self.verify_steps(yes, open)?;
                    self.verify_steps(no, open)?;
                }
                Step::Call(call) => {
                    call.operands.iter().try_for_each(|&o| self.exists(o))?;
                    closed(stored_by_call(call), open)?;
                }
            }
        }
        Ok(())
    }

    fn strips(&self, strips: &Strips) -> Result<(), String> {
        strips.locals.iter().try_for_each(|local| self.exists(local.operand))?;
        for band in &strips.body {
            let Band { task, each, .. } = band;
            let nest = match task {
                Task::Nest(nest) => nest,
                Task::Call(call) => {
                    call.operands.iter().try_for_each(|&o| self.exists(o))?;
                    let loops = band.loops();
                    match loops.as_ref().and_then(|loops| loops.extents.first()) {
                        Some(&n) if n == strips.length * each => {}
                        _ => return Err(format!("{loops:?} in strips of {}", strips.length)),
                    }
                    let own = |o| strips.locals.iter().any(|l| l.kept && l.operand == o);
                    if band.is_sum() && !stored_by_call(call).all(own) {
                        return Err("a sum along the loop that is cut in strips".to_string());
                    }
                    continue;
                }
            };
            nest.verify(&self.operands)?;
            if nest.extents.first() != Some(&(strips.length * each)) {
                return Err(format!("loops {:?} in strips of {}", nest.extents, strips.length));
            }
            let apart = |s: &Store| {
                let mut own = strips.locals.iter().filter(|l| l.kept).map(|l| l.operand);
                own.any(|o| o == s.access.operand) && s.fold.is_some_and(|f| f.accumulate)
            };
            if !nest.stores.iter().filter(|s| s.is_folded_outermost()).all(apart) {
                return Err("a fold along the loop that is cut in strips".to_string());
            }
        }
        Ok(())
    }

    fn exists(&self, operand: u32) -> Result<(), String> {
        match self.operands.get(operand as usize) {
            Some(_) => Ok(()),
            None => Err(format!("operand {operand} of {}", self.operands.len())),
        }
    }

    fn truth(&self, operand: u32) -> Result<(), String> {
        match self.operands.get(operand as usize) {
            Some(DType::Bool) => Ok(()),
            other => Err(format!("the flag {operand} is {other:?}, not a truth value")),
        }
    }
}

fn stored_by_nest(nest: &Nest) -> impl Iterator<Item = Operand> {
    nest.stores.iter().map(|store| store.access.operand)
}

/// What a call is known to store: the last of the operands that its loops have.
fn stored_by_call(call: &Call) -> impl Iterator<Item = Operand> {
    call.function.ways().first().and_then(|_| call.data().last().copied()).into_iter()
}

fn closed(mut stored: impl Iterator<Item = Operand>, open: &[Operand]) -> Result<(), String> {
    match stored.find(|o| open.contains(o)) {
        None => Ok(()),
        Some(o) => Err(format!("operand {o} is stored while a loop has windows of it")),
    }
}

impl Nest {
    /// Checks the nest against the element types of the operands.
    ///
    /// # Errors
    /// Says which instruction or store is wrong.
    pub fn verify(&self, operands: &[DType]) -> Result<(), String> {
        if self.vector.is_some_and(|v| v >= self.extents.len()) {
            return Err(format!("loop {:?} of {} is in lanes", self.vector, self.extents.len()));
        }
        for (i, inst) in self.body.iter().enumerate() {
            self.inst(i, inst, operands).map_err(|e| format!("instruction {i}, {inst:?}: {e}"))?;
        }
        for store in &self.stores {
            let wrong = |e: String| format!("{store:?}: {e}");
            let ty = self.ty(self.body.len(), store.value).map_err(wrong)?;
            self.access(&store.access, ty, operands).map_err(wrong)?;
            if let Some(Fold { op, along, .. }) = store.fold {
                let moves = |d: usize| {
                    store.access.strides[d] != 0 && self.extents[d] > 1 && along >> d & 1 == 1
                };
                if along >> self.extents.len() != 0 || (0..self.extents.len()).any(moves) {
                    return Err(wrong("folds along a loop that moves it".to_string()));
                }
                if ty == DType::Bool && op == Reduction::Sum {
                    return Err(wrong("a sum of truth values".to_string()));
                }
            }
        }
        match self.flag.map(|f| operands.get(f as usize)) {
            None | Some(Some(DType::Bool)) => Ok(()),
            other => Err(format!("the flag is {other:?}")),
        }
    }

    /// The type of a value that instruction `at` uses.
    fn ty(&self, at: usize, reg: Reg) -> Result<DType, String> {
        match self.body.get(reg as usize) {
            Some(inst) if (reg as usize) < at => Ok(inst.ty),
            _ => Err(format!("value {reg} is used before it is computed")),
        }
    }

    fn access(&self, access: &Access, ty: DType, operands: &[DType]) -> Result<(), String> {
        match operands.get(access.operand as usize) {
            Some(of) if *of == ty => {}
            other => return Err(format!("operand {} is {other:?}, not {ty}", access.operand)),
        }
        if access.strides.len() != self.extents.len() {
            return Err(format!(
                "{} strides for {} loops",
                access.strides.len(),
                self.extents.len()
            ));
        }
        Ok(())
    }

    fn inst(&self, at: usize, inst: &Inst, operands: &[DType]) -> Result<(), String> {
        let of = |r: &Reg| self.ty(at, *r);
        let float = |good: bool| if good { Ok(()) } else { Err("a float is needed".to_string()) };
        let same = |a: DType, b: DType| match a == b {
            true => Ok(()),
            false => Err(format!("{a} beside {b}")),
        };
        let number = |ty: DType| match ty {
            DType::Bool => Err("a number is needed".to_string()),
            _ => Ok(()),
        };
        match &inst.op {
            Op::Const(_) => Ok(()),
            Op::Load(access) => self.access(access, inst.ty, operands),
            Op::Gather { access, index, bound, .. } => {
                if !of(index)?.is_int() || *bound == 0 {
                    return Err("an index is an integer below a bound".to_string());
                }
                self.access(access, inst.ty, operands)
            }
            Op::Index { dim, .. } => {
                if *dim >= self.extents.len() {
                    return Err(format!("there is no loop {dim}"));
                }
                number(inst.ty)
            }
            Op::Unary(f, a) => {
                same(of(a)?, inst.ty)?;
                float(inst.ty.is_float() || inst.ty.is_int() && f.row().integer.is_some())
            }
            Op::Power(_, a) => same(of(a)?, inst.ty).and(number(inst.ty)),
            Op::Special(Special::Polygamma(_) | Special::Sinc(_), a) => {
                same(of(a)?, inst.ty).and(float(inst.ty.is_float()))
            }
            Op::Binary(f, a, b) => {
                same(of(a)?, inst.ty)?;
                same(of(b)?, inst.ty)?;
                float(inst.ty.is_float() || inst.ty.is_int() && f.row().integer.is_some())
            }
            Op::Fma(a, b, c) => {
                same(of(a)?, inst.ty)?;
                same(of(b)?, inst.ty)?;
                same(of(c)?, inst.ty)?;
                float(inst.ty.is_float())
            }
            Op::Scale(c, t) => {
                same(of(c)?, inst.ty)?;
                same(of(t)?, inst.ty)?;
                float(inst.ty.is_float())
            }
            Op::Compare(_, a, b) => {
                same(of(a)?, of(b)?)?;
                same(inst.ty, DType::Bool)
            }
            Op::Logical(_, a, b) => {
                same(of(a)?, DType::Bool)?;
                same(of(b)?, DType::Bool)?;
                same(inst.ty, DType::Bool)
            }
            Op::Select(mask, a, b) => {
                same(of(mask)?, DType::Bool)?;
                same(of(a)?, inst.ty)?;
                same(of(b)?, inst.ty)
            }
            Op::Cast(a) => of(a).map(|_| ()),
        }
    }
}
