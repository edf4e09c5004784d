//! Star colourings: neighbours differ, and every path of four vertices has three colours.
//!
//! The edges between two colours then form *stars*, a hub and its spokes. The entry of an edge is read
//! in the product of the hub's colour at the spoke, whose only neighbour of that colour is the hub.

use super::greedy::smallest_last;
use super::{Graph, NONE};
use crate::sparsity::Pattern;

/// Above this many steps only the natural order is tried.
const MOST_STEPS: usize = 1 << 27;

/// A star colouring in the best of several orders, without the vertices that no entry is read from; and
/// for each entry of the pattern whether it is read by its column.
pub fn best(graph: &Graph, pattern: &Pattern) -> (Vec<u32>, Vec<bool>) {
    let hubs = hubs(graph);
    let edges = edges(graph);
    let colored = |order: &mut dyn Iterator<Item = usize>| {
        let mut search = Search::new(graph, &edges, &hubs);
        order.filter(|&v| !hubs[v]).for_each(|v| search.color(v));
        let colors = search.finish();
        let (used, by_column) = reads(graph, &colors, pattern);
        (count(&used), used, by_column)
    };
    let n = graph.len();
    let mut best = colored(&mut (0..n));
    let squares: usize = (0..n).filter(|&v| !hubs[v]).map(|v| graph.degree(v).pow(2)).sum();
    if squares <= MOST_STEPS {
        let degrees: Vec<usize> = (0..n).map(|v| graph.degree(v)).collect();
        let mut largest_first: Vec<usize> = (0..n).collect();
        largest_first.sort_by_key(|&v| std::cmp::Reverse(degrees[v]));
        let each = |v: usize, f: &mut dyn FnMut(usize)| {
            graph.of(v).iter().for_each(|&w| f(w as usize));
        };
        for order in [largest_first, smallest_last(degrees, each)] {
            let other = colored(&mut order.into_iter());
            if other.0 < best.0 {
                best = other;
            }
        }
    }
    (best.1, best.2)
}

fn count(colors: &[u32]) -> usize {
    let mut seen: Vec<u32> = colors.iter().copied().filter(|&c| c != NONE).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

/// Vertices with so many neighbours that looking at all of them from each of them would not be linear:
/// they get colours of their own, and then bound nothing.
fn hubs(graph: &Graph) -> Vec<bool> {
    let n = graph.len();
    let mut hubs = vec![false; n];
    let mean = graph.neighbours.len() / n.max(1);
    let most = (8 * mean).max(64);
    let mut large: Vec<usize> = (0..n).filter(|&v| graph.degree(v) > most).collect();
    large.sort_by_key(|&v| std::cmp::Reverse(graph.degree(v)));
    let square = |v: usize| graph.degree(v).saturating_mul(graph.degree(v));
    let mut squares = (0..n).fold(0usize, |sum, v| sum.saturating_add(square(v)));
    for v in large {
        if squares <= 32 * graph.neighbours.len() + (1 << 16) {
            break;
        }
        hubs[v] = true;
        squares = squares.saturating_sub(square(v));
    }
    hubs
}

/// One number for each edge, found from either end.
fn edges(graph: &Graph) -> Vec<u32> {
    let mut next = graph.offsets.clone();
    let mut edge = vec![0; graph.neighbours.len()];
    let mut count = 0;
    for v in 0..graph.len() {
        for at in graph.offsets[v]..graph.offsets[v + 1] {
            let w = graph.neighbours[at] as usize;
            if v < w {
                // Neighbours increase, so v is the next smaller neighbour of w.
                (edge[at], edge[next[w]]) = (count, count);
                next[w] += 1;
                count += 1;
            }
        }
    }
    edge
}

/// The colouring so far (Gebremedhin, Tarafdar, Manne & Pothen 2007, algorithm 4.1).
struct Search<'a> {
    graph: &'a Graph,
    edges: &'a [u32],
    colors: Vec<u32>,
    /// For each colour, the vertex that may not have it.
    forbidden: Vec<u32>,
    /// For each colour, a vertex and the first of its neighbours with that colour.
    first: Vec<(u32, u32)>,
    /// The vertex from which each one's neighbours were last looked at.
    treated: Vec<u32>,
    /// The star of each edge, and the hub of each star; none for a star of one edge.
    star: Vec<u32>,
    hub: Vec<u32>,
    is_hub: &'a [bool],
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, edges: &'a [u32], is_hub: &'a [bool]) -> Search<'a> {
        let n = graph.len();
        Search {
            graph,
            edges,
            colors: vec![NONE; n],
            forbidden: Vec::new(),
            first: Vec::new(),
            treated: vec![NONE; n],
            star: vec![NONE; graph.neighbours.len() / 2],
            hub: Vec::new(),
            is_hub,
        }
    }

    /// The neighbours that have a colour, and the edges to them.
    fn colored(&self, v: usize) -> impl Iterator<Item = (usize, u32, u32)> + use<'a, '_> {
        let range = self.graph.offsets[v]..self.graph.offsets[v + 1];
        range.filter_map(|at| {
            let w = self.graph.neighbours[at] as usize;
            let color = self.colors[w];
            (color != NONE).then_some((w, color, self.edges[at]))
        })
    }

    fn color(&mut self, v: usize) {
        let neighbours: Vec<(usize, u32, u32)> = self.colored(v).collect();
        let me = v as u32;
        for &(_, color, _) in &neighbours {
            self.forbidden[color as usize] = me;
        }
        for &(w, color, _) in &neighbours {
            let (from, first) = self.first[color as usize];
            if from == me {
                // Two neighbours of one colour: v is the hub, so none of their neighbours has v's.
                if self.treated[first as usize] != me {
                    self.treat(v, first as usize);
                }
                self.treat(v, w);
            } else {
                self.first[color as usize] = (me, w as u32);
                // v may join the star of w and x as a spoke, unless x is its hub.
                for (x, other, edge) in self.colored(w).collect::<Vec<_>>() {
                    if self.hub[self.star[edge as usize] as usize] == x as u32 {
                        self.forbidden[other as usize] = me;
                    }
                }
            }
        }
        let free = self.forbidden.iter().position(|&by| by != me);
        self.colors[v] = free.unwrap_or(self.forbidden.len()) as u32;
        if free.is_none() {
            self.forbidden.push(NONE);
            self.first.push((NONE, NONE));
        }
        self.update_stars(v, &neighbours);
    }

    /// Forbids v the colours of the neighbours of w.
    fn treat(&mut self, v: usize, w: usize) {
        for (_, color, _) in self.colored(w).collect::<Vec<_>>() {
            self.forbidden[color as usize] = v as u32;
        }
        self.treated[w] = v as u32;
    }

    fn update_stars(&mut self, v: usize, neighbours: &[(usize, u32, u32)]) {
        let mut edge_to_first: Vec<(u32, u32)> = Vec::with_capacity(neighbours.len());
        for &(w, color, edge) in neighbours {
            let mine = self.colors[v];
            let twin = self.colored(w).find(|&(x, other, _)| x != v && other == mine);
            let (_, first) = self.first[color as usize];
            if first as usize == w {
                edge_to_first.push((color, edge));
            }
            let star = match twin {
                // Another neighbour of w has v's colour: w is the hub of both.
                Some((_, _, other)) => self.joined(other, w),
                None if first as usize != w => {
                    let other = edge_to_first.iter().find(|(c, _)| *c == color);
                    match other {
                        Some(&(_, other)) => self.joined(other, v),
                        None => self.fresh(),
                    }
                }
                None => self.fresh(),
            };
            self.star[edge as usize] = star;
        }
    }

    /// The star of an edge, whose hub is now known.
    fn joined(&mut self, edge: u32, hub: usize) -> u32 {
        let star = self.star[edge as usize];
        self.hub[star as usize] = hub as u32;
        star
    }

    /// A star of one edge.
    fn fresh(&mut self) -> u32 {
        self.hub.push(NONE);
        self.hub.len() as u32 - 1
    }

    /// The colours, with one of its own for each hub that was left out.
    fn finish(mut self) -> Vec<u32> {
        let used = self.colors.iter().filter(|c| **c != NONE).max().map_or(0, |c| c + 1);
        let left_out = (0..self.graph.len()).filter(|&v| self.is_hub[v]);
        for (color, v) in (used..).zip(left_out) {
            self.colors[v] = color;
        }
        self.colors
    }
}

