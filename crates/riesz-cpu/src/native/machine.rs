//! The operations as instructions, once it is known which registers they use.
//!
//! Vector registers are numbered from 0, mask registers from [`MASKS`]. The last vector register and
//! `k6` are scratch for sequences; `k7` is the mask of the tail. Of the others `rax` and `rdx` are
//! scratch, `rcx` counts the innermost loop, the rest are pointers.

use super::asm::{Arg, Asm, Mem, vector, widened, width};
use super::codes;
use super::graph::{Combine, Logic, Num, One, Op, Pattern, Place, Size, Test, Two};
use iced_x86::Code;
use iced_x86::Register;

/// The first mask register.
pub(super) const MASKS: u8 = 32;

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Src {
    Reg(u8),
    /// In the frame.
    Slot(u32),
    /// A constant.
    Word(u64),
    /// In an operand of the nest.
    Place(Place),
}

/// The lanes of the tail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tail {
    None,
    /// So many.
    Known(usize),
    /// The number that remains, in the frame.
    Left(u32),
}

/// Where a pointer or counter is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Base {
    /// It is not used.
    None,
    Register(Register),
    /// In the frame.
    Word(u32),
    /// In the frame, and it does not move: a distance is added, which is the pointer of that number.
    Standing(u32, u16),
}

/// Words of the frame that are there from the beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// The table of addresses.
    pub(super) table: u32,
    /// The range of the outermost loop.
    pub(super) from: u32,
    pub(super) to: u32,
    /// Not 0 while nothing has failed.
    pub(super) good: u32,
    /// The list of the operands, for code that is shared.
    pub(super) list: u32,
    /// Vectors on their way to and from functions.
    pub(super) first: u32,
    pub(super) second: u32,
    pub(super) result: u32,
}

/// Writes the code of one function.
pub(super) struct Machine {
    pub(super) asm: Asm,
    pub(super) wide: bool,
    pub(super) frame: Frame,
    /// Whether operands are places in the list, as in code that is shared.
    pub(super) listed: bool,
    pub(super) lanes: usize,
    pub(super) tail: Tail,
    /// Where the pointers and counters of the nest are.
    pub(super) bases: Vec<Base>,
    /// What the code calls.
    pub(super) helpers: super::call::Helpers,
    /// Code that is seldom run, written behind the rest.
    pub(super) cold: Vec<super::cold::Cold>,
    /// The loops we are in.
    pub(super) loops: Vec<super::nest::Counting>,
    /// Where the number of iterations left is, if the range is given at run time.
    pub(super) left: Option<u32>,
    /// Without mask registers: the size of the lanes that hold truth values.
    pub(super) truth: Size,
    /// Without mask registers: the lanes of the tail as vectors of 4 and of 8 bytes.
    pub(super) tails: [u32; 2],
}

pub(super) const TAIL: Register = Register::K7;
pub(super) const SCRATCH_MASK: Register = Register::K6;

/// Registers for vectors; the others are scratch.
pub(super) const fn vectors(wide: bool) -> u8 {
    if wide { 31 } else { 14 }
}

impl Machine {
    pub(super) fn new(wide: bool) -> Machine {
        let mut asm = Asm::new(wide);
        let frame = Frame {
            table: asm.reserve(8),
            from: asm.reserve(8),
            to: asm.reserve(8),
            good: asm.reserve(8),
            list: asm.reserve(8),
            first: asm.reserve(64),
            second: asm.reserve(64),
            result: asm.reserve(64),
        };
        Machine {
            asm,
            wide,
            frame,
            listed: false,
            lanes: 1,
            tail: Tail::None,
            bases: Vec::new(),
            helpers: Default::default(),
            cold: Vec::new(),
            loops: Vec::new(),
            left: None,
            truth: Size::B8,
            tails: [0; 2],
        }
    }

    /// The scratch register. Without AVX-512, the one before it is scratch too.
    pub(super) fn scratch(&self) -> u8 {
        if self.wide { 31 } else { 15 }
    }

