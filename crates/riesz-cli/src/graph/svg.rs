//! The picture as SVG: no script, no outside font, readable in any browser.

use super::layout::{Area, CHARACTER, LINE, PADDING, Placed, Point};
use super::picture::{Box, Picture, Role, Style};

const LEGEND: [(&str, &str); 2] = [
    ("name", "black: computed from top to bottom"),
    ("gradient", "red: the derivative of the result by each box; Σ adds what the uses send back"),
];

/// Text is measured with a fixed width, so it has to be of a font that has one.
const STYLE: &str = "\
text{font:12px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}\
.name{fill:#111;font-weight:bold}.remark{fill:#667}.value{fill:#111}.gradient{fill:#b3261e}\
.arrow{fill:none;stroke:#445;stroke-width:1.3}\
.variable{fill:#e6f0fb;stroke:#5b87b8}.step{fill:#fff;stroke:#889}.result{fill:#e9f6e9;stroke:#5a995a}";

/// Draws.
pub fn draw(picture: &Picture, placed: &Placed) -> String {
    let back = picture.boxes.iter().flat_map(|b| &b.lines).any(|(_, s)| *s == Style::Gradient);
    let legend: &[(&str, &str)] = if back { &LEGEND } else { &LEGEND[..1] };
    let longest = legend.iter().map(|(_, words)| words.chars().count()).max().unwrap_or(0);
    let width = placed.width.max(longest as f64 * CHARACTER + 32.0);
    let height = placed.height + LINE * legend.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" xml:space=\"preserve\">\n<style>{STYLE}</style>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#445\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let shift = (width - placed.width) / 2.0;
    svg += &format!("<g transform=\"translate({shift:.1} 0)\">\n");
    for points in &placed.arrows {
        svg +=
            &format!("<path class=\"arrow\" marker-end=\"url(#head)\" d=\"{}\"/>\n", curve(points));
    }
    for (b, area) in picture.boxes.iter().zip(&placed.boxes) {
        svg += &node(b, area);
    }
    for (arrow, at) in picture.arrows.iter().zip(&placed.labels) {
        svg += &label(&arrow.back, *at);
    }
    svg += "</g>\n";
    for (k, (class, words)) in legend.iter().enumerate() {
        let y = placed.height + LINE * (k as f64 + 0.5);
        svg +=
            &format!("<text class=\"{class}\" x=\"16\" y=\"{y:.1}\">{}</text>\n", escaped(words));
    }
    svg + "</svg>\n"
}

fn node(b: &Box, area: &Area) -> String {
    let Area { middle, width, height } = area;
    let (left, top) = (middle.x - width / 2.0, middle.y - height / 2.0);
    let class = match b.role {
        Role::Variable => "variable",
        Role::Step => "step",
        Role::Result => "result",
    };
    let mut svg = format!(
        "<g><title>{}</title><rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" \
         width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/>\n",
        escaped(&b.hover)
    );
    for (k, (text, style)) in b.lines.iter().enumerate() {
        let class = match style {
            Style::Name => "name",
            Style::Remark => "remark",
            Style::Value => "value",
            Style::Gradient => "gradient",
        };
        // The base line of a line of text lies three quarters down.
        let (x, y) = (left + PADDING, top + PADDING + LINE * (k as f64 + 0.75));
        svg += &format!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n",
            escaped(text)
        );
    }
    svg + "</g>\n"
}

/// Lines centred at a point, on white so that the arrow does not cross them.
fn label(lines: &[String], at: Point) -> String {
    let Some(longest) = lines.iter().map(|l| l.chars().count()).max() else { return String::new() };
    let (width, height) = (longest as f64 * CHARACTER, lines.len() as f64 * LINE);
    let (left, top) = (at.x - width / 2.0, at.y - height / 2.0);
    let mut svg = format!(
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
         fill=\"#fff\" fill-opacity=\"0.85\"/>\n"
    );
    for (k, line) in lines.iter().enumerate() {
        let y = top + LINE * (k as f64 + 0.75);
        svg += &format!(
            "<text class=\"gradient\" x=\"{left:.1}\" y=\"{y:.1}\">{}</text>\n",
            escaped(line)
        );
    }
    svg
}

/// A smooth path: straight to the first bend, then through the middles between bends.
fn curve(points: &[Point]) -> String {
    let [first, middle @ .., last] = points else { return String::new() };
    let mut path = format!("M{:.1} {:.1}", first.x, first.y);
    for (k, p) in middle.iter().enumerate() {
        let next = middle
            .get(k + 1)
            .map_or(*last, |n| Point { x: (p.x + n.x) / 2.0, y: (p.y + n.y) / 2.0 });
        path += &format!("Q{:.1} {:.1} {:.1} {:.1}", p.x, p.y, next.x, next.y);
    }
    if middle.is_empty() {
        path += &format!("L{:.1} {:.1}", last.x, last.y);
    }
    path
}

/// Text that XML takes for text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Control characters have no place in XML, not even escaped.
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
