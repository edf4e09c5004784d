//! Where boxes and arrows lie, by dagre: in layers, from the variables at the top to the result.

use super::picture::Picture;
use dagre::graph::{Graph, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, layout};

/// The width of a character of the text and the height of a line, in pixels.
pub const CHARACTER: f64 = 7.3;
/// The height of a line, in pixels.
pub const LINE: f64 = 16.0;
/// Space between the text of a box and its edge.
pub const PADDING: f64 = 10.0;

/// A point, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Down.
    pub y: f64,
}

/// A rectangle by its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// The middle.
    pub middle: Point,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// The places of a picture.
pub struct Placed {
    /// Of every box.
    pub boxes: Vec<Area>,
    /// The bends of every arrow, its ends included.
    pub arrows: Vec<Vec<Point>>,
    /// The middle of every arrow's label.
    pub labels: Vec<Point>,
    /// How wide the picture is.
    pub width: f64,
    /// How high the picture is.
    pub height: f64,
}

/// The room that lines of text take.
fn room<'a>(lines: impl Iterator<Item = &'a str>) -> (f64, f64) {
    let (mut characters, mut count) = (0, 0);
    for line in lines {
        characters = characters.max(line.chars().count());
        count += 1;
    }
    (characters as f64 * CHARACTER, f64::from(count) * LINE)
}

/// Finds the places.
pub fn place(picture: &Picture) -> Placed {
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    for (i, b) in picture.boxes.iter().enumerate() {
        let (width, height) = room(b.lines.iter().map(|(text, _)| text.as_str()));
        let (width, height) = (width + 2.0 * PADDING, height + 2.0 * PADDING);
        graph.set_node(i.to_string(), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for (k, a) in picture.arrows.iter().enumerate() {
        let (width, height) = room(a.back.iter().map(String::as_str));
        let labelpos = LabelPos::Center;
        let label = EdgeLabel { width, height, labelpos, ..EdgeLabel::default() };
        let (from, to) = (a.from.to_string(), a.to.to_string());
        graph.set_edge(from, to, Some(label), Some(&k.to_string()));
    }
    let options = LayoutOptions {
        nodesep: 24.0,
        edgesep: 16.0,
        ranksep: 28.0,
        marginx: 16.0,
        marginy: 16.0,
        ..LayoutOptions::default()
    };
    layout(&mut graph, Some(options));
    read(picture, &graph)
}

fn read(picture: &Picture, graph: &Graph<NodeLabel, EdgeLabel>) -> Placed {
    let area = |i: usize| {
        let node = graph.node(&i.to_string());
        node.map_or(Area { middle: Point { x: 0.0, y: 0.0 }, width: 0.0, height: 0.0 }, |n| {
            let middle = Point { x: n.x.unwrap_or_default(), y: n.y.unwrap_or_default() };
            Area { middle, width: n.width, height: n.height }
        })
    };
    let boxes: Vec<Area> = (0..picture.boxes.len()).map(area).collect();
    let (mut arrows, mut labels) = (Vec::new(), Vec::new());
    for (k, a) in picture.arrows.iter().enumerate() {
        let edge = graph.edge(&a.from.to_string(), &a.to.to_string(), Some(&k.to_string()));
        let points: Vec<Point> = edge
            .map(|e| e.points.iter().map(|p| Point { x: p.x, y: p.y }).collect())
            .unwrap_or_default();
        let half = points.get(points.len() / 2).copied().unwrap_or(Point { x: 0.0, y: 0.0 });
        let given = edge.and_then(|e| Some(Point { x: e.x?, y: e.y? }));
        labels.push(given.unwrap_or(half));
        arrows.push(points);
    }
    let mut placed = Placed { boxes, arrows, labels, width: 0.0, height: 0.0 };
    let corners =
        placed.boxes.iter().map(|b| (b.middle.x + b.width / 2.0, b.middle.y + b.height / 2.0));
    let bends = placed.arrows.iter().flatten().map(|p| (p.x, p.y));
    let (mut width, mut height): (f64, f64) = (0.0, 0.0);
    for (x, y) in corners.chain(bends) {
        (width, height) = (width.max(x), height.max(y));
    }
    (placed.width, placed.height) = (width + 16.0, height + 16.0);
    placed
}
