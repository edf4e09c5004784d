//! Writing instructions: a thin layer over the encoder of `iced-x86`.
//!
//! Code is position independent: constants lie behind the code and are addressed relative to the
//! instruction pointer, and everything that changes lies in the stack frame. The frame is aligned to
//! 64 bytes and begins at `rbp`, so that routines inside a function reach it too.

use iced_x86::{Code, Encoder, Instruction, OpKind, Register};
use rustc_hash::FxHashMap as HashMap;

/// A memory operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mem {
    pub(super) base: Register,
    /// An index register, counted in bytes.
    pub(super) index: Register,
    pub(super) disp: i64,
    /// One element for every lane.
    pub(super) broadcast: bool,
    /// In the constants, from here.
    pub(super) pool: Option<Constant>,
}

/// Where a constant lies among the constants.
#[derive(Clone, Copy, Debug)]
pub(super) enum Constant {
    Word(u32),
    Vector(u32),
    List(u32),
}

/// An operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg {
    R(Register),
    M(Mem),
    I(u8),
}

/// A place to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

/// Around the code of one function.
pub(super) struct Asm {
    encoder: Encoder,
    /// Bytes written so far.
    len: usize,
    words: HashMap<u64, u32>,
    word_list: Vec<u64>,
    vectors: HashMap<[u8; 64], u32>,
    vector_list: Vec<[u8; 64]>,
    /// Lists of numbers, one after the other.
    lists: Vec<u32>,
    /// Where a displacement lies, where its instruction ends, and the constant it leads to.
    constants: Vec<(usize, usize, Constant)>,
    /// Where each label is.
    labels: Vec<Option<usize>>,
    /// Where a jump's distance ends, and to which label it leads.
    jumps: Vec<(usize, Label)>,
    /// Where the frame keeps the stack pointer of the caller.
    caller: u32,
    /// The frame: bytes in use, and the most there were.
    frame: u32,
    most: u32,
    /// Something could not be encoded.
    broken: bool,
    /// Whether the processor has AVX-512.
    wide: bool,
    /// Registers that a function must leave as they were, and that this one changes.
    saved: Vec<Register>,
}

/// The most bytes of a frame: a thread has two million for all its functions.
const MOST_FRAME: u32 = 1 << 18;

/// Where loops and functions begin.
const ALIGNMENT: usize = 32;

/// The longest instruction that does nothing.
const NOP: [u8; 9] = [0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];

/// Instructions of 1 to 9 bytes that do nothing, as the processors' makers recommend them.
const NOPS: [[u8; 9]; 9] = [
    [0x90, 0, 0, 0, 0, 0, 0, 0, 0],
    [0x66, 0x90, 0, 0, 0, 0, 0, 0, 0],
    [0x0f, 0x1f, 0x00, 0, 0, 0, 0, 0, 0],
    [0x0f, 0x1f, 0x40, 0, 0, 0, 0, 0, 0],
    [0x0f, 0x1f, 0x44, 0, 0, 0, 0, 0, 0],
    [0x66, 0x0f, 0x1f, 0x44, 0, 0, 0, 0, 0],
    [0x0f, 0x1f, 0x80, 0, 0, 0, 0, 0, 0],
    [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0, 0],
    NOP,
];

/// Bytes of a vector of 16, 32 or 64 bytes as 0, 1, 2.
pub(super) fn width(bytes: usize) -> usize {
    match bytes {
        0..=16 => 0,
        17..=32 => 1,
        _ => 2,
    }
}

/// The vector register `n` of that width.
pub(super) fn vector(n: u8, width: usize) -> Register {
    [Register::XMM0, Register::YMM0, Register::ZMM0][width] + u32::from(n)
}

/// The low 32 bits of a general register.
pub(super) fn low(register: Register) -> Register {
    Register::EAX + (register as u32 - Register::RAX as u32)
}

/// The same instruction for wider vectors: `code` is that for 16 bytes, and the table of the encoder
/// goes on with 32 and 64.
pub(super) fn widened(code: Code, width: usize) -> Code {
    Code::try_from(code as usize + width).unwrap_or(Code::INVALID)
}