    /// How many registers can hold values of that size, and the first of them.
    pub(super) fn registers(&self, size: Size) -> std::ops::Range<u8> {
        match (self.wide, size) {
            (true, Size::Mask) => MASKS + 1..MASKS + 6,
            (wide, _) => 0..vectors(wide),
        }
    }

    pub(super) fn width(&self, size: Size) -> usize {
        match size {
            Size::B4 => width(4 * self.lanes),
            Size::B8 => width(8 * self.lanes),
            Size::Mask if self.wide => 0,
            Size::Mask => self.width(self.truth),
        }
    }

    pub(super) fn reg(&self, register: u8, size: Size) -> Register {
        if register >= MASKS {
            Register::K0 + u32::from(register - MASKS)
        } else {
            vector(register, self.width(size))
        }
    }

    pub(super) fn r(&self, register: u8, size: Size) -> Arg {
        Arg::R(self.reg(register, size))
    }

    /// The address of a place; may use `rax`.
    pub(super) fn mem(&mut self, place: Place) -> Mem {
        let rax = Arg::R(Register::RAX);
        let word = match self.bases[place.group as usize] {
            Base::Register(register) => return Asm::at(register, place.disp.into()),
            Base::Word(word) | Base::Standing(word, _) => word,
            Base::None => 0,
        };
        self.asm.ins(Code::Mov_r64_rm64, &[rax, Arg::M(Asm::slot(word))]);
        let mut mem = Asm::at(Register::RAX, place.disp.into());
        if let Base::Standing(_, distance) = self.bases[place.group as usize] {
            match self.bases[distance as usize] {
                Base::Register(register) => mem.index = register,
                Base::Word(word) => {
                    self.asm.ins(Code::Add_r64_rm64, &[rax, Arg::M(Asm::slot(word))]);
                }
                Base::Standing(..) | Base::None => {}
            }
        }
        mem
    }

    /// The same address without an index register; may use `rax`.
    pub(super) fn without_index(&mut self, mem: Mem) -> Mem {
        if mem.index == Register::None {
            return mem;
        }
        let rax = Arg::R(Register::RAX);
        self.asm.ins(Code::Lea_r64_m, &[rax, Arg::M(Mem { disp: 0, ..mem })]);
        Asm::at(Register::RAX, mem.disp)
    }

    /// Whether an instruction can take the place as an operand.
    pub(super) fn is_operand(&self, place: Place, size: Size) -> bool {
        let bytes = self.lanes * usize::from(place.bytes);
        match place.pattern {
            Pattern::Same => self.wide && size != Size::Mask,
            Pattern::Forward => bytes >= 16 && !place.masked && size != Size::Mask,
            Pattern::Backward | Pattern::Every(_) => false,
        }
    }

    pub(super) fn arg(&mut self, src: Src, size: Size) -> Arg {
        match src {
            Src::Reg(register) => self.r(register, size),
            Src::Slot(offset) => Arg::M(Asm::slot(offset)),
            Src::Word(bits) if self.wide => Arg::M(self.asm.constant(bits, true)),
            Src::Word(bits) => Arg::M(self.repeated(bits, size)),
            Src::Place(place) => {
                let broadcast = place.pattern == Pattern::Same;
                Arg::M(Mem { broadcast, ..self.mem(place) })
            }
        }
    }

