//! Pictures of formulas: what is written in them, and that it can be read.

use crate::{riesz, scratch};

/// A picture, taken apart again.
#[derive(Debug, Default)]
struct Drawing {
    boxes: Vec<Rect>,
    /// The lines of text, with the class that colours them.
    lines: Vec<(String, String)>,
    arrows: usize,
}

#[derive(Debug, Clone, Copy)]
struct Rect {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(rest.split_once('"')?.0.to_owned())
}

fn number(tag: &str, name: &str) -> f64 {
    attribute(tag, name).and_then(|t| t.parse().ok()).unwrap_or(f64::NAN)
}

/// Reads an SVG, tag by tag; refuses one whose tags do not match.
fn read(svg: &str) -> Drawing {
    let mut drawing = Drawing::default();
    let mut open: Vec<String> = Vec::new();
    let mut inside = None;
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag that ends");
        let name = tag.split([' ', '/']).find(|w| !w.is_empty()).unwrap_or_default().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{part}");
            continue;
        }
        if !tag.ends_with('/') {
            open.push(name.clone());
        }
        let class = attribute(tag, "class").unwrap_or_default();
        match (name.as_str(), class.as_str()) {
            ("path", "arrow") => drawing.arrows += 1,
            ("rect", "variable" | "step" | "result") => {
                let [x, y, width, height] = ["x", "y", "width", "height"].map(|n| number(tag, n));
                drawing.boxes.push(Rect { x, y, width, height });
                inside = drawing.boxes.last().copied();
            }
            ("g", _) => inside = None,
            ("text", _) => {
                let words = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                if let Some(b) = inside.filter(|_| open.len() == 4) {
                    let (x, y) = (number(tag, "x"), number(tag, "y"));
                    // A character of 12 pixels in a font of fixed width takes 7.2.
                    let right = x + 7.2 * words.chars().count() as f64;
                    assert!(x > b.x && right < b.x + b.width, "{words} leaves its box");
                    assert!(y - 9.0 > b.y && y + 3.0 < b.y + b.height, "{words} leaves its box");
                }
                drawing.lines.push((class, words));
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?} never end");
    for (i, a) in drawing.boxes.iter().enumerate() {
        for b in &drawing.boxes[..i] {
            let apart = a.x + a.width <= b.x
                || b.x + b.width <= a.x
                || a.y + a.height <= b.y
                || b.y + b.height <= a.y;
            assert!(apart, "{a:?} covers {b:?}");
        }
    }
    drawing
}

fn draw(test: &str, args: &[&str]) -> Drawing {
    let file = scratch(test).join("graph.svg");
    let path = file.display().to_string();
    let (code, out, err) = riesz(&[&["graph"], args, &["--svg", &path]].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
    let drawing = read(&std::fs::read_to_string(&file).expect("a picture"));
    let (boxes, arrows) = (drawing.boxes.len(), drawing.arrows);
    assert!(out.ends_with(&format!("graph.svg: {boxes} boxes, {arrows} arrows\n")), "{out}");
    drawing
}

impl Drawing {
    #[track_caller]
    fn says(&self, class: &str, words: &str) {
        let lines: Vec<_> = self.lines.iter().filter(|(c, _)| c == class).collect();
        assert!(lines.iter().any(|(_, w)| w == words), "no {words:?} among {lines:?}");
    }
}

#[test]
fn values_forward_and_gradients_back() {
    // r = Ax − b = (3, 6), f = 45 + 2; x̄ = 2A'r + 2x: 42 and 60 through A*x, 1 twice through x'*x.
    let d = draw(
        "graph_numbers",
        &[
            "norm2(A*x - b)^2 + x'*x",
            "--declare",
            "b: vector[m]",
            "--at",
            "A=[[1,2],[3,4]]; x=[1,1]; b=[0,1]",
        ],
    );
    assert_eq!((d.boxes.len(), d.arrows), (10, 11));
    d.says("name", "v2 = v1 - b");
    d.says("value", "[ 3  6 ]");
    d.says("value", "47");
    d.says("gradient", "gradient 2*v2");
    d.says("gradient", "[  6   6 ]");
    // The fan-out of x: what its three uses send back, and their sum.
    d.says("gradient", "[ 42  60 ]");
    assert_eq!(d.lines.iter().filter(|(_, w)| w == "[ 1  1 ]").count(), 2 + 3, "{:?}", d.lines);
    d.says("gradient", "gradient Σ of 3: 2*(x + A'*(A*x - b))");
    d.says("gradient", "[ 44  62 ]");
}

#[test]
fn without_numbers_there_are_formulas_and_shapes() {
    let d = draw("graph_formulas", &["sum(exp(h)) + h'*h where h = W*x", "--wrt", "W"]);
    d.says("remark", "matrix[n,m]");
    d.says("name", "h = W*x");
    d.says("gradient", "gradient Σ of 3: 2*h + exp(h)");
    assert!(d.lines.iter().all(|(class, _)| class != "value"), "{:?}", d.lines);
    // The gradient is asked for by W only: x has none.
    assert!(!d.lines.iter().any(|(_, w)| w.contains("gradient W'")), "{:?}", d.lines);
    let plain = draw("graph_vector", &["A*x", "--at", "A=[[1,2]]; x=[3,4]"]);
    plain.says("value", "[ 11 ]");
    assert!(plain.lines.iter().all(|(class, _)| class != "gradient"), "{:?}", plain.lines);
    let constant = draw("graph_constant", &["1 + 2"]);
    assert_eq!((constant.boxes.len(), constant.arrows), (1, 0));
}

#[test]
fn large_pictures_are_readable_or_refused() {
    let sum = |n: usize| (0..n).map(|i| format!("sum(sin({i}*x))")).collect::<Vec<_>>().join("+");
    let d = draw("graph_large", &[&sum(40), "--wrt", "x"]);
    assert_eq!(d.boxes.len(), 1 + 3 * 40 + 39);
    let (code, _, err) = riesz(&["graph", &sum(100), "--svg", "never.svg"]);
    assert_eq!(code, 2);
    assert!(err.contains("at most 300") && err.lines().all(|l| l.chars().count() < 200), "{err}");
    let (code, _, err) = riesz(&["graph", "x.^2", "--wrt", "x", "--svg", "never.svg"]);
    assert!(code == 2 && err.contains("only a scalar has a gradient"), "{err}");
}
