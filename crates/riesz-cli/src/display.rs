//! Tensors for people: a number, a row of numbers, or aligned columns.

use riesz::Tensor;

/// A tensor as lines of text, the last one ended. Numbers have up to 10 significant digits; a
/// matrix is aligned; a tensor of more than two axes is one matrix for each leading index. A large one
/// is [shortened](is_shortened), as NumPy does: the ends of each axis, the first and last matrices, and `…`
/// between.
pub fn tensor(t: &Tensor) -> String {
    let (x, shape) = (t.to_f64(), t.shape());
    let short = is_shortened(t);
    match &**shape {
        [] => format!("{}\n", x.first().map_or_else(String::new, |x| number(*x))),
        [_] if !short => list(&x),
        [n] => excerpt(&x, [1, *n]),
        [m, n] if short => excerpt(&x, [*m, *n]),
        [_, n] => matrix(&x, (*n).max(1)),
        [leading @ .., m, n] => {
            let parts: Vec<&[f64]> = x.chunks((m * n).max(1)).collect();
            let places =
                if short { shown(parts.len()) } else { (0..parts.len()).map(Some).collect() };
            let mut text = String::new();
            for place in places {
                let Some(k) = place else {
                    text += "…\n";
                    continue;
                };
                let at: Vec<String> = index(k, leading).iter().map(usize::to_string).collect();
                text += &format!("[{}, :, :]\n", at.join(", "));
                let part = parts[k];
                text += &if short { excerpt(part, [*m, *n]) } else { matrix(part, (*n).max(1)) };
            }
            text
        }
    }
}

/// Numbers beyond which a tensor is shortened, and how many are shown at each end: of a row, of a column, and
/// of the matrices. The cube of both ends is fewer.
const WHOLE: usize = 1000;
const EDGE: usize = 3;

/// Whether not all numbers of a tensor are printed.
pub fn is_shortened(t: &Tensor) -> bool {
    t.len() > WHOLE
}

/// The note beside tensors that are shortened.
pub const SHORTENED: &str = "large tensors are shortened; --json has all numbers";

/// The places of an axis that are printed, with none where there are others between.
fn shown(n: usize) -> Vec<Option<usize>> {
    match n <= 2 * EDGE {
        true => (0..n).map(Some).collect(),
        false => (0..EDGE).map(Some).chain([None]).chain((n - EDGE..n).map(Some)).collect(),
    }
}

/// The corners of a matrix.
fn excerpt(x: &[f64], [m, n]: [usize; 2]) -> String {
    let columns = shown(n);
    let cell = |i: usize, j: &Option<usize>| j.map_or("…".to_owned(), |j| number(x[i * n + j]));
    let rows = shown(m).into_iter();
    let cells = rows.map(|i| i.map(|i| columns.iter().map(|j| cell(i, j)).collect())).collect();
    aligned(cells)
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
fn index(mut k: usize, shape: &[usize]) -> Vec<usize> {
    let mut parts = Vec::new();
    for n in shape.iter().rev() {
        parts.push(k % n);
        k /= n;
    }
    parts.reverse();
    parts
}

fn matrix(x: &[f64], columns: usize) -> String {
    rows(x, columns, &|x| number(*x))
}

/// The rows of a matrix, aligned, with these words for each number.
pub fn rows(x: &[f64], columns: usize, words: &dyn Fn(&f64) -> String) -> String {
    aligned(x.chunks(columns).map(|row| Some(row.iter().map(words).collect())).collect())
}

/// Rows of cells, those of a column as wide as the widest; `…` where there is no row.
fn aligned(rows: Vec<Option<Vec<String>>>) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows.iter().flatten() {
        widths.resize(widths.len().max(row.len()), 0);
        row.iter().zip(&mut widths).for_each(|(cell, w)| *w = (*w).max(cell.chars().count()));
    }
    let mut text = String::new();
    for row in rows {
        let Some(row) = row else {
            text += "  …\n";
            continue;
        };
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

/// A time with three digits, in the smallest unit that has them; with more from 1000 s.
pub fn duration(seconds: f64) -> String {
    let units = [(1e6, "µs"), (1e3, "ms"), (1.0, "s")];
    let written = |(scale, unit): (f64, &str), decimals: usize| {
        format!("{:.decimals$} {unit}", seconds * scale)
    };
    let all = units.into_iter().flat_map(|unit| [2, 1, 0].map(|decimals| written(unit, decimals)));
    let has_three = |text: &String| text.chars().filter(char::is_ascii_digit).count() <= 3;
    all.into_iter().find(has_three).unwrap_or_else(|| written(units[2], 0))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: &[usize]) -> Tensor {
        let n = shape.iter().product::<usize>();
        Tensor::new((0..n).map(|i| i as f64).collect(), shape).unwrap()
    }

    #[test]
    fn large_tensors_show_their_ends() {
        assert_eq!(tensor(&counting(&[2000])), "[ 0  1  2  …  1997  1998  1999 ]\n");
        assert_eq!(
            tensor(&counting(&[500, 4])),
            "[    0     1     2     3 ]\n[    4     5     6     7 ]\n[    8     9    10    11 ]\n  …\n\
             [ 1988  1989  1990  1991 ]\n[ 1992  1993  1994  1995 ]\n[ 1996  1997  1998  1999 ]\n"
        );
        let stack = tensor(&counting(&[10, 2, 100]));
        assert!(stack.starts_with("[0, :, :]\n[   0    1    2  …   97   98   99 ]\n"), "{stack}");
        let heads: Vec<&str> = stack.lines().filter(|line| !line.starts_with("[ ")).collect();
        let around =
            ["[0, :, :]", "[1, :, :]", "[2, :, :]", "…", "[7, :, :]", "[8, :, :]", "[9, :, :]"];
        assert_eq!(heads, around);
        // NumPy's threshold.
        assert!(!tensor(&counting(&[1000])).contains('…') && !is_shortened(&counting(&[1000])));
        assert!(is_shortened(&counting(&[1001])));
        // Many short axes: the first and the last three matrices.
        let many = tensor(&counting(&[2; 11]));
        assert_eq!((many.lines().count(), many.matches('…').count()), (3 * 6 + 1, 1), "{many}");
        assert!(
            many.ends_with("[1, 1, 1, 1, 1, 1, 1, 1, 1, :, :]\n[ 2044  2045 ]\n[ 2046  2047 ]\n")
        );
    }

    #[test]
    fn times_have_three_digits_and_a_unit() {
        let times = [3.21e-5, 4.2e-4, 0.0123, 0.5, 1.0, 75.25].map(duration);
        assert_eq!(times, ["32.1 µs", "420 µs", "12.3 ms", "500 ms", "1.00 s", "75.2 s"]);
        // What is rounded up to the next power of ten.
        let times = [0.009999, 0.00099999, 0.9999999, 0.0999999, 9.999e-6, 1234.5].map(duration);
        assert_eq!(times, ["10.0 ms", "1.00 ms", "1.00 s", "100 ms", "10.0 µs", "1234 s"]);
        assert_eq!(duration(0.0), "0.00 µs");
    }
}