    /// An operation that is one instruction; `sizes` are those of the arguments. None: there is none.
    pub(super) fn simple(
        &mut self,
        op: Op,
        to: u8,
        args: &[Src],
        sizes: &[Size],
        size: Size,
    ) -> Option<()> {
        if !self.wide && (size == Size::Mask || op == Op::Blend) {
            return self.truth_narrow(op, to, args, sizes, size);
        }
        let w = self.width(size);
        let dst = self.r(to, size);
        match op {
            Op::One(One::Lane(lane), _) => {
                let a = self.arg(args[0], size);
                let (code, every) = codes::lane(size, w);
                self.asm.ins(code, &[dst, a, Arg::I(lane * every)]);
            }
            Op::One(f, num) => {
                let (code, immediate) = codes::one(f, num, self.wide)?;
                let a = self.arg(args[0], size);
                let code = widened(code, w);
                match immediate {
                    Some(i) => self.asm.ins(code, &[dst, a, Arg::I(i)]),
                    None => self.asm.ins(code, &[dst, a]),
                }
            }
            Op::Two(f, num) => self.two(f, num, dst, args[0], args[1])?,
            Op::Ternary(table) => {
                let code = match size {
                    Size::B4 => Code::EVEX_Vpternlogd_xmm_k1z_xmm_xmmm128b32_imm8,
                    _ => Code::EVEX_Vpternlogq_xmm_k1z_xmm_xmmm128b64_imm8,
                };
                let (b, c) = (self.arg(args[1], size), self.arg(args[2], size));
                self.asm.ins(widened(code, w), &[dst, b, c, Arg::I(table)]);
            }
            Op::Compare(test, num) => {
                let (code, predicate) = codes::compare(test, num, self.wide)?;
                let (a, b) = (self.arg(args[0], sizes[0]), self.arg(args[1], sizes[1]));
                let code = widened(code, self.width(sizes[0]));
                self.asm.ins(code, &[dst, a, b, Arg::I(predicate)]);
            }
            Op::Common => {
                let code = match sizes[0] {
                    Size::B4 => Code::EVEX_Vptestmd_kr_k1_xmm_xmmm128b32,
                    _ => Code::EVEX_Vptestmq_kr_k1_xmm_xmmm128b64,
                };
                let (a, b) = (self.arg(args[0], sizes[0]), self.arg(args[1], sizes[1]));
                self.asm.ins(widened(code, self.width(sizes[0])), &[dst, a, b]);
            }
            Op::Negative => {
                let code = match sizes[0] {
                    Size::B4 => Code::EVEX_Vpmovd2m_kr_xmm,
                    _ => Code::EVEX_Vpmovq2m_kr_xmm,
                };
                let a = self.arg(args[0], sizes[0]);
                self.asm.ins(widened(code, self.width(sizes[0])), &[dst, a]);
            }
            Op::Logic(f) => {
                let (a, b) = (self.arg(args[0], size), self.arg(args[1], size));
                let (code, a, b) = match f {
                    Logic::And => (Code::VEX_Kandw_kr_kr_kr, a, b),
                    Logic::Or => (Code::VEX_Korw_kr_kr_kr, a, b),
                    Logic::Xor => (Code::VEX_Kxorw_kr_kr_kr, a, b),
                    Logic::AndNot => (Code::VEX_Kandnw_kr_kr_kr, b, a),
                };
                self.asm.ins(code, &[dst, a, b]);
            }
            Op::Blend => {
                let Src::Reg(mask) = args[0] else { return None };
                let mask = self.reg(mask, Size::Mask);
                let yes = self.arg(args[1], size);
                if args[2] == Src::Word(0) {
                    // A broadcast moves as integers of the lane's size; a register or memory as it is.
                    let code = match (args[1], size) {
                        (Src::Word(_), Size::B4) => Code::EVEX_Vpbroadcastd_xmm_k1z_xmmm32,
                        (Src::Word(_), _) => Code::EVEX_Vpbroadcastq_xmm_k1z_xmmm64,
                        (Src::Place(p), Size::B4) if p.pattern == Pattern::Same => {
                            Code::EVEX_Vpbroadcastd_xmm_k1z_xmmm32
                        }
                        (Src::Place(p), _) if p.pattern == Pattern::Same => {
                            Code::EVEX_Vpbroadcastq_xmm_k1z_xmmm64
                        }
                        (_, Size::B4) => Code::EVEX_Vmovups_xmm_k1z_xmmm128,
                        (_, _) => Code::EVEX_Vmovupd_xmm_k1z_xmmm128,
                    };
                    let yes = match yes {
                        Arg::M(mem) => Arg::M(Mem { broadcast: false, ..mem }),
                        other => other,
                    };
                    self.asm.masked(widened(code, w), &[dst, yes], mask, true);
                } else {
                    let code = match size {
                        Size::B4 => Code::EVEX_Vblendmps_xmm_k1z_xmm_xmmm128b32,
                        _ => Code::EVEX_Vblendmpd_xmm_k1z_xmm_xmmm128b64,
                    };
                    let no = self.arg(args[2], size);
                    self.asm.masked(widened(code, w), &[dst, no, yes], mask, false);
                }
            }
            Op::Convert(from, num) => {
                let (code, by_argument) = codes::convert(from, num, self.wide)?;
                let code = widened(code, if by_argument { self.width(from.size()) } else { w });
                // The operands are as wide as the instruction says, whatever the lanes fill.
                let a = self.arg(args[0], from.size());
                self.asm.ins(code, &[dst, a]);
            }
            Op::Spread => {
                let code = match size {
                    Size::B4 => Code::EVEX_Vpmovm2d_xmm_kr,
                    _ => Code::EVEX_Vpmovm2q_xmm_kr,
                };
                let a = self.arg(args[0], Size::Mask);
                self.asm.ins(widened(code, w), &[dst, a]);
            }
            Op::Tail => self.asm.ins(Code::VEX_Kmovw_kr_km16, &[dst, Arg::R(TAIL)]),
            _ => return None,
        }
        Some(())
    }