/// Where each entry is read, and the colours of the vertices that entries are read from.
fn reads(graph: &Graph, colors: &[u32], pattern: &Pattern) -> (Vec<u32>, Vec<bool>) {
    let unique = unique_neighbours(graph, colors);
    let place = |v: usize, w: usize| {
        let at = graph.of(v).binary_search(&(w as u32));
        at.is_ok_and(|at| unique[graph.offsets[v] + at])
    };
    let mut needed = vec![false; graph.len()];
    let mut by_column = vec![true; pattern.len()];
    // First the entries that can be read in one way alone, then the others where it costs nothing.
    let mut open = Vec::new();
    for (at, (row, column)) in pattern.entries().enumerate() {
        match (row == column || place(row, column), place(column, row)) {
            (true, false) => needed[column] = true,
            (false, _) => (needed[row], by_column[at]) = (true, false),
            (true, true) => open.push((at, row, column)),
        }
    }
    let mut color_needed = vec![false; colors.iter().max().map_or(0, |&c| c as usize + 1)];
    let mark = |v: usize, needed: &mut [bool], color_needed: &mut [bool]| {
        (needed[v], color_needed[colors[v] as usize]) = (true, true);
    };
    (0..graph.len()).filter(|&v| needed[v]).for_each(|v| color_needed[colors[v] as usize] = true);
    for (at, row, column) in open {
        let worth = |v: usize| (needed[v], color_needed[colors[v] as usize], graph.degree(v));
        by_column[at] = worth(column) >= worth(row);
        mark(if by_column[at] { column } else { row }, &mut needed, &mut color_needed);
    }
    let used = (0..graph.len()).map(|v| if needed[v] { colors[v] } else { NONE }).collect();
    (used, by_column)
}

/// For each place in the lists of neighbours, whether no other neighbour has that colour.
fn unique_neighbours(graph: &Graph, colors: &[u32]) -> Vec<bool> {
    let most = colors.iter().max().map_or(0, |&c| c as usize + 1);
    let mut times: Vec<(u32, u32)> = vec![(NONE, 0); most];
    let mut unique = vec![false; graph.neighbours.len()];
    for v in 0..graph.len() {
        for &w in graph.of(v) {
            let entry = &mut times[colors[w as usize] as usize];
            *entry = if entry.0 == v as u32 { (v as u32, entry.1 + 1) } else { (v as u32, 1) };
        }
        for at in graph.offsets[v]..graph.offsets[v + 1] {
            unique[at] = times[colors[graph.neighbours[at] as usize] as usize].1 == 1;
        }
    }
    unique
}
