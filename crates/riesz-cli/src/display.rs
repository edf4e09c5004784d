//! Tensors for people: a number, a row of numbers, or aligned columns.

use riesz::Tensor;

/// A tensor as lines of text, the last one ended. Numbers have up to 10 significant digits; a
/// matrix is aligned; a tensor of more than two axes is one matrix for each leading index.
pub fn tensor(t: &Tensor) -> String {
    let (x, shape) = (t.to_f64(), t.shape());
    match &**shape {
        [] => format!("{}\n", x.first().map_or_else(String::new, |x| number(*x))),
        [_] => list(&x),
        [_, n] => matrix(&x, (*n).max(1)),
        [leading @ .., m, n] => {
            let mut text = String::new();
            for (k, part) in x.chunks((m * n).max(1)).enumerate() {
                text += &format!("[{}, :, :]\n", index(k, leading));
                text += &matrix(part, (*n).max(1));
            }
            text
        }
    }
}

/// How wide a line may get before a list goes on in the next one.
const WIDTH: usize = 100;

/// Words in lines that are not wider, the lines after the first moved to the right by `indent`.
pub fn wrapped(text: &str, indent: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > indent && column + 1 + width > WIDTH {
            out += "\n";
            out += &" ".repeat(indent);
            column = indent;
        } else if !out.is_empty() {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += width;
    }
    out
}

/// A vector: one line, or as many as it takes, aligned.
fn list(x: &[f64]) -> String {
    let one = matrix(x, x.len().max(1));
    if one.chars().count() <= WIDTH {
        return one;
    }
    let cells: Vec<String> = x.iter().map(|x| number(*x)).collect();
    let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(1);
    let in_a_line = ((WIDTH - 2) / (width + 2)).max(1);
    let padded: Vec<String> = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
    let lines: Vec<String> = padded.chunks(in_a_line).map(|part| part.join("  ")).collect();
    format!("[ {} ]\n", lines.join("\n  "))
}

/// The position `k` of a row-major walk, as an index counted from 0.
fn index(mut k: usize, shape: &[usize]) -> String {
    let mut parts = Vec::new();
    for n in shape.iter().rev() {
        parts.push((k % n).to_string());
        k /= n;
    }
    parts.reverse();
    parts.join(", ")
}

fn matrix(x: &[f64], columns: usize) -> String {
    rows(x, columns, &|x| number(*x))
}

/// The rows of a matrix, aligned, with these words for each number.
pub fn rows(x: &[f64], columns: usize, words: &dyn Fn(&f64) -> String) -> String {
    let cells: Vec<String> = x.iter().map(words).collect();
    let mut widths = vec![0; columns];
    for (k, cell) in cells.iter().enumerate() {
        widths[k % columns] = widths[k % columns].max(cell.chars().count());
    }
    let mut text = String::new();
    for row in cells.chunks(columns) {
        let padded: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &w)| format!("{cell:>w$}")).collect();
        text += &format!("[ {} ]\n", padded.join("  "));
    }
    text
}

/// A number with up to 10 significant digits, without trailing zeros.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "∞"
        } else {
            "-∞"
        }
        .to_string();
    }
    short(x, 10)
}

/// How large something is that should be 0: three digits, or 0.
pub fn size(x: f64) -> String {
    if x == 0.0 { "0".to_owned() } else { format!("{x:.2e}") }
}

/// A finite number with up to so many significant digits.
pub fn short(x: f64, digits: usize) -> String {
    // Without the sign of a zero, which is no news to a person.
    let x = x + 0.0;
    let scientific = format!("{x:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-5..digits as i32).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        return trim(&format!("{x:.decimals$}")).to_string();
    }
    format!("{}e{exponent}", trim(mantissa))
}

/// Without zeros at the end of the decimals.
fn trim(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A shape in words: `number`, `vector of 3`, `matrix 2×3`, `tensor 2×3×4`.
pub fn shape(shape: &[usize]) -> String {
    match shape {
        [] => "number".to_string(),
        [n] => format!("vector of {n}"),
        _ => {
            let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
            let word = if shape.len() == 2 { "matrix" } else { "tensor" };
            format!("{word} {}", lengths.join("×"))
        }
    }
}
