//! The text form: every program reads back as itself, and every mistake is named with its place.

use crate::golden;
use crate::random_programs;
use riesz_core::check::uniform;
use riesz_core::{
    Prim, Program, Result, Source, Tensor, Type, Var, apply, eval, jvp, trace, transpose, unzip,
    vmap,
};
use std::fmt::Write as _;

/// The program as text reads back as itself.
#[track_caller]
fn round_trip(program: &Program) {
    let text = program.to_string();
    match text.parse::<Program>() {
        Ok(parsed) => {
            assert_eq!(parsed, *program, "{text}");
            assert_eq!(parsed.to_string(), text);
        }
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn program_of(prim: Prim, args: &[Tensor]) -> Result<Program> {
    let types: Vec<Type> = args.iter().map(Tensor::ty).collect();
    trace(&types, |x| apply(prim, x).to_vec())
}

#[test]
fn every_primitive_and_what_is_made_of_it() -> Result<()> {
    for sample in Prim::samples() {
        let program = program_of(sample.prim, &sample.args)?;
        round_trip(&program);
        let wrt: Vec<bool> = sample.args.iter().map(|a| a.dtype().is_float()).collect();
        let forward = jvp(&program, &wrt)?;
        round_trip(&forward);
        let halves = unzip(&forward, sample.args.len(), program.outputs().len())?;
        round_trip(&halves.primal);
        round_trip(&transpose(&halves.linear, halves.residuals)?);
        round_trip(&vmap(&program, &vec![Some(0); sample.args.len()], 3)?);
    }
    Ok(())
}

proptest::proptest! {
    #![proptest_config(random_programs::config())]
    #[test]
    fn random_programs_and_their_derivatives(recipe in random_programs::recipe()) {
        let program = random_programs::program(&recipe).unwrap_or_else(|e| panic!("{e}"));
        round_trip(&program);
        round_trip(&jvp(&program, &[true; 3]).unwrap_or_else(|e| panic!("{e}")));
    }
}

#[test]
fn numbers_to_the_last_bit() -> Result<()> {
    let doubles = [
        0.0,
        -0.0,
        f64::INFINITY,
        -f64::INFINITY,
        f64::NAN,
        -f64::NAN,
        f64::from_bits(0x7ff0_0000_0000_0001),
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        1.0 / 3.0,
        1e22,
        123_456_789.125,
        1e-7,
    ];
    let singles = [
        0.1f32,
        -0.0,
        f32::NAN,
        -f32::NAN,
        f32::from_bits(0x7f80_0001),
        f32::INFINITY,
        1e-45,
        f32::MAX,
        16_777_216.0,
    ];
    let program = trace(&[], |_| {
        vec![
            Var::constant(doubles),
            Var::constant(singles),
            Var::constant([i64::MIN, -1, 0, i64::MAX]),
            Var::constant([i32::MIN, 7, i32::MAX]),
            Var::constant([[true, false]]),
            Var::constant(Vec::<f32>::new()),
            Var::constant(-0.0),
        ]
    })?;
    round_trip(&program);
    let values = eval(&program.to_string().parse()?, &[])?;
    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(values[0].as_slice()?), bits(&doubles));
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(values[1].as_slice()?), bits(&singles));
    Ok(())
}

#[test]
fn the_writing_is_free_where_it_means_the_same() -> Result<()> {
    let plain: Program = "(%0: f64[2]) {
      %1: f64[] = constant(value=f64[] {2.0})
      %2: f64[2] = broadcast(%1, shape=[2], axes=[])
      %3: f64[2] = mul(%0, %2)
      return %3, %0
    }"
    .parse()?;
    let free: Program = "# twice
      (%x:f64[2]){%two=constant(value=f64[]{2})# a number
      %twos = broadcast ( %two , axes = [ ], shape=[2]) %y=mul(%x,%twos)return%y,%x}"
        .parse()?;
    assert_eq!(plain, free);
    let none: Program = "() { return }".parse()?;
    assert!(none.is_empty());
    Ok(())
}

#[test]
fn places_are_printed_on_request_and_kept_by_the_parser() -> Result<()> {
    let line = line!() + 1;
    let program = trace(&[], |_| vec![Var::constant([[1.0, 2.0], [2.0, 4.0]]).inverse()])?;
    let text = format!("{program:#}");
    let place = format!("  # {}:{line}:", file!());
    assert!(text.lines().filter(|l| l.contains(&place)).count() == 2, "{text}");
    let parsed: Program = text.parse()?;
    assert_eq!(parsed, program);
    let error = eval(&parsed, &[]).unwrap_err();
    assert_eq!(error.source(), Source::Program { line: 3, column: 18 });
    assert_eq!(error.operation(), "inverse");
    Ok(())
}