    pub(super) fn two(&mut self, f: Two, num: Num, dst: Arg, a: Src, b: Src) -> Option<()> {
        let w = self.width(num.size());
        let code = widened(codes::two(f, num, self.wide)?, w);
        let (a, b) = (self.arg(a, num.size()), self.arg(b, num.size()));
        match codes::two_immediate(f, num, w) {
            Some(i) => self.asm.ins(code, &[dst, a, b, Arg::I(i)]),
            None => self.asm.ins(code, &[dst, a, b]),
        }
        Some(())
    }

    /// a·b + c where `to` already holds what the result replaces.
    pub(super) fn fma(
        &mut self,
        (num, minus_product, minus_addend): (Num, bool, bool),
        replaces: codes::Replaces,
        to: u8,
        second: u8,
        third: Src,
        tail: bool,
    ) -> Option<()> {
        let size = num.size();
        let code = codes::fma(num, minus_product, minus_addend, replaces, self.wide)?;
        let code = widened(code, self.width(size));
        let third = self.arg(third, size);
        let args = [self.r(to, size), self.r(second, size), third];
        if tail {
            self.asm.masked(code, &args, TAIL, false);
        } else {
            self.asm.ins(code, &args);
        }
        Some(())
    }

    /// accumulator ⊕= value; `tail`: only in the lanes of the tail, for sums.
    pub(super) fn join(
        &mut self,
        combine: Combine,
        num: Num,
        accumulator: u8,
        value: Src,
        tail: bool,
    ) -> Option<()> {
        if !tail {
            return self.combine(combine, num, self.width(num.size()), accumulator, value);
        }
        let size = num.size();
        let code = widened(codes::two(Two::Add, num, self.wide)?, self.width(size));
        let (a, b) = (self.r(accumulator, size), self.arg(value, size));
        self.asm.masked(code, &[a, a, b], TAIL, false);
        Some(())
    }

    /// register ⊕= value, in vectors of this width.
    fn combine(
        &mut self,
        combine: Combine,
        num: Num,
        w: usize,
        register: u8,
        value: Src,
    ) -> Option<()> {
        if !self.wide && matches!(combine, Combine::Max | Combine::Min) && num != Num::I32 {
            return self.extreme_narrow(combine, num, w, register, value);
        }
        let f = match combine {
            Combine::Sum => Two::Add,
            Combine::Max => Two::Max,
            Combine::Min => Two::Min,
            Combine::And => Two::And,
            Combine::Or => Two::Or,
        };
        let a = self.arg_wide(register, w);
        let b = match value {
            Src::Reg(b) => self.arg_wide(b, w),
            other => self.arg(other, num.size()),
        };
        let code = widened(codes::two(f, num, self.wide)?, w);
        let Some(immediate) = codes::two_immediate(f, num, w) else {
            self.asm.ins(code, &[a, a, b]);
            return Some(());
        };
        let (compare, predicate) = codes::compare(Test::Unordered, num, self.wide)?;
        self.asm.ins(widened(compare, w), &[Arg::R(SCRATCH_MASK), a, b, Arg::I(predicate)]);
        self.asm.ins(code, &[a, a, b, Arg::I(immediate)]);
        let (blend, nan) = match num {
            Num::F32 => {
                (Code::EVEX_Vblendmps_xmm_k1z_xmm_xmmm128b32, u64::from(f32::NAN.to_bits()))
            }
            _ => (Code::EVEX_Vblendmpd_xmm_k1z_xmm_xmmm128b64, f64::NAN.to_bits()),
        };
        let nan = Arg::M(self.asm.constant(nan, true));
        self.asm.masked(widened(blend, w), &[a, a, nan], SCRATCH_MASK, false);
        Some(())
    }

