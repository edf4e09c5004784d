//! From text to program: recursive descent, with the shape rules asked on the way.

use super::token::{Token, Tokens, syntax};
use crate::body::Body;
use crate::error::{Error, Operand, Result, Source};
use crate::primitive::{Attribute, Attributes, Prim, Primitive};
use crate::program::{Program, Value};
use crate::tensor::{Element, Tensor};
use crate::trace::fits_in_memory;
use crate::types::{DType, Shape, Type};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::str::FromStr;

/// How deep programs may nest, so that no text can exhaust the stack.
const DEEPEST: usize = 64;

/// Reads a text that is one program and nothing else.
pub(super) fn program(text: &str) -> Result<Program> {
    let mut tokens = Tokens::new(text);
    let next = tokens.next()?;
    let mut parser = Parser { tokens, next, depth: 0 };
    let program = parser.program()?;
    match parser.next {
        (Token::End, _) => Ok(program),
        (token, place) => Err(syntax(
            format!("expected the end of the text after the program, found {}", token.show()),
            place,
        )),
    }
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    /// The word that is looked at.
    next: (Token<'a>, Source),
    depth: usize,
}

/// The values of the program that is being read, by name.
type Names<'a> = HashMap<&'a str, Value>;

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<(Token<'a>, Source)> {
        let next = self.tokens.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn wrong<T>(&self, expected: &str) -> Result<T> {
        let (token, place) = self.next;
        Err(syntax(format!("expected {expected}, found {}", token.show()), place))
    }

    fn is(&self, sign: char) -> bool {
        self.next.0 == Token::Sign(sign)
    }

    fn expect(&mut self, sign: char, after: &str) -> Result<()> {
        if !self.is(sign) {
            return self.wrong(&format!("`{sign}` {after}"));
        }
        self.advance().map(|_| ())
    }

    fn skip(&mut self, sign: char) -> Result<bool> {
        let there = self.is(sign);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    /// Items separated by commas, up to the closing sign, which is taken.
    fn list(
        &mut self,
        close: char,
        what: &str,
        mut one: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if self.skip(close)? {
            return Ok(());
        }
        loop {
            one(self)?;
            if self.skip(close)? {
                return Ok(());
            }
            if !self.skip(',')? {
                return self.wrong(&format!("`,` or `{close}` after {what}"));
            }
        }
    }

    fn name(&mut self, expected: &str) -> Result<(&'a str, Source)> {
        match self.next {
            (Token::Name(name), place) => self.advance().map(|_| (name, place)),
            _ => self.wrong(expected),
        }
    }

    fn number<T: FromStr>(&mut self, expected: &str) -> Result<T> {
        match self.next {
            (Token::Number(text), _) if text.parse::<T>().is_ok() => {
                let value = text.parse().or_else(|_| self.wrong(expected))?;
                self.advance().map(|_| value)
            }
            _ => self.wrong(expected),
        }
    }

    /// `(inputs) { equations return values }`
    fn program(&mut self) -> Result<Program> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(syntax(format!("programs nest deeper than {DEEPEST}"), self.next.1));
        }
        let mut names = Names::new();
        let mut types = Vec::new();
        self.expect('(', "before the inputs of a program")?;
        self.list(')', "an input", |p| {
            let (name, place) = p.value_name()?;
            define(&mut names, name, types.len(), place)?;
            p.expect(':', "and a type after an input")?;
            types.push(p.ty()?);
            Ok(())
        })?;
        self.expect('{', "before the equations of a program")?;
        let mut program = Program::with_inputs(types);
        while self.next.0 != Token::Name("return") {
            self.equation(&mut program, &mut names)?;
        }
        self.advance()?;
        self.list('}', "a result", |p| {
            program.outputs.push(p.value(&names)?);
            Ok(())
        })?;
        self.depth -= 1;
        Ok(program)
    }

    /// `%2: f64[] = name(%0, %1, axis=0)`
    fn equation(&mut self, program: &mut Program, names: &mut Names<'a>) -> Result<()> {
        let mut stated: SmallVec<[Stated<'a>; 1]> = SmallVec::new();
        if let Token::Value(_) = self.next.0 {
            self.list('=', "a result", |p| {
                let (name, place) = p.value_name()?;
                let ty = if p.skip(':')? { Some(p.ty()?) } else { None };
                stated.push(Stated { name, place, ty });
                Ok(())
            })?;
        }
        let (name, place) = self.name("an equation or `return`")?;
        self.expect('(', "after the name of a primitive")?;
        let mut inputs: SmallVec<[Value; 3]> = SmallVec::new();
        let mut attributes = Attributes::default();
        self.list(')', "an operand or attribute", |p| match p.next.0 {
            Token::Value(_) if attributes.0.is_empty() => {
                inputs.push(p.value(names)?);
                Ok(())
            }
            Token::Value(_) => p.wrong("an attribute (operands come before attributes)"),
            _ => p.attribute(&mut attributes),
        })?;
        let prim = primitive(name, attributes).map_err(|e| e.at(name, place))?;
        let types: SmallVec<[Type; 3]> = inputs.iter().map(|&v| program.ty(v).clone()).collect();
        let results = prim.infer(&types).and_then(|results| {
            results.iter().try_for_each(fits_in_memory)?;
            Ok(results)
        });
        let results = results.map_err(|e| {
            let operands = types.into_iter().map(|ty| Operand { ty, source: Source::Unknown });
            e.at(name, place).with_operands(operands)
        })?;
        if results.len() != stated.len() {
            let plural = if results.len() == 1 { "" } else { "s" };
            let message = format!("gives {} result{plural}, not {}", results.len(), stated.len());
            return Err(syntax(message, place).at(name, place));
        }
        for (i, (result, Stated { name: value, place, ty })) in
            results.iter().zip(stated).enumerate()
        {
            if let Some(ty) = ty.filter(|ty| ty != result) {
                return Err(Error::shape(format!("gives {result}, not {ty}")).at(name, place));
            }
            define(names, value, program.len() + i, place)?;
        }
        program.push(prim, inputs, results, place);
        Ok(())
    }

    /// `axis=0`, `axes=[0, 1]`, `to=f32`, `value=f64[2] {1, 2}`, `body=(%0: f64[]) { return %0 }`
    fn attribute(&mut self, attributes: &mut Attributes) -> Result<()> {
        let (name, place) = self.name("an operand such as %0, or an attribute such as axis=0")?;
        if attributes.0.iter().any(|(known, _)| known == name) {
            return Err(syntax(format!("the attribute `{name}` is given twice"), place));
        }
        self.expect('=', "after the name of an attribute")?;
        let attribute = match self.next.0 {
            Token::Number(_) => Attribute::Int(self.number("a whole number")?),
            Token::Sign('(') => Attribute::Program(Body::new(self.program()?)),
            Token::Sign('[') => {
                self.advance()?;
                let mut all = Vec::new();
                self.list(']', "a number", |p| {
                    all.push(p.number("a whole number")?);
                    Ok(())
                })?;
                Attribute::Ints(all)
            }
            Token::Name(word) => {
                let (_, place) = self.advance()?;
                match (self.is('['), DType::from_name(word)) {
                    (true, Some(dtype)) => Attribute::Tensor(self.tensor(dtype)?),
                    (true, None) => return Err(no_element_type(word, place)),
                    (false, _) => Attribute::Word(word.to_string()),
                }
            }
            _ => return self.wrong("a number, a list, a word, a tensor or a program"),
        };
        attributes.0.push((name.to_string(), attribute));
        Ok(())
    }

    /// `f64[2,3]`
    fn ty(&mut self) -> Result<Type> {
        let (word, place) = self.name("a type such as f64[2,3]")?;
        let dtype = DType::from_name(word).ok_or_else(|| no_element_type(word, place))?;
        let ty = Type::new(dtype, self.shape()?);
        fits_in_memory(&ty).map_err(|e| e.at("", place))?;
        Ok(ty)
    }

    fn shape(&mut self) -> Result<Shape> {
        let mut dims = Vec::new();
        self.expect('[', "and the lengths of the axes after an element type")?;
        self.list(']', "a length", |p| {
            dims.push(p.number::<usize>("the length of an axis")?);
            Ok(())
        })?;
        Ok(dims.into())
    }

    /// What follows the element type of a tensor: `[2] {1, 2}`.
    fn tensor(&mut self, dtype: DType) -> Result<Tensor> {
        let shape = self.shape()?;
        let place = self.next.1;
        let tensor = match dtype {
            DType::F32 => self.elements(shape, |p| {
                p.float(f32::NAN, |bits| u32::try_from(bits).ok().map(f32::from_bits))
            }),
            DType::F64 => self.elements(shape, |p| p.float(f64::NAN, |b| Some(f64::from_bits(b)))),
            DType::I32 => self.elements(shape, |p| p.number::<i32>("an i32")),
            DType::I64 => self.elements(shape, |p| p.number::<i64>("an i64")),
            DType::Bool => self.elements(shape, |p| match p.next.0 {
                Token::Name("true") => p.advance().map(|_| true),
                Token::Name("false") => p.advance().map(|_| false),
                _ => p.wrong("`true` or `false`"),
            }),
        };
        tensor.map_err(|e| e.at("", place))
    }

    fn elements<T: Element>(
        &mut self,
        shape: Shape,
        mut one: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Tensor> {
        let mut all = Vec::new();
        self.expect('{', "before the elements of a tensor")?;
        self.list('}', "an element", |p| {
            all.push(one(p)?);
            Ok(())
        })?;
        Tensor::new(all, shape)
    }

    /// A number, `inf`, `-inf`, `nan` or `nan(0x…)`.
    fn float<T>(&mut self, nan: T, from_bits: impl Fn(u64) -> Option<T>) -> Result<T>
    where
        T: FromStr + Copy + Into<f64>,
    {
        const EXPECTED: &str = "a number, `inf`, `-inf` or `nan`";
        match self.next.0 {
            Token::Name("inf") => {
                let infinity = "inf".parse().or_else(|_| self.wrong(EXPECTED))?;
                self.advance().map(|_| infinity)
            }
            Token::Name("nan") => {
                self.advance()?;
                if !self.skip('(')? {
                    return Ok(nan);
                }
                let bits = match self.next.0 {
                    Token::Number(text) => text
                        .strip_prefix("0x")
                        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
                        .and_then(from_bits)
                        .filter(|&x| x.into().is_nan()),
                    _ => None,
                };
                let Some(value) = bits else { return self.wrong("the bits of a NaN") };
                self.advance()?;
                self.expect(')', "after the bits of a NaN")?;
                Ok(value)
            }
            // Rust reads words such as `-infinity` and `NaN` too; here there is one of each.
            Token::Number(text) if text != "-inf" && text.contains(['n', 'N']) => {
                self.wrong(EXPECTED)
            }
            _ => self.number(EXPECTED),
        }
    }

    fn value_name(&mut self) -> Result<(&'a str, Source)> {
        match self.next {
            (Token::Value(name), place) => self.advance().map(|_| (name, place)),
            _ => self.wrong("a value such as %0"),
        }
    }

    fn value(&mut self, names: &Names<'a>) -> Result<Value> {
        let (name, place) = self.value_name()?;
        let missing = || syntax(format!("there is no value %{name} here"), place);
        names.get(name).copied().ok_or_else(missing)
    }
}

/// A result of an equation as it is written.
struct Stated<'a> {
    name: &'a str,
    place: Source,
    ty: Option<Type>,
}

fn define<'a>(names: &mut Names<'a>, name: &'a str, number: usize, place: Source) -> Result<()> {
    let number = u32::try_from(number).map_err(|_| syntax("there are too many values", place))?;
    match names.insert(name, Value(number)) {
        Some(_) => Err(syntax(format!("the value %{name} is defined twice"), place)),
        None => Ok(()),
    }
}

/// The primitive of this name, which must have all attributes that are given.
fn primitive(name: &str, attributes: Attributes) -> Result<Prim> {
    let prim = Prim::parse(name, &attributes)?;
    let known = prim.attributes();
    match attributes.0.iter().find(|(a, _)| known.iter().all(|(k, _)| k != a)) {
        Some((unknown, _)) => {
            Err(syntax(format!("it has no attribute `{unknown}`"), Source::Unknown))
        }
        None => Ok(prim),
    }
}

fn no_element_type(word: &str, place: Source) -> Error {
    syntax(format!("there is no element type `{word}`"), place)
        .help("the element types are f32, f64, i32, i64 and bool")
}