/// One mistake each.
const MISTAKES: &[&str] = &[
    "",
    "(%0: f64[2]",
    "(%0: f64[2]) {",
    "(%0: f64[2]) { return %0 } more",
    "(%0 f64[2]) { return %0 }",
    "(%0: f63[2]) { return %0 }",
    "(%0: f64[-2]) { return %0 }",
    "(%0: f64[2.5]) { return %0 }",
    "(%0: f64[9223372036854775807, 9223372036854775807]) { return %0 }",
    "(%0: f64[], %0: f64[]) { return %0 }",
    "(0: f64[]) { return %0 }",
    "(%: f64[]) { return %0 }",
    "(%0: f64[]) { return %1 }",
    "(%0: f64[]) { return %0, }",
    "(%0: f64[]) { return %0 %0 }",
    "(%0: f64[]) {\n  %1: f64[] = exp(%0\n  return %1\n}",
    "(%0: f64[]) {\n  %1: f64[] exp(%0)\n  return %1\n}",
    "(%0: f64[]) {\n  %1: f64[] = expo(%0)\n  return %1\n}",
    "(%0: f64[]) {\n  %1: f64[] = exp(%1)\n  return %1\n}",
    "(%0: f64[]) {\n  %0: f64[] = exp(%0)\n  return %0\n}",
    "(%0: f64[]) {\n  %1: f64[] = exp(%0, %0)\n  return %1\n}",
    "(%0: f64[]) {\n  %1: f32[] = exp(%0)\n  return %1\n}",
    "(%0: f64[]) {\n  %1, %2 = exp(%0)\n  return %1\n}",
    "(%0: f64[]) {\n  exp(%0)\n  return %0\n}",
    "(%0: f64[2], %1: f64[3]) {\n  %2 = add(%0, %1)\n  return %2\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0)\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes=0)\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes=[-1])\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes=[5])\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes=[0], axes=[0])\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes=[0], depth=1)\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(axes=[0], %0)\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes [0])\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = flip(%0, axes={0})\n  return %1\n}",
    "(%0: f64[2]) {\n  %1 = cast(%0, to=f16)\n  return %1\n}",
    "() { %0 = constant(value=f64[2] {1, 2, 3}) return %0 }",
    "() { %0 = constant(value=f64[1] {x}) return %0 }",
    "() { %0 = constant(value=f64[1] {1.5.2}) return %0 }",
    "() { %0 = constant(value=f64[1] {NaN}) return %0 }",
    "() { %0 = constant(value=f64[1] {-nan}) return %0 }",
    "() { %0 = constant(value=f64[1] {+infinity}) return %0 }",
    "() { %0 = constant(value=f64[1] {nan(0x1)}) return %0 }",
    "() { %0 = constant(value=f32[1] {nan(0x7ff8000000000001)}) return %0 }",
    "() { %0 = constant(value=i32[1] {2147483648}) return %0 }",
    "() { %0 = constant(value=i64[1] {1.0}) return %0 }",
    "() { %0 = constant(value=bool[1] {1}) return %0 }",
    "() { %0 = constant(value=f65[1] {1}) return %0 }",
    "() { %0 = constant(value=() { return %1 }) return %0 }",
    "() { %0 = constant(value=() { return }) return %0 }",
    "(%é: f64[]) { return %é }",
    "(%0: f64[]) { %1 = exp(%0); return %1 }",
];

#[test]
fn every_mistake_is_named_with_its_place() -> std::io::Result<()> {
    let mut text = String::new();
    for mistake in MISTAKES {
        let error = mistake.parse::<Program>().map_or_else(|e| e.to_string(), |p| p.to_string());
        let _ = writeln!(text, "{mistake}\n  ----\n{error}\n");
        assert!(error.contains(" column "), "{mistake}\n{error}");
    }
    golden::check("programs/golden/text_errors.txt", &text)
}

#[test]
fn nesting_has_a_bound() {
    let text = "() { constant(value=".repeat(100_000);
    let error = text.parse::<Program>().map_or_else(|e| e.to_string(), |p| p.to_string());
    assert!(error.contains("nest deeper than 64"), "{error}");
}

/// A text with a few characters changed is a program or an error, and never a panic.
#[test]
fn no_text_makes_it_panic() -> Result<()> {
    let mut texts = Vec::new();
    for sample in Prim::samples() {
        texts.push(program_of(sample.prim, &sample.args)?.to_string());
    }
    let signs: Vec<char> = "()[]{},:=%#-+.0123456789eabxnf_ \n\u{e9}\u{1F600}".chars().collect();
    let mut understood = 0;
    for (i, text) in texts.iter().enumerate() {
        for round in 0..24 {
            let seed = (i * 1000 + round) as u64;
            let pick = |k: u64, n: usize| ((uniform(seed, k) * n as f64) as usize).min(n - 1);
            let mut chars: Vec<char> = text.chars().collect();
            for k in 0..1 + round as u64 % 3 {
                let at = pick(3 * k, chars.len());
                let sign = signs[pick(3 * k + 1, signs.len())];
                match pick(3 * k + 2, 3) {
                    0 => chars[at] = sign,
                    1 => chars.insert(at, sign),
                    _ => drop(chars.remove(at)),
                }
            }
            let text: String = chars.into_iter().collect();
            if let Ok(program) = text.parse::<Program>() {
                round_trip(&program);
                understood += 1;
            }
        }
    }
    // Changes of a number or of a name often mean something else.
    assert!(understood > texts.len() / 2, "{understood}");
    Ok(())
}