    /// Combines the lanes of a register by halves, into its first.
    pub(super) fn fold_lanes(&mut self, combine: Combine, num: Num, register: u8) -> Option<()> {
        let scratch = self.scratch();
        let lane = if num.size() == Size::B4 { 4 } else { 8 };
        let mut bytes = self.lanes * lane;
        while bytes > lane {
            let half = bytes / 2;
            match half {
                32 => {
                    let args = [self.arg_wide(scratch, 1), self.arg_wide(register, 2), Arg::I(1)];
                    self.asm.ins(Code::EVEX_Vextractf64x4_ymmm256_k1z_zmm_imm8, &args);
                }
                16 => {
                    let args = [self.arg_wide(scratch, 0), self.arg_wide(register, 1), Arg::I(1)];
                    let code = if self.wide {
                        Code::EVEX_Vextractf64x2_xmmm128_k1z_ymm_imm8
                    } else {
                        Code::VEX_Vextractf128_xmmm128_ymm_imm8
                    };
                    self.asm.ins(code, &args);
                }
                _ => {
                    let order = if half == 8 { 0x4e } else { 0xb1 };
                    let (to, from) = (self.arg_wide(scratch, 0), self.arg_wide(register, 0));
                    // Numbers that change between units for floats and integers take longer.
                    let code = match num.is_float() {
                        true => Code::EVEX_Vpermilps_xmm_k1z_xmmm128b32_imm8,
                        false => Code::EVEX_Vpshufd_xmm_k1z_xmmm128b32_imm8,
                    };
                    self.asm.ins(code, &[to, from, Arg::I(order)]);
                }
            }
            self.combine(combine, num, width(half), register, Src::Reg(scratch))?;
            bytes = half;
        }
        Some(())
    }
}

/// Which arguments of an operation may be in memory, and whether the first two may be exchanged.
pub(super) fn memory_arguments(op: Op, wide: bool) -> (u8, bool) {
    match op {
        Op::One(One::Left(_) | One::Right(_), _) | Op::Common if !wide => (0, false),
        Op::One(One::Lane(_), _) => (0, false),
        // The operands may have to be exchanged.
        Op::Compare(_, Num::I32 | Num::I64) if !wide => (0, false),
        Op::One(..) => (0b1, false),
        // Shuffles of 8-byte words of any numbers: operands in registers only.
        Op::Two(
            Two::LowWords
            | Two::HighWords
            | Two::LowPairs
            | Two::HighPairs
            | Two::EvenQuarters
            | Two::OddQuarters,
            _,
        ) => (0, false),
        Op::Two(f, _) => {
            let swaps = matches!(
                f,
                Two::Add | Two::Mul | Two::Max | Two::Min | Two::And | Two::Or | Two::Xor
            );
            (0b10, swaps)
        }
        Op::Ternary(_) => (0b100, false),
        Op::Compare(test, _) => {
            (0b10, matches!(test, Test::Eq | Test::Ne | Test::Ordered | Test::Unordered))
        }
        Op::Common => (0b10, true),
        Op::Blend => (0b10, false),
        Op::Convert(Num::I32, Num::I64) | Op::Convert(Num::I64, Num::I32) => (0, false),
        Op::Convert(..) => (0b1, false),
        Op::Join(_, _) => (0b1, false),
        _ => (0, false),
    }
}