impl Asm {
    pub(super) fn new(wide: bool) -> Asm {
        Asm {
            encoder: Encoder::new(64),
            len: 0,
            words: HashMap::default(),
            word_list: Vec::new(),
            vectors: HashMap::default(),
            vector_list: Vec::new(),
            lists: Vec::new(),
            constants: Vec::new(),
            labels: Vec::new(),
            jumps: Vec::new(),
            caller: 0,
            frame: 8,
            most: 8,
            broken: false,
            wide,
            saved: Vec::new(),
        }
    }

    /// Bytes written so far.
    pub(super) fn written(&self) -> usize {
        self.len
    }

    /// Appends an instruction.
    pub(super) fn ins(&mut self, code: Code, args: &[Arg]) {
        let instruction = self.build(code, args);
        self.push(instruction, args);
    }

    /// Appends an instruction under a mask; `zero`: the other lanes become 0.
    pub(super) fn masked(&mut self, code: Code, args: &[Arg], mask: Register, zero: bool) {
        let mut instruction = self.build(code, args);
        instruction.set_op_mask(mask);
        instruction.set_zeroing_masking(zero);
        self.push(instruction, args);
    }

    fn build(&mut self, code: Code, args: &[Arg]) -> Instruction {
        let mut instruction = Instruction::default();
        instruction.set_code(if self.wide { code } else { super::codes::without_evex(code) });
        for (i, arg) in args.iter().enumerate() {
            match *arg {
                Arg::R(register) => instruction.set_op_register(i as u32, register),
                Arg::I(value) => {
                    instruction.set_op_kind(i as u32, OpKind::Immediate8);
                    instruction.set_immediate8(value);
                }
                Arg::M(mem) => {
                    instruction.set_op_kind(i as u32, OpKind::Memory);
                    instruction.set_memory_base(mem.base);
                    instruction.set_memory_index(mem.index);
                    instruction.set_is_broadcast(mem.broadcast);
                    if mem.pool.is_some() {
                        instruction.set_memory_base(Register::RIP);
                        instruction.set_memory_displ_size(8);
                        instruction.set_memory_displacement64(self.len as u64);
                    } else {
                        instruction.set_memory_displ_size(u32::from(mem.disp != 0));
                        instruction.set_memory_displacement64(mem.disp as u64);
                    }
                }
            }
        }
        instruction
    }

    fn push(&mut self, instruction: Instruction, args: &[Arg]) {
        match self.encoder.encode(&instruction, self.len as u64) {
            Ok(n) => {
                let start = self.len;
                self.len += n;
                let pool = args.iter().find_map(|a| match a {
                    Arg::M(mem) => mem.pool,
                    _ => None,
                });
                if let Some(constant) = pool {
                    let offsets = self.encoder.get_constant_offsets();
                    let at = start + offsets.displacement_offset();
                    self.constants.push((at, self.len, constant));
                }
            }
            Err(error) => {
                debug_assert!(false, "{error}: {:?} {args:?}", instruction.code());
                self.broken = true;
            }
        }
    }

    /// Register ← 64-bit number.
    pub(super) fn number(&mut self, register: Register, value: u64) {
        let mut i = Instruction::default();
        if value == 0 {
            let r = Arg::R(low(register));
            return self.ins(Code::Xor_r32_rm32, &[r, r]);
        }
        if let Ok(short) = u32::try_from(value) {
            i.set_code(Code::Mov_r32_imm32);
            i.set_op_register(0, low(register));
            i.set_op_kind(1, OpKind::Immediate32);
            i.set_immediate32(short);
        } else {
            i.set_code(Code::Mov_r64_imm64);
            i.set_op_register(0, register);
            i.set_op_kind(1, OpKind::Immediate64);
            i.set_immediate64(value);
        }
        self.push(i, &[]);
    }

    /// An instruction `code` with a 32-bit number as its last operand.
    pub(super) fn immediate(&mut self, code: Code, args: &[Arg], value: i32) {
        let mut i = self.build(code, args);
        let at = args.len() as u32;
        let short = match code {
            Code::Add_rm64_imm32 => Some(Code::Add_rm64_imm8),
            Code::Sub_rm64_imm32 => Some(Code::Sub_rm64_imm8),
            Code::And_rm64_imm32 => Some(Code::And_rm64_imm8),
            Code::Cmp_rm64_imm32 => Some(Code::Cmp_rm64_imm8),
            Code::Imul_r64_rm64_imm32 => Some(Code::Imul_r64_rm64_imm8),
            _ => None,
        };
        if let (Some(code), Ok(value)) = (short, i8::try_from(value)) {
            i.set_code(code);
            i.set_op_kind(at, OpKind::Immediate8to64);
            i.set_immediate8to64(value.into());
        } else if code == Code::Test_rm32_imm32 {
            i.set_op_kind(at, OpKind::Immediate32);
            i.set_immediate32(value as u32);
        } else {
            i.set_op_kind(at, OpKind::Immediate32to64);
            i.set_immediate32to64(value.into());
        }
        self.push(i, args);
    }

    /// The function changes this register, which must be restored at its end.
    pub(super) fn save(&mut self, register: Register) {
        if !self.saved.contains(&register) {
            self.saved.push(register);
        }
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() as u32 - 1)
    }

    /// The label is here.
    pub(super) fn here(&mut self, label: Label) {
        self.labels[label.0 as usize] = Some(self.len);
    }

    /// Jumps, or if `code` says so only under a condition.
    pub(super) fn jump(&mut self, code: Code, label: Label) {
        let mut i = Instruction::default();
        i.set_code(code);
        i.set_op_kind(0, OpKind::NearBranch64);
        i.set_near_branch64(self.len as u64);
        self.push(i, &[]);
        self.jumps.push((self.len, label));
    }

    /// Fills up to a multiple of 32 bytes, so that a short loop lies in few lines.
    pub(super) fn align(&mut self) {
        let mut left = self.len.next_multiple_of(ALIGNMENT) - self.len;
        while left > 0 {
            let n = left.min(NOP.len());
            for &byte in &NOPS[n - 1][..n] {
                self.encoder.write_u8(byte);
            }
            self.len += n;
            left -= n;
        }
    }

    /// Bytes of the frame for `size` bytes, aligned to that.
    pub(super) fn reserve(&mut self, size: u32) -> u32 {
        self.frame = self.frame.next_multiple_of(size.min(64)) + size;
        self.most = self.most.max(self.frame);
        self.frame - size
    }

    /// Everything that was ever reserved is in use.
    pub(super) fn reserve_all(&mut self) {
        self.frame = self.most;
    }

    /// What is reserved from here on is free again after [`Asm::release`].
    pub(super) fn mark(&self) -> u32 {
        self.frame
    }

    pub(super) fn release(&mut self, mark: u32) {
        self.frame = mark;
    }

    /// Memory of the frame.
    pub(super) fn slot(offset: u32) -> Mem {
        Asm::at(Register::RBP, offset.into())
    }

    pub(super) fn at(base: Register, disp: i64) -> Mem {
        Mem { base, index: Register::None, disp, broadcast: false, pool: None }
    }

    /// A constant of at most eight bytes, as an operand.
    pub(super) fn constant(&mut self, bits: u64, broadcast: bool) -> Mem {
        let list = &mut self.word_list;
        let at = *self.words.entry(bits).or_insert_with(|| {
            list.push(bits);
            list.len() as u32 - 1
        });
        Mem { broadcast, pool: Some(Constant::Word(at)), ..Asm::at(Register::RIP, 0) }
    }

    /// A constant vector, as an operand.
    pub(super) fn constant_vector(&mut self, bytes: [u8; 64]) -> Mem {
        let list = &mut self.vector_list;
        let at = *self.vectors.entry(bytes).or_insert_with(|| {
            list.push(bytes);
            list.len() as u32 - 1
        });
        Mem { pool: Some(Constant::Vector(at)), ..Asm::at(Register::RIP, 0) }
    }

    /// A constant list of numbers, as an operand.
    pub(super) fn constant_list(&mut self, numbers: &[u32]) -> Mem {
        let at = self.lists.len() as u32;
        self.lists.extend_from_slice(numbers);
        Mem { pool: Some(Constant::List(at)), ..Asm::at(Register::RIP, 0) }
    }

    /// The beginning of a routine inside a function: calls of functions want the stack at a multiple of 16
    /// bytes, which the return address has moved.
    pub(super) fn enter(&mut self) {
        self.immediate(Code::Sub_rm64_imm32, &[Arg::R(Register::RSP)], 8);
    }

    /// Its end.
    pub(super) fn leave(&mut self) {
        self.immediate(Code::Add_rm64_imm32, &[Arg::R(Register::RSP)], 8);
        self.ins(Code::Retnq, &[]);
    }

    /// A function around what was written: it saves registers and makes the frame; a label that was
    /// put nowhere leads to its end, where it returns `rax`. None if something could not be encoded, or
    /// the frame asks for too much of the stack.
    pub(super) fn finish(mut self) -> Option<Function> {
        let body = self.encoder.take_buffer();
        let saved = std::mem::take(&mut self.saved);
        let r = Arg::R;
        self.len = 0;
        self.ins(Code::Push_r64, &[r(Register::RBP)]);
        for &register in &saved {
            self.ins(Code::Push_r64, &[r(register)]);
        }
        let size = self.most.next_multiple_of(64) + 64;
        if size > MOST_FRAME {
            return None;
        }
        let caller = Arg::M(Asm::slot(self.caller));
        self.ins(Code::Mov_rm64_r64, &[r(Register::RAX), r(Register::RSP)]);
        self.immediate(Code::Sub_rm64_imm32, &[r(Register::RSP)], size as i32);
        self.immediate(Code::And_rm64_imm32, &[r(Register::RSP)], -64);
        self.ins(Code::Mov_rm64_r64, &[r(Register::RBP), r(Register::RSP)]);
        self.ins(Code::Mov_rm64_r64, &[caller, r(Register::RAX)]);
        let prologue = self.encoder.take_buffer();
        self.ins(Code::Mov_r64_rm64, &[r(Register::RSP), caller]);
        for &register in saved.iter().rev() {
            self.ins(Code::Pop_r64, &[r(register)]);
        }
        self.ins(Code::Pop_r64, &[r(Register::RBP)]);
        self.ins(Code::VEX_Vzeroupper, &[]);
        self.ins(Code::Retnq, &[]);
        let epilogue = self.encoder.take_buffer();
        // The body is where it was when its loops were aligned.
        let offset = prologue.len().next_multiple_of(ALIGNMENT);
        let entry = offset - prologue.len();
        let mut code = vec![0xcc; entry];
        code.extend_from_slice(&prologue);
        code.extend_from_slice(&body);
        code.extend_from_slice(&epilogue);
        let end = code.len();
        for &(end, label) in &self.jumps {
            let to = self.labels[label.0 as usize].unwrap_or(body.len());
            let distance = (to as i64 - end as i64) as i32;
            code[offset + end - 4..offset + end].copy_from_slice(&distance.to_le_bytes());
        }
        let vectors = code.len().next_multiple_of(64);
        code.resize(vectors, 0xcc);
        for vector in &self.vector_list {
            code.extend_from_slice(vector);
        }
        let words = code.len();
        for word in &self.word_list {
            code.extend_from_slice(&word.to_le_bytes());
        }
        let lists = code.len();
        for number in &self.lists {
            code.extend_from_slice(&number.to_le_bytes());
        }
        for &(at, end, constant) in &self.constants {
            let target = match constant {
                Constant::Vector(i) => vectors + 64 * i as usize,
                Constant::Word(i) => words + 8 * i as usize,
                Constant::List(i) => lists + 4 * i as usize,
            };
            let distance = (target as i64 - (offset + end) as i64) as i32;
            code[offset + at..offset + at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        let fits = i32::try_from(code.len()).is_ok();
        (!self.broken && fits).then_some(Function { bytes: code, entry, end })
    }
}

/// A function as bytes that can lie anywhere.
pub(super) struct Function {
    pub(super) bytes: Vec<u8>,
    /// Where it begins.
    pub(super) entry: usize,
    /// Where its instructions end and constants follow.
    pub(super) end: usize,
}
